-- Who may act. Identities, sessions and tokens have no one business: they are reached by SystemTx only, and
-- what is personal in them is ciphertext under the platform key.

-- Seals what lies outside any one business; wrapped by a version of the master key.
CREATE TABLE platform_keys (
    version int PRIMARY KEY CHECK (version > 0),
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON platform_keys TO funnelchat_system;

CREATE TABLE identities (
    id uuid PRIMARY KEY,
    email_blind bytea NOT NULL UNIQUE,
    email_cipher bytea NOT NULL,
    password_hash text NOT NULL,
    email_verified_at timestamptz,
    totp_secret_cipher bytea,
    totp_confirmed_at timestamptz,
    -- The last 30-second step that was accepted: a code is good once (RFC 6238 section 5.2).
    totp_last_step bigint,
    platform_role text CHECK (platform_role IN ('SUPER_ADMIN')),
    created_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON identities TO funnelchat_system;

CREATE TABLE recovery_codes (
    identity_id uuid NOT NULL REFERENCES identities (id),
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (identity_id, code_hash)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_codes TO funnelchat_system;

-- Links sent by mail (verification now; invitation and reset later). Only the hash is kept.
CREATE TABLE one_time_tokens (
    token_hash bytea PRIMARY KEY,
    identity_id uuid NOT NULL REFERENCES identities (id),
    purpose text NOT NULL CHECK (purpose IN ('VERIFY_EMAIL')),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX one_time_tokens_identity ON one_time_tokens (identity_id, purpose);
GRANT SELECT, INSERT, UPDATE ON one_time_tokens TO funnelchat_system;

-- A membership: this person's place in one business.
CREATE TABLE users (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    identity_id uuid NOT NULL REFERENCES identities (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    role text NOT NULL CHECK (role IN ('BUSINESS_ADMIN', 'MANAGER', 'AGENT', 'COMPLIANCE_OFFICER')),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'INACTIVE', 'SUSPENDED')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, identity_id)
);
CREATE INDEX users_identity ON users (identity_id);
CALL app.protect('users', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('users', 'SELECT, INSERT');

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    identity_id uuid NOT NULL REFERENCES identities (id),
    business_id uuid REFERENCES businesses (id),
    user_id uuid,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason text CHECK (revoked_reason IN ('LOGOUT', 'REUSE', 'EXPIRED', 'PASSWORD_CHANGED', 'ADMIN')),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id)
);
CREATE INDEX sessions_identity ON sessions (identity_id);
CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON sessions TO funnelchat_system;

-- Each refresh spends one and makes the next; a spent one that comes back revokes the family (RFC 9700 4.14.2).
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_tokens TO funnelchat_system;

-- Each business's own standing at a vendor. Webhooks find the account first, then check its signature.
CREATE TABLE provider_accounts (
    id uuid PRIMARY KEY,
    business_id uuid NOT NULL REFERENCES businesses (id),
    provider text NOT NULL CHECK (provider IN ('TWILIO')),
    external_id text NOT NULL,
    secret_cipher bytea NOT NULL,
    -- During a rotation both are good.
    previous_secret_cipher bytea,
    created_at timestamptz NOT NULL,
    UNIQUE (provider, external_id)
);
CREATE INDEX provider_accounts_business ON provider_accounts (business_id);
GRANT SELECT, INSERT, UPDATE ON provider_accounts TO funnelchat_system;

-- Our own numbers: which business a received text is for.
CREATE TABLE inbound_numbers (
    e164 text PRIMARY KEY CHECK (e164 ~ '^\+[1-9][0-9]{6,14}$'),
    business_id uuid NOT NULL REFERENCES businesses (id),
    provider_account_id uuid NOT NULL REFERENCES provider_accounts (id),
    created_at timestamptz NOT NULL
);
CREATE INDEX inbound_numbers_business ON inbound_numbers (business_id);
CREATE INDEX inbound_numbers_account ON inbound_numbers (provider_account_id);
GRANT SELECT, INSERT ON inbound_numbers TO funnelchat_system;
