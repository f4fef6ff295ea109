//! Folding of characters: compatibility forms, case, accents, look-alikes; what is not seen is dropped.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A character as it is read, and the bytes of the original that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) ch: char,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Folds a whole text. The letter n with a tilde stays a letter of its own; every other mark is dropped.
pub(super) fn fold(text: &str) -> Vec<Folded> {
    let mut folded: Vec<Folded> = Vec::with_capacity(text.len());
    for (start, original) in text.char_indices() {
        let end = start + original.len_utf8();
        if original.is_ascii() {
            let ch = original.to_ascii_lowercase();
            folded.push(Folded { ch, start, end });
            continue;
        }
        if is_unseen(original) {
            continue;
        }
        if let Some(plain) = look_alike(original) {
            folded.push(Folded {
                ch: plain,
                start,
                end,
            });
            continue;
        }
        for part in std::iter::once(original).nfkd() {
            push(&mut folded, part, start, end);
        }
    }
    folded
}

/// One word or phrase, folded the same way.
pub fn fold_word(word: &str) -> String {
    fold(word).into_iter().map(|folded| folded.ch).collect()
}

fn push(folded: &mut Vec<Folded>, part: char, start: usize, end: usize) {
    const TILDE: char = '\u{303}';
    if is_combining_mark(part) {
        if let Some(last) = folded.last_mut().filter(|last| part == TILDE && last.ch == 'n') {
            last.ch = 'ñ';
            last.end = end;
        }
        return;
    }
    if is_unseen(part) {
        return;
    }
    if let Some(ch) = look_alike(part) {
        folded.push(Folded { ch, start, end });
        return;
    }
    for ch in part.to_lowercase() {
        // Small letters of other scripts look like Latin ones too.
        let ch = look_alike(ch).unwrap_or(ch);
        if !is_combining_mark(ch) {
            folded.push(Folded { ch, start, end });
        }
    }
}

/// Format characters, joiners, fillers, variation selectors and tags: nobody sees them.
fn is_unseen(ch: char) -> bool {
    matches!(ch,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{e0000}'..='\u{e0fff}' | '™' | '®' | '©' | '\u{0}'..='\u{8}' | '\u{e}'..='\u{1f}')
}

/// The plain character that a reader takes this one for.
fn look_alike(ch: char) -> Option<char> {
    Some(match ch {
        '’' | '‘' | 'ʼ' | '‛' | '´' | 'ʹ' | '′' => '\'',
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => '"',
        '‐' | '‑' | '−' | '﹣' => '-',
        '–' | '—' | '―' | '‒' => '—',
        '…' | '。' => '.',
        // Cyrillic.
        'а' | 'А' => 'a',
        'в' | 'В' => 'b',
        'с' | 'С' => 'c',
        'ԁ' => 'd',
        'е' | 'Е' | 'ё' | 'Ё' => 'e',
        'ғ' => 'f',
        'ԍ' => 'g',
        'һ' | 'Н' | 'н' => 'h',
        'і' | 'І' | 'ї' | 'Ї' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' => 'k',
        'ӏ' | 'Ӏ' => 'l',
        'м' | 'М' => 'm',
        'о' | 'О' => 'o',
        'р' | 'Р' => 'p',
        'ԛ' => 'q',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'Т' => 't',
        'у' | 'У' | 'ү' | 'Ү' => 'y',
        'ѵ' => 'v',
        'ԝ' => 'w',
        'х' | 'Х' => 'x',
        // Greek.
        'α' | 'Α' => 'a',
        'β' | 'Β' => 'b',
        'ε' | 'Ε' => 'e',
        'Η' => 'h',
        'ι' | 'Ι' => 'i',
        'κ' | 'Κ' => 'k',
        'Μ' => 'm',
        'Ν' => 'n',
        'ο' | 'Ο' | 'σ' => 'o',
        'ρ' | 'Ρ' => 'p',
        'τ' | 'Τ' => 't',
        'υ' => 'u',
        'Υ' => 'y',
        'ν' => 'v',
        'χ' | 'Χ' => 'x',
        'Ζ' => 'z',
        // Latin letters that do not decompose.
        'ı' | 'ɩ' | 'ɪ' => 'i',
        'ø' | 'Ø' | 'ᴏ' => 'o',
        'ł' | 'Ł' | 'ʟ' => 'l',
        'đ' | 'Đ' | 'ð' | 'ᴅ' => 'd',
        'ɑ' | 'ᴀ' => 'a',
        'ʙ' => 'b',
        'ᴄ' => 'c',
        'ᴇ' => 'e',
        'ꜰ' => 'f',
        'ɡ' | 'ɢ' => 'g',
        'ʜ' => 'h',
        'ᴊ' => 'j',
        'ᴋ' => 'k',
        'ᴍ' => 'm',
        'ɴ' => 'n',
        'ᴘ' => 'p',
        'ʀ' => 'r',
        'ꜱ' => 's',
        'ᴛ' => 't',
        'ᴜ' => 'u',
        'ᴠ' => 'v',
        'ᴡ' => 'w',
        'ʏ' => 'y',
        'ᴢ' => 'z',
        _ => return None,
    })
}
