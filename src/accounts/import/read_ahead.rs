//! The next chunk of staged rows, read and deciphered while the database writes the one before it.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{model::StagedRow, staged};
use crate::platform::{
    context::TenantCtx,
    db::{Db, TenantTx},
    error::OpError,
    keys::TenantKeys,
};

type Reading = AbortOnDropHandle<Result<Option<Vec<StagedRow>>, OpError>>;

/// Reads the chunks of one import in their order. They do not change once the import is being committed.
pub(super) struct ReadAhead {
    db: Db,
    ctx: TenantCtx,
    keys: Arc<TenantKeys>,
    import: Uuid,
    /// The number of a chunk, and whoever reads it.
    next: Option<(i32, Reading)>,
}

/// A chunk of an import that has `of` of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nth {
    /// From 0.
    pub(super) nth: i32,
    pub(super) of: i32,
}

impl ReadAhead {
    pub(super) fn new(db: &Db, ctx: &TenantCtx, keys: &Arc<TenantKeys>, import: Uuid) -> Self {
        Self {
            db: db.clone(),
            ctx: ctx.clone(),
            keys: keys.clone(),
            import,
            next: None,
        }
    }

    /// The rows of a chunk; none past the last. What has not been read by now, or could not be, is read in `tx`, which so
    /// never waits for another connection while it holds one.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub(super) async fn chunk(
        &mut self,
        tx: &mut TenantTx,
        Nth { nth, of }: Nth,
    ) -> Result<Option<Vec<StagedRow>>, OpError> {
        let read = match self.next.take() {
            Some((known, reading)) if known == nth && reading.is_finished() => reading.await.ok(),
            _ => None,
        };
        let rows = match read {
            Some(Ok(rows)) => rows,
            Some(Err(_)) | None => staged::chunk(tx, &self.keys, self.import, nth).await?,
        };
        if nth + 1 < of {
            self.next = Some((nth + 1, self.read(nth + 1)));
        }
        Ok(rows)
    }

    fn read(&self, nth: i32) -> Reading {
        let (db, ctx, keys, import) = (self.db.clone(), self.ctx.clone(), self.keys.clone(), self.import);
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut tx = db.snapshot(&ctx).await?;
            let rows = staged::chunk(&mut tx, &keys, import, nth).await?;
            tx.finish_read().await?;
            Ok(rows)
        }))
    }
}
