-- Accounts due in a range of days, by creation or balance. Those of a few months are more than a list may look at, and
-- the first of them may stand anywhere in its order: what was placed last is not due yet. Within a month they lie in the
-- list's order; a page is the first of each month, merged. A column, because under row-level security an expression
-- reaches an index only where all of its functions are leakproof.
ALTER TABLE accounts ADD COLUMN due_month date
    GENERATED ALWAYS AS (date_trunc('month', due_date::timestamp)::date) STORED;
CREATE INDEX accounts_month_created ON accounts (business_id, due_month, created_at, id)
    WHERE deleted_at IS NULL AND due_month IS NOT NULL;
CREATE INDEX accounts_month_balance ON accounts (business_id, due_month, balance_minor, id)
    WHERE deleted_at IS NULL AND due_month IS NOT NULL;

-- The unique constraint has an index of the same columns.
DROP INDEX accounts_debtor;
