-- Payments of debts: what was asked of Stripe and what became of it, by card machine or by hand; refunds; money that was
-- taken back; and what Stripe reports. The ledger alone holds what is owed.

-- Each business's own connected account at Stripe. It has no secret: the platform's key speaks for it (Stripe docs, "Making
-- API calls for connected accounts"). A webhook names it before a business is known.
CREATE TABLE payment_accounts (
    id uuid PRIMARY KEY,
    business_id uuid NOT NULL REFERENCES businesses (id),
    provider text NOT NULL CHECK (provider IN ('STRIPE')),
    external_id text NOT NULL CHECK (external_id ~ '^acct_[A-Za-z0-9_]{1,64}$'),
    connected_at timestamptz NOT NULL,
    UNIQUE (provider, external_id),
    UNIQUE (business_id, provider)
);
GRANT SELECT, INSERT ON payment_accounts TO funnelchat_system;

ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_transactions_kind_check,
    ADD CONSTRAINT ledger_transactions_kind_check CHECK (kind IN ('OPENING', 'PAYMENT', 'REFUND', 'REFUND_FAILED', 'DISPUTE',
        'DISPUTE_WON'));
-- What is paid lies at the provider until it is paid out, or with the business itself.
ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_ledger_account_check,
    ADD CONSTRAINT ledger_entries_ledger_account_check CHECK (ledger_account IN ('RECEIVABLE', 'PLACEMENT',
        'PROVIDER_CLEARING', 'HAND_CLEARING'));

CREATE TABLE payments (
    business_id uuid NOT NULL REFERENCES businesses (id),
    -- The intent: it is the key of the request to Stripe and of the posting.
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    method text NOT NULL CHECK (method IN ('STRIPE', 'CHECK', 'CASH', 'MONEY_ORDER')),
    -- See src/payments/model.rs.
    state text NOT NULL CHECK (state IN ('CREATED', 'UNKNOWN', 'REQUIRES_PAYMENT_METHOD', 'REQUIRES_ACTION', 'PROCESSING',
        'SUCCEEDED', 'FAILED', 'CANCELED')),
    -- Through which account it went, and Stripe's own id of it.
    payment_account_id uuid REFERENCES payment_accounts (id),
    provider_payment_id text CHECK (length(provider_payment_id) <= 255),
    -- The payer confirms it in their browser, with a secret that only they have.
    is_confirmed_by_payer boolean NOT NULL,
    failure_code text CHECK (length(failure_code) <= 64),
    failure_reason text CHECK (length(failure_reason) <= 500),
    -- When Stripe is asked what became of it; null where nothing is open.
    lookup_due_at timestamptz,
    lookups smallint NOT NULL DEFAULT 0,
    empty_lookups smallint NOT NULL DEFAULT 0,
    -- The member of staff who took it; null where the debtor paid it themselves, or an API key did.
    created_by uuid,
    -- Why it was taken down by hand: under the person's record key.
    note_cipher bytea,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    succeeded_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, debtor_id, account_id, id),
    UNIQUE (business_id, provider_payment_id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, created_by) REFERENCES users (business_id, id),
    CHECK ((method = 'STRIPE') = (payment_account_id IS NOT NULL)),
    CHECK ((state = 'SUCCEEDED') = (succeeded_at IS NOT NULL)),
    CHECK (state NOT IN ('CREATED', 'UNKNOWN') OR lookup_due_at IS NOT NULL)
);
CREATE INDEX payments_account ON payments (business_id, account_id, id);
CREATE INDEX payments_in_flight ON payments (business_id, account_id)
    WHERE state IN ('CREATED', 'UNKNOWN', 'REQUIRES_PAYMENT_METHOD', 'REQUIRES_ACTION', 'PROCESSING');
CREATE INDEX payments_due ON payments (lookup_due_at) WHERE lookup_due_at IS NOT NULL;
CALL app.protect('payments', 'debtor', 'SELECT, INSERT, UPDATE');
CALL app.show_to_debtor('payments', 'account_id');
CALL app.open_to_system('payments', 'SELECT');

