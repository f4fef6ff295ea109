//! The print of a stored decision, which the audit trail keeps: whoever changes what was decided, or on what, without the trail is
//! found by `audit verify`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::platform::{context::TenantCtx, db::Db, error::OpError};

/// Where the trail has the decision's id, and its print in hexadecimal.
pub(super) const ID: &str = "decision";
pub(super) const PRINT: &str = "decision_print";
/// Decisions looked at in one statement.
const BATCH: usize = 500;

/// Everything of a row that says what was decided, about whom, for which text, and on what.
pub(super) struct Printed<'a> {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Option<Uuid>,
    pub(super) channel: &'a str,
    pub(super) stage: &'a str,
    pub(super) outcome: &'a str,
    pub(super) rule_set_version: &'a str,
    pub(super) decision: &'a Value,
    pub(super) facts_cipher: &'a [u8],
    pub(super) content_hash: &'a [u8],
    pub(super) decided_at: DateTime<Utc>,
}

impl Printed<'_> {
    /// SHA-256 over the fields, each with its length before it.
    pub(super) fn print(&self) -> [u8; 32] {
        let mut decision = String::new();
        canonical(self.decision, &mut decision);
        let account = self.account_id.map(|id| id.to_string()).unwrap_or_default();
        let (id, debtor) = (self.id.to_string(), self.debtor_id.to_string());
        let at = self.decided_at.timestamp_micros().to_string();
        let mut hash = Sha256::new();
        for field in [
            id.as_bytes(),
            debtor.as_bytes(),
            account.as_bytes(),
            self.channel.as_bytes(),
            self.stage.as_bytes(),
            self.outcome.as_bytes(),
            self.rule_set_version.as_bytes(),
            decision.as_bytes(),
            self.facts_cipher,
            self.content_hash,
            at.as_bytes(),
        ] {
            hash.update(field.len().to_string());
            hash.update(":");
            hash.update(field);
        }
        hash.finalize().into()
    }
}

/// The same text whatever order the database keeps the keys in.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for key in keys {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(&map[key], out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for item in list {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// In hexadecimal, as the trail has it.
pub(super) fn in_hexadecimal(print: [u8; 32]) -> String {
    print.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A decision that the trail names, with its print.
#[derive(Clone, Debug)]
pub struct NamedDecision {
    pub id: Uuid,
    print: String,
}

impl NamedDecision {
    /// What the details of a row of the trail name; none where they name no decision with its print.
    pub fn in_details(details: &[u8]) -> Option<Self> {
        // Most rows name none, and are not read.
        let mark = PRINT.as_bytes();
        if !details.windows(mark.len()).any(|part| part == mark) {
            return None;
        }
        let details: Value = serde_json::from_slice(details).ok()?;
        Some(Self {
            id: details.get(ID)?.as_str()?.parse().ok()?,
            print: details.get(PRINT)?.as_str()?.to_owned(),
        })
    }
}

/// Those of the named decisions that are not as the trail says, changed or gone, at most a hundred.
///
/// # Errors
/// [`OpError`] as met.
pub async fn changed_decisions(
    db: &Db,
    ctx: &TenantCtx,
    named: &[NamedDecision],
) -> Result<Vec<Uuid>, OpError> {
    const MOST: usize = 100;
    let mut changed = Vec::new();
    for batch in named.chunks(BATCH) {
        let ids: Vec<Uuid> = batch.iter().map(|decision| decision.id).collect();
        let mut tx = db.snapshot(ctx).await?;
        let business = tx.business_id();
        let rows = sqlx::query!(
            "SELECT id, debtor_id, account_id, channel, stage, outcome, rule_set_version, decision, facts_cipher, content_hash,
                    decided_at
             FROM decisions WHERE business_id = $1 AND id = ANY($2)",
            business,
            &ids,
        )
        .fetch_all(tx.conn())
        .await?;
        tx.finish_read().await?;
        let stands = |named: &NamedDecision| {
            rows.iter().find(|row| row.id == named.id).is_some_and(|row| {
                let printed = Printed {
                    id: row.id,
                    debtor_id: row.debtor_id,
                    account_id: row.account_id,
                    channel: &row.channel,
                    stage: &row.stage,
                    outcome: &row.outcome,
                    rule_set_version: &row.rule_set_version,
                    decision: &row.decision,
                    facts_cipher: &row.facts_cipher,
                    content_hash: &row.content_hash,
                    decided_at: row.decided_at,
                };
                in_hexadecimal(printed.print()) == named.print
            })
        };
        changed.extend(batch.iter().filter(|named| !stands(named)).map(|named| named.id));
        if changed.len() >= MOST {
            changed.truncate(MOST);
            break;
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_print_minds_every_field_and_not_the_order_of_keys() {
        let (one, other) = (
            json!({ "decision": "allow", "findings": [{ "rule": "a", "outcome": "allow" }] }),
            json!({ "findings": [{ "outcome": "allow", "rule": "a" }], "decision": "allow" }),
        );
        let changed = json!({ "decision": "deny", "findings": [{ "rule": "a", "outcome": "allow" }] });
        let print = |decision: &Value, stage: &str, facts: &[u8]| {
            let printed = Printed {
                id: Uuid::nil(),
                debtor_id: Uuid::nil(),
                account_id: None,
                channel: "SMS",
                stage,
                outcome: "ALLOW",
                rule_set_version: "1",
                decision,
                facts_cipher: facts,
                content_hash: b"c",
                decided_at: DateTime::UNIX_EPOCH,
            };
            printed.print()
        };
        let first = print(&one, "QUEUE", b"f");
        assert_eq!(first, print(&other, "QUEUE", b"f"));
        assert_ne!(first, print(&changed, "QUEUE", b"f"));
        assert_ne!(first, print(&one, "DISPATCH", b"f"));
        assert_ne!(first, print(&one, "QUEUE", b"g"));
    }

    #[test]
    fn rows_of_the_trail_without_a_print_name_no_decision() {
        assert!(
            NamedDecision::in_details(br#"{"decision":"00000000-0000-0000-0000-000000000000"}"#).is_none()
        );
        assert!(NamedDecision::in_details(b"\x01decision_print").is_none());
        let named = br#"{"decision":"00000000-0000-0000-0000-000000000000","decision_print":"ab"}"#;
        assert_eq!(
            NamedDecision::in_details(named)
                .map(|named| named.print)
                .as_deref(),
            Some("ab")
        );
    }
}
