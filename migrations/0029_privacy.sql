-- Privacy: what people ask of their own data, erasure in one transaction, the end of what is kept, and archives about a person.

-- X-26: for how many years after the last collection activity the records of a person are kept. The law's floor is three
-- (12 CFR 1006.100(a)), the product's seven; a business may keep them longer, never shorter.
ALTER TABLE businesses ADD COLUMN record_retention_years smallint NOT NULL DEFAULT 7
    CHECK (record_retention_years BETWEEN 7 AND 30);

-- What a person asked about their own data, what was decided, and by when it has to be answered.
CREATE TABLE privacy_requests (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('ACCESS', 'PORTABILITY', 'RECTIFICATION', 'ERASURE')),
    regime text NOT NULL CHECK (regime IN ('CCPA', 'GDPR', 'OTHER')),
    -- OPEN waits for a person, RUNNING for a job; the two others are answered.
    status text NOT NULL CHECK (status IN ('OPEN', 'RUNNING', 'COMPLETED', 'DENIED')),
    -- What the person asked, and what staff answered, under the person's record key: evidence.
    reason_cipher bytea,
    answer_cipher bytea,
    received_at timestamptz NOT NULL,
    -- CCPA 45 days (Cal. Civ. 1798.130(a)(2)(A)), GDPR one month (Article 12(3)).
    due_at timestamptz NOT NULL,
    -- Null where an API key did it.
    recorded_by uuid,
    recorded_at timestamptz NOT NULL,
    -- Of an erasure: what the rules said, and on which facts (under the record key).
    decision jsonb,
    facts_cipher bytea,
    -- Of an erasure: the last day on which the records are kept; null where they went at once, or were not to go.
    kept_until date,
    closed_at timestamptz,
    -- Null where the service or an API key did it.
    closed_by uuid,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, debtor_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, closed_by) REFERENCES users (business_id, id),
    CHECK ((closed_at IS NULL) = (status IN ('OPEN', 'RUNNING'))),
    CHECK ((kind = 'ERASURE') = (decision IS NOT NULL))
);
CREATE INDEX privacy_requests_debtor ON privacy_requests (business_id, debtor_id, id);
-- One erasure of a person at a time.
CREATE UNIQUE INDEX privacy_requests_erasing ON privacy_requests (business_id, debtor_id)
    WHERE kind = 'ERASURE' AND status = 'RUNNING';
CALL app.protect('privacy_requests', 'staff', 'SELECT, INSERT, UPDATE');

-- Archives about one person: a copy of all their data, or evidence of what was done in a time. QUEUED and RUNNING end in a
-- day, whatever they say.
CREATE TABLE debtor_archives (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('DATA', 'EVIDENCE')),
    debtor_id uuid NOT NULL,
    -- Evidence: of this debt alone, from and until when (the latter exclusive).
    account_id uuid,
    from_at timestamptz,
    until_at timestamptz,
    -- The request that it answers.
    privacy_request_id uuid,
    -- A member of staff or an API key, who alone sees it.
    requested_by uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'READY')),
    file_id uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, account_id) REFERENCES accounts (business_id, id),
    FOREIGN KEY (business_id, debtor_id, privacy_request_id) REFERENCES privacy_requests (business_id, debtor_id, id),
    FOREIGN KEY (business_id, file_id) REFERENCES files (business_id, id),
    CHECK ((state = 'READY') = (file_id IS NOT NULL AND finished_at IS NOT NULL)),
    CHECK ((kind = 'EVIDENCE') = (from_at IS NOT NULL AND until_at IS NOT NULL)),
    CHECK (until_at > from_at)
);
CREATE INDEX debtor_archives_requester ON debtor_archives (business_id, requested_by, id);
CREATE INDEX debtor_archives_running ON debtor_archives (business_id, created_at) WHERE state IN ('QUEUED', 'RUNNING');
CALL app.protect('debtor_archives', 'staff', 'SELECT, INSERT, UPDATE');

-- Destroying a person's profile key is their erasure: what is left of them outside its reach goes in the same
-- transaction, whoever destroys it, and so does what it sealed: whoever finds the key in an old backup finds nothing to open.
-- Kept are what the record key guards, the hash by which an address stays suppressed, and the business's own numbers.
CREATE OR REPLACE FUNCTION app.forget_person() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    business CONSTANT uuid := NEW.business_id;
    person   CONSTANT uuid := NEW.debtor_id;
    gone_at  CONSTANT timestamptz := NEW.destroyed_at;
