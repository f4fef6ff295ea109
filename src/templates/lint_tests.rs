//! What is found in templates, and that it is never less than what the gate finds in the messages that are made of them.

use proptest::prelude::*;
use serde::Deserialize;

use super::{
    account_values::shown,
    catalogue::{Values, Variable},
    finding::{Linted, Part, Severity},
    lint::lint,
    model::{Owner, TemplateLanguage, TemplatePurpose, TemplateType, Use, Words},
    render::render,
};
use crate::{
    compliance::{KeptWords, Period, Writer, content::append_required, judge_words},
    platform::money::Money,
};

const PHRASES: &str = include_str!("../../tests/data/compliance-phrases.json");

#[derive(Deserialize)]
struct Phrases {
    category: String,
    prohibited: Vec<String>,
    near_miss_allowed: Vec<String>,
}

fn phrases() -> Vec<Phrases> {
    serde_json::from_str(PHRASES).unwrap()
}

fn at() -> chrono::DateTime<chrono::Utc> {
    "2026-12-01T17:00:00Z".parse().unwrap()
}

fn collector() -> Owner {
    Owner {
        name: "Sunrise Group".to_owned(),
        is_collector: true,
    }
}

fn creditor() -> Owner {
    Owner {
        is_collector: false,
        ..collector()
    }
}

const fn of(kind: TemplateType, purpose: TemplatePurpose, language: TemplateLanguage) -> Use {
    Use {
        kind,
        purpose,
        language,
    }
}

const TEXT: Use = of(TemplateType::Sms, TemplatePurpose::FollowUp, TemplateLanguage::En);
const FIRST_TEXT: Use = of(
    TemplateType::Sms,
    TemplatePurpose::FirstContact,
    TemplateLanguage::En,
);
const MAIL: Use = of(
    TemplateType::Email,
    TemplatePurpose::FollowUp,
    TemplateLanguage::En,
);
const LETTER: Use = of(
    TemplateType::Letter,
    TemplatePurpose::FollowUp,
    TemplateLanguage::En,
);

fn linted(of: Use, owner: &Owner, subject: Option<&str>, body: &str) -> Linted {
    let words = Words::checked(subject, body, of.kind).unwrap();
    lint(&words, of, owner, at())
}

/// Rule and severity of what is found, and the words that are meant; without what is merely appended.
fn found(of: Use, owner: &Owner, subject: Option<&str>, body: &str) -> Vec<(String, Severity, String)> {
    let findings = linted(of, owner, subject, body).findings.into_iter();
    let others = findings.filter(|finding| finding.rule != "template-appended");
    others
        .map(|finding| {
            let part = match finding.part {
                Part::Subject => subject.unwrap_or_default(),
                Part::Body => body,
            };
            let words = finding.place.map_or_else(String::new, |(start, end)| {
                part.chars().skip(start).take(end - start).collect()
            });
            assert!(!finding.message.is_empty());
            (finding.rule, finding.severity, words)
        })
        .collect()
}

fn errors(of: Use, body: &str) -> Vec<(String, String)> {
    let found = found(of, &collector(), None, body);
    let errors = found
        .into_iter()
        .filter(|(_, severity, _)| *severity == Severity::Error);
    errors.map(|(rule, _, words)| (rule, words)).collect()
}

fn one(rule: &str, words: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), words.to_owned())]
}

#[test]
fn an_honest_text_has_nothing_but_what_is_added_to_it() {
    let plain = "Hi {{debtorFirstName}}, this is {{businessName}}. Shall we talk about account {{accountNumberEnding}}?";
    assert_eq!(found(TEXT, &collector(), None, plain), []);
    let appended = linted(TEXT, &collector(), None, plain);
    let [finding] = appended.findings.as_slice() else {
        panic!("{appended:?}")
    };
    assert_eq!(finding.rule, "template-appended");
    assert!(finding.message.contains("Reply STOP to opt out."), "{finding:?}");
    assert!(
        finding
            .message
            .contains("This communication is from a debt collector.")
    );
    let whole = format!("{plain} {{{{collectorDisclosure}}}} {{{{optOutNotice}}}}");
    let whole = linted(TEXT, &collector(), None, &whole);
    assert_eq!(whole.findings, []);
    assert_eq!(whole.length, appended.length, "the same is sent");
}

