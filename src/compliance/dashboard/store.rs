//! The counts, each one statement.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

use super::{Period, Share};
use crate::{
    compliance::{facts::Policy, holds::HoldKind, suppressions::SuppressionReason},
    platform::{
        db::{DbError, TenantTx},
        gql::PageRequest,
    },
};

/// Rows that one count looks at.
const MOST_ROWS: i64 = 1_000_000;
/// Contacts of the last seven days that are looked at for people near a limit.
const MOST_SLOTS: i64 = 200_000;
/// Beyond, a count of what stands is told as this.
const COUNT_AT_MOST: i64 = 10_000;
/// Members of staff who are compared.
const MOST_AGENTS: i64 = 1_000;

/// Decisions of one day that came out alike.
#[derive(Clone, Debug)]
struct Cell {
    day: NaiveDate,
    stage: String,
    outcome: String,
    rule: Option<String>,
    count: i64,
}

/// Decisions of a period and of the one before it.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct Tally {
    period: Period,
    cells: Vec<Cell>,
}

/// A count and the same of the period before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::compliance) struct Counted {
    pub(in crate::compliance) now: i64,
    pub(in crate::compliance) before: i64,
}

impl Counted {
    /// What was counted by day, of a period and of the days before it.
    pub(in crate::compliance) fn of_days(days: &[DayCount], period: Period) -> Self {
        let sum = |inside: bool| {
            let of = days.iter().filter(|row| period.contains(row.day) == inside);
            of.map(|row| row.count).sum()
        };
        Self {
            now: sum(true),
            before: sum(false),
        }
    }
}

/// Counts the decisions of `period` and of as many days before; `None` where there are more than a million.
pub(in crate::compliance) async fn tally(
    tx: &mut TenantTx,
    period: Period,
) -> Result<Option<Tally>, DbError> {
    let business = tx.business_id();
    let cells = sqlx::query_as!(
        Cell,
        r#"SELECT (d.decided_at AT TIME ZONE 'UTC')::date AS "day!", d.stage AS "stage!", d.outcome AS "outcome!",
                CASE WHEN d.outcome <> 'ALLOW' THEN d.rule END AS rule, count(*) AS "count!"
         FROM (SELECT decided_at, stage, outcome, rule FROM decisions
               WHERE business_id = $1 AND decided_at >= $2 AND decided_at < $3 LIMIT $4) d
         GROUP BY 1, 2, 3, 4"#,
        business,
        period.before().begin(),
        period.end(),
        MOST_ROWS + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let all: i64 = cells.iter().map(|cell| cell.count).sum();
    Ok((all <= MOST_ROWS).then_some(Tally { period, cells }))
}

impl Tally {
    /// Day and stage, with how many came out each way: ALLOW, DENY, DEFER, REQUIRE_CONTENT.
    pub(in crate::compliance) fn days(&self) -> BTreeMap<(NaiveDate, String), [i64; 4]> {
        let mut days: BTreeMap<_, [i64; 4]> = BTreeMap::new();
        for cell in self.cells.iter().filter(|cell| self.period.contains(cell.day)) {
            let place = match cell.outcome.as_str() {
                "ALLOW" => 0,
                "DEFER" => 2,
                "REQUIRE_CONTENT" => 3,
                _ => 1,
            };
            days.entry((cell.day, cell.stage.clone())).or_default()[place] += cell.count;
        }
        days
    }

    /// Every rule that refused, with how often.
    pub(in crate::compliance) fn refusals(&self) -> BTreeMap<String, Counted> {
        let mut rules: BTreeMap<String, Counted> = BTreeMap::new();
        for cell in self.cells.iter().filter(|cell| cell.outcome == "DENY") {
            let Some(rule) = &cell.rule else { continue };
            let counted = rules.entry(rule.clone()).or_default();
            if self.period.contains(cell.day) {
                counted.now += cell.count;
            } else {
                counted.before += cell.count;
            }
        }
        rules
    }

    /// How often one rule refused on each day of the period.
    pub(in crate::compliance) fn refusals_by_day(&self, rule: &str) -> BTreeMap<NaiveDate, i64> {
        let mut days = BTreeMap::new();
        let of_rule = self.cells.iter().filter(|cell| cell.outcome == "DENY");
        for cell in of_rule.filter(|cell| cell.rule.as_deref() == Some(rule)) {
            if self.period.contains(cell.day) {
                *days.entry(cell.day).or_insert(0) += cell.count;
            }
        }
        days
    }
}

/// How many contacts each member of staff wanted in the period, and how many of them were refused.
pub(in crate::compliance) async fn agents(
    tx: &mut TenantTx,
    period: Period,
) -> Result<Vec<(Uuid, i64, i64)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT d.asked_by AS "user!", count(*) AS "asked!", count(*) FILTER (WHERE d.outcome = 'DENY') AS "refused!"
         FROM (SELECT asked_by, outcome, stage FROM decisions
               WHERE business_id = $1 AND decided_at >= $2 AND decided_at < $3 LIMIT $4) d
         WHERE d.asked_by IS NOT NULL AND d.stage = 'QUEUE' GROUP BY d.asked_by ORDER BY d.asked_by LIMIT $5"#,
        business,
        period.begin(),
        period.end(),
        MOST_ROWS,
        MOST_AGENTS,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user, row.asked, row.refused))
        .collect())
}

