//! Complaints in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::graphql::{Account, Debtor},
    compliance::{
        complaints::{
            ComplaintAbout, ComplaintOutcome, ComplaintPatch, ComplaintStatus, NewComplaint, Regulator,
            file_complaint, resolve_complaint,
            store::{ComplaintCriteria, ComplaintRow, complaint_by_id, complaints},
            update_complaint,
        },
        intake_channel::IntakeChannel,
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{
            AtHand, Done, EdgeCursor, OpScope, Outcome, PageArgs, ScopeExt as _, UserError, input_id, mutate,
            not_found, op_error, parse_id,
        },
        ids::{self, IdKind},
    },
};

/// A complaint of a person about the business.
#[derive(Clone)]
pub struct Complaint {
    row: Arc<ComplaintRow>,
}

crate::relay_connection!(Complaint, ComplaintConnection, ComplaintEdge);

impl AtHand for Complaint {}

impl Complaint {
    fn new(scope: &OpScope, row: Arc<ComplaintRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let row = complaint_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        Ok(row.map(|row| Self::new(scope, Arc::new(row))))
    }

    /// Those of a person that are not over and of which it was told that they are due soon, or overdue.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn due_of(
        ctx: &Context<'_>,
        debtor: Uuid,
        account: Option<Uuid>,
    ) -> async_graphql::Result<Vec<Self>> {
        let criteria = ComplaintCriteria {
            debtor: Some(debtor),
            account,
            told: true,
            ..ComplaintCriteria::default()
        };
        let rows = complaints(&mut *ctx.snapshot().await?, &criteria, 100)
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        Ok(rows
            .into_iter()
            .map(|row| Self::new(scope, Arc::new(row)))
            .collect())
    }

    async fn open(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        cipher: Option<&[u8]>,
    ) -> async_graphql::Result<Option<String>> {
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let (Some(cipher), Some(key)) = (cipher, scope.data_key(&keys, &self.row.key()).map_err(op_error)?)
        else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, "complaints", column, self.row.id, cipher)
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.expose().clone()))
    }
}

fn unknown(what: &str) -> async_graphql::Error {
    op_error(OpError::Internal(anyhow::anyhow!(
        "a complaint of unknown {what}"
    )))
}

/// A complaint of a person about the business.
#[Object]
impl Complaint {
    /// The complaint's id (`cpl_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Complaint, self.row.id).into()
    }

    /// Who complains; null when the person is not yours to see.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        Debtor::load(ctx, self.row.debtor_id).await
    }

    /// The debt that it is about; null where it is about none, and for one that was deleted.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        match self.row.account_id {
            Some(id) => Account::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What it is about.
    async fn about(&self) -> async_graphql::Result<ComplaintAbout> {
        ComplaintAbout::parse(&self.row.about).ok_or_else(|| unknown("matter"))
    }

    /// The person's own words; null when the records were destroyed.
    async fn words(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "words_cipher", Some(&self.row.words_cipher)).await
    }

    /// By which way it came.
    async fn channel(&self) -> async_graphql::Result<IntakeChannel> {
        IntakeChannel::parse(&self.row.channel).ok_or_else(|| unknown("channel"))
    }

    /// Who passed it on; null for one that came from the person.
    async fn regulator(&self) -> Option<Regulator> {
        self.row.regulator.as_deref().and_then(Regulator::parse)
    }

    /// The regulator's case number; null when there is none, and when the records were destroyed.
    async fn regulator_reference(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "reference_cipher", self.row.reference_cipher.as_deref())
            .await
    }

    /// When it was received.
    async fn received_at(&self) -> DateTime<Utc> {
        self.row.received_at
    }

    /// How far it has come.
    async fn status(&self) -> async_graphql::Result<ComplaintStatus> {
        ComplaintStatus::parse(&self.row.status).ok_or_else(|| unknown("status"))
    }

    /// Until when it is to be answered.
    async fn due_at(&self) -> DateTime<Utc> {
        self.row.due_at
    }

    /// It is not over, and its time is.
    async fn is_overdue(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let now = ctx.scope()?.db().clock().now();
        Ok(self.row.resolved_at.is_none() && self.row.due_at < now)
    }

    /// What became of it; null while it is not over.
    async fn outcome(&self) -> Option<ComplaintOutcome> {
        self.row.outcome.as_deref().and_then(ComplaintOutcome::parse)
    }

    /// What was answered and done; null while it is not over, and when the records were destroyed.
    async fn resolution(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "resolution_cipher", self.row.resolution_cipher.as_deref())
            .await
    }

    /// When it was over; null while it is not.
    async fn resolved_at(&self) -> Option<DateTime<Utc>> {
        self.row.resolved_at
    }

    /// The member of staff who ended it; null while it is not over, and for an API key.
    async fn resolved_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.resolved_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The member of staff who wrote it down; null for an API key.
    async fn filed_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.filed_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When it was written down.
    async fn filed_at(&self) -> DateTime<Utc> {
        self.row.filed_at
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }
}

