//! Break-glass in the API: opened by the platform's staff, seen and ended by the business.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    User,
    mutations::{outcome, request},
    platform::operator_of,
};
use crate::{
    identity::{
        Identity,
        break_glass::{self, GlassWish},
        break_glass_store::{self, VisitRow},
        revocations::forget_all,
    },
    platform::{
        error::OpError,
        gql::{
            AtHand, Done, EdgeCursor, EmailAddressScalar, OpScope, PageArgs, PageRequest, ScopeExt as _,
            UserError, input_id, mutate, op_error,
        },
        ids::{self, IdKind},
        keys::TenantKeys,
    },
};

crate::relay_connection!(
    BreakGlassSession,
    BreakGlassSessionConnection,
    BreakGlassSessionEdge
);

/// A stay of the platform's staff inside your business: to read, for a while. What they read stands in the access log
/// under the stay's id.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct BreakGlassSession {
    /// The stay's id (`bgs_…`).
    id: ID,
    /// Who came in.
    operator_email: EmailAddressScalar,
    /// Why, in their own words.
    reason: String,
    /// Since when.
    started_at: DateTime<Utc>,
    /// Until when at the latest.
    expires_at: DateTime<Utc>,
    /// When it was ended before that; null where it was not.
    ended_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    ender: Option<Uuid>,
}

/// A stay of the platform's staff inside your business: to read, for a while. What they read stands in the access log
/// under the stay's id.
#[async_graphql::ComplexObject]
impl BreakGlassSession {
    /// The member of your staff who ended it; null where the operator did, or nobody.
    async fn ended_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.ender {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl AtHand for BreakGlassSession {}

impl BreakGlassSession {
    fn of(keys: &TenantKeys, row: &VisitRow) -> Result<Self, OpError> {
        let key = keys
            .own_key_of(row.key_version)
            .ok_or_else(|| anyhow::anyhow!("no such version of the business key"))?;
        let open = |column, cipher: &[u8]| {
            keys.open_text(&key, "break_glass_sessions", column, row.id, cipher)
                .map(|text| text.expose().clone())
        };
        Ok(Self {
            id: ids::encode(IdKind::BreakGlassSession, row.id).into(),
            operator_email: EmailAddressScalar(open("operator_cipher", &row.operator_cipher)?),
            reason: open("reason_cipher", &row.reason_cipher)?,
            started_at: row.started_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
            ender: row.ended_by,
        })
    }

    async fn find(scope: &OpScope, id: Uuid) -> Result<Option<Self>, OpError> {
        let keys = scope.keys().await?;
        let row = break_glass_store::visit(&mut *scope.snapshot().await?, id).await?;
        row.map(|row| Self::of(&keys, &row)).transpose()
    }
}

/// Which business to enter, and why.
#[derive(InputObject)]
pub struct BreakGlassInput {
    /// The business (`biz_…`).
    business_id: ID,
    /// Why, in 20 to 1,000 characters. The business reads it.
    reason: String,
    /// For how many minutes, 1 to 60.
    #[graphql(default = 30)]
    minutes: i32,
}

/// What breakGlass answers.
#[derive(Default, SimpleObject)]
pub struct BreakGlassPayload {
    /// The stay's id (`bgs_…`); null when there are user errors.
    break_glass_session_id: Option<ID>,
    /// Send it as `Authorization: Bearer …` to read inside the business. It cannot be refreshed.
    access_token: Option<String>,
    /// Until when it is good.
    access_token_expires_at: Option<DateTime<Utc>>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Which stay to end.
#[derive(InputObject)]
pub struct EndBreakGlassInput {
    /// The stay (`bgs_…`).
    id: ID,
}

/// What endBreakGlass answers.
#[derive(SimpleObject)]
pub struct EndBreakGlassPayload {
    /// The stay, which is over; null when there are user errors.
    break_glass_session: Option<BreakGlassSession>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of break-glass.
#[derive(Default)]
pub struct BreakGlassQueries;

#[Object]
impl BreakGlassQueries {
    /// Stays of the platform's staff inside your business, newest first.
    async fn break_glass_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<BreakGlassSessionConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("breakGlassSessions")?;
        page_of_visits(ctx.scope()?, &page, past).await.map_err(op_error)
    }
}

async fn page_of_visits(
    scope: &OpScope,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<BreakGlassSessionConnection, OpError> {
    let keys = scope.keys().await?;
    let rows = break_glass_store::visits(&mut *scope.snapshot().await?, page, past).await?;
    let rows = rows
        .into_iter()
        .map(|row| {
            let cursor = EdgeCursor::of("breakGlassSessions", row.id);
            Ok((cursor, BreakGlassSession::of(&keys, &row)?))
        })
        .collect::<Result<_, OpError>>()?;
    Ok(BreakGlassSessionConnection::from_rows(page, rows))
}

/// Mutations of break-glass.
#[derive(Default)]
pub struct BreakGlassMutations;

#[Object]
impl BreakGlassMutations {
    /// Lets a super admin into a business, to read, for an hour at most. Its administrators hear of it by mail, and can end
    /// it; every read stands in its access log.
    async fn break_glass(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where, why and for how long.")] input: BreakGlassInput,
    ) -> async_graphql::Result<BreakGlassPayload> {
        let (identity, facts) = request(ctx)?;
        let operator = operator_of(ctx)?;
        let opened = match input_id(IdKind::Business, "businessId", &input.business_id) {
            Ok(business) => {
                let wish = GlassWish {
                    business,
                    reason: input.reason,
                    minutes: input.minutes,
                };
                break_glass::break_glass(identity, &facts.request_id, operator, wish).await
            }
            Err(error) => Err(error.into()),
        };
        Ok(match outcome(opened)? {
            Ok(opened) => BreakGlassPayload {
                break_glass_session_id: Some(ids::encode(IdKind::BreakGlassSession, opened.id).into()),
                access_token: Some(opened.access_token),
                access_token_expires_at: Some(opened.expires_at),
                user_errors: Vec::new(),
            },
            Err(user_errors) => BreakGlassPayload {
                user_errors,
                ..BreakGlassPayload::default()
            },
        })
    }

    /// Ends a stay of the platform's staff inside your business: their token is refused and their sockets are closed at
    /// once. An operator ends their own.
    async fn end_break_glass(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which stay.")] input: EndBreakGlassInput,
    ) -> async_graphql::Result<EndBreakGlassPayload> {
        let identity = ctx.data::<Identity>()?;
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::BreakGlassSession, "id", &input.id)?;
            break_glass::end_break_glass(identity, tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        forget_all(identity, outcome.object.as_slice());
        Ok(EndBreakGlassPayload {
            break_glass_session: match outcome.object {
                Some(id) => BreakGlassSession::find(ctx.scope()?, id)
                    .await
                    .map_err(op_error)?,
                None => None,
            },
            user_errors: outcome.user_errors,
        })
    }
}
