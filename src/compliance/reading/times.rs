//! When somebody does not want to be contacted, as they say it (12 CFR 1006.6(b)(1)(i), 1006.14(h)): "only after 6 pm", "don't text
//! me before noon", "no me escriban los domingos". Of a time that comes again, by the clock: what is of today, or of a while, is
//! left to a person.

use std::sync::LazyLock;

use super::{
    clock_words::{Cursor, DAY, Sense, When},
    pattern::Kind,
    week_words::Days,
    words::{Sentence, Word},
};

static NOT_THEN: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/not_then.txt")));
static ONLY_THEN: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/only_then.txt")));

/// A time at which the writer does not want to be contacted, on their own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::compliance) struct SaidTime {
    /// On which it begins.
    pub(in crate::compliance) days: Days,
    /// Minutes since midnight, from and up to; what ends before it begins runs over midnight.
    pub(in crate::compliance) from_minute: i16,
    pub(in crate::compliance) to_minute: i16,
}

/// Words that may stand between what is asked and when: "do not call or text my cell at all before noon".
const FILLERS: [&str; 62] = [
    "me",
    "us",
    "my",
    "our",
    "this",
    "that",
    "here",
    "at",
    "all",
    "again",
    "ever",
    "anymore",
    "please",
    "any",
    "phone",
    "cell",
    "mobile",
    "number",
    "house",
    "home",
    "or",
    "and",
    "nor",
    "call",
    "calls",
    "text",
    "texts",
    "message",
    "messages",
    "email",
    "emails",
    "contact",
    "write",
    "calling",
    "texting",
    "messaging",
    "anything",
    "stuff",
    "these",
    "those",
    "the",
    "to",
    "nos",
    "mas",
    "nunca",
    "por",
    "favor",
    "al",
    "a",
    "mi",
    "telefono",
    "celular",
    "numero",
    "este",
    "o",
    "ni",
    "llamen",
    "escriban",
    "mensajes",
    "llamadas",
    "textos",
    "nada",
];
/// So many of them.
const MOST_FILLERS: usize = 6;
/// What may follow a time that stands alone, and change nothing.
const COURTESIES: [&str; 14] = [
    "please", "thanks", "thank", "you", "ok", "okay", "por", "favor", "gracias", "sir", "maam", "guys",
    "senor", "senora",
];

