//! The check of a document against the limits, before anything is executed.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Positioned, Variables};

use super::weight::weigh;
use super::{Limits, Measures, Refusal};
use crate::platform::error_code::ErrorCode;

/// What an operation weighs, fragments expanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DocumentCost {
    /// One per field, the children of a paginated field times its page size.
    pub cost: u64,
    /// Deepest nesting of fields.
    pub depth: u64,
    /// Number of aliases.
    pub aliases: u64,
    /// Number of fields at the root.
    pub root_fields: u64,
}

/// Checks a document against the limits and weighs the operation that `operation_name` selects.
///
/// Each field costs 1. The cost of a field's children is multiplied by its `first` or `last` argument (the greater
/// of the two; variables are resolved) or the number of its `ids` or of those in its `input`, or by
/// [`Limits::default_page`] where it has none and selects `edges` or `nodes`; for a list without such arguments by the
/// size that `measures` gives it. Every operation of the document must be within the limits, since all of them are validated.
///
/// # Errors
/// COST_LIMIT_EXCEEDED for the cost, GRAPHQL_VALIDATION_FAILED for every other limit, for a cycle of fragments and
/// for an operation that cannot be selected. The message names the limit, the value found and the limit's value.
pub fn check_document(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
    limits: &Limits,
    measures: &dyn Measures,
) -> Result<DocumentCost, Refusal> {
    within(
        "directives",
        "max_directives",
        count_directives(document),
        widen(limits.max_directives),
    )?;
    let mut expanded = 0_u64;
    for (_, operation) in document.operations.iter() {
        let weight = weigh(document, &operation.node, variables, limits, measures)?;
        within(
            "levels of fields",
            "max_depth",
            weight.depth,
            widen(limits.max_depth),
        )?;
        within(
            "aliases",
            "max_aliases",
            weight.aliases,
            widen(limits.max_aliases),
        )?;
        within(
            "fields at the root",
            "max_root_fields",
            weight.fields_here,
            widen(limits.max_root_fields),
        )?;
        if weight.cost > limits.max_cost {
            return Err(too_costly("the operation costs", weight.cost, limits));
        }
        expanded = expanded.saturating_add(weight.fields);
    }
    if expanded > limits.max_cost {
        return Err(too_costly(
            "the operations of the document together have, fragments expanded,",
            expanded,
            limits,
        ));
    }
    let selected = weigh(
        document,
        &select_operation(document, operation_name)?.node,
        variables,
        limits,
        measures,
    )?;
    Ok(DocumentCost {
        cost: selected.cost,
        depth: selected.depth,
        aliases: selected.aliases,
        root_fields: selected.fields_here,
    })
}

/// The operation that a request executes.
///
/// # Errors
/// GRAPHQL_VALIDATION_FAILED when the name is not in the document, or is missing where there are several.
pub(in crate::graphql) fn select_operation<'a>(
    document: &'a ExecutableDocument,
    operation_name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, Refusal> {
    let found = match (&document.operations, operation_name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) => {
            operations.values().next().filter(|_| operations.len() == 1)
        }
    };
    found.ok_or_else(|| {
        let message = match operation_name {
            Some(name) => format!("the document has no operation named \"{}\"", shortened(name)),
            None => {
                "the document has several operations: name the one to execute in operationName".to_owned()
            }
        };
        Refusal::new(ErrorCode::GraphqlValidationFailed, message)
    })
}

/// A caller's name for something, cut to a length that an error message can carry.
pub(in crate::graphql) fn shortened(name: &str) -> String {
    name.chars().take(100).collect()
}

fn within(what: &str, limit: &str, found: u64, allowed: u64) -> Result<(), Refusal> {
    if found <= allowed {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::GraphqlValidationFailed,
        format!("the document has {found} {what}, but at most {allowed} are allowed (limit {limit})"),
    ))
}

fn too_costly(what: &str, found: u64, limits: &Limits) -> Refusal {
    let allowed = limits.max_cost;
    Refusal::new(
        ErrorCode::CostLimitExceeded,
        format!(
            "{what} {found}, but at most {allowed} is allowed (limit max_cost): ask for smaller pages (first, last) \
             or fewer nested fields"
        ),
    )
}

fn widen(limit: usize) -> u64 {
    u64::try_from(limit).unwrap_or(u64::MAX)
}

