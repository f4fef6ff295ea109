//! What takes the sting out of a phrase: a negation, the debtor's own words quoted back, a question that is answered no.

use super::pack::Negation;
use crate::compliance::language::{Break, Text, is_negator, is_negator_in_clause, negator_over, rescinds};

/// Whether the text denies the phrase whose own words stand at `places`.
pub(super) fn is_denied(text: &Text, places: &[usize], reach: Negation) -> bool {
    let Some(first) = places.first() else { return false };
    let sentence = text.tokens[*first].sentence;
    let is_negated = match reach {
        Negation::Clause => is_negator_in_clause(text, *first) || negator_over(text, places).is_some(),
        Negation::Near | Negation::None => negator_over(text, places).is_some(),
    };
    if is_negated || places.last().is_some_and(|last| is_unable(text, *last)) {
        return !rescinds(text, sentence);
    }
    is_answered_no(text, sentence) || is_disowned(text, sentence, *first)
}

/// "The police cannot …", "la policía no puede …".
fn is_unable(text: &Text, last: usize) -> bool {
    let word = |place: usize| text.tokens.get(place).map_or("", |token| token.word.as_str());
    let (own, next, after) = (word(last), word(last + 1), word(last + 2));
    own == "can" && is_negator(next)
        || next == "can" && is_negator(after)
        || next == "no" && matches!(after, "puede" | "pueden" | "podra" | "podran")
}

/// "If somebody threatens you with arrest, it is not from us": what others say is told apart.
fn is_disowned(text: &Text, sentence: usize, first: usize) -> bool {
    const CONDITIONS: &[&str] = &[
        "if", "when", "whenever", "whoever", "anyone", "si", "cuando", "quien",
    ];
    const DISOWNED: &[&[&str]] = &[
        &["not", "from", "us"],
        &["is", "not", "us"],
        &["was", "not", "us"],
        &["not", "ours"],
        &["no", "es", "de", "nosotros"],
        &["no", "viene", "de", "nosotros"],
        &["no", "somos", "nosotros"],
        &["no", "es", "nuestro"],
        &["no", "es", "nuestra"],
    ];
    let Some(bounds) = text.sentences.get(sentence) else {
        return false;
    };
    let words: Vec<&str> = text.tokens[bounds.first..bounds.end]
        .iter()
        .map(|token| token.word.as_str())
        .collect();
    let (before, after) = words.split_at(first - bounds.first);
    before.iter().any(|word| CONDITIONS.contains(word))
        && (0..after.len()).any(|from| DISOWNED.iter().any(|phrase| after[from..].starts_with(phrase)))
}

/// "Can you go to jail for this? No."
fn is_answered_no(text: &Text, sentence: usize) -> bool {
    let is_question = text
        .sentences
        .get(sentence)
        .is_some_and(|sentence| sentence.is_question);
    let answer = text.sentences.get(sentence + 1);
    is_question && answer.is_some_and(|answer| is_negator(&text.tokens[answer.first].word))
}

/// Whether the phrase is what the debtor said: "you said that we would sue you". Not where it is then affirmed.
pub(super) fn is_reported(text: &Text, places: &[usize], reach: Negation) -> bool {
    let Some(&last) = places.last() else { return false };
    places.iter().any(|place| is_after_report(text, *place, reach)) && !is_affirmed(text, last)
}

const SAID: &[&str] = &[
    "said",
    "wrote",
    "asked",
    "mentioned",
    "stated",
    "thought",
    "think",
    "believe",
    "believed",
    "fear",
    "feared",
    "worry",
    "worried",
    "heard",
    "claimed",
    "reported",
    "complained",
    "told",
    "afraid",
    "asking",
    "concerned",
    "dijo",
    "dice",
    "escribio",
    "pregunto",
    "menciono",
    "cree",
    "creyo",
    "piensa",
    "penso",
    "teme",
    "preocupa",
    "comento",
    "indico",
    "pregunta",
    "dijiste",
    "escribiste",
    "preguntaste",
    "conto",
    "quejo",
];
const LINKS: &[&str] = &[
    "that",
    "if",
    "whether",
    "us",
    "me",
    "about",
    "were",
    "are",
    "was",
    "is",
    "to",
    "be",
    "someone",
    "somebody",
    "que",
    "si",
    "nos",
    "me",
    "de",
    "le",
    "lo",
    "la",
    "les",
    "alguien",
    "por",
    "would",
    "will",
    "could",
    "might",
    "we",
    "you",
    "they",
    "a",
    "an",
    "the",
    "being",
    "getting",
    "va",
    "iba",
    "ibamos",
    "iban",
    "podria",
    "podrian",
    "podriamos",
    "usted",
    "ser",
    "ha",
    "had",
    "have",
    "been",
    "can",
    "may",
    "una",
    "un",
    "may",
    "call",
    "message",
    "letter",
    "puede",
    "pueden",
    "called",
    "court",
    "judge",
    "ibas",
    "juez",
    "tribunal",
    "la",
    "un",
    "this",
    "there",
    "it",
    "when",
    "how",
    "what",
    "why",
    "where",
    "which",
    "who",
    "cuando",
    "como",
    "donde",
    "quien",
    "esto",
    "eso",
    "hay",
];
const DETERMINERS: &[&str] = &[
    "the", "a", "an", "your", "another", "el", "la", "los", "las", "un", "una", "su", "otro", "otra",
];
const YOU: &[&str] = &["you", "usted", "ud"];

