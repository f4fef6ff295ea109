//! The end of what is kept: people whose records the law and the business want kept no longer lose both keys, in batches,
//! each with a row in the trail. Never under a legal hold, and never while a debt is collected.

use chrono::{DateTime, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    activity::{PersonClock, clocks},
    erase::{destroy, tell},
    model::{LEAST_YEARS, MOST_YEARS},
};
use crate::{
    access::{Cell, authorize},
    accounts::lock_persons,
    compliance::{
        decide::{Strictness, decide},
        decision::Outcome,
        facts::{Action, ActionType},
        local_time::shift_years,
        rule_set::RuleSet,
    },
    identity::Identity,
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, Db, DbError, TenantTx},
        error::OpError,
        gql::UserError,
        jobs::{Job, JobError, Lane},
        keys::TenantKeys,
    },
};

/// People who are looked at in one transaction.
const BATCH: i64 = 500;
/// The rule that says how long.
const RULE: &str = "reg-f-retention-3y";

/// How many years after the last activity the business keeps records.
///
/// # Errors
/// [`DbError`] as met.
pub async fn retention_years_of(tx: &mut TenantTx) -> Result<i16, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT record_retention_years FROM businesses WHERE id = $1",
        business
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Sets that.
///
/// # Errors
/// User errors: INVALID_INPUT for less than seven years (X-26; the law's floor is three, 12 CFR 1006.100(a)) or more than
/// thirty.
pub async fn set_retention_years(tx: &mut TenantTx, years: i32) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::PrivacyManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let fits = i16::try_from(years)
        .ok()
        .filter(|years| (LEAST_YEARS..=MOST_YEARS).contains(years));
    let years = fits.ok_or_else(|| {
        let message = format!("Records are kept for {LEAST_YEARS} to {MOST_YEARS} years.");
        UserError::invalid("years", message)
    })?;
    let (business, before) = (tx.business_id(), retention_years_of(tx).await?);
    sqlx::query!(
        "UPDATE businesses SET record_retention_years = $2 WHERE id = $1",
        business,
        years
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "years": years, "before": before });
    tx.audit(AuditEntry::plain("retention.changed", business, &details));
    Ok(())
}

/// The last day on which a person's records are kept: by the rules, or longer where the business chose so.
pub(in crate::compliance) fn kept_until(rules: &RuleSet, clock: &PersonClock, years: i16) -> NaiveDate {
    shift_years(clock.last_activity_at.date_naive(), term(rules, years))
}

/// For how many years records are kept: by the rules, or longer where the business chose so.
pub(super) fn term(rules: &RuleSet, years: i16) -> u32 {
    let parameters = rules.rule(RULE).map(|rule| &rule.parameters);
    let legal = parameters.and_then(|parameters| parameters.product_years.max(parameters.years));
    let chosen = u32::from(years.max(LEAST_YEARS).unsigned_abs());
    chosen.max(legal.unwrap_or(chosen))
}

/// What stands in the way of a person's records being destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing: they go.
    Due,
    /// Their time is not over, or a complaint or a request of theirs waits for its answer.
    Kept,
    /// A legal hold stands.
    LegalHold,
    /// It is over, but a debt is still collected.
    StillOpen,
}

fn verdict(clock: &PersonClock, now: DateTime<Utc>, years: i16) -> Verdict {
    let rules = RuleSet::current();
    let action = Action {
        action_type: Some(ActionType::Delete),
        object: Some("debtor_records".to_owned()),
        recorded_on: Some(clock.last_activity_at.date_naive()),
        ..Action::default()
    };
    let decision = decide(rules, &clock.facts(now, action), Strictness::Production);
    let is_over = decision.outcome == Outcome::Allow
        && now.date_naive() > kept_until(rules, clock, years)
        && !clock.has_open_matter;
    match (is_over, clock.on_legal_hold) {
        (false, _) => Verdict::Kept,
        (true, true) => Verdict::LegalHold,
        // Of one who was erased on request nothing is collected any more.
        (true, false) if clock.open_accounts > 0 && clock.erased_at.is_none() => Verdict::StillOpen,
        (true, false) => Verdict::Due,
    }
}

/// What a run found in one business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// People whose records go, or went.
    pub due: u64,
    /// The oldest last activity among them.
    pub oldest: Option<NaiveDate>,
    /// People whose time is over, kept by a legal hold.
    pub on_legal_hold: u64,
    /// People whose time is over, kept because a debt of theirs is still collected.
    pub still_open: u64,
}

impl RetentionReport {
    fn add(&mut self, verdict: Verdict, clock: &PersonClock) {
        match verdict {
            Verdict::Due => {
                let last = clock.last_activity_at.date_naive();
                self.due += 1;
                self.oldest = Some(self.oldest.map_or(last, |oldest| oldest.min(last)));
            }
            Verdict::LegalHold => self.on_legal_hold += 1,
            Verdict::StillOpen => self.still_open += 1,
            Verdict::Kept => {}
        }
    }
}

/// Destroys what is due among the people of a business behind this one, a batch, and enqueues itself for those behind them.
/// Idempotent: whoever was destroyed is no candidate any more.
#[derive(Debug, Deserialize, Serialize)]
pub struct DestroyExpired {
    past: Uuid,
}

impl Job for DestroyExpired {
    const NAME: &'static str = "privacy.destroy_expired_of_business";
    const LANE: Lane = Lane::Bulk;
}

/// What the work goes with.
#[derive(Clone)]
pub struct Retention {
    pub identity: Identity,
}

