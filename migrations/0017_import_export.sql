-- Imports and exports: slices of work, wishes not to be called, people known by name, birth date and postal code, files
-- that go with the people whom they tell of, and the events that integrators are told of.

-- The work on an import is done in slices, each a job of its own: the number of the present one. A job of another slice
-- stops.
ALTER TABLE account_imports RENAME COLUMN run TO step;
ALTER TABLE account_imports ADD COLUMN chunks_analyzed int NOT NULL DEFAULT 0;
-- What is under way was staged without what follows: it ends, and its file goes.
DELETE FROM account_import_chunks;
UPDATE files f SET expires_at = i.updated_at FROM account_imports i
WHERE i.business_id = f.business_id AND i.file_id = f.id AND f.state = 'CLAIMED'
  AND i.status IN ('NEEDS_MAPPING', 'ANALYZING', 'READY', 'COMMITTING');
UPDATE account_imports SET status = 'FAILED', failure_code = 'STOPPED',
    failure_message = 'The service was renewed meanwhile: upload the file again, what is there is recognised.'
WHERE status IN ('NEEDS_MAPPING', 'ANALYZING', 'READY', 'COMMITTING');

ALTER TABLE account_import_chunks
    -- Blind indexes of numbers whose rows, placed or not, say that they are not to be called; emptied once they are on the
    -- suppression list.
    ADD COLUMN do_not_call bytea[] NOT NULL DEFAULT '{}',
    -- What tells the rows apart, by which a later slice knows duplicates. Sealed as the rows are.
    ADD COLUMN identities_cipher bytea;
GRANT UPDATE (do_not_call) ON account_import_chunks TO funnelchat_app;

-- HMAC of name, birth date and postal code: who has the same is the same person (an import and createAccount ask).
-- Null where one of the three is not known.
ALTER TABLE debtors ADD COLUMN match_blind bytea;
CREATE INDEX debtors_match ON debtors (business_id, match_blind) WHERE match_blind IS NOT NULL;

-- Whom a file tells of that is about many people, and so under the business's own key: an export, the rows that an import
-- did not take.
CREATE TABLE file_debtors (
    business_id uuid NOT NULL,
    file_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    PRIMARY KEY (business_id, file_id, debtor_id),
    FOREIGN KEY (business_id, file_id) REFERENCES files (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id)
);
CREATE INDEX file_debtors_debtor ON file_debtors (business_id, debtor_id);
CALL app.protect('file_debtors', 'staff', 'SELECT, INSERT, DELETE');

-- Destroying a person's profile key is their erasure: what is left of them outside its reach goes in the same
-- transaction, whoever destroys it. With the owner's rights: nobody else may write all of it.
CREATE FUNCTION app.forget_person() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE debtors SET match_blind = NULL
    WHERE business_id = NEW.business_id AND id = NEW.debtor_id AND match_blind IS NOT NULL;
    -- The objects are removed later, which expires_at says.
    UPDATE files SET state = 'GONE', wrapped_key = NULL, name_cipher = NULL, person_name_cipher = NULL,
        expires_at = NEW.destroyed_at
    WHERE business_id = NEW.business_id AND state <> 'GONE' AND id IN (
        SELECT file_id FROM file_debtors WHERE business_id = NEW.business_id AND debtor_id = NEW.debtor_id);
    RETURN NULL;
END $$;
CREATE TRIGGER forget_person AFTER UPDATE OF destroyed_at ON data_keys FOR EACH ROW
    WHEN (OLD.destroyed_at IS NULL AND NEW.destroyed_at IS NOT NULL AND NEW.purpose = 'PROFILE'
          AND NEW.debtor_id IS NOT NULL)
    EXECUTE FUNCTION app.forget_person();

-- What integrators are told of: written in the transaction that it tells of. It names the object and holds nothing of it:
-- the body is made when it is delivered, of what the object is and who it tells of then.
CREATE TABLE webhook_events (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('account.created')),
    object_id uuid NOT NULL,
    -- Of the request or job that did it.
    request_id text NOT NULL,
    created_at timestamptz NOT NULL,
    -- When it was handed to all that are to be told; null until then.
    dispatched_at timestamptz,
    PRIMARY KEY (business_id, id)
);
CREATE INDEX webhook_events_waiting ON webhook_events (business_id, id) WHERE dispatched_at IS NULL;
CREATE INDEX webhook_events_age ON webhook_events (created_at);
CALL app.protect('webhook_events', 'staff', 'SELECT, INSERT');
CALL app.open_to_system('webhook_events', 'SELECT, DELETE');
