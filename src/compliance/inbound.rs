//! What an inbound text brings about: one rule, one function, each of which reads the text for its own purpose. This is
//! the deterministic first look that acts at once; a person or a classifier may only add to it.

use super::facts::{Action, Channel};
use super::holds::HoldKind;
use super::reading::{self, InboundKeyword, OptOutReach, Said, Statement};
use super::rule_set::RuleSet;

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

type Reader = fn(&Said) -> Vec<Effect>;

/// What a text brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The text was about the rule's matter and brings nothing about.
    Nothing,
    /// A notice to cease, or a refusal to pay: the person is contacted no more.
    Cease,
    /// The consent to the channel that the text came by is taken back.
    Revoke,
    /// The channel that the text came by is given back.
    Resubscribe,
    /// A hold on the person; a wrong party's is on the number.
    Hold(HoldKind),
}

impl Effect {
    /// How far it reaches: the furthest names the decision.
    fn rank(self) -> u8 {
        match self {
            Self::Cease => 9,
            Self::Revoke => 8,
            Self::Hold(HoldKind::Dispute) => 6,
            Self::Hold(_) => 7,
            Self::Resubscribe => 2,
            Self::Nothing => 1,
        }
    }

    fn name(self, channel: &str) -> String {
        match self {
            Self::Nothing => NONE.to_owned(),
            Self::Cease => "cease:all".to_owned(),
            Self::Revoke => format!("revoke:{channel}"),
            Self::Resubscribe => format!("resubscribe:{channel}"),
            Self::Hold(HoldKind::WrongParty) => "suppress:wrong_party".to_owned(),
            Self::Hold(kind) => format!("hold:{}", kind.as_str().to_lowercase()),
        }
    }
}

const NONE: &str = "none";

/// 15 USC 1692c(c); 12 CFR 1006.6(c): a notice to cease, or a refusal to pay. Not being able to pay is no refusal.
fn reads_cease(said: &Said) -> Vec<Effect> {
    let asks = said.request == Some(InboundKeyword::OptOut(OptOutReach::AllContact));
    if asks || said.refuses_to_pay {
        vec![Effect::Cease]
    } else if said.cannot_pay {
        vec![Effect::Nothing]
    } else {
        vec![]
    }
}

/// 47 CFR 64.1200(a)(10)-(11): a revocation by any reasonable means; START restores the channel that it came by.
fn reads_revocation(said: &Said) -> Vec<Effect> {
    match said.request {
        Some(InboundKeyword::OptOut(OptOutReach::Channel)) => vec![Effect::Revoke],
        Some(InboundKeyword::OptIn) => vec![Effect::Resubscribe],
        _ => vec![],
    }
}

/// 15 USC 1692c; 11 USC 362; 15 USC 1681m(f)-(g): what a text states of the person sets the hold before anything more is
/// sent; a person looks afterwards.
fn reads_status(said: &Said) -> Vec<Effect> {
    let hold = |statement: &Statement| {
        Effect::Hold(match statement {
            Statement::Bankruptcy => HoldKind::Bankruptcy,
            Statement::Deceased => HoldKind::Deceased,
            Statement::Attorney => HoldKind::AttorneyRepresented,
            Statement::IdentityTheft => HoldKind::IdentityTheft,
            Statement::WrongParty => HoldKind::WrongParty,
            Statement::ActiveDuty => HoldKind::Scra,
            Statement::Minor => HoldKind::Minor,
        })
    };
    said.statements.iter().map(hold).collect()
}

/// 15 USC 1692g(b); 12 CFR 1006.38(d): a dispute in writing; what comes by an accepted medium is in writing.
fn reads_dispute(said: &Said) -> Vec<Effect> {
    if said.disputes {
        vec![Effect::Hold(HoldKind::Dispute)]
    } else {
        vec![]
    }
}

/// Everything that one text brings about by the rules of the set. `names` are of those who may be meant.
pub(super) fn effects(rule_set: &RuleSet, text: &str, names: &[&str]) -> Vec<Effect> {
    by_rule(rule_set, &reading::read(text, names))
        .map(|(_, effect)| effect)
        .filter(|effect| *effect != Effect::Nothing)
        .collect()
}

fn by_rule<'a>(rule_set: &'a RuleSet, said: &'a Said) -> impl Iterator<Item = (&'static str, Effect)> + 'a {
    RULES
        .iter()
        .filter(|(rule, _)| rule_set.rule(rule).is_some())
        .flat_map(|(rule, reads)| reads(said).into_iter().map(move |effect| (*rule, effect)))
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
    let mut found = Reading {
        rule: REVOCATION,
        effect: NONE.to_owned(),
        effects: Vec::new(),
    };
    let mut furthest = 0;
    for text in texts {
        let said = reading::read(text, &[]);
        for (rule, effect) in by_rule(rule_set, &said) {
            let name = effect.name(channel);
            if effect != Effect::Nothing && !found.effects.contains(&name) {
                found.effects.push(name.clone());
            }
            if effect.rank() > furthest {
                furthest = effect.rank();
                found.rule = rule;
                found.effect = name;
            }
        }
    }
    found
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
