//! Puts null where a field failed, as the GraphQL specification asks (section 6.4.4, "Handling Execution Errors"): the
//! failed field is null, or, where its type forbids null, the nearest field around it whose type allows it.
//!
//! async-graphql 7.2 leaves a failed field's key out instead, so that a client cannot tell "failed" from "not asked
//! for", and an object of which every field failed becomes null whatever its fields' types say.

use async_graphql::{
    Name, PathSegment, Response, Value,
    parser::types::{BaseType, ExecutableDocument, Selection, SelectionSet, Type},
};

use super::{
    field_types::{FieldTypes, named, root_type},
    transport::document::select_operation,
};
use crate::platform::gql::read_back;

/// Where a field may be found: selections, with the type that they are made on.
type Scopes<'a> = Vec<(&'a Name, &'a SelectionSet)>;

/// What is left of an error's path, seen from a value.
type Paths<'a> = Vec<&'a [PathSegment]>;

/// Completes the answer to the operation of `document` by the paths of its errors.
pub fn complete(
    types: &FieldTypes,
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    response: &mut Response,
) {
    let errors = response.errors.iter().map(|error| error.path.as_slice());
    let paths: Paths<'_> = errors.filter(|path| !path.is_empty()).collect();
    if paths.is_empty() {
        return;
    }
    let Some((root, selections)) = operation(document, operation_name) else {
        return;
    };
    read_back(&mut response.data);
    let data = Type {
        base: BaseType::Named(root.clone()),
        nullable: true,
    };
    let completion = Completion { types, document };
    completion.settle(&mut response.data, &data, &vec![(&root, selections)], &paths);
}

fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<(Name, &'a SelectionSet)> {
    let operation = select_operation(document, name).ok()?;
    Some((
        Name::new(root_type(operation.node.ty)),
        &operation.node.selection_set.node,
    ))
}

struct Completion<'a> {
    types: &'a FieldTypes,
    document: &'a ExecutableDocument,
}

impl<'a> Completion<'a> {
    /// Puts nulls at the ends of `paths` below `value`. True when `value` has become, or is, a null that its type
    /// forbids: then what is around it must be null.
    fn settle(&self, value: &mut Value, ty: &Type, scopes: &Scopes<'a>, paths: &Paths<'_>) -> bool {
        let below = || paths.iter().filter_map(|path| path.split_first());
        let forbidden = match &ty.base {
            BaseType::Named(_) => {
                let mut keys: Vec<&str> = below().filter_map(|(first, _)| key(first)).collect();
                keys.sort_unstable();
                keys.dedup();
                let mut forbidden = false;
                for name in keys {
                    let rest = below().filter_map(|(first, rest)| (key(first) == Some(name)).then_some(rest));
                    forbidden |= self.settle_field(value, name, scopes, &rest.collect());
                }
                forbidden
            }
            BaseType::List(item) => {
                let Value::List(items) = value else {
                    return *value == Value::Null && !ty.nullable;
                };
                let mut forbidden = false;
                for (place, value) in items.iter_mut().enumerate() {
                    let rest =
                        below().filter_map(|(first, rest)| (index(first) == Some(place)).then_some(rest));
                    forbidden |= self.settle(value, item, scopes, &rest.collect());
                }
                forbidden
            }
        };
        if forbidden {
            *value = Value::Null;
        }
        *value == Value::Null && !ty.nullable
    }

    /// The same for one field of an object.
    fn settle_field(&self, object: &mut Value, name: &str, scopes: &Scopes<'a>, paths: &Paths<'_>) -> bool {
        let Some((ty, scopes)) = self.field(name, scopes) else {
            return false;
        };
        if *object == Value::Null {
            // Every one of its fields failed: they are about to be settled.
            *object = Value::Object(async_graphql::indexmap::IndexMap::new());
        }
        let Value::Object(fields) = object else {
            return false;
        };
        let value = fields.entry(Name::new(name)).or_insert(Value::Null);
        self.settle(value, ty, &scopes, paths)
    }

