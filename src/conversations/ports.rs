//! What the slice needs from a vendor.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uuid::Uuid;

/// A permit is spent for a channel.
pub use crate::accounts::Channel;
use crate::{
    compliance::Permit,
    conversations::DeliveryStatus,
    platform::{db::TenantTx, error::OpError, phone::PhoneNumber},
};

/// A business's own standing at the vendor, and the number to send from.
#[derive(Clone, Debug)]
pub struct SmsRoute {
    /// The vendor's id of the business's account.
    pub account: String,
    /// Its secret.
    pub secret: SecretString,
    /// Our number.
    pub from: String,
}

/// A text that is about to leave.
#[derive(Debug)]
pub struct OutboundSms {
    /// The debtor's number.
    pub to: PhoneNumber,
    /// The final content.
    pub body: String,
    /// Where the vendor reports what became of it; carries the attempt's id.
    pub status_callback: String,
}

/// What became of handing it over.
#[derive(Clone, Debug)]
pub enum SendOutcome {
    /// The vendor has it, under this id.
    Accepted { provider_message_id: String },
    /// The vendor refused it for good.
    Refused {
        code: String,
        reason: &'static str,
        kind: RefusalKind,
    },
    /// The vendor is busy or away and has not taken it: later, anew; not before this, where it said so.
    Busy {
        retry_after: Option<std::time::Duration>,
    },
    /// The permit was too old when its turn came: nothing was sent.
    PermitExpired,
    /// Before its turn came somebody took back what it was decided on, or wrote: nothing was sent.
    PermitRevoked,
    /// No answer came back: it may have gone.
    Unknown { cause: &'static str },
}

/// What a refusal says about the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The person opted out at the vendor (Twilio 21610).
    OptedOut,
    /// The number cannot take texts.
    Unreachable,
    /// Our side is set up wrongly.
    Configuration,
    /// Anything else.
    Other,
}

/// Why a message that the vendor took did not arrive.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: String,
    pub reason: &'static str,
    pub kind: RefusalKind,
}

/// A message as the vendor remembers it.
#[derive(Clone, Debug)]
pub struct VendorMessage {
    pub provider_message_id: String,
    /// What it says of the status, if that is further than "taken".
    pub status: Option<DeliveryStatus>,
    pub failure: Option<Failure>,
}

/// Carries texts.
#[async_trait]
pub trait SmsGateway: Send + Sync {
    /// Hands a text over; takes the permit, which is good for this text only.
    async fn send(
        &self,
        permit: Permit,
        route: &SmsRoute,
        sms: &OutboundSms,
        now: DateTime<Utc>,
    ) -> SendOutcome;

    /// Looks for a text whose answer was lost: messages to that number with that body since that instant, but for
    /// those that are known already.
    ///
    /// # Errors
    /// When the vendor does not answer.
    async fn find(
        &self,
        route: &SmsRoute,
        to: &PhoneNumber,
        body: &str,
        since: DateTime<Utc>,
    ) -> anyhow::Result<Vec<VendorMessage>>;

    /// What became of a text that the vendor took; `None` when it does not remember it.
    ///
    /// # Errors
    /// When the vendor does not answer.
    async fn fetch(
        &self,
        route: &SmsRoute,
        provider_message_id: &str,
    ) -> anyhow::Result<Option<VendorMessage>>;
}

/// What a vendor says of an account and a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStanding {
    /// They belong together, and the account may be used.
    Active,
    /// They belong together, and the vendor has suspended or closed the account.
    NotActive,
    /// They do not belong together, or there is no such account.
    Refused,
}

/// A number as the vendor knows it.
#[derive(Clone, Debug)]
pub struct VendorNumber {
    /// The vendor's id of it.
    pub id: String,
    pub takes_texts: bool,
    /// Where texts to it are posted.
    pub texts_go_to: Option<String>,
    /// Whether an application at the vendor takes them instead.
    pub has_application: bool,
}

/// What a vendor says of a number in an account.
#[derive(Clone, Debug)]
pub enum NumberLookUp {
    /// The account has it.
    Found(VendorNumber),
    /// The account does not have it.
    NotThere,
    /// Account and secret do not belong together any more.
    Refused,
}

/// Knows whose account it is, and which numbers are in it.
#[async_trait]
pub trait VendorAccounts: Send + Sync {
    /// Asks the vendor, with the secret itself: who has it speaks for the account.
    ///
    /// # Errors
    /// When the vendor does not answer.
    async fn standing(&self, account: &str, secret: &SecretString) -> anyhow::Result<AccountStanding>;

    /// Asks the vendor whether the number is in the account, and where its texts go.
    ///
    /// # Errors
    /// When the vendor does not answer.
    async fn number(
        &self,
        account: &str,
        secret: &SecretString,
        number: &PhoneNumber,
    ) -> anyhow::Result<NumberLookUp>;

    /// Has texts to a number of the account, named by the vendor's id of it, posted to `webhook`.
    ///
    /// # Errors
    /// When the vendor does not answer, or does not take it.
    async fn bring_texts(
        &self,
        account: &str,
        secret: &SecretString,
        number_id: &str,
        webhook: &str,
    ) -> anyhow::Result<()>;
}

/// Hears of what debtors write.
#[async_trait]
pub trait TextListener: Send + Sync {
    /// A text of somebody known is in its thread, and everything that it asks for and states is acted on. In the transaction
    /// that stores it: whoever wants to answer enqueues that.
    ///
    /// # Errors
    /// [`OpError`] as met: then the text is tried again.
    async fn text_added(&self, tx: &mut TenantTx, message: Uuid) -> Result<(), OpError>;
}

/// Where the vendor brings us what debtors write.
pub(super) fn inbound_webhook(public_base_url: &str) -> String {
    format!("{public_base_url}/webhooks/twilio/sms")
}

/// The callback's address for an attempt.
pub(super) fn status_callback(public_base_url: &str, attempt: Uuid) -> String {
    let attempt = crate::platform::ids::encode(crate::platform::ids::IdKind::DeliveryAttempt, attempt);
    format!("{public_base_url}/webhooks/twilio/status?attempt={attempt}")
}
