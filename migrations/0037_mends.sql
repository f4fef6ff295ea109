-- What outlived its end: threads of nobody, erasures and imports whose job the queue gave up.

-- A thread with a number that is nobody's we know has a record key of its own. Destroying it is the end of the thread: it is
-- found by its number no more, and neither are the vendor's events of its texts. With the owner's rights: nobody else may
-- write all of it.
CREATE FUNCTION app.forget_thread() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE provider_events e SET peer_blind = NULL
    FROM conversations v JOIN messages m ON m.business_id = v.business_id AND m.conversation_id = v.id
    WHERE v.business_id = NEW.business_id AND v.record_key_id = NEW.id AND v.debtor_id IS NULL AND m.direction = 'INBOUND'
      AND e.business_id = m.business_id AND e.provider = 'TWILIO' AND e.event_id = m.provider_message_id
      AND e.processed_at IS NOT NULL;
    UPDATE conversations v SET peer_blind = sha256(uuid_send(v.id)), peer_cipher = NULL, status = 'CLOSED',
        closed_at = coalesce(v.closed_at, NEW.destroyed_at), updated_at = NEW.destroyed_at
    WHERE v.business_id = NEW.business_id AND v.record_key_id = NEW.id AND v.debtor_id IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_thread AFTER UPDATE OF destroyed_at ON data_keys FOR EACH ROW
    WHEN (OLD.destroyed_at IS NULL AND NEW.destroyed_at IS NOT NULL AND NEW.purpose = 'RECORD'
          AND NEW.debtor_id IS NULL)
    EXECUTE FUNCTION app.forget_thread();
CREATE INDEX conversations_unmatched_key ON conversations (business_id, record_key_id) WHERE debtor_id IS NULL;
CREATE INDEX conversations_unmatched_age ON conversations (business_id, (coalesce(last_message_at, created_at)))
    WHERE debtor_id IS NULL AND peer_cipher IS NOT NULL;

-- Which businesses have such a thread whose last message lies before an instant.
CREATE FUNCTION app.businesses_with_old_threads(p_before timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT b.id FROM businesses b WHERE EXISTS (
        SELECT FROM conversations v
        WHERE v.business_id = b.id AND v.debtor_id IS NULL AND v.peer_cipher IS NOT NULL
          AND coalesce(v.last_message_at, v.created_at) < p_before)
    ORDER BY b.id
$$;
REVOKE ALL ON FUNCTION app.businesses_with_old_threads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.businesses_with_old_threads TO funnelchat_system;

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
    -- Threads of nobody with an address that is nobody else's hold the person's own words, and go with their keys
    -- (app.forget_thread). Those of the person are found by it no more: a hash of the thread's own id takes its place.
    UPDATE data_keys k SET wrapped = NULL, destroyed_at = gone_at
    FROM conversations v
    WHERE v.business_id = business AND v.debtor_id IS NULL AND k.business_id = business AND k.id = v.record_key_id
      AND k.debtor_id IS NULL AND k.destroyed_at IS NULL AND v.peer_blind IN (
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

-- A reconciler finds the erasures that the queue gave up.
CALL app.open_to_system('privacy_requests', 'SELECT');
-- And the imports of answers.
CALL app.open_to_system('reassigned_imports', 'SELECT');
CREATE INDEX reassigned_imports_open ON reassigned_imports (created_at) WHERE ended_at IS NULL;
