//! Puts labels on many accounts, and takes others off.

use serde_json::json;
use uuid::Uuid;

use super::{
    bulk::{lock_accounts, tell_of_each},
    model::MOST_TAGS,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::TenantTx,
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// Adds and removes labels; what an account has already, or does not have, is left as it is.
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
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "DELETE FROM account_tags WHERE business_id = $1 AND account_id = ANY($2) AND tag = ANY($3)",
        business,
        ids,
        remove,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO account_tags (business_id, account_id, tag)
         SELECT DISTINCT $1::uuid, a.id, t.tag FROM unnest($2::uuid[]) AS a(id), unnest($3::text[]) AS t(tag)
         ON CONFLICT DO NOTHING",
        business,
        ids,
        add,
    )
    .execute(tx.conn())
    .await?;
    let fullest = sqlx::query_scalar!(
        r#"WITH touched AS (
               UPDATE accounts SET updated_at = $3 WHERE business_id = $1 AND id = ANY($2) RETURNING id)
           SELECT coalesce(max(c.tags), 0) AS "most!" FROM (
               SELECT count(*) AS tags FROM account_tags t JOIN touched ON touched.id = t.account_id
               WHERE t.business_id = $1 GROUP BY t.account_id) c"#,
        business,
        ids,
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
        |_| json!({ "added": add, "removed": remove }),
        accounts.iter(),
    );
    Ok(())
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
