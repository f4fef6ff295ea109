//! One text message and its form in Twilio's API.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::{API_VERSION, segments, sid};

/// Who sent a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The service, through the REST API.
    Service,
    /// A person's telephone.
    Phone,
    /// Twilio itself, in answer to a keyword such as STOP. Not listed by the API.
    TwilioReply,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Accepted from the service.
    Queued,
    /// Handed to the carrier.
    Sent,
    /// On the phone.
    Delivered,
    /// Came from a phone.
    Received,
}

impl MessageStatus {
    /// The name in the API and in callbacks.
    pub fn name(self) -> &'static str {
        match self {
            MessageStatus::Queued => "queued",
            MessageStatus::Sent => "sent",
            MessageStatus::Delivered => "delivered",
            MessageStatus::Received => "received",
        }
    }
}

/// One text message.
#[derive(Clone, Debug)]
pub struct SmsMessage {
    /// `SM` and 32 hexadecimal digits.
    pub sid: String,
    /// The account that it belongs to.
    pub account_sid: String,
    /// The sender in E.164 form.
    pub from: String,
    /// The recipient in E.164 form.
    pub to: String,
    /// The text.
    pub body: String,
    /// Who sent it.
    pub origin: Origin,
    /// Where it stands.
    pub status: MessageStatus,
    /// Where status changes are POSTed.
    pub status_callback: Option<String>,
    /// When it was accepted or received.
    pub created_at: DateTime<Utc>,
    /// When its status last changed.
    pub updated_at: DateTime<Utc>,
    /// When it left for the carrier, or was received.
    pub sent_at: Option<DateTime<Utc>>,
}

/// A text that is about to exist.
pub(in crate::sandbox) struct NewMessage<'a> {
    pub(in crate::sandbox) account_sid: &'a str,
    pub(in crate::sandbox) from: &'a str,
    pub(in crate::sandbox) to: &'a str,
    pub(in crate::sandbox) body: &'a str,
    pub(in crate::sandbox) origin: Origin,
    pub(in crate::sandbox) status_callback: Option<String>,
    pub(in crate::sandbox) at: DateTime<Utc>,
}

impl SmsMessage {
    pub(in crate::sandbox) fn new(new: NewMessage<'_>) -> Self {
        let status = match new.origin {
            Origin::Service => MessageStatus::Queued,
            Origin::Phone => MessageStatus::Received,
            Origin::TwilioReply => MessageStatus::Delivered,
        };
        Self {
            sid: sid::new("SM"),
            account_sid: new.account_sid.to_owned(),
            from: new.from.to_owned(),
            to: new.to.to_owned(),
            body: new.body.to_owned(),
            origin: new.origin,
            status,
            status_callback: new.status_callback,
            created_at: new.at,
            updated_at: new.at,
            sent_at: (status != MessageStatus::Queued).then_some(new.at),
        }
    }

    /// The Message resource: snake_case names, RFC 2822 dates, numbers as strings.
    pub(super) fn to_json(&self) -> Value {
        let path = format!(
            "/{API_VERSION}/Accounts/{}/Messages/{}",
            self.account_sid, self.sid
        );
        json!({
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created_at),
            "date_sent": self.sent_at.map(rfc2822),
            "date_updated": rfc2822(self.updated_at),
            "direction": if self.origin == Origin::Phone { "inbound" } else { "outbound-api" },
            "error_code": null,
            "error_message": null,
            "from": self.from,
            "messaging_service_sid": null,
            "num_media": "0",
            "num_segments": segments::count(&self.body).to_string(),
            "price": null,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status.name(),
            "subresource_uris": { "media": format!("{path}/Media.json") },
            "to": self.to,
            "uri": format!("{path}.json"),
        })
    }
}

fn rfc2822(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
