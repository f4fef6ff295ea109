//! What members of staff want to hear of, and how. Mails that guard the log-in or the business are sent whatever anybody
//! wants: who takes an account over would turn them off first.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, SystemTx, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// What there is to hear of.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq, Serialize)]
pub enum NotificationKind {
    /// The answer to a dispute or complaint is due soon, or overdue, of an account that is yours or nobody's.
    AnswerDue,
    /// An API key of your business ends soon; administrators hear of it.
    ApiKeyEnding,
    /// What the gate refuses, or how many opt out, makes a pattern that somebody should look at, or a hold because of an attorney may
    /// be reviewed; compliance officers hear of it, administrators where there is none.
    ComplianceAlert,
    /// A thread was assigned to you, by somebody else.
    ConversationAssigned,
    /// A thread waits for somebody with more authority, and you were named for it, or nobody was and you may take it.
    ConversationEscalated,
    /// An import that you began is over.
    ImportFinished,
    /// A licence of your business ends soon; administrators and compliance officers hear of it.
    LicenseEnding,
    /// A colleague named you in a note.
    Mentioned,
    /// A debtor has written, in a thread that is yours or nobody's.
    MessageReceived,
    /// Your password was changed or reset. Always sent.
    PasswordChanged,
    /// The platform's staff is inside your business; administrators hear of it. Always sent.
    PlatformAccess,
    /// Somebody fails to sign in as you. Always sent.
    SignInFailures,
}

/// How to hear of it.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum NotificationChannel {
    /// By mail.
    Email,
    /// In the application: what the live feed brings of it says `notify`.
    InApp,
}

impl NotificationKind {
    /// As the database spells it.
    fn as_str(self) -> &'static str {
        match self {
            Self::AnswerDue => "ANSWER_DUE",
            Self::ApiKeyEnding => "API_KEY_ENDING",
            Self::ComplianceAlert => "COMPLIANCE_ALERT",
            Self::ConversationAssigned => "CONVERSATION_ASSIGNED",
            Self::ConversationEscalated => "CONVERSATION_ESCALATED",
            Self::ImportFinished => "IMPORT_FINISHED",
            Self::LicenseEnding => "LICENSE_ENDING",
            Self::Mentioned => "MENTIONED",
            Self::MessageReceived => "MESSAGE_RECEIVED",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::PlatformAccess => "PLATFORM_ACCESS",
            Self::SignInFailures => "SIGN_IN_FAILURES",
        }
    }

    /// Whether it can be turned off.
    fn is_optional(self) -> bool {
        !matches!(
            self,
            Self::PasswordChanged | Self::PlatformAccess | Self::SignInFailures
        )
    }
}

impl NotificationChannel {
    fn as_str(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::InApp => "IN_APP",
        }
    }
}

/// What goes out on which channel, and whether it does until somebody says otherwise: mails of what the application tells at
/// once are for those who ask for them.
const KNOWN: [(NotificationKind, NotificationChannel, bool); 16] = {
    use NotificationChannel::{Email, InApp};
    use NotificationKind as Kind;
    [
        (Kind::AnswerDue, InApp, true),
        (Kind::ApiKeyEnding, Email, true),
        (Kind::ComplianceAlert, Email, true),
        (Kind::ConversationAssigned, InApp, true),
        (Kind::ConversationAssigned, Email, false),
        (Kind::ConversationEscalated, InApp, true),
        (Kind::ConversationEscalated, Email, false),
        (Kind::ImportFinished, InApp, true),
        (Kind::ImportFinished, Email, false),
        (Kind::LicenseEnding, Email, true),
        (Kind::Mentioned, InApp, true),
        (Kind::Mentioned, Email, false),
        (Kind::MessageReceived, InApp, true),
        (Kind::PasswordChanged, Email, true),
        (Kind::PlatformAccess, Email, true),
        (Kind::SignInFailures, Email, true),
    ]
};

/// Whether this goes out this way to who has said nothing of it; none where it never does.
fn by_default(kind: NotificationKind, channel: NotificationChannel) -> Option<bool> {
    let known = KNOWN.iter().find(|(one, way, _)| (*one, *way) == (kind, channel));
    known.map(|(_, _, enabled)| *enabled)
}

/// One thing to hear of on one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preference {
    pub(super) kind: NotificationKind,
    pub(super) channel: NotificationChannel,
    pub(super) enabled: bool,
}

impl Preference {
    pub(super) fn can_change(self) -> bool {
        self.kind.is_optional()
    }

    fn check(self) -> Result<(), UserError> {
        if by_default(self.kind, self.channel).is_none() {
            let message = format!(
                "{} does not come by {}.",
                self.kind.as_str(),
                self.channel.as_str()
            );
            return Err(UserError::invalid("preferences", message));
        }
        if !self.can_change() && !self.enabled {
            let message = format!(
                "{} guards your log-in or your business, and is always sent.",
                self.kind.as_str()
            );
            return Err(UserError::at(UserErrorCode::Conflict, "preferences", message));
        }
        Ok(())
    }
}