/// Every time that the sentences call inconvenient, each once.
pub(super) fn times(sentences: &[Sentence]) -> Vec<SaidTime> {
    let lasting = sentences.iter().filter(|sentence| !is_for_a_while(sentence));
    let mut found: Vec<SaidTime> = lasting.flat_map(of_sentence).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn of_sentence(sentence: &Sentence) -> Vec<SaidTime> {
    let mut found = Vec::new();
    if let Some((rest, passages)) = NOT_THEN.passages(sentence) {
        for (from, to) in passages {
            found.extend(not_after(&rest.words, to));
            found.extend(not_before(&rest.words, from));
        }
    }
    if let Some((rest, passages)) = ONLY_THEN.passages(sentence) {
        found.extend(passages.into_iter().flat_map(|(_, to)| only(&rest.words, to)));
    }
    let words = &sentence.words;
    let is_alone = found.is_empty();
    found.extend(alone(words, 0));
    // What is added to such a wish is one too: "only after 6, and not on Sundays".
    let commas = words.iter().enumerate().filter(|(_, word)| word.is_comma());
    let clauses = commas.filter(|_| !is_alone).map(|(place, _)| place + 1);
    found.extend(clauses.flat_map(|place| alone(words, place)));
    found
}

/// The times that follow what is not wanted then: one, or several set apart by "or".
fn not_after(words: &[Word], place: usize) -> Vec<SaidTime> {
    let mut cursor = Cursor::new(words, place);
    let Some(first) = when_soon(&mut cursor) else {
        return Vec::new();
    };
    let mut found = not(first);
    while cursor.take(&["or", "and", "nor", "y", "o", "ni"])
        && let Some(next) = when_soon(&mut cursor)
    {
        found.extend(not(next));
    }
    found
}

/// A time that begins the clause before what is not wanted then: "On Sundays please do not call".
fn not_before(words: &[Word], place: usize) -> Vec<SaidTime> {
    const LEADS: [&str; 10] = [
        "and", "but", "so", "please", "y", "pero", "hi", "hello", "hola", "also",
    ];
    let mut cursor = Cursor::new(words, 0);
    while cursor.take(&LEADS) || cursor.take(&[","]) {}
    let Some(when) = cursor.when() else {
        return Vec::new();
    };
    while cursor.take(&[",", "please", "you", "can", "por", "favor"]) {}
    if cursor.place == place {
        not(when)
    } else {
        Vec::new()
    }
}

/// The time that follows what is wanted then alone. Of two that are named, a person says what is left.
fn only(words: &[Word], place: usize) -> Vec<SaidTime> {
    let mut cursor = Cursor::new(words, place);
    let Some(when) = when_soon(&mut cursor) else {
        return Vec::new();
    };
    let goes_on = cursor.take(&["or", "and", "y", "o"]) && when_soon(&mut cursor).is_some();
    if goes_on { Vec::new() } else { but(when) }
}

/// A clause that says nothing but "not on Sundays" or "only after 6 pm". A day that is named alone may be the answer to when they
/// pay.
fn alone(words: &[Word], place: usize) -> Vec<SaidTime> {
    let mut cursor = Cursor::new(words, place);
    while cursor.take(&COURTESIES) || cursor.take(&["and", "but", "y", "pero"]) || cursor.take(&[","]) {}
    let is_only = cursor.take(&["only", "solo", "solamente", "unicamente", "nomas"]);
    let is_not = !is_only && cursor.take(&["not", "never", "nunca", "jamas"]);
    let is_no = !is_only && !is_not && cursor.take(&["no"]);
    // "No, after 6" answers a question.
    let is_spanish = ["antes", "despues", "los", "en", "por", "entre", "hasta", "de"];
    if is_no && !cursor.peek().is_some_and(|word| is_spanish.contains(&word)) {
        return Vec::new();
    }
    let Some(when) = cursor.when().filter(|_| is_only || is_not || is_no) else {
        return Vec::new();
    };
    while cursor.take(&COURTESIES) {}
    let is_all = cursor.peek().is_none_or(|next| next == ",");
    match (is_all, is_only) {
        (false, _) => Vec::new(),
        (true, true) if when.part.is_none() => Vec::new(),
        (true, false) if when.part.is_none() && !when.is_each => Vec::new(),
        (true, true) => but(when),
        (true, false) => not(when),
    }
}

/// A time that stands here, or after words that say nothing of their own.
fn when_soon(cursor: &mut Cursor<'_>) -> Option<When> {
    for _ in 0..=MOST_FILLERS {
        if let Some(when) = cursor.when() {
            return Some(when);
        }
        if !cursor.take(&FILLERS) {
            return None;
        }
    }
    None
}

/// It is not wanted then.
fn not(when: When) -> Vec<SaidTime> {
    let (from, to) = when.part.map_or((0, DAY), |part| part.minutes(Sense::Not));
    window(when.days.unwrap_or(Days::ALL), from, to)
        .into_iter()
        .collect()
}

/// It is wanted then and at no other time.
fn but(when: When) -> Vec<SaidTime> {
    let days = when.days.unwrap_or(Days::ALL);
    let mut found: Vec<SaidTime> = window(days.others(), 0, DAY).into_iter().collect();
    if let Some(part) = when.part {
        let (from, to) = part.minutes(Sense::Only);
        if from < to {
            found.extend(window(days, 0, from));
            found.extend(window(days, to, DAY));
        } else {
            found.extend(window(days, to, from));
        }
    }
    found
}

fn window(days: Days, from_minute: i16, to_minute: i16) -> Option<SaidTime> {
    let is_window = !days.is_none() && from_minute != to_minute && from_minute < DAY && to_minute > 0;
    is_window.then_some(SaidTime {
        days,
        from_minute,
        to_minute,
    })
}

/// It speaks of today, of tomorrow or of a week that is named.
fn is_for_a_while(sentence: &Sentence) -> bool {
    const NAMED: [&str; 8] = [
        "today",
        "tonight",
        "tomorrow",
        "tmrw",
        "hoy",
        "ahorita",
        "yesterday",
        "ayer",
    ];
    const THIS: [&str; 9] = [
        "this", "next", "esta", "este", "proximo", "proxima", "last", "pasado", "pasada",
    ];
    const SPANS: [&str; 18] = [
        "week",
        "month",
        "morning",
        "afternoon",
        "evening",
        "weekend",
        "night",
        "sunday",
        "saturday",
        "monday",
        "friday",
        "semana",
        "mes",
        "tarde",
        "noche",
        "manana",
        "fin",
        "domingo",
    ];
    let words: Vec<&str> = sentence.words.iter().map(|word| word.text.as_str()).collect();
    let is_tomorrow = |place: usize| {
        let before = place.checked_sub(1).map(|before| words[before]);
        words[place] == "manana" && !before.is_some_and(|word| matches!(word, "la" | "las" | "de" | "por"))
    };
    let is_this = |pair: &[&str]| match pair {
        [this, span] => THIS.contains(this) && SPANS.contains(span),
        _ => false,
    };
    words.iter().any(|word| NAMED.contains(word))
        || words.windows(2).any(is_this)
        || (0..words.len()).any(is_tomorrow)
}
