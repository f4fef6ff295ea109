-- The floor: context, protection of tenant tables, clock, businesses, their heads and keys.
-- Roles exist before the first migration (they are cluster-wide): see src/platform/db/bootstrap.rs.

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO funnelchat_app, funnelchat_system, funnelchat_worker, funnelchat_search;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO funnelchat_app, funnelchat_system, funnelchat_search;

-- Puts a tenant table behind row-level security. `audience` is 'staff' (only staff contexts see rows) or
-- 'debtor' (a debtor context also sees the rows that carry its debtor_id). The comparison has no sub-select
-- because Citus refuses those in policies; nullif() because a custom setting reverts to '' after its first use.
CREATE PROCEDURE app.protect(t regclass, audience text, app_grants text) LANGUAGE plpgsql AS $$
DECLARE
    tenant CONSTANT text := 'business_id = nullif(current_setting(''app.business_id'', true), '''')::uuid';
    staff  CONSTANT text := 'current_setting(''app.audience'', true) = ''staff''';
    -- CASE and not OR: the planner takes an OR of two comparisons with settings to leave one row in two hundred, and
    -- sorts whole tenants rather than walk an index; of a CASE it takes half to remain.
    anyone CONSTANT text := 'CASE current_setting(''app.audience'', true) WHEN ''staff'' THEN true'
                         || ' WHEN ''debtor'' THEN debtor_id = nullif(current_setting(''app.debtor_id'', true), '''')::uuid'
                         || ' ELSE false END';
    rule text;
BEGIN
    rule := CASE audience
        WHEN 'staff' THEN format('%s AND %s', tenant, staff)
        WHEN 'debtor' THEN format('%s AND %s', tenant, anyone)
    END;
    IF rule IS NULL THEN
        RAISE EXCEPTION 'audience must be staff or debtor, not %', audience;
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %s FOR ALL TO funnelchat_app USING (%s) WITH CHECK (%s)', t, rule, rule);
    -- FORCE binds the owner too; without this a backfill in a migration would silently touch no row.
    EXECUTE format('CREATE POLICY migrations ON %s FOR ALL TO funnelchat_owner USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT %s ON %s TO funnelchat_app', app_grants, t);
END $$;

-- Lets background processes find rows of every business. Narrow on purpose: name what it may do.
CREATE PROCEDURE app.open_to_system(t regclass, grants text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE POLICY system ON %s FOR ALL TO funnelchat_system USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT %s ON %s TO funnelchat_system', grants, t);
END $$;

-- Append-only: not even the owner changes or removes a row.
CREATE FUNCTION app.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: post a correcting row instead', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE PROCEDURE app.append_only(t regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION app.refuse_change()', t);
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change()', t);
END $$;

-- Yearly ranges by the time inside a UUIDv7 id (RFC 9562 section 5.7: 48 bits of Unix milliseconds lead).
CREATE FUNCTION app.uuid_v7_bound(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

-- Makes the partitions of a year, once; run by `migrate` for this year and the next. Nobody is granted a
-- partition: row security is not inherited, so the parent is the only door.
CREATE PROCEDURE app.ensure_partitions(p_year int) LANGUAGE plpgsql AS $$
DECLARE parent text; part text;
BEGIN
    FOR parent IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'p' AND n.nspname = 'public'
    LOOP
        part := format('%s_%s', parent, p_year);
        IF to_regclass('public.' || quote_ident(part)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent,
                app.uuid_v7_bound(make_timestamptz(p_year, 1, 1, 0, 0, 0, 'UTC')),
                app.uuid_v7_bound(make_timestamptz(p_year + 1, 1, 1, 0, 0, 0, 'UTC')));
        END IF;
    END LOOP;
END $$;

-- Business time = wall time + this offset (one row; every process reads it).
CREATE TABLE clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    offset_micros bigint NOT NULL DEFAULT 0
);
INSERT INTO clock DEFAULT VALUES;
GRANT SELECT ON clock TO funnelchat_app;
GRANT SELECT, UPDATE ON clock TO funnelchat_system;

CREATE TABLE businesses (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(slug) <= 60),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- Decides which rules and vendor policies bind (12 CFR 1006.2(i); Twilio error 30863).
    role text NOT NULL CHECK (role IN ('THIRD_PARTY_COLLECTOR', 'FIRST_PARTY_CREDITOR')),
    status text NOT NULL CHECK (status IN ('PENDING', 'ACTIVE', 'SUSPENDED')),
    -- The vendor's recorded approval to carry collections texts for this business.
    sms_route_approved boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
ALTER TABLE businesses ENABLE ROW LEVEL SECURITY;
ALTER TABLE businesses FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON businesses FOR ALL TO funnelchat_app
    USING (id = nullif(current_setting('app.business_id', true), '')::uuid
           AND current_setting('app.audience', true) IN ('staff', 'debtor'))
    WITH CHECK (id = nullif(current_setting('app.business_id', true), '')::uuid
           AND current_setting('app.audience', true) = 'staff');
CREATE POLICY migrations ON businesses FOR ALL TO funnelchat_owner USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON businesses TO funnelchat_app;
CALL app.open_to_system('businesses', 'SELECT, INSERT, UPDATE');

-- Numbers what a business commits. Whoever holds this row's lock is the last writer before commit, so a
-- position is given out in commit order and without holes.
CREATE TABLE business_head (
    business_id uuid PRIMARY KEY REFERENCES businesses (id),
    live_position bigint NOT NULL DEFAULT 0,
    -- Events at or below this position have been pruned.
    live_floor bigint NOT NULL DEFAULT 0,
    audit_position bigint NOT NULL DEFAULT 0,
    audit_hash bytea NOT NULL DEFAULT '\x',
    -- Newest business instant stored: the clock never goes behind it.
    last_at timestamptz NOT NULL
);
CALL app.protect('business_head', 'staff', 'SELECT, UPDATE');
CALL app.open_to_system('business_head', 'SELECT, INSERT, UPDATE');

-- Per-business keys, wrapped by a version of the master key.
CREATE TABLE business_keys (
    business_id uuid NOT NULL REFERENCES businesses (id),
    version int NOT NULL CHECK (version > 0),
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, version)
);
CALL app.protect('business_keys', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('business_keys', 'SELECT, INSERT, UPDATE');

-- Live events: ids only. Kept 72 hours, then pruned. Not partitioned: at that age it stays small, and
-- a unique (business_id, position) is worth more.
CREATE TABLE live_events (
    business_id uuid NOT NULL REFERENCES businesses (id),
    position bigint NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    conversation_id uuid,
    message_id uuid,
    account_id uuid,
    debtor_id uuid,
    -- Who may see the event under the agents' scope: the assignee after the change, and before it.
    assigned_agent_id uuid,
    previous_agent_id uuid,
    PRIMARY KEY (business_id, position)
);
CREATE INDEX live_events_conversation ON live_events (business_id, conversation_id, position);
CREATE INDEX live_events_account ON live_events (business_id, account_id, position);
CREATE INDEX live_events_at ON live_events (business_id, at);
CALL app.protect('live_events', 'debtor', 'SELECT, INSERT');
CALL app.open_to_system('live_events', 'SELECT, DELETE');

-- The audit trail: hash-chained per business over the stored bytes. No foreign key: it outlives what it names.
CREATE TABLE audit_events (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('USER', 'DEBTOR', 'SERVICE', 'SYSTEM')),
    actor_id uuid,
    action text NOT NULL,
    object_id uuid,
    debtor_id uuid,
    request_id text,
    -- JSON, or ciphertext under key_id where it tells something of a debtor.
    details bytea NOT NULL,
    key_id uuid,
    hash bytea NOT NULL,
    PRIMARY KEY (business_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;
CREATE INDEX audit_events_position ON audit_events (business_id, position);
CREATE INDEX audit_events_object ON audit_events (business_id, object_id, position);
CREATE INDEX audit_events_debtor ON audit_events (business_id, debtor_id, position);
CALL app.protect('audit_events', 'staff', 'SELECT, INSERT');
CALL app.append_only('audit_events');

-- One link of the chain: SHA-256 over the previous hash and every stored field, each length-prefixed (and null
-- told from empty) so that no two rows give the same bytes. src/audit/verify.rs computes the same offline.
CREATE FUNCTION app.audit_hash(previous bytea, p_id uuid, p_position bigint, p_at timestamptz, p_actor_kind text, p_actor_id uuid,
    p_action text, p_object_id uuid, p_debtor_id uuid, p_request_id text, p_details bytea, p_key_id uuid)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(previous || convert_to(string_agg(coalesce(length(f)::text || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
    FROM unnest(ARRAY[p_id::text, p_position::text, ((extract(epoch FROM p_at) * 1000000)::bigint)::text, p_actor_kind,
        p_actor_id::text, p_action, p_object_id::text, p_debtor_id::text, p_request_id, encode(p_details, 'hex'),
        p_key_id::text])
        WITH ORDINALITY AS fields(f, n)
$$;

-- The last statement of a tenant's transaction: locks the head, numbers its events and audit rows, and
-- returns the last live position. Runs with the caller's rights: row security decides.
CREATE FUNCTION app.commit_head(p_business uuid, p_at timestamptz, p_events jsonb, p_audits jsonb)
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
            debtor_id, assigned_agent_id, previous_agent_id)
        SELECT p_business, head.live_position + e.n, e.v ->> 'kind', stamp, (e.v ->> 'conversation_id')::uuid,
            (e.v ->> 'message_id')::uuid, (e.v ->> 'account_id')::uuid, (e.v ->> 'debtor_id')::uuid,
            (e.v ->> 'assigned_agent_id')::uuid, (e.v ->> 'previous_agent_id')::uuid
        FROM jsonb_array_elements(p_events) WITH ORDINALITY AS e(v, n);
        head.live_position := head.live_position + jsonb_array_length(p_events);
    END IF;
    FOR entry IN SELECT * FROM jsonb_array_elements(p_audits) LOOP
        head.audit_position := head.audit_position + 1;
        head.audit_hash := app.audit_hash(head.audit_hash, (entry ->> 'id')::uuid, head.audit_position, stamp,
            entry ->> 'actor_kind', (entry ->> 'actor_id')::uuid, entry ->> 'action', (entry ->> 'object_id')::uuid,
            (entry ->> 'debtor_id')::uuid, entry ->> 'request_id', decode(entry ->> 'details', 'hex'),
            (entry ->> 'key_id')::uuid);
        INSERT INTO audit_events (business_id, id, position, at, actor_kind, actor_id, action, object_id, debtor_id,
            request_id, details, key_id, hash)
        VALUES (p_business, (entry ->> 'id')::uuid, head.audit_position, stamp, entry ->> 'actor_kind',
            (entry ->> 'actor_id')::uuid, entry ->> 'action', (entry ->> 'object_id')::uuid,
            (entry ->> 'debtor_id')::uuid, entry ->> 'request_id', decode(entry ->> 'details', 'hex'),
            (entry ->> 'key_id')::uuid, head.audit_hash);
    END LOOP;
    UPDATE business_head SET live_position = head.live_position, audit_position = head.audit_position,
        audit_hash = head.audit_hash, last_at = stamp WHERE business_id = p_business;
    RETURN head.live_position;
END $$;

-- Acts that belong to no business (registration, log-in, platform operations): the platform's own chain.
CREATE TABLE platform_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    audit_position bigint NOT NULL DEFAULT 0,
    audit_hash bytea NOT NULL DEFAULT '\x'
);
INSERT INTO platform_head DEFAULT VALUES;
GRANT SELECT, UPDATE ON platform_head TO funnelchat_system;

CREATE TABLE platform_audit_events (
    position bigint PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    object_id uuid,
    request_id text,
    details bytea NOT NULL,
    hash bytea NOT NULL
);
GRANT SELECT, INSERT ON platform_audit_events TO funnelchat_system;
CALL app.append_only('platform_audit_events');

CREATE FUNCTION app.commit_platform_head(p_at timestamptz, p_audits jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head platform_head%ROWTYPE;
    entry jsonb;
BEGIN
    SELECT * INTO STRICT head FROM platform_head FOR UPDATE;
    FOR entry IN SELECT * FROM jsonb_array_elements(p_audits) LOOP
        head.audit_position := head.audit_position + 1;
        head.audit_hash := app.audit_hash(head.audit_hash, (entry ->> 'id')::uuid, head.audit_position, p_at,
            entry ->> 'actor_kind', (entry ->> 'actor_id')::uuid, entry ->> 'action', (entry ->> 'object_id')::uuid, NULL,
            entry ->> 'request_id', decode(entry ->> 'details', 'hex'), NULL);
        INSERT INTO platform_audit_events (position, id, at, actor_kind, actor_id, action, object_id, request_id, details, hash)
        VALUES (head.audit_position, (entry ->> 'id')::uuid, p_at, entry ->> 'actor_kind', (entry ->> 'actor_id')::uuid,
            entry ->> 'action', (entry ->> 'object_id')::uuid, entry ->> 'request_id',
            decode(entry ->> 'details', 'hex'), head.audit_hash);
    END LOOP;
    UPDATE platform_head SET audit_position = head.audit_position, audit_hash = head.audit_hash;
END $$;

-- Reads of personal data by staff: one row an operation, outside the chain, written before the answer leaves.
CREATE TABLE access_log (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_id uuid NOT NULL,
    operation text NOT NULL,
    debtor_ids uuid[] NOT NULL,
    request_id text NOT NULL,
    PRIMARY KEY (business_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE access_log_default PARTITION OF access_log DEFAULT;
CREATE INDEX access_log_actor ON access_log (business_id, actor_id, id);
CREATE INDEX access_log_debtors ON access_log USING gin (debtor_ids);
CALL app.protect('access_log', 'staff', 'SELECT, INSERT');
CREATE POLICY system ON access_log FOR INSERT TO funnelchat_system WITH CHECK (true);
GRANT INSERT ON access_log TO funnelchat_system;
CALL app.append_only('access_log');

-- One request with one mutation, per caller, for 24 hours. The row commits with the effect.
CREATE TABLE idempotency_keys (
    business_id uuid NOT NULL REFERENCES businesses (id),
    caller_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL,
    object_id uuid,
    user_errors jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, caller_id, key)
);
CALL app.protect('idempotency_keys', 'staff', 'SELECT, INSERT, DELETE');
