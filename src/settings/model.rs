//! The sections of a business's settings, as they are stored, and what fits into them.

use async_graphql::{InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    accounts::PostalAddress,
    platform::{
        email::EmailAddress,
        gql::{EmailAddressScalar, PhoneNumberScalar, TimeZoneScalar, UserError},
        money::{Currency, Money},
        phone::PhoneNumber,
    },
};

/// The languages in which required texts exist.
pub(super) const LANGUAGES: [&str; 2] = ["en", "es"];
/// A text message of ten segments (3GPP TS 23.038: 153 characters each) is long enough for any answer.
const LONGEST_AUTO_RESPONSE: usize = 1530;
const MOST_INSTALLMENTS: i32 = 120;
const MOST_GRACE_DAYS: i32 = 60;
/// A hundred percent.
const WHOLE_BASIS_POINTS: i32 = 10_000;

/// The company behind the business.
#[derive(Clone, Debug, Default, Deserialize, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "CompanyProfileInput")]
pub struct CompanyProfile {
    /// Its name in law, 1 to 200 characters.
    pub legal_name: Option<String>,
    /// Where debtors can call it.
    pub phone: Option<PhoneNumberScalar>,
    /// Where debtors can write to it.
    pub email: Option<EmailAddressScalar>,
    /// Its website: an http or https address.
    pub website: Option<String>,
    /// Its postal address.
    pub address: Option<PostalAddress>,
}

/// How the business shows itself.
#[derive(Clone, Debug, Default, Deserialize, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "BrandingInput")]
pub struct Branding {
    /// The name that debtors see, 1 to 100 characters.
    pub display_name: Option<String>,
    /// The main colour, `#RRGGBB`.
    pub color: Option<String>,
}

/// Where and in which languages the business works.
#[derive(Clone, Debug, Deserialize, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "BusinessLocaleInput")]
pub struct BusinessLocale {
    /// The business's own time zone; never a debtor's.
    pub time_zone: Option<TimeZoneScalar>,
    /// The languages in which it writes, the preferred one first: `en`, `es`.
    pub languages: Vec<String>,
}

impl Default for BusinessLocale {
    fn default() -> Self {
        Self {
            time_zone: None,
            languages: vec!["en".to_owned()],
        }
    }
}

/// What payment plans are offered on, unless somebody agrees otherwise.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct PaymentTerms {
    pub(super) max_installments: Option<i32>,
    pub(super) min_installment: Option<StoredMoney>,
    pub(super) min_down_payment_basis_points: Option<i32>,
    pub(super) grace_days: Option<i32>,
}

/// An amount in minor units.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct StoredMoney {
    minor: i64,
    currency: String,
}

impl From<Money> for StoredMoney {
    fn from(money: Money) -> Self {
        Self {
            minor: money.minor(),
            currency: money.currency().code().to_owned(),
        }
    }
}

impl StoredMoney {
    pub(super) fn money(&self) -> Option<Money> {
        let currency: Currency = self.currency.parse().ok()?;
        Some(Money::from_minor(self.minor, currency))
    }
}

/// One wording of the auto-response.
#[derive(Clone, Debug, Deserialize, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "AutoResponseTextInput")]
pub struct AutoResponseText {
    /// `en` or `es`.
    pub language: String,
    /// The text, 1 to 1,530 characters. Whoever has the number reads it: it says nothing of a debt.
    pub text: String,
}

/// What is answered when nobody is there.
#[derive(Clone, Debug, Default, Deserialize, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "AutoResponseInput")]
pub struct AutoResponse {
    /// Whether it is on. Then there is a text in every language of the business.
    pub enabled: bool,
    /// Its wordings, one for each language.
    pub texts: Vec<AutoResponseText>,
}

/// The least and the most confidence, in percent, below which a business may have the assistant hand over.
const CONFIDENCE: std::ops::RangeInclusive<i32> = 50..=95;
const USUAL_CONFIDENCE: i32 = 70;

/// What the assistant does: it answers what debtors write where no member of staff does.
#[derive(Clone, Debug, Deserialize, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "AssistantSettingsInput")]
#[serde(default)]
pub struct AssistantSettings {
    /// Whether it is on. It answers in threads of nobody's; in those of an agent who does not work now where `autoResponse` is on
    /// too, and never where an agent works.
    pub enabled: bool,
    /// Below this confidence, in percent, it answers nothing and hands the thread to a person: 50 to 95.
    pub min_confidence: i32,
    /// Whether one upset message is enough to hand the thread to a person; otherwise the second in a row is. A hostile one always
    /// is.
    pub strict: bool,
}

