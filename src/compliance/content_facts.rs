//! What the final text of a contact shows of itself: the labels of what may not be said, for the facts document.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Deserialize;

use super::{
    Contact,
    content::says_whole,
    debt_facts::Debts,
    facts::{Action, Content},
    prohibited::{Part, Period, ScanFacts, Scanned, Writer, scanner},
    rule_set::{RuleSet, StateRow},
    rules::time_barred_label,
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

/// What decides of the same words whether they may be said.
pub(super) struct ScanContext<'a> {
    pub(super) writer: Option<Writer>,
    pub(super) debts: &'a Debts,
    pub(super) period_ends_on: Option<NaiveDate>,
    pub(super) now: DateTime<Utc>,
}

/// The act with what was found in its text, and where it was found.
pub(super) fn with_scan(
    action: Action,
    contact: &Contact<'_>,
    row: &ContentRow,
    known: &ScanContext<'_>,
) -> (Action, Scanned<'static>) {
    let names: Vec<&str> = row.names.iter().flatten().map(String::as_str).collect();
    let (amounts, parts): (Vec<i64>, _) = (row.balance.into_iter().collect(), row.parts());
    let facts = ScanFacts {
        names: &names,
        period: period(known.period_ends_on, known.now),
        writer: known.writer,
        suit_authorised: Some(known.debts.is_suit_authorised()),
        is_medical: known.debts.is_medical(),
        fees: Some(&row.fees()),
        amounts: contact.account_id.map(|_| amounts.as_slice()),
        parts: &parts,
    };
    with_labels(action, contact.content, &facts)
}

/// The act with the labels of what a text says, and where it says it.
///
/// `threatens_suit` is set where a rule has a fact to judge a suit by: that it is authorised, or that the validation period
/// runs (12 CFR 1006.38(b)). A suit that nobody authorised is the label `unintended-legal-action`.
pub(super) fn with_labels(action: Action, text: &str, facts: &ScanFacts<'_>) -> (Action, Scanned<'static>) {
    let scanned = scanner().scan(text, facts);
    let is_judged = facts.suit_authorised == Some(true) || facts.period == Period::Running;
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
        writer: facts.writer,
        ..action
    };
    (action, scanned)
}

/// The act with a label for each state whose own words of a time-barred debt its text carries.
pub(super) fn with_state_texts(action: Action, text: &str, rule_set: &RuleSet) -> Action {
    let carries = |row: &&StateRow| row.time_barred_texts.iter().any(|words| says_whole(text, words));
    let labels = rule_set.states().filter(carries).map(time_barred_label);
    let mut content = action.content.unwrap_or_default();
    content.extra.get_or_insert_default().extend(labels);
    Action {
        content: Some(content),
        ..action
    }
}

impl ContentRow {
    /// What is not the balance, each as what it is (15 USC 1692e(2)).
    fn parts(&self) -> Vec<(Part, i64)> {
        const PARTS: [Part; 4] = [Part::Principal, Part::Interest, Part::Fees, Part::Costs];
        let original = self.original.map(|amount| (Part::Original, amount));
        let components = PARTS.into_iter().zip(self.components.into_iter().flatten());
        original
            .into_iter()
            .chain(components.filter(|(_, amount)| *amount > 0))
            .collect()
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
