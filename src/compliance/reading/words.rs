//! A text as sentences of words in a normal form: small letters without accents, short forms written out ("dont" is "do
//! not"), slips of the keyboard put right where the word is one that is looked for, and without what the writer only
//! quotes.

use super::spelling;

/// A word, a comma, or the place of something that was cut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// It is, or may well be, somebody's name.
    pub(super) is_name: bool,
    /// In capitals, in a text that is not all capitals.
    pub(super) is_shouted: bool,
}

impl Word {
    pub(super) fn is_comma(&self) -> bool {
        self.text == ","
    }

    pub(super) fn is_cut(&self) -> bool {
        self.text == "|"
    }

    pub(super) fn cut() -> Self {
        Self::plain("|")
    }

    /// A word of which nothing more is known.
    pub(super) fn plain(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            is_name: false,
            is_shouted: false,
        }
    }
}

/// Words up to a full stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) words: Vec<Word>,
    /// It has a question mark.
    pub(super) asks: bool,
}

impl Sentence {
    /// Its words without commas, set apart by single spaces.
    pub(super) fn plain(&self) -> String {
        let words: Vec<&str> = self
            .words
            .iter()
            .filter(|word| !word.is_comma())
            .map(|word| word.text.as_str())
            .collect();
        words.join(" ")
    }
}

/// Nobody says more than this in a text; what comes later in a long letter is for a person to read.
const MOST_CHARACTERS: usize = 20_000;

/// Whose names a text may hold.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::compliance) struct Names<'a> {
    /// Of those who may be meant by the number that the text came from, in any case.
    pub(in crate::compliance) theirs: &'a [&'a str],
    /// The business's own and those of the people who write for it: who does not know them has not said whom the number reaches.
    pub(in crate::compliance) ours: &'a [&'a str],
}

impl Names<'_> {
    fn normal(names: &[&str]) -> Vec<String> {
        names
            .iter()
            .flat_map(|name| name.split_whitespace())
            .map(normal)
            .filter(|name| name.chars().count() > 1)
            .collect()
    }
}

/// Names in their normal form.
#[derive(Default)]
struct Known {
    theirs: Vec<String>,
    ours: Vec<String>,
}

/// The sentences that are the writer's own.
pub(super) fn sentences(text: &str, names: &Names<'_>) -> Vec<Sentence> {
    let text: String = text.chars().take(MOST_CHARACTERS).collect();
    // The signs that say it without a word.
    let text = without_quotes(&text).replace(['🛑', '⛔'], " stop ");
    if is_spelled_out(&text) {
        let joined: String = text
            .chars()
            .filter(|character| character.is_alphanumeric())
            .collect();
        return sentence(&joined, &Known::default(), false).into_iter().collect();
    }
    let known = Known {
        theirs: Names::normal(names.theirs),
        ours: Names::normal(names.ours),
    };
    let small = |character: char| character.is_alphabetic() && character.is_lowercase();
    let is_all_capitals = !text.chars().any(small);
    split(&text)
        .into_iter()
        .filter(|part| !is_our_instruction(part))
        .filter_map(|part| sentence(part, &known, is_all_capitals))
        .collect()
}

/// Without lines that are quoted, all that follows "On Monday … wrote:", and a reaction to a message of ours, which
/// repeats it whole.
fn without_quotes(text: &str) -> String {
    const REACTIONS: [&str; 12] = [
        "liked",
        "loved",
        "disliked",
        "laughed at",
        "emphasized",
        "questioned",
        "reacted",
        "removed a",
        "le gusto",
        "le encanto",
        "no le gusto",
        "me gusta",
    ];
    let start = normal(text);
    let is_reaction = REACTIONS.iter().any(|reaction| {
        start
            .strip_prefix(reaction)
            .is_some_and(|rest| rest.trim_start().starts_with(['"', '“', '«']) || rest.contains(" to “"))
    });
    if is_reaction {
        return String::new();
    }
    let is_own = |line: &&str| !line.trim_start().starts_with('>');
    let own: Vec<&str> = text
        .lines()
        .take_while(|line| !heads_a_quote(line))
        .filter(is_own)
        .collect();
    own.join("\n")
}

