//! Deleting and restoring accounts, in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::Account;
use crate::{
    accounts::{delete_account, ports::ActivePlans, restore_account},
    identity::Identity,
    platform::{
        gql::{Done, UserError, input_id, mutate},
        ids::{self, IdKind},
    },
};

/// An account to be deleted.
#[derive(Debug, InputObject)]
pub struct DeleteAccountInput {
    /// The account.
    id: ID,
    /// Why, 1 to 1,000 characters: becomes the account's last note.
    reason: String,
}

/// A deleted account to be brought back.
#[derive(Debug, InputObject)]
pub struct RestoreAccountInput {
    /// The account.
    id: ID,
}

/// What deleteAccount answers.
#[derive(SimpleObject)]
pub struct DeleteAccountPayload {
    /// The id of the account that is gone; null when there are user errors.
    deleted_id: Option<ID>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What restoreAccount answers.
#[derive(SimpleObject)]
pub struct RestoreAccountPayload {
    /// The account, as it was; null when there are user errors.
    account: Option<Account>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations that delete and restore.
#[derive(Default)]
pub struct DeletionMutations;

#[Object]
impl DeletionMutations {
    /// Takes an account out of every list; its threads stay readable, and restoreAccount brings it back. Refused while a
    /// payment plan is running. Messages that wait are not sent any more.
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account, and why.")] input: DeleteAccountInput,
    ) -> async_graphql::Result<DeleteAccountPayload> {
        let plans = ctx.data::<Arc<dyn ActivePlans>>()?;
        let identity = ctx.data::<Identity>()?;
        let mut ended = Vec::new();
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Account, "id", &input.id)?;
            let (keyring, db, wall) = (scope.keyring(), scope.db(), identity.wall.now());
            ended = delete_account(tx, keyring, db, plans.as_ref(), id, &input.reason, wall).await?;
            Ok(Done::from(id))
        })
        .await?;
        if outcome.object.is_some() {
            identity.forget_sessions(&ended);
        }
        Ok(DeleteAccountPayload {
            deleted_id: outcome.object.map(|id| ids::encode(IdKind::Account, id).into()),
            user_errors: outcome.user_errors,
        })
    }

    /// Brings a deleted account back, as it was.
    async fn restore_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account.")] input: RestoreAccountInput,
    ) -> async_graphql::Result<RestoreAccountPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Account, "id", &input.id)?;
            restore_account(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        let account = match outcome.object {
            Some(id) => Account::load(ctx, id).await?,
            None => None,
        };
        Ok(RestoreAccountPayload {
            account,
            user_errors: outcome.user_errors,
        })
    }
}
