//! Texts through Twilio's Messages resource, whose account it is, and which numbers are in it.
//!
//! Messages: it has no idempotency key, so a lost answer is UNKNOWN and looked up.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::error_codes::classify;
use crate::{
    compliance::Permit,
    conversations::{
        DeliveryStatus,
        ports::{
            AccountStanding, Channel, Failure, NumberLookUp, OutboundSms, RefusalKind, SendOutcome,
            SmsGateway, SmsRoute, VendorAccounts, VendorMessage, VendorNumber,
        },
    },
    platform::phone::PhoneNumber,
};

/// The adapter.
pub struct TwilioSms {
    http: reqwest::Client,
    base_url: String,
}

#[derive(Deserialize)]
struct MessageJson {
    sid: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    date_created: String,
    error_code: Option<i64>,
}

#[derive(Deserialize)]
struct ListJson {
    messages: Vec<MessageJson>,
}

#[derive(Deserialize)]
struct AccountJson {
    sid: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct NumbersJson {
    incoming_phone_numbers: Vec<NumberJson>,
}

#[derive(Deserialize)]
struct NumberJson {
    sid: String,
    phone_number: String,
    #[serde(default)]
    capabilities: CapabilitiesJson,
    sms_url: Option<String>,
    sms_method: Option<String>,
    sms_application_sid: Option<String>,
}

#[derive(Default, Deserialize)]
struct CapabilitiesJson {
    #[serde(default)]
    sms: bool,
}

#[derive(Deserialize)]
struct ErrorJson {
    code: Option<i64>,
}

impl TwilioSms {
    /// An adapter that calls `base_url` (Twilio's API, or the sandbox that stands in for it).
    pub fn new(http: reqwest::Client, base_url: &Url) -> Self {
        Self {
            http,
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
        }
    }

    fn messages_url(&self, account: &str) -> String {
        format!("{}/2010-04-01/Accounts/{account}/Messages.json", self.base_url)
    }

    fn numbers_url(&self, account: &str) -> String {
        format!(
            "{}/2010-04-01/Accounts/{account}/IncomingPhoneNumbers",
            self.base_url
        )
    }
}

#[async_trait]
impl SmsGateway for TwilioSms {
    async fn send(
        &self,
        permit: Permit,
        route: &SmsRoute,
        sms: &OutboundSms,
        now: DateTime<Utc>,
    ) -> SendOutcome {
        match permit.spend(Channel::Sms, sms.to.as_e164(), &sms.body, now) {
            Ok(()) => {}
            Err(error) if error.is_expired() => return SendOutcome::PermitExpired,
            Err(error) => {
                tracing::error!(%error, "a text without a fitting permit was stopped at the vendor's door");
                return SendOutcome::Refused {
                    code: "PERMIT".to_owned(),
                    reason: "It was not what had been allowed to be sent. Send it again.",
                    kind: RefusalKind::Other,
                };
            }
        }
        let form = [
            ("To", sms.to.as_e164()),
            ("From", route.from.as_str()),
            ("Body", sms.body.as_str()),
            ("StatusCallback", sms.status_callback.as_str()),
        ];
        let sent = self
            .http
            .post(self.messages_url(&route.account))
            .basic_auth(&route.account, Some(route.secret.expose_secret()))
            .form(&form)
            .send()
            .await;
        match sent {
            Ok(response) => understand(response).await,
            // Nothing was sent: it may be tried anew.
            Err(error) if error.is_connect() => SendOutcome::Busy { retry_after: None },
            Err(error) if error.is_timeout() => SendOutcome::Unknown { cause: "TIMEOUT" },
            Err(_) => SendOutcome::Unknown {
                cause: "CONNECTION_LOST",
            },
        }
    }

    async fn find(
        &self,
        route: &SmsRoute,
        to: &PhoneNumber,
        body: &str,
        since: DateTime<Utc>,
    ) -> anyhow::Result<Vec<VendorMessage>> {
        let url = Url::parse_with_params(
            &self.messages_url(&route.account),
            // Twilio filters by date, in UTC; the instant is compared below.
            &[
                ("To", to.as_e164()),
                ("From", &route.from),
                (
                    "DateSent>",
                    &since.date_naive().pred_opt().unwrap_or_default().to_string(),
                ),
                ("PageSize", "100"),
            ],
        )?;
        let list: ListJson = self
            .http
            .get(url)
            .basic_auth(&route.account, Some(route.secret.expose_secret()))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let mut found: Vec<VendorMessage> = list
            .messages
            .into_iter()
            .filter(|message| {
                message.to == to.as_e164() && message.from == route.from && message.body == body
            })
            // Twilio's clock and ours may differ by a little; its instants are whole seconds.
            .filter(|message| {
                DateTime::parse_from_rfc2822(&message.date_created)
                    .is_ok_and(|at| at.to_utc() >= since - chrono::TimeDelta::seconds(30))
            })
            .map(VendorMessage::from)
            .collect();
        // Oldest first: the one that belongs to the oldest attempt is adopted first.
        found.reverse();
        Ok(found)
    }

