//! Look-ups of payments, batched within one operation.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::{PageOf, PagesOf},
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        gql::{Batch, OpScope},
    },
};

/// A payment as the API shows it.
#[derive(Clone, Debug)]
pub(super) struct PaymentRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) method: String,
    pub(super) state: String,
    pub(super) provider_payment_id: Option<String>,
    pub(super) failure_code: Option<String>,
    pub(super) failure_reason: Option<String>,
    pub(super) created_by: Option<Uuid>,
    pub(super) note_cipher: Option<Vec<u8>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) succeeded_at: Option<DateTime<Utc>>,
    pub(super) refunded_minor: i64,
    pub(super) disputed_at: Option<DateTime<Utc>>,
}

/// A refund as the API shows it.
#[derive(Clone, Debug)]
pub(super) struct RefundRow {
    pub(super) id: Uuid,
    pub(super) payment_id: Uuid,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) reason: String,
    pub(super) state: String,
    pub(super) failure_reason: Option<String>,
    pub(super) created_by: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
}

/// Payments of one page each.
type Payments = Arc<Vec<Arc<PaymentRow>>>;

/// At most this many refunds of a payment are shown.
const MOST_REFUNDS: i64 = 100;

/// Batches of the slice; one per operation.
#[derive(Default)]
pub struct PaymentLoaders {
    by_id: Batch<Uuid, Arc<PaymentRow>>,
    of_accounts: Batch<PageOf, Payments>,
    refunds: Batch<Uuid, Arc<Vec<RefundRow>>>,
}

