//! Fields that are answered under one key must be the same field with the same arguments, or lie on objects of which a
//! value is only ever one (GraphQL specification, section 5.3.2, "Field Selection Merging").
//!
//! async-graphql 7.2 compares fields only within one type condition. Two that differ, one of them inside a fragment,
//! would both be resolved and their values merged, list items of one argument with those of another.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned,
    indexmap::IndexMap,
    parser::types::{
        BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
    },
};

use super::{
    field_types::{FieldTypes, named, root_type},
    transport::{Refusal, document::shortened},
};
use crate::platform::error_code::ErrorCode;

/// Checks every operation of a document that has no cycles of fragments.
///
/// # Errors
/// GRAPHQL_VALIDATION_FAILED names the key and why its fields cannot be merged.
pub fn check(types: &FieldTypes, document: &ExecutableDocument) -> Result<(), Refusal> {
    let merging = Merging { types, document };
    for (_, operation) in document.operations.iter() {
        let root = Name::new(root_type(operation.node.ty));
        merging.check(&[(&root, &operation.node.selection_set.node)], true)?;
    }
    Ok(())
}

/// Whether an operation selects one composite field more than once, so that its values must be merged.
pub fn merges_objects(document: &ExecutableDocument, operation: &OperationDefinition) -> bool {
    let nothing_known = FieldTypes::default();
    let merging = Merging {
        types: &nothing_known,
        document,
    };
    let anywhere = Name::new("");
    let mut open = vec![&operation.selection_set.node];
    while let Some(selections) = open.pop() {
        for fields in merging.collect(&[(&anywhere, selections)]).values() {
            let mut below = fields.iter().map(|(_, field)| &field.node.selection_set.node);
            let first = below.next();
            open.extend(first);
            if first.is_some_and(|first| !first.items.is_empty()) && fields.len() > 1 {
                return true;
            }
        }
    }
    false
}

/// A field, and the type on which it is selected.
type Selected<'a> = (&'a Name, &'a Positioned<Field>);

struct Merging<'a> {
    types: &'a FieldTypes,
    document: &'a ExecutableDocument,
}

impl<'a> Merging<'a> {
    /// Checks selections that are answered together. `same_object`: on one object; otherwise on objects of different
    /// types, whose fields need only have values of the same shape.
    fn check(&self, scopes: &[(&'a Name, &'a SelectionSet)], same_object: bool) -> Result<(), Refusal> {
        for (key, fields) in self.collect(scopes) {
            self.same_shape(key, &fields)?;
            let groups = if same_object {
                self.may_overlap(&fields)
            } else {
                Vec::new()
            };
            for group in &groups {
                same_field(key, group)?;
                self.check(&self.below(group), true)?;
            }
            let checked_together = groups.len() == 1;
            if !checked_together {
                self.check(&self.below(&fields), false)?;
            }
        }
        Ok(())
    }

    /// The fields of the selections under their keys, fragments expanded, each fragment once.
    fn collect(&self, scopes: &[(&'a Name, &'a SelectionSet)]) -> IndexMap<&'a Name, Vec<Selected<'a>>> {
        let mut collected: IndexMap<&'a Name, Vec<Selected<'a>>> = IndexMap::new();
        let mut spread = HashSet::new();
        let mut open = scopes.to_vec();
        while let Some((on, selections)) = open.pop() {
            for selection in &selections.items {
                match &selection.node {
                    Selection::Field(field) => {
                        let key = &field.node.response_key().node;
                        collected.entry(key).or_default().push((on, field));
                    }
                    Selection::InlineFragment(inline) => {
                        let condition = inline.node.type_condition.as_ref();
                        let on = condition.map_or(on, |condition| &condition.node.on.node);
                        open.push((on, &inline.node.selection_set.node));
                    }
                    Selection::FragmentSpread(named) => {
                        let name = &named.node.fragment_name.node;
                        if let Some(fragment) = self.document.fragments.get(name)
                            && spread.insert(name)
                        {
                            let on = &fragment.node.type_condition.node.on.node;
                            open.push((on, &fragment.node.selection_set.node));
                        }
                    }
                }
            }
        }
        collected
    }

