//! From a request's parameters to a request that may be executed: parsed, selected, within the limits.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection};
use async_graphql::parser::{Error, parse_query};
use async_graphql::{Request, ServerError, Value, Variables};

use super::document::{DocumentCost, check_document, select_operation, shortened};
use super::omitted::without_omitted;
use super::params::Params;
use super::parsed::ParsedDocuments;
use super::{Limits, Measures, Refusal, lexer, status, text};
use crate::platform::error_code::ErrorCode;

/// A request whose document is parsed and within the limits. The schema has not validated it yet.
pub(super) struct Prepared {
    pub request: Request,
    /// The request's document, which everybody who sends the same text shares.
    pub document: Arc<ExecutableDocument>,
    /// What the selected operation is; it decides which transport may carry it.
    pub kind: OperationType,
    pub cost: DocumentCost,
}

/// Prepares a request for execution. `follows_schema` is asked of documents that are not known yet.
///
/// # Errors
/// The GraphQL errors, each with its code, with which the request fails before it is executed.
pub(super) fn prepare(
    params: Params,
    limits: &Limits,
    measures: &dyn Measures,
    documents: &ParsedDocuments,
    follows_schema: impl FnOnce(&ExecutableDocument) -> Result<(), Refusal>,
) -> Result<Prepared, Vec<ServerError>> {
    lexer::check_source(&params.query, limits).map_err(one_error)?;
    let known = documents.get(&params.query);
    let is_new = known.is_none();
    let document = known
        .map_or_else(|| parse_query(&params.query).map(Arc::new), Ok)
        .map_err(parse_failed)?;
    let mut request = Request::new(params.query).variables(params.variables);
    request.operation_name = params.operation_name;
    request.extensions.0 = params.extensions;

    let name = request.operation_name.as_deref();
    let (kind, cost) = check(&document, name, &request.variables, limits, measures)?;
    if is_new {
        follows_schema(&document).map_err(one_error)?;
        documents.keep(&request.query, &document);
    }
    let operation = select_operation(&document, request.operation_name.as_deref()).map_err(one_error)?;
    let document = without_omitted(document.clone(), &operation.node, &request.variables);
    request.set_parsed_query(document.as_ref().clone());
    Ok(Prepared {
        request,
        document,
        kind,
        cost,
    })
}

fn check(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
    limits: &Limits,
    measures: &dyn Measures,
) -> Result<(OperationType, DocumentCost), Vec<ServerError>> {
    let cost = check_document(document, operation_name, variables, limits, measures).map_err(one_error)?;
    text::check_text(document, variables).map_err(one_error)?;
    let operation = &select_operation(document, operation_name)
        .map_err(one_error)?
        .node;
    match operation.ty {
        OperationType::Subscription => check_single_root_field(operation).map_err(one_error)?,
        OperationType::Mutation => check_each_effect_once(document, operation).map_err(one_error)?,
        OperationType::Query => {}
    }
    let missing = missing_variables(operation, variables);
    if missing.is_empty() {
        Ok((operation.ty, cost))
    } else {
        Err(missing)
    }
}

/// A subscription has exactly one root field (specification 5.2.3.1). The executor looks for it in the operation's
/// own selections only and would end the stream at once, without an error, where it stands in a fragment.
fn check_single_root_field(operation: &OperationDefinition) -> Result<(), Refusal> {
    let selections = &operation.selection_set.node.items;
    match selections.as_slice() {
        [only] if matches!(only.node, Selection::Field(_)) => Ok(()),
        _ => Err(Refusal::new(
            ErrorCode::GraphqlValidationFailed,
            "a subscription selects exactly one field at its root, and not through a fragment",
        )),
    }
}

/// Two fields of a mutation under one key are one field, which has its effect once (specification 6.3.2, CollectFields).
/// The executor would run both and merge what they answer: a debtor would have the text twice.
fn check_each_effect_once(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
) -> Result<(), Refusal> {
    let mut keys = HashSet::new();
    let mut open = vec![&operation.selection_set.node];
    // Fragments have no cycles here: the document was weighed.
    while let Some(selections) = open.pop() {
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    if !keys.insert(key) {
                        return Err(Refusal::new(
                            ErrorCode::GraphqlValidationFailed,
                            format!(
                                "the mutation selects `{}` at its root more than once: select it once, or give each \
                                 an alias of its own",
                                shortened(key)
                            ),
                        ));
                    }
                }
                Selection::InlineFragment(fragment) => open.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let fragment = document.fragments.get(&spread.node.fragment_name.node);
                    open.extend(fragment.map(|fragment| &fragment.node.selection_set.node));
                }
            }
        }
    }
    Ok(())
}

/// Where a document ceases to be GraphQL. The parser quotes the line, twice, however long it is.
fn parse_failed(error: Error) -> Vec<ServerError> {
    const MOST_CHARACTERS: usize = 400;
    let mut error = ServerError::from(error);
    if let Some((end, _)) = error.message.char_indices().nth(MOST_CHARACTERS) {
        error.message.truncate(end);
        error.message.push('…');
    }
    vec![status::with_code(error, ErrorCode::GraphqlParseFailed)]
}

