//! Match suggestions and merges in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Debtor;
use crate::{
    accounts::{
        AccountLoaders,
        match_suggestions::MatchReason,
        merge::{MergeRow, merge_by_id},
        merge_debtors, unmerge_debtors,
    },
    identity::{Identity, graphql::User},
    platform::{
        gql::{Done, OpScope, Outcome, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// Somebody who may be the same person.
#[derive(SimpleObject)]
pub struct MatchSuggestion {
    /// The other person.
    debtor: Debtor,
    /// Why it may be the same.
    reasons: Vec<MatchReason>,
}

impl MatchSuggestion {
    /// Who else may be this person, as far as the caller sees them.
    ///
    /// # Errors
    /// Internal ones only.
    pub(super) async fn of_person(ctx: &Context<'_>, person: Uuid) -> async_graphql::Result<Vec<Self>> {
        let found = ctx
            .data::<AccountLoaders>()?
            .suggestions(ctx.scope()?, person)
            .await
            .map_err(op_error)?;
        let loads = found.iter().map(|other| Debtor::load(ctx, other.person_id));
        let debtors = futures_util::future::try_join_all(loads).await?;
        Ok(found
            .iter()
            .zip(debtors)
            .filter_map(|(other, debtor)| {
                Some(Self {
                    debtor: debtor?,
                    reasons: other.reasons.clone(),
                })
            })
            .collect())
    }
}

/// A record of a person that was merged into another one.
#[derive(Clone)]
pub struct DebtorMerge {
    row: Arc<MergeRow>,
}

impl DebtorMerge {
    fn new(scope: &OpScope, row: Arc<MergeRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// The standing merges of a person.
    ///
    /// # Errors
    /// Internal ones only.
    pub(super) async fn of_person(ctx: &Context<'_>, person: Uuid) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<AccountLoaders>()?
            .merges(scope, person)
            .await
            .map_err(op_error)?;
        Ok(found.iter().map(|row| Self::new(scope, row.clone())).collect())
    }

    async fn open(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        cipher: Option<&Vec<u8>>,
    ) -> async_graphql::Result<Option<String>> {
        let Some(cipher) = cipher else { return Ok(None) };
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let Some(key) = scope.data_key(&keys, &self.row.key).map_err(op_error)? else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, "debtor_merges", column, self.row.id, cipher)
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.expose().clone()))
    }
}

/// A record of a person that was merged into another one.
#[Object]
impl DebtorMerge {
    /// The merge's id (`mrg_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Merge, self.row.id).into()
    }

    /// The id of the record that was merged; while the merge stands it leads to the person.
    async fn merged_id(&self) -> ID {
        ids::encode(IdKind::Debtor, self.row.debtor_id).into()
    }

    /// The id of the record into which it was merged.
    async fn survivor_id(&self) -> ID {
        ids::encode(IdKind::Debtor, self.row.survivor_id).into()
    }

    /// Why; null when the records were destroyed.
    async fn reason(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "reason_cipher", Some(&self.row.reason_cipher))
            .await
    }

    /// Since when.
    async fn merged_at(&self) -> DateTime<Utc> {
        self.row.merged_at
    }

    /// The member of staff who merged them; null for an API key.
    async fn merged_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.merged_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Why it was undone; null while it stands, and when the records were destroyed.
    async fn unmerge_reason(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let cipher = self.row.unmerge_reason_cipher.as_ref();
        self.open(ctx, "unmerge_reason_cipher", cipher).await
    }

    /// Until when it stood; null while it stands.
    async fn unmerged_at(&self) -> Option<DateTime<Utc>> {
        self.row.unmerged_at
    }

    /// The member of staff who undid it.
    async fn unmerged_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.unmerged_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

/// Two records that are of one person.
#[derive(Debug, InputObject)]
pub struct MergeDebtorsInput {
    /// The record that is to stand for the person.
    survivor_id: ID,
    /// The record that is to lead to it.
    merged_id: ID,
    /// How it is known that they are the same, 1 to 1,000 characters; sealed.
    reason: String,
}

/// A merge that is to be undone.
#[derive(Debug, InputObject)]
pub struct UnmergeDebtorsInput {
    /// The merge.
    merge_id: ID,
    /// How it is known that they are not the same, 1 to 1,000 characters; sealed.
    reason: String,
}

/// What mergeDebtors answers.
#[derive(SimpleObject)]
pub struct MergeDebtorsPayload {
    /// The merge; null when there are user errors.
    merge: Option<DebtorMerge>,
    /// The person, with all of their debts; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What unmergeDebtors answers.
#[derive(SimpleObject)]
pub struct UnmergeDebtorsPayload {
    /// The merge that was undone; null when there are user errors.
    merge: Option<DebtorMerge>,
    /// The person from whom the record was taken; null when there are user errors.
    survivor: Option<Debtor>,
    /// The person who is one of their own again; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations that merge people.
#[derive(Default)]
pub struct MergeMutations;

#[Object]
impl MergeMutations {
    /// Says that two records are of one person. From now on they are one person to the lists and to the gate: caps,
    /// holds and opt-outs on one count for both, of two consents the stricter. Keys, debts and evidence stay where they
    /// are, so that unmergeDebtors is exact.
    async fn merge_debtors(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and why.")] input: MergeDebtorsInput,
    ) -> async_graphql::Result<MergeDebtorsPayload> {
        let identity = ctx.data::<Identity>()?;
        let mut ended = Vec::new();
        let outcome = mutate(ctx, async |tx, scope| {
            let survivor = input_id(IdKind::Debtor, "survivorId", &input.survivor_id)?;
            let merged = input_id(IdKind::Debtor, "mergedId", &input.merged_id)?;
            let (keyring, db, wall) = (scope.keyring(), scope.db(), identity.wall.now());
            let merged = merge_debtors(tx, keyring, db, survivor, merged, &input.reason, wall).await?;
            ended = merged.ended_sessions;
            Ok(Done::from(merged.id))
        })
        .await?;
        if outcome.object.is_some() {
            identity.forget_sessions(&ended);
        }
        let merge = payload(ctx, &outcome).await?;
        let debtor = match &merge {
            Some(merge) => Debtor::load(ctx, merge.row.survivor_id).await?,
            None => None,
        };
        Ok(MergeDebtorsPayload {
            merge,
            debtor,
            user_errors: outcome.user_errors,
        })
    }

    /// Undoes a merge, exactly. What was recorded meanwhile stays with the record on which it was recorded.
    async fn unmerge_debtors(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which merge, and why.")] input: UnmergeDebtorsInput,
    ) -> async_graphql::Result<UnmergeDebtorsPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Merge, "mergeId", &input.merge_id)?;
            unmerge_debtors(tx, scope.keyring(), scope.db(), id, &input.reason).await?;
            Ok(Done::from(id))
        })
        .await?;
        let merge = payload(ctx, &outcome).await?;
        let (survivor, debtor) = match &merge {
            Some(merge) => (
                Debtor::load(ctx, merge.row.survivor_id).await?,
                Debtor::load(ctx, merge.row.debtor_id).await?,
            ),
            None => (None, None),
        };
        Ok(UnmergeDebtorsPayload {
            merge,
            survivor,
            debtor,
            user_errors: outcome.user_errors,
        })
    }
}

async fn payload(ctx: &Context<'_>, outcome: &Outcome) -> async_graphql::Result<Option<DebtorMerge>> {
    let merge = match outcome.object {
        Some(id) => merge_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?,
        None => None,
    };
    let scope = ctx.scope()?;
    Ok(merge.map(|row| DebtorMerge::new(scope, Arc::new(row))))
}
