//! What the inbox tells whom it is for: escalated threads, and notes that name somebody.

use async_graphql::{ComplexObject, Context, SimpleObject};

use super::{
    Conversation,
    events::{conversation, is_theirs_or_nobodys, load},
};
use crate::{
    access::{Cell, authorize},
    accounts::{
        graphql::{Account, AccountNote},
        is_mentioned,
    },
    conversations::feed::FeedEvent,
    identity::{NotificationKind, graphql::notifies},
    platform::gql::{Cursor, ScopeExt as _, op_error},
};

/// A thread waits for somebody with more authority.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ConversationEscalated {
    /// Resume `after` this.
    cursor: Cursor,
    /// The thread as it is now, with `escalationReason`; null when it is not yours to see.
    conversation: Option<Conversation>,
    /// Whether the viewer was named for it, or nobody was and they may take it.
    #[graphql(skip)]
    concerns_viewer: bool,
}

/// A thread waits for somebody with more authority.
#[ComplexObject]
impl ConversationEscalated {
    /// Whether to draw your attention to it: a colleague named you for it, or nobody and you may take it, and you want to hear
    /// of that (`CONVERSATION_ESCALATED`).
    async fn notify(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        notifies(ctx, NotificationKind::ConversationEscalated, self.concerns_viewer).await
    }
}

/// A colleague named you in a note on an account. Nobody else is sent this.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MentionedInNote {
    /// Resume `after` this.
    cursor: Cursor,
    /// The account; null when it is not yours to see any more.
    account: Option<Account>,
    /// The note; null when it is not yours to see any more.
    note: Option<AccountNote>,
    /// Whether somebody else wrote it.
    #[graphql(skip)]
    concerns_viewer: bool,
}

/// A colleague named you in a note on an account.
#[ComplexObject]
impl MentionedInNote {
    /// Whether to draw your attention to it: you did not write it yourself, and you want to hear of that (`MENTIONED`).
    async fn notify(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        notifies(ctx, NotificationKind::Mentioned, self.concerns_viewer).await
    }
}

pub(super) async fn escalated(
    ctx: &Context<'_>,
    event: &FeedEvent,
) -> async_graphql::Result<ConversationEscalated> {
    let caller = ctx.scope()?.ctx();
    let viewer = caller.user_id();
    let may_take = [Cell::ConversationSend, Cell::ConversationAssignSelf]
        .iter()
        .all(|cell| authorize(caller, *cell).is_ok());
    Ok(ConversationEscalated {
        cursor: Cursor::of(event.position),
        conversation: conversation(ctx, event).await?,
        concerns_viewer: may_take && event.actor_id != viewer && is_theirs_or_nobodys(ctx, event)?,
    })
}

/// For whom the note names alone.
pub(super) async fn mentioned(
    ctx: &Context<'_>,
    event: &FeedEvent,
) -> async_graphql::Result<Option<MentionedInNote>> {
    let viewer = ctx.scope()?.ctx().user_id();
    let (Some(viewer), Some(note)) = (viewer, event.object_id) else {
        return Ok(None);
    };
    let is_named = is_mentioned(&mut *ctx.snapshot().await?, note, viewer)
        .await
        .map_err(|error| op_error(error.into()))?;
    if !is_named {
        return Ok(None);
    }
    Ok(Some(MentionedInNote {
        cursor: Cursor::of(event.position),
        account: load(event.account_id, async |id| Account::load(ctx, id).await).await?,
        note: AccountNote::load(ctx, note).await?,
        concerns_viewer: event.actor_id != Some(viewer),
    }))
}
