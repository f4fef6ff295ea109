//! A small language for sentences of one kind. A pattern is a row of elements, set apart by spaces:
//!
//! - `stop/quit` one of these words; `bankrupt*` a word that begins so; `please?` it may be missing
//! - `..3` up to three words, within a clause; `,,3` up to three words, also over a comma
//! - `^` where a clause begins (but for "please", "but" and the like), `$` where one ends, which may also be one of several:
//!   `yet/$`
//! - `@name` a person's name, `@minor` an age under 18, and the classes of [`CLASSES`]
//!
//! Words are compared in the normal form that [`super::words`] gives them.

use super::classes::{CLASSES, LEADS, is_age_under_18};
use super::words::{Sentence, Word};

/// The most words that a gap may pass over.
const WIDEST_GAP: usize = 8;

#[derive(Debug)]
enum Element {
    Words { any: Vec<Choice>, optional: bool },
    Gap { most: usize, over_commas: bool },
    Start,
    End,
}

#[derive(Debug)]
enum Choice {
    Whole(&'static str),
    Prefix(&'static str),
    Class(&'static [&'static str]),
    Name,
    AgeUnder18,
    /// The end of the clause: it takes no word.
    End,
}

/// One pattern, read.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Element>);

impl Pattern {
    /// # Errors
    /// Which of its elements is none of the language.
    fn read(text: &'static str) -> Result<Self, String> {
        let elements: Result<Vec<Element>, String> = text.split_whitespace().map(element).collect();
        elements.map(Self).map_err(|fault| format!("`{text}`: {fault}"))
    }

