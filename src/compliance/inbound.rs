//! What an inbound text brings about: one rule, one function, each of which reads the text for its own purpose. This is
//! the deterministic first look that acts at once; a person or a classifier may only add to it.

use super::facts::{Action, Channel};
use super::keywords::{self, InboundKeyword, OptOutReach};
use super::rule_set::RuleSet;
use super::statements::{self, Statement};

pub(super) const REVOCATION: &str = "tcpa-revocation-reasonable-means";
const CEASE: &str = "reg-f-cease-communication";
const DISPUTE: &str = "reg-f-dispute-cease";
const STATUS: &str = "status-intake";

/// The rules that read an inbound text.
pub(super) const RULES: &[(&str, Reader)] = &[
    (CEASE, reads_cease),
    (REVOCATION, reads_revocation),
    (STATUS, reads_status),
    (DISPUTE, reads_dispute),
];

type Reader = fn(&str, &str) -> Vec<Effect>;

/// What a text brings about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    /// How far it reaches: the furthest names the decision.
    rank: u8,
    /// `none` where the text was about the rule's matter and brings nothing about.
    pub(super) name: String,
}

const NONE: &str = "none";

fn effect(rank: u8, name: impl Into<String>) -> Vec<Effect> {
    let name = name.into();
    vec![Effect { rank, name }]
}

/// 15 USC 1692c(c); 12 CFR 1006.6(c): a notice to cease, or a refusal to pay. Not being able to pay is no refusal.
fn reads_cease(text: &str, _channel: &str) -> Vec<Effect> {
    let asks = matches!(
        keywords::recognise(text),
        Some(InboundKeyword::OptOut(OptOutReach::AllContact))
    );
    if asks || statements::refuses_to_pay(text) {
        effect(9, "cease:all")
    } else if statements::cannot_pay(text) {
        effect(1, NONE)
    } else {
        vec![]
    }
}

/// 47 CFR 64.1200(a)(10)-(11): a revocation by any reasonable means; START restores the channel that it came by.
fn reads_revocation(text: &str, channel: &str) -> Vec<Effect> {
    match keywords::recognise(text) {
        Some(InboundKeyword::OptOut(OptOutReach::Channel)) => effect(8, format!("revoke:{channel}")),
        Some(InboundKeyword::OptIn) => effect(2, format!("resubscribe:{channel}")),
        _ => vec![],
    }
}

/// 15 USC 1692c; 11 USC 362; 15 USC 1681m(f)-(g): what a text states of the person sets the hold before anything more is
/// sent; a person looks afterwards.
fn reads_status(text: &str, _channel: &str) -> Vec<Effect> {
    let named = |statement: &Statement| match statement {
        Statement::Bankruptcy => "hold:bankruptcy",
        Statement::Deceased => "hold:deceased",
        Statement::Attorney => "hold:attorney",
        Statement::IdentityTheft => "hold:identity_theft",
        Statement::WrongParty => "suppress:wrong_party",
        Statement::ActiveDuty => "hold:scra",
        Statement::Minor => "hold:minor",
    };
    let found = statements::statements(text);
    found
        .iter()
        .flat_map(|statement| effect(7, named(statement)))
        .collect()
}

/// 15 USC 1692g(b); 12 CFR 1006.38(d): a dispute in writing; what comes by an accepted medium is in writing.
fn reads_dispute(text: &str, _channel: &str) -> Vec<Effect> {
    if keywords::disputes(text) {
        effect(6, "hold:dispute")
    } else {
        vec![]
    }
}

/// What all texts of an action bring about.
pub(super) struct Reading {
    /// The rule of the furthest effect.
    pub(super) rule: &'static str,
    /// That effect.
    pub(super) effect: String,
    /// Every effect, in the order of the texts, each once.
    pub(super) effects: Vec<String>,
}

/// Reads the texts by the rules of the set. Of several effects the one that reaches furthest names the decision, of equal
/// ones the first.
pub(super) fn read(rule_set: &RuleSet, action: Option<&Action>) -> Reading {
    let channel = channel_name(action.and_then(|action| action.channel));
    let texts = action
        .and_then(|action| action.texts.as_deref())
        .unwrap_or_default();
    let mut reading = Reading {
        rule: REVOCATION,
        effect: NONE.to_owned(),
        effects: Vec::new(),
    };
    let mut furthest = 0;
    for text in texts {
        for (rule, reads) in RULES.iter().filter(|(rule, _)| rule_set.rule(rule).is_some()) {
            for Effect { rank, name } in reads(text, channel) {
                if name != NONE && !reading.effects.contains(&name) {
                    reading.effects.push(name.clone());
                }
                if rank > furthest {
                    furthest = rank;
                    reading.rule = rule;
                    reading.effect = name;
                }
            }
        }
    }
    reading
}

fn channel_name(channel: Option<Channel>) -> &'static str {
    match channel {
        Some(Channel::Sms) => "sms",
        Some(Channel::Whatsapp) => "whatsapp",
        Some(Channel::Email) => "email",
        Some(Channel::Webchat) => "webchat",
        Some(Channel::Voice | Channel::Voicemail) => "voice",
        Some(Channel::Letter) => "letter",
        None => "all",
    }
}
