//! A text as words with their places, in sentences.

mod chunks;

use super::fold::{Folded, fold};
use super::joining::{in_sentences, with_letters_joined, with_money};
use super::readings::unmasked;
use super::words::{is_abbreviation, sign};

/// What stands between a word and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Break {
    /// A space, a hyphen, or nothing.
    #[default]
    None,
    /// A comma or colon.
    Comma,
    /// A semicolon, dash, bracket or blank line.
    Clause,
    /// The end of a sentence.
    Sentence,
}

/// One letter of a word of which letters were hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// This letter.
    Is(char),
    /// One of these: a digit or sign that looks like several.
    OneOf(&'static [char]),
    /// Any letter: a star.
    Any,
}

impl Mask {
    /// Whether a letter may stand here.
    pub fn admits(self, letter: char) -> bool {
        match self {
            Mask::Is(own) => own == letter,
            Mask::OneOf(some) => some.contains(&letter),
            Mask::Any => letter.is_alphabetic(),
        }
    }
}

/// The words that somebody looks for: what a disguised word may be.
pub trait Lexicon {
    /// Whether the folded word is one of them.
    fn knows(&self, word: &str) -> bool;
    /// Those that fit a mask, each written out in full.
    fn matching(&self, mask: &[Mask]) -> Vec<String>;
}

/// A word, number or sign, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// The word, folded.
    pub word: String,
    /// What else it may be, where it is disguised.
    pub also: Vec<String>,
    /// First byte in the original.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// Which sentence it stands in.
    pub sentence: usize,
    /// What stands before it.
    pub before: Break,
    /// It is inside quotation marks.
    pub is_quoted: bool,
    /// The value of a number in hundredths, `81240` for 812.40.
    pub hundredths: Option<i64>,
    /// The number is an amount of money.
    pub is_money: bool,
    /// Two spaces or more stand before it.
    pub(super) is_apart: bool,
}

/// A sentence: a run of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its first word.
    pub first: usize,
    /// The word after its last one.
    pub end: usize,
    /// It ends with a question mark.
    pub is_question: bool,
}

/// A text that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Its words, in order.
    pub tokens: Vec<Token>,
    /// Its sentences, in order.
    pub sentences: Vec<Sentence>,
}

impl Text {
    /// Reads a text; `lexicon` says which words a disguised one may be.
    pub fn read(original: &str, lexicon: &dyn Lexicon) -> Text {
        let chars = fold(original);
        let mut reader = Reader {
            chars: &chars,
            lexicon,
            tokens: Vec::with_capacity(chars.len() / 5 + 4),
            before: Break::None,
            is_apart: false,
            is_quoted: false,
            currency: false,
            questions: Vec::new(),
        };
        reader.run();
        let Reader {
            tokens, questions, ..
        } = reader;
        let tokens = with_letters_joined(tokens, &chars, lexicon);
        in_sentences(with_money(tokens), &questions)
    }

    /// The sentence in which a word stands.
    pub fn sentence_of(&self, token: usize) -> Option<Sentence> {
        self.sentences.get(self.tokens.get(token)?.sentence).copied()
    }
}

