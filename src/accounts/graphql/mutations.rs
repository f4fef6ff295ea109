//! Mutations of the slice: parse, call, map.

use async_graphql::{Context, Object, SimpleObject};

use super::{Account, CreateAccountInput, UpdateAccountInput};
use crate::{
    accounts::{self, create_account, update_account},
    platform::{
        error::OpError,
        gql::{Done, Outcome, UserError, UserErrorCode, input_id, mutate},
        ids::IdKind,
    },
};

/// What createAccount answers.
#[derive(SimpleObject)]
pub struct CreateAccountPayload {
    /// The new account; null when there are user errors.
    account: Option<Account>,
    /// What was told of a person who is known already, otherwise than it is known, and was not taken: change it with
    /// updateDebtor if it is right. A national id is named here whenever it is told of somebody known, the same one too, and
    /// so is everything where you may not read accounts: nothing says whether a guess was right. Empty of somebody new; null
    /// when there are user errors.
    not_taken: Option<Vec<NotTaken>>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Something that was told of a person and not taken.
#[derive(SimpleObject)]
pub struct NotTaken {
    /// Path of the input field, for example `["input", "address"]`.
    field: Vec<String>,
    /// A sentence for the person who placed the debt.
    message: String,
}

/// What updateAccount answers.
#[derive(SimpleObject)]
pub struct UpdateAccountPayload {
    /// The changed account; null when there are user errors.
    account: Option<Account>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

const KNOWN_OTHERWISE: &str = "The person is known already, with something else here or nothing: change it with updateDebtor if this is right.";

const NOT_COMPARED: &str = "The person is known already, and this is not taken or compared with what is known of them: change it with updateDebtor if that is not right.";

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
            let created = create_account(tx, scope.keyring(), scope.db(), new).await?;
            // Kept with the object, so that a replay tells it again.
            let told = |told: &accounts::NotTaken| {
                let message = match told.is_known_otherwise {
                    true => KNOWN_OTHERWISE,
                    false => NOT_COMPARED,
                };
                UserError::at(UserErrorCode::Conflict, told.field, message)
            };
            Ok(Done {
                object: Some(created.id),
                user_errors: created.not_taken.iter().map(told).collect(),
            })
        })
        .await?;
        let is_placed = outcome.object.is_some();
        let (account, told) = payload(ctx, outcome).await?;
        // Where a debt was placed, nothing was refused, also where its account is not the caller's to read.
        let (not_taken, user_errors) = match is_placed {
            true => (told, Vec::new()),
            false => (Vec::new(), told),
        };
        let not_taken = not_taken.into_iter().map(|told| NotTaken {
            field: told.field.unwrap_or_default(),
            message: told.message,
        });
        let not_taken = is_placed.then(|| not_taken.collect());
        Ok(CreateAccountPayload {
            account,
            not_taken,
            user_errors,
        })
    }

    /// Changes an account's status, creditor, due date, labels or fields of your own, and what is known of its debtor. The
    /// balance is changed by postings only.
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