#[test]
fn slips_of_the_pen_are_found_where_they_stand() {
    let say = |words: &str| format!("{{{{businessName}}}} ¡ña! {words}");
    assert_eq!(
        errors(TEXT, &say("Hi {{debtorFristName}}.")),
        one("template-unknown-variable", "{{debtorFristName}}")
    );
    let torn = errors(TEXT, &say("Hi {{debtorFirstName}."));
    assert_eq!(
        torn,
        [one("template-braces", "{{"), one("template-braces", "}")].concat()
    );
    assert_eq!(errors(TEXT, &say("Hi } there")), one("template-braces", "}"));
    assert_eq!(
        errors(TEXT, "Hi {{debtorFirstName}}, shall we talk?"),
        one("template-business-name", "")
    );
    assert_eq!(errors(TEXT, "Hi, SUNRISE group here."), []);
    assert_eq!(
        errors(TEXT, "{{businessName}} {{optOutNotice}}"),
        one("template-empty", "")
    );
    assert_eq!(
        errors(TEXT, &say("See {{portalLink}} or {{portalLink}}.")),
        one("template-repeated-link", "{{portalLink}}")
    );
    let long = format!("{{{{businessName}}}} {}", "word ".repeat(310));
    assert_eq!(errors(TEXT, &long), one("template-too-long", ""));
}

#[test]
fn variables_stand_where_they_may() {
    let text = "{{businessName}} here. Your balance is {{balance}}.";
    assert_eq!(errors(TEXT, text), []);
    assert_eq!(
        errors(FIRST_TEXT, text),
        one("reg-f-text-procedures", "{{balance}}")
    );
    let letter = "Your balance is {{balance}}. {{collectorDisclosure}}";
    assert_eq!(errors(LETTER, letter), []);
    assert_eq!(
        errors(LETTER, "Words. {{collectorDisclosure}} {{optOutNotice}}"),
        one("template-misplaced-variable", "{{optOutNotice}}")
    );
    let own = found(LETTER, &creditor(), None, letter);
    assert!(
        own.iter()
            .any(|(rule, severity, words)| rule == "fdcpa-impersonation"
                && *severity == Severity::Error
                && words == "{{collectorDisclosure}}")
    );
    assert_eq!(
        errors(FIRST_TEXT, "{{businessName}} here, see https://bit.ly/abc now"),
        one("template-foreign-link", "https://bit.ly/abc")
    );
    assert_eq!(
        errors(FIRST_TEXT, "{{businessName}} here, see {{portalLink}}"),
        []
    );
}

#[test]
fn what_nothing_is_added_to_has_to_say_it_itself() {
    assert_eq!(
        errors(LETTER, "Shall we talk?"),
        one("reg-f-mini-miranda-subsequent", "")
    );
    let first = Use {
        purpose: TemplatePurpose::FirstContact,
        ..LETTER
    };
    assert_eq!(
        errors(first, "Shall we talk?"),
        one("reg-f-mini-miranda-initial", "")
    );
    assert_eq!(errors(first, "Shall we talk? {{collectorDisclosure}}"), []);
    let mail = |body: &str| {
        let found = found(MAIL, &creditor(), Some("A message for you"), body);
        found.into_iter().map(|(rule, ..)| rule).collect::<Vec<_>>()
    };
    assert_eq!(
        mail("Shall we talk? {{businessAddress}}"),
        ["reg-f-electronic-opt-out-notice"]
    );
    assert_eq!(
        mail("Shall we talk? {{optOutNotice}} {{businessAddress}}"),
        [""; 0]
    );
    assert_eq!(
        mail("Shall we talk? {{optOutNotice}}"),
        ["template-postal-address"]
    );
    // Spanish words want Spanish statements.
    let spanish = Use {
        language: TemplateLanguage::Es,
        ..LETTER
    };
    assert_eq!(errors(spanish, "¿Hablamos? {{collectorDisclosure}}"), []);
    assert_eq!(
        errors(spanish, "¿Hablamos? This is from a debt collector."),
        one("reg-f-disclosure-language", "")
    );
}

