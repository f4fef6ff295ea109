//! A business's own contact policy: stricter than the rule set, never looser. The gate reads it as a part of the facts.
//! What tightens it counts at once; what loosens it waits for a compliance officer.

mod limits;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::facts::Policy;
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{PageRequest, UserError, UserErrorCode},
        ids,
    },
};
pub(super) use limits::binding;
pub use limits::loosest;
use limits::{check, own, tightest, whole};

/// A change that was asked for.
#[derive(Clone, Debug)]
pub struct PolicyChange {
    pub id: Uuid,
    pub policy: serde_json::Value,
    /// `PROPOSED`, `APPROVED`, `REJECTED` or `SUPERSEDED`.
    pub state: String,
    pub proposed_by: Uuid,
    pub proposed_at: DateTime<Utc>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
}

/// The policy that stands; the rule set's own limits for a business that never set one.
///
/// # Errors
/// [`OpError`] as met.
pub async fn contact_policy(tx: &mut TenantTx) -> Result<Policy, OpError> {
    let business = tx.business_id();
    let stored = sqlx::query_scalar!(
        "SELECT policy FROM contact_policies WHERE business_id = $1",
        business
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(whole(&stored.map(parse).transpose()?.unwrap_or_default()))
}

pub(super) fn parse(stored: serde_json::Value) -> Result<Policy, OpError> {
    serde_json::from_value(stored).map_err(|error| OpError::Internal(error.into()))
}

fn to_json(policy: &Policy) -> serde_json::Value {
    serde_json::to_value(policy).unwrap_or_default()
}

/// Asks for another policy: its stricter parts stand at once, the rest waits for a compliance officer. A change that
/// waited before is superseded.
///
/// # Errors
/// User errors for limits that are looser than the rule set's, below `input.<field>`.
pub async fn change_contact_policy(tx: &mut TenantTx, wanted: &Policy, field: &str) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::BusinessUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check(wanted, field).map_err(OpError::User)?;
    let Some(user) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden(
            "only a member of staff changes the contact policy".to_owned(),
        ));
    };
    take_turn(tx).await?;
    let current = contact_policy(tx).await?;
    let wanted = whole(wanted);
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE contact_policy_changes SET state = 'SUPERSEDED', decided_by = $2, decided_at = $3
         WHERE business_id = $1 AND state = 'PROPOSED'",
        business,
        user,
        now,
    )
    .execute(tx.conn())
    .await?;
    let at_once = tightest(&current, &wanted);
    if at_once != current {
        put(tx, &at_once).await?;
        let details = json!({ "from": to_json(&current), "to": to_json(&at_once) });
        tx.audit(AuditEntry::plain("contact_policy.tightened", business, &details));
    }
    if at_once != wanted {
        let id = ids::next();
        sqlx::query!(
            "INSERT INTO contact_policy_changes (business_id, id, policy, state, proposed_by, proposed_at)
             VALUES ($1, $2, $3, 'PROPOSED', $4, $5)",
            business,
            id,
            to_json(&wanted),
            user,
            now,
        )
        .execute(tx.conn())
        .await?;
        let details = json!({ "from": to_json(&at_once), "to": to_json(&wanted) });
        tx.audit(AuditEntry::plain("contact_policy.proposed", id, &details));
    }
    Ok(())
}

/// A compliance officer's answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Approve,
    /// With the reason.
    Reject(String),
}

/// Approves or rejects what waits. Approved, it is the policy.
///
/// # Errors
/// User errors: NOT_FOUND; CONFLICT for what is decided already, for one's own proposal, and for what the rules have come
/// to forbid meanwhile.
pub(super) async fn decide_policy_change(tx: &mut TenantTx, id: Uuid, answer: Answer) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ContactPolicyApprove)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let Some(user) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden(
            "only a member of staff decides on the contact policy".to_owned(),
        ));
    };
    take_turn(tx).await?;
    let change = policy_change(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "change of the contact policy"))?;
    let conflict = |message| OpError::from(UserError::at(UserErrorCode::Conflict, "id", message));
    if change.state != "PROPOSED" {
        return Err(conflict(
            "This change is decided already, or another one has taken its place: look at the newest.",
        ));
    }
    if change.proposed_by == user {
        return Err(conflict(
            "Nobody decides on their own proposal: ask another compliance officer.",
        ));
    }
    let (current, wanted) = (contact_policy(tx).await?, parse(change.policy)?);
    let (state, action, note) = match answer {
        Answer::Approve => {
            if check(&wanted, "id").is_err() {
                return Err(conflict(
                    "The rules do not allow this policy any more: reject it, and let a stricter one be proposed.",
                ));
            }
            put(tx, &wanted).await?;
            ("APPROVED", "contact_policy.approved", None)
        }
        Answer::Reject(note) => {
            let note = note.trim().to_owned();
            if !(1..=1000).contains(&note.chars().count()) || note.contains('\0') {
                return Err(UserError::invalid("reason", "Say why, in 1 to 1,000 characters.").into());
            }
            ("REJECTED", "contact_policy.rejected", Some(note))
        }
    };
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE contact_policy_changes SET state = $3, decided_by = $4, decided_at = $5, note = $6
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        state,
        user,
        now,
        note,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "from": to_json(&current), "to": to_json(&wanted) });
    tx.audit(AuditEntry::plain(action, id, &details));
    Ok(())
}

async fn put(tx: &mut TenantTx, policy: &Policy) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "INSERT INTO contact_policies (business_id, policy, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (business_id) DO UPDATE SET policy = $2, updated_at = $3",
        business,
        to_json(&own(policy)),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes and answers of one business come one after the other.
async fn take_turn(tx: &mut TenantTx) -> Result<(), DbError> {
    let place = format!("{} contact policy", tx.business_id());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn policy_change(tx: &mut TenantTx, id: Uuid) -> Result<Option<PolicyChange>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PolicyChange,
        "SELECT id, policy, state, proposed_by, proposed_at, decided_by, decided_at, note
         FROM contact_policy_changes WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The change that waits, if one does.
pub(super) async fn open_policy_change(tx: &mut TenantTx) -> Result<Option<PolicyChange>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PolicyChange,
        "SELECT id, policy, state, proposed_by, proposed_at, decided_by, decided_at, note
         FROM contact_policy_changes WHERE business_id = $1 AND state = 'PROPOSED'",
        business
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// A page of changes, newest first, with one row more than asked.
pub(super) async fn policy_changes(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<PolicyChange>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PolicyChange,
        "SELECT id, policy, state, proposed_by, proposed_at, decided_by, decided_at, note
         FROM contact_policy_changes WHERE business_id = $1 AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        business,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}
