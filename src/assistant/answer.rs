//! Answers a text, or hands its thread over: one transaction, in which the text is marked as looked at. Whatever is killed between
//! leaves nothing half done, and whoever comes again finds the mark.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    guard,
    plan_options::{PlanTerms, plan_options},
    store::{AccountFacts, Before, NewTurn, Outcome, account_facts, insert_turn, is_looked_at, turn_before},
    triage::{HandOff, Intent, Triage, UPSET, triage},
    wording::{Language, Values, Wording, say},
};
use crate::{
    conversations::{
        NewMessage, SaidBy, Sent, UnansweredText, hand_over, lock_unanswered_text, send_message,
    },
    identity::absences,
    platform::{
        context::TenantCtx,
        db::{AuditEntry, Db, TenantTx},
        error::OpError,
        jobs::{Job, JobError},
        keys::Keyring,
    },
    settings::{AnsweringTerms, answering_terms},
};

/// Looks at one received text. Idempotent: one that was looked at, or answered by anybody, is left alone.
#[derive(Debug, Deserialize, Serialize)]
pub struct AnswerText {
    pub message_id: Uuid,
}

impl Job for AnswerText {
    const NAME: &'static str = "assistant.answer_text";
}

/// What the assistant works with.
#[derive(Clone)]
pub struct Assistant {
    pub db: Db,
    pub keyring: Keyring,
}

/// Runs [`AnswerText`].
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn answer_text(assistant: &Assistant, ctx: &TenantCtx, job: AnswerText) -> Result<(), JobError> {
    look_at(assistant, ctx, job.message_id)
        .await
        .map_err(|error| match error {
            OpError::Unavailable(_) => JobError::Retry("the database is away".to_owned()),
            other => JobError::Fatal(format!("{other:#}")),
        })
}

