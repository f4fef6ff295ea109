//! Disputes in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ComplianceLoaders, by_person::by_person, dispute_steps::DisputeStep};
use crate::{
    accounts::graphql::{Account, Debtor},
    compliance::{
        disputes::{
            DisputeKind, DisputeOutcome, DisputeReason, DisputeStatus,
            steps::{StepRow, steps_of},
            store::{DisputeCriteria, DisputeRow, dispute_by_id, disputes, disputes_of_accounts},
        },
        intake_channel::IntakeChannel,
    },
    conversations::graphql::Message,
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{AtHand, EdgeCursor, OpScope, PageArgs, ScopeExt as _, not_found, op_error, parse_id},
        ids::{self, IdKind},
    },
};

/// What a debtor, or somebody for them, disputed or asked for, and what became of it (15 USC 1692g(b); 12 CFR 1006.38).
#[derive(Clone)]
pub struct Dispute {
    row: Arc<DisputeRow>,
}

crate::relay_connection!(Dispute, DisputeConnection, DisputeEdge);

impl AtHand for Dispute {}

/// The disputes of one account.
pub(super) type Disputes = Arc<Vec<Arc<DisputeRow>>>;

/// The steps of one dispute.
pub(super) type Steps = Arc<Vec<Arc<StepRow>>>;

impl Dispute {
    pub(super) fn new(scope: &OpScope, row: Arc<DisputeRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// Looks a dispute up; `None` when it is not the caller's.
    ///
    /// # Errors
    /// Internal ones only.
    pub(super) async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let row = dispute_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        Ok(row.map(|row| Self::new(scope, Arc::new(row))))
    }

    /// One of the disputes that [`Self::of_account`] tells of.
    ///
    /// # Errors
    /// Internal ones only.
    pub(crate) async fn one_of_account(
        ctx: &Context<'_>,
        account: Uuid,
        id: Uuid,
    ) -> async_graphql::Result<Option<Self>> {
        let all = Self::of_account(ctx, account).await?;
        Ok(all.into_iter().find(|dispute| dispute.row.id == id))
    }

    /// The disputes of an account, newest first.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_account(ctx: &Context<'_>, account: Uuid) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .disputes
            .load(account, async |accounts: Vec<Uuid>| {
                let rows = disputes_of_accounts(&mut *scope.snapshot().await?, &accounts).await?;
                Ok::<_, OpError>(by_person(rows))
            })
            .await
            .map_err(op_error)?;
        let rows = found.unwrap_or_default();
        Ok(rows.iter().map(|row| Self::new(scope, row.clone())).collect())
    }

    /// Those of a person that wait for an answer and of which it was told that they are due soon, or overdue.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn due_of(
        ctx: &Context<'_>,
        debtor: Uuid,
        account: Option<Uuid>,
    ) -> async_graphql::Result<Vec<Self>> {
        let criteria = DisputeCriteria {
            debtor: Some(debtor),
            account,
            told: true,
            ..DisputeCriteria::default()
        };
        let rows = disputes(&mut *ctx.snapshot().await?, &criteria, 100)
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        Ok(rows
            .into_iter()
            .map(|row| Self::new(scope, Arc::new(row)))
            .collect())
    }

    /// A text of the dispute, opened; null when there is none, or the records were destroyed.
    pub(super) async fn open(
        &self,
        ctx: &Context<'_>,
        (table, column, row): (&'static str, &'static str, Uuid),
        cipher: Option<&[u8]>,
    ) -> async_graphql::Result<Option<String>> {
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let (Some(cipher), Some(key)) = (cipher, scope.data_key(&keys, &self.row.key()).map_err(op_error)?)
        else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, table, column, row, cipher)
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.expose().clone()))
    }

    fn is_overdue_at(&self, now: DateTime<Utc>) -> bool {
        self.row.waits() && self.row.due_at < now
    }
}