/// The directives of the whole document as written.
fn count_directives(document: &ExecutableDocument) -> u64 {
    let operations = document.operations.iter().map(|(_, operation)| {
        let variables = operation.node.variable_definitions.iter();
        operation.node.directives.len()
            + variables
                .map(|variable| variable.node.directives.len())
                .sum::<usize>()
            + count_in_selections(&operation.node.selection_set.node)
    });
    let fragments = document.fragments.values().map(|fragment| {
        fragment.node.directives.len() + count_in_selections(&fragment.node.selection_set.node)
    });
    widen(operations.chain(fragments).sum())
}

fn count_in_selections(selections: &SelectionSet) -> usize {
    selections
        .items
        .iter()
        .map(|selection| {
            let inner = match &selection.node {
                Selection::Field(field) => count_in_selections(&field.node.selection_set.node),
                Selection::InlineFragment(inline) => count_in_selections(&inline.node.selection_set.node),
                Selection::FragmentSpread(_) => 0,
            };
            selection.node.directives().len() + inner
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::super::Unmeasured;
    use super::*;

    fn check_with(
        source: &str,
        variables: serde_json::Value,
        limits: &Limits,
    ) -> Result<DocumentCost, Refusal> {
        check_document(
            &parse_query(source).unwrap(),
            None,
            &Variables::from_json(variables),
            limits,
            &Unmeasured,
        )
    }

    fn check(source: &str) -> Result<DocumentCost, Refusal> {
        check_with(source, serde_json::json!({}), &Limits::default())
    }

    fn cost(source: &str) -> u64 {
        check(source).unwrap().cost
    }

    #[test]
    fn each_field_costs_one_and_a_page_multiplies_what_is_below_it() {
        assert_eq!(cost("{ a }"), 1);
        assert_eq!(cost("{ a { b c } }"), 3);
        assert_eq!(cost("{ a(first: 10) { b c } }"), 21);
        assert_eq!(cost("{ a(last: 5) { b(first: 3) { c } } }"), 1 + 5 * (1 + 3));
        assert_eq!(
            cost("{ a(first: 2, last: 9) { b } }"),
            10,
            "the greater of the two"
        );
    }

    #[test]
    fn a_connection_without_a_page_size_is_taken_to_return_twenty() {
        assert_eq!(cost("{ a { edges { node { id } } } }"), 1 + 20 * 3);
        assert_eq!(cost("{ a { nodes { id } } }"), 1 + 20 * 2);
        assert_eq!(
            cost("{ a { ...F } } fragment F on C { nodes { id } }"),
            1 + 20 * 2,
            "also inside a fragment"
        );
        assert_eq!(cost("{ a(first: null) { nodes { id } } }"), 1 + 20 * 2);
    }

    #[test]
    fn page_sizes_come_from_variables_and_from_their_defaults() {
        let source = "query Q($n: Int = 7) { a(first: $n) { b } }";
        assert_eq!(
            check_with(source, serde_json::json!({"n": 30}), &Limits::default())
                .unwrap()
                .cost,
            31
        );
        assert_eq!(check(source).unwrap().cost, 8);
        let no_default = "query Q($n: Int) { a(first: $n) { nodes { b } } }";
        assert_eq!(
            check(no_default).unwrap().cost,
            41,
            "an absent variable is an absent argument"
        );
        assert_eq!(
            cost("{ a(first: -5) { b } }"),
            2,
            "nonsense is left to validation"
        );
    }

    #[test]
    fn a_costly_operation_is_refused_with_the_numbers() {
        let refusal = check("{ a(first: 100) { b(first: 100) { c d } } }").unwrap_err();
        assert_eq!(refusal.code, ErrorCode::CostLimitExceeded);
        assert!(refusal.message.contains("20101"), "{}", refusal.message);
        assert!(
            refusal.message.contains("15000 is allowed (limit max_cost)"),
            "{}",
            refusal.message
        );
        let huge = "{ a(first: 18446744073709551615) { b(first: 18446744073709551615) { c } } }";
        assert_eq!(
            check(huge).unwrap_err().code,
            ErrorCode::CostLimitExceeded,
            "it saturates"
        );
    }

    #[test]
    fn each_limit_is_named_with_what_was_found_and_what_is_allowed() {
        let limits = Limits {
            max_depth: 2,
            max_aliases: 1,
            max_root_fields: 2,
            max_directives: 1,
            ..Limits::default()
        };
        for (source, message) in [
            (
                "{ a { b { c } } }",
                "3 levels of fields, but at most 2 are allowed (limit max_depth)",
            ),
            (
                "{ x: a { y: b } }",
                "2 aliases, but at most 1 are allowed (limit max_aliases)",
            ),
            (
                "{ a b c }",
                "3 fields at the root, but at most 2 are allowed (limit max_root_fields)",
            ),
            (
                "query Q @d { a @skip(if: true) }",
                "2 directives, but at most 1 are allowed (limit max_directives)",
            ),
        ] {
            let refusal = check_with(source, serde_json::json!({}), &limits).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::GraphqlValidationFailed);
            assert_eq!(refusal.message, format!("the document has {message}"));
        }
    }

    #[test]
    fn fragments_count_where_they_are_spread() {
        let weight = check(
            "{ a { ...F } b { ... on T { ...F } } ...R } fragment F on T { x: c { d } } fragment R on Q { e f }",
        )
        .unwrap();
        assert_eq!(
            weight,
            DocumentCost {
                cost: 8,
                depth: 3,
                aliases: 2,
                root_fields: 4
            }
        );
    }

    #[test]
    fn a_bomb_of_fragments_is_weighed_at_once_and_refused() {
        let mut bomb = "{ ...F0 }".to_owned();
        for level in 0..60 {
            bomb += &format!(
                " fragment F{level} on Q {{ ...F{next} ...F{next} }}",
                next = level + 1
            );
        }
        bomb += " fragment F60 on Q { a }";
        let limits = Limits {
            max_root_fields: usize::MAX,
            ..Limits::default()
        };
        let refusal = check_with(&bomb, serde_json::json!({}), &limits).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::CostLimitExceeded);
    }

    #[test]
    fn fragments_that_spread_each_other_are_refused() {
        for source in [
            "{ ...F } fragment F on Q { ...F }",
            "{ ...F } fragment F on Q { a { ...G } } fragment G on Q { ...F ...F }",
        ] {
            let refusal = check(source).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::GraphqlValidationFailed);
            assert!(refusal.message.contains("spreads itself"), "{}", refusal.message);
        }
        let refusal = check("{ a ...Nowhere }").unwrap_err();
        assert_eq!(refusal.code, ErrorCode::GraphqlValidationFailed);
        assert!(
            refusal.message.contains("no fragment `Nowhere`"),
            "{}",
            refusal.message
        );
    }

    #[test]
    fn operations_that_are_not_selected_are_held_to_the_limits_too() {
        let costly = "query A { a } query B { a(first: 100) { b(first: 100) { c d } } }";
        let document = parse_query(costly).unwrap();
        let refused = check_document(
            &document,
            Some("A"),
            &Variables::default(),
            &Limits::default(),
            &Unmeasured,
        );
        assert_eq!(refused.unwrap_err().code, ErrorCode::CostLimitExceeded);

        let many: String = (0..40)
            .map(|number| format!("query Q{number} {{ ...F }} "))
            .collect();
        let together = parse_query(format!("{many} fragment F on Q {{ a b c }}")).unwrap();
        let limits = Limits {
            max_cost: 100,
            ..Limits::default()
        };
        let refused =
            check_document(&together, Some("Q1"), &Variables::default(), &limits, &Unmeasured).unwrap_err();
        assert!(
            refused.message.contains("together have, fragments expanded, 120"),
            "{}",
            refused.message
        );
    }

    #[test]
    fn each_id_of_a_list_costs_its_selection() {
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { a b } }";
        let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let cost = check_with(query, serde_json::json!({ "ids": ids }), &Limits::default()).unwrap();
        assert_eq!(cost.cost, 201);
        assert_eq!(check("{ nodes(ids: [\"x\", \"y\"]) { a } }").unwrap().cost, 3);
    }

    #[test]
    fn the_operation_to_execute_must_be_clear() {
        let two = parse_query("query A { a } query B { b c }").unwrap();
        let weigh = |name| check_document(&two, name, &Variables::default(), &Limits::default(), &Unmeasured);
        assert_eq!(weigh(Some("B")).unwrap().cost, 2);
        assert!(
            weigh(Some("C"))
                .unwrap_err()
                .message
                .contains("no operation named \"C\"")
        );
        assert!(weigh(None).unwrap_err().message.contains("operationName"));
        let one = parse_query("query A { a }").unwrap();
        assert!(check_document(&one, None, &Variables::default(), &Limits::default(), &Unmeasured).is_ok());
    }
}
