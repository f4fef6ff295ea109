//! How long records of people are kept, in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::{
    accounts::debtor_by_id,
    compliance::{
        privacy::{LEAST_YEARS, MOST_YEARS, clocks, kept_until, retention_years_of, set_retention_years},
        rule_set::RuleSet,
    },
    platform::{
        gql::{Date, Done, ScopeExt as _, UserError, mutate, not_found, op_error, parse_id},
        ids::IdKind,
    },
};

/// How long the business keeps records of people.
#[derive(Clone, Debug, SimpleObject)]
pub struct RecordRetention {
    /// Years after the last collection activity.
    years: i32,
    /// The least that can be set. The law's floor is three years after the last collection activity (12 CFR 1006.100(a)).
    minimum_years: i32,
    /// The most that can be set.
    maximum_years: i32,
}

/// How long the records of one person are kept.
#[derive(Clone, Debug, SimpleObject)]
pub struct DebtorRetention {
    /// The last collection activity: a message either way, a contact, a debt that was placed, an entry in the ledger, a word
    /// on consent, a validation notice, a hold.
    last_activity_at: DateTime<Utc>,
    /// The last day on which the records are kept, as things stand.
    kept_until: Date,
    /// A legal hold (kind LEGAL) stands on the person or one of their debts: nothing is erased or destroyed.
    on_legal_hold: bool,
    /// Debts that are still collected: their person's records stay, unless the person was erased.
    open_accounts: i32,
    /// Since when their profile is erased; null while it is not.
    erased_at: Option<DateTime<Utc>>,
    /// Since when their records are destroyed too; null while they are kept.
    records_destroyed_at: Option<DateTime<Utc>>,
}

/// How long records are to be kept.
#[derive(Debug, InputObject)]
pub struct SetRecordRetentionInput {
    /// Years after the last collection activity: 7 to 30.
    years: i32,
}

/// What setRecordRetention answers.
#[derive(SimpleObject)]
pub struct SetRecordRetentionPayload {
    /// What holds now; null when there are user errors.
    retention: Option<RecordRetention>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of retention.
#[derive(Default)]
pub struct RetentionQueries;

#[Object]
impl RetentionQueries {
    /// How long the business keeps records of people.
    async fn record_retention(&self, ctx: &Context<'_>) -> async_graphql::Result<RecordRetention> {
        retention(ctx).await
    }

    /// How long the records of a person are kept, and what stands in the way of their end; null with a NOT_FOUND error when
    /// there is no such person of yours.
    async fn debtor_retention(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose (`dbtr_…`).")] debtor_id: ID,
    ) -> async_graphql::Result<Option<DebtorRetention>> {
        let id = parse_id(IdKind::Debtor, "debtorId", &debtor_id)?;
        let scope = ctx.scope()?;
        let mut tx = ctx.snapshot().await?;
        let internal = |error: crate::platform::db::DbError| op_error(error.into());
        let Some(debtor) = debtor_by_id(&mut tx, id).await.map_err(internal)? else {
            return Err(not_found("debtor"));
        };
        let years = retention_years_of(&mut tx).await.map_err(internal)?;
        let clock = clocks(&mut tx, &[debtor.person_id])
            .await
            .map_err(internal)?
            .pop();
        scope.saw_debtor(debtor.id);
        Ok(clock.map(|clock| DebtorRetention {
            last_activity_at: clock.last_activity_at,
            kept_until: Date(kept_until(RuleSet::current(), &clock, years)),
            on_legal_hold: clock.on_legal_hold,
            open_accounts: i32::try_from(clock.open_accounts).unwrap_or(i32::MAX),
            erased_at: clock.erased_at,
            records_destroyed_at: clock.records_destroyed_at,
        }))
    }
}

async fn retention(ctx: &Context<'_>) -> async_graphql::Result<RecordRetention> {
    let years = retention_years_of(&mut *ctx.snapshot().await?)
        .await
        .map_err(|error| op_error(error.into()))?;
    Ok(RecordRetention {
        years: i32::from(years),
        minimum_years: i32::from(LEAST_YEARS),
        maximum_years: i32::from(MOST_YEARS),
    })
}

/// Mutations of retention.
#[derive(Default)]
pub struct RetentionMutations;

#[Object]
impl RetentionMutations {
    /// Sets how long the business keeps records of people after the last collection activity.
    async fn set_record_retention(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How long.")] input: SetRecordRetentionInput,
    ) -> async_graphql::Result<SetRecordRetentionPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            set_retention_years(tx, input.years).await?;
            Ok(Done::from(tx.business_id()))
        })
        .await?;
        let retention = match outcome.object {
            Some(_) => Some(retention(ctx).await?),
            None => None,
        };
        Ok(SetRecordRetentionPayload {
            retention,
            user_errors: outcome.user_errors,
        })
    }
}
