//! SQL of an archive's lists, each read page by page in the order of its ids.

use uuid::Uuid;

use super::{
    disputes, payments,
    sections::{Raw, Section, Selection},
};
use crate::platform::db::{DbError, TenantTx};

/// Rows of a page.
pub(super) const PAGE: i64 = 500;

/// The next rows past `past`, in the order of their ids.
pub(super) async fn page(
    tx: &mut TenantTx,
    section: Section,
    of: &Selection,
    past: Uuid,
) -> Result<Vec<Raw>, DbError> {
    match section {
        Section::Profile => profile(tx, of, past).await,
        Section::ContactPoints => contact_points(tx, of, past).await,
        Section::Accounts => accounts(tx, of, past).await,
        Section::Notes => notes(tx, of, past).await,
        Section::Ledger => ledger(tx, of, past).await,
        Section::Payments => payments::payments(tx, of, past).await,
        Section::Refunds => payments::refunds(tx, of, past).await,
        Section::PaymentDisputes => payments::disputes(tx, of, past).await,
        Section::Conversations => conversations(tx, of, past).await,
        Section::Messages => messages(tx, of, past).await,
        Section::Consents => consents(tx, of, past).await,
        Section::Suppressions => suppressions(tx, of, past).await,
        Section::Holds => holds(tx, of, past).await,
        Section::InconvenientTimes => inconvenient_times(tx, of, past).await,
        Section::ContactPlaces => contact_places(tx, of, past).await,
        Section::PrivacyAcceptances => privacy_acceptances(tx, of, past).await,
        Section::Decisions => decisions(tx, of, past).await,
        Section::WholeDecisions => whole_decisions(tx, of, past).await,
        Section::Documents => documents(tx, of, past).await,
        Section::ValidationNotices => validation_notices(tx, of, past).await,
        Section::PrivacyRequests => requests(tx, of, past).await,
        Section::Disputes => disputes::disputes(tx, of, past).await,
        Section::DisputeSteps => disputes::steps(tx, of, past).await,
        Section::Complaints => disputes::complaints(tx, of, past).await,
        Section::SuitAuthorities => disputes::suit_authorities(tx, of, past).await,
        Section::Limitations => disputes::limitations(tx, of, past).await,
    }
}

