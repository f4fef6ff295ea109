//! What a new password must be: long, not among those that guessers try first, and not made of what everybody
//! knows of its owner. Pure: no I/O, no network. Characters are counted, and looked at, in Unicode's NFKC form, in
//! which they are hashed too (NIST SP 800-63B-4 section 3.1.1.2); nothing is ever cut off.

use std::{collections::HashSet, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::platform::gql::UserError;

/// The fewest characters where a second factor stands beside the password.
const LEAST: usize = 12;
/// The fewest where the password stands alone.
const LEAST_ALONE: usize = 15;
/// The most; at least 64 must be taken.
const MOST: usize = 128;
/// From here on length makes up for kinds of characters.
const CLASSES_WAIVED_FROM: usize = 20;
/// A pattern of so few characters is a pattern however often it is repeated.
const SHORT_PATTERN: usize = 4;
/// Fewer neighbours in a row stand in too many words.
const SHORTEST_WALK: usize = 6;
/// Of one name.
const MOST_PARTS: usize = 10;
/// Shorter parts of names stand in too many words.
const SHORTEST_NAME: usize = 4;

/// What guessers put together, two of them in a row too.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| words(include_str!("../../policies/passwords/common.txt")));
/// What was in breaches, often.
static BREACHED: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| words(include_str!("../../policies/passwords/breached.txt")));

fn words(list: &'static str) -> HashSet<&'static str> {
    list.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect()
}

/// Neighbours on a keyboard and in the alphabet; read in both directions.
const ROWS: [&str; 6] = [
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "abcdefghijklmnopqrstuvwxyz",
    "12345678901234567890",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
];

/// Whose password it is to be, and what is asked of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// Their e-mail address.
    pub(super) email: &'a str,
    /// Their name, and those of their businesses.
    pub(super) names: &'a [&'a str],
    /// Whether a second factor is active.
    pub(super) second_factor: bool,
    /// The setting PASSWORD_CLASSES_REQUIRED.
    pub(super) classes_required: bool,
}

/// Which rule a password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Fewer characters than this.
    TooShort(usize),
    TooLong,
    /// Made of the address, a name, or the name of the service.
    Personal,
    /// Among those that guessers try first.
    Common,
    /// Not of all four kinds, and not long enough to do without.
    Classes,
}

impl Broken {
    /// The error of `input.<field>`.
    pub(super) fn at(self, field: &str) -> UserError {
        let message = match self {
            Self::TooShort(least) => {
                format!("A password has at least {least} characters; several words are fine.")
            }
            Self::TooLong => format!("A password has at most {MOST} characters."),
            Self::Personal => {
                "Choose a password that is not made of your e-mail address, your name, your business's \
                               name or funnelchat."
                    .to_owned()
            }
            Self::Common => {
                "This password is among those that are guessed first. Choose another; several words that \
                             do not belong together are fine."
                    .to_owned()
            }
            Self::Classes => format!(
                "Use small and capital letters, digits and other characters, or at least {CLASSES_WAIVED_FROM} \
                 characters of any kind."
            ),
        };
        UserError::invalid(field, message)
    }
}

/// The form in which passwords are counted, compared and hashed: the same keys give the same password on every system.
pub(super) fn normalise(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfkc().collect())
}

/// Checks a new password.
pub(super) fn check(password: &str, about: &About<'_>) -> Result<(), Broken> {
    let password = normalise(password);
    let length = password.chars().count();
    let least = if about.second_factor { LEAST } else { LEAST_ALONE };
    if length < least {
        return Err(Broken::TooShort(least));
    }
    if length > MOST {
        return Err(Broken::TooLong);
    }
    let lower = Zeroizing::new(password.to_lowercase());
    let forms = forms(&lower);
    let words = personal_words(about);
    if forms.iter().any(|form| is_made_of(form, &words)) {
        return Err(Broken::Personal);
    }
    let is_guessed =
        |form: &str| COMMON.contains(form) || BREACHED.contains(form) || is_pair(form) || is_walk(form);
    if unit(&lower).chars().count() <= SHORT_PATTERN || forms.iter().any(|form| is_guessed(form)) {
        return Err(Broken::Common);
    }
    if about.classes_required && length < CLASSES_WAIVED_FROM && classes(&password) < 4 {
        return Err(Broken::Classes);
    }
    Ok(())
}

/// How many of the four kinds of characters there are. A letter without case, as most scripts have, is no capital.
fn classes(password: &str) -> usize {
    let kinds: [fn(char) -> bool; 4] = [char::is_lowercase, char::is_uppercase, char::is_numeric, |c| {
        !c.is_alphanumeric()
    }];
    kinds.iter().filter(|is| password.chars().any(**is)).count()
}

