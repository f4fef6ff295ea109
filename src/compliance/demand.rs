//! Whether a text demands payment: what 15 USC 1692c(c) lets through after a cease, and 1692c(a)(2) to somebody with an
//! attorney, is an answer without a demand. Nobody has to find every demand: only a text that has no word of paying in it, in
//! whatever disguise, is one without.

use super::language::{Lexicon, Mask, Text};
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
    (!speaks_of_it && !has_link).then_some(false)
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
            "Recibimos su carta. Esta comunicación es de un cobrador de deudas. Responda STOP para no recibir más mensajes.",
            "This is an attempt to collect a debt and any information obtained will be used for that purpose.",
        ] {
            assert_eq!(payment_demand(harmless), Some(false), "{harmless}");
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
