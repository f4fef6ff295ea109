-- Documents of a thread, beside those of an account: of its account too, where it has one.
ALTER TABLE account_documents
    ALTER COLUMN account_id DROP NOT NULL,
    ADD COLUMN conversation_id uuid,
    ADD FOREIGN KEY (business_id, conversation_id) REFERENCES conversations (business_id, id),
    ADD CHECK (num_nonnulls(account_id, conversation_id) > 0);
CREATE INDEX account_documents_conversation ON account_documents (business_id, conversation_id, id)
    WHERE deleted_at IS NULL AND conversation_id IS NOT NULL;
