//! Those who look after a business hear once, thirty days before, that a licence ends: what it allows would stop.

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::licenses::license_by_id;
use crate::{
    identity::{
        Identity, NotificationKind, overseers,
        ports::{StaffMail, StaffMailer},
        staff_address,
    },
    platform::{
        context::{Actor, SystemCtx, TenantCtx},
        db::{AuditEntry, Db, DbError},
        jobs::{Job, JobError},
    },
};

/// How long before the end.
const BEFORE: TimeDelta = TimeDelta::days(30);

/// Tells one member of staff of one licence.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendLicenseWarning {
    identity_id: Uuid,
    license_id: Uuid,
    /// The end that it is about.
    valid_until: NaiveDate,
}

impl Job for SendLicenseWarning {
    const NAME: &'static str = "compliance.send_license_warning";
}

/// Finds the licences whose end comes near, in business time, and enqueues their warnings; each end is announced once.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn warn_of_ending_licenses(db: &Db) -> Result<(), JobError> {
    Ok(find_ending(db).await?)
}

async fn find_ending(db: &Db) -> Result<(), DbError> {
    let ctx = SystemCtx::for_reason("licences about to end", "job-warn-of-ending-licenses");
    let mut tx = db.system(&ctx).await?;
    let (now, today) = (tx.now(), tx.now().date_naive());
    let due = sqlx::query!(
        r#"UPDATE business_licenses l SET warned_at = $1 FROM (
             SELECT business_id, id FROM business_licenses
             WHERE removed_at IS NULL AND warned_at IS NULL AND valid_until BETWEEN $2 AND $3
             ORDER BY valid_until LIMIT 1000 FOR UPDATE SKIP LOCKED) due
         WHERE l.business_id = due.business_id AND l.id = due.id
         RETURNING l.business_id, l.id, l.valid_until AS "valid_until!""#,
        now,
        today,
        today + BEFORE,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in due {
        let people = overseers(&mut tx, row.business_id).await?.into_iter();
        let warnings = people.map(|identity_id| {
            let warning = SendLicenseWarning {
                identity_id,
                license_id: row.id,
                valid_until: row.valid_until,
            };
            (Some(row.business_id), warning)
        });
        tx.enqueue_all(warnings).await?;
        let details = json!({ "valid_until": row.valid_until });
        let entry = AuditEntry::plain("license.end_announced", row.id, &details);
        tx.audit_in(row.business_id, Actor::System, entry);
    }
    tx.commit().await
}

/// Runs [`SendLicenseWarning`], while the licence stands with that end. Sent twice when the worker dies between mail and its
/// end.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_license_warning(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    ctx: &TenantCtx,
    job: SendLicenseWarning,
) -> Result<(), JobError> {
    let mut tx = identity.db.snapshot(ctx).await?;
    let license = license_by_id(&mut tx, job.license_id).await?;
    tx.finish_read().await?;
    let stands = license.filter(|row| row.removed_at.is_none() && row.valid_until == Some(job.valid_until));
    let Some(license) = stands else {
        return Ok(());
    };
    let kind = NotificationKind::LicenseEnding;
    let found = staff_address(identity, ctx.business_id(), job.identity_id, kind).await?;
    let Some((address, reader)) = found else {
        return Ok(());
    };
    let mail = StaffMail::LicenseEnds {
        state: license.state,
        number: license.number,
        ends: job.valid_until,
    };
    mailer
        .send(&address, reader, mail)
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}
