//! Variables that a request leaves out. An argument or an input field whose variable has no value is as if it were not there
//! (specification, sections 6.4.1 "Coercing Field Arguments" and 3.10 "Input Objects"): the schema's default counts. The
//! executor would take null instead.

use std::{collections::HashSet, sync::Arc};

use async_graphql::{
    Name, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;

/// The document without what the selected operation's variables leave out; the same one where they leave nothing out.
pub(super) fn without_omitted(
    document: Arc<ExecutableDocument>,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Arc<ExecutableDocument> {
    let omitted = omitted(operation, variables);
    if omitted.is_empty() {
        return document;
    }
    let mut document = document.as_ref().clone();
    match &mut document.operations {
        DocumentOperations::Single(operation) => prune_operation(&mut operation.node, &omitted),
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                prune_operation(&mut operation.node, &omitted);
            }
        }
    }
    for fragment in document.fragments.values_mut() {
        prune(&mut fragment.node.selection_set.node, &omitted);
    }
    Arc::new(document)
}

/// What is neither given nor has a default of the operation's own.
fn omitted(operation: &OperationDefinition, variables: &Variables) -> HashSet<Name> {
    operation
        .variable_definitions
        .iter()
        .map(|definition| &definition.node)
        .filter(|definition| definition.default_value.is_none())
        .map(|definition| &definition.name.node)
        .filter(|name| !variables.contains_key(*name))
        .cloned()
        .collect()
}

/// Without the definitions too: a variable that is defined must be used (specification, section 5.8.4). The other operations of the
/// document are not executed.
fn prune_operation(operation: &mut OperationDefinition, omitted: &HashSet<Name>) {
    operation
        .variable_definitions
        .retain(|definition| !omitted.contains(&definition.node.name.node));
    prune(&mut operation.selection_set.node, omitted);
}

fn prune(selections: &mut SelectionSet, omitted: &HashSet<Name>) {
    for selection in &mut selections.items {
        match &mut selection.node {
            Selection::Field(field) => {
                let field = &mut field.node;
                field
                    .arguments
                    .retain(|(_, value)| !is_omitted(&value.node, omitted));
                for (_, value) in &mut field.arguments {
                    prune_value(&mut value.node, omitted);
                }
                prune(&mut field.selection_set.node, omitted);
            }
            Selection::InlineFragment(fragment) => prune(&mut fragment.node.selection_set.node, omitted),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_omitted(value: &Value, omitted: &HashSet<Name>) -> bool {
    matches!(value, Value::Variable(name) if omitted.contains(name))
}

/// In a list it is null: a list has no gaps.
fn prune_value(value: &mut Value, omitted: &HashSet<Name>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !is_omitted(field, omitted));
            for field in fields.values_mut() {
                prune_value(field, omitted);
            }
        }
        Value::List(items) => {
            for item in items {
                if is_omitted(item, omitted) {
                    *item = Value::Null;
                }
                prune_value(item, omitted);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{
        EmptyMutation, EmptySubscription, InputObject, Object, Request, Schema, parser::parse_query,
    };
    use serde_json::json;

    use super::*;

    #[derive(InputObject)]
    struct Sum {
        amount: i32,
        #[graphql(default_with = "\"USD\".to_owned()")]
        currency: String,
    }

    struct Query;

    #[Object]
    impl Query {
        async fn flag(&self, #[graphql(default = false)] on: bool) -> bool {
            on
        }

        async fn sum(&self, sum: Sum) -> String {
            format!("{} {}", sum.amount, sum.currency)
        }
    }

    async fn answer(query: &str, variables: serde_json::Value) -> serde_json::Value {
        let document = Arc::new(parse_query(query).unwrap());
        let variables = Variables::from_json(variables);
        let operation = document.operations.iter().next().unwrap().1.node.clone();
        let document = without_omitted(document.clone(), &operation, &variables);
        let mut request = Request::new(query).variables(variables);
        request.set_parsed_query(document.as_ref().clone());
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        serde_json::to_value(schema.execute(request).await).unwrap()
    }

    #[tokio::test]
    async fn what_a_variable_leaves_out_has_the_schemas_default() {
        let query = "query Q($on: Boolean, $c: String) { flag(on: $on) ...F } \
                     fragment F on Query { sum(sum: { amount: 1, currency: $c }) }";
        let left_out = answer(query, json!({})).await;
        assert_eq!(left_out["data"], json!({ "flag": false, "sum": "1 USD" }));
        let given = answer(query, json!({ "on": true, "c": "EUR" })).await;
        assert_eq!(given["data"], json!({ "flag": true, "sum": "1 EUR" }));
    }

    #[tokio::test]
    async fn a_default_of_the_operation_counts_before_the_schemas() {
        let query = "query Q($on: Boolean = true) { flag(on: $on) }";
        assert_eq!(answer(query, json!({})).await["data"], json!({ "flag": true }));
    }

    #[tokio::test]
    async fn null_is_a_value() {
        let query = "query Q($on: Boolean) { flag(on: $on) }";
        let answer = answer(query, json!({ "on": null })).await;
        assert!(answer["errors"].is_array(), "{answer}");
    }
}
