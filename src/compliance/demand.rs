//! Whether a text demands payment: what 15 USC 1692c(c) lets through after a cease, and 1692c(a)(2) to somebody with an
//! attorney, is an answer without a demand. Nobody has to find every demand: only a text that has no word of paying in it, in
//! whatever disguise, presses for nothing else, names no amount and is in a language that we read, is one without.

use super::language::{Lexicon, Mask, Text, Token};
use super::reading::demands_payment;

/// Beginnings of words of paying and owing, in English and Spanish, folded.
const STEMS: &[&str] = &[
    "pay",
    "paid",
    "owe",
    "owing",
    "remit",
    "settl",
    "balance",
    "amount",
    "arrear",
    "overdue",
    "unpaid",
    "installment",
    "instalment",
    "deposit",
    "checkout",
    "zelle",
    "venmo",
    "paypal",
    "cashapp",
    "dollar",
    "money",
    "cash",
    "invoice",
    "past",
    "deadline",
    "arrange",
    "plan",
    "resolve",
    "resolving",
    "resolution",
    "outstanding",
    "delinquen",
    "card",
    "wire",
    "transfer",
    "fund",
    "refund",
    "interest",
    "discount",
    "offer",
    "pag",
    "deb",
    "adeud",
    "saldo",
    "monto",
    "cuota",
    "abon",
    "liquid",
    "vencid",
    "cantidad",
    "plazo",
    "tarjeta",
    "dolar",
    "dinero",
    "efectivo",
    "oferta",
    "descuento",
    "arregl",
    "resolver",
];

/// Whole words of the same.
const WORDS: &[&str] = &[
    "due", "bill", "bills", "check", "checks", "cheque", "sum", "cost", "costs", "fee", "fees", "http",
    "https", "www",
];

/// Amounts in words, which nobody else is told: whoever writes them speaks of money.
const NUMBER_WORDS: &[&str] = &[
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "hundreds",
    "thousand",
    "grand",
    "half",
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
    "doscientos",
    "trescientos",
    "cuatrocientos",
    "quinientos",
    "mil",
    "mitad",
];

/// What presses or invites to something without a word of money: whoever may not be asked to pay may not be asked to "take care
/// of this" either.
const PRESSING: &[&[&str]] = &[
    &["take", "care", "of"],
    &["taken", "care", "of"],
    &["clear", "this"],
    &["clear", "it"],
    &["clear", "that"],
    &["clear", "up"],
    &["clear", "your"],
    &["sort", "this"],
    &["sort", "it"],
    &["work", "this", "out"],
    &["work", "something", "out"],
    &["work", "it", "out"],
    &["handle", "this"],
    &["handle", "it"],
    &["catch", "up"],
    &["hear", "back"],
    &["hear", "from", "you"],
    &["get", "back", "to", "us"],
    &["call", "us"],
    &["call", "me"],
    &["give", "us", "a", "call"],
    &["contact", "us"],
    &["reach", "out"],
    &["any", "news"],
    &["any", "update"],
    &["could", "you"],
    &["can", "you"],
    &["would", "you"],
    &["will", "you"],
    &["are", "you", "able"],
    &["when", "can"],
    &["when", "could"],
    &["when", "will"],
    &["could", "we"],
    &["can", "we"],
    &["let", "us", "talk"],
    &["need", "to"],
    &["have", "to"],
    &["must"],
    &["urgent"],
    &["urgently"],
    &["immediately"],
    &["asap"],
    &["today"],
    &["tonight"],
    &["tomorrow"],
    &["this", "week"],
    &["this", "month"],
    &["next", "week"],
    &["next", "month"],
    &["by", "monday"],
    &["by", "friday"],
    &["is", "monday"],
    &["is", "friday"],
    &["afford"],
    &["commit"],
    &["promise"],
    &["puede", "usted"],
    &["puedes"],
    &["podria"],
    &["podrias"],
    &["podemos"],
    &["cuando"],
    &["llamenos"],
    &["llameme"],
    &["llame"],
    &["comuniquese"],
    &["contactenos"],
    &["necesitamos"],
    &["necesita"],
    &["tiene", "que"],
    &["hoy"],
    &["manana"],
    &["esta", "semana"],
    &["este", "mes"],
    &["urgente"],
    &["cuanto", "antes"],
    &["ocuparse"],
    &["encargarse"],
];

/// A date has no day above this.
const LAST_DAY: i64 = 31;
const YEARS: std::ops::RangeInclusive<i64> = 1900..=2199;
/// What has more digits is no amount that somebody names in passing.
const MOST_AT_ONCE: i64 = 9_999;
const PARTS_OF_HOUSES: &[&str] = &[
    "suite",
    "ste",
    "apt",
    "apartment",
    "unit",
    "box",
    "floor",
    "room",
    "apartado",
    "piso",
    "oficina",
];

/// What every later message of a collector says is no demand, whatever its words begin with.
const HARMLESS: &[&str] = &["deuda", "deudas", "debt", "debts", "debtor", "debtors", "deudor"];

struct Paying;

impl Paying {
    fn is_of_paying(word: &str) -> bool {
        let begins = || STEMS.iter().any(|stem| word.starts_with(stem));
        !HARMLESS.contains(&word) && (WORDS.contains(&word) || begins())
    }
}

impl Lexicon for Paying {
    fn knows(&self, word: &str) -> bool {
        Self::is_of_paying(word)
    }

    fn matching(&self, mask: &[Mask]) -> Vec<String> {
        let fits = |word: &str, places: &[Mask]| {
            word.chars()
                .zip(places)
                .all(|(letter, place)| place.admits(letter))
        };
        let whole = WORDS
            .iter()
            .filter(|word| word.chars().count() == mask.len() && fits(word, mask));
        let begun = STEMS.iter().filter(|stem| {
            let length = stem.chars().count();
            length <= mask.len() && fits(stem, &mask[..length])
        });
        whole.chain(begun).map(|word| (*word).to_owned()).collect()
    }
}

