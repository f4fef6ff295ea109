-- What somebody asks for in advance, each a word of the ledger by itself: a call (12 CFR 1006.14(b)(3)(i)), on a day that they
-- may name; and to be contacted at hours at which nobody is otherwise (12 CFR 1006.6(b)(1)). And what their attorney says: that
-- they may be contacted directly (12 CFR 1006.6(b)(2)).
ALTER TABLE consents
    DROP CONSTRAINT consents_purpose_check,
    ADD CONSTRAINT consents_purpose_check
        CHECK (purpose IN ('COLLECTION', 'MARKETING', 'ELECTRONIC_NOTICES', 'CALL_BACK', 'OUTSIDE_HOURS', 'DIRECT_CONTACT')),
    -- On the person's own clock, in minutes since midnight; past midnight where they end before they begin.
    ADD COLUMN from_minute smallint CHECK (from_minute BETWEEN 0 AND 1439),
    ADD COLUMN to_minute smallint CHECK (to_minute BETWEEN 1 AND 1440),
    ADD COLUMN on_date date,
    ADD CONSTRAINT consents_hours CHECK ((from_minute IS NULL) = (to_minute IS NULL)
        AND (from_minute IS NOT NULL) = (purpose = 'OUTSIDE_HOURS' AND status <> 'REVOKED')),
    ADD CONSTRAINT consents_day CHECK (on_date IS NULL OR purpose = 'CALL_BACK');
