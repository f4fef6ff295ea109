//! A small language for sentences of one kind. A pattern is a row of elements, set apart by spaces:
//!
//! - `stop/quit` one of these words; `bankrupt*` a word that begins so; `please?` it may be missing
//! - `..3` up to three words, within a clause; `,,3` up to three words, also over a comma
//! - `^` where a clause begins (but for "please", "but" and the like), `$` where one ends, which may also be one of several:
//!   `yet/$`
//! - `??` the sentence is a question
//! - `@name` a person's name, `@minor` an age under 18, `@adult` one from 18 on, and the classes of [`CLASSES`]
//!
//! Words are compared in the normal form that [`super::words`] gives them.

use std::collections::HashMap;

use super::classes::{CLASSES, LEADS, is_adult_age, is_age_under_18};
use super::words::{Sentence, Word};

/// The most words that a gap may pass over.
const WIDEST_GAP: usize = 8;

#[derive(Debug)]
enum Element {
    Words { any: Vec<Choice>, optional: bool },
    Gap { most: usize, over_commas: bool },
    Start,
    End,
    Asks,
}

#[derive(Debug)]
enum Choice {
    Whole(&'static str),
    Prefix(&'static str),
    Class(&'static [&'static str]),
    Name,
    Age(fn(&str) -> bool),
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

    /// Words of which one has to stand in a sentence that it fits, where it names them: the shortest such list.
    fn needs(&self) -> Option<Vec<&'static str>> {
        let named = self.0.iter().filter_map(|element| match element {
            Element::Words { any, optional: false } => {
                any.iter().map(Choice::named).collect::<Option<Vec<_>>>()
            }
            _ => None,
        });
        named.map(|lists| lists.concat()).min_by_key(Vec::len)
    }

    /// Wherever it fits in the sentence.
    fn find_all(&self, sentence: &Sentence) -> impl Iterator<Item = (usize, usize)> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let (start, end) = self.find_from(sentence, from)?;
            from = end.max(start + 1);
            Some((start, end))
        })
    }

    /// Where in the sentence it fits first: from, and up to.
    fn find(&self, sentence: &Sentence) -> Option<(usize, usize)> {
        self.find_from(sentence, 0)
    }

    fn find_from(&self, sentence: &Sentence, from: usize) -> Option<(usize, usize)> {
        (from..=sentence.words.len()).find_map(|start| Some((start, fits(&self.0, sentence, start)?)))
    }
}

