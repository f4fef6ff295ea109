//! Mails as a person reads them.

use chrono::{DateTime, Utc};
use mail_parser::{Message, MessageParser, MessagePart, PartType};
use serde::Serialize;

/// One mail in one recipient's mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// The address in the From header; the envelope's sender where there is none.
    pub from: String,
    /// The sender's name in the From header.
    pub from_name: Option<String>,
    /// The recipient in the envelope, so that a blind copy is in its recipient's mailbox too.
    pub to: String,
    /// The decoded subject.
    pub subject: String,
    /// The decoded text/plain part.
    pub text: Option<String>,
    /// The decoded text/html part.
    pub html: Option<String>,
    /// Names and values of the header, as sent.
    pub headers: Vec<(String, String)>,
    /// When it was accepted.
    pub at: DateTime<Utc>,
}

/// Reads a mail (RFC 5322, MIME) that was accepted for one recipient. What cannot be read as a mail is shown as
/// plain text.
pub(super) fn read(raw: &[u8], envelope_from: &str, to: &str, at: DateTime<Utc>) -> Mail {
    let mut mail = Mail {
        from: envelope_from.to_owned(),
        from_name: None,
        to: to.to_owned(),
        subject: String::new(),
        text: None,
        html: None,
        headers: Vec::new(),
        at,
    };
    match MessageParser::default().parse(raw) {
        Some(message) => fill(&mut mail, &message),
        None => mail.text = Some(String::from_utf8_lossy(raw).into_owned()),
    }
    mail
}

fn fill(mail: &mut Mail, message: &Message<'_>) {
    if let Some(sender) = message.from().and_then(|from| from.first()) {
        mail.from = sender.address().unwrap_or(&mail.from).to_owned();
        mail.from_name = sender.name().map(str::to_owned);
    }
    mail.subject = message.subject().unwrap_or_default().to_owned();
    mail.text = message.text_bodies().find_map(plain_text);
    mail.html = message.html_bodies().find_map(html);
    mail.headers = message
        .headers_raw()
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
}

fn plain_text(part: &MessagePart<'_>) -> Option<String> {
    match &part.body {
        PartType::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

fn html(part: &MessagePart<'_>) -> Option<String> {
    match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    }
}
