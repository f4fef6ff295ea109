//! SQL of what a received text touches: the thread that it is about, and what waits to be sent.

use uuid::Uuid;

use crate::platform::db::{DbError, TenantTx};

/// The debt that the newest open thread with an address is about.
pub(super) async fn account_of_open_thread(
    tx: &mut TenantTx,
    channel: &str,
    our_address: &str,
    peer_blinds: &[Vec<u8>],
) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    let newest = sqlx::query_scalar!(
        "SELECT account_id FROM conversations
         WHERE business_id = $1 AND channel = $2 AND our_address = $3 AND peer_blind = ANY($4) AND status <> 'CLOSED'
         ORDER BY updated_at DESC, id DESC LIMIT 1",
        business,
        channel,
        our_address,
        peer_blinds,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(newest.flatten())
}

/// Stops what waits to be sent to these addresses, but for what is at the vendor already: the messages and their
/// threads.
pub(super) async fn block_queued(
    tx: &mut TenantTx,
    peer_blinds: &[Vec<u8>],
    failure: (&str, &str),
) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "UPDATE messages m SET delivery_status = 'BLOCKED', dispatch_due_at = NULL, failure_code = $3, failure_reason = $4
         FROM conversations c
         WHERE c.business_id = $1 AND c.peer_blind = ANY($2)
           AND m.business_id = $1 AND m.conversation_id = c.id AND m.delivery_status = 'QUEUED' AND m.attempt_id IS NULL
         RETURNING m.id, c.id AS conversation_id",
        business,
        peer_blinds,
        failure.0,
        failure.1,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.conversation_id))
        .collect())
}

/// What waits to be sent later to the people behind these records, and is not at the vendor yet, is due now: at most 500 of
/// them, and none that a person would still have to wait for.
pub(super) async fn recheck_queued(tx: &mut TenantTx, debtors: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    Ok(sqlx::query_scalar!(
        "UPDATE messages SET dispatch_due_at = $3 WHERE business_id = $1 AND id = ANY(ARRAY(
             SELECT m.id FROM debtors d
             JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
             JOIN messages m ON m.business_id = g.business_id AND m.debtor_id = g.id
             WHERE d.business_id = $1 AND d.id = ANY($2) AND m.delivery_status = 'QUEUED' AND m.attempt_id IS NULL
               AND m.dispatch_due_at > $3
             ORDER BY m.dispatch_due_at LIMIT 500))
         RETURNING id",
        business,
        debtors,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}
