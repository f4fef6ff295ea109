-- Numbers that a business connects itself, and what providers have approved, each with its time.

-- Who may be texted from which number is settled with the vendor. A number that was disconnected sends nothing more; what
-- debtors write to it, an opt-out above all, is taken until another business has it.
ALTER TABLE inbound_numbers
    ADD COLUMN id uuid,
    ADD COLUMN connected_by uuid,
    ADD COLUMN disconnected_at timestamptz,
    ADD FOREIGN KEY (business_id, connected_by) REFERENCES users (business_id, id);
UPDATE inbound_numbers SET id =
    (substr(replace(app.uuid_v7_bound(created_at)::text, '-', ''), 1, 12) || '7'
     || substr(md5(e164), 1, 3) || '8' || substr(md5(e164), 4, 15))::uuid;
ALTER TABLE inbound_numbers ALTER COLUMN id SET NOT NULL, ADD UNIQUE (id);

-- The table has no one business, so that the app's role does not reach it. These are its doors to the rows of the business
-- in its own context, and of no other.
CREATE FUNCTION app.own_inbound_numbers()
RETURNS TABLE (id uuid, e164 text, provider_account_id uuid, external_id text, created_at timestamptz, connected_by uuid,
    disconnected_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT n.id, n.e164, n.provider_account_id, a.external_id, n.created_at, n.connected_by, n.disconnected_at
    FROM inbound_numbers n JOIN provider_accounts a ON a.id = n.provider_account_id
    WHERE n.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
    ORDER BY n.disconnected_at IS NOT NULL, n.e164 LIMIT 200
$$;
REVOKE ALL ON FUNCTION app.own_inbound_numbers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_inbound_numbers TO funnelchat_app;

-- Whether texts leave from the number: it is the business's own, and connected. Asked by whoever writes, debtors too.
CREATE FUNCTION app.sends_from(p_e164 text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM inbound_numbers n
        WHERE n.e164 = p_e164 AND n.disconnected_at IS NULL
          AND n.business_id = nullif(current_setting('app.business_id', true), '')::uuid)
$$;
REVOKE ALL ON FUNCTION app.sends_from FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.sends_from TO funnelchat_app;

-- Connects a number, or moves it to another account of the business. No row where another business has it connected; one
-- that another business gave up goes over.
CREATE FUNCTION app.connect_number(p_id uuid, p_e164 text, p_account uuid, p_at timestamptz, p_by uuid)
RETURNS SETOF uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE business uuid := nullif(current_setting('app.business_id', true), '')::uuid;
BEGIN
    IF business IS NULL OR coalesce(current_setting('app.audience', true), '') <> 'staff' THEN
        RAISE EXCEPTION 'a number needs the context of a business';
    END IF;
    IF NOT EXISTS (SELECT FROM provider_accounts a WHERE a.id = p_account AND a.business_id = business) THEN
        RAISE EXCEPTION 'a number needs an account of the same business';
    END IF;
    RETURN QUERY INSERT INTO inbound_numbers AS n (id, e164, business_id, provider_account_id, created_at, connected_by)
    VALUES (p_id, p_e164, business, p_account, p_at, p_by)
    ON CONFLICT (e164) DO UPDATE SET
        id = CASE WHEN n.business_id = business THEN n.id ELSE p_id END,
        business_id = business, provider_account_id = p_account,
        created_at = CASE WHEN n.business_id = business AND n.disconnected_at IS NULL THEN n.created_at ELSE p_at END,
        connected_by = p_by, disconnected_at = NULL
    WHERE n.business_id = business OR n.disconnected_at IS NOT NULL
    RETURNING n.id;
END $$;
REVOKE ALL ON FUNCTION app.connect_number FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.connect_number TO funnelchat_app;

CREATE FUNCTION app.disconnect_number(p_e164 text, p_at timestamptz) RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    UPDATE inbound_numbers n SET disconnected_at = p_at
    WHERE n.e164 = p_e164 AND n.disconnected_at IS NULL
      AND n.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
    RETURNING n.id
$$;
REVOKE ALL ON FUNCTION app.disconnect_number FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.disconnect_number TO funnelchat_app;

-- What a provider has approved for a business, as the platform's staff recorded it (Twilio errors 30460 and 30863; TCR;
-- WhatsApp Business Messaging Policy). One that was withdrawn stays on record.
CREATE TABLE provider_approvals (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('SMS_ROUTE', 'SMS_CAMPAIGN_10DLC', 'WHATSAPP')),
    -- The provider's own name for it: a case, a campaign.
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    valid_from timestamptz NOT NULL,
    -- From then on it counts no more; null where it has no end.
    valid_until timestamptz,
    recorded_at timestamptz NOT NULL,
    -- Who of the platform's staff; null for what stood before approvals had dates.
    recorded_by uuid REFERENCES identities (id),
    withdrawn_at timestamptz,
    withdrawn_by uuid REFERENCES identities (id),
    withdrawal_reason text CHECK (length(withdrawal_reason) BETWEEN 1 AND 1000),
    PRIMARY KEY (business_id, id),
    CHECK (valid_until > valid_from),
    CHECK ((withdrawn_at IS NULL) = (withdrawal_reason IS NULL))
);
CALL app.protect('provider_approvals', 'staff', 'SELECT');
CALL app.open_to_system('provider_approvals', 'SELECT, INSERT, UPDATE');

INSERT INTO provider_approvals (business_id, id, kind, reference, valid_from, recorded_at)
SELECT id,
    (substr(replace(app.uuid_v7_bound(created_at)::text, '-', ''), 1, 12) || '7'
     || substr(md5(id::text), 1, 3) || '8' || substr(md5(id::text), 4, 15))::uuid,
    'SMS_ROUTE', 'Recorded before approvals had dates', created_at, created_at
FROM businesses WHERE sms_route_approved;
ALTER TABLE businesses DROP COLUMN sms_route_approved;
