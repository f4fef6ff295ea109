-- Who comes in, and who is the same: registrations that prove themselves, second factors that are lost, and numbers that are
-- compared whatever version of the business's key they were indexed under.

-- What somebody chose when they registered. Nobody has shown yet that the address is theirs: it counts once the link is
-- followed that was mailed for this very registration, and no other's.
CREATE TABLE registrations (
    id uuid PRIMARY KEY,
    identity_id uuid NOT NULL REFERENCES identities (id),
    business_id uuid NOT NULL REFERENCES businesses (id),
    -- Emptied once the address is known to be the person's, or once they have chosen another password.
    password_hash text,
    created_at timestamptz NOT NULL
);
CREATE INDEX registrations_identity ON registrations (identity_id);
CREATE INDEX registrations_business ON registrations (business_id);
GRANT SELECT, INSERT, UPDATE ON registrations TO funnelchat_system;

-- A link from before knows none, and is good no more.
ALTER TABLE one_time_tokens ADD COLUMN registration_id uuid REFERENCES registrations (id);
CREATE INDEX one_time_tokens_registration ON one_time_tokens (registration_id);

-- A new second factor waits here for its first code, until then (wall time); the present one stays good meanwhile.
ALTER TABLE identities ADD COLUMN totp_pending_cipher bytea, ADD COLUMN totp_pending_until timestamptz,
    ADD CHECK ((totp_pending_cipher IS NULL) = (totp_pending_until IS NULL));
