//! What the slice needs from a provider of payments; bound in `app.rs`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use crate::platform::money::Money;

/// A payment that the provider is asked to take.
#[derive(Clone, Debug)]
pub struct PaymentOrder {
    /// Our id of it: the key that makes the request once, and what it is found again by.
    pub payment: Uuid,
    /// The business's own account at the provider.
    pub account: String,
    pub amount: Money,
    /// With what it is paid: a reference that the payer's browser was given by the provider. Without one the payer confirms
    /// it in their browser.
    pub method: Option<String>,
    /// Our id and number of the debt, for whoever looks at the payment at the provider.
    pub debt: Uuid,
    pub debt_number: String,
}

/// Where a payment stands at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentStatus {
    RequiresPaymentMethod,
    RequiresAction,
    Processing,
    Succeeded,
    Canceled,
}

/// Why money did not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The provider's code.
    pub code: String,
    /// What to tell the payer: never that a card was reported lost or stolen.
    pub reason: &'static str,
}

/// A payment as the provider knows it.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The provider's id of it.
    pub id: String,
    pub status: IntentStatus,
    pub amount_minor: i64,
    /// Three letters, in capitals.
    pub currency: String,
    /// With it the payer's browser confirms the payment; for the payer alone, and stored nowhere.
    pub client_secret: Option<SecretString>,
    /// Our id of it.
    pub payment: Option<Uuid>,
    /// Why the last try was declined.
    pub failure: Option<Decline>,
}

/// What became of a request to the provider.
#[derive(Debug)]
pub enum Asked<T> {
    /// It was taken; what it says of it.
    Done(T),
    /// It was refused for good: nothing was done.
    Refused(Decline),
    /// It was not taken, and may be tried anew: nothing was done.
    Busy,
    /// The answer was lost: it may have been done.
    Unknown {
        /// TIMEOUT, CONNECTION_LOST, SERVER_ERROR, CONFLICT.
        cause: &'static str,
    },
}

/// A refund that the provider is asked to make.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    /// Our id of it.
    pub refund: Uuid,
    pub account: String,
    /// The provider's id of the payment.
    pub provider_payment_id: String,
    pub amount_minor: i64,
    /// The provider's word for the reason, where it has one.
    pub reason: Option<&'static str>,
}

/// Where a refund stands at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderRefundStatus {
    Pending,
    Succeeded,
    Failed,
}

/// A refund as the provider knows it.
#[derive(Clone, Debug)]
pub struct ProviderRefund {
    pub id: String,
    pub status: ProviderRefundStatus,
    pub amount_minor: i64,
    /// Our id of it.
    pub refund: Option<Uuid>,
    pub failure: Option<Decline>,
}

/// An event, without anything of the payer.
#[derive(Clone, Debug, Default)]
pub struct StripeEvent {
    /// Stripe's id of it: a repeat changes nothing.
    pub id: String,
    /// Stripe's word, such as `payment_intent.succeeded`.
    pub kind: String,
    /// What it is about.
    pub object_id: String,
    pub provider_payment_id: Option<String>,
    /// The payment, as we had named it to Stripe.
    pub payment: Option<Uuid>,
    pub status: Option<String>,
    pub reason: Option<String>,
    pub amount_minor: Option<i64>,
    /// Three letters, in capitals.
    pub currency: Option<String>,
}

/// Takes payments on the businesses' own accounts.
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Asks for a payment. The same order twice is one payment.
    async fn pay(&self, order: &PaymentOrder) -> Asked<Intent>;

    /// How a payment stands; `None` when the provider does not know it.
    ///
    /// # Errors
    /// When the provider does not answer.
    async fn fetch(&self, account: &str, provider_payment_id: &str) -> anyhow::Result<Option<Intent>>;

    /// Looks for a payment whose answer was lost, among those that the provider has made between two instants.
    ///
    /// # Errors
    /// When the provider does not answer.
    async fn find(
        &self,
        account: &str,
        payment: Uuid,
        between: (DateTime<Utc>, DateTime<Utc>),
    ) -> anyhow::Result<Option<Intent>>;

    /// Gives a payment up, so that nobody confirms it any more. Refused where it is on its way, or paid.
    async fn cancel(&self, account: &str, payment: Uuid, provider_payment_id: &str) -> Asked<Intent>;

    /// Asks for a refund. The same order twice is one refund.
    async fn refund(&self, order: &RefundOrder) -> Asked<ProviderRefund>;

    /// The refunds of a payment, those too that were made at the provider itself.
    ///
    /// # Errors
    /// When the provider does not answer.
    async fn refunds_of(
        &self,
        account: &str,
        provider_payment_id: &str,
    ) -> anyhow::Result<Vec<ProviderRefund>>;
}
