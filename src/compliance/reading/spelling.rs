//! How people spell in texts: short forms, words run together, slips of the keyboard.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// Words, one a line, but for remarks.
fn words(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#')).map(str::trim)
}

/// Short forms, and what they stand for.
static SHORT_FORMS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    words(include_str!("../../../policies/reading/short_forms.txt"))
        .filter_map(|line| line.split_once(" = "))
        .collect()
});
/// Words that are looked for and rare enough elsewhere, so that a word that is nearly one of them is taken for it.
static LOOKED_FOR: LazyLock<Vec<Vec<char>>> = LazyLock::new(|| {
    words(include_str!("../../../policies/reading/looked_for.txt"))
        .map(|word| word.chars().collect())
        .collect()
});
/// Words of their own that are nearly one of those.
static NOT_A_SLIP: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("../../../policies/reading/not_a_slip.txt")).collect());
static FIRST_NAMES: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("../../../policies/reading/first_names.txt")).collect());
static NOT_A_NAME: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("../../../policies/reading/not_a_name.txt")).collect());

/// The word as one or more words in their usual spelling.
pub(super) fn written_out(word: &str) -> Vec<String> {
    if word == "#" {
        return vec!["number".to_owned()];
    }
    if let Some(full) = SHORT_FORMS.get(word) {
        return full.split(' ').map(str::to_owned).collect();
    }
    // "26yo", "16yrs"
    let digits = word.chars().take_while(char::is_ascii_digit).count();
    if let Some(unit) = word.get(digits..).filter(|_| digits > 0)
        && matches!(unit, "yo" | "yr" | "yrs" | "years" | "year" | "anos" | "yearold")
    {
        let years = if unit == "anos" { "anos" } else { "years" };
        return vec![word[..digits].to_owned(), years.to_owned()];
    }
    vec![put_right(word)]
}

/// A word that is one slip away from one that is looked for, or two where that one is long.
fn put_right(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let is_contract = word.starts_with("contract") || word.starts_with("contrat");
    if letters.len() < 4 || is_contract || NOT_A_SLIP.contains(word) || LOOKED_FOR.contains(&letters) {
        return word.to_owned();
    }
    let near = LOOKED_FOR
        .iter()
        .filter(|target| target.len().abs_diff(letters.len()) <= 1 && target.first() == letters.first())
        .map(|target| (distance(&letters, target), target))
        .filter(|(slips, target)| *slips <= if target.len() >= 9 { 2 } else { 1 })
        .min_by_key(|(slips, _)| *slips);
    near.map_or_else(|| word.to_owned(), |(_, target)| target.iter().collect())
}

/// Damerau's: letters added, left out, exchanged, or two neighbours in the wrong order.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, from) in a.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, to) in b.iter().enumerate() {
            let replaced = last[column] + usize::from(from != to);
            let mut least = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            let is_swap = row > 0 && column > 0 && *from == b[column - 1] && a[row - 1] == *to;
            if is_swap {
                least = least.min(before_last[column - 1] + 1);
            }
            next.push(least);
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

/// It is a common first name.
pub(super) fn is_first_name(word: &str) -> bool {
    FIRST_NAMES.contains(word)
}

/// It is written with a capital inside a sentence and is nobody's name: "Monday".
pub(super) fn is_no_name(word: &str) -> bool {
    NOT_A_NAME.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_put_right_and_words_of_their_own_are_left() {
        for (slip, word) in [
            ("lawer", "lawyer"),
            ("attorny", "attorney"),
            ("bankrupsy", "bankruptcy"),
            ("unsuscribe", "unsubscribe"),
            ("textign", "texting"),
            ("equibocado", "equivocado"),
            ("nubmer", "number"),
            ("ejersito", "ejercito"),
        ] {
            assert_eq!(written_out(slip), [word], "{slip}");
        }
        for word in [
            "decreased",
            "contract",
            "contratar",
            "identify",
            "ahogado",
            "further",
            "bother",
        ] {
            assert_eq!(written_out(word), [word], "{word}");
        }
    }
}
