//! Language tags (BCP 47, RFC 5646): a language, with a script and a region where somebody names them.

use chrono::{Datelike as _, NaiveDate};

/// The tag in its usual spelling (RFC 5646 section 2.1.1): `es-MX`, `zh-Hant-TW`, `es-419`; `None` for what is none. Variants,
/// extensions and tags for private use are not taken: nobody is written to by them.
pub fn language_tag(text: &str) -> Option<String> {
    let mut parts = text.trim().split(['-', '_']).peekable();
    let is_letters = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let mut tag = parts
        .next()
        .filter(|part| is_letters(part, 2..=3))?
        .to_ascii_lowercase();
    if let Some(script) = parts.next_if(|part| is_letters(part, 4..=4)) {
        let (first, rest) = script.split_at(1);
        tag = format!(
            "{tag}-{}{}",
            first.to_ascii_uppercase(),
            rest.to_ascii_lowercase()
        );
    }
    let is_region = |part: &&str| {
        is_letters(part, 2..=2) || (part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if let Some(region) = parts.next_if(is_region) {
        tag = format!("{tag}-{}", region.to_ascii_uppercase());
    }
    parts.next().is_none().then_some(tag)
}

/// The months, as a text names them.
pub const MONTHS: [(&str, [&str; 12]); 2] = [
    (
        "en",
        [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
    ),
    (
        "es",
        [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
    ),
];

/// A day as a text names it, in English or, for `es`, in Spanish.
pub fn day_in_words(day: NaiveDate, language: &str) -> String {
    let [(_, english), (_, spanish)] = MONTHS;
    let month = day.month0() as usize;
    match language {
        "es" => format!("{} de {} de {}", day.day(), spanish[month], day.year()),
        _ => format!("{} {}, {}", english[month], day.day(), day.year()),
    }
}

/// What to say of a text that is no tag.
pub const NO_LANGUAGE: &str = "Give a language such as en, es or es-MX (BCP 47).";

#[cfg(test)]
mod tests {
    use super::language_tag;

    #[test]
    fn tags_are_spelled_as_usual_and_other_texts_are_none() {
        for (given, tag) in [
            ("en", "en"),
            (" ES ", "es"),
            ("es-mx", "es-MX"),
            ("es_MX", "es-MX"),
            ("es-419", "es-419"),
            ("ZH-hant-tw", "zh-Hant-TW"),
            ("hmn", "hmn"),
        ] {
            assert_eq!(language_tag(given).as_deref(), Some(tag), "{given}");
        }
        for given in [
            "",
            "e",
            "english",
            "es-",
            "es-MEX",
            "es-MX-MX",
            "es-41",
            "e5",
            "ñu",
            "x-own",
            "-MX",
            "es-MX-x-y",
        ] {
            assert_eq!(language_tag(given), None, "{given}");
        }
    }
}
