//! What an operation weighs: its cost, its depth, its numbers of fields and aliases, fragments expanded.
//!
//! No fragment is visited twice: what it weighs does not depend on where it is spread, so it is weighed once. The
//! time is linear in the document, whatever the document expands to.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Value, Variables};

use super::document::shortened;
use super::{Limits, Measures, Refusal};
use crate::platform::error_code::ErrorCode;

/// So many fields of an introspection cost as much as one other: they are answered from memory. What the usual tools ask
/// for is within the limits; a query that goes from type to field to type, over and over, is not.
const INTROSPECTED_AT_ONE: u64 = 100;

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
    measures: &dyn Measures,
) -> Result<Weight, Refusal> {
    let mut scale = Scale {
        document,
        operation,
        variables,
        measures,
        default_page: limits.default_page,
        fragments: HashMap::new(),
    };
    let root = match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    scale.selections(root, &operation.selection_set.node)
}

/// Weighs one operation; remembers each fragment's weight, `None` while it is still being weighed.
struct Scale<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    measures: &'a dyn Measures,
    default_page: u64,
    fragments: HashMap<&'a Name, Option<Weight>>,
}

impl<'a> Scale<'a> {
    /// What is selected on a type; on one that the schema does not know no list has a size of its own.
    fn selections(&mut self, on: &'a str, selections: &'a SelectionSet) -> Result<Weight, Refusal> {
        let mut sum = Weight::default();
        for selection in &selections.items {
            sum.add(match &selection.node {
                Selection::Field(field) => self.field(on, &field.node)?,
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(on, |condition| condition.node.on.node.as_str());
                    self.selections(on, &inline.node.selection_set.node)?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            });
        }
        Ok(sum)
    }

    fn field(&mut self, on: &'a str, field: &'a Field) -> Result<Weight, Refusal> {
        let name = field.name.node.as_str();
        let (ty, size) = self.measures.field(on, name).unwrap_or(("", 1));
        let children = self.selections(ty, &field.selection_set.node)?;
        let page = self.page(field, children.is_connection).max(size);
        let below = children.cost.saturating_mul(page);
        let below = match name {
            "__schema" | "__type" => below.div_ceil(INTROSPECTED_AT_ONE),
            _ => below,
        };
        Ok(Weight {
            cost: below.saturating_add(1),
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
        let on = fragment.node.type_condition.node.on.node.as_str();
        let weight = self.selections(on, &fragment.node.selection_set.node)?;
        self.fragments.insert(name, Some(weight));
        Ok(weight)
    }

    /// By how much the cost of the field's children is multiplied, at least 1.
    fn page(&self, field: &Field, is_connection: bool) -> u64 {
        let sizes = ["first", "last"]
            .into_iter()
            .filter_map(|argument| self.page_size(field, argument));
        let fallback = if is_connection { self.default_page } else { 1 };
        let listed = [self.ids(field), self.ids_of_input(field)].into_iter().flatten();
        sizes.chain(listed).max().unwrap_or(fallback).max(1)
    }

    /// How many objects a query asks for by their ids.
    fn ids(&self, field: &Field) -> Option<u64> {
        list_length(&self.argument(field, "ids")?)
    }

    /// How many objects a mutation changes, and gives back: those of the longest list of ids in its input.
    fn ids_of_input(&self, field: &Field) -> Option<u64> {
        let Value::Object(input) = self.argument(field, "input")? else {
            return None;
        };
        let of_ids = input.iter().filter(|(name, _)| name.ends_with("Ids"));
        of_ids.filter_map(|(_, value)| list_length(value)).max()
    }

    /// The value of an argument, if the field has it.
    fn argument(&self, field: &Field, argument: &str) -> Option<Value> {
        let value = field.get_argument(argument)?.node.clone();
        // An absent variable must not hide what stands beside it in an input.
        let resolved = value.into_const_with(|name| Ok::<_, ()>(self.variable(&name).unwrap_or_default()));
        resolved.ok()
    }

    /// The value of a page size argument, if it has one that is a non-negative integer.
    fn page_size(&self, field: &Field, argument: &str) -> Option<u64> {
        match self.argument(field, argument)? {
            Value::Number(number) => number.as_u64(),
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

fn list_length(value: &Value) -> Option<u64> {
    match value {
        Value::List(items) => u64::try_from(items.len()).ok(),
        _ => None,
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