#[test]
fn a_subject_tells_nothing() {
    let subject = |subject: Option<&str>| {
        let body = "Shall we talk? {{collectorDisclosure}} {{optOutNotice}} {{businessAddress}}";
        let found = found(MAIL, &collector(), subject, body);
        found
            .into_iter()
            .map(|(rule, _, words)| (rule, words))
            .collect::<Vec<_>>()
    };
    assert_eq!(subject(Some("A message for {{debtorFirstName}}")), []);
    assert_eq!(subject(None), one("template-subject", ""));
    for (words, meant) in [
        ("Your debt", "debt"),
        ("Su deuda", "deuda"),
        ("About $812.40", "$812.40"),
        ("Hi {{debtorFirstName}}, past due", "past due"),
        ("From {{businessName}}", "{{businessName}}"),
        ("{{balance}}", "{{balance}}"),
    ] {
        let found = subject(Some(words));
        assert!(
            found
                .iter()
                .any(|(rule, words)| rule == "no-debt-in-visible-fields"
                    && (words.contains(meant) || meant.contains(words.as_str()))),
            "{words}: {found:?}"
        );
    }
    // A collector's own name there tells what it is about.
    let telling = Owner {
        name: "Acme Recovery".to_owned(),
        ..collector()
    };
    let words = Words::checked(Some("From Acme Recovery"), "Words. {{optOutNotice}}", MAIL.kind).unwrap();
    let linted = lint(&words, MAIL, &telling, at());
    assert!(linted.findings.iter().any(|found| found.part == Part::Subject));
}

#[test]
fn threats_are_found_in_both_languages_and_amounts_come_from_the_ledger() {
    let text = "{{businessName}} here. {{debtorFirstName}}, you will be arrested if you do not pay.";
    let [(rule, words)] = errors(TEXT, text).try_into().unwrap();
    assert_eq!(rule, "fdcpa-false-legal-threat");
    assert!(words.contains("be arrested"), "{words}");
    // English in a Spanish text, and the other way round.
    let spanish = Use {
        language: TemplateLanguage::Es,
        ..TEXT
    };
    assert!(!errors(spanish, text).is_empty());
    assert!(!errors(TEXT, "{{businessName}}. Lo van a arrestar si no paga.").is_empty());
    assert!(
        errors(TEXT, "{{businessName}} here. Your balance is $812.40.")
            .iter()
            .any(|(rule, _)| rule == "fdcpa-amount-misstatement"),
        "also where it is the catalogue's example"
    );
    // What a debt's age decides is no error of the template.
    let hurried = found(
        TEXT,
        &collector(),
        None,
        "{{businessName}} here. Pay within 10 days or lose your rights.",
    );
    assert!(
        hurried
            .iter()
            .any(|(rule, severity, _)| rule == "reg-f-overshadowing" && *severity == Severity::Warning),
        "{hurried:?}"
    );
}

#[test]
fn numbers_side_by_side_may_read_as_a_card() {
    let say = |words: &str| format!("{{{{businessName}}}} here. {words}");
    let joined = |words: &str, meant: &str| {
        let found = errors(TEXT, &say(words));
        assert_eq!(found, one("pci-no-pan", meant), "{words}");
    };
    let thrice = "{{balance}} {{accountNumberEnding}} {{accountNumberEnding}}";
    joined(thrice, thrice);
    joined(
        "Or {{accountNumberEnding}}{{accountNumberEnding}}-{{accountNumberEnding}}/{{accountNumberEnding}}.",
        "{{accountNumberEnding}}{{accountNumberEnding}}-{{accountNumberEnding}}/{{accountNumberEnding}}",
    );
    joined(
        "Call {{businessPhone}} {{accountNumberEnding}}",
        "{{businessPhone}} {{accountNumberEnding}}",
    );
    joined(
        "4821 0000 {{accountNumberEnding}} 1",
        "4821 0000 {{accountNumberEnding}} 1",
    );
    for harmless in [
        "{{balance}} {{accountNumberEnding}}",
        "{{balance}} for {{accountNumberEnding}} and {{accountNumberEnding}}",
        "{{balance}}, {{accountNumberEnding}}, {{accountNumberEnding}}",
        "Call {{businessPhone}} 24 hours a day",
        "{{dueDate}} {{accountNumberEnding}}",
        "10 000 000 {{accountNumberEnding}} 1",
    ] {
        assert_eq!(errors(TEXT, &say(harmless)), [], "{harmless}");
    }
    // What is said of it is true: of these values the message would be refused.
    let mut values = values_of("Ana", "Ruiz", "Zenith", TEXT, 40_000);
    values.insert(Variable::AccountNumberEnding, "0002".to_owned());
    let text = render(&say(thrice), &values).unwrap().text;
    assert!(text.ends_with("$400.00 0002 0002"), "{text}");
    let refused_with = |ending: &str| {
        let text = text.replace("0002 0002", &format!("0002 {ending}"));
        refused(&text, TEXT, &values, None, 40_000)
    };
    let of_them: Vec<_> = (0..10).map(|last| refused_with(&format!("000{last}"))).collect();
    let card = vec!["pci-no-pan".to_owned()];
    assert_eq!(
        of_them.iter().filter(|rules| **rules == card).count(),
        1,
        "{of_them:?}"
    );
}

