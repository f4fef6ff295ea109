use super::{words, *};

#[test]
fn every_kind_of_sentence_is_readable() {
    for kind in words::ALL {
        std::sync::LazyLock::force(kind);
    }
}

#[test]
fn sentiment_is_on_the_scale_of_five() {
    for (text, sentiment) in [
        ("Thank you so much, I really appreciate it", 1),
        ("Thanks, how much do I owe?", 2),
        ("How much do I owe?", 3),
        ("This is ridiculous", 4),
        ("Estoy harta de esto", 4),
        ("Go to hell", 5),
        ("Son unos ladrones", 5),
    ] {
        assert_eq!(triage(text, &[]).sentiment, sentiment, "{text}");
    }
}

#[test]
fn words_come_back_as_they_are_stored() {
    for intent in Intent::ALL {
        assert_eq!(Intent::parse(intent.as_str()), Some(intent));
    }
    assert_eq!(Intent::parse("OTHER"), None);
}