    async fn fetch(
        &self,
        route: &SmsRoute,
        provider_message_id: &str,
    ) -> anyhow::Result<Option<VendorMessage>> {
        let account = &route.account;
        let base = &self.base_url;
        let answer = self
            .http
            .get(format!(
                "{base}/2010-04-01/Accounts/{account}/Messages/{provider_message_id}.json"
            ))
            .basic_auth(account, Some(route.secret.expose_secret()))
            .send()
            .await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let message: MessageJson = answer.error_for_status()?.json().await?;
        Ok(Some(message.into()))
    }
}

#[async_trait]
impl VendorAccounts for TwilioSms {
    /// Twilio's Account resource answers whoever authenticates as the account (Twilio docs, "REST API: Accounts").
    async fn standing(&self, account: &str, secret: &SecretString) -> anyhow::Result<AccountStanding> {
        let answer = self
            .http
            .get(format!("{}/2010-04-01/Accounts/{account}.json", self.base_url))
            .basic_auth(account, Some(secret.expose_secret()))
            .send()
            .await?;
        if is_refused(&answer) {
            return Ok(AccountStanding::Refused);
        }
        let found: AccountJson = answer.error_for_status()?.json().await?;
        Ok(match found.status.as_str() {
            _ if found.sid != account => AccountStanding::Refused,
            "active" => AccountStanding::Active,
            _ => AccountStanding::NotActive,
        })
    }

    /// Twilio also answers with numbers of which the one asked for is a part (its docs, "IncomingPhoneNumber resource").
    async fn number(
        &self,
        account: &str,
        secret: &SecretString,
        number: &PhoneNumber,
    ) -> anyhow::Result<NumberLookUp> {
        let url = Url::parse_with_params(
            &format!("{}.json", self.numbers_url(account)),
            &[("PhoneNumber", number.as_e164())],
        )?;
        let answer = self
            .http
            .get(url)
            .basic_auth(account, Some(secret.expose_secret()))
            .send()
            .await?;
        if is_refused(&answer) {
            return Ok(NumberLookUp::Refused);
        }
        let list: NumbersJson = answer.error_for_status()?.json().await?;
        let mut all = list.incoming_phone_numbers.into_iter();
        let found = all.find(|found| found.phone_number == number.as_e164());
        Ok(found.map_or(NumberLookUp::NotThere, |found| {
            NumberLookUp::Found(VendorNumber {
                takes_texts: found.capabilities.sms,
                texts_go_to: found
                    .sms_url
                    .filter(|_| found.sms_method.as_deref() == Some("POST")),
                has_application: found.sms_application_sid.is_some_and(|sid| !sid.is_empty()),
                id: found.sid,
            })
        }))
    }

    async fn bring_texts(
        &self,
        account: &str,
        secret: &SecretString,
        number_id: &str,
        webhook: &str,
    ) -> anyhow::Result<()> {
        let answer = self
            .http
            .post(format!("{}/{number_id}.json", self.numbers_url(account)))
            .basic_auth(account, Some(secret.expose_secret()))
            .form(&[("SmsUrl", webhook), ("SmsMethod", "POST")])
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }
}

/// Twilio does not let in whoever asks, or knows no such account.
fn is_refused(answer: &reqwest::Response) -> bool {
    matches!(
        answer.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
    )
}

impl From<MessageJson> for VendorMessage {
    fn from(message: MessageJson) -> Self {
        let failure = message.error_code.map(|code| {
            let code = code.to_string();
            let (kind, reason) = classify(&code);
            Failure { code, reason, kind }
        });
        Self {
            status: status(&message.status),
            failure,
            provider_message_id: message.sid,
        }
    }
}

fn status(text: &str) -> Option<DeliveryStatus> {
    match text {
        "sent" => Some(DeliveryStatus::Sent),
        "delivered" => Some(DeliveryStatus::Delivered),
        "failed" | "undelivered" | "canceled" => Some(DeliveryStatus::Failed),
        _ => None,
    }
}

async fn understand(response: reqwest::Response) -> SendOutcome {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(reqwest::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    if status.is_success() {
        return match response.json::<MessageJson>().await {
            Ok(message) => SendOutcome::Accepted {
                provider_message_id: message.sid,
            },
            Err(_) => SendOutcome::Unknown {
                cause: "UNREADABLE_ANSWER",
            },
        };
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return SendOutcome::Busy { retry_after };
    }
    if status.is_server_error() {
        return SendOutcome::Unknown {
            cause: "SERVER_ERROR",
        };
    }
    let code = response
        .json::<ErrorJson>()
        .await
        .ok()
        .and_then(|error| error.code);
    let code = code.map_or_else(|| status.as_u16().to_string(), |code| code.to_string());
    let (kind, reason) = classify(&code);
    SendOutcome::Refused { code, reason, kind }
}
