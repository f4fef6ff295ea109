//! Which version of the rules decides. A build brings new ones along; that they decide is an act of its own, by somebody who
//! has seen what they change, and it stands in the platform's trail.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::rule_set::{RuleSet, newest};
use crate::platform::{
    context::{Actor, SystemCtx},
    db::{Db, PlatformAudit, SystemTx},
    error::OpError,
    gql::UserError,
    ids,
};

const MOST_CHARACTERS: usize = 1_000;
const FIRST: &str = "The version of the build that started first.";

/// A version that was activated.
#[derive(Clone, Debug)]
pub struct Activation {
    pub version: String,
    /// SHA-256 of its file.
    print: Vec<u8>,
    pub activated_at: DateTime<Utc>,
    pub reason: String,
    /// Of so many decisions of the days before.
    pub decisions_seen: i64,
    /// So many would have been others.
    pub decisions_changed: i64,
}

/// What whoever activates a version has seen of it.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    pub days: u16,
    pub decisions: u64,
    pub changed: u64,
}

fn ctx() -> SystemCtx {
    SystemCtx::for_reason("which rules decide", "rule-activation")
}

/// The version that decides, as it was activated; none before the first process has started.
///
/// # Errors
/// [`OpError`] as met.
pub async fn active_rules(db: &Db) -> Result<Option<Activation>, OpError> {
    let mut tx = db.system(&ctx()).await?;
    let active = latest(&mut tx).await?;
    tx.commit().await?;
    Ok(active)
}

async fn latest(tx: &mut SystemTx) -> Result<Option<Activation>, OpError> {
    Ok(sqlx::query_as!(
        Activation,
        "SELECT version, print, activated_at, reason, decisions_seen, decisions_changed
         FROM rule_set_activations ORDER BY id DESC LIMIT 1"
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Lets this process decide by the version that was activated last. The first process of all activates the newest that it
/// carries.
///
/// # Errors
/// [`OpError::Internal`] when this build does not carry that version, or has another file for it: then the process goes on, or
/// does not begin, as its caller thinks right; else [`OpError`] as met.
pub async fn use_active_rules(db: &Db) -> Result<(), OpError> {
    let mut tx = db.system(&ctx()).await?;
    let active = match latest(&mut tx).await? {
        Some(active) => active,
        None => {
            take_turn(&mut tx).await?;
            if latest(&mut tx).await?.is_none() {
                insert(&mut tx, newest(), (0, 0), FIRST).await?;
            }
            latest(&mut tx)
                .await?
                .ok_or_else(|| anyhow::anyhow!("an activation is gone"))?
        }
    };
    tx.commit().await?;
    let version = &active.version;
    let embedded = RuleSet::of_version(version);
    if embedded.is_some_and(|set| set.print().as_slice() != active.print) {
        return Err(OpError::Internal(anyhow::anyhow!(
            "the rules {version} of this build are not those that were activated: their file was changed"
        )));
    }
    if !RuleSet::let_decide(version) {
        return Err(OpError::Internal(anyhow::anyhow!(
            "the rules {version} were activated, and this build does not carry them: deploy one that does, or activate an \
             earlier version with that build"
        )));
    }
    Ok(())
}

/// Activates a version that this build carries. Every process decides by it within seconds.
///
/// # Errors
/// User errors: NOT_FOUND for a version that this build does not carry, CONFLICT for the one that decides already,
/// INVALID_INPUT for a reason that is empty or longer than 1,000 characters.
pub async fn activate_rules(db: &Db, version: &str, shown: Shown, reason: &str) -> Result<(), OpError> {
    let reason = reason.trim();
    if !(1..=MOST_CHARACTERS).contains(&reason.chars().count()) {
        return Err(UserError::invalid("reason", "Say why, in 1 to 1,000 characters.").into());
    }
    let rule_set = RuleSet::of_version(version)
        .ok_or_else(|| UserError::not_found("version", "version of the rules"))?;
    let mut tx = db.system(&ctx()).await?;
    take_turn(&mut tx).await?;
    let before = latest(&mut tx).await?.map(|active| active.version);
    if before.as_deref() == Some(version) {
        let message = "This version decides already.";
        return Err(UserError::at(crate::platform::gql::UserErrorCode::Conflict, "version", message).into());
    }
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let seen = (count(shown.decisions), count(shown.changed));
    insert(&mut tx, rule_set, seen, reason).await?;
    let details = json!({ "from": before, "to": version, "days": shown.days, "decisions": shown.decisions,
        "changed": shown.changed, "reason": reason });
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action: "rule_set.activated",
        object_id: None,
        details,
    });
    Ok(tx.commit().await?)
}

async fn insert(
    tx: &mut SystemTx,
    rule_set: &RuleSet,
    (seen, changed): (i64, i64),
    reason: &str,
) -> Result<(), OpError> {
    let (now, print) = (tx.now(), rule_set.print());
    sqlx::query!(
        "INSERT INTO rule_set_activations (id, version, print, activated_at, reason, decisions_seen, decisions_changed)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        ids::next(),
        rule_set.version(),
        print.as_slice(),
        now,
        reason,
        seen,
        changed,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One after the other: each sees what the one before has activated.
async fn take_turn(tx: &mut SystemTx) -> Result<(), OpError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('rule set activations', 0))")
        .execute(tx.conn())
        .await?;
    Ok(())
}
