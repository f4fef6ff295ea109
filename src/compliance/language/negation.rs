//! What a negation reaches, in English and Spanish. "We will not sue you" and "no lo demandaremos" say no; "if you do not
//! pay, we will sue you" does not, and "we will not hesitate to sue you" neither: between a negation and what it denies
//! stand only words that say nothing by themselves.

use super::text::{Break, Text, Token};

/// Words that say no.
const NEGATORS: &[&str] = &[
    "not", "never", "no", "nobody", "none", "nor", "neither", "without", "nothing", "nunca", "jamas",
    "nadie", "ningun", "ninguna", "ninguno", "sin", "tampoco", "ni", "nada", "unable",
];

/// Words that a negation reaches through.
const TRANSPARENT: &[&str] = &[
    "be",
    "been",
    "being",
    "to",
    "going",
    "have",
    "has",
    "had",
    "having",
    "will",
    "would",
    "shall",
    "can",
    "could",
    "may",
    "might",
    "must",
    "do",
    "does",
    "did",
    "am",
    "is",
    "are",
    "was",
    "were",
    "ever",
    "currently",
    "now",
    "intend",
    "intends",
    "intention",
    "intending",
    "plan",
    "plans",
    "planning",
    "of",
    "try",
    "trying",
    "allowed",
    "able",
    "permitted",
    "legally",
    "the",
    "a",
    "an",
    "any",
    "you",
    "your",
    "anyone",
    "anybody",
    "one",
    "in",
    "for",
    "that",
    "get",
    "there",
    "it",
    "us",
    "we",
    "i",
    "they",
    "say",
    "saying",
    "said",
    "mean",
    "means",
    "threaten",
    "threatening",
    "allow",
    "allows",
    "permit",
    "lets",
    "let",
    "other",
    "such",
    "right",
    "authorized",
    "personally",
    "by",
    "here",
    "from",
    "this",
    "debt",
    "simply",
    "with",
    "law",
    "lo",
    "la",
    "le",
    "les",
    "los",
    "las",
    "se",
    "te",
    "me",
    "nos",
    "os",
    "va",
    "vamos",
    "van",
    "voy",
    "ser",
    "sera",
    "seran",
    "seras",
    "puede",
    "pueden",
    "podemos",
    "puedo",
    "podra",
    "podran",
    "podria",
    "podrian",
    "podriamos",
    "ha",
    "han",
    "hemos",
    "he",
    "esta",
    "estan",
    "estamos",
    "siendo",
    "sido",
    "un",
    "una",
    "de",
    "que",
    "planeamos",
    "pensamos",
    "intentamos",
    "pretendemos",
    "debe",
    "es",
    "son",
    "fue",
    "hay",
    "habra",
    "en",
    "por",
    "usted",
    "ustedes",
    "su",
    "sus",
    "ir",
    "ira",
    "iran",
    "iras",
    "haber",
    "tenemos",
    "tengo",
    "intencion",
    "planes",
    "legalmente",
    "actualmente",
    "vaya",
    "esto",
    "eso",
    "significa",
    "quiere",
    "decir",
    "permite",
    "ley",
    "nosotros",
    "aqui",
    "el",
    "al",
    "del",
    "para",
    "y",
    "or",
    "o",
    "and",
    "vamos",
    "tiene",
    "existe",
    "existen",
    "posible",
    "possible",
    "tu",
    "ningun",
    "ninguna",
    "consider",
    "considering",
    "as",
    "at",
    "need",
    "go",
    "goes",
    "gets",
    "affiliated",
    "associated",
    "part",
    "court",
    "judge",
    "juez",
    "tribunal",
    "responsable",
    "responsible",
    "liable",
    "obligated",
    "either",
    "yo",
    "ellos",
    "called",
    "call",
    "calling",
    "treat",
    "someone",
    "alguien",
    "our",
    "office",
    "company",
    "team",
    "staff",
    "nuestra",
    "nuestro",
    "oficina",
    "empresa",
    "equipo",
];

/// After these a negation denies nothing: "no choice but to sue", "we will not only call", "no dudaremos".
const IDLE: &[&str] = &[
    "choice",
    "option",
    "options",
    "alternative",
    "doubt",
    "question",
    "matter",
    "only",
    "just",
    "hesitate",
    "solo",
    "solamente",
    "opcion",
    "remedio",
    "duda",
    "alternativa",
    "wonder",
    "problem",
];

/// Whether a word says no.
pub fn is_negator(word: &str) -> bool {
    NEGATORS.contains(&word)
}

/// The negation that denies the phrase whose own words stand at `places` (in order), if one does. A negation that is one
/// of the phrase's own words is part of what it says.
pub fn negator_over(text: &Text, places: &[usize]) -> Option<usize> {
    let first = *places.first()?;
    let last = *places.last()?;
    let in_gap = (first..=last)
        .filter(|place| !places.contains(place))
        .find(|place| denies(text, *place) && reaches(text, *place, places));
    in_gap.or_else(|| before(text, first))
}

/// Whether the word at a place is a negation that denies something.
fn denies(text: &Text, place: usize) -> bool {
    let is_idle = text.tokens.get(place + 1).is_some_and(|next| is_word(next, IDLE));
    is_word(&text.tokens[place], NEGATORS) && !is_idle
}

/// From a negation inside the phrase to the phrase's next own word.
fn reaches(text: &Text, negator: usize, places: &[usize]) -> bool {
    let next = places.iter().copied().find(|place| *place > negator);
    next.is_some_and(|next| {
        (negator + 1..=next).all(|place| {
            let token = &text.tokens[place];
            (place == next || is_word(token, TRANSPARENT)) && token.before < Break::Clause
        })
    })
}