/// So many on one day and channel.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct DayCount {
    pub(in crate::compliance) day: NaiveDate,
    pub(in crate::compliance) channel: String,
    pub(in crate::compliance) count: i64,
}

/// Addresses that opted out, by day and channel, of the period and the one before it.
pub(in crate::compliance) async fn opt_outs(
    tx: &mut TenantTx,
    period: Period,
) -> Result<Vec<DayCount>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        DayCount,
        r#"SELECT (s.created_at AT TIME ZONE 'UTC')::date AS "day!", s.channel AS "channel!", count(*) AS "count!"
         FROM (SELECT created_at, channel FROM suppressions
               WHERE business_id = $1 AND reason = 'OPT_OUT' AND created_at >= $2 AND created_at < $3 LIMIT $4) s
         GROUP BY 1, 2 ORDER BY 1, 2"#,
        business,
        period.before().begin(),
        period.end(),
        MOST_ROWS,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// So many withdrawals on one day, channel and way.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct RevocationCount {
    pub(in crate::compliance) day: NaiveDate,
    pub(in crate::compliance) channel: String,
    pub(in crate::compliance) source: String,
    pub(in crate::compliance) count: i64,
}

/// Consents that were withdrawn in the period.
pub(in crate::compliance) async fn revocations(
    tx: &mut TenantTx,
    period: Period,
) -> Result<Vec<RevocationCount>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        RevocationCount,
        r#"SELECT (c.recorded_at AT TIME ZONE 'UTC')::date AS "day!", c.channel AS "channel!", c.source AS "source!",
                count(*) AS "count!"
         FROM (SELECT recorded_at, channel, source FROM consents
               WHERE business_id = $1 AND status = 'REVOKED' AND recorded_at >= $2 AND recorded_at < $3 LIMIT $4) c
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"#,
        business,
        period.begin(),
        period.end(),
        MOST_ROWS,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Of each kind, how many holds stand, and of how many of them nobody has looked at what a text stated.
pub(in crate::compliance) async fn hold_counts(
    tx: &mut TenantTx,
) -> Result<Vec<(HoldKind, i64, i64)>, DbError> {
    let business = tx.business_id();
    let kinds: Vec<String> = HoldKind::ALL
        .iter()
        .map(|kind| kind.as_str().to_owned())
        .collect();
    let rows = sqlx::query!(
        r#"SELECT k.kind AS "kind!",
                (SELECT count(*) FROM (SELECT FROM holds h WHERE h.business_id = $1 AND h.kind = k.kind
                   AND h.lifted_at IS NULL LIMIT $3) o) AS "open!",
                (SELECT count(*) FROM (SELECT FROM holds h WHERE h.business_id = $1 AND h.kind = k.kind
                   AND h.lifted_at IS NULL AND h.confirmed_at IS NULL AND h.source = 'INBOUND_TEXT' LIMIT $3) w) AS "awaiting!"
         FROM unnest($2::text[]) AS k(kind)"#,
        business,
        &kinds,
        COUNT_AT_MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    let counted = rows
        .into_iter()
        .filter_map(|row| Some((HoldKind::parse(&row.kind)?, row.open, row.awaiting)));
    Ok(counted.collect())
}

/// What a business owes now: answers that wait, and those of them past their day; licences to collect.
#[derive(Clone, Copy, Debug)]
pub(in crate::compliance) struct Owed {
    pub(in crate::compliance) disputes: Share,
    pub(in crate::compliance) complaints: Share,
    pub(in crate::compliance) licenses: Share,
}

/// Counts that, at most ten thousand of each.
pub(in crate::compliance) async fn owed(tx: &mut TenantTx) -> Result<Owed, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let row = sqlx::query!(
        r#"SELECT
             (SELECT count(*) FROM (SELECT FROM disputes WHERE business_id = $1 AND status IN ('OPEN', 'VERIFYING')
                LIMIT $4) o) AS "disputes!",
             (SELECT count(*) FROM (SELECT FROM disputes WHERE business_id = $1 AND status IN ('OPEN', 'VERIFYING')
                AND due_at < $2 LIMIT $4) o) AS "overdue_disputes!",
             (SELECT count(*) FROM (SELECT FROM complaints WHERE business_id = $1 AND status <> 'RESOLVED'
                LIMIT $4) o) AS "complaints!",
             (SELECT count(*) FROM (SELECT FROM complaints WHERE business_id = $1 AND status <> 'RESOLVED'
                AND due_at < $2 LIMIT $4) o) AS "overdue_complaints!",
             l.held AS "held!", l.ended AS "ended!"
           FROM (SELECT count(*) AS held, count(*) FILTER (WHERE NOT g.stands) AS ended FROM (
             SELECT state, bool_or(valid_until IS NULL OR valid_until >= $3) AS stands FROM business_licenses
             WHERE business_id = $1 AND kind = 'COLLECTION_AGENCY' AND removed_at IS NULL GROUP BY state) g) l"#,
        business,
        now,
        now.date_naive(),
        COUNT_AT_MOST,
    )
    .fetch_one(tx.conn())
    .await?;
    let share = |wrong, all| Share { wrong, all };
    Ok(Owed {
        disputes: share(row.overdue_disputes, row.disputes),
        complaints: share(row.overdue_complaints, row.complaints),
        licenses: share(row.ended, row.held),
    })
}

