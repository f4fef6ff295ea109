-- Debtors (people), their contact points and keys, and accounts (debts) with their ledger.

CREATE TABLE debtors (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    -- The row is the person: its own id stands under both names so that one policy form serves every table.
    debtor_id uuid NOT NULL GENERATED ALWAYS AS (id) STORED,
    external_reference text CHECK (length(external_reference) <= 100),
    -- Names are searchable, hence plaintext; erasure overwrites them.
    first_name text CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name text CHECK (length(last_name) BETWEEN 1 AND 100),
    -- Lower-case "last first", the key of prefix and partial search.
    name_key text NOT NULL DEFAULT '',
    preferred_language text NOT NULL CHECK (preferred_language ~ '^[a-z]{2}$'),
    preferred_channel text CHECK (preferred_channel IN ('SMS', 'WHATSAPP', 'EMAIL', 'WEB_CHAT', 'VOICE')),
    profile_key_id uuid NOT NULL,
    record_key_id uuid NOT NULL,
    address_cipher bytea,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    erased_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, external_reference)
);
CREATE INDEX debtors_name ON debtors (business_id, name_key COLLATE "C", id);
CREATE INDEX debtors_created ON debtors (business_id, created_at, id);
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX debtors_name_trgm ON debtors USING gin (business_id, name_key gin_trgm_ops);
CALL app.protect('debtors', 'debtor', 'SELECT, INSERT, UPDATE');

-- A data key guards one debtor's columns of one purpose, or one unmatched conversation (debtor_id null).
-- Destroying it (wrapped = null) is erasure.
CREATE TABLE data_keys (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid,
    purpose text NOT NULL CHECK (purpose IN ('PROFILE', 'RECORD')),
    business_key_version int NOT NULL,
    wrapped bytea,
    destroyed_at timestamptz,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, business_key_version) REFERENCES business_keys (business_id, version),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id) DEFERRABLE INITIALLY DEFERRED,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE INDEX data_keys_debtor ON data_keys (business_id, debtor_id);
CALL app.protect('data_keys', 'debtor', 'SELECT, INSERT, UPDATE');
ALTER TABLE debtors
    ADD FOREIGN KEY (business_id, profile_key_id) REFERENCES data_keys (business_id, id) DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (business_id, record_key_id) REFERENCES data_keys (business_id, id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE contact_points (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('PHONE', 'EMAIL')),
    ordinal smallint NOT NULL CHECK (ordinal BETWEEN 1 AND 20),
    value_cipher bytea,
    -- HMAC of the normalised value under the business's blind-index key of that version.
    blind_index bytea,
    blind_version int NOT NULL,
    provenance text NOT NULL CHECK (provenance IN ('CREDITOR', 'CONSUMER', 'IMPORT', 'STAFF')),
    -- Twilio said the number cannot take texts (21211, 21614 …): a fact of the network, not of consent.
    unreachable_code text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, debtor_id, id),
    -- Checked at the end of a statement, so that one statement can put a new order in place.
    UNIQUE (business_id, debtor_id, kind, ordinal) DEFERRABLE INITIALLY IMMEDIATE,
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id)
);
CREATE INDEX contact_points_blind ON contact_points (business_id, blind_index);
CALL app.protect('contact_points', 'debtor', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE accounts (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_number text NOT NULL CHECK (length(account_number) BETWEEN 1 AND 64),
    original_creditor text CHECK (length(original_creditor) <= 200),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'IN_PAYMENT_PLAN', 'PAID_IN_FULL', 'DISPUTED', 'LEGAL', 'CLOSED')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- The sum of the account's ledger entries, kept by the ledger's trigger alone (no grant to update it).
    balance_minor bigint NOT NULL DEFAULT 0,
    original_balance_minor bigint,
    due_date date,
    assigned_agent_id uuid,
    -- 12 CFR 1006.34: when the validation notice went out and when its period ends.
    initial_communication_on date,
    validation_notice_on date,
    validation_period_ends_on date,
    custom_fields_cipher bytea,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, debtor_id, id),
    UNIQUE (business_id, account_number),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, assigned_agent_id) REFERENCES users (business_id, id)
);
CREATE INDEX accounts_created ON accounts (business_id, created_at, id);
CREATE INDEX accounts_balance ON accounts (business_id, balance_minor, id);
-- The list by due date sorts accounts without one last; ranges use the plain column.
CREATE INDEX accounts_due ON accounts (business_id, coalesce(due_date, date '9999-12-31'), id);
CREATE INDEX accounts_debtor ON accounts (business_id, debtor_id, id);
CREATE INDEX accounts_assigned ON accounts (business_id, assigned_agent_id, id);
CALL app.protect('accounts', 'debtor', 'SELECT');
-- Everything but the balance: that is the ledger's.
GRANT INSERT (business_id, id, debtor_id, account_number, original_creditor, status, currency, original_balance_minor,
        due_date, assigned_agent_id, initial_communication_on, validation_notice_on, validation_period_ends_on,
        custom_fields_cipher, created_at, updated_at),
      UPDATE (account_number, original_creditor, status, original_balance_minor, due_date, assigned_agent_id,
        initial_communication_on, validation_notice_on, validation_period_ends_on, custom_fields_cipher,
        updated_at, deleted_at)
    ON accounts TO funnelchat_app;