/// A negation before the phrase, with nothing but transparent words between. "If not" and "si no" begin a threat.
fn before(text: &Text, first: usize) -> Option<usize> {
    const FARTHEST: usize = 9;
    let mut place = first;
    while place > 0 && first - place < FARTHEST {
        if text.tokens[place].before >= Break::Comma {
            return None;
        }
        place -= 1;
        let token = &text.tokens[place];
        if is_word(token, NEGATORS) && !denies(text, place) {
            return None;
        }
        if is_word(token, NEGATORS) {
            let is_condition = place > 0 && is_word(&text.tokens[place - 1], &["if", "si", "or", "o"]);
            return (!is_condition).then_some(place);
        }
        // "You do not have to worry about garnishment", and not "about the lawsuit", which there is.
        let is_worry = place + 1 == first
            && is_word(token, &["about", "por"])
            && place > 0
            && is_word(
                &text.tokens[place - 1],
                &["worry", "worried", "worrying", "preocuparse", "preocupe"],
            );
        if is_worry {
            place -= 1;
        } else if !is_word(token, TRANSPARENT) {
            return None;
        }
    }
    None
}

/// Whether a negation stands anywhere before a word in its clause, and not before what the debtor leaves undone: "if you do
/// not pay, a lawsuit follows".
pub fn is_negator_in_clause(text: &Text, word: usize) -> bool {
    const UNDONE: &[&str] = &[
        "pay",
        "paid",
        "paying",
        "payment",
        "respond",
        "reply",
        "call",
        "answer",
        "settle",
        "act",
        "comply",
        "cooperate",
        "resolve",
        "wait",
        "if",
        "unless",
        "but",
        "or",
        "and",
        "so",
        "then",
        "because",
        "paga",
        "pague",
        "pagar",
        "pago",
        "responde",
        "responda",
        "contesta",
        "conteste",
        "llama",
        "llame",
        "coopera",
        "coopere",
        "si",
        "pero",
        "o",
        "y",
        "porque",
        "entonces",
    ];
    let mut place = word;
    while place > 0 {
        if text.tokens[place].before >= Break::Clause {
            return false;
        }
        place -= 1;
        let token = &text.tokens[place];
        // "Not for the sheriff or any court" goes on to say no.
        let goes_on = is_word(token, &["or", "o"])
            && text
                .tokens
                .get(place + 1)
                .is_some_and(|next| is_word(next, &["any", "ningun", "ninguna"]));
        if token.sentence != text.tokens[word].sentence || is_word(token, UNDONE) && !goes_on {
            return false;
        }
        if denies(text, place) {
            return true;
        }
    }
    false
}

/// Whether something in a sentence takes a negation back: "not, if you pay", "not yet", "until", "unless".
pub fn rescinds(text: &Text, sentence: usize) -> bool {
    const ALONE: &[&str] = &[
        "unless",
        "until",
        "yet",
        "otherwise",
        "hasta",
        "salvo",
        "aun",
        "todavia",
    ];
    const PHRASES: &[&[&str]] = &[
        &["if", "you", "pay"],
        &["if", "you", "call"],
        &["if", "you", "settle"],
        &["if", "you", "act"],
        &["if", "you", "make"],
        &["if", "you", "cooperate"],
        &["if", "you", "send"],
        &["if", "you", "agree"],
        &["if", "you", "sign"],
        &["if", "you", "do"],
        &["if", "payment"],
        &["if", "we", "receive"],
        &["once", "you", "pay"],
        &["when", "you", "pay"],
        &["as", "long", "as"],
        &["so", "long", "as"],
        &["provided"],
        &["for", "now"],
        &["this", "time"],
        &["so", "far"],
        &["only", "if"],
        &["si", "paga"],
        &["si", "usted", "paga"],
        &["si", "pagas"],
        &["si", "llama"],
        &["si", "hace"],
        &["si", "coopera"],
        &["si", "envia"],
        &["si", "acepta"],
        &["si", "firma"],
        &["si", "liquida"],
        &["si", "recibimos"],
        &["siempre", "que"],
        &["siempre", "y", "cuando"],
        &["mientras", "pague"],
        &["mientras", "page"],
        &["a", "menos", "que"],
        &["por", "ahora"],
        &["esta", "vez"],
        &["por", "el", "momento"],
        &["solo", "si"],
        &["cuando", "pague"],
        &["una", "vez", "que", "pague"],
        &["excepto", "si"],
        &["just", "pay"],
        &["solo", "pague"],
    ];
    let Some(sentence) = text.sentences.get(sentence) else {
        return false;
    };
    let words = &text.tokens[sentence.first..sentence.end];
    (0..words.len()).any(|from| {
        is_word(&words[from], ALONE) && !is_leave(&words[from..])
            || PHRASES.iter().any(|phrase| {
                words.len() - from >= phrase.len()
                    && phrase
                        .iter()
                        .zip(&words[from..])
                        .all(|(wanted, token)| is_word(token, &[wanted]))
            })
    })
}

/// "Unless you tell us to": what the debtor allows is no threat.
fn is_leave(words: &[Token]) -> bool {
    const ALLOWS: &[&str] = &[
        "tell",
        "ask",
        "allow",
        "permit",
        "authorize",
        "request",
        "autorice",
        "pida",
        "permita",
        "diga",
    ];
    let who = words
        .get(1)
        .is_some_and(|token| is_word(token, &["you", "usted", "que"]));
    let allows = words.iter().skip(2).take(2).any(|token| is_word(token, ALLOWS));
    who && allows
}

fn is_word(token: &Token, words: &[&str]) -> bool {
    words.contains(&token.word.as_str()) || token.also.iter().any(|also| words.contains(&also.as_str()))
}
