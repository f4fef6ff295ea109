//! Texts from phones to our numbers.

use super::super::state::SandboxState;
use super::super::{TwilioAccount, TwilioNumber};
use super::message::{NewMessage, Origin, SmsMessage};
use super::opt_out::Keyword;
use super::webhook::{self, Webhook};
use super::{API_VERSION, BODY_LIMIT, is_e164, segments, sid};

/// What became of a text from a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundResult {
    /// The text's identifier at Twilio.
    pub message_sid: String,
    /// The HTTP status of the webhook's last attempt; none when nobody answered.
    pub webhook_status: Option<u16>,
}

/// Why a text from a phone was not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InboundError {
    /// No account has this number.
    #[error("no number {to} exists here; the sandbox has: {known}")]
    UnknownNumber {
        /// The number that was texted.
        to: String,
        /// The numbers that exist.
        known: String,
    },
    /// The sender is no telephone number.
    #[error("from must be a telephone number in E.164 form, such as +15550100099; it was {0:?}")]
    BadSender(String),
    /// Nothing to send, or too much.
    #[error("body must have 1 to {BODY_LIMIT} characters")]
    BadBody,
}

/// Takes a text from a phone: stores it, applies STOP, START and HELP with Twilio's own reply, and returns when
/// the number's webhook was answered or given up.
pub(in crate::sandbox) async fn receive(
    state: &SandboxState,
    from: &str,
    to: &str,
    body: &str,
) -> Result<InboundResult, InboundError> {
    if !is_e164(from) {
        return Err(InboundError::BadSender(from.to_owned()));
    }
    if body.trim().is_empty() || body.chars().count() > BODY_LIMIT {
        return Err(InboundError::BadBody);
    }
    let (account, number) = state.owner_of(to).ok_or_else(|| unknown_number(state, to))?;
    let _work = state.begin_work();
    let text = store(state, &account, Origin::Phone, from, to, body);
    let keyword = Keyword::from_body(body);
    if let Some(keyword) = keyword
        && let Some(reply) = state.with_opt_outs(|opt_outs| opt_outs.apply(keyword, to, from))
    {
        store(state, &account, Origin::TwilioReply, to, from, reply);
    }
    // What Twilio made of it is told with Advanced Opt-Out alone.
    let told = keyword.filter(|_| state.with_opt_outs(|opt_outs| opt_outs.is_advanced(to)));
    let webhook_status = webhook::deliver(state, &inbound_webhook(&account, &number, &text, told)).await;
    Ok(InboundResult {
        message_sid: text.sid,
        webhook_status,
    })
}

fn unknown_number(state: &SandboxState, to: &str) -> InboundError {
    let known: Vec<String> = state
        .accounts()
        .into_iter()
        .flat_map(|account| account.numbers.into_iter().map(|number| number.e164))
        .collect();
    InboundError::UnknownNumber {
        to: to.to_owned(),
        known: known.join(", "),
    }
}

fn store(
    state: &SandboxState,
    account: &TwilioAccount,
    origin: Origin,
    from: &str,
    to: &str,
    body: &str,
) -> SmsMessage {
    let message = SmsMessage::new(NewMessage {
        account_sid: &account.sid,
        from,
        to,
        body,
        origin,
        status_callback: None,
        at: state.now(),
    });
    state.add_message(message.clone());
    message
}

fn inbound_webhook(
    account: &TwilioAccount,
    number: &TwilioNumber,
    text: &SmsMessage,
    keyword: Option<Keyword>,
) -> Webhook {
    let mut params = vec![
        ("MessageSid", text.sid.clone()),
        ("SmsSid", text.sid.clone()),
        ("SmsMessageSid", text.sid.clone()),
        ("AccountSid", account.sid.clone()),
        ("From", text.from.clone()),
        ("To", text.to.clone()),
        ("Body", text.body.clone()),
        ("SmsStatus", "received".to_owned()),
        ("NumMedia", "0".to_owned()),
        ("NumSegments", segments::count(&text.body).to_string()),
        ("ApiVersion", API_VERSION.to_owned()),
        ("FromCountry", country(&text.from)),
        ("ToCountry", country(&text.to)),
    ];
    // Twilio sends the place even where it knows none.
    params.extend(
        ["FromCity", "FromState", "FromZip", "ToCity", "ToState", "ToZip"].map(|name| (name, String::new())),
    );
    if let Some(keyword) = keyword {
        params.push(("OptOutType", keyword.name().to_owned()));
    }
    Webhook {
        message_sid: text.sid.clone(),
        event: "inbound".to_owned(),
        url: number.sms_webhook_url.clone(),
        params: params
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        auth_token: account.auth_token.clone(),
        idempotency_token: sid::idempotency_token(),
    }
}

/// The ISO 3166 code of a number's country; empty where the number does not tell. The fictitious numbers of the
/// North American plan (555-01xx in area codes that do not exist) count as American.
fn country(e164: &str) -> String {
    let Ok(number) = phonenumber::parse(None, e164) else {
        return String::new();
    };
    match number.country().id() {
        Some(id) => id.as_ref().to_owned(),
        None if number.country().code() == 1 => "US".to_owned(),
        None => String::new(),
    }
}
