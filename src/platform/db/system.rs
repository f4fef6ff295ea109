//! A transaction outside any one business: registration, log-in, webhook routing, reconcilers, the clock.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction, pool::PoolConnection};
use uuid::Uuid;

use super::{AuditEntry, DbError, tenant::hex};
use crate::platform::{
    clock::BusinessClock,
    context::{Actor, SystemCtx},
    ids,
    jobs::Job,
};

/// One row of the platform's own audit chain.
#[derive(Debug)]
pub struct PlatformAudit {
    pub actor: Actor,
    /// `noun.verb`, for example `session.opened`.
    pub action: &'static str,
    pub object_id: Option<Uuid>,
    /// No personal data.
    pub details: serde_json::Value,
}

/// Reaches the tables that have no one business, and of the others what narrow policies allow.
pub struct SystemTx {
    tx: Transaction<'static, Postgres>,
    ctx: SystemCtx,
    clock: BusinessClock,
    audits: Vec<serde_json::Value>,
    /// For the businesses' own trails.
    tenant_audits: BTreeMap<Uuid, Vec<serde_json::Value>>,
}

impl SystemTx {
    pub(super) fn new(tx: Transaction<'static, Postgres>, ctx: SystemCtx, clock: BusinessClock) -> Self {
        Self {
            tx,
            ctx,
            clock,
            audits: Vec::new(),
            tenant_audits: BTreeMap::new(),
        }
    }

    /// The connection, for `query!`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Business time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Buffers a row of the platform's audit chain, written at commit; its id.
    pub fn audit(&mut self, entry: PlatformAudit) -> Uuid {
        let (id, request) = (ids::next(), self.ctx.request());
        let origin = request
            .origin_of(entry.actor)
            .and_then(|origin| origin.sealed("platform_audit_events", id));
        self.audits.push(json!({
            "id": id,
            "actor_kind": entry.actor.kind(),
            "actor_id": entry.actor.id(),
            "actor_role": entry.actor.role(),
            "action": entry.action,
            "object_id": entry.object_id,
            "request_id": &**request,
            "origin": origin.as_deref().map(hex),
            "details": hex(entry.details.to_string().as_bytes()),
        }));
        id
    }

    /// Buffers a row of a business's own audit trail, written at commit: for what concerns one business and is done by
    /// somebody who is not inside it yet.
    pub fn audit_in(&mut self, business_id: Uuid, actor: Actor, entry: AuditEntry) {
        let row = entry.row(actor, self.ctx.request());
        self.tenant_audits.entry(business_id).or_default().push(row);
    }

    /// Adds a job that acts for `business_id` (or for none) when this transaction commits. It takes the place of one with
    /// the same arguments that was added here, or by `TenantTx::enqueue_after`, and waits: reconcilers find a row again and
    /// again until its job has run.
    ///
    /// # Errors
    /// [`DbError`] as met.
    pub async fn enqueue<J: Job>(&mut self, business_id: Option<Uuid>, job: &J) -> Result<(), DbError> {
        let args = serde_json::to_value(job).unwrap_or_default();
        self.push_jobs::<J>(&[business_id], &[args]).await
    }

    /// The same of many, in one statement and in their order.
    ///
    /// # Errors
    /// [`DbError`] as met.
    pub async fn enqueue_all<J: Job>(
        &mut self,
        jobs: impl IntoIterator<Item = (Option<Uuid>, J)>,
    ) -> Result<(), DbError> {
        let (businesses, args): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .map(|(business, job)| (business, serde_json::to_value(job).unwrap_or_default()))
            .unzip();
        if args.is_empty() {
            return Ok(());
        }
        self.push_jobs::<J>(&businesses, &args).await
    }

    async fn push_jobs<J: Job>(
        &mut self,
        businesses: &[Option<Uuid>],
        args: &[serde_json::Value],
    ) -> Result<(), DbError> {
        match J::LANE.word() {
            None => {
                sqlx::query!(
                    "SELECT queue.enqueue_for(j.business, $1, j.args)
                     FROM unnest($2::uuid[], $3::jsonb[]) WITH ORDINALITY AS j(business, args, nth) ORDER BY j.nth",
                    J::NAME,
                    businesses as &[Option<Uuid>],
                    args,
                )
                .execute(self.conn())
                .await?;
            }
            Some(lane) => {
                sqlx::query!(
                    "SELECT queue.enqueue_in_for($4, j.business, $1, j.args)
                     FROM unnest($2::uuid[], $3::jsonb[]) WITH ORDINALITY AS j(business, args, nth) ORDER BY j.nth",
                    J::NAME,
                    businesses as &[Option<Uuid>],
                    args,
                    lane,
                )
                .execute(self.conn())
                .await?;
            }
        }
        Ok(())
    }

    /// Writes the buffered audit rows and commits.
    ///
    /// # Errors
    /// [`DbError`] as met: then nothing of the transaction stands.
    pub async fn commit(mut self) -> Result<(), DbError> {
        // The businesses' heads in the order of their ids, then the platform's: always the same, so that no two wait for
        // each other.
        for (business_id, audits) in std::mem::take(&mut self.tenant_audits) {
            sqlx::query!(
                "SELECT app.commit_head($1, $2, '[]', $3)",
                business_id,
                self.clock.now(),
                serde_json::Value::Array(audits),
            )
            .fetch_one(self.conn())
            .await?;
        }
        if !self.audits.is_empty() {
            let audits = serde_json::Value::Array(std::mem::take(&mut self.audits));
            sqlx::query!(
                "SELECT app.commit_platform_head($1, $2)",
                self.clock.now(),
                audits
            )
            .execute(self.conn())
            .await?;
        }
        self.tx.commit().await?;
        Ok(())
    }
}

/// A connection outside any one business whose statements are transactions by themselves (PostgreSQL manual, section
/// 55.2.2.1, "implicit transactions"): for a single write that must cost one round trip.
pub struct SystemConnection(pub(super) PoolConnection<Postgres>);

impl SystemConnection {
    /// The connection, for `query!`: one statement is one transaction.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
