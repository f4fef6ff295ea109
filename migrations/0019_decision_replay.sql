-- Decisions by the time for which they were made: a replay since a date, a shadow run over the last days.
CREATE INDEX decisions_decided ON decisions (business_id, decided_at, id);
