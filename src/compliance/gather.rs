//! Collects the facts of one contact from the database, in one round trip, into the document that is decided on
//! and stored. What was looked for and not found is said to be absent; what could not be looked for stays out, and
//! the gate denies.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Contact,
    consent_facts::{
        ConsentJson, NoticeJson, call_consent, consents, direct_contact_at, esign, granted_at, time_consent,
    },
    contact_action::{action, channel, role},
    contact_facts::{
        ContactJson, InconvenientJson, SuppressionJson, history_entry, inconvenient_time, opt_out,
        with_suppressions,
    },
    contact_policy::binding,
    contact_profile::profile_of,
    content::language_of_rest,
    content_facts::{ContentRow, ScanContext, with_scan, with_state_texts},
    debt_facts::{DebtRow, Debts},
    disputes::{DisputeJson, MarkedJson, with_disputes},
    facts::{Consents, Consumer, Facts, Policy, Provider, Tenant},
    hold_facts::{HoldJson, with_attorneys_consent, with_holds},
    licenses::{days_of, license_facts},
    number_lists::{NationalJson, ReassignedJson, area_of, national, reassigned_answer},
    person_facts::{Member, PointJson, location, open_traits, reassigned, to_another, with_points},
    place_facts::{PlaceJson, at_place, with_places},
    prohibited::Scanned,
    rule_set::RuleSet,
};
use crate::platform::{
    db::TenantTx,
    error::OpError,
    keys::{TenantKeys, WrappedKey},
};

/// The longest look-back of any rule that counts (12 CFR 1006.6(d)(5): 60 days) and a day for zones.
const LOOK_BACK: TimeDelta = TimeDelta::days(61);

/// The document, the key under which it is stored, and what was found in the text: places in it, which are stored nowhere.
pub(super) struct Gathered {
    pub(super) facts: Facts,
    pub(super) record_key: WrappedKey,
    pub(super) scanned: Scanned<'static>,
    /// The print of what they were found on, where it was asked for.
    pub(super) print: Option<Vec<u8>>,
}

/// What the one statement brings.
struct Found {
    print: Option<Vec<u8>>,
    business_name: String,
    business_role: String,
    business_status: String,
    contact_profile: String,
    policy: Policy,
    /// The kinds that stand now.
    provider_approvals: Vec<String>,
    preferred_language: String,
    /// The person's data were erased.
    is_erased: bool,
    members: Vec<Member>,
    record: WrappedKey,
    debts: Vec<DebtRow>,
    is_attorney: bool,
    points: Vec<PointJson>,
    consents: Vec<ConsentJson>,
    /// The last word on electronic notices at the address.
    notices: Option<NoticeJson>,
    suppressions: Vec<SuppressionJson>,
    holds: Vec<HoldJson>,
    disputes: Vec<DisputeJson>,
    marked: Vec<MarkedJson>,
    inconvenient: Vec<InconvenientJson>,
    places: Vec<PlaceJson>,
    contacts: Vec<ContactJson>,
    content: ContentRow,
    reassigned: Vec<ReassignedJson>,
    national: Option<NationalJson>,
    licenses: Vec<String>,
}

