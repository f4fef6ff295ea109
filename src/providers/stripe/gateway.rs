//! Payments through Stripe's PaymentIntents and Refunds, on connected accounts. Each POST carries our id as its idempotency
//! key: sent twice it is done once (Stripe docs, "Idempotent requests").

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use super::{
    declines::words,
    objects::{ErrorJson, IntentJson, List, RefundJson, our_id},
};
use crate::payments::ports::{
    Asked, Decline, Intent, PaymentGateway, PaymentOrder, ProviderRefund, RefundOrder,
};

/// The version of Stripe's API that this adapter speaks.
const VERSION: &str = "2026-10-28.endive";
/// A page of a list, at most.
const PAGE: &str = "100";
/// Pages that are read in search of one payment: those of ten minutes.
const MOST_PAGES: usize = 50;

/// The adapter.
pub struct StripePayments {
    http: reqwest::Client,
    base_url: String,
    secret_key: SecretString,
}

impl StripePayments {
    /// An adapter that calls `base_url` (Stripe's API, or the sandbox that stands in for it) with the platform's key.
    pub fn new(http: reqwest::Client, base_url: &Url, secret_key: SecretString) -> Self {
        Self {
            http,
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            secret_key,
        }
    }

    fn get(&self, account: &str, path: &str, query: &[(&str, &str)]) -> anyhow::Result<RequestBuilder> {
        let url = Url::parse_with_params(&format!("{}{path}", self.base_url), query)?;
        Ok(self.signed(self.http.get(url), account))
    }

    fn post(&self, account: &str, path: &str, key: &str, form: &[(&str, String)]) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.base_url));
        self.signed(request, account)
            .header("Idempotency-Key", key)
            .form(form)
    }

    fn signed(&self, request: RequestBuilder, account: &str) -> RequestBuilder {
        request
            .bearer_auth(self.secret_key.expose_secret())
            .header("Stripe-Version", VERSION)
            .header("Stripe-Account", account)
    }
}

/// What came of a POST. A refusal that brings the payment along is told by the payment: it was declined, and stands there.
async fn understand<J, T>(sent: reqwest::Result<Response>) -> Asked<T>
where
    J: DeserializeOwned,
    T: From<J> + ToldByError,
{
    let response = match sent {
        Ok(response) => response,
        // Nothing was sent.
        Err(error) if error.is_connect() => return Asked::Busy,
        Err(error) if error.is_timeout() => return Asked::Unknown { cause: "TIMEOUT" },
        Err(_) => {
            return Asked::Unknown {
                cause: "CONNECTION_LOST",
            };
        }
    };
    let status = response.status();
    if status.is_success() {
        return match response.json::<J>().await {
            Ok(json) => Asked::Done(json.into()),
            Err(error) if error.is_timeout() => Asked::Unknown { cause: "TIMEOUT" },
            Err(_) => Asked::Unknown {
                cause: "CONNECTION_LOST",
            },
        };
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS => Asked::Busy,
        // The same request is under way.
        StatusCode::CONFLICT => Asked::Unknown { cause: "CONFLICT" },
        _ if status.is_server_error() => Asked::Unknown {
            cause: "SERVER_ERROR",
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            tracing::error!(%status, "Stripe does not take the platform's key for this account");
            Asked::Refused(Decline {
                code: "account_invalid".to_owned(),
                reason: words("account_invalid"),
            })
        }
        _ => match response.json::<ErrorJson>().await {
            Err(_) => Asked::Unknown {
                cause: "CONNECTION_LOST",
            },
            Ok(error) => {
                let decline = error.error.decline();
                match T::told_by(error) {
                    Some(told) => Asked::Done(told),
                    None => Asked::Refused(decline),
                }
            }
        },
    }
}

/// What an error tells of the object that was asked for.
trait ToldByError: Sized {
    fn told_by(error: ErrorJson) -> Option<Self>;
}

impl ToldByError for ProviderRefund {
    fn told_by(_: ErrorJson) -> Option<Self> {
        None
    }
}

impl ToldByError for Intent {
    /// `error.payment_intent` of a decline (Stripe docs, "Errors").
    fn told_by(json: ErrorJson) -> Option<Self> {
        let decline = json.error.decline();
        let intent = Self::from(*json.error.payment_intent?);
        Some(Self {
            failure: intent.failure.or(Some(decline)),
            ..intent
        })
    }
}

/// Reads one object; `None` where Stripe has none.
async fn read<J: DeserializeOwned>(request: RequestBuilder) -> anyhow::Result<Option<J>> {
    let response = request.send().await?;
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    Ok(Some(response.error_for_status()?.json().await?))
}