impl Default for AssistantSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            min_confidence: USUAL_CONFIDENCE,
            strict: false,
        }
    }
}

/// Who is asked about the bills of the business itself.
#[derive(Clone, Debug, Deserialize, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "BillingContactInput")]
pub struct BillingContact {
    /// Their name, 1 to 200 characters.
    pub name: String,
    /// Their e-mail address.
    pub email: EmailAddressScalar,
    /// Their telephone number.
    pub phone: Option<PhoneNumberScalar>,
}

/// Everything that is stored as documents, without the billing contact.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sections {
    pub(super) company: CompanyProfile,
    pub(super) branding: Branding,
    pub(super) locale: BusinessLocale,
    pub(super) payment_terms: PaymentTerms,
    pub(super) auto_response: AutoResponse,
    pub(super) assistant: AssistantSettings,
}

/// Collects what does not fit.
#[derive(Default)]
pub(super) struct Complaints(pub(super) Vec<UserError>);

impl Complaints {
    pub(super) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(UserError::invalid(field, message));
    }

    fn text(&mut self, field: &str, text: Option<&String>, longest: usize) {
        if let Some(text) = text
            && (!(1..=longest).contains(&text.trim().chars().count()) || text.chars().any(char::is_control))
        {
            self.add(
                field,
                format!("Fill this in with 1 to {longest} characters, or leave it out."),
            );
        }
    }

    fn phone(&mut self, field: &str, phone: &mut Option<PhoneNumberScalar>) {
        let Some(given) = phone else { return };
        match PhoneNumber::parse_lenient(&given.0, "US") {
            Ok(number) => given.0 = number.as_e164().to_owned(),
            Err(error) => self.add(field, error.to_string()),
        }
    }

    fn email(&mut self, field: &str, email: &EmailAddressScalar) {
        if let Err(error) = EmailAddress::parse(&email.0) {
            self.add(field, error.to_string());
        }
    }

    fn within(&mut self, field: &str, value: Option<i32>, range: std::ops::RangeInclusive<i32>) {
        if value.is_some_and(|value| !range.contains(&value)) {
            self.add(
                field,
                format!(
                    "Give a whole number from {} to {}, or null.",
                    range.start(),
                    range.end()
                ),
            );
        }
    }
}

impl Sections {
    /// Checks what was put in, and brings numbers into their one spelling.
    pub(super) fn check(&mut self, complaints: &mut Complaints) {
        self.check_company(complaints);
        complaints.text("branding.displayName", self.branding.display_name.as_ref(), 100);
        if let Some(color) = &self.branding.color
            && !is_color(color)
        {
            complaints.add("branding.color", "Give a colour such as `#1A73E8`, or null.");
        }
        self.check_locale(complaints);
        let terms = &self.payment_terms;
        complaints.within(
            "paymentTerms.maxInstallments",
            terms.max_installments,
            1..=MOST_INSTALLMENTS,
        );
        complaints.within(
            "paymentTerms.minDownPaymentBasisPoints",
            terms.min_down_payment_basis_points,
            0..=WHOLE_BASIS_POINTS,
        );
        complaints.within("paymentTerms.graceDays", terms.grace_days, 0..=MOST_GRACE_DAYS);
        if terms
            .min_installment
            .as_ref()
            .is_some_and(|money| money.minor <= 0)
        {
            complaints.add(
                "paymentTerms.minInstallment.amount",
                "Give an amount above zero, or null.",
            );
        }
        self.check_auto_response(complaints);
        if !CONFIDENCE.contains(&self.assistant.min_confidence) {
            let (least, most) = (CONFIDENCE.start(), CONFIDENCE.end());
            let message = format!("Give a whole number from {least} to {most}.");
            complaints.add("assistant.minConfidence", message);
        }
    }

    fn check_company(&mut self, complaints: &mut Complaints) {
        let company = &mut self.company;
        complaints.text("company.legalName", company.legal_name.as_ref(), 200);
        complaints.phone("company.phone", &mut company.phone);
        if let Some(email) = &company.email {
            complaints.email("company.email", email);
        }
        if let Some(website) = &company.website {
            let is_web = website.len() <= 2000
                && Url::parse(website).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
            if !is_web {
                complaints.add(
                    "company.website",
                    "Give an address such as `https://example.com`, or null.",
                );
            }
        }
        if let Some(address) = &mut company.address {
            for (field, part) in [
                ("line1", &address.line1),
                ("line2", &address.line2),
                ("city", &address.city),
                ("state", &address.state),
                ("postalCode", &address.postal_code),
                ("country", &address.country),
            ] {
                complaints.text(&format!("company.address.{field}"), part.as_ref(), 200);
            }
            match address.normalised() {
                Ok(normalised) => *address = normalised,
                Err(problem) => {
                    complaints.add(&format!("company.address.{}", problem.field), problem.message);
                }
            }
        }
    }

