//! Look-ups of sibling fields in one statement each; made per operation.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    route,
    store::{self, ConversationRow, MessageRow},
};
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    gql::{Batch, OpScope, PageRequest},
    keys::WrappedKey,
};

/// A page of one parent's children: whose, how many, past what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ChildPage<K> {
    pub(super) parent: Uuid,
    pub(super) limit: i64,
    pub(super) backward: bool,
    pub(super) past: Option<K>,
}

impl<K> ChildPage<K> {
    pub(super) fn new(parent: Uuid, page: &PageRequest, past: Option<K>) -> Self {
        Self {
            parent,
            limit: page.fetch(),
            backward: page.backward,
            past,
        }
    }
}

type Threads = Arc<Vec<Arc<ConversationRow>>>;
type Messages = Arc<Vec<Arc<MessageRow>>>;

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct ConversationLoaders {
    conversations: Batch<Uuid, Arc<ConversationRow>>,
    of_account: Batch<ChildPage<Uuid>, Threads>,
    messages: Batch<ChildPage<i32>, Messages>,
    message: Batch<Uuid, Arc<MessageRow>>,
    unread: Batch<Uuid, i32>,
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

    pub(super) async fn of_account(
        &self,
        scope: &OpScope,
        page: ChildPage<Uuid>,
    ) -> Result<Threads, OpError> {
        let found = self
            .of_account
            .load(page, async |pages: Vec<ChildPage<Uuid>>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(threads_of_accounts(&mut tx, pages).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn messages(&self, scope: &OpScope, page: ChildPage<i32>) -> Result<Messages, OpError> {
        let found = self
            .messages
            .load(page, async |pages: Vec<ChildPage<i32>>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(messages_of_threads(&mut tx, pages).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
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

/// One statement for all parents that ask for the same number from the same end; usually there is one group.
fn groups<K: Clone>(pages: &[ChildPage<K>]) -> HashMap<(i64, bool), Vec<ChildPage<K>>> {
    let mut groups: HashMap<(i64, bool), Vec<ChildPage<K>>> = HashMap::new();
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
    pages: Vec<ChildPage<Uuid>>,
) -> Result<HashMap<ChildPage<Uuid>, Threads>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let mut found = HashMap::with_capacity(pages.len());
    for ((limit, backward), group) in groups(&pages) {
        let parents: Vec<Uuid> = group.iter().map(|page| page.parent).collect();
        let pasts: Vec<Option<Uuid>> = group.iter().map(|page| page.past).collect();
        let rows = if backward {
            sqlx::query_as!(
                ConversationRow,
                r#"SELECT c.id AS "id!", c.debtor_id, c.account_id, c.channel AS "channel!", c.status AS "status!", c.resolution,
                        c.our_address AS "our_address!", c.peer_cipher,
                        c.record_key_id AS "record_key_id!", c.assigned_agent_id, c.assigned_at,
                        c.last_sequence AS "last_sequence!", c.last_inbound_sequence AS "last_inbound_sequence!",
                        c.created_at AS "created_at!", c.updated_at AS "updated_at!", c.closed_at
                 FROM unnest($2::uuid[], $3::uuid[]) AS p(account_id, past)
                 CROSS JOIN LATERAL (
                    SELECT * FROM conversations v
                    WHERE v.business_id = $1 AND v.account_id = p.account_id
                      AND ($4::uuid IS NULL OR v.assigned_agent_id IS NULL OR v.assigned_agent_id = $4)
                      AND (p.past IS NULL OR v.id > p.past)
                    ORDER BY v.id ASC LIMIT $5) c"#,
                business,
                &parents,
                &pasts as &[Option<Uuid>],
                scope,
                limit,
            )
            .fetch_all(tx.conn())
            .await?
        } else {
            sqlx::query_as!(
                ConversationRow,
                r#"SELECT c.id AS "id!", c.debtor_id, c.account_id, c.channel AS "channel!", c.status AS "status!", c.resolution,
                        c.our_address AS "our_address!", c.peer_cipher,
                        c.record_key_id AS "record_key_id!", c.assigned_agent_id, c.assigned_at,
                        c.last_sequence AS "last_sequence!", c.last_inbound_sequence AS "last_inbound_sequence!",
                        c.created_at AS "created_at!", c.updated_at AS "updated_at!", c.closed_at
                 FROM unnest($2::uuid[], $3::uuid[]) AS p(account_id, past)
                 CROSS JOIN LATERAL (
                    SELECT * FROM conversations v
                    WHERE v.business_id = $1 AND v.account_id = p.account_id
                      AND ($4::uuid IS NULL OR v.assigned_agent_id IS NULL OR v.assigned_agent_id = $4)
                      AND (p.past IS NULL OR v.id < p.past)
                    ORDER BY v.id DESC LIMIT $5) c"#,
                business,
                &parents,
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
            let children = by_account.remove(&page.parent).unwrap_or_default();
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
            key: WrappedKey {
                id: row.key_id,
                business_key_version: row.key_version,
                wrapped: row.wrapped,
            },
        }
    }
}

/// In the thread's order; "backward" is from its end.
async fn messages_of_threads(
    tx: &mut TenantTx,
    pages: Vec<ChildPage<i32>>,
) -> Result<HashMap<ChildPage<i32>, Messages>, DbError> {
    let business = tx.business_id();
    let mut found = HashMap::with_capacity(pages.len());
    for ((limit, backward), group) in groups(&pages) {
        let parents: Vec<Uuid> = group.iter().map(|page| page.parent).collect();
        let pasts: Vec<Option<i32>> = group.iter().map(|page| page.past).collect();
        let rows = if backward {
            sqlx::query_as!(
                JoinedMessage,
                r#"SELECT m.id AS "id!", m.conversation_id AS "conversation_id!", m.debtor_id, m.sequence AS "sequence!",
                        m.direction AS "direction!", m.sender_type AS "sender_type!", m.sender_id,
                        m.body_cipher AS "body_cipher!", m.delivery_status AS "delivery_status!", m.failure_code,
                        m.failure_reason, m.decision_id, m.created_at AS "created_at!", m.sent_at, m.delivered_at, m.read_at,
                        k.id AS "key_id!", k.business_key_version AS "key_version!", k.wrapped
                 FROM unnest($2::uuid[], $3::int[]) AS p(conversation_id, past)
                 JOIN conversations v ON v.business_id = $1 AND v.id = p.conversation_id
                 JOIN data_keys k ON k.business_id = $1 AND k.id = v.record_key_id
                 CROSS JOIN LATERAL (
                    SELECT * FROM messages x
                    WHERE x.business_id = $1 AND x.conversation_id = p.conversation_id AND (p.past IS NULL OR x.sequence < p.past)
                    ORDER BY x.sequence DESC LIMIT $4) m"#,
                business,
                &parents,
                &pasts as &[Option<i32>],
                limit,
            )
            .fetch_all(tx.conn())
            .await?
        } else {
            sqlx::query_as!(
                JoinedMessage,
                r#"SELECT m.id AS "id!", m.conversation_id AS "conversation_id!", m.debtor_id, m.sequence AS "sequence!",
                        m.direction AS "direction!", m.sender_type AS "sender_type!", m.sender_id,
                        m.body_cipher AS "body_cipher!", m.delivery_status AS "delivery_status!", m.failure_code,
                        m.failure_reason, m.decision_id, m.created_at AS "created_at!", m.sent_at, m.delivered_at, m.read_at,
                        k.id AS "key_id!", k.business_key_version AS "key_version!", k.wrapped
                 FROM unnest($2::uuid[], $3::int[]) AS p(conversation_id, past)
                 JOIN conversations v ON v.business_id = $1 AND v.id = p.conversation_id
                 JOIN data_keys k ON k.business_id = $1 AND k.id = v.record_key_id
                 CROSS JOIN LATERAL (
                    SELECT * FROM messages x
                    WHERE x.business_id = $1 AND x.conversation_id = p.conversation_id AND (p.past IS NULL OR x.sequence > p.past)
                    ORDER BY x.sequence ASC LIMIT $4) m"#,
                business,
                &parents,
                &pasts as &[Option<i32>],
                limit,
            )
            .fetch_all(tx.conn())
            .await?
        };
        let mut by_thread: HashMap<Uuid, Vec<Arc<MessageRow>>> = HashMap::with_capacity(group.len());
        for row in rows {
            by_thread
                .entry(row.conversation_id)
                .or_default()
                .push(Arc::new(row.into()));
        }
        for page in group {
            let children = by_thread.remove(&page.parent).unwrap_or_default();
            found.insert(page, Arc::new(children));
        }
    }
    Ok(found)
}

/// Messages whose thread is within the caller's scope.
async fn messages_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<MessageRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let rows = sqlx::query_as!(
        JoinedMessage,
        "SELECT m.id, m.conversation_id, m.debtor_id, m.sequence, m.direction, m.sender_type, m.sender_id, m.body_cipher,
                m.delivery_status, m.failure_code, m.failure_reason, m.decision_id, m.created_at, m.sent_at,
                m.delivered_at, m.read_at, k.id AS key_id, k.business_key_version AS key_version, k.wrapped
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
