-- Who comes in, and what the trail says of it: registrations that end, addresses that change, and from where staff act.

-- Registrations that nobody finished are found by their age, people who never showed an address by theirs.
CREATE INDEX registrations_age ON registrations (created_at);
CREATE INDEX identities_unverified ON identities (created_at) WHERE email_verified_at IS NULL;

-- Takes registrations away with their links, and with their businesses where these still wait for their founder and nothing
-- was ever done in them. Whoever calls it holds the person's row. The service's roles remove no business by any other way.
CREATE FUNCTION app.forget_registrations(p_ids uuid[]) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    waiting uuid[];
BEGIN
    DELETE FROM one_time_tokens WHERE registration_id = ANY(p_ids);
    WITH forgotten AS (DELETE FROM registrations WHERE id = ANY(p_ids) RETURNING business_id)
    SELECT array_agg(b.id) INTO waiting
    FROM forgotten f
    JOIN businesses b ON b.id = f.business_id AND b.status = 'PENDING'
    JOIN business_head h ON h.business_id = b.id AND h.audit_position = 0 AND h.live_position = 0;
    DELETE FROM users WHERE business_id = ANY(waiting);
    DELETE FROM business_keys WHERE business_id = ANY(waiting);
    DELETE FROM business_head WHERE business_id = ANY(waiting);
    DELETE FROM businesses WHERE id = ANY(waiting);
END $$;
REVOKE ALL ON FUNCTION app.forget_registrations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.forget_registrations TO funnelchat_system;

-- Takes away somebody who never showed that their address is theirs, and for whom nothing is open any more: true where it did.
CREATE FUNCTION app.forget_unverified(p_identity uuid) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM identities i
    WHERE i.id = p_identity AND i.email_verified_at IS NULL AND i.platform_role IS NULL
      AND NOT EXISTS (SELECT FROM users u WHERE u.identity_id = i.id)
      AND NOT EXISTS (SELECT FROM registrations r WHERE r.identity_id = i.id)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM one_time_tokens WHERE identity_id = p_identity;
    DELETE FROM password_resets WHERE identity_id = p_identity;
    DELETE FROM identities WHERE id = p_identity;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION app.forget_unverified FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.forget_unverified TO funnelchat_system;
