//! SQL of schedules, skills and capacity.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use chrono_tz::Tz;
use uuid::Uuid;

use super::model::{Hours, LocalTime, Schedule};
use crate::platform::db::{DbError, TenantTx};

/// What a member can do, and on how much at once.
#[derive(Clone, Debug, Default)]
pub(in crate::identity) struct WorkRow {
    pub(in crate::identity) capacity: Option<i32>,
    pub(in crate::identity) skills: Vec<String>,
    pub(in crate::identity) schedule: Option<Schedule>,
}

/// Schedules, skills and capacity of these members.
pub(in crate::identity) async fn work_of(
    tx: &mut TenantTx,
    users: &[Uuid],
) -> Result<HashMap<Uuid, WorkRow>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT u.id, u.capacity, s.time_zone AS "time_zone?", h.weekday AS "weekday?", h.on_date AS "on_date?",
                  h.from_minute AS "from_minute?", h.to_minute AS "to_minute?",
                  ARRAY(SELECT k.skill FROM user_skills k WHERE k.business_id = $1 AND k.user_id = u.id
                        ORDER BY k.skill) AS "skills!"
           FROM users u
           LEFT JOIN work_schedules s ON s.business_id = u.business_id AND s.user_id = u.id
           LEFT JOIN work_hours h ON h.business_id = s.business_id AND h.user_id = s.user_id
           WHERE u.business_id = $1 AND u.id = ANY($2)
           ORDER BY u.id, h.nth"#,
        business,
        users,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found: HashMap<Uuid, WorkRow> = HashMap::new();
    for row in rows {
        let work = found.entry(row.id).or_insert_with(|| WorkRow {
            capacity: row.capacity.map(i32::from),
            skills: row.skills,
            schedule: None,
        });
        // A zone that the present time zone database has dropped tells no hours.
        let Some(zone) = row.time_zone.and_then(|zone| zone.parse::<Tz>().ok()) else {
            continue;
        };
        let schedule = work.schedule.get_or_insert_with(|| Schedule {
            time_zone: zone,
            week: BTreeMap::new(),
            dates: BTreeMap::new(),
        });
        let (Some(from), Some(to)) = (row.from_minute, row.to_minute) else {
            continue;
        };
        let day = match (row.weekday, row.on_date) {
            (Some(weekday), _) => schedule.week.entry(weekday).or_default(),
            (None, Some(date)) => schedule.dates.entry(date).or_default(),
            (None, None) => continue,
        };
        if from < to {
            day.push(Hours { from, to });
        }
    }
    Ok(found)
}

/// Puts a schedule in the place of the one before; `None` removes it.
pub(in crate::identity) async fn put_schedule(
    tx: &mut TenantTx,
    user: Uuid,
    schedule: Option<&Schedule>,
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "DELETE FROM work_hours WHERE business_id = $1 AND user_id = $2",
        business,
        user
    )
    .execute(tx.conn())
    .await?;
    let Some(schedule) = schedule else {
        sqlx::query!(
            "DELETE FROM work_schedules WHERE business_id = $1 AND user_id = $2",
            business,
            user
        )
        .execute(tx.conn())
        .await?;
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO work_schedules (business_id, user_id, time_zone, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (business_id, user_id) DO UPDATE SET time_zone = $3, updated_at = $4",
        business,
        user,
        schedule.time_zone.name(),
        now,
    )
    .execute(tx.conn())
    .await?;
    let lines = Lines::of(schedule);
    sqlx::query!(
        "INSERT INTO work_hours (business_id, user_id, nth, weekday, on_date, from_minute, to_minute)
         SELECT $1, $2, h.nth, h.weekday, h.on_date, h.from_minute, h.to_minute
         FROM unnest($3::int2[], $4::date[], $5::int2[], $6::int2[]) WITH ORDINALITY
              AS h(weekday, on_date, from_minute, to_minute, nth)",
        business,
        user,
        &lines.weekdays as &[Option<i16>],
        &lines.dates as &[Option<NaiveDate>],
        &lines.from,
        &lines.to,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A schedule as rows, column by column.
#[derive(Default)]
struct Lines {
    weekdays: Vec<Option<i16>>,
    dates: Vec<Option<NaiveDate>>,
    from: Vec<i16>,
    to: Vec<i16>,
}

impl Lines {
    fn of(schedule: &Schedule) -> Self {
        let mut lines = Self::default();
        for (weekday, hours) in &schedule.week {
            for stretch in hours {
                lines.push(Some(*weekday), None, *stretch);
            }
        }
        for (date, hours) in &schedule.dates {
            for stretch in hours {
                lines.push(None, Some(*date), *stretch);
            }
            if hours.is_empty() {
                lines.push(None, Some(*date), Hours { from: 0, to: 0 });
            }
        }
        lines
    }

    fn push(&mut self, weekday: Option<i16>, date: Option<NaiveDate>, hours: Hours) {
        self.weekdays.push(weekday);
        self.dates.push(date);
        self.from.push(hours.from);
        self.to.push(hours.to);
    }
}

/// Puts these skills in the place of those before.
pub(in crate::identity) async fn put_skills(
    tx: &mut TenantTx,
    user: Uuid,
    skills: &[String],
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "DELETE FROM user_skills WHERE business_id = $1 AND user_id = $2 AND skill <> ALL($3)",
        business,
        user,
        skills,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO user_skills (business_id, user_id, skill) SELECT $1, $2, * FROM unnest($3::text[])
         ON CONFLICT DO NOTHING",
        business,
        user,
        skills,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(in crate::identity) async fn put_capacity(
    tx: &mut TenantTx,
    user: Uuid,
    capacity: Option<i16>,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE users SET capacity = $3 WHERE business_id = $1 AND id = $2",
        business,
        user,
        capacity,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The words in use in the business, in alphabetical order, at most 500.
pub(in crate::identity) async fn skills_in_use(tx: &mut TenantTx) -> Result<Vec<String>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT skill FROM user_skills WHERE business_id = $1 ORDER BY skill LIMIT 500",
        business
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Where the clocks of the business's schedules stand, column by column.
#[derive(Clone, Debug, Default)]
pub(in crate::identity) struct Clocks {
    pub(in crate::identity) zones: Vec<String>,
    pub(in crate::identity) dates: Vec<NaiveDate>,
    pub(in crate::identity) weekdays: Vec<i16>,
    pub(in crate::identity) minutes: Vec<i16>,
}

/// The clock of each zone in which somebody of the business works, now. There are some hundred zones in all.
pub(in crate::identity) async fn clocks(tx: &mut TenantTx) -> Result<Clocks, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let zones = sqlx::query_scalar!(
        "SELECT DISTINCT time_zone FROM work_schedules WHERE business_id = $1",
        business
    )
    .fetch_all(tx.conn())
    .await?;
    let mut clocks = Clocks::default();
    for name in zones {
        let Ok(zone) = name.parse::<Tz>() else { continue };
        let local = LocalTime::at(now, zone);
        clocks.zones.push(name);
        clocks.dates.push(local.date);
        clocks.weekdays.push(local.weekday);
        clocks.minutes.push(local.minute);
    }
    Ok(clocks)
}
