//! What holds of every text: how it is written changes nothing, and nothing makes the scanner fail or slow.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Active, Period, ScanFacts, Scanner, Writer, check_embedded, scanner};

const SENTENCES: &str = include_str!("../../../tests/data/language/sentences.txt");

fn sentences() -> Vec<&'static str> {
    let lines = SENTENCES
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(['-', '+']));
    let plain = lines
        .map(|line| line[1..].trim())
        .filter(|line| !line.starts_with('{'));
    plain.collect()
}

fn found(text: &str) -> BTreeSet<String> {
    let facts = ScanFacts {
        names: &["Ana Ruiz", "Regina Sue", "Dick Slaughter"],
        period: Period::Over,
        amounts: Some(&[81_240]),
        is_medical: Some(false),
        ..ScanFacts::default()
    };
    let scanned = scanner().scan(text, &facts);
    scanned
        .findings
        .iter()
        .map(|finding| finding.category.name.clone())
        .collect()
}

#[test]
fn of_a_card_only_the_last_four_digits_are_kept() {
    for (typed, kept) in [
        (
            "My card is 4111 1111 1111 1111, cvv 123, exp 05/28",
            "My card is **** **** **** 1111, cvv ***, exp 05/28",
        ),
        ("5500-0000-0000-0004", "****-****-****-0004"),
        (
            "378282246310005 security code is 1234",
            "***********0005 security code is ****",
        ),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        (
            "Account 100200300, call +12125550100",
            "Account 100200300, call +12125550100",
        ),
        ("", ""),
    ] {
        assert_eq!(scanner().without_cards(typed), kept);
    }
}

#[test]
fn the_embedded_patterns_are_in_order() {
    if let Err(error) = check_embedded() {
        panic!("{error}");
    }
    let names: Vec<&str> = scanner()
        .categories()
        .iter()
        .map(|category| category.name.as_str())
        .collect();
    assert_eq!(names.len(), 20, "{names:?}");
    assert!(!scanner().version().is_empty());
}

fn sentence() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(sentences())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn capitals_change_nothing(text in sentence()) {
        prop_assert_eq!(found(&text.to_uppercase()), found(text));
        prop_assert_eq!(found(&text.to_lowercase()), found(text));
    }

    #[test]
    fn what_nobody_sees_changes_nothing(text in sentence(), every in 1usize..6, which in 0usize..5) {
        let unseen = ['\u{200b}', '\u{200d}', '\u{ad}', '\u{2060}', '\u{feff}'][which];
        let mut written = String::new();
        for (place, ch) in text.chars().enumerate() {
            written.push(ch);
            if place % every == 0 {
                written.push(unseen);
            }
        }
        prop_assert_eq!(found(&written), found(text));
    }

    /// A space before a mark at the end of a word.
    #[test]
    fn spaces_around_punctuation_change_nothing(text in sentence(), which in 0usize..3) {
        let mut written = String::new();
        let chars: Vec<char> = text.chars().collect();
        for (place, ch) in chars.iter().enumerate() {
            let ends_word = chars.get(place + 1).is_none_or(|next| next.is_whitespace());
            let follows_word = place > 0 && chars[place - 1].is_alphanumeric();
            // Of letters that stand alone a full stop is a part.
            let is_initial = place < 2 || !chars[place - 2].is_alphanumeric();
            if matches!(ch, ',' | '.' | ';' | '?' | '!') && ends_word && follows_word && !is_initial && which != 0 {
                written.push(' ');
                written.push(*ch);
                if which == 2 {
                    written.push(' ');
                }
            } else {
                written.push(*ch);
            }
        }
        prop_assert_eq!(found(&written), found(text));
    }

    /// Offsets are of the text as it was written, at the borders of characters.
    #[test]
    fn any_text_is_read_to_its_end(text in "\\PC{0,300}") {
        let scanned = scanner().scan(&text, &ScanFacts::default());
        for finding in &scanned.findings {
            prop_assert!(text.get(finding.start..finding.end).is_some_and(|said| !said.is_empty()));
        }
        let again = scanner().scan(&text, &ScanFacts::default());
        prop_assert_eq!(scanned.labels(), again.labels());
    }

    /// What follows another sentence is found as if it stood alone.
    #[test]
    fn a_polite_sentence_before_it_hides_nothing(text in sentence()) {
        let after = format!("Thank you for calling us this morning. {text}");
        prop_assert!(found(text).is_subset(&found(&after)), "{:?} {:?}", found(text), found(&after));
    }
}

