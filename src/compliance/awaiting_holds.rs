//! Holds that texts placed and at which nobody has looked yet, over all people: for those who look after a business.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::holds::{HoldKind, HoldRow};
use crate::{
    access::{Cell, authorize},
    platform::{db::TenantTx, error::OpError, gql::PageRequest},
};

/// Within this time somebody should have looked: the product's own term, as for a dispute that was not made in writing. The
/// hold binds before and after.
pub(super) const LOOKED_AT_WITHIN: TimeDelta = TimeDelta::hours(48);

/// Further than this nobody counts for a badge.
const COUNT_AT_MOST: i64 = 1_000;

/// Where a page ends.
pub(super) type AwaitingKey = (DateTime<Utc>, Uuid);

fn kinds_or_all(kinds: Option<&[HoldKind]>) -> Vec<String> {
    let kinds = kinds.unwrap_or(&HoldKind::ALL);
    let mut words: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn may_look(tx: &TenantTx) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::HoldRelease).map_err(|denied| OpError::Forbidden(denied.to_string()))
}

/// A page of them, the oldest first.
pub(super) async fn awaiting_holds(
    tx: &mut TenantTx,
    kinds: Option<&[HoldKind]>,
    page: &PageRequest,
    past: Option<AwaitingKey>,
) -> Result<Vec<HoldRow>, OpError> {
    may_look(tx)?;
    let (business, kinds) = (tx.business_id(), kinds_or_all(kinds));
    // By the index of those that wait, kind by kind: what waits no more is not looked at, however much there is of it.
    Ok(sqlx::query_as!(
        HoldRow,
        r#"SELECT h.id AS "id!", h.debtor_id AS "asked!", h.debtor_id AS "debtor_id!", h.account_id, h.kind AS "kind!",
                h.reason_cipher, h.placed_by, h.placed_at AS "placed_at!", h.lifted_by, h.lifted_at, h.source AS "source!",
                h.message_id, h.suppression_id, h.confirmed_at, h.confirmed_by, h.confirmation_cipher, k.id AS "key_id!",
                k.business_key_version AS "key_version!", k.wrapped
         FROM unnest($2::text[]) AS w(kind)
         CROSS JOIN LATERAL (
            SELECT v.* FROM holds v
            LEFT JOIN accounts a ON a.business_id = v.business_id AND a.id = v.account_id
            WHERE v.business_id = $1 AND v.kind = w.kind AND v.lifted_at IS NULL AND v.confirmed_at IS NULL
              AND v.source = 'INBOUND_TEXT' AND a.deleted_at IS NULL
              AND (v.placed_at, v.id) > (coalesce($3::timestamptz, '-infinity'),
                  coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
            ORDER BY v.placed_at, v.id LIMIT $5) h
         JOIN debtors d ON d.business_id = h.business_id AND d.id = h.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         ORDER BY h.placed_at, h.id LIMIT $5"#,
        business,
        &kinds,
        past.map(|(at, _)| at),
        past.map(|(_, id)| id),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// How many there are, up to a thousand.
pub(super) async fn count_awaiting(tx: &mut TenantTx, kinds: Option<&[HoldKind]>) -> Result<i64, OpError> {
    may_look(tx)?;
    let (business, kinds) = (tx.business_id(), kinds_or_all(kinds));
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM unnest($2::text[]) AS w(kind)
         CROSS JOIN LATERAL (
            SELECT v.id FROM holds v
            LEFT JOIN accounts a ON a.business_id = v.business_id AND a.id = v.account_id
            WHERE v.business_id = $1 AND v.kind = w.kind AND v.lifted_at IS NULL AND v.confirmed_at IS NULL
              AND v.source = 'INBOUND_TEXT' AND a.deleted_at IS NULL LIMIT $3) h"#,
        business,
        &kinds,
        COUNT_AT_MOST,
    )
    .fetch_one(tx.conn())
    .await?
    .min(COUNT_AT_MOST))
}
