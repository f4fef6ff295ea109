-- A person's own suppressions are found by the person.
CREATE INDEX suppressions_debtor ON suppressions (business_id, debtor_id, id) WHERE debtor_id IS NOT NULL;

-- To whom a debtor owes the debt of their session: the one row of the business's creditors that concerns them. The table
-- itself stays the staff's, for it also says for whom else the business works.
CREATE FUNCTION app.own_creditor() RETURNS TABLE (id uuid, name text, name_key text, created_at timestamptz) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.id, c.name, c.name_key, c.created_at FROM accounts a
    JOIN creditors c ON c.business_id = a.business_id AND c.id = a.creditor_id
    WHERE current_setting('app.audience', true) = 'debtor' AND a.deleted_at IS NULL
      AND a.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND a.debtor_id = nullif(current_setting('app.debtor_id', true), '')::uuid
      AND a.id = nullif(current_setting('app.account_id', true), '')::uuid
$$;
REVOKE ALL ON FUNCTION app.own_creditor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_creditor TO funnelchat_app;