fn element(text: &'static str) -> Result<Element, String> {
    match text {
        "^" => return Ok(Element::Start),
        "$" => return Ok(Element::End),
        "??" => return Ok(Element::Asks),
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
        "@minor" => return Ok(Choice::Age(is_age_under_18)),
        "@adult" => return Ok(Choice::Age(is_adult_age)),
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
fn fits(elements: &[Element], sentence: &Sentence, place: usize) -> Option<usize> {
    let Some((first, rest)) = elements.split_first() else {
        return Some(place);
    };
    let words = sentence.words.as_slice();
    match first {
        Element::Start => begins_clause(words, place).then(|| fits(rest, sentence, place))?,
        Element::End => ends_clause(words, place).then(|| fits(rest, sentence, place))?,
        Element::Asks => sentence.asks.then(|| fits(rest, sentence, place))?,
        Element::Gap { most, over_commas } => (0..=*most).find_map(|skipped| {
            let passed = words.get(place..place + skipped)?;
            let may_pass = |word: &Word| !word.is_cut() && (*over_commas || !word.is_comma());
            passed
                .iter()
                .all(may_pass)
                .then(|| fits(rest, sentence, place + skipped))?
        }),
        Element::Words { any, optional } => {
            let here = words
                .get(place)
                .filter(|word| any.iter().any(|choice| choice.is(word)));
            let taken = here.and_then(|_| fits(rest, sentence, place + 1));
            let may_end =
                || any.iter().any(|choice| matches!(choice, Choice::End)) && ends_clause(words, place);
            taken.or_else(|| (*optional || may_end()).then(|| fits(rest, sentence, place))?)
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
    /// The words that it stands for, where they can be counted.
    fn named(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::Whole(text) => Some(vec![text]),
            Self::Class(words) => Some(words.to_vec()),
            Self::Prefix(_) | Self::Name | Self::Age(_) | Self::End => None,
        }
    }

    fn is(&self, word: &Word) -> bool {
        match self {
            Self::Whole(text) => word.text == *text,
            Self::Prefix(prefix) => word.text.starts_with(prefix),
            Self::Class(words) => words.contains(&word.text.as_str()),
            Self::Name => word.is_name,
            Self::Age(is_such) => is_such(&word.text),
            Self::End => false,
        }
    }
}

/// Patterns, found by a word that each of them needs: a text holds few of the words that there are patterns for.
#[derive(Debug, Default)]
struct Patterns {
    all: Vec<Pattern>,
    by_word: HashMap<&'static str, Vec<usize>>,
    /// They need no word of a list, so they are always looked at.
    others: Vec<usize>,
}

impl Patterns {
    fn push(&mut self, pattern: Pattern) {
        let place = self.all.len();
        match pattern.needs() {
            Some(words) => words
                .into_iter()
                .for_each(|word| self.by_word.entry(word).or_default().push(place)),
            None => self.others.push(place),
        }
        self.all.push(pattern);
    }

    /// Those that may fit in the sentence, in their order, each once.
    fn of<'a>(&'a self, sentence: &Sentence) -> impl Iterator<Item = &'a Pattern> + use<'a> {
        let of_words = sentence
            .words
            .iter()
            .filter_map(|word| self.by_word.get(word.text.as_str()))
            .flatten();
        let mut places: Vec<usize> = of_words.chain(&self.others).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| &self.all[place])
    }
}

/// Sentences of one kind: any of `surely`, or of `says` once the passages of `unless` are out of the way, which hold the
/// same words and mean something else.
#[derive(Debug, Default)]
pub(super) struct Kind {
    surely: Patterns,
    says: Patterns,
    unless: Patterns,
}

impl Kind {
    /// Reads a file of patterns, one a line: `+` what says so, `-` what is taken out first, `=` what says so whatever would
    /// be taken out, `#` a remark.
    ///
    /// # Errors
    /// Which line is none, and why.
    fn read(text: &'static str) -> Result<Self, String> {
        let mut kind = Self::default();
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
        let holds = |sentence: &Sentence, patterns: &Patterns| {
            patterns
                .of(sentence)
                .any(|pattern| pattern.find(sentence).is_some())
        };
        // Most sentences hold none of it: nothing has to be taken out of them.
        sentences.iter().any(|sentence| {
            holds(sentence, &self.surely)
                || holds(sentence, &self.says) && holds(&self.without_exceptions(sentence), &self.says)
        })
    }

    /// Where a sentence is of this kind: the sentence without what means something else, and from and up to where in it each
    /// pattern fits. Nothing where it is not of this kind.
    pub(super) fn passages(&self, sentence: &Sentence) -> Option<(Sentence, Vec<(usize, usize)>)> {
        let places = |sentence: &Sentence, patterns: &Patterns| -> Vec<(usize, usize)> {
            let found = patterns.of(sentence);
            found.flat_map(|pattern| pattern.find_all(sentence)).collect()
        };
        let surely = places(sentence, &self.surely);
        if !surely.is_empty() {
            return Some((sentence.clone(), surely));
        }
        if places(sentence, &self.says).is_empty() {
            return None;
        }
        let rest = self.without_exceptions(sentence);
        let found = places(&rest, &self.says);
        (!found.is_empty()).then_some((rest, found))
    }

    /// The sentence without the passages that hold the words of this kind and mean something else.
    pub(super) fn without_exceptions(&self, sentence: &Sentence) -> Sentence {
        let mut rest = sentence.clone();
        for pattern in self.unless.of(sentence) {
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
            let patterns = kind
                .surely
                .all
                .into_iter()
                .chain(kind.says.all)
                .chain(kind.unless.all);
            for Pattern(elements) in patterns {
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
                let is_pattern = text.lines().any(|line| line.starts_with(['+', '-']));
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
            .map(|kind| kind.says.all.len() + kind.unless.all.len())
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
        let is_said = |text: &str| kind.is_said(&words::sentences(text, &words::Names::default()));
        assert!(is_said("I am not paying."));
        assert!(is_said("not paying, sorry"));
        assert!(is_said("not paying you"));
        assert!(!is_said("not paying attention"));
    }

    #[test]
    fn a_question_is_told_from_what_is_said() {
        let kind = Kind::embedded("+ fraud\n- ^ fraud $ ??\n+ ^ i am @adult $");
        let is_said = |text: &str| kind.is_said(&words::sentences(text, &words::Names::default()));
        assert!(is_said("Fraud!"));
        assert!(!is_said("Fraud?"));
        assert!(is_said("I am 18"));
        assert!(!is_said("I am 17"));
    }

    /// The words that patterns are found by leave out none that fits.
    #[test]
    fn every_pattern_that_fits_is_looked_at() {
        let kinds = embedded_kinds();
        for text in [
            include_str!("../../../tests/data/compliance-inbound.json"),
            include_str!("../../../tests/data/compliance-inbound-classes.json"),
        ] {
            for sentence in words::sentences(text, &words::Names::default()) {
                let lists = kinds
                    .iter()
                    .flat_map(|kind| [&kind.surely, &kind.says, &kind.unless]);
                for patterns in lists {
                    let fits = |pattern: &&Pattern| pattern.find(&sentence).is_some();
                    let fitting = patterns.all.iter().filter(fits).count();
                    let looked_at = patterns.of(&sentence).filter(fits).count();
                    assert_eq!(looked_at, fitting, "{sentence:?}");
                }
            }
        }
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