struct Reader<'a> {
    chars: &'a [Folded],
    lexicon: &'a dyn Lexicon,
    tokens: Vec<Token>,
    before: Break,
    is_apart: bool,
    is_quoted: bool,
    /// A currency sign stands before what comes.
    currency: bool,
    /// First bytes of the question marks.
    questions: Vec<usize>,
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(folded) = self.chars.get(at).copied() {
            if folded.ch.is_whitespace() {
                at = self.space(at);
            } else if let Some(end) = self.end_of_link(at) {
                self.emit("weblink".to_owned(), at, end);
                at = end;
            } else if let Some(word) = sign(folded.ch) {
                self.emit(word.to_owned(), at, at + 1);
                at += 1;
            } else if self.begins_word(at) {
                let end = self.end_of_chunk(at);
                self.chunk(at, end);
                at = end;
            } else {
                self.punctuation(folded);
                at += 1;
            }
        }
    }

    fn ch(&self, at: usize) -> Option<char> {
        self.chars.get(at).map(|folded| folded.ch)
    }

    /// The end of a web address that begins here: what is in it is no prose, and chance makes words of its letters.
    fn end_of_link(&self, at: usize) -> Option<usize> {
        let begins = |start: &str| {
            let mut chars = self.chars[at..].iter().map(|folded| folded.ch);
            start.chars().all(|wanted| chars.next() == Some(wanted))
        };
        let is_inside_word = at > 0 && self.chars[at - 1].ch.is_alphanumeric();
        if is_inside_word || !(begins("https://") || begins("http://")) {
            return None;
        }
        let length = self.chars[at..]
            .iter()
            .take_while(|folded| !folded.ch.is_whitespace())
            .count();
        let trailing = self.chars[at..at + length]
            .iter()
            .rev()
            .take_while(|folded| matches!(folded.ch, '.' | ',' | ';' | ':' | '!' | '?' | ')' | '"' | '\''))
            .count();
        Some(at + length - trailing)
    }

    fn space(&mut self, from: usize) -> usize {
        let run = self.chars[from..]
            .iter()
            .take_while(|folded| folded.ch.is_whitespace());
        let (length, lines) = run.fold((0, 0), |(length, lines), folded| {
            (length + 1, lines + usize::from(folded.ch == '\n'))
        });
        self.is_apart = length >= 2;
        if lines >= 2 {
            self.before = self.before.max(Break::Clause);
        }
        from + length
    }

    /// Whether a word or number begins here; a sign does when it stands for a letter before a letter.
    fn begins_word(&self, at: usize) -> bool {
        let Some(ch) = self.ch(at) else { return false };
        if ch.is_alphanumeric() {
            return true;
        }
        let is_letter_like = matches!(ch, '$' | '@' | '!' | '|' | '€' | '£' | '§' | '*' | '+');
        let is_after_word = at > 0 && self.ch(at - 1).is_some_and(|before| !before.is_whitespace());
        if !is_letter_like || is_after_word || !self.ch(at + 1).is_some_and(char::is_alphabetic) {
            return false;
        }
        // What merely decorates a word is no letter of it: "*important*", "!pay".
        let end = self.end_of_chunk(at + 1);
        let raw: Vec<char> = self.chars[at..end].iter().map(|folded| folded.ch).collect();
        !unmasked(&raw, self.lexicon).is_empty()
    }

    /// The end of the run of characters that are read together.
    fn end_of_chunk(&self, from: usize) -> usize {
        let mut end = from + 1;
        while let Some(ch) = self.ch(end) {
            let before = self.ch(end - 1).unwrap_or(' ');
            let after = self.ch(end + 1).unwrap_or(' ');
            let is_inside = if ch.is_alphanumeric() {
                true
            } else if ch == ',' {
                before.is_ascii_digit() && after.is_ascii_digit()
            } else {
                matches!(
                    ch,
                    '\'' | '.'
                        | '-'
                        | '_'
                        | '*'
                        | '@'
                        | '$'
                        | '!'
                        | '+'
                        | '|'
                        | '#'
                        | '€'
                        | '£'
                        | '§'
                        | '•'
                        | '■'
                        | '†'
                )
            };
            if !is_inside || sign(ch).is_some() {
                break;
            }
            end += 1;
        }
        // What hangs on at the end is punctuation, but stars for letters, and a sign that looks like one.
        let stars = self.chars[from..end]
            .iter()
            .rev()
            .take_while(|folded| folded.ch == '*')
            .count();
        if stars >= 2 {
            return end;
        }
        while end > from + 1 && !self.chars[end - 1].ch.is_alphanumeric() && self.chars[end - 1].ch != '$' {
            end -= 1;
        }
        end
    }

    fn punctuation(&mut self, folded: Folded) {
        let found = match folded.ch {
            '.' => self.full_stop(),
            '!' => Break::Sentence,
            '?' => {
                self.questions.push(folded.start);
                Break::Sentence
            }
            ',' => Break::Comma,
            ':' => Break::Comma,
            ';' | '—' | '(' | ')' | '[' | ']' | '-' => Break::Clause,
            '"' => {
                self.is_quoted = !self.is_quoted;
                Break::None
            }
            '$' | '€' | '£' => {
                self.currency = true;
                Break::None
            }
            '%' => {
                let (start, end) = (folded.start, folded.end);
                self.push(Token {
                    word: "percent".to_owned(),
                    start,
                    end,
                    ..Token::default()
                });
                Break::None
            }
            _ => Break::None,
        };
        self.before = self.before.max(found);
        if found != Break::None {
            self.currency = false;
        }
    }

    /// A full stop ends a sentence, but after an abbreviation or initial.
    fn full_stop(&self) -> Break {
        let last = self.tokens.last().map_or("", |token| token.word.as_str());
        let is_initial = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
        if is_initial || is_abbreviation(last) {
            Break::None
        } else {
            Break::Sentence
        }
    }

    fn emit(&mut self, word: String, first: usize, end: usize) {
        let start = self.chars[first].start;
        let end = self.chars[end - 1].end;
        self.push(Token {
            word,
            start,
            end,
            ..Token::default()
        });
    }

    fn push(&mut self, token: Token) {
        self.tokens.push(Token {
            before: std::mem::take(&mut self.before),
            is_apart: std::mem::take(&mut self.is_apart),
            is_quoted: self.is_quoted,
            ..token
        });
    }
}
