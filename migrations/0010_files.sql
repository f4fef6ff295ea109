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