/// Which complaints to list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ComplaintFilter {
    /// In these states; in any when left out.
    status: Option<Vec<ComplaintStatus>>,
    /// About these matters; about any when left out.
    about: Option<Vec<ComplaintAbout>>,
    /// Those that are not over and due before this instant. For what is overdue, give the present one.
    due_before: Option<DateTime<Utc>>,
    /// About this account (`acct_…`).
    account_id: Option<ID>,
    /// Of this person (`dbtr_…`).
    debtor_id: Option<ID>,
}

/// Queries of complaints.
#[derive(Default)]
pub struct ComplaintQueries;

#[Object]
impl ComplaintQueries {
    /// Complaints, newest first.
    async fn complaints(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all when left out.")] filter: Option<ComplaintFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ComplaintConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let filter = filter.unwrap_or_default();
        let id = |kind, name, id: &Option<ID>| id.as_ref().map(|id| parse_id(kind, name, id)).transpose();
        let criteria = ComplaintCriteria {
            statuses: filter
                .status
                .as_ref()
                .map(|all| all.iter().map(|one| one.as_str().to_owned()).collect()),
            about: filter
                .about
                .as_ref()
                .map(|all| all.iter().map(|one| one.as_str().to_owned()).collect()),
            due_before: filter.due_before,
            account: id(IdKind::Account, "filter.accountId", &filter.account_id)?,
            debtor: id(IdKind::Debtor, "filter.debtorId", &filter.debtor_id)?,
            past: page.key::<Uuid>("complaints")?,
            ..ComplaintCriteria::default()
        };
        let rows = complaints(&mut *ctx.snapshot().await?, &criteria, page.fetch())
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        let rows = rows
            .into_iter()
            .map(|row| {
                (
                    EdgeCursor::of("complaints", row.id),
                    Complaint::new(scope, Arc::new(row)),
                )
            })
            .collect();
        Ok(ComplaintConnection::from_rows(&page, rows))
    }

    /// One complaint; null with a NOT_FOUND error when there is no such complaint of yours.
    async fn complaint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`cpl_…`")] id: ID,
    ) -> async_graphql::Result<Option<Complaint>> {
        let id = parse_id(IdKind::Complaint, "id", &id)?;
        Complaint::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("complaint"))
    }
}

/// A complaint as it was received.
#[derive(Debug, InputObject)]
pub struct FileComplaintInput {
    /// Who complains; may be left out where `accountId` is given.
    debtor_id: Option<ID>,
    /// The debt that it is about, where it is about one.
    account_id: Option<ID>,
    /// What it is about.
    about: ComplaintAbout,
    /// By which way it came.
    channel: IntakeChannel,
    /// The person's own words, 1 to 10,000 characters; sealed.
    words: String,
    /// Who passed it on, where somebody did.
    regulator: Option<Regulator>,
    /// The regulator's case number, 1 to 100 characters; sealed. Needs `regulator`.
    regulator_reference: Option<String>,
    /// When the business received it; now when left out. Not ahead.
    received_at: Option<DateTime<Utc>>,
    /// Until when it is to be answered; after the business's complaintAnswerDays when left out, a year at most.
    due_at: Option<DateTime<Utc>>,
}

