//! A thread, and its messages page by page.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Message, message::MessageConnection};
use crate::{
    access::{Cell, authorize},
    accounts::{
        Channel,
        graphql::{Account, Debtor, Document, DocumentConnection},
    },
    compliance::graphql::ContentFinding,
    conversations::{
        ConversationLoaders,
        loaders::{MessagePage, ThreadPage},
        model::ConversationStatus,
        store::{ConversationRow, MessageRow},
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{
            Cursor, EdgeCursor, InPlace, OpScope, PageArgs, PageRequest, ScopeExt as _, fetch_for_pages,
            op_error,
        },
        ids::{self, IdKind},
    },
};

crate::relay_connection!(Conversation, ConversationConnection, ConversationEdge);

/// A thread on one channel with one address.
#[derive(Clone)]
pub struct Conversation {
    row: Arc<ConversationRow>,
}

impl Conversation {
    /// Wraps a row, and notes whose personal data goes into the answer.
    pub(crate) fn new(scope: &OpScope, row: Arc<ConversationRow>) -> Self {
        if let Some(debtor) = row.debtor_id {
            scope.saw_debtor(debtor);
        }
        Self { row }
    }

    /// What of a text that was refused in this thread may not be said; nothing where it was refused for something else.
    pub(super) async fn words_refused(
        &self,
        ctx: &Context<'_>,
        body: &str,
    ) -> async_graphql::Result<Vec<ContentFinding>> {
        let Some(debtor) = self.row.debtor_id else {
            return Ok(Vec::new());
        };
        let channel = Channel::parse(&self.row.channel).unwrap_or(Channel::Sms);
        ContentFinding::of_refused(ctx, self.row.account_id, debtor, channel, body).await
    }

