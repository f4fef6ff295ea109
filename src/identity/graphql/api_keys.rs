//! API keys of the business.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::User;
use crate::{
    access::{Cell, authorize},
    identity::{
        Identity,
        api_key_store::{self, KeyRow},
        api_keys::{self, KeyWish},
        revocations::forget_all,
    },
    platform::{
        error::OpError,
        gql::{
            AtHand, Done, EdgeCursor, PageArgs, ScopeExt as _, UserError, UserErrorCode, input_id, mutate,
            op_error,
        },
        ids::{self, IdKind},
    },
};

crate::relay_connection!(ApiKey, ApiKeyConnection, ApiKeyEdge);

/// A key with which a program acts for your business.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct ApiKey {
    /// The key's id (`key_…`).
    id: ID,
    /// What it is for.
    name: String,
    /// How it begins, to tell keys apart. The whole key is shown once, when it is made.
    prefix: String,
    /// What it may do, as `resource:action`.
    scopes: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ends by itself. Administrators are told by mail 14 and 3 days before.
    expires_at: DateTime<Utc>,
    /// When it was used last, to the minute; null when it never was.
    last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked; null while it was not.
    revoked_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    created_by: Uuid,
}

impl AtHand for ApiKey {}

#[ComplexObject]
impl ApiKey {
    /// Who made it.
    async fn created_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        User::load(ctx, self.created_by).await
    }
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: ids::encode(IdKind::ApiKey, row.id).into(),
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            created_by: row.created_by,
        }
    }
}

/// A key to be made.
#[derive(InputObject)]
pub struct CreateApiKeyInput {
    /// What it is for, in 1 to 100 characters.
    name: String,
    /// What it may do: a subset of what the role SERVICE may, as `resource:action`, such as `account:read`.
    scopes: Vec<String>,
    /// After how many days it ends, 1 to 90.
    #[graphql(default = 90)]
    expires_in_days: i32,
}

/// What createApiKey answers.
#[derive(SimpleObject)]
pub struct CreateApiKeyPayload {
    /// The key as it will be listed; null when it was not made.
    api_key: Option<ApiKey>,
    /// The key itself: send it as `Authorization: Bearer …`. It is shown this once.
    secret: Option<String>,
    /// What to put right; empty on success. A repeated request is ALREADY_ISSUED.
    user_errors: Vec<UserError>,
}

/// Which key to end.
#[derive(InputObject)]
pub struct RevokeApiKeyInput {
    /// The key.
    id: ID,
}

/// What revokeApiKey answers.
#[derive(SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// The key, which is refused from now on; null when there are user errors.
    api_key: Option<ApiKey>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

async fn load(ctx: &Context<'_>, id: Option<Uuid>) -> async_graphql::Result<Option<ApiKey>> {
    let Some(id) = id else { return Ok(None) };
    let mut tx = ctx.snapshot().await?;
    let row = api_key_store::key(&mut tx, id)
        .await
        .map_err(|error| op_error(error.into()))?;
    Ok(row.map(ApiKey::from))
}

/// Queries of API keys.
#[derive(Default)]
pub struct ApiKeyQueries;

#[Object]
impl ApiKeyQueries {
    /// Your business's API keys, newest first; revoked and expired ones too.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
        #[graphql(
            default,
            desc = "Only keys that are still good while who made them is suspended or deactivated: revoke what is not \
                    needed."
        )]
        created_by_suspended: bool,
    ) -> async_graphql::Result<ApiKeyConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("apiKeys")?;
        let now = ctx.data::<Identity>()?.wall.now();
        let left_over = created_by_suspended.then_some(now);
        let mut tx = ctx.snapshot().await?;
        authorize(tx.ctx(), Cell::ApiKeyRead)
            .map_err(|denied| op_error(OpError::Forbidden(denied.to_string())))?;
        let rows = api_key_store::keys(&mut tx, &page, past, left_over)
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| (EdgeCursor::of("apiKeys", row.id), row.into()))
            .collect();
        Ok(ApiKeyConnection::from_rows(&page, rows))
    }
}

/// Mutations of API keys.
#[derive(Default)]
pub struct ApiKeyMutations;

#[Object]
impl ApiKeyMutations {
    /// Makes an API key, with which a program acts for your business, and shows it once.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key to be made.")] input: CreateApiKeyInput,
    ) -> async_graphql::Result<CreateApiKeyPayload> {
        let identity = ctx.data::<Identity>()?;
        let mut secret = None;
        let wish = KeyWish {
            name: input.name,
            scopes: input.scopes,
            expires_in_days: input.expires_in_days,
        };
        let mut outcome = mutate(ctx, async |tx, _| {
            let (id, key) = api_keys::create_api_key(tx, identity, wish).await?;
            secret = Some(key);
            Ok(Done::from(id))
        })
        .await?;
        if outcome.object.is_some() && secret.is_none() {
            outcome.user_errors.push(UserError::new(
                UserErrorCode::AlreadyIssued,
                "The key was shown when this request was first made. If it is lost, revoke it and make another.",
            ));
        }
        Ok(CreateApiKeyPayload {
            api_key: load(ctx, outcome.object).await?,
            secret,
            user_errors: outcome.user_errors,
        })
    }

    /// Ends an API key at once: requests with it are refused, and its sockets closed.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key.")] input: RevokeApiKeyInput,
    ) -> async_graphql::Result<RevokeApiKeyPayload> {
        let identity = ctx.data::<Identity>()?;
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::ApiKey, "id", &input.id)?;
            api_keys::revoke_api_key(tx, identity, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        forget_all(identity, outcome.object.as_slice());
        Ok(RevokeApiKeyPayload {
            api_key: load(ctx, outcome.object).await?,
            user_errors: outcome.user_errors,
        })
    }
}
