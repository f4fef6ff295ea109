//! Puts labels on many accounts, and takes others off.

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use super::{
    bulk::{lock_accounts, tell_of_each, updated},
    model::MOST_TAGS,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// Adds and removes labels; what an account has already, or does not have, is left as it is, and an account that is the
/// same as before is not spoken of.
///
/// # Errors
/// User errors: INVALID_INPUT for labels that do not fit, NOT_FOUND for an account that is not the caller's, CONFLICT
/// where one would have too many.
pub async fn tag_accounts(
    tx: &mut TenantTx,
    ids: &[Uuid],
    add: &[String],
    remove: &[String],
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::AccountUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check(add, remove)?;
    let accounts = lock_accounts(tx, ids).await?;
    let changes = change_tags(tx, ids, add, remove).await?;
    let changed: Vec<Uuid> = changes.keys().copied().collect();
    let (business, now) = (tx.business_id(), tx.now());
    let fullest = sqlx::query_scalar!(
        r#"WITH touched AS (
               UPDATE accounts SET updated_at = $3 WHERE business_id = $1 AND id = ANY($2) RETURNING id)
           SELECT coalesce(max(c.tags), 0) AS "most!" FROM (
               SELECT count(*) AS tags FROM account_tags t JOIN touched ON touched.id = t.account_id
               WHERE t.business_id = $1 GROUP BY t.account_id) c"#,
        business,
        &changed,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    if usize::try_from(fullest).unwrap_or(usize::MAX) > MOST_TAGS {
        let message =
            format!("An account has at most {MOST_TAGS} tags: remove some first. None was changed.");
        return Err(UserError::at(UserErrorCode::Conflict, "add", message).into());
    }
    tell_of_each(
        tx,
        "account.tagged",
        |account| changes.get(&account.id).map_or_else(|| json!({}), Change::told),
        updated,
        accounts
            .iter()
            .filter(|account| changes.contains_key(&account.id)),
    );
    Ok(())
}

/// What became of one account's labels.
#[derive(Default)]
struct Change {
    added: Vec<String>,
    removed: Vec<String>,
}

impl Change {
    fn told(&self) -> serde_json::Value {
        json!({ "added": self.added, "removed": self.removed })
    }
}

/// Takes labels off and puts others on; the accounts that are another by it, each with what changed.
async fn change_tags(
    tx: &mut TenantTx,
    ids: &[Uuid],
    add: &[String],
    remove: &[String],
) -> Result<HashMap<Uuid, Change>, DbError> {
    let business = tx.business_id();
    let mut changes: HashMap<Uuid, Change> = HashMap::new();
    let removed = sqlx::query!(
        "DELETE FROM account_tags WHERE business_id = $1 AND account_id = ANY($2) AND tag = ANY($3)
         RETURNING account_id, tag",
        business,
        ids,
        remove,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in removed {
        changes.entry(row.account_id).or_default().removed.push(row.tag);
    }
    let added = sqlx::query!(
        "INSERT INTO account_tags (business_id, account_id, tag)
         SELECT DISTINCT $1::uuid, a.id, t.tag FROM unnest($2::uuid[]) AS a(id), unnest($3::text[]) AS t(tag)
         ON CONFLICT DO NOTHING RETURNING account_id, tag",
        business,
        ids,
        add,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in added {
        changes.entry(row.account_id).or_default().added.push(row.tag);
    }
    for change in changes.values_mut() {
        change.added.sort();
        change.removed.sort();
    }
    Ok(changes)
}

fn check(add: &[String], remove: &[String]) -> Result<(), OpError> {
    if add.is_empty() && remove.is_empty() {
        return Err(UserError::invalid("add", "Name a tag to add or to remove.").into());
    }
    for (field, tags) in [("add", add), ("remove", remove)] {
        let fits = |tag: &String| (1..=50).contains(&tag.chars().count()) && !tag.trim().is_empty();
        if tags.len() > MOST_TAGS || !tags.iter().all(fits) {
            let message = format!("At most {MOST_TAGS} tags of 1 to 50 characters each.");
            return Err(UserError::invalid(field, message).into());
        }
    }
    if let Some(both) = add.iter().find(|tag| remove.contains(tag)) {
        let message = format!("{both:?} cannot be added and removed at once.");
        return Err(UserError::invalid("remove", message).into());
    }
    Ok(())
}