    /// Where in the sentence it fits first: from, and up to.
    fn find(&self, sentence: &Sentence) -> Option<(usize, usize)> {
        let words = &sentence.words;
        (0..=words.len()).find_map(|start| Some((start, fits(&self.0, words, start)?)))
    }
}

fn element(text: &'static str) -> Result<Element, String> {
    match text {
        "^" => return Ok(Element::Start),
        "$" => return Ok(Element::End),
        _ => {}
    }
    for (sign, over_commas) in [("..", false), (",,", true)] {
        if let Some(most) = text.strip_prefix(sign) {
            return match most.parse::<usize>() {
                Ok(most) if most <= WIDEST_GAP => Ok(Element::Gap { most, over_commas }),
                _ => Err(format!("a gap is {sign}0 to {sign}{WIDEST_GAP}, not `{text}`")),
            };
        }
    }
    let (choices, optional) = match text.strip_suffix('?') {
        Some(choices) => (choices, true),
        None => (text, false),
    };
    let any: Result<Vec<Choice>, String> = choices.split('/').map(choice).collect();
    any.map(|any| Element::Words { any, optional })
}

fn choice(text: &'static str) -> Result<Choice, String> {
    match text {
        "@name" => return Ok(Choice::Name),
        "@minor" => return Ok(Choice::AgeUnder18),
        "$" => return Ok(Choice::End),
        _ => {}
    }
    if let Some(class) = text.strip_prefix('@') {
        let known = CLASSES.iter().find(|(name, _)| *name == class);
        return match known {
            Some((_, words)) => Ok(Choice::Class(words)),
            None => Err(format!("there is no class `{text}`")),
        };
    }
    let (word, choice): (&str, fn(&'static str) -> Choice) = match text.strip_suffix('*') {
        Some(prefix) => (prefix, Choice::Prefix),
        None => (text, Choice::Whole),
    };
    // Anything else never stands in a text's normal form: a pattern that asks for it would never fit.
    let is_normal = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    if word.is_empty() || !word.chars().all(is_normal) {
        return Err(format!(
            "`{text}` is no word in its normal form, and no sign of the language"
        ));
    }
    Ok(choice(word))
}

/// Where the elements end when the first of them stands at `place`.
fn fits(elements: &[Element], words: &[Word], place: usize) -> Option<usize> {
    let Some((first, rest)) = elements.split_first() else {
        return Some(place);
    };
    match first {
        Element::Start => begins_clause(words, place).then(|| fits(rest, words, place))?,
        Element::End => ends_clause(words, place).then(|| fits(rest, words, place))?,
        Element::Gap { most, over_commas } => (0..=*most).find_map(|skipped| {
            let passed = words.get(place..place + skipped)?;
            let may_pass = |word: &Word| !word.is_cut() && (*over_commas || !word.is_comma());
            passed
                .iter()
                .all(may_pass)
                .then(|| fits(rest, words, place + skipped))?
        }),
        Element::Words { any, optional } => {
            let here = words
                .get(place)
                .filter(|word| any.iter().any(|choice| choice.is(word)));
            let taken = here.and_then(|_| fits(rest, words, place + 1));
            let may_end =
                || any.iter().any(|choice| matches!(choice, Choice::End)) && ends_clause(words, place);
            taken.or_else(|| (*optional || may_end()).then(|| fits(rest, words, place))?)
        }
    }
}

/// A clause ends with the sentence, and before a comma.
fn ends_clause(words: &[Word], place: usize) -> bool {
    words.get(place).is_none_or(Word::is_comma)
}

/// A clause begins with the sentence, after a comma, and after words that only lead into it.
fn begins_clause(words: &[Word], place: usize) -> bool {
    let before = words.get(..place).unwrap_or_default();
    before
        .iter()
        .rev()
        .take_while(|word| !word.is_comma() && !word.is_cut())
        .all(|word| LEADS.contains(&word.text.as_str()))
}

impl Choice {
    fn is(&self, word: &Word) -> bool {
        match self {
            Self::Whole(text) => word.text == *text,
            Self::Prefix(prefix) => word.text.starts_with(prefix),
            Self::Class(words) => words.contains(&word.text.as_str()),
            Self::Name => word.is_name,
            Self::AgeUnder18 => is_age_under_18(&word.text),
            Self::End => false,
        }
    }
}

/// Sentences of one kind: any of `surely`, or of `says` once the passages of `unless` are out of the way, which hold the
/// same words and mean something else.
#[derive(Debug)]
pub(super) struct Kind {
    surely: Vec<Pattern>,
    says: Vec<Pattern>,
    unless: Vec<Pattern>,
}

impl Kind {
    /// Reads a file of patterns, one a line: `+` what says so, `-` what is taken out first, `=` what says so whatever would
    /// be taken out, `#` a remark.
    ///
    /// # Errors
    /// Which line is none, and why.
    fn read(text: &'static str) -> Result<Self, String> {
        let mut kind = Self {
            surely: Vec::new(),
            says: Vec::new(),
            unless: Vec::new(),
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            match line.split_at_checked(1) {
                Some(("+", pattern)) => kind.says.push(Pattern::read(pattern)?),
                Some(("-", pattern)) => kind.unless.push(Pattern::read(pattern)?),
                Some(("=", pattern)) => kind.surely.push(Pattern::read(pattern)?),
                Some(("#", _)) => {}
                _ => return Err(format!("`{line}` begins with none of `+`, `-`, `=` and `#`")),
            }
        }
        Ok(kind)
    }

    /// The same of a file that this build carries.
    ///
    /// # Panics
    /// When a line of it is none: a test reads them all.
    pub(super) fn embedded(text: &'static str) -> Self {
        Self::read(text).expect(
            "the embedded patterns are read by a test, so they cannot be broken in a build that passed",
        )
    }

    /// Whether any of the sentences is of this kind.
    pub(super) fn is_said(&self, sentences: &[Sentence]) -> bool {
        let holds = |sentence: &Sentence, patterns: &[Pattern]| {
            patterns.iter().any(|pattern| pattern.find(sentence).is_some())
        };
        // Most sentences hold none of it: nothing has to be taken out of them.
        sentences.iter().any(|sentence| {
            holds(sentence, &self.surely)
                || holds(sentence, &self.says) && holds(&self.without_exceptions(sentence), &self.says)
        })
    }

    fn without_exceptions(&self, sentence: &Sentence) -> Sentence {
        let mut rest = sentence.clone();
        for pattern in &self.unless {
            while let Some((from, to)) = pattern.find(&rest).filter(|(from, to)| from < to) {
                rest.words.splice(from..to, [Word::cut()]);
            }
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compliance::reading::{spelling, words};

    /// The words that patterns are made of.
    fn whole_words() -> Vec<&'static str> {
        let mut whole: Vec<&str> = CLASSES.iter().flat_map(|(_, words)| *words).copied().collect();
        for kind in embedded_kinds() {
            for Pattern(elements) in kind.surely.into_iter().chain(kind.says).chain(kind.unless) {
                for element in elements {
                    let Element::Words { any, .. } = element else {
                        continue;
                    };
                    whole.extend(any.iter().filter_map(|choice| match choice {
                        Choice::Whole(word) => Some(*word),
                        _ => None,
                    }));
                }
            }
        }
        whole
    }

    /// Every file of patterns, read.
    fn embedded_kinds() -> Vec<Kind> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/reading");
        let files = std::fs::read_dir(folder).expect("the patterns");
        files
            .map(|file| {
                let text = std::fs::read_to_string(file.expect("a file").path()).expect("its text");
                let text: &'static str = Box::leak(text.into_boxed_str());
                // Lists of words stand in the same folder.
                let is_pattern = text.lines().any(|line| line.starts_with('+'));
                if is_pattern {
                    Kind::embedded(text)
                } else {
                    Kind::embedded("")
                }
            })
            .collect()
    }

    #[test]
    fn every_embedded_pattern_is_of_the_language() {
        let patterns: usize = embedded_kinds()
            .iter()
            .map(|kind| kind.says.len() + kind.unless.len())
            .sum();
        assert!(patterns > 900, "only {patterns} patterns");
    }

    #[test]
    fn a_pattern_with_something_unknown_is_refused() {
        for (pattern, fault) in [
            ("+ my @lawer", "no class `@lawer`"),
            ("+ one/$/@", "no class `@`"),
            ("+ stop//quit", "`` is no word"),
            ("+ serví en", "`serví` is no word"),
            ("+ Stop", "`Stop` is no word"),
            ("+ st*p", "`st*p` is no word"),
            ("+ not ...2 pay", "not `...2`"),
            ("+ not ..90 pay", "not `..90`"),
            ("stop", "begins with none of"),
        ] {
            let said = Kind::read(pattern).expect_err(pattern);
            assert!(said.contains(fault), "{pattern}: {said}");
        }
    }

    #[test]
    fn the_end_of_a_clause_may_be_one_of_several() {
        let kind = Kind::embedded("+ not paying you/$");
        let is_said = |text: &str| kind.is_said(&words::sentences(text, &[]));
        assert!(is_said("I am not paying."));
        assert!(is_said("not paying, sorry"));
        assert!(is_said("not paying you"));
        assert!(!is_said("not paying attention"));
    }

    /// A pattern can only find a word that the spelling leaves as it is.
    #[test]
    fn no_word_of_a_pattern_is_respelled() {
        // What the beginnings of words in patterns stand for, and what is nearly one of the words that are looked for.
        const OTHERS: &str = "representado representada representados representadas representan representando \
            comunicacion comunicaciones comunicado comuniquen comunique comuniquense contactado contactada contactados \
            contactar contacten contacte contacta contactarnos contactarlo mandar mandado mande manden mandeme mandenme \
            mandarle enviar enviado envie envien envieme envienme enviarle escribir escribe escriban escribame \
            escribanme escribeme llamar llamen llame llameme llamenme llamado llamarle molestar molesten moleste \
            molestado molestan cancelar cancelado cancelada cancelados cancelen autorizacion verificacion validacion \
            verificar verifiquen validar validen fraudulento fraudulenta fraudulentos desplegado desplegados \
            desplegaron fallecido fallecida fallecidos equivocado equivocada equivocados equivocaron movilizado \
            consentimiento quiera perdon identica contestando conectando represento rehuso rehuse disgusting pissed \
            identical stole year contained connected mistaken";
        let whole = whole_words();
        assert!(whole.len() > 3_000, "only {} words", whole.len());
        let respelled: Vec<(&str, Vec<String>)> = whole
            .into_iter()
            .chain(OTHERS.split_whitespace())
            .map(|word| (word, spelling::written_out(word)))
            .filter(|(word, written)| *written != [*word])
            .collect();
        assert!(respelled.is_empty(), "{respelled:?}");
    }
}
