//! The last look at an answer before the gate: no figure, date or link may be in it that is not one of its values. Pure.
//!
//! It knows nothing of how the answer was made, so that whatever writes answers one day is held by it too.

use std::collections::HashSet;

use super::wording::{Language, Values};
use crate::platform::{language::MONTHS, money::Money};

/// What is in an answer that no value accounts for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unfounded {
    /// A number, in digits or words.
    Figure,
    /// A day.
    Date,
    /// An address to go to.
    Link,
}

/// Looks an answer through.
///
/// # Errors
/// What in it is unfounded.
pub fn check(text: &str, language: Language, values: &Values) -> Result<(), Unfounded> {
    let mut rest = text.to_owned();
    let due = values.due_in_words(language);
    // What has no letter names nobody: it could be any number.
    let names = [
        Some(&values.business),
        values.creditor.as_ref(),
        values.first_name.as_ref(),
    ];
    let names = names.into_iter().flatten();
    let names = names.filter(|name| name.chars().any(char::is_alphabetic));
    let others = [values.phone.as_ref(), due.as_ref(), Some(&values.ending)];
    let known: Vec<&String> = names.chain(others.into_iter().flatten()).collect();
    for value in known {
        rest = without(&rest, value);
    }
    if names_link(&rest) {
        return Err(Unfounded::Link);
    }
    if names_day(&rest) {
        return Err(Unfounded::Date);
    }
    match figures(&rest).all(|figure| figure.is_of(values)) && !names_number(&rest) {
        true => Ok(()),
        false => Err(Unfounded::Figure),
    }
}

/// The text without every place where the value stands as words of its own: not where it is a part of something longer, and not
/// where it could be an amount.
fn without(text: &str, value: &str) -> String {
    if value.trim().is_empty() {
        return text.to_owned();
    }
    let is_part = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || "$€£¥/-@%".contains(letter))
    };
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (before, from) = rest.split_at(at);
        let after = from.get(value.len()..).unwrap_or_default();
        let left = before.chars().next_back().or_else(|| kept.chars().next_back());
        let mut right = after.chars();
        let (next, second) = (right.next(), right.next());
        let goes_on = matches!(next, Some('.' | ',')) && second.is_some_and(char::is_alphanumeric);
        kept.push_str(before);
        if is_part(left) || is_part(next) || goes_on {
            kept.push_str(value);
        } else {
            kept.push(' ');
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn names_link(text: &str) -> bool {
    let lower = text.to_lowercase();
    let has_dot_inside = |word: &str| {
        let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        word.split_once('.')
            .is_some_and(|(left, right)| !left.is_empty() && right.chars().any(char::is_alphabetic))
    };
    ["http", "www", "://", "@"]
        .iter()
        .any(|mark| lower.contains(mark))
        || lower.split_whitespace().any(has_dot_inside)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphabetic())
        .filter(|word| !word.is_empty())
}

fn names_day(text: &str) -> bool {
    const DAYS: &[&str] = &[
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "lunes",
        "martes",
        "miércoles",
        "miercoles",
        "jueves",
        "viernes",
        "sábado",
        "sabado",
        "domingo",
        "today",
        "tomorrow",
        "yesterday",
        "tonight",
        "hoy",
        "mañana",
        "ayer",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "ene",
        "abr",
        "ago",
        "dic",
    ];
    // "may" is also a verb, "May" is a month.
    let is_month = |word: &str| {
        let lower = word.to_lowercase();
        MONTHS.iter().flat_map(|(_, months)| months).any(|month| {
            (month.to_lowercase() == lower && lower != "may") || (word == "May" && *month == "May")
        })
    };
    words(text).any(|word| is_month(word) || DAYS.contains(&word.to_lowercase().as_str()))
}

fn names_number(text: &str) -> bool {
    const NUMBERS: &[&str] = &[
        "zero",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "hundred",
        "thousand",
        "million",
        "half",
        "dollar",
        "dollars",
        "cent",
        "cents",
        "bucks",
        "percent",
        "cero",
        "dos",
        "tres",
        "cuatro",
        "cinco",
        "seis",
        "siete",
        "ocho",
        "nueve",
        "diez",
        "once",
        "doce",
        "veinte",
        "treinta",
        "cuarenta",
        "cincuenta",
        "sesenta",
        "setenta",
        "ochenta",
        "noventa",
        "cien",
        "ciento",
        "cientos",
        "mil",
        "millón",
        "millon",
        "mitad",
        "dólar",
        "dolar",
        "dólares",
        "dolares",
        "peso",
        "pesos",
        "centavos",
    ];
    words(text).any(|word| NUMBERS.contains(&word.to_lowercase().as_str()))
}

/// A number in digits, and what stands beside it.
#[derive(Debug)]
struct Figure {
    digits: String,
    before: Option<char>,
    after: String,
}

fn figures(text: &str) -> impl Iterator<Item = Figure> {
    let letters: Vec<char> = text.chars().collect();
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = (from..letters.len()).find(|place| letters[*place].is_numeric())?;
        let is_inside = |letter: &char| letter.is_numeric() || matches!(letter, ',' | '.');
        let mut end = start
            + letters[start..]
                .iter()
                .take_while(|letter| is_inside(letter))
                .count();
        while !letters[end - 1].is_numeric() {
            end -= 1;
        }
        from = end;
        Some(Figure {
            digits: letters[start..end].iter().collect(),
            before: start.checked_sub(1).map(|place| letters[place]),
            after: letters[end..].iter().take(4).collect(),
        })
    })
}

