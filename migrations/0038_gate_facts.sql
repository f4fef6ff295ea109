-- What the gate's rules ask of a debt and of who writes, as people of the business record it.

-- What the debt is for; null where nobody has said, which excuses nothing.
ALTER TABLE accounts ADD COLUMN debt_type text CHECK (debt_type IN ('AUTO_LOAN', 'COMMERCIAL', 'CREDIT_CARD', 'MEDICAL',
    'MORTGAGE', 'OTHER', 'PAYDAY_LOAN', 'PERSONAL_LOAN', 'RENT', 'RETAIL', 'STUDENT_LOAN', 'TELECOMMUNICATIONS', 'UTILITY'));
GRANT INSERT (debt_type), UPDATE (debt_type) ON accounts TO funnelchat_app;

-- That a suit for a debt is intended, and by whose authority (15 USC 1692e(5); 12 CFR 1006.18(c)(1)): one row for each time
-- that it was recorded. It is taken back, never changed.
CREATE TABLE suit_authorities (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    -- Who decided it, and by what authority; how the end of the limitation period was found. Under the person's record key.
    authority_cipher bytea NOT NULL,
    limitation_basis_cipher bytea NOT NULL,
    -- The last day on which suit may be brought (12 CFR 1006.26(b)).
    limitation_expires_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by uuid,
    withdrawal_cipher bytea,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, withdrawn_by) REFERENCES users (business_id, id),
    CONSTRAINT suit_authorities_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL)
        AND (withdrawn_at IS NULL) = (withdrawal_cipher IS NULL))
);
CREATE UNIQUE INDEX suit_authorities_standing ON suit_authorities (business_id, account_id) WHERE withdrawn_at IS NULL;
CREATE INDEX suit_authorities_account ON suit_authorities (business_id, account_id, id);
CREATE INDEX suit_authorities_debtor ON suit_authorities (business_id, debtor_id, id);
CALL app.protect('suit_authorities', 'staff', 'SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by, withdrawal_cipher)');

-- Which member is an attorney, and where they were admitted (15 USC 1692e(3); 12 CFR 1006.18(b)(1)(ii)); null for all others.
ALTER TABLE users
    ADD COLUMN bar_state text CHECK (bar_state ~ '^[A-Z]{2}$'),
    ADD COLUMN bar_number text CHECK (length(bar_number) BETWEEN 1 AND 40),
    ADD CONSTRAINT users_attorney CHECK ((bar_state IS NULL) = (bar_number IS NULL));
