//! Judges words that are kept to be sent later, to nobody in particular yet: by the rules of conduct and content that judge
//! a message, on the same facts document. What only a person, their debt or an hour decides is asked when they are sent.

use chrono::{DateTime, Utc};

use super::{
    content::detect_content,
    content_facts::with_labels,
    decide::{Strictness, finding, finding_of_missing},
    decision::{Outcome, RuleFinding},
    facts::{
        Action, ActionKind, ActionType, Channel, Direction, Facts, Profile, Recipient, Tenant, TenantRole,
    },
    prohibited::{Period, ScanFacts, Scanned, Writer, scanner},
    rule_set::RuleSet,
    rules::{Act, Context, Verdict, is_about_words},
};

/// How words reach a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenMedium {
    /// A text message.
    Sms,
    /// A WhatsApp message.
    WhatsApp,
    /// The body of an e-mail.
    Email,
    /// Paper, or a document that is handed over.
    Letter,
}

/// Words as they would be sent.
#[derive(Clone, Copy, Debug)]
pub struct KeptWords<'a> {
    /// The final text, at most [`MOST_CHARACTERS`](super::prohibited::MOST_CHARACTERS).
    pub text: &'a str,
    pub medium: WrittenMedium,
    /// The language that they are written in (BCP 47).
    pub language: &'a str,
    /// The business collects for others (15 USC 1692a(6)).
    pub is_collector: bool,
    /// They are the first communication with a person about a debt.
    pub is_initial: bool,
    /// Who will have written them; `None` where nobody knows. A program is held to most.
    pub writer: Option<Writer>,
    /// Where the validation period will stand.
    pub period: Period,
    /// Names that stand in them: of a person, a creditor, the business.
    pub names: &'a [&'a str],
    /// Amounts that the ledger will have, in hundredths.
    pub amounts: &'a [i64],
}

/// What the rules say of them.
#[derive(Debug)]
pub struct JudgedWords {
    /// What may not be said, with its place.
    pub scanned: Scanned<'static>,
    /// The rules that refuse them, in the order of evaluation; empty where none does.
    pub refused_by: Vec<RuleFinding>,
}

/// Asks every rule that is about words alone, with the rule set that is in force at `at`.
pub fn judge_words(words: &KeptWords<'_>, at: DateTime<Utc>) -> JudgedWords {
    let facts = ScanFacts {
        names: words.names,
        period: words.period,
        writer: words.writer,
        amounts: Some(words.amounts),
        ..ScanFacts::default()
    };
    let (action, scanned) = with_labels(action(words), words.text, &facts);
    let role = match words.is_collector {
        true => TenantRole::ThirdPartyCollector,
        false => TenantRole::FirstPartyCreditor,
    };
    let facts = Facts {
        now: Some(at),
        profile: Some(Profile::Product),
        tenant: Some(Tenant {
            role: Some(role),
            ..Tenant::default()
        }),
        action: Some(action),
        ..Facts::nothing_on_file()
    };
    JudgedWords {
        scanned,
        refused_by: refusals(RuleSet::current(), &facts),
    }
}

/// What may not stand where others see it: in the subject of an e-mail, or its sender.
pub fn scan_visible_words(text: &str, names: &[&str]) -> Scanned<'static> {
    let facts = ScanFacts {
        names,
        writer: Some(Writer::Assistant),
        ..ScanFacts::default()
    };
    scanner().scan_visible(text, &facts)
}

fn action(words: &KeptWords<'_>) -> Action {
    let channel = match words.medium {
        WrittenMedium::Sms => Channel::Sms,
        WrittenMedium::WhatsApp => Channel::Whatsapp,
        WrittenMedium::Email => Channel::Email,
        WrittenMedium::Letter => Channel::Letter,
    };
    Action {
        action_type: Some(ActionType::Contact),
        channel: Some(channel),
        direction: Some(Direction::Outbound),
        kind: Some(ActionKind::Collection),
        recipient: Some(Recipient::Consumer),
        language: Some(words.language.to_owned()),
        is_initial: Some(words.is_initial),
        content: Some(detect_content(words.text, words.language)),
        ..Action::default()
    }
}

fn refusals(rule_set: &RuleSet, facts: &Facts) -> Vec<RuleFinding> {
    let Ok(context) = Context::new(rule_set, facts, Act::Contact, Strictness::Production) else {
        return Vec::new();
    };
    let asked = rule_set
        .checks(Act::Contact)
        .filter(|(rule, data)| is_about_words(rule.id) && context.is_in_force(data));
    asked
        .filter_map(|(rule, data)| match (rule.check)(&context) {
            Ok(Verdict::Deny(values)) => Some(finding(data, Outcome::Deny, None, values)),
            Ok(Verdict::Require(missing)) => {
                let values = vec![("missing", missing.join(", "))];
                Some(finding(data, Outcome::RequireContent, None, values))
            }
            Ok(_) => None,
            Err(missing) => Some(finding_of_missing(data, missing)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, change: impl FnOnce(&mut KeptWords<'_>)) -> Vec<String> {
        let mut words = KeptWords {
            text,
            medium: WrittenMedium::Letter,
            language: "en",
            is_collector: true,
            is_initial: false,
            writer: Some(Writer::Person),
            period: Period::Over,
            names: &[],
            amounts: &[],
        };
        change(&mut words);
        let at = "2026-12-01T17:00:00Z".parse().unwrap();
        let judged = judge_words(&words, at);
        judged
            .refused_by
            .iter()
            .map(|found| found.rule.to_string())
            .collect()
    }

    #[test]
    fn the_gates_own_rules_speak() {
        let plain = "This is from a debt collector. Can we help?";
        assert_eq!(refused(plain, |_| ()), [""; 0]);
        assert_eq!(refused("Can we help?", |_| ()), ["reg-f-mini-miranda-subsequent"]);
        assert_eq!(
            refused("Can we help?", |words| words.is_collector = false),
            [""; 0]
        );
        assert_eq!(
            refused(plain, |words| words.medium = WrittenMedium::Email),
            ["reg-f-electronic-opt-out-notice"]
        );
        assert_eq!(
            refused(plain, |words| words.is_initial = true),
            ["reg-f-mini-miranda-initial"]
        );
        let threat = "This is from a debt collector. You will be arrested.";
        assert_eq!(refused(threat, |_| ()), ["fdcpa-false-legal-threat"]);
        let amount = "This is from a debt collector. You owe $12.00.";
        assert_eq!(refused(amount, |_| ()), ["fdcpa-amount-misstatement"]);
        assert_eq!(refused(amount, |words| words.amounts = &[1_200]), [""; 0]);
    }
}