/// Of each reason, how many suppressions stand.
pub(in crate::compliance) async fn suppression_counts(
    tx: &mut TenantTx,
) -> Result<Vec<(SuppressionReason, i64)>, DbError> {
    let business = tx.business_id();
    let reasons: Vec<String> = SuppressionReason::ALL
        .iter()
        .map(|reason| reason.as_str().to_owned())
        .collect();
    let rows = sqlx::query!(
        r#"SELECT r.reason AS "reason!",
                (SELECT count(*) FROM (SELECT FROM suppressions s WHERE s.business_id = $1 AND s.reason = r.reason
                   AND s.lifted_at IS NULL LIMIT $3) o) AS "count!"
         FROM unnest($2::text[]) AS r(reason)"#,
        business,
        &reasons,
        COUNT_AT_MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    let counted = rows
        .into_iter()
        .filter_map(|row| Some((SuppressionReason::parse(&row.reason)?, row.count)));
    Ok(counted.collect())
}

/// Where a page of people near a limit ends.
pub(in crate::compliance) type NearKey = (Uuid, String);

/// Somebody who was contacted nearly as often on a channel as they may be.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct Near {
    pub(in crate::compliance) person: Uuid,
    pub(in crate::compliance) channel: String,
    pub(in crate::compliance) count: i64,
    pub(in crate::compliance) limit: i64,
}

/// People who have one contact left on a channel in seven days, or none; by id.
pub(in crate::compliance) async fn near_limits(
    tx: &mut TenantTx,
    policy: &Policy,
    page: &PageRequest,
    past: Option<&NearKey>,
) -> Result<Vec<Near>, DbError> {
    let (business, since) = (tx.business_id(), tx.now() - TimeDelta::days(7));
    let weekly = [
        ("SMS", policy.sms_per_week),
        ("EMAIL", policy.emails_per_week),
        ("VOICE", policy.calls_per_week),
        ("WHATSAPP", policy.whatsapp_per_day.map(|a_day| a_day * 7)),
    ];
    let known = weekly
        .into_iter()
        .filter_map(|(channel, limit)| Some((channel.to_owned(), i64::try_from(limit?).ok()?)));
    let (channels, limits): (Vec<String>, Vec<i64>) = known.unzip();
    Ok(sqlx::query_as!(
        Near,
        r#"SELECT p.person_id AS "person!", p.channel AS "channel!", p.count::bigint AS "count!", l.most AS "limit!"
         FROM (SELECT d.person_id, s.channel, sum(s.count) AS count
               FROM (SELECT r.debtor_id, r.channel, count(*) AS count
                     FROM (SELECT debtor_id, channel, reply FROM contact_slots
                           WHERE business_id = $1 AND released_at IS NULL AND reserved_at > $2 LIMIT $3) r
                     WHERE NOT r.reply GROUP BY r.debtor_id, r.channel) s
               JOIN debtors d ON d.business_id = $1 AND d.id = s.debtor_id
               GROUP BY d.person_id, s.channel) p
         JOIN unnest($4::text[], $5::bigint[]) AS l(channel, most) ON l.channel = p.channel AND p.count >= l.most - 1
         WHERE (p.person_id, p.channel) > (coalesce($6::uuid, '00000000-0000-0000-0000-000000000000'), coalesce($7::text, ''))
         ORDER BY p.person_id, p.channel LIMIT $8"#,
        business,
        since,
        MOST_SLOTS,
        &channels,
        &limits,
        past.map(|(person, _)| *person),
        past.map(|(_, channel)| channel.as_str()),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}
