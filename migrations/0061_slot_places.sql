-- Where the number rang, as it was known then: some states count calls to work by themselves (940 CMR 7.04(1)(f);
-- RCW 19.16.250(13)). Of contacts of before nobody knows: they count as made elsewhere.
ALTER TABLE contact_slots ADD COLUMN at_work boolean NOT NULL DEFAULT false;

-- Each notice to somebody who asked to be left alone goes out once, however long ago the first did (12 CFR 1006.6(c)(2)).
CREATE INDEX contact_slots_cease_notices ON contact_slots (business_id, debtor_id) WHERE cease_notice IS NOT NULL;
