//! In which language a text is written, English or Spanish, by the small words that every sentence needs.

use super::{Lexicon, Mask, Text};

/// Folded: small letters without accents. None of them is a word of both.
const ENGLISH: &[&str] = &[
    "the", "you", "your", "we", "our", "is", "are", "to", "of", "and", "for", "this", "that", "with",
    "please", "can", "will", "have", "has", "not", "it", "in", "on", "be", "call", "hello", "may", "at",
    "from", "what", "when", "there", "would", "about", "any", "my", "us", "if", "hi", "thanks", "thank",
    "was", "but", "how", "yes", "shall", "could", "by", "an", "i", "did", "does", "they", "been", "good",
    "morning",
];
const SPANISH: &[&str] = &[
    "el", "la", "los", "las", "de", "que", "y", "en", "su", "sus", "un", "una", "por", "para", "con", "es",
    "se", "lo", "le", "nos", "usted", "esta", "este", "puede", "podemos", "favor", "gracias", "hola", "si",
    "mas", "como", "cuando", "del", "al", "tiene", "llame", "cuenta", "pero", "sobre", "mi", "muy", "fue",
    "hay", "buenos", "buenas", "dias", "tardes", "somos", "queremos", "hablamos", "quiere", "ya", "o",
];

/// How much more of one than of the other says which it is: a name or a street has words of the other.
const TIMES: usize = 4;
const FEWEST: usize = 2;

/// Nothing is disguised: whoever hides in which language they write is read as writing in none.
struct Plain;

impl Lexicon for Plain {
    fn knows(&self, _: &str) -> bool {
        false
    }

    fn matching(&self, _: &[Mask]) -> Vec<String> {
        Vec::new()
    }
}

/// The language of a text, `en` or `es`; none where it is too short, mixed, or another.
pub fn language_told_by(text: &str) -> Option<&'static str> {
    let read = Text::read(text, &Plain);
    let count = |words: &[&str]| {
        read.tokens
            .iter()
            .filter(|token| words.contains(&token.word.as_str()))
            .count()
    };
    let (english, spanish) = (count(ENGLISH), count(SPANISH));
    let outweighs = |one: usize, other: usize| one >= FEWEST && one >= TIMES * other;
    match (outweighs(english, spanish), outweighs(spanish, english)) {
        (true, false) => Some("en"),
        (false, true) => Some("es"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_tell_their_language_and_what_is_mixed_or_short_none() {
        for (text, language) in [
            ("Good morning, may I call you on Friday?", Some("en")),
            ("YES. SHALL WE SPREAD IT OVER FOUR MONTHS?", Some("en")),
            (
                "Hello Mr. Cruz, we have your letter and will answer it.",
                Some("en"),
            ),
            ("¿Podemos hablar de su cuenta el viernes?", Some("es")),
            ("Buenos días, le escribimos por su cuenta.", Some("es")),
            ("Hola, ¿podemos hablar? We have your letter and will call.", None),
            ("OK", None),
            ("Ana Ruiz", None),
            ("", None),
            ("Pouvons-nous parler demain matin ?", None),
        ] {
            assert_eq!(language_told_by(text), language, "{text}");
        }
        let both = ENGLISH.iter().find(|word| SPANISH.contains(word));
        assert_eq!(both, None);
    }
}