async fn look_at(assistant: &Assistant, ctx: &TenantCtx, message: Uuid) -> Result<(), OpError> {
    let keys = assistant
        .keyring
        .business(&assistant.db, ctx.business_id())
        .await?;
    let mut tx = assistant.db.tenant(ctx).await?;
    let terms = answering_terms(&mut tx).await?;
    if !terms.is_on {
        return Ok(());
    }
    // Whoever answers holds this lock; what they said first wins.
    let Some(text) = lock_unanswered_text(&mut tx, &keys, message).await? else {
        return Ok(());
    };
    if is_looked_at(&mut tx, message).await? || !is_ours(&mut tx, &text, &terms).await? {
        return Ok(());
    }
    let Some(debtor) = text.debtor else {
        return Ok(());
    };
    let Some(facts) = account_facts(&mut tx, debtor, text.account).await? else {
        return Ok(());
    };
    let turn = Turn {
        assistant,
        terms,
        triage: read(&text, &facts),
        before: turn_before(&mut tx, text.conversation).await?,
        text,
        facts,
    };
    turn.take(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// AI-001, AI-002, X-42: a thread of nobody's, or of somebody who does not work now where the business wants that; where an agent
/// works, there is one voice.
async fn is_ours(tx: &mut TenantTx, text: &UnansweredText, terms: &AnsweringTerms) -> Result<bool, OpError> {
    if !text.is_active || text.channel != "SMS" {
        return Ok(false);
    }
    match text.assigned_agent {
        None => Ok(true),
        Some(_) if !terms.stands_in => Ok(false),
        Some(agent) => Ok(absences(tx, &[agent]).await?.contains_key(&agent)),
    }
}

fn read(text: &UnansweredText, facts: &AccountFacts) -> Triage {
    let names: Vec<&str> = [facts.first_name.as_deref(), facts.last_name.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    triage(&text.body, &names)
}

/// What is to be done about a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Course {
    Answer(Wording),
    HandOver(HandOff),
    /// What they ask for is done already, or wants no answer.
    Leave,
}

/// What follows of what was read. Pure.
pub(super) fn course(read: &Triage, before: Option<&Before>, terms: &AnsweringTerms) -> Course {
    // Who opts out is answered by what the law allows to be said, which is not the assistant's.
    if read.intent == Some(Intent::Cease) {
        return match read.hand_off {
            Some(hand_off @ (HandOff::Distress | HandOff::Hostile)) => Course::HandOver(hand_off),
            _ => Course::Leave,
        };
    }
    if read.is_courtesy {
        return Course::Leave;
    }
    if let Some(hand_off) = read.hand_off {
        return Course::HandOver(hand_off);
    }
    let was_upset = before.is_some_and(|before| before.sentiment >= i16::from(UPSET));
    if read.sentiment >= UPSET && (terms.is_strict || was_upset) {
        return Course::HandOver(HandOff::UpsetAgain);
    }
    if i32::from(read.confidence) < terms.min_confidence {
        return Course::HandOver(HandOff::NotSure);
    }
    let is_repeated = before.is_some_and(|before| before.is_answered && before.intent == read.intent);
    match read.intent {
        Some(_) if is_repeated => Course::HandOver(HandOff::AskedAgain),
        Some(Intent::PaymentPlan) => Course::Answer(Wording::PaymentPlan),
        Some(Intent::Information) => Course::Answer(Wording::Information),
        Some(Intent::MakePayment) => Course::Answer(Wording::MakePayment),
        Some(Intent::Hardship) => Course::Answer(Wording::Hardship),
        Some(Intent::Dispute) => Course::HandOver(HandOff::Dispute),
        Some(Intent::Human) => Course::HandOver(HandOff::AskedForPerson),
        Some(Intent::Hostile) => Course::HandOver(HandOff::Hostile),
        Some(Intent::Cease) | None => Course::HandOver(HandOff::NotSure),
    }
}

/// The words for a text, looked through; `None` where there are none that hold.
pub(super) fn words_for(wording: Wording, language: Language, values: &Values) -> Option<String> {
    let text = say(wording, language, values)?;
    match guard::check(&text, language, values) {
        Ok(()) => Some(text),
        Err(unfounded) => {
            tracing::error!(
                wording = wording.as_str(),
                ?unfounded,
                "an answer was refused by the guard"
            );
            metrics::counter!("assistant_guard_refusals_total").increment(1);
            None
        }
    }
}

/// What an answer is made of.
pub(super) fn values_of(facts: &AccountFacts, terms: &AnsweringTerms) -> Values {
    let plan_terms = PlanTerms {
        max_installments: terms.max_installments,
        min_installment: terms.min_installment,
        min_down_payment_basis_points: terms.min_down_payment_basis_points,
    };
    let number = facts.account_number.as_deref().unwrap_or_default();
    let length = number.chars().count();
    let current = facts
        .creditor
        .clone()
        .or_else(|| (!facts.is_collector).then(|| facts.business.clone()));
    Values {
        first_name: facts.first_name.clone(),
        business: facts.business.clone(),
        creditor: facts.original_creditor.clone().or(current),
        is_original_creditor: facts.original_creditor.is_some(),
        ending: number.chars().skip(length.saturating_sub(4)).collect(),
        balance: facts.balance,
        due_date: facts.due_date,
        phone: terms.phone.clone(),
        options: facts
            .balance
            .map(|balance| plan_options(balance, plan_terms))
            .unwrap_or_default(),
    }
}

/// One text that is looked at.
struct Turn<'a> {
    assistant: &'a Assistant,
    terms: AnsweringTerms,
    triage: Triage,
    before: Option<Before>,
    text: UnansweredText,
    facts: AccountFacts,
}

/// What came of it.
struct Done {
    outcome: Outcome,
    wording: Option<Wording>,
    reply: Option<Uuid>,
    decision: Option<Uuid>,
}

impl Turn<'_> {
    async fn take(&self, tx: &mut TenantTx) -> Result<(), OpError> {
        let done = match course(&self.triage, self.before.as_ref(), &self.terms) {
            Course::Leave => Done {
                outcome: Outcome::Left,
                wording: None,
                reply: None,
                decision: None,
            },
            Course::Answer(wording) => self.answer(tx, wording).await?,
            Course::HandOver(hand_off) => self.acknowledge(tx, hand_off).await?,
        };
        if let Some(hand_off) = done.outcome.hand_off() {
            let (keyring, db) = (&self.assistant.keyring, &self.assistant.db);
            let reason = self.reason(hand_off, &done);
            hand_over(tx, keyring, db, self.text.conversation, &reason).await?;
        }
        self.note(tx, done).await
    }

    /// The answer; where the gate refuses it nothing more is tried, and a person takes over.
    async fn answer(&self, tx: &mut TenantTx, wording: Wording) -> Result<Done, OpError> {
        let Some(words) = words_for(wording, self.language(), &values_of(&self.facts, &self.terms)) else {
            return self.acknowledge(tx, HandOff::NoAnswer).await;
        };
        Ok(match self.say(tx, words).await? {
            Said::Queued(message) => Done {
                outcome: Outcome::Answered,
                wording: Some(wording),
                reply: Some(message),
                decision: None,
            },
            Said::Refused(decision) => Done {
                outcome: Outcome::HandedOver(HandOff::Refused),
                wording: Some(wording),
                reply: None,
                decision,
            },
        })
    }

    /// That a person takes over, where it may be said; they take over in any case.
    async fn acknowledge(&self, tx: &mut TenantTx, hand_off: HandOff) -> Result<Done, OpError> {
        let wording = match self.triage.sentiment >= UPSET {
            true => Wording::ConnectingWithRegret,
            false => Wording::Connecting,
        };
        let words = match self.triage.intent {
            // Who asked to be left alone is left alone.
            Some(Intent::Cease) => None,
            _ => words_for(wording, self.language(), &values_of(&self.facts, &self.terms)),
        };
        let said = match words {
            Some(words) => self.say(tx, words).await?,
            None => Said::Refused(None),
        };
        let (reply, decision) = match said {
            Said::Queued(message) => (Some(message), None),
            Said::Refused(decision) => (None, decision),
        };
        Ok(Done {
            outcome: Outcome::HandedOver(hand_off),
            wording: reply.map(|_| wording),
            reply,
            decision,
        })
    }

    async fn say(&self, tx: &mut TenantTx, words: String) -> Result<Said, OpError> {
        let message = NewMessage {
            conversation_id: self.text.conversation,
            content: words,
            after_sequence: None,
            secret: None,
            said_by: SaidBy::Assistant,
            made_of: None,
            cease_notice: None,
            dispute_answer: None,
        };
        match send_message(tx, &self.assistant.keyring, &self.assistant.db, message).await {
            Ok(Sent::Queued { message }) => Ok(Said::Queued(message)),
            Ok(Sent::Refused { decision, .. }) => Ok(Said::Refused(Some(decision))),
            // Nothing can be sent in this thread as it is, which a person sees and puts right.
            Err(OpError::User(_)) => Ok(Said::Refused(None)),
            Err(error) => Err(error),
        }
    }

    /// In the language in which they wrote, where it tells; else in theirs.
    fn language(&self) -> Language {
        Language::of(self.triage.language.unwrap_or(&self.facts.language))
    }

    async fn note(&self, tx: &mut TenantTx, done: Done) -> Result<(), OpError> {
        let hand_off = done.outcome.hand_off();
        let details = json!({
            "conversation": self.text.conversation,
            "intent": self.triage.intent.map(Intent::as_str),
            "sentiment": self.triage.sentiment,
            "confidence": self.triage.confidence,
            "hand_off": hand_off.map(HandOff::as_str),
            "reply": done.reply,
        });
        let action = match done.outcome {
            Outcome::Answered => "assistant.answered",
            Outcome::HandedOver(_) => "assistant.handed_over",
            Outcome::Left => "assistant.left",
        };
        tx.audit(AuditEntry::plain(action, self.text.message, &details).about(self.text.debtor));
        let turn = NewTurn {
            message: self.text.message,
            conversation: self.text.conversation,
            triage: self.triage,
            outcome: done.outcome,
            wording: done.wording,
            reply: done.reply,
            decision: done.decision,
        };
        Ok(insert_turn(tx, turn).await?)
    }

    /// What the person who takes over should know; sealed with the thread, as every reason is.
    fn reason(&self, hand_off: HandOff, done: &Done) -> String {
        let wanted = |intent: Option<Intent>| intent.map_or("not understood", Intent::as_str);
        let before = self.before.as_ref().map_or(String::new(), |before| {
            format!(" Before that: {}.", wanted(before.intent))
        });
        let balance = self
            .facts
            .balance
            .map_or(String::new(), |balance| format!(" Balance: {}.", balance.shown()));
        let told = match done.reply {
            Some(_) => "They were told that a person takes over.",
            None => "They were told nothing.",
        };
        format!(
            "{} What they want: {} (confidence {} %, sentiment {} of 5).{before}{balance} {told}",
            hand_off.reason(),
            wanted(self.triage.intent),
            self.triage.confidence,
            self.triage.sentiment,
        )
    }
}

/// What became of words.
enum Said {
    Queued(Uuid),
    Refused(Option<Uuid>),
}
