//! A small language for sentences of one kind. A pattern is a row of elements, set apart by spaces:
//!
//! - `stop/quit` one of these words; `bankrupt*` a word that begins so; `please?` it may be missing
//! - `..3` up to three words, within a clause; `,,3` up to three words, also over a comma
//! - `^` where a clause begins (but for "please", "but" and the like), `$` where one ends
//! - `@name` a person's name, `@minor` an age under 18, and the classes of [`CLASSES`]
//!
//! Words are compared in the normal form that [`super::words`] gives them.

use super::words::{Sentence, Word};

/// Sets of words that several patterns name.
const CLASSES: &[(&str, &[&str])] = &[
    (
        "kin",
        &[
            "husband",
            "wife",
            "spouse",
            "mother",
            "mom",
            "mum",
            "mama",
            "father",
            "dad",
            "papa",
            "son",
            "daughter",
            "brother",
            "sister",
            "grandmother",
            "grandma",
            "grandfather",
            "grandpa",
            "grandson",
            "granddaughter",
            "uncle",
            "aunt",
            "cousin",
            "nephew",
            "niece",
            "parent",
            "parents",
            "fiance",
            "fiancee",
            "partner",
            "boyfriend",
            "girlfriend",
            "stepdad",
            "stepmom",
            "esposo",
            "esposa",
            "marido",
            "mujer",
            "madre",
            "padre",
            "hijo",
            "hija",
            "hermano",
            "hermana",
            "abuelo",
            "abuela",
            "tio",
            "tia",
            "primo",
            "prima",
            "suegro",
            "suegra",
            "novio",
            "novia",
        ],
    ),
    (
        "person",
        &[
            "he", "she", "they", "him", "her", "guy", "man", "woman", "lady", "person", "customer", "debtor",
            "consumer", "borrower", "client", "owner", "holder", "someone", "el", "ella", "senor", "senora",
            "persona", "titular",
        ],
    ),
    (
        "message",
        &[
            "text",
            "texts",
            "message",
            "messages",
            "messaging",
            "sms",
            "call",
            "calls",
            "email",
            "emails",
            "notification",
            "notifications",
            "reminder",
            "reminders",
            "alerts",
            "spam",
            "voicemails",
            "robocalls",
            "autodialer",
            "mail",
            "mensaje",
            "mensajes",
            "textos",
            "texto",
            "llamadas",
            "llamada",
            "correos",
            "correo",
            "avisos",
            "recordatorios",
            "notificaciones",
            "alertas",
        ],
    ),
    (
        "send",
        &[
            "text",
            "texts",
            "texting",
            "message",
            "messaging",
            "call",
            "calling",
            "phone",
            "phoning",
            "ring",
            "ringing",
            "email",
            "emailing",
            "write",
            "writing",
            "sms",
            "dial",
            "dialing",
            "send",
            "sending",
            "blowing",
            "buzz",
            "spam",
            "spamming",
        ],
    ),
    (
        "lawyer",
        &[
            "attorney",
            "attorneys",
            "lawyer",
            "lawyers",
            "counsel",
            "abogado",
            "abogada",
            "abogados",
            "licenciado",
            "licenciada",
        ],
    ),
    (
        "debt",
        &[
            "debt", "debts", "bill", "account", "loan", "balance", "charge", "charges", "money", "deuda",
            "deudas", "cuenta", "prestamo", "saldo", "cargo", "cobro",
        ],
    ),
    (
        "negation",
        &[
            "not", "never", "no", "nunca", "jamas", "tampoco", "nor", "neither",
        ],
    ),
];

/// What may stand before the beginning of a clause without being part of it.
const LEADS: &[&str] = &[
    "and", "but", "so", "because", "cause", "since", "please", "ok", "okay", "hi", "hello", "hey", "sorry",
    "no", "yes", "yeah", "well", "look", "listen", "sir", "maam", "now", "then", "again", "also", "just",
    "y", "pero", "porque", "que", "por", "favor", "hola", "si", "ya", "mire", "oiga", "disculpe", "perdon",
    "pues", "thanks", "gracias", "think", "guess", "told", "you", "said", "i", "lol", "um", "actually",
    "creo", "senor", "senora", "bro", "dude", "man",
];

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
}

/// One pattern, read.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Element>);

impl Pattern {
    fn new(text: &'static str) -> Self {
        Self(text.split_whitespace().map(element).collect())
    }

