//! Mutations of validation notices.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::validation_notices::ValidationNotice;
use crate::{
    compliance::{
        ports::Letterheads,
        validation_notice::{
            NewNotice, NoticeLanguage, NoticeMethod, Provision, generate_validation_notice, record_provided,
            record_returned,
        },
    },
    platform::{
        gql::{Date, Done, Outcome, UserError, input_id, mutate},
        ids::IdKind,
    },
};

/// A validation notice to be written.
#[derive(Debug, InputObject)]
pub struct GenerateValidationNoticeInput {
    /// The debt.
    account_id: ID,
    /// In which language; the person's own when left out: ES for those who prefer Spanish, EN for all others.
    language: Option<NoticeLanguage>,
    /// The last day on which you will provide it, on your business's clock: the printed end of the validation period follows from
    /// it. Today when left out, 30 days ahead at most.
    provide_by: Option<Date>,
    /// The name of the creditor to whom the debt was owed on the itemization date (1 to 200 characters). Left out, it is the
    /// account's originalCreditor where the itemization date is that of the transaction or the charge-off, or where the creditor
    /// is still the same.
    creditor_on_itemization_date: Option<String>,
}

/// How and when a validation notice was provided.
#[derive(Debug, InputObject)]
pub struct RecordValidationNoticeProvidedInput {
    /// The notice (`vnot_…`), READY.
    notice_id: ID,
    /// How it was provided.
    method: NoticeMethod,
    /// When it was mailed, sent or handed over; now when left out. Not ahead, nor before the day on which it was generated.
    provided_at: Option<DateTime<Utc>>,
    /// For EMAIL: to which address of the person (`cp_…`) it went.
    contact_point_id: Option<ID>,
}

/// A validation notice that came back.
#[derive(Debug, InputObject)]
pub struct RecordValidationNoticeReturnedInput {
    /// The notice (`vnot_…`), PROVIDED by mail or e-mail.
    notice_id: ID,
    /// When the post or the mail server brought it back; now when left out. Not ahead, nor before it was provided.
    returned_at: Option<DateTime<Utc>>,
}

/// What generateValidationNotice answers.
#[derive(SimpleObject)]
pub struct GenerateValidationNoticePayload {
    /// The new notice, QUEUED; null when there are user errors.
    notice: Option<ValidationNotice>,
    /// What to put right: one error for each thing that is missing, with where to enter it. Empty on success.
    user_errors: Vec<UserError>,
}

/// What recordValidationNoticeProvided answers.
#[derive(SimpleObject)]
pub struct RecordValidationNoticeProvidedPayload {
    /// The notice, PROVIDED; null when there are user errors.
    notice: Option<ValidationNotice>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What recordValidationNoticeReturned answers.
#[derive(SimpleObject)]
pub struct RecordValidationNoticeReturnedPayload {
    /// The notice, RETURNED; null when there are user errors.
    notice: Option<ValidationNotice>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of validation notices.
#[derive(Default)]
pub struct ValidationNoticeMutations;

#[Object]
impl ValidationNoticeMutations {
    /// Writes the validation notice of a debt from what is on record, as PDF and as a page; both are there a moment later. Nothing
    /// is sent. What is missing for it is told, all at once, and then nothing is written.
    async fn generate_validation_notice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which debt, and how.")] input: GenerateValidationNoticeInput,
    ) -> async_graphql::Result<GenerateValidationNoticePayload> {
        let letterheads = ctx.data::<Arc<dyn Letterheads>>()?;
        let outcome = mutate(ctx, async |tx, scope| {
            let new = NewNotice {
                account_id: input_id(IdKind::Account, "accountId", &input.account_id)?,
                language: input.language,
                provide_by: input.provide_by.map(|date| date.0),
                creditor_then: input.creditor_on_itemization_date.as_deref(),
            };
            let keys = scope.keys().await?;
            let letterhead = letterheads.letterhead(tx).await?;
            let id = generate_validation_notice(tx, &keys, &letterhead, new).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (notice, user_errors) = payload(ctx, outcome).await?;
        Ok(GenerateValidationNoticePayload { notice, user_errors })
    }

    /// Writes down that a validation notice was provided, and how. From now on its validation period is the debt's, and the gate
    /// lets contact pass that waited for the notice. An e-mail after the initial communication needs the person's own consent to
    /// notices in electronic form at that address (purpose ELECTRONIC_NOTICES, with the text that they were shown).
    async fn record_validation_notice_provided(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which notice, how and when.")] input: RecordValidationNoticeProvidedInput,
    ) -> async_graphql::Result<RecordValidationNoticeProvidedPayload> {
        let letterheads = ctx.data::<Arc<dyn Letterheads>>()?;
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::ValidationNotice, "noticeId", &input.notice_id)?;
            let point = input.contact_point_id.as_ref();
            let provision = Provision {
                notice_id: id,
                method: input.method,
                provided_at: input.provided_at,
                contact_point_id: point
                    .map(|id| input_id(IdKind::ContactPoint, "contactPointId", id))
                    .transpose()?,
            };
            let keys = scope.keys().await?;
            let letterhead = letterheads.letterhead(tx).await?;
            record_provided(tx, &keys, &letterhead, provision).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (notice, user_errors) = payload(ctx, outcome).await?;
        Ok(RecordValidationNoticeProvidedPayload { notice, user_errors })
    }

    /// Writes down that a validation notice came back, by post or as a bounce: it counts as never provided, and the debt goes by
    /// the notice before it, if there is one. To send it again, generate a new one.
    async fn record_validation_notice_returned(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which notice, and when.")] input: RecordValidationNoticeReturnedInput,
    ) -> async_graphql::Result<RecordValidationNoticeReturnedPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::ValidationNotice, "noticeId", &input.notice_id)?;
            record_returned(tx, id, input.returned_at).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (notice, user_errors) = payload(ctx, outcome).await?;
        Ok(RecordValidationNoticeReturnedPayload { notice, user_errors })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<ValidationNotice>, Vec<UserError>)> {
    let notice = match outcome.object {
        Some(id) => ValidationNotice::load(ctx, id).await?,
        None => None,
    };
    Ok((notice, outcome.user_errors))
}