BEGIN
    -- 15 USC 1692c(b): that an address reaches somebody else stays known, as a suppression.
    INSERT INTO suppressions (business_id, id, address_blind, kind, channel, reason, created_at)
    SELECT c.business_id, c.id, c.blind_index, c.kind, 'ALL', 'WRONG_PARTY', gone_at FROM contact_points c
    WHERE c.business_id = business AND c.debtor_id = person AND c.blind_index IS NOT NULL
      AND c.validity IN ('WRONG_NUMBER', 'REASSIGNED')
    ON CONFLICT DO NOTHING;
    -- Threads of nobody with an address that is nobody else's, and those of the person, are found by it no more: a hash of
    -- the thread's own id takes its place.
    UPDATE conversations v SET peer_blind = sha256(uuid_send(v.id)), status = 'CLOSED',
        closed_at = coalesce(v.closed_at, gone_at), updated_at = gone_at
    WHERE v.business_id = business AND v.debtor_id IS NULL AND v.peer_blind IN (
        SELECT c.blind_index FROM contact_points c
        WHERE c.business_id = business AND c.debtor_id = person AND c.blind_index IS NOT NULL
          AND NOT EXISTS (SELECT FROM contact_points o WHERE o.business_id = business AND o.blind_index = c.blind_index
                          AND o.debtor_id <> person));
    UPDATE conversations v SET peer_blind = sha256(uuid_send(v.id)), status = 'CLOSED',
        closed_at = coalesce(v.closed_at, gone_at), updated_at = gone_at
    WHERE v.business_id = business AND v.debtor_id = person;
    UPDATE provider_events e SET peer_blind = NULL
    FROM messages m
    WHERE m.business_id = business AND m.debtor_id = person AND m.direction = 'INBOUND'
      AND e.business_id = business AND e.provider = 'TWILIO' AND e.event_id = m.provider_message_id
      AND e.processed_at IS NOT NULL;
    UPDATE contact_points SET value_cipher = NULL, original_cipher = NULL, label_cipher = NULL, blind_index = NULL,
        ordinal = NULL, removed_at = coalesce(removed_at, gone_at)
    WHERE business_id = business AND debtor_id = person;
    UPDATE account_notes n SET body_cipher = '\x' FROM accounts a
    WHERE a.business_id = business AND a.debtor_id = person AND n.business_id = business AND n.account_id = a.id;
    UPDATE accounts SET custom_fields_cipher = NULL
    WHERE business_id = business AND debtor_id = person AND custom_fields_cipher IS NOT NULL;
    UPDATE account_documents t SET description_cipher = NULL FROM files f
    WHERE f.business_id = business AND f.data_key_id = NEW.id AND t.business_id = business AND t.file_id = f.id;
    UPDATE debtor_links SET revoked_at = gone_at
    WHERE business_id = business AND debtor_id = person AND revoked_at IS NULL;
    -- Names last: their trigger renames the person's accounts.
    UPDATE debtors SET first_name = NULL, last_name = NULL, name_key = '', match_blind = NULL, match_due = false,
        address_cipher = NULL, birth_date_cipher = NULL, stated_zone_cipher = NULL, confirmed_zone_cipher = NULL,
        erased_at = coalesce(erased_at, gone_at), updated_at = gone_at
    WHERE business_id = business AND id = person;
    -- The objects are removed later, which expires_at says.
    UPDATE files SET state = 'GONE', wrapped_key = NULL, name_cipher = NULL, person_name_cipher = NULL, expires_at = gone_at
    WHERE business_id = business AND state <> 'GONE' AND (data_key_id = NEW.id OR id IN (
        SELECT file_id FROM file_debtors WHERE business_id = business AND debtor_id = person));
    RETURN NULL;
END $$;
CREATE INDEX files_guard ON files (business_id, data_key_id) WHERE data_key_id IS NOT NULL;

-- X-26: reads of personal data are on record for seven years. The log is only added to, so it goes by whole years: a
-- partition whose last read lies that far back. `drop` false only names them.
CREATE FUNCTION app.old_access_logs(p_now timestamptz, p_drop boolean) RETURNS SETOF text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE part text;
BEGIN
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.access_log'::regclass AND c.relname ~ '^access_log_[0-9]{4}$'
          AND make_timestamptz(right(c.relname, 4)::int + 8, 1, 1, 0, 0, 0, 'UTC') <= p_now
        ORDER BY c.relname
    LOOP
        IF p_drop THEN
            EXECUTE format('DROP TABLE public.%I', part);
        END IF;
        RETURN NEXT part;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION app.old_access_logs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.old_access_logs TO funnelchat_system;
