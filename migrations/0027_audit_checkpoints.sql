-- Where a trail stood, signed (Ed25519): whoever has the public key, and no trust in this database, can tell later
-- whether anything up to there was changed or is gone.
CREATE TABLE audit_checkpoints (
    business_id uuid NOT NULL REFERENCES businesses (id),
    position bigint NOT NULL CHECK (position > 0),
    at timestamptz NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    key_name text NOT NULL,
    signature bytea NOT NULL CHECK (length(signature) = 64),
    PRIMARY KEY (business_id, position)
);
CALL app.protect('audit_checkpoints', 'staff', 'SELECT, INSERT');
CALL app.append_only('audit_checkpoints');
-- The reconciler finds the trails with acts that no checkpoint covers.
CALL app.open_to_system('audit_checkpoints', 'SELECT');

CREATE TABLE platform_audit_checkpoints (
    position bigint PRIMARY KEY CHECK (position > 0),
    at timestamptz NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    key_name text NOT NULL,
    signature bytea NOT NULL CHECK (length(signature) = 64)
);
GRANT SELECT, INSERT ON platform_audit_checkpoints TO funnelchat_system;
CALL app.append_only('platform_audit_checkpoints');
