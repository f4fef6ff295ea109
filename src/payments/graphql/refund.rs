//! Refunds in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::{Payment, payment::money};
use crate::{
    identity::graphql::User,
    payments::{
        Payments, RefundReason, RefundState,
        loaders::{RefundRow, payment_of_refund},
        request_refund,
    },
    platform::{
        gql::{Done, MoneyInput, MoneyValue, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// What was given back of a payment.
#[derive(Clone)]
pub struct Refund {
    row: RefundRow,
}

impl Refund {
    pub(super) fn new(row: RefundRow) -> Self {
        Self { row }
    }
}

/// What was given back of a payment.
#[Object]
impl Refund {
    /// The refund's id (`rfnd_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Refund, self.row.id).into()
    }

    /// How much.
    async fn amount(&self) -> async_graphql::Result<MoneyValue> {
        money(self.row.amount_minor, &self.row.currency)
    }

    /// Why.
    async fn reason(&self) -> Option<RefundReason> {
        RefundReason::parse(&self.row.reason)
    }

    /// Where it stands.
    async fn status(&self) -> Option<RefundState> {
        RefundState::parse(&self.row.state)
    }

    /// Why nothing was given back; null where nothing is wrong.
    async fn failure_reason(&self) -> Option<&str> {
        self.row.failure_reason.as_deref()
    }

    /// The member of staff who gave it back; null where it was done at the provider, or by an API key.
    async fn refunded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.created_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When it was begun.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}

/// What is to be given back.
#[derive(InputObject)]
pub struct RefundPaymentInput {
    /// Of which payment (`pay_…`).
    payment_id: ID,
    /// How much; all that is left when left out.
    amount: Option<MoneyInput>,
    /// Why.
    reason: RefundReason,
}

/// What refundPayment answers.
#[derive(SimpleObject)]
pub struct RefundPaymentPayload {
    /// The payment with its refunds; null when there are user errors.
    payment: Option<Payment>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of refunds.
#[derive(Default)]
pub struct RefundMutations;

#[Object]
impl RefundMutations {
    /// Gives a payment back, in part or whole: through Stripe where it was paid through Stripe; what was taken by hand is given
    /// back by hand, and taken down here. The debt is owed again. Where the provider refuses, the refund says so (`status`).
    async fn refund_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What, how much, and why.")] input: RefundPaymentInput,
    ) -> async_graphql::Result<RefundPaymentPayload> {
        let mut is_new = false;
        let outcome = mutate(ctx, async |tx, _| {
            let payment = input_id(IdKind::Payment, "paymentId", &input.payment_id)?;
            let amount = input
                .amount
                .as_ref()
                .map(|amount| amount.parse("amount"))
                .transpose()?;
            let refund = request_refund(tx, payment, amount, input.reason).await?;
            is_new = true;
            Ok(Done::from(refund))
        })
        .await?;
        let scope = ctx.scope()?;
        let payment = match outcome.object {
            None => None,
            Some(refund) => {
                if is_new {
                    let (business, request) = (scope.ctx().business_id(), scope.ctx().request().to_string());
                    let slice = ctx.data::<Payments>()?;
                    slice
                        .carry_out_refund(business, refund, &request)
                        .await
                        .map_err(op_error)?;
                }
                let payment = payment_of_refund(&mut *ctx.snapshot().await?, refund)
                    .await
                    .map_err(|error| op_error(error.into()))?;
                match payment {
                    Some(payment) => Payment::load(ctx, payment).await?,
                    None => None,
                }
            }
        };
        Ok(RefundPaymentPayload {
            payment,
            user_errors: outcome.user_errors,
        })
    }
}
