-- Accounts of a status, a creditor or a placement in the order of names: to sort or to search for them took ever longer
-- with the business, as in no other order.
CREATE INDEX accounts_status_name ON accounts (business_id, status, debtor_name_key COLLATE "C", id)
    WHERE deleted_at IS NULL;
CREATE INDEX accounts_creditor_name ON accounts (business_id, creditor_id, debtor_name_key COLLATE "C", id)
    WHERE deleted_at IS NULL AND creditor_id IS NOT NULL;
CREATE INDEX accounts_placement_name ON accounts (business_id, placement_id, debtor_name_key COLLATE "C", id)
    WHERE deleted_at IS NULL AND placement_id IS NOT NULL;