/// All that a member can hear of, as they want it.
pub(super) async fn preferences(tx: &mut TenantTx, user: Uuid) -> Result<Vec<Preference>, DbError> {
    let business = tx.business_id();
    let chosen = sqlx::query!(
        "SELECT kind, channel, enabled FROM notification_preferences WHERE business_id = $1 AND user_id = $2",
        business,
        user
    )
    .fetch_all(tx.conn())
    .await?;
    let chosen_of = |kind: NotificationKind, channel: NotificationChannel| {
        let row = chosen
            .iter()
            .find(|row| row.kind == kind.as_str() && row.channel == channel.as_str());
        row.map(|row| row.enabled)
    };
    Ok(KNOWN
        .into_iter()
        .map(|(kind, channel, enabled)| Preference {
            kind,
            channel,
            enabled: chosen_of(kind, channel).unwrap_or(enabled),
        })
        .collect())
}

/// Whether a member wants to hear of this, this way.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn wants(
    tx: &mut TenantTx,
    user: Uuid,
    kind: NotificationKind,
    channel: NotificationChannel,
) -> Result<bool, DbError> {
    let wanted = preferences(tx, user).await?.into_iter();
    Ok(wanted
        .filter(|one| (one.kind, one.channel) == (kind, channel))
        .any(|one| one.enabled))
}

/// Those of several members who want to hear of this, this way.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn who_want(
    tx: &mut TenantTx,
    users: &[Uuid],
    kind: NotificationKind,
    channel: NotificationChannel,
) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    let unless_said = by_default(kind, channel).unwrap_or_default();
    Ok(sqlx::query_scalar!(
        r#"SELECT u.id AS "id!" FROM unnest($2::uuid[]) AS u(id)
           LEFT JOIN notification_preferences p
             ON p.business_id = $1 AND p.user_id = u.id AND p.kind = $3 AND p.channel = $4
           WHERE coalesce(p.enabled, $5)"#,
        business,
        users,
        kind.as_str(),
        channel.as_str(),
        unless_said,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Changes what the caller wants to hear of; what is not named stays.
///
/// # Errors
/// INVALID_INPUT for what does not go out that way or is named twice, CONFLICT for what is always sent.
pub(super) async fn set_preferences(tx: &mut TenantTx, wanted: &[Preference]) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ProfileUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let Some(user) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden("only a person has preferences".to_owned()));
    };
    for (nth, preference) in wanted.iter().enumerate() {
        preference.check()?;
        let is_same =
            |other: &Preference| (other.kind, other.channel) == (preference.kind, preference.channel);
        if wanted.iter().take(nth).any(is_same) {
            return Err(UserError::invalid("preferences", "Name each kind and channel once.").into());
        }
    }
    // What is always sent is nobody's to store.
    let chosen: Vec<&Preference> = wanted.iter().filter(|one| one.can_change()).collect();
    let kinds: Vec<String> = chosen.iter().map(|one| one.kind.as_str().to_owned()).collect();
    let channels: Vec<String> = chosen.iter().map(|one| one.channel.as_str().to_owned()).collect();
    let enabled: Vec<bool> = chosen.iter().map(|one| one.enabled).collect();
    let business = tx.business_id();
    sqlx::query!(
        "INSERT INTO notification_preferences (business_id, user_id, kind, channel, enabled)
         SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bool[])
         ON CONFLICT (business_id, user_id, kind, channel) DO UPDATE SET enabled = excluded.enabled",
        business,
        user,
        &kinds,
        &channels,
        &enabled,
    )
    .execute(tx.conn())
    .await?;
    let told: Vec<_> = chosen
        .iter()
        .map(|one| json!({ "kind": one.kind.as_str(), "channel": one.channel.as_str(), "enabled": one.enabled }))
        .collect();
    let details = json!({ "set": told });
    tx.audit(AuditEntry::plain("user.notifications_set", user, &details));
    Ok(())
}

/// Whether a person wants a mail of this kind about their place in this business.
pub(super) async fn wants_mail(
    tx: &mut SystemTx,
    business: Uuid,
    identity: Uuid,
    kind: NotificationKind,
) -> Result<bool, DbError> {
    let chosen = sqlx::query_scalar!(
        "SELECT p.enabled FROM users u
         JOIN notification_preferences p ON p.business_id = u.business_id AND p.user_id = u.id
         WHERE u.business_id = $1 AND u.identity_id = $2 AND p.kind = $3 AND p.channel = 'EMAIL'",
        business,
        identity,
        kind.as_str(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let unless_said = by_default(kind, NotificationChannel::Email).unwrap_or_default();
    Ok(!kind.is_optional() || chosen.unwrap_or(unless_said))
}
