-- Where a person said they are is kept with what they said; it counts alone once a second person has confirmed it. Until
-- then it is one clue among others, and so is the zone that was confirmed before it. A statement without a zone says that
-- the last one holds no more.
ALTER TABLE debtors
    ADD COLUMN stated_zone_statement_cipher bytea,
    ADD COLUMN stated_zone_by uuid,
    ADD COLUMN confirmed_zone_cipher bytea,
    ADD COLUMN confirmed_zone_at timestamptz,
    ADD COLUMN confirmed_zone_by uuid,
    ADD CONSTRAINT debtors_stated_zone_by FOREIGN KEY (business_id, stated_zone_by) REFERENCES users (business_id, id),
    ADD CONSTRAINT debtors_confirmed_zone_by FOREIGN KEY (business_id, confirmed_zone_by)
        REFERENCES users (business_id, id),
    ADD CONSTRAINT debtors_confirmed_zone CHECK (confirmed_zone_cipher IS NULL OR confirmed_zone_at IS NOT NULL);

-- The keys of one maker that are good.
CREATE INDEX api_keys_good ON api_keys (business_id, created_by) WHERE revoked_at IS NULL;
