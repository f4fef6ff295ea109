-- Which fields of its own a business keeps with its accounts, in its order: names, kinds, whether an account must have them.
-- What the accounts hold stays sealed with them.
CREATE TABLE custom_field_lists (
    business_id uuid NOT NULL REFERENCES businesses (id),
    fields jsonb NOT NULL CHECK (jsonb_typeof(fields) = 'array'),
    -- Counts the changes.
    version int NOT NULL CHECK (version > 0),
    updated_at timestamptz NOT NULL,
    -- Null for an API key.
    updated_by uuid,
    PRIMARY KEY (business_id),
    FOREIGN KEY (business_id, updated_by) REFERENCES users (business_id, id)
);
CALL app.protect('custom_field_lists', 'staff', 'SELECT, INSERT, UPDATE');
