-- What a vendor answers to an opt-out word, and when the limitation period of a debt ends.

-- Twilio confirms STOP itself. By default it tells how to resume, which is more than 12 CFR 1006.14(h)(2)(i) lets a confirmation
-- say; with Advanced Opt-Out the words are the account's own, and its webhooks name the keyword (OptOutType). What it was is noted
-- when somebody opts out; null until then.
ALTER TABLE inbound_numbers
    ADD COLUMN opt_out_reply text CHECK (opt_out_reply IN ('DEFAULT', 'OWN')),
    ADD COLUMN opt_out_reply_since timestamptz;

CREATE FUNCTION app.note_opt_out_reply(p_e164 text, p_reply text, p_at timestamptz) RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE inbound_numbers n SET opt_out_reply = p_reply, opt_out_reply_since = p_at
    WHERE n.e164 = p_e164 AND n.opt_out_reply IS DISTINCT FROM p_reply
      AND n.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
$$;
REVOKE ALL ON FUNCTION app.note_opt_out_reply FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.note_opt_out_reply TO funnelchat_app;

DROP FUNCTION app.own_inbound_numbers();
CREATE FUNCTION app.own_inbound_numbers()
RETURNS TABLE (id uuid, e164 text, provider_account_id uuid, external_id text, created_at timestamptz, connected_by uuid,
    disconnected_at timestamptz, opt_out_reply text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT n.id, n.e164, n.provider_account_id, a.external_id, n.created_at, n.connected_by, n.disconnected_at, n.opt_out_reply
    FROM inbound_numbers n JOIN provider_accounts a ON a.id = n.provider_account_id
    WHERE n.business_id = nullif(current_setting('app.business_id', true), '')::uuid
      AND current_setting('app.audience', true) = 'staff'
    ORDER BY n.disconnected_at IS NOT NULL, n.e164 LIMIT 200
$$;
REVOKE ALL ON FUNCTION app.own_inbound_numbers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_inbound_numbers TO funnelchat_app;

-- As before, but what was seen at a number was seen at the account that it was in.
CREATE OR REPLACE FUNCTION app.connect_number(p_id uuid, p_e164 text, p_account uuid, p_at timestamptz, p_by uuid)
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
        connected_by = p_by, disconnected_at = NULL,
        opt_out_reply = CASE WHEN n.provider_account_id = p_account THEN n.opt_out_reply END,
        opt_out_reply_since = CASE WHEN n.provider_account_id = p_account THEN n.opt_out_reply_since END
    WHERE n.business_id = business OR n.disconnected_at IS NOT NULL
    RETURNING n.id;
END $$;

-- When the limitation period of a debt ends or ended, as a person of the business found it: of debts that are old when they are
-- placed too. It is never derived (accrual, governing law, tolling and acknowledgement decide). The newest row counts.
CREATE TABLE limitations (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    account_id uuid NOT NULL,
    -- The last day on which suit may be brought, or might have been (12 CFR 1006.26(b)).
    expires_on date NOT NULL,
    -- Whose law governs the debt: a state's code; null where that is not settled.
    governing_law text CHECK (governing_law ~ '^[A-Z]{2}$'),
    -- How the day was found. Under the person's record key.
    basis_cipher bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id, account_id) REFERENCES accounts (business_id, debtor_id, id),
    FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id)
);
CREATE INDEX limitations_account ON limitations (business_id, account_id, id);
CREATE INDEX limitations_debtor ON limitations (business_id, debtor_id, id);
CALL app.protect('limitations', 'staff', 'SELECT, INSERT');
CALL app.append_only('limitations');

