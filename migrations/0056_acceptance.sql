-- When the patterns of a business's decisions were last looked for, in business time.
CREATE TABLE pattern_looks (
    business_id uuid NOT NULL REFERENCES businesses (id),
    looked_at timestamptz NOT NULL,
    PRIMARY KEY (business_id)
);
CALL app.protect('pattern_looks', 'staff', 'SELECT');
CALL app.open_to_system('pattern_looks', 'SELECT, INSERT, UPDATE');

-- Patterns that somebody should look at, as they were found: each once a day. What was counted then, and with what it was compared.
CREATE TABLE compliance_alerts (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    -- The last day of the period that was looked at, of the UTC calendar.
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('RULE_REFUSES_MORE', 'OPT_OUTS_RISE', 'AGENT_REFUSED')),
    rule text,
    user_id uuid,
    -- The kind with its rule or member of staff.
    pattern text NOT NULL,
    count bigint NOT NULL,
    compared_with bigint NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    CONSTRAINT compliance_alerts_once UNIQUE (business_id, day, pattern),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id),
    CONSTRAINT compliance_alerts_of CHECK ((kind = 'RULE_REFUSES_MORE') = (rule IS NOT NULL)
        AND (kind = 'AGENT_REFUSED') = (user_id IS NOT NULL))
);
CALL app.protect('compliance_alerts', 'staff', 'SELECT, INSERT');
CALL app.append_only('compliance_alerts');

-- What else there is to hear of.
ALTER TABLE notification_preferences
    DROP CONSTRAINT notification_preferences_kind_check,
    ADD CONSTRAINT notification_preferences_kind_check CHECK (kind IN ('ANSWER_DUE', 'API_KEY_ENDING', 'COMPLIANCE_ALERT',
        'CONVERSATION_ASSIGNED', 'CONVERSATION_ESCALATED', 'IMPORT_FINISHED', 'LICENSE_ENDING', 'MENTIONED',
        'MESSAGE_RECEIVED'));

-- Who accepted which version of the privacy notice, when and from where: a debtor in the portal, or a member of staff. Each once.
CREATE TABLE privacy_acceptances (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid,
    user_id uuid,
    version text NOT NULL CHECK (length(version) BETWEEN 1 AND 40),
    -- In which language they read it.
    language text NOT NULL CHECK (language IN ('en', 'es')),
    accepted_at timestamptz NOT NULL,
    -- Address and program: a debtor's under their record key, …
    evidence_cipher bytea,
    -- … those of staff under the platform's, as with their sessions.
    origin_cipher bytea,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, user_id) REFERENCES users (business_id, id),
    CONSTRAINT privacy_acceptances_of CHECK ((debtor_id IS NULL) = (user_id IS NOT NULL)
        AND (debtor_id IS NULL) = (evidence_cipher IS NULL) AND (user_id IS NULL) = (origin_cipher IS NULL))
);
CREATE UNIQUE INDEX privacy_acceptances_debtor ON privacy_acceptances (business_id, debtor_id, version)
    WHERE debtor_id IS NOT NULL;
CREATE UNIQUE INDEX privacy_acceptances_user ON privacy_acceptances (business_id, user_id, version) WHERE user_id IS NOT NULL;
CALL app.protect('privacy_acceptances', 'staff', 'SELECT, INSERT');
CALL app.show_to_debtor('privacy_acceptances', NULL);
CALL app.append_only('privacy_acceptances');

-- Which cookies a visitor of a business's portal allowed, by the version of the notice that they were asked with: the newest row
-- counts. Of the visitor nothing but the print of the random word that their browser keeps.
CREATE TABLE cookie_choices (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    visitor_blind bytea NOT NULL CHECK (length(visitor_blind) = 32),
    version text NOT NULL CHECK (length(version) BETWEEN 1 AND 40),
    allowed text[] NOT NULL CHECK (allowed <@ '{PREFERENCES,STATISTICS,MARKETING}'::text[]),
    chosen_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id)
);
CREATE INDEX cookie_choices_visitor ON cookie_choices (business_id, visitor_blind, id);
-- What is old goes, whosesoever it is.
CREATE INDEX cookie_choices_old ON cookie_choices (chosen_at);
CALL app.protect('cookie_choices', 'staff', 'SELECT');
CALL app.open_to_system('cookie_choices', 'SELECT, INSERT, DELETE');

-- The score counts what is open, of one business.
CREATE INDEX disputes_open ON disputes (business_id, due_at) WHERE status IN ('OPEN', 'VERIFYING');
CREATE INDEX complaints_open ON complaints (business_id, due_at) WHERE status <> 'RESOLVED';

-- The threads of colleagues in which a decision was made about a message: an agent sees none of these decisions, whosever the
-- account is. None for who is no agent. The planner puts its body in place of it: it takes no settings of its own and is no
-- SECURITY DEFINER, so that row security binds it as whoever asks.
CREATE FUNCTION app.colleagues_threads(p_business uuid, p_debtor uuid, p_decision uuid, p_agent uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE AS $$
    SELECT c.id FROM conversations c
    JOIN messages m ON m.business_id = c.business_id AND m.conversation_id = c.id
    WHERE p_agent IS NOT NULL AND c.business_id = p_business AND c.debtor_id = p_debtor AND c.assigned_agent_id <> p_agent
      AND (m.decision_id = p_decision OR EXISTS (
          SELECT FROM delivery_attempts t
          WHERE t.business_id = m.business_id AND t.message_id = m.id AND t.decision_id = p_decision))
$$;

-- Which answer to a dispute, or to a request for the original creditor, a message is (12 CFR 1006.38(c), (d)(2)).
ALTER TABLE messages ADD COLUMN dispute_answer text
    CHECK (dispute_answer IN ('VERIFICATION', 'DUPLICATIVE_NOTICE', 'ORIGINAL_CREDITOR'));
