-- A text says when its writer does not want to be contacted (12 CFR 1006.6(b)(1)(i)): the received text that says so, and the message
-- that it became, so that whoever looks afterwards sees by which.
ALTER TABLE inconvenient_times
    ADD COLUMN event_id uuid,
    ADD COLUMN message_id uuid,
    ADD FOREIGN KEY (business_id, event_id) REFERENCES provider_events (business_id, id),
    ADD FOREIGN KEY (business_id, message_id) REFERENCES messages (business_id, id);
CREATE INDEX inconvenient_times_event ON inconvenient_times (business_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX inconvenient_times_message ON inconvenient_times (business_id, message_id) WHERE message_id IS NOT NULL;
