-- What was sent, and what was received, are known by where and when they went.

-- The business's account at the vendor through which an attempt went. Its number may be in another account by the time that
-- somebody looks it up, and an account that never had the text proves nothing. Null for attempts of before: nobody can be
-- asked about those, and nothing is sent again. A record of what was, which holds nothing in place.
ALTER TABLE delivery_attempts ADD COLUMN provider_account_id uuid;

-- An opt-out in the person's own words, which nobody has confirmed to them (47 CFR 64.1200(a)(12)): its job does, once.
ALTER TABLE provider_events ADD COLUMN is_to_be_confirmed boolean NOT NULL DEFAULT false;

-- Received texts that bind nobody yet: dispatch asks whether one of them is of the person's other numbers.
CREATE INDEX provider_events_unacted ON provider_events (business_id) WHERE NOT is_acted_on;

-- The print of all that whoever takes something back changes: what stands against a contact with this person, about this account
-- (or about all of theirs), at this address, under the business's own settings. The facts of a dispatch are read in one statement
-- with it, and it is read again right before the contact: where the two differ, the answer is too old.
CREATE FUNCTION app.contact_print(p_business uuid, p_debtor uuid, p_account uuid, p_blinds bytea[]) RETURNS bytea
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
        (SELECT jsonb_agg(jsonb_build_array(o.id, o.debtor_id, o.validity, o.contact_use, o.line_type, o.removed_at)
                ORDER BY o.id)
           FROM contact_points o WHERE o.business_id = p_business AND o.blind_index = ANY(p_blinds)),
        (SELECT jsonb_agg(n.id ORDER BY n.id) FROM reassigned_checks n
          WHERE n.business_id = p_business AND n.number_blind = ANY(p_blinds)),
        (SELECT jsonb_agg(e.id ORDER BY e.id) FROM provider_events e
          WHERE e.business_id = p_business AND e.peer_blind = ANY(p_blinds) AND e.processed_at IS NULL)
    )::text, 'UTF8')) FROM person
$$;
REVOKE ALL ON FUNCTION app.contact_print FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.contact_print TO funnelchat_app;

-- 45 CFR 164.504(e): the agreement without which nobody is contacted about a medical debt is recorded as approvals are.
ALTER TABLE provider_approvals
    DROP CONSTRAINT provider_approvals_kind_check,
    ADD CONSTRAINT provider_approvals_kind_check
        CHECK (kind IN ('SMS_ROUTE', 'SMS_CAMPAIGN_10DLC', 'WHATSAPP', 'BUSINESS_ASSOCIATE_AGREEMENT'));

-- 11 USC 524(a)(2): what was discharged is never collected again. Of one debt, for not all are dischargeable, or of all.
ALTER TABLE holds
    DROP CONSTRAINT holds_kind_check,
    ADD CONSTRAINT holds_kind_check CHECK (kind IN ('ATTORNEY', 'BANKRUPTCY', 'BANKRUPTCY_DISCHARGED', 'CEASE', 'DECEASED',
        'DISPUTE', 'DO_NOT_RECONTACT', 'IDENTITY_THEFT', 'LEGAL', 'MINOR', 'PAYMENT_FAILED', 'SCRA', 'WRONG_PARTY'));

-- Which version of the rules decides: the one activated last. Of the platform, hence of no business.
CREATE TABLE rule_set_activations (
    id uuid PRIMARY KEY,
    version text NOT NULL CHECK (length(version) BETWEEN 1 AND 60),
    -- SHA-256 of the file: a version whose file was changed is another one.
    print bytea NOT NULL CHECK (length(print) = 32),
    activated_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    -- What whoever activated it had seen: of so many decisions of the days before, so many would have been others.
    decisions_seen bigint NOT NULL CHECK (decisions_seen >= 0),
    decisions_changed bigint NOT NULL CHECK (decisions_changed BETWEEN 0 AND decisions_seen)
);
GRANT SELECT, INSERT ON rule_set_activations TO funnelchat_system;

-- What may be said to somebody who asked to be left alone, each once (12 CFR 1006.6(c)(2)): as its author said, and as the slot
-- remembers it.
ALTER TABLE messages ADD COLUMN cease_notice text
    CHECK (cease_notice IN ('EFFORTS_TERMINATED', 'MAY_INVOKE_REMEDIES', 'INTENDS_REMEDY'));
ALTER TABLE contact_slots ADD COLUMN cease_notice text
    CHECK (cease_notice IN ('EFFORTS_TERMINATED', 'MAY_INVOKE_REMEDIES', 'INTENDS_REMEDY'));
