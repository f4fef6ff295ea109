//! A transaction inside one business. Jobs, audit rows and live events are buffered and written by the last statement
//! before COMMIT, which numbers the latter two, so that a position is a place in commit order without holes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::DbError;
use crate::platform::{
    clock::BusinessClock,
    context::{Actor, RequestMark, TenantCtx},
    ids,
    jobs::Job,
    live::{LiveBus, Ring},
};

/// One row of the audit trail, before it has its number.
#[derive(Debug)]
pub struct AuditEntry {
    /// `noun.verb`, for example `message.queued`.
    pub action: &'static str,
    /// What was acted upon.
    pub object_id: Option<Uuid>,
    /// The person whom it concerns, if any.
    pub debtor_id: Option<Uuid>,
    /// JSON bytes, or ciphertext under `key_id` where it tells something of a debtor.
    pub details: Vec<u8>,
    /// The record key that sealed `details`.
    pub key_id: Option<Uuid>,
    /// The role in which somebody acts who is not inside the business yet; else that of the transaction's own actor.
    pub role: Option<&'static str>,
    /// Given where the row is written by a job that may run twice: the second time it stands there already.
    pub id: Option<Uuid>,
}

impl AuditEntry {
    /// An entry whose details hold no personal data.
    pub fn plain(action: &'static str, object_id: Uuid, details: &serde_json::Value) -> Self {
        Self {
            action,
            object_id: Some(object_id),
            debtor_id: None,
            details: details.to_string().into_bytes(),
            key_id: None,
            role: None,
            id: None,
        }
    }

    /// The same, about a debtor.
    #[must_use]
    pub fn about(mut self, debtor_id: Option<Uuid>) -> Self {
        self.debtor_id = debtor_id;
        self
    }

    /// The same, by somebody in this role.
    #[must_use]
    pub fn in_role(mut self, role: Option<&'static str>) -> Self {
        self.role = role;
        self
    }

    /// As `app.commit_head` takes it.
    pub(super) fn row(self, actor: Actor, request: &RequestMark) -> serde_json::Value {
        let id = self.id.unwrap_or_else(ids::next);
        let origin = request
            .origin_of(actor)
            .and_then(|origin| origin.sealed("audit_events", id));
        json!({
            "id": id,
            "actor_kind": actor.kind(),
            "actor_id": actor.id(),
            "actor_role": self.role.or(actor.role()),
            "action": self.action,
            "object_id": self.object_id,
            "debtor_id": self.debtor_id,
            "request_id": &**request,
            "origin": origin.as_deref().map(hex),
            "details": hex(&self.details),
            "key_id": self.key_id,
        })
    }
}

/// One row of the live feed, before it has its position. Ids only: subscribers read the rest under their own rights.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveEvent {
    pub kind: &'static str,
    pub conversation_id: Option<Uuid>,
    pub message_id: Option<Uuid>,
    pub account_id: Option<Uuid>,
    pub debtor_id: Option<Uuid>,
    pub assigned_agent_id: Option<Uuid>,
    pub previous_agent_id: Option<Uuid>,
    /// What else it is about, if that is followed by itself: an import.
    pub object_id: Option<Uuid>,
    /// The member of staff whose act it is; the transaction says it.
    pub actor_id: Option<Uuid>,
}

/// Proof that a transaction is committed.
#[derive(Debug)]
pub struct Committed(Option<i64>);

impl Committed {
    /// The last live position given out, if there was an event or audit row.
    pub fn position(&self) -> Option<i64> {
        self.0
    }
}

/// Only the rows of one business (and, for a debtor, of one person) exist in here. Dropping it rolls back.
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    ctx: TenantCtx,
    clock: BusinessClock,
    live: LiveBus,
    audits: Vec<serde_json::Value>,
    events: Vec<LiveEvent>,
    jobs: Vec<serde_json::Value>,
}

impl TenantTx {
    pub(super) fn new(
        tx: Transaction<'static, Postgres>,
        ctx: TenantCtx,
        clock: BusinessClock,
        live: LiveBus,
    ) -> Self {
        Self {
            tx,
            ctx,
            clock,
            live,
            audits: Vec::new(),
            events: Vec::new(),
            jobs: Vec::new(),
        }
    }

