//! The act of a contact, as a fact: what is said, to whom, and what it is for.

use super::{
    Author, CeaseNotice, Contact,
    content::detect_content,
    debt_facts::Debts,
    demand::payment_demand,
    disputes::DisputeJson,
    facts::{self, Action, ActionKind, ActionType, Direction, InReplyTo, Recipient, TenantRole},
};
use crate::accounts::Channel;

/// How a business's role stands in the facts.
pub(super) fn role(stored: &str) -> TenantRole {
    match stored {
        "FIRST_PARTY_CREDITOR" => TenantRole::FirstPartyCreditor,
        // Whatever else stands there is held to the stricter rules.
        _ => TenantRole::ThirdPartyCollector,
    }
}

pub(super) fn action(
    contact: &Contact<'_>,
    (business, language): (&str, &str),
    debts: &Debts,
    disputes: &[DisputeJson],
) -> Action {
    let mut content = detect_content(contact.content, language);
    content.reveals_debt = None;
    content.payment_demand = payment_demand(contact.content);
    content.confirms_only = contact.confirms_an_opt_out().then_some(true);
    content.approved_notice = contact
        .cease_notice
        .filter(|notice| notice.is_all_of(contact.content, business, language))
        .map(CeaseNotice::kind);
    Action {
        action_type: Some(ActionType::Contact),
        channel: Some(channel(contact.channel)),
        direction: Some(Direction::Outbound),
        kind: Some(kind(contact, disputes)),
        recipient: Some(Recipient::Consumer),
        number: Some(contact.recipient.to_owned()),
        debts: debts.ids(),
        mode: contact.mode,
        language: Some(language.to_owned()),
        is_initial: Some(debts.is_initial()),
        in_reply_to: Some(contact.in_reply_to.map(|at| InReplyTo {
            at: Some(at),
            channel: Some(channel(contact.channel)),
        })),
        content: Some(content),
        approved_template: contact.is_template.then_some(true),
        ..Action::default()
    }
}

/// A person says what it is; a program says nothing to who has asked to be left alone, and answers no dispute. An answer that
/// nobody waits for is a message like any other, whatever it is said to be.
fn kind(contact: &Contact<'_>, disputes: &[DisputeJson]) -> ActionKind {
    let by_person = matches!(contact.author, Author::Member(_));
    let notice = contact.cease_notice.filter(|_| by_person);
    let answer = contact.dispute_answer.filter(|answer| {
        let is_awaited = |dispute: &DisputeJson| dispute.awaits(*answer);
        by_person && disputes.iter().any(is_awaited)
    });
    match (contact.author, notice, answer, contact.in_reply_to) {
        _ if contact.confirms_an_opt_out() => ActionKind::OptoutConfirmation,
        (Author::Notice, ..) => ActionKind::RequestedNotice,
        (_, Some(notice), ..) => notice.kind(),
        (_, None, Some(answer), _) => answer.kind(),
        (_, None, None, Some(_)) => ActionKind::Reply,
        (_, None, None, None) => ActionKind::Collection,
    }
}

pub(super) fn channel(channel: Channel) -> facts::Channel {
    match channel {
        Channel::Sms => facts::Channel::Sms,
        Channel::WhatsApp => facts::Channel::Whatsapp,
        Channel::Email => facts::Channel::Email,
        Channel::WebChat => facts::Channel::Webchat,
        Channel::Voice => facts::Channel::Voice,
    }
}
