//! Stripe's objects, as far as we read them. Words that are not known here are taken for the nearest that changes nothing.

use secrecy::SecretString;
use serde::Deserialize;
use uuid::Uuid;

use super::declines::words;
use crate::payments::ports::{Decline, Intent, IntentStatus, ProviderRefund, ProviderRefundStatus};

/// What we and others wrote on an object.
#[derive(Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(rename = "paymentId")]
    pub(super) payment: Option<String>,
    #[serde(rename = "refundId")]
    refund: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct IntentJson {
    pub(super) id: String,
    status: String,
    amount: i64,
    currency: String,
    client_secret: Option<String>,
    #[serde(default)]
    pub(super) metadata: Metadata,
    last_payment_error: Option<ErrorBody>,
}

#[derive(Deserialize)]
pub(super) struct ErrorBody {
    code: Option<String>,
    decline_code: Option<String>,
    pub(super) payment_intent: Option<Box<IntentJson>>,
}

#[derive(Deserialize)]
pub(super) struct ErrorJson {
    pub(super) error: ErrorBody,
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
pub(super) struct RefundJson {
    id: String,
    status: Option<String>,
    amount: i64,
    #[serde(default)]
    metadata: Metadata,
    failure_reason: Option<String>,
}

impl ErrorBody {
    pub(super) fn decline(&self) -> Decline {
        let code = self.decline_code.as_deref().or(self.code.as_deref());
        let code = code.unwrap_or("declined_by_provider");
        Decline {
            code: code.chars().take(64).collect(),
            reason: words(code),
        }
    }
}

pub(super) fn our_id(text: Option<&str>) -> Option<Uuid> {
    text.and_then(|text| text.parse().ok())
}

impl From<IntentJson> for Intent {
    fn from(json: IntentJson) -> Self {
        Self {
            status: match json.status.as_str() {
                "succeeded" => IntentStatus::Succeeded,
                "canceled" => IntentStatus::Canceled,
                "requires_action" => IntentStatus::RequiresAction,
                "requires_payment_method" | "requires_confirmation" => IntentStatus::RequiresPaymentMethod,
                // `processing`, `requires_capture`, and what Stripe may add: it may become money.
                _ => IntentStatus::Processing,
            },
            failure: json.last_payment_error.as_ref().map(ErrorBody::decline),
            payment: our_id(json.metadata.payment.as_deref()),
            currency: json.currency.to_ascii_uppercase(),
            amount_minor: json.amount,
            client_secret: json.client_secret.map(SecretString::from),
            id: json.id,
        }
    }
}

impl From<RefundJson> for ProviderRefund {
    fn from(json: RefundJson) -> Self {
        Self {
            status: match json.status.as_deref() {
                Some("succeeded") => ProviderRefundStatus::Succeeded,
                Some("failed" | "canceled") => ProviderRefundStatus::Failed,
                _ => ProviderRefundStatus::Pending,
            },
            failure: json.failure_reason.map(|code| Decline {
                reason: words(&code),
                code: code.chars().take(64).collect(),
            }),
            refund: our_id(json.metadata.refund.as_deref()),
            amount_minor: json.amount,
            id: json.id,
        }
    }
}
