-- What binds an address outlives its record: what was taken back, and what was asked for, stay with the number.

ALTER TABLE contact_points
    -- The index of a point that was taken off its person: what they took back there binds when it is put on again.
    ADD COLUMN removed_blind bytea,
    ADD CONSTRAINT contact_points_removed_index CHECK (removed_blind IS NULL OR removed_at IS NOT NULL);

-- The words that were shown are in the sealed evidence, with their version or whence they came: of a consent that somebody else
-- tells of, this is what makes it a written one.
ALTER TABLE consents ADD COLUMN words_kept boolean NOT NULL DEFAULT false;

-- The id of a suppression that the database itself makes; the moment leads it, as in UUIDv7.
CREATE FUNCTION app.new_suppression_id(at timestamptz, contact_point uuid, channel text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (substr(replace(app.uuid_v7_bound(at)::text, '-', ''), 1, 12) || '7'
        || substr(md5(contact_point::text || channel), 1, 3) || '8' || substr(md5(contact_point::text || channel), 4, 15))::uuid
$$;
REVOKE ALL ON FUNCTION app.new_suppression_id FROM PUBLIC;

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
    -- So does that the person is not to be contacted (15 USC 1692c(c); 47 CFR 64.1200(d)): nobody who is erased and comes with a
    -- new file is contacted again.
    INSERT INTO suppressions (business_id, id, address_blind, kind, channel, reason, created_at)
    SELECT business, app.new_suppression_id(gone_at, c.id, 'ALL'), coalesce(c.blind_index, c.removed_blind), c.kind, 'ALL',
        'OPT_OUT', gone_at
    FROM contact_points c
    WHERE c.business_id = business AND c.debtor_id = person AND coalesce(c.blind_index, c.removed_blind) IS NOT NULL
      AND EXISTS (
        SELECT FROM debtors d
        JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
        JOIN holds h ON h.business_id = g.business_id AND h.debtor_id = g.id
        WHERE d.business_id = business AND d.id = person AND h.lifted_at IS NULL
          AND h.kind IN ('CEASE', 'DO_NOT_RECONTACT'))
    ON CONFLICT DO NOTHING;
    -- And what they took back last (47 CFR 64.1200(a)(10)).
    INSERT INTO suppressions (business_id, id, address_blind, kind, channel, reason, created_at)
    SELECT business, app.new_suppression_id(gone_at, l.contact_point_id, l.channel), l.blind, l.kind, l.channel, 'OPT_OUT',
        gone_at
    FROM (SELECT DISTINCT ON (c.id, w.channel) c.id AS contact_point_id, c.kind, w.channel, w.status,
                 coalesce(c.blind_index, c.removed_blind) AS blind
          FROM contact_points c JOIN consents w ON w.business_id = c.business_id AND w.contact_point_id = c.id
          WHERE c.business_id = business AND c.debtor_id = person AND w.purpose = 'COLLECTION'
          ORDER BY c.id, w.channel, w.said_at DESC, w.id DESC) l
    WHERE l.status = 'REVOKED' AND l.blind IS NOT NULL
    ON CONFLICT DO NOTHING;
    -- Threads of nobody with an address that is nobody else's hold the person's own words, and go with their keys
    -- (app.forget_thread). Once the business's key has been rotated, equal indexes do not say any more whose an address is:
    -- then the service has ended them, which opens the addresses and looks under every version (privacy::erase). Those of the
    -- person are found by it no more: a hash of the thread's own id takes its place.
    UPDATE data_keys k SET wrapped = NULL, destroyed_at = gone_at
    FROM conversations v
    WHERE v.business_id = business AND v.debtor_id IS NULL AND k.business_id = business AND k.id = v.record_key_id
      AND k.debtor_id IS NULL AND k.destroyed_at IS NULL
      AND (SELECT count(*) FROM business_keys b WHERE b.business_id = business) = 1 AND v.peer_blind IN (
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
        removed_blind = NULL, ordinal = NULL, removed_at = coalesce(removed_at, gone_at)
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
