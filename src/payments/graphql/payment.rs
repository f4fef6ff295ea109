//! A payment in the API.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Refund;
use crate::{
    access::{Cell, authorize},
    accounts::{
        PageOf,
        graphql::{Account, Debtor},
    },
    identity::graphql::User,
    payments::{PaymentLoaders, PaymentMethodKind, PaymentState, loaders::PaymentRow},
    platform::{
        gql::{AtHand, EdgeCursor, MoneyValue, OpScope, PageArgs, ScopeExt as _, op_error},
        ids::{self, IdKind},
        money::Money,
    },
};

/// Where a payment stands. The balance is less by what was paid from SUCCEEDED on, and owed again from a refund or a dispute on.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum PaymentStatus {
    /// It is being asked for.
    Created,
    /// The provider's answer was lost, and is being looked up. Do not pay again.
    Unknown,
    /// The payer has yet to say with what they pay: go on with `clientSecret` in their browser. Within an hour.
    RequiresPaymentMethod,
    /// The payer has yet to confirm it with their bank (3-D Secure): go on with `clientSecret` in their browser. Within an hour.
    RequiresAction,
    /// On its way; a bank debit takes days.
    Processing,
    /// Paid, and posted.
    Succeeded,
    /// Declined, or never taken: nothing was paid.
    Failed,
    /// Given up before anything was paid.
    Canceled,
    /// Paid, and given back in part.
    PartiallyRefunded,
    /// Paid, and given back in whole.
    Refunded,
    /// Paid, and taken back by the payer's bank.
    Disputed,
}

/// A payment of a debt.
#[derive(Clone)]
pub struct Payment {
    row: Arc<PaymentRow>,
}

crate::relay_connection!(Payment, PaymentConnection, PaymentEdge);

impl AtHand for Payment {}

impl Payment {
    pub(super) fn new(scope: &OpScope, row: Arc<PaymentRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// Looks a payment up; `None` when it is not the caller's or they may not read payments.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::PaymentRead).is_err() {
            return Ok(None);
        }
        let row = ctx
            .data::<PaymentLoaders>()?
            .payment(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self::new(scope, row)))
    }

    /// An account's payments, newest first.
    ///
    /// # Errors
    /// FORBIDDEN, BAD_USER_INPUT for a page that cannot be, internal ones.
    pub async fn of_account(
        ctx: &Context<'_>,
        account: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<PaymentConnection> {
        let scope = ctx.scope()?;
        authorize(scope.ctx(), Cell::PaymentRead)
            .map_err(|denied| crate::platform::gql::forbidden(denied.to_string()))?;
        let page = args.check(ctx)?;
        let past = page.key::<Uuid>("payments")?;
        let asked = PageOf::new(account, &page, past);
        let payments = ctx
            .data::<PaymentLoaders>()?
            .of_account(scope, asked)
            .await
            .map_err(op_error)?;
        let rows = payments
            .iter()
            .map(|row| (EdgeCursor::of("payments", row.id), Self::new(scope, row.clone())))
            .collect();
        Ok(PaymentConnection::from_rows(&page, rows))
    }

    fn stored_status(&self) -> PaymentStatus {
        match PaymentState::parse(&self.row.state).unwrap_or(PaymentState::Unknown) {
            PaymentState::Created => PaymentStatus::Created,
            PaymentState::Unknown => PaymentStatus::Unknown,
            PaymentState::RequiresPaymentMethod => PaymentStatus::RequiresPaymentMethod,
            PaymentState::RequiresAction => PaymentStatus::RequiresAction,
            PaymentState::Processing => PaymentStatus::Processing,
            PaymentState::Failed => PaymentStatus::Failed,
            PaymentState::Canceled => PaymentStatus::Canceled,
            PaymentState::Succeeded if self.row.disputed_at.is_some() => PaymentStatus::Disputed,
            PaymentState::Succeeded if self.row.refunded_minor >= self.row.amount_minor => {
                PaymentStatus::Refunded
            }
            PaymentState::Succeeded if self.row.refunded_minor > 0 => PaymentStatus::PartiallyRefunded,
            PaymentState::Succeeded => PaymentStatus::Succeeded,
        }
    }
}

/// An amount of a row.
pub(super) fn money(minor: i64, currency: &str) -> async_graphql::Result<MoneyValue> {
    let currency = currency
        .parse()
        .map_err(|error| op_error(anyhow::anyhow!("{error}").into()))?;
    Ok(Money::from_minor(minor, currency).into())
}

/// A payment of a debt.
#[Object]
impl Payment {
    /// The payment's id (`pay_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Payment, self.row.id).into()
    }

    /// The debt that it pays.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        Account::load(ctx, self.row.account_id).await
    }

    /// How much.
    async fn amount(&self) -> async_graphql::Result<MoneyValue> {
        money(self.row.amount_minor, &self.row.currency)
    }

    /// How it was paid.
    async fn method(&self) -> Option<PaymentMethodKind> {
        PaymentMethodKind::parse(&self.row.method)
    }

    /// Where it stands.
    async fn status(&self) -> PaymentStatus {
        self.stored_status()
    }

    /// Why nothing was paid, or not yet, in words for the payer; null where nothing is wrong.
    async fn failure_reason(&self) -> Option<&str> {
        self.row.failure_reason.as_deref()
    }

    /// The provider's code for it; null where nothing is wrong.
    async fn failure_code(&self) -> Option<&str> {
        self.row.failure_code.as_deref()
    }

    /// How much of it was given back.
    async fn refunded_amount(&self) -> async_graphql::Result<MoneyValue> {
        money(self.row.refunded_minor, &self.row.currency)
    }

    /// What was given back of it (at most 100), oldest first.
    async fn refunds(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Refund>> {
        let scope = ctx.scope()?;
        let refunds = ctx
            .data::<PaymentLoaders>()?
            .refunds(scope, self.row.id)
            .await
            .map_err(op_error)?;
        Ok(refunds.iter().cloned().map(Refund::new).collect())
    }

    /// When the payer's bank took it back, or began to; null where it did not, or gave it back to you.
    async fn disputed_at(&self) -> Option<DateTime<Utc>> {
        self.row.disputed_at
    }

    /// The member of staff who took it; null where the debtor paid it themselves, or an API key took it.
    async fn taken_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.created_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Why it was taken down by hand, and what it is known by; null for others, and after erasure.
    async fn note(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let Some(cipher) = self.row.note_cipher.as_deref() else {
            return Ok(None);
        };
        let place = ("payments", "note_cipher", self.row.id);
        Debtor::open_of_record(ctx, self.row.debtor_id, place, cipher).await
    }

    /// Stripe's id of it (`pi_…`); null where Stripe has nothing to do with it.
    async fn stripe_payment_id(&self) -> Option<&str> {
        self.row.provider_payment_id.as_deref()
    }

    /// When it was begun.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }

    /// When it was paid; null where it was not.
    async fn succeeded_at(&self) -> Option<DateTime<Utc>> {
        self.row.succeeded_at
    }
}
