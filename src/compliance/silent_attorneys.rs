//! An attorney who has not answered for a while may be asked after, and then whom they represent contacted directly, if a person
//! decides so (12 CFR 1006.6(b)(2)(i); how long is unsettled). Compliance officers hear once of each hold that has stood for so long.
//! Nothing is lifted by itself.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::rule_set::RuleSet;
use crate::{
    identity::{
        Identity, NotificationKind, compliance_officers,
        ports::{StaffMail, StaffMailer},
        staff_address,
    },
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, Db, DbError, TenantTx},
        jobs::{Job, JobError},
    },
};

const RULE: &str = "reg-f-attorney-represented";
/// Businesses taken up per run, and holds of one; what is left waits for the next.
const AT_MOST: i64 = 1000;

/// Writes down which holds of one business may be reviewed. Idempotent: each once.
#[derive(Debug, Deserialize, Serialize)]
pub struct FindSilentAttorneys {}

impl Job for FindSilentAttorneys {
    const NAME: &'static str = "compliance.find_silent_attorneys";
}

/// Tells one member of staff of holds that may be reviewed.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendSilentAttorneyMail {
    identity_id: Uuid,
    hold_ids: Vec<Uuid>,
}

impl Job for SendSilentAttorneyMail {
    const NAME: &'static str = "compliance.send_silent_attorney_mail";
}

/// For so long an attorney may be silent, in days; nobody is told where the rules name no term.
fn term() -> Option<i64> {
    RuleSet::current().rule(RULE)?.parameters.days
}

/// A hold that was placed until then has stood for the whole term.
fn placed_until(now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(TimeDelta::try_days(term()?)?)
}

/// Finds the businesses with holds of which nobody was told, and enqueues that.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn look_for_silent_attorneys(db: &Db) -> Result<(), JobError> {
    Ok(look(db).await?)
}

async fn look(db: &Db) -> Result<(), DbError> {
    let ctx = SystemCtx::for_reason("attorneys who stay silent", "job-look-for-silent-attorneys");
    let mut tx = db.system(&ctx).await?;
    let Some(until) = placed_until(tx.now()) else {
        return Ok(());
    };
    let due = sqlx::query_scalar!(
        r#"SELECT DISTINCT h.business_id AS "business_id!" FROM (
             SELECT business_id FROM holds
             WHERE kind = 'ATTORNEY' AND lifted_at IS NULL AND review_told_at IS NULL AND placed_at <= $1
             ORDER BY placed_at LIMIT $2) h"#,
        until,
        AT_MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    let jobs = due
        .into_iter()
        .map(|business| (Some(business), FindSilentAttorneys {}));
    tx.enqueue_all(jobs).await?;
    tx.commit().await
}

/// Runs [`FindSilentAttorneys`]. Whoever writes a hold down first tells of it.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn find_silent_attorneys(db: &Db, ctx: &TenantCtx) -> Result<(), JobError> {
    let mut tx = db.tenant(ctx).await?;
    let Some(until) = placed_until(tx.now()) else {
        return Ok(());
    };
    let hold_ids = take(&mut tx, until).await?;
    if !hold_ids.is_empty() {
        for identity_id in compliance_officers(&mut tx).await? {
            let hold_ids = hold_ids.clone();
            tx.enqueue(&SendSilentAttorneyMail {
                identity_id,
                hold_ids,
            });
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn take(tx: &mut TenantTx, until: DateTime<Utc>) -> Result<Vec<Uuid>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let taken = sqlx::query!(
        "UPDATE holds SET review_told_at = $3 WHERE business_id = $1 AND id = ANY(ARRAY(
             SELECT h.id FROM holds h
             WHERE h.business_id = $1 AND h.kind = 'ATTORNEY' AND h.lifted_at IS NULL AND h.review_told_at IS NULL
               AND h.placed_at <= $2
             ORDER BY h.placed_at LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED))
         RETURNING id, debtor_id, placed_at",
        business,
        until,
        now,
        AT_MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    for hold in &taken {
        let details = json!({ "placed_at": hold.placed_at });
        tx.audit(AuditEntry::plain("hold.review_due", hold.id, &details).about(Some(hold.debtor_id)));
    }
    Ok(taken.into_iter().map(|hold| hold.id).collect())
}

/// Runs [`SendSilentAttorneyMail`], of the holds that still stand, for who still is of the staff and still wants it. Sent twice when
/// the worker dies between mail and its end.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_silent_attorney_mail(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    ctx: &TenantCtx,
    job: SendSilentAttorneyMail,
) -> Result<(), JobError> {
    let mut tx = identity.db.snapshot(ctx).await?;
    let standing = standing_count(&mut tx, &job.hold_ids).await?;
    tx.finish_read().await?;
    let kind = NotificationKind::ComplianceAlert;
    let found = staff_address(identity, ctx.business_id(), job.identity_id, kind).await?;
    let (Some((address, reader)), Some(days), 1..) = (found, term(), standing) else {
        return Ok(());
    };
    let mail = StaffMail::AttorneysSilent {
        holds: standing,
        days,
    };
    mailer
        .send(&address, reader, mail)
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}

async fn standing_count(tx: &mut TenantTx, holds: &[Uuid]) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM holds WHERE business_id = $1 AND id = ANY($2) AND lifted_at IS NULL"#,
        business,
        holds,
    )
    .fetch_one(tx.conn())
    .await?)
}
