-- Whether what a received text asks for and states binds already: in the transaction that stored it, or, where somebody held
-- for too long what it would bind, once its job has run. Until then nothing leaves for its number.
ALTER TABLE provider_events
    ADD COLUMN is_acted_on boolean NOT NULL DEFAULT true,
    ADD CONSTRAINT provider_events_acted_on CHECK (is_acted_on OR processed_at IS NULL);
