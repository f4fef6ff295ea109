//! Paying, in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use secrecy::ExposeSecret as _;

use super::Payment;
use crate::{
    payments::{
        Handed, ManualPayment, NewPayment, PaymentMethodKind, Payments, create_payment, record_manual_payment,
    },
    platform::{
        gql::{Done, MoneyInput, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::IdKind,
    },
};

/// Longest reference of a payment method.
const LONGEST_METHOD: usize = 255;

/// A payment to be made.
#[derive(InputObject)]
pub struct CreatePaymentInput {
    /// The debt (`acct_…`).
    account_id: ID,
    /// How much: at least one unit of the currency, or all that is owed where that is less; at most what is owed, less other
    /// payments that are under way.
    amount: MoneyInput,
    /// With what: the id (`pm_…`) that Stripe.js gave the payer's browser for what they typed in there; card numbers are never
    /// sent here. When left out, the payer's browser goes on with `clientSecret`.
    stripe_payment_method: Option<String>,
}

/// What createPayment answers.
#[derive(SimpleObject)]
pub struct CreatePaymentPayload {
    /// The payment, whatever has become of it by now; null when there are user errors.
    payment: Option<Payment>,
    /// With it the payer's browser goes on at Stripe (Stripe.js `confirmPayment` or `handleNextAction`); null where the payer has
    /// nothing to do. For the payer alone: never log or store it.
    client_secret: Option<String>,
    /// The account at Stripe that it belongs to (Stripe.js `stripeAccount`); null with it.
    stripe_account: Option<String>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// A payment that was taken by hand.
#[derive(InputObject)]
pub struct RecordManualPaymentInput {
    /// The debt (`acct_…`).
    account_id: ID,
    /// How much, as for createPayment.
    amount: MoneyInput,
    /// How it was paid: not STRIPE.
    method: PaymentMethodKind,
    /// Why it is taken down by hand, and what it is known by (the number of a check), 1 to 1,000 characters.
    note: String,
}

/// What recordManualPayment answers.
#[derive(SimpleObject)]
pub struct RecordManualPaymentPayload {
    /// The payment; null when there are user errors.
    payment: Option<Payment>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of payments.
#[derive(Default)]
pub struct PayMutations;

#[Object]
impl PayMutations {
    /// Pays a debt once, through Stripe on your business's own account: the debtor for themselves, or staff for a debtor on the
    /// telephone. It is charged once, however often the request is sent with the same `Idempotency-Key`. What the bank says
    /// stands in the payment (`status`, `failureReason`); a payment that is UNKNOWN or PROCESSING is told live when it is known.
    async fn create_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which debt, how much, and with what.")] input: CreatePaymentInput,
    ) -> async_graphql::Result<CreatePaymentPayload> {
        let slice = ctx.data::<Payments>()?;
        let scope = ctx.scope()?;
        let (business, request) = (scope.ctx().business_id(), scope.ctx().request().to_string());
        let through = slice.account_of(business).await.map_err(op_error)?;
        let method = input.stripe_payment_method;
        let mut is_new = false;
        let outcome = mutate(ctx, async |tx, _| {
            let account = input_id(IdKind::Account, "accountId", &input.account_id)?;
            let amount = input.amount.parse("amount")?;
            check_method(method.as_deref())?;
            let new = NewPayment {
                account,
                amount,
                is_confirmed_by_payer: method.is_none(),
                through: through.as_ref(),
            };
            let payment = create_payment(tx, new).await?;
            is_new = true;
            Ok(Done::from(payment))
        })
        .await?;
        // The intent is committed, and no transaction is open: now Stripe is asked.
        let handed = match outcome.object {
            Some(payment) if is_new => slice
                .carry_out(business, payment, method, &request)
                .await
                .map_err(op_error)?,
            Some(payment) => slice
                .handed_again(business, payment, &request)
                .await
                .map_err(op_error)?,
            None => Handed::default(),
        };
        let payment = match outcome.object {
            Some(id) => Payment::load(ctx, id).await?,
            None => None,
        };
        Ok(CreatePaymentPayload {
            payment,
            client_secret: handed
                .client_secret
                .map(|secret| secret.expose_secret().to_owned()),
            stripe_account: handed.account,
            user_errors: outcome.user_errors,
        })
    }

    /// Takes a payment down that reached you by itself: a check, cash, a money order. It is posted at once.
    async fn record_manual_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which debt, how much, how, and why.")] input: RecordManualPaymentInput,
    ) -> async_graphql::Result<RecordManualPaymentPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let new = ManualPayment {
                account: input_id(IdKind::Account, "accountId", &input.account_id)?,
                amount: input.amount.parse("amount")?,
                method: input.method,
                note: &input.note,
            };
            let payment = record_manual_payment(tx, scope.keyring(), scope.db(), new).await?;
            Ok(Done::from(payment))
        })
        .await?;
        let payment = match outcome.object {
            Some(id) => Payment::load(ctx, id).await?,
            None => None,
        };
        Ok(RecordManualPaymentPayload {
            payment,
            user_errors: outcome.user_errors,
        })
    }
}

/// A reference of Stripe's and nothing else: whoever sends a card number is told so, and it goes nowhere.
fn check_method(method: Option<&str>) -> Result<(), UserError> {
    let fits = method.is_none_or(|method| {
        method.len() <= LONGEST_METHOD
            && method.starts_with("pm_")
            && method
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if fits {
        return Ok(());
    }
    let message = "Give the id that Stripe.js made of the payment method, which begins with pm_. Never send a card number here.";
    Err(UserError::invalid("stripePaymentMethod", message))
}
