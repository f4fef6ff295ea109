-- What the gate reads and what it decides.

CREATE TABLE consents (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    contact_point_id uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('SMS', 'WHATSAPP', 'EMAIL', 'VOICE')),
    status text NOT NULL CHECK (status IN ('GRANTED', 'IMPLIED_FROM_CREDITOR', 'REVOKED')),
    given_directly boolean NOT NULL,
    source text NOT NULL,
    granted_at timestamptz NOT NULL,
    -- Last text from the number or last reassignment check: 12 CFR 1006.6(d)(5) looks back 60 days.
    last_verified_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id, contact_point_id) REFERENCES contact_points (business_id, debtor_id, id)
);
CREATE UNIQUE INDEX consents_current ON consents (business_id, contact_point_id, channel) WHERE revoked_at IS NULL;
CREATE INDEX consents_debtor ON consents (business_id, debtor_id);
CALL app.protect('consents', 'debtor', 'SELECT, INSERT, UPDATE');

-- "Do not contact this address": keyed by blind index, so that it outlives erasure.
CREATE TABLE suppressions (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid,
    address_blind bytea NOT NULL,
    channel text NOT NULL CHECK (channel IN ('SMS', 'WHATSAPP', 'EMAIL', 'VOICE', 'ALL')),
    reason text NOT NULL CHECK (reason IN ('OPT_OUT', 'VENDOR_BLOCKED', 'WRONG_PARTY', 'STAFF')),
    created_at timestamptz NOT NULL,
    lifted_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id)
);
CREATE UNIQUE INDEX suppressions_current ON suppressions (business_id, address_blind, channel) WHERE lifted_at IS NULL;
CALL app.protect('suppressions', 'staff', 'SELECT, INSERT, UPDATE');

CREATE TABLE holds (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid,
    kind text NOT NULL CHECK (kind IN ('ATTORNEY', 'BANKRUPTCY', 'CEASE', 'DECEASED', 'DISPUTE')),
    placed_at timestamptz NOT NULL,
    lifted_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id)
);
CREATE INDEX holds_debtor ON holds (business_id, debtor_id) WHERE lifted_at IS NULL;
CALL app.protect('holds', 'staff', 'SELECT, INSERT, UPDATE');

-- Every answer of the gate about a real contact, with all that it read: replayable.
CREATE TABLE decisions (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid,
    channel text NOT NULL,
    -- QUEUE: may this be queued; DISPATCH: the one that yields the permit.
    stage text NOT NULL CHECK (stage IN ('QUEUE', 'DISPATCH')),
    outcome text NOT NULL CHECK (outcome IN ('ALLOW', 'DENY', 'DEFER', 'REQUIRE_CONTENT')),
    rule_set_version text NOT NULL,
    tzdb_version text NOT NULL,
    decision jsonb NOT NULL,
    facts_cipher bytea NOT NULL,
    key_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, debtor_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE decisions_default PARTITION OF decisions DEFAULT;
CREATE INDEX decisions_debtor ON decisions (business_id, debtor_id, id);
CALL app.protect('decisions', 'staff', 'SELECT, INSERT');
CALL app.append_only('decisions');

-- A frequency slot: taken by the decision that yields a permit, given back only when the vendor refused, a
-- not-connected cause is proven, or the permit expired unused. An UNKNOWN outcome keeps it.
CREATE TABLE contact_slots (
    business_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid,
    channel text NOT NULL,
    reply boolean NOT NULL,
    reserved_at timestamptz NOT NULL,
    released_at timestamptz,
    PRIMARY KEY (business_id, decision_id),
    FOREIGN KEY (business_id, debtor_id, decision_id) REFERENCES decisions (business_id, debtor_id, id)
);
CREATE INDEX contact_slots_debtor ON contact_slots (business_id, debtor_id, channel, reserved_at) WHERE released_at IS NULL;
CALL app.protect('contact_slots', 'staff', 'SELECT, INSERT, UPDATE');
