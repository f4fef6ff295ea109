-- Import of accounts from a file: what was found in it, its rows on their way, how far it is.

CREATE TABLE account_imports (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    -- The uploaded file.
    file_id uuid NOT NULL,
    -- Null where an API key did it.
    created_by uuid,
    status text NOT NULL CHECK (status IN ('NEEDS_MAPPING', 'ANALYZING', 'READY', 'COMMITTING', 'COMPLETED', 'FAILED',
        'CANCELLED', 'EXPIRED')),
    template text NOT NULL CHECK (template IN ('ACCOUNTS', 'LEADS')),
    mode text CHECK (mode IN ('ALL_OR_NOTHING', 'VALID_ROWS_ONLY')),
    -- The columns, with samples of their cells and what becomes of them. Sealed under the business's key of that version.
    columns_cipher bytea NOT NULL,
    key_version int NOT NULL,
    -- Counts the runs of the analysis: one that was overtaken by another stops.
    run int NOT NULL DEFAULT 0,
    rows_analyzed int NOT NULL DEFAULT 0,
    -- Known once the end of the file was seen.
    rows_total int,
    rows_valid int NOT NULL DEFAULT 0,
    rows_invalid int NOT NULL DEFAULT 0,
    rows_duplicate_in_file int NOT NULL DEFAULT 0,
    rows_duplicate_in_business int NOT NULL DEFAULT 0,
    rows_suppressed int NOT NULL DEFAULT 0,
    -- How far the commit is: written in the transaction that places the rows (all or nothing: beside it).
    chunks_committed int NOT NULL DEFAULT 0,
    rows_processed int NOT NULL DEFAULT 0,
    rows_imported int NOT NULL DEFAULT 0,
    rows_skipped int NOT NULL DEFAULT 0,
    failure_code text,
    failure_message text,
    report_file_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- When it is given up if nobody commits it; once it has ended, when it is forgotten.
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, created_by) REFERENCES users (business_id, id),
    CHECK ((failure_code IS NULL) = (failure_message IS NULL))
);
CREATE INDEX account_imports_due ON account_imports (expires_at);
CALL app.protect('account_imports', 'staff', 'SELECT, INSERT, UPDATE, DELETE');
CALL app.open_to_system('account_imports', 'SELECT');

-- Rows of a file on their way, some hundred to a chunk: personal data of people who are not debtors yet. Sealed under
-- the business's key; gone when the import ends.
CREATE TABLE account_import_chunks (
    business_id uuid NOT NULL,
    import_id uuid NOT NULL,
    -- From 0, in the order of the file.
    nth int NOT NULL,
    id uuid NOT NULL,
    rows_cipher bytea NOT NULL,
    key_version int NOT NULL,
    PRIMARY KEY (business_id, import_id, nth),
    FOREIGN KEY (business_id, import_id) REFERENCES account_imports (business_id, id)
);
-- Long values are ciphertext, which no compression makes shorter.
ALTER TABLE account_import_chunks ALTER COLUMN rows_cipher SET STORAGE EXTERNAL;
CALL app.protect('account_import_chunks', 'staff', 'SELECT, INSERT, DELETE');

-- What is to be said of rows; never what they hold.
CREATE TABLE account_import_findings (
    business_id uuid NOT NULL,
    import_id uuid NOT NULL,
    row_number int NOT NULL,
    ordinal smallint NOT NULL,
    -- From 0; null where it is about the whole row.
    column_index smallint,
    code text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (business_id, import_id, row_number, ordinal),
    FOREIGN KEY (business_id, import_id) REFERENCES account_imports (business_id, id)
);
CALL app.protect('account_import_findings', 'staff', 'SELECT, INSERT, DELETE');

-- As it stood in the file that it came from, beside the normalised value.
ALTER TABLE contact_points ADD COLUMN original_cipher bytea;

-- What else an event may be about: an import, whatever is followed by itself.
ALTER TABLE live_events ADD COLUMN object_id uuid;
CREATE INDEX live_events_object ON live_events (business_id, object_id, position) WHERE object_id IS NOT NULL;

CREATE OR REPLACE FUNCTION app.commit_head(p_business uuid, p_at timestamptz, p_events jsonb, p_audits jsonb)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head business_head%ROWTYPE;
    entry jsonb;
    stamp timestamptz;
BEGIN
    SELECT * INTO STRICT head FROM business_head WHERE business_id = p_business FOR UPDATE;
    stamp := greatest(head.last_at, p_at);
    IF jsonb_array_length(p_events) > 0 THEN
        INSERT INTO live_events (business_id, position, kind, at, conversation_id, message_id, account_id,
            debtor_id, assigned_agent_id, previous_agent_id, object_id)
        SELECT p_business, head.live_position + e.n, e.v ->> 'kind', stamp, (e.v ->> 'conversation_id')::uuid,
            (e.v ->> 'message_id')::uuid, (e.v ->> 'account_id')::uuid, (e.v ->> 'debtor_id')::uuid,
            (e.v ->> 'assigned_agent_id')::uuid, (e.v ->> 'previous_agent_id')::uuid, (e.v ->> 'object_id')::uuid
        FROM jsonb_array_elements(p_events) WITH ORDINALITY AS e(v, n);
        head.live_position := head.live_position + jsonb_array_length(p_events);
    END IF;
    FOR entry IN SELECT * FROM jsonb_array_elements(p_audits) LOOP
        head.audit_position := head.audit_position + 1;
        head.audit_hash := app.audit_hash(head.audit_hash, (entry ->> 'id')::uuid, head.audit_position, stamp,
            entry ->> 'actor_kind', (entry ->> 'actor_id')::uuid, entry ->> 'action', (entry ->> 'object_id')::uuid,
            (entry ->> 'debtor_id')::uuid, entry ->> 'request_id', decode(entry ->> 'details', 'hex'),
            (entry ->> 'key_id')::uuid);
        INSERT INTO audit_events (business_id, id, position, at, actor_kind, actor_id, action, object_id, debtor_id,
            request_id, details, key_id, hash)
        VALUES (p_business, (entry ->> 'id')::uuid, head.audit_position, stamp, entry ->> 'actor_kind',
            (entry ->> 'actor_id')::uuid, entry ->> 'action', (entry ->> 'object_id')::uuid,
            (entry ->> 'debtor_id')::uuid, entry ->> 'request_id', decode(entry ->> 'details', 'hex'),
            (entry ->> 'key_id')::uuid, head.audit_hash);
    END LOOP;
    UPDATE business_head SET live_position = head.live_position, audit_position = head.audit_position,
        audit_hash = head.audit_hash, last_at = stamp WHERE business_id = p_business;
    RETURN head.live_position;
END $$;
