-- Forgotten passwords, failed log-ins, where sessions were opened, API keys; all of that lives on wall time. Profiles.

-- One link a person: a new one replaces the one before, and whoever uses it removes it. Only the hash is kept.
CREATE TABLE password_resets (
    identity_id uuid PRIMARY KEY REFERENCES identities (id),
    token_hash bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON password_resets TO funnelchat_system;

-- Failed log-ins of an account, which slow the next ones down. Addresses that nobody has are counted like all others,
-- so that nobody learns which they are. A log-in that succeeds removes the row, a day without failure too.
CREATE TABLE login_failures (
    account_blind bytea PRIMARY KEY,
    failures int NOT NULL CHECK (failures > 0),
    -- The newest five.
    recent timestamptz[] NOT NULL,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz,
    -- When the person was told.
    alerted_at timestamptz
);
CREATE INDEX login_failures_last ON login_failures (last_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON login_failures TO funnelchat_system;

ALTER TABLE sessions ADD COLUMN user_agent_cipher bytea, ADD COLUMN address_cipher bytea;

-- Programs that act for a business. Only the hash of the key is kept.
CREATE TABLE api_keys (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- The beginning, by which people tell keys apart.
    prefix text NOT NULL,
    secret_hash bytea NOT NULL,
    -- Cells of the service role as `resource:action`.
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz,
    -- How many days before its end the administrators were warned last.
    warned_days int CHECK (warned_days IN (3, 14)),
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, created_by) REFERENCES users (business_id, id)
);
CREATE INDEX api_keys_secret ON api_keys (secret_hash);
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_revoked ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
CALL app.protect('api_keys', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('api_keys', 'SELECT, UPDATE');

-- What a member of staff wants to read.
ALTER TABLE users ADD COLUMN language text CHECK (language ~ '^[a-z]{2,3}(-[A-Z]{2})?$'),
    ADD COLUMN time_zone text CHECK (length(time_zone) <= 64);
