//! Times that a text calls inconvenient (12 CFR 1006.6(b)(1)(i)): they bind at once, on the records of all whose number it is, until
//! staff take them back. It cannot be known who of them writes.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    inconvenient::{InconvenientRow, tell},
    reading::SaidTime,
};
use crate::{
    accounts::debtors_by_ids,
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        ids,
        keys::{TenantKeys, WrappedKey},
    },
};

const TABLE: &str = "inconvenient_times";

/// Whoever has texted so many times is looked after by a person; what they add is not written down by itself.
const MOST: i64 = 100;

/// The text that says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saying<'a> {
    /// The row that stores it.
    pub(super) event: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) words: &'a str,
    /// The records that its number stands on. The caller has locked these people.
    pub(super) people: &'a [Uuid],
}

/// The columns of what is recorded.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    owners: Vec<Uuid>,
    days: Vec<Option<String>>,
    from: Vec<i16>,
    to: Vec<i16>,
    statements: Vec<Vec<u8>>,
}

/// Records the times on each of the records, but for those that stand there already.
///
/// # Errors
/// [`OpError`] as met.
pub(super) async fn record_said_times(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    saying: Saying<'_>,
    times: &[SaidTime],
) -> Result<(), OpError> {
    let new = columns(tx, keys, &saying, times).await?;
    let business = tx.business_id();
    let recorded = sqlx::query!(
        "INSERT INTO inconvenient_times (business_id, id, debtor_id, days, from_minute, to_minute, statement_cipher, stated_at,
             event_id)
         SELECT $1, n.id, n.debtor_id, string_to_array(n.days, ','), n.from_minute, n.to_minute, n.statement, $8, $9
         FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::smallint[], $6::smallint[], $7::bytea[])
             AS n(id, debtor_id, days, from_minute, to_minute, statement)
         WHERE NOT EXISTS (SELECT FROM inconvenient_times i
                 WHERE i.business_id = $1 AND i.debtor_id = n.debtor_id AND i.withdrawn_at IS NULL AND i.channels IS NULL
                   AND i.days IS NOT DISTINCT FROM string_to_array(n.days, ',')
                   AND i.from_minute = n.from_minute AND i.to_minute = n.to_minute)
           AND (SELECT count(*) FROM inconvenient_times i
                 WHERE i.business_id = $1 AND i.debtor_id = n.debtor_id AND i.withdrawn_at IS NULL) < $10
         RETURNING id, debtor_id, days, from_minute, to_minute",
        business,
        &new.ids,
        &new.owners,
        &new.days as &[Option<String>],
        &new.from,
        &new.to,
        &new.statements,
        saying.at,
        saying.event,
        MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in recorded {
        let details = json!({ "days": row.days, "from_minute": row.from_minute, "to_minute": row.to_minute,
            "source": "INBOUND_TEXT", "stated_at": saying.at });
        tx.audit(
            AuditEntry::plain("inconvenient_time.recorded", row.id, &details).about(Some(row.debtor_id)),
        );
        tell(tx, row.debtor_id);
    }
    Ok(())
}

async fn columns(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    saying: &Saying<'_>,
    times: &[SaidTime],
) -> Result<Columns, OpError> {
    let mut new = Columns::default();
    for debtor in debtors_by_ids(tx, saying.people).await? {
        // Nothing is written about a person whose record key is gone.
        let Some(key) = keys.data_key(&debtor.keys.record)? else {
            continue;
        };
        for time in times {
            let id = ids::next();
            let words = saying.words.trim().as_bytes();
            new.statements
                .push(keys.seal(&key, TABLE, "statement_cipher", id, words)?);
            new.ids.push(id);
            new.owners.push(debtor.id);
            new.days.push(time.days.words().map(|days| days.join(",")));
            new.from.push(time.from_minute);
            new.to.push(time.to_minute);
        }
    }
    Ok(new)
}

/// Those that a message brought about and that stand, at most a hundred, of people within the caller's scope.
pub(super) async fn times_of_message(
    tx: &mut TenantTx,
    message: Uuid,
) -> Result<Vec<InconvenientRow>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT i.id, i.debtor_id, i.days, i.from_minute, i.to_minute, i.channels, i.statement_cipher, i.stated_at,
                i.recorded_by, k.id AS key_id, k.business_key_version, k.wrapped
         FROM inconvenient_times i
         JOIN debtors d ON d.business_id = i.business_id AND d.id = i.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE i.business_id = $1 AND i.message_id = $2 AND i.withdrawn_at IS NULL
         ORDER BY i.id LIMIT 100",
        business,
        message,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut owners: Vec<Uuid> = rows.iter().map(|row| row.debtor_id).collect();
    owners.dedup();
    let seen: Vec<Uuid> = match owners.is_empty() {
        true => Vec::new(),
        false => debtors_by_ids(tx, &owners)
            .await?
            .iter()
            .map(|debtor| debtor.id)
            .collect(),
    };
    Ok(rows
        .into_iter()
        .filter(|row| seen.contains(&row.debtor_id))
        .map(|row| InconvenientRow {
            id: row.id,
            debtor_id: row.debtor_id,
            days: row.days,
            from_minute: row.from_minute,
            to_minute: row.to_minute,
            channels: row.channels,
            statement_cipher: row.statement_cipher,
            stated_at: row.stated_at,
            recorded_by: row.recorded_by,
            withdrawn_at: None,
            withdrawn_by: None,
            key: WrappedKey {
                id: row.key_id,
                business_key_version: row.business_key_version,
                wrapped: row.wrapped,
            },
        })
        .collect())
}
