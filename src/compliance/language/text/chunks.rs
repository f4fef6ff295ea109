//! A run of characters that are read together, as the words and numbers that it is made of.

use super::Reader;
use crate::compliance::language::{
    readings::{unmasked, unstretched},
    words::{suffix, takes_is, written_out},
};

impl Reader<'_> {
    pub(super) fn chunk(&mut self, start: usize, end: usize) {
        let raw: Vec<char> = self.chars[start..end].iter().map(|folded| folded.ch).collect();
        if raw.iter().all(|ch| ch.is_alphabetic() || *ch == '\'') {
            let word: String = raw.iter().collect();
            return self.word(&word, start, end);
        }
        if raw
            .iter()
            .all(|ch| ch.is_ascii_digit() || matches!(ch, ',' | '.'))
        {
            return self.number(&raw, start, end);
        }
        let whole: String = raw.iter().collect();
        if written_out(&whole).is_some() {
            return self.word(&whole, start, end);
        }
        let is_divided = |ch: &char| matches!(ch, '.' | '-' | '_' | '\'');
        if raw.iter().all(|ch| ch.is_alphanumeric() || is_divided(ch)) {
            let joined: String = raw.iter().filter(|ch| !is_divided(ch)).collect();
            let parts = whole.split(|ch| is_divided(&ch)).filter(|part| !part.is_empty());
            // A word is cut by signs where its parts are no words: "ar-rest", not "pay-off".
            let all_known = parts
                .clone()
                .all(|part| self.lexicon.knows(part) || part.len() > 3);
            if joined.chars().all(char::is_alphabetic) && self.lexicon.knows(&joined) && !all_known {
                return self.emit(joined, start, end);
            }
        }
        let mut readings = unmasked(&raw, self.lexicon);
        if readings.is_empty() && raw.iter().any(is_divided) {
            let joined: Vec<char> = raw.iter().copied().filter(|ch| !is_divided(ch)).collect();
            let is_disguised = joined.iter().any(|ch| !ch.is_alphabetic());
            if is_disguised {
                readings = unmasked(&joined, self.lexicon);
            }
        }
        if !readings.is_empty() {
            let word = readings.remove(0);
            self.emit(word, start, end);
            if let Some(token) = self.tokens.last_mut() {
                token.also = readings;
            }
            return;
        }
        self.parts(start, end);
    }

    /// What a chunk consists of, each part read by itself.
    fn parts(&mut self, start: usize, end: usize) {
        let mut from = start;
        while from < end {
            let ch = self.chars[from].ch;
            if !ch.is_alphanumeric() && ch != '\'' {
                let folded = self.chars[from];
                // Hyphens, underscores and the like bind; the rest divides.
                if matches!(ch, '.' | '!' | '$' | '€' | '£') {
                    self.punctuation(folded);
                }
                from += 1;
                continue;
            }
            let is_numeral = ch.is_ascii_digit();
            let mut to = from + 1;
            while to < end {
                let next = self.chars[to].ch;
                let after = self
                    .chars
                    .get(to + 1)
                    .filter(|_| to + 1 < end)
                    .map_or(' ', |folded| folded.ch);
                let in_number = is_numeral && matches!(next, '.' | ',') && after.is_ascii_digit();
                if !(next.is_alphanumeric() || next == '\'' || in_number) {
                    break;
                }
                to += 1;
            }
            let raw: Vec<char> = self.chars[from..to].iter().map(|folded| folded.ch).collect();
            if raw
                .iter()
                .all(|ch| ch.is_ascii_digit() || matches!(ch, ',' | '.'))
            {
                self.number(&raw, from, to);
            } else {
                let word: String = raw.iter().collect();
                self.word(&word, from, to);
            }
            from = to;
        }
    }

    fn number(&mut self, raw: &[char], start: usize, end: usize) {
        let is_money = std::mem::take(&mut self.currency);
        self.emit(raw.iter().collect(), start, end);
        if let Some(token) = self.tokens.last_mut() {
            token.hundredths = hundredths(raw);
            token.is_money = is_money;
        }
    }

    fn word(&mut self, word: &str, start: usize, end: usize) {
        self.currency = false;
        if let Some(words) = written_out(word) {
            for word in words {
                self.emit((*word).to_owned(), start, end);
            }
            return;
        }
        let Some((base, rest)) = word.split_once('\'') else {
            return self.plain(word, start, end);
        };
        match (base.strip_suffix('n'), rest, suffix(rest)) {
            (Some(verb), "t", _) => {
                self.emit(verb.to_owned(), start, end);
                self.emit("not".to_owned(), start, end);
            }
            (_, _, Some(second)) => {
                self.plain(base, start, end);
                self.emit(second.to_owned(), start, end);
            }
            (_, "s" | "", _) => {
                self.plain(base, start, end);
                if rest == "s" && takes_is(base) {
                    self.emit("is".to_owned(), start, end);
                }
            }
            _ => self.plain(&word.replace('\'', ""), start, end),
        }
    }

    fn plain(&mut self, word: &str, start: usize, end: usize) {
        if word.is_empty() {
            return;
        }
        let also = if self.lexicon.knows(word) {
            Vec::new()
        } else {
            unstretched(word, self.lexicon)
        };
        self.emit(word.to_owned(), start, end);
        if let Some(token) = self.tokens.last_mut() {
            token.also = also;
        }
    }
}

/// The value of a numeral: "1,234.5", "1.234,50", "812". `None` for what is no amount, such as 10.30.15.
fn hundredths(raw: &[char]) -> Option<i64> {
    let text: String = raw.iter().collect();
    let text = text.trim_end_matches(['.', ',']);
    let last = text.rfind(['.', ',']);
    let (whole, fraction) = match last {
        Some(place) if text.len() - place <= 3 => (&text[..place], &text[place + 1..]),
        _ => (text, ""),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let whole: i64 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    let cents: i64 = match fraction.len() {
        0 => 0,
        1 => fraction.parse::<i64>().ok()? * 10,
        _ => fraction.parse().ok()?,
    };
    whole.checked_mul(100)?.checked_add(cents)
}
