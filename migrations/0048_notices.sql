-- Whose act it was, for an event that is told to whom it concerns: of one's own acts nobody is told.
ALTER TABLE live_events ADD COLUMN actor_id uuid;

-- As in 0044, with who acted.
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
            debtor_id, assigned_agent_id, previous_agent_id, object_id, actor_id)
        SELECT p_business, head.live_position + e.n, e.v ->> 'kind', stamp, (e.v ->> 'conversation_id')::uuid,
            (e.v ->> 'message_id')::uuid, (e.v ->> 'account_id')::uuid, (e.v ->> 'debtor_id')::uuid,
            (e.v ->> 'assigned_agent_id')::uuid, (e.v ->> 'previous_agent_id')::uuid, (e.v ->> 'object_id')::uuid,
            (e.v ->> 'actor_id')::uuid
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

-- What else there is to hear of.
ALTER TABLE notification_preferences
    DROP CONSTRAINT notification_preferences_kind_check,
    ADD CONSTRAINT notification_preferences_kind_check CHECK (kind IN ('ANSWER_DUE', 'API_KEY_ENDING',
        'CONVERSATION_ASSIGNED', 'IMPORT_FINISHED', 'LICENSE_ENDING', 'MESSAGE_RECEIVED'));
