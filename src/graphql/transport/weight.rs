//! What an operation weighs: its cost, its depth, its numbers of fields and aliases, fragments expanded.
//!
//! No fragment is visited twice: what it weighs does not depend on where it is spread, so it is weighed once. The
//! time is linear in the document, whatever the document expands to.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Value, Variables};

use super::document::shortened;
use super::{Limits, Refusal};
use crate::platform::error_code::ErrorCode;

/// What a set of selections weighs. Sums saturate: a number too large to count is over every limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    /// See [`check_document`](super::check_document).
    pub cost: u64,
    /// Fields, unmultiplied.
    pub fields: u64,
    pub depth: u64,
    pub aliases: u64,
    /// Fields at the level of the set itself.
    pub fields_here: u64,
    /// Whether `edges` or `nodes` is among them.
    is_connection: bool,
}

impl Weight {
    fn add(&mut self, other: Weight) {
        self.cost = self.cost.saturating_add(other.cost);
        self.fields = self.fields.saturating_add(other.fields);
        self.depth = self.depth.max(other.depth);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.fields_here = self.fields_here.saturating_add(other.fields_here);
        self.is_connection |= other.is_connection;
    }
}

/// Weighs an operation.
///
/// # Errors
/// GRAPHQL_VALIDATION_FAILED for fragments that spread each other.
pub(super) fn weigh(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    limits: &Limits,
) -> Result<Weight, Refusal> {
    let mut scale = Scale {
        document,
        operation,
        variables,
        default_page: limits.default_page,
        fragments: HashMap::new(),
    };
    scale.selections(&operation.selection_set.node)
}

/// Weighs one operation; remembers each fragment's weight, `None` while it is still being weighed.
struct Scale<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    default_page: u64,
    fragments: HashMap<&'a Name, Option<Weight>>,
}

impl<'a> Scale<'a> {
    fn selections(&mut self, selections: &'a SelectionSet) -> Result<Weight, Refusal> {
        let mut sum = Weight::default();
        for selection in &selections.items {
            sum.add(match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(inline) => self.selections(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            });
        }
        Ok(sum)
    }

    fn field(&mut self, field: &'a Field) -> Result<Weight, Refusal> {
        let children = self.selections(&field.selection_set.node)?;
        let page = self.page(field, children.is_connection);
        let name = field.name.node.as_str();
        Ok(Weight {
            cost: children.cost.saturating_mul(page).saturating_add(1),
            fields: children.fields.saturating_add(1),
            depth: children.depth.saturating_add(1),
            aliases: children.aliases.saturating_add(u64::from(field.alias.is_some())),
            fields_here: 1,
            is_connection: matches!(name, "edges" | "nodes"),
        })
    }

    /// A fragment that does not exist weighs nothing: validation reports it.
    fn fragment(&mut self, name: &'a Name) -> Result<Weight, Refusal> {
        match self.fragments.get(name) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => return Err(cycle(name)),
            None => {}
        }
        // Refused here: whoever walks a weighed document counts on each spread leading to a field at least.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Err(Refusal::new(
                ErrorCode::GraphqlValidationFailed,
                format!("there is no fragment `{}` in the document", shortened(name)),
            ));
        };
        self.fragments.insert(name, None);
        let weight = self.selections(&fragment.node.selection_set.node)?;
        self.fragments.insert(name, Some(weight));
        Ok(weight)
    }

    /// By how much the cost of the field's children is multiplied, at least 1.
    fn page(&self, field: &Field, is_connection: bool) -> u64 {
        let sizes = ["first", "last"]
            .into_iter()
            .filter_map(|argument| self.page_size(field, argument));
        let fallback = if is_connection { self.default_page } else { 1 };
        let listed = self.list_length(field, "ids");
        sizes.chain(listed).max().unwrap_or(fallback).max(1)
    }

    /// How many values a list argument has, if the field has it.
    fn list_length(&self, field: &Field, argument: &str) -> Option<u64> {
        let value = field.get_argument(argument)?.node.clone();
        match value.into_const_with(|name| self.variable(&name).ok_or(())) {
            Ok(Value::List(items)) => u64::try_from(items.len()).ok(),
            _ => None,
        }
    }

    /// The value of a page size argument, if it has one that is a non-negative integer.
    fn page_size(&self, field: &Field, argument: &str) -> Option<u64> {
        let value = field.get_argument(argument)?.node.clone();
        match value.into_const_with(|name| self.variable(&name).ok_or(())) {
            Ok(Value::Number(number)) => number.as_u64(),
            _ => None,
        }
    }

    /// The value that the request gives a variable, else the default that the operation gives it.
    fn variable(&self, name: &Name) -> Option<Value> {
        self.variables.get(name).cloned().or_else(|| {
            let definitions = self.operation.variable_definitions.iter();
            let definition = definitions
                .map(|definition| &definition.node)
                .find(|it| it.name.node == *name)?;
            definition.default_value().cloned()
        })
    }
}

fn cycle(name: &Name) -> Refusal {
    Refusal::new(
        ErrorCode::GraphqlValidationFailed,
        format!(
            "the fragment \"{}\" spreads itself, directly or through other fragments",
            shortened(name)
        ),
    )
}
