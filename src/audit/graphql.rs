//! The audit trail in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    gql::{AtHand, EdgeCursor, PageArgs, ScopeExt as _, op_error, parse_id},
    ids::{self, IdKind},
};

crate::relay_connection!(AuditEvent, AuditEventConnection, AuditEventEdge);

/// One act that was recorded: who did what to what, and when.
#[derive(Clone, SimpleObject)]
pub struct AuditEvent {
    /// The row's id (`aud_…`).
    id: ID,
    /// Its place in your business's chain, from 1, without holes.
    position: i64,
    /// When (business time).
    at: DateTime<Utc>,
    /// USER, DEBTOR, SERVICE (an API key) or SYSTEM.
    actor_kind: String,
    /// The user, where a user acted.
    actor_id: Option<ID>,
    /// What was done, for example `message.queued`.
    action: String,
    /// What it was done to, as a plain UUID.
    object_id: Option<String>,
    /// The person concerned.
    debtor_id: Option<ID>,
    /// The request that did it.
    request_id: Option<String>,
    /// The row's hash, in hexadecimal: SHA-256 over the previous row's hash and this row's bytes.
    hash: String,
}

struct AuditRow {
    id: Uuid,
    position: i64,
    at: DateTime<Utc>,
    actor_kind: String,
    actor_id: Option<Uuid>,
    action: String,
    object_id: Option<Uuid>,
    debtor_id: Option<Uuid>,
    request_id: Option<String>,
    hash: Vec<u8>,
}

impl AtHand for AuditEvent {}

impl From<AuditRow> for AuditEvent {
    fn from(row: AuditRow) -> Self {
        let is_user = row.actor_kind == "USER";
        Self {
            id: ids::encode(IdKind::AuditEntry, row.id).into(),
            position: row.position,
            at: row.at,
            actor_id: row
                .actor_id
                .filter(|_| is_user)
                .map(|id| ids::encode(IdKind::User, id).into()),
            actor_kind: row.actor_kind,
            action: row.action,
            object_id: row.object_id.map(|id| id.to_string()),
            debtor_id: row.debtor_id.map(|id| ids::encode(IdKind::Debtor, id).into()),
            request_id: row.request_id,
            hash: row.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// Which rows.
#[derive(Debug, Default, InputObject)]
pub struct AuditFilter {
    /// About this person.
    debtor_id: Option<ID>,
    /// Done by this user.
    user_id: Option<ID>,
    /// With this action.
    action: Option<String>,
}

/// Queries of the audit trail.
#[derive(Default)]
pub struct AuditQueries;

#[Object]
impl AuditQueries {
    /// Your business's audit trail, newest first.
    #[graphql(complexity = "1 + first.unwrap_or(20).max(0) as usize * child_complexity")]
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rows.")] filter: Option<AuditFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AuditEventConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<i64>("audit")?;
        let filter = filter.unwrap_or_default();
        let debtor = filter
            .debtor_id
            .map(|id| parse_id(IdKind::Debtor, "filter.debtorId", &id))
            .transpose()?;
        let user = filter
            .user_id
            .map(|id| parse_id(IdKind::User, "filter.userId", &id))
            .transpose()?;
        let mut tx = ctx.snapshot().await?;
        let business = tx.business_id();
        let rows = sqlx::query_as!(
            AuditRow,
            "SELECT id, position, at, actor_kind, actor_id, action, object_id, debtor_id, request_id, hash
             FROM audit_events
             WHERE business_id = $1 AND ($2::uuid IS NULL OR debtor_id = $2) AND ($3::uuid IS NULL OR actor_id = $3)
               AND ($4::text IS NULL OR action = $4) AND ($5::bigint IS NULL OR position < $5)
             ORDER BY position DESC LIMIT $6",
            business,
            debtor,
            user,
            filter.action,
            past,
            page.fetch(),
        )
        .fetch_all(tx.conn())
        .await
        .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| (EdgeCursor::of("audit", row.position), row.into()))
            .collect();
        Ok(AuditEventConnection::from_rows(&page, rows))
    }
}
