-- Files: what is uploaded, kept beside accounts, and made for download. Their contents lie in an object store,
-- encrypted; here is what they are and the key of each.

CREATE TABLE files (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('ACCOUNT_IMPORT', 'DOCUMENT', 'PROFILE_PHOTO', 'EXPORT', 'IMPORT_REPORT')),
    -- AWAITED: a link was given out, nothing has come. WRITING: content is being written. STORED: uploaded, and used for
    -- nothing yet. CLAIMED: in use. GONE: the key is destroyed, and with it the content.
    state text NOT NULL CHECK (state IN ('AWAITED', 'WRITING', 'STORED', 'CLAIMED', 'GONE')),
    -- Whom the content tells of, and the person's key that guards the file's; the business's own key where null.
    debtor_id uuid,
    data_key_id uuid,
    -- The key of the content, wrapped.
    wrapped_key bytea,
    -- The file's name: under the business's own key of that version, or the person's.
    key_version int NOT NULL,
    name_cipher bytea,
    person_name_cipher bytea,
    media_type text NOT NULL CHECK (length(media_type) <= 100),
    -- As announced for an upload; of a file that is being made, known at its end.
    size bigint CHECK (size >= 0),
    sha256 bytea CHECK (length(sha256) = 32),
    -- The member of staff or API key whose it is; none for what the service itself makes.
    created_by uuid,
    created_at timestamptz NOT NULL,
    -- When the content goes; null for what stays, and once it has gone.
    expires_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, data_key_id) REFERENCES data_keys (business_id, id),
    CHECK ((debtor_id IS NULL) = (data_key_id IS NULL)),
    CHECK (num_nonnulls(name_cipher, person_name_cipher) <= 1),
    CHECK ((state = 'GONE') = (wrapped_key IS NULL)),
    CHECK (state NOT IN ('STORED', 'CLAIMED') OR (size IS NOT NULL AND sha256 IS NOT NULL))
);
CREATE INDEX files_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX files_open ON files (business_id, created_by) WHERE state IN ('AWAITED', 'WRITING', 'STORED');
CALL app.protect('files', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('files', 'SELECT');

-- The largest document that a business takes; the service's default where null (X-68).
ALTER TABLE businesses ADD COLUMN document_max_bytes bigint
    CHECK (document_max_bytes BETWEEN 1048576 AND 52428800);

-- Documents of an account. Not composite with the debtor, as notes are not: the file says whom it tells of, and which
-- key guards it, also when the account has become another's.
CREATE TABLE account_documents (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    file_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('INVOICE', 'AGREEMENT', 'LETTER', 'PHOTO', 'VALIDATION', 'OTHER')),
    -- Under the key that guards the file: the debtor's profile key.
    description_cipher bytea,
    tags text[] NOT NULL CHECK (cardinality(tags) <= 20),
    -- Null for an API key.
    uploaded_by uuid,
    created_at timestamptz NOT NULL,
    -- Nobody sees it any more; it is kept, for it may be evidence.
    deleted_at timestamptz,
    deleted_by uuid,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, file_id),
    FOREIGN KEY (business_id, account_id) REFERENCES accounts (business_id, id),
    FOREIGN KEY (business_id, file_id) REFERENCES files (business_id, id),
    FOREIGN KEY (business_id, uploaded_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, deleted_by) REFERENCES users (business_id, id)
);
CREATE INDEX account_documents_account ON account_documents (business_id, account_id, id) WHERE deleted_at IS NULL;
CALL app.protect('account_documents', 'staff', 'SELECT, INSERT, UPDATE');

-- A member of staff's picture.
ALTER TABLE users ADD COLUMN photo_file_id uuid,
    ADD FOREIGN KEY (business_id, photo_file_id) REFERENCES files (business_id, id);

-- Accounts that somebody asked for as a file. QUEUED and RUNNING end in a day, whatever they say.
CREATE TABLE exports (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    -- A member of staff or an API key, who alone sees it.
    requested_by uuid NOT NULL,
    format text NOT NULL CHECK (format IN ('CSV', 'XLSX')),
    state text NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'READY')),
    -- Filter, search, order and columns, under the business's own key of that version.
    request_cipher bytea NOT NULL,
    key_version int NOT NULL,
    total_rows bigint NOT NULL CHECK (total_rows >= 0),
    rows_done bigint NOT NULL CHECK (rows_done >= 0),
    file_id uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, file_id) REFERENCES files (business_id, id),
    CHECK ((state = 'READY') = (file_id IS NOT NULL AND finished_at IS NOT NULL))
);
CREATE INDEX exports_requester ON exports (business_id, requested_by, id);
CREATE INDEX exports_running ON exports (business_id, created_at) WHERE state IN ('QUEUED', 'RUNNING');
CALL app.protect('exports', 'staff', 'SELECT, INSERT, UPDATE');
