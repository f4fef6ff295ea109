//! A trail (a business's, or the platform's own) as JSON lines: one row a line in the order of the chain, and last the head, so that whoever has the
//! file alone can tell whether a row was changed, left out, or cut off.

use std::io::{BufRead, Write};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::verify::{AuditLink, ChainVerifier, hexadecimal};
use crate::platform::{
    context::{SystemCtx, TenantCtx},
    db::{Db, DbError, SystemTx, TenantTx},
};

/// Rows read at once.
const BATCH: i64 = 1000;

/// One line of an export.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Row(Box<AuditLink>),
    /// Where the chain stood when it was read.
    Head {
        position: i64,
        hash: String,
    },
}

/// Whose chain is meant, and who reads it.
#[derive(Clone, Copy, Debug)]
pub enum Chain<'a> {
    /// That of the context's business.
    Business(&'a TenantCtx),
    /// The platform's: acts that belong to no business, such as log-ins.
    Platform(&'a SystemCtx),
}

/// Reads the whole chain, checks it, and hands every row to `take`. Returns how many rows there
/// were, and the hash at the head.
///
/// # Errors
/// When the chain is broken, or rows are missing at its end.
pub async fn read_chain(
    db: &Db,
    chain: Chain<'_>,
    mut take: impl FnMut(&AuditLink) -> anyhow::Result<()>,
) -> anyhow::Result<(i64, Vec<u8>)> {
    let mut verifier = ChainVerifier::default();
    let mut reader = Reader::open(db, chain).await?;
    // What is committed meanwhile belongs to the next export: rows up to the head are there, since both commit together.
    let (position, hash) = reader.head().await?;
    loop {
        let rows = reader.links(verifier.rows(), position).await?;
        if rows.is_empty() {
            break;
        }
        for link in &rows {
            verifier.check(link)?;
            take(link)?;
        }
    }
    reader.close().await?;
    anyhow::ensure!(
        verifier.rows() == position && verifier.hash() == hash,
        "rows are missing at the end: the head says {position}, found are {}",
        verifier.rows()
    );
    Ok((position, hash))
}

/// Writes the chain as JSON lines.
///
/// # Errors
/// As [`read_chain`], and when the file cannot be written.
pub async fn export_chain(
    db: &Db,
    chain: Chain<'_>,
    out: &mut impl Write,
    mut progress: impl FnMut(i64),
) -> anyhow::Result<i64> {
    let (position, hash) = read_chain(db, chain, |link| {
        serde_json::to_writer(&mut *out, &Line::Row(Box::new(link.clone())))?;
        out.write_all(b"\n")?;
        progress(link.position);
        Ok(())
    })
    .await?;
    let head = Line::Head {
        position,
        hash: hexadecimal::write(&hash),
    };
    serde_json::to_writer(&mut *out, &head)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(position)
}

/// Checks an export from the file alone. Returns how many rows it holds.
///
/// # Errors
/// Says which row is changed or missing, or that the end is cut off.
pub fn verify_export(file: impl BufRead, mut progress: impl FnMut(i64)) -> anyhow::Result<i64> {
    let mut verifier = ChainVerifier::default();
    let mut head = None;
    for (number, line) in (1_u64..).zip(file.lines()) {
        let line = line?;
        anyhow::ensure!(head.is_none(), "line {number}: something follows the head");
        match serde_json::from_str(&line).with_context(|| format!("line {number} is not of an export"))? {
            Line::Row(link) => {
                verifier.check(&link)?;
                progress(link.position);
            }
            Line::Head { position, hash } => head = Some((position, hash)),
        }
    }
    let (position, hash) = head.context("the end is cut off: the head is missing")?;
    anyhow::ensure!(
        position == verifier.rows() && hexadecimal::read(&hash).as_deref() == Some(verifier.hash()),
        "rows are missing at the end: the head says {position}, found are {}",
        verifier.rows()
    );
    Ok(position)
}

/// The transaction in which a chain is read.
enum Reader {
    Business(TenantTx),
    Platform(SystemTx),
}

impl Reader {
    async fn open(db: &Db, chain: Chain<'_>) -> Result<Self, DbError> {
        Ok(match chain {
            Chain::Business(ctx) => Self::Business(db.snapshot(ctx).await?),
            Chain::Platform(ctx) => Self::Platform(db.system(ctx).await?),
        })
    }

    async fn head(&mut self) -> Result<(i64, Vec<u8>), DbError> {
        match self {
            Self::Business(tx) => business_head(tx).await,
            Self::Platform(tx) => platform_head(tx).await,
        }
    }

    /// The next rows after `position`, up to `head`.
    async fn links(&mut self, position: i64, head: i64) -> Result<Vec<AuditLink>, DbError> {
        match self {
            Self::Business(tx) => business_links(tx, position, head).await,
            Self::Platform(tx) => platform_links(tx, position, head).await,
        }
    }

    async fn close(self) -> Result<(), DbError> {
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
        "SELECT id, position, at, actor_kind, actor_id, action, object_id, debtor_id, request_id, details, key_id, hash
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
        r#"SELECT id, position, at, actor_kind, actor_id, action, object_id, NULL::uuid AS debtor_id, request_id, details,
                  NULL::uuid AS key_id, hash
           FROM platform_audit_events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"#,
        position,
        head,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?)
}