fn heads_a_quote(line: &str) -> bool {
    let line = normal(line.trim());
    (line.starts_with("on ") && line.ends_with("wrote:"))
        || (line.starts_with("el ") && line.ends_with("escribio:"))
        || line.starts_with("-----original message")
}

/// "S T O P", "s.t.o.p."
fn is_spelled_out(text: &str) -> bool {
    let mut runs = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|run| !run.is_empty())
        .peekable();
    runs.peek().is_some()
        && runs.clone().count() > 2
        && runs.all(|run| run.chars().count() == 1 && run.chars().all(char::is_alphabetic))
}

/// "Ch. 7" and "Mr. Ruiz" go on.
fn is_abbreviated(word: &str, rest: &str) -> bool {
    let word = normal(word);
    let next = rest.trim_start_matches(' ').chars().next();
    match word.as_str() {
        "ch" | "chap" | "chpt" | "cap" => next.is_some_and(|next| next.is_ascii_digit()),
        "mr" | "mrs" | "ms" | "dr" | "sra" | "sr" | "srta" => next.is_some_and(char::is_uppercase),
        _ => false,
    }
}

/// At ends of lines, at `!`, `?`, `;` and at full stops but for those of "u.s.", "p.m.", abbreviations and numbers.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (place, character) in text.char_indices() {
        let end = place + character.len_utf8();
        let ends = match character {
            '!' | '?' | ';' | '\n' | '\r' | '…' => true,
            '.' => {
                let before = &text[from..place];
                let last = before
                    .rsplit(|c: char| !c.is_alphanumeric())
                    .next()
                    .unwrap_or_default();
                let goes_on = text[end..]
                    .chars()
                    .next()
                    .is_some_and(|next| next.is_ascii_digit());
                last.chars().count() != 1
                    && !(goes_on && last.chars().all(|c| c.is_ascii_digit()))
                    && !is_abbreviated(last, &text[end..])
            }
            _ => false,
        };
        if ends {
            parts.push(&text[from..end]);
            from = end;
        }
    }
    parts.push(&text[from..]);
    parts
}

/// A sentence of our own that stands in the reply: "Reply STOP to opt out".
fn is_our_instruction(part: &str) -> bool {
    const VERBS: [&str; 6] = ["reply", "text", "respond", "responda", "envie", "conteste"];
    const WORDS: [&str; 4] = ["stop", "alto", "yes", "help"];
    const PURPOSES: [&str; 6] = ["to", "para", "for", "or", "o", "at"];
    let text = normal(part);
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(3).any(|three| match three {
        [verb, word, purpose] => VERBS.contains(verb) && WORDS.contains(word) && PURPOSES.contains(purpose),
        _ => false,
    }) && !words.contains(&"i")
}

fn sentence(part: &str, known: &Known, is_all_capitals: bool) -> Option<Sentence> {
    let mut words: Vec<Word> = Vec::new();
    for piece in pieces(part) {
        if piece == "," {
            if words.last().is_some_and(|word| !word.is_comma()) {
                words.push(Word::plain(","));
            }
            continue;
        }
        let is_first = words.is_empty();
        let mut letters = piece.chars().filter(|character| character.is_alphabetic());
        let is_capital = letters.next().is_some_and(char::is_uppercase);
        let is_shouted =
            !is_all_capitals && is_capital && letters.clone().count() > 1 && letters.all(char::is_uppercase);
        let bare = without_long_runs(&normal(without_possessive(piece)));
        let may_be_name = is_capital && !is_all_capitals && !is_first && !spelling::is_no_name(&bare);
        let is_ours = known.ours.contains(&bare);
        let is_name =
            known.theirs.contains(&bare) || !is_ours && (spelling::is_first_name(&bare) || may_be_name);
        for text in spelling::written_out(&bare) {
            words.push(Word {
                text,
                is_name,
                is_shouted,
            });
        }
    }
    while words.last().is_some_and(Word::is_comma) {
        words.pop();
    }
    if words.is_empty() {
        return None;
    }
    unname_businesses(&mut words);
    Some(Sentence {
        words,
        asks: part.contains('?'),
    })
}

