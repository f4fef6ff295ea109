//! The one character that no text may hold: U+0000, which PostgreSQL cannot store (its manual, section 8.3). It is
//! refused here, by the name of its place, before any resolver could send it to the database.

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Value, Variables};

use super::Refusal;
use crate::platform::error_code::ErrorCode;

/// Looks through the variables and the document's own values.
///
/// # Errors
/// BAD_USER_INPUT names the variable or argument, with the path inside it.
pub(super) fn check_text(document: &ExecutableDocument, variables: &Variables) -> Result<(), Refusal> {
    for (name, value) in variables.iter() {
        refuse(place_in(value).map(|path| format!("${name}{path}")))?;
    }
    for (_, operation) in document.operations.iter() {
        for variable in &operation.node.variable_definitions {
            let default = variable.node.default_value();
            refuse(
                default
                    .and_then(place_in)
                    .map(|path| format!("${}{path}", variable.node.name.node)),
            )?;
        }
        check_selections(&operation.node.selection_set.node)?;
    }
    document
        .fragments
        .values()
        .try_for_each(|fragment| check_selections(&fragment.node.selection_set.node))
}

fn check_selections(selections: &SelectionSet) -> Result<(), Refusal> {
    selections
        .items
        .iter()
        .try_for_each(|selection| match &selection.node {
            Selection::Field(field) => {
                check_arguments(&field.node)?;
                check_selections(&field.node.selection_set.node)
            }
            Selection::InlineFragment(inline) => check_selections(&inline.node.selection_set.node),
            Selection::FragmentSpread(_) => Ok(()),
        })
}

fn check_arguments(field: &Field) -> Result<(), Refusal> {
    for (name, value) in &field.arguments {
        // Variables inside are looked at where they are given.
        let constant = value.node.clone().into_const_with(|_| Ok::<_, ()>(Value::Null));
        refuse(
            constant
                .ok()
                .as_ref()
                .and_then(place_in)
                .map(|path| format!("{}{path}", name.node)),
        )?;
    }
    Ok(())
}

/// Where inside `value` the character stands.
fn place_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.contains('\0') => Some(String::new()),
        Value::List(items) => items
            .iter()
            .zip(0_usize..)
            .find_map(|(item, index)| place_in(item).map(|path| format!(".{index}{path}"))),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, value)| place_in(value).map(|path| format!(".{name}{path}"))),
        _ => None,
    }
}

fn refuse(place: Option<String>) -> Result<(), Refusal> {
    let Some(place) = place else { return Ok(()) };
    let place: String = place.chars().filter(|c| !c.is_control()).take(200).collect();
    Err(Refusal::new(
        ErrorCode::BadUserInput,
        format!("{place}: a text cannot hold the character U+0000"),
    ))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn refused(query: &str, variables: serde_json::Value) -> Option<String> {
        let document = parse_query(query).unwrap();
        check_text(&document, &Variables::from_json(variables))
            .err()
            .map(|refusal| refusal.message)
    }

    #[test]
    fn the_place_is_named_wherever_the_character_stands() {
        let query = "query($i: I) { a(i: $i) }";
        assert_eq!(refused(query, json!({ "i": { "x": ["a", "b"] } })), None);
        for (query, variables, place) in [
            (query, json!({ "i": "\0" }), "$i"),
            (query, json!({ "i": { "x": ["a", "b\0"] } }), "$i.x.1"),
            (r#"query($i: String = "\u0000") { a(i: $i) }"#, json!({}), "$i"),
            (r#"{ a { b(x: { y: "\u0000" }) } }"#, json!({}), "x.y"),
            (
                r#"{ ...F } fragment F on T { ... on T { b(x: ["\u0000"]) } }"#,
                json!({}),
                "x.0",
            ),
        ] {
            let message = refused(query, variables).unwrap();
            assert!(message.starts_with(&format!("{place}: ")), "{query}: {message}");
        }
    }
}
