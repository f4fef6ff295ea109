//! The platform's staff enters a business only by breaking the glass: for a reason, for an hour at most, to read and not to
//! act. The business sees who, why and when, hears of it by mail, and can end it; both trails hold it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    account_mail::address_of,
    api_key_store,
    break_glass_store::{self as store, NewVisit},
    credential_store,
    mail_reader::reader_of,
    platform_staff::authorize_operator,
    ports::{StaffMail, StaffMailer},
    tokens::{Claims, Purpose},
};
use crate::{
    access::{Cell, Role, authorize},
    platform::{
        context::{Actor, RequestMark, SystemCtx},
        db::{AuditEntry, PlatformAudit, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        jobs::{Job, JobError},
    },
};

/// The longest stay, hence the longest life of any access token.
pub(super) const LONGEST: TimeDelta = TimeDelta::minutes(60);
const SHORTEST_REASON: usize = 20;
const LONGEST_REASON: usize = 1000;

/// What an operator asks for.
pub(super) struct GlassWish {
    pub(super) business: Uuid,
    pub(super) reason: String,
    pub(super) minutes: i32,
}

/// What they get to act with.
pub(super) struct OpenedGlass {
    pub(super) id: Uuid,
    pub(super) access_token: String,
    pub(super) expires_at: DateTime<Utc>,
}

/// Tells one administrator of a business that the platform's staff is inside.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendBreakGlassMail {
    identity_id: Uuid,
    business_id: Uuid,
    session_id: Uuid,
}

impl Job for SendBreakGlassMail {
    const NAME: &'static str = "identity.send_break_glass_mail";
}

/// Opens the business to the operator.
///
/// # Errors
/// User errors: INVALID_INPUT, and NOT_FOUND for a business that does not exist; FORBIDDEN to who is no super admin any
/// more.
pub(super) async fn break_glass(
    identity: &Identity,
    request_id: &RequestMark,
    operator: Uuid,
    wish: GlassWish,
) -> Result<OpenedGlass, OpError> {
    let reason = check(&wish)?;
    let ctx = SystemCtx::for_reason("break-glass", request_id);
    let mut tx = identity.db.system(&ctx).await?;
    let exists = store::business_exists(&mut tx, wish.business).await?;
    tx.commit().await?;
    if !exists {
        return Err(UserError::not_found("businessId", "business").into());
    }
    let keys = identity.keyring.business(&identity.db, wish.business).await?;
    let mut tx = identity.db.system(&ctx).await?;
    let row = authorize_operator(&mut tx, operator).await?;
    let address = address_of(identity, &row).map_err(|error| OpError::Internal(error.into()))?;
    let (id, now) = (ids::next(), identity.wall.now());
    let expires_at = now + TimeDelta::minutes(i64::from(wish.minutes));
    let seal = |column, text: &str| {
        keys.seal(
            &keys.own_key(),
            "break_glass_sessions",
            column,
            id,
            text.as_bytes(),
        )
    };
    let new = NewVisit {
        business: wish.business,
        id,
        operator,
        operator_cipher: seal("operator_cipher", address.as_str())?,
        reason_cipher: seal("reason_cipher", &reason)?,
        key_version: keys.blind_version(),
        started_at: now,
        expires_at,
    };
    store::insert(&mut tx, &new).await?;
    let administrators = api_key_store::administrators(&mut tx, wish.business).await?;
    let mails = administrators.into_iter().map(|identity_id| {
        let mail = SendBreakGlassMail {
            identity_id,
            business_id: wish.business,
            session_id: id,
        };
        (None, mail)
    });
    tx.enqueue_all(mails).await?;
    let details = json!({ "expires_at": expires_at });
    tx.audit_in(
        wish.business,
        Actor::Platform(id),
        AuditEntry::plain("break_glass.opened", id, &details),
    );
    tx.audit(PlatformAudit {
        actor: Actor::Platform(operator),
        action: "break_glass.opened",
        object_id: Some(id),
        details: json!({ "business": wish.business, "expires_at": expires_at }),
    });
    tx.commit().await?;
    let access_token = identity.tokens.sign(&Claims {
        sid: Some(id),
        biz: Some(wish.business),
        role: Some(Role::SuperAdmin.as_str().to_owned()),
        ..Claims::of(Purpose::Access, operator, expires_at)
    })?;
    Ok(OpenedGlass {
        id,
        access_token,
        expires_at,
    })
}

fn check(wish: &GlassWish) -> Result<String, OpError> {
    let mut errors = Vec::new();
    let reason = wish.reason.trim();
    let fits = (SHORTEST_REASON..=LONGEST_REASON).contains(&reason.chars().count());
    if !fits || reason.contains('\0') {
        let message = "Say in 20 to 1,000 characters why: the business reads it.";
        errors.push(UserError::invalid("reason", message));
    }
    if wish.minutes < 1 || i64::from(wish.minutes) > LONGEST.num_minutes() {
        let message = format!("Give 1 to {} minutes.", LONGEST.num_minutes());
        errors.push(UserError::invalid("minutes", message));
    }
    if errors.is_empty() {
        Ok(reason.to_owned())
    } else {
        Err(OpError::User(errors))
    }
}

/// Ends a stay before its time. One that is over stays as it is. Tokens and sockets end once it is committed and
/// forgotten.
///
/// # Errors
/// NOT_FOUND for a stay that is not in this business, and to an operator for another's.
pub(super) async fn end_break_glass(identity: &Identity, tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::BreakGlassEnd).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let not_found = || UserError::not_found("id", "break-glass session");
    if matches!(tx.ctx().actor(), Actor::Platform(own) if own != id) {
        return Err(not_found().into());
    }
    let ended = store::end(tx, id, identity.wall.now())
        .await?
        .ok_or_else(not_found)?;
    if !ended {
        return Err(UserError::at(UserErrorCode::Conflict, "id", "This stay is over already.").into());
    }
    tx.audit(AuditEntry::plain("break_glass.ended", id, &json!({})));
    Ok(())
}

/// Runs [`SendBreakGlassMail`]. Sent twice when the worker dies between mail and its end.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_break_glass_mail(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    job: SendBreakGlassMail,
) -> Result<(), JobError> {
    let ctx = SystemCtx::for_reason("mail of a break-glass", "job-break-glass-mail");
    let mut tx = identity.db.system(&ctx).await?;
    let visit = store::announced(&mut tx, job.business_id, job.session_id).await?;
    let row = credential_store::find_identity(&mut tx, job.identity_id).await?;
    let reader = reader_of(&mut tx, job.identity_id, Some(job.business_id)).await?;
    tx.commit().await?;
    let (Some((business, ends)), Some(row)) = (visit, row) else {
        return Ok(());
    };
    let address = address_of(identity, &row)?;
    mailer
        .send(&address, reader, StaffMail::BreakGlass { business, ends })
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}
