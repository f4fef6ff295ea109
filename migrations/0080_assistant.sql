-- The assistant: what a business lets it do, and what it did with each text that it looked at.

-- Off until the business switches it on.
ALTER TABLE business_settings ADD COLUMN assistant jsonb NOT NULL DEFAULT '{}';

-- One row a text: it is answered at most once, whoever looks how often. What it read, in words and figures of ours.
CREATE TABLE assistant_turns (
    business_id uuid NOT NULL,
    -- The text that was looked at.
    message_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    -- What they want; null where that is not understood.
    intent text CHECK (intent IN ('PAYMENT_PLAN', 'DISPUTE', 'INFORMATION', 'MAKE_PAYMENT', 'HARDSHIP', 'HUMAN', 'HOSTILE', 'CEASE')),
    -- 1 very positive to 5 hostile.
    sentiment smallint NOT NULL CHECK (sentiment BETWEEN 1 AND 5),
    -- In percent.
    confidence smallint NOT NULL CHECK (confidence BETWEEN 0 AND 100),
    outcome text NOT NULL CHECK (outcome IN ('ANSWERED', 'HANDED_OVER', 'LEFT')),
    -- Why a person takes over.
    hand_off text CHECK (hand_off IN ('ASKED_FOR_PERSON', 'DISPUTE', 'COMPLAINT', 'LEGAL_MATTER', 'HOSTILE', 'DISTRESS', 'NOT_SURE',
        'NEGOTIATION', 'UPSET_AGAIN', 'ASKED_AGAIN', 'STATEMENT', 'NO_ANSWER', 'REFUSED')),
    -- Which wording was said, of which version.
    wording text,
    wording_version smallint,
    -- What it said, if anything, and what the gate answered.
    reply_message_id uuid,
    decision_id uuid,
    looked_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, message_id),
    FOREIGN KEY (business_id, message_id) REFERENCES messages (business_id, id),
    FOREIGN KEY (business_id, conversation_id) REFERENCES conversations (business_id, id),
    FOREIGN KEY (business_id, reply_message_id) REFERENCES messages (business_id, id),
    CHECK ((outcome = 'HANDED_OVER') = (hand_off IS NOT NULL)),
    CHECK (outcome <> 'ANSWERED' OR reply_message_id IS NOT NULL)
);
CREATE INDEX assistant_turns_thread ON assistant_turns (business_id, conversation_id, looked_at DESC);
CREATE INDEX assistant_turns_reply ON assistant_turns (business_id, reply_message_id) WHERE reply_message_id IS NOT NULL;
CALL app.protect('assistant_turns', 'staff', 'SELECT, INSERT');