#[test]
fn a_name_is_a_name_whatever_it_means() {
    let owner = Owner {
        name: "Garnish Lawsuit Partners".to_owned(),
        is_collector: true,
    };
    let body = "Hi {{debtorFirstName}} {{debtorLastName}}, {{businessName}} here for {{creditorName}}. Shall we talk?";
    let words = Words::checked(None, body, TemplateType::Sms).unwrap();
    assert!(lint(&words, TEXT, &owner, at()).may_be_used());
}

#[test]
fn long_texts_and_costly_letters_are_warned_of() {
    let warned = |of: Use, body: &str| {
        let found = found(of, &collector(), None, body);
        found
            .into_iter()
            .map(|(rule, _, words)| (rule, words))
            .collect::<Vec<_>>()
    };
    let long = format!(
        "{{{{businessName}}}} here. {}",
        "We would like to hear from you. ".repeat(14)
    );
    assert_eq!(warned(TEXT, &long), one("template-segments", ""));
    assert_eq!(
        warned(TEXT, "{{businessName}} here – shall we talk?"),
        one("template-alphabet", "–")
    );
    let spanish = Use {
        language: TemplateLanguage::Es,
        ..TEXT
    };
    assert_eq!(warned(spanish, "{{businessName}}: ¿hablamos mañana, mamá?"), []);
}

/// A message of a template as the gate gets it: whether its rules of words refuse it.
fn refused(text: &str, of: Use, values: &Values, writer: Option<Writer>, amount: i64) -> Vec<String> {
    let value = |variable| values.get(&variable).map_or("", String::as_str);
    let whole = format!(
        "{} {}",
        value(Variable::DebtorFirstName),
        value(Variable::DebtorLastName)
    );
    let sent = match of.kind.is_text() {
        true => append_required(text, of.language.tag(), &of.needs(true)),
        false => text.to_owned(),
    };
    let judged = judge_words(
        &KeptWords {
            text: &sent,
            medium: of.kind.medium(),
            language: of.language.tag(),
            is_collector: true,
            is_initial: of.purpose == TemplatePurpose::FirstContact,
            writer,
            period: Period::Over,
            names: &[
                &whole,
                value(Variable::BusinessName),
                value(Variable::CreditorName),
                value(Variable::OriginalCreditor),
            ],
            amounts: &[amount],
        },
        at(),
    );
    let refused = judged.refused_by.iter();
    refused.map(|found| found.rule.to_string()).collect()
}

fn values_of(first: &str, last: &str, creditor: &str, of: Use, cents: i64) -> Values {
    let mut values: Values = Variable::ALL
        .into_iter()
        .map(|variable| (variable, variable.example(of.language, of.purpose)))
        .collect();
    for (variable, value) in [
        (Variable::DebtorFirstName, first.to_owned()),
        (Variable::DebtorLastName, last.to_owned()),
        (Variable::CreditorName, creditor.to_owned()),
        (Variable::OriginalCreditor, creditor.to_owned()),
        (
            Variable::Balance,
            shown(Money::from_minor(cents, "USD".parse().unwrap())),
        ),
    ] {
        values.insert(variable, value);
    }
    values
}

#[test]
fn every_phrase_is_judged_in_a_template_as_in_a_message() {
    let (mut forbidden, mut warned) = (0, 0);
    for group in phrases() {
        let cases = group.prohibited.iter().map(|phrase| (phrase, true));
        let cases = cases.chain(group.near_miss_allowed.iter().map(|phrase| (phrase, false)));
        for (phrase, is_prohibited) in cases {
            let body = format!("This is Sunrise Group. {phrase}");
            let values = values_of("Ana", "Ruiz", "First Example Bank", TEXT, 81_240);
            let message = refused(&body, TEXT, &values, Some(Writer::Assistant), 81_240);
            let template = linted(TEXT, &collector(), None, &body);
            let named = |rule: &str| template.findings.iter().any(|found| found.rule == rule);
            for rule in &message {
                assert!(named(rule), "{}: {phrase}: {rule} {template:?}", group.category);
            }
            assert!(
                message.is_empty() || !template.may_be_used(),
                "{}: {phrase}: refused as a message, and a template",
                group.category
            );
            // An amount that is right today is none in a template.
            let is_amount = phrase.contains('$');
            assert!(
                template.may_be_used() || !message.is_empty() || is_amount,
                "{}: {phrase}: {template:?}",
                group.category
            );
            forbidden += usize::from(is_prohibited && !template.may_be_used());
            warned += usize::from(is_prohibited && template.may_be_used() && named("reg-f-overshadowing"));
        }
    }
    assert!(
        forbidden >= 24 && warned >= 1,
        "{forbidden} forbidden, {warned} warned of"
    );
}