/// An error for each variable that must have a value and has none. The executor would find some of these only in
/// the middle of the execution.
fn missing_variables(operation: &OperationDefinition, variables: &Variables) -> Vec<ServerError> {
    let definitions = operation
        .variable_definitions
        .iter()
        .map(|definition| &definition.node);
    definitions
        .filter(|definition| !definition.var_type.node.nullable)
        .filter_map(|definition| {
            let problem = match variables.get(&definition.name.node) {
                None if definition.default_value.is_some() => return None,
                None => "is missing",
                Some(Value::Null) => "is null",
                Some(_) => return None,
            };
            let (name, expected) = (&definition.name.node, &definition.var_type.node);
            let message = format!("the variable ${name} of type {expected} must have a value, but {problem}");
            let error = ServerError::new(message, Some(definition.name.pos));
            Some(status::with_code(error, ErrorCode::BadUserInput))
        })
        .collect()
}

fn one_error(refusal: Refusal) -> Vec<ServerError> {
    vec![status::to_error(&refusal)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Unmeasured;
    use super::*;

    fn prepare_json(json: serde_json::Value) -> Result<Prepared, (String, String)> {
        let (limits, documents) = (Limits::default(), ParsedDocuments::default());
        prepare(
            Params::from_json(json).unwrap(),
            &limits,
            &Unmeasured,
            &documents,
            |_| Ok(()),
        )
        .map_err(|errors| {
            let code = status::code_of(&errors[0])
                .map(ErrorCode::as_str)
                .unwrap_or_default();
            (code.to_owned(), errors[0].message.clone())
        })
    }

    fn error_of(json: serde_json::Value) -> (String, String) {
        prepare_json(json).map(|prepared| prepared.kind).unwrap_err()
    }

    #[test]
    fn the_selected_operation_decides_the_kind() {
        let query = "query A { a } mutation B { b } subscription C { c }";
        for (name, kind) in [
            ("A", OperationType::Query),
            ("B", OperationType::Mutation),
            ("C", OperationType::Subscription),
        ] {
            let prepared = prepare_json(json!({"query": query, "operationName": name}))
                .ok()
                .unwrap();
            assert_eq!(prepared.kind, kind);
            assert_eq!(prepared.request.operation_name.as_deref(), Some(name));
        }
    }

    #[test]
    fn a_document_that_does_not_parse_says_where() {
        let (code, message) = error_of(json!({"query": "{ a( }"}));
        assert_eq!(code, "GRAPHQL_PARSE_FAILED");
        assert!(message.contains("1:"), "{message}");
    }

    #[test]
    fn the_message_of_a_parse_error_is_short_whatever_was_sent() {
        let (code, message) = error_of(json!({"query": format!("{{ a }}{}x(", " ".repeat(3_000))}));
        assert_eq!(code, "GRAPHQL_PARSE_FAILED");
        assert!(message.chars().count() <= 401, "{}", message.len());
    }

    #[test]
    fn a_mutation_has_each_effect_once() {
        for query in [
            "mutation { send { id } send { status } }",
            "mutation { send { id } ...F } fragment F on Mutation { send { status } }",
            "mutation { ...F ...F } fragment F on Mutation { send { status } }",
            "mutation { a: send { id } ... { a: other } }",
        ] {
            let (code, message) = error_of(json!({"query": query}));
            assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{query}");
            assert!(message.contains("more than once"), "{message}");
        }
        let aliased =
            "mutation { a: send { id } b: send { id } ...F } fragment F on Mutation { send { id } }";
        assert!(prepare_json(json!({"query": aliased})).is_ok());
    }

    #[test]
    fn a_bomb_of_fragments_that_ends_nowhere_is_refused_at_once() {
        let levels: String = (0..60)
            .map(|level| {
                format!(
                    " fragment F{level} on Mutation {{ ...F{next} ...F{next} }}",
                    next = level + 1
                )
            })
            .collect();
        let (code, message) = error_of(json!({"query": format!("mutation {{ ...F0 }}{levels}")}));
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
        assert!(message.contains("F60"), "{message}");
    }

    #[test]
    fn a_required_variable_must_have_a_value() {
        let query = "query Q($id: ID!, $n: Int! = 3, $o: Int) { a(id: $id, n: $n, o: $o) }";
        let (code, message) = error_of(json!({"query": query}));
        assert_eq!(code, "BAD_USER_INPUT");
        assert_eq!(
            message,
            "the variable $id of type ID! must have a value, but is missing"
        );
        let (_, message) = error_of(json!({"query": query, "variables": {"id": "x", "n": null}}));
        assert_eq!(
            message,
            "the variable $n of type Int! must have a value, but is null"
        );
        let prepared = prepare_json(json!({"query": query, "variables": {"id": "x"}}))
            .ok()
            .unwrap();
        assert_eq!(
            prepared.request.variables.len(),
            1,
            "the variables stay with the request"
        );
    }

    #[test]
    fn a_subscription_has_one_root_field_of_its_own() {
        for query in [
            "subscription { a b }",
            "subscription { ...F } fragment F on Subscription { a }",
            "subscription { ... on Subscription { a } }",
        ] {
            let (code, message) = error_of(json!({"query": query}));
            assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
            assert!(message.contains("exactly one field"), "{message}");
        }
    }
}
