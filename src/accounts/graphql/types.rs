//! Account and what hangs on it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    AccountNote, BalanceComponentsValue, Creditor, Debtor, Document, LedgerEntry, Placement, balance,
    documents::DocumentConnection,
    ledger::LedgerEntryConnection,
    notes::AccountNoteConnection,
    timeline::{TimelineItem, TimelineItemConnection},
};
use crate::{
    access::{Cell, authorize},
    accounts::{
        AccountLoaders, AccountStatus, Channel, DebtType, PostalAddress, RiskLevel, loaders::OpenContact,
        store::AccountRow,
    },
    compliance::graphql::{
        ComplianceDecision, ComplianceDecisionConnection, Consent, ConsentConnection, Dispute, Hold,
        Limitation, SuitAuthority, TimeZoneEvidence, ValidationNotice,
    },
    conversations::graphql::{Conversation, ConversationConnection},
    identity::graphql::User,
    ledger,
    payments::graphql::{Payment, PaymentConnection},
    platform::{
        error::OpError,
        gql::{
            Date, EdgeCursor, EmailAddressScalar, InPlace, MoneyValue, OpScope, PageArgs, PhoneNumberScalar,
            ScopeExt as _, op_error,
        },
        ids::{self, IdKind},
        money::Money,
    },
};

crate::relay_connection!(Account, AccountConnection, AccountEdge);

/// One debt of one person at your business.
#[derive(Clone)]
pub struct Account {
    row: Arc<AccountRow>,
}

impl Account {
    /// Wraps a row, and notes whose personal data goes into the answer.
    pub(crate) fn new(scope: &OpScope, row: Arc<AccountRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// Looks an account up; `None` when it is not the caller's or they may not read accounts.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::AccountRead).is_err() {
            return Ok(None);
        }
        let row = ctx
            .data::<AccountLoaders>()?
            .account(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self::new(scope, row)))
    }
}

crate::write_names_of!(AccountStatus, Channel, DebtType, RiskLevel);

crate::fields_at_hand!(Account {
    "id" => id,
    "accountNumber" => account_number,
    "firstName" => first_name,
    "lastName" => last_name,
    "originalCreditor" => original_creditor,
    "currentBalance" => current_balance,
    "originalBalance" => original_balance,
    "dueDate" => due_date,
    "debtType" => debt_type,
    "status" => status,
    "preferredLanguage" => preferred_language,
    "preferredContactMethod" => preferred_contact_method,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
} fetched {
    "conversations" => (fetch_conversations, fetched_conversations),
});

impl Account {
    async fn fetch_conversations(accounts: &[&Self], ctx: &Context<'_>) {
        let ids = accounts.iter().map(|account| account.row.id).collect();
        Conversation::fetch_of_accounts(ctx, ids).await;
    }

    fn fetched_conversations(&self, ctx: &Context<'_>) -> Option<InPlace<ConversationConnection>> {
        Conversation::fetched_of_account(ctx, self.row.id).map(InPlace)
    }
}

