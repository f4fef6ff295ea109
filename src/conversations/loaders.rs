//! Look-ups of sibling fields in one statement each; made per operation.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    agent_work::{self, AgentTime, AgentWork},
    route,
    store::{self, ConversationRow, MessageRow},
};
use crate::accounts::debtor_keys;
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    gql::{Batch, OpScope, PageRequest},
    keys::WrappedKey,
};

/// A page of an account's threads: whose, how many, past which.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ThreadPage {
    pub(super) account: Uuid,
    pub(super) limit: i64,
    pub(super) backward: bool,
    pub(super) past: Option<Uuid>,
}

impl ThreadPage {
    pub(super) fn new(account: Uuid, page: &PageRequest, past: Option<Uuid>) -> Self {
        Self {
            account,
            limit: page.fetch(),
            backward: page.backward,
            past,
        }
    }
}

/// A page of a thread's messages: from one place in it to another, both of which belong to it. A sequence has no holes: whether
/// there are more is known without reading one more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MessagePage {
    thread: Uuid,
    record_key: Uuid,
    low: i32,
    high: i32,
    backward: bool,
}

impl MessagePage {
    pub(super) fn new(thread: &ConversationRow, page: &PageRequest, past: Option<i32>) -> Self {
        let further = i32::try_from(page.limit - 1).unwrap_or(i32::MAX);
        let (low, high) = if page.backward {
            let high = past.map_or(thread.last_sequence, |past| {
                past.saturating_sub(1).min(thread.last_sequence)
            });
            (high.saturating_sub(further), high)
        } else {
            let low = past.unwrap_or(0).saturating_add(1).max(1);
            (low, low.saturating_add(further))
        };
        Self {
            thread: thread.id,
            record_key: thread.record_key_id,
            low,
            high,
            backward: page.backward,
        }
    }

    /// Whether the thread goes on past it, in reading direction.
    pub(super) fn has_more(&self, thread: &ConversationRow) -> bool {
        if self.backward {
            self.low > 1
        } else {
            self.high < thread.last_sequence
        }
    }

    /// The page's own of the thread's messages, which may be those of several pages.
    fn of(&self, messages: &[Arc<MessageRow>]) -> Vec<Arc<MessageRow>> {
        let mut own: Vec<_> = messages
            .iter()
            .filter(|message| (self.low..=self.high).contains(&message.sequence))
            .cloned()
            .collect();
        own.sort_unstable_by_key(|message| message.sequence);
        // Two pages that overlap read a message twice.
        own.dedup_by_key(|message| message.sequence);
        if self.backward {
            own.reverse();
        }
        own
    }
}

pub(super) type Threads = Arc<Vec<Arc<ConversationRow>>>;
pub(super) type Messages = Arc<Vec<Arc<MessageRow>>>;

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct ConversationLoaders {
    conversations: Batch<Uuid, Arc<ConversationRow>>,
    of_account: Batch<ThreadPage, Threads>,
    messages: Batch<MessagePage, Messages>,
    message: Batch<Uuid, Arc<MessageRow>>,
    unread: Batch<Uuid, i32>,
    agent_work: Batch<AgentTime, AgentWork>,
    record_keys: Batch<Uuid, WrappedKey>,
}

