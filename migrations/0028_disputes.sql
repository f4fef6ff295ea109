-- Disputes and complaints as work with an end: what was said, what is owed in answer, until when, and what became of it.

-- One row for each occurrence. What the gate knows of a dispute, it reads here; the hold of kind DISPUTE is its mark on the
-- debt, for lists and people.
CREATE TABLE disputes (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    -- Null where it is not known which debt is meant: then it is of all of the person's.
    account_id uuid,
    kind text NOT NULL CHECK (kind IN ('DISPUTE', 'ORIGINAL_CREDITOR_REQUEST')),
    -- As 12 CFR 1006, appendix B, Model Form B-1 words it; null where nobody has said.
    reason text CHECK (reason IN ('NOT_MY_DEBT', 'AMOUNT_WRONG', 'OTHER')),
    requests_original_creditor boolean NOT NULL,
    -- The person's own words, under their record key.
    words_cipher bytea,
    received_at timestamptz NOT NULL,
    channel text NOT NULL CHECK (channel IN ('SMS', 'WHATSAPP', 'EMAIL', 'WEB_CHAT', 'LETTER', 'CALL', 'PORTAL', 'AGENT',
        'REGULATOR')),
    written boolean NOT NULL,
    within_validation_period boolean NOT NULL,
    -- The business pauses collection whatever the law asks for.
    held_by_choice boolean NOT NULL,
    -- When a person of the business looked at it; until then it counts as what stops most.
    looked_at timestamptz,
    -- The earlier, answered dispute that it repeats (12 CFR 1006.38(a)(1)).
    duplicate_of uuid,
    status text NOT NULL CHECK (status IN ('OPEN', 'VERIFYING', 'VERIFICATION_SENT', 'RESOLVED')),
    due_at timestamptz NOT NULL,
    verification_sent_at timestamptz,
    duplicative_notice_sent_at timestamptz,
    original_creditor_sent_at timestamptz,
    outcome text CHECK (outcome IN ('VERIFIED', 'CORRECTED', 'CLOSED_ACCOUNT', 'WITHDRAWN', 'DUPLICATIVE')),
    resolved_at timestamptz,
    -- Why, under the person's record key.
    resolution_cipher bytea,
    -- Its mark, and the status that the account had before.
    hold_id uuid,
    status_before text CHECK (status_before IN ('ACTIVE', 'IN_PAYMENT_PLAN')),
    -- The received text that says so.
    event_id uuid,
    -- Null for the service, the debtor and an API key.
    filed_by uuid,
    filed_at timestamptz NOT NULL,
    -- When it was told that its answer is due soon, and that it is overdue.
    told_soon_at timestamptz,
    told_overdue_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, debtor_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, duplicate_of) REFERENCES disputes (business_id, id),
    FOREIGN KEY (business_id, hold_id) REFERENCES holds (business_id, id),
    FOREIGN KEY (business_id, event_id) REFERENCES provider_events (business_id, id),
    FOREIGN KEY (business_id, filed_by) REFERENCES users (business_id, id),
    CONSTRAINT disputes_reason CHECK (kind = 'DISPUTE' OR reason IS NULL),
    CONSTRAINT disputes_request CHECK (kind = 'DISPUTE' OR requests_original_creditor),
    CONSTRAINT disputes_resolved CHECK ((status = 'RESOLVED') = (outcome IS NOT NULL)
        AND (status = 'RESOLVED') = (resolved_at IS NOT NULL))
);
CREATE INDEX disputes_debtor ON disputes (business_id, debtor_id, id);
CREATE INDEX disputes_account ON disputes (business_id, account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX disputes_hold ON disputes (business_id, hold_id) WHERE hold_id IS NOT NULL;
-- The reconciler looks through all businesses.
CREATE INDEX disputes_due ON disputes (due_at)
    WHERE status IN ('OPEN', 'VERIFYING') AND told_overdue_at IS NULL;
CALL app.protect('disputes', 'debtor', 'SELECT, INSERT, UPDATE');
CALL app.show_to_debtor('disputes', 'account_id');
CALL app.open_to_system('disputes', 'SELECT');

-- What was done about a dispute, in its order.
CREATE TABLE dispute_steps (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid,
    step text NOT NULL CHECK (step IN ('FILED', 'VERIFYING', 'VERIFICATION_SENT', 'DUPLICATIVE_NOTICE_SENT',
        'ORIGINAL_CREDITOR_SENT', 'RESOLVED')),
    -- When it was written down, and when it happened.
    recorded_at timestamptz NOT NULL,
    happened_at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor IN ('STAFF', 'DEBTOR', 'SERVICE')),
    recorded_by uuid,
    -- By which what was sent went.
    channel text CHECK (channel IN ('SMS', 'WHATSAPP', 'EMAIL', 'WEB_CHAT', 'LETTER', 'CALL', 'PORTAL', 'AGENT', 'REGULATOR')),
    outcome text CHECK (outcome IN ('VERIFIED', 'CORRECTED', 'CLOSED_ACCOUNT', 'WITHDRAWN', 'DUPLICATIVE')),
    -- Under the person's record key.
    note_cipher bytea,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id, dispute_id) REFERENCES disputes (business_id, debtor_id, id),
    FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id)
);
CREATE INDEX dispute_steps_dispute ON dispute_steps (business_id, dispute_id, id);
CALL app.protect('dispute_steps', 'debtor', 'SELECT, INSERT');
CALL app.show_to_debtor('dispute_steps', 'account_id');
CALL app.append_only('dispute_steps');

