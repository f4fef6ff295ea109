-- Notes by API keys, creditors and placements, what a balance is made of, holds with their reason and author, saved
-- views, and the indexes of more filters.

-- An API key writes notes too: then no member of staff is the author.
ALTER TABLE account_notes ALTER COLUMN author_id DROP NOT NULL;

-- Who is owed.
CREATE TABLE creditors (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- Lower case: one name is one creditor, however it is written.
    name_key text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, name_key)
);
CREATE INDEX creditors_name ON creditors (business_id, name_key COLLATE "C", id);
CALL app.protect('creditors', 'staff', 'SELECT, INSERT');

-- Accounts that a creditor handed over together.
CREATE TABLE placements (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    creditor_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    name_key text NOT NULL,
    placed_on date NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, creditor_id, id),
    UNIQUE (business_id, creditor_id, name_key),
    FOREIGN KEY (business_id, creditor_id) REFERENCES creditors (business_id, id)
);
CALL app.protect('placements', 'staff', 'SELECT, INSERT');

-- A placement is of the account's own creditor.
ALTER TABLE accounts
    ADD COLUMN creditor_id uuid,
    ADD COLUMN placement_id uuid,
    ADD FOREIGN KEY (business_id, creditor_id) REFERENCES creditors (business_id, id),
    ADD FOREIGN KEY (business_id, creditor_id, placement_id) REFERENCES placements (business_id, creditor_id, id),
    ADD CONSTRAINT placement_has_creditor CHECK (placement_id IS NULL OR creditor_id IS NOT NULL);
GRANT INSERT (creditor_id, placement_id), UPDATE (creditor_id, placement_id) ON accounts TO funnelchat_app;
CREATE INDEX accounts_creditor ON accounts (business_id, creditor_id, id) WHERE creditor_id IS NOT NULL;
CREATE INDEX accounts_placement ON accounts (business_id, placement_id, id) WHERE placement_id IS NOT NULL;
-- What changed since: integrators ask for it again and again.
CREATE INDEX accounts_updated ON accounts (business_id, updated_at, id);
-- An account without a due date is due after all others. CASE and not coalesce: a condition on coalesce() is not taken
-- for leakproof, so that under row security no range and no cursor on it ever reached the index.
DROP INDEX accounts_due;
CREATE INDEX accounts_due ON accounts (business_id,
    (CASE WHEN due_date IS NULL THEN date '9999-12-31' ELSE due_date END), id);
-- The start of a number is a range of bytes, whatever the database's collation is.
CREATE INDEX accounts_number ON accounts (business_id, account_number COLLATE "C");

-- 12 CFR 1006.34(c)(2)(vii)-(viii): what the opening balance is made of on the itemization date, which is one of the
-- five reference dates of 12 CFR 1006.34(b)(3).
CREATE TABLE balance_components (
    business_id uuid NOT NULL,
    account_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    principal_minor bigint NOT NULL CHECK (principal_minor >= 0),
    interest_minor bigint NOT NULL CHECK (interest_minor >= 0),
    fees_minor bigint NOT NULL CHECK (fees_minor >= 0),
    costs_minor bigint NOT NULL CHECK (costs_minor >= 0),
    itemization_date date NOT NULL,
    itemization_event text NOT NULL
        CHECK (itemization_event IN ('LAST_STATEMENT', 'CHARGE_OFF', 'LAST_PAYMENT', 'TRANSACTION', 'JUDGMENT')),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, account_id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id)
);
CALL app.protect('balance_components', 'debtor', 'SELECT, INSERT, UPDATE');

-- One hold of a kind stands on a person, and one on each of their debts. Of two that were placed at the same moment
-- the later is lifted.
UPDATE holds h SET lifted_at = h.placed_at
WHERE h.lifted_at IS NULL AND EXISTS (
    SELECT FROM holds e
    WHERE e.business_id = h.business_id AND e.debtor_id = h.debtor_id AND e.kind = h.kind
      AND e.account_id IS NOT DISTINCT FROM h.account_id AND e.lifted_at IS NULL
      AND (e.placed_at, e.id) < (h.placed_at, h.id));
CREATE UNIQUE INDEX holds_standing ON holds (business_id, debtor_id,
    coalesce(account_id, '00000000-0000-0000-0000-000000000000'), kind) WHERE lifted_at IS NULL;
DROP INDEX holds_debtor;
CREATE INDEX holds_kind ON holds (business_id, kind, debtor_id) WHERE lifted_at IS NULL;
ALTER TABLE holds
    DROP CONSTRAINT holds_kind_check,
    ADD CONSTRAINT holds_kind_check CHECK (kind IN ('ATTORNEY', 'BANKRUPTCY', 'CEASE', 'DECEASED', 'DISPUTE',
        'DO_NOT_RECONTACT', 'IDENTITY_THEFT', 'LEGAL', 'PAYMENT_FAILED', 'SCRA')),
    -- Evidence, under the debtor's record key.
    ADD COLUMN reason_cipher bytea,
    -- Null where the service itself or an API key did it.
    ADD COLUMN placed_by uuid,
    ADD COLUMN lifted_by uuid,
    ADD FOREIGN KEY (business_id, placed_by) REFERENCES users (business_id, id),
    ADD FOREIGN KEY (business_id, lifted_by) REFERENCES users (business_id, id);

-- A filter, order and search of accounts under a name: of one member of staff, or for all of them.
CREATE TABLE account_views (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    owner_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    filter jsonb NOT NULL,
    order_field text NOT NULL CHECK (order_field IN ('CREATED_AT', 'BALANCE', 'DUE_DATE', 'LAST_NAME')),
    order_descending boolean NOT NULL,
    -- Sealed under the business's key of that version: who searches for a name or number means a person.
    search_cipher bytea,
    key_version int NOT NULL,
    shared boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, owner_id, name),
    FOREIGN KEY (business_id, owner_id) REFERENCES users (business_id, id)
);
CREATE INDEX account_views_shared ON account_views (business_id, name) WHERE shared;
CALL app.protect('account_views', 'staff', 'SELECT, INSERT, UPDATE, DELETE');
