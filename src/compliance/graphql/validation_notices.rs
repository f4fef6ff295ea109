//! Validation notices in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{ComplianceLoaders, by_person::by_person};
use crate::{
    accounts::{ItemizationEvent, graphql::Account},
    compliance::validation_notice::{
        NoticeLanguage, NoticeMethod, NoticeStatus,
        due::{Place, WaitingNotice, due_on, waiting_notices},
        store::{NoticeRow, notice_by_id, notices_of_accounts},
    },
    files::Files,
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{
            AtHand, Date, EdgeCursor, MoneyValue, OpScope, PageArgs, ScopeExt as _, not_found, op_error,
            parse_id,
        },
        ids::{self, IdKind},
        money::Money,
    },
};

/// A validation notice of a debt (12 CFR 1006.34), in the order and words of Model Form B-1.
#[derive(Clone)]
pub struct ValidationNotice {
    row: Arc<NoticeRow>,
}

/// The notices of one account.
pub(super) type Notices = Arc<Vec<Arc<NoticeRow>>>;

impl ValidationNotice {
    fn new(scope: &OpScope, row: Arc<NoticeRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// Looks a notice up; `None` when it is not the caller's.
    ///
    /// # Errors
    /// Internal ones only.
    pub(super) async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let row = notice_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        Ok(row.map(|row| Self::new(scope, Arc::new(row))))
    }

    /// The notices of an account, newest first.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_account(ctx: &Context<'_>, account: Uuid) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .notices
            .load(account, async |accounts: Vec<Uuid>| {
                let rows = notices_of_accounts(&mut *scope.snapshot().await?, &accounts).await?;
                let rows = rows.into_iter().map(|row| (row.account_id, row));
                Ok::<_, OpError>(by_person(rows))
            })
            .await
            .map_err(op_error)?;
        let rows = found.unwrap_or_default();
        Ok(rows.iter().map(|row| Self::new(scope, row.clone())).collect())
    }

    fn money(&self, minor: i64) -> async_graphql::Result<MoneyValue> {
        let currency = self
            .row
            .currency
            .parse()
            .map_err(|error| op_error(OpError::Internal(anyhow::anyhow!("{error}"))))?;
        Ok(Money::from_minor(minor, currency).into())
    }

    /// A link to one of its files; none before they are written, and once the records are destroyed.
    fn link(&self, ctx: &Context<'_>, file: Option<Uuid>) -> async_graphql::Result<Option<String>> {
        let readable = file.filter(|_| self.row.wrapped.is_some());
        let (files, scope) = (ctx.data::<Files>()?, ctx.scope()?);
        Ok(readable.map(|file| files.download_url(scope.ctx(), file)))
    }
}

/// A word that the database's CHECK knows and this program does not.
fn unknown() -> async_graphql::Error {
    op_error(OpError::Internal(anyhow::anyhow!(
        "a validation notice with an unknown word"
    )))
}

async fn user(ctx: &Context<'_>, id: Option<Uuid>) -> async_graphql::Result<Option<User>> {
    match id {
        Some(id) => User::load(ctx, id).await,
        None => Ok(None),
    }
}

/// A validation notice of a debt (12 CFR 1006.34), in the order and words of Model Form B-1.
#[Object]
impl ValidationNotice {
    /// The notice's id (`vnot_…`); printed on it as its reference.
    async fn id(&self) -> ID {
        ids::encode(IdKind::ValidationNotice, self.row.id).into()
    }

