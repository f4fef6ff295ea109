//! The one message that confirms an opt-out: that the request came and is honoured, and nothing else (12 CFR 1006.14(h)(2)(i); 47
//! CFR 64.1200(a)(12)). Where the vendor has said so already, for a word that it knows, there is none.

use chrono::{DateTime, TimeDelta, Utc};

use super::{content::disclosure_language, rule_set::RuleSet};

const RULE: &str = "tcpa-optout-confirmation-5min";
const ENGLISH: &str = "We received your request and will not text this number again.";
const SPANISH: &str = "Recibimos su solicitud y no enviaremos más mensajes a este número.";

/// The words, in the language of disclosures to a reader of `language`.
pub fn opt_out_confirmation(language: &str) -> &'static str {
    match disclosure_language(language) {
        "es" => SPANISH,
        _ => ENGLISH,
    }
}

/// Whether a text is that confirmation, to the letter.
pub(super) fn is_opt_out_confirmation(text: &str) -> bool {
    text == ENGLISH || text == SPANISH
}

/// Whether an opt-out that came then may still be confirmed: one that is late is not.
pub fn may_be_confirmed(received_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let rule = RuleSet::current().rule(RULE);
    let seconds = rule.and_then(|rule| rule.parameters.seconds);
    seconds.is_some_and(|seconds| now - received_at <= TimeDelta::seconds(seconds))
}

/// Whether an opt-out is said in the person's own words. A single word may be one that the vendor acts on and confirms itself
/// (Twilio docs, "Twilio support for opt-out keywords"), and two confirmations are one too many.
pub(super) fn is_in_own_words(text: &str) -> bool {
    let has_letters = |word: &&str| word.chars().any(char::is_alphabetic);
    text.split_whitespace().filter(has_letters).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_word_is_left_to_the_vendor() {
        for word in ["STOP", " stop! ", "Unsubscribe.", "STOP 🛑", "\"stop\"", "BAJA"] {
            assert!(!is_in_own_words(word), "{word}");
        }
        for words in ["Please stop texting me", "no más mensajes", "opt out"] {
            assert!(is_in_own_words(words), "{words}");
        }
    }

    #[test]
    fn it_says_nothing_but_that() {
        assert!(is_opt_out_confirmation(opt_out_confirmation("en-US")));
        assert!(is_opt_out_confirmation(opt_out_confirmation("es-MX")));
        assert!(!is_opt_out_confirmation(&format!(
            "{ENGLISH} Reply START to resume."
        )));
    }
}
