//! Links with which debtors sign in.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    accounts::scoped_debtor_of_account,
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{
            AtHand, Done, EdgeCursor, PageArgs, ScopeExt as _, UserError, UserErrorCode, input_id, mutate,
            not_found, op_error, parse_id,
        },
        ids::{self, IdKind},
    },
    portal::{
        Portal,
        links::{create_link, own_link, revoke_link},
        store::{self, LinkRow},
    },
};

crate::relay_connection!(DebtorLink, DebtorLinkConnection, DebtorLinkEdge);

/// Who wanted a link.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DebtorLinkOrigin {
    /// Your business.
    Staff,
    /// The debtor themselves, with requestDebtorLink.
    Request,
}

/// A link by which a debtor signs in to see one account. The link itself is shown once and kept nowhere.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct DebtorLink {
    /// The link's id (`dlnk_…`).
    id: ID,
    /// The account that it shows.
    account_id: ID,
    /// Who wanted it.
    origin: DebtorLinkOrigin,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when it is good.
    expires_at: DateTime<Utc>,
    /// When it was revoked; null while it was not.
    revoked_at: Option<DateTime<Utc>>,
    /// How often somebody signed in by it.
    uses: i32,
    /// When somebody last did; null before the first time.
    last_used_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    created_by: Option<Uuid>,
}

#[async_graphql::ComplexObject]
impl DebtorLink {
    /// The member of staff who made it; null where the debtor asked for it, or an API key made it.
    async fn created_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.created_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl AtHand for DebtorLink {}

impl From<LinkRow> for DebtorLink {
    fn from(row: LinkRow) -> Self {
        Self {
            id: ids::encode(IdKind::DebtorLink, row.id).into(),
            account_id: ids::encode(IdKind::Account, row.account_id).into(),
            origin: match row.origin.as_str() {
                "REQUEST" => DebtorLinkOrigin::Request,
                _ => DebtorLinkOrigin::Staff,
            },
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            uses: row.uses,
            last_used_at: row.last_used_at,
            created_by: row.created_by,
        }
    }
}

/// A link to be made.
#[derive(InputObject)]
pub struct CreateDebtorLinkInput {
    /// The account that it shows, and no other of its debtor.
    account_id: ID,
    /// After how many days it ends, 1 to 30; 7 when left out, unless the service is set otherwise.
    expires_in_days: Option<i32>,
}

/// What createDebtorLink answers.
#[derive(SimpleObject)]
pub struct CreateDebtorLinkPayload {
    /// The link as it will be listed; null when it was not made.
    link: Option<DebtorLink>,
    /// The link itself, to be given to the debtor and nobody else. It is shown this once.
    url: Option<String>,
    /// What to put right; empty on success. A repeated request is ALREADY_ISSUED.
    user_errors: Vec<UserError>,
}

/// Which link to end.
#[derive(InputObject)]
pub struct RevokeDebtorLinkInput {
    /// The link.
    id: ID,
}

/// What revokeDebtorLink answers.
#[derive(SimpleObject)]
pub struct RevokeDebtorLinkPayload {
    /// The link, which lets nobody in from now on; null when there are user errors.
    link: Option<DebtorLink>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries about debtors' links.
#[derive(Default)]
pub struct LinkQueries;

#[Object]
impl LinkQueries {
    /// The links to an account, newest first, with those that have ended; NOT_FOUND when there is no such account of
    /// yours.
    async fn debtor_links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this account.")] account_id: ID,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<Option<DebtorLinkConnection>> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("debtorLinks")?;
        let account = parse_id(IdKind::Account, "accountId", &account_id)?;
        let mut tx = ctx.snapshot().await?;
        authorize(tx.ctx(), Cell::DebtorLinkManage)
            .map_err(|denied| op_error(OpError::Forbidden(denied.to_string())))?;
        let internal = |error: crate::platform::db::DbError| op_error(error.into());
        if scoped_debtor_of_account(&mut tx, account)
            .await
            .map_err(internal)?
            .is_none()
        {
            return Err(not_found("account"));
        }
        let rows = store::links_of_account(&mut tx, account, &page, past)
            .await
            .map_err(internal)?;
        let rows = rows
            .into_iter()
            .map(|row| (EdgeCursor::of("debtorLinks", row.id), row.into()))
            .collect();
        Ok(Some(DebtorLinkConnection::from_rows(&page, rows)))
    }
}

/// Mutations of debtors' links.
#[derive(Default)]
pub struct LinkMutations;

#[Object]
impl LinkMutations {
    /// Makes a link by which a debtor signs in to see one account, and shows it once. The link alone shows nothing: who
    /// follows it has to prove who they are.
    async fn create_debtor_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link to be made.")] input: CreateDebtorLinkInput,
    ) -> async_graphql::Result<CreateDebtorLinkPayload> {
        let portal = ctx.data::<Portal>()?;
        let mut url = None;
        let mut outcome = mutate(ctx, async |tx, _| {
            let account = input_id(IdKind::Account, "accountId", &input.account_id)?;
            let (id, address) = create_link(tx, portal, account, input.expires_in_days).await?;
            url = Some(address);
            Ok(Done::from(id))
        })
        .await?;
        if outcome.object.is_some() && url.is_none() {
            outcome.user_errors.push(UserError::new(
                UserErrorCode::AlreadyIssued,
                "The link was shown when this request was first made. If it is lost, revoke it and make another.",
            ));
        }
        Ok(CreateDebtorLinkPayload {
            link: load(ctx, outcome.object).await?,
            url,
            user_errors: outcome.user_errors,
        })
    }

    /// Ends a link at once, with the sessions that it led to.
    async fn revoke_debtor_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which link.")] input: RevokeDebtorLinkInput,
    ) -> async_graphql::Result<RevokeDebtorLinkPayload> {
        let portal = ctx.data::<Portal>()?;
        let mut ended = Vec::new();
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::DebtorLink, "id", &input.id)?;
            ended = revoke_link(tx, portal, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        if outcome.object.is_some() {
            portal.identity.forget_sessions(&ended);
        }
        Ok(RevokeDebtorLinkPayload {
            link: load(ctx, outcome.object).await?,
            user_errors: outcome.user_errors,
        })
    }
}

async fn load(ctx: &Context<'_>, id: Option<Uuid>) -> async_graphql::Result<Option<DebtorLink>> {
    let Some(id) = id else { return Ok(None) };
    let found = own_link(&mut *ctx.snapshot().await?, id)
        .await
        .map_err(op_error)?;
    Ok(found.map(DebtorLink::from))
}
