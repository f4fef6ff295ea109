//! Language tags (BCP 47, RFC 5646): a language, with a script and a region where somebody names them.

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
