//! Who read whose personal data: one row per operation, committed before the answer leaves. Rows of concurrent
//! operations share one statement: each waits for the commit that carries its own row, but not for the disk
//! (`synchronous_commit = off` for this statement alone): PostgreSQL writes it there within three times its
//! `wal_writer_delay`, 0.6 s, and only its own crash in that time loses it.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::platform::{
    context::{Actor, SystemCtx, TenantCtx},
    db::{Db, DbError, SystemConnection},
    ids,
};

/// At most this many rows in one statement.
const BATCH: usize = 256;
/// How long a batch waits for others while operations come in a crowd: one statement for many costs each less than it waits.
/// Who comes alone does not wait.
const LINGER: Duration = Duration::from_millis(2);
/// At most this many operations wait for the log; more are refused as unavailable.
const QUEUE: usize = 4096;

/// One operation that read personal data.
#[derive(Debug)]
pub struct AccessEntry {
    business_id: Uuid,
    actor_id: Uuid,
    operation: String,
    debtor_ids: Vec<Uuid>,
    request_id: Arc<str>,
}

impl AccessEntry {
    /// The entry of an operation by a member of staff, an API key or the platform's staff; `None` when nobody's data was read, or when people
    /// read their own and the service itself reads.
    pub fn of(ctx: &TenantCtx, operation: &str, debtor_ids: Vec<Uuid>) -> Option<Self> {
        if debtor_ids.is_empty() {
            return None;
        }
        Self::of_anyone(ctx, operation, debtor_ids)
    }

    /// The same, also where it is not known whose data was read: of people who may not be debtors yet.
    pub fn of_anyone(ctx: &TenantCtx, operation: &str, debtor_ids: Vec<Uuid>) -> Option<Self> {
        let actor_id = match ctx.actor() {
            Actor::User(id) | Actor::Service(id) | Actor::Platform(id) => id,
            _ => return None,
        };
        Some(Self {
            business_id: ctx.business_id(),
            actor_id,
            operation: operation.chars().take(100).collect(),
            debtor_ids,
            request_id: ctx.request_id().clone(),
        })
    }
}

type Waiting = (AccessEntry, oneshot::Sender<bool>);

/// The way into the log; cheap to clone.
#[derive(Clone)]
pub struct AccessLog {
    queue: mpsc::Sender<Waiting>,
}

impl AccessLog {
    /// Starts the writer; it ends when the last clone is dropped.
    pub fn start(db: Db) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(write(db, waiting));
        Self { queue }
    }

    /// Returns when the row is committed. False: it could not be written, and the answer must not leave.
    pub async fn record(&self, entry: AccessEntry) -> bool {
        let (sender, receiver) = oneshot::channel();
        self.queue.try_send((entry, sender)).is_ok() && receiver.await.unwrap_or(false)
    }
}

async fn write(db: Db, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch: Vec<Waiting> = Vec::with_capacity(BATCH);
    let mut connection = None;
    let mut crowded = false;
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        if crowded && batch.len() < BATCH {
            tokio::time::sleep(LINGER).await;
            while batch.len() < BATCH
                && let Ok(entry) = waiting.try_recv()
            {
                batch.push(entry);
            }
        }
        let written = insert(&db, &mut connection, &batch).await;
        crowded = batch.len() > 1 || !waiting.is_empty();
        // Kept for those who wait already; else others may have it.
        if written.is_err() || waiting.is_empty() {
            connection = None;
        }
        if let Err(error) = &written {
            tracing::error!(%error, "the access log could not be written");
        }
        for (_, sender) in batch.drain(..) {
            // Who asked may have gone away meanwhile.
            let _ = sender.send(written.is_ok());
        }
    }
}

async fn insert(
    db: &Db,
    connection: &mut Option<SystemConnection>,
    batch: &[Waiting],
) -> Result<(), DbError> {
    let rows = Rows::of(batch);
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(
            db.system_connection(&SystemCtx::for_reason("access log", "access-log"))
                .await?,
        ),
    };
    sqlx::query!(
        "WITH asynchronous AS (SELECT set_config('synchronous_commit', 'off', true))
         INSERT INTO access_log (business_id, id, at, actor_id, operation, debtor_ids, request_id)
         SELECT e.business_id, e.id, $1, e.actor_id, e.operation, ($2::uuid[])[e.first:e.last], e.request_id
         FROM asynchronous, unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::int[], $8::int[], $9::text[])
             AS e(business_id, id, actor_id, operation, first, last, request_id)",
        db.clock().now(),
        &rows.debtors,
        &rows.businesses,
        &rows.ids,
        &rows.actors,
        &rows.operations as &[&str],
        &rows.firsts,
        &rows.lasts,
        &rows.requests as &[&str],
    )
    .execute(connection.conn())
    .await?;
    Ok(())
}

/// Entries column by column; whose data they read lies in one array, from which each row takes its slice.
#[derive(Default)]
struct Rows<'a> {
    businesses: Vec<Uuid>,
    ids: Vec<Uuid>,
    actors: Vec<Uuid>,
    operations: Vec<&'a str>,
    debtors: Vec<Uuid>,
    /// Of the row's slice of `debtors`, counted from one as PostgreSQL does.
    firsts: Vec<i32>,
    lasts: Vec<i32>,
    requests: Vec<&'a str>,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a [Waiting]) -> Self {
        let mut rows = Self::default();
        let position = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
        for (entry, _) in batch {
            rows.businesses.push(entry.business_id);
            rows.ids.push(ids::next());
            rows.actors.push(entry.actor_id);
            rows.operations.push(&entry.operation);
            rows.firsts.push(position(rows.debtors.len() + 1));
            rows.debtors.extend_from_slice(&entry.debtor_ids);
            rows.lasts.push(position(rows.debtors.len()));
            rows.requests.push(&entry.request_id);
        }
        rows
    }
}
