//! SQL about a business's staff: members, and what stands behind a member.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{bar_admission::BarAdmission, work::store::Clocks};
use crate::platform::{
    db::{DbError, TenantTx},
    gql::PageRequest,
};

/// A member of the business's staff.
#[derive(Clone, Debug)]
pub(super) struct UserRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) permissions: Option<Vec<String>>,
    pub(super) custom_role_id: Option<Uuid>,
    pub(super) role_name: Option<String>,
    /// The custom role's part of the role's permissions.
    pub(super) role_permissions: Option<Vec<String>>,
    pub(super) status: String,
    pub(super) created_at: DateTime<Utc>,
    /// Where and under which number they were admitted, if they are an attorney.
    pub(super) bar_state: Option<String>,
    pub(super) bar_number: Option<String>,
}

impl UserRow {
    pub(super) fn bar_admission(&self) -> Option<BarAdmission> {
        let (state, number) = self.bar_state.clone().zip(self.bar_number.clone())?;
        Some(BarAdmission { state, number })
    }
}

/// Those of `users` who are of the business.
pub(super) async fn users_by_id(
    tx: &mut TenantTx,
    users: &[Uuid],
) -> Result<HashMap<Uuid, UserRow>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query_as!(
        UserRow,
        r#"SELECT u.id, u.name, u.role, u.permissions, u.custom_role_id, c.name AS "role_name?",
                c.permissions AS "role_permissions?", u.status, u.created_at, u.bar_state, u.bar_number
         FROM users u LEFT JOIN custom_roles c ON c.business_id = u.business_id AND c.id = u.custom_role_id
         WHERE u.business_id = $1 AND u.id = ANY($2)"#,
        business,
        users
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Which members; all conditions given must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct UserCriteria {
    pub(super) roles: Option<Vec<String>>,
    pub(super) statuses: Option<Vec<String>>,
    /// A part of the name, …
    pub(super) name_part: Option<String>,
    /// … or else this one.
    pub(super) or_user: Option<Uuid>,
    /// In small letters.
    pub(super) skill: Option<String>,
    /// Whether they work now, by the clocks of the zones in which somebody does.
    pub(super) available: Option<(bool, Clocks)>,
}

/// A page of members, who joined first coming first, in reading direction, with one row more than asked. A business's
/// staff is few: what does not lead to an index is read through.
pub(super) async fn page_of_users(
    tx: &mut TenantTx,
    criteria: &UserCriteria,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<UserRow>, DbError> {
    let business = tx.business_id();
    let nowhere = Clocks::default();
    let (available, clocks) = match &criteria.available {
        Some((wanted, clocks)) => (Some(*wanted), clocks),
        None => (None, &nowhere),
    };
    Ok(sqlx::query_as!(
        UserRow,
        r#"SELECT u.id, u.name, u.role, u.permissions, u.custom_role_id, c.name AS "role_name?",
                c.permissions AS "role_permissions?", u.status, u.created_at, u.bar_state, u.bar_number
         FROM users u LEFT JOIN custom_roles c ON c.business_id = u.business_id AND c.id = u.custom_role_id
         WHERE u.business_id = $1
           AND ($2::text[] IS NULL OR u.role = ANY($2)) AND ($3::text[] IS NULL OR u.status = ANY($3))
           AND ($4::text IS NULL OR strpos(lower(u.name), lower($4)) > 0 OR u.id = $5)
           AND ($6::uuid IS NULL OR CASE WHEN $7 THEN u.id < $6 ELSE u.id > $6 END)
           AND ($9::text IS NULL OR EXISTS (
               SELECT FROM user_skills k WHERE k.business_id = $1 AND k.user_id = u.id AND k.skill = $9))
           AND ($10::bool IS NULL OR $10 = (
               SELECT u.status = 'ACTIVE' AND EXISTS (
                   SELECT FROM work_hours h
                   WHERE h.business_id = $1 AND h.user_id = u.id AND h.from_minute <= z.minute AND h.to_minute > z.minute
                     AND CASE WHEN EXISTS (SELECT FROM work_hours d
                                           WHERE d.business_id = $1 AND d.user_id = u.id AND d.on_date = z.on_date)
                              THEN h.on_date = z.on_date ELSE h.weekday = z.weekday END)
               FROM work_schedules s
               JOIN unnest($11::text[], $12::date[], $13::int2[], $14::int2[]) AS z(zone, on_date, weekday, minute)
                 ON z.zone = s.time_zone
               WHERE s.business_id = $1 AND s.user_id = u.id))
         ORDER BY CASE WHEN $7 THEN u.id END DESC, CASE WHEN NOT $7 THEN u.id END LIMIT $8"#,
        business,
        criteria.roles.as_deref(),
        criteria.statuses.as_deref(),
        criteria.name_part,
        criteria.or_user,
        past,
        page.backward,
        page.fetch(),
        criteria.skill,
        available,
        &clocks.zones,
        &clocks.dates,
        &clocks.weekdays,
        &clocks.minutes,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The person behind a member.
pub(super) struct MemberDetails {
    pub(super) user_id: Uuid,
    pub(super) identity_id: Uuid,
    pub(super) email_cipher: Vec<u8>,
    pub(super) last_active_at: Option<DateTime<Utc>>,
}

pub(super) async fn member_details(tx: &mut TenantTx, users: &[Uuid]) -> Result<Vec<MemberDetails>, DbError> {
    Ok(sqlx::query_as!(
        MemberDetails,
        r#"SELECT user_id AS "user_id!", identity_id AS "identity_id!", email_cipher AS "email_cipher!", last_active_at
         FROM app.member_details($1)"#,
        users
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The member of the business who has this address.
pub(super) async fn member_with_address(
    tx: &mut TenantTx,
    email_blind: &[u8],
) -> Result<Option<Uuid>, DbError> {
    Ok(
        sqlx::query_scalar!("SELECT app.member_with_address($1)", email_blind)
            .fetch_one(tx.conn())
            .await?,
    )
}

/// Locks `users` and every active administrator against changes, always in the same order, so that two administrators
/// who act upon each other take turns.
pub(super) async fn lock_with_administrators(
    tx: &mut TenantTx,
    users: &[Uuid],
) -> Result<Vec<UserRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        UserRow,
        r#"SELECT u.id, u.name, u.role, u.permissions, u.custom_role_id, c.name AS "role_name?",
                c.permissions AS "role_permissions?", u.status, u.created_at, u.bar_state, u.bar_number
         FROM users u LEFT JOIN custom_roles c ON c.business_id = u.business_id AND c.id = u.custom_role_id
         WHERE u.business_id = $1 AND (u.id = ANY($2) OR (u.role = 'BUSINESS_ADMIN' AND u.status = 'ACTIVE'))
         ORDER BY u.id FOR NO KEY UPDATE OF u"#,
        business,
        users
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Waits for whoever is opening a session of this member, and makes those who come later wait.
pub(super) async fn hold_sessions_off(tx: &mut TenantTx, user: Uuid) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "SELECT id FROM users WHERE business_id = $1 AND id = $2 FOR UPDATE",
        business,
        user
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_user(tx: &mut TenantTx, row: &UserRow) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE users SET name = $3, role = $4, permissions = $5, status = $6, custom_role_id = $7, bar_state = $8,
             bar_number = $9
         WHERE business_id = $1 AND id = $2",
        business,
        row.id,
        row.name,
        row.role,
        row.permissions.as_deref(),
        row.status,
        row.custom_role_id,
        row.bar_state,
        row.bar_number,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a member's sessions in the business; which they were.
pub(super) async fn end_member_sessions(
    tx: &mut TenantTx,
    user: Uuid,
    wall: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(
        sqlx::query_scalar!(r#"SELECT app.end_member_sessions($1, $2) AS "id!""#, user, wall)
            .fetch_all(tx.conn())
            .await?,
    )
}
