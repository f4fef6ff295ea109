-- The debtor as a person: what is known of each contact point, evidence of the time zone, date of birth, holds that
-- bind the person, and records that are found to be of one person.

ALTER TABLE contact_points
    DROP CONSTRAINT contact_points_provenance_check,
    ADD CONSTRAINT contact_points_provenance_check
        CHECK (provenance IN ('CREDITOR', 'CONSUMER', 'IMPORT', 'STAFF', 'SKIP_TRACE')),
    ADD COLUMN line_type text NOT NULL DEFAULT 'UNKNOWN' CHECK (line_type IN ('MOBILE', 'LANDLINE', 'UNKNOWN')),
    -- 12 CFR 1006.22(f)(3), 1006.6(b)(3): an employer's address or line has rules of its own.
    ADD COLUMN contact_use text NOT NULL DEFAULT 'UNKNOWN' CHECK (contact_use IN ('HOME', 'WORK', 'UNKNOWN')),
    ADD COLUMN label_cipher bytea,
    ADD COLUMN validity text NOT NULL DEFAULT 'UNVERIFIED'
        CHECK (validity IN ('VALID', 'UNVERIFIED', 'INVALID', 'WRONG_NUMBER', 'REASSIGNED')),
    ADD COLUMN validity_since timestamptz,
    -- Null where the service itself or an API key said so.
    ADD COLUMN validity_by uuid,
    -- A removed point is nobody's any more: no order, and no blind index, unless it is known to reach somebody else: that
    -- stays known. The row stays, for consents name it.
    ADD COLUMN removed_at timestamptz,
    ALTER COLUMN ordinal DROP NOT NULL,
    ADD CONSTRAINT contact_points_removed CHECK ((removed_at IS NULL) = (ordinal IS NOT NULL)),
    ADD CONSTRAINT contact_points_removed_blind CHECK (removed_at IS NULL OR blind_index IS NULL
        OR validity IN ('WRONG_NUMBER', 'REASSIGNED')),
    ADD CONSTRAINT contact_points_line_type CHECK (kind = 'PHONE' OR line_type = 'UNKNOWN'),
    ADD FOREIGN KEY (business_id, validity_by) REFERENCES users (business_id, id);
-- One person has an address once, also when two add it at the same moment.
CREATE UNIQUE INDEX contact_points_once ON contact_points (business_id, debtor_id, blind_index)
    WHERE blind_index IS NOT NULL AND removed_at IS NULL;

ALTER TABLE debtors
    -- When the address was changed last; null since the beginning.
    ADD COLUMN address_at timestamptz,
    ADD COLUMN birth_date_cipher bytea,
    -- The zone in which the person said they are.
    ADD COLUMN stated_zone_cipher bytea,
    ADD COLUMN stated_zone_at timestamptz,
    ADD CONSTRAINT debtors_stated_zone CHECK (stated_zone_cipher IS NULL OR stated_zone_at IS NOT NULL);
UPDATE debtors SET address_at = updated_at WHERE address_cipher IS NOT NULL;

-- A cease request, a bankruptcy, a death, active duty and the business's own choice are the person's, whatever debt
-- they were learned of: such a hold names no debt. Of several on one person the first stays.
UPDATE holds h SET lifted_at = h.placed_at
WHERE h.lifted_at IS NULL AND h.kind IN ('BANKRUPTCY', 'CEASE', 'DECEASED', 'DO_NOT_RECONTACT', 'SCRA') AND EXISTS (
    SELECT FROM holds e
    WHERE e.business_id = h.business_id AND e.debtor_id = h.debtor_id AND e.kind = h.kind AND e.lifted_at IS NULL
      AND (e.placed_at, e.id) < (h.placed_at, h.id));
UPDATE holds SET account_id = NULL
WHERE lifted_at IS NULL AND account_id IS NOT NULL
  AND kind IN ('BANKRUPTCY', 'CEASE', 'DECEASED', 'DO_NOT_RECONTACT', 'SCRA');
ALTER TABLE holds ADD CONSTRAINT holds_of_the_person CHECK (account_id IS NULL OR lifted_at IS NOT NULL
    OR kind NOT IN ('BANKRUPTCY', 'CEASE', 'DECEASED', 'DO_NOT_RECONTACT', 'SCRA'));

-- Records that turned out to be of one person. Each keeps its rows and keys; `merged_into` names the record that stands
-- for the person, `person_id` is that record everywhere. Taking one out again is exact: nothing was moved.
ALTER TABLE debtors
    ADD COLUMN merged_into uuid CHECK (merged_into <> id),
    ADD COLUMN person_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(merged_into, id)) STORED,
    ADD FOREIGN KEY (business_id, merged_into) REFERENCES debtors (business_id, id);
CREATE INDEX debtors_person ON debtors (business_id, person_id);

-- Who merged whom and why. The standing rows form trees: `debtor_id` went below `survivor_id` with all that was below
-- itself, and leaves it with them.
CREATE TABLE debtor_merges (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    survivor_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    -- Under the record key of the merged debtor, as evidence.
    reason_cipher bytea NOT NULL,
    merged_at timestamptz NOT NULL,
    -- Null where an API key did it.
    merged_by uuid,
    unmerge_reason_cipher bytea,
    unmerged_at timestamptz,
    unmerged_by uuid,
    PRIMARY KEY (business_id, id),
    CHECK (survivor_id <> debtor_id),
    CHECK ((unmerged_at IS NULL) = (unmerge_reason_cipher IS NULL)),
    FOREIGN KEY (business_id, survivor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, merged_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, unmerged_by) REFERENCES users (business_id, id)
);
CREATE UNIQUE INDEX debtor_merges_standing ON debtor_merges (business_id, debtor_id) WHERE unmerged_at IS NULL;
CREATE INDEX debtor_merges_survivor ON debtor_merges (business_id, survivor_id) WHERE unmerged_at IS NULL;
CALL app.protect('debtor_merges', 'staff', 'SELECT, INSERT, UPDATE');

-- 12 CFR 1006.6(b)(1), comment 6(b)(1)-1: times that a person called inconvenient, on their own clock.
CREATE TABLE inconvenient_times (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    -- On which it begins; every day when null.
    days text[] CHECK (cardinality(days) BETWEEN 1 AND 7 AND days <@ '{MON,TUE,WED,THU,FRI,SAT,SUN}'::text[]),
    -- Minutes since midnight, inclusive and exclusive; a window that ends before it begins runs over midnight.
    from_minute smallint NOT NULL CHECK (from_minute BETWEEN 0 AND 1439),
    to_minute smallint NOT NULL CHECK (to_minute BETWEEN 1 AND 1440 AND to_minute <> from_minute),
    -- Every channel when null.
    channels text[] CHECK (cardinality(channels) BETWEEN 1 AND 5
        AND channels <@ '{SMS,WHATSAPP,EMAIL,WEB_CHAT,VOICE}'::text[]),
    -- What the person said, under their record key: evidence.
    statement_cipher bytea NOT NULL,
    stated_at timestamptz NOT NULL,
    -- Null where an API key did it.
    recorded_by uuid,
    withdrawn_at timestamptz,
    withdrawn_by uuid,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, withdrawn_by) REFERENCES users (business_id, id)
);
CREATE INDEX inconvenient_times_debtor ON inconvenient_times (business_id, debtor_id) WHERE withdrawn_at IS NULL;
CALL app.protect('inconvenient_times', 'staff', 'SELECT, INSERT, UPDATE');