/// One debt of one person at your business.
#[Object]
impl Account {
    /// The account's id (`acct_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Account, self.row.id).into()
    }

    /// The person who owes it.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Debtor> {
        Debtor::load(ctx, self.row.debtor_id)
            .await?
            .ok_or_else(|| op_error(OpError::Internal(anyhow::anyhow!("account without its debtor"))))
    }

    /// Your number for it, unique in your business.
    async fn account_number(&self) -> &str {
        &self.row.account_number
    }

    /// The debtor's first name, as it stands on this account's record; null when unknown, and after erasure.
    async fn first_name(&self) -> Option<&str> {
        self.row.first_name.as_deref()
    }

    /// The debtor's last name, as it stands on this account's record; null when unknown, and after erasure.
    async fn last_name(&self) -> Option<&str> {
        self.row.last_name.as_deref()
    }

    /// The debtor's first e-mail address that may still be theirs.
    async fn email(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<EmailAddressScalar>> {
        Ok(self.contact(ctx, "EMAIL", 0).await?.map(EmailAddressScalar))
    }

    /// The debtor's first phone number that may still be theirs.
    async fn phone(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PhoneNumberScalar>> {
        Ok(self.contact(ctx, "PHONE", 0).await?.map(PhoneNumberScalar))
    }

    /// The debtor's second phone number that may still be theirs.
    async fn phone_secondary(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PhoneNumberScalar>> {
        Ok(self.contact(ctx, "PHONE", 1).await?.map(PhoneNumberScalar))
    }

    /// The debtor's postal address; null when unknown or erased.
    async fn address(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PostalAddress>> {
        match Debtor::load(ctx, self.row.debtor_id).await? {
            Some(debtor) => debtor.open_address(ctx).await,
            None => Ok(None),
        }
    }

    /// The clues to where the debtor is, as the gate weighs them: what they stated first.
    async fn time_zone_evidence(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<TimeZoneEvidence>> {
        self.debtor(ctx).await?.time_zone_evidence(ctx).await
    }

    /// Who was owed first.
    async fn original_creditor(&self) -> Option<&str> {
        self.row.original_creditor.as_deref()
    }

    /// Who is owed now; null when not recorded.
    async fn creditor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Creditor>> {
        match self.row.creditor_id {
            Some(id) => Creditor::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// With what it was handed over; null when not recorded.
    async fn placement(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Placement>> {
        match self.row.placement_id {
            Some(id) => Placement::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What is owed now: the sum of the account's ledger entries.
    async fn current_balance(&self) -> async_graphql::Result<MoneyValue> {
        self.money(self.row.balance_minor)
    }

    /// What was owed at the beginning, as you reported it.
    async fn original_balance(&self) -> async_graphql::Result<Option<MoneyValue>> {
        self.row
            .original_balance_minor
            .map(|minor| self.money(minor))
            .transpose()
    }

    /// What the balance was made of on the itemization date, when the account was placed; null when not recorded.
    async fn balance_components(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<BalanceComponentsValue>> {
        BalanceComponentsValue::of_account(ctx, self.row.id, &self.row.currency).await
    }

    /// The itemization date (12 CFR 1006.34(b)(3)); null when not recorded.
    async fn itemization_date(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Date>> {
        balance::itemization_date(ctx, self.row.id).await
    }

    /// When it was or is due.
    async fn due_date(&self) -> Option<Date> {
        self.row.due_date.map(Date)
    }

    /// What it is for; null where nobody has said, and then the gate takes it for what it is strictest with.
    async fn debt_type(&self) -> Option<DebtType> {
        self.row.debt_type.as_deref().and_then(DebtType::parse)
    }

    /// Days since the due date, in UTC dates; 0 when it is not past due or has none.
    async fn days_past_due(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        let today = ctx.scope()?.db().clock().now().date_naive();
        let days = self.row.due_date.map_or(0, |due| (today - due).num_days().max(0));
        Ok(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// Where the account stands.
    async fn status(&self) -> AccountStatus {
        AccountStatus::parse(&self.row.status)
    }

    /// What stops or shapes its collection, on the debt or on the person (at most 100), oldest first.
    async fn holds(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Hold>> {
        Hold::of_account(ctx, self.row.debtor_id, self.row.id).await
    }

    /// What the debtor, or somebody for them, disputed of it, or asked of its original creditor (at most 100), newest first;
    /// to staff also what does not say which debt it is of.
    async fn disputes(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Dispute>> {
        Dispute::of_account(ctx, self.row.id).await
    }

    /// Its validation notices (at most 50), newest first; to the debtor those that were provided and did not come back.
    async fn validation_notices(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ValidationNotice>> {
        ValidationNotice::of_account(ctx, self.row.id).await
    }

    /// Records that suit for it is intended, and by whose authority (at most 100), newest first: at most the first stands.
    async fn suit_authorities(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<SuitAuthority>> {
        SuitAuthority::of_account(ctx, self.row.id).await
    }

    /// When its limitation period ends or ended, as was recorded last; null where nobody has said (recordLimitation).
    async fn limitation(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Limitation>> {
        Limitation::of_account(ctx, self.row.id).await
    }

    /// What the person said of the use of their numbers and addresses: consents and revocations, what was written down last
    /// first.
    async fn consents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ConsentConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        Consent::of_debtor(ctx, self.row.debtor_id, page).await
    }

    /// What the gate answered to contacts about it, the last first.
    async fn decisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ComplianceDecisionConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        ComplianceDecision::of_account(ctx, self.row.id, page).await
    }

    /// Internal notes, newest first; never shown to the debtor.
    async fn notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AccountNoteConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        AccountNote::of_account(ctx, self.row.id, page).await
    }

    /// What happened to it, of all kinds in one order, the last first: messages, threads, notes, documents, postings,
    /// disputes, and what the gate answered; of each what you may read.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<TimelineItemConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        TimelineItem::of_account(ctx, self.row.id, page).await
    }

    /// Bills, agreements, letters and what validates the debt, newest first.
    async fn documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<DocumentConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        Document::of_account(ctx, self.row.id, page).await
    }

    /// Labels, in alphabetical order.
    async fn tags(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<String>> {
        let tags = ctx
            .data::<AccountLoaders>()?
            .tags(ctx.scope()?, self.row.id)
            .await
            .map_err(op_error)?;
        Ok(tags.as_ref().clone())
    }

    /// The fields of your own, a JSON object; empty after erasure.
    async fn custom_fields(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<async_graphql::Json<serde_json::Value>> {
        let empty = serde_json::json!({});
        let Some(cipher) = self.row.custom_fields_cipher.as_deref() else {
            return Ok(async_graphql::Json(empty));
        };
        let Some(debtor) = Debtor::load_record(ctx, self.row.debtor_id).await? else {
            return Ok(async_graphql::Json(empty));
        };
        let text = debtor
            .open(ctx, "accounts", "custom_fields_cipher", self.row.id, cipher)
            .await?;
        Ok(async_graphql::Json(
            text.and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or(empty),
        ))
    }

    /// The language in which the debtor is written to, a BCP 47 tag such as `es` or `es-MX`. Whatever the region, texts that the
    /// law requires are in Spanish for Spanish and in English for all else.
    async fn preferred_language(&self) -> &str {
        &self.row.preferred_language
    }

    /// How the debtor prefers to be contacted.
    async fn preferred_contact_method(&self) -> Option<Channel> {
        self.row.preferred_channel.as_deref().and_then(Channel::parse)
    }

    /// The account's threads, newest first.
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor, going forward.")] after: Option<String>,
        #[graphql(desc = "How many from the end (1 to 100).")] last: Option<i32>,
        #[graphql(desc = "Past this cursor, going backward.")] before: Option<String>,
    ) -> async_graphql::Result<InPlace<ConversationConnection>> {
        Conversation::of_account(
            ctx,
            self.row.id,
            PageArgs {
                first,
                after,
                last,
                before,
            },
        )
        .await
        .map(InPlace)
    }

    /// Its payments, newest first, those too that failed.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<PaymentConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        Payment::of_account(ctx, self.row.id, page).await
    }

    /// What was posted to the account, newest first.
    async fn ledger(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<LedgerEntryConnection> {
        authorize(ctx.scope()?.ctx(), Cell::LedgerRead)
            .map_err(|denied| op_error(OpError::Forbidden(denied.to_string())))?;
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("ledger")?;
        let mut snapshot = ctx.snapshot().await?;
        let entries = ledger::entries_of_account(&mut snapshot, self.row.id, past, page.fetch());
        let rows = Box::pin(entries).await.map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| Ok((EdgeCursor::of("ledger", row.id), LedgerEntry::of(&row)?)))
            .collect::<async_graphql::Result<Vec<_>>>()?;
        Ok(LedgerEntryConnection::from_rows(&page, rows))
    }

    /// The member of staff who works on it; null when it is anybody's.
    async fn assigned_agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.assigned_agent_id {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When it was placed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }
}

impl Account {
    fn money(&self, minor: i64) -> async_graphql::Result<MoneyValue> {
        money(minor, &self.row.currency)
    }

    async fn contact(
        &self,
        ctx: &Context<'_>,
        kind: &str,
        nth: usize,
    ) -> async_graphql::Result<Option<String>> {
        let contacts = ctx
            .data::<AccountLoaders>()?
            .contacts(ctx.scope()?, self.row.debtor_id)
            .await
            .map_err(op_error)?;
        let usable = |contact: &&OpenContact| contact.kind == kind && contact.validity.is_usable();
        let found = contacts.iter().filter(usable).nth(nth);
        Ok(found
            .and_then(|contact| contact.value.as_ref())
            .map(|value| value.expose().clone()))
    }
}

/// An amount of the database.
pub(super) fn money(minor: i64, currency: &str) -> async_graphql::Result<MoneyValue> {
    let currency = currency
        .parse()
        .map_err(|error| op_error(OpError::Internal(anyhow::anyhow!("{error}"))))?;
    Ok(Money::from_minor(minor, currency).into())
}
