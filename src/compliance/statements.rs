//! What somebody states of themselves or of the debtor in an inbound text, in plain English or Spanish: that they went
//! bankrupt, died, have an attorney, are somebody else; that they will not pay, or cannot. In doubt it is read as stated:
//! a hold that a person lifts again costs less than one that was not set.

use super::keywords::{contains_any, own_words, without_phrases};

/// What was stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    /// A petition was filed.
    Bankruptcy,
    /// Somebody has died.
    Deceased,
    /// An attorney represents them.
    Attorney,
    /// The debt comes of identity theft.
    IdentityTheft,
    /// The number reaches somebody else.
    WrongParty,
    /// They are on active duty.
    ActiveDuty,
    /// They are under age.
    Minor,
}

const BANKRUPTCY: &[&str] = &[
    "filed bankruptcy",
    "filed for bankruptcy",
    "filed a bankruptcy",
    "filed chapter",
    "filed for chapter",
    "declared bankruptcy",
    "in bankruptcy",
    "went bankrupt",
    "am bankrupt",
    "im bankrupt",
    "my bankruptcy",
    "bankruptcy case",
    "bankruptcy petition",
    "bankruptcy court",
    "bankruptcy attorney",
    "bankruptcy lawyer",
    "discharged in",
    "chapter 7",
    "chapter 13",
    "chapter 11",
    "en bancarrota",
    "de bancarrota",
    "la bancarrota",
    "declare bancarrota",
    "capitulo 7",
    "capitulo 13",
];

const NO_BANKRUPTCY: &[&str] = &[
    "not in bankruptcy",
    "not filed bankruptcy",
    "not filed for bankruptcy",
    "havent filed bankruptcy",
    "havent filed for bankruptcy",
    "not bankrupt",
    "no estoy en bancarrota",
];

const DECEASED: &[&str] = &[
    "passed away",
    "is deceased",
    "was deceased",
    "are deceased",
    "has died",
    "he died",
    "she died",
    "they died",
    "husband died",
    "wife died",
    "mother died",
    "mom died",
    "father died",
    "dad died",
    "son died",
    "daughter died",
    "brother died",
    "sister died",
    "grandmother died",
    "grandfather died",
    "he is dead",
    "she is dead",
    "hes dead",
    "shes dead",
    "died last",
    "died in",
    "died on",
    "fallecio",
    "ha fallecido",
    "fallecida",
    "fallecido",
    "ha muerto",
    "se murio",
];

const NOT_DECEASED: &[&str] = &[
    "phone died in",
    "phone died on",
    "car died on",
    "car died in",
    "battery died on",
    "battery died in",
    "dog passed away",
    "cat passed away",
    "dog died in",
    "dog died on",
    "dog died last",
    "cat died in",
    "cat died on",
    "cat died last",
    "car died last",
    "phone died last",
    "not deceased",
];

const ATTORNEY: &[&str] = &[
    "my attorney",
    "my lawyer",
    "my attorneys",
    "my lawyers",
    "our attorney",
    "our lawyer",
    "his attorney",
    "her attorney",
    "his lawyer",
    "her lawyer",
    "have an attorney",
    "have a lawyer",
    "got a lawyer",
    "got an attorney",
    "hired a lawyer",
    "hired an attorney",
    "retained a lawyer",
    "retained an attorney",
    "retained counsel",
    "represented by",
    "mi abogado",
    "mi abogada",
    "tengo abogado",
    "tengo abogada",
    "tengo un abogado",
    "tengo una abogada",
    "contrate un abogado",
    "me representa",
];

const NO_ATTORNEY: &[&str] = &[
    "dont have an attorney",
    "do not have an attorney",
    "dont have a lawyer",
    "do not have a lawyer",
    "should i have a lawyer",
    "do i have to have a lawyer",
    "if i have a lawyer",
    "not represented by",
    "no tengo abogado",
    "no tengo un abogado",
];

const IDENTITY_THEFT: &[&str] = &[
    "identity theft",
    "identity thief",
    "stole my identity",
    "stolen identity",
    "identity was stolen",
    "opened this account in my name",
    "opened an account in my name",
    "opened it in my name",
    "used my name",
    "used my social",
    "fraudulent account",
    "robo de identidad",
    "robaron mi identidad",
    "robaron la identidad",
    "robo mi identidad",
];

