//! How texts are read.

use super::{Lexicon, Mask, Text, fold_word, negator_over};

/// Looks for a few words.
struct Few(&'static [&'static str]);

impl Lexicon for Few {
    fn knows(&self, word: &str) -> bool {
        self.0.contains(&word)
    }

    fn matching(&self, mask: &[Mask]) -> Vec<String> {
        let fits = |word: &&&str| {
            word.chars().count() == mask.len()
                && word.chars().zip(mask).all(|(letter, place)| place.admits(letter))
        };
        self.0
            .iter()
            .filter(fits)
            .map(|word| (*word).to_owned())
            .collect()
    }
}

const FEW: Few = Few(&[
    "we", "will", "sue", "you", "arrest", "hell", "stop", "jail", "ass", "pay",
]);

fn words(text: &str) -> Vec<String> {
    Text::read(text, &FEW)
        .tokens
        .into_iter()
        .map(|token| token.word)
        .collect()
}

#[test]
fn forms_case_accents_and_look_alikes_are_folded_and_the_tilde_stays() {
    assert_eq!(fold_word("ＤÉＢＩＴＯ"), "debito");
    assert_eq!(fold_word("Año AN\u{303}O pingüino"), "año año pinguino");
    assert_eq!(fold_word("раy ѕuе"), "pay sue");
    assert_eq!(fold_word("p\u{200b}a\u{ad}y"), "pay");
    assert_eq!(fold_word("𝓹𝓪𝔂 ⓟⓐⓨ"), "pay pay");
}

#[test]
fn disguised_words_are_read() {
    for (text, expected) in [
        ("h*ll", "hell"),
        ("st0p", "stop"),
        ("j@il", "jail"),
        ("a$$", "ass"),
        ("$ue", "sue"),
        ("s.u.e", "sue"),
        ("s u e", "sue"),
        ("S-U-E", "sue"),
        ("ar-rest", "arrest"),
        ("4rrest", "arrest"),
        ("H3LL!", "hell"),
        ("pa\u{443}", "pay"),
    ] {
        assert_eq!(words(text), [expected], "{text}");
    }
    assert_eq!(Text::read("suuuue", &FEW).tokens[0].also, ["sue"]);
    assert_eq!(words("w e s u e y o u"), ["we", "sue", "you"]);
    assert_eq!(words("W e   s u e"), ["we", "sue"]);
}

#[test]
fn what_is_no_disguise_is_left_alone() {
    assert_eq!(
        words("Order A1 of 4pm, 401k"),
        ["order", "a1", "of", "4pm", "401k"]
    );
    assert_eq!(words("pay-off example.com"), ["pay", "off", "example", "com"]);
    assert_eq!(
        words("See https://a.example/5ue/ja1l-h3ll. Now"),
        ["see", "weblink", "now"]
    );
    assert_eq!(words("*pay* now!"), ["pay", "now"]);
}

#[test]
fn short_forms_are_written_out() {
    assert_eq!(
        words("We won't, can't, I'm, you'll"),
        ["we", "will", "not", "can", "not", "i", "am", "you", "will"]
    );
    assert_eq!(
        words("dont u r gonna"),
        ["do", "not", "you", "are", "going", "to"]
    );
    assert_eq!(words("the sheriff's debtors'"), ["the", "sheriff", "debtors"]);
}

#[test]
fn amounts_have_their_value_and_words_their_place() {
    let text = Text::read("You owe $1,234.50 or 1.234,50 dollars, 5 times", &FEW);
    let amounts: Vec<_> = text
        .tokens
        .iter()
        .filter_map(|token| token.hundredths.map(|value| (value, token.is_money)))
        .collect();
    assert_eq!(amounts, [(123_450, true), (123_450, true), (500, false)]);
    let original = "¿Qué pásó, señor?";
    let text = Text::read(original, &FEW);
    let said: Vec<&str> = text
        .tokens
        .iter()
        .map(|token| &original[token.start..token.end])
        .collect();
    assert_eq!(said, ["Qué", "pásó", "señor"]);
}

#[test]
fn sentences_end_where_they_end() {
    let count = |text: &str| Text::read(text, &FEW).sentences.len();
    assert_eq!(count("Mr. Hill called. We wrote at 5 p.m. today."), 2);
    assert_eq!(count("You. Will. Be. Sued."), 1);
    assert!(Text::read("Did you pay ? We did.", &FEW).sentences[0].is_question);
}

#[test]
fn a_negation_reaches_what_it_denies_and_no_more() {
    let negated = |text: &str, word: &str| {
        let text = Text::read(text, &FEW);
        let place = text.tokens.iter().position(|token| token.word == word).unwrap();
        negator_over(&text, &[place]).is_some()
    };
    for text in [
        "We will not sue you",
        "we are never going to sue",
        "no one will sue",
        "no te vamos a sue",
    ] {
        assert!(negated(text, "sue"), "{text}");
    }
    for text in [
        "If you do not pay we sue",
        "We will not hesitate to sue",
        "no choice but to sue",
        "No, we sue",
        "if not we sue",
        "Not paying means we sue",
    ] {
        assert!(!negated(text, "sue"), "{text}");
    }
}
