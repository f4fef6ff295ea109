//! Who looks after a business, for mails that the slices above send to them.

use uuid::Uuid;

use super::{
    Identity,
    account_mail::address_of,
    credential_store,
    mail_reader::reader_of,
    notifications::{NotificationKind, wants_mail},
    ports::MailReader,
};
use crate::platform::{
    context::SystemCtx,
    db::{DbError, SystemTx, TenantTx},
    email::EmailAddress,
    jobs::JobError,
};

/// The administrators and compliance officers of a business, as identities; at most a hundred.
///
/// # Errors
/// [`DbError`] as met.
pub async fn overseers(tx: &mut SystemTx, business: Uuid) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT identity_id FROM users
         WHERE business_id = $1 AND role IN ('BUSINESS_ADMIN', 'COMPLIANCE_OFFICER') AND status = 'ACTIVE'
         ORDER BY id LIMIT 100",
        business
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The compliance officers of a business, as identities, or its administrators where there is none; at most a hundred.
///
/// # Errors
/// [`DbError`] as met.
pub async fn compliance_officers(tx: &mut TenantTx) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT u.identity_id FROM users u
         WHERE u.business_id = $1 AND u.status = 'ACTIVE' AND u.role = coalesce(
             (SELECT o.role FROM users o WHERE o.business_id = $1 AND o.status = 'ACTIVE' AND o.role = 'COMPLIANCE_OFFICER'
              LIMIT 1), 'BUSINESS_ADMIN')
         ORDER BY u.id LIMIT 100",
        business
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The address of a person of staff for a mail of this kind, and how they read; none for who is not there any more, or does not want to hear of it.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn staff_address(
    identity: &Identity,
    business: Uuid,
    person: Uuid,
    kind: NotificationKind,
) -> Result<Option<(EmailAddress, MailReader)>, JobError> {
    let ctx = SystemCtx::for_reason("address of a member of staff", "job-staff-mail");
    let mut tx = identity.db.system(&ctx).await?;
    let row = credential_store::find_identity(&mut tx, person).await?;
    let is_wanted = wants_mail(&mut tx, business, person, kind).await?;
    let reader = reader_of(&mut tx, person, Some(business)).await?;
    tx.commit().await?;
    row.filter(|_| is_wanted)
        .map(|row| Ok::<_, JobError>((address_of(identity, &row)?, reader)))
        .transpose()
}
