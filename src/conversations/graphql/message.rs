//! A message of a thread.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Conversation;
use crate::{
    access::{Cell, authorize},
    compliance::graphql::ComplianceDecision,
    conversations::{
        ConversationLoaders, DeliveryStatus,
        model::{Direction, SenderType},
        store::MessageRow,
    },
    identity::graphql::User,
    platform::{
        gql::{ScopeExt as _, op_error},
        ids::{self, IdKind},
    },
    templates::graphql::Template,
};

crate::relay_connection!(Message, MessageConnection, MessageEdge);

crate::write_names_of!(DeliveryStatus, Direction, SenderType);

/// One message of a conversation.
#[derive(Clone)]
pub struct Message {
    row: Arc<MessageRow>,
}

impl Message {
    pub(super) fn new(row: Arc<MessageRow>) -> Self {
        Self { row }
    }

    /// Looks a message up; `None` when it is not the caller's.
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
            .message(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| {
            if let Some(debtor) = row.debtor_id {
                scope.saw_debtor(debtor);
            }
            Self { row }
        }))
    }

    /// Whether the debtor wrote it.
    pub(super) fn came_in(&self) -> bool {
        self.row.direction == "INBOUND"
    }
}

crate::fields_at_hand!(Message {
    "id" => id,
    "sequence" => sequence,
    "direction" => direction,
    "senderType" => sender_type,
    "content" => content,
    "deliveryStatus" => delivery_status,
    "failureCode" => failure_code,
    "failureReason" => failure_reason,
    "sentAt" => sent_at,
    "deliveredAt" => delivered_at,
    "readAt" => read_at,
    "templateVersion" => template_version,
    "createdAt" => created_at,
});

/// One message of a conversation.
#[Object]
impl Message {
    /// The message's id (`msg_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Message, self.row.id).into()
    }

    /// The thread that it belongs to.
    async fn conversation(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Conversation>> {
        Conversation::load(ctx, self.row.conversation_id).await
    }

    /// Its place in the thread, from 1, without holes.
    async fn sequence(&self) -> i32 {
        self.row.sequence
    }

    /// Which way it went.
    async fn direction(&self) -> Direction {
        if self.came_in() {
            Direction::Inbound
        } else {
            Direction::Outbound
        }
    }

    /// Who wrote it.
    async fn sender_type(&self) -> SenderType {
        SenderType::parse(&self.row.sender_type)
    }

    /// The member of staff who wrote it, if one did.
    async fn sender(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.sender_id.filter(|_| self.row.sender_type == "AGENT") {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The text as it was received or sent, with what the law required us to append; null after erasure.
    async fn content(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let Some(key) = scope.data_key(&keys, &self.row.key).map_err(op_error)? else {
            return Ok(None);
        };
        let text = keys
            .open_text(
                &key,
                "messages",
                "body_cipher",
                self.row.id,
                &self.row.body_cipher,
            )
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.into_exposed()))
    }

    /// How far it has come.
    async fn delivery_status(&self) -> DeliveryStatus {
        DeliveryStatus::parse(&self.row.delivery_status)
    }

    /// The vendor's or the gate's code when it did not arrive.
    async fn failure_code(&self) -> Option<&str> {
        self.row.failure_code.as_deref()
    }

    /// Why it did not arrive, for a person.
    async fn failure_reason(&self) -> Option<&str> {
        self.row.failure_reason.as_deref()
    }

    /// The decision that let it be queued; null for a received message or without the right to read decisions.
    pub(super) async fn decision(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<ComplianceDecision>> {
        match self.row.decision_id {
            Some(id) => ComplianceDecision::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The template that its words are of; null where somebody wrote them, or without the right to read templates.
    async fn template(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Template>> {
        match self.row.template_id {
            Some(id) => Template::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Which version of that template it was; see templateRevisions.
    async fn template_version(&self) -> Option<i32> {
        self.row.template_version
    }

    /// When the vendor took it.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.row.sent_at
    }

    /// When it arrived.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.row.delivered_at
    }

    /// When the debtor opened it, where the channel tells.
    async fn read_at(&self) -> Option<DateTime<Utc>> {
        self.row.read_at
    }

    /// When it was received or queued.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}
