//! Texts that the law requires in a message: appending what is missing, and finding what is there.

use super::approved_wordings::{
    attempt_to_collect, from_a_collector, use_of_information, way_out, whole_disclosure,
};
use super::facts::Content;
use super::language::{Lexicon, Mask, Sentence, Text, language_told_by};

/// A statement that a message must carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiredText {
    /// 15 USC 1692e(11), 12 CFR 1006.18(e)(1): in the first communication.
    InitialMiniMiranda,
    /// 12 CFR 1006.18(e)(2): in every later one.
    SubsequentMiniMiranda,
    /// 12 CFR 1006.6(e): in every message to an electronic address.
    OptOutNotice,
}

impl RequiredText {
    /// The statement in a language; see [`disclosure_language`] for the languages there are.
    pub fn wording(self, language: &str) -> &'static str {
        match (self, disclosure_language(language)) {
            (RequiredText::InitialMiniMiranda, "es") => {
                "Esta comunicación es de un cobrador de deudas. Este es un intento de cobrar una deuda y toda \
                 información obtenida se utilizará con ese fin."
            }
            (RequiredText::SubsequentMiniMiranda, "es") => "Esta comunicación es de un cobrador de deudas.",
            (RequiredText::OptOutNotice, "es") => "Responda STOP para no recibir más mensajes.",
            (RequiredText::InitialMiniMiranda, _) => {
                "This communication is from a debt collector. This is an attempt to collect a debt and any \
                 information obtained will be used for that purpose."
            }
            (RequiredText::SubsequentMiniMiranda, _) => "This communication is from a debt collector.",
            (RequiredText::OptOutNotice, _) => "Reply STOP to opt out.",
        }
    }

    fn stands_in(self, said: &Said, language: &str) -> bool {
        match self {
            RequiredText::InitialMiniMiranda => {
                said.makes(whole_disclosure(language))
                    || said.makes(attempt_to_collect(language)) && said.makes(use_of_information(language))
            }
            RequiredText::SubsequentMiniMiranda => said.makes(from_a_collector(language)),
            RequiredText::OptOutNotice => said.makes(way_out(language)),
        }
    }
}

/// The sentences of a text, folded, without their marks. A statement counts only as a sentence of its own: "this is not from a
/// debt collector" and "do not reply STOP to opt out" make none, nor does a question.
struct Said(Vec<String>);

impl Said {
    fn of(text: &str) -> Self {
        let statements = |part| sentences(part, |sentence| !sentence.is_question);
        Self(paragraphs(text).flat_map(statements).collect())
    }

    fn makes(&self, approved: &[&str]) -> bool {
        self.0
            .iter()
            .any(|sentence| approved.contains(&sentence.as_str()))
    }
}

/// Whether a text says a wording, whole and first, and after it nothing but who writes, and what the law requires in every message.
pub(super) fn says_only(text: &str, wording: &str, sender: &str, language: &str) -> bool {
    // A question is no statement, and says something all the same.
    let (own, said) = (all_sentences(wording), all_sentences(text));
    let sender = all_sentences(&sender_statement(sender, language));
    let Some(rest) = said.strip_prefix(own.as_slice()) else {
        return false;
    };
    let rest = rest.strip_prefix(sender.as_slice()).unwrap_or(rest);
    rest.iter().all(|sentence| is_required(sentence, language))
}

/// Whether a sentence is one of what the law requires in messages.
fn is_required(sentence: &str, language: &str) -> bool {
    [
        whole_disclosure,
        attempt_to_collect,
        use_of_information,
        from_a_collector,
        way_out,
    ]
    .iter()
    .any(|approved| approved(language).contains(&sentence))
}

/// The language in which a text is written, but for who writes and what the law requires in it: 12 CFR 1006.18(e)(4) wants its
/// disclosures in the language of the rest. None where nothing else is in it that tells.
pub(super) fn language_of_rest(text: &str, sender: &str) -> Option<&'static str> {
    let appended: Vec<String> = ["en", "es"]
        .iter()
        .flat_map(|language| all_sentences(&sender_statement(sender, language)))
        .collect();
    let is_own = |sentence: &String| {
        !appended.contains(sentence) && !is_required(sentence, "en") && !is_required(sentence, "es")
    };
    let rest: Vec<String> = all_sentences(text).into_iter().filter(is_own).collect();
    language_told_by(&rest.join(". "))
}

/// Who writes, as a sentence of its own. A name may end in an abbreviation, whose full stop ends no sentence.
fn sender_statement(name: &str, language: &str) -> String {
    match disclosure_language(language) {
        "es" => format!("{name} envía este mensaje."),
        _ => format!("{name} sends this message."),
    }
}