/// That a national id is held, and not which: Cal. Code Regs. tit. 11, section 7024(d).
async fn profile(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT d.id, jsonb_build_object('id', d.id, 'external_reference', d.external_reference, 'first_name', d.first_name,
                'last_name', d.last_name, 'company_name', d.company_name, 'risk_level', d.risk_level, 'preferred_language', d.preferred_language, 'preferred_channel', d.preferred_channel,
                'address_at', d.address_at, 'stated_time_zone_at', d.stated_zone_at, 'created_at', d.created_at,
                'updated_at', d.updated_at, 'erased_at', d.erased_at,
                'national_id_held', d.national_id_cipher IS NOT NULL) AS "plain!",
             ARRAY[d.birth_date_cipher, d.address_cipher, d.stated_zone_cipher, d.stated_zone_statement_cipher]
                AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.profile_key_id, d.profile_key_id, d.profile_key_id, d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM debtors d WHERE d.business_id = $1 AND d.id = ANY($2) AND d.id > $3 ORDER BY d.id LIMIT $4"#,
        business,
        &of.members,
        past,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn contact_points(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT c.id, jsonb_build_object('id', c.id, 'kind', c.kind, 'provenance', c.provenance, 'line_type', c.line_type,
                'use', c.contact_use, 'validity', c.validity, 'validity_since', c.validity_since, 'created_at', c.created_at,
                'removed_at', c.removed_at) AS "plain!",
             ARRAY[c.value_cipher, c.original_cipher, c.label_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.profile_key_id, d.profile_key_id, d.profile_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM contact_points c JOIN debtors d ON d.business_id = c.business_id AND d.id = c.debtor_id
         WHERE c.business_id = $1 AND c.debtor_id = ANY($2) AND c.id > $3 ORDER BY c.id LIMIT $4"#,
        business,
        &of.members,
        past,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// With balances, what they are made of, labels, and what was told of the debt (12 CFR 1006.34).
async fn accounts(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT a.id, jsonb_build_object('id', a.id, 'account_number', a.account_number,
                'original_creditor', a.original_creditor, 'status', a.status, 'currency', a.currency,
                'balance_minor_units', a.balance_minor, 'original_balance_minor_units', a.original_balance_minor,
                'due_date', a.due_date, 'debt_type', a.debt_type, 'initial_communication_on', a.initial_communication_on,
                'validation_notice_on', a.validation_notice_on, 'validation_period_ends_on', a.validation_period_ends_on,
                'tags', (SELECT jsonb_agg(g.tag ORDER BY g.tag) FROM account_tags g
                          WHERE g.business_id = a.business_id AND g.account_id = a.id),
                'components', (SELECT to_jsonb(k) - 'business_id' - 'account_id' - 'debtor_id' FROM balance_components k
                                WHERE k.business_id = a.business_id AND k.account_id = a.id),
                'creditor', (SELECT r.name FROM creditors r WHERE r.business_id = a.business_id AND r.id = a.creditor_id),
                'created_at', a.created_at, 'updated_at', a.updated_at, 'deleted_at', a.deleted_at) AS "plain!",
             ARRAY[a.custom_fields_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.profile_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM accounts a JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id
         WHERE a.business_id = $1 AND a.debtor_id = ANY($2) AND a.id > $3 AND ($4::uuid IS NULL OR a.id = $4)
         ORDER BY a.id LIMIT $5"#,
        business,
        &of.members,
        past,
        of.account,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn notes(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT n.id, jsonb_build_object('id', n.id, 'account_id', n.account_id, 'written_at', n.created_at) AS "plain!",
             ARRAY[n.body_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.profile_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM account_notes n
         JOIN accounts a ON a.business_id = n.business_id AND a.id = n.account_id
         JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id
         WHERE n.business_id = $1 AND a.debtor_id = ANY($2) AND n.id > $3 ORDER BY n.id LIMIT $4"#,
        business,
        &of.members,
        past,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn ledger(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT e.id, jsonb_build_object('id', e.id, 'account_id', e.account_id, 'transaction_id', e.transaction_id,
                'kind', t.kind, 'amount_minor_units', e.amount_minor, 'currency', e.currency, 'at', e.at) AS "plain!",
             ARRAY[]::bytea[] AS "ciphers!: Vec<Option<Vec<u8>>>", ARRAY[]::uuid[] AS "keys!: Vec<Option<Uuid>>"
         FROM ledger_entries e
         JOIN ledger_transactions t ON t.business_id = e.business_id AND t.id = e.transaction_id
         WHERE e.business_id = $1 AND e.debtor_id = ANY($2) AND e.account_id = ANY(ARRAY(
                 SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.debtor_id = ANY($2)
                   AND ($4::uuid IS NULL OR a.id = $4)))
           AND e.id > $3 AND ($5::timestamptz IS NULL OR e.at >= $5) AND ($6::timestamptz IS NULL OR e.at < $6)
         ORDER BY e.id LIMIT $7"#,
        business,
        &of.members,
        past,
        of.account,
        of.from,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Those that were under way in the time. A thread of no debt may be about any of the person's.
async fn conversations(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT c.id, jsonb_build_object('id', c.id, 'account_id', c.account_id, 'channel', c.channel, 'status', c.status,
                'our_address', c.our_address, 'created_at', c.created_at, 'last_message_at', c.last_message_at,
                'closed_at', c.closed_at) AS "plain!",
             ARRAY[c.peer_cipher, c.resolution_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[c.record_key_id, c.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM conversations c
         WHERE c.business_id = $1 AND c.debtor_id = ANY($2) AND c.id > $3
           AND ($4::uuid IS NULL OR c.account_id IS NULL OR c.account_id = $4)
           AND ($5::timestamptz IS NULL OR c.last_message_at >= $5) AND ($6::timestamptz IS NULL OR c.created_at < $6)
         ORDER BY c.id LIMIT $7"#,
        business,
        &of.members,
        past,
        of.account,
        of.from,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Both directions, with every attempt to deliver and the vendor's own ids.
async fn messages(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT m.id, jsonb_build_object('id', m.id, 'conversation_id', m.conversation_id, 'sequence', m.sequence,
                'direction', m.direction, 'sender', m.sender_type, 'delivery_status', m.delivery_status,
                'failure_code', m.failure_code, 'failure_reason', m.failure_reason, 'decision_id', m.decision_id,
                'vendor_message_id', m.provider_message_id, 'created_at', m.created_at, 'sent_at', m.sent_at,
                'delivered_at', m.delivered_at, 'read_at', m.read_at,
                'attempts', (SELECT jsonb_agg(jsonb_build_object('number', t.number, 'state', t.state,
                        'decision_id', t.decision_id, 'vendor_message_id', t.provider_message_id, 'error_code', t.error_code,
                        'started_at', t.started_at, 'settled_at', t.settled_at) ORDER BY t.number)
                    FROM delivery_attempts t WHERE t.business_id = m.business_id AND t.message_id = m.id)) AS "plain!",
             ARRAY[m.body_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[c.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM conversations c JOIN messages m ON m.business_id = c.business_id AND m.conversation_id = c.id
         WHERE c.business_id = $1 AND c.debtor_id = ANY($2) AND m.id > $3
           AND ($4::uuid IS NULL OR c.account_id IS NULL OR c.account_id = $4)
           AND ($5::timestamptz IS NULL OR m.created_at >= $5) AND ($6::timestamptz IS NULL OR m.created_at < $6)
         ORDER BY m.id LIMIT $7"#,
        business,
        &of.members,
        past,
        of.account,
        of.from,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn consents(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT c.id, jsonb_build_object('id', c.id, 'contact_point_id', c.contact_point_id, 'channel', c.channel,
                'purpose', c.purpose, 'status', c.status, 'given_directly', c.given_directly, 'source', c.source,
                'said_at', c.said_at, 'recorded_at', c.recorded_at) AS "plain!",
             ARRAY[c.evidence_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM consents c JOIN debtors d ON d.business_id = c.business_id AND d.id = c.debtor_id
         WHERE c.business_id = $1 AND c.debtor_id = ANY($2) AND c.id > $3
           AND ($4::timestamptz IS NULL OR c.said_at < $4)
         ORDER BY c.id LIMIT $5"#,
        business,
        &of.members,
        past,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Those that stood in the time. The address itself is not kept, only its print.
async fn suppressions(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT s.id, jsonb_build_object('id', s.id, 'kind', s.kind, 'channel', s.channel, 'reason', s.reason,
                'created_at', s.created_at, 'released_at', s.lifted_at) AS "plain!",
             ARRAY[]::bytea[] AS "ciphers!: Vec<Option<Vec<u8>>>", ARRAY[]::uuid[] AS "keys!: Vec<Option<Uuid>>"
         FROM suppressions s
         WHERE s.business_id = $1 AND s.debtor_id = ANY($2) AND s.id > $3
           AND ($4::timestamptz IS NULL OR s.lifted_at IS NULL OR s.lifted_at >= $4)
           AND ($5::timestamptz IS NULL OR s.created_at < $5)
         ORDER BY s.id LIMIT $6"#,
        business,
        &of.members,
        past,
        of.from,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Those that stood in the time, on the person or on the debt.
async fn holds(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT h.id, jsonb_build_object('id', h.id, 'account_id', h.account_id, 'kind', h.kind, 'source', h.source,
                'message_id', h.message_id, 'placed_at', h.placed_at, 'confirmed_at', h.confirmed_at,
                'released_at', h.lifted_at) AS "plain!",
             ARRAY[h.reason_cipher, h.confirmation_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id, d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM holds h JOIN debtors d ON d.business_id = h.business_id AND d.id = h.debtor_id
         WHERE h.business_id = $1 AND h.debtor_id = ANY($2) AND h.id > $3
           AND ($4::uuid IS NULL OR h.account_id IS NULL OR h.account_id = $4)
           AND ($5::timestamptz IS NULL OR h.lifted_at IS NULL OR h.lifted_at >= $5)
           AND ($6::timestamptz IS NULL OR h.placed_at < $6)
         ORDER BY h.id LIMIT $7"#,
        business,
        &of.members,
        past,
        of.account,
        of.from,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn inconvenient_times(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT i.id, jsonb_build_object('id', i.id, 'days', i.days, 'from_minute', i.from_minute, 'to_minute', i.to_minute,
                'channels', i.channels, 'stated_at', i.stated_at, 'withdrawn_at', i.withdrawn_at) AS "plain!",
             ARRAY[i.statement_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM inconvenient_times i JOIN debtors d ON d.business_id = i.business_id AND d.id = i.debtor_id
         WHERE i.business_id = $1 AND i.debtor_id = ANY($2) AND i.id > $3
           AND ($4::timestamptz IS NULL OR i.stated_at < $4)
         ORDER BY i.id LIMIT $5"#,
        business,
        &of.members,
        past,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn contact_places(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT p.id, jsonb_build_object('id', p.id, 'place', p.place, 'standing', p.standing, 'channels', p.channels,
                'contact_point_id', p.contact_point_id, 'source', p.source, 'stated_at', p.stated_at, 'ends_at', p.ends_at,
                'recorded_at', p.recorded_at, 'withdrawn_at', p.withdrawn_at) AS "plain!",
             ARRAY[p.statement_cipher, p.withdrawal_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id, d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM contact_places p JOIN debtors d ON d.business_id = p.business_id AND d.id = p.debtor_id
         WHERE p.business_id = $1 AND p.debtor_id = ANY($2) AND p.id > $3
           AND ($4::timestamptz IS NULL OR p.recorded_at < $4)
         ORDER BY p.id LIMIT $5"#,
        business,
        &of.members,
        past,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn privacy_acceptances(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT a.id, jsonb_build_object('id', a.id, 'version', a.version, 'language', a.language,
                'accepted_at', a.accepted_at) AS "plain!",
             ARRAY[a.evidence_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM privacy_acceptances a JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id
         WHERE a.business_id = $1 AND a.debtor_id = ANY($2) AND a.id > $3
           AND ($4::timestamptz IS NULL OR a.accepted_at < $4)
         ORDER BY a.id LIMIT $5"#,
        business,
        &of.members,
        past,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn decisions(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT x.id, jsonb_build_object('id', x.id, 'account_id', x.account_id, 'channel', x.channel,
                'outcome', x.outcome, 'reason', x.decision -> 'reason', 'reason_in_spanish', x.decision -> 'reason_es',
                'rule', x.decision -> 'rule', 'decided_at', x.decided_at) AS "plain!",
             ARRAY[]::bytea[] AS "ciphers!: Vec<Option<Vec<u8>>>", ARRAY[]::uuid[] AS "keys!: Vec<Option<Uuid>>"
         FROM decisions x
         WHERE x.business_id = $1 AND x.debtor_id = ANY($2) AND x.id > $3 ORDER BY x.id LIMIT $4"#,
        business,
        &of.members,
        past,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn whole_decisions(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT x.id, jsonb_build_object('id', x.id, 'account_id', x.account_id, 'channel', x.channel, 'stage', x.stage,
                'outcome', x.outcome, 'decision', x.decision, 'rule_set_version', x.rule_set_version,
                'tzdb_version', x.tzdb_version, 'content_sha256', encode(x.content_hash, 'hex'),
                'decided_at', x.decided_at) AS "plain!",
             ARRAY[x.facts_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[x.key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM decisions x
         WHERE x.business_id = $1 AND x.debtor_id = ANY($2) AND x.id > $3
           AND ($4::uuid IS NULL OR x.account_id IS NULL OR x.account_id = $4)
           AND ($5::timestamptz IS NULL OR x.decided_at >= $5) AND ($6::timestamptz IS NULL OR x.decided_at < $6)
         ORDER BY x.id LIMIT $7"#,
        business,
        &of.members,
        past,
        of.account,
        of.from,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Their files stand beside the list. What staff deleted is kept as evidence, and is the person's to see all the same.
async fn documents(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT t.id, jsonb_build_object('id', t.id, 'account_id', t.account_id, 'file_id', t.file_id, 'kind', t.kind,
                'tags', t.tags, 'created_at', t.created_at, 'deleted_at', t.deleted_at) AS "plain!",
             ARRAY[t.description_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[f.data_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM account_documents t
         JOIN files f ON f.business_id = t.business_id AND f.id = t.file_id
         WHERE t.business_id = $1 AND f.debtor_id = ANY($2) AND t.id > $3 ORDER BY t.id LIMIT $4"#,
        business,
        &of.members,
        past,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What they said, how they were provided, what follows from it, and whether they came back. Their files stand beside the list.
async fn validation_notices(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT n.id, jsonb_build_object('id', n.id, 'account_id', n.account_id, 'status', n.status, 'language', n.language,
                'itemization_event', n.itemization_event, 'provide_by', n.provide_by, 'period_ends_on', n.period_ends_on,
                'rule_set_version', n.rule_set_version, 'generated_at', n.generated_at, 'pdf_file_id', n.pdf_file_id,
                'page_file_id', n.page_file_id, 'pdf_sha256', encode(n.pdf_sha256, 'hex'),
                'page_sha256', encode(n.page_sha256, 'hex'), 'method', n.method, 'contact_point_id', n.contact_point_id,
                'provided_at', n.provided_at, 'assumed_received_on', n.assumed_received_on, 'returned_at', n.returned_at)
                AS "plain!",
             ARRAY[n.content_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM validation_notices n JOIN debtors d ON d.business_id = n.business_id AND d.id = n.debtor_id
         WHERE n.business_id = $1 AND n.debtor_id = ANY($2) AND n.id > $3 AND ($4::uuid IS NULL OR n.account_id = $4)
           AND ($5::timestamptz IS NULL OR n.generated_at < $5)
         ORDER BY n.id LIMIT $6"#,
        business,
        &of.members,
        past,
        of.account,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn requests(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT r.id, jsonb_build_object('id', r.id, 'kind', r.kind, 'regime', r.regime, 'status', r.status,
                'received_at', r.received_at, 'due_at', r.due_at, 'closed_at', r.closed_at, 'kept_until', r.kept_until)
                AS "plain!",
             ARRAY[r.reason_cipher, r.answer_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id, d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM privacy_requests r JOIN debtors d ON d.business_id = r.business_id AND d.id = r.debtor_id
         WHERE r.business_id = $1 AND r.debtor_id = ANY($2) AND r.id > $3 ORDER BY r.id LIMIT $4"#,
        business,
        &of.members,
        past,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?)
}
