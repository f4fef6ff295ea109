-- What a business chooses for itself: settings, stricter contact limits, roles of its own, vendor credentials; and the
-- platform's staff, who suspend a business, and enter one only by breaking the glass.

-- X-03: how long its staff's sessions may go unused; the service's own setting where null.
ALTER TABLE businesses
    ADD COLUMN session_idle_minutes int CHECK (session_idle_minutes BETWEEN 15 AND 30),
    -- Wall time: with it end sessions, tokens and keys.
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspension_reason text CHECK (length(suspension_reason) BETWEEN 1 AND 1000);

-- Read and written whole, hence documents; absent for a business that never chose anything.
CREATE TABLE business_settings (
    business_id uuid PRIMARY KEY REFERENCES businesses (id),
    -- Counts changes: who changes settings says which version they saw.
    version int NOT NULL CHECK (version > 0),
    company jsonb NOT NULL,
    branding jsonb NOT NULL,
    locale jsonb NOT NULL,
    payment_terms jsonb NOT NULL,
    auto_response jsonb NOT NULL,
    -- A person of the business's own staff, sealed under the business's key.
    billing_contact_cipher bytea,
    key_version int NOT NULL,
    updated_at timestamptz NOT NULL
);
CALL app.protect('business_settings', 'staff', 'SELECT, INSERT, UPDATE');

-- The limits that stand, as the gate reads them: a part of the facts of every decision.
CREATE TABLE contact_policies (
    business_id uuid PRIMARY KEY REFERENCES businesses (id),
    policy jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);
CALL app.protect('contact_policies', 'staff', 'SELECT, INSERT, UPDATE');

-- X-08: what would loosen them waits for a compliance officer.
CREATE TABLE contact_policy_changes (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    policy jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('PROPOSED', 'APPROVED', 'REJECTED', 'SUPERSEDED')),
    proposed_by uuid NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    note text CHECK (length(note) BETWEEN 1 AND 1000),
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, proposed_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, decided_by) REFERENCES users (business_id, id),
    CHECK ((state = 'PROPOSED') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX contact_policy_changes_open ON contact_policy_changes (business_id) WHERE state = 'PROPOSED';
CALL app.protect('contact_policy_changes', 'staff', 'SELECT, INSERT, UPDATE');

-- A business's own roles: a part of the permissions of one of ours.
CREATE TABLE custom_roles (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    base_role text NOT NULL CHECK (base_role IN ('BUSINESS_ADMIN', 'MANAGER', 'AGENT', 'COMPLIANCE_OFFICER')),
    -- Each as `resource:action`.
    permissions text[] NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id)
);
CREATE UNIQUE INDEX custom_roles_name ON custom_roles (business_id, lower(name));
CALL app.protect('custom_roles', 'staff', 'SELECT, INSERT, UPDATE, DELETE');
CALL app.open_to_system('custom_roles', 'SELECT');

ALTER TABLE users ADD COLUMN custom_role_id uuid,
    ADD FOREIGN KEY (business_id, custom_role_id) REFERENCES custom_roles (business_id, id);
CREATE INDEX users_custom_role ON users (business_id, custom_role_id) WHERE custom_role_id IS NOT NULL;
ALTER TABLE invitations ADD COLUMN custom_role_id uuid,
    ADD FOREIGN KEY (business_id, custom_role_id) REFERENCES custom_roles (business_id, id);
CREATE INDEX invitations_custom_role ON invitations (business_id, custom_role_id) WHERE custom_role_id IS NOT NULL;

CREATE FUNCTION app.end_role_sessions(p_role uuid, p_at timestamptz) RETURNS SETOF uuid LANGUAGE sql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE sessions s SET revoked_at = p_at, revoked_reason = 'ADMIN' FROM users u
    WHERE u.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
      AND u.custom_role_id = p_role AND s.business_id = u.business_id AND s.user_id = u.id AND s.revoked_at IS NULL
    RETURNING s.id
$$;
REVOKE ALL ON FUNCTION app.end_role_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.end_role_sessions TO funnelchat_app;

-- Vendor credentials. The end of the secret is kept in clear, so that people tell one from another.
ALTER TABLE provider_accounts
    ADD COLUMN secret_hint text CHECK (length(secret_hint) <= 4),
    ADD COLUMN previous_secret_until timestamptz,
    ADD COLUMN set_at timestamptz,
    ADD COLUMN set_by uuid,
    ADD FOREIGN KEY (business_id, set_by) REFERENCES users (business_id, id);