#[test]
fn a_fact_that_is_missing_excuses_nothing() {
    let none = ScanFacts::default();
    for text in [
        "I am a real person.",
        "This is attorney Mark Hill.",
        "Your balance is $812.40.",
        "A $4.95 convenience fee applies.",
        "You must pay today.",
        "This is for your surgery.",
        "We will sue you.",
    ] {
        assert!(!scanner().scan(text, &none).findings.is_empty(), "{text}");
    }
}

#[test]
fn a_suit_is_spoken_of_whether_it_is_authorised_or_not() {
    let authorised = ScanFacts {
        suit_authorised: Some(true),
        period: Period::Over,
        ..ScanFacts::default()
    };
    let text = "We intend to sue you.";
    let scanned = scanner().scan(text, &authorised);
    assert!(scanned.findings.is_empty());
    assert!(scanned.speaks_of_suit);
    let scanned = scanner().scan(text, &ScanFacts::default());
    assert_eq!(scanned.labels(), ["unintended-legal-action"]);
    assert!(scanned.speaks_of_suit);
    assert!(!scanner().scan("We will not sue you.", &authorised).speaks_of_suit);
}

#[test]
fn names_do_not_trip_a_word_and_do_not_cover_a_threat() {
    let facts = ScanFacts {
        names: &["Sue Moron"],
        writer: Some(Writer::Person),
        period: Period::Over,
        ..ScanFacts::default()
    };
    assert!(
        scanner()
            .scan("Hi Sue Moron, it is Dana.", &facts)
            .findings
            .is_empty()
    );
    assert!(scanner().scan("Moron, Sue: file 12.", &facts).findings.is_empty());
    assert_eq!(
        scanner().scan("Sue, we will sue you.", &facts).labels(),
        ["unintended-legal-action"]
    );
}

#[test]
fn what_is_visible_to_others_says_nothing_of_a_debt() {
    let scanned = scanner().scan_visible("Your overdue account", &ScanFacts::default());
    assert_eq!(scanned.labels(), ["debt_in_visible_field"]);
    let body = scanner().scan(
        "Your overdue account",
        &ScanFacts {
            period: Period::Over,
            ..ScanFacts::default()
        },
    );
    assert!(body.findings.is_empty());
    let visible = scanner()
        .categories()
        .iter()
        .filter(|category| category.active == Active::VisibleField);
    assert_eq!(visible.count(), 1);
}

fn problem(files: &[(&'static str, &str)]) -> String {
    match Scanner::read(files) {
        Ok(_) => "none".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_wrong_in_the_data_is_said_with_its_place() {
    let category = |pattern: &str| {
        format!(
            "version = \"1\"\n[[category]]\nname = \"a\"\nrule = \"r\"\ncitation = \"c\"\nseverity = \"S1\"\nchange_en = \"e\"\n\
             change_es = \"s\"\n[[category.pattern]]\nmatch = ['{pattern}']\n"
        )
    };
    let one = |pattern: &str| problem(&[("a.toml", &category(pattern))]);
    assert_eq!(one("we will sue"), "none");
    for (pattern, said) in [
        ("we <nobody> sue", "there is no list `nobody`"),
        ("we (will sue", "`)` is missing"),
        ("we will) sue", "where nothing is open"),
        ("~3 sue", "a gap stands between words"),
        ("sue ~40 you", "a gap is ~1 to ~12"),
        ("s*", "begins too many words"),
        ("[please]", "names no word that has to be there"),
        ("we (|will) sue", "an alternative is empty"),
        ("do-not", "is no word"),
    ] {
        let problem = one(pattern);
        assert!(
            problem.contains(said) && problem.contains("a.toml"),
            "{pattern}: {problem}"
        );
    }
    let first = category("sue");
    assert!(problem(&[("a.toml", &first), ("b.toml", &first)]).contains("stands twice"));
    let other = first
        .replace("version = \"1\"", "version = \"2\"")
        .replace("name = \"a\"", "name = \"b\"");
    assert!(problem(&[("a.toml", &first), ("b.toml", &other)]).contains("of version `2`"));
    assert!(problem(&[("a.toml", &first.replace("S1", "S9"))]).contains("`severity` is one of"));
    assert!(problem(&[("a.toml", "version = 3")]).contains("cannot be read"));
}
