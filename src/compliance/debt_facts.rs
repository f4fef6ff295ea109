//! What the gate knows of the debt that a contact is about.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

use super::{Contact, facts::Debt, suits::is_time_barred};
use crate::{
    accounts::DebtType,
    platform::ids::{self, IdKind},
};

/// What the statement of `gather` brings of the account; all null without one.
#[derive(Deserialize)]
pub(super) struct DebtRow {
    status: Option<String>,
    debt_type: Option<String>,
    /// The last record of a suit's authority.
    suit: Option<SuitJson>,
}

#[derive(Deserialize)]
struct SuitJson {
    stands: bool,
    limitation_expires_on: NaiveDate,
}

impl DebtRow {
    /// The debts of the document; none where the contact is about no one account.
    ///
    /// Whether it is time-barred is known from the last record alone, standing or not: of a debt that nobody means to sue for
    /// nobody has said when the period ends, and it is never derived (rule table, limitation periods).
    pub(super) fn debts(&self, contact: &Contact<'_>, now: DateTime<Utc>) -> Option<BTreeMap<String, Debt>> {
        let id = ids::encode(IdKind::Account, contact.account_id?);
        let debt = Debt {
            debt_type: self.debt_type().map(|kind| kind.as_str().to_lowercase()),
            paid: Some(self.status.as_deref() == Some("PAID_IN_FULL")),
            suit_authorised: Some(self.is_suit_authorised()),
            time_barred: self
                .suit
                .as_ref()
                .map(|suit| is_time_barred(suit.limitation_expires_on, now)),
            ..Debt::default()
        };
        Some(BTreeMap::from([(id, debt)]))
    }

    pub(super) fn is_suit_authorised(&self) -> bool {
        self.suit.as_ref().is_some_and(|suit| suit.stands)
    }

    /// Whether the debt is one for medical care; nobody knows where nobody has said what it is for.
    pub(super) fn is_medical(&self) -> Option<bool> {
        self.debt_type().map(|kind| kind == DebtType::Medical)
    }

    fn debt_type(&self) -> Option<DebtType> {
        self.debt_type.as_deref().and_then(DebtType::parse)
    }
}
