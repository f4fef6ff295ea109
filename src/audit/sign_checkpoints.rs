//! Every hour each trail that grew gets a checkpoint, over rows that were found to follow from the checkpoint before: a
//! trail that was meddled with is never signed, and alerts instead.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    chain_store::{self, Reader},
    checkpoint::{Checkpoint, CheckpointSigner, Purpose, Trail},
    export::Chain,
    verify::ChainVerifier,
};
use crate::platform::{
    context::{SystemCtx, TenantCtx},
    db::{Db, DbError, SystemTx},
    jobs::{Job, JobError},
};

/// At most this many businesses in one run; the next finds the rest.
const BUSINESSES: i64 = 10_000;
const WORKER: &str = "job-sign-checkpoints";

/// Signs the trail of a business, where it grew. Idempotent: over what is signed there is no second checkpoint.
#[derive(Debug, Deserialize, Serialize)]
pub struct SignCheckpoint {}

impl Job for SignCheckpoint {
    const NAME: &'static str = "audit.sign_checkpoint";
}

/// What signing takes.
#[derive(Clone)]
pub struct Checkpoints {
    pub db: Db,
    pub signer: Arc<CheckpointSigner>,
}

impl Checkpoints {
    /// Finds the trails that grew. Each business's is a job of its own, so that one that is broken, or long, holds none of the
    /// others; the platform's is signed here.
    ///
    /// # Errors
    /// [`JobError::Retry`] while the database is away, [`JobError::Fatal`] where the platform's own trail is broken.
    pub async fn find_grown(&self) -> Result<(), JobError> {
        let ctx = SystemCtx::for_reason("checkpoints of audit trails", WORKER);
        let mut tx = self.db.system(&ctx).await?;
        let businesses = moved(&mut tx).await?;
        let jobs = businesses
            .into_iter()
            .map(|business| (Some(business), SignCheckpoint {}));
        tx.enqueue_all(jobs).await?;
        tx.commit().await?;
        self.sign_platform(&ctx).await
    }

    /// Signs the trail of one business, where it grew.
    ///
    /// # Errors
    /// [`JobError::Retry`] while the database is away, [`JobError::Fatal`] where the trail is broken: it stays unsigned.
    pub async fn sign_business(&self, ctx: &TenantCtx) -> Result<(), JobError> {
        if let Some(new) = self.sign(Chain::Business(ctx)).await? {
            let mut tx = self.db.tenant(ctx).await?;
            chain_store::insert_of_business(&mut tx, &new).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn sign_platform(&self, ctx: &SystemCtx) -> Result<(), JobError> {
        if let Some(new) = self.sign(Chain::Platform(ctx)).await? {
            let mut tx = self.db.system(ctx).await?;
            chain_store::insert_of_platform(&mut tx, &new).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// A checkpoint over what came since the last one; none where nothing did.
    async fn sign(&self, chain: Chain<'_>) -> Result<Option<Checkpoint>, JobError> {
        let trail = chain.trail();
        let mut reader = Reader::open(&self.db, chain).await?;
        let (position, hash) = reader.head().await?;
        let mut verifier = match reader.last_checkpoint().await? {
            None => ChainVerifier::default(),
            Some(last) => {
                let checked = self.signer.public().check(Purpose::Checkpoint, trail, &last);
                checked.map_err(|error| broken(trail, &error.to_string()))?;
                ChainVerifier::after(last.position, last.hash)
            }
        };
        if verifier.rows() == position && verifier.hash() == hash {
            reader.close().await?;
            return Ok(None);
        }
        loop {
            let rows = reader.links(verifier.rows(), position).await?;
            if rows.is_empty() {
                break;
            }
            for link in &rows {
                verifier
                    .check(link)
                    .map_err(|error| broken(trail, &error.to_string()))?;
            }
        }
        reader.close().await?;
        if verifier.rows() != position || verifier.hash() != hash {
            return Err(broken(trail, "rows are missing at its end"));
        }
        let at = self.db.clock().now();
        Ok(Some(self.signer.sign(
            Purpose::Checkpoint,
            trail,
            position,
            &hash,
            at,
        )))
    }
}

fn broken(trail: Trail, how: &str) -> JobError {
    metrics::counter!("audit_trails_broken_total").increment(1);
    JobError::Fatal(format!(
        "the audit trail ({trail}) is not whole and was not signed: {how}"
    ))
}

/// The businesses whose trails do not stand where their last checkpoint says: they grew, or were cut or written anew.
async fn moved(tx: &mut SystemTx) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        r"SELECT h.business_id FROM business_head h
          LEFT JOIN LATERAL (SELECT c.position, c.hash FROM audit_checkpoints c WHERE c.business_id = h.business_id
                             ORDER BY c.position DESC LIMIT 1) c ON true
          WHERE h.audit_position <> coalesce(c.position, 0) OR h.audit_hash <> coalesce(c.hash, '\x')
          ORDER BY h.business_id LIMIT $1",
        BUSINESSES,
    )
    .fetch_all(tx.conn())
    .await?)
}
