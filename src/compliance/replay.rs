//! Stored decisions, decided again: as they were, to show that nothing was changed, or by rules that are still to come, to
//! show what they would change.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    decide::{Strictness, decide},
    decision::Decision,
    facts::Facts,
    rule_set::RuleSet,
};
use crate::platform::{
    context::TenantCtx,
    db::Db,
    error::OpError,
    keys::{Keyring, TenantKeys, WrappedKey},
};

/// Rows read at once: what is held in memory, whatever there is.
const BATCH: i64 = 500;

/// A decision as it is stored, with the facts that it was made on.
#[derive(Clone, Debug)]
pub struct StoredDecision {
    /// Its id.
    pub id: Uuid,
    /// For which instant it was made (business time).
    pub decided_at: DateTime<Utc>,
    /// What was decided.
    pub decision: Decision,
    /// On what; `None` once the person's key is destroyed.
    pub facts: Option<Facts>,
}

/// What a stored decision is when it is made again.
#[derive(Clone, Debug, PartialEq)]
pub enum Replayed {
    /// The same to the letter.
    Same,
    /// Something else.
    Different {
        /// What differs, for a person.
        what: Vec<String>,
        /// Made with other tables of zones or another time zone database than this build has.
        other_zone_data: bool,
    },
    /// This build does not carry the version of the rules.
    UnknownVersion,
    /// The facts are erased.
    Erased,
}

impl StoredDecision {
    /// Makes it again, under the version of the rules that made it.
    pub fn replay(&self) -> Replayed {
        let Some(facts) = &self.facts else {
            return Replayed::Erased;
        };
        let Some(rule_set) = RuleSet::of_version(&self.decision.rule_set_version) else {
            return Replayed::UnknownVersion;
        };
        let mut again = decide(rule_set, facts, Strictness::Production);
        let other_zone_data = again.tzdb_version != self.decision.tzdb_version
            || again.geo_version != self.decision.geo_version;
        again.tzdb_version.clone_from(&self.decision.tzdb_version);
        again.geo_version.clone_from(&self.decision.geo_version);
        if again == self.decision {
            return Replayed::Same;
        }
        Replayed::Different {
            what: differences(&self.decision, &again),
            other_zone_data,
        }
    }

    /// What other rules say about the same facts, where that is not what was decided.
    pub fn changed_by(&self, rule_set: &RuleSet) -> Option<Decision> {
        let again = decide(rule_set, self.facts.as_ref()?, Strictness::Production);
        let (then, now) = (&self.decision, &again);
        let is_same = then.outcome == now.outcome
            && then.next_permitted_at == now.next_permitted_at
            && then.missing_content == now.missing_content;
        (!is_same).then_some(again)
    }
}

/// The keys of a decision whose values differ.
fn differences(stored: &Decision, again: &Decision) -> Vec<String> {
    let as_map = |decision: &Decision| match serde_json::to_value(decision) {
        Ok(serde_json::Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let (stored, again) = (as_map(stored), as_map(again));
    let keys: std::collections::BTreeSet<&String> = stored.keys().chain(again.keys()).collect();
    keys.into_iter()
        .filter(|key| stored.get(*key) != again.get(*key))
        .map(|key| match key.as_str() {
            "findings" => "the findings differ".to_owned(),
            _ => format!(
                "{key}: stored {}, now {}",
                shown(stored.get(key)),
                shown(again.get(key))
            ),
        })
        .collect()
}

fn shown(value: Option<&serde_json::Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

/// How many decisions of a business were made at or after an instant.
///
/// # Errors
/// [`OpError`] as met.
pub async fn count_decisions(db: &Db, ctx: &TenantCtx, since: Option<DateTime<Utc>>) -> Result<u64, OpError> {
    let mut tx = db.snapshot(ctx).await?;
    let business = tx.business_id();
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM decisions
           WHERE business_id = $1 AND ($2::timestamptz IS NULL OR decided_at >= $2)"#,
        business,
        since,
    )
    .fetch_one(tx.conn())
    .await?;
    tx.finish_read().await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Hands every decision that a business made at or after an instant to `take`, oldest first, a batch at a time.
///
/// # Errors
/// [`OpError`] as met: among others, when a stored decision or its facts cannot be read.
pub async fn each_decision(
    db: &Db,
    keyring: &Keyring,
    ctx: &TenantCtx,
    since: Option<DateTime<Utc>>,
    mut take: impl FnMut(StoredDecision),
) -> Result<(), OpError> {
    let keys = keyring.business(db, ctx.business_id()).await?;
    let mut past = Uuid::nil();
    loop {
        let batch = batch_after(db, &keys, ctx, since, past).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        past = last.id;
        batch.into_iter().for_each(&mut take);
    }
}

async fn batch_after(
    db: &Db,
    keys: &Arc<TenantKeys>,
    ctx: &TenantCtx,
    since: Option<DateTime<Utc>>,
    past: Uuid,
) -> Result<Vec<StoredDecision>, OpError> {
    // A snapshot for each batch: the table is only added to, and a long one would keep the database from cleaning up.
    let mut tx = db.snapshot(ctx).await?;
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT d.id, d.decided_at, d.decision, d.facts_cipher, k.id AS key_id, k.business_key_version, k.wrapped
         FROM decisions d JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.key_id
         WHERE d.business_id = $1 AND d.id > $2 AND ($3::timestamptz IS NULL OR d.decided_at >= $3)
         ORDER BY d.id LIMIT $4",
        business,
        past,
        since,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?;
    tx.finish_read().await?;
    let internal = |id: Uuid, what: &str, error: serde_json::Error| {
        OpError::Internal(anyhow::anyhow!("{what} of decision {id} cannot be read: {error}"))
    };
    rows.into_iter()
        .map(|row| {
            let key = keys.data_key(&WrappedKey {
                id: row.key_id,
                business_key_version: row.business_key_version,
                wrapped: row.wrapped,
            })?;
            let facts = match key {
                None => None,
                Some(key) => {
                    let text =
                        keys.open_text(&key, "decisions", "facts_cipher", row.id, &row.facts_cipher)?;
                    let facts = serde_json::from_str(text.expose());
                    Some(facts.map_err(|error| internal(row.id, "the facts", error))?)
                }
            };
            Ok(StoredDecision {
                id: row.id,
                decided_at: row.decided_at,
                decision: serde_json::from_value(row.decision)
                    .map_err(|error| internal(row.id, "the answer", error))?,
                facts,
            })
        })
        .collect()
}
