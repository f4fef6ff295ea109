-- A business's staff: who is invited, who is behind a membership, and whose sessions end when a membership changes.

CREATE TABLE invitations (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    -- Indexed and sealed under the platform key, as identities' addresses are: who accepts may have an identity already.
    email_blind bytea NOT NULL,
    email_cipher bytea NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    role text NOT NULL CHECK (role IN ('BUSINESS_ADMIN', 'MANAGER', 'AGENT', 'COMPLIANCE_OFFICER')),
    state text NOT NULL CHECK (state IN ('OPEN', 'ACCEPTED', 'REVOKED')),
    -- Of the newest mail's link; none until that mail is on its way.
    token_hash bytea,
    invited_by uuid NOT NULL,
    -- Who it made a member.
    user_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    settled_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, invited_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id),
    CHECK ((state = 'OPEN') = (settled_at IS NULL)),
    CHECK ((state = 'ACCEPTED') = (user_id IS NOT NULL))
);
-- One open invitation per address: inviting again renews it.
CREATE UNIQUE INDEX invitations_open ON invitations (business_id, email_blind) WHERE state = 'OPEN';
-- A link names no business.
CREATE INDEX invitations_token ON invitations (token_hash) WHERE state = 'OPEN';
CALL app.protect('invitations', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('invitations', 'SELECT, UPDATE');

-- Who accepts an invitation is no member yet, hence acts outside the business; that they joined belongs to its trail.
CREATE POLICY system ON audit_events FOR INSERT TO funnelchat_system WITH CHECK (true);
GRANT INSERT ON audit_events TO funnelchat_system;

-- Fewer permissions than the role's, each as `resource:action`; all of the role's where null.
ALTER TABLE users ADD COLUMN permissions text[];

CREATE INDEX sessions_member ON sessions (business_id, user_id);

-- Identities and sessions have no one business, so that the app's role reaches neither. These are its doors to what
-- stands behind the members of the business in its own context, and of no other.
CREATE FUNCTION app.member_details(p_users uuid[])
RETURNS TABLE (user_id uuid, identity_id uuid, email_cipher bytea, last_active_at timestamptz) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT u.id, i.id, i.email_cipher,
           (SELECT max(s.last_used_at) FROM sessions s WHERE s.business_id = u.business_id AND s.user_id = u.id)
    FROM users u JOIN identities i ON i.id = u.identity_id
    WHERE u.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
      AND u.id = ANY(p_users)
$$;
REVOKE ALL ON FUNCTION app.member_details FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.member_details TO funnelchat_app;

CREATE FUNCTION app.member_with_address(p_blind bytea) RETURNS uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT u.id FROM users u JOIN identities i ON i.id = u.identity_id
    WHERE u.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
      AND i.email_blind = p_blind
$$;
REVOKE ALL ON FUNCTION app.member_with_address FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.member_with_address TO funnelchat_app;

CREATE FUNCTION app.end_member_sessions(p_user uuid, p_at timestamptz) RETURNS SETOF uuid LANGUAGE sql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE sessions SET revoked_at = p_at, revoked_reason = 'ADMIN'
    WHERE business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
      AND user_id = p_user AND revoked_at IS NULL
    RETURNING id
$$;
REVOKE ALL ON FUNCTION app.end_member_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.end_member_sessions TO funnelchat_app;
