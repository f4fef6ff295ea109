//! What the assistant says: our own words, with true values in their places. Pure.
//!
//! The words wait for counsel's sign-off (README, "The assistant"); whoever changes one counts [`VERSION`] up.

use chrono::NaiveDate;

use super::plan_options::{PlanKind, PlanOption};
use crate::platform::{language::day_in_words, money::Money};

/// Of the words below; stored with each answer.
pub const VERSION: i16 = 1;

/// Which of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wording {
    /// The plans that there could be.
    PaymentPlan,
    /// What is owed, to whom.
    Information,
    /// How to pay.
    MakePayment,
    /// That it is heard, and the lightest plans.
    Hardship,
    /// That a person takes over.
    Connecting,
    /// The same to somebody who is upset.
    ConnectingWithRegret,
}

impl Wording {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PaymentPlan => "PAYMENT_PLAN",
            Self::Information => "INFORMATION",
            Self::MakePayment => "MAKE_PAYMENT",
            Self::Hardship => "HARDSHIP",
            Self::Connecting => "CONNECTING",
            Self::ConnectingWithRegret => "CONNECTING_WITH_REGRET",
        }
    }
}

/// In which language.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    English,
    Spanish,
}

impl Language {
    /// Of a tag; English is written to everybody else.
    pub fn of(tag: &str) -> Self {
        match tag.split(['-', '_']).next() {
            Some("es") => Self::Spanish,
            _ => Self::English,
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    fn pick(self, english: &str, spanish: &str) -> String {
        match self {
            Self::English => english.to_owned(),
            Self::Spanish => spanish.to_owned(),
        }
    }
}

/// What stands in the places, all of it from the database.
#[derive(Clone, Debug)]
pub struct Values {
    pub first_name: Option<String>,
    pub business: String,
    /// Who is owed, or was at first.
    pub creditor: Option<String>,
    /// Whether that is who was owed at first.
    pub is_original_creditor: bool,
    /// The last characters of the account's number.
    pub ending: String,
    /// None where nothing is owed.
    pub balance: Option<Money>,
    pub due_date: Option<NaiveDate>,
    /// The business's telephone.
    pub phone: Option<String>,
    pub options: Vec<PlanOption>,
}

impl Values {
    /// The due date as it is said.
    pub(super) fn due_in_words(&self, language: Language) -> Option<String> {
        self.due_date.map(|day| day_in_words(day, language.tag()))
    }
}

/// The words; `None` where a value is missing that they need.
pub fn say(wording: Wording, language: Language, values: &Values) -> Option<String> {
    let greeting = greeting(language, values);
    let words = match wording {
        Wording::PaymentPlan => payment_plan(language, values)?,
        Wording::Information => information(language, values)?,
        Wording::MakePayment => make_payment(language, values)?,
        Wording::Hardship => hardship(language, values)?,
        Wording::Connecting => connecting(language),
        Wording::ConnectingWithRegret => {
            let sorry = language.pick("I am sorry for the trouble.", "Lamento las molestias.");
            format!("{sorry} {}", connecting(language))
        }
    };
    Some(format!("{greeting} {words}"))
}

/// That no person writes is said each time (rules of law: `ai-disclosure`).
fn greeting(language: Language, values: &Values) -> String {
    let business = &values.business;
    match (language, &values.first_name) {
        (Language::English, Some(name)) => {
            format!("Hi {name}, this is the automated assistant of {business}.")
        }
        (Language::English, None) => format!("Hello, this is the automated assistant of {business}."),
        (Language::Spanish, Some(name)) => {
            format!("Hola, {name}: le escribe el asistente automático de {business}.")
        }
        (Language::Spanish, None) => format!("Hola: le escribe el asistente automático de {business}."),
    }
}

fn connecting(language: Language) -> String {
    language.pick(
        "I'm connecting you with one of our specialists who can better assist you.",
        "Le comunico con uno de nuestros especialistas, que podrá ayudarle mejor.",
    )
}

fn owed(language: Language, values: &Values) -> Option<String> {
    let (balance, ending) = (values.balance?.shown(), &values.ending);
    Some(match language {
        Language::English => format!("The balance of your account ending in {ending} is {balance}."),
        Language::Spanish => format!("El saldo de su cuenta que termina en {ending} es de {balance}."),
    })
}

fn payment_plan(language: Language, values: &Values) -> Option<String> {
    let options = options(language, &values.options)?;
    let owed = owed(language, values)?;
    Some(match language {
        Language::English => format!(
            "{owed} Plans that one of us could set up with you: {options} Nothing is agreed yet: reply AGENT, and an agent \
             will set it up with you."
        ),
        Language::Spanish => format!(
            "{owed} Planes que podríamos preparar con usted: {options} Todavía no hay nada acordado: responda AGENTE y un \
             agente lo preparará con usted."
        ),
    })
}

fn hardship(language: Language, values: &Values) -> Option<String> {
    let mut lightest: Vec<PlanOption> = values.options.clone();
    lightest.reverse();
    lightest.truncate(2);
    let options = options(language, &lightest)?;
    let owed = owed(language, values)?;
    Some(match language {
        Language::English => format!(
            "I am sorry that things are hard right now, and thank you for telling us. {owed} Lighter plans that one of us \
             could set up with you: {options} Nothing is agreed yet: reply AGENT, and an agent will go through it with you."
        ),
        Language::Spanish => format!(
            "Lamento que esté pasando por un momento difícil, y gracias por decírnoslo. {owed} Planes más ligeros que \
             podríamos preparar con usted: {options} Todavía no hay nada acordado: responda AGENTE y un agente lo revisará \
             con usted."
        ),
    })
}

fn make_payment(language: Language, values: &Values) -> Option<String> {
    let owed = owed(language, values)?;
    let or_call = match (language, &values.phone) {
        (Language::English, Some(phone)) => format!(", or call us at {phone}"),
        (Language::Spanish, Some(phone)) => format!(", o llámenos al {phone}"),
        (_, None) => String::new(),
    };
    Some(match language {
        Language::English => format!(
            "Thank you. {owed} I cannot take a payment in this conversation: reply AGENT{or_call}, and an agent will help you."
        ),
        Language::Spanish => format!(
            "Gracias. {owed} No puedo recibir un pago en esta conversación: responda AGENTE{or_call}, y un agente le ayudará."
        ),
    })
}

fn information(language: Language, values: &Values) -> Option<String> {
    let owed = owed(language, values)?;
    let creditor = values
        .creditor
        .as_ref()
        .map(|name| match (language, values.is_original_creditor) {
            (Language::English, true) => format!(" The original creditor is {name}."),
            (Language::English, false) => format!(" The creditor is {name}."),
            (Language::Spanish, true) => format!(" El acreedor original es {name}."),
            (Language::Spanish, false) => format!(" El acreedor es {name}."),
        });
    let due = values.due_in_words(language).map(|day| match language {
        Language::English => format!(" The due date on record is {day}."),
        Language::Spanish => format!(" La fecha de vencimiento registrada es el {day}."),
    });
    let more = language.pick(
        "For anything else, reply AGENT to reach a person.",
        "Para cualquier otra cosa, responda AGENTE y le atenderá una persona.",
    );
    let (creditor, due) = (creditor.unwrap_or_default(), due.unwrap_or_default());
    Some(format!("{owed}{creditor}{due} {more}"))
}

fn options(language: Language, options: &[PlanOption]) -> Option<String> {
    let told: Option<Vec<String>> = options.iter().map(|plan| option(language, plan)).collect();
    told.filter(|told| !told.is_empty())
        .map(|told| format!("{}.", told.join("; ")))
}

fn option(language: Language, plan: &PlanOption) -> Option<String> {
    let (monthly, last) = (plan.monthly()?, plan.last()?);
    let name = match (plan.kind, language) {
        (PlanKind::Standard, Language::English) => "standard",
        (PlanKind::Standard, Language::Spanish) => "estándar",
        (PlanKind::Flexible, _) => "flexible",
        (PlanKind::Hardship, Language::English) => "hardship",
        (PlanKind::Hardship, Language::Spanish) => "por dificultades",
    };
    let down = match (plan.down_payment.is_zero(), language) {
        (true, Language::English) => "nothing down".to_owned(),
        (true, Language::Spanish) => "sin pago inicial".to_owned(),
        (false, Language::English) => format!("{} down", plan.down_payment.shown()),
        (false, Language::Spanish) => format!("{} de pago inicial", plan.down_payment.shown()),
    };
    let total = plan
        .installments
        .iter()
        .try_fold(plan.down_payment, |sum, amount| sum.checked_add(*amount))
        .ok()?
        .shown();
    let (count, monthly, last_shown) = (plan.installments.len(), monthly.shown(), last.shown());
    let months = match (language, count, monthly == last_shown) {
        (Language::English, 1, _) => format!("then {monthly} a month later"),
        (Language::Spanish, 1, _) => format!("y {monthly} un mes después"),
        (Language::English, _, true) => format!("then {count} monthly payments of {monthly}"),
        (Language::Spanish, _, true) => format!("y {count} pagos mensuales de {monthly}"),
        (Language::English, _, false) => {
            format!(
                "then {} monthly payments of {monthly} and a last one of {last_shown}",
                count - 1
            )
        }
        (Language::Spanish, _, false) => {
            format!(
                "y {} pagos mensuales de {monthly} y un último de {last_shown}",
                count - 1
            )
        }
    };
    Some(match language {
        Language::English => format!("{name}: {down}, {months}, {total} in all"),
        Language::Spanish => format!("{name}: {down}, {months}, {total} en total"),
    })
}