const WRONG_PARTY: &[&str] = &[
    "wrong number",
    "wrong person",
    "wrong party",
    "no one by that name",
    "no one here by that name",
    "nobody by that name",
    "nobody here by that name",
    "dont know that person",
    "dont know this person",
    "dont know who that is",
    "do not know this person",
    "not the person you are looking for",
    "im not him",
    "im not her",
    "i am not him",
    "i am not her",
    "this isnt him",
    "this isnt her",
    "this is not him",
    "this is not her",
    "numero equivocado",
    "equivocado de numero",
    "equivoco de numero",
    "persona equivocada",
    "no soy esa persona",
    "no conozco a esa persona",
    "no soy la persona",
];

const NOT_WRONG_PARTY: &[&str] = &[
    "not the wrong number",
    "not a wrong number",
    "gave the wrong number",
    "gave you the wrong number",
    "called the wrong number",
    "call the wrong number",
    "is this the wrong number",
];

const ACTIVE_DUTY: &[&str] = &[
    "active duty",
    "active military",
    "im deployed",
    "i am deployed",
    "is deployed",
    "been deployed",
    "got deployed",
    "deployment orders",
    "military orders",
    "servicemember",
    "service member",
    "servicio activo",
    "servicio militar",
];

const NOT_ON_DUTY: &[&str] = &["not on active duty", "no longer active duty", "not active duty"];

const MINOR: &[&str] = &[
    "im a minor",
    "i am a minor",
    "is a minor",
    "im under 18",
    "i am under 18",
    "im not 18",
    "i am not 18",
    "im underage",
    "soy menor de edad",
    "soy menor",
    "es menor de edad",
];

const REFUSAL: &[&str] = &[
    "refuse to pay",
    "refusing to pay",
    "will not pay",
    "wont pay",
    "not going to pay",
    "not gonna pay",
    "never going to pay",
    "never gonna pay",
    "will never pay",
    "im not paying",
    "i am not paying",
    "aint paying",
    "niego a pagar",
    "no voy a pagar",
    "no vamos a pagar",
    "no pagare",
    "no pienso pagar",
    "nunca voy a pagar",
];

/// Words after which a refusal is one of a time or an amount, not of the debt.
const NO_REFUSAL_BEFORE: &[&str] = &[
    "until",
    "till",
    "til",
    "before",
    "late",
    "today",
    "tomorrow",
    "tonight",
    "this",
    "attention",
    "twice",
    "that",
    "more",
    "hasta",
    "antes",
    "tarde",
    "hoy",
    "manana",
    "esta",
    "este",
    "mas",
];

const INABILITY: &[&str] = &[
    "cant pay",
    "cannot pay",
    "can not pay",
    "couldnt pay",
    "unable to pay",
    "not able to pay",
    "wont be able to pay",
    "cant afford",
    "cannot afford",
    "dont have the money",
    "do not have the money",
    "dont have any money",
    "dont have money",
    "have no money",
    "lost my job",
    "got laid off",
    "cant make this month",
    "cant make the payment",
    "no puedo pagar",
    "no tengo dinero",
    "no tengo el dinero",
    "no me alcanza",
    "perdi mi trabajo",
    "perdi el trabajo",
];

/// Everything that the text states, in a fixed order.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let words = own_words(text);
    let states =
        |phrases: &[&str], but_not: &[&str]| contains_any(&without_phrases(&words, but_not), phrases);
    [
        (Statement::Bankruptcy, states(BANKRUPTCY, NO_BANKRUPTCY)),
        (Statement::Deceased, states(DECEASED, NOT_DECEASED)),
        (Statement::Attorney, states(ATTORNEY, NO_ATTORNEY)),
        (Statement::IdentityTheft, states(IDENTITY_THEFT, &[])),
        (Statement::WrongParty, states(WRONG_PARTY, NOT_WRONG_PARTY)),
        (Statement::ActiveDuty, states(ACTIVE_DUTY, NOT_ON_DUTY)),
        (Statement::Minor, states(MINOR, &[]) || tells_age_under_18(&words)),
    ]
    .into_iter()
    .filter_map(|(statement, is_stated)| is_stated.then_some(statement))
    .collect()
}

