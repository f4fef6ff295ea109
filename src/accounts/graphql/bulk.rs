//! What is done to many accounts at once, in the API.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use super::Account;
use crate::{
    accounts::{OriginPatch, assign_accounts, set_accounts_origin, tag_accounts},
    platform::{
        gql::{Done, Outcome, UserError, input_id, mutate},
        ids::IdKind,
    },
};

/// Labels for many accounts.
#[derive(Debug, InputObject)]
pub struct TagAccountsInput {
    /// The accounts, at most 500; all of them change, or none.
    account_ids: Vec<ID>,
    /// Labels to put on, at most 50.
    add: Option<Vec<String>>,
    /// Labels to take off, at most 50.
    remove: Option<Vec<String>>,
}

/// Who is to work on many accounts.
#[derive(Debug, InputObject)]
pub struct AssignAccountsInput {
    /// The accounts, at most 500; all of them change, or none.
    account_ids: Vec<ID>,
    /// The member of staff; null for nobody. An agent may name only themselves.
    agent_id: Option<ID>,
}

/// To whom many accounts are owed. Of the two at least one has to be there; what is left out stays as it is.
#[derive(Debug, InputObject)]
pub struct SetAccountsCreditorInput {
    /// The accounts, at most 500; all of them change, or none.
    account_ids: Vec<ID>,
    /// Who is owed now; null for nobody. It takes the accounts out of their placements, unless one is named too.
    creditor_id: MaybeUndefined<ID>,
    /// With what they were handed over, which brings its creditor along; null for nothing.
    placement_id: MaybeUndefined<ID>,
}

/// What tagAccounts answers.
#[derive(SimpleObject)]
pub struct TagAccountsPayload {
    /// The accounts in the order in which they were named; null when there are user errors.
    accounts: Option<Vec<Account>>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What assignAccounts answers.
#[derive(SimpleObject)]
pub struct AssignAccountsPayload {
    /// The accounts in the order in which they were named; null when there are user errors.
    accounts: Option<Vec<Account>>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What setAccountsCreditor answers.
#[derive(SimpleObject)]
pub struct SetAccountsCreditorPayload {
    /// The accounts in the order in which they were named; null when there are user errors.
    accounts: Option<Vec<Account>>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of many accounts.
#[derive(Default)]
pub struct BulkMutations;

#[Object]
impl BulkMutations {
    /// Puts labels on many accounts and takes others off, all or nothing.
    async fn tag_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which accounts and which labels.")] input: TagAccountsInput,
    ) -> async_graphql::Result<TagAccountsPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let ids = account_ids(&input.account_ids)?;
            let (add, remove) = (
                input.add.clone().unwrap_or_default(),
                input.remove.clone().unwrap_or_default(),
            );
            tag_accounts(tx, &ids, &add, &remove).await?;
            Ok(Done {
                object: ids.first().copied(),
                user_errors: Vec::new(),
            })
        })
        .await?;
        let (accounts, user_errors) = payload(ctx, outcome, &input.account_ids).await?;
        Ok(TagAccountsPayload {
            accounts,
            user_errors,
        })
    }

    /// Gives many accounts to a member of staff, or to nobody, all or nothing. An agent may take those of nobody and
    /// give back their own.
    async fn assign_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which accounts, and who is to have them.")] input: AssignAccountsInput,
    ) -> async_graphql::Result<AssignAccountsPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let ids = account_ids(&input.account_ids)?;
            let agent = input
                .agent_id
                .as_ref()
                .map(|agent| input_id(IdKind::User, "agentId", agent))
                .transpose()?;
            assign_accounts(tx, &ids, agent).await?;
            Ok(Done {
                object: ids.first().copied(),
                user_errors: Vec::new(),
            })
        })
        .await?;
        let (accounts, user_errors) = payload(ctx, outcome, &input.account_ids).await?;
        Ok(AssignAccountsPayload {
            accounts,
            user_errors,
        })
    }

    /// Says of many accounts to whom they are owed, or with what they were handed over, all or nothing.
    async fn set_accounts_creditor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which accounts, and whose they are.")] input: SetAccountsCreditorInput,
    ) -> async_graphql::Result<SetAccountsCreditorPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let ids = account_ids(&input.account_ids)?;
            let named = |kind, field, given: &MaybeUndefined<ID>| match given.as_opt_ref() {
                Some(id) => id.map(|id| input_id(kind, field, id)).transpose().map(Some),
                None => Ok(None),
            };
            let origin = OriginPatch {
                creditor_id: named(IdKind::Creditor, "creditorId", &input.creditor_id)?,
                placement_id: named(IdKind::Placement, "placementId", &input.placement_id)?,
            };
            set_accounts_origin(tx, &ids, origin).await?;
            Ok(Done {
                object: ids.first().copied(),
                user_errors: Vec::new(),
            })
        })
        .await?;
        let (accounts, user_errors) = payload(ctx, outcome, &input.account_ids).await?;
        Ok(SetAccountsCreditorPayload {
            accounts,
            user_errors,
        })
    }
}

/// Each once, in the order in which they were named.
fn account_ids(ids: &[ID]) -> Result<Vec<Uuid>, UserError> {
    let mut found = Vec::with_capacity(ids.len());
    let mut seen = std::collections::HashSet::with_capacity(ids.len());
    for id in ids {
        let id = input_id(IdKind::Account, "accountIds", id)?;
        if seen.insert(id) {
            found.push(id);
        }
    }
    Ok(found)
}

/// The accounts are read again: also after a replay, which knows only that it was done.
async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
    ids: &[ID],
) -> async_graphql::Result<(Option<Vec<Account>>, Vec<UserError>)> {
    if outcome.object.is_none() {
        return Ok((None, outcome.user_errors));
    }
    let ids = account_ids(ids).unwrap_or_default();
    let loads = ids.iter().map(|id| Account::load(ctx, *id));
    let accounts = futures_util::future::try_join_all(loads).await?;
    Ok((
        Some(accounts.into_iter().flatten().collect()),
        outcome.user_errors,
    ))
}