/// Whether the final text demands payment; none where it speaks of paying and nobody can tell.
pub(super) fn payment_demand(text: &str) -> Option<bool> {
    if demands_payment(text) {
        return Some(true);
    }
    let read = Text::read(text, &Paying);
    let speaks_of_it = read.tokens.iter().any(|token| {
        token.is_money
            || std::iter::once(&token.word)
                .chain(&token.also)
                .any(|word| Paying::is_of_paying(word))
    });
    // A link may lead to a till, whatever the words say.
    let has_link = text.contains("://") || text.to_lowercase().contains("www.");
    (!speaks_of_it && !has_link && !presses(text, &read)).then_some(false)
}

/// Whether it asks for something by words that are not of paying, or names a number that may be an amount.
fn presses(text: &str, read: &Text) -> bool {
    let words: Vec<&str> = read.tokens.iter().map(|token| token.word.as_str()).collect();
    let names_amount = (0..read.tokens.len()).any(|nth| may_be_amount(text, read, nth));
    let presses = |phrase: &&[&str]| words.windows(phrase.len()).any(|at| at == *phrase);
    names_amount || PRESSING.iter().any(presses) || is_of_other_words(&words)
}

/// A number of no date, and of no address: a house has its street behind it, a box or a suite its name before it, and what has more
/// digits than an instalment is a ZIP code or a reference.
fn may_be_amount(text: &str, read: &Text, nth: usize) -> bool {
    let token = &read.tokens[nth];
    if NUMBER_WORDS.contains(&token.word.as_str()) {
        return true;
    }
    let Some(number) = token.hundredths.map(|hundredths| hundredths / 100) else {
        return false;
    };
    let begins_name = |next: &Token| text[next.start..].starts_with(char::is_uppercase);
    let is_house = read.tokens.get(nth + 1).is_some_and(begins_name);
    let before = nth.checked_sub(1).and_then(|before| read.tokens.get(before));
    let is_part_of_house = before.is_some_and(|word| PARTS_OF_HOUSES.contains(&word.word.as_str()));
    (LAST_DAY + 1..=MOST_AT_ONCE).contains(&number)
        && !YEARS.contains(&number)
        && !is_house
        && !is_part_of_house
}

/// Neither English nor Spanish, as far as its smallest words tell: nobody here can say what it asks for.
fn is_of_other_words(words: &[&str]) -> bool {
    const SMALLEST: &[&str] = &[
        "a", "an", "and", "are", "be", "been", "by", "for", "from", "has", "have", "here", "i", "in", "is",
        "it", "my", "no", "not", "of", "ok", "okay", "on", "our", "so", "sorry", "thank", "thanks", "that",
        "the", "this", "to", "us", "was", "we", "will", "with", "yes", "you", "your", "al", "con", "de",
        "del", "el", "en", "es", "esta", "este", "gracias", "la", "las", "le", "lo", "los", "mi", "nos",
        "para", "por", "que", "se", "si", "su", "sus", "un", "una", "usted", "y",
    ];
    !words.is_empty() && !words.iter().any(|word| SMALLEST.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_is_seen_in_either_language() {
        for demand in [
            "Please pay by Friday.",
            "p a y",
            "\"pay up\" is what they said",
            "Can you make a payment today?",
            "A payment of $50 would do.",
            "You owe $812.40.",
            "Your account is past due.",
            "Reply with the day on which you can pay. To pay, call us.",
            "We expect your payment by June 3.",
            "Shall we say in four?",
            "Usted debe $100.",
            "Por favor pague hoy.",
            "¿Cuándo puede pagar?",
            "Su saldo está vencido.",
        ] {
            assert_eq!(payment_demand(demand), Some(true), "{demand}");
        }
    }

    #[test]
    fn a_text_without_a_word_of_paying_demands_nothing() {
        for harmless in [
            "We have received your letter and will not contact you again. This communication is from a debt collector. \
             Reply STOP to opt out.",
            "Your dispute was received on June 3. You will hear from us by mail.",
            "Yes, we have your new address. Thank you.",
            "You asked for the original creditor: First Example Bank, 120 Main Street, Suite 400, Albany, NY 12207.",
            "Recibimos su carta. Esta comunicación es de un cobrador de deudas. Responda STOP para no recibir más mensajes.",
            "This is an attempt to collect a debt and any information obtained will be used for that purpose.",
        ] {
            assert_eq!(payment_demand(harmless), Some(false), "{harmless}");
        }
    }

    #[test]
    fn what_presses_without_a_word_of_paying_is_no_answer_without_a_demand() {
        for veiled in [
            "Is Friday good for the first fifty?",
            "Any news on the five hundred?",
            "Would you like to clear this up this week?",
            "We need to hear back from you today.",
            "Haben Sie das Geld?",
            "Could you manage 50 this month?",
            "So 50 it is.",
            "Can you take care of this today?",
            "Hello, this is about your account. When could we talk?",
            "Llámenos cuanto antes.",
            "¿Cuándo podemos hablar?",
        ] {
            assert_ne!(payment_demand(veiled), Some(false), "{veiled}");
        }
    }

    #[test]
    fn what_speaks_of_paying_and_may_be_harmless_is_left_open() {
        for unclear in [
            "You do not have to pay anything.",
            "No payment is due.",
            "Our records show a balance of $812.40 as of June 1.",
            "More here: https://portal.example/x",
            "It can be settled.",
            "Think of the p@yment",
            "Le escribimos por su saldo.",
        ] {
            assert_eq!(payment_demand(unclear), None, "{unclear}");
        }
    }
}
