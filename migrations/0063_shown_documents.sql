-- Which documents of an account its debtor sees in the portal: those that stand here, and no others. The documents and their
-- files stay staff's tables; a debtor comes to them through what is here, which row security limits to the account of
-- their session.
CREATE TABLE shown_documents (
    business_id uuid NOT NULL,
    document_id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    file_id uuid NOT NULL,
    shown_at timestamptz NOT NULL,
    -- Null for an API key.
    shown_by uuid,
    PRIMARY KEY (business_id, document_id),
    UNIQUE (business_id, file_id),
    FOREIGN KEY (business_id, document_id) REFERENCES account_documents (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, file_id) REFERENCES files (business_id, id),
    FOREIGN KEY (business_id, shown_by) REFERENCES users (business_id, id)
);
CREATE INDEX shown_documents_account ON shown_documents (business_id, account_id, document_id);
CALL app.protect('shown_documents', 'debtor', 'SELECT, INSERT, DELETE');
CALL app.show_to_debtor('shown_documents', 'account_id');

-- What is shown to the debtor of this session. The context says who that is; the arguments only choose among it.
CREATE FUNCTION app.own_documents(p_ids uuid[]) RETURNS SETOF account_documents LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.* FROM shown_documents s
    JOIN account_documents d ON d.business_id = s.business_id AND d.id = s.document_id
        AND d.deleted_at IS NULL AND d.conversation_id IS NULL
    WHERE current_setting('app.audience', true) = 'debtor'
      AND s.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND s.debtor_id = nullif(current_setting('app.debtor_id', true), '')::uuid
      AND s.account_id = nullif(current_setting('app.account_id', true), '')::uuid
      AND s.document_id = ANY(p_ids)
$$;
REVOKE ALL ON FUNCTION app.own_documents FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_documents TO funnelchat_app;

CREATE FUNCTION app.own_files(p_ids uuid[]) RETURNS SETOF files LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.* FROM shown_documents s
    JOIN files f ON f.business_id = s.business_id AND f.id = s.file_id
    WHERE current_setting('app.audience', true) = 'debtor'
      AND s.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND s.debtor_id = nullif(current_setting('app.debtor_id', true), '')::uuid
      AND s.account_id = nullif(current_setting('app.account_id', true), '')::uuid
      AND s.file_id = ANY(p_ids)
$$;
REVOKE ALL ON FUNCTION app.own_files FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_files TO funnelchat_app;
