//! Asks the rules about a real contact. Queueing stores its decision; dispatching stores another one, takes the
//! frequency slot under the person's lock and gives the permit; `explain` does neither.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    author::Author,
    cease_notice::CeaseNotice,
    contact_facts::rings_at_work,
    decide::{Strictness, decide},
    decision::{Decision, Outcome},
    decision_print::{self, Printed},
    disputes::DisputeAnswer,
    facts::CallMode,
    gather::{Gathered, gather},
    opt_out_confirmation::is_opt_out_confirmation,
    permit::{Ground, Reservation, content_hash},
    rule_set::RuleSet,
};
use crate::{
    accounts::{Channel, PersonLock},
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        ids,
        keys::{TenantKeys, WrappedKey},
    },
};

/// One contact that somebody wants to make.
#[derive(Clone, Copy, Debug)]
pub struct Contact<'a> {
    pub debtor_id: Uuid,
    pub account_id: Option<Uuid>,
    pub channel: Channel,
    /// E.164 number or address.
    pub recipient: &'a str,
    /// The final content, with all that was appended.
    pub content: &'a str,
    /// When the debtor's own message, which this answers, was received.
    pub in_reply_to: Option<DateTime<Utc>>,
    /// Who or what speaks, on a call.
    pub mode: Option<CallMode>,
    /// Who wrote the text.
    pub author: Author,
    /// The notice to somebody who asked to be left alone that it is, as its author says.
    pub cease_notice: Option<CeaseNotice>,
    /// The answer to a dispute, or to a request for the original creditor, that it is, as its author says.
    pub dispute_answer: Option<DisputeAnswer>,
    /// Its words are those of a template of the business's.
    pub is_template: bool,
}

/// How long a message of the debtor's can be answered: a day, in which a person of the business comes to work. What is sent later
/// is a contact like any other, which counts. (At an inconvenient time an answer is one for much shorter: see
/// `quiet-hours-consumer-initiated-reply`, comment 6(b)(1)-2.)
const ANSWERED_WITHIN: TimeDelta = TimeDelta::hours(24);

impl Contact<'_> {
    /// The same at an instant: an old message is answered no more.
    fn asked_at(self, now: DateTime<Utc>) -> Self {
        Self {
            in_reply_to: self.in_reply_to.filter(|at| now - *at <= ANSWERED_WITHIN),
            ..self
        }
    }

    /// What the debtor asked for elsewhere is no attempt to reach them, and neither is the word that they are left alone.
    fn takes_slot(&self) -> bool {
        self.author != Author::Notice && !self.confirms_an_opt_out()
    }

    /// The service's own words to somebody who has opted out, and no others.
    pub(super) fn confirms_an_opt_out(&self) -> bool {
        self.author == Author::Service && is_opt_out_confirmation(self.content)
    }
}

/// A decision that is stored (or about to be, with the transaction).
#[derive(Clone, Debug)]
pub struct Decided {
    pub id: Uuid,
    pub decision: Decision,
    /// Of the row that stores it.
    print: [u8; 32],
}

impl Decided {
    pub fn allows(&self) -> bool {
        self.decision.outcome == Outcome::Allow
    }

    /// The details of a row of the audit trail, with which decision it was and its print: every decision that is stored stands
    /// in the trail with the act that it was made for.
    pub fn in_trail(&self, mut details: serde_json::Value) -> serde_json::Value {
        if let Some(details) = details.as_object_mut() {
            details.insert(decision_print::ID.to_owned(), self.id.to_string().into());
            let print = decision_print::in_hexadecimal(self.print);
            details.insert(decision_print::PRINT.to_owned(), print.into());
        }
        details
    }
}

/// May this be queued? Stores the answer.
///
/// # Errors
/// `None` when the person is not there; [`OpError`] otherwise.
pub async fn decide_to_queue(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    contact: &Contact<'_>,
) -> Result<Option<Decided>, OpError> {
    let decided = decide_and_store(tx, keys, contact, Stage::Queue).await?;
    Ok(decided.map(|(decided, _)| decided))
}

/// May this go out now? Stores the answer, and where it allows takes the slot. The person is locked since before anything
/// was read, so that two workers can never both take the last slot.
///
/// # Errors
/// `None` when the person is not there; [`OpError`] otherwise.
pub async fn decide_to_dispatch(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    lock: &PersonLock,
    contact: &Contact<'_>,
) -> Result<Option<(Decided, Option<Reservation>)>, OpError> {
    if !lock.is_of(contact.debtor_id) {
        return Err(OpError::Internal(anyhow::anyhow!(
            "a contact with somebody else than who is locked"
        )));
    }
    let Some((decided, gathered)) = decide_and_store(tx, keys, contact, Stage::Dispatch).await? else {
        return Ok(None);
    };
    if !decided.allows() {
        return Ok(Some((decided, None)));
    }
    let print = gathered
        .print
        .ok_or_else(|| anyhow::anyhow!("facts of a dispatch without their print"))?;
    let ground = Ground::of(contact, keys, print);
    let reservation = Reservation::new(decided.id, contact, ground, tx.now());
    Ok(Some((decided, Some(reservation))))
}

