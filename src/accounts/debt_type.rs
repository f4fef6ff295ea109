//! What a debt is for.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

/// What a debt is for. Rules look at it: a medical debt is written of without clinical detail (45 CFR 164.502(b)), and where
/// nobody has said what a debt is for it is taken for one.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DebtType {
    /// A loan for a vehicle, or its lease.
    AutoLoan,
    /// A debt of a trade or business for which a natural person answers.
    Commercial,
    /// A credit card.
    CreditCard,
    /// Medical care: a doctor, a hospital, an ambulance, medicine.
    Medical,
    /// A loan on a house or land.
    Mortgage,
    /// Known, and none of the others.
    Other,
    /// A short loan against the next wages.
    PaydayLoan,
    /// A loan to a person for no one purpose.
    PersonalLoan,
    /// Rent of a home, and what is owed to its landlord.
    Rent,
    /// Goods that a store sold on credit.
    Retail,
    /// A loan for education, private or federal. Several that are serviced under one account number are one debt (comment
    /// 14(b)(4)-1 to 12 CFR 1006.14), and one account here.
    StudentLoan,
    /// Telephone, internet, television.
    Telecommunications,
    /// Electricity, gas, water, heating.
    Utility,
}

impl DebtType {
    const ALL: [Self; 13] = [
        Self::AutoLoan,
        Self::Commercial,
        Self::CreditCard,
        Self::Medical,
        Self::Mortgage,
        Self::Other,
        Self::PaydayLoan,
        Self::PersonalLoan,
        Self::Rent,
        Self::Retail,
        Self::StudentLoan,
        Self::Telecommunications,
        Self::Utility,
    ];

    /// As the database and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AutoLoan => "AUTO_LOAN",
            Self::Commercial => "COMMERCIAL",
            Self::CreditCard => "CREDIT_CARD",
            Self::Medical => "MEDICAL",
            Self::Mortgage => "MORTGAGE",
            Self::Other => "OTHER",
            Self::PaydayLoan => "PAYDAY_LOAN",
            Self::PersonalLoan => "PERSONAL_LOAN",
            Self::Rent => "RENT",
            Self::Retail => "RETAIL",
            Self::StudentLoan => "STUDENT_LOAN",
            Self::Telecommunications => "TELECOMMUNICATIONS",
            Self::Utility => "UTILITY",
        }
    }

    /// The reverse of [`DebtType::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// As a person writes it into a file: `credit card`, `Credit-Card` and `CREDIT_CARD` are one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let word: String = text
            .trim()
            .chars()
            .map(|c| {
                if matches!(c, ' ' | '-') {
                    '_'
                } else {
                    c.to_ascii_uppercase()
                }
            })
            .collect();
        Self::parse(&word)
    }

    /// Every word, as a sentence for those who wrote another one.
    pub(super) fn choices() -> String {
        let words: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
        format!("Give one of {}.", words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_again_however_it_is_written() {
        for kind in DebtType::ALL {
            assert_eq!(DebtType::parse(kind.as_str()), Some(kind));
            assert_eq!(
                DebtType::read(&format!(" {} ", kind.as_str().to_lowercase().replace('_', " "))),
                Some(kind)
            );
            assert_eq!(
                serde_json::to_value(kind).unwrap(),
                serde_json::Value::from(kind.as_str())
            );
        }
        assert_eq!(DebtType::read("gambling"), None);
        assert!(DebtType::choices().contains("MEDICAL"));
    }
}
