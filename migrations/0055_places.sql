-- What is known of contacting a person at a place (15 USC 1692c(a)(1), (a)(3); 12 CFR 1006.6(b)(1)(ii), (b)(3)): they called it
-- inconvenient, their employer prohibits it, or the employer is known to allow it. A record is taken back, never changed.
CREATE TABLE contact_places (
    business_id uuid NOT NULL REFERENCES businesses (id),
    id uuid NOT NULL,
    debtor_id uuid NOT NULL,
    -- The one number or e-mail address that it is of; whatever reaches the person at the place when null.
    contact_point_id uuid,
    place text NOT NULL CHECK (place IN ('WORK', 'HOME', 'OTHER')),
    standing text NOT NULL CHECK (standing IN ('INCONVENIENT', 'EMPLOYER_PROHIBITS', 'EMPLOYER_ALLOWS')),
    -- Every channel when null; only what the person asked for is limited to some.
    channels text[] CHECK (cardinality(channels) BETWEEN 1 AND 5
        AND channels <@ '{SMS,WHATSAPP,EMAIL,WEB_CHAT,VOICE}'::text[]),
    -- From whom it is known; the creditor's file counts.
    source text NOT NULL CHECK (source IN ('DEBTOR', 'EMPLOYER', 'CREDITOR', 'OTHER')),
    -- What was said or written, and where that is kept; why it was taken back. Under the person's record key.
    statement_cipher bytea NOT NULL,
    withdrawal_cipher bytea,
    stated_at timestamptz NOT NULL,
    -- From when on it counts no more, by its own words; until it is taken back when null.
    ends_at timestamptz CHECK (ends_at > stated_at),
    recorded_at timestamptz NOT NULL,
    -- Null where an API key did it.
    recorded_by uuid,
    withdrawn_at timestamptz,
    withdrawn_by uuid,
    PRIMARY KEY (business_id, id),
    FOREIGN KEY (business_id, debtor_id) REFERENCES debtors (business_id, id),
    FOREIGN KEY (business_id, debtor_id, contact_point_id) REFERENCES contact_points (business_id, debtor_id, id),
    FOREIGN KEY (business_id, recorded_by) REFERENCES users (business_id, id),
    FOREIGN KEY (business_id, withdrawn_by) REFERENCES users (business_id, id),
    CONSTRAINT contact_places_employer CHECK (standing = 'INCONVENIENT' OR (place = 'WORK' AND channels IS NULL)),
    CONSTRAINT contact_places_other CHECK (place <> 'OTHER' OR contact_point_id IS NOT NULL),
    CONSTRAINT contact_places_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawal_cipher IS NULL))
);
CREATE INDEX contact_places_debtor ON contact_places (business_id, debtor_id, id);
CREATE INDEX contact_places_contact_point ON contact_places (business_id, debtor_id, contact_point_id);
CALL app.protect('contact_places', 'staff', 'SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by, withdrawal_cipher)');
-- Where they do not want to be contacted is theirs to see, as the times are.
CALL app.show_to_debtor('contact_places', NULL);

-- As in 0047, with what is known of places.
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
        (SELECT jsonb_agg(w.id ORDER BY w.id) FROM contact_places w
          WHERE w.business_id = p_business AND w.debtor_id = ANY(person.ids) AND w.withdrawn_at IS NULL),
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
