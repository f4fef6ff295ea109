//! Compliance officers hear by mail of the patterns that the dashboard shows (`dashboard::alerts`), each once a day: whoever looks
//! at it only now and then would see too late that a rule refuses ever more, or that people opt out in crowds.
//!
//! Looked at are seven days of the UTC calendar, the present one the last, against the seven before. Every hour of business time
//! each business is looked at once.

use chrono::{Days, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::dashboard::{Alert, AlertKind, Counted, Period, agents, find_alerts, opt_outs, tally};
use crate::{
    identity::{
        Identity, NotificationKind, compliance_officers,
        ports::{StaffMail, StaffMailer},
        staff_address,
    },
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, Db, DbError, TenantTx},
        ids,
        jobs::{Job, JobError},
    },
};

/// How long a look is good for.
const LOOK_EVERY: TimeDelta = TimeDelta::hours(1);
/// Days before the present one that are looked at with it.
const DAYS_BEFORE: Days = Days::new(6);
/// Businesses taken up per run; what is left waits for the next.
const AT_MOST: i64 = 1000;

/// Looks for the patterns of one business. Idempotent: each is written down, and told of, once a day.
#[derive(Debug, Deserialize, Serialize)]
pub struct FindPatterns {}

impl Job for FindPatterns {
    const NAME: &'static str = "compliance.find_patterns";
}

/// Tells one member of staff of patterns that were found.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendPatternMail {
    identity_id: Uuid,
    alert_ids: Vec<Uuid>,
}

impl Job for SendPatternMail {
    const NAME: &'static str = "compliance.send_pattern_mail";
}

/// Finds the businesses that were not looked at for an hour, and enqueues that.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn look_for_patterns(db: &Db) -> Result<(), JobError> {
    Ok(look(db).await?)
}

async fn look(db: &Db) -> Result<(), DbError> {
    let ctx = SystemCtx::for_reason("businesses whose patterns to look for", "job-look-for-patterns");
    let mut tx = db.system(&ctx).await?;
    let now = tx.now();
    let due = sqlx::query_scalar!(
        "INSERT INTO pattern_looks (business_id, looked_at)
         SELECT b.id, $1 FROM businesses b LEFT JOIN pattern_looks l ON l.business_id = b.id
         WHERE b.status = 'ACTIVE' AND (l.looked_at IS NULL OR l.looked_at <= $2)
         ORDER BY l.looked_at NULLS FIRST, b.id LIMIT $3
         ON CONFLICT (business_id) DO UPDATE SET looked_at = excluded.looked_at
         RETURNING business_id",
        now,
        now - LOOK_EVERY,
        AT_MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    let jobs = due.into_iter().map(|business| (Some(business), FindPatterns {}));
    tx.enqueue_all(jobs).await?;
    tx.commit().await
}

/// Runs [`FindPatterns`]. Whoever writes a pattern of a day down first tells of it.
///
/// # Errors
/// [`JobError::Retry`] while the database is away.
pub async fn find_patterns(db: &Db, ctx: &TenantCtx) -> Result<(), JobError> {
    let mut tx = db.tenant(ctx).await?;
    let last = tx.now().date_naive();
    let first = last.checked_sub_days(DAYS_BEFORE).unwrap_or(last);
    let period = Period { first, last };
    let found = alerts_of(&mut tx, period).await?;
    let mut new = Vec::new();
    for alert in found {
        new.extend(write_down(&mut tx, last, &alert).await?);
    }
    if !new.is_empty() {
        for identity_id in compliance_officers(&mut tx).await? {
            let alert_ids = new.clone();
            tx.enqueue(&SendPatternMail {
                identity_id,
                alert_ids,
            });
        }
    }
    tx.commit().await?;
    Ok(())
}

/// As the dashboard finds them. Of more than a million decisions the rules are not counted, there as here.
async fn alerts_of(tx: &mut TenantTx, period: Period) -> Result<Vec<Alert>, DbError> {
    let decisions = tally(tx, period).await?;
    let counted = Counted::of_days(&opt_outs(tx, period).await?, period);
    let staff = agents(tx, period).await?;
    Ok(find_alerts(decisions.as_ref(), counted, &staff))
}

/// The new row's id; none for a pattern that was told of today.
async fn write_down(tx: &mut TenantTx, day: NaiveDate, alert: &Alert) -> Result<Option<Uuid>, DbError> {
    let (kind, rule, user) = match &alert.kind {
        AlertKind::RuleRefusesMore(rule) => ("RULE_REFUSES_MORE", Some(rule.as_str()), None),
        AlertKind::OptOutsRise => ("OPT_OUTS_RISE", None, None),
        AlertKind::AgentRefused(user) => ("AGENT_REFUSED", None, Some(*user)),
    };
    let of = rule
        .map(str::to_owned)
        .or_else(|| user.map(|user| user.to_string()));
    let pattern = of.map_or_else(|| kind.to_owned(), |of| format!("{kind} {of}"));
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    let written = sqlx::query!(
        "INSERT INTO compliance_alerts (business_id, id, day, kind, rule, user_id, pattern, count, compared_with, found_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (business_id, day, pattern) DO NOTHING",
        business,
        id,
        day,
        kind,
        rule,
        user,
        pattern,
        alert.count,
        alert.compared_with,
        now,
    )
    .execute(tx.conn())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(None);
    }
    let details = json!({ "day": day, "kind": kind, "rule": rule, "user": user, "count": alert.count,
        "compared_with": alert.compared_with });
    tx.audit(AuditEntry::plain("compliance_alert.found", id, &details));
    Ok(Some(id))
}

/// Runs [`SendPatternMail`], for who still is of the staff and still wants it. Sent twice when the worker dies between mail and its
/// end.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_pattern_mail(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    ctx: &TenantCtx,
    job: SendPatternMail,
) -> Result<(), JobError> {
    let mut tx = identity.db.snapshot(ctx).await?;
    let alerts = alerts_by_ids(&mut tx, &job.alert_ids).await?;
    tx.finish_read().await?;
    let kind = NotificationKind::ComplianceAlert;
    let found = staff_address(identity, ctx.business_id(), job.identity_id, kind).await?;
    let (Some((address, reader)), Some((last, _))) = (found, alerts.first()) else {
        return Ok(());
    };
    let first = last.checked_sub_days(DAYS_BEFORE).unwrap_or(*last);
    let base = identity.settings.public_base_url.trim_end_matches('/');
    let mail = StaffMail::CompliancePatterns {
        link: format!("{base}/compliance?from={first}&to={last}"),
        patterns: alerts
            .iter()
            .map(|(_, alert)| alert.mailed(reader.language))
            .collect(),
    };
    mailer
        .send(&address, reader, mail)
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}

async fn alerts_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<(NaiveDate, Alert)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT day, rule, user_id, count, compared_with FROM compliance_alerts
         WHERE business_id = $1 AND id = ANY($2) ORDER BY id",
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let alert = Alert {
                kind: match (row.rule, row.user_id) {
                    (Some(rule), _) => AlertKind::RuleRefusesMore(rule),
                    (None, Some(user)) => AlertKind::AgentRefused(user),
                    (None, None) => AlertKind::OptOutsRise,
                },
                count: row.count,
                compared_with: row.compared_with,
            };
            (row.day, alert)
        })
        .collect())
}
