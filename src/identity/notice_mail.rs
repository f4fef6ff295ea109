//! Mails to a member of staff who asked for them: what the application tells at once, for when nobody looks at it. They tell
//! that it happened, and nothing of a debtor.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Identity, invitation_store,
    invite::open_address,
    mail_reader::reader_of_member,
    notifications::{NotificationChannel, NotificationKind, wants, who_want},
    ports::{StaffMail, StaffMailer},
    store::may_be_given_work,
    team_store,
};
use crate::platform::{
    context::TenantCtx,
    db::{DbError, TenantTx},
    jobs::{Job, JobError},
};

/// Mails one member of one thing.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendNotice {
    user_id: Uuid,
    kind: NotificationKind,
}

impl Job for SendNotice {
    const NAME: &'static str = "identity.send_notice";
}

/// Has a member told by mail, if they asked for it, once this is committed. Of one's own acts nobody is told.
///
/// # Errors
/// [`DbError`] as met.
pub async fn tell_by_mail(tx: &mut TenantTx, user: Uuid, kind: NotificationKind) -> Result<(), DbError> {
    tell_all_by_mail(tx, &[user], kind).await
}

/// The same of several, each once.
///
/// # Errors
/// [`DbError`] as met.
pub async fn tell_all_by_mail(
    tx: &mut TenantTx,
    users: &[Uuid],
    kind: NotificationKind,
) -> Result<(), DbError> {
    let myself = tx.ctx().user_id();
    let mut others: Vec<Uuid> = users
        .iter()
        .copied()
        .filter(|user| Some(*user) != myself)
        .collect();
    others.sort_unstable();
    others.dedup();
    if others.is_empty() {
        return Ok(());
    }
    let wanted = who_want(tx, &others, kind, NotificationChannel::Email).await?;
    tx.enqueue_all(wanted.into_iter().map(|user_id| SendNotice { user_id, kind }));
    Ok(())
}

/// Runs [`SendNotice`], for who still is of the staff and still wants it. Sent twice when the worker dies between mail and its
/// end.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_notice(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    ctx: &TenantCtx,
    job: SendNotice,
) -> Result<(), JobError> {
    let mut tx = identity.db.snapshot(ctx).await?;
    let business = invitation_store::business_name(&mut tx).await?;
    let is_active = may_be_given_work(&mut tx, job.user_id).await?;
    let is_wanted = wants(&mut tx, job.user_id, job.kind, NotificationChannel::Email).await?;
    let details = team_store::member_details(&mut tx, &[job.user_id]).await?;
    let reader = reader_of_member(&mut tx, job.user_id).await?;
    tx.finish_read().await?;
    let link = identity.settings.public_base_url.clone();
    let mail = match job.kind {
        NotificationKind::ConversationAssigned => StaffMail::ConversationAssigned { business, link },
        NotificationKind::ConversationEscalated => StaffMail::ConversationEscalated { business, link },
        NotificationKind::Mentioned => StaffMail::Mentioned { business, link },
        NotificationKind::ImportFinished => StaffMail::ImportFinished { business, link },
        other => return Err(JobError::Fatal(format!("no mail tells of {other:?}"))),
    };
    let Some(person) = details.first().filter(|_| is_active && is_wanted) else {
        return Ok(());
    };
    let address = open_address(
        &identity.keyring,
        "identities",
        person.identity_id,
        &person.email_cipher,
    )
    .map_err(|error| JobError::Fatal(error.to_string()))?;
    mailer
        .send(&address, reader, mail)
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}