    /// The connection, for `query!`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    pub fn ctx(&self) -> &TenantCtx {
        &self.ctx
    }

    pub fn business_id(&self) -> Uuid {
        self.ctx.business_id()
    }

    /// Business time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The newest live position of the business, and the one up to which events have been pruned.
    ///
    /// # Errors
    /// [`DbError`] as met.
    pub async fn live_head(&mut self) -> Result<(i64, i64), DbError> {
        if self.ctx.debtor_id().is_some() {
            let row = sqlx::query!(
                r#"SELECT live_position AS "position!", live_floor AS "floor!" FROM app.own_live_head()"#
            )
            .fetch_one(self.conn())
            .await?;
            return Ok((row.position, row.floor));
        }
        let business = self.business_id();
        let row = sqlx::query!(
            "SELECT live_position, live_floor FROM business_head WHERE business_id = $1",
            business
        )
        .fetch_one(self.conn())
        .await?;
        Ok((row.live_position, row.live_floor))
    }

    /// Buffers an audit row: written, numbered and chained at commit.
    pub fn audit(&mut self, entry: AuditEntry) {
        let role = entry.role.or(self.ctx.role());
        let row = entry.in_role(role).row(self.ctx.actor(), self.ctx.request());
        self.audits.push(row);
    }

    /// Buffers a live event: written and numbered at commit, then rung.
    pub fn emit(&mut self, event: LiveEvent) {
        let actor_id = self.ctx.user_id();
        self.events.push(LiveEvent { actor_id, ..event });
    }

    /// Buffers a job that runs when (and only if) this transaction commits.
    pub fn enqueue<J: Job>(&mut self, job: &J) {
        self.jobs.push(queued(job, None));
    }

    /// The same of many, in their order.
    pub fn enqueue_all<J: Job>(&mut self, jobs: impl IntoIterator<Item = J>) {
        self.jobs.extend(jobs.into_iter().map(|job| queued(&job, None)));
    }

    /// Buffers a job that runs `delay` after this transaction commits (the queue's own time; what must happen at a
    /// business instant is a row with a due instant instead). It takes the place of one with the same arguments that waits.
    pub fn enqueue_after<J: Job>(&mut self, job: &J, delay: Duration) {
        self.jobs.push(queued(job, Some(delay)));
    }

    /// Writes the jobs, numbers what else was buffered, commits, and rings the doorbell. Returns the proof.
    ///
    /// # Errors
    /// [`DbError`] as met: then nothing of the transaction stands.
    pub async fn commit(mut self) -> Result<Committed, DbError> {
        if self.audits.is_empty() && self.events.is_empty() {
            if !self.jobs.is_empty() {
                let jobs = self.take_jobs();
                sqlx::query!("SELECT queue.enqueue($1)", jobs)
                    .execute(self.conn())
                    .await?;
            }
            self.tx.commit().await?;
            return Ok(Committed(None));
        }
        let business_id = self.business_id();
        let position = self.number().await?;
        self.tx.commit().await?;
        if !self.events.is_empty() {
            let conversations = each_once(self.events.iter().filter_map(|event| event.conversation_id));
            let objects = each_once(self.events.iter().filter_map(|event| event.object_id));
            self.live
                .ring(Ring::committed(business_id, position, conversations, objects));
        }
        Ok(Committed(Some(position)))
    }

    fn take_jobs(&mut self) -> serde_json::Value {
        serde_json::Value::Array(std::mem::take(&mut self.jobs))
    }

    /// Writes what was buffered, the jobs before it takes the business's head lock; the last live position.
    async fn number(&mut self) -> Result<i64, DbError> {
        let (business_id, now) = (self.business_id(), self.clock.now());
        let events = serde_json::to_value(&self.events).unwrap_or_default();
        let audits = serde_json::Value::Array(std::mem::take(&mut self.audits));
        let jobs = self.take_jobs();
        if self.ctx.debtor_id().is_some() {
            return Ok(sqlx::query_scalar!(
                r#"SELECT app.commit_own_head($1, $2, $3) AS "position!" FROM queue.enqueue($4)"#,
                now,
                events,
                audits,
                jobs
            )
            .fetch_one(self.conn())
            .await?);
        }
        Ok(sqlx::query_scalar!(
            r#"SELECT app.commit_head($1, $2, $3, $4) AS "position!" FROM queue.enqueue($5)"#,
            business_id,
            now,
            events,
            audits,
            jobs
        )
        .fetch_one(self.conn())
        .await?)
    }

    /// Ends without a trace; for reads, where a dropped transaction would cost a delayed round trip.
    ///
    /// # Errors
    /// [`DbError`] as met.
    pub async fn finish_read(self) -> Result<(), DbError> {
        self.tx.commit().await?;
        Ok(())
    }
}

/// A job as `queue.enqueue` takes it.
fn queued<J: Job>(job: &J, delay: Option<Duration>) -> serde_json::Value {
    json!({
        "lane": J::LANE.word(),
        "name": J::NAME,
        "args": serde_json::to_value(job).unwrap_or_default(),
        "after_millis": delay.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
    })
}

fn each_once(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Lower-case hexadecimal, as `decode(…, 'hex')` reads it.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
