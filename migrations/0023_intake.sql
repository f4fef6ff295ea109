-- What a text states places holds by itself, at once; a person confirms or lifts them afterwards.

-- Of several reasons each stands for itself: START takes back an opt-out, and not that the number is somebody else's.
DROP INDEX suppressions_current;
CREATE UNIQUE INDEX suppressions_current ON suppressions (business_id, address_blind, channel, reason)
    WHERE lifted_at IS NULL;

ALTER TABLE holds
    DROP CONSTRAINT holds_kind_check,
    ADD CONSTRAINT holds_kind_check CHECK (kind IN ('ATTORNEY', 'BANKRUPTCY', 'CEASE', 'DECEASED', 'DISPUTE',
        'DO_NOT_RECONTACT', 'IDENTITY_THEFT', 'LEGAL', 'MINOR', 'PAYMENT_FAILED', 'SCRA', 'WRONG_PARTY')),
    DROP CONSTRAINT holds_of_the_person,
    ADD CONSTRAINT holds_of_the_person CHECK (account_id IS NULL OR lifted_at IS NOT NULL
        OR kind NOT IN ('BANKRUPTCY', 'CEASE', 'DECEASED', 'DO_NOT_RECONTACT', 'MINOR', 'SCRA', 'WRONG_PARTY')),
    ADD COLUMN source text NOT NULL DEFAULT 'PERSON' CHECK (source IN ('PERSON', 'INBOUND_TEXT', 'IMPORT')),
    -- The received text that says so, and the message that it became.
    ADD COLUMN event_id uuid,
    ADD COLUMN message_id uuid,
    -- What it did to the number that the text came from, and takes back with it. 15 USC 1692c(b): a wrong party's is of that
    -- number alone; the person stays reachable elsewhere.
    ADD COLUMN suppression_id uuid,
    ADD COLUMN confirmed_at timestamptz,
    ADD COLUMN confirmed_by uuid,
    -- Evidence, under the debtor's record key.
    ADD COLUMN confirmation_cipher bytea,
    ADD CONSTRAINT holds_of_a_number CHECK ((kind <> 'WRONG_PARTY' OR suppression_id IS NOT NULL)
        AND (kind IN ('WRONG_PARTY', 'CEASE') OR suppression_id IS NULL)),
    ADD CONSTRAINT holds_confirmed CHECK (confirmed_at IS NOT NULL OR (confirmed_by IS NULL AND confirmation_cipher IS NULL)),
    ADD FOREIGN KEY (business_id, event_id) REFERENCES provider_events (business_id, id),
    ADD FOREIGN KEY (business_id, message_id) REFERENCES messages (business_id, id),
    ADD FOREIGN KEY (business_id, suppression_id) REFERENCES suppressions (business_id, id),
    ADD FOREIGN KEY (business_id, confirmed_by) REFERENCES users (business_id, id);
-- What the service placed until now, it placed because a text said so.
UPDATE holds SET source = 'INBOUND_TEXT' WHERE placed_by IS NULL AND reason_cipher IS NULL;
DROP INDEX holds_standing;
CREATE UNIQUE INDEX holds_standing ON holds (business_id, debtor_id,
    coalesce(account_id, '00000000-0000-0000-0000-000000000000'), kind,
    coalesce(CASE WHEN kind = 'WRONG_PARTY' THEN suppression_id END, '00000000-0000-0000-0000-000000000000'))
    WHERE lifted_at IS NULL;
CREATE INDEX holds_event ON holds (business_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX holds_message ON holds (business_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX holds_unconfirmed ON holds (business_id, placed_at, id)
    WHERE lifted_at IS NULL AND confirmed_at IS NULL AND source <> 'PERSON';
CREATE INDEX holds_suppression ON holds (business_id, suppression_id) WHERE suppression_id IS NOT NULL;
