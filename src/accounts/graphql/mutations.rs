//! Mutations of the slice: parse, call, map.

use async_graphql::{Context, Object, SimpleObject};

use super::{Account, CreateAccountInput, UpdateAccountInput};
use crate::{
    accounts::{create_account, update_account},
    platform::{
        error::OpError,
        gql::{Done, Outcome, UserError, input_id, mutate},
        ids::IdKind,
    },
};

/// What createAccount answers.
#[derive(SimpleObject)]
pub struct CreateAccountPayload {
    /// The new account; null when there are user errors.
    account: Option<Account>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What updateAccount answers.
#[derive(SimpleObject)]
pub struct UpdateAccountPayload {
    /// The changed account; null when there are user errors.
    account: Option<Account>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of accounts.
#[derive(Default)]
pub struct ChangeMutations;

#[Object]
impl ChangeMutations {
    /// Places a debt: finds or makes the person, makes the account and posts its opening balance to the ledger.
    async fn create_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The debt and the person.")] input: CreateAccountInput,
    ) -> async_graphql::Result<CreateAccountPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let new = input.parse().map_err(OpError::User)?;
            Ok(Done::from(
                create_account(tx, scope.keyring(), scope.db(), new).await?,
            ))
        })
        .await?;
        let (account, user_errors) = payload(ctx, outcome).await?;
        Ok(CreateAccountPayload { account, user_errors })
    }

    /// Changes an account's status, creditor, due date or labels, and what is known of its debtor. The balance is
    /// changed by postings only.
    async fn update_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account, and what changes.")] input: UpdateAccountInput,
    ) -> async_graphql::Result<UpdateAccountPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Account, "id", &input.id)?;
            let patch = input.patch().map_err(OpError::User)?;
            update_account(tx, scope.keyring(), scope.db(), id, patch).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (account, user_errors) = payload(ctx, outcome).await?;
        Ok(UpdateAccountPayload { account, user_errors })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<Account>, Vec<UserError>)> {
    let account = match outcome.object {
        Some(id) => Account::load(ctx, id).await?,
        None => None,
    };
    Ok((account, outcome.user_errors))
}