    /// The debt.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        Account::load(ctx, self.row.account_id).await
    }

    /// Where it stands. Its files are there, and it can be provided, once it is READY.
    async fn status(&self) -> async_graphql::Result<NoticeStatus> {
        self.row.status().ok_or_else(unknown)
    }

    /// In which language it is written.
    async fn language(&self) -> NoticeLanguage {
        NoticeLanguage::parse(&self.row.language)
    }

    /// The itemization date.
    async fn itemization_date(&self) -> Date {
        Date(self.row.itemization_date)
    }

    /// Which of the five reference dates that is.
    async fn itemization_event(&self) -> async_graphql::Result<ItemizationEvent> {
        ItemizationEvent::parse(&self.row.itemization_event).ok_or_else(unknown)
    }

    /// What was owed on the itemization date.
    async fn amount_on_itemization_date(&self) -> async_graphql::Result<MoneyValue> {
        self.money(self.row.itemized_minor)
    }

    /// Interest since then.
    async fn interest(&self) -> async_graphql::Result<MoneyValue> {
        self.money(self.row.interest_minor)
    }

    /// Fees since then.
    async fn fees(&self) -> async_graphql::Result<MoneyValue> {
        self.money(self.row.fees_minor)
    }

    /// What payments since then took off.
    async fn payments(&self) -> async_graphql::Result<MoneyValue> {
        self.money(self.row.payments_minor)
    }

    /// What credits since then took off.
    async fn credits(&self) -> async_graphql::Result<MoneyValue> {
        self.money(self.row.credits_minor)
    }

    /// What was owed when it was written.
    async fn current_amount(&self) -> async_graphql::Result<MoneyValue> {
        self.money(self.row.current_minor)
    }

    /// The last day on which it may be provided: later, the printed end of the period would be too early.
    async fn provide_by(&self) -> Date {
        Date(self.row.provide_by)
    }

    /// The end of the validation period that is printed on it.
    async fn period_ends_on(&self) -> Date {
        Date(self.row.period_ends_on)
    }

    /// When it was generated (business time).
    async fn generated_at(&self) -> DateTime<Utc> {
        self.row.generated_at
    }

    /// The member of staff who had it generated; null for an API key.
    async fn generated_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        user(ctx, self.row.generated_by).await
    }

    /// Where to read it as PDF (US Letter), good for five minutes: ask for it when somebody wants to, and do not keep it. Null
    /// before it is READY, and once the person's records are destroyed.
    async fn pdf_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.link(ctx, self.row.pdf_file_id)
    }

    /// The same as a page that a browser shows, for screen readers and small screens.
    async fn page_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.link(ctx, self.row.page_file_id)
    }

    /// SHA-256 of the PDF, in hexadecimal; null before it is READY.
    async fn pdf_sha256(&self) -> Option<String> {
        let hash = self.row.pdf_sha256.as_ref()?;
        Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// How it was provided; null while it was not.
    async fn method(&self) -> Option<NoticeMethod> {
        NoticeMethod::parse(self.row.method.as_deref()?)
    }

    /// When it was provided; null while it was not.
    async fn provided_at(&self) -> Option<DateTime<Utc>> {
        self.row.provided_at
    }

    /// When it is taken as received: the fifth day after it was provided, without Saturdays, Sundays and legal public holidays
    /// (12 CFR 1006.34(b)(5)); null while it was not provided.
    async fn assumed_received_on(&self) -> Option<Date> {
        self.row.assumed_received_on.map(Date)
    }

    /// The member of staff who recorded that it was provided; null for an API key.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        user(ctx, self.row.provision_recorded_by).await
    }

    /// When it came back; null while it did not.
    async fn returned_at(&self) -> Option<DateTime<Utc>> {
        self.row.returned_at
    }

    /// The member of staff who recorded that it came back; null for an API key.
    async fn return_recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        user(ctx, self.row.return_recorded_by).await
    }
}

/// A debt of which somebody was told, and whose validation notice was not provided.
#[derive(Clone)]
pub struct ValidationNoticeDue {
    waiting: WaitingNotice,
    today: NaiveDate,
}

crate::relay_connection!(
    ValidationNoticeDue,
    ValidationNoticeDueConnection,
    ValidationNoticeDueEdge
);

impl AtHand for ValidationNoticeDue {}

/// A debt of which somebody was told, and whose validation notice was not provided.
#[Object]
impl ValidationNoticeDue {
    /// The debt.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        Account::load(ctx, self.waiting.account_id).await
    }

    /// When the person was first told of the debt.
    async fn initial_communication_on(&self) -> Date {
        Date(self.waiting.initial_communication_on)
    }

    /// The last day on which the notice is in time: the fifth after that one (12 CFR 1006.34(a)(1)(i)(B)).
    async fn due_on(&self) -> async_graphql::Result<Date> {
        let due_on = due_on(self.waiting.initial_communication_on).map_err(op_error)?;
        Ok(Date(due_on))
    }

    /// Whether that day has passed, in UTC: then nothing else goes out about the debt.
    async fn is_overdue(&self) -> async_graphql::Result<bool> {
        let due_on = due_on(self.waiting.initial_communication_on).map_err(op_error)?;
        Ok(self.today > due_on)
    }
}

/// Queries of validation notices.
#[derive(Default)]
pub struct ValidationNoticeQueries;

#[Object]
impl ValidationNoticeQueries {
    /// One validation notice; null with a NOT_FOUND error when there is no such notice of yours.
    async fn validation_notice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`vnot_…`")] id: ID,
    ) -> async_graphql::Result<Option<ValidationNotice>> {
        let id = parse_id(IdKind::ValidationNotice, "id", &id)?;
        ValidationNotice::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("validation notice"))
    }

    /// Open debts of which somebody was told and whose validation notice was not provided, those first that wait longest.
    async fn validation_notices_due(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ValidationNoticeDueConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Place>("validationNoticesDue")?;
        let rows = waiting_notices(&mut *ctx.snapshot().await?, past, page.fetch())
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        let today = scope.db().clock().now().date_naive();
        let rows = rows
            .into_iter()
            .map(|waiting| {
                scope.saw_debtor(waiting.debtor_id);
                let place = Place {
                    began_on: waiting.initial_communication_on,
                    account: waiting.account_id,
                };
                (
                    EdgeCursor::of("validationNoticesDue", place),
                    ValidationNoticeDue { waiting, today },
                )
            })
            .collect();
        Ok(ValidationNoticeDueConnection::from_rows(&page, rows))
    }
}
