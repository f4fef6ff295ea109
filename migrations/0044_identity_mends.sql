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

-- The role in which somebody acted, and from where (address and program, sealed under the platform's key): of the staff, of
-- programs and of whoever tried to sign in; not of debtors. Rows from before have neither.
ALTER TABLE audit_events ADD COLUMN actor_role text, ADD COLUMN origin_cipher bytea;
ALTER TABLE platform_audit_events ADD COLUMN actor_role text, ADD COLUMN origin_cipher bytea;

-- One link of the chain, as before: a row without role and origin has the bytes that it always had, one with either has both
-- behind them. src/audit/verify.rs computes the same offline.
CREATE FUNCTION app.audit_hash(previous bytea, p_id uuid, p_position bigint, p_at timestamptz, p_actor_kind text, p_actor_id uuid,
    p_action text, p_object_id uuid, p_debtor_id uuid, p_request_id text, p_details bytea, p_key_id uuid, p_actor_role text,
    p_origin bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(previous || convert_to(string_agg(coalesce(length(f)::text || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
    FROM unnest(ARRAY[p_id::text, p_position::text, ((extract(epoch FROM p_at) * 1000000)::bigint)::text, p_actor_kind,
        p_actor_id::text, p_action, p_object_id::text, p_debtor_id::text, p_request_id, encode(p_details, 'hex'),
        p_key_id::text]
        || CASE WHEN p_actor_role IS NULL AND p_origin IS NULL THEN ARRAY[]::text[]
                ELSE ARRAY[p_actor_role, encode(p_origin, 'hex')] END)
        WITH ORDINALITY AS fields(f, n)
$$;

CREATE OR REPLACE FUNCTION app.commit_head(p_business uuid, p_at timestamptz, p_events jsonb, p_audits jsonb)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head business_head%ROWTYPE;
    entry jsonb;
    stamp timestamptz;
BEGIN
    SELECT * INTO STRICT head FROM business_head WHERE business_id = p_business FOR UPDATE;
    stamp := greatest(head.last_at, p_at);
    IF jsonb_array_length(p_events) > 0 THEN
        INSERT INTO live_events (business_id, position, kind, at, conversation_id, message_id, account_id,
            debtor_id, assigned_agent_id, previous_agent_id, object_id)
        SELECT p_business, head.live_position + e.n, e.v ->> 'kind', stamp, (e.v ->> 'conversation_id')::uuid,
            (e.v ->> 'message_id')::uuid, (e.v ->> 'account_id')::uuid, (e.v ->> 'debtor_id')::uuid,
            (e.v ->> 'assigned_agent_id')::uuid, (e.v ->> 'previous_agent_id')::uuid, (e.v ->> 'object_id')::uuid
        FROM jsonb_array_elements(p_events) WITH ORDINALITY AS e(v, n);
        head.live_position := head.live_position + jsonb_array_length(p_events);
    END IF;
    FOR entry IN SELECT * FROM jsonb_array_elements(p_audits) LOOP
        head.audit_position := head.audit_position + 1;
        head.audit_hash := app.audit_hash(head.audit_hash, (entry ->> 'id')::uuid, head.audit_position, stamp,
            entry ->> 'actor_kind', (entry ->> 'actor_id')::uuid, entry ->> 'action', (entry ->> 'object_id')::uuid,
            (entry ->> 'debtor_id')::uuid, entry ->> 'request_id', decode(entry ->> 'details', 'hex'),
            (entry ->> 'key_id')::uuid, entry ->> 'actor_role', decode(entry ->> 'origin', 'hex'));
        INSERT INTO audit_events (business_id, id, position, at, actor_kind, actor_id, actor_role, action, object_id,
            debtor_id, request_id, origin_cipher, details, key_id, hash)
        VALUES (p_business, (entry ->> 'id')::uuid, head.audit_position, stamp, entry ->> 'actor_kind',
            (entry ->> 'actor_id')::uuid, entry ->> 'actor_role', entry ->> 'action', (entry ->> 'object_id')::uuid,
            (entry ->> 'debtor_id')::uuid, entry ->> 'request_id', decode(entry ->> 'origin', 'hex'),
            decode(entry ->> 'details', 'hex'), (entry ->> 'key_id')::uuid, head.audit_hash);
    END LOOP;
    UPDATE business_head SET live_position = head.live_position, audit_position = head.audit_position,
        audit_hash = head.audit_hash, last_at = stamp WHERE business_id = p_business;
    RETURN head.live_position;
END $$;

CREATE OR REPLACE FUNCTION app.commit_platform_head(p_at timestamptz, p_audits jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head platform_head%ROWTYPE;
    entry jsonb;
BEGIN
    SELECT * INTO STRICT head FROM platform_head FOR UPDATE;
    FOR entry IN SELECT * FROM jsonb_array_elements(p_audits) LOOP
        head.audit_position := head.audit_position + 1;
        head.audit_hash := app.audit_hash(head.audit_hash, (entry ->> 'id')::uuid, head.audit_position, p_at,
            entry ->> 'actor_kind', (entry ->> 'actor_id')::uuid, entry ->> 'action', (entry ->> 'object_id')::uuid, NULL,
            entry ->> 'request_id', decode(entry ->> 'details', 'hex'), NULL, entry ->> 'actor_role',
            decode(entry ->> 'origin', 'hex'));
        INSERT INTO platform_audit_events (position, id, at, actor_kind, actor_id, actor_role, action, object_id, request_id,
            origin_cipher, details, hash)
        VALUES (head.audit_position, (entry ->> 'id')::uuid, p_at, entry ->> 'actor_kind', (entry ->> 'actor_id')::uuid,
            entry ->> 'actor_role', entry ->> 'action', (entry ->> 'object_id')::uuid, entry ->> 'request_id',
            decode(entry ->> 'origin', 'hex'), decode(entry ->> 'details', 'hex'), head.audit_hash);
    END LOOP;
    UPDATE platform_head SET audit_position = head.audit_position, audit_hash = head.audit_hash;
END $$;
DROP FUNCTION app.audit_hash(bytea, uuid, bigint, timestamptz, text, uuid, text, uuid, uuid, text, bytea, uuid);

-- Whether a row stands in a business's trail: the job that brings failed log-ins there may run twice.
CREATE FUNCTION app.is_in_trail(p_business uuid, p_id uuid) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM audit_events WHERE business_id = p_business AND id = p_id)
$$;
REVOKE ALL ON FUNCTION app.is_in_trail FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.is_in_trail TO funnelchat_system;

-- An address that somebody wants instead of theirs, one at a time; theirs stays until the link to the new one is followed. The
-- link is made when the mail is, of which only the hash is kept (wall time).
CREATE TABLE email_changes (
    identity_id uuid PRIMARY KEY REFERENCES identities (id),
    email_blind bytea NOT NULL,
    email_cipher bytea NOT NULL,
    token_hash bytea UNIQUE,
    expires_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON email_changes TO funnelchat_system;
ALTER TABLE sessions DROP CONSTRAINT sessions_revoked_reason_check,
    ADD CONSTRAINT sessions_revoked_reason_check
    CHECK (revoked_reason IN ('LOGOUT', 'REUSE', 'EXPIRED', 'PASSWORD_CHANGED', 'EMAIL_CHANGED', 'ADMIN'));

-- Where a member of staff is reached by telephone, under the business's key.
ALTER TABLE users ADD COLUMN phone_cipher bytea, ADD COLUMN phone_key_version int,
    ADD CHECK ((phone_cipher IS NULL) = (phone_key_version IS NULL));