-- The table has no one business, so that the app's role does not reach it. These are its doors to the rows of the
-- business in its own context, and of no other.
CREATE FUNCTION app.own_provider_accounts()
RETURNS TABLE (id uuid, provider text, external_id text, secret_cipher bytea, secret_hint text,
    previous_secret_until timestamptz, created_at timestamptz, set_at timestamptz, set_by uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, a.provider, a.external_id, a.secret_cipher, a.secret_hint, a.previous_secret_until, a.created_at, a.set_at,
           a.set_by
    FROM provider_accounts a
    WHERE a.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
    ORDER BY a.created_at, a.id LIMIT 100
$$;
REVOKE ALL ON FUNCTION app.own_provider_accounts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_provider_accounts TO funnelchat_app;

CREATE FUNCTION app.put_provider_account(p_id uuid, p_provider text, p_external_id text, p_secret bytea, p_hint text,
    p_previous bytea, p_previous_until timestamptz, p_at timestamptz, p_by uuid)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE business uuid := nullif(current_setting('app.business_id', true), '')::uuid;
BEGIN
    IF business IS NULL OR coalesce(current_setting('app.audience', true), '') <> 'staff' THEN
        RAISE EXCEPTION 'credentials need the context of a business';
    END IF;
    UPDATE provider_accounts SET secret_cipher = p_secret, secret_hint = p_hint, previous_secret_cipher = p_previous,
           previous_secret_until = p_previous_until, set_at = p_at, set_by = p_by
    WHERE id = p_id AND business_id = business AND provider = p_provider AND external_id = p_external_id;
    IF NOT FOUND THEN
        INSERT INTO provider_accounts (id, business_id, provider, external_id, secret_cipher, secret_hint, created_at, set_at,
            set_by)
        VALUES (p_id, business, p_provider, p_external_id, p_secret, p_hint, p_at, p_at, p_by);
    END IF;
END $$;
REVOKE ALL ON FUNCTION app.put_provider_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.put_provider_account TO funnelchat_app;

-- The platform's staff inside a business: for a reason, for a while, and seen by the business.
CREATE TABLE break_glass_sessions (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    identity_id uuid NOT NULL REFERENCES identities (id),
    -- Who and why, sealed under the business's key: both are for the business to read.
    operator_cipher bytea NOT NULL,
    reason_cipher bytea NOT NULL,
    key_version int NOT NULL,
    -- Wall time, as every session's.
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- The member of the business's staff who ended it early; none where the operator did.
    ended_by uuid,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, ended_by) REFERENCES users (business_id, id)
);
CREATE INDEX break_glass_sessions_ended ON break_glass_sessions (ended_at) WHERE ended_at IS NOT NULL;
CALL app.protect('break_glass_sessions', 'staff', 'SELECT, UPDATE');
CALL app.open_to_system('break_glass_sessions', 'SELECT, INSERT, UPDATE');

ALTER TABLE audit_events DROP CONSTRAINT audit_events_actor_kind_check;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_actor_kind_check
    CHECK (actor_kind IN ('USER', 'DEBTOR', 'SERVICE', 'SYSTEM', 'PLATFORM'));

-- Who did what, and what was done, newest first.
CREATE INDEX audit_events_actor ON audit_events (business_id, actor_id, position);
CREATE INDEX audit_events_action ON audit_events (business_id, action COLLATE "C", position);
-- Both logs grow in the order of their instants: a few bytes for many rows, and next to nothing for who writes them.
CREATE INDEX audit_events_at ON audit_events USING brin (at);
CREATE INDEX access_log_at ON access_log USING brin (at);

-- What the platform's staff see of businesses: counts, bounded, and nothing of a debtor.
CREATE FUNCTION app.business_usage(p_businesses uuid[], p_month timestamptz)
RETURNS TABLE (business_id uuid, users bigint, accounts bigint, messages bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT b.id,
        (SELECT count(*) FROM (SELECT FROM users u WHERE u.business_id = b.id AND u.status = 'ACTIVE' LIMIT 10000) AS few),
        (SELECT count(*) FROM (SELECT FROM accounts a WHERE a.business_id = b.id LIMIT 10000) AS few),
        (SELECT count(*) FROM (SELECT FROM messages m WHERE m.business_id = b.id AND m.id >= app.uuid_v7_bound(p_month)
                               LIMIT 10000) AS few)
    FROM unnest(p_businesses) AS b(id)
$$;
REVOKE ALL ON FUNCTION app.business_usage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.business_usage TO funnelchat_system;

CREATE FUNCTION app.migrations_run() RETURNS SETOF bigint LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT version FROM _sqlx_migrations WHERE success
$$;
REVOKE ALL ON FUNCTION app.migrations_run FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.migrations_run TO funnelchat_system;

-- The platform's staff is few among many.
CREATE INDEX identities_platform ON identities (id) WHERE platform_role IS NOT NULL;
