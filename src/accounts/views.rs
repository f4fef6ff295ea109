//! Filters, orders and searches of accounts that staff keep under a name, for themselves or for all colleagues.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{creditors, list::AccountCriteria};
use crate::{
    access::{Cell, authorize},
    identity,
    platform::{
        db::{AuditEntry, Db, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::Keyring,
    },
};

/// At most this many of one member of staff, and this many shared in a business.
const MOST: i64 = 100;

/// A saved view, its search sealed.
#[derive(Clone, Debug)]
pub(super) struct ViewRow {
    pub(super) id: Uuid,
    pub(super) owner_id: Uuid,
    pub(super) name: String,
    pub(super) filter: serde_json::Value,
    pub(super) order_field: String,
    pub(super) order_descending: bool,
    pub(super) search_cipher: Option<Vec<u8>>,
    pub(super) key_version: i32,
    pub(super) shared: bool,
    pub(super) updated_at: DateTime<Utc>,
}

/// What is to be kept; parsed.
#[derive(Clone, Debug)]
pub(super) struct NewView {
    /// A view of the caller's own to replace; a new one otherwise.
    pub(super) id: Option<Uuid>,
    pub(super) name: String,
    /// As it was given, to be given back.
    pub(super) filter: serde_json::Value,
    /// What it says.
    pub(super) criteria: AccountCriteria,
    pub(super) order_field: &'static str,
    pub(super) order_descending: bool,
    pub(super) search: Option<String>,
    pub(super) shared: bool,
}

/// Saves the view and returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for a view that is not the caller's own or a filter that names what is not there, CONFLICT
/// for a name that another view of theirs has, QUOTA_EXCEEDED past a hundred.
pub(super) async fn save_view(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    view: NewView,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::AccountViewSave).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let owner = own_id(tx)?;
    let name = view.name.trim();
    if !(1..=100).contains(&name.chars().count()) {
        return Err(UserError::invalid("name", "Fill this in with 1 to 100 characters.").into());
    }
    take_turn(tx).await?;
    if let Some(id) = view.id
        && !is_own(tx, owner, id).await?
    {
        return Err(UserError::not_found("id", "view of yours").into());
    }
    check_references(tx, &view.criteria).await?;
    check_room(tx, owner, &view).await?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let id = view.id.unwrap_or_else(ids::next);
    let key_version = keys.blind_version();
    let search = match &view.search {
        Some(text) => Some(keys.seal(
            &keys.own_key(),
            "account_views",
            "search_cipher",
            id,
            text.as_bytes(),
        )?),
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "INSERT INTO account_views (business_id, id, owner_id, name, filter, order_field, order_descending, search_cipher,
             key_version, shared, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
         ON CONFLICT (business_id, id) DO UPDATE SET name = $4, filter = $5, order_field = $6, order_descending = $7,
             search_cipher = $8, key_version = $9, shared = $10, updated_at = $11",
        business,
        id,
        owner,
        name,
        view.filter,
        view.order_field,
        view.order_descending,
        search,
        key_version,
        view.shared,
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(|error| {
        let error = DbError::from(error);
        if error.is_constraint("account_views_business_id_owner_id_name_key") {
            let message = "Another view of yours has this name: choose another name, or change that view.";
            return UserError::at(UserErrorCode::Conflict, "name", message).into();
        }
        OpError::from(error)
    })?;
    let details = json!({ "new": view.id.is_none(), "shared": view.shared });
    tx.audit(AuditEntry::plain("account_view.saved", id, &details));
    Ok(id)
}

/// Deletes a view of the caller's own.
///
/// # Errors
/// NOT_FOUND for a view that is not the caller's own.
pub(super) async fn delete_view(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::AccountViewSave).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (business, owner) = (tx.business_id(), own_id(tx)?);
    let deleted = sqlx::query!(
        "DELETE FROM account_views WHERE business_id = $1 AND id = $2 AND owner_id = $3",
        business,
        id,
        owner,
    )
    .execute(tx.conn())
    .await?;
    if deleted.rows_affected() == 0 {
        return Err(UserError::not_found("id", "view of yours").into());
    }
    tx.audit(AuditEntry::plain("account_view.deleted", id, &json!({})));
    Ok(())
}

/// The caller's own views and those that colleagues share, in alphabetical order.
pub(super) async fn views_for_caller(tx: &mut TenantTx) -> Result<Vec<ViewRow>, DbError> {
    let (business, owner) = (tx.business_id(), tx.ctx().user_id());
    Ok(sqlx::query_as!(
        ViewRow,
        r#"SELECT id, owner_id, name, filter, order_field, order_descending, search_cipher, key_version, shared, updated_at
           FROM account_views WHERE business_id = $1 AND (owner_id = $2 OR shared)
           ORDER BY name COLLATE "C", id LIMIT 200"#,
        business,
        owner,
    )
    .fetch_all(tx.conn())
    .await?)
}

fn own_id(tx: &TenantTx) -> Result<Uuid, OpError> {
    tx.ctx()
        .user_id()
        .ok_or_else(|| OpError::Forbidden("only a member of staff keeps views".to_owned()))
}

/// Views of one business are saved one after the other, so that no two take the last place.
async fn take_turn(tx: &mut TenantTx) -> Result<(), DbError> {
    let place = format!("{} account views", tx.business_id());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn is_own(tx: &mut TenantTx, owner: Uuid, id: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM account_views WHERE business_id = $1 AND id = $2 AND owner_id = $3) AS "own!""#,
        business,
        id,
        owner,
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn check_references(tx: &mut TenantTx, criteria: &AccountCriteria) -> Result<(), OpError> {
    let named = criteria.references();
    for (field, noun, asked, found) in [
        (
            "filter.creditorId",
            "creditor",
            named.creditors.len(),
            creditors::creditors_by_ids(tx, &named.creditors).await?.len(),
        ),
        (
            "filter.placementId",
            "placement",
            named.placements.len(),
            creditors::placements_by_ids(tx, &named.placements).await?.len(),
        ),
        (
            "filter.assignedAgentId",
            "user",
            named.agents.len(),
            identity::user_names(tx, &named.agents).await?.len(),
        ),
    ] {
        if asked != found {
            return Err(UserError::not_found(field, noun).into());
        }
    }
    Ok(())
}

async fn check_room(tx: &mut TenantTx, owner: Uuid, view: &NewView) -> Result<(), OpError> {
    let business = tx.business_id();
    let others = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE owner_id = $2) AS "own!", count(*) FILTER (WHERE shared) AS "shared!"
           FROM account_views WHERE business_id = $1 AND (owner_id = $2 OR shared) AND id IS DISTINCT FROM $3"#,
        business,
        owner,
        view.id,
    )
    .fetch_one(tx.conn())
    .await?;
    let full = if others.own >= MOST {
        Some(("name", "You keep a hundred views already: delete one first."))
    } else if view.shared && others.shared >= MOST {
        Some((
            "shared",
            "Your business shares a hundred views already: keep this one for yourself, or let one be deleted.",
        ))
    } else {
        None
    };
    match full {
        Some((field, message)) => Err(UserError::at(UserErrorCode::QuotaExceeded, field, message).into()),
        None => Ok(()),
    }
}
