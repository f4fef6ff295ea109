//! What you want to hear of.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::Viewer;
use crate::{
    identity::{
        Caller,
        notifications::{NotificationChannel, NotificationKind, Preference, set_preferences, wants},
    },
    platform::gql::{Done, ScopeExt as _, UserError, mutate, op_error},
};

/// Whether you want to hear of something on one channel.
#[derive(Clone, SimpleObject)]
pub struct NotificationPreference {
    /// Of what.
    kind: NotificationKind,
    /// How.
    channel: NotificationChannel,
    /// Whether you do.
    enabled: bool,
    /// Whether you can turn it off: what guards your log-in or your business is always sent.
    can_change: bool,
}

impl From<Preference> for NotificationPreference {
    fn from(preference: Preference) -> Self {
        Self {
            kind: preference.kind,
            channel: preference.channel,
            enabled: preference.enabled,
            can_change: preference.can_change(),
        }
    }
}

/// Whether you want to hear of something on one channel.
#[derive(InputObject)]
pub struct NotificationPreferenceInput {
    /// Of what.
    kind: NotificationKind,
    /// How.
    channel: NotificationChannel,
    /// Whether you do.
    enabled: bool,
}

/// What you want to hear of.
#[derive(InputObject)]
pub struct UpdateNotificationPreferencesInput {
    /// What changes, each kind and channel once; what is not named stays.
    preferences: Vec<NotificationPreferenceInput>,
}

/// What updateNotificationPreferences answers.
#[derive(SimpleObject)]
pub struct UpdateNotificationPreferencesPayload {
    /// You, as you are now; null when there are user errors.
    viewer: Option<Viewer>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Whether the caller wants to be told, in the application, of something that concerns them. Read when it is asked for.
///
/// # Errors
/// Internal ones only.
pub async fn notifies(
    ctx: &Context<'_>,
    kind: NotificationKind,
    concerns: bool,
) -> async_graphql::Result<bool> {
    let viewer = ctx.scope()?.ctx().user_id();
    let Some(viewer) = viewer.filter(|_| concerns) else {
        return Ok(false);
    };
    let mut tx = ctx.snapshot().await?;
    wants(&mut tx, viewer, kind, NotificationChannel::InApp)
        .await
        .map_err(|error| op_error(error.into()))
}

/// Mutations of what one wants to hear of.
#[derive(Default)]
pub struct NotificationMutations;

#[Object]
impl NotificationMutations {
    /// Changes what you want to hear of, and how. Mails that guard your log-in or your business cannot be turned off.
    async fn update_notification_preferences(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateNotificationPreferencesInput,
    ) -> async_graphql::Result<UpdateNotificationPreferencesPayload> {
        let wanted: Vec<Preference> = input
            .preferences
            .into_iter()
            .map(|one| Preference {
                kind: one.kind,
                channel: one.channel,
                enabled: one.enabled,
            })
            .collect();
        let outcome = mutate(ctx, async |tx, _| {
            set_preferences(tx, &wanted).await?;
            Ok(Done {
                object: tx.ctx().user_id(),
                user_errors: Vec::new(),
            })
        })
        .await?;
        let caller = ctx.data::<Caller>()?;
        Ok(UpdateNotificationPreferencesPayload {
            viewer: outcome.object.map(|_| Viewer {
                caller: caller.clone(),
            }),
            user_errors: outcome.user_errors,
        })
    }
}