impl PaymentLoaders {
    pub(super) async fn payment(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<PaymentRow>>, OpError> {
        self.by_id
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = payments_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    pub(super) async fn of_account(&self, scope: &OpScope, page: PageOf) -> Result<Payments, OpError> {
        let found = self
            .of_accounts
            .load(page, async |pages: Vec<PageOf>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(payments_of_accounts(&mut tx, pages).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn refunds(
        &self,
        scope: &OpScope,
        payment: Uuid,
    ) -> Result<Arc<Vec<RefundRow>>, OpError> {
        let found = self
            .refunds
            .load(payment, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let mut by_payment: HashMap<Uuid, Vec<RefundRow>> = HashMap::new();
                for row in refunds_of(&mut tx, &ids).await? {
                    by_payment.entry(row.payment_id).or_default().push(row);
                }
                let found = by_payment
                    .into_iter()
                    .map(|(payment, rows)| (payment, Arc::new(rows)));
                Ok::<_, OpError>(found.collect())
            })
            .await?;
        Ok(found.unwrap_or_default())
    }
}

/// Payments within the caller's scope.
async fn payments_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<PaymentRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        PaymentRow,
        r#"SELECT p.id, p.debtor_id, p.account_id, p.amount_minor, p.currency, p.method, p.state, p.provider_payment_id,
                p.failure_code, p.failure_reason, p.created_by, p.note_cipher, p.created_at, p.updated_at, p.succeeded_at,
                (SELECT coalesce(sum(r.amount_minor), 0)::bigint FROM refunds r WHERE r.business_id = $1
                 AND r.payment_id = p.id AND r.state IN ('PENDING', 'SUCCEEDED')) AS "refunded_minor!",
                (SELECT max(d.opened_at) FROM payment_disputes d WHERE d.business_id = $1
                 AND d.payment_id = p.id AND d.state <> 'WON') AS disputed_at
         FROM payments p JOIN accounts a ON a.business_id = p.business_id AND a.id = p.account_id
         WHERE p.business_id = $1 AND p.id = ANY($2) AND a.deleted_at IS NULL
           AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)"#,
        business,
        ids,
        scope,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A business's payments, newest first, within the caller's scope.
pub(super) async fn list(
    tx: &mut TenantTx,
    past: Option<Uuid>,
    limit: i64,
) -> Result<Vec<PaymentRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        PaymentRow,
        r#"SELECT p.id, p.debtor_id, p.account_id, p.amount_minor, p.currency, p.method, p.state, p.provider_payment_id,
                p.failure_code, p.failure_reason, p.created_by, p.note_cipher, p.created_at, p.updated_at, p.succeeded_at,
                (SELECT coalesce(sum(r.amount_minor), 0)::bigint FROM refunds r WHERE r.business_id = $1
                 AND r.payment_id = p.id AND r.state IN ('PENDING', 'SUCCEEDED')) AS "refunded_minor!",
                (SELECT max(d.opened_at) FROM payment_disputes d WHERE d.business_id = $1
                 AND d.payment_id = p.id AND d.state <> 'WON') AS disputed_at
         FROM payments p JOIN accounts a ON a.business_id = p.business_id AND a.id = p.account_id
         WHERE p.business_id = $1 AND ($2::uuid IS NULL OR p.id < $2) AND a.deleted_at IS NULL
           AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)
         ORDER BY p.id DESC LIMIT $4"#,
        business,
        past,
        scope,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Newest first. The accounts were read within the caller's scope.
async fn payments_of_accounts(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Payments>, DbError> {
    let business = tx.business_id();
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query!(
            r#"SELECT g.nth AS "nth!", p.id AS "id!", p.debtor_id AS "debtor_id!", p.account_id AS "account_id!",
                    p.amount_minor AS "amount_minor!", p.currency AS "currency!", p.method AS "method!",
                    p.state AS "state!", p.provider_payment_id, p.failure_code, p.failure_reason, p.created_by,
                    p.note_cipher, p.created_at AS "created_at!", p.updated_at AS "updated_at!", p.succeeded_at,
                    (SELECT coalesce(sum(r.amount_minor), 0)::bigint FROM refunds r WHERE r.business_id = $1
                     AND r.payment_id = p.id AND r.state IN ('PENDING', 'SUCCEEDED')) AS "refunded_minor!",
                    (SELECT max(d.opened_at) FROM payment_disputes d WHERE d.business_id = $1
                     AND d.payment_id = p.id AND d.state <> 'WON') AS disputed_at
             FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS g(account_id, past, nth)
             CROSS JOIN LATERAL (
                SELECT * FROM payments v
                WHERE v.business_id = $1 AND v.account_id = g.account_id AND (g.past IS NULL OR v.id < g.past)
                ORDER BY v.id DESC LIMIT $4) p
             ORDER BY g.nth, p.id DESC"#,
            business,
            &group.owners,
            &group.pasts as &[Option<Uuid>],
            group.limit,
        )
        .fetch_all(tx.conn())
        .await?;
        let payments = rows.into_iter().map(|row| {
            let payment = PaymentRow {
                id: row.id,
                debtor_id: row.debtor_id,
                account_id: row.account_id,
                amount_minor: row.amount_minor,
                currency: row.currency,
                method: row.method,
                state: row.state,
                provider_payment_id: row.provider_payment_id,
                failure_code: row.failure_code,
                failure_reason: row.failure_reason,
                created_by: row.created_by,
                note_cipher: row.note_cipher,
                created_at: row.created_at,
                updated_at: row.updated_at,
                succeeded_at: row.succeeded_at,
                refunded_minor: row.refunded_minor,
                disputed_at: row.disputed_at,
            };
            (row.nth, Arc::new(payment))
        });
        found.extend(group.filled(payments));
    }
    Ok(found)
}

async fn refunds_of(tx: &mut TenantTx, payments: &[Uuid]) -> Result<Vec<RefundRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        RefundRow,
        r#"SELECT r.id AS "id!", r.payment_id AS "payment_id!", r.amount_minor AS "amount_minor!", r.currency AS "currency!",
                r.reason AS "reason!", r.state AS "state!", r.failure_reason, r.created_by, r.created_at AS "created_at!"
         FROM unnest($2::uuid[]) AS asked(id)
         CROSS JOIN LATERAL (
            SELECT * FROM refunds v WHERE v.business_id = $1 AND v.payment_id = asked.id ORDER BY v.id LIMIT $3) r"#,
        business,
        payments,
        MOST_REFUNDS,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The payment that a refund is of.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn payment_of_refund(tx: &mut TenantTx, refund: Uuid) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT payment_id FROM refunds WHERE business_id = $1 AND id = $2",
        business,
        refund
    )
    .fetch_optional(tx.conn())
    .await?)
}
