//! Failed log-ins of members stand in the trails of their businesses too. Who fails is not inside any business, so that the
//! platform's own trail has it first; a job brings it before each business of which the person is an active member. What the
//! person is elsewhere, no business is told.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Identity, store};
use crate::platform::{
    context::{Actor, RequestMark, SystemCtx},
    db::{AuditEntry, DbError, SystemTx},
    jobs::{Job, JobError},
    request_origin::RequestOrigin,
};

/// What may be told, as the business's trail names it.
const ACTIONS: [&str; 8] = [
    "login.failed",
    "login.second_factor_failed",
    "login.locked",
    "login.alert_raised",
    "password.change_failed",
    "email.change_failed",
    "mfa.change_failed",
    "mfa.replacement_failed",
];

/// Brings an act of the platform's trail before the businesses of the person whom it concerns.
#[derive(Debug, Deserialize, Serialize)]
pub struct TellOfLoginFailure {
    act: Uuid,
}

impl TellOfLoginFailure {
    pub(super) fn new(act: Uuid) -> Self {
        Self { act }
    }
}

impl Job for TellOfLoginFailure {
    const NAME: &'static str = "identity.tell_of_login_failure";
}

/// Runs [`TellOfLoginFailure`]. The row has the act's own id in each trail, so that the second run finds it there.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn tell_of_login_failure(identity: &Identity, job: TellOfLoginFailure) -> Result<(), JobError> {
    Ok(tell(identity, job.act).await?)
}

async fn tell(identity: &Identity, act: Uuid) -> Result<(), DbError> {
    let ctx = SystemCtx::for_reason("failed log-ins of members", "job-tell-of-login-failure");
    let mut tx = identity.db.system(&ctx).await?;
    let failure = find(&mut tx, act).await?;
    tx.commit().await?;
    let Some(failure) = failure else { return Ok(()) };
    let action = ACTIONS.into_iter().find(|action| *action == failure.action);
    let (Some(person), Some(action)) = (failure.person, action) else {
        return Ok(());
    };
    // By the request that failed, and from where that came.
    let ctx = SystemCtx::for_reason("failed log-ins of members", failure.request(identity, act));
    let mut tx = identity.db.system(&ctx).await?;
    for place in store::memberships(&mut tx, person).await? {
        if !place.may_be_entered() || is_in_trail(&mut tx, place.business_id, act).await? {
            continue;
        }
        let mut details = serde_json::from_slice(&failure.details).unwrap_or_else(|_| serde_json::json!({}));
        details["at"] = serde_json::json!(failure.at);
        let mut entry = AuditEntry::plain(action, place.user_id, &details);
        entry.id = Some(act);
        tx.audit_in(place.business_id, Actor::System, entry);
    }
    tx.commit().await
}

/// A failed log-in, as it stands in the platform's trail.
struct Failure {
    at: chrono::DateTime<chrono::Utc>,
    action: String,
    person: Option<Uuid>,
    request_id: Option<String>,
    origin_cipher: Option<Vec<u8>>,
    details: Vec<u8>,
}

impl Failure {
    fn request(&self, identity: &Identity, act: Uuid) -> RequestMark {
        let id = self.request_id.as_deref().unwrap_or_default();
        let keyring = &identity.keyring;
        let opened = self
            .origin_cipher
            .as_deref()
            .and_then(|sealed| RequestOrigin::open(keyring, "platform_audit_events", act, sealed));
        match opened {
            Some(opened) => {
                let user_agent = opened.user_agent.map(Into::into);
                RequestMark::from_origin(id, RequestOrigin::new(keyring, opened.address, user_agent))
            }
            None => id.into(),
        }
    }
}

async fn find(tx: &mut SystemTx, act: Uuid) -> Result<Option<Failure>, DbError> {
    Ok(sqlx::query_as!(
        Failure,
        "SELECT at, action, object_id AS person, request_id, origin_cipher, details FROM platform_audit_events WHERE id = $1",
        act
    )
    .fetch_optional(tx.conn())
    .await?)
}

async fn is_in_trail(tx: &mut SystemTx, business: Uuid, id: Uuid) -> Result<bool, DbError> {
    Ok(
        sqlx::query_scalar!(r#"SELECT app.is_in_trail($1, $2) AS "is_there!""#, business, id)
            .fetch_one(tx.conn())
            .await?,
    )
}
