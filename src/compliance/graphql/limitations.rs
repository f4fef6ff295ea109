//! Limitation periods in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ComplianceLoaders, sealed::open_sealed};
use crate::{
    accounts::graphql::Account,
    compliance::{
        limitations::{
            LimitationRow, NewLimitation, TABLE, limitation_by_id, limitations_of, record_limitation,
        },
        suits::is_time_barred,
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{Date, Done, OpScope, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// When the limitation period of a debt ends or ended, as a person of your business found it.
pub struct Limitation {
    row: Arc<LimitationRow>,
}

impl Limitation {
    fn new(scope: &OpScope, row: Arc<LimitationRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// That of an account: the newest record.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_account(ctx: &Context<'_>, account: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .limitations
            .load(account, async |accounts: Vec<Uuid>| {
                let rows = limitations_of(&mut *scope.snapshot().await?, &accounts).await?;
                let rows = rows.into_iter().map(|row| (row.account_id, Arc::new(row)));
                Ok::<_, OpError>(rows.collect())
            })
            .await
            .map_err(op_error)?;
        Ok(found.map(|row| Self::new(scope, row)))
    }
}

/// When the limitation period of a debt ends or ended, as a person of your business found it. Once it has, nobody sues or speaks
/// of it (12 CFR 1006.26(b)); in some states the debt is gone then, and in others the gate lets a message out only with the text
/// that the state prescribes.
#[Object]
impl Limitation {
    /// The record's id (`lim_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Limitation, self.row.id).into()
    }

    /// The debt.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        Account::load(ctx, self.row.account_id).await
    }

    /// The last day on which suit may be brought, or might have been.
    async fn expires_on(&self) -> Date {
        Date(self.row.expires_on)
    }

    /// Whether it has ended, wherever its last day is counted: the debt is time-barred.
    async fn has_ended(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(is_time_barred(
            self.row.expires_on,
            ctx.scope()?.db().clock().now(),
        ))
    }

    /// The state whose law governs the debt, by its USPS code; null where that is not settled: then the debtor's state is taken.
    async fn governing_law(&self) -> Option<String> {
        self.row.governing_law.clone()
    }

    /// How that day was found; null when the person's records were destroyed.
    async fn basis(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let cipher = Some(self.row.basis_cipher.as_slice());
        open_sealed(ctx, &self.row.key(), (TABLE, "basis_cipher", self.row.id), cipher).await
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.row.recorded_at
    }

    /// The member of staff who recorded it.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        User::load(ctx, self.row.recorded_by).await
    }
}

/// When the limitation period of a debt ends or ended.
#[derive(Debug, InputObject)]
pub struct RecordLimitationInput {
    /// The debt (`acct_…`).
    account_id: ID,
    /// The last day on which suit may be brought, or might have been.
    expires_on: Date,
    /// The state whose law governs the debt, by its USPS code, where that is settled.
    governing_law: Option<String>,
    /// How that day was found: when the claim accrued, what tolled it or began it anew. 1 to 2,000 characters.
    basis: String,
}

/// What recordLimitation answers.
#[derive(SimpleObject)]
pub struct RecordLimitationPayload {
    /// The record; null when there are user errors.
    limitation: Option<Limitation>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of limitation periods.
#[derive(Default)]
pub struct LimitationMutations;

#[Object]
impl LimitationMutations {
    /// Records when the limitation period of a debt ends or ended, also of one that was old when it was placed. A newer record
    /// takes the place of an older one, and of what recordSuitAuthority said; both stay on record.
    async fn record_limitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which debt, when, and how that was found.")] input: RecordLimitationInput,
    ) -> async_graphql::Result<RecordLimitationPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let new = NewLimitation {
                account_id: input_id(IdKind::Account, "accountId", &input.account_id)?,
                expires_on: input.expires_on.0,
                governing_law: input.governing_law.clone(),
                basis: input.basis.clone(),
            };
            let id = record_limitation(tx, scope.keyring(), scope.db(), new).await?;
            Ok(Done::from(id))
        })
        .await?;
        let row = match outcome.object {
            Some(id) => limitation_by_id(&mut *ctx.snapshot().await?, id)
                .await
                .map_err(|error| op_error(error.into()))?,
            None => None,
        };
        let scope = ctx.scope()?;
        Ok(RecordLimitationPayload {
            limitation: row.map(|row| Limitation::new(scope, Arc::new(row))),
            user_errors: outcome.user_errors,
        })
    }
}
