-- Threads, messages, what was attempted at the vendor and what the vendor told us.

CREATE TABLE conversations (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid,
    account_id uuid,
    channel text NOT NULL CHECK (channel IN ('SMS', 'WHATSAPP', 'EMAIL', 'WEB_CHAT', 'VOICE')),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'RESOLVED', 'ESCALATED', 'CLOSED')),
    resolution text CHECK (length(resolution) <= 500),
    -- Our own address on the channel, and theirs (sealed; the blind index finds the thread of an inbound text).
    our_address text NOT NULL,
    peer_cipher bytea,
    peer_blind bytea NOT NULL,
    record_key_id uuid NOT NULL,
    assigned_agent_id uuid,
    assigned_at timestamptz,
    last_sequence int NOT NULL DEFAULT 0,
    last_inbound_sequence int NOT NULL DEFAULT 0,
    last_message_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, record_key_id) REFERENCES data_keys (business_id, id),
    FOREIGN KEY (business_id, assigned_agent_id) REFERENCES users (business_id, id),
    CHECK (account_id IS NULL OR debtor_id IS NOT NULL)
);
-- At most one open thread per channel, our address and theirs.
CREATE UNIQUE INDEX conversations_open ON conversations (business_id, channel, our_address, peer_blind, coalesce(account_id, '00000000-0000-0000-0000-000000000000'))
    WHERE status <> 'CLOSED';
CREATE INDEX conversations_peer ON conversations (business_id, peer_blind);
CREATE INDEX conversations_account ON conversations (business_id, account_id, id);
CREATE INDEX conversations_debtor ON conversations (business_id, debtor_id, id);
CREATE INDEX conversations_recent ON conversations (business_id, updated_at, id);
CREATE INDEX conversations_created ON conversations (business_id, created_at, id);
CALL app.protect('conversations', 'debtor', 'SELECT, INSERT, UPDATE');

CREATE TABLE conversation_reads (
    business_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    last_read_sequence int NOT NULL,
    PRIMARY KEY (business_id, conversation_id, user_id),
    FOREIGN KEY (business_id, conversation_id) REFERENCES conversations (business_id, id),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id)
);
CALL app.protect('conversation_reads', 'staff', 'SELECT, INSERT, UPDATE');

CREATE TABLE messages (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    debtor_id uuid,
    -- Position in the thread, from 1, without holes (given under the conversation's lock).
    sequence int NOT NULL CHECK (sequence > 0),
    direction text NOT NULL CHECK (direction IN ('INBOUND', 'OUTBOUND')),
    sender_type text NOT NULL CHECK (sender_type IN ('AGENT', 'DEBTOR', 'ASSISTANT', 'SYSTEM')),
    sender_id uuid,
    body_cipher bytea NOT NULL,
    delivery_status text NOT NULL CHECK (delivery_status IN
        ('RECEIVED', 'QUEUED', 'SENT', 'DELIVERED', 'READ', 'FAILED', 'BLOCKED', 'UNKNOWN')),
    failure_code text,
    failure_reason text,
    -- The decision that let it be queued.
    decision_id uuid,
    -- The inbound message that it answers promptly, if any.
    reply_to_message_id uuid,
    provider_message_id text,
    -- While QUEUED: when it is to be dispatched (business time). A reconciler finds what is overdue.
    dispatch_due_at timestamptz,
    -- The attempt under way, if any: an opt-out that arrives meanwhile cannot take the message back.
    attempt_id uuid,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, conversation_id) REFERENCES conversations (business_id, id),
    FOREIGN KEY (business_id, debtor_id, decision_id) REFERENCES decisions (business_id, debtor_id, id),
    -- No contact without a decision: the database itself refuses.
    CONSTRAINT outbound_needs_decision CHECK (direction = 'INBOUND' OR (decision_id IS NOT NULL AND debtor_id IS NOT NULL)),
    CONSTRAINT queued_is_due CHECK ((delivery_status = 'QUEUED') = (dispatch_due_at IS NOT NULL)),
    CONSTRAINT inbound_is_received CHECK ((direction = 'INBOUND') = (delivery_status = 'RECEIVED'))
) PARTITION BY RANGE (id);
CREATE TABLE messages_default PARTITION OF messages DEFAULT;
CREATE INDEX messages_thread ON messages (business_id, conversation_id, sequence);
CREATE INDEX messages_provider ON messages (business_id, provider_message_id);
CREATE INDEX messages_queued ON messages (business_id, conversation_id) WHERE delivery_status = 'QUEUED';
CREATE INDEX messages_due ON messages (dispatch_due_at) WHERE delivery_status = 'QUEUED';
CREATE INDEX messages_inbound ON messages (business_id, debtor_id, created_at) WHERE direction = 'INBOUND';
CALL app.protect('messages', 'debtor', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('messages', 'SELECT');

-- One try to hand a message to the vendor, with the decision whose permit it spent.
CREATE TABLE delivery_attempts (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    number smallint NOT NULL CHECK (number > 0),
    -- STARTED: the call may have been made; UNKNOWN: no answer came back; both are looked up at the vendor.
    state text NOT NULL CHECK (state IN ('STARTED', 'UNKNOWN', 'ACCEPTED', 'REFUSED', 'LOST')),
    provider_message_id text,
    error_code text,
    empty_lookups smallint NOT NULL DEFAULT 0,
    -- Of an accepted one: how often the vendor was asked what became of it and had nothing final to say.
    status_lookups smallint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL,
    -- When the reconciler should look it up (business time): an open one to find it, an accepted one whose callbacks
    -- did not come to learn its status; null when there is nothing left to learn.
    lookup_due_at timestamptz,
    settled_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, message_id, number),
    FOREIGN KEY (business_id, message_id) REFERENCES messages (business_id, id),
    FOREIGN KEY (business_id, debtor_id, decision_id) REFERENCES decisions (business_id, debtor_id, id)
);
CREATE INDEX delivery_attempts_due ON delivery_attempts (lookup_due_at) WHERE lookup_due_at IS NOT NULL;
CALL app.protect('delivery_attempts', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('delivery_attempts', 'SELECT');

-- Verified webhooks, stored before they are answered. The payload is sealed under the business key and
-- emptied when the job has moved it to where it belongs.
CREATE TABLE provider_events (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('TWILIO')),
    kind text NOT NULL CHECK (kind IN ('INBOUND_MESSAGE', 'MESSAGE_STATUS')),
    -- The vendor's own id of the event: a repeat changes nothing.
    event_id text NOT NULL,
    peer_blind bytea,
    payload_cipher bytea,
    key_version int NOT NULL,
    received_at timestamptz NOT NULL,
    processed_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, provider, event_id)
);
CREATE INDEX provider_events_waiting ON provider_events (business_id, peer_blind, received_at) WHERE processed_at IS NULL;
CREATE INDEX provider_events_stale ON provider_events (received_at) WHERE processed_at IS NULL;
CALL app.protect('provider_events', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('provider_events', 'SELECT');
