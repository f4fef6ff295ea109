-- Lists of a million accounts: each order of the list has an index, and so has each of a few conditions in each order.

-- The person's name key, word for word, so that the list by name walks an index of accounts. Two triggers keep it.
ALTER TABLE accounts ADD COLUMN debtor_name_key text NOT NULL DEFAULT '';
UPDATE accounts a SET debtor_name_key = d.name_key FROM debtors d WHERE d.business_id = a.business_id AND d.id = a.debtor_id;

-- FOR SHARE: a person who is being renamed is waited for, and then read under the new name.
CREATE FUNCTION app.name_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT name_key INTO NEW.debtor_name_key FROM debtors
    WHERE business_id = NEW.business_id AND id = NEW.debtor_id FOR SHARE;
    -- Nobody of that id: the foreign key says so.
    NEW.debtor_name_key := coalesce(NEW.debtor_name_key, '');
    RETURN NEW;
END $$;
CREATE TRIGGER name_account BEFORE INSERT OR UPDATE OF debtor_id ON accounts FOR EACH ROW
    EXECUTE FUNCTION app.name_account();

-- With the owner's rights: nobody is granted to write the column.
CREATE FUNCTION app.rename_accounts() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE accounts SET debtor_name_key = NEW.name_key WHERE business_id = NEW.business_id AND debtor_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER rename_accounts AFTER UPDATE OF name_key ON debtors FOR EACH ROW
    WHEN (OLD.name_key IS DISTINCT FROM NEW.name_key) EXECUTE FUNCTION app.rename_accounts();

-- Deleted accounts stand in no list. What a list is ordered by; CASE and not coalesce, as in 0009.
DROP INDEX accounts_created, accounts_balance, accounts_due, accounts_updated, accounts_number;
CREATE INDEX accounts_created ON accounts (business_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_balance ON accounts (business_id, balance_minor, id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_due ON accounts (business_id,
    (CASE WHEN due_date IS NULL THEN date '9999-12-31' ELSE due_date END), id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_name ON accounts (business_id, debtor_name_key COLLATE "C", id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_updated ON accounts (business_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_number ON accounts (business_id, account_number COLLATE "C") WHERE deleted_at IS NULL;

-- Conditions whose accounts are often all old, all large or all due at once: each in the orders with which it goes
-- together. (Names go together with none of them: those are found on the way through accounts_name.)
CREATE INDEX accounts_status_created ON accounts (business_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_status_balance ON accounts (business_id, status, balance_minor, id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_status_due ON accounts (business_id, status,
    (CASE WHEN due_date IS NULL THEN date '9999-12-31' ELSE due_date END), id) WHERE deleted_at IS NULL;

DROP INDEX accounts_creditor, accounts_placement;
CREATE INDEX accounts_creditor_created ON accounts (business_id, creditor_id, created_at, id)
    WHERE deleted_at IS NULL AND creditor_id IS NOT NULL;
CREATE INDEX accounts_creditor_balance ON accounts (business_id, creditor_id, balance_minor, id)
    WHERE deleted_at IS NULL AND creditor_id IS NOT NULL;
CREATE INDEX accounts_creditor_due ON accounts (business_id, creditor_id,
    (CASE WHEN due_date IS NULL THEN date '9999-12-31' ELSE due_date END), id)
    WHERE deleted_at IS NULL AND creditor_id IS NOT NULL;
CREATE INDEX accounts_placement_created ON accounts (business_id, placement_id, created_at, id)
    WHERE deleted_at IS NULL AND placement_id IS NOT NULL;
CREATE INDEX accounts_placement_balance ON accounts (business_id, placement_id, balance_minor, id)
    WHERE deleted_at IS NULL AND placement_id IS NOT NULL;
CREATE INDEX accounts_placement_due ON accounts (business_id, placement_id,
    (CASE WHEN due_date IS NULL THEN date '9999-12-31' ELSE due_date END), id)
    WHERE deleted_at IS NULL AND placement_id IS NOT NULL;

-- Every list of an agent is two of these ranges: theirs, and nobody's (the id of zeros), which must be a value for the
-- range to be in the list's order.
DROP INDEX accounts_assigned;
CREATE INDEX accounts_worker_created ON accounts (business_id,
    (CASE WHEN assigned_agent_id IS NULL THEN uuid '00000000-0000-0000-0000-000000000000' ELSE assigned_agent_id END),
    created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_worker_balance ON accounts (business_id,
    (CASE WHEN assigned_agent_id IS NULL THEN uuid '00000000-0000-0000-0000-000000000000' ELSE assigned_agent_id END),
    balance_minor, id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_worker_due ON accounts (business_id,
    (CASE WHEN assigned_agent_id IS NULL THEN uuid '00000000-0000-0000-0000-000000000000' ELSE assigned_agent_id END),
    (CASE WHEN due_date IS NULL THEN date '9999-12-31' ELSE due_date END), id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_worker_name ON accounts (business_id,
    (CASE WHEN assigned_agent_id IS NULL THEN uuid '00000000-0000-0000-0000-000000000000' ELSE assigned_agent_id END),
    debtor_name_key COLLATE "C", id) WHERE deleted_at IS NULL;

-- Who is written to in a rare language.
CREATE INDEX debtors_language ON debtors (business_id, preferred_language, id);

-- As in 0003, but for whose name begins so first: where these are more than asked for, which is so for a usual name in a
-- large business, the trigrams of all names are left alone.
CREATE OR REPLACE FUNCTION app.search_debtors(term text, at_most int) RETURNS SETOF uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM (
        (SELECT id FROM debtors
         WHERE business_id = nullif(current_setting('app.business_id', true), '')::uuid
           AND current_setting('app.audience', true) = 'staff'
           AND name_key COLLATE "C" >= lower(term) AND name_key COLLATE "C" < lower(term) || U&'\+10FFFF'
         ORDER BY name_key COLLATE "C", id LIMIT least(at_most, 1000))
        UNION ALL
        (SELECT id FROM debtors
         WHERE business_id = nullif(current_setting('app.business_id', true), '')::uuid
           AND current_setting('app.audience', true) = 'staff'
           AND name_key LIKE '%' || replace(replace(replace(lower(term), '\', '\\'), '%', '\%'), '_', '\_') || '%'
           AND NOT starts_with(name_key, lower(term))
         LIMIT least(at_most, 1000))
    ) AS found LIMIT least(at_most, 1000)
$$;