CREATE TABLE account_tags (
    business_id uuid NOT NULL,
    account_id uuid NOT NULL,
    tag text NOT NULL CHECK (length(tag) BETWEEN 1 AND 50),
    PRIMARY KEY (business_id, account_id, tag),
    FOREIGN KEY (business_id, account_id) REFERENCES accounts (business_id, id)
);
CREATE INDEX account_tags_tag ON account_tags (business_id, tag, account_id);
CALL app.protect('account_tags', 'staff', 'SELECT, INSERT, DELETE');

-- Internal: never shown to the debtor.
CREATE TABLE account_notes (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    author_id uuid NOT NULL,
    body_cipher bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, account_id) REFERENCES accounts (business_id, id),
    FOREIGN KEY (business_id, author_id) REFERENCES users (business_id, id)
);
CREATE INDEX account_notes_account ON account_notes (business_id, account_id, id);
CALL app.protect('account_notes', 'staff', 'SELECT, INSERT');

-- Double entry: every transaction's entries sum to zero per currency. Positive = the debtor owes more.
CREATE TABLE ledger_transactions (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('OPENING')),
    -- The intent that caused it, from the request to the provider: posts once.
    intent_key text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    UNIQUE (business_id, intent_key)
);
CALL app.protect('ledger_transactions', 'staff', 'SELECT, INSERT');
CALL app.append_only('ledger_transactions');

CREATE TABLE ledger_entries (
    business_id uuid NOT NULL,
    id uuid NOT NULL,
    transaction_id uuid NOT NULL,
    -- RECEIVABLE entries name the debtor's account; PLACEMENT is the other side of an opening balance.
    ledger_account text NOT NULL CHECK (ledger_account IN ('RECEIVABLE', 'PLACEMENT')),
    account_id uuid,
    debtor_id uuid,
    amount_minor bigint NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    at timestamptz NOT NULL,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, transaction_id) REFERENCES ledger_transactions (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    CHECK ((ledger_account = 'RECEIVABLE') = (account_id IS NOT NULL AND debtor_id IS NOT NULL))
);
CREATE INDEX ledger_entries_account ON ledger_entries (business_id, account_id, id);
CREATE INDEX ledger_entries_transaction ON ledger_entries (business_id, transaction_id);
CALL app.protect('ledger_entries', 'debtor', 'SELECT, INSERT');
CALL app.append_only('ledger_entries');

CREATE FUNCTION app.post_to_balance() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE accounts SET balance_minor = balance_minor + NEW.amount_minor
    WHERE business_id = NEW.business_id AND id = NEW.account_id AND currency = NEW.currency;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger entry in % does not fit the currency of its account', NEW.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_currency';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER post_to_balance AFTER INSERT ON ledger_entries FOR EACH ROW
    WHEN (NEW.account_id IS NOT NULL) EXECUTE FUNCTION app.post_to_balance();

CREATE FUNCTION app.check_double_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_entries WHERE business_id = NEW.business_id AND transaction_id = NEW.transaction_id
               GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_double_entry';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER double_entry AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION app.check_double_entry();

-- Partial name search: the trigram operators are not leakproof, so under row security they would run as a
-- filter over the whole tenant. This function takes the business from the context itself, never from an
-- argument, and returns ids only, which the caller reads again under its own policies.
CREATE FUNCTION app.search_debtors(term text, at_most int) RETURNS SETOF uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM debtors
    WHERE business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
      AND name_key LIKE '%' || replace(replace(replace(lower(term), '\', '\\'), '%', '\%'), '_', '\_') || '%'
    LIMIT least(at_most, 1000)
$$;
REVOKE ALL ON FUNCTION app.search_debtors FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_debtors TO funnelchat_app;
GRANT SELECT (business_id, id, name_key) ON debtors TO funnelchat_search;
CREATE POLICY search ON debtors FOR SELECT TO funnelchat_search USING (true);
GRANT CREATE ON SCHEMA app TO funnelchat_search;
ALTER FUNCTION app.search_debtors OWNER TO funnelchat_search;
REVOKE CREATE ON SCHEMA app FROM funnelchat_search;