fn fragment() -> impl Strategy<Value = String> {
    let clean = [
        "We can help.",
        "Would a smaller payment help?",
        "please call us",
        "you are not",
        "and",
        "{{debtorFirstName}}",
        "{{debtorLastName}}",
        "{{businessName}}",
        "{{creditorName}}",
        "{{balance}}",
        "{{portalLink}}",
        "{{optOutNotice}}",
        "{{collectorDisclosure}}",
        "{{accountNumberEnding}}",
        "if you do not pay",
        "we will",
        "you will be",
        "\n\n",
        ",",
    ];
    // Prohibited phrases, whole and in halves, so that a value may come to stand in their middle.
    let bad: Vec<String> = phrases()
        .into_iter()
        .flat_map(|group| group.prohibited)
        .flat_map(|phrase| {
            let words: Vec<&str> = phrase.split(' ').collect();
            let (first, second) = words.split_at(words.len() / 2);
            [first.join(" "), second.join(" "), phrase.clone()]
        })
        .collect();
    prop_oneof![
        4 => proptest::sample::select(clean.to_vec()).prop_map(str::to_owned),
        1 => proptest::sample::select(bad),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        // Most of what chance writes may not be used.
        max_global_rejects: 50_000,
        ..ProptestConfig::default()
    })]

    /// Whatever may be used becomes a message that the rules of words do not refuse: for any harmless values, and whoever
    /// sends it.
    #[test]
    fn what_may_be_used_makes_messages_that_the_gate_lets_through(
        parts in proptest::collection::vec(fragment(), 1..7),
        first in proptest::sample::select(vec!["Ana", "Li", "Jean Pierre", "Maria del Carmen", "O'Neil"]),
        last in proptest::sample::select(vec!["Ruiz", "Wu", "van der Berg", "Garcia Lopez"]),
        creditor in proptest::sample::select(vec!["Zenith", "First Example Bank", "Example Stores of Ohio, Inc."]),
        cents in 1i64..2_000_000,
        writer in proptest::sample::select(vec![None, Some(Writer::Person), Some(Writer::Assistant)]),
        kind in proptest::sample::select(vec![TemplateType::Sms, TemplateType::Email, TemplateType::Letter]),
        purpose in proptest::sample::select(TemplatePurpose::ALL.to_vec()),
    ) {
        let of = of(kind, purpose, TemplateLanguage::En);
        let statements = match kind {
            TemplateType::Email => "\n\n{{collectorDisclosure}}\n\n{{optOutNotice}}",
            TemplateType::Letter => "\n\n{{collectorDisclosure}}",
            _ => "",
        };
        let body = format!("This is {{{{businessName}}}}. {}{statements}", parts.join(" "));
        let subject = (kind == TemplateType::Email).then_some("A message for you");
        let linted = linted(of, &collector(), subject, &body);
        prop_assume!(linted.may_be_used());
        let values = values_of(first, last, creditor, of, cents);
        let rendered = render(&body, &values).unwrap();
        let refused = refused(&rendered.text, of, &values, writer, cents);
        prop_assert!(refused.is_empty(), "{body:?} with {first} {last} became {:?}: {refused:?}", rendered.text);
    }

    /// Whatever is written is looked through, and told at places that there are.
    #[test]
    fn anything_is_looked_through(body in "[{}a-zA-Z ñ$.?\n]{1,120}") {
        prop_assume!(!body.trim().is_empty());
        let linted = linted(LETTER, &creditor(), None, &body);
        let length = body.trim().chars().count();
        for (start, end) in linted.findings.iter().filter_map(|found| found.place) {
            prop_assert!(start < end && end <= length, "{start}..{end} of {length}");
        }
    }
}