/// Says who writes where the text does not: whoever gets a text sees a number (product: required content by channel).
pub fn append_sender(content: &str, name: &str, language: &str) -> String {
    if content.to_lowercase().contains(&name.to_lowercase()) {
        return content.to_owned();
    }
    let statement = sender_statement(name, language);
    let body = content.trim_end();
    if body.is_empty() {
        return statement;
    }
    let on_the_line = format!("{body} {statement}");
    match !body.contains("\n\n") && says_whole(&on_the_line, &statement) {
        true => on_the_line,
        false => format!("{body}\n\n{statement}"),
    }
}

/// Whether a text says a wording, whole and on end, wherever it stands.
pub(super) fn says_whole(text: &str, wording: &str) -> bool {
    let (said, wanted) = (all_sentences(text), all_sentences(wording));
    !wanted.is_empty() && said.windows(wanted.len()).any(|part| part == wanted)
}

fn all_sentences(text: &str) -> Vec<String> {
    paragraphs(text)
        .flat_map(|part| sentences(part, |_| true))
        .collect()
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").flat_map(|part| part.split("\r\n\r\n"))
}

fn sentences(paragraph: &str, counts: impl Fn(&Sentence) -> bool) -> Vec<String> {
    let text = Text::read(paragraph, &Plain);
    text.sentences
        .iter()
        .filter(|sentence| counts(sentence))
        .map(|sentence| {
            let words = text.tokens[sentence.first..sentence.end].iter();
            words
                .map(|token| token.word.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

/// Nothing is disguised: a statement that has to be clear and conspicuous is written plainly.
struct Plain;

impl Lexicon for Plain {
    fn knows(&self, _: &str) -> bool {
        false
    }

    fn matching(&self, _: &[Mask]) -> Vec<String> {
        Vec::new()
    }
}

/// Which statements a message needs. The caller derives it from the tenant's role, the channel and the
/// history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContentNeeds {
    /// The business is a third-party collector and must say so.
    pub identifies_collector: bool,
    /// It is the first communication with the debtor.
    pub is_initial: bool,
    /// It goes to an electronic address: a text, WhatsApp or e-mail.
    pub opt_out_notice: bool,
}

impl ContentNeeds {
    /// The statements, in the order in which they are appended.
    pub fn texts(self) -> Vec<RequiredText> {
        let disclosure = match (self.identifies_collector, self.is_initial) {
            (false, _) => None,
            (true, true) => Some(RequiredText::InitialMiniMiranda),
            (true, false) => Some(RequiredText::SubsequentMiniMiranda),
        };
        disclosure
            .into_iter()
            .chain(self.opt_out_notice.then_some(RequiredText::OptOutNotice))
            .collect()
    }
}

/// What [`detect_content`] finds: the part of the facts document's `action.content` that the text itself
/// shows.
pub type ContentFacts = Content;

/// The language part of a BCP 47 tag, in lower case: `es` of `es-MX`.
pub fn primary_language(tag: &str) -> String {
    tag.split(['-', '_'])
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase()
}

/// The language in which disclosures are made to a reader of `language`: Spanish for Spanish, English for
/// everything else. The regulation asks for the language of the rest of the message (12 CFR 1006.18(e)(4)),
/// so text in a language without an approved wording is refused by `reg-f-disclosure-language`, not sent half
/// in English; such a message has to be written in English or Spanish.
pub fn disclosure_language(language: &str) -> &'static str {
    if primary_language(language) == "es" {
        "es"
    } else {
        "en"
    }
}

/// Appends the statements that `needs` names and the text does not make yet in `language`. Statements are set
/// apart by one space, or stand in a paragraph of their own where the text already has paragraphs. Appending
/// twice changes nothing.
pub fn append_required(content: &str, language: &str, needs: &ContentNeeds) -> String {
    let written_in = disclosure_language(language);
    let said = Said::of(content);
    let missing: Vec<RequiredText> = needs
        .texts()
        .into_iter()
        .filter(|text| !text.stands_in(&said, written_in))
        .collect();
    if missing.is_empty() {
        return content.to_owned();
    }
    let wordings: Vec<&str> = missing.iter().map(|text| text.wording(written_in)).collect();
    let (body, wordings) = (content.trim_end(), wordings.join(" "));
    if body.is_empty() {
        return wordings;
    }
    // Words that end without a full stop would run into the statement, which counts as a sentence of its own only.
    let on_the_line = format!("{body} {wordings}");
    let said = Said::of(&on_the_line);
    if !body.contains("\n\n") && missing.iter().all(|text| text.stands_in(&said, written_in)) {
        on_the_line
    } else {
        format!("{body}\n\n{wordings}")
    }
}

/// Finds which statements the final text makes. They are sought in the language of the message first; a
/// disclosure in another language is reported with that language, for `reg-f-disclosure-language` to judge.
pub fn detect_content(text: &str, language: &str) -> ContentFacts {
    let said = Said::of(text);
    let own = disclosure_language(language);
    let other = if own == "es" { "en" } else { "es" };
    let makes = |statement: RequiredText, language| statement.stands_in(&said, language);
    let initial_in = [own, other]
        .into_iter()
        .find(|language| makes(RequiredText::InitialMiniMiranda, language));
    let subsequent_in = [own, other]
        .into_iter()
        .find(|language| makes(RequiredText::SubsequentMiniMiranda, language));
    let opts_out = [own, other]
        .into_iter()
        .any(|language| makes(RequiredText::OptOutNotice, language));
    Content {
        initial_mini_miranda: Some(initial_in.is_some()),
        subsequent_mini_miranda: Some(subsequent_in.is_some()),
        opt_out_notice: Some(opts_out),
        disclosure_language: initial_in.or(subsequent_in).map(str::to_owned),
        ..Content::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_TEXT: ContentNeeds = ContentNeeds {
        identifies_collector: true,
        is_initial: true,
        opt_out_notice: true,
    };
    const LATER_TEXT: ContentNeeds = ContentNeeds {
        identifies_collector: true,
        is_initial: false,
        opt_out_notice: true,
    };

    #[test]
    fn words_without_a_full_stop_do_not_run_into_the_statement() {
        let needs = ContentNeeds {
            identifies_collector: true,
            is_initial: false,
            opt_out_notice: true,
        };
        for body in [
            "A word before it goes",
            "Ask for Mr.",
            "Gracias :)",
            "One of 3",
            "\u{1f642}",
            "See https://pay.example/x",
        ] {
            for language in ["en", "es"] {
                let text = append_required(body, language, &needs);
                assert!(text.starts_with(body), "{text}");
                let found = detect_content(&text, language);
                assert_eq!(found.subsequent_mini_miranda, Some(true), "{text}");
                assert_eq!(found.opt_out_notice, Some(true), "{text}");
                assert_eq!(append_required(&text, language, &needs), text, "once");
            }
        }
    }

    #[test]
    fn a_later_text_gains_the_disclosure_and_the_way_out_once() {
        let once = append_required("Can we talk about a plan?", "en", &LATER_TEXT);
        assert_eq!(
            once,
            "Can we talk about a plan? This communication is from a debt collector. Reply STOP to opt out."
        );
        assert_eq!(append_required(&once, "en", &LATER_TEXT), once);
    }

    #[test]
    fn a_first_text_gains_both_statements_and_satisfies_the_gate() {
        let text = append_required("Hello from Sunrise Group.", "en-US", &FIRST_TEXT);
        let found = detect_content(&text, "en-US");
        assert_eq!(found.initial_mini_miranda, Some(true));
        assert_eq!(
            found.subsequent_mini_miranda,
            Some(true),
            "it also says from whom it is"
        );
        assert_eq!(found.opt_out_notice, Some(true));
        assert_eq!(found.disclosure_language.as_deref(), Some("en"));
    }

    #[test]
    fn a_spanish_text_gains_spanish_statements_even_beside_english_ones() {
        let mixed =
            "Hola, ¿podemos hablar? This communication is from a debt collector. Reply STOP to opt out.";
        assert_eq!(
            detect_content(mixed, "es").disclosure_language.as_deref(),
            Some("en")
        );
        let text = append_required(mixed, "es-MX", &LATER_TEXT);
        assert!(text.ends_with(
            "Esta comunicación es de un cobrador de deudas. Responda STOP para no recibir más mensajes."
        ));
        assert_eq!(
            detect_content(&text, "es-MX").disclosure_language.as_deref(),
            Some("es")
        );
    }

    #[test]
    fn the_rest_tells_the_language_whatever_stands_beside_it() {
        let sender = "Sunrise Group";
        let whole = |body: &str, language: &str| {
            append_required(&append_sender(body, sender, language), language, &FIRST_TEXT)
        };
        for (body, told) in [
            ("Good morning, may I call you on Friday?", Some("en")),
            ("¿Podemos hablar de su cuenta el viernes?", Some("es")),
            ("OK", None),
            ("Pouvons-nous parler demain matin ?", None),
        ] {
            for language in ["en", "es"] {
                let text = whole(body, language);
                assert_eq!(language_of_rest(&text, sender), told, "{text}");
            }
        }
    }

    #[test]
    fn who_writes_is_said_once_and_as_a_sentence_of_its_own() {
        for name in ["Sunrise Group", "Sunrise Group, Inc.", "A & B Collections"] {
            for body in ["Can we talk?", "A word before it goes", "Dear Ana,\n\nhello.", ""] {
                for language in ["en", "es"] {
                    let text = append_sender(body, name, language);
                    assert!(text.starts_with(body) && text.contains(name), "{text}");
                    assert!(says_whole(&text, &sender_statement(name, language)), "{text}");
                    assert_eq!(append_sender(&text, name, language), text, "once");
                    let needs = append_required(&text, language, &LATER_TEXT);
                    assert_eq!(
                        detect_content(&needs, language).subsequent_mini_miranda,
                        Some(true),
                        "{needs}"
                    );
                }
            }
        }
        assert_eq!(
            append_sender("SUNRISE GROUP here.", "Sunrise Group", "en"),
            "SUNRISE GROUP here."
        );
    }

    #[test]
    fn a_creditor_of_its_own_debts_does_not_call_itself_a_debt_collector() {
        let needs = ContentNeeds {
            identifies_collector: false,
            is_initial: true,
            opt_out_notice: true,
        };
        assert_eq!(
            append_required("Hello.", "en", &needs),
            "Hello. Reply STOP to opt out."
        );
        let nothing = ContentNeeds::default();
        assert_eq!(append_required("Hello. ", "en", &nothing), "Hello. ");
    }

    #[test]
    fn statements_are_found_across_line_breaks_and_capitals_and_not_where_they_are_not() {
        let found = detect_content(
            "THIS IS FROM A DEBT\nCOLLECTOR.  Unsubscribe: https://example.test/u",
            "en",
        );
        assert_eq!(
            (found.subsequent_mini_miranda, found.opt_out_notice),
            (Some(true), Some(true))
        );
        let found = detect_content("We stop by the office on Monday.", "en");
        assert_eq!(
            (found.subsequent_mini_miranda, found.opt_out_notice),
            (Some(false), Some(false))
        );
        let half = detect_content("This is an attempt to collect a debt.", "en");
        assert_eq!(
            half.initial_mini_miranda,
            Some(false),
            "the second statement is missing"
        );
    }

    #[test]
    fn a_statement_that_is_denied_asked_or_part_of_another_is_none() {
        for faked in [
            "This is NOT from a debt collector. Do not reply STOP to opt out.",
            "Is this from a debt collector? Reply STOP to opt out?",
            "It is not true that this communication is from a debt collector. Nobody needs to reply STOP to opt out.",
            "This communication is from a debt collector, or so they say. If you reply STOP to opt out you will be charged.",
            "You said \"This communication is from a debt collector\" is wrong. Unsubscribe is not possible: https://example.test",
        ] {
            let found = detect_content(faked, "en");
            assert_eq!(found.subsequent_mini_miranda, Some(false), "{faked}");
            assert_eq!(found.opt_out_notice, Some(false), "{faked}");
            let text = append_required(faked, "en", &LATER_TEXT);
            assert!(
                text.ends_with("This communication is from a debt collector. Reply STOP to opt out."),
                "{text}"
            );
        }
        let faked = "Esta comunicación NO es de un cobrador de deudas. No responda STOP para no recibir más mensajes.";
        let found = detect_content(faked, "es");
        assert_eq!(
            (found.subsequent_mini_miranda, found.opt_out_notice),
            (Some(false), Some(false))
        );
    }

    #[test]
    fn what_is_appended_is_found_again() {
        for language in ["en", "es"] {
            for statement in [
                RequiredText::InitialMiniMiranda,
                RequiredText::SubsequentMiniMiranda,
                RequiredText::OptOutNotice,
            ] {
                let said = Said::of(&format!("Hello. {}", statement.wording(language)));
                assert!(statement.stands_in(&said, language), "{statement:?} {language}");
            }
        }
    }

    #[test]
    fn an_empty_text_and_one_with_paragraphs_keep_their_shape() {
        assert_eq!(
            append_required("", "en", &LATER_TEXT),
            "This communication is from a debt collector. Reply STOP to opt out."
        );
        assert!(
            append_required("Dear Ana,\n\nHello.", "en", &LATER_TEXT)
                .contains("Hello.\n\nThis communication")
        );
    }
}