/// What changes on a complaint: what is left out stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateComplaintInput {
    /// The complaint (`cpl_…`).
    complaint_id: ID,
    /// What it is about.
    about: Option<ComplaintAbout>,
    /// OPEN or IN_PROGRESS; resolveComplaint ends it.
    status: Option<ComplaintStatus>,
    /// Until when it is to be answered, within a year after it was received.
    due_at: Option<DateTime<Utc>>,
    /// Who passed it on.
    regulator: Option<Regulator>,
    /// The regulator's case number, 1 to 100 characters; sealed.
    regulator_reference: Option<String>,
}

/// A complaint that ends.
#[derive(Debug, InputObject)]
pub struct ResolveComplaintInput {
    /// The complaint (`cpl_…`).
    complaint_id: ID,
    /// What became of it.
    outcome: ComplaintOutcome,
    /// What was answered and done, 1 to 10,000 characters; sealed.
    resolution: String,
}

/// What fileComplaint answers.
#[derive(SimpleObject)]
pub struct FileComplaintPayload {
    /// The new complaint; null when there are user errors.
    complaint: Option<Complaint>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What updateComplaint answers.
#[derive(SimpleObject)]
pub struct UpdateComplaintPayload {
    /// The complaint as it is now; null when there are user errors.
    complaint: Option<Complaint>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What resolveComplaint answers.
#[derive(SimpleObject)]
pub struct ResolveComplaintPayload {
    /// The complaint that ended; null when there are user errors.
    complaint: Option<Complaint>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of complaints.
#[derive(Default)]
pub struct ComplaintMutations;

#[Object]
impl ComplaintMutations {
    /// Writes a complaint down, whoever passed it on. It stops no contact by itself: where it disputes a debt or asks to be left
    /// alone, file a dispute or set a hold too.
    async fn file_complaint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose, about what, and in which words.")] input: FileComplaintInput,
    ) -> async_graphql::Result<FileComplaintPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id =
                |kind, field, id: &Option<ID>| id.as_ref().map(|id| input_id(kind, field, id)).transpose();
            let new = NewComplaint {
                debtor_id: id(IdKind::Debtor, "debtorId", &input.debtor_id)?,
                account_id: id(IdKind::Account, "accountId", &input.account_id)?,
                about: input.about,
                channel: input.channel,
                words: &input.words,
                regulator: input.regulator,
                reference: input.regulator_reference.as_deref(),
                received_at: input.received_at,
                due_at: input.due_at,
            };
            Ok(Done::from(
                file_complaint(tx, scope.keyring(), scope.db(), new).await?,
            ))
        })
        .await?;
        let (complaint, user_errors) = payload(ctx, outcome).await?;
        Ok(FileComplaintPayload {
            complaint,
            user_errors,
        })
    }

    /// Changes what is known of a complaint, how far it has come, and until when it is to be answered.
    async fn update_complaint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which complaint, and what is new.")] input: UpdateComplaintInput,
    ) -> async_graphql::Result<UpdateComplaintPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Complaint, "complaintId", &input.complaint_id)?;
            let patch = ComplaintPatch {
                about: input.about,
                status: input.status,
                due_at: input.due_at,
                regulator: input.regulator,
                reference: input.regulator_reference.as_deref(),
            };
            update_complaint(tx, scope.keyring(), scope.db(), id, patch).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (complaint, user_errors) = payload(ctx, outcome).await?;
        Ok(UpdateComplaintPayload {
            complaint,
            user_errors,
        })
    }

    /// Ends a complaint, with what became of it and what was answered. It changes no more then.
    async fn resolve_complaint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which complaint, and what became of it.")] input: ResolveComplaintInput,
    ) -> async_graphql::Result<ResolveComplaintPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Complaint, "complaintId", &input.complaint_id)?;
            let end = (input.outcome, input.resolution.as_str());
            resolve_complaint(tx, scope.keyring(), scope.db(), id, end).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (complaint, user_errors) = payload(ctx, outcome).await?;
        Ok(ResolveComplaintPayload {
            complaint,
            user_errors,
        })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<Complaint>, Vec<UserError>)> {
    let complaint = match outcome.object {
        Some(id) => Complaint::load(ctx, id).await?,
        None => None,
    };
    Ok((complaint, outcome.user_errors))
}
