//! Resolves the fields of an object one after the other on the spot, and waits only for those that must wait.
//!
//! async-graphql 7.2 makes a task of every field (`resolve_container` puts each into a `FuturesUnordered`), which costs
//! more than most fields do: of a page of accounts with threads and messages, half the time of the whole request. Lists
//! are where it adds up, so the edges and nodes of every connection are resolved here. (Extensions of the
//! library that wrap each field would not be called; the schema has none.)

use std::{borrow::Cow, future::poll_fn, pin::Pin, task::Poll};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection},
    registry::Registry,
};
use futures_util::{pending, poll};

use super::AtHand;

/// The same object to the schema; only resolved otherwise.
#[derive(Clone, Debug)]
pub struct InPlace<T>(pub T);

impl<T: AtHand> OutputType for InPlace<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        if only_plain_fields(&ctx.item.node.items) {
            Ok(resolve_fields(ctx, &self.0).await)
        } else {
            self.0.resolve(ctx, field).await
        }
    }
}

/// The same type to the schema, resolved on the heap: for what is resolved now and then inside something that is kept
/// for long, such as the events of a subscription, which would otherwise keep the room for it all the time.
#[derive(Clone, Debug)]
pub struct OnHeap<T>(pub T);

impl<T: OutputType> OutputType for OnHeap<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        Box::pin(self.0.resolve(ctx, field)).await
    }
}

/// Pins a future where another of its kind has ended, if there is such a place.
fn pin_in<F: Future>(room: Option<Pin<Box<F>>>, future: F) -> Pin<Box<F>> {
    match room {
        None => Box::pin(future),
        Some(mut room) => {
            room.set(future);
            room
        }
    }
}

/// Whether nothing but fields is selected: no fragments or directives, and no two fields under one name, whose values
/// would have to be merged.
fn only_plain_fields(selections: &[Positioned<Selection>]) -> bool {
    selections.iter().enumerate().all(|(place, selection)| {
        let name = name_of_plain_field(selection);
        let before = || selections[..place].iter().map(name_of_plain_field);
        name.is_some() && before().all(|other| other != name)
    })
}

fn name_of_plain_field(selection: &Positioned<Selection>) -> Option<&Name> {
    match &selection.node {
        Selection::Field(field) if field.node.directives.is_empty() => Some(&field.node.response_key().node),
        _ => None,
    }
}