/// What the gate would say now. Nothing is stored, nothing is reserved.
///
/// # Errors
/// `None` when the person is not there; [`OpError`] otherwise.
pub async fn explain(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    contact: &Contact<'_>,
) -> Result<Option<Decision>, OpError> {
    let contact = contact.asked_at(tx.now());
    let Some(gathered) = gather(tx, keys, &contact, false).await? else {
        return Ok(None);
    };
    let rules = RuleSet::current();
    Ok(Some(decide(rules, &gathered.facts, Strictness::Production)))
}

/// Gives a slot back: the vendor refused, or the contact is proven not to have happened.
///
/// # Errors
/// [`DbError`] as met.
pub async fn release_slot(tx: &mut TenantTx, decision_id: Uuid) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE contact_slots SET released_at = $3 WHERE business_id = $1 AND decision_id = $2 AND released_at IS NULL",
        business,
        decision_id,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a slot again that was given back: the contact did happen after all.
///
/// # Errors
/// [`DbError`] as met.
pub async fn retake_slot(tx: &mut TenantTx, decision_id: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE contact_slots SET released_at = NULL WHERE business_id = $1 AND decision_id = $2",
        business,
        decision_id,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What is decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// May this be queued?
    Queue,
    /// May this go out? The answer that yields the permit, and takes the slot.
    Dispatch,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "QUEUE",
            Self::Dispatch => "DISPATCH",
        }
    }
}

/// Two round trips: the facts are read in one, the answer and the slot are stored in the other.
async fn decide_and_store(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    contact: &Contact<'_>,
    stage: Stage,
) -> Result<Option<(Decided, Gathered)>, OpError> {
    let contact = &contact.asked_at(tx.now());
    let Some(gathered) = gather(tx, keys, contact, stage == Stage::Dispatch).await? else {
        return Ok(None);
    };
    let (id, decision) = (
        ids::next(),
        decide(RuleSet::current(), &gathered.facts, Strictness::Production),
    );
    let facts = serde_json::to_vec(&gathered.facts).map_err(|error| OpError::Internal(error.into()))?;
    let sealed = (&gathered.record_key, facts.as_slice());
    let place = (stage, rings_at_work(&gathered.facts));
    let print = store(tx, keys, contact, (id, &decision), place, sealed).await?;
    let decided = Decided { id, decision, print };
    let outcome = outcome_name(decided.decision.outcome);
    metrics::counter!("compliance_decisions_total", "stage" => stage.as_str(), "outcome" => outcome)
        .increment(1);
    Ok(Some((decided, gathered)))
}

/// Stores it, and returns the print of the row.
async fn store(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    contact: &Contact<'_>,
    (id, decision): (Uuid, &Decision),
    (stage, at_work): (Stage, bool),
    (record_key, facts): (&WrappedKey, &[u8]),
) -> Result<[u8; 32], OpError> {
    let key = keys.data_key(record_key)?.ok_or_else(|| {
        anyhow::anyhow!("the record key of this person was destroyed: nobody may be contacted")
    })?;
    let facts_cipher = keys.seal(&key, "decisions", "facts_cipher", id, facts)?;
    let decision_json = serde_json::to_value(decision).map_err(|error| OpError::Internal(error.into()))?;
    let (business, now, hash) = (tx.business_id(), tx.now(), content_hash(contact.content));
    let user = tx.ctx().user_id();
    let printed = Printed {
        id,
        debtor_id: contact.debtor_id,
        account_id: contact.account_id,
        channel: contact.channel.as_str(),
        stage: stage.as_str(),
        outcome: outcome_name(decision.outcome),
        rule_set_version: &decision.rule_set_version,
        decision: &decision_json,
        facts_cipher: &facts_cipher,
        content_hash: &hash,
        decided_at: now,
    };
    let print = printed.print();
    sqlx::query!(
        "WITH stored AS (
             INSERT INTO decisions (business_id, id, debtor_id, account_id, channel, stage, outcome, rule_set_version,
                 tzdb_version, decision, facts_cipher, key_id, content_hash, decided_at, asked_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $17)
             RETURNING business_id, id, debtor_id, account_id, channel, decided_at)
         INSERT INTO contact_slots (business_id, decision_id, debtor_id, account_id, channel, reply, reserved_at, cease_notice,
             at_work)
         SELECT business_id, id, debtor_id, account_id, channel, $15, decided_at, $18, $19 FROM stored WHERE $16",
        business,
        id,
        contact.debtor_id,
        contact.account_id,
        contact.channel.as_str(),
        stage.as_str(),
        outcome_name(decision.outcome),
        decision.rule_set_version,
        decision.tzdb_version,
        decision_json,
        facts_cipher,
        record_key.id,
        hash.as_slice(),
        now,
        contact.in_reply_to.is_some(),
        stage == Stage::Dispatch && decision.outcome == Outcome::Allow && contact.takes_slot(),
        user,
        contact.cease_notice.map(CeaseNotice::as_str),
        at_work,
    )
    .execute(tx.conn())
    .await?;
    Ok(print)
}

/// As the database and the API spell it.
pub(super) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "ALLOW",
        Outcome::Defer => "DEFER",
        Outcome::RequireContent => "REQUIRE_CONTENT",
        // What is not plainly one of these is a refusal.
        _ => "DENY",
    }
}
