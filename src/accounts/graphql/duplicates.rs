//! The queue of possible duplicates in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::Debtor;
use crate::{
    accounts::{
        duplicates::{DuplicateKey, DuplicateRow, mark_distinct, page_of_duplicates},
        match_suggestions::MatchReason,
    },
    platform::{
        gql::{AtHand, Done, EdgeCursor, PageArgs, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::IdKind,
    },
};

crate::relay_connection!(
    DuplicateSuggestion,
    DuplicateSuggestionConnection,
    DuplicateSuggestionEdge
);

/// Two people who are probably one.
#[derive(Clone)]
pub struct DuplicateSuggestion {
    row: Arc<DuplicateRow>,
    debtor: Debtor,
    other: Debtor,
}

impl AtHand for DuplicateSuggestion {}

/// Two people who are probably one: mergeDebtors makes them one, markDebtorsDistinct says that they are two.
#[Object]
impl DuplicateSuggestion {
    /// The one who was recorded first.
    async fn debtor(&self) -> &Debtor {
        &self.debtor
    }

    /// The other.
    async fn other(&self) -> &Debtor {
        &self.other
    }

    /// Why it may be one person.
    async fn reasons(&self) -> &[MatchReason] {
        &self.row.reasons
    }

    /// When it was found.
    async fn found_at(&self) -> DateTime<Utc> {
        self.row.found_at
    }
}

/// Queries about possible duplicates.
#[derive(Default)]
pub struct DuplicateQueries;

#[Object]
impl DuplicateQueries {
    /// People who are probably one, what was found last first. It is looked for within minutes of a record's being made or
    /// changed: an equal national id, name and date of birth, or name and postal code with a telephone number or e-mail address
    /// in common. `Debtor.matchSuggestions` knows weaker reasons too.
    async fn duplicate_suggestions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<DuplicateSuggestionConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<DuplicateKey>("duplicateSuggestions")?;
        let rows = page_of_duplicates(&mut *ctx.snapshot().await?, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let loads = rows
            .iter()
            .flat_map(|row| [row.one, row.other])
            .map(|id| Debtor::load(ctx, id));
        let mut debtors = futures_util::future::try_join_all(loads).await?.into_iter();
        let rows = rows
            .into_iter()
            .filter_map(|row| {
                let (debtor, other) = (debtors.next()?, debtors.next()?);
                let suggestion = DuplicateSuggestion {
                    debtor: debtor?,
                    other: other?,
                    row: Arc::new(row),
                };
                let cursor = EdgeCursor::of("duplicateSuggestions", suggestion.row.key());
                Some((cursor, suggestion))
            })
            .collect();
        Ok(DuplicateSuggestionConnection::from_rows(&page, rows))
    }
}

/// Two records that are of two people.
#[derive(Debug, InputObject)]
pub struct MarkDebtorsDistinctInput {
    /// The one.
    debtor_id: ID,
    /// The other.
    other_debtor_id: ID,
}

/// What markDebtorsDistinct answers.
#[derive(SimpleObject)]
pub struct MarkDebtorsDistinctPayload {
    /// The one; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of possible duplicates.
#[derive(Default)]
pub struct DuplicateMutations;

#[Object]
impl DuplicateMutations {
    /// Says that two people are not one: neither is suggested for the other any more. Merging them stays possible.
    async fn mark_debtors_distinct(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: MarkDebtorsDistinctInput,
    ) -> async_graphql::Result<MarkDebtorsDistinctPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let one = input_id(IdKind::Debtor, "debtorId", &input.debtor_id)?;
            let other = input_id(IdKind::Debtor, "otherDebtorId", &input.other_debtor_id)?;
            mark_distinct(tx, one, other).await?;
            Ok(Done::from(one))
        })
        .await?;
        let debtor = match outcome.object {
            Some(id) => Debtor::load(ctx, id).await?,
            None => None,
        };
        Ok(MarkDebtorsDistinctPayload {
            debtor,
            user_errors: outcome.user_errors,
        })
    }
}
