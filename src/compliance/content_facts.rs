//! What the final text of a contact shows of itself: the labels of what may not be said, for the facts document.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Deserialize;

use super::{
    Contact,
    facts::{Action, Content},
    prohibited::{Period, ScanFacts, Scanned, scanner},
};

/// What the statement of `gather` brings for the scan.
#[derive(Deserialize)]
pub(super) struct ContentRow {
    /// Of the person's records, the business, the creditors; null where there is none.
    names: Vec<Option<String>>,
    /// What the account's ledger has, in minor units; null without an account.
    balance: Option<i64>,
    original: Option<i64>,
    /// Principal, interest, fees and costs on the itemization date.
    components: Option<[i64; 4]>,
}

/// The act with what was found in its text, and where it was found.
///
/// `threatens_suit` is set where a rule has a fact to judge a suit by: that it is authorised, or that the validation period
/// runs (12 CFR 1006.38(b)). A suit that nobody authorised is the label `unintended-legal-action`.
pub(super) fn with_scan(
    action: Action,
    contact: &Contact<'_>,
    row: &ContentRow,
    period_ends_on: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> (Action, Scanned<'static>) {
    let names: Vec<&str> = row.names.iter().flatten().map(String::as_str).collect();
    let amounts = row.amounts();
    let period = period(period_ends_on, now);
    let facts = ScanFacts {
        names: &names,
        period,
        writer: contact.writer,
        // Nowhere is it recorded yet that a suit is meant, nor what a debt was for.
        suit_authorised: None,
        is_medical: None,
        fees: Some(&row.fees()),
        amounts: contact.account_id.map(|_| amounts.as_slice()),
    };
    let scanned = scanner().scan(contact.content, &facts);
    let is_judged = facts.suit_authorised == Some(true) || period == Period::Running;
    let content = Content {
        extra: Some(scanned.labels()),
        threatens_suit: match (scanned.speaks_of_suit, is_judged) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        },
        ..action.content.unwrap_or_default()
    };
    let action = Action {
        content: Some(content),
        ..action
    };
    (action, scanned)
}

impl ContentRow {
    fn amounts(&self) -> Vec<i64> {
        let mut amounts: Vec<i64> = self.balance.into_iter().chain(self.original).collect();
        amounts.extend(self.components.into_iter().flatten().filter(|amount| *amount > 0));
        amounts
    }

    /// Fees and costs that the agreement or a law brought into the balance.
    fn fees(&self) -> Vec<i64> {
        let [_, interest, fees, costs] = self.components.unwrap_or_default();
        [interest, fees, costs]
            .into_iter()
            .filter(|amount| *amount > 0)
            .collect()
    }
}

/// Where the period stands for a debtor of any zone: over once its last day is past everywhere.
fn period(ends_on: Option<NaiveDate>, now: DateTime<Utc>) -> Period {
    let Some(ends_on) = ends_on else {
        return Period::Unknown;
    };
    let past_everywhere = now.date_naive().checked_sub_days(Days::new(1));
    match past_everywhere.is_some_and(|today| today > ends_on) {
        true => Period::Over,
        false => Period::Running,
    }
}