impl ConversationLoaders {
    pub(super) async fn conversation(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<ConversationRow>>, OpError> {
        self.conversations
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = store::conversations_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    /// The numbers that a business writes from.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn numbers_of(&self, scope: &OpScope, business: Uuid) -> Result<Vec<String>, OpError> {
        route::numbers_of(scope.db(), business).await
    }

    /// What a member of staff works on, and did in a time.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn agent_work(&self, scope: &OpScope, asked: AgentTime) -> Result<AgentWork, OpError> {
        let found = self
            .agent_work
            .load(asked, async |asked: Vec<AgentTime>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(agent_work::work_of(&mut tx, asked).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn of_account(&self, scope: &OpScope, page: ThreadPage) -> Result<Threads, OpError> {
        let read = async |pages| read_threads(scope, pages).await;
        Ok(self.of_account.load(page, read).await?.unwrap_or_default())
    }

    /// Fetches pages for those who ask for them next.
    pub(super) async fn fetch_threads(&self, scope: &OpScope, pages: Vec<ThreadPage>) -> Result<(), OpError> {
        let read = async |pages| read_threads(scope, pages).await;
        self.of_account.fetch(pages, read).await
    }

    pub(super) fn kept_threads(&self, page: &ThreadPage) -> Option<Threads> {
        self.of_account.kept(page)
    }

    pub(super) async fn messages(&self, scope: &OpScope, page: MessagePage) -> Result<Messages, OpError> {
        let read = async |pages| read_messages(scope, pages).await;
        Ok(self.messages.load(page, read).await?.unwrap_or_default())
    }

    /// Fetches pages for those who ask for them next.
    pub(super) async fn fetch_messages(
        &self,
        scope: &OpScope,
        pages: Vec<MessagePage>,
    ) -> Result<(), OpError> {
        let read = async |pages| read_messages(scope, pages).await;
        self.messages.fetch(pages, read).await
    }

    pub(super) fn kept_messages(&self, page: &MessagePage) -> Option<Messages> {
        self.messages.kept(page)
    }

    pub(super) async fn message(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<MessageRow>>, OpError> {
        self.message
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = messages_by_ids(&mut tx, &ids).await?;
                Ok::<_, OpError>(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    /// The key under which a thread's words are sealed.
    pub(super) async fn record_key(&self, scope: &OpScope, id: Uuid) -> Result<Option<WrappedKey>, OpError> {
        self.record_keys
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let keys = debtor_keys::load_all(&mut tx, &ids).await?;
                Ok::<_, OpError>(keys.into_iter().map(|key| (key.id, key)).collect())
            })
            .await
    }

    pub(super) async fn unread(&self, scope: &OpScope, conversation: Uuid) -> Result<i32, OpError> {
        let found = self
            .unread
            .load(conversation, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(unread_counts(&mut tx, &ids).await?)
            })
            .await?;
        Ok(found.unwrap_or(0))
    }
}

async fn read_threads(
    scope: &OpScope,
    pages: Vec<ThreadPage>,
) -> Result<HashMap<ThreadPage, Threads>, OpError> {
    let mut tx = scope.snapshot().await?;
    Ok(threads_of_accounts(&mut tx, pages).await?)
}

async fn read_messages(
    scope: &OpScope,
    pages: Vec<MessagePage>,
) -> Result<HashMap<MessagePage, Messages>, OpError> {
    let mut tx = scope.snapshot().await?;
    Ok(messages_of_threads(&mut tx, pages).await?)
}

/// One statement for all accounts that ask for the same number from the same end; usually there is one group.
fn groups(pages: &[ThreadPage]) -> HashMap<(i64, bool), Vec<ThreadPage>> {
    let mut groups: HashMap<(i64, bool), Vec<ThreadPage>> = HashMap::new();
    for page in pages {
        groups
            .entry((page.limit, page.backward))
            .or_default()
            .push(page.clone());
    }
    groups
}

/// Newest first; "backward" is from the oldest.
async fn threads_of_accounts(
    tx: &mut TenantTx,
    pages: Vec<ThreadPage>,
) -> Result<HashMap<ThreadPage, Threads>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let mut found = HashMap::with_capacity(pages.len());
    for ((limit, backward), group) in groups(&pages) {
        let accounts: Vec<Uuid> = group.iter().map(|page| page.account).collect();
        let pasts: Vec<Option<Uuid>> = group.iter().map(|page| page.past).collect();
        let rows = if backward {
            sqlx::query_as!(
                ConversationRow,
                r#"SELECT c.id AS "id!", c.debtor_id, c.account_id, c.channel AS "channel!", c.status AS "status!", c.resolution_cipher,
                        c.our_address AS "our_address!", c.peer_cipher,
                        c.record_key_id AS "record_key_id!", c.assigned_agent_id, c.assigned_at,
                        c.last_sequence AS "last_sequence!", c.last_inbound_sequence AS "last_inbound_sequence!",
                        c.created_at AS "created_at!", c.updated_at AS "updated_at!", c.closed_at,
                        c.waiting_since, c.escalation_reason_cipher, c.escalated_at, c.escalated_by
                 FROM unnest($2::uuid[], $3::uuid[]) AS p(account_id, past)
                 CROSS JOIN LATERAL (
                    SELECT * FROM conversations v
                    WHERE v.business_id = $1 AND v.account_id = p.account_id
                      AND ($4::uuid IS NULL OR v.assigned_agent_id IS NULL OR v.assigned_agent_id = $4)
                      AND (p.past IS NULL OR v.id > p.past)
                    ORDER BY v.id ASC LIMIT $5) c"#,
                business,
                &accounts,
                &pasts as &[Option<Uuid>],
                scope,
                limit,
            )
            .fetch_all(tx.conn())
            .await?
        } else {
            sqlx::query_as!(
                ConversationRow,
                r#"SELECT c.id AS "id!", c.debtor_id, c.account_id, c.channel AS "channel!", c.status AS "status!", c.resolution_cipher,
                        c.our_address AS "our_address!", c.peer_cipher,
                        c.record_key_id AS "record_key_id!", c.assigned_agent_id, c.assigned_at,
                        c.last_sequence AS "last_sequence!", c.last_inbound_sequence AS "last_inbound_sequence!",
                        c.created_at AS "created_at!", c.updated_at AS "updated_at!", c.closed_at,
                        c.waiting_since, c.escalation_reason_cipher, c.escalated_at, c.escalated_by
                 FROM unnest($2::uuid[], $3::uuid[]) AS p(account_id, past)
                 CROSS JOIN LATERAL (
                    SELECT * FROM conversations v
                    WHERE v.business_id = $1 AND v.account_id = p.account_id
                      AND ($4::uuid IS NULL OR v.assigned_agent_id IS NULL OR v.assigned_agent_id = $4)
                      AND (p.past IS NULL OR v.id < p.past)
                    ORDER BY v.id DESC LIMIT $5) c"#,
                business,
                &accounts,
                &pasts as &[Option<Uuid>],
                scope,
                limit,
            )
            .fetch_all(tx.conn())
            .await?
        };
        let mut by_account: HashMap<Uuid, Vec<Arc<ConversationRow>>> = HashMap::with_capacity(group.len());
        for row in rows {
            if let Some(account) = row.account_id {
                by_account.entry(account).or_default().push(Arc::new(row));
            }
        }
        for page in group {
            let children = by_account.remove(&page.account).unwrap_or_default();
            found.insert(page, Arc::new(children));
        }
    }
    Ok(found)
}

struct JoinedMessage {
    id: Uuid,
    conversation_id: Uuid,
    debtor_id: Option<Uuid>,
    sequence: i32,
    direction: String,
    sender_type: String,
    sender_id: Option<Uuid>,
    body_cipher: Vec<u8>,
    delivery_status: String,
    failure_code: Option<String>,
    failure_reason: Option<String>,
    decision_id: Option<Uuid>,
    created_at: chrono::DateTime<chrono::Utc>,
    sent_at: Option<chrono::DateTime<chrono::Utc>>,
    delivered_at: Option<chrono::DateTime<chrono::Utc>>,
    read_at: Option<chrono::DateTime<chrono::Utc>>,
    template_id: Option<Uuid>,
    template_version: Option<i32>,
    key_id: Uuid,
    key_version: i32,
    wrapped: Option<Vec<u8>>,
}

impl From<JoinedMessage> for MessageRow {
    fn from(row: JoinedMessage) -> Self {
        Self {
            id: row.id,
            conversation_id: row.conversation_id,
            debtor_id: row.debtor_id,
            sequence: row.sequence,
            direction: row.direction,
            sender_type: row.sender_type,
            sender_id: row.sender_id,
            body_cipher: row.body_cipher,
            delivery_status: row.delivery_status,
            failure_code: row.failure_code,
            failure_reason: row.failure_reason,
            decision_id: row.decision_id,
            created_at: row.created_at,
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            read_at: row.read_at,
            template_id: row.template_id,
            template_version: row.template_version,
            key: WrappedKey {
                id: row.key_id,
                business_key_version: row.key_version,
                wrapped: row.wrapped,
            },
        }
    }
}

/// In reading direction. Because a thread's sequence has no holes, a page is a range of it: one range of the index each,
/// whatever the pages' sizes and directions.
async fn messages_of_threads(
    tx: &mut TenantTx,
    pages: Vec<MessagePage>,
) -> Result<HashMap<MessagePage, Messages>, DbError> {
    let business = tx.business_id();
    let threads: Vec<Uuid> = pages.iter().map(|page| page.thread).collect();
    let keys: Vec<Uuid> = pages.iter().map(|page| page.record_key).collect();
    let lows: Vec<i32> = pages.iter().map(|page| page.low).collect();
    let highs: Vec<i32> = pages.iter().map(|page| page.high).collect();
    let rows = sqlx::query_as!(
        JoinedMessage,
        r#"SELECT m.id AS "id!", m.conversation_id AS "conversation_id!", m.debtor_id, m.sequence AS "sequence!",
                m.direction AS "direction!", m.sender_type AS "sender_type!", m.sender_id,
                m.body_cipher AS "body_cipher!", m.delivery_status AS "delivery_status!", m.failure_code,
                m.failure_reason, m.decision_id, m.created_at AS "created_at!", m.sent_at, m.delivered_at, m.read_at,
                m.template_id, m.template_version, k.id AS "key_id!", k.business_key_version AS "key_version!", k.wrapped
         FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::int[]) AS p(conversation_id, key_id, low, high)
         JOIN data_keys k ON k.business_id = $1 AND k.id = p.key_id
         JOIN messages m ON m.business_id = $1 AND m.conversation_id = p.conversation_id
            AND m.sequence BETWEEN p.low AND p.high"#,
        business,
        &threads,
        &keys,
        &lows,
        &highs,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut by_thread: HashMap<Uuid, Vec<Arc<MessageRow>>> = HashMap::with_capacity(pages.len());
    for row in rows {
        by_thread
            .entry(row.conversation_id)
            .or_default()
            .push(Arc::new(row.into()));
    }
    Ok(pages
        .into_iter()
        .map(|page| {
            let all = by_thread.get(&page.thread).map_or(&[][..], Vec::as_slice);
            let messages = page.of(all);
            (page, Arc::new(messages))
        })
        .collect())
}

/// Messages whose thread is within the caller's scope.
async fn messages_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<MessageRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let rows = sqlx::query_as!(
        JoinedMessage,
        "SELECT m.id, m.conversation_id, m.debtor_id, m.sequence, m.direction, m.sender_type, m.sender_id, m.body_cipher,
                m.delivery_status, m.failure_code, m.failure_reason, m.decision_id, m.created_at, m.sent_at,
                m.delivered_at, m.read_at, m.template_id, m.template_version, k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM messages m
         JOIN conversations v ON v.business_id = m.business_id AND v.id = m.conversation_id
         JOIN data_keys k ON k.business_id = v.business_id AND k.id = v.record_key_id
         WHERE m.business_id = $1 AND m.id = ANY($2)
           AND ($3::uuid IS NULL OR v.assigned_agent_id IS NULL OR v.assigned_agent_id = $3)",
        business,
        ids,
        scope,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Messages from the debtor that the viewer has not read.
async fn unread_counts(tx: &mut TenantTx, ids: &[Uuid]) -> Result<HashMap<Uuid, i32>, DbError> {
    let (business, user) = (tx.business_id(), tx.ctx().user_id());
    let rows = sqlx::query!(
        r#"SELECT v.id, (SELECT count(*) FROM messages m
                WHERE m.business_id = $1 AND m.conversation_id = v.id AND m.direction = 'INBOUND'
                  AND m.sequence > coalesce(r.last_read_sequence, 0)) AS "count!"
         FROM conversations v
         LEFT JOIN conversation_reads r ON r.business_id = v.business_id AND r.conversation_id = v.id AND r.user_id = $3
         WHERE v.business_id = $1 AND v.id = ANY($2)"#,
        business,
        ids,
        user,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, i32::try_from(row.count).unwrap_or(i32::MAX)))
        .collect())
}
