//! What the row says of the parts of its balance, and of the day on which they were those.

use super::{Field, ImportFindingCode, ParsedComponents, Reading};
use crate::accounts::import::values::parse_date;
use crate::accounts::{Channel, ItemizationEvent};

const AMOUNTS: [Field; 4] = [Field::Principal, Field::Interest, Field::Fees, Field::Costs];

impl Reading<'_> {
    /// The parts of the balance, if the row tells of any: then of all of them that are not zero, which sum to the balance,
    /// with the day and what happened on it (12 CFR 1006.34(b)(3)).
    pub(super) fn components(&mut self, balance: Option<i64>) -> Option<ParsedComponents> {
        let told: Vec<(Field, usize)> = [
            Field::Principal,
            Field::Interest,
            Field::Fees,
            Field::Costs,
            Field::ItemizationDate,
            Field::ItemizationEvent,
        ]
        .into_iter()
        .filter_map(|field| self.cell(field).map(|(place, _)| (field, place)))
        .collect();
        let (_, first) = *told.first()?;
        let is_told = |wanted: Field| told.iter().any(|(field, _)| *field == wanted);
        if !AMOUNTS.iter().any(|field| is_told(*field)) {
            let message = "Give what the balance is made of, too: principal, interest, fees and costs.";
            self.find(Some(first), ImportFindingCode::MissingValue, message);
            return None;
        }
        let before = self.findings.len();
        let [principal, interest, fees, costs] = AMOUNTS.map(|field| self.amount(field).unwrap_or_default());
        let (date, event) = (self.itemization_date(), self.itemization_event());
        for (field, is_there, message) in [
            (
                Field::ItemizationDate,
                is_told(Field::ItemizationDate),
                "Give the day on which the balance was made of this, too.",
            ),
            (
                Field::ItemizationEvent,
                is_told(Field::ItemizationEvent),
                "Say which day that is, too: last statement, charge off, last payment, transaction or judgment.",
            ),
        ] {
            if !is_there {
                let columns = &self.parser.columns;
                let place = columns.iter().position(|column| column.field == field);
                self.find(place.or(Some(first)), ImportFindingCode::MissingValue, message);
            }
        }
        if self.findings.len() > before {
            return None;
        }
        let parts = [principal, interest, fees, costs];
        let sum = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(*part));
        // A balance that cannot be read has a finding of its own.
        if balance.is_some() && sum != balance {
            let message =
                "Principal, interest, fees and costs have to sum to the current balance, to the cent.";
            self.find(Some(first), ImportFindingCode::InvalidAmount, message);
            return None;
        }
        Some(ParsedComponents {
            principal_minor: principal,
            interest_minor: interest,
            fees_minor: fees,
            costs_minor: costs,
            itemization_date: date?,
            itemization_event: event?.as_str().to_owned(),
        })
    }

    fn itemization_date(&mut self) -> Option<chrono::NaiveDate> {
        let (place, cell) = self.cell(Field::ItemizationDate)?;
        // One that has come somewhere on earth is let pass, as by `BalanceComponents::check`.
        let latest = self.parser.today.succ_opt().unwrap_or(self.parser.today);
        let date = parse_date(&cell).filter(|date| *date <= latest);
        if date.is_none() {
            let message =
                "Give a date since 1900 that has come, such as 2026-01-31 or 01/31/2026 (month first).";
            self.find(Some(place), ImportFindingCode::InvalidDate, message);
        }
        date
    }

    fn itemization_event(&mut self) -> Option<ItemizationEvent> {
        let (place, cell) = self.cell(Field::ItemizationEvent)?;
        let key = letters(&cell);
        let event = match key.trim_end_matches("date") {
            "laststatement" | "statement" | "lastinvoice" => Some(ItemizationEvent::LastStatement),
            "chargeoff" | "chargedoff" => Some(ItemizationEvent::ChargeOff),
            "lastpayment" | "payment" => Some(ItemizationEvent::LastPayment),
            "transaction" => Some(ItemizationEvent::Transaction),
            "judgment" | "judgement" => Some(ItemizationEvent::Judgment),
            _ => None,
        };
        if event.is_none() {
            let message = "Write last statement, charge off, last payment, transaction or judgment.";
            self.find(Some(place), ImportFindingCode::InvalidChoice, message);
        }
        event
    }

    /// How the person prefers to be contacted.
    pub(super) fn preferred_channel(&mut self) -> Option<Channel> {
        let (place, cell) = self.cell(Field::PreferredChannel)?;
        let channel = match letters(&cell).as_str() {
            "sms" | "text" | "texts" | "textmessage" => Some(Channel::Sms),
            "whatsapp" => Some(Channel::WhatsApp),
            "email" | "mail" => Some(Channel::Email),
            "webchat" | "chat" => Some(Channel::WebChat),
            "voice" | "phone" | "call" | "calls" | "telephone" => Some(Channel::Voice),
            _ => None,
        };
        if channel.is_none() {
            let message = "Write text, WhatsApp, email, chat or phone.";
            self.find(Some(place), ImportFindingCode::InvalidChoice, message);
        }
        channel
    }
}

/// Without spaces and signs, in lower case.
fn letters(cell: &str) -> String {
    cell.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
