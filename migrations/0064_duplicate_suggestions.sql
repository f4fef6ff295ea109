-- Who is probably the same person: a queue of pairs for staff, who merge them or say that they are two. What tells is sealed and
-- may be indexed under several versions of the business's key, so a job looks, not the database: it is told here whose
-- record is new or has changed.

CREATE TABLE duplicate_checks (
    business_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    PRIMARY KEY (business_id, debtor_id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id)
);
CALL app.protect('duplicate_checks', 'staff', 'SELECT, UPDATE, DELETE');
CALL app.open_to_system('duplicate_checks', 'SELECT');

CREATE TABLE duplicate_suggestions (
    business_id uuid NOT NULL,
    -- A pair stands here once: the smaller id first.
    one_id uuid NOT NULL,
    other_id uuid NOT NULL,
    -- Why it may be one person; nothing where a person said that it is two before anything was found.
    reasons text[] NOT NULL CHECK (cardinality(reasons) <= 5),
    found_at timestamptz NOT NULL,
    -- Since when somebody knows that it is two: neither is suggested for the other any more.
    dismissed_at timestamptz,
    -- Null for an API key.
    dismissed_by uuid,
    PRIMARY KEY (business_id, one_id, other_id),
    FOREIGN KEY (business_id, one_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, other_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, dismissed_by) REFERENCES users (business_id, id),
    CHECK (one_id < other_id),
    CHECK (dismissed_at IS NOT NULL OR dismissed_by IS NULL)
);
CREATE INDEX duplicate_suggestions_open ON duplicate_suggestions (business_id, found_at, one_id, other_id)
    WHERE dismissed_at IS NULL;
CREATE INDEX duplicate_suggestions_other ON duplicate_suggestions (business_id, other_id);
CALL app.protect('duplicate_suggestions', 'staff', 'SELECT, INSERT, UPDATE, DELETE');

-- Whoever writes the record, the debtor in the portal among them, the table is staff's: so with the owner's rights.
CREATE FUNCTION app.check_duplicates() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' AND TG_TABLE_NAME = 'debtors' THEN
        INSERT INTO duplicate_checks SELECT f.business_id, f.id FROM fresh f ON CONFLICT DO NOTHING;
    ELSIF TG_LEVEL = 'STATEMENT' THEN
        INSERT INTO duplicate_checks SELECT DISTINCT f.business_id, f.debtor_id FROM fresh f ON CONFLICT DO NOTHING;
    ELSIF TG_TABLE_NAME = 'debtors' THEN
        INSERT INTO duplicate_checks VALUES (NEW.business_id, NEW.id) ON CONFLICT DO NOTHING;
    ELSE
        INSERT INTO duplicate_checks VALUES (NEW.business_id, NEW.debtor_id) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION app.check_duplicates FROM PUBLIC;
CREATE TRIGGER check_new_people AFTER INSERT ON debtors REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION app.check_duplicates();
CREATE TRIGGER check_changed_people AFTER UPDATE OF name_key, birth_date_cipher, address_cipher, national_id_blind, merged_into
    ON debtors FOR EACH ROW
    WHEN ((OLD.name_key, OLD.birth_date_cipher, OLD.address_cipher, OLD.national_id_blind, OLD.merged_into)
        IS DISTINCT FROM (NEW.name_key, NEW.birth_date_cipher, NEW.address_cipher, NEW.national_id_blind, NEW.merged_into))
    EXECUTE FUNCTION app.check_duplicates();
CREATE TRIGGER check_new_contacts AFTER INSERT ON contact_points REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION app.check_duplicates();
CREATE TRIGGER check_changed_contacts AFTER UPDATE OF blind_index, removed_at ON contact_points FOR EACH ROW
    WHEN ((OLD.blind_index, OLD.removed_at) IS DISTINCT FROM (NEW.blind_index, NEW.removed_at))
    EXECUTE FUNCTION app.check_duplicates();

-- Everybody who was stored before.
INSERT INTO duplicate_checks SELECT business_id, id FROM debtors WHERE erased_at IS NULL;