/// What is left of a password without its decoration: signs and digits around it, look-alikes, repetition.
fn forms(lower: &str) -> Vec<Zeroizing<String>> {
    let bare = lower.trim_matches(|c: char| !c.is_alphabetic());
    let fronted = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    let mut forms = vec![Zeroizing::new(lower.to_owned())];
    for text in [lower, bare, fronted] {
        for look_alike in [|c| c, |c| unmask(c, 'i'), |c| unmask(c, 'l')] as [fn(char) -> char; 3] {
            let unmasked = Zeroizing::new(text.chars().map(look_alike).collect::<String>());
            let form = squeezed(&unmasked);
            let unit = unit(&form);
            let core = unit.trim_matches(|c: char| !c.is_alphabetic());
            forms.extend([unit, core].map(|form| Zeroizing::new(form.to_owned())));
            forms.push(form);
        }
    }
    forms.retain(|form| !form.is_empty());
    forms
}

/// The letter that a sign stands for.
fn unmask(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    }
}

fn squeezed(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.chars().filter(|c| c.is_alphanumeric()).collect())
}

/// The shortest beginning that, repeated, gives the text; a broken last repetition counts.
fn unit(text: &str) -> &str {
    text.char_indices()
        .skip(1)
        .map(|(end, _)| text.split_at(end))
        .find(|(unit, _)| text.chars().eq(unit.chars().cycle().take(text.chars().count())))
        .map_or(text, |(unit, _)| unit)
}

/// Whether a form without decoration is two of the common words, one after the other: so few pairs are soon tried.
fn is_pair(form: &str) -> bool {
    form.char_indices().skip(1).any(|(at, _)| {
        let (one, other) = form.split_at(at);
        COMMON.contains(one) && COMMON.contains(other)
    })
}

/// Whether a form without decoration is a walk along the keyboard or the alphabet.
fn is_walk(form: &str) -> bool {
    let back: String = form.chars().rev().collect();
    form.chars().count() >= SHORTEST_WALK
        && ROWS.iter().any(|row| {
            let around = format!("{row}{row}");
            around.contains(form) || around.contains(&back)
        })
}

/// What everybody knows of the person, squeezed.
fn personal_words(about: &About<'_>) -> Vec<Zeroizing<String>> {
    let (local, _) = about.email.split_once('@').unwrap_or((about.email, ""));
    // A name as long as a request may be must not cost more than a name.
    let parts = about
        .names
        .iter()
        .flat_map(|name| name.split_whitespace().take(MOST_PARTS));
    [about.email, local, "funnelchat"]
        .into_iter()
        .chain(about.names.iter().copied())
        .chain(parts)
        .map(|word| squeezed(&normalise(word).to_lowercase()))
        .filter(|word| word.chars().count() >= SHORTEST_NAME)
        .collect()
}