    /// Looks a thread up; `None` when it is not the caller's or they may not read threads.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::ConversationRead).is_err() {
            return Ok(None);
        }
        let row = ctx
            .data::<ConversationLoaders>()?
            .conversation(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self::new(scope, row)))
    }

    /// The threads of an account, newest first.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a page that does not fit.
    pub async fn of_account(
        ctx: &Context<'_>,
        account: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<ConversationConnection> {
        let scope = ctx.scope()?;
        let (page, threads) = Self::threads_of(ctx, account, args)?;
        let rows = ctx
            .data::<ConversationLoaders>()?
            .of_account(scope, threads)
            .await
            .map_err(op_error)?;
        Ok(Self::connection(scope, &page, &rows))
    }

    fn connection(
        scope: &OpScope,
        page: &PageRequest,
        rows: &[Arc<ConversationRow>],
    ) -> ConversationConnection {
        let rows = rows
            .iter()
            .map(|row| (EdgeCursor::of("threads", row.id), Self::new(scope, row.clone())))
            .collect();
        ConversationConnection::from_rows(page, rows)
    }

    fn threads_of(
        ctx: &Context<'_>,
        account: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<(PageRequest, ThreadPage)> {
        authorize(ctx.scope()?.ctx(), Cell::ConversationRead)
            .map_err(|denied| op_error(OpError::Forbidden(denied.to_string())))?;
        let page = args.check(ctx)?;
        let past = page.key::<Uuid>("threads")?;
        let threads = ThreadPage::new(account, &page, past);
        Ok((page, threads))
    }

    /// Fetches the pages of threads that the field of `ctx` asks for of these accounts, and what is selected on the threads.
    pub async fn fetch_of_accounts(ctx: &Context<'_>, accounts: Vec<Uuid>) {
        let (Ok(scope), Ok(loaders)) = (ctx.scope(), ctx.data::<ConversationLoaders>()) else {
            return;
        };
        let asked = |account| Self::threads_of(ctx, account, PageArgs::of(ctx)?).ok();
        let Some((requests, pages)): Option<(Vec<_>, Vec<_>)> = accounts.into_iter().map(asked).collect()
        else {
            return;
        };
        if loaders.fetch_threads(scope, pages.clone()).await.is_err() {
            return;
        }
        let limit = |request: &PageRequest| usize::try_from(request.limit).unwrap_or(usize::MAX);
        let mut shown = Vec::new();
        for (page, request) in pages.iter().zip(&requests) {
            let threads = loaders.kept_threads(page).unwrap_or_default();
            shown.extend(threads.iter().take(limit(request)).cloned());
        }
        let threads: Vec<_> = shown.into_iter().map(|row| Self { row }).collect();
        let threads: Vec<_> = threads.iter().collect();
        fetch_for_pages::<ConversationConnection, ConversationEdge>(ctx, &threads).await;
    }

    /// The page of threads that the field of `ctx` asks for of this account, where it was fetched.
    pub fn fetched_of_account(ctx: &Context<'_>, account: Uuid) -> Option<ConversationConnection> {
        let (page, threads) = Self::threads_of(ctx, account, PageArgs::of(ctx)?).ok()?;
        let rows = ctx.data::<ConversationLoaders>().ok()?.kept_threads(&threads)?;
        Some(Self::connection(ctx.scope().ok()?, &page, &rows))
    }
}

crate::write_names_of!(ConversationStatus);

crate::fields_at_hand!(Conversation {
    "id" => id,
    "channel" => channel,
    "status" => status,
    "assignedAt" => assigned_at,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
    "closedAt" => closed_at,
    "escalatedAt" => escalated_at,
    "waitingSince" => waiting_since,
} fetched {
    "messages" => (fetch_messages, fetched_messages),
});

/// A thread on one channel with one address.
#[Object]
impl Conversation {
    /// The conversation's id (`conv_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Conversation, self.row.id).into()
    }

    /// The account that it is about; null until it is matched.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        match self.row.account_id {
            Some(id) => Account::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The person; null until they are matched: then nothing may be said of a debt.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        match self.row.debtor_id {
            Some(id) => Debtor::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The channel.
    async fn channel(&self) -> Channel {
        Channel::parse(&self.row.channel).unwrap_or(Channel::Sms)
    }

    /// Where it stands.
    async fn status(&self) -> ConversationStatus {
        ConversationStatus::parse(&self.row.status)
    }

    /// How it was settled, in words; null after erasure.
    async fn resolution(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open_note(ctx, "resolution_cipher", self.row.resolution_cipher.as_deref())
            .await
    }

    /// Why it was escalated last; null where it never was, and after erasure.
    async fn escalation_reason(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let cipher = self.row.escalation_reason_cipher.as_deref();
        self.open_note(ctx, "escalation_reason_cipher", cipher).await
    }

    /// When it was escalated last.
    async fn escalated_at(&self) -> Option<DateTime<Utc>> {
        self.row.escalated_at
    }

    /// Who escalated it last.
    async fn escalated_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.escalated_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Since when the debtor waits for an answer of a person; null when they do not: it was answered, resolved or closed.
    async fn waiting_since(&self) -> Option<DateTime<Utc>> {
        let is_open = matches!(self.row.status.as_str(), "ACTIVE" | "ESCALATED");
        self.row.waiting_since.filter(|_| is_open)
    }

    /// Who answers it; null when nobody does yet.
    async fn assigned_agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.assigned_agent_id {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Since when.
    async fn assigned_at(&self) -> Option<DateTime<Utc>> {
        self.row.assigned_at
    }

    /// The newest message.
    async fn last_message(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Message>> {
        let args = PageArgs {
            last: Some(1),
            ..PageArgs::default()
        };
        Ok(self
            .message_page(ctx, args)
            .await?
            .edges
            .0
            .pop()
            .map(|edge| edge.node.0))
    }

    /// Messages in their order; `last: 20` gives the newest twenty.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor, going forward.")] after: Option<String>,
        #[graphql(desc = "How many from the end (1 to 100).")] last: Option<i32>,
        #[graphql(desc = "Past this cursor, going backward.")] before: Option<String>,
    ) -> async_graphql::Result<InPlace<MessageConnection>> {
        let args = PageArgs {
            first,
            after,
            last,
            before,
        };
        self.message_page(ctx, args).await.map(InPlace)
    }

    /// Its documents, newest first; Account.documents has them too where the account is known. Never shown to the debtor.
    async fn documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<DocumentConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        Document::of_conversation(ctx, self.row.id, args).await
    }

    /// How many of the debtor's messages you have not read.
    async fn unread_count(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        ctx.data::<ConversationLoaders>()?
            .unread(ctx.scope()?, self.row.id)
            .await
            .map_err(op_error)
    }

    /// Subscribe to conversationEvents `after` this cursor and nothing is missed between this query and the
    /// subscription.
    async fn feed_cursor(&self, ctx: &Context<'_>) -> async_graphql::Result<Cursor> {
        let (position, _) = Box::pin(ctx.snapshot().await?.live_head())
            .await
            .map_err(|error| op_error(error.into()))?;
        Ok(Cursor::of(position))
    }

    /// When it began.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When something in it changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }

    /// When it was closed.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.row.closed_at
    }
}

