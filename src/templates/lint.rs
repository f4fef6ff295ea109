//! What is wrong with a template, before anybody gets it. The words are judged by the gate's own rules
//! ([`judge_words`]), as they would be sent; what stands here beside them is about the template alone. The gate judges
//! every message again: a template that is in order promises nothing of a person, an hour or a debt.

use chrono::{DateTime, Utc};

use super::{
    catalogue::Variable,
    finding::{Finding, Linted, Part, Severity},
    model::{Owner, TemplatePurpose, TemplateType, Use, Words},
    parse::{Parsed, Piece, parse},
    render::{fill, places},
    samples::{self, Sample},
};
use crate::{
    compliance::{
        KeptWords, Period, Writer,
        content::append_required,
        decision::RuleFinding,
        judge_words,
        prohibited::{Finding as Prohibited, may_become_card_number},
        scan_visible_words,
    },
    platform::sms::{SmsEncoding, SmsLength, beyond_gsm},
};

/// In more parts, some 460 characters, texts are warned of: each part costs a message, and they arrive late or out of order.
const fn many_segments(encoding: SmsEncoding) -> usize {
    match encoding {
        SmsEncoding::Gsm7 => 3,
        SmsEncoding::Ucs2 => 7,
    }
}

/// Looks a template through.
pub fn lint(words: &Words, of: Use, owner: &Owner, at: DateTime<Utc>) -> Linted {
    let mut lint = Lint {
        of,
        owner,
        at,
        body: &words.body,
        linted: Linted::default(),
    };
    let parsed = parse(&words.body);
    lint.check_places(&parsed);
    lint.check_whole(&parsed);
    let samples = [
        samples::usual(of, owner),
        samples::other(of, owner),
        samples::longest(of, owner),
    ];
    for (nth, sample) in samples.iter().enumerate() {
        lint.judge(&parsed, sample, nth == 0);
    }
    lint.check_joined_numbers(&parsed, &samples::digits(of, owner));
    let [usual, _, longest] = &samples;
    lint.measure(&parsed, usual, longest);
    lint.check_subject(words.subject.as_deref(), &samples);
    let mut linted = lint.linted;
    linted
        .findings
        .sort_by_key(|found| (found.part, found.place.is_none(), found.place));
    linted
}

struct Lint<'a> {
    of: Use,
    owner: &'a Owner,
    at: DateTime<Utc>,
    body: &'a str,
    linted: Linted,
}

/// Bytes of a text as characters.
fn characters(text: &str, bytes: &std::ops::Range<usize>) -> (usize, usize) {
    let count = |end: usize| text.get(..end).map_or(0, |part| part.chars().count());
    (count(bytes.start), count(bytes.end))
}

