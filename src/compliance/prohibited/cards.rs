//! Card numbers in a text (PCI DSS 4.0.1): 13 to 19 digits that begin as a network's do and pass the Luhn check, written
//! together or with single spaces, dots or dashes between; and security codes.

use std::ops::{Range, RangeInclusive};

use crate::compliance::language::Text;

/// How many digits a card number has.
const LENGTHS: RangeInclusive<usize> = 13..=19;

/// First and last byte of each card number in the original.
pub(super) fn card_numbers(original: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for run in runs(original) {
        collect(original, &run, &mut found);
    }
    found
}

/// First and last byte of the first digits that are a card number for some values, where those at an open place may be others.
pub fn may_become_card_number(original: &str, is_open: impl Fn(usize) -> bool) -> Option<Range<usize>> {
    // Networks number their cards from 2, 3, 4, 5, 6 and 8 on (`is_card`).
    let may_begin = |(place, digit): (usize, u32)| is_open(place) || matches!(digit, 2..=6 | 8);
    runs(original).iter().find_map(|run| {
        let fits = |from: &usize| {
            let card = &run[*from..(from + LENGTHS.end()).min(run.len())];
            card.len() >= *LENGTHS.start()
                && may_begin(card[0])
                && card.iter().any(|(place, _)| is_open(*place))
        };
        let from = (0..run.len()).find(fits)?;
        let last = run[(from + LENGTHS.end()).min(run.len()) - 1].0;
        Some(run[from].0..end_of(original, last))
    })
}

/// Digits that stand together, or with single signs between that divide a number.
fn runs(original: &str) -> Vec<Vec<(usize, u32)>> {
    let mut found = Vec::new();
    let mut run: Vec<(usize, u32)> = Vec::new();
    let mut since_digit = 0;
    for (place, ch) in original.char_indices().chain([(original.len(), '\n')]) {
        // Digits of every script count.
        if let Some(digit) = digit(ch) {
            run.push((place, digit));
            since_digit = 0;
            continue;
        }
        let divides = matches!(ch, ' ' | '-' | '.' | '\u{a0}' | '‐' | '‑' | '–' | '_' | '/');
        let is_unseen = matches!(ch, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
        since_digit += usize::from(!is_unseen);
        if is_unseen || divides && since_digit == 1 {
            continue;
        }
        found.push(std::mem::take(&mut run));
    }
    found.retain(|run| run.len() >= *LENGTHS.start());
    found
}

/// The first byte after the character at a place.
fn end_of(original: &str, place: usize) -> usize {
    place + original[place..].chars().next().map_or(1, char::len_utf8)
}

/// The text without the digits of card numbers, but for the last four of each (PCI DSS 4.0.1, 3.4.1), and without those of the
/// security codes in it.
pub(super) fn masked(original: &str, text: &Text) -> String {
    const SHOWN: usize = 4;
    let codes = security_codes(text).into_iter();
    let codes = codes.map(|(_, last)| (text.tokens[last].start, text.tokens[last].end, 0));
    let numbers = card_numbers(original).into_iter();
    let hidden: Vec<_> = numbers
        .map(|(start, end)| (start, end, SHOWN))
        .chain(codes)
        .collect();
    let is_hidden = |place: usize| {
        hidden.iter().any(|(start, end, shown)| {
            let rest = || original[place..*end].chars().filter(|ch| digit(*ch).is_some());
            (*start..*end).contains(&place) && rest().count() > *shown
        })
    };
    let shown = |(place, ch): (usize, char)| match digit(ch).is_some() && is_hidden(place) {
        true => '*',
        false => ch,
    };
    original.char_indices().map(shown).collect()
}

fn digit(ch: char) -> Option<u32> {
    if ch.is_ascii() {
        return ch.to_digit(10);
    }
    use unicode_normalization::UnicodeNormalization as _;
    let mut plain = std::iter::once(ch).nfkc();
    match (plain.next(), plain.next()) {
        (Some(only), None) => only.to_digit(10),
        _ => None,
    }
}

/// Card numbers inside a run of digits, the longest first at each place.
fn collect(original: &str, run: &[(usize, u32)], found: &mut Vec<(usize, usize)>) {
    let mut from = 0;
    while run.len() >= from + LENGTHS.start() {
        let longest = (*LENGTHS.end()).min(run.len() - from);
        let card = (*LENGTHS.start()..=longest)
            .rev()
            .find(|length| is_card(&run[from..from + length]));
        match card {
            Some(length) => {
                found.push((run[from].0, end_of(original, run[from + length - 1].0)));
                from += length;
            }
            None => from += 1,
        }
    }
}

/// Begins as a network's cards do, in the length that the network has, and passes the Luhn check.
fn is_card(digits: &[(usize, u32)]) -> bool {
    let prefix = |length: usize| {
        digits[..length]
            .iter()
            .fold(0, |number, (_, digit)| number * 10 + digit)
    };
    let length = digits.len();
    let is_issued = match (prefix(1), prefix(2), prefix(4)) {
        (4, _, _) => matches!(length, 13 | 16 | 19),
        (_, 51..=55, _) | (_, _, 2221..=2720) => length == 16,
        (_, 34 | 37, _) => length == 15,
        (_, 36 | 38 | 39, _) | (_, 30, _) => (14..=19).contains(&length),
        (_, _, 3528..=3589) => (16..=19).contains(&length),
        (_, 60 | 64 | 65 | 62 | 81, _) => (16..=19).contains(&length),
        (_, 50 | 56..=69, _) => (13..=19).contains(&length),
        _ => false,
    };
    let is_one_digit = digits.iter().all(|(_, digit)| *digit == digits[0].1);
    is_issued && !is_one_digit && luhn(digits)
}

fn luhn(digits: &[(usize, u32)]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, (_, digit))| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, twice) => twice / 10 + twice % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Security codes: three or four digits after their name.
pub(super) fn security_codes(text: &Text) -> Vec<(usize, usize)> {
    const NAMES: [&str; 5] = ["cvv", "cvc", "cvv2", "cvc2", "csc"];
    const PHRASES: [[&str; 2]; 2] = [["security", "code"], ["codigo", "seguridad"]];
    const BETWEEN: [&str; 6] = ["is", "es", "of", "de", "number", "code"];
    let words: Vec<&str> = text.tokens.iter().map(|token| token.word.as_str()).collect();
    let is_code = |word: &str| matches!(word.len(), 3 | 4) && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut found = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let ends_name = NAMES.contains(word)
            || PHRASES.iter().any(|phrase| {
                phrase[1] == *word && words[place.saturating_sub(2)..place].contains(&phrase[0])
            });
        if !ends_name {
            continue;
        }
        let mut next = place + 1;
        while next < words.len() && next < place + 3 && BETWEEN.contains(&words[next]) {
            next += 1;
        }
        if words.get(next).is_some_and(|word| is_code(word)) {
            found.push((place, next));
        }
    }
    found
}