    /// Where in the sentence it fits first: from, and up to.
    fn find(&self, sentence: &Sentence) -> Option<(usize, usize)> {
        let words = &sentence.words;
        (0..=words.len()).find_map(|start| Some((start, fits(&self.0, words, start)?)))
    }
}

fn element(text: &'static str) -> Element {
    if text == "^" {
        return Element::Start;
    }
    if text == "$" {
        return Element::End;
    }
    if let Some(most) = text.strip_prefix("..").and_then(|most| most.parse().ok()) {
        return Element::Gap {
            most,
            over_commas: false,
        };
    }
    if let Some(most) = text.strip_prefix(",,").and_then(|most| most.parse().ok()) {
        return Element::Gap {
            most,
            over_commas: true,
        };
    }
    let (choices, optional) = match text.strip_suffix('?') {
        Some(choices) => (choices, true),
        None => (text, false),
    };
    Element::Words {
        any: choices.split('/').map(choice).collect(),
        optional,
    }
}

fn choice(text: &'static str) -> Choice {
    match text {
        "@name" => return Choice::Name,
        "@minor" => return Choice::AgeUnder18,
        _ => {}
    }
    if let Some(class) = text.strip_prefix('@') {
        let known = CLASSES.iter().find(|(name, _)| *name == class);
        return Choice::Class(known.map_or(&[], |(_, words)| words));
    }
    match text.strip_suffix('*') {
        Some(prefix) => Choice::Prefix(prefix),
        None => Choice::Whole(text),
    }
}

/// Where the elements end when the first of them stands at `place`.
fn fits(elements: &[Element], words: &[Word], place: usize) -> Option<usize> {
    let Some((first, rest)) = elements.split_first() else {
        return Some(place);
    };
    match first {
        Element::Start => begins_clause(words, place).then(|| fits(rest, words, place))?,
        Element::End => words
            .get(place)
            .is_none_or(Word::is_comma)
            .then(|| fits(rest, words, place))?,
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
            taken.or_else(|| optional.then(|| fits(rest, words, place))?)
        }
    }
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
        }
    }
}

/// From five on: who is younger writes no texts.
fn is_age_under_18(word: &str) -> bool {
    const WORDS: [&str; 26] = [
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "cinco",
        "seis",
        "siete",
        "ocho",
        "nueve",
        "diez",
        "once",
        "doce",
        "trece",
        "catorce",
        "quince",
        "dieciseis",
        "diecisiete",
    ];
    word.parse().is_ok_and(|age: u32| (5..18).contains(&age)) || WORDS.contains(&word)
}

/// Sentences of one kind: any of `says`, once the passages of `unless` are out of the way, which hold the same words and
/// mean something else.
#[derive(Debug)]
pub(super) struct Kind {
    says: Vec<Pattern>,
    unless: Vec<Pattern>,
}

impl Kind {
    /// Reads a file of patterns, one a line: `+` what says so, `-` what is taken out first, `#` a remark.
    pub(super) fn new(text: &'static str) -> Self {
        let of = |sign: char| {
            let lines = text.lines().filter_map(move |line| line.strip_prefix(sign));
            lines.map(Pattern::new).collect()
        };
        Self {
            says: of('+'),
            unless: of('-'),
        }
    }

    /// Whether any of the sentences is of this kind.
    pub(super) fn is_said(&self, sentences: &[Sentence]) -> bool {
        let is_held = |sentence: &Sentence| self.says.iter().any(|pattern| pattern.find(sentence).is_some());
        // Most sentences hold none of it: nothing has to be taken out of them.
        sentences
            .iter()
            .any(|sentence| is_held(sentence) && is_held(&self.without_exceptions(sentence)))
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

    #[test]
    fn every_class_that_a_pattern_names_is_known() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/reading");
        let files = std::fs::read_dir(folder).expect("the patterns");
        let mut patterns = 0;
        for file in files {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("its text");
            for line in text.lines().filter(|line| line.starts_with(['+', '-'])) {
                patterns += 1;
                let words = line.split([' ', '/']).map(|word| word.trim_end_matches('?'));
                for name in words.filter_map(|word| word.strip_prefix('@')) {
                    let is_known =
                        ["name", "minor"].contains(&name) || CLASSES.iter().any(|(class, _)| *class == name);
                    assert!(is_known, "{line}: no class {name}");
                }
            }
        }
        assert!(patterns > 900, "only {patterns} patterns");
    }
}