impl Lint<'_> {
    fn note(&mut self, finding: Finding) {
        let is_known = self.linted.findings.iter().any(|known| {
            known.rule == finding.rule && known.part == finding.part && known.place == finding.place
        });
        if !is_known {
            self.linted.findings.push(finding);
        }
    }

    /// Something about the template itself.
    fn note_own(
        &mut self,
        rule: &str,
        severity: Severity,
        message: impl Into<String>,
        place: Option<(usize, usize)>,
    ) {
        self.note(Finding {
            rule: rule.to_owned(),
            citation: None,
            severity,
            message: message.into(),
            part: Part::Body,
            place,
        });
    }

    fn check_places(&mut self, parsed: &Parsed<'_>) {
        for stray in &parsed.stray {
            let place = characters(self.body, stray);
            self.note_own("template-braces", Severity::Error, STRAY, Some(place));
        }
        let mut links = 0;
        for (name, at) in places(parsed) {
            let place = Some(characters(self.body, at));
            let Some(variable) = Variable::parse(name) else {
                self.note_own("template-unknown-variable", Severity::Error, unknown(name), place);
                continue;
            };
            if let Err(misplaced) = variable.in_body(self.of, self.owner.is_collector) {
                self.note(Finding {
                    rule: misplaced.rule.to_owned(),
                    citation: misplaced.citation.map(str::to_owned),
                    severity: Severity::Error,
                    message: misplaced.why.to_owned(),
                    part: Part::Body,
                    place,
                });
            }
            links += usize::from(variable == Variable::PortalLink);
            if variable == Variable::PortalLink && links > 1 {
                let message = "One personal link is enough: take the others out.";
                self.note_own("template-repeated-link", Severity::Error, message, place);
            }
        }
    }

    /// What is asked of the whole: words, the business's name, an address.
    fn check_whole(&mut self, parsed: &Parsed<'_>) {
        let mut words = parsed.pieces.iter().filter_map(|piece| match piece {
            Piece::Words(at) => Some(&self.body[at.clone()]),
            Piece::Place(..) => None,
        });
        if !words.any(|part| part.chars().any(char::is_alphanumeric)) {
            let message = "There are no words but variables: write what the message says.";
            self.note_own("template-empty", Severity::Error, message, None);
        }
        let names = |variable| places(parsed).any(|(name, _)| Variable::parse(name) == Some(variable));
        let is_named = names(Variable::BusinessName)
            || self.body.to_lowercase().contains(&self.owner.name.to_lowercase());
        if self.of.kind.is_text() && !is_named {
            let message = "A text says who sends it: put {{businessName}} into it.";
            self.note_own("template-business-name", Severity::Error, message, None);
        }
        if self.of.kind == TemplateType::Email && !names(Variable::BusinessAddress) {
            let message = "An e-mail tells where your business is: put {{businessAddress}} under it.";
            self.note_own("template-postal-address", Severity::Warning, message, None);
        }
        if self.of.is_first_text() {
            for (start, _) in web_addresses(self.body) {
                let end = self.body[start..]
                    .find(char::is_whitespace)
                    .map_or(self.body.len(), |length| start + length);
                let place = characters(self.body, &(start..end));
                let message =
                    "Nobody knows yet where this link leads, and carriers stop it: use {{portalLink}}.";
                self.note_own("template-foreign-link", Severity::Error, message, Some(place));
            }
        }
    }

    /// Numbers that stand side by side may read as one of a card, for some people and not for others.
    fn check_joined_numbers(&mut self, parsed: &Parsed<'_>, sample: &Sample) {
        let rendered = fill(self.body, parsed, &sample.values);
        let found = may_become_card_number(&rendered.text, |place| rendered.is_value_at(place));
        let Some((source, _)) = found.and_then(|found| rendered.source_of(found)) else {
            return;
        };
        let place = characters(self.body, &source);
        self.note(Finding {
            rule: "pci-no-pan".to_owned(),
            citation: Some("PCI DSS 4.0.1, SAQ A".to_owned()),
            severity: Severity::Error,
            message: JOINED.to_owned(),
            part: Part::Body,
            place: Some(place),
        });
    }

    /// Asks the gate's rules about the words as they would be sent with these values.
    fn judge(&mut self, parsed: &Parsed<'_>, sample: &Sample, is_first: bool) {
        let rendered = fill(self.body, parsed, &sample.values);
        let text = self.as_sent(&rendered.text);
        if is_first && text.len() > rendered.text.len() {
            self.note_appended(&text[rendered.text.trim_end().len()..]);
        }
        let names: Vec<&str> = sample.names.iter().map(String::as_str).collect();
        let judged = judge_words(
            &KeptWords {
                text: &text,
                medium: self.of.kind.medium(),
                language: self.of.language.tag(),
                is_collector: self.owner.is_collector,
                is_initial: self.of.purpose == TemplatePurpose::FirstContact,
                // Whatever is allowed to a person, a program may send the template too.
                writer: Some(Writer::Assistant),
                period: Period::Unknown,
                names: &names,
                amounts: &sample.amounts,
            },
            self.at,
        );
        let mut placed: Vec<String> = Vec::new();
        for found in &judged.scanned.findings {
            // What is a value and nothing else is judged when it is known.
            let Some((source, false)) = rendered.source_of(found.start..found.end) else {
                continue;
            };
            let refuses = judged
                .refused_by
                .iter()
                .any(|refusal| *refusal.rule == *found.category.rule);
            placed.push(found.category.rule.clone());
            let place = characters(self.body, &source);
            self.note_prohibited(found, refuses, Part::Body, place);
        }
        for refusal in &judged.refused_by {
            if !placed.iter().any(|rule| **rule == *refusal.rule) {
                self.note_refusal(refusal);
            }
        }
    }

    /// The text with what is appended when it is sent. To paper and e-mail nothing is.
    fn as_sent(&self, rendered: &str) -> String {
        match self.of.kind.is_text() {
            true => append_required(
                rendered,
                self.of.language.tag(),
                &self.of.needs(self.owner.is_collector),
            ),
            false => rendered.to_owned(),
        }
    }

    fn note_appended(&mut self, appended: &str) {
        self.note(Finding {
            rule: "template-appended".to_owned(),
            citation: Some("12 CFR 1006.6(e), 1006.18(e)".to_owned()),
            severity: Severity::Warning,
            message: format!(
                "The law wants this said, so it is added when the text is sent: \u{201c}{}\u{201d} To choose where it \
                 stands, write {{{{collectorDisclosure}}}} or {{{{optOutNotice}}}} as a sentence of its own.",
                appended.trim()
            ),
            part: Part::Body,
            place: None,
        });
    }

    fn note_prohibited(&mut self, found: &Prohibited<'_>, refuses: bool, part: Part, place: (usize, usize)) {
        let (severity, when) = match refuses {
            true => (Severity::Error, ""),
            // Prohibited for some debts or some time: the gate knows when it is sent.
            false => (
                Severity::Warning,
                "Until the validation period of a debt has ended, messages with these words are refused. ",
            ),
        };
        self.note(Finding {
            rule: found.category.rule.clone(),
            citation: Some(found.category.citation.clone()),
            severity,
            message: format!("{when}{}", found.category.change_en),
            part,
            place: Some(place),
        });
    }

    /// A rule that refuses the whole, or for a part that no place is known of.
    fn note_refusal(&mut self, refusal: &RuleFinding) {
        let hint = match &*refusal.rule {
            "reg-f-electronic-opt-out-notice" => " Write {{optOutNotice}} as a sentence of its own.",
            "reg-f-mini-miranda-initial" | "reg-f-mini-miranda-subsequent" | "reg-f-disclosure-language" => {
                " Write {{collectorDisclosure}} as a sentence of its own."
            }
            _ => "",
        };
        self.note(Finding {
            rule: refusal.rule.to_string(),
            citation: Some(refusal.citation.to_string()),
            severity: Severity::Error,
            message: format!("{}{hint}", refusal.explanation),
            part: Part::Body,
            place: None,
        });
    }

    fn measure(&mut self, parsed: &Parsed<'_>, usual: &Sample, longest: &Sample) {
        let sent = |sample: &Sample| self.as_sent(&fill(self.body, parsed, &sample.values).text);
        let (usual, longest) = (sent(usual), sent(longest));
        let most = self.of.kind.most_characters();
        let tell = |text: &str| text.chars().count() > most;
        if tell(&usual) {
            let message = format!(
                "With its values and required statements it has more than {most} characters: shorten it."
            );
            self.note_own("template-too-long", Severity::Error, message, None);
        } else if tell(&longest) {
            let message = format!(
                "For people and creditors with long names it has more than {most} characters, and cannot be sent to them."
            );
            self.note_own("template-too-long", Severity::Warning, message, None);
        }
        if self.of.kind != TemplateType::Sms {
            return;
        }
        let length = SmsLength::of(&usual);
        self.linted.length = Some(length);
        let many = many_segments(length.encoding);
        if length.segments > many {
            let message = format!(
                "It travels in {} parts, each of which is paid for: shorten it to {many}.",
                length.segments
            );
            self.note_own("template-segments", Severity::Warning, message, None);
        }
        // Spanish statements have letters that the alphabet lacks: nothing is won by avoiding others.
        let is_english = self.of.language == super::model::TemplateLanguage::En;
        if is_english
            && length.encoding == SmsEncoding::Ucs2
            && let Some((at, c)) = beyond_gsm(self.body)
        {
            let message = format!(
                "\u{201c}{c}\u{201d} is not in the alphabet of text messages, so that a part holds 67 characters and not \
                 153: write it plainly."
            );
            self.note_own(
                "template-alphabet",
                Severity::Warning,
                message,
                Some((at, at + 1)),
            );
        }
    }

    fn check_subject(&mut self, subject: Option<&str>, samples: &[Sample]) {
        let Some(subject) = subject else {
            if self.of.kind == TemplateType::Email {
                self.note(in_subject(
                    "template-subject",
                    None,
                    "An e-mail has a subject: write a neutral one.".to_owned(),
                    None,
                ));
            }
            return;
        };
        let parsed = parse(subject);
        for stray in &parsed.stray {
            let place = Some(characters(subject, stray));
            self.note(in_subject("template-braces", None, STRAY.to_owned(), place));
        }
        for (name, at) in places(&parsed) {
            let place = Some(characters(subject, at));
            let finding = match Variable::parse(name).map(Variable::in_subject) {
                None => in_subject("template-unknown-variable", None, unknown(name), place),
                Some(Err(misplaced)) if self.of.kind == TemplateType::Email => in_subject(
                    misplaced.rule,
                    misplaced.citation,
                    misplaced.why.to_owned(),
                    place,
                ),
                Some(_) => continue,
            };
            self.note(finding);
        }
        // The heading of a letter stands inside the envelope.
        if self.of.kind != TemplateType::Email {
            return;
        }
        for sample in samples {
            let rendered = fill(subject, &parsed, &sample.values);
            // The business's and the creditor's names tell what it is about.
            let names: Vec<&str> = sample.names.iter().take(1).map(String::as_str).collect();
            for found in &scan_visible_words(&rendered.text, &names).findings {
                if let Some((source, false)) = rendered.source_of(found.start..found.end) {
                    let place = characters(subject, &source);
                    self.note_prohibited(found, true, Part::Subject, place);
                }
            }
        }
    }
}

const STRAY: &str = "A brace stands alone: a variable is written with two on each side, as {{debtorFirstName}}, and braces have \
                     no other use.";

const JOINED: &str = "Numbers stand side by side here: for some accounts they read together as the number of a card, and such a \
                      message is refused. Put a word between them.";

fn unknown(name: &str) -> String {
    let shown: String = name.chars().take(40).collect();
    format!("There is no variable \u{201c}{shown}\u{201d}: choose one that templateVariables lists.")
}

fn in_subject(rule: &str, citation: Option<&str>, message: String, place: Option<(usize, usize)>) -> Finding {
    Finding {
        rule: rule.to_owned(),
        citation: citation.map(str::to_owned),
        severity: Severity::Error,
        message,
        part: Part::Subject,
        place,
    }
}

/// Where web addresses begin.
fn web_addresses(text: &str) -> impl Iterator<Item = (usize, &str)> {
    ["http://", "https://", "www."]
        .into_iter()
        .flat_map(move |start| text.match_indices(start))
        .filter(move |(at, start)| *start != "www." || !text[..*at].ends_with("//"))
}
