//! A scan of the document's text before it is parsed: how many tokens it has and how deep its brackets nest.
//!
//! The parser descends recursively, so a few kilobytes of `{a{a{a…` would exhaust its stack, which ends the process
//! and cannot be caught. This scan needs no stack and reads each byte once.

use super::{Limits, Refusal};
use crate::platform::error_code::ErrorCode;

/// The deepest nesting of brackets of all kinds that reaches the parser. Not a setting, since it guards the
/// parser's stack: the depth of selections has its own, smaller limit, and the rest is room for argument values.
const MAX_BRACKET_NESTING: usize = 64;

/// Refuses a document with too many tokens or too deeply nested brackets.
///
/// # Errors
/// A [`Refusal`] with GRAPHQL_PARSE_FAILED that names the limit, the value found and the limit's value.
pub(super) fn check_source(source: &str, limits: &Limits) -> Result<(), Refusal> {
    let scan = scan(source);
    if scan.tokens > limits.max_tokens {
        return Err(Refusal::new(
            ErrorCode::GraphqlParseFailed,
            format!(
                "the document has {} tokens, but at most {} are allowed (limit max_tokens)",
                scan.tokens, limits.max_tokens
            ),
        ));
    }
    if scan.nesting > MAX_BRACKET_NESTING {
        return Err(Refusal::new(
            ErrorCode::GraphqlParseFailed,
            format!(
                "the document nests {} brackets, but at most {MAX_BRACKET_NESTING} are allowed (limit bracket nesting)",
                scan.nesting
            ),
        ));
    }
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Scan {
    tokens: usize,
    nesting: usize,
}

/// Counts the lexical tokens of the GraphQL specification (section 2.1.6). Text that is no token counts as one per
/// character; the parser reports it.
fn scan(source: &str) -> Scan {
    let bytes = source.as_bytes();
    let mut result = Scan::default();
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => at + 1,
            b'#' => skip_while(bytes, at, |byte| byte != b'\n' && byte != b'\r'),
            0xEF if bytes[at..].starts_with(b"\xEF\xBB\xBF") => at + 3,
            b'"' => {
                result.tokens += 1;
                skip_string(bytes, at)
            }
            b'.' if bytes[at..].starts_with(b"...") => {
                result.tokens += 1;
                at + 3
            }
            byte if is_word(byte) => {
                result.tokens += 1;
                skip_word(bytes, at)
            }
            _ => {
                result.tokens += 1;
                at + 1
            }
        };
        match bytes[start] {
            b'{' | b'(' | b'[' => {
                open += 1;
                result.nesting = result.nesting.max(open);
            }
            b'}' | b')' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    result
}

/// Whether the byte belongs to a name or a number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+')
}

/// The position behind a name or number; a point belongs to it only in front of a digit, so that the three points
/// of a spread end a name.
fn skip_word(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        let fraction = byte == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !is_word(byte) && !fraction {
            break;
        }
        at += 1;
    }
    at
}

fn skip_while(bytes: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> usize {
    bytes[from..]
        .iter()
        .position(|&byte| !wanted(byte))
        .map_or(bytes.len(), |length| from + length)
}

/// The position behind the string or block string that starts at `from`; the end of the text if it never closes.
fn skip_string(bytes: &[u8], from: usize) -> usize {
    let block = bytes[from..].starts_with(b"\"\"\"");
    let mut at = from + if block { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        if block {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(b"\"\"\"") {
                return at + 3;
            } else {
                at += 1;
            }
        } else {
            match byte {
                b'\\' => at += 2,
                b'"' => return at + 1,
                b'\n' | b'\r' => return at,
                _ => at += 1,
            }
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_as_the_specification_defines_them() {
        for (source, tokens) in [
            ("", 0),
            ("{ a }", 3),
            ("\u{feff}query Q($n: Int! = 5) { a(first: $n) }", 20),
            ("{ a(x: -1.5e+3, y: \"two words\") }", 11),
            ("{ ...F ... on T { b } } # a comment { { {", 10),
            ("{ a(text: \"\"\"{ { \\\"\"\" } \" \"\"\") }", 8),
            ("{ a(text: \"\") b(text: \"\\\"{\") }", 14),
            ("{a...F...F}", 7),
            ("{ a(text: \"never closed", 6),
        ] {
            assert_eq!(scan(source).tokens, tokens, "in {source:?}");
        }
    }

    #[test]
    fn brackets_inside_strings_and_comments_do_not_nest() {
        assert_eq!(scan("{ a(x: [\"{{{{\"]) { b } # {{{{\n }").nesting, 3);
    }

    #[test]
    fn a_tower_of_brackets_is_refused_before_the_parser_sees_it() {
        let limits = Limits {
            max_tokens: usize::MAX,
            ..Limits::default()
        };
        for (open, close) in [("{a", "}"), ("{a(x:[", "])}"), ("(", ")")] {
            let tower = format!("{}{}", open.repeat(100_000), close.repeat(100_000));
            let refusal = check_source(&tower, &limits).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::GraphqlParseFailed);
            assert!(refusal.message.contains("brackets"), "{}", refusal.message);
        }
    }

    #[test]
    fn the_parser_survives_the_deepest_nesting_that_is_let_through() {
        let tower = format!(
            "{}{}",
            "{a".repeat(MAX_BRACKET_NESTING),
            "}".repeat(MAX_BRACKET_NESTING)
        );
        check_source(&tower, &Limits::default()).unwrap();
        let lists = format!(
            "{{a(x:{}{})}}",
            "[".repeat(MAX_BRACKET_NESTING - 2),
            "]".repeat(MAX_BRACKET_NESTING - 2)
        );
        check_source(&lists, &Limits::default()).unwrap();
        for source in [tower, lists] {
            async_graphql::parser::parse_query(source).unwrap();
        }
    }

    #[test]
    fn too_many_tokens_are_refused_with_both_numbers() {
        let limits = Limits {
            max_tokens: 5,
            ..Limits::default()
        };
        check_source("{ a b c }", &limits).unwrap();
        let refusal = check_source("{ a b c d }", &limits).unwrap_err();
        assert_eq!(
            refusal.message,
            "the document has 6 tokens, but at most 5 are allowed (limit max_tokens)"
        );
    }
}
