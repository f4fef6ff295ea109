//! How whom a mail is sent to reads: what their profile says.

use uuid::Uuid;

use super::{ports::MailReader, profile_store};
use crate::platform::db::{DbError, SystemTx, TenantTx};

/// How a person reads mails: of a business by their profile there, of their log-in by one that says.
pub(super) async fn reader_of(
    tx: &mut SystemTx,
    person: Uuid,
    business: Option<Uuid>,
) -> Result<MailReader, DbError> {
    let row = sqlx::query!(
        "SELECT language, time_zone FROM users
         WHERE identity_id = $1 AND status = 'ACTIVE' AND ($2::uuid IS NULL OR business_id = $2)
         ORDER BY language IS NULL, time_zone IS NULL, created_at, id LIMIT 1",
        person,
        business,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map_or_else(MailReader::default, |row| {
        MailReader::of(row.language.as_deref(), row.time_zone.as_deref())
    }))
}

/// How a member of the business reads.
pub(super) async fn reader_of_member(tx: &mut TenantTx, user: Uuid) -> Result<MailReader, DbError> {
    let profile = profile_store::profile(tx, user).await?;
    Ok(profile.map_or_else(MailReader::default, |row| {
        MailReader::of(row.language.as_deref(), row.time_zone.as_deref())
    }))
}