#[async_trait]
impl PaymentGateway for StripePayments {
    async fn pay(&self, order: &PaymentOrder) -> Asked<Intent> {
        let mut form = vec![
            ("amount", order.amount.minor().to_string()),
            ("currency", order.amount.currency().code().to_ascii_lowercase()),
            ("automatic_payment_methods[enabled]", "true".to_owned()),
            ("metadata[paymentId]", order.payment.to_string()),
            ("metadata[accountId]", order.debt.to_string()),
            ("metadata[accountNumber]", order.debt_number.clone()),
            ("metadata[type]", "one_time".to_owned()),
        ];
        if let Some(method) = &order.method {
            form.push(("payment_method", method.clone()));
            form.push(("confirm", "true".to_owned()));
            // A payment method that leads away from the page needs an address to come back to, which only the page knows.
            form.push(("automatic_payment_methods[allow_redirects]", "never".to_owned()));
        }
        let key = format!("payment:{}", order.payment);
        let sent = self
            .post(&order.account, "/v1/payment_intents", &key, &form)
            .send()
            .await;
        understand::<IntentJson, Intent>(sent).await
    }

    async fn fetch(&self, account: &str, provider_payment_id: &str) -> anyhow::Result<Option<Intent>> {
        let path = format!("/v1/payment_intents/{provider_payment_id}");
        let found: Option<IntentJson> = read(self.get(account, &path, &[])?).await?;
        Ok(found.map(Intent::from))
    }

    /// Stripe's search is behind by a minute and more; its lists are not (Stripe docs, "Search", "Data freshness").
    async fn find(
        &self,
        account: &str,
        payment: Uuid,
        between: (DateTime<Utc>, DateTime<Utc>),
    ) -> anyhow::Result<Option<Intent>> {
        let (from, to) = (
            between.0.timestamp().to_string(),
            between.1.timestamp().to_string(),
        );
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = vec![
                ("created[gte]", from.as_str()),
                ("created[lte]", to.as_str()),
                ("limit", PAGE),
            ];
            if let Some(after) = &after {
                query.push(("starting_after", after));
            }
            let page: Option<List<IntentJson>> =
                read(self.get(account, "/v1/payment_intents", &query)?).await?;
            let Some(page) = page else { return Ok(None) };
            let last = page.data.last().map(|intent| intent.id.clone());
            let found = page
                .data
                .into_iter()
                .find(|intent| our_id(intent.metadata.payment.as_deref()) == Some(payment));
            if let Some(found) = found {
                return Ok(Some(found.into()));
            }
            if !page.has_more || last.is_none() {
                return Ok(None);
            }
            after = last;
        }
        // Not found is not proof that it is not there.
        anyhow::bail!("too many payments to look through")
    }

    async fn cancel(&self, account: &str, payment: Uuid, provider_payment_id: &str) -> Asked<Intent> {
        let path = format!("/v1/payment_intents/{provider_payment_id}/cancel");
        let key = format!("payment:{payment}:cancel");
        let form = [("cancellation_reason", "abandoned".to_owned())];
        let sent = self.post(account, &path, &key, &form).send().await;
        match understand::<IntentJson, Intent>(sent).await {
            // It is on its way, or paid: it was not canceled.
            Asked::Done(intent) if intent.status != crate::payments::ports::IntentStatus::Canceled => {
                Asked::Refused(Decline {
                    code: "payment_intent_unexpected_state".to_owned(),
                    reason: words("payment_intent_unexpected_state"),
                })
            }
            other => other,
        }
    }

    async fn refund(&self, order: &RefundOrder) -> Asked<ProviderRefund> {
        let mut form = vec![
            ("payment_intent", order.provider_payment_id.clone()),
            ("amount", order.amount_minor.to_string()),
            ("metadata[refundId]", order.refund.to_string()),
        ];
        if let Some(reason) = order.reason {
            form.push(("reason", reason.to_owned()));
        }
        let key = format!("refund:{}", order.refund);
        let sent = self.post(&order.account, "/v1/refunds", &key, &form).send().await;
        understand::<RefundJson, ProviderRefund>(sent).await
    }

    async fn refunds_of(
        &self,
        account: &str,
        provider_payment_id: &str,
    ) -> anyhow::Result<Vec<ProviderRefund>> {
        let query = [("payment_intent", provider_payment_id), ("limit", PAGE)];
        let page: Option<List<RefundJson>> = read(self.get(account, "/v1/refunds", &query)?).await?;
        Ok(page.map_or_else(Vec::new, |page| {
            page.data.into_iter().map(ProviderRefund::from).collect()
        }))
    }
}
