-- Delivery that neither starves nor breeds, threads of a number that changed hands, and sealed resolutions.

-- A number may be somebody else's now: they get a thread of their own beside the open one of who had it before.
DROP INDEX conversations_open;
CREATE UNIQUE INDEX conversations_open ON conversations (business_id, channel, our_address, peer_blind,
        coalesce(account_id, '00000000-0000-0000-0000-000000000000'),
        coalesce(debtor_id, '00000000-0000-0000-0000-000000000000'))
    WHERE status <> 'CLOSED';

-- How a thread was settled tells something of the person: it is sealed under the thread's record key. What stood there
-- in clear goes with its column: a migration has no keys to seal it, and no installation holds real data yet.
ALTER TABLE conversations
    DROP COLUMN resolution,
    ADD COLUMN resolution_cipher bytea;

-- How often a queued message could not be made ready for the vendor: each time its due instant moves away, so that it
-- does not stand before others for ever.
ALTER TABLE messages ADD COLUMN dispatch_failures smallint NOT NULL DEFAULT 0;

-- How often in a row the vendor could not be asked about an attempt.
ALTER TABLE delivery_attempts ADD COLUMN failed_lookups smallint NOT NULL DEFAULT 0;
CREATE INDEX delivery_attempts_provider ON delivery_attempts (business_id, provider_message_id)
    WHERE provider_message_id IS NOT NULL;

ALTER TABLE provider_events
    -- While it waits to be processed: when it is to be taken up (again).
    ADD COLUMN due_at timestamptz,
    ADD COLUMN failed_tries smallint NOT NULL DEFAULT 0,
    -- It could not be processed that often: later texts of the number do not wait for it any more.
    ADD COLUMN quarantined_at timestamptz;
UPDATE provider_events SET due_at = received_at WHERE processed_at IS NULL;
ALTER TABLE provider_events ADD CONSTRAINT provider_events_waiting_is_due
    CHECK ((processed_at IS NULL) = (due_at IS NOT NULL));
DROP INDEX provider_events_stale;
CREATE INDEX provider_events_due ON provider_events (due_at) WHERE processed_at IS NULL;