impl Figure {
    fn is_of(&self, values: &Values) -> bool {
        let next = self.after.chars().next();
        let is_joined = |letter: Option<char>| {
            letter.is_some_and(|letter| letter.is_alphabetic() || "/-–:%#+".contains(letter))
        };
        if is_joined(self.before) || is_joined(next) {
            return false;
        }
        let amounts: HashSet<String> = amounts(values).map(Money::shown).collect();
        let is_dollars = self.before == Some('$') && amounts.contains(&format!("${}", self.digits));
        let is_other = amounts.contains(&format!("{}{}", self.digits, self.after));
        let is_plain = self.before.is_none_or(char::is_whitespace);
        is_dollars || is_plain && (is_other || counts(values).any(|count| count == self.digits))
    }
}

fn amounts(values: &Values) -> impl Iterator<Item = Money> {
    let of_plans = values
        .options
        .iter()
        .flat_map(|plan| plan.installments.iter().copied().chain([plan.down_payment]));
    values.balance.into_iter().chain(of_plans)
}

/// How many months there are, and how many but the last.
fn counts(values: &Values) -> impl Iterator<Item = String> {
    values.options.iter().flat_map(|plan| {
        let all = plan.installments.len();
        [all.to_string(), all.saturating_sub(1).to_string()]
    })
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;
    use crate::assistant::{
        plan_options::{PlanTerms, plan_options},
        wording::{Wording, say},
    };

    const WORDINGS: [Wording; 6] = [
        Wording::PaymentPlan,
        Wording::Information,
        Wording::MakePayment,
        Wording::Hardship,
        Wording::Connecting,
        Wording::ConnectingWithRegret,
    ];

    fn values(minor: i64) -> Values {
        let balance = Money::from_minor(minor, "USD".parse().unwrap());
        Values {
            first_name: Some("Maria".to_owned()),
            business: "Acme 24 Recovery".to_owned(),
            creditor: Some("Shoes.com".to_owned()),
            is_original_creditor: true,
            ending: "0417".to_owned(),
            balance: Some(balance),
            due_date: NaiveDate::from_ymd_opt(2026, 5, 3),
            phone: Some("+12125550199".to_owned()),
            options: plan_options(balance, PlanTerms::default()),
        }
    }

    fn false_words() -> impl Strategy<Value = String> {
        prop_oneof![
            (1_i64..100_000_000).prop_map(|minor| Money::from_minor(minor, "USD".parse().unwrap()).shown()),
            (1_i64..100_000_000).prop_map(|minor| format!("{}.{:02}", minor / 100, minor % 100)),
            (100_u32..1_000_000).prop_map(|count| count.to_string()),
            (1_u32..12, 1_u32..28).prop_map(|(month, day)| format!("{month}/{day}/2027")),
            (1_u32..28).prop_map(|day| format!("March {day}")),
            (1_u32..28).prop_map(|day| format!("{day} de agosto")),
            Just("https://pay.example.com/x".to_owned()),
            Just("pay.example.com".to_owned()),
            Just("50%".to_owned()),
            Just("zero".to_owned()),
            Just("hundred".to_owned()),
            Just("$0".to_owned()),
            Just("tomorrow".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn what_is_said_is_founded_and_nothing_false_passes(
            minor in 2_000_i64..10_000_000_000,
            nth in 0_usize..6,
            is_spanish in any::<bool>(),
            wrong in false_words(),
            place in any::<prop::sample::Index>(),
        ) {
            let values = values(minor);
            let language = if is_spanish { Language::Spanish } else { Language::English };
            let text = say(WORDINGS[nth], language, &values).unwrap();
            prop_assert_eq!(check(&text, language, &values), Ok(()), "{}", text);
            let told: Vec<String> = amounts(&values).map(Money::shown).collect();
            prop_assume!(!told.contains(&wrong));
            let mut words: Vec<&str> = text.split(' ').collect();
            let at = place.index(words.len() + 1);
            words.insert(at, &wrong);
            let injected = words.join(" ");
            prop_assert!(check(&injected, language, &values).is_err(), "{}", injected);
        }

        #[test]
        fn another_balance_is_not_this_one(minor in 2_000_i64..10_000_000, other in 2_000_i64..10_000_000) {
            prop_assume!(minor != other);
            let (values, others) = (values(minor), values(other));
            prop_assume!(!amounts(&values).any(|amount| Some(amount) == others.balance));
            let text = say(Wording::Information, Language::English, &others).unwrap();
            prop_assert_eq!(check(&text, Language::English, &values), Err(Unfounded::Figure));
        }
    }

    #[test]
    fn values_account_for_themselves_alone() {
        let values = values(125_050);
        let is_fine = |text: &str| check(text, Language::English, &values).is_ok();
        assert!(is_fine(
            "Acme 24 Recovery and Shoes.com: 0417, $1,250.50, 12, May 3, 2026, +12125550199."
        ));
        for text in [
            "$0417",
            "0417 dollars",
            "$12",
            "12%",
            "1,250.50",
            "$1,250.501",
            "$11,250.50",
            "$1,250",
            "25",
            "Shoes.company",
            "May 4, 2026",
            "May 3",
            "+121255501990",
            "12/24",
            "x12",
            "$1,250.50k",
        ] {
            assert!(!is_fine(text), "{text}");
        }
    }
}