    /// Groups fields that one object can have: those of each object type, or all together where one is selected on an
    /// interface or union, which any object may be.
    fn may_overlap(&self, fields: &[Selected<'a>]) -> Vec<Vec<Selected<'a>>> {
        if fields.iter().any(|(on, _)| !self.types.is_object(on)) {
            return vec![fields.to_vec()];
        }
        let mut groups: IndexMap<&Name, Vec<Selected<'a>>> = IndexMap::new();
        for (on, field) in fields {
            groups.entry(on).or_default().push((on, field));
        }
        groups.into_values().collect()
    }

    /// The selections inside of fields. What the schema does not know is validation's to refuse.
    fn below(&self, fields: &[Selected<'a>]) -> Vec<(&'a Name, &'a SelectionSet)> {
        let known = fields.iter().filter_map(|(on, field)| {
            let ty = self.types.get(on, &field.node.name.node)?;
            Some((named(ty), &field.node.selection_set.node))
        });
        known.collect()
    }

    /// Values of different shapes cannot stand under one key: whoever reads them would not know which it is.
    fn same_shape(&self, key: &Name, fields: &[Selected<'a>]) -> Result<(), Refusal> {
        let mut types = fields.iter().filter_map(|(on, field)| {
            let ty = self.types.get(on, &field.node.name.node)?;
            Some((ty, field.node.selection_set.node.items.is_empty()))
        });
        let Some((first, first_is_leaf)) = types.next() else {
            return Ok(());
        };
        let other = types.find(|(other, is_leaf)| !has_shape(first, other, first_is_leaf || *is_leaf));
        other.map_or(Ok(()), |(other, _)| {
            Err(conflict(
                key,
                &format!("they are of the types {first} and {other}"),
            ))
        })
    }
}

/// Whether values of two types look the same from outside. The selections of objects are compared by themselves.
fn has_shape(one: &Type, other: &Type, leaves: bool) -> bool {
    one.nullable == other.nullable
        && match (&one.base, &other.base) {
            (BaseType::List(one), BaseType::List(other)) => has_shape(one, other, leaves),
            (BaseType::Named(one), BaseType::Named(other)) => !leaves || one == other,
            _ => false,
        }
}

fn same_field(key: &Name, fields: &[Selected<'_>]) -> Result<(), Refusal> {
    let [(_, first), others @ ..] = fields else {
        return Ok(());
    };
    for (_, other) in others {
        let (one, other) = (&first.node, &other.node);
        if one.name.node != other.name.node {
            let why = format!(
                "`{}` and `{}` are different fields",
                one.name.node, other.name.node
            );
            return Err(conflict(key, &why));
        }
        let same_argument = |(name, value): &(Positioned<Name>, Positioned<_>)| {
            one.get_argument(&name.node)
                .is_some_and(|found| found.node == value.node)
        };
        if one.arguments.len() != other.arguments.len() || !other.arguments.iter().all(same_argument) {
            return Err(conflict(key, "their arguments differ"));
        }
    }
    Ok(())
}

fn conflict(key: &Name, why: &str) -> Refusal {
    let key = shortened(key);
    Refusal::new(
        ErrorCode::GraphqlValidationFailed,
        format!(
            "the fields answered as `{key}` cannot be merged because {why}: give them aliases of their own"
        ),
    )
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    const SCHEMA: &str = "
        type Query { it: Node, thing: Thing!, other: Other!, things(first: Int): [Thing!]! }
        interface Node { id: ID! }
        type Thing implements Node { id: ID!, name: String, size(unit: String): Int, count: Int!, inner: Thing, items(first: Int): [Thing!]! }
        type Other implements Node { id: ID!, name: String!, size(unit: String): Int, label: String, inner: Other }
    ";

    fn reason(query: &str) -> Option<String> {
        let document = parse_query(query).unwrap();
        let checked = check(&FieldTypes::of(SCHEMA), &document);
        checked.err().map(|refusal| {
            assert_eq!(refusal.code, ErrorCode::GraphqlValidationFailed);
            refusal.message
        })
    }

    #[test]
    fn the_same_field_may_be_selected_again_wherever_it_stands() {
        for query in [
            "{ thing { id id inner { id } inner { name } } }",
            "{ thing { items(first: 1) { id } ... on Thing { items(first: 1) { name } } ...F } }
             fragment F on Thing { items(first: 1) { count } }",
            "query($n: Int) { a: things(first: $n) { id } ... { a: things(first: $n) { name } } }",
            "{ it { id ... on Thing { id name } } }",
            "{ thing { ...F ...F inner { ...F } } } fragment F on Thing { id }",
        ] {
            assert_eq!(reason(query), None, "{query}");
        }
    }

    #[test]
    fn different_fields_or_arguments_of_one_object_are_refused_in_fragments_too() {
        for (query, why) in [
            ("{ thing { a: id ... on Thing { a: name } } }", "are of the types"),
            (
                "{ thing { a: size ... on Thing { a: size(unit: \"m\") } } }",
                "their arguments differ",
            ),
            (
                "{ things(first: 1) { id } ...F } fragment F on Query { things(first: 2) { name } }",
                "their arguments differ",
            ),
            (
                "{ thing { a: inner { id } ... { a: inner { id } a: thing } } }",
                "different fields",
            ),
            (
                "{ thing { inner { items(first: 1) { id } } ...F } } fragment F on Thing { inner { items(first: 2) { id } } }",
                "their arguments differ",
            ),
            (
                "query A { thing { id } } query B { thing { a: id ... { a: count } } }",
                "are of the types",
            ),
            (
                "{ it { a: id ... on Thing { a: inner { id } } } }",
                "are of the types",
            ),
        ] {
            let reason = reason(query);
            assert!(
                reason.as_ref().is_some_and(|reason| reason.contains(why)),
                "{query}: {reason:?}"
            );
        }
    }

    #[test]
    fn only_composite_fields_selected_twice_are_merged() {
        for (query, merges) in [
            ("{ thing { id id inner { id } } }", false),
            ("{ a: thing { id } b: thing { id } }", false),
            (
                "{ thing { ...F ...F id } } fragment F on Thing { id inner { id } }",
                false,
            ),
            (
                "{ thing { ...F inner { name } } } fragment F on Thing { inner { id } }",
                true,
            ),
            (
                "{ thing { inner { ... { inner { id } } inner { name } } } }",
                true,
            ),
            ("{ thing { id } ... on Query { thing { name } } }", true),
        ] {
            let document = parse_query(query).unwrap();
            let (_, operation) = document.operations.iter().next().unwrap();
            assert_eq!(merges_objects(&document, &operation.node), merges, "{query}");
        }
    }

    #[test]
    fn fields_of_objects_that_cannot_be_one_may_differ_in_all_but_shape() {
        let differ = "{ it { ... on Thing { a: size } ... on Other { a: size(unit: \"m\") } } }";
        assert_eq!(reason(differ), None);
        let inner =
            "{ it { ... on Thing { inner { b: size } } ... on Other { inner { b: size(unit: \"m\") } } } }";
        assert_eq!(reason(inner), None);
        for query in [
            "{ it { ... on Thing { name } ... on Other { name } } }",
            "{ it { ... on Thing { a: count } ... on Other { a: label } } }",
            "{ it { ... on Thing { inner { b: name } } ... on Other { inner { b: id } } } }",
        ] {
            assert!(reason(query).unwrap().contains("are of the types"), "{query}");
        }
    }
}
