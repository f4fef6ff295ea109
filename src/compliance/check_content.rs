//! Says what of a text may not be sent, where it stands, and what to change. Nothing is stored: the words are the sender's
//! own, and go back to nobody else.

use uuid::Uuid;

use super::{
    Author, Contact,
    gather::gather,
    prohibited::{Category, MOST_CHARACTERS},
};
use crate::{
    accounts::{Channel, phones_of},
    platform::{db::TenantTx, error::OpError, gql::UserError, keys::TenantKeys},
};

/// A text that somebody thinks of sending.
#[derive(Clone, Copy, Debug)]
pub struct ContentToCheck<'a> {
    /// To whom.
    pub debtor_id: Uuid,
    /// About which account, if about one.
    pub account_id: Option<Uuid>,
    /// On which channel.
    pub channel: Channel,
    /// The sender's own words, at most 20,000 characters.
    pub body: &'a str,
    /// Who wrote them.
    pub author: Author,
}

/// Words that may not be sent.
#[derive(Clone, Debug)]
pub struct ContentFinding {
    /// What sort of language it is, which rule it breaks, and what to change.
    pub category: &'static Category,
    /// The words, as they were written.
    pub excerpt: String,
    /// The first character of the words in the text, counted from 0.
    pub start: usize,
    /// The character after the last one.
    pub end: usize,
}

/// What of the text may not be sent, in its order, at most forty; `None` when the person is not there or the account was
/// deleted.
///
/// # Errors
/// A user error for a text that is too long; [`OpError`] otherwise.
pub async fn check_content(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    text: &ContentToCheck<'_>,
) -> Result<Option<Vec<ContentFinding>>, OpError> {
    if text.body.chars().nth(MOST_CHARACTERS).is_some() {
        let most = format!("Give at most {MOST_CHARACTERS} characters.");
        return Err(UserError::invalid("body", most).into());
    }
    // The address decides nothing of the words.
    let phones = phones_of(tx, keys, text.debtor_id).await?;
    let contact = Contact {
        debtor_id: text.debtor_id,
        account_id: text.account_id,
        channel: text.channel,
        recipient: phones.first().map_or("", |phone| phone.number.expose()),
        content: text.body,
        in_reply_to: None,
        mode: None,
        author: text.author,
        cease_notice: None,
        dispute_answer: None,
        is_template: false,
    };
    let Some(gathered) = gather(tx, keys, &contact, false).await? else {
        return Ok(None);
    };
    let findings = gathered.scanned.findings.iter().map(|finding| ContentFinding {
        category: finding.category,
        excerpt: text.body[finding.start..finding.end].to_owned(),
        start: text.body[..finding.start].chars().count(),
        end: text.body[..finding.end].chars().count(),
    });
    Ok(Some(findings.collect()))
}
