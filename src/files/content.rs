//! Contents on their way into and out of the object store, encrypted in between. Memory stays flat, whatever the size.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Bytes;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{ObjectStoreExt as _, buffered::BufWriter};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};
use tokio_util::io::StreamReader;
use uuid::Uuid;

use super::{
    Files,
    links::Link,
    model::{CONTENT, FileRow, KEY_COLUMN, NewFile, Purpose, Stored, TABLE},
    name::sanitised,
    objects::object_path,
    store::{self, NewRow},
};
use crate::platform::{
    context::{Actor, TenantCtx},
    crypto::{CHUNK, DataKey, SEALED_CHUNK, StreamOpener, StreamSealer},
    error::OpError,
    gql::{UserError, UserErrorCode},
    ids,
    keys::TenantKeys,
};

/// Parts of an object that is sent in several. Five mebibytes are the least that S3 takes.
const PART: usize = 5 * 1024 * 1024;
/// How many parts are on their way at once.
const PARTS_AT_ONCE: usize = 2;
/// What is neither finished nor used after a day goes.
pub(super) const LEFT_OVER: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// Takes a content and writes it, encrypted. Dropped without [`FileWriter::finish`], nothing of it can be read.
pub struct FileWriter {
    id: Uuid,
    out: BufWriter,
    sealer: StreamSealer,
    chunk: Vec<u8>,
    size: i64,
    hash: Sha256,
}

impl FileWriter {
    pub(super) fn new(
        files: &Files,
        business: Uuid,
        id: Uuid,
        keys: &TenantKeys,
        key: &DataKey,
    ) -> Result<Self, OpError> {
        let out = BufWriter::with_capacity(files.store.clone(), object_path(business, id), PART)
            .with_max_concurrency(PARTS_AT_ONCE);
        Ok(Self {
            id,
            out,
            sealer: StreamSealer::new(key, &keys.place(TABLE, CONTENT, id))?,
            chunk: Vec::with_capacity(SEALED_CHUNK),
            size: 0,
            hash: Sha256::new(),
        })
    }