    /// The type and the selections of the field that is answered under this key. Fields that share a key have types
    /// of the same shape (section 5.3.2), so that the first one tells.
    fn field(&self, key: &str, scopes: &Scopes<'a>) -> Option<(&'a Type, Scopes<'a>)> {
        let mut found: Option<&'a Type> = None;
        let mut below = Vec::new();
        let mut open = scopes.clone();
        while let Some((on, selections)) = open.pop() {
            for selection in &selections.items {
                match &selection.node {
                    Selection::Field(field) if field.node.response_key().node == key => {
                        let Some(ty) = self.types.get(on, &field.node.name.node) else {
                            continue;
                        };
                        found = found.or(Some(ty));
                        below.push((named(ty), &field.node.selection_set.node));
                    }
                    Selection::Field(_) => {}
                    Selection::InlineFragment(fragment) => {
                        let condition = fragment.node.type_condition.as_ref();
                        let on = condition.map_or(on, |condition| &condition.node.on.node);
                        open.push((on, &fragment.node.selection_set.node));
                    }
                    Selection::FragmentSpread(spread) => {
                        if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                            let on = &fragment.node.type_condition.node.on.node;
                            open.push((on, &fragment.node.selection_set.node));
                        }
                    }
                }
            }
        }
        found.map(|ty| (ty, below))
    }
}

fn key(segment: &PathSegment) -> Option<&str> {
    match segment {
        PathSegment::Field(name) => Some(name),
        PathSegment::Index(_) => None,
    }
}

fn index(segment: &PathSegment) -> Option<usize> {
    match segment {
        PathSegment::Field(_) => None,
        PathSegment::Index(index) => Some(*index),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Result, Schema};
    use serde_json::{Value as Json, json};

    use super::*;

    /// What fails says so.
    struct Query;

    #[Object]
    impl Query {
        async fn fine(&self) -> i32 {
            1
        }
        async fn missing(&self) -> Result<Option<Thing>> {
            Err("there is none".into())
        }
        async fn thing(&self) -> Option<Thing> {
            Some(Thing)
        }
        async fn surely(&self) -> Thing {
            Thing
        }
        async fn things(&self) -> Vec<Option<Thing>> {
            vec![Some(Thing), None, Some(Thing)]
        }
    }

    struct Thing;

    #[Object]
    impl Thing {
        async fn fine(&self) -> i32 {
            2
        }
        async fn perhaps(&self) -> Result<Option<i32>> {
            Err("not this time".into())
        }
        async fn always(&self) -> Result<i32> {
            Err("not even so".into())
        }
    }

    async fn answer(query: &str) -> Json {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let mut response = schema.execute(query).await;
        let document = parse_query(query).unwrap();
        complete(&FieldTypes::of(&schema.sdl()), &document, None, &mut response);
        assert!(!response.errors.is_empty());
        response.data.into_json().unwrap()
    }

    #[tokio::test]
    async fn a_field_that_failed_is_null() {
        assert_eq!(
            answer("{ fine missing { fine } }").await,
            json!({ "fine": 1, "missing": null })
        );
        let aliased = "{ fine a: missing { fine } ...More } fragment More on Query { b: missing { fine } }";
        assert_eq!(answer(aliased).await, json!({ "fine": 1, "a": null, "b": null }));
    }

    #[tokio::test]
    async fn an_operation_may_have_a_name() {
        assert_eq!(
            answer("query Named { fine missing { fine } }").await,
            json!({ "fine": 1, "missing": null })
        );
        assert_eq!(
            answer("query Named { fine thing { fine always } }").await,
            json!({ "fine": 1, "thing": null })
        );
    }

    #[tokio::test]
    async fn the_only_field_too() {
        assert_eq!(answer("{ missing { fine } }").await, json!({ "missing": null }));
        assert_eq!(
            answer("{ thing { perhaps } }").await,
            json!({ "thing": { "perhaps": null } })
        );
    }

    #[tokio::test]
    async fn a_null_that_the_type_forbids_moves_outwards() {
        assert_eq!(
            answer("{ fine thing { fine always } }").await,
            json!({ "fine": 1, "thing": null })
        );
        assert_eq!(
            answer("{ fine surely { fine always perhaps } }").await,
            Json::Null
        );
    }

    #[tokio::test]
    async fn each_item_of_a_list_stands_for_itself() {
        assert_eq!(
            answer("{ things { fine perhaps } }").await,
            json!({ "things": [{ "fine": 2, "perhaps": null }, null, { "fine": 2, "perhaps": null }] })
        );
        assert_eq!(
            answer("{ things { ... on Thing { always } } }").await,
            json!({ "things": [null, null, null] })
        );
    }
}
