-- People use their rights themselves: an opt-out by a link in a message, a copy of their data from the portal; and trails of
-- a business as bundles, asked for by its staff.

-- Who answers a link that nobody is to contact them any more is held to it.
ALTER TABLE holds
    DROP CONSTRAINT holds_source_check,
    ADD CONSTRAINT holds_source_check CHECK (source IN ('PERSON', 'INBOUND_TEXT', 'IMPORT', 'PORTAL', 'LINK'));

-- Bundles of a business's own audit trail. QUEUED and RUNNING end in a day, whatever they say.
CREATE TABLE audit_bundles (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    -- A member of staff or an API key.
    requested_by uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'READY', 'FAILED')),
    -- Rows of the trail when it was asked for, and those that are written.
    total_rows bigint NOT NULL,
    rows_done bigint NOT NULL,
    -- Where the trail stood that it holds.
    last_position bigint,
    head_hash bytea,
    checkpoints int,
    size bigint,
    file_id uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, file_id) REFERENCES files (business_id, id),
    CHECK ((state = 'READY') = (file_id IS NOT NULL AND last_position IS NOT NULL AND head_hash IS NOT NULL
        AND checkpoints IS NOT NULL AND size IS NOT NULL)),
    CHECK ((state IN ('READY', 'FAILED')) = (finished_at IS NOT NULL))
);
CREATE INDEX audit_bundles_running ON audit_bundles (business_id, created_at) WHERE state IN ('QUEUED', 'RUNNING');
CALL app.protect('audit_bundles', 'staff', 'SELECT, INSERT, UPDATE');

-- A debtor, signed in, asks for a copy of what concerns them and the account of their session. Both rows are theirs to see
-- there, and there alone; of what staff wrote down or asked for about them, they see none here.
ALTER TABLE privacy_requests
    ADD COLUMN own_account_id uuid,
    ADD FOREIGN KEY (business_id, debtor_id, own_account_id) REFERENCES accounts (business_id, debtor_id, id);
CALL app.show_to_debtor('privacy_requests', 'own_account_id');
ALTER TABLE debtor_archives
    ADD COLUMN own_account_id uuid,
    ADD FOREIGN KEY (business_id, debtor_id, own_account_id) REFERENCES accounts (business_id, debtor_id, id),
    DROP CONSTRAINT debtor_archives_kind_check,
    ADD CONSTRAINT debtor_archives_kind_check CHECK (kind IN ('DATA', 'EVIDENCE', 'OWN')),
    ADD CONSTRAINT debtor_archives_own CHECK ((kind = 'OWN') = (own_account_id IS NOT NULL));
CALL app.show_to_debtor('debtor_archives', 'own_account_id');
CREATE INDEX debtor_archives_own ON debtor_archives (business_id, debtor_id, own_account_id, id)
    WHERE own_account_id IS NOT NULL;