/// As the library does, but in the order in which the fields were selected (GraphQL specification, section 6.3.2).
async fn resolve_fields<T: AtHand>(ctx: &ContextSelectionSet<'_>, object: &T) -> Value {
    let resolve = async |field| {
        let ctx = ctx.with_field(field);
        object.resolve_field(&ctx).await.map(Option::unwrap_or_default)
    };
    let selections = &ctx.item.node.items;
    let mut values = vec![None; selections.len()];
    // A failed field is left out, as the library does; whoever answers puts its null there.
    let mut keep = |place: usize, result: ServerResult<Value>| match result {
        Ok(value) => values[place] = Some(value),
        Err(error) => ctx.add_error(error),
    };
    let mut waiting = Vec::new();
    // Most fields have their value at once, and leave their room to the next.
    let mut room = None;
    for (place, selection) in selections.iter().enumerate() {
        let Selection::Field(field) = &selection.node else {
            continue;
        };
        if field.node.name.node == "__typename" {
            keep(
                place,
                Ok(Value::String(object.introspection_type_name().into_owned())),
            );
            continue;
        }
        if let Some(result) = object.at_hand(&ctx.with_field(field)) {
            keep(place, result);
            continue;
        }
        let mut running = pin_in(room.take(), resolve(field));
        if let Poll::Ready(result) = poll!(running.as_mut()) {
            keep(place, result);
            room = Some(running);
        } else {
            waiting.push((place, running));
        }
    }
    if !waiting.is_empty() {
        // They have just been polled and will wake us. To poll them again at once would rob a batch of its siblings.
        pending!();
    }
    poll_fn(|task| {
        waiting.retain_mut(|(place, running)| match running.as_mut().poll(task) {
            Poll::Ready(result) => {
                keep(*place, result);
                false
            }
            Poll::Pending => true,
        });
        if waiting.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;

    let mut object = IndexMap::with_capacity(selections.len());
    for (selection, value) in selections.iter().zip(values) {
        if let (Some(name), Some(value)) = (name_of_plain_field(selection), value) {
            object.insert(name.clone(), value);
        }
    }
    if object.is_empty() {
        Value::Null
    } else {
        Value::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use serde_json::json;

    use super::*;

    struct Query;
    struct Thing(i32);
    struct Inner(i32);

    #[Object]
    impl Query {
        async fn thing(&self) -> InPlace<Thing> {
            InPlace(Thing(1))
        }

        /// Resolved as the library does.
        async fn plain(&self) -> Thing {
            Thing(1)
        }
    }

    crate::fields_at_hand!(Thing { "atOnce" => at_once, "failingAtOnce" => failing_at_once, "later" => later });

    #[Object]
    impl Thing {
        async fn at_once(&self) -> i32 {
            self.0
        }

        async fn later(&self) -> i32 {
            tokio::task::yield_now().await;
            self.0 + 1
        }

        async fn failing_at_once(&self) -> async_graphql::Result<Option<i32>> {
            Err("no".into())
        }

        async fn failing(&self) -> async_graphql::Result<Option<i32>> {
            tokio::task::yield_now().await;
            Err("no".into())
        }

        async fn inner(&self) -> InPlace<Inner> {
            tokio::task::yield_now().await;
            InPlace(Inner(self.0 * 10))
        }
    }

    crate::fields_at_hand!(Inner {});

    #[Object]
    impl Inner {
        async fn at_once(&self) -> i32 {
            self.0
        }

        async fn later(&self) -> i32 {
            tokio::task::yield_now().await;
            self.0 + 1
        }

        async fn failing(&self) -> async_graphql::Result<Option<i32>> {
            Err("no".into())
        }
    }

    async fn answer(query: &str) -> serde_json::Value {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        serde_json::to_value(schema.execute(query).await).unwrap()
    }

    fn paths_of_errors(answer: &serde_json::Value) -> Vec<String> {
        let errors = answer["errors"].as_array().into_iter().flatten();
        let mut paths: Vec<String> = errors.map(|error| error["path"].to_string()).collect();
        paths.sort_unstable();
        paths
    }

    #[tokio::test]
    async fn fields_stand_in_the_order_in_which_they_were_selected() {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let answer = schema
            .execute("{ thing { later atOnce inner { again: later __typename atOnce } } }")
            .await;
        let text = serde_json::to_string(&answer.data).unwrap();
        let expected = r#"{"later":2,"atOnce":1,"inner":{"again":11,"__typename":"Inner","atOnce":10}}"#;
        assert_eq!(text, format!("{{\"thing\":{expected}}}"));
    }

    #[tokio::test]
    async fn a_failed_field_is_an_error_with_its_path_and_leaves_the_others_alone() {
        let answer = answer("{ thing { atOnce inner { failing later } } }").await;
        assert_eq!(
            answer["data"],
            json!({ "thing": { "atOnce": 1, "inner": { "later": 11 } } })
        );
        assert_eq!(answer["errors"][0]["path"], json!(["thing", "inner", "failing"]));
    }

    #[tokio::test]
    async fn whatever_is_selected_the_answer_is_the_library_s() {
        for selection in [
            "{ atOnce later }",
            "{ ...F atOnce } ",
            "{ ... on Thing { later } inner { atOnce } }",
            "{ inner { atOnce } inner { later } }",
            "{ atOnce @skip(if: true) later @include(if: true) }",
            "{ failing }",
            "{ failingAtOnce }",
            "{ failingAtOnce atOnce other: failingAtOnce }",
            "{ failing later again: failing inner { failing } }",
        ] {
            let fragment = "fragment F on Thing { later inner { later } }";
            let used = if selection.contains("...F") { fragment } else { "" };
            let (ours, theirs) = (
                answer(&format!("{{ it: thing {selection} }} {used}")).await,
                answer(&format!("{{ it: plain {selection} }} {used}")).await,
            );
            assert_eq!(ours["data"], theirs["data"], "{selection}");
            // Their order, and where in the text they stand, say nothing.
            assert_eq!(paths_of_errors(&ours), paths_of_errors(&theirs), "{selection}");
        }
    }
}
