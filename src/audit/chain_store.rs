//! The stored chains: rows, heads and checkpoints of a business's trail and of the platform's own.

use super::{checkpoint::Checkpoint, export::Chain, verify::AuditLink};
use crate::platform::db::{Db, DbError, SystemTx, TenantTx};

/// Rows read at once.
const BATCH: i64 = 1000;

/// The transaction in which a chain is read, and its checkpoints are stored.
pub(super) enum Reader {
    Business(TenantTx),
    Platform(SystemTx),
}

impl Reader {
    /// Of a business, one snapshot.
    pub(super) async fn open(db: &Db, chain: Chain<'_>) -> Result<Self, DbError> {
        Ok(match chain {
            Chain::Business(ctx) => Self::Business(db.snapshot(ctx).await?),
            Chain::Platform(ctx) => Self::Platform(db.system(ctx).await?),
        })
    }

    /// How many rows there are, and the last one's hash.
    pub(super) async fn head(&mut self) -> Result<(i64, Vec<u8>), DbError> {
        match self {
            Self::Business(tx) => business_head(tx).await,
            Self::Platform(tx) => platform_head(tx).await,
        }
    }

    /// The next rows after `position`, up to `head`; at most a thousand.
    pub(super) async fn links(&mut self, position: i64, head: i64) -> Result<Vec<AuditLink>, DbError> {
        match self {
            Self::Business(tx) => business_links(tx, position, head).await,
            Self::Platform(tx) => platform_links(tx, position, head).await,
        }
    }

    /// The checkpoints after row `from`, up to row `to`.
    pub(super) async fn checkpoints(&mut self, from: i64, to: i64) -> Result<Vec<Checkpoint>, DbError> {
        match self {
            Self::Business(tx) => business_checkpoints(tx, from, to).await,
            Self::Platform(tx) => platform_checkpoints(tx, from, to).await,
        }
    }

    /// The newest checkpoint.
    pub(super) async fn last_checkpoint(&mut self) -> Result<Option<Checkpoint>, DbError> {
        match self {
            Self::Business(tx) => last_of_business(tx).await,
            Self::Platform(tx) => last_of_platform(tx).await,
        }
    }

    pub(super) async fn close(self) -> Result<(), DbError> {
        match self {
            Self::Business(tx) => tx.finish_read().await,
            Self::Platform(tx) => tx.commit().await,
        }
    }
}

async fn business_head(tx: &mut TenantTx) -> Result<(i64, Vec<u8>), DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT audit_position, audit_hash FROM business_head WHERE business_id = $1",
        business
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.audit_position, row.audit_hash))
}

async fn platform_head(tx: &mut SystemTx) -> Result<(i64, Vec<u8>), DbError> {
    let row = sqlx::query!("SELECT audit_position, audit_hash FROM platform_head")
        .fetch_one(tx.conn())
        .await?;
    Ok((row.audit_position, row.audit_hash))
}

async fn business_links(tx: &mut TenantTx, position: i64, head: i64) -> Result<Vec<AuditLink>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        AuditLink,
        "SELECT id, position, at, actor_kind, actor_id, actor_role, action, object_id, debtor_id, request_id,
                origin_cipher AS origin, details, key_id, hash
         FROM audit_events WHERE business_id = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4",
        business,
        position,
        head,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn platform_links(tx: &mut SystemTx, position: i64, head: i64) -> Result<Vec<AuditLink>, DbError> {
    Ok(sqlx::query_as!(
        AuditLink,
        r#"SELECT id, position, at, actor_kind, actor_id, actor_role, action, object_id, NULL::uuid AS debtor_id, request_id,
                  origin_cipher AS origin, details, NULL::uuid AS key_id, hash
           FROM platform_audit_events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"#,
        position,
        head,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn business_checkpoints(tx: &mut TenantTx, from: i64, to: i64) -> Result<Vec<Checkpoint>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Checkpoint,
        "SELECT position, at, hash, key_name, signature FROM audit_checkpoints
         WHERE business_id = $1 AND position > $2 AND position <= $3 ORDER BY position",
        business,
        from,
        to,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn platform_checkpoints(tx: &mut SystemTx, from: i64, to: i64) -> Result<Vec<Checkpoint>, DbError> {
    Ok(sqlx::query_as!(
        Checkpoint,
        "SELECT position, at, hash, key_name, signature FROM platform_audit_checkpoints
         WHERE position > $1 AND position <= $2 ORDER BY position",
        from,
        to,
    )
    .fetch_all(tx.conn())
    .await?)
}

async fn last_of_business(tx: &mut TenantTx) -> Result<Option<Checkpoint>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Checkpoint,
        "SELECT position, at, hash, key_name, signature FROM audit_checkpoints
         WHERE business_id = $1 ORDER BY position DESC LIMIT 1",
        business
    )
    .fetch_optional(tx.conn())
    .await?)
}

async fn last_of_platform(tx: &mut SystemTx) -> Result<Option<Checkpoint>, DbError> {
    Ok(sqlx::query_as!(
        Checkpoint,
        "SELECT position, at, hash, key_name, signature FROM platform_audit_checkpoints ORDER BY position DESC LIMIT 1"
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Stores one that two workers may have signed at once.
pub(super) async fn insert_of_business(tx: &mut TenantTx, new: &Checkpoint) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "INSERT INTO audit_checkpoints (business_id, position, at, hash, key_name, signature)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        business,
        new.position,
        new.at,
        new.hash,
        new.key_name,
        new.signature,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The same for the platform's own trail.
pub(super) async fn insert_of_platform(tx: &mut SystemTx, new: &Checkpoint) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO platform_audit_checkpoints (position, at, hash, key_name, signature)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        new.position,
        new.at,
        new.hash,
        new.key_name,
        new.signature,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