/// Collects the facts about `contact`; `None` when the person is not there or not the caller's, or when the account was
/// deleted. With a print, by which it is seen later whether something of it has changed.
pub(super) async fn gather(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    contact: &Contact<'_>,
    with_print: bool,
) -> Result<Option<Gathered>, OpError> {
    let Some(found) = read(tx, keys, contact, with_print).await? else {
        return Ok(None);
    };
    let traits = open_traits(keys, contact.debtor_id, &found.members)?;
    let language = language_of_rest(contact.content, &found.business_name)
        .map_or_else(|| found.preferred_language.clone(), str::to_owned);
    let debts = Debts::of(contact, found.debts);
    let validation = debts.validation();
    let act = action(
        contact,
        (&found.business_name, &language),
        &debts,
        &found.disputes,
    );
    let (act, scanned) = with_scan(
        act,
        contact,
        &found.content,
        &ScanContext {
            writer: contact.author.writer(found.is_attorney),
            debts: &debts,
            period_ends_on: validation.period_ends_on,
            now: tx.now(),
        },
    );
    let act = with_state_texts(act, contact.content, RuleSet::current());
    let answer = reassigned_answer(
        &found.reassigned,
        granted_at(&found.consents, contact.channel),
        tx.now(),
    );
    let (checked, checked_days) = answer.unzip();
    let checked_days = checked_days.flatten();
    let act = to_another(
        with_suppressions(with_points(act, &found.points), &found.suppressions),
        checked.as_ref(),
    );
    let act = at_place(act, &found.points, &found.places);
    let location = location(contact.recipient, &traits, tx.now());
    let (asks_for_license, licensed_states) = license_facts(&location, found.licenses, tx.now());
    let of_contact = |entry| history_entry(entry, contact);
    let history: Vec<_> = found.contacts.iter().map(of_contact).collect();
    let reach = found.policy.optout_scope;
    let is_approved = |kind: &str| found.provider_approvals.iter().any(|approved| approved == kind);
    let profile = profile_of(&found.contact_profile);
    let facts = Facts {
        now: Some(tx.now()),
        profile: Some(profile),
        tenant: Some(Tenant {
            role: Some(role(&found.business_role)),
            suspended: Some(found.business_status == "SUSPENDED"),
            licensed_states: Some(licensed_states),
            business_associate_agreement: Some(is_approved("BUSINESS_ASSOCIATE_AGREEMENT")),
        }),
        location: Some(location),
        state_requires_license: asks_for_license,
        action: Some(act),
        consumer: Some(Consumer {
            date_of_birth: traits.born_on,
            erased: found.is_erased.then_some(true),
            ..Consumer::default()
        }),
        rnd: reassigned(&found.points).or(checked),
        call_consent: call_consent(&found.consents, &history),
        time_consent: time_consent(&found.consents, contact, channel(contact.channel)),
        history: Some(history),
        policy: Some(binding(found.policy, profile)),
        consents: Some(Consents {
            // Of what is no notice the law asks for no such consent.
            esign: contact.dispute_answer.map(|_| esign(found.notices.as_ref())),
            ..consents(contact, &found.consents, checked_days, tx.now())
        }),
        provider: Some(Provider {
            sms: Some("twilio".to_owned()),
            third_party_collections_permitted: Some(is_approved("SMS_ROUTE")),
            sms_campaign_registered: Some(is_approved("SMS_CAMPAIGN_10DLC")),
            whatsapp_collections_permitted: Some(is_approved("WHATSAPP")),
        }),
        debts: debts.facts(tx.now()),
        do_not_call: Some(national(
            found
                .suppressions
                .iter()
                .any(|row| row.here && row.reason == "STAFF"),
            found.national.as_ref(),
        )),
        validation: Some(validation),
        inconvenient: Some(
            found
                .inconvenient
                .iter()
                .map(inconvenient_time)
                .collect::<Result<_, _>>()?,
        ),
        optouts: Some(
            found
                .suppressions
                .iter()
                .filter(|row| row.is_opt_out(reach))
                .map(|row| opt_out(row, contact))
                .collect(),
        ),
        ..Facts::nothing_on_file()
    };
    let facts = with_places(facts, contact.recipient, &found.places);
    let facts = with_disputes(facts, &found.disputes, &found.marked);
    let facts = with_holds(facts, &found.holds, &found.disputes, contact);
    let consented_at = direct_contact_at(&found.consents, contact.channel);
    Ok(Some(Gathered {
        facts: with_attorneys_consent(facts, &found.holds, consented_at),
        record_key: found.record,
        scanned,
        print: found.print,
    }))
}

