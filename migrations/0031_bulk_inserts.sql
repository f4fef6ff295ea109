-- The checks of posted entries, in such words that no statistics can make them slow: those of a table that was empty when
-- a session first planned them made it read every transaction for each entry of an import.

-- Each posted entry leads to its own account and transaction, by their keys: `OFFSET 0` keeps the planner from turning
-- that around. With the owner's rights: nobody is granted to change a balance.
CREATE OR REPLACE FUNCTION app.post_entries() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off
AS $$
DECLARE
    change record;
BEGIN
    -- What a statement posts to a transaction sums to zero: then so does all that is ever posted to it.
    IF EXISTS (SELECT FROM posted p GROUP BY p.business_id, p.transaction_id, p.currency HAVING sum(p.amount_minor) <> 0) THEN
        RAISE EXCEPTION 'a ledger transaction does not sum to zero'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_double_entry';
    END IF;
    IF EXISTS (SELECT FROM posted p
               CROSS JOIN LATERAL (SELECT a.currency FROM accounts a
                                   WHERE a.business_id = p.business_id AND a.id = p.account_id OFFSET 0) a
               WHERE a.currency <> p.currency) THEN
        RAISE EXCEPTION 'a ledger entry does not fit the currency of its account'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_currency';
    END IF;
    FOR change IN
        SELECT p.business_id, p.account_id, sum(p.amount_minor)::bigint AS amount
        FROM posted p
        CROSS JOIN LATERAL (SELECT t.kind FROM ledger_transactions t
                            WHERE t.business_id = p.business_id AND t.id = p.transaction_id OFFSET 0) t
        WHERE p.account_id IS NOT NULL AND t.kind <> 'OPENING'
        GROUP BY p.business_id, p.account_id ORDER BY p.business_id, p.account_id
    LOOP
        UPDATE accounts SET balance_minor = balance_minor + change.amount
        WHERE business_id = change.business_id AND id = change.account_id;
    END LOOP;
    IF EXISTS (SELECT FROM posted p
               CROSS JOIN LATERAL (SELECT t.kind FROM ledger_transactions t
                                   WHERE t.business_id = p.business_id AND t.id = p.transaction_id OFFSET 0) t
               CROSS JOIN LATERAL (SELECT a.balance_minor FROM accounts a
                                   WHERE a.business_id = p.business_id AND a.id = p.account_id OFFSET 0) a
               CROSS JOIN LATERAL (SELECT sum(e.amount_minor) AS amount FROM ledger_entries e
                                   WHERE e.business_id = p.business_id AND e.account_id = p.account_id) e
               WHERE t.kind = 'OPENING' AND p.account_id IS NOT NULL AND a.balance_minor <> e.amount) THEN
        RAISE EXCEPTION 'an opening entry is not the balance with which its account was made'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_balance';
    END IF;
    RETURN NULL;
END $$;

-- A table that has just begun to fill is planned as if it were empty until autovacuum comes by, a minute or more later:
-- `business_id` alone looks as good as a whole key, and each foreign key's check reads all rows of the business. Who adds
-- many rows to such tables asks for their statistics; once they are of some size, autovacuum keeps them true.
CREATE FUNCTION app.refresh_statistics() RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_class
               WHERE oid = ANY (ARRAY['debtors', 'data_keys', 'contact_points', 'accounts', 'ledger_transactions',
                                      'ledger_entries']::regclass[])
                 AND reltuples < 1000) THEN
        -- One who analyses them at the same moment does it for all.
        ANALYZE (SKIP_LOCKED) debtors, data_keys, contact_points, accounts, ledger_transactions, ledger_entries;
    END IF;
END $$;
REVOKE ALL ON FUNCTION app.refresh_statistics FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.refresh_statistics TO funnelchat_app;