impl Conversation {
    /// Opens what is noted of the thread.
    async fn open_note(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        cipher: Option<&[u8]>,
    ) -> async_graphql::Result<Option<String>> {
        let Some(cipher) = cipher else {
            return Ok(None);
        };
        let (scope, loaders) = (ctx.scope()?, ctx.data::<ConversationLoaders>()?);
        let keys = scope.keys().await.map_err(op_error)?;
        let wrapped = loaders
            .record_key(scope, self.row.record_key_id)
            .await
            .map_err(op_error)?;
        let key = wrapped.map(|wrapped| scope.data_key(&keys, &wrapped)).transpose();
        let Some(key) = key.map_err(op_error)?.flatten() else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, "conversations", column, self.row.id, cipher)
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.into_exposed()))
    }

    async fn message_page(
        &self,
        ctx: &Context<'_>,
        args: PageArgs,
    ) -> async_graphql::Result<MessageConnection> {
        let (page, asked) = self.messages_of(ctx, args)?;
        let has_more = asked.has_more(&self.row);
        let rows = ctx
            .data::<ConversationLoaders>()?
            .messages(ctx.scope()?, asked)
            .await
            .map_err(op_error)?;
        Ok(Self::message_connection(&page, &rows, has_more))
    }

    fn message_connection(page: &PageRequest, rows: &[Arc<MessageRow>], has_more: bool) -> MessageConnection {
        let rows = rows
            .iter()
            .map(|row| {
                (
                    EdgeCursor::of("messages", row.sequence),
                    Message::new(row.clone()),
                )
            })
            .collect();
        let mut connection = MessageConnection::from_rows(page, rows);
        connection.page_info.goes_on(page, has_more);
        connection
    }

    fn messages_of(
        &self,
        ctx: &Context<'_>,
        args: PageArgs,
    ) -> async_graphql::Result<(PageRequest, MessagePage)> {
        let page = args.check(ctx)?;
        let past = page.key::<i32>("messages")?;
        let messages = MessagePage::new(&self.row, &page, past);
        Ok((page, messages))
    }

    async fn fetch_messages(threads: &[&Self], ctx: &Context<'_>) {
        let (Ok(scope), Ok(loaders)) = (ctx.scope(), ctx.data::<ConversationLoaders>()) else {
            return;
        };
        let asked = |thread: &&Self| thread.messages_of(ctx, PageArgs::of(ctx)?).ok();
        let pages: Option<Vec<_>> = threads.iter().map(asked).collect();
        let pages = pages.into_iter().flatten().map(|(_, page)| page).collect();
        // Whoever asks for what could not be fetched meets what was in the way.
        let _ = loaders.fetch_messages(scope, pages).await;
    }

    fn fetched_messages(&self, ctx: &Context<'_>) -> Option<InPlace<MessageConnection>> {
        let (page, asked) = self.messages_of(ctx, PageArgs::of(ctx)?).ok()?;
        let rows = ctx.data::<ConversationLoaders>().ok()?.kept_messages(&asked)?;
        let connection = Self::message_connection(&page, &rows, asked.has_more(&self.row));
        Some(InPlace(connection))
    }

    /// The thread's cursor in a list by last change.
    pub(super) fn cursor(&self) -> EdgeCursor {
        EdgeCursor::of("conversations", (self.row.updated_at, self.row.id))
    }
}