async fn read(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    contact: &Contact<'_>,
    with_print: bool,
) -> Result<Option<Found>, OpError> {
    let business = tx.business_id();
    let since = tx.now() - LOOK_BACK;
    let (began, today) = days_of(tx.now());
    let print = keys.platform_blind(contact.recipient);
    let row = sqlx::query!(
        r#"SELECT b.name, b.role, b.status, b.contact_profile,
                CASE WHEN $12 THEN app.contact_print($1, $2, $3, $5) END AS print,
                (SELECT policy FROM contact_policies y WHERE y.business_id = $1) AS policy,
                w.preferred_language,
                m.ids AS "ids!", m.addresses AS "addresses!: Vec<Option<Vec<u8>>>",
                m.birth_dates AS "birth_dates!: Vec<Option<Vec<u8>>>", m.zones AS "zones!: Vec<Option<Vec<u8>>>",
                m.zones_at AS "zones_at!: Vec<Option<DateTime<Utc>>>",
                m.confirmed AS "confirmed!: Vec<Option<Vec<u8>>>",
                m.confirmed_at AS "confirmed_at!: Vec<Option<DateTime<Utc>>>", m.keys AS "keys!", m.versions AS "versions!",
                m.wrapped AS "wrapped!: Vec<Option<Vec<u8>>>", m.is_erased AS "is_erased!",
                r.id AS record_id, r.business_key_version AS record_version, r.wrapped AS record_wrapped,
                -- A contact about no one account is about all of the person's.
                (SELECT jsonb_agg(jsonb_build_object('id', x.id, 'status', x.status, 'debt_type', x.debt_type,
                        'began_on', x.initial_communication_on, 'notice_on', x.validation_notice_on,
                        'period_ends_on', x.validation_period_ends_on,
                        'suit', (SELECT jsonb_build_object('id', u.id, 'stands', u.withdrawn_at IS NULL,
                                'limitation_expires_on', u.limitation_expires_on)
                           FROM suit_authorities u WHERE u.business_id = x.business_id AND u.account_id = x.id
                          ORDER BY u.id DESC LIMIT 1),
                        'limitation', (SELECT jsonb_build_object('id', t.id, 'expires_on', t.expires_on,
                                'governing_law', t.governing_law)
                           FROM limitations t WHERE t.business_id = x.business_id AND t.account_id = x.id
                          ORDER BY t.id DESC LIMIT 1)) ORDER BY x.id)
                   FROM accounts x WHERE x.business_id = $1 AND x.deleted_at IS NULL
                    AND x.id = ANY(CASE WHEN $3::uuid IS NOT NULL THEN ARRAY[$3::uuid] ELSE ARRAY(
                        SELECT y.id FROM accounts y WHERE y.business_id = $1 AND y.debtor_id = ANY(m.ids)) END)) AS debts,
                EXISTS (SELECT FROM users u WHERE u.business_id = $1 AND u.id = $4 AND u.status = 'ACTIVE'
                    AND u.bar_number IS NOT NULL) AS "is_attorney!",
                jsonb_build_object('names', m.names || jsonb_build_array(b.name, a.original_creditor,
                        (SELECT c.name FROM creditors c WHERE c.business_id = a.business_id AND c.id = a.creditor_id)),
                    'balance', a.balance_minor, 'original', a.original_balance_minor,
                    'components', (SELECT jsonb_build_array(k.principal_minor, k.interest_minor, k.fees_minor, k.costs_minor)
                       FROM balance_components k WHERE k.business_id = a.business_id AND k.account_id = a.id)) AS "content!",
                (SELECT jsonb_agg(jsonb_build_object('is_own', cp.debtor_id = ANY(m.ids), 'contact_use', cp.contact_use,
                        'line_type', cp.line_type, 'validity', cp.validity))
                   FROM (SELECT * FROM contact_points o WHERE o.business_id = $1 AND o.blind_index = ANY($5)
                         ORDER BY o.debtor_id = ANY(m.ids) DESC, o.validity IN ('WRONG_NUMBER', 'REASSIGNED') DESC
                         LIMIT 20) cp) AS points,
                (SELECT jsonb_agg(to_jsonb(c)) FROM (
                  SELECT DISTINCT ON (c.contact_point_id, c.channel, c.purpose) c.channel, c.purpose, c.status, c.given_directly,
                         c.said_at, c.source, c.words_kept, c.from_minute, c.to_minute, c.on_date,
                         cp.removed_at IS NOT NULL AS is_removed,
                         -- A received text that says yes is START, which gives back an earlier consent.
                         CASE WHEN c.status = 'GRANTED' AND c.event_id IS NOT NULL THEN (
                             SELECT max(o.said_at) FROM consents o
                              WHERE o.business_id = c.business_id AND o.contact_point_id = c.contact_point_id
                                AND o.channel = c.channel AND o.purpose = c.purpose AND o.status = 'GRANTED'
                                AND o.event_id IS NULL AND o.said_at <= c.said_at)
                         ELSE c.said_at END AS given_at
                    FROM consents c
                    JOIN contact_points cp ON cp.business_id = c.business_id AND cp.id = c.contact_point_id
                  WHERE c.business_id = $1 AND c.debtor_id = ANY(m.ids)
                    AND c.purpose IN ('COLLECTION', 'CALL_BACK', 'OUTSIDE_HOURS', 'DIRECT_CONTACT')
                    AND (cp.blind_index = ANY($5) AND cp.removed_at IS NULL OR cp.removed_blind = ANY($5))
                  ORDER BY c.contact_point_id, c.channel, c.purpose, c.said_at DESC, c.id DESC) c) AS consents,
                (SELECT to_jsonb(e) FROM (
                  SELECT c.status, c.given_directly, c.source, c.words_kept FROM consents c
                    JOIN contact_points cp ON cp.business_id = c.business_id AND cp.id = c.contact_point_id
                  WHERE c.business_id = $1 AND c.debtor_id = ANY(m.ids) AND c.purpose = 'ELECTRONIC_NOTICES' AND c.channel = $13
                    AND coalesce(cp.blind_index, cp.removed_blind) = ANY($5)
                  ORDER BY c.said_at DESC, c.id DESC LIMIT 1) e) AS notices,
                (SELECT jsonb_agg(jsonb_build_object('kind', s.kind, 'channel', s.channel, 'reason', s.reason,
                        'created_at', s.created_at, 'here', s.address_blind = ANY($5)) ORDER BY s.created_at, s.id)
                   FROM suppressions s
                  WHERE s.business_id = $1 AND s.lifted_at IS NULL AND s.address_blind = ANY($5::bytea[] || ARRAY(
                    SELECT coalesce(o.blind_index, o.removed_blind) FROM contact_points o
                     WHERE o.business_id = $1 AND o.debtor_id = ANY(m.ids)))) AS suppressions,
                (SELECT jsonb_agg(jsonb_build_object('id', h.id, 'kind', h.kind, 'account_id', h.account_id,
                        'placed_at', h.placed_at))
                   FROM holds h WHERE h.business_id = $1 AND h.debtor_id = ANY(m.ids) AND h.lifted_at IS NULL) AS holds,
                (SELECT jsonb_agg(to_jsonb(t)) FROM (
                  SELECT p.hold_id, p.account_id, p.kind = 'DISPUTE' AS is_dispute, p.requests_original_creditor,
                         p.received_at, p.written, p.within_validation_period,
                         p.held_by_choice OR p.looked_at IS NULL AS is_held, p.duplicate_of IS NOT NULL AS is_duplicative,
                         p.status = 'RESOLVED' AS is_resolved, p.verification_sent_at, p.duplicative_notice_sent_at,
                         p.original_creditor_sent_at
                    FROM disputes p
                   WHERE p.business_id = $1 AND p.debtor_id = ANY(m.ids) AND p.outcome IS DISTINCT FROM 'WITHDRAWN'
                     AND ($3::uuid IS NULL OR p.account_id IS NULL OR p.account_id = $3)
                   ORDER BY p.status IN ('OPEN', 'VERIFYING') DESC, p.outcome = 'CLOSED_ACCOUNT' DESC NULLS LAST, p.id DESC
                   LIMIT 100) t) AS disputes,
                (SELECT jsonb_agg(jsonb_build_object('account_id', x.id, 'since', x.updated_at))
                   FROM accounts x WHERE x.business_id = $1 AND x.debtor_id = ANY(m.ids) AND x.status = 'DISPUTED'
                    AND x.deleted_at IS NULL AND ($3::uuid IS NULL OR x.id = $3)) AS marked,
                (SELECT jsonb_agg(jsonb_build_object('days', i.days, 'from_minute', i.from_minute, 'to_minute', i.to_minute,
                        'channels', i.channels))
                   FROM inconvenient_times i
                  WHERE i.business_id = $1 AND i.debtor_id = ANY(m.ids) AND i.withdrawn_at IS NULL) AS inconvenient,
                (SELECT jsonb_agg(jsonb_build_object('place', c.place, 'standing', c.standing, 'channels', c.channels,
                        'here', c.contact_point_id IS NOT NULL))
                   FROM contact_places c LEFT JOIN contact_points o ON o.business_id = $1 AND o.id = c.contact_point_id
                  WHERE c.business_id = $1 AND c.debtor_id = ANY(m.ids) AND c.withdrawn_at IS NULL
                    AND (c.ends_at IS NULL OR c.ends_at > $11) AND (c.contact_point_id IS NULL
                        OR coalesce(o.blind_index, o.removed_blind) = ANY($5))) AS places,
                (SELECT jsonb_agg(entry ORDER BY entry ->> 'at') FROM (
                    (SELECT jsonb_build_object('at', s.reserved_at, 'channel', s.channel, 'inbound', false,
                            'here', true, 'reply', s.reply, 'account_id', s.account_id, 'at_work', s.at_work,
                            'cease_notice', s.cease_notice) AS entry
                       FROM contact_slots s
                      WHERE s.business_id = $1 AND s.debtor_id = ANY(m.ids) AND s.released_at IS NULL AND s.reserved_at > $6
                      ORDER BY s.reserved_at DESC LIMIT 300)
                    UNION ALL
                    -- Of the notices that go out once, those of before too: the last of each.
                    (SELECT DISTINCT ON (s.cease_notice) jsonb_build_object('at', s.reserved_at, 'channel', s.channel,
                            'inbound', false, 'here', true, 'reply', s.reply, 'account_id', s.account_id, 'at_work', s.at_work,
                            'cease_notice', s.cease_notice) AS entry
                       FROM contact_slots s
                      WHERE s.business_id = $1 AND s.debtor_id = ANY(m.ids) AND s.released_at IS NULL
                        AND s.cease_notice IS NOT NULL AND s.reserved_at <= $6
                      ORDER BY s.cease_notice, s.reserved_at DESC)
                    UNION ALL
                    (SELECT jsonb_build_object('at', t.created_at, 'channel', v.channel, 'inbound', true,
                            'here', v.peer_blind = ANY($5), 'reply', false, 'account_id', v.account_id, 'at_work', false)
                       FROM messages t JOIN conversations v ON v.business_id = t.business_id AND v.id = t.conversation_id
                      WHERE t.business_id = $1 AND t.debtor_id = ANY(m.ids) AND t.direction = 'INBOUND' AND t.created_at > $6
                      ORDER BY t.created_at DESC LIMIT 300)) AS entries) AS contacts,
                (SELECT jsonb_agg(to_jsonb(r)) FROM (
                  (SELECT n.status, n.asked_since, n.disconnected_on, n.queried_on
                     FROM reassigned_checks n WHERE n.business_id = $1 AND n.number_blind = ANY($5)
                    -- Of two answers of one day the stricter.
                    ORDER BY n.queried_on DESC, n.status DESC, n.id DESC LIMIT 1)
                  UNION ALL
                  (SELECT n.status, n.asked_since, n.disconnected_on, n.queried_on
                     FROM reassigned_checks n
                    WHERE n.business_id = $1 AND n.number_blind = ANY($5) AND n.status = 'YES'
                    ORDER BY n.queried_on DESC, n.id DESC LIMIT 20)) r) AS reassigned,
                (SELECT to_jsonb(l) FROM app.national_do_not_call($7, $8, $9) l) AS national,
                ARRAY(SELECT DISTINCT l.state FROM business_licenses l
                  -- The licence that the rule asks for is the one to collect for others.
                  WHERE l.business_id = $1 AND l.kind = 'COLLECTION_AGENCY' AND l.removed_at IS NULL AND l.valid_from <= $10
                    AND (l.valid_until IS NULL OR l.valid_until >= $9)) AS "licenses!: Vec<String>",
                ARRAY(SELECT DISTINCT p.kind FROM provider_approvals p
                  WHERE p.business_id = $1 AND p.withdrawn_at IS NULL AND p.valid_from <= $11
                    AND (p.valid_until IS NULL OR p.valid_until > $11)) AS "provider_approvals!: Vec<String>"
             FROM debtors d
             JOIN businesses b ON b.id = d.business_id
             JOIN debtors w ON w.business_id = d.business_id AND w.id = d.person_id
             JOIN data_keys r ON r.business_id = d.business_id AND r.id = d.record_key_id
             LEFT JOIN accounts a ON a.business_id = d.business_id AND a.id = $3
             -- All records of the person: what was written down on one counts for each.
             CROSS JOIN LATERAL (
                 SELECT array_agg(g.id ORDER BY g.id) AS ids, array_agg(g.address_cipher ORDER BY g.id) AS addresses,
                        array_agg(g.birth_date_cipher ORDER BY g.id) AS birth_dates,
                        array_agg(g.stated_zone_cipher ORDER BY g.id) AS zones,
                        array_agg(g.stated_zone_at ORDER BY g.id) AS zones_at,
                        array_agg(g.confirmed_zone_cipher ORDER BY g.id) AS confirmed,
                        array_agg(g.confirmed_zone_at ORDER BY g.id) AS confirmed_at, array_agg(p.id ORDER BY g.id) AS keys,
                        array_agg(p.business_key_version ORDER BY g.id) AS versions,
                        array_agg(p.wrapped ORDER BY g.id) AS wrapped, bool_or(g.erased_at IS NOT NULL) AS is_erased,
                        jsonb_agg(concat_ws(' ', g.first_name, g.last_name)) AS names
                   FROM debtors g JOIN data_keys p ON p.business_id = g.business_id AND p.id = g.profile_key_id
                  WHERE g.business_id = $1 AND g.person_id = d.person_id) m
             WHERE d.business_id = $1 AND d.id = $2 AND a.deleted_at IS NULL
               -- A thread of no account is about any of the person's: there must be one left, or none yet.
               AND ($3::uuid IS NOT NULL OR NOT EXISTS (
                   SELECT FROM accounts x WHERE x.business_id = d.business_id AND x.debtor_id = ANY(m.ids))
                 OR EXISTS (
                   SELECT FROM accounts x WHERE x.business_id = d.business_id AND x.debtor_id = ANY(m.ids)
                     AND x.deleted_at IS NULL))"#,
        business,
        contact.debtor_id,
        contact.account_id,
        contact.author.member(),
        &keys.blinds(contact.recipient),
        since,
        area_of(contact.recipient),
        print.as_slice(),
        today,
        began,
        tx.now(),
        with_print,
        contact.channel.as_str(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    // The aggregates are of the same rows in the same order.
    let known = row.ids.into_iter().zip(row.addresses).zip(row.birth_dates);
    let stated = row.zones.into_iter().zip(row.zones_at);
    let confirmed = row.confirmed.into_iter().zip(row.confirmed_at);
    let wrapped = row.keys.into_iter().zip(row.versions).zip(row.wrapped);
    let members = known
        .zip(stated.zip(confirmed))
        .zip(wrapped)
        .map(
            |(
                (((id, address), birth_date), ((zone, zone_at), (confirmed, confirmed_at))),
                ((key, version), wrapped),
            )| Member {
                id,
                address_cipher: address,
                birth_date_cipher: birth_date,
                stated_zone_cipher: zone,
                stated_zone_at: zone_at,
                confirmed_zone_cipher: confirmed,
                confirmed_zone_at: confirmed_at,
                profile: WrappedKey {
                    id: key,
                    business_key_version: version,
                    wrapped,
                },
            },
        )
        .collect();
    Ok(Some(Found {
        print: row.print,
        business_name: row.name,
        business_role: row.role,
        business_status: row.status,
        contact_profile: row.contact_profile,
        policy: row.policy.map(from_json).transpose()?.unwrap_or_default(),
        provider_approvals: row.provider_approvals,
        preferred_language: row.preferred_language,
        is_erased: row.is_erased,
        members,
        record: WrappedKey {
            id: row.record_id,
            business_key_version: row.record_version,
            wrapped: row.record_wrapped,
        },
        debts: list_from_json(row.debts)?,
        is_attorney: row.is_attorney,
        points: list_from_json(row.points)?,
        consents: list_from_json(row.consents)?,
        notices: row.notices.map(from_json).transpose()?,
        suppressions: list_from_json(row.suppressions)?,
        holds: list_from_json(row.holds)?,
        disputes: list_from_json(row.disputes)?,
        marked: list_from_json(row.marked)?,
        inconvenient: list_from_json(row.inconvenient)?,
        places: list_from_json(row.places)?,
        contacts: list_from_json(row.contacts)?,
        content: from_json(row.content)?,
        reassigned: list_from_json(row.reassigned)?,
        national: row.national.map(from_json).transpose()?,
        licenses: row.licenses,
    }))
}

fn from_json<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, OpError> {
    serde_json::from_value(value).map_err(|error| OpError::Internal(error.into()))
}

fn list_from_json<T: serde::de::DeserializeOwned>(
    value: Option<serde_json::Value>,
) -> Result<Vec<T>, OpError> {
    value.map_or_else(|| Ok(Vec::new()), from_json)
}
