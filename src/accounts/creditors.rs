//! Creditors, and the placements in which they hand accounts over.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{PageRequest, UserError, UserErrorCode},
        ids,
    },
};

/// Who is owed.
#[derive(Clone, Debug)]
pub(super) struct CreditorRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) name_key: String,
    pub(super) created_at: DateTime<Utc>,
}

/// Accounts that a creditor handed over together.
#[derive(Clone, Debug)]
pub(super) struct PlacementRow {
    pub(super) id: Uuid,
    pub(super) creditor_id: Uuid,
    pub(super) name: String,
    pub(super) placed_on: NaiveDate,
    pub(super) created_at: DateTime<Utc>,
}

/// Whose an account is: checked against what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub creditor_id: Option<Uuid>,
    pub placement_id: Option<Uuid>,
}

/// Makes a creditor and returns its id.
///
/// # Errors
/// INVALID_INPUT for a name that does not fit, CONFLICT for one that is taken.
pub async fn create_creditor(tx: &mut TenantTx, name: &str) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::CreditorCreate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let name = checked_name(name)?;
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    sqlx::query!(
        "INSERT INTO creditors (business_id, id, name, name_key, created_at) VALUES ($1, $2, $3, $4, $5)",
        business,
        id,
        name,
        name.to_lowercase(),
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(taken_creditor)?;
    tx.audit(AuditEntry::plain("creditor.created", id, &json!({})));
    Ok(id)
}

/// Makes a placement of a creditor and returns its id; placed today (a UTC date) unless said otherwise.
///
/// # Errors
/// NOT_FOUND for a creditor that is not there, INVALID_INPUT for a name that does not fit, CONFLICT for one that the
/// creditor's other placements have.
pub async fn create_placement(
    tx: &mut TenantTx,
    creditor: Uuid,
    name: &str,
    placed_on: Option<NaiveDate>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::CreditorCreate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let name = checked_name(name)?;
    if creditors_by_ids(tx, &[creditor]).await?.is_empty() {
        return Err(UserError::not_found("creditorId", "creditor").into());
    }
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    sqlx::query!(
        "INSERT INTO placements (business_id, id, creditor_id, name, name_key, placed_on, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        business,
        id,
        creditor,
        name,
        name.to_lowercase(),
        placed_on.unwrap_or_else(|| now.date_naive()),
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(taken_placement)?;
    tx.audit(AuditEntry::plain(
        "placement.created",
        id,
        &json!({ "creditor": creditor }),
    ));
    Ok(id)
}

/// Gives a creditor another name.
///
/// # Errors
/// NOT_FOUND for one that is not there, INVALID_INPUT for a name that does not fit, CONFLICT for one that is taken.
pub async fn update_creditor(tx: &mut TenantTx, id: Uuid, name: &str) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::CreditorUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let name = checked_name(name)?;
    let business = tx.business_id();
    let renamed = sqlx::query!(
        "UPDATE creditors SET name = $3, name_key = $4 WHERE business_id = $1 AND id = $2",
        business,
        id,
        name,
        name.to_lowercase(),
    )
    .execute(tx.conn())
    .await
    .map_err(taken_creditor)?;
    if renamed.rows_affected() == 0 {
        return Err(UserError::not_found("id", "creditor").into());
    }
    tx.audit(AuditEntry::plain(
        "creditor.updated",
        id,
        &json!({ "changed": ["name"] }),
    ));
    Ok(())
}

/// What changes of a placement: each `Some` is a new value.
#[derive(Clone, Debug, Default)]
pub struct PlacementPatch {
    pub name: Option<String>,
    pub placed_on: Option<NaiveDate>,
}

/// Gives a placement another name or another day.
///
/// # Errors
/// NOT_FOUND for one that is not there, INVALID_INPUT for a name that does not fit, CONFLICT for one that the creditor's other
/// placements have.
pub async fn update_placement(tx: &mut TenantTx, id: Uuid, patch: &PlacementPatch) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::CreditorUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let name = patch.name.as_deref().map(checked_name).transpose()?;
    let business = tx.business_id();
    let changed = sqlx::query!(
        "UPDATE placements SET name = coalesce($3, name), name_key = coalesce($4, name_key),
             placed_on = coalesce($5, placed_on)
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        name,
        name.map(str::to_lowercase),
        patch.placed_on,
    )
    .execute(tx.conn())
    .await
    .map_err(taken_placement)?;
    if changed.rows_affected() == 0 {
        return Err(UserError::not_found("id", "placement").into());
    }
    let fields = [("name", name.is_some()), ("placed_on", patch.placed_on.is_some())];
    let fields: Vec<&str> = fields
        .into_iter()
        .filter_map(|(field, is_set)| is_set.then_some(field))
        .collect();
    tx.audit(AuditEntry::plain(
        "placement.updated",
        id,
        &json!({ "changed": fields }),
    ));
    Ok(())
}

fn taken_creditor(error: sqlx::Error) -> OpError {
    taken(
        error,
        "creditors_business_id_name_key_key",
        "A creditor of your business has this name: use that one, or choose another name.",
    )
}

fn taken_placement(error: sqlx::Error) -> OpError {
    taken(
        error,
        "placements_business_id_creditor_id_name_key_key",
        "This creditor has a placement of this name: use that one, or choose another name.",
    )
}

