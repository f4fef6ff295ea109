//! Other readings of a word that was disguised: digits and signs for letters, masked letters, letters repeated or set
//! apart. A reading counts only where it is a word that somebody looks for, so that order numbers stay order numbers.

use super::text::{Lexicon, Mask};

/// The letters that a digit or sign may stand for; `None` where it stands for none.
fn stands_for(ch: char) -> Option<&'static [char]> {
    Some(match ch {
        '0' => &['o'],
        '1' | '|' | '!' => &['i', 'l'],
        '3' | '€' => &['e'],
        '4' | '@' => &['a'],
        '5' | '$' | '§' => &['s'],
        '6' | '9' => &['g'],
        '7' | '+' | '†' => &['t'],
        '8' => &['b'],
        '£' => &['l'],
        '*' | '#' | '_' | '•' | '■' => &[],
        _ => return None,
    })
}

/// Words that a disguised one may be; empty for what is no disguise, or is nothing that is looked for.
pub(super) fn unmasked(raw: &[char], lexicon: &dyn Lexicon) -> Vec<String> {
    const SHORTEST: usize = 3;
    if raw.len() < SHORTEST || !raw.iter().any(|ch| ch.is_alphabetic()) {
        return Vec::new();
    }
    let mask: Option<Vec<Mask>> = raw.iter().map(|ch| mask_of(*ch)).collect();
    let Some(mask) = mask else { return Vec::new() };
    let known = mask.iter().filter(|part| **part != Mask::Any).count();
    // A single letter before stars says too little.
    if known < 2 && !matches!(mask.first(), Some(Mask::Is(_))) {
        return Vec::new();
    }
    lexicon.matching(&mask)
}

fn mask_of(ch: char) -> Option<Mask> {
    if ch.is_alphabetic() {
        return Some(Mask::Is(ch));
    }
    match stands_for(ch)? {
        [] => Some(Mask::Any),
        [one] => Some(Mask::Is(*one)),
        some => Some(Mask::OneOf(some)),
    }
}

/// The word with repeated letters taken out, where that makes it one that is looked for.
pub(super) fn unstretched(word: &str, lexicon: &dyn Lexicon) -> Vec<String> {
    let runs = runs(word);
    let is_stretched = runs.iter().any(|(ch, length)| {
        *length >= 3
            || *length == 2
                && matches!(
                    ch,
                    'u' | 'i' | 'a' | 'h' | 'j' | 'k' | 'q' | 'w' | 'x' | 'y' | 'v'
                )
    });
    if !is_stretched {
        return Vec::new();
    }
    let long: Vec<usize> = (0..runs.len())
        .filter(|place| runs[*place].1 >= 2)
        .take(6)
        .collect();
    // Each run is once or twice: at most 64 spellings.
    let spelling = |choice: usize| -> String {
        let mut spelt = String::with_capacity(word.len());
        for (place, (ch, _)) in runs.iter().enumerate() {
            spelt.push(*ch);
            let twice = long
                .iter()
                .position(|long| *long == place)
                .is_some_and(|bit| choice & (1 << bit) != 0);
            if twice {
                spelt.push(*ch);
            }
        }
        spelt
    };
    (0..1usize << long.len())
        .map(spelling)
        .filter(|spelt| spelt != word && lexicon.knows(spelt))
        .collect()
}

fn runs(word: &str) -> Vec<(char, usize)> {
    let mut runs: Vec<(char, usize)> = Vec::with_capacity(word.len());
    for ch in word.chars() {
        match runs.last_mut() {
            Some((last, length)) if *last == ch => *length += 1,
            _ => runs.push((ch, 1)),
        }
    }
    runs
}

/// Cuts letters that were run together into words that are looked for, longest first; the whole when they do not come out
/// even. Each piece is a range of characters.
pub(super) fn pieces(letters: &[char], lexicon: &dyn Lexicon) -> Vec<(usize, usize)> {
    const LONGEST: usize = 24;
    let whole: String = letters.iter().collect();
    if lexicon.knows(&whole) || letters.len() > 400 {
        return vec![(0, letters.len())];
    }
    // For each end, the best cut: the fewest pieces.
    let mut best: Vec<Option<(usize, usize)>> = vec![None; letters.len() + 1];
    best[0] = Some((0, 0));
    for end in 1..=letters.len() {
        for start in end.saturating_sub(LONGEST)..end {
            let Some((count, _)) = best[start] else { continue };
            let word: String = letters[start..end].iter().collect();
            let is_better = best[end].is_none_or(|(known, _)| count + 1 < known);
            if is_better && lexicon.knows(&word) {
                best[end] = Some((count + 1, start));
            }
        }
    }
    if best[letters.len()].is_none() {
        return vec![(0, letters.len())];
    }
    let mut cuts = Vec::new();
    let mut end = letters.len();
    while end > 0 {
        let (_, start) = best[end].unwrap_or((0, 0));
        cuts.push((start, end));
        end = start;
    }
    cuts.reverse();
    cuts
}