-- As before, and what was found of limitation periods.
CREATE OR REPLACE FUNCTION app.contact_print(p_business uuid, p_debtor uuid, p_account uuid, p_blinds bytea[]) RETURNS bytea
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH person AS (
        SELECT array_agg(g.id ORDER BY g.id) AS ids, bool_or(g.erased_at IS NOT NULL) AS is_erased
        FROM debtors d JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
        WHERE d.business_id = p_business AND d.id = p_debtor)
    SELECT sha256(convert_to(jsonb_build_array(
        (SELECT jsonb_build_array(b.role, b.status, b.contact_profile) FROM businesses b WHERE b.id = p_business),
        (SELECT y.policy FROM contact_policies y WHERE y.business_id = p_business),
        (SELECT jsonb_agg(v.id ORDER BY v.id) FROM provider_approvals v
          WHERE v.business_id = p_business AND v.withdrawn_at IS NULL),
        (SELECT jsonb_agg(l.id ORDER BY l.id) FROM business_licenses l
          WHERE l.business_id = p_business AND l.removed_at IS NULL),
        person.ids, person.is_erased,
        (SELECT jsonb_agg(h.id ORDER BY h.id) FROM holds h
          WHERE h.business_id = p_business AND h.debtor_id = ANY(person.ids) AND h.lifted_at IS NULL),
        (SELECT jsonb_agg(s.id ORDER BY s.id) FROM suppressions s
          WHERE s.business_id = p_business AND s.lifted_at IS NULL AND s.address_blind = ANY(p_blinds || ARRAY(
            SELECT coalesce(o.blind_index, o.removed_blind) FROM contact_points o
             WHERE o.business_id = p_business AND o.debtor_id = ANY(person.ids)))),
        (SELECT jsonb_agg(c.id ORDER BY c.id) FROM consents c
          WHERE c.business_id = p_business AND c.debtor_id = ANY(person.ids)),
        (SELECT jsonb_agg(jsonb_build_array(p.id, p.account_id, p.status, p.outcome, p.written, p.within_validation_period,
                p.held_by_choice, p.looked_at, p.duplicate_of) ORDER BY p.id)
           FROM disputes p WHERE p.business_id = p_business AND p.debtor_id = ANY(person.ids)),
        (SELECT jsonb_agg(i.id ORDER BY i.id) FROM inconvenient_times i
          WHERE i.business_id = p_business AND i.debtor_id = ANY(person.ids) AND i.withdrawn_at IS NULL),
        (SELECT jsonb_agg(jsonb_build_array(a.id, a.debtor_id, a.status, a.deleted_at, a.balance_minor) ORDER BY a.id)
           FROM accounts a
          WHERE a.business_id = p_business AND a.debtor_id = ANY(person.ids) AND (p_account IS NULL OR a.id = p_account)),
        (SELECT jsonb_agg(u.id ORDER BY u.id) FROM suit_authorities u
          WHERE u.business_id = p_business AND u.debtor_id = ANY(person.ids) AND u.withdrawn_at IS NULL),
        (SELECT jsonb_agg(t.id ORDER BY t.id) FROM limitations t
          WHERE t.business_id = p_business AND t.debtor_id = ANY(person.ids)),
        (SELECT jsonb_agg(jsonb_build_array(o.id, o.debtor_id, o.validity, o.contact_use, o.line_type, o.removed_at)
                ORDER BY o.id)
           FROM contact_points o WHERE o.business_id = p_business AND o.blind_index = ANY(p_blinds)),
        (SELECT jsonb_agg(n.id ORDER BY n.id) FROM reassigned_checks n
          WHERE n.business_id = p_business AND n.number_blind = ANY(p_blinds)),
        (SELECT jsonb_agg(e.id ORDER BY e.id) FROM provider_events e
          WHERE e.business_id = p_business AND e.peer_blind = ANY(p_blinds) AND e.processed_at IS NULL)
    )::text, 'UTF8')) FROM person
$$;

-- Cal. Civ. 1798.120: people may ask that their data be sold or shared no more, also where nothing is.
ALTER TABLE privacy_requests
    DROP CONSTRAINT privacy_requests_kind_check,
    ADD CONSTRAINT privacy_requests_kind_check
        CHECK (kind IN ('ACCESS', 'PORTABILITY', 'RECTIFICATION', 'ERASURE', 'OPT_OUT_OF_SALE'));