-- The documents that were sent.
CREATE TABLE dispute_documents (
    business_id uuid NOT NULL,
    step_id uuid NOT NULL,
    document_id uuid NOT NULL,
    PRIMARY KEY (business_id, step_id, document_id),
    FOREIGN KEY (business_id, step_id) REFERENCES dispute_steps (business_id, id),
    FOREIGN KEY (business_id, document_id) REFERENCES account_documents (business_id, id)
);
CALL app.protect('dispute_documents', 'staff', 'SELECT, INSERT');
CALL app.append_only('dispute_documents');

CREATE TABLE complaints (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    -- Null where it is of no one debt.
    account_id uuid,
    about text NOT NULL CHECK (about IN ('CONDUCT', 'AMOUNT', 'PRIVACY', 'PAYMENT', 'OTHER')),
    channel text NOT NULL CHECK (channel IN ('SMS', 'WHATSAPP', 'EMAIL', 'WEB_CHAT', 'LETTER', 'CALL', 'PORTAL', 'AGENT',
        'REGULATOR')),
    regulator text CHECK (regulator IN ('CFPB', 'FTC', 'STATE_ATTORNEY_GENERAL', 'STATE_REGULATOR', 'BBB', 'OTHER')),
    -- The regulator's case number, the person's words and what was answered, under the person's record key.
    reference_cipher bytea,
    words_cipher bytea NOT NULL,
    resolution_cipher bytea,
    received_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('OPEN', 'IN_PROGRESS', 'RESOLVED')),
    due_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('UPHELD', 'PARTLY_UPHELD', 'NOT_UPHELD', 'WITHDRAWN')),
    resolved_at timestamptz,
    resolved_by uuid,
    filed_by uuid,
    filed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    told_soon_at timestamptz,
    told_overdue_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, filed_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, resolved_by) REFERENCES users (business_id, id),
    CONSTRAINT complaints_reference CHECK (regulator IS NOT NULL OR reference_cipher IS NULL),
    CONSTRAINT complaints_resolved CHECK ((status = 'RESOLVED') = (outcome IS NOT NULL)
        AND (status = 'RESOLVED') = (resolved_at IS NOT NULL))
);
CREATE INDEX complaints_debtor ON complaints (business_id, debtor_id, id);
CREATE INDEX complaints_due ON complaints (due_at) WHERE status <> 'RESOLVED' AND told_overdue_at IS NULL;
CALL app.protect('complaints', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('complaints', 'SELECT');

-- What a debtor disputes in the portal is marked as theirs.
ALTER TABLE holds
    DROP CONSTRAINT holds_source_check,
    ADD CONSTRAINT holds_source_check CHECK (source IN ('PERSON', 'INBOUND_TEXT', 'IMPORT', 'PORTAL'));

-- A hold on a dispute that stands was all that was known of one until now: as such it stopped collection whatever the dates,
-- and as such it goes on. The dispute takes the hold's id, of which the kind tells it apart.
INSERT INTO disputes (business_id, id, debtor_id, account_id, kind, requests_original_creditor, received_at, channel, written,
    within_validation_period, held_by_choice, looked_at, status, due_at, hold_id, event_id, filed_by, filed_at)
SELECT business_id, id, debtor_id, account_id, 'DISPUTE', false, placed_at,
    CASE source WHEN 'INBOUND_TEXT' THEN 'SMS' ELSE 'AGENT' END, true, true, true,
    CASE WHEN source <> 'INBOUND_TEXT' THEN placed_at ELSE confirmed_at END, 'OPEN', placed_at + interval '30 days', id, event_id,
    placed_by, placed_at
FROM holds WHERE kind = 'DISPUTE' AND lifted_at IS NULL;
INSERT INTO dispute_steps (business_id, id, dispute_id, debtor_id, account_id, step, recorded_at, happened_at, actor, recorded_by)
SELECT business_id, id, id, debtor_id, account_id, 'FILED', filed_at, received_at,
    CASE WHEN filed_by IS NULL THEN 'SERVICE' ELSE 'STAFF' END, filed_by
FROM disputes;

-- How long the business gives itself to answer; the service's 30 and 15 days where null.
ALTER TABLE businesses
    ADD COLUMN dispute_answer_days int CHECK (dispute_answer_days BETWEEN 1 AND 60),
    ADD COLUMN complaint_answer_days int CHECK (complaint_answer_days BETWEEN 1 AND 60);