-- Money that goes back. What Stripe's dashboard refunds is here too, once it is known.
CREATE TABLE refunds (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    reason text NOT NULL CHECK (reason IN ('DUPLICATE', 'FRAUDULENT', 'REQUESTED_BY_DEBTOR', 'TAKEN_IN_ERROR', 'BOUNCED',
        'AT_PROVIDER')),
    state text NOT NULL CHECK (state IN ('CREATED', 'UNKNOWN', 'PENDING', 'SUCCEEDED', 'FAILED')),
    provider_refund_id text CHECK (length(provider_refund_id) <= 255),
    failure_code text CHECK (length(failure_code) <= 64),
    failure_reason text CHECK (length(failure_reason) <= 500),
    lookup_due_at timestamptz,
    lookups smallint NOT NULL DEFAULT 0,
    empty_lookups smallint NOT NULL DEFAULT 0,
    created_by uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, provider_refund_id),
    FOREIGN KEY (business_id, debtor_id, account_id, payment_id) REFERENCES payments (business_id, debtor_id, account_id, id),
    FOREIGN KEY (business_id, created_by) REFERENCES users (business_id, id),
    CHECK (state NOT IN ('CREATED', 'UNKNOWN') OR lookup_due_at IS NOT NULL)
);
CREATE INDEX refunds_payment ON refunds (business_id, payment_id, id);
CREATE INDEX refunds_due ON refunds (lookup_due_at) WHERE lookup_due_at IS NOT NULL;
CALL app.protect('refunds', 'debtor', 'SELECT, INSERT, UPDATE');
CALL app.show_to_debtor('refunds', 'account_id');
CALL app.open_to_system('refunds', 'SELECT');

-- What a bank takes back: a chargeback, or a returned debit, which Stripe tells as a dispute too.
CREATE TABLE payment_disputes (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    provider_dispute_id text NOT NULL CHECK (length(provider_dispute_id) <= 255),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- Stripe's word for it.
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 64),
    state text NOT NULL CHECK (state IN ('OPEN', 'WON', 'LOST')),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, provider_dispute_id),
    FOREIGN KEY (business_id, debtor_id, account_id, payment_id) REFERENCES payments (business_id, debtor_id, account_id, id),
    CHECK ((state = 'OPEN') = (closed_at IS NULL))
);
CREATE INDEX payment_disputes_payment ON payment_disputes (business_id, payment_id);
CALL app.protect('payment_disputes', 'debtor', 'SELECT, INSERT, UPDATE');
CALL app.show_to_debtor('payment_disputes', 'account_id');

-- What Stripe reports, as its webhook was verified: ids, words and amounts only, nothing of the payer. Stored before Stripe
-- has its answer, and acted on by a job.
CREATE TABLE stripe_events (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    provider_event_id text NOT NULL CHECK (length(provider_event_id) <= 255),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    -- What it is about, and the payment intent that belongs to it.
    object_id text NOT NULL CHECK (length(object_id) <= 255),
    provider_payment_id text CHECK (length(provider_payment_id) <= 255),
    -- The payment, as we had named it to Stripe.
    payment_id uuid,
    status text CHECK (length(status) <= 64),
    reason text CHECK (length(reason) <= 64),
    amount_minor bigint,
    currency text CHECK (length(currency) <= 3),
    received_at timestamptz NOT NULL,
    due_at timestamptz,
    processed_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, provider_event_id),
    CHECK ((processed_at IS NULL) = (due_at IS NOT NULL))
);
CREATE INDEX stripe_events_due ON stripe_events (due_at) WHERE due_at IS NOT NULL;
CALL app.protect('stripe_events', 'staff', 'SELECT, INSERT, UPDATE');
CALL app.open_to_system('stripe_events', 'SELECT');
