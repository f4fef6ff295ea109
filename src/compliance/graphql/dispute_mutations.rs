//! Mutations of disputes.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::disputes::Dispute;
use crate::{
    compliance::{
        disputes::{
            DisputeAnswer, DisputeKind, DisputeOutcome, DisputeReason, NewDispute, OwnDispute, Sent,
            file_dispute, file_own_dispute, record_verification_sent, resolve_dispute, start_verification,
        },
        intake_channel::IntakeChannel,
    },
    platform::{
        error::OpError,
        gql::{Done, Outcome, UserError, input_id, mutate},
        ids::IdKind,
    },
};

/// A dispute of a debt, or a request for its original creditor, as it was received. A debtor who is signed in files their own:
/// then what staff know of it (how and when it came, whether it is written, a term) may not be given.
#[derive(Debug, InputObject)]
pub struct FileDisputeInput {
    /// The debt.
    account_id: ID,
    /// What is asked for.
    #[graphql(default_with = "DisputeKind::Dispute")]
    kind: DisputeKind,
    /// Why the debt is disputed; OTHER needs `words`. Not for a request for the original creditor.
    reason: Option<DisputeReason>,
    /// Whether the original creditor's name and address are asked for too.
    #[graphql(default)]
    requests_original_creditor: bool,
    /// The person's own words, 1 to 10,000 characters; sealed.
    words: Option<String>,
    /// By which way it came; AGENT when left out. Staff's.
    channel: Option<IntakeChannel>,
    /// When the business received it; now when left out. Not ahead. Staff's.
    received_at: Option<DateTime<Utc>>,
    /// Whether it is in writing; when left out, everything but a CALL is. Staff's.
    written: Option<bool>,
    /// Pause collection until it is answered, whatever the law asks for. Staff's.
    hold_collection: Option<bool>,
    /// The earlier, answered dispute of the account (`dsp_…`) that it repeats, with nothing new (12 CFR 1006.38(a)(1)). Staff's.
    duplicate_of: Option<ID>,
    /// Until when it is to be answered; after the business's disputeAnswerDays when left out, a year at most. Staff's.
    due_at: Option<DateTime<Utc>>,
}

/// A dispute that somebody begins to answer.
#[derive(Debug, InputObject)]
pub struct StartDisputeVerificationInput {
    /// The dispute (`dsp_…`).
    dispute_id: ID,
    /// Pause collection until it is answered, even where it came by telephone or after the validation period. When false, the
    /// law's dates decide from now on.
    #[graphql(default)]
    hold_collection: bool,
    /// What was asked of whom, 1 to 1,000 characters; sealed.
    note: Option<String>,
}

/// What was sent in answer to a dispute.
#[derive(Debug, InputObject)]
pub struct RecordVerificationSentInput {
    /// The dispute (`dsp_…`).
    dispute_id: ID,
    /// What was sent, each once.
    sent: Vec<DisputeAnswer>,
    /// By which way it went.
    channel: IntakeChannel,
    /// When it was sent; now when left out. Not ahead, nor before the dispute.
    sent_at: Option<DateTime<Utc>>,
    /// Documents of the account that were sent (`doc_…`), at most 20. VERIFICATION needs one at least.
    #[graphql(default)]
    document_ids: Vec<ID>,
    /// For a DUPLICATIVE_NOTICE: the earlier, answered dispute of the account (`dsp_…`) that it repeats, unless that is on
    /// record.
    duplicate_of: Option<ID>,
    /// What else there is to say, 1 to 1,000 characters; sealed.
    note: Option<String>,
}

/// A dispute that ends.
#[derive(Debug, InputObject)]
pub struct ResolveDisputeInput {
    /// The dispute (`dsp_…`).
    dispute_id: ID,
    /// What became of it.
    outcome: DisputeOutcome,
    /// Why, 1 to 1,000 characters; sealed.
    reason: String,
}

