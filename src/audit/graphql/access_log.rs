//! The log of reads in the API: who read whose personal data.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::one_actor;
use crate::{
    accounts::graphql::DateTimeRange,
    identity::graphql::User,
    platform::{
        db::{DbError, TenantTx},
        gql::{AtHand, EdgeCursor, PageArgs, PageRequest, ScopeExt as _, bad_input, op_error, parse_id},
        ids::{self, IdKind},
    },
};

crate::relay_connection!(AccessLogEntry, AccessLogConnection, AccessLogEdge);

/// The log is in order of time, and not of people: a search for one reads through what it covers.
const LOOK_BACK: TimeDelta = TimeDelta::days(90);
const LONGEST_SEARCH: TimeDelta = TimeDelta::days(366);

/// One operation that showed personal data of debtors to somebody.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct AccessLogEntry {
    /// When (business time).
    at: DateTime<Utc>,
    /// The fields of the API that were asked, separated by commas.
    operation: String,
    /// Whose personal data was in the answer.
    debtor_ids: Vec<ID>,
    /// The request, as in errors and in the audit trail.
    request_id: String,
    #[graphql(skip)]
    actor: Uuid,
}

/// One operation that showed personal data of debtors to somebody.
#[ComplexObject]
impl AccessLogEntry {
    /// The member of staff who read; null for an API key, and for the platform's own staff.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        User::load(ctx, self.actor).await
    }

    /// Who read, as a plain UUID: of the user, the API key, or the stay of the platform's staff.
    async fn actor_id(&self) -> String {
        self.actor.to_string()
    }
}

impl AtHand for AccessLogEntry {}

/// Which reads: all conditions given must hold.
#[derive(Debug, Default, InputObject)]
pub struct AccessLogFilter {
    /// Of this person's data. Without a time, the last 90 days are searched; a year at most.
    debtor_id: Option<ID>,
    /// By this member of staff.
    user_id: Option<ID>,
    /// With this API key.
    api_key_id: Option<ID>,
    /// During this stay of the platform's staff.
    break_glass_session_id: Option<ID>,
    /// With exactly these fields of the API, as in `operation`.
    operation: Option<String>,
    /// In this time (business time).
    at: Option<DateTimeRange>,
}

/// A filter that was read.
struct Criteria {
    debtor: Option<Uuid>,
    actor: Option<Uuid>,
    operation: Option<String>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl AccessLogFilter {
    fn parse(self, now: DateTime<Utc>) -> async_graphql::Result<Criteria> {
        let debtor = self
            .debtor_id
            .map(|id| parse_id(IdKind::Debtor, "filter.debtorId", &id))
            .transpose()?;
        let (mut from, to) = self.at.map_or((None, None), |range| (range.from, range.to));
        if debtor.is_some() {
            let end = to.unwrap_or(now);
            let begin = from.or_else(|| end.checked_sub_signed(LOOK_BACK)).unwrap_or(end);
            if end.signed_duration_since(begin) > LONGEST_SEARCH {
                return Err(bad_input(
                    "filter.at: a search for one person covers a year at most: ask for one year after the other.",
                ));
            }
            from = Some(begin);
        }
        Ok(Criteria {
            debtor,
            actor: one_actor([
                (IdKind::User, "filter.userId", self.user_id),
                (IdKind::ApiKey, "filter.apiKeyId", self.api_key_id),
                (
                    IdKind::BreakGlassSession,
                    "filter.breakGlassSessionId",
                    self.break_glass_session_id,
                ),
            ])?,
            operation: self.operation.map(|text| text.replace('\0', "")),
            from,
            to,
        })
    }
}

struct AccessRow {
    id: Uuid,
    at: DateTime<Utc>,
    actor_id: Uuid,
    operation: String,
    debtor_ids: Vec<Uuid>,
    request_id: String,
}

impl From<AccessRow> for AccessLogEntry {
    fn from(row: AccessRow) -> Self {
        Self {
            at: row.at,
            operation: row.operation,
            debtor_ids: row
                .debtor_ids
                .into_iter()
                .map(|id| ids::encode(IdKind::Debtor, id).into())
                .collect(),
            request_id: row.request_id,
            actor: row.actor_id,
        }
    }
}

/// Queries of the log of reads.
#[derive(Default)]
pub struct AccessLogQueries;

#[Object]
impl AccessLogQueries {
    /// Who read whose personal data, newest first: one entry for each operation.
    async fn access_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which reads.")] filter: Option<AccessLogFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AccessLogConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("accessLog")?;
        let now = ctx.scope()?.db().clock().now();
        let criteria = filter.unwrap_or_default().parse(now)?;
        let rows = page_of_reads(&mut *ctx.snapshot().await?, &criteria, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| (EdgeCursor::of("accessLog", row.id), row.into()))
            .collect();
        Ok(AccessLogConnection::from_rows(&page, rows))
    }
}

async fn page_of_reads(
    tx: &mut TenantTx,
    criteria: &Criteria,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<AccessRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        AccessRow,
        "SELECT id, at, actor_id, operation, debtor_ids, request_id FROM access_log
         WHERE business_id = $1 AND ($2::uuid IS NULL OR debtor_ids @> ARRAY[$2]) AND ($3::uuid IS NULL OR actor_id = $3)
           AND ($4::text IS NULL OR operation = $4)
           AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at <= $6)
           AND ($7::uuid IS NULL OR id < $7)
         ORDER BY id DESC LIMIT $8",
        business,
        criteria.debtor,
        criteria.actor,
        criteria.operation,
        criteria.from,
        criteria.to,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}