/// Whether the form is nothing but these words, one after the other.
fn is_made_of(form: &str, words: &[Zeroizing<String>]) -> bool {
    let mut reached = vec![false; form.len() + 1];
    reached[0] = true;
    for at in 0..form.len() {
        if !reached[at] {
            continue;
        }
        for word in words {
            if form.as_bytes()[at..].starts_with(word.as_bytes()) {
                reached[at + word.len()] = true;
            }
        }
    }
    reached[form.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PETER: About<'static> = About {
        email: "peter.gibbons@initech.example",
        names: &["Peter Gibbons", "Initech Recovery"],
        second_factor: true,
        classes_required: true,
    };

    fn refused(password: &str) -> Option<Broken> {
        check(password, &PETER).err()
    }

    #[test]
    fn length_is_counted_in_characters_and_asks_for_more_without_a_second_factor() {
        let alone = About {
            second_factor: false,
            ..PETER
        };
        assert_eq!(refused("Kv7#mQ2!xTz"), Some(Broken::TooShort(12)));
        assert_eq!(refused("Kv7#mQ2!xTzp"), None);
        assert_eq!(check("Kv7#mQ2!xTzp9L", &alone), Err(Broken::TooShort(15)));
        assert_eq!(check("Kv7#mQ2!xTzp9L&", &alone), Ok(()));
        // Twelve characters of two to four bytes each.
        assert_eq!(refused("Äß7#мQ2!éTzп"), None);
        let long: String = "Kv7#mQ2!xTzp9L&e".repeat(8);
        assert_eq!(long.len(), 128);
        let mut letters: Vec<char> = long.chars().collect();
        letters[60..].reverse();
        let long: String = letters.into_iter().collect();
        assert_eq!(refused(&long), None);
        assert_eq!(refused(&format!("{long}x")), Some(Broken::TooLong));
    }

    #[test]
    fn the_same_keys_are_the_same_password_on_every_system() {
        // A composed and a decomposed umlaut; wide letters, as a Japanese keyboard gives them.
        assert_eq!(
            *normalise("Stra\u{df}e \u{fc}ber"),
            *normalise("Stra\u{df}e u\u{308}ber")
        );
        assert_eq!(*normalise("\u{ff30}ass"), "Pass");
        assert_eq!(refused("\u{ff30}assword2026!"), Some(Broken::Common));
    }

    #[test]
    fn what_is_guessed_first_is_refused_in_any_dress() {
        for password in [
            "Password2026!",
            "P@$$w0rd12345!",
            "PASSWORDpassword1!",
            "password123Password123",
            "1234567890123",
            "98765432109876",
            "Qwertyuiop123!",
            "lkjhgfdsa-poiuytrewq",
            "abcdefghijklmn",
            "Abcdefghijklmn1!",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "aB1!aB1!aB1!aB1!",
            "!!!!!!!!!!!!!!!!!!!!",
            "L3tme1n!!!2026",
            "i.l.o.v.e.y.o.u.2026",
            "correct horse battery staple",
            "1qaz2wsx3edc4rfv",
            "Dragon-Master-2026",
            "sh@dow M0nkey 1234!",
        ] {
            assert_eq!(refused(password), Some(Broken::Common), "{password}");
        }
    }

    #[test]
    fn what_everybody_knows_of_the_person_is_refused() {
        for password in [
            "peter.gibbons@initech.example",
            "Peter.Gibbons@Initech.Example1!",
            "PeterGibbons1974!",
            "GibbonsPeter#1",
            "Initech-Recovery-2026",
            "!!Funnelchat2026",
            "FunnelchatInitech1!",
            "1nitechR3covery!!",
            "gibbons gibbons gibbons",
        ] {
            assert_eq!(refused(password), Some(Broken::Personal), "{password}");
        }
        assert_eq!(refused("Gibbons plays 4 bass drums"), None);
    }

    #[test]
    fn four_kinds_of_characters_or_twenty_of_any() {
        for password in ["kv7#mq2!xtzp", "KV7#MQ2!XTZP", "Kvb#mQe!xTzp", "Kv7smQ2fxTzp"] {
            assert_eq!(refused(password), Some(Broken::Classes), "{password}");
            let free = About {
                classes_required: false,
                ..PETER
            };
            assert_eq!(check(password, &free), Ok(()), "{password}");
        }
        assert_eq!(refused("seven purple elephants dance"), None);
        assert_eq!(refused("seven purple eleph"), Some(Broken::Classes));
    }

    #[test]
    fn the_lists_are_of_lower_case_words() {
        assert!(COMMON.len() > 1000, "{}", COMMON.len());
        assert!(BREACHED.len() > 39_000, "{}", BREACHED.len());
        for word in COMMON.iter().chain(BREACHED.iter()) {
            assert_eq!(*word, normalise(word).to_lowercase().trim());
        }
        assert!(COMMON.is_disjoint(&BREACHED));
    }

    #[test]
    fn what_was_in_breaches_is_refused_however_it_is_dressed_and_its_words_are_free_for_phrases() {
        for password in [
            "Dimazarya-2026!",
            "!!b1gdaddy!!2026",
            "PAVILION.pavilion.1",
            "bass1234bass1234B!",
        ] {
            assert_eq!(refused(password), Some(Broken::Common), "{password}");
        }
        assert_eq!(refused("compete with pavilion 7"), None);
    }

    #[test]
    fn every_refusal_says_what_to_do_and_never_repeats_the_password() {
        for broken in [
            Broken::TooShort(12),
            Broken::TooLong,
            Broken::Personal,
            Broken::Common,
            Broken::Classes,
        ] {
            let error = broken.at("newPassword");
            assert_eq!(
                error.field.as_deref(),
                Some(&["input".to_owned(), "newPassword".to_owned()][..])
            );
            assert!(error.message.ends_with('.'));
        }
    }

    proptest! {
        #[test]
        fn a_verdict_is_that_of_the_normal_form(password in "\\PC{0,140}") {
            prop_assert_eq!(refused(&password), refused(&normalise(&password)));
            let length = normalise(&password).chars().count();
            if refused(&password).is_none() {
                prop_assert!((12..=128).contains(&length));
                prop_assert!(length >= 20 || classes(&normalise(&password)) == 4);
            }
        }

        #[test]
        fn no_decoration_saves_a_common_word(
            nth in 0..1000_usize,
            before in "[0-9!#%&*.-]{0,6}",
            after in "[0-9!#%&*.-]{0,12}",
            capitals in any::<u64>(),
        ) {
            let mut words: Vec<&str> = COMMON.iter().copied().collect();
            words.sort_unstable();
            let dressed: String = words[nth]
                .chars()
                .enumerate()
                .map(|(at, c)| if capitals >> (at % 64) & 1 == 1 { c.to_ascii_uppercase() } else { c })
                .collect();
            // Digits beside the digits of a word make another number of it.
            prop_assume!(words[nth].chars().all(|c| c.is_ascii_alphabetic()));
            let refusal = refused(&format!("{before}{dressed}{after}"));
            prop_assert!(refusal.is_some(), "{}{}{}", before, dressed, after);
        }

        #[test]
        fn long_random_letters_are_taken(password in "[a-z]{24,64}") {
            prop_assert_eq!(refused(&password), None);
        }
    }
}
