//! The content of an announced file arrives: once, whole, as announced, or not at all.

use axum::body::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::{
    FileWriter, Files,
    detect::{Detector, MediaType},
    links::Link,
    model::{FileRow, Stored},
    room::Full,
    store,
};
use crate::platform::{context::TenantCtx, db::AuditEntry, error::OpError};

/// Why a content was not taken. Nothing of it stays.
#[derive(Debug, thiserror::Error)]
pub enum UploadRefused {
    /// There is no such upload.
    #[error("there is no such upload: create one")]
    Unknown,
    /// Somebody sent a content to this link before.
    #[error("this link was used, or its upload has expired: create another upload")]
    Used,
    /// More arrives than was announced.
    #[error("the content is larger than the {announced} bytes that were announced")]
    TooLarge { announced: i64 },
    /// Less arrived than was announced.
    #[error(
        "the content ended after {arrived} of {announced} bytes: create another upload and send it whole"
    )]
    CutShort { arrived: i64, announced: i64 },
    /// The content is not what the name says.
    #[error("{0}")]
    WrongType(String),
    /// The sender paused for too long, or took too long in all.
    #[error("the content did not arrive in time: create another upload")]
    TooSlow,
    /// All places are taken; the link stays good.
    #[error("{0}: try again in a moment")]
    NoRoom(&'static str),
    #[error(transparent)]
    Failed(#[from] OpError),
}

impl Files {
    /// Takes the content of the upload that the link names. `length` is what the sender says that it has.
    ///
    /// # Errors
    /// [`UploadRefused`].
    pub async fn receive<S, E>(
        &self,
        link: &Link,
        request_id: &str,
        length: Option<u64>,
        body: S,
    ) -> Result<(FileRow, Stored), UploadRefused>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Send,
    {
        let ctx = link.ctx(request_id);
        // Each holds some megabytes of memory; the link stays good for another try.
        let caller = link.actor.id().unwrap_or(link.business_id);
        let _place = self.room.enter(link.business_id, caller).map_err(|full| {
            UploadRefused::NoRoom(match full {
                Full::Process => "too many uploads at once",
                Full::Business => "your business sends too many files at once",
                Full::Caller => "you send too many files at once",
            })
        })?;
        let row = self.begin_receiving(&ctx, link, length).await?;
        let stored = match self.take(&ctx, &row, body).await {
            Ok(stored) => stored,
            Err(refused) => {
                self.give_up(&ctx, &row, &refused).await?;
                return Err(refused);
            }
        };
        let mut tx = self.db.tenant(&ctx).await.map_err(OpError::from)?;
        let expires_at = row.expires_at;
        if !store::settle(&mut tx, &stored, "STORED", expires_at)
            .await
            .map_err(OpError::from)?
        {
            return Err(UploadRefused::Used);
        }
        let details = json!({ "purpose": row.purpose.as_str(), "size": stored.size });
        tx.audit(AuditEntry::plain("file.uploaded", row.id, &details));
        tx.commit().await.map_err(OpError::from)?;
        Ok((row, stored))
    }

    /// The link is used up from here on.
    async fn begin_receiving(
        &self,
        ctx: &TenantCtx,
        link: &Link,
        length: Option<u64>,
    ) -> Result<FileRow, UploadRefused> {
        let mut tx = self.db.tenant(ctx).await.map_err(OpError::from)?;
        let is_good = store::link_is_good(&mut tx, link.actor, self.wall.now())
            .await
            .map_err(OpError::from)?;
        let row = store::file_by_id(&mut tx, link.file)
            .await
            .map_err(OpError::from)?
            .filter(|_| is_good)
            .filter(|row| row.created_by == link.actor.id())
            .ok_or(UploadRefused::Unknown)?;
        let announced = row.size.unwrap_or_default();
        // What is known to be wrong before it comes leaves the link as it was.
        match length.map(|length| i64::try_from(length).unwrap_or(i64::MAX)) {
            Some(length) if length > announced => return Err(UploadRefused::TooLarge { announced }),
            Some(arrived) if arrived < announced => {
                return Err(UploadRefused::CutShort { arrived, announced });
            }
            _ => {}
        }
        if !store::advance(&mut tx, row.id, "AWAITED", "WRITING", row.expires_at)
            .await
            .map_err(OpError::from)?
        {
            return Err(UploadRefused::Used);
        }
        tx.commit().await.map_err(OpError::from)?;
        Ok(row)
    }

    async fn take<S, E>(&self, ctx: &TenantCtx, row: &FileRow, body: S) -> Result<Stored, UploadRefused>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Send,
    {
        let keys = self.keyring.business(&self.db, ctx.business_id()).await?;
        let key = row
            .content_key(&keys)
            .map_err(OpError::from)?
            .ok_or(UploadRefused::Used)?;
        let mut writer = FileWriter::new(self, ctx.business_id(), row.id, &keys, &key)?;
        match self.watch(&mut writer, row, body).await {
            Ok(()) => Ok(writer.finish().await?),
            Err(refused) => {
                writer.abandon().await;
                Err(refused)
            }
        }
    }

    /// The file is gone, and so will be what was written of it.
    async fn give_up(
        &self,
        ctx: &TenantCtx,
        row: &FileRow,
        why: &UploadRefused,
    ) -> Result<(), UploadRefused> {
        let mut tx = self.db.tenant(ctx).await.map_err(OpError::from)?;
        store::destroy(&mut tx, &[row.id]).await.map_err(OpError::from)?;
        let details = json!({ "purpose": row.purpose.as_str(), "reason": reason(why) });
        tx.audit(AuditEntry::plain("file.upload_refused", row.id, &details));
        tx.commit().await.map_err(OpError::from)?;
        Ok(())
    }

    /// Lets a content pass into the writer, as far as it is what was announced.
    async fn watch<S, E>(
        &self,
        writer: &mut FileWriter,
        row: &FileRow,
        mut body: S,
    ) -> Result<(), UploadRefused>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Send,
    {
        let announced = row.size.unwrap_or_default();
        let expected = MediaType::parse(&row.media_type)
            .ok_or_else(|| OpError::from(anyhow::anyhow!("file {} has an unknown type", row.id)))?;
        let mut detector = Detector::new(expected, row.purpose);
        let last_moment = Instant::now() + self.settings.upload_timeout;
        loop {
            let piece = timeout_at(
                last_moment.min(Instant::now() + self.settings.upload_idle),
                body.next(),
            )
            .await
            .map_err(|_| UploadRefused::TooSlow)?;
            let bytes = match piece {
                Some(Ok(bytes)) => bytes,
                // The connection broke, which is no different from an end that came too early.
                Some(Err(_)) | None => break,
            };
            let after = writer.size() + i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            if after > announced {
                return Err(UploadRefused::TooLarge { announced });
            }
            detector
                .push(&bytes)
                .map_err(|mismatch| UploadRefused::WrongType(mismatch.0))?;
            writer.write(&bytes).await?;
        }
        if writer.size() < announced {
            let arrived = writer.size();
            return Err(UploadRefused::CutShort { arrived, announced });
        }
        detector
            .finish()
            .map_err(|mismatch| UploadRefused::WrongType(mismatch.0))
    }
}

fn reason(refused: &UploadRefused) -> &'static str {
    match refused {
        UploadRefused::Unknown => "unknown",
        UploadRefused::Used => "used",
        UploadRefused::TooLarge { .. } => "too large",
        UploadRefused::CutShort { .. } => "cut short",
        UploadRefused::WrongType(_) => "wrong type",
        UploadRefused::TooSlow => "too slow",
        UploadRefused::NoRoom(_) => "no room",
        UploadRefused::Failed(_) => "failed",
    }
}
