-- What was sent, and what was received, are known by where and when they went.

-- The business's account at the vendor through which an attempt went. Its number may be in another account by the time that
-- somebody looks it up, and an account that never had the text proves nothing. Null for attempts of before: nobody can be
-- asked about those, and nothing is sent again. A record of what was, which holds nothing in place.
ALTER TABLE delivery_attempts ADD COLUMN provider_account_id uuid;

-- Received texts that bind nobody yet: dispatch asks whether one of them is of the person's other numbers.
CREATE INDEX provider_events_unacted ON provider_events (business_id) WHERE NOT is_acted_on;
