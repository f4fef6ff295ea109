//! The timeline of a dispute in the API.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};
use chrono::{DateTime, Utc};

use super::disputes::{Dispute, unknown};
use crate::{
    accounts::graphql::Document,
    compliance::{
        disputes::{DisputeOutcome, steps::StepRow},
        intake_channel::IntakeChannel,
    },
    identity::graphql::User,
};

/// What was done about a dispute.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DisputeStepKind {
    /// It was received.
    Filed,
    /// Somebody began to obtain what verifies the debt.
    Verifying,
    /// Verification of the debt, or a copy of a judgment, was sent.
    VerificationSent,
    /// The notice that it is duplicative was sent.
    DuplicativeNoticeSent,
    /// The original creditor's name and address were sent.
    OriginalCreditorSent,
    /// It ended.
    Resolved,
}

/// Who did something about a dispute.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DisputeActor {
    /// A member of staff, or an API key.
    Staff,
    /// The debtor, in the portal.
    Debtor,
    /// The service, which read a text.
    Service,
}

/// A step of a dispute's timeline.
#[derive(Clone)]
pub struct DisputeStep {
    dispute: Dispute,
    row: Arc<StepRow>,
}

impl DisputeStep {
    pub(super) fn new(dispute: Dispute, row: Arc<StepRow>) -> Self {
        Self { dispute, row }
    }
}

/// A step of a dispute's timeline.
#[Object]
impl DisputeStep {
    /// What was done.
    async fn kind(&self) -> async_graphql::Result<DisputeStepKind> {
        Ok(match self.row.step.as_str() {
            "FILED" => DisputeStepKind::Filed,
            "VERIFYING" => DisputeStepKind::Verifying,
            "VERIFICATION_SENT" => DisputeStepKind::VerificationSent,
            "DUPLICATIVE_NOTICE_SENT" => DisputeStepKind::DuplicativeNoticeSent,
            "ORIGINAL_CREDITOR_SENT" => DisputeStepKind::OriginalCreditorSent,
            "RESOLVED" => DisputeStepKind::Resolved,
            _ => return Err(unknown("step")),
        })
    }

    /// When it happened.
    async fn happened_at(&self) -> DateTime<Utc> {
        self.row.happened_at
    }

    /// When it was written down.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.row.recorded_at
    }

    /// Who did it.
    async fn actor(&self) -> DisputeActor {
        match self.row.actor.as_str() {
            "DEBTOR" => DisputeActor::Debtor,
            "SERVICE" => DisputeActor::Service,
            _ => DisputeActor::Staff,
        }
    }

    /// The member of staff who did it; null for the debtor, the service and an API key.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.recorded_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// By which way it came, or what was sent went; null where nothing did.
    async fn channel(&self) -> Option<IntakeChannel> {
        self.row.channel.as_deref().and_then(IntakeChannel::parse)
    }

    /// What became of the dispute; null but for its end.
    async fn outcome(&self) -> Option<DisputeOutcome> {
        self.row.outcome.as_deref().and_then(DisputeOutcome::parse)
    }

    /// What was written to it; null when nothing was, and when the records were destroyed.
    async fn note(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let cipher = self.row.note_cipher.as_deref();
        self.dispute
            .open(ctx, ("dispute_steps", "note_cipher", self.row.id), cipher)
            .await
    }

    /// The documents of the account that were sent (at most 20), but for those that were deleted since.
    async fn documents(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Document>> {
        let documents = self.row.documents.iter().map(|id| Document::load(ctx, *id));
        let found = futures_util::future::try_join_all(documents).await?;
        Ok(found.into_iter().flatten().collect())
    }
}
