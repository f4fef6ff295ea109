-- When a debt becomes time-barred, from a file: whether a row that was looked at says so, and who vouches for it.
ALTER TABLE account_imports
    ADD COLUMN has_limitations boolean NOT NULL DEFAULT false,
    ADD COLUMN limitations_by uuid,
    ADD FOREIGN KEY (business_id, limitations_by) REFERENCES users (business_id, id);
