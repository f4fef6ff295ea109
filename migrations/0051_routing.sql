-- Who gets a thread that nobody holds, by the business's own rules; a thread that waits for somebody with more authority; and
-- members of staff who are named in a note.

-- In order of their place: the first that fits a thread decides who gets it.
CREATE TABLE routing_rules (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    place smallint NOT NULL CHECK (place BETWEEN 1 AND 50),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    enabled boolean NOT NULL,
    -- Conditions: one of each that names any. There are few rules, which are read together: arrays serve.
    channels text[] NOT NULL CHECK (channels <@ ARRAY['SMS', 'WHATSAPP', 'EMAIL', 'WEB_CHAT', 'VOICE']),
    languages text[] NOT NULL CHECK (cardinality(languages) <= 20),
    creditor_ids uuid[] NOT NULL CHECK (cardinality(creditor_ids) <= 50),
    tags text[] NOT NULL CHECK (cardinality(tags) <= 50),
    -- All of these.
    required_skills text[] NOT NULL CHECK (cardinality(required_skills) <= 30),
    strategy text NOT NULL CHECK (strategy IN ('ROUND_ROBIN', 'LEAST_ACTIVE')),
    -- When a thread with unanswered messages is taken from who has it.
    reassignment text NOT NULL CHECK (reassignment IN ('NEVER', 'DEACTIVATED', 'OFF_DUTY')),
    -- Whose turn was last.
    last_user_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, last_user_id) REFERENCES users (business_id, id)
);
CREATE INDEX routing_rules_place ON routing_rules (business_id, place, id);
CALL app.protect('routing_rules', 'staff', 'SELECT, INSERT, UPDATE, DELETE');

ALTER TABLE conversations
    -- Since when the debtor waits for a person's answer; null when they do not.
    ADD COLUMN waiting_since timestamptz,
    -- While they wait: when the rules look at the thread next (business time). Each look moves it away.
    ADD COLUMN route_due_at timestamptz,
    -- The last escalation: why, when, by whom.
    ADD COLUMN escalation_reason_cipher bytea,
    ADD COLUMN escalated_at timestamptz,
    ADD COLUMN escalated_by uuid,
    ADD CHECK ((waiting_since IS NULL) = (route_due_at IS NULL)),
    ADD FOREIGN KEY (business_id, escalated_by) REFERENCES users (business_id, id);

UPDATE conversations c SET waiting_since = m.created_at, route_due_at = m.created_at
FROM messages m
WHERE m.business_id = c.business_id AND m.conversation_id = c.id AND m.sequence = c.last_inbound_sequence
  AND c.status IN ('ACTIVE', 'ESCALATED')
  AND NOT EXISTS (SELECT FROM messages o WHERE o.business_id = c.business_id AND o.conversation_id = c.id
                  AND o.sequence > m.sequence AND o.direction = 'OUTBOUND' AND o.sender_type <> 'SYSTEM'
                  AND o.delivery_status NOT IN ('FAILED', 'BLOCKED'));

CREATE INDEX conversations_to_route ON conversations (business_id, route_due_at, id)
    WHERE status = 'ACTIVE' AND debtor_id IS NOT NULL AND route_due_at IS NOT NULL;

-- Which businesses have rules, and threads that the rules are to look at.
CREATE FUNCTION app.businesses_to_route(p_now timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT b.id FROM businesses b
    WHERE b.status = 'ACTIVE'
      AND EXISTS (SELECT FROM routing_rules r WHERE r.business_id = b.id AND r.enabled)
      AND EXISTS (SELECT FROM conversations c
                  WHERE c.business_id = b.id AND c.status = 'ACTIVE' AND c.debtor_id IS NOT NULL AND c.route_due_at <= p_now)
    ORDER BY b.id
$$;
REVOKE ALL ON FUNCTION app.businesses_to_route FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.businesses_to_route TO funnelchat_system;

-- Who is named in a note, and told of it.
CREATE TABLE note_mentions (
    business_id uuid NOT NULL,
    note_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (business_id, note_id, user_id),
    FOREIGN KEY (business_id, note_id) REFERENCES account_notes (business_id, id),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id)
);
CALL app.protect('note_mentions', 'staff', 'SELECT, INSERT');

-- What else there is to hear of.
ALTER TABLE notification_preferences
    DROP CONSTRAINT notification_preferences_kind_check,
    ADD CONSTRAINT notification_preferences_kind_check CHECK (kind IN ('ANSWER_DUE', 'API_KEY_ENDING',
        'CONVERSATION_ASSIGNED', 'CONVERSATION_ESCALATED', 'IMPORT_FINISHED', 'LICENSE_ENDING', 'MENTIONED',
        'MESSAGE_RECEIVED'));