/// What fileDispute answers.
#[derive(SimpleObject)]
pub struct FileDisputePayload {
    /// The new dispute; null when there are user errors.
    dispute: Option<Dispute>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What startDisputeVerification answers.
#[derive(SimpleObject)]
pub struct StartDisputeVerificationPayload {
    /// The dispute, under way; null when there are user errors.
    dispute: Option<Dispute>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What recordVerificationSent answers.
#[derive(SimpleObject)]
pub struct RecordVerificationSentPayload {
    /// The dispute with what was sent; null when there are user errors.
    dispute: Option<Dispute>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What resolveDispute answers.
#[derive(SimpleObject)]
pub struct ResolveDisputePayload {
    /// The dispute that ended; null when there are user errors.
    dispute: Option<Dispute>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of disputes.
#[derive(Default)]
pub struct DisputeMutations;

#[Object]
impl DisputeMutations {
    /// Files a dispute of a debt, or a request for its original creditor. The gate minds it from the next decision on, also
    /// for messages that wait: a written one within the validation period stops collection of that debt until it is answered,
    /// an oral one for 48 hours. A debtor who is signed in files one of the account of their session; until staff have looked
    /// at it, collection pauses.
    async fn file_dispute(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which debt, and what.")] input: FileDisputeInput,
    ) -> async_graphql::Result<FileDisputePayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let account_id = input_id(IdKind::Account, "accountId", &input.account_id)?;
            let (keyring, db) = (scope.keyring(), scope.db());
            let id = if tx.ctx().debtor_id().is_some() {
                input.check_own()?;
                let own = OwnDispute {
                    account_id,
                    kind: input.kind,
                    reason: input.reason,
                    requests_original_creditor: input.requests_original_creditor,
                    words: input.words.as_deref(),
                };
                file_own_dispute(tx, keyring, db, own).await?
            } else {
                let new = NewDispute {
                    account_id,
                    kind: input.kind,
                    reason: input.reason,
                    requests_original_creditor: input.requests_original_creditor,
                    words: input.words.as_deref(),
                    received_at: input.received_at,
                    channel: input.channel.unwrap_or(IntakeChannel::Agent),
                    written: input.written,
                    hold_collection: input.hold_collection.unwrap_or_default(),
                    duplicate_of: optional(IdKind::Dispute, "duplicateOf", input.duplicate_of.as_ref())?,
                    due_at: input.due_at,
                };
                file_dispute(tx, keyring, db, new).await?
            };
            Ok(Done::from(id))
        })
        .await?;
        let (dispute, user_errors) = payload(ctx, outcome).await?;
        Ok(FileDisputePayload { dispute, user_errors })
    }

    /// Says that somebody has looked at a dispute and obtains what verifies the debt. What a text or the debtor themselves
    /// brought counts as written and in time until then.
    async fn start_dispute_verification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dispute.")] input: StartDisputeVerificationInput,
    ) -> async_graphql::Result<StartDisputeVerificationPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Dispute, "disputeId", &input.dispute_id)?;
            let choice = (input.hold_collection, input.note.as_deref());
            start_verification(tx, scope.keyring(), scope.db(), id, choice).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (dispute, user_errors) = payload(ctx, outcome).await?;
        Ok(StartDisputeVerificationPayload { dispute, user_errors })
    }

    /// Writes down what was sent in answer to a dispute, and by which way. Nothing is sent by it. Once everything that is owed
    /// was sent, collection of the debt may go on.
    async fn record_verification_sent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which dispute, and what.")] input: RecordVerificationSentInput,
    ) -> async_graphql::Result<RecordVerificationSentPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let dispute_id = input_id(IdKind::Dispute, "disputeId", &input.dispute_id)?;
            let documents = input
                .document_ids
                .iter()
                .map(|id| input_id(IdKind::Document, "documentIds", id))
                .collect::<Result<Vec<_>, _>>()?;
            let sent = Sent {
                dispute_id,
                answers: &input.sent,
                channel: input.channel,
                sent_at: input.sent_at,
                documents: &documents,
                duplicate_of: optional(IdKind::Dispute, "duplicateOf", input.duplicate_of.as_ref())?,
                note: input.note.as_deref(),
            };
            record_verification_sent(tx, scope.keyring(), scope.db(), sent).await?;
            Ok(Done::from(dispute_id))
        })
        .await?;
        let (dispute, user_errors) = payload(ctx, outcome).await?;
        Ok(RecordVerificationSentPayload { dispute, user_errors })
    }

    /// Ends a dispute. VERIFIED, CORRECTED and DUPLICATIVE need what was owed to have been sent; WITHDRAWN lets collection go
    /// on; after CLOSED_ACCOUNT without an answer the debt is not collected any more.
    async fn resolve_dispute(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dispute, and what became of it.")] input: ResolveDisputeInput,
    ) -> async_graphql::Result<ResolveDisputePayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Dispute, "disputeId", &input.dispute_id)?;
            let end = (input.outcome, input.reason.as_str());
            resolve_dispute(tx, scope.keyring(), scope.db(), id, end).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (dispute, user_errors) = payload(ctx, outcome).await?;
        Ok(ResolveDisputePayload { dispute, user_errors })
    }
}

impl FileDisputeInput {
    /// What only staff can know is not a debtor's to say.
    fn check_own(&self) -> Result<(), OpError> {
        let of_staff = [
            ("channel", self.channel.is_some()),
            ("receivedAt", self.received_at.is_some()),
            ("written", self.written.is_some()),
            ("holdCollection", self.hold_collection.is_some()),
            ("dueAt", self.due_at.is_some()),
        ];
        // Which disputes there are of others is not told.
        if self.duplicate_of.is_some() {
            return Err(UserError::not_found("duplicateOf", "dispute of this account").into());
        }
        match of_staff.iter().find(|(_, is_given)| *is_given) {
            Some((field, _)) => Err(UserError::invalid(field, "Leave this out: it is for staff.").into()),
            None => Ok(()),
        }
    }
}

fn optional(kind: IdKind, field: &'static str, id: Option<&ID>) -> Result<Option<Uuid>, OpError> {
    Ok(id.map(|id| input_id(kind, field, id)).transpose()?)
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<Dispute>, Vec<UserError>)> {
    let dispute = match outcome.object {
        Some(id) => Dispute::load(ctx, id).await?,
        None => None,
    };
    Ok((dispute, outcome.user_errors))
}
