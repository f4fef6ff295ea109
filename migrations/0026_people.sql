-- What an imported account costs: its balance is written once, and entries are posted and checked a statement at a time.

-- An account is inserted with what is owed on it, which its opening entry has to say too: to post the entry to the account
-- was a second version of the row, and of its place in each of twenty indexes.
GRANT INSERT (balance_minor) ON accounts TO funnelchat_app;

DROP TRIGGER post_to_balance ON ledger_entries;
DROP FUNCTION app.post_to_balance();
DROP TRIGGER double_entry ON ledger_entries;
DROP FUNCTION app.check_double_entry();

-- Each transaction's entries come in one statement. With the owner's rights: nobody is granted to change a balance. By
-- index alone: the statistics may be of a table that was empty.
CREATE FUNCTION app.post_entries() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    IF EXISTS (SELECT FROM posted p JOIN accounts a ON a.business_id = p.business_id AND a.id = p.account_id
               WHERE a.currency <> p.currency) THEN
        RAISE EXCEPTION 'a ledger entry does not fit the currency of its account'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_currency';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT business_id, transaction_id FROM posted) t
               JOIN ledger_entries e ON e.business_id = t.business_id AND e.transaction_id = t.transaction_id
               GROUP BY e.business_id, e.transaction_id, e.currency HAVING sum(e.amount_minor) <> 0) THEN
        RAISE EXCEPTION 'a ledger transaction does not sum to zero'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_double_entry';
    END IF;
    UPDATE accounts a SET balance_minor = a.balance_minor + s.amount
    FROM (SELECT p.business_id, p.account_id, sum(p.amount_minor)::bigint AS amount
          FROM posted p JOIN ledger_transactions t ON t.business_id = p.business_id AND t.id = p.transaction_id
          WHERE p.account_id IS NOT NULL AND t.kind <> 'OPENING' GROUP BY p.business_id, p.account_id) s
    WHERE a.business_id = s.business_id AND a.id = s.account_id;
    IF EXISTS (SELECT FROM posted p
               JOIN ledger_transactions t ON t.business_id = p.business_id AND t.id = p.transaction_id
               JOIN accounts a ON a.business_id = p.business_id AND a.id = p.account_id
               WHERE t.kind = 'OPENING' AND a.balance_minor <> (
                   SELECT sum(e.amount_minor) FROM ledger_entries e
                   WHERE e.business_id = a.business_id AND e.account_id = a.id)) THEN
        RAISE EXCEPTION 'an opening entry is not the balance with which its account was made'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_balance';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER post_entries AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS posted
    FOR EACH STATEMENT EXECUTE FUNCTION app.post_entries();

-- The other half: what an account is made with has been posted by the end of the transaction.
CREATE FUNCTION app.check_balance() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT a.balance_minor FROM accounts a WHERE a.business_id = NEW.business_id AND a.id = NEW.id) IS DISTINCT FROM
       (SELECT coalesce(sum(e.amount_minor), 0) FROM ledger_entries e
        WHERE e.business_id = NEW.business_id AND e.account_id = NEW.id) THEN
        RAISE EXCEPTION 'the balance of account % is not the sum of its entries', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_balance';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER check_balance AFTER INSERT ON accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.balance_minor <> 0) EXECUTE FUNCTION app.check_balance();

-- No statement reads by these: people are listed by name alone, and the rows of the waiting are those of the table's own
-- key.
DROP INDEX debtors_created, webhook_events_waiting;

-- Debtors' entrances. Whoever merges the record or deletes the account waits for who is coming in by it, as who revokes the
-- link does, and then finds the session.
CREATE OR REPLACE FUNCTION app.debtor_entrance(p_business uuid, p_link uuid)
RETURNS TABLE (debtor_id uuid, account_id uuid, expires_at timestamptz) LANGUAGE sql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.debtor_id, l.account_id, l.expires_at
    FROM debtor_links l
    JOIN businesses b ON b.id = l.business_id AND b.status = 'ACTIVE'
    JOIN accounts a ON a.business_id = l.business_id AND a.id = l.account_id AND a.deleted_at IS NULL
    JOIN debtors d ON d.business_id = l.business_id AND d.id = l.debtor_id AND d.merged_into IS NULL AND d.erased_at IS NULL
    WHERE l.business_id = p_business AND l.id = p_link AND l.revoked_at IS NULL
    FOR SHARE OF l, b, a, d
$$;

-- What is over is forgotten, in all businesses at once. Codes are counted by link.
DROP INDEX debtor_codes_debtor;
CREATE INDEX debtor_codes_age ON debtor_codes (created_at);
CREATE INDEX debtor_refresh_tokens_expiry ON debtor_refresh_tokens (expires_at);
CREATE INDEX debtor_sessions_expiry ON debtor_sessions (expires_at);
CREATE INDEX debtor_links_expiry ON debtor_links (expires_at);
CALL app.open_to_system('debtor_codes', 'SELECT, DELETE');
CALL app.open_to_system('debtor_links', 'SELECT, DELETE');
GRANT DELETE ON debtor_sessions, debtor_refresh_tokens TO funnelchat_system;

-- People who were stored before they were known by name, birth date and postal code: a job writes by what.
ALTER TABLE debtors ADD COLUMN match_due boolean NOT NULL DEFAULT false;
UPDATE debtors SET match_due = true
WHERE match_blind IS NULL AND birth_date_cipher IS NOT NULL AND address_cipher IS NOT NULL AND erased_at IS NULL;
CREATE INDEX debtors_match_due ON debtors (business_id, id) WHERE match_due;
-- A business that has any, for a job that belongs to none: it is told nothing else of people.
CREATE FUNCTION app.business_with_unmatched_people() RETURNS uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT business_id FROM debtors WHERE match_due ORDER BY business_id LIMIT 1
$$;
REVOKE ALL ON FUNCTION app.business_with_unmatched_people FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.business_with_unmatched_people TO funnelchat_system;
