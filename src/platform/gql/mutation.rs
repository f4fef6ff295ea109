//! What every mutation inside a business shares: one transaction, user errors, and the `Idempotency-Key`, whose row
//! commits with the effect and whose replay is read again under the caller's own rights.

use async_graphql::{Context, Error, ErrorExtensions as _};
use chrono::TimeDelta;
use uuid::Uuid;

use super::{OpScope, ScopeExt as _, UserError, op_error};
use crate::platform::{
    context::IdempotencyKey,
    db::{DbError, TenantTx},
    error::OpError,
    error_code::ErrorCode,
};

/// How long a key is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// What a use case left behind, to be committed.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// The object of the payload.
    pub object: Option<Uuid>,
    /// Refusals that are recorded all the same (a contact that the gate refused).
    pub user_errors: Vec<UserError>,
}

impl From<Uuid> for Done {
    fn from(object: Uuid) -> Self {
        Self {
            object: Some(object),
            user_errors: Vec::new(),
        }
    }
}

/// What the payload is made from.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The object, if there is one.
    pub object: Option<Uuid>,
    /// What the person should put right.
    pub user_errors: Vec<UserError>,
}

/// Runs `work` in one transaction and commits it. With an `Idempotency-Key` that was used before for the same
/// request, nothing runs and the stored outcome is returned.
///
/// # Errors
/// Top-level errors only; what the person can act on is in [`Outcome::user_errors`].
pub async fn mutate<F>(ctx: &Context<'_>, work: F) -> async_graphql::Result<Outcome>
where
    F: AsyncFnOnce(&mut TenantTx, &OpScope) -> Result<Done, OpError>,
{
    let scope = ctx.scope()?;
    // A later mutation of the same request must not see this one's snapshot.
    scope.close().await;
    let key = scope.ctx().idempotency().cloned();
    match run(scope, key.as_ref(), work).await {
        Ok(outcome) => Ok(outcome),
        Err(Refused::Op(OpError::User(user_errors))) => Ok(Outcome {
            object: None,
            user_errors,
        }),
        Err(Refused::Op(other)) => Err(op_error(other)),
        Err(Refused::KeyReused) => Err(key_reused()),
    }
}

enum Refused {
    Op(OpError),
    KeyReused,
}

impl<E: Into<OpError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Op(error.into())
    }
}

async fn run<F>(scope: &OpScope, key: Option<&IdempotencyKey>, work: F) -> Result<Outcome, Refused>
where
    F: AsyncFnOnce(&mut TenantTx, &OpScope) -> Result<Done, OpError>,
{
    let mut tx = scope.db().tenant(scope.ctx()).await?;
    if let Some(key) = key {
        take_turn(&mut tx, key).await?;
        if let Some(outcome) = replay(&mut tx, key).await? {
            return Ok(outcome);
        }
    }
    let done = work(&mut tx, scope).await?;
    if let Some(key) = key {
        remember(&mut tx, key, &done).await?;
    }
    tx.commit().await?;
    Ok(Outcome {
        object: done.object,
        user_errors: done.user_errors,
    })
}

/// The caller's id in the key's row: the user, the debtor or the API key.
fn caller_id(tx: &TenantTx) -> Uuid {
    tx.ctx().actor().id().unwrap_or(Uuid::nil())
}

/// The same key twice at once: the second waits until the first has committed or failed, and does not begin work that
/// would clash with it.
async fn take_turn(tx: &mut TenantTx, key: &IdempotencyKey) -> Result<(), DbError> {
    let place = format!("{} {} {}", tx.business_id(), caller_id(tx), key.key);
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn replay(tx: &mut TenantTx, key: &IdempotencyKey) -> Result<Option<Outcome>, Refused> {
    let (business, caller, horizon) = (tx.business_id(), caller_id(tx), tx.now() - REMEMBERED);
    let stored = sqlx::query!(
        "SELECT request_hash, object_id, user_errors, created_at > $4 AS \"fresh!\" FROM idempotency_keys
         WHERE business_id = $1 AND caller_id = $2 AND key = $3",
        business,
        caller,
        key.key.as_ref(),
        horizon,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(stored) = stored else { return Ok(None) };
    if !stored.fresh {
        sqlx::query!(
            "DELETE FROM idempotency_keys WHERE business_id = $1 AND caller_id = $2 AND key = $3",
            business,
            caller,
            key.key.as_ref(),
        )
        .execute(tx.conn())
        .await?;
        return Ok(None);
    }
    if stored.request_hash != key.request_hash {
        return Err(Refused::KeyReused);
    }
    let user_errors = serde_json::from_value(stored.user_errors).unwrap_or_default();
    Ok(Some(Outcome {
        object: stored.object_id,
        user_errors,
    }))
}

async fn remember(tx: &mut TenantTx, key: &IdempotencyKey, done: &Done) -> Result<(), DbError> {
    let (business, caller, now) = (tx.business_id(), caller_id(tx), tx.now());
    sqlx::query!(
        "INSERT INTO idempotency_keys (business_id, caller_id, key, request_hash, object_id, user_errors, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        business,
        caller,
        key.key.as_ref(),
        key.request_hash.as_slice(),
        done.object,
        serde_json::to_value(&done.user_errors).unwrap_or_default(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn key_reused() -> Error {
    Error::new("This Idempotency-Key was used for another request: make a new key for a new request.")
        .extend_with(|_, extensions| extensions.set("code", ErrorCode::IdempotencyKeyReused.as_str()))
}
