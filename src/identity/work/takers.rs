//! Who of the staff can be given threads, and who is away from those that they have.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::store::{clocks, work_of};
use crate::{
    access::{Cell, Role},
    platform::db::{DbError, TenantTx},
};

/// What nobody answers a thread without.
const NEEDED: [Cell; 2] = [Cell::ConversationRead, Cell::ConversationSend];

/// An active member of staff who may read and answer threads.
#[derive(Clone, Debug)]
pub struct Taker {
    pub user: Uuid,
    /// Whether they see only what is theirs or nobody's.
    pub is_scoped: bool,
    /// Whether their schedule says that they work now. Who has none is on duty at no time.
    pub is_on_duty: bool,
    /// On how many open threads at once; as many as come where none.
    pub capacity: Option<i64>,
    pub skills: HashSet<String>,
}

/// Those of these roles, in a fixed order.
///
/// # Errors
/// [`DbError`] as met.
pub async fn takers(tx: &mut TenantTx, roles: &[Role]) -> Result<Vec<Taker>, DbError> {
    let business = tx.business_id();
    let needed = NEEDED.map(Cell::label);
    let roles: Vec<String> = roles.iter().map(|role| role.as_str().to_owned()).collect();
    let clocks = clocks(tx).await?;
    let rows = sqlx::query!(
        r#"SELECT u.id, u.role, u.capacity,
                  ARRAY(SELECT k.skill FROM user_skills k WHERE k.business_id = $1 AND k.user_id = u.id) AS "skills!",
                  EXISTS (
                      SELECT FROM work_schedules s
                      JOIN unnest($4::text[], $5::date[], $6::int2[], $7::int2[]) AS z(zone, on_date, weekday, minute)
                        ON z.zone = s.time_zone
                      JOIN work_hours h ON h.business_id = s.business_id AND h.user_id = s.user_id
                      WHERE s.business_id = $1 AND s.user_id = u.id AND h.from_minute <= z.minute AND h.to_minute > z.minute
                        AND CASE WHEN EXISTS (SELECT FROM work_hours d
                                              WHERE d.business_id = $1 AND d.user_id = u.id AND d.on_date = z.on_date)
                                 THEN h.on_date = z.on_date ELSE h.weekday = z.weekday END) AS "is_on_duty!"
           FROM users u LEFT JOIN custom_roles c ON c.business_id = u.business_id AND c.id = u.custom_role_id
           WHERE u.business_id = $1 AND u.status = 'ACTIVE' AND u.role = ANY($2)
             AND (u.permissions IS NULL OR u.permissions @> $3) AND (c.permissions IS NULL OR c.permissions @> $3)
           ORDER BY u.id"#,
        business,
        &roles,
        &needed,
        &clocks.zones,
        &clocks.dates,
        &clocks.weekdays,
        &clocks.minutes,
    )
    .fetch_all(tx.conn())
    .await?;
    let takers = rows.into_iter().map(|row| Taker {
        user: row.id,
        is_scoped: Role::parse(&row.role).is_some_and(Role::is_scoped_to_assignments),
        is_on_duty: row.is_on_duty,
        capacity: row.capacity.map(i64::from),
        skills: row.skills.into_iter().collect(),
    });
    Ok(takers.collect())
}

/// Why somebody does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// They are not of the staff any more, or suspended.
    Deactivated,
    /// Their schedule says that they do not work now.
    OffDuty,
}

/// Those of `users` who are away. Who has no schedule is not known to be.
///
/// # Errors
/// [`DbError`] as met.
pub async fn absences(tx: &mut TenantTx, users: &[Uuid]) -> Result<HashMap<Uuid, Absence>, DbError> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let (business, now) = (tx.business_id(), tx.now());
    let active: HashSet<Uuid> = sqlx::query_scalar!(
        "SELECT id FROM users WHERE business_id = $1 AND id = ANY($2) AND status = 'ACTIVE'",
        business,
        users
    )
    .fetch_all(tx.conn())
    .await?
    .into_iter()
    .collect();
    let work = work_of(tx, users).await?;
    let absence = |user: &Uuid| {
        if !active.contains(user) {
            return Some(Absence::Deactivated);
        }
        let schedule = work.get(user).and_then(|work| work.schedule.as_ref())?;
        (!schedule.covers(now)).then_some(Absence::OffDuty)
    };
    Ok(users
        .iter()
        .filter_map(|user| Some((*user, absence(user)?)))
        .collect())
}