/// "I am 16", "im only 17 years old", "tengo 15 años"; not "I am 15 minutes away".
fn tells_age_under_18(words: &str) -> bool {
    let words: Vec<&str> = words.split(' ').collect();
    (0..words.len()).any(|place| {
        let rest = match &words[place..] {
            ["im", "only", rest @ ..]
            | ["i", "am", "only", rest @ ..]
            | ["i", "am", rest @ ..]
            | ["im" | "tengo", rest @ ..] => rest,
            _ => return false,
        };
        let [age, after @ ..] = rest else { return false };
        let is_age = age.parse().is_ok_and(|age: u32| (5..18).contains(&age));
        let is_of_years = match words[place] {
            "tengo" => after.first() == Some(&"anos"),
            _ => after
                .first()
                .is_none_or(|word| matches!(*word, "years" | "yrs" | "year" | "yo" | "and" | "so")),
        };
        is_age && is_of_years
    })
}

/// They say that they will not pay the debt (12 CFR 1006.6(c)(1)).
pub(super) fn refuses_to_pay(text: &str) -> bool {
    let words = format!(" {} ", own_words(text));
    REFUSAL.iter().any(|phrase| {
        let phrase = format!(" {phrase} ");
        let mut ends = words
            .match_indices(&phrase)
            .map(|(place, found)| place + found.len());
        let refuses = |end: usize| {
            let next = words[end..].split(' ').next().unwrap_or_default();
            !NO_REFUSAL_BEFORE.contains(&next) || speaks_of_the_debt(&words[end..])
        };
        ends.any(refuses)
    })
}

/// "this debt", "that bill", "esta deuda".
fn speaks_of_the_debt(rest: &str) -> bool {
    let mut words = rest.split(' ');
    let points = words
        .next()
        .is_some_and(|word| matches!(word, "this" | "that" | "esta" | "este"));
    let next = words.next().unwrap_or_default();
    points
        && matches!(
            next,
            "" | "debt" | "bill" | "account" | "one" | "deuda" | "cuenta" | "thing" | "balance"
        )
}

/// They say that they have not the means.
pub(super) fn cannot_pay(text: &str) -> bool {
    contains_any(&own_words(text), INABILITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_is_read_in_both_languages() {
        for (text, statement) in [
            (
                "I filed for bankruptcy last month, case 26-10234",
                Statement::Bankruptcy,
            ),
            ("We filed Chapter 13", Statement::Bankruptcy),
            ("Estoy en bancarrota", Statement::Bankruptcy),
            ("He passed away in March", Statement::Deceased),
            ("My husband died", Statement::Deceased),
            ("Mi esposo falleció", Statement::Deceased),
            ("Talk to my lawyer", Statement::Attorney),
            ("I'm represented by counsel, Jane Roe", Statement::Attorney),
            ("Hable con mi abogada", Statement::Attorney),
            ("This is identity theft, I reported it", Statement::IdentityTheft),
            ("Me robaron la identidad", Statement::IdentityTheft),
            ("You have the wrong number", Statement::WrongParty),
            ("There is nobody here by that name", Statement::WrongParty),
            ("Número equivocado", Statement::WrongParty),
            ("I'm on active duty at Fort Hood", Statement::ActiveDuty),
            ("I am 16", Statement::Minor),
            ("I'm only 17 years old", Statement::Minor),
            ("tengo 15 años", Statement::Minor),
        ] {
            assert_eq!(statements(text), [statement], "{text:?}");
        }
    }

    #[test]
    fn what_only_sounds_alike_is_not_read() {
        for text in [
            "I don't want to go bankrupt over this",
            "I'm not bankrupt",
            "my phone died in the car",
            "my dog passed away",
            "I do not have a lawyer",
            "do I need a lawyer?",
            "you have the wrong amount",
            "I gave you the wrong number, here is the new one",
            "I am 15 minutes away",
            "I'm 17 days late, sorry",
            "tengo 15 dólares",
            "I can pay on the 13",
            "",
        ] {
            assert_eq!(statements(text), [], "{text:?}");
        }
    }

    #[test]
    fn not_being_able_to_pay_is_no_refusal() {
        for text in [
            "I refuse to pay",
            "I won't pay.",
            "I will not pay this debt",
            "I'm not paying you a cent",
            "No voy a pagar esta deuda",
            "me niego a pagar",
        ] {
            assert!(refuses_to_pay(text), "{text:?}");
        }
        for text in [
            "I can't pay right now",
            "I don't have the money until the 15th",
            "I lost my job and can't make this month",
            "I won't be able to pay",
            "I will not pay until Friday",
            "I won't pay late again",
            "no voy a pagar hasta el viernes",
            "I won't pay this week",
        ] {
            assert!(!refuses_to_pay(text), "{text:?}");
        }
        assert!(cannot_pay("I lost my job and can't make this month"));
        assert!(!cannot_pay("I quit my job last month and money is tight"));
    }
}
