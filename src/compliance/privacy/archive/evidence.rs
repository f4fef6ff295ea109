//! The part of the audit trail that is about a person, each row with the hash before it: whoever has the business's bundle
//! (`audit export`) finds the same rows there, and each can be recomputed by itself.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{pack::hex, sections::Selection};
use crate::{
    audit::verify::AuditLink,
    platform::db::{DbError, TenantTx},
};

/// Rows of a page.
const PAGE: i64 = 500;

/// The next rows past a position, and the last one's.
pub(super) async fn trail(
    tx: &mut TenantTx,
    of: &Selection,
    past: i64,
) -> Result<(Vec<Value>, Option<i64>), DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT e.id, e.position, e.at, e.actor_kind, e.actor_id, e.actor_role, e.action, e.object_id, e.debtor_id,
                e.request_id, e.origin_cipher, e.details, e.key_id, e.hash,
                coalesce((SELECT p.hash FROM audit_events p WHERE p.business_id = $1 AND p.position = e.position - 1), '\x')
                    AS "previous!"
         FROM audit_events e
         WHERE e.business_id = $1 AND e.debtor_id = ANY($2) AND e.position > $3
           AND ($4::timestamptz IS NULL OR e.at >= $4) AND ($5::timestamptz IS NULL OR e.at < $5)
         ORDER BY e.position LIMIT $6"#,
        business,
        &of.members,
        past,
        of.from,
        of.until,
        PAGE,
    )
    .fetch_all(tx.conn())
    .await?;
    let last = rows.last().map(|row| row.position);
    let rows = rows.into_iter().map(|row| {
        let previous = row.previous;
        let link = AuditLink {
            id: row.id,
            position: row.position,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            actor_role: row.actor_role,
            action: row.action,
            object_id: row.object_id,
            debtor_id: row.debtor_id,
            request_id: row.request_id,
            origin: row.origin_cipher,
            details: row.details,
            key_id: row.key_id,
            hash: row.hash,
        };
        json!({ "previous_hash": hex(&previous), "row": link })
    });
    Ok((rows.collect(), last))
}

/// The signed checkpoint at or behind a position, by which the bundle that holds the rows is known; `None` where none was
/// signed yet.
pub(super) async fn checkpoint(tx: &mut TenantTx, position: i64) -> Result<Option<Value>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT position, at, hash, key_name, signature FROM audit_checkpoints
         WHERE business_id = $1 AND position >= $2 ORDER BY position LIMIT 1",
        business,
        position,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| {
        json!({ "position": row.position, "at": row.at, "hash": hex(&row.hash), "key": row.key_name,
            "signature": hex(&row.signature) })
    }))
}

/// The members' plain ids, for whoever compares.
pub(super) fn ids(members: &[Uuid]) -> Vec<String> {
    members.iter().map(Uuid::to_string).collect()
}