impl Retention {
    /// Begins a run in every business, each a job of its own, so that one that fails holds none of the others; and drops logs
    /// whose time is over.
    ///
    /// # Errors
    /// [`JobError::Retry`] while the database is away.
    pub async fn begin(&self) -> Result<(), JobError> {
        let ctx = SystemCtx::for_reason("retention", "job-retention");
        let mut tx = self.identity.db.system(&ctx).await?;
        // A registration that nobody has verified has no people, and may be forgotten at any moment.
        let businesses =
            sqlx::query_scalar!("SELECT id FROM businesses WHERE status <> 'PENDING' ORDER BY id")
                .fetch_all(tx.conn())
                .await
                .map_err(DbError::from)?;
        let jobs = businesses
            .into_iter()
            .map(|business| (Some(business), DestroyExpired { past: Uuid::nil() }));
        tx.enqueue_all(jobs).await?;
        tx.commit().await?;
        old_access_logs(&self.identity.db, true).await?;
        Ok(())
    }

    /// Runs [`DestroyExpired`]: one batch, and then the next.
    ///
    /// # Errors
    /// [`JobError::Retry`] as met. What earlier batches destroyed stays destroyed.
    pub async fn go_on(&self, ctx: &TenantCtx, job: DestroyExpired) -> Result<(), JobError> {
        let retry = |error: OpError| JobError::Retry(format!("{error:#}"));
        let mut report = RetentionReport::default();
        let batch = self.batch(ctx, true, job.past, &mut report).await;
        if let Some(past) = batch.map_err(retry)? {
            let mut tx = self.identity.db.tenant(ctx).await?;
            tx.enqueue(&DestroyExpired { past });
            tx.commit().await?;
        }
        Ok(())
    }

    /// Goes through the people of one business, a batch to a transaction; without `execute` nothing is changed.
    ///
    /// # Errors
    /// [`OpError`] as met. What earlier batches destroyed stays destroyed; the next run goes on.
    pub async fn of_business(&self, ctx: &TenantCtx, execute: bool) -> Result<RetentionReport, OpError> {
        let mut report = RetentionReport::default();
        let mut past = Some(Uuid::nil());
        while let Some(from) = past {
            past = self.batch(ctx, execute, from, &mut report).await?;
        }
        Ok(report)
    }

    /// The people behind `past`, up to the last of a batch, who is returned; none when there is nobody left.
    async fn batch(
        &self,
        ctx: &TenantCtx,
        execute: bool,
        past: Uuid,
        report: &mut RetentionReport,
    ) -> Result<Option<Uuid>, OpError> {
        let mut tx = match execute {
            true => self.identity.db.tenant(ctx).await?,
            false => self.identity.db.snapshot(ctx).await?,
        };
        let years = retention_years_of(&mut tx).await?;
        let people = candidates(&mut tx, past, years).await?;
        let Some(last) = people.last().copied() else {
            tx.finish_read().await?;
            return Ok(None);
        };
        if !execute {
            for clock in clocks(&mut tx, &people).await? {
                report.add(verdict(&clock, tx.now(), years), &clock);
            }
            tx.finish_read().await?;
            return Ok(Some(last));
        }
        let keys = self
            .identity
            .keyring
            .business(&self.identity.db, ctx.business_id())
            .await?;
        let persons = lock_persons(&mut tx, &people).await?;
        let mut ended = Vec::new();
        for clock in clocks(&mut tx, &persons).await? {
            let found = verdict(&clock, tx.now(), years);
            report.add(found, &clock);
            if found == Verdict::Due {
                ended.extend(self.destroy_one(&mut tx, &keys, &clock, years).await?);
            }
        }
        tx.commit().await?;
        self.identity.forget_sessions(&ended);
        Ok(Some(last))
    }

    async fn destroy_one(
        &self,
        tx: &mut TenantTx,
        keys: &TenantKeys,
        clock: &PersonClock,
        years: i16,
    ) -> Result<Vec<Uuid>, OpError> {
        let ended = destroy(tx, keys, &clock.members, true, self.identity.wall.now()).await?;
        let details = json!({
            "last_activity_on": clock.last_activity_at.date_naive(), "years": years,
            "kept_until": kept_until(RuleSet::current(), clock, years),
        });
        for member in &clock.members {
            tx.audit(AuditEntry::plain("debtor.records_destroyed", *member, &details).about(Some(*member)));
            tell(tx, *member);
        }
        Ok(ended)
    }
}

/// People, by the records that stand for them, who were placed so long ago that their time may be over.
async fn candidates(tx: &mut TenantTx, past: Uuid, years: i16) -> Result<Vec<Uuid>, DbError> {
    let months = Months::new(u32::from(years.unsigned_abs()) * 12);
    let horizon = tx
        .now()
        .checked_sub_months(months)
        .unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT d.id FROM debtors d JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE d.business_id = $1 AND d.id > $2 AND d.created_at < $3 AND d.merged_into IS NULL AND k.destroyed_at IS NULL
         ORDER BY d.id LIMIT $4",
        business,
        past,
        horizon,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// X-26: names the years of the access log whose time is over, and drops them where `execute`.
///
/// # Errors
/// [`DbError`] as met.
pub async fn old_access_logs(db: &Db, execute: bool) -> Result<Vec<String>, DbError> {
    let mut tx = db
        .system(&SystemCtx::for_reason("old access logs", "job-retention"))
        .await?;
    let now = tx.now();
    let names = sqlx::query_scalar!(
        r#"SELECT part AS "part!" FROM app.old_access_logs($1, $2) AS part"#,
        now,
        execute
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(names)
}
