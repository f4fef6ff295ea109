//! What the business says of who gets which thread.

use serde_json::json;
use uuid::Uuid;

use super::choice::{Reassignment, RoutingStrategy, Rule};
use crate::{
    access::{Cell, authorize},
    accounts::{Channel, are_creditors},
    identity,
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// At most this many of one business.
const MOST: usize = 50;
const MOST_LANGUAGES: usize = 20;
const MOST_CREDITORS: usize = 50;
const MOST_TAGS: usize = 50;

/// A rule as it came.
#[derive(Clone, Debug)]
pub struct RuleWish {
    /// One to change; a new one where none.
    pub id: Option<Uuid>,
    pub name: String,
    /// From 1; where it is, or at the end, when none.
    pub place: Option<i32>,
    pub enabled: bool,
    pub channels: Vec<Channel>,
    pub languages: Vec<String>,
    pub creditor_ids: Vec<Uuid>,
    pub tags: Vec<String>,
    pub required_skills: Vec<String>,
    pub strategy: RoutingStrategy,
    pub reassignment: Reassignment,
}

/// All rules, in their order.
pub async fn rules_of(tx: &mut TenantTx) -> Result<Vec<Rule>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Rule,
        "SELECT id, place, name, enabled, channels, languages, creditor_ids, tags, required_skills, strategy, reassignment,
                last_user_id, updated_at
         FROM routing_rules WHERE business_id = $1 ORDER BY place, id LIMIT 50",
        business
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Makes a rule, or puts another in its place, and says its id.
///
/// # Errors
/// User errors: NOT_FOUND for a rule or creditor that is not there, INVALID_INPUT for what does not fit, QUOTA_EXCEEDED past
/// fifty.
pub async fn save_rule(tx: &mut TenantTx, wish: RuleWish) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::RoutingManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let wish = checked(wish)?;
    take_turn(tx).await?;
    let rules = rules_of(tx).await?;
    let known = wish.id.map(|id| rules.iter().any(|rule| rule.id == id));
    if known == Some(false) {
        return Err(UserError::not_found("id", "routing rule").into());
    }
    if known.is_none() && rules.len() >= MOST {
        let message = "Your business has fifty routing rules already: delete one, or put two into one.";
        return Err(UserError::at(UserErrorCode::QuotaExceeded, "name", message).into());
    }
    if !are_creditors(tx, &wish.creditor_ids).await? {
        return Err(UserError::not_found("creditorIds", "creditor").into());
    }
    let id = wish.id.unwrap_or_else(ids::next);
    let order = order_with(&rules, id, wish.place);
    store(tx, id, &wish).await?;
    put_in_order(tx, &order).await?;
    let place = order.iter().position(|one| *one == id).map(|nth| nth + 1);
    let details = json!({ "new": wish.id.is_none(), "enabled": wish.enabled, "place": place });
    tx.audit(AuditEntry::plain("routing_rule.saved", id, &details));
    Ok(id)
}

/// Deletes a rule; those after it move up.
///
/// # Errors
/// NOT_FOUND for a rule that is not there.
pub async fn delete_rule(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::RoutingManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    take_turn(tx).await?;
    let business = tx.business_id();
    let deleted = sqlx::query!(
        "DELETE FROM routing_rules WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .execute(tx.conn())
    .await?;
    if deleted.rows_affected() == 0 {
        return Err(UserError::not_found("id", "routing rule").into());
    }
    let order: Vec<Uuid> = rules_of(tx).await?.into_iter().map(|rule| rule.id).collect();
    put_in_order(tx, &order).await?;
    tx.audit(AuditEntry::plain("routing_rule.deleted", id, &json!({})));
    Ok(())
}

fn checked(wish: RuleWish) -> Result<RuleWish, UserError> {
    let name = wish.name.trim().to_owned();
    if !(1..=100).contains(&name.chars().count()) {
        return Err(UserError::invalid(
            "name",
            "Fill this in with 1 to 100 characters.",
        ));
    }
    if wish.place.is_some_and(|place| place < 1) {
        return Err(UserError::invalid("place", "Places are counted from 1."));
    }
    let is_language =
        |code: &String| (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase());
    let languages = each_once(wish.languages.iter().map(|code| code.trim().to_lowercase()));
    if languages.len() > MOST_LANGUAGES || !languages.iter().all(is_language) {
        let message = "Give at most 20 languages by their codes, such as `en` or `es`: a region after it makes no difference here.";
        return Err(UserError::invalid("languages", message));
    }
    let tags = each_once(wish.tags.iter().map(|tag| tag.trim().to_owned()));
    let is_tag = |tag: &String| (1..=50).contains(&tag.chars().count());
    if tags.len() > MOST_TAGS || !tags.iter().all(is_tag) {
        return Err(UserError::invalid(
            "tags",
            "Give at most 50 labels of 1 to 50 characters.",
        ));
    }
    let creditor_ids = each_once(wish.creditor_ids);
    if creditor_ids.len() > MOST_CREDITORS {
        return Err(UserError::invalid("creditorIds", "Give at most 50 creditors."));
    }
    let required_skills = identity::checked_skills(&wish.required_skills)
        .map_err(|error| UserError::invalid("requiredSkills", error.message))?;
    Ok(RuleWish {
        name,
        languages,
        tags,
        creditor_ids,
        required_skills,
        ..wish
    })
}

fn each_once<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// The rules' ids in their new order.
fn order_with(rules: &[Rule], id: Uuid, place: Option<i32>) -> Vec<Uuid> {
    let before = rules.iter().position(|rule| rule.id == id);
    let mut order: Vec<Uuid> = rules
        .iter()
        .map(|rule| rule.id)
        .filter(|one| *one != id)
        .collect();
    let wanted = place.and_then(|place| usize::try_from(place - 1).ok());
    let nth = wanted.or(before).unwrap_or(order.len()).min(order.len());
    order.insert(nth, id);
    order
}

/// Rules of one business are saved one after the other, so that each has a place of its own.
async fn take_turn(tx: &mut TenantTx) -> Result<(), DbError> {
    let place = format!("{} routing rules", tx.business_id());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn store(tx: &mut TenantTx, id: Uuid, wish: &RuleWish) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let channels = each_once(wish.channels.iter().map(|channel| channel.as_str().to_owned()));
    sqlx::query!(
        "INSERT INTO routing_rules (business_id, id, place, name, enabled, channels, languages, creditor_ids, tags,
             required_skills, strategy, reassignment, created_at, updated_at)
         VALUES ($1, $2, 50, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
         ON CONFLICT (business_id, id) DO UPDATE SET name = $3, enabled = $4, channels = $5, languages = $6,
             creditor_ids = $7, tags = $8, required_skills = $9, strategy = $10, reassignment = $11, updated_at = $12",
        business,
        id,
        wish.name,
        wish.enabled,
        &channels,
        &wish.languages,
        &wish.creditor_ids,
        &wish.tags,
        &wish.required_skills,
        wish.strategy.as_str(),
        wish.reassignment.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn put_in_order(tx: &mut TenantTx, order: &[Uuid]) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE routing_rules r SET place = o.nth FROM unnest($2::uuid[]) WITH ORDINALITY AS o(id, nth)
         WHERE r.business_id = $1 AND r.id = o.id AND r.place <> o.nth",
        business,
        order,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
