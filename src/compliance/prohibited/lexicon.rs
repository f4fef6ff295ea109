//! The words of all patterns, and which sets of them a token belongs to. Sets are interned, so that a text is looked up
//! once for all patterns.

use std::collections::{BTreeMap, HashMap};

use crate::compliance::language::{Lexicon, Mask, Token};

/// A set of words that may stand at one place.
pub(super) type SetId = usize;

/// Words and word beginnings, each with the sets that they are in.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    exact: HashMap<Box<str>, Vec<SetId>>,
    stems: HashMap<Box<str>, Vec<SetId>>,
    /// Words and stems by their length in letters, for masked ones.
    by_length: BTreeMap<usize, Vec<Box<str>>>,
    stems_by_length: BTreeMap<usize, Vec<Box<str>>>,
    sets: HashMap<Vec<String>, SetId>,
    numbers: Vec<SetId>,
    money: Vec<SetId>,
    /// The length of the longest stem, in letters.
    longest_stem: usize,
}

impl Words {
    /// The set of these words (`stem*` for all that begin so, `#number` and `#money` for figures), made when it is new.
    pub(super) fn set(&mut self, mut words: Vec<String>) -> SetId {
        words.sort();
        words.dedup();
        if let Some(id) = self.sets.get(&words) {
            return *id;
        }
        let id = self.sets.len();
        for word in &words {
            self.add(word, id);
        }
        self.sets.insert(words, id);
        id
    }

    fn add(&mut self, word: &str, id: SetId) {
        match word {
            "#number" => return self.numbers.push(id),
            "#money" => return self.money.push(id),
            _ => {}
        }
        let (spelt, is_stem) = match word.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (word, false),
        };
        // Whoever has no ñ on the keyboard writes n.
        let spellings = [spelt.to_owned(), spelt.replace('ñ', "n")];
        let count = if spellings[0] == spellings[1] { 1 } else { 2 };
        for spelling in &spellings[..count] {
            let (map, lengths) = match is_stem {
                true => (&mut self.stems, &mut self.stems_by_length),
                false => (&mut self.exact, &mut self.by_length),
            };
            let sets = map.entry(spelling.as_str().into()).or_default();
            if sets.is_empty() {
                let length = spelling.chars().count();
                lengths.entry(length).or_default().push(spelling.as_str().into());
            }
            sets.push(id);
            if is_stem {
                self.longest_stem = self.longest_stem.max(spelling.chars().count());
            }
        }
    }

    /// How many sets there are.
    pub(super) fn sets(&self) -> usize {
        self.sets.len()
    }

    /// Calls `mark` with each set that a token belongs to; some more than once.
    pub(super) fn sets_of(&self, token: &Token, mut mark: impl FnMut(SetId)) {
        let mut all = |ids: &[SetId]| ids.iter().copied().for_each(&mut mark);
        if token.hundredths.is_some() {
            all(&self.numbers);
        }
        if token.is_money {
            all(&self.money);
        }
        for word in std::iter::once(&token.word).chain(&token.also) {
            if let Some(ids) = self.exact.get(word.as_str()) {
                all(ids);
            }
            for stem in beginnings(word, self.longest_stem) {
                if let Some(ids) = self.stems.get(stem) {
                    all(ids);
                }
            }
        }
    }
}

/// The beginnings of a word that may be stems, from two letters on.
fn beginnings(word: &str, longest: usize) -> impl Iterator<Item = &str> {
    let ends = word.char_indices().skip(1).take(longest.saturating_sub(1));
    ends.map(move |(start, ch)| &word[..start + ch.len_utf8()])
}

impl Lexicon for Words {
    fn knows(&self, word: &str) -> bool {
        let begins = || beginnings(word, self.longest_stem).any(|stem| self.stems.contains_key(stem));
        self.exact.contains_key(word) || begins()
    }

    fn matching(&self, mask: &[Mask]) -> Vec<String> {
        let fits = |word: &str| word.chars().zip(mask).all(|(letter, place)| place.admits(letter));
        let whole = self.by_length.get(&mask.len()).into_iter().flatten();
        let mut found: Vec<String> = whole
            .filter(|word| fits(word))
            .map(|word| word.to_string())
            .collect();
        for (length, stems) in self.stems_by_length.range(2..=mask.len()) {
            let tail: String = mask[*length..].iter().map(|place| letter_of(*place)).collect();
            let fitting = stems.iter().filter(|stem| fits(stem));
            // A disguise in the tail alone disguises nothing that is looked for.
            let is_disguised = mask[..*length].iter().any(|place| !matches!(place, Mask::Is(_)))
                || mask.iter().all(|place| matches!(place, Mask::Is(_)));
            if is_disguised {
                found.extend(fitting.map(|stem| format!("{stem}{tail}")));
            }
        }
        found
    }
}

fn letter_of(place: Mask) -> char {
    match place {
        Mask::Is(letter) => letter,
        Mask::OneOf(some) => some.first().copied().unwrap_or('x'),
        Mask::Any => 'x',
    }
}
