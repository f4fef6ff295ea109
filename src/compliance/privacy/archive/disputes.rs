//! SQL of an archive's lists of disputes, complaints and intended suits. What was under way in the time is part of it.

use uuid::Uuid;

use super::{
    rows::PAGE,
    sections::{Raw, Selection},
};
use crate::platform::db::{DbError, TenantTx};

/// A dispute of no one debt is of all of the person's.
pub(super) async fn disputes(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT t.id, jsonb_build_object('id', t.id, 'account_id', t.account_id, 'kind', t.kind, 'reason', t.reason,
                'requests_original_creditor', t.requests_original_creditor, 'received_at', t.received_at,
                'channel', t.channel, 'written', t.written, 'within_validation_period', t.within_validation_period,
                'duplicate_of', t.duplicate_of, 'status', t.status, 'due_at', t.due_at,
                'verification_sent_at', t.verification_sent_at,
                'duplicative_notice_sent_at', t.duplicative_notice_sent_at,
                'original_creditor_sent_at', t.original_creditor_sent_at, 'outcome', t.outcome,
                'resolved_at', t.resolved_at, 'hold_id', t.hold_id, 'filed_at', t.filed_at) AS "plain!",
             ARRAY[t.words_cipher, t.resolution_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id, d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM disputes t JOIN debtors d ON d.business_id = t.business_id AND d.id = t.debtor_id
         WHERE t.business_id = $1 AND t.debtor_id = ANY($2) AND t.id > $3
           AND ($4::uuid IS NULL OR t.account_id IS NULL OR t.account_id = $4)
           AND ($5::timestamptz IS NULL OR t.resolved_at IS NULL OR t.resolved_at >= $5)
           AND ($6::timestamptz IS NULL OR t.received_at < $6)
         ORDER BY t.id LIMIT $7"#,
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

/// What was done about them, with the documents that were sent.
pub(super) async fn steps(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT s.id, jsonb_build_object('id', s.id, 'dispute_id', s.dispute_id, 'account_id', s.account_id,
                'step', s.step, 'recorded_at', s.recorded_at, 'happened_at', s.happened_at, 'actor', s.actor,
                'channel', s.channel, 'outcome', s.outcome,
                'documents', (SELECT jsonb_agg(jsonb_build_object('id', o.id, 'kind', o.kind, 'file_id', o.file_id)
                        ORDER BY o.id)
                    FROM dispute_documents l
                    JOIN account_documents o ON o.business_id = l.business_id AND o.id = l.document_id
                    WHERE l.business_id = s.business_id AND l.step_id = s.id)) AS "plain!",
             ARRAY[s.note_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM disputes t
         JOIN dispute_steps s ON s.business_id = t.business_id AND s.dispute_id = t.id
         JOIN debtors d ON d.business_id = t.business_id AND d.id = t.debtor_id
         WHERE t.business_id = $1 AND t.debtor_id = ANY($2) AND s.id > $3
           AND ($4::uuid IS NULL OR t.account_id IS NULL OR t.account_id = $4)
           AND ($5::timestamptz IS NULL OR s.recorded_at >= $5) AND ($6::timestamptz IS NULL OR s.recorded_at < $6)
         ORDER BY s.id LIMIT $7"#,
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

/// Complaints, of one debt or of none.
pub(super) async fn complaints(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT c.id, jsonb_build_object('id', c.id, 'account_id', c.account_id, 'about', c.about, 'channel', c.channel,
                'regulator', c.regulator, 'received_at', c.received_at, 'status', c.status, 'due_at', c.due_at,
                'outcome', c.outcome, 'resolved_at', c.resolved_at, 'filed_at', c.filed_at) AS "plain!",
             ARRAY[c.reference_cipher, c.words_cipher, c.resolution_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id, d.record_key_id, d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM complaints c JOIN debtors d ON d.business_id = c.business_id AND d.id = c.debtor_id
         WHERE c.business_id = $1 AND c.debtor_id = ANY($2) AND c.id > $3
           AND ($4::uuid IS NULL OR c.account_id IS NULL OR c.account_id = $4)
           AND ($5::timestamptz IS NULL OR c.resolved_at IS NULL OR c.resolved_at >= $5)
           AND ($6::timestamptz IS NULL OR c.received_at < $6)
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

/// That a suit was intended, by whose authority, and until when it was.
pub(super) async fn suit_authorities(
    tx: &mut TenantTx,
    of: &Selection,
    past: Uuid,
) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT s.id, jsonb_build_object('id', s.id, 'account_id', s.account_id,
                'limitation_expires_on', s.limitation_expires_on, 'recorded_at', s.recorded_at,
                'withdrawn_at', s.withdrawn_at) AS "plain!",
             ARRAY[s.authority_cipher, s.limitation_basis_cipher, s.withdrawal_cipher]
                AS "ciphers!: Vec<Option<Vec<u8>>>",
             ARRAY[d.record_key_id, d.record_key_id, d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM suit_authorities s JOIN debtors d ON d.business_id = s.business_id AND d.id = s.debtor_id
         WHERE s.business_id = $1 AND s.debtor_id = ANY($2) AND s.id > $3 AND ($4::uuid IS NULL OR s.account_id = $4)
           AND ($5::timestamptz IS NULL OR s.withdrawn_at IS NULL OR s.withdrawn_at >= $5)
           AND ($6::timestamptz IS NULL OR s.recorded_at < $6)
         ORDER BY s.id LIMIT $7"#,
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

/// When the limitation periods of their debts end or ended, as it was found.
pub(super) async fn limitations(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT t.id, jsonb_build_object('id', t.id, 'account_id', t.account_id, 'expires_on', t.expires_on,
                'governing_law', t.governing_law, 'recorded_at', t.recorded_at) AS "plain!",
             ARRAY[t.basis_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>", ARRAY[d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM limitations t JOIN debtors d ON d.business_id = t.business_id AND d.id = t.debtor_id
         WHERE t.business_id = $1 AND t.debtor_id = ANY($2) AND t.id > $3 AND ($4::uuid IS NULL OR t.account_id = $4)
           AND ($5::timestamptz IS NULL OR t.recorded_at < $5)
         ORDER BY t.id LIMIT $6"#,
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