/// The words before the phrase are a report of the debtor's: subject "you" (which Spanish leaves out) and a verb of saying.
fn is_after_report(text: &Text, first: usize, reach: Negation) -> bool {
    const FARTHEST: usize = 9;
    // Of a mere word, the whole clause is the report.
    let needs_links = reach != Negation::Clause;
    let sentence = text.tokens[first].sentence;
    let mut place = first;
    while place > 0 && first - place < FARTHEST {
        // A comma or colon may stand before the debtor's words in quotation marks alone.
        let is_cut = text.tokens[place].before >= Break::Comma && !text.tokens[place].is_quoted;
        if is_cut || text.tokens[place].before == Break::Sentence {
            return false;
        }
        place -= 1;
        let token = &text.tokens[place];
        if token.sentence != sentence {
            return false;
        }
        if SAID.contains(&token.word.as_str()) {
            let before = &text.tokens[place.saturating_sub(3)..place];
            let speaks_debtor = before.iter().any(|token| YOU.contains(&token.word.as_str()));
            let is_first_person = before.iter().any(|token| {
                matches!(
                    token.word.as_str(),
                    "we" | "i" | "they" | "yo" | "nosotros" | "he" | "she" | "el" | "ella" | "judge"
                )
            });
            // A Spanish verb says who speaks; "you are worried" is the debtor's too.
            let is_spanish = matches!(
                token.word.as_str(),
                "dijo"
                    | "dice"
                    | "escribio"
                    | "pregunto"
                    | "menciono"
                    | "cree"
                    | "creyo"
                    | "piensa"
                    | "penso"
                    | "teme"
                    | "preocupa"
                    | "comento"
                    | "indico"
                    | "pregunta"
                    | "dijiste"
                    | "escribiste"
                    | "preguntaste"
                    | "conto"
                    | "quejo"
            );
            return (speaks_debtor || is_spanish) && !is_first_person && !is_told_to_say(text, place);
        }
        // Somebody or something else: "you said the store called you …", "you asked when the office closes …".
        let is_named = place > 0 && DETERMINERS.contains(&text.tokens[place - 1].word.as_str());
        if needs_links && !LINKS.contains(&token.word.as_str()) && !token.is_quoted && !is_named {
            return false;
        }
    }
    false
}

/// "You were told that …", "you have heard that …": what somebody else told the debtor is no question of theirs.
fn is_told_to_say(text: &Text, said: usize) -> bool {
    let word = text.tokens[said].word.as_str();
    let is_passive = said > 0 && matches!(text.tokens[said - 1].word.as_str(), "were" | "been" | "was");
    word == "told" && is_passive
}

/// "… and we will", "and that is right": the report is made the sender's own.
fn is_affirmed(text: &Text, last: usize) -> bool {
    const AFTER: &[&[&str]] = &[
        &["and", "we", "will"],
        &["and", "we", "are"],
        &["and", "we", "can"],
        &["and", "we", "may"],
        &["and", "we", "mean"],
        &["and", "it", "is"],
        &["and", "it", "will"],
        &["and", "that", "is"],
        &["and", "you", "are"],
        &["and", "you", "will"],
        &["and", "they", "will"],
        &["we", "will"],
        &["we", "are", "going"],
        &["we", "intend"],
        &["we", "might"],
        &["we", "may"],
        &["that", "is", "right"],
        &["that", "is", "true"],
        &["that", "is", "correct"],
        &["it", "is", "true"],
        &["you", "are", "right"],
        &["you", "were", "right"],
        &["yes"],
        &["correct"],
        &["exactly"],
        &["y", "lo", "haremos"],
        &["lo", "haremos"],
        &["y", "asi", "es"],
        &["asi", "es"],
        &["asi", "sera"],
        &["y", "es", "verdad"],
        &["es", "verdad"],
        &["es", "cierto"],
        &["tiene", "razon"],
        &["si", "lo"],
        &["y", "si"],
        &["y", "vamos"],
        &["y", "podemos"],
        &["y", "puede"],
        &["correcto"],
    ];
    let words: Vec<&str> = text.tokens[last + 1..]
        .iter()
        .take(24)
        .map(|token| token.word.as_str())
        .collect();
    (0..words.len()).any(|from| {
        AFTER.iter().any(|phrase| {
            words[from..].starts_with(phrase)
                // "we will not" and "no lo haremos" affirm nothing.
                && !(from > 0 && is_negator(words[from - 1]))
                && !words.get(from + phrase.len()).is_some_and(|next| is_negator(next))
        })
    })
}