pub(super) fn unknown(what: &str) -> async_graphql::Error {
    op_error(OpError::Internal(anyhow::anyhow!("a dispute of unknown {what}")))
}

/// What a debtor, or somebody for them, disputed or asked for, and what became of it (15 USC 1692g(b); 12 CFR 1006.38).
#[Object]
impl Dispute {
    /// The dispute's id (`dsp_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Dispute, self.row.id).into()
    }

    /// The debt; null where it is not known which is meant (a text that does not say): then it is of all of the person's.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        match self.row.account_id {
            Some(id) => Account::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Whose it is; null when the person is not yours to see.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        Debtor::load(ctx, self.row.debtor_id).await
    }

    /// What is asked for.
    async fn kind(&self) -> DisputeKind {
        DisputeKind::parse(&self.row.kind)
    }

    /// Why the debt is disputed; null where nobody has said.
    async fn reason(&self) -> Option<DisputeReason> {
        self.row.reason.as_deref().and_then(DisputeReason::parse)
    }

    /// Whether the original creditor's name and address are asked for (12 CFR 1006.38(c)).
    async fn requests_original_creditor(&self) -> bool {
        self.row.requests_original_creditor
    }

    /// The person's own words; null where none were written down (of a text they stand in `message`), and when the records
    /// were destroyed.
    async fn words(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let cipher = self.row.words_cipher.as_deref();
        self.open(ctx, ("disputes", "words_cipher", self.row.id), cipher)
            .await
    }

    /// The text that says so; null for disputes that came otherwise, for a moment after the text came in, and when it is not
    /// yours to see.
    async fn message(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Message>> {
        match self.row.message_id {
            Some(id) => Message::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When it was received.
    async fn received_at(&self) -> DateTime<Utc> {
        self.row.received_at
    }

    /// By which way it came.
    async fn channel(&self) -> async_graphql::Result<IntakeChannel> {
        IntakeChannel::parse(&self.row.channel).ok_or_else(|| unknown("channel"))
    }

    /// Whether it is in writing; what comes electronically is. An oral one does not stop collection, but for 48 hours.
    async fn written(&self) -> bool {
        self.row.written
    }

    /// Whether it was received within the account's validation period; so it counts where the end of the period is not on
    /// record. Later ones do not stop collection by law.
    async fn within_validation_period(&self) -> bool {
        self.row.within_validation_period
    }

    /// Whether collection pauses until the answer whatever the law asks for, because somebody of the business chose so.
    async fn hold_collection(&self) -> bool {
        self.row.held_by_choice
    }

    /// A text or the debtor in the portal brought it, and nobody of the business has looked yet: until then it counts as
    /// what stops most. Look with startDisputeVerification, or confirm or release its hold.
    async fn needs_confirmation(&self) -> bool {
        self.row.waits() && self.row.looked_at.is_none()
    }

    /// The hold (`hold_…`) that marks the debt as disputed while an answer is owed; null for a moment after a debtor has
    /// filed it in the portal.
    async fn hold_id(&self) -> Option<ID> {
        self.row.hold_id.map(|id| ids::encode(IdKind::Hold, id).into())
    }

    /// The earlier, answered dispute that it repeats (12 CFR 1006.38(a)(1)); null when it is none of that kind.
    async fn duplicate_of(&self) -> Option<ID> {
        self.row
            .duplicate_of
            .map(|id| ids::encode(IdKind::Dispute, id).into())
    }

    /// How far it has come.
    async fn status(&self) -> DisputeStatus {
        self.row.status()
    }

    /// Until when it is to be answered.
    async fn due_at(&self) -> DateTime<Utc> {
        self.row.due_at
    }

    /// An answer is owed still, and its time is over.
    async fn is_overdue(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(self.is_overdue_at(ctx.scope()?.db().clock().now()))
    }

    /// When verification of the debt, or a copy of a judgment, was sent; null when it was not.
    async fn verification_sent_at(&self) -> Option<DateTime<Utc>> {
        self.row.verification_sent_at
    }

    /// When the notice was sent that it is duplicative, with the reasons; null when it was not.
    async fn duplicative_notice_sent_at(&self) -> Option<DateTime<Utc>> {
        self.row.duplicative_notice_sent_at
    }

    /// When the original creditor's name and address were sent; null when they were not.
    async fn original_creditor_sent_at(&self) -> Option<DateTime<Utc>> {
        self.row.original_creditor_sent_at
    }

    /// What became of it; null while it is not over.
    async fn outcome(&self) -> Option<DisputeOutcome> {
        self.row.outcome.as_deref().and_then(DisputeOutcome::parse)
    }

    /// When it was over; null while it is not.
    async fn resolved_at(&self) -> Option<DateTime<Utc>> {
        self.row.resolved_at
    }

    /// Why it ended as it did; null while it is not over, where its hold was released, and when the records were destroyed.
    async fn resolution(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let cipher = self.row.resolution_cipher.as_deref();
        self.open(ctx, ("disputes", "resolution_cipher", self.row.id), cipher)
            .await
    }

    /// The member of staff who filed it; null for the debtor, a text and an API key.
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

    /// What was done about it (at most 100), oldest first.
    async fn steps(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<DisputeStep>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .dispute_steps
            .load(self.row.id, async |disputes: Vec<Uuid>| {
                let rows = steps_of(&mut *scope.snapshot().await?, &disputes).await?;
                let rows = rows.into_iter().map(|row| (row.dispute_id, row));
                Ok::<_, OpError>(by_person(rows))
            })
            .await
            .map_err(op_error)?;
        let rows = found.unwrap_or_default();
        Ok(rows
            .iter()
            .map(|row| DisputeStep::new(self.clone(), row.clone()))
            .collect())
    }
}

/// Which disputes to list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DisputeFilter {
    /// In these states; in any when left out.
    status: Option<Vec<DisputeStatus>>,
    /// Those that wait for an answer which is due before this instant. For what is overdue, give the present one.
    due_before: Option<DateTime<Utc>>,
    /// Of this account (`acct_…`).
    account_id: Option<ID>,
    /// Of this person (`dbtr_…`), whatever account it is of.
    debtor_id: Option<ID>,
}

/// Queries of disputes.
#[derive(Default)]
pub struct DisputeQueries;

#[Object]
impl DisputeQueries {
    /// Disputes and requests for the original creditor, newest first.
    async fn disputes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all when left out.")] filter: Option<DisputeFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<DisputeConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let filter = filter.unwrap_or_default();
        let id = |kind, name, id: &Option<ID>| id.as_ref().map(|id| parse_id(kind, name, id)).transpose();
        let criteria = DisputeCriteria {
            statuses: filter.status.as_ref().map(|statuses| {
                let words = statuses.iter().map(|status| status.as_str().to_owned());
                words.collect()
            }),
            due_before: filter.due_before,
            account: id(IdKind::Account, "filter.accountId", &filter.account_id)?,
            debtor: id(IdKind::Debtor, "filter.debtorId", &filter.debtor_id)?,
            past: page.key::<Uuid>("disputes")?,
            ..DisputeCriteria::default()
        };
        let rows = disputes(&mut *ctx.snapshot().await?, &criteria, page.fetch())
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        let rows = rows
            .into_iter()
            .map(|row| {
                (
                    EdgeCursor::of("disputes", row.id),
                    Dispute::new(scope, Arc::new(row)),
                )
            })
            .collect();
        Ok(DisputeConnection::from_rows(&page, rows))
    }

    /// One dispute; null with a NOT_FOUND error when there is no such dispute of yours.
    async fn dispute(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`dsp_…`")] id: ID,
    ) -> async_graphql::Result<Option<Dispute>> {
        let id = parse_id(IdKind::Dispute, "id", &id)?;
        Dispute::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("dispute"))
    }
}
