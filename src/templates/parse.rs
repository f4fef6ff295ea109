//! Reads `{{variable}}` out of a text. Braces have no other use in a message, so that a stray one is a slip.

use std::ops::Range;

/// A part of a text, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Words as they stand.
    Words(Range<usize>),
    /// A place for a value, with the name between the braces.
    Place(&'a str, Range<usize>),
}

/// A text that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    /// Braces without their other half.
    pub(super) stray: Vec<Range<usize>>,
}

/// Cuts a text into words and places. A stray brace stays what it is.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    let mut parsed = Parsed::default();
    let mut words_from = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '}']) {
        let brace = at + found;
        if let Some(end) = place_at(text, brace) {
            parsed.words(words_from..brace);
            parsed
                .pieces
                .push(Piece::Place(text[brace + 2..end - 2].trim(), brace..end));
            words_from = end;
            at = end;
            continue;
        }
        let is_double = text[brace..].starts_with("{{") || text[brace..].starts_with("}}");
        // Of three braces the last two may begin a place.
        let is_two = is_double && place_at(text, brace + 1).is_none();
        let end = brace + if is_two { 2 } else { 1 };
        parsed.stray.push(brace..end);
        at = end;
    }
    parsed.words(words_from..text.len());
    parsed
}

impl Parsed<'_> {
    fn words(&mut self, at: Range<usize>) {
        if !at.is_empty() {
            self.pieces.push(Piece::Words(at));
        }
    }
}

/// The end of the place that begins at a brace, if one does: two braces, a name on one line, two braces.
fn place_at(text: &str, from: usize) -> Option<usize> {
    let inside = text[from..].strip_prefix("{{")?;
    let length = inside.find("}}")?;
    let is_plain = !inside[..length].contains(['{', '}', '\n', '\r']);
    is_plain.then_some(from + 2 + length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_and_stray_braces_told() {
        let text = "Hi {{ debtorFirstName }}, {{x}}!";
        let parsed = parse(text);
        let names: Vec<&str> = parsed
            .pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Place(name, _) => Some(*name),
                Piece::Words(_) => None,
            })
            .collect();
        assert_eq!(names, ["debtorFirstName", "x"]);
        assert!(parsed.stray.is_empty());
        for (text, stray) in [
            ("{{name", &[(0, 2)][..]),
            ("name}}", &[(4, 6)][..]),
            ("{name}", &[(0, 1), (5, 6)][..]),
            ("{{{name}}}", &[(0, 1), (9, 10)][..]),
            ("{{a\nb}}", &[(0, 2), (5, 7)][..]),
            ("{{a {{b}}", &[(0, 2)][..]),
        ] {
            let found: Vec<_> = parse(text)
                .stray
                .into_iter()
                .map(|at| (at.start, at.end))
                .collect();
            assert_eq!(found, stray, "{text}");
        }
    }

    proptest::proptest! {
        /// Whatever is written: the pieces and nothing else are the text, in its order.
        #[test]
        fn nothing_is_lost(text in "[{}a-c é\n]{0,40}") {
            let parsed = parse(&text);
            let mut at = 0;
            for piece in &parsed.pieces {
                let (Piece::Words(range) | Piece::Place(_, range)) = piece;
                proptest::prop_assert_eq!(range.start, at);
                at = range.end;
            }
            proptest::prop_assert_eq!(at, text.len());
        }
    }
}
