//! Puts values into the places of a text. Pure: the same text and values give the same words.

use std::{collections::BTreeSet, ops::Range};

use super::{
    catalogue::{Values, Variable},
    parse::{Parsed, Piece, parse},
};

/// A text with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    /// Which bytes of the text stand for which of the template.
    spans: Vec<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    text: Range<usize>,
    source: Range<usize>,
    is_value: bool,
}

/// What of a text has no value, by name. Nothing is ever sent with a hole in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingValues(pub Vec<String>);

/// The words with their values.
///
/// # Errors
/// Every name that has no value, known or not.
pub fn render(template: &str, values: &Values) -> Result<Rendered, MissingValues> {
    let parsed = parse(template);
    let missing: BTreeSet<String> = places(&parsed)
        .filter(|(name, _)| value_of(name, values).is_none())
        .map(|(name, _)| name.to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(MissingValues(missing.into_iter().collect()));
    }
    Ok(fill(template, &parsed, values))
}

/// The words with the values that there are; a place without one stays as it was written.
pub(super) fn fill(template: &str, parsed: &Parsed<'_>, values: &Values) -> Rendered {
    let mut rendered = Rendered {
        text: String::with_capacity(template.len()),
        spans: Vec::with_capacity(parsed.pieces.len()),
    };
    for piece in &parsed.pieces {
        let (source, value) = match piece {
            Piece::Words(source) => (source, None),
            Piece::Place(name, source) => (source, value_of(name, values)),
        };
        let from = rendered.text.len();
        match value {
            Some(value) => rendered.text.push_str(&on_one_line(value)),
            None => rendered.text.push_str(&template[source.clone()]),
        }
        rendered.spans.push(Span {
            text: from..rendered.text.len(),
            source: source.clone(),
            is_value: value.is_some(),
        });
    }
    rendered
}

/// The places of a text with the names in them.
pub(super) fn places<'a, 'p>(
    parsed: &'p Parsed<'a>,
) -> impl Iterator<Item = (&'a str, &'p Range<usize>)> + use<'a, 'p> {
    parsed.pieces.iter().filter_map(|piece| match piece {
        Piece::Place(name, at) => Some((*name, at)),
        Piece::Words(_) => None,
    })
}

fn value_of<'v>(name: &str, values: &'v Values) -> Option<&'v str> {
    let value = values.get(&Variable::parse(name)?)?;
    (!value.trim().is_empty()).then_some(value.as_str())
}

/// A value begins no new line or sentence of its own making and turns no text around: control characters become blanks,
/// marks of direction go.
fn on_one_line(value: &str) -> String {
    let shown = value.chars().filter(
        |c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'),
    );
    let shown: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Rendered {
    /// Whether a byte of the text is of a value.
    pub(super) fn is_value_at(&self, place: usize) -> bool {
        let mut values = self.spans.iter().filter(|span| span.is_value);
        values.any(|span| span.text.contains(&place))
    }

    /// Which bytes of the template became these of the text; what was appended to it came from none. A value stands for
    /// the whole of its place. The second is whether they are a value and nothing else.
    pub(super) fn source_of(&self, found: Range<usize>) -> Option<(Range<usize>, bool)> {
        let touched: Vec<&Span> = self
            .spans
            .iter()
            .filter(|span| span.text.start < found.end && found.start < span.text.end)
            .collect();
        let (first, last) = (touched.first()?, touched.last()?);
        let start = match first.is_value {
            true => first.source.start,
            false => first.source.start + found.start.saturating_sub(first.text.start),
        };
        let end = match last.is_value || found.end >= last.text.end {
            true => last.source.end,
            false => last.source.start + (found.end - last.text.start),
        };
        Some((start..end, touched.iter().all(|span| span.is_value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: &[(Variable, &str)]) -> Values {
        of.iter()
            .map(|(variable, value)| (*variable, (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_missing_value_is_named_and_leaves_no_hole() {
        let template = "Hi {{debtorFirstName}}, you owe {{balance}} by {{dueDate}}.";
        let known = values(&[(Variable::DebtorFirstName, "Ana"), (Variable::DueDate, "  ")]);
        let missing = render(template, &known).unwrap_err();
        assert_eq!(missing.0, ["balance", "dueDate"]);
        let unknown = render("{{debtorSsn}}", &known).unwrap_err();
        assert_eq!(unknown.0, ["debtorSsn"]);
    }

    #[test]
    fn a_value_is_a_value_whatever_it_says() {
        let template = "Hi {{debtorFirstName}}! {{debtorLastName}}";
        let odd = values(&[
            (Variable::DebtorFirstName, "{{balance}}\n\nAna\u{202e}"),
            (Variable::DebtorLastName, "<b>&\u{0}x</b>"),
        ]);
        let rendered = render(template, &odd).unwrap();
        assert_eq!(rendered.text, "Hi {{balance}} Ana! <b>& x</b>");
    }

    #[test]
    fn places_in_the_text_are_found_again_in_the_template() {
        let template = "Hi {{debtorFirstName}}, pay now.";
        let rendered = render(template, &values(&[(Variable::DebtorFirstName, "Anastasia")])).unwrap();
        let at = |words: &str| {
            let start = rendered.text.find(words).unwrap();
            rendered.source_of(start..start + words.len()).unwrap()
        };
        assert_eq!(&template[at("pay now").0], "pay now");
        let (range, is_value) = at("stasia");
        assert_eq!(&template[range], "{{debtorFirstName}}");
        assert!(is_value);
        let (range, is_value) = at("sia, pay");
        assert_eq!(&template[range], "{{debtorFirstName}}, pay");
        assert!(!is_value);
        let end = rendered.text.len();
        assert_eq!(rendered.source_of(end..end + 5), None, "appended");
    }
}