    fn check_locale(&self, complaints: &mut Complaints) {
        let locale = &self.locale;
        if locale
            .time_zone
            .as_ref()
            .is_some_and(|zone| zone.0.parse::<chrono_tz::Tz>().is_err())
        {
            complaints.add(
                "locale.timeZone",
                "Give a time zone such as `America/New_York`, or null.",
            );
        }
        let known = locale
            .languages
            .iter()
            .all(|language| LANGUAGES.contains(&language.as_str()));
        if locale.languages.is_empty() || !known || repeats(locale.languages.iter()) {
            complaints.add(
                "locale.languages",
                "Name one or both of `en` and `es`, each once.",
            );
        }
    }

    fn check_auto_response(&self, complaints: &mut Complaints) {
        let response = &self.auto_response;
        let known = response
            .texts
            .iter()
            .all(|text| LANGUAGES.contains(&text.language.as_str()));
        if !known || repeats(response.texts.iter().map(|text| &text.language)) {
            complaints.add(
                "autoResponse.texts",
                "Give at most one text for each of `en` and `es`.",
            );
        }
        for wording in &response.texts {
            let length = wording.text.trim().chars().count();
            let has_controls = wording
                .text
                .chars()
                .any(|letter| letter.is_control() && letter != '\n');
            if !(1..=LONGEST_AUTO_RESPONSE).contains(&length) || has_controls {
                complaints.add(
                    "autoResponse.texts",
                    format!("Fill every text in with 1 to {LONGEST_AUTO_RESPONSE} characters."),
                );
            }
        }
        let lacking = self
            .locale
            .languages
            .iter()
            .find(|language| !response.texts.iter().any(|text| text.language == **language));
        if let Some(language) = lacking.filter(|_| response.enabled) {
            complaints.add(
                "autoResponse.texts",
                format!("Give a text in `{language}` before you switch the auto-response on."),
            );
        }
    }
}

/// Checks a billing contact and brings its number into its one spelling.
pub(super) fn check_billing_contact(contact: &mut BillingContact, complaints: &mut Complaints) {
    complaints.text("billingContact.name", Some(&contact.name), 200);
    complaints.email("billingContact.email", &contact.email);
    complaints.phone("billingContact.phone", &mut contact.phone);
}

fn repeats<'a>(words: impl Iterator<Item = &'a String>) -> bool {
    let mut seen = Vec::new();
    for word in words {
        if seen.contains(&word) {
            return true;
        }
        seen.push(word);
    }
    false
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(mut sections: Sections) -> Vec<String> {
        let mut complaints = Complaints::default();
        sections.check(&mut complaints);
        complaints
            .0
            .into_iter()
            .map(|error| error.field.unwrap()[1..].join("."))
            .collect()
    }

    #[test]
    fn what_does_not_fit_is_named_field_by_field() {
        assert_eq!(fields(Sections::default()), Vec::<String>::new());
        let wrong = Sections {
            company: CompanyProfile {
                legal_name: Some("\u{0}".to_owned()),
                website: Some("javascript:alert(1)".to_owned()),
                ..CompanyProfile::default()
            },
            branding: Branding {
                display_name: Some(" ".to_owned()),
                color: Some("red".to_owned()),
            },
            locale: BusinessLocale {
                time_zone: Some(TimeZoneScalar("Nowhere".to_owned())),
                languages: vec!["en".to_owned(), "en".to_owned()],
            },
            payment_terms: PaymentTerms {
                max_installments: Some(0),
                min_installment: Some(StoredMoney {
                    minor: 0,
                    currency: "USD".to_owned(),
                }),
                min_down_payment_basis_points: Some(10_001),
                grace_days: Some(-1),
            },
            auto_response: AutoResponse {
                enabled: true,
                texts: Vec::new(),
            },
            assistant: AssistantSettings {
                min_confidence: 49,
                ..AssistantSettings::default()
            },
        };
        assert_eq!(
            fields(wrong),
            [
                "company.legalName",
                "company.website",
                "branding.displayName",
                "branding.color",
                "locale.timeZone",
                "locale.languages",
                "paymentTerms.maxInstallments",
                "paymentTerms.minDownPaymentBasisPoints",
                "paymentTerms.graceDays",
                "paymentTerms.minInstallment.amount",
                "autoResponse.texts",
                "assistant.minConfidence",
            ]
        );
    }
}
