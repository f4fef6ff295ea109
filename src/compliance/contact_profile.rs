//! Whether the product's own caps bind a business beside the law's. They do, until the operator of the platform says otherwise:
//! a business itself only ever makes its limits stricter (`contact_policy`).

use serde_json::json;
use uuid::Uuid;

use super::facts::Profile;
use crate::platform::{
    context::{Actor, SystemCtx},
    db::{AuditEntry, Db, PlatformAudit},
    error::OpError,
    gql::UserError,
};

const MOST_CHARACTERS: usize = 1_000;

/// As the database spells it.
fn word(profile: Profile) -> &'static str {
    match profile {
        Profile::Product => "PRODUCT",
        Profile::Floor => "FLOOR",
    }
}

/// The reverse; whatever else stands there is held to the stricter one.
pub(super) fn profile_of(word: &str) -> Profile {
    match word {
        "FLOOR" => Profile::Floor,
        _ => Profile::Product,
    }
}

/// Puts a business under the law's limits alone, or under the product's again. Counts from the next decision on; each decision
/// stores under which it was made. Both trails say so, the business's and the platform's.
///
/// # Errors
/// User errors: NOT_FOUND, and INVALID_INPUT for a reason that is empty or longer than 1,000 characters.
pub async fn set_contact_profile(
    db: &Db,
    business: Uuid,
    profile: Profile,
    reason: &str,
) -> Result<(), OpError> {
    let reason = reason.trim();
    if !(1..=MOST_CHARACTERS).contains(&reason.chars().count()) {
        return Err(UserError::invalid("reason", "Say why, in 1 to 1,000 characters.").into());
    }
    let ctx = SystemCtx::for_reason("which caps bind a business", "cli-compliance-profile");
    let mut tx = db.system(&ctx).await?;
    let (now, wanted) = (tx.now(), word(profile));
    let before = sqlx::query_scalar!(
        r#"UPDATE businesses b SET contact_profile = $2, contact_profile_reason = $3, updated_at = $4
         FROM (SELECT id, contact_profile FROM businesses WHERE id = $1 FOR UPDATE) o
         WHERE b.id = o.id RETURNING o.contact_profile AS "before!""#,
        business,
        wanted,
        reason,
        now,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(|| UserError::not_found("business", "business"))?;
    let details = json!({ "from": before, "to": wanted });
    let action = "contact_profile.set";
    tx.audit_in(
        business,
        Actor::System,
        AuditEntry::plain(action, business, &details),
    );
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action,
        object_id: Some(business),
        details,
    });
    Ok(tx.commit().await?)
}
