-- Debtors sign in: a link to one account, a check that it is the right person, a session. What a session sees is decided
-- here: the rows that carry its debtor, and of those that are about a debt only its own account's.

-- Makes a table's policy show a debtor what carries their id, and where `account_column` is named only what is about the
-- account of their session. In a CASE, as in `app.protect`.
CREATE PROCEDURE app.show_to_debtor(t regclass, account_column text) LANGUAGE plpgsql AS $$
DECLARE
    rule text := 'business_id = nullif(current_setting(''app.business_id'', true), '''')::uuid'
        || ' AND CASE current_setting(''app.audience'', true) WHEN ''staff'' THEN true'
        || ' WHEN ''debtor'' THEN debtor_id = nullif(current_setting(''app.debtor_id'', true), '''')::uuid'
        || CASE WHEN account_column IS NULL THEN ''
           ELSE format(' AND %I = nullif(current_setting(''app.account_id'', true), '''')::uuid', account_column) END
        || ' ELSE false END';
BEGIN
    EXECUTE format('ALTER POLICY tenant ON %s USING (%s) WITH CHECK (%s)', t, rule, rule);
END $$;
CALL app.show_to_debtor('accounts', 'id');
CALL app.show_to_debtor('balance_components', 'account_id');
CALL app.show_to_debtor('conversations', 'account_id');
CALL app.show_to_debtor('ledger_entries', 'account_id');
CALL app.show_to_debtor('live_events', 'account_id');
-- When they do not want to be contacted is theirs to say.
CALL app.show_to_debtor('inconvenient_times', NULL);
-- A debtor's own keys; of anybody else the id is no debtor's.
ALTER TABLE idempotency_keys ADD COLUMN debtor_id uuid NOT NULL GENERATED ALWAYS AS (caller_id) STORED;
CALL app.show_to_debtor('idempotency_keys', NULL);

-- The last statement of a debtor's transaction. Neither the head nor the trail is theirs to see, so this numbers for them,
-- and takes only rows in their own name about themselves.
CREATE FUNCTION app.commit_own_head(p_at timestamptz, p_events jsonb, p_audits jsonb) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    business CONSTANT uuid := nullif(current_setting('app.business_id', true), '')::uuid;
    debtor   CONSTANT uuid := nullif(current_setting('app.debtor_id', true), '')::uuid;
BEGIN
    IF current_setting('app.audience', true) IS DISTINCT FROM 'debtor' OR business IS NULL OR debtor IS NULL
        OR NOT EXISTS (SELECT FROM debtors d WHERE d.business_id = business AND d.id = debtor)
        OR EXISTS (SELECT FROM jsonb_array_elements(p_audits) AS a(v)
                   WHERE a.v ->> 'actor_kind' IS DISTINCT FROM 'DEBTOR' OR (a.v ->> 'actor_id')::uuid IS DISTINCT FROM debtor
                      OR (a.v ->> 'debtor_id')::uuid IS DISTINCT FROM debtor)
        OR EXISTS (SELECT FROM jsonb_array_elements(p_events) AS e(v)
                   WHERE (e.v ->> 'debtor_id')::uuid IS DISTINCT FROM debtor
                      OR coalesce(e.v ->> 'conversation_id', e.v ->> 'message_id', e.v ->> 'account_id',
                                  e.v ->> 'object_id') IS NOT NULL)
    THEN
        RAISE EXCEPTION 'a debtor writes in their own name and about themselves' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN app.commit_head(business, p_at, p_events, p_audits);
END $$;
REVOKE ALL ON FUNCTION app.commit_own_head FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.commit_own_head TO funnelchat_app;

-- From where a debtor follows their threads.
CREATE FUNCTION app.own_live_head() RETURNS TABLE (live_position bigint, live_floor bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT h.live_position, h.live_floor FROM business_head h
    JOIN debtors d ON d.business_id = h.business_id AND d.id = nullif(current_setting('app.debtor_id', true), '')::uuid
    WHERE h.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'debtor'
$$;
REVOKE ALL ON FUNCTION app.own_live_head FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_live_head TO funnelchat_app;

-- Links to one account. The link itself is signed and kept nowhere. Its end is in business time.
CREATE TABLE debtor_links (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    origin text NOT NULL CHECK (origin IN ('STAFF', 'REQUEST')),
    -- Null where an API key made it, or the debtor asked for it.
    created_by uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by uuid,
    -- How often it led to a session.
    uses int NOT NULL DEFAULT 0,
    last_used_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, debtor_id, account_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, created_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, revoked_by) REFERENCES users (business_id, id)
);
CREATE INDEX debtor_links_account ON debtor_links (business_id, account_id, id);
CALL app.protect('debtor_links', 'staff', 'SELECT, INSERT, UPDATE');

-- One-time codes, wall time. Of a link's codes the newest counts.
CREATE TABLE debtor_codes (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    link_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    -- HMAC: six digits are guessed from a plain hash in no time.
    code_hash bytea NOT NULL,
    tries smallint NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, link_id) REFERENCES debtor_links (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id)
);
CREATE INDEX debtor_codes_link ON debtor_codes (business_id, link_id, created_at);
CREATE INDEX debtor_codes_debtor ON debtor_codes (business_id, debtor_id, created_at);
CALL app.protect('debtor_codes', 'staff', 'SELECT, INSERT, UPDATE');

-- What somebody asked a link for, until the job has looked whether anybody has that address: under the platform's key.
CREATE TABLE debtor_link_requests (
    id uuid PRIMARY KEY,
    request_cipher bytea NOT NULL,
    created_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, DELETE ON debtor_link_requests TO funnelchat_system;

-- Sessions of debtors, wall time. Opened from outside any business, as those of staff.
CREATE TABLE debtor_sessions (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    link_id uuid NOT NULL,
    -- What it was opened with, in our own words.
    device text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason text CHECK (revoked_reason IN ('LOGOUT', 'REUSE', 'EXPIRED', 'ADMIN')),
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id, link_id)
        REFERENCES debtor_links (business_id, debtor_id, account_id, id)
);
CREATE INDEX debtor_sessions_person ON debtor_sessions (business_id, debtor_id, account_id);
CREATE INDEX debtor_sessions_link ON debtor_sessions (business_id, link_id);
CREATE INDEX debtor_sessions_revoked ON debtor_sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX debtor_sessions_id ON debtor_sessions (id);
CALL app.protect('debtor_sessions', 'staff', 'SELECT, UPDATE');
CALL app.open_to_system('debtor_sessions', 'SELECT, INSERT, UPDATE');

CREATE TABLE debtor_refresh_tokens (
    business_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz,
    PRIMARY KEY (business_id, token_hash),
    FOREIGN KEY (business_id, session_id) REFERENCES debtor_sessions (business_id, id)
);
CREATE INDEX debtor_refresh_tokens_hash ON debtor_refresh_tokens (token_hash);
CREATE INDEX debtor_refresh_tokens_session ON debtor_refresh_tokens (business_id, session_id);
CALL app.protect('debtor_refresh_tokens', 'staff', 'SELECT');
CALL app.open_to_system('debtor_refresh_tokens', 'SELECT, INSERT, UPDATE');

-- Whom a link lets in: nobody where it was revoked, the business is not active, the account was deleted, or the person
-- was merged into another record or erased.
CREATE FUNCTION app.debtor_entrance(p_business uuid, p_link uuid)
RETURNS TABLE (debtor_id uuid, account_id uuid, expires_at timestamptz) LANGUAGE sql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.debtor_id, l.account_id, l.expires_at
    FROM debtor_links l
    JOIN businesses b ON b.id = l.business_id AND b.status = 'ACTIVE'
    JOIN accounts a ON a.business_id = l.business_id AND a.id = l.account_id AND a.deleted_at IS NULL
    JOIN debtors d ON d.business_id = l.business_id AND d.id = l.debtor_id AND d.merged_into IS NULL AND d.erased_at IS NULL
    WHERE l.business_id = p_business AND l.id = p_link AND l.revoked_at IS NULL
    -- Whoever revokes the link or suspends the business waits, and then finds the session that is being opened.
    FOR SHARE OF l, b
$$;
REVOKE ALL ON FUNCTION app.debtor_entrance FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.debtor_entrance TO funnelchat_system;

-- What takes the place of the dots in a text when it leaves (a link, a code): for whom it is sent to alone, not for the
-- staff who read the thread.
ALTER TABLE messages ADD COLUMN secret_cipher bytea;
