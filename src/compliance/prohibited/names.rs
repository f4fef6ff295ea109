//! Names of people and businesses that a text may contain whatever they mean as words: Slaughter, Dick, Regina Sue.

use crate::compliance::language::{Break, Lexicon, Text};

/// Which words of a text are parts of names.
pub(super) struct Names {
    /// Of a name in full, or after a title: no word of prohibited language, whatever it means.
    certain: Vec<bool>,
    /// A single word of a name.
    likely: Vec<bool>,
}

const TITLES: &[&str] = &[
    "mr", "mrs", "ms", "miss", "dr", "sr", "sra", "srta", "dra", "don", "dona", "señor", "señora", "dear",
    "hi", "hello", "hola", "estimado", "estimada", "querido",
];

impl Names {
    /// Looks for whole words of `names` in a text. A title makes a word that follows it a name also where nobody gave it.
    pub(super) fn in_text(text: &Text, names: &[&str], lexicon: &dyn Lexicon) -> Self {
        let given: Vec<Vec<String>> = names
            .iter()
            .map(|name| {
                Text::read(name, lexicon)
                    .tokens
                    .into_iter()
                    .map(|token| token.word)
                    .collect()
            })
            .collect();
        let words: Vec<&str> = text.tokens.iter().map(|token| token.word.as_str()).collect();
        let is_given = |word: &str| {
            given
                .iter()
                .flatten()
                .any(|part| part == word && part.chars().count() > 1)
        };
        let mut certain = vec![false; words.len()];
        let likely: Vec<bool> = words.iter().map(|word| is_given(word)).collect();
        for name in given.iter().filter(|name| name.len() > 1) {
            // Two neighbours of a name, in this order: first and last, or last and second last.
            for pair in name.windows(2) {
                for place in 1..words.len() {
                    if words[place - 1] == pair[0] && words[place] == pair[1] {
                        certain[place - 1] = true;
                        certain[place] = true;
                    }
                }
            }
        }
        for place in 1..words.len() {
            let is_addressed = TITLES.contains(&words[place - 1]) && text.tokens[place].before == Break::None;
            let is_courtesy = matches!(
                words[place - 1],
                "dear" | "hi" | "hello" | "hola" | "miss" | "don" | "querido"
            );
            // "Dear idiot" is no name; "Mr. Moron" is one, and so is "Hi Dick" where somebody is called so.
            if is_addressed && (!is_courtesy || likely[place]) {
                certain[place] = true;
            }
        }
        Self { certain, likely }
    }

    /// Whether a phrase is made of a name: all of its words in full, or, of a mere word, a part of one.
    pub(super) fn cover(&self, places: &[usize], is_mere_word: bool) -> bool {
        let all_certain = places.iter().any(|place| self.certain[*place]);
        all_certain || is_mere_word && places.iter().all(|place| self.likely[*place])
    }
}
