//! Somebody who calls every operation with ids that are not theirs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::call;
use crate::support::{
    Client, Field, Problems, Schema, Slot,
    recipes::{self, Ids, plain_arguments},
    user_errors,
};

/// Slots in which a foreign id is a condition on one's own rows: nothing fits it, so an empty page is the answer, the
/// same as for an id that nobody has.
const FILTERS: &[(&str, &str)] = &[
    ("accessLog", "filter.apiKeyId"),
    ("accessLog", "filter.breakGlassSessionId"),
    ("accessLog", "filter.debtorId"),
    ("accessLog", "filter.userId"),
    ("accounts", "filter.assignedAgentId"),
    ("accounts", "filter.creditorId"),
    ("accounts", "filter.placementId"),
    ("auditEvents", "filter.apiKeyId"),
    ("auditEvents", "filter.breakGlassSessionId"),
    ("auditEvents", "filter.debtorId"),
    ("auditEvents", "filter.userId"),
    ("complaints", "filter.accountId"),
    ("complaints", "filter.debtorId"),
    ("conversations", "filter.accountId"),
    ("disputes", "filter.accountId"),
    ("disputes", "filter.debtorId"),
    ("placements", "creditorId"),
    ("privacyRequests", "filter.debtorId"),
];

/// Somebody who tries what is not theirs.
pub struct Intruder<'a> {
    pub client: &'a Client,
    /// Objects of their own, so that all other arguments are valid.
    pub own: &'a Ids,
    /// What they try to reach.
    pub target: &'a Ids,
    /// Which kinds of the target's objects are out of their reach.
    pub kinds: &'a [&'static str],
    /// What they may call at all.
    pub may: &'a dyn Fn(&str, &str) -> bool,
}

impl Intruder<'_> {
    /// Calls every operation with the target's id in every place that takes one.
    pub async fn sweep(&self, schema: &Schema) -> usize {
        let mut problems = Problems::default();
        let mut tried = 0;
        let nobodys = Ids::nobodys();
        for (root, field) in schema.operations() {
            for slot in schema.slots(field, "ID") {
                let kinds = recipes::kind_of(&field.name, &slot)
                    .map_or_else(|| self.kinds.to_vec(), |kind| vec![kind]);
                for kind in kinds.into_iter().filter(|kind| self.kinds.contains(kind)) {
                    if !(self.may)(root, &field.name) {
                        continue;
                    }
                    tried += 1;
                    let what = format!("{root}.{}({}: {kind})", field.name, slot.name());
                    let answer = self.ask(schema, root, field, &slot, self.target.get(kind)).await;
                    let control = self.ask(schema, root, field, &slot, nobodys.get(kind)).await;
                    problems.check(is_nothing(&answer, field, &slot), || format!("{what}: {answer}"));
                    let told = answer.to_string();
                    for secret in &self.target.secrets {
                        problems.check(!told.contains(secret.as_str()), || {
                            format!("{what} tells {secret}: {answer}")
                        });
                    }
                    problems.check(
                        without_request_id(&answer) == without_request_id(&control),
                        || format!("{what} differs from an id that nobody has: {answer} / {control}"),
                    );
                }
            }
        }
        problems.none();
        tried
    }

    async fn ask(&self, schema: &Schema, root: &str, field: &Field, slot: &Slot, id: &str) -> Value {
        let mut arguments = plain_arguments(schema, field, self.own);
        slot.put(&mut arguments, json!(id));
        call(self.client, schema, root, field, &arguments).await
    }
}

/// NOT_FOUND at the top or as the only user error beside nothing, or null where the schema says null.
fn is_nothing(answer: &Value, field: &Field, slot: &Slot) -> bool {
    let value = &answer["data"][&field.name];
    let codes: BTreeSet<&str> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| error["extensions"]["code"].as_str().unwrap_or("(none)"))
        .collect();
    if !codes.is_empty() {
        return codes == BTreeSet::from(["NOT_FOUND"]) && value.is_null();
    }
    if FILTERS.contains(&(field.name.as_str(), slot.name().as_str())) {
        return value["edges"] == json!([]) && value["totalCount"].as_i64().unwrap_or(0) == 0;
    }
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(Value::is_null),
        payload => {
            user_errors(payload) == ["NOT_FOUND"]
                && payload.as_object().is_some_and(|fields| {
                    fields.iter().all(|(name, value)| {
                        ["__typename", "userErrors"].contains(&name.as_str()) || value.is_null()
                    })
                })
        }
    }
}

fn without_request_id(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for error in answer["errors"].as_array_mut().into_iter().flatten() {
        if let Some(extensions) = error["extensions"].as_object_mut() {
            extensions.remove("requestId");
        }
    }
    answer
}