fn checked_name(name: &str) -> Result<&str, UserError> {
    let name = name.trim();
    if (1..=200).contains(&name.chars().count()) {
        Ok(name)
    } else {
        Err(UserError::invalid(
            "name",
            "Fill this in with 1 to 200 characters.",
        ))
    }
}

fn taken(error: sqlx::Error, constraint: &str, message: &str) -> OpError {
    let error = DbError::from(error);
    if error.is_constraint(constraint) {
        return UserError::at(UserErrorCode::Conflict, "name", message).into();
    }
    error.into()
}

/// Looks up what the caller named; a placement brings its creditor along.
///
/// # Errors
/// NOT_FOUND for what is not there, CONFLICT for a placement of another creditor.
pub(super) async fn checked_origin(tx: &mut TenantTx, named: Origin) -> Result<Origin, OpError> {
    if let Some(creditor) = named.creditor_id
        && creditors_by_ids(tx, &[creditor]).await?.is_empty()
    {
        return Err(UserError::not_found("creditorId", "creditor").into());
    }
    let Some(id) = named.placement_id else {
        return Ok(named);
    };
    let placement = placements_by_ids(tx, &[id])
        .await?
        .pop()
        .ok_or_else(|| UserError::not_found("placementId", "placement"))?;
    if named
        .creditor_id
        .is_some_and(|creditor| creditor != placement.creditor_id)
    {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "placementId",
            "This placement is another creditor's: name its own creditor, or leave creditorId out.",
        )
        .into());
    }
    Ok(Origin {
        creditor_id: Some(placement.creditor_id),
        placement_id: Some(id),
    })
}

/// Whether all of these are creditors of the business.
///
/// # Errors
/// [`DbError`] as met.
pub async fn are_creditors(tx: &mut TenantTx, ids: &[Uuid]) -> Result<bool, DbError> {
    Ok(ids.is_empty() || creditors_by_ids(tx, ids).await?.len() == ids.len())
}

/// Creditors by id; those that are not there are missing in the answer. A debtor finds the one to whom they owe the debt of
/// their session, and no other.
pub(super) async fn creditors_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<CreditorRow>, DbError> {
    if tx.ctx().debtor_id().is_some() {
        return Ok(sqlx::query_as!(
            CreditorRow,
            r#"SELECT id AS "id!", name AS "name!", name_key AS "name_key!", created_at AS "created_at!"
               FROM app.own_creditor() WHERE id = ANY($1)"#,
            ids,
        )
        .fetch_all(tx.conn())
        .await?);
    }
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        CreditorRow,
        "SELECT id, name, name_key, created_at FROM creditors WHERE business_id = $1 AND id = ANY($2)",
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Placements by id; those that are not there are missing in the answer.
pub(super) async fn placements_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<PlacementRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PlacementRow,
        "SELECT id, creditor_id, name, placed_on, created_at FROM placements
         WHERE business_id = $1 AND id = ANY($2)",
        business,
        ids,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Creditors in alphabetical order.
pub(super) async fn page_of_creditors(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<(String, Uuid)>,
) -> Result<Vec<CreditorRow>, DbError> {
    let business = tx.business_id();
    let (name, id) = past.unzip();
    Ok(sqlx::query_as!(
        CreditorRow,
        r#"SELECT id, name, name_key, created_at FROM creditors
           WHERE business_id = $1 AND ($2::text IS NULL OR (name_key COLLATE "C", id) > ($2, $3))
           ORDER BY name_key COLLATE "C", id LIMIT $4"#,
        business,
        name,
        id,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Placements, of one creditor or of all, newest first.
pub(super) async fn page_of_placements(
    tx: &mut TenantTx,
    creditor: Option<Uuid>,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<PlacementRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PlacementRow,
        "SELECT id, creditor_id, name, placed_on, created_at FROM placements
         WHERE business_id = $1 AND ($2::uuid IS NULL OR creditor_id = $2) AND ($3::uuid IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4",
        business,
        creditor,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What an account's creditor and placement become: each `Some` is a new value, `Some(None)` empties it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OriginPatch {
    pub creditor_id: Option<Option<Uuid>>,
    pub placement_id: Option<Option<Uuid>>,
}

impl OriginPatch {
    /// Checks what it names. A creditor that is named takes the account out of its placement, unless a placement is
    /// named too; a placement brings its creditor along.
    ///
    /// # Errors
    /// As [`checked_origin`].
    pub(super) async fn checked(self, tx: &mut TenantTx) -> Result<Self, OpError> {
        match (self.creditor_id, self.placement_id) {
            (None, None | Some(None)) => Ok(self),
            (Some(None), Some(Some(_))) => Err(UserError::at(
                UserErrorCode::Conflict,
                "placementId",
                "An account without a creditor is in no placement: leave one of the two out.",
            )
            .into()),
            (creditor, placement) => {
                let named = Origin {
                    creditor_id: creditor.flatten(),
                    placement_id: placement.flatten(),
                };
                let origin = checked_origin(tx, named).await?;
                Ok(Self {
                    creditor_id: Some(origin.creditor_id),
                    placement_id: Some(origin.placement_id),
                })
            }
        }
    }
}
