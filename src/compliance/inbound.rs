//! What an inbound text brings about: one rule, one function, each of which reads the text for its own purpose. This is
//! the deterministic first look that acts at once; a person or a classifier may only add to it.

use super::facts::{Action, Channel};
use super::holds::HoldKind;
use super::reading::{self, InboundKeyword, Medium, Names, OptOutReach, Said, SaidTime, Statement};
use super::rule_set::RuleSet;

pub(super) const REVOCATION: &str = "tcpa-revocation-reasonable-means";
const CEASE: &str = "reg-f-cease-communication";
const DISPUTE: &str = "reg-f-dispute-cease";
const STATUS: &str = "status-intake";
const ORIGINAL_CREDITOR: &str = "reg-f-original-creditor-request";
const WORKPLACE: &str = "reg-f-workplace-prohibited";
const INCONVENIENT: &str = "reg-f-inconvenient-time-place";

/// The rules that read an inbound text.
pub(super) const RULES: &[(&str, Reader)] = &[
    (CEASE, reads_cease),
    (REVOCATION, reads_revocation),
    (STATUS, reads_status),
    (DISPUTE, reads_dispute),
    (ORIGINAL_CREDITOR, reads_original_creditor),
    (WORKPLACE, reads_workplace),
    (INCONVENIENT, reads_times),
];

type Reader = fn(&Said) -> Vec<Effect>;

/// What a text brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The text was about the rule's matter and brings nothing about.
    Nothing,
    /// A notice to cease, or a refusal to pay: the person is contacted no more.
    Cease,
    /// The consent to a medium is taken back.
    Revoke(Medium),
    /// The channel that the text came by is given back.
    Resubscribe,
    /// A hold on the person; a wrong party's is on the number.
    Hold(HoldKind),
    /// The original creditor's name and address are owed, and until they are sent the debt is not collected.
    OriginalCreditor,
    /// The person is not contacted at work.
    NotAtWork,
    /// The person is not contacted at a time.
    NotThen(SaidTime),
}

impl Effect {
    /// How far it reaches: the furthest names the decision.
    fn rank(self) -> u8 {
        match self {
            Self::Cease => 9,
            Self::Revoke(_) => 8,
            Self::Hold(HoldKind::Dispute) => 6,
            Self::Hold(_) => 7,
            Self::OriginalCreditor => 5,
            Self::Resubscribe => 2,
            Self::Nothing => 1,
            // It says where or when, and nothing of whether.
            Self::NotAtWork | Self::NotThen(_) => 0,
        }
    }

    fn name(self, channel: &str) -> String {
        match self {
            Self::Nothing => NONE.to_owned(),
            Self::Cease => "cease:all".to_owned(),
            Self::Revoke(Medium::Own) => format!("revoke:{channel}"),
            Self::Revoke(Medium::Texts) => "revoke:sms".to_owned(),
            Self::Revoke(Medium::Calls) => "revoke:voice".to_owned(),
            Self::Revoke(Medium::Email) => "revoke:email".to_owned(),
            Self::Revoke(Medium::Whatsapp) => "revoke:whatsapp".to_owned(),
            Self::OriginalCreditor => "request:original_creditor".to_owned(),
            Self::NotAtWork => "inconvenient:work".to_owned(),
            Self::NotThen(_) => "inconvenient:time".to_owned(),
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

/// 47 CFR 64.1200(a)(10)-(11): a revocation by any reasonable means; 12 CFR 1006.14(h)(1): of the media that it names. START
/// restores the channel that it came by.
fn reads_revocation(said: &Said) -> Vec<Effect> {
    match said.request {
        Some(InboundKeyword::OptOut(OptOutReach::Channel)) => {
            said.media.iter().copied().map(Effect::Revoke).collect()
        }
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

/// 15 USC 1692g(b); 12 CFR 1006.38(c): a request in writing for the original creditor's name and address.
fn reads_original_creditor(said: &Said) -> Vec<Effect> {
    match said.asks_for_original_creditor {
        true => vec![Effect::OriginalCreditor],
        false => vec![],
    }
}

/// 15 USC 1692c(a)(3); 12 CFR 1006.6(b)(3): one statement that they are not to be contacted at work is enough.
fn reads_workplace(said: &Said) -> Vec<Effect> {
    match said.not_at_work {
        true => vec![Effect::NotAtWork],
        false => vec![],
    }
}

/// 12 CFR 1006.6(b)(1)(i): a time that they say is inconvenient, for as long as they do not take it back.
fn reads_times(said: &Said) -> Vec<Effect> {
    said.times.iter().copied().map(Effect::NotThen).collect()
}

/// Everything that one text brings about by the rules of the set.
pub(super) fn effects(rule_set: &RuleSet, text: &str, names: &Names<'_>) -> Vec<Effect> {
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
        let said = reading::read(text, &Names::default());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read_by(channel: Channel, text: &str) -> (&'static str, String, Vec<String>) {
        let action = Action {
            channel: Some(channel),
            texts: Some(vec![text.to_owned()]),
            ..Action::default()
        };
        let found = read(RuleSet::current(), Some(&action));
        (found.rule, found.effect, found.effects)
    }

    #[test]
    fn an_opt_out_is_of_the_medium_that_it_names_and_else_of_the_one_that_it_came_by() {
        for (channel, text, expected) in [
            (Channel::Sms, "STOP", vec!["revoke:sms"]),
            (
                Channel::Sms,
                "stop emailing me, text is fine",
                vec!["revoke:email"],
            ),
            (Channel::Sms, "do not call me", vec!["revoke:voice"]),
            (Channel::Email, "stop texting me", vec!["revoke:sms"]),
            (Channel::Email, "unsubscribe", vec!["revoke:email"]),
            (
                Channel::Sms,
                "do not call or text me",
                vec!["revoke:sms", "revoke:voice"],
            ),
            (Channel::Sms, "do not call, text or email me", vec!["cease:all"]),
        ] {
            assert_eq!(read_by(channel, text).2, expected, "{text}");
        }
    }

    #[test]
    fn what_is_asked_of_the_original_creditor_and_of_the_workplace_names_its_rule() {
        let asked = read_by(Channel::Sms, "Who is the original creditor?");
        assert_eq!(
            (asked.0, asked.1.as_str()),
            (ORIGINAL_CREDITOR, "request:original_creditor")
        );
        // Where they are not to be contacted is no answer to whether they are.
        let (rule, effect, effects) = read_by(Channel::Sms, "don't call me at work");
        assert_eq!((rule, effect.as_str()), (REVOCATION, NONE));
        assert_eq!(effects, ["inconvenient:work"]);
    }
}
