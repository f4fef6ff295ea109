//! SQL of the assistant.

use chrono::NaiveDate;
use uuid::Uuid;

use super::triage::{HandOff, Intent, Triage};
use super::wording::{VERSION, Wording};
use crate::platform::{
    db::{DbError, TenantTx},
    money::{Currency, Money},
};

/// What became of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Answered,
    HandedOver(HandOff),
    /// It wants no answer of the assistant's.
    Left,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "ANSWERED",
            Self::HandedOver(_) => "HANDED_OVER",
            Self::Left => "LEFT",
        }
    }

    pub(super) fn hand_off(self) -> Option<HandOff> {
        match self {
            Self::HandedOver(hand_off) => Some(hand_off),
            Self::Answered | Self::Left => None,
        }
    }
}

/// The last text of a thread that was looked at before.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) intent: Option<Intent>,
    pub(super) sentiment: i16,
    pub(super) is_answered: bool,
}

/// What was made of the text before this one; the caller holds the thread's lock.
pub(super) async fn turn_before(tx: &mut TenantTx, conversation: Uuid) -> Result<Option<Before>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT intent, sentiment, outcome FROM assistant_turns
         WHERE business_id = $1 AND conversation_id = $2 ORDER BY looked_at DESC LIMIT 1",
        business,
        conversation,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Before {
        intent: row.intent.as_deref().and_then(Intent::parse),
        sentiment: row.sentiment,
        is_answered: row.outcome == "ANSWERED",
    }))
}

/// Whether the text was looked at.
pub(super) async fn is_looked_at(tx: &mut TenantTx, message: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM assistant_turns WHERE business_id = $1 AND message_id = $2) AS "is_there!""#,
        business,
        message,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// What became of a text, and how.
pub(super) struct NewTurn {
    pub(super) message: Uuid,
    pub(super) conversation: Uuid,
    pub(super) triage: Triage,
    pub(super) outcome: Outcome,
    pub(super) wording: Option<Wording>,
    pub(super) reply: Option<Uuid>,
    pub(super) decision: Option<Uuid>,
}

pub(super) async fn insert_turn(tx: &mut TenantTx, turn: NewTurn) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "INSERT INTO assistant_turns (business_id, message_id, conversation_id, intent, sentiment, confidence, outcome,
             hand_off, wording, wording_version, reply_message_id, decision_id, looked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
             coalesce($12, (SELECT m.decision_id FROM messages m WHERE m.business_id = $1 AND m.id = $11)), $13)",
        business,
        turn.message,
        turn.conversation,
        turn.triage.intent.map(Intent::as_str),
        i16::from(turn.triage.sentiment),
        i16::from(turn.triage.confidence),
        turn.outcome.as_str(),
        turn.outcome.hand_off().map(HandOff::as_str),
        turn.wording.map(Wording::as_str),
        turn.wording.map(|_| VERSION),
        turn.reply,
        turn.decision,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What an answer about an account is made of.
#[derive(Clone, Debug)]
pub(super) struct AccountFacts {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    /// The person's language.
    pub(super) language: String,
    pub(super) business: String,
    pub(super) is_collector: bool,
    pub(super) account_number: Option<String>,
    pub(super) balance: Option<Money>,
    pub(super) due_date: Option<NaiveDate>,
    pub(super) creditor: Option<String>,
    pub(super) original_creditor: Option<String>,
}

/// Of a person and, where the thread is about one, an account of theirs; `None` for a person whose data was erased.
pub(super) async fn account_facts(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
) -> Result<Option<AccountFacts>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT d.first_name, d.last_name, p.preferred_language, b.name AS business_name, b.role,
                a.account_number AS "account_number?", a.balance_minor AS "balance_minor?", a.currency AS "currency?",
                a.due_date, a.original_creditor, c.name AS "creditor?"
         FROM debtors d
         JOIN debtors p ON p.business_id = d.business_id AND p.id = d.person_id
         JOIN businesses b ON b.id = d.business_id
         LEFT JOIN accounts a ON a.business_id = d.business_id AND a.id = $3 AND a.deleted_at IS NULL
         LEFT JOIN creditors c ON c.business_id = d.business_id AND c.id = a.creditor_id
         WHERE d.business_id = $1 AND d.id = $2 AND d.erased_at IS NULL"#,
        business,
        debtor,
        account,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| {
        let currency: Option<Currency> = row.currency.as_deref().and_then(|code| code.parse().ok());
        AccountFacts {
            first_name: row.first_name,
            last_name: row.last_name,
            language: row.preferred_language,
            business: row.business_name,
            is_collector: row.role == "THIRD_PARTY_COLLECTOR",
            account_number: row.account_number,
            // Of what is paid, or overpaid, nothing is owed.
            balance: currency
                .zip(row.balance_minor)
                .filter(|(_, minor)| *minor > 0)
                .map(|(currency, minor)| Money::from_minor(minor, currency)),
            due_date: row.due_date,
            creditor: row.creditor,
            original_creditor: row.original_creditor,
        }
    }))
}
