//! What the words of a text make together: spaced-out letters a word, a number and a currency an amount, words a sentence.

use super::fold::Folded;
use super::readings::pieces;
use super::text::{Break, Lexicon, Sentence, Text, Token};
use super::words::letter;

/// Letters that stand alone, three or more in a row, are a word that was spaced out.
pub(super) fn with_letters_joined(tokens: Vec<Token>, chars: &[Folded], lexicon: &dyn Lexicon) -> Vec<Token> {
    const FEWEST: usize = 3;
    let is_letter = |token: &Token| {
        let mut letters = token.word.chars();
        letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none()
    };
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let run = tokens[at..]
            .iter()
            .enumerate()
            .take_while(|(place, token)| is_letter(token) && (*place == 0 || token.before == Break::None))
            .count();
        if run < FEWEST {
            let upto = at + run.max(1);
            joined.extend(
                tokens[at..upto]
                    .iter()
                    .cloned()
                    .map(|token| match letter(&token.word) {
                        Some(word) => Token {
                            word: word.to_owned(),
                            ..token
                        },
                        None => token,
                    }),
            );
            at = upto;
            continue;
        }
        let letters = &tokens[at..at + run];
        let mut from = 0;
        while from < run {
            let length = 1 + letters[from + 1..]
                .iter()
                .take_while(|token| !token.is_apart)
                .count();
            join(&letters[from..from + length], lexicon, &mut joined);
            from += length;
        }
        at += run;
    }
    debug_assert!(
        joined
            .iter()
            .all(|token| token.end <= chars.last().map_or(0, |last| last.end))
    );
    joined
}

fn join(letters: &[Token], lexicon: &dyn Lexicon, joined: &mut Vec<Token>) {
    let spelt: Vec<char> = letters.iter().flat_map(|token| token.word.chars()).collect();
    for (from, to) in pieces(&spelt, lexicon) {
        joined.push(Token {
            word: spelt[from..to].iter().collect(),
            end: letters[to - 1].end,
            ..letters[from].clone()
        });
    }
}

/// A number before or after the name of a currency is an amount. Of one in words it is not known which.
pub(super) fn with_money(mut tokens: Vec<Token>) -> Vec<Token> {
    const CURRENCIES: [&str; 8] = [
        "dollars", "dollar", "usd", "bucks", "dolares", "dolar", "pesos", "us",
    ];
    const NUMBERS: [&str; 46] = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "twelve",
        "fifteen",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "hundred",
        "thousand",
        "uno",
        "dos",
        "tres",
        "cuatro",
        "cinco",
        "seis",
        "siete",
        "ocho",
        "nueve",
        "diez",
        "doce",
        "quince",
        "veinte",
        "treinta",
        "cuarenta",
        "cincuenta",
        "sesenta",
        "setenta",
        "ochenta",
        "noventa",
        "cien",
        "ciento",
        "cientos",
        "mil",
    ];
    for at in 0..tokens.len() {
        let is_in_words = NUMBERS.contains(&tokens[at].word.as_str());
        if tokens[at].hundredths.is_none() && !is_in_words {
            continue;
        }
        let is_currency =
            |token: Option<&Token>| token.is_some_and(|token| CURRENCIES.contains(&token.word.as_str()));
        let follows = is_currency(tokens.get(at + 1));
        let precedes = !is_in_words && at > 0 && matches!(tokens[at - 1].word.as_str(), "usd" | "us");
        tokens[at].is_money |= follows || precedes;
    }
    tokens
}

/// Numbers the sentences. Words that each are made a sentence of their own stay together with what follows: full stops
/// between words hide nothing.
pub(super) fn in_sentences(mut tokens: Vec<Token>, questions: &[usize]) -> Text {
    let begins: Vec<bool> = tokens
        .iter()
        .enumerate()
        .map(|(place, token)| place == 0 || token.before == Break::Sentence)
        .collect();
    let is_lone = |place: usize| begins[place] && begins.get(place + 1).copied().unwrap_or(true);
    let continues = |place: usize| place >= 2 && is_lone(place - 1) && is_lone(place - 2);
    let follows_lone = |place: usize| place >= 1 && is_lone(place - 1) && is_lone(place);
    let mut sentences: Vec<Sentence> = Vec::new();
    for place in 0..tokens.len() {
        let is_new = begins[place] && !(continues(place) || follows_lone(place)) || place == 0;
        match sentences.last_mut() {
            Some(last) if !is_new => last.end = place + 1,
            _ => sentences.push(Sentence {
                first: place,
                end: place + 1,
                is_question: false,
            }),
        }
        tokens[place].sentence = sentences.len() - 1;
    }
    for mark in questions {
        let asked = tokens.partition_point(|token| token.end <= *mark);
        if let Some(sentence) = asked.checked_sub(1).map(|token| tokens[token].sentence) {
            sentences[sentence].is_question = true;
        }
    }
    Text { tokens, sentences }
}