/// "Apex Group", "Dana Collections": the name of a business is nobody's.
fn unname_businesses(words: &mut [Word]) {
    const BUSINESSES: [&str; 30] = [
        "group",
        "llc",
        "inc",
        "corp",
        "corporation",
        "company",
        "co",
        "bank",
        "credit",
        "union",
        "capital",
        "financial",
        "finance",
        "recovery",
        "recoveries",
        "collections",
        "collection",
        "collectors",
        "services",
        "service",
        "solutions",
        "agency",
        "associates",
        "management",
        "funding",
        "holdings",
        "partners",
        "receivables",
        "hospital",
        "asset",
    ];
    for place in (0..words.len()).rev() {
        if BUSINESSES.contains(&words[place].text.as_str()) && words[place].is_name {
            let names = words[..=place].iter_mut().rev().take_while(|word| word.is_name);
            names.for_each(|word| word.is_name = false);
        }
    }
}

/// "Ana's" is Ana; "he's" is he is.
fn without_possessive(piece: &str) -> &str {
    const NO_OWNERS: [&str; 11] = [
        "it", "that", "he", "she", "who", "what", "there", "here", "let", "how", "where",
    ];
    let owner = ["'s", "’s", "'S", "’S"]
        .iter()
        .find_map(|ending| piece.strip_suffix(ending));
    owner
        .filter(|owner| !NO_OWNERS.contains(&normal(owner).as_str()))
        .unwrap_or(piece)
}

/// Words and commas. Apostrophes part no words; a colon or a dash between words parts clauses as a comma does.
fn pieces(part: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = None;
    for (place, character) in part.char_indices() {
        if character.is_alphanumeric() || is_invisible(character) || character == '#' {
            from = from.or(Some(place));
            continue;
        }
        if let Some(start) = from.take() {
            found.push(&part[start..place]);
        }
        if matches!(character, ',' | ':' | '—' | '–' | '(' | ')') {
            found.push(",");
        }
    }
    if let Some(start) = from {
        found.push(&part[start..]);
    }
    found
}

/// Small letters, no accents, nothing that cannot be seen.
pub(super) fn normal(text: &str) -> String {
    text.chars()
        .filter(|character| !is_invisible(*character))
        .flat_map(char::to_lowercase)
        .map(without_accent)
        .collect()
}

/// "stooooop" is "stop"; what is doubled stays.
fn without_long_runs(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut kept = String::with_capacity(word.len());
    let mut place = 0;
    while let Some(letter) = letters.get(place) {
        let run = letters[place..].iter().take_while(|next| *next == letter).count();
        let keeps = if run > 2 && letter.is_alphabetic() { 1 } else { run };
        kept.extend(std::iter::repeat_n(*letter, keeps));
        place += run;
    }
    kept
}

/// Apostrophes, combining accents and zero-width characters.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\'' | '’' | '‘' | '`' | '´' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe0f}' | '\u{feff}'
    )
}

fn without_accent(character: char) -> char {
    match character {
        'á' | 'à' | 'â' | 'ä' | 'ã' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        // Cyrillic letters that look like ours.
        'а' => 'a',
        'в' => 'b',
        'е' => 'e',
        'і' => 'i',
        'к' => 'k',
        'м' => 'm',
        'н' => 'h',
        'о' => 'o',
        'р' => 'p',
        'с' => 'c',
        'т' => 't',
        'у' => 'y',
        'х' => 'x',
        // Full-width letters, which some keyboards send.
        'ａ'..='ｚ' => char::from_u32(u32::from(character) - 0xFF41 + 0x61).unwrap_or(character),
        other => other,
    }
}