    /// The file's id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Bytes taken so far.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Unavailable when the object store is.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), OpError> {
        self.hash.update(bytes);
        self.size += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        while !bytes.is_empty() {
            // A full chunk goes when more follows: the last one has to be marked.
            if self.chunk.len() == CHUNK {
                let mut full = std::mem::replace(&mut self.chunk, Vec::with_capacity(SEALED_CHUNK));
                self.sealer.seal_next(&mut full)?;
                self.out.put(Bytes::from(full)).await.map_err(unavailable)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Writes what is left. The object is there, and whole; the file's row does not know yet.
    ///
    /// # Errors
    /// Unavailable when the object store is.
    pub async fn finish(mut self) -> Result<Stored, OpError> {
        let mut last = self.chunk;
        self.sealer.seal_last(&mut last)?;
        self.out.put(Bytes::from(last)).await.map_err(unavailable)?;
        self.out.shutdown().await.map_err(unavailable)?;
        Ok(Stored {
            id: self.id,
            size: self.size,
            sha256: self.hash.finalize().into(),
        })
    }

    /// Gives up: what was sent already is taken back.
    pub async fn abandon(mut self) {
        if let Err(error) = self.out.abort().await {
            tracing::warn!(%error, "parts of an abandoned file are left behind");
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> OpError {
    tracing::warn!(%error, "the object store failed");
    OpError::Unavailable("files cannot be stored or read now: try again in a moment".to_owned())
}

/// The content of a file, decrypted. A read fails where it was damaged, cut or tampered with; what was read before that
/// is authentic.
pub struct FileReader {
    reader: StreamReader<BoxStream<'static, io::Result<Bytes>>, Bytes>,
}

impl FileReader {
    /// As a stream of pieces.
    pub fn into_stream(self) -> BoxStream<'static, io::Result<Bytes>> {
        self.reader.into_inner()
    }
}

impl AsyncRead for FileReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

/// Ciphertext on its way through the opener.
struct Opening {
    source: BoxStream<'static, object_store::Result<Bytes>>,
    waiting: Vec<u8>,
    ended: bool,
    opener: StreamOpener,
}

impl Opening {
    /// One chunk in clear, and whether it was the last.
    async fn next(mut self) -> io::Result<Option<(Bytes, Option<Self>)>> {
        while self.waiting.len() <= SEALED_CHUNK && !self.ended {
            match self.source.next().await {
                Some(bytes) => self.waiting.extend_from_slice(&bytes.map_err(io::Error::other)?),
                None => self.ended = true,
            }
        }
        let damaged = |_| io::Error::new(io::ErrorKind::InvalidData, "the stored content is damaged");
        if self.waiting.len() > SEALED_CHUNK {
            let rest = self.waiting.split_off(SEALED_CHUNK);
            let mut chunk = std::mem::replace(&mut self.waiting, rest);
            self.opener.open_next(&mut chunk).map_err(damaged)?;
            return Ok(Some((Bytes::from(chunk), Some(self))));
        }
        let mut chunk = self.waiting;
        self.opener.open_last(&mut chunk).map_err(damaged)?;
        Ok(Some((Bytes::from(chunk), None)))
    }
}

impl Files {
    /// Begins a file that the service makes: its row, and a writer for its content. [`super::keep`] takes it into use.
    /// What is not kept goes after a day.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn begin(&self, ctx: &TenantCtx, new: NewFile) -> Result<FileWriter, OpError> {
        let keys = self.keyring.business(&self.db, ctx.business_id()).await?;
        let id = ids::next();
        let (key, wrapped_key) = keys.new_content_key(TABLE, KEY_COLUMN, id)?;
        let mut tx = self.db.tenant(ctx).await?;
        let row = NewRow {
            id,
            purpose: new.purpose,
            state: "WRITING",
            wrapped_key,
            key_version: keys.blind_version(),
            name_cipher: seal_name(&keys, id, &sanitised(&new.name))?,
            media_type: new.media_type,
            size: None,
            expires_at: tx.now() + LEFT_OVER,
        };
        store::insert(&mut tx, &row).await?;
        tx.commit().await?;
        FileWriter::new(self, ctx.business_id(), id, &keys, &key)
    }

    /// Whom a file tells of.
    ///
    /// # Errors
    /// Unavailable when the database is.
    pub async fn told_of(&self, ctx: &TenantCtx, file: &FileRow) -> Result<Vec<Uuid>, OpError> {
        if let Some(debtor) = file.debtor_id {
            return Ok(vec![debtor]);
        }
        if !file.purpose.is_about_many() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.snapshot(&service_of(ctx)).await?;
        let debtors = store::debtors_of(&mut tx, file.id).await?;
        tx.finish_read().await?;
        Ok(debtors)
    }

    /// Reads a file of the business: its row and its content. Whether the caller may is for whoever asks to check.
    ///
    /// # Errors
    /// NOT_FOUND where there is no such content, or no longer; unavailable when the object store is.
    pub async fn open(&self, ctx: &TenantCtx, id: Uuid) -> Result<(FileRow, FileReader), OpError> {
        let mut tx = self.db.snapshot(ctx).await?;
        let row = store::file_by_id(&mut tx, id).await?;
        tx.finish_read().await?;
        self.read(ctx, id, row).await
    }

    /// The same for whoever holds a link: that they may read this one was checked when they were given it. Rows of files
    /// being staff's, the service looks them up.
    ///
    /// # Errors
    /// As [`Self::open`]; NOT_FOUND also while the business or who was given the link is suspended, and to a debtor for a
    /// document that is not shown to them any more.
    pub async fn open_link(
        &self,
        link: &Link,
        request_id: &str,
    ) -> Result<(TenantCtx, FileRow, FileReader), OpError> {
        let ctx = link.ctx(request_id);
        let mut tx = self.db.snapshot(&service_of(&ctx)).await?;
        let is_good = store::link_is_good(&mut tx, link.actor, self.wall.now()).await?;
        let mut row = if is_good {
            store::file_by_id(&mut tx, link.file).await?
        } else {
            None
        };
        if let (Some(Purpose::Document), Actor::Debtor(debtor)) =
            (row.as_ref().map(|row| row.purpose), link.actor)
            && !store::is_shown_to(&mut tx, link.file, debtor).await?
        {
            row = None;
        }
        tx.finish_read().await?;
        let (row, reader) = self.read(&ctx, link.file, row).await?;
        Ok((ctx, row, reader))
    }

    async fn read(
        &self,
        ctx: &TenantCtx,
        id: Uuid,
        row: Option<FileRow>,
    ) -> Result<(FileRow, FileReader), OpError> {
        let nothing = || {
            let message = "This file is no longer there: it expired, or was erased.";
            OpError::from(UserError::new(UserErrorCode::NotFound, message))
        };
        let row = row.filter(FileRow::is_readable).ok_or_else(nothing)?;
        let keys = self.keyring.business(&self.db, ctx.business_id()).await?;
        let key = row.content_key(&keys)?.ok_or_else(nothing)?;
        let object = self
            .store
            .get(&object_path(ctx.business_id(), id))
            .await
            .map_err(unavailable)?;
        let opening = Opening {
            source: object.into_stream(),
            waiting: Vec::new(),
            ended: false,
            opener: StreamOpener::new(&key, &keys.place(TABLE, CONTENT, id))?,
        };
        let pieces = stream::try_unfold(Some(opening), async |opening| match opening {
            Some(opening) => opening.next().await,
            None => Ok(None),
        });
        let reader = StreamReader::new(pieces.boxed());
        Ok((row, FileReader { reader }))
    }
}

/// The service itself, for the same request.
fn service_of(ctx: &TenantCtx) -> TenantCtx {
    TenantCtx::for_service(ctx.business_id(), ctx.request_id().clone())
}

pub(super) fn seal_name(keys: &TenantKeys, id: Uuid, name: &str) -> Result<Vec<u8>, OpError> {
    Ok(keys.seal(&keys.own_key(), TABLE, "name_cipher", id, name.as_bytes())?)
}
