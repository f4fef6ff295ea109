-- The consent ledger: one row for each word of a person on whether an address may be used for a purpose, in the order in
-- which they said it. A revocation never removes the grant; the latest word by business time counts.

ALTER TABLE consents
    ADD COLUMN purpose text NOT NULL DEFAULT 'COLLECTION'
        CHECK (purpose IN ('COLLECTION', 'MARKETING', 'ELECTRONIC_NOTICES')),
    -- When it was said, and when it was written down.
    ADD COLUMN said_at timestamptz,
    ADD COLUMN recorded_at timestamptz,
    -- Null where the service, the person or an API key did it.
    ADD COLUMN recorded_by uuid,
    -- The received text that says so.
    ADD COLUMN event_id uuid,
    -- The words shown, their version, IP address, program and remarks, under the debtor's record key.
    ADD COLUMN evidence_cipher bytea,
    ADD FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id),
    ADD FOREIGN KEY (business_id, event_id) REFERENCES provider_events (business_id, id);
UPDATE consents SET said_at = granted_at, recorded_at = granted_at;
UPDATE consents SET source = CASE
        WHEN source IN ('web_form', 'WEB_FORM') THEN 'WEB_FORM'
        WHEN source IN ('credit_application', 'CREDITOR') THEN 'CREDITOR'
        WHEN source IN ('letter', 'PAPER') THEN 'PAPER'
        ELSE 'OTHER' END;
-- What was withdrawn becomes a word of its own, of which the id is new: the moment of the withdrawal leads it, as in UUIDv7.
INSERT INTO consents (business_id, id, debtor_id, contact_point_id, channel, status, given_directly, source, granted_at,
        last_verified_at, purpose, said_at, recorded_at)
    SELECT business_id,
        (substr(replace(app.uuid_v7_bound(revoked_at)::text, '-', ''), 1, 12) || '7'
            || substr(md5(id::text), 1, 3) || '8' || substr(md5(id::text), 4, 15))::uuid,
        debtor_id, contact_point_id, channel, 'REVOKED', given_directly, source, revoked_at, revoked_at, purpose, revoked_at,
        revoked_at
    FROM consents WHERE revoked_at IS NOT NULL AND status <> 'REVOKED';
DROP INDEX consents_current;
DROP INDEX consents_debtor;
ALTER TABLE consents
    DROP COLUMN granted_at,
    DROP COLUMN last_verified_at,
    DROP COLUMN revoked_at,
    ALTER COLUMN said_at SET NOT NULL,
    ALTER COLUMN recorded_at SET NOT NULL,
    ADD CONSTRAINT consents_source CHECK (source IN ('WEB_FORM', 'PORTAL', 'LINK', 'TEXT', 'EMAIL', 'CALL', 'PAPER', 'CREDITOR',
        'OTHER'));
CREATE INDEX consents_latest ON consents (business_id, contact_point_id, channel, purpose, said_at DESC, id DESC);
CREATE INDEX consents_debtor ON consents (business_id, debtor_id, id);
REVOKE UPDATE ON consents FROM funnelchat_app;
CALL app.append_only('consents');

-- The business's own list: who put an address there and why, and who took it off.
ALTER TABLE suppressions
    ADD COLUMN kind text CHECK (kind IN ('PHONE', 'EMAIL')),
    ADD COLUMN created_by uuid,
    ADD COLUMN lifted_by uuid,
    -- Under the business's own key of that version: an address may be nobody's.
    ADD COLUMN note_cipher bytea,
    ADD COLUMN release_note_cipher bytea,
    ADD COLUMN key_version int,
    ADD COLUMN release_key_version int,
    ADD CONSTRAINT suppressions_note CHECK ((note_cipher IS NULL) = (key_version IS NULL)),
    ADD CONSTRAINT suppressions_release_note CHECK ((release_note_cipher IS NULL) = (release_key_version IS NULL)),
    ADD FOREIGN KEY (business_id, created_by) REFERENCES users (business_id, id),
    ADD FOREIGN KEY (business_id, lifted_by) REFERENCES users (business_id, id);
CREATE INDEX suppressions_list ON suppressions (business_id, created_at, id);
