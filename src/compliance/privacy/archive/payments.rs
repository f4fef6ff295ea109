//! What was paid, given back and taken back, in an archive. Rows of the payments above this room, as the whole of what is kept about
//! a person is read here.

use uuid::Uuid;

use super::{
    rows::PAGE,
    sections::{Raw, Selection},
};
use crate::platform::db::{DbError, TenantTx};

/// Each try, with what became of it.
pub(super) async fn payments(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT p.id, jsonb_build_object('id', p.id, 'account_id', p.account_id, 'amount_minor_units', p.amount_minor,
                'currency', p.currency, 'method', p.method, 'state', p.state, 'provider_payment_id', p.provider_payment_id,
                'failure_code', p.failure_code, 'failure_reason', p.failure_reason, 'created_at', p.created_at,
                'succeeded_at', p.succeeded_at) AS "plain!",
             ARRAY[p.note_cipher] AS "ciphers!: Vec<Option<Vec<u8>>>", ARRAY[d.record_key_id] AS "keys!: Vec<Option<Uuid>>"
         FROM payments p
         JOIN debtors d ON d.business_id = p.business_id AND d.id = p.debtor_id
         WHERE p.business_id = $1 AND p.debtor_id = ANY($2) AND p.account_id = ANY(ARRAY(
                 SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.debtor_id = ANY($2)
                   AND ($4::uuid IS NULL OR a.id = $4)))
           AND p.id > $3 AND ($5::timestamptz IS NULL OR p.created_at >= $5) AND ($6::timestamptz IS NULL OR p.created_at < $6)
         ORDER BY p.id LIMIT $7"#,
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

/// Money that went back.
pub(super) async fn refunds(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT p.id, jsonb_build_object('id', p.id, 'payment_id', p.payment_id, 'amount_minor_units', p.amount_minor,
                'currency', p.currency, 'reason', p.reason, 'state', p.state, 'failure_reason', p.failure_reason,
                'created_at', p.created_at) AS "plain!",
             ARRAY[]::bytea[] AS "ciphers!: Vec<Option<Vec<u8>>>", ARRAY[]::uuid[] AS "keys!: Vec<Option<Uuid>>"
         FROM refunds p
         WHERE p.business_id = $1 AND p.debtor_id = ANY($2) AND p.account_id = ANY(ARRAY(
                 SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.debtor_id = ANY($2)
                   AND ($4::uuid IS NULL OR a.id = $4)))
           AND p.id > $3 AND ($5::timestamptz IS NULL OR p.created_at >= $5) AND ($6::timestamptz IS NULL OR p.created_at < $6)
         ORDER BY p.id LIMIT $7"#,
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

/// What a bank took back.
pub(super) async fn disputes(tx: &mut TenantTx, of: &Selection, past: Uuid) -> Result<Vec<Raw>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Raw,
        r#"SELECT p.id, jsonb_build_object('id', p.id, 'payment_id', p.payment_id, 'amount_minor_units', p.amount_minor,
                'currency', p.currency, 'reason', p.reason, 'state', p.state, 'opened_at', p.opened_at,
                'closed_at', p.closed_at) AS "plain!",
             ARRAY[]::bytea[] AS "ciphers!: Vec<Option<Vec<u8>>>", ARRAY[]::uuid[] AS "keys!: Vec<Option<Uuid>>"
         FROM payment_disputes p
         WHERE p.business_id = $1 AND p.debtor_id = ANY($2) AND p.account_id = ANY(ARRAY(
                 SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.debtor_id = ANY($2)
                   AND ($4::uuid IS NULL OR a.id = $4)))
           AND p.id > $3 AND ($5::timestamptz IS NULL OR p.opened_at >= $5) AND ($6::timestamptz IS NULL OR p.opened_at < $6)
         ORDER BY p.id LIMIT $7"#,
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
