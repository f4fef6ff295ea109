//! Records of authority to sue, in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ComplianceLoaders, by_person::by_person, sealed::open_sealed};
use crate::{
    accounts::graphql::Account,
    compliance::suits::{
        NewSuitAuthority, SuitAuthorityRow, TABLE, record_suit_authority, suit_authorities_of,
        suit_authority_by_id, withdraw_suit_authority,
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{Date, Done, OpScope, Outcome, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// The records of one account.
pub(super) type SuitAuthorities = Arc<Vec<Arc<SuitAuthorityRow>>>;

/// What a person of your business recorded: that suit for a debt is intended, and by whose authority (15 USC 1692e(5)). While
/// it stands, the debt is not time-barred and its validation period has ended without a dispute, a message may speak of the
/// suit; else the gate refuses it.
pub struct SuitAuthority {
    row: Arc<SuitAuthorityRow>,
}

impl SuitAuthority {
    fn new(scope: &OpScope, row: Arc<SuitAuthorityRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// Those of an account, newest first.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_account(ctx: &Context<'_>, account: Uuid) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .suit_authorities
            .load(account, async |accounts: Vec<Uuid>| {
                let rows = suit_authorities_of(&mut *scope.snapshot().await?, &accounts).await?;
                let rows = rows.into_iter().map(|row| (row.account_id, row));
                Ok::<_, OpError>(by_person(rows))
            })
            .await
            .map_err(op_error)?;
        let rows: SuitAuthorities = found.unwrap_or_default();
        Ok(rows.iter().map(|row| Self::new(scope, row.clone())).collect())
    }

    async fn open(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        cipher: Option<&[u8]>,
    ) -> async_graphql::Result<Option<String>> {
        open_sealed(ctx, &self.row.key(), (TABLE, column, self.row.id), cipher).await
    }
}

/// What a person of your business recorded: that suit for a debt is intended, and by whose authority (15 USC 1692e(5)). While
/// it stands, the debt is not time-barred and its validation period has ended without a dispute, a message may speak of the
/// suit; else the gate refuses it.
#[Object]
impl SuitAuthority {
    /// The record's id (`suit_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::SuitAuthority, self.row.id).into()
    }

    /// The debt.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        Account::load(ctx, self.row.account_id).await
    }

    /// Who decided that suit is brought, and by what authority; null when the person's records were destroyed.
    async fn authority(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "authority_cipher", Some(&self.row.authority_cipher))
            .await
    }

    /// The last day on which suit may be brought. After it the gate lets nothing out that speaks of a suit (12 CFR 1006.26(b)).
    async fn limitation_expires_on(&self) -> Date {
        Date(self.row.limitation_expires_on)
    }

    /// How that day was found; null when the person's records were destroyed.
    async fn limitation_basis(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let cipher = Some(self.row.limitation_basis_cipher.as_slice());
        self.open(ctx, "limitation_basis_cipher", cipher).await
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.row.recorded_at
    }

    /// The member of staff who recorded it.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        User::load(ctx, self.row.recorded_by).await
    }

    /// When it was taken back; null while it stands.
    async fn withdrawn_at(&self) -> Option<DateTime<Utc>> {
        self.row.withdrawn_at
    }

    /// Who took it back; null while it stands.
    async fn withdrawn_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.withdrawn_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Why it was taken back; null while it stands, and when the person's records were destroyed.
    async fn withdrawal_reason(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "withdrawal_cipher", self.row.withdrawal_cipher.as_deref())
            .await
    }
}

/// That suit for a debt is intended and authorised.
#[derive(Debug, InputObject)]
pub struct RecordSuitAuthorityInput {
    /// The debt (`acct_…`).
    account_id: ID,
    /// Who decided that suit is brought, and by what authority: the creditor's instruction, the attorney's engagement. 1 to
    /// 2,000 characters.
    authority: String,
    /// The last day on which suit may be brought, today or later.
    limitation_expires_on: Date,
    /// How that day was found: when the claim accrued, which law governs it, what tolled it or began it anew. 1 to 2,000
    /// characters.
    limitation_basis: String,
}

/// A record that counts no more.
#[derive(Debug, InputObject)]
pub struct WithdrawSuitAuthorityInput {
    /// The record (`suit_…`).
    id: ID,
    /// Why, 1 to 2,000 characters.
    reason: String,
}

/// What recordSuitAuthority answers.
#[derive(SimpleObject)]
pub struct RecordSuitAuthorityPayload {
    /// The record; null when there are user errors.
    suit_authority: Option<SuitAuthority>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What withdrawSuitAuthority answers.
#[derive(SimpleObject)]
pub struct WithdrawSuitAuthorityPayload {
    /// The record, as taken back; null when there are user errors.
    suit_authority: Option<SuitAuthority>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of records of authority to sue.
#[derive(Default)]
pub struct SuitMutations;

#[Object]
impl SuitMutations {
    /// Records that suit for a debt is intended, by whose authority, and until when the law lets it be brought. While one
    /// stands there is no second.
    async fn record_suit_authority(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For which debt, and by whose authority.")] input: RecordSuitAuthorityInput,
    ) -> async_graphql::Result<RecordSuitAuthorityPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let new = NewSuitAuthority {
                account_id: input_id(IdKind::Account, "accountId", &input.account_id)?,
                authority: input.authority.clone(),
                limitation_expires_on: input.limitation_expires_on.0,
                limitation_basis: input.limitation_basis.clone(),
            };
            let id = record_suit_authority(tx, scope.keyring(), scope.db(), new).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (suit_authority, user_errors) = payload(ctx, outcome).await?;
        Ok(RecordSuitAuthorityPayload {
            suit_authority,
            user_errors,
        })
    }

    /// Takes such a record back: suit is intended no more, or was never authorised. From the next decision on the gate lets
    /// nothing out that speaks of one; the record stays readable.
    async fn withdraw_suit_authority(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which record, and why.")] input: WithdrawSuitAuthorityInput,
    ) -> async_graphql::Result<WithdrawSuitAuthorityPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id: Uuid = input_id(IdKind::SuitAuthority, "id", &input.id)?;
            withdraw_suit_authority(tx, scope.keyring(), scope.db(), (id, &input.reason)).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (suit_authority, user_errors) = payload(ctx, outcome).await?;
        Ok(WithdrawSuitAuthorityPayload {
            suit_authority,
            user_errors,
        })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<SuitAuthority>, Vec<UserError>)> {
    let row = match outcome.object {
        Some(id) => suit_authority_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?,
        None => None,
    };
    let scope = ctx.scope()?;
    Ok((
        row.map(|row| SuitAuthority::new(scope, Arc::new(row))),
        outcome.user_errors,
    ))
}
