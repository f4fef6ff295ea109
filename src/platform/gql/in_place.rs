//! Resolves the fields of an object one after the other on the spot, waits only for those that must wait, and writes
//! the answer as JSON.
//!
//! async-graphql 7.2 makes a task of every field (`resolve_container` puts each into a `FuturesUnordered`) and a tree
//! of all values, which costs more than most fields do: of a page of accounts with threads and messages, half the time
//! of the whole request. Lists are where it adds up, so the edges and nodes of every connection are resolved here.
//! (Extensions of the library that wrap each field would not be called; the schema has none.)

use std::{borrow::Cow, collections::HashMap, future::poll_fn, pin::Pin, task::Poll};

use async_graphql::{
    Context, ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    parser::types::{Field, FragmentDefinition, Selection},
    registry::Registry,
};
use futures_util::{pending, poll};

use super::{AtHand, MayWrite, write_json};

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
        match plain_fields(ctx, &ctx.item.node.items, &T::type_name()) {
            Some(fields) => Ok(text_of_fields(ctx, &self.0, &fields)
                .await
                .map_or(Value::Null, |text| Value::Binary(text.into()))),
            None => Box::pin(self.0.resolve(ctx, field)).await,
        }
    }
}

/// The fields of a selection on an object of type `on`, each key once; `None` where the library must look at them
/// itself: values to be merged, directives, conditions on interfaces.
pub(super) fn plain_fields<'a>(
    ctx: &ContextSelectionSet<'a>,
    selections: &'a [Positioned<Selection>],
    on: &str,
) -> Option<Vec<&'a Positioned<Field>>> {
    if !ctx.data_opt::<MayWrite>().is_some_and(|may| may.0) {
        return None;
    }
    let mut fields = Vec::with_capacity(selections.len());
    collect(selections, &ctx.query_env.fragments, on, &mut fields).then_some(fields)
}

fn collect<'a>(
    selections: &'a [Positioned<Selection>],
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    on: &str,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> bool {
    selections.iter().all(|selection| match &selection.node {
        selection if !selection.directives().is_empty() => false,
        Selection::Field(field) => {
            let key = &field.node.response_key().node;
            // Under one key there is one field (`field_merging`), and what must be merged does not come here.
            if !fields.iter().any(|known| known.node.response_key().node == *key) {
                fields.push(field);
            }
            true
        }
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref();
            condition.is_none_or(|condition| condition.node.on.node == on)
                && collect(&fragment.node.selection_set.node.items, fragments, on, fields)
        }
        Selection::FragmentSpread(spread) => {
            let fragment = fragments.get(&spread.node.fragment_name.node);
            fragment.is_some_and(|fragment| {
                fragment.node.type_condition.node.on.node == on
                    && collect(&fragment.node.selection_set.node.items, fragments, on, fields)
            })
        }
    })
}

/// The inside of an object or list: its members in their order, each with a comma before it, and room for those that are
/// not known yet.
pub(super) struct Members {
    pub(super) text: Vec<u8>,
    /// Where in `text` what came later belongs.
    pub(super) late: Vec<(usize, Vec<u8>)>,
}

impl Members {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            text: Vec::with_capacity(bytes),
            late: Vec::new(),
        }
    }

    /// Leaves room here, and says which.
    pub(super) fn leave_room(&mut self) -> usize {
        self.late.push((self.text.len(), Vec::new()));
        self.late.len() - 1
    }

    /// Between brackets; `None` without members.
    pub(super) fn between(self, open: u8, close: u8) -> Option<Vec<u8>> {
        let mut text = self.text;
        if !self.late.is_empty() {
            let length: usize = self.late.iter().map(|(_, member)| member.len()).sum();
            let mut whole = Vec::with_capacity(text.len() + length + 1);
            let mut copied = 0;
            for (place, member) in &self.late {
                whole.extend_from_slice(&text[copied..*place]);
                whole.extend_from_slice(member);
                copied = *place;
            }
            whole.extend_from_slice(&text[copied..]);
            text = whole;
        }
        // The first comma makes room for the bracket.
        *text.first_mut()? = open;
        text.push(close);
        Some(text)
    }
}

pub(super) fn push_key(field: &Positioned<Field>, text: &mut Vec<u8>) {
    // A name is letters, digits and underscores (section 2.1.9): nothing to escape.
    text.extend_from_slice(b",\"");
    text.extend_from_slice(field.node.response_key().node.as_bytes());
    text.extend_from_slice(b"\":");
}

/// A failed field is left out, as the library does; whoever answers puts its null there.
fn push_field(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    result: ServerResult<Value>,
    text: &mut Vec<u8>,
) {
    match result {
        Ok(value) => {
            push_key(field, text);
            write_json(&value, text);
        }
        Err(error) => ctx.add_error(error),
    }
}

/// A field that has its value at once; false where it has not, and then nothing is written.
fn push_at_hand(
    ctx: &ContextSelectionSet<'_>,
    object: &impl AtHand,
    field: &Positioned<Field>,
    text: &mut Vec<u8>,
) -> bool {
    let before = text.len();
    push_key(field, text);
    match object.at_hand(&ctx.with_field(field), text) {
        Some(Ok(())) => return true,
        Some(Err(error)) => ctx.add_error(error),
        None => {
            text.truncate(before);
            return false;
        }
    }
    text.truncate(before);
    true
}

/// Writes the object that is the value of the field of `ctx`; `None`, and nothing, where one of the fields that are selected on
/// it has to wait, or the library must look at them itself.
pub(super) fn write_object<T: AtHand>(
    object: &T,
    ctx: &Context<'_>,
    out: &mut Vec<u8>,
) -> Option<ServerResult<()>> {
    let ctx = ctx.with_selection_set(&ctx.item.node.selection_set);
    let fields = plain_fields(&ctx, &ctx.item.node.items, &T::type_name())?;
    push_object(&ctx, object, &fields, out).then_some(Ok(()))
}

/// An object all of whose fields have their value at once; false where one has not, and then nothing is written.
pub(super) fn push_object(
    ctx: &ContextSelectionSet<'_>,
    object: &impl AtHand,
    fields: &[&Positioned<Field>],
    text: &mut Vec<u8>,
) -> bool {
    let before = text.len();
    for field in fields {
        if field.node.name.node == "__typename" {
            push_type_name(object, field, text);
        } else if !push_at_hand(ctx, object, field, text) {
            text.truncate(before);
            return false;
        }
    }
    match text.get_mut(before) {
        // The first comma makes room for the brace.
        Some(first) => {
            *first = b'{';
            text.push(b'}');
        }
        // All have failed.
        None => text.extend_from_slice(b"null"),
    }
    true
}

pub(super) fn push_type_name(object: &impl OutputType, field: &Positioned<Field>, text: &mut Vec<u8>) {
    push_key(field, text);
    write_json(
        &Value::String(object.introspection_type_name().into_owned()),
        text,
    );
}

/// Pins a future where another of its kind has ended, if there is such a place.
pub(super) fn pin_in<F: Future>(room: Option<Pin<Box<F>>>, future: F) -> Pin<Box<F>> {
    match room {
        None => Box::pin(future),
        Some(mut room) => {
            room.set(future);
            room
        }
    }
}

/// Waits for what has just been polled once, and hands each result over with what was kept beside it.
pub(super) async fn wait_for_all<K: Copy, F: Future>(
    mut waiting: Vec<(K, Pin<Box<F>>)>,
    mut keep: impl FnMut(K, F::Output),
) {
    if waiting.is_empty() {
        return;
    }
    // All will wake us. To poll them again at once would rob a batch of its siblings.
    pending!();
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
}

/// The object as JSON, in the order in which its fields were selected (specification, section 6.3.2); `None` where all
/// have failed.
pub(super) async fn text_of_fields<T: AtHand>(
    ctx: &ContextSelectionSet<'_>,
    object: &T,
    fields: &[&Positioned<Field>],
) -> Option<Vec<u8>> {
    let resolve = async |field| {
        let ctx = ctx.with_field(field);
        object.resolve_field(&ctx).await.map(Option::unwrap_or_default)
    };
    let mut members = Members::with_capacity(512);
    let mut waiting = Vec::new();
    // Most fields have their value at once, and leave their room to the next.
    let mut room = None;
    for field in fields {
        if field.node.name.node == "__typename" {
            push_type_name(object, field, &mut members.text);
            continue;
        }
        if push_at_hand(ctx, object, field, &mut members.text) {
            continue;
        }
        let mut running = pin_in(room.take(), resolve(field));
        if let Poll::Ready(result) = poll!(running.as_mut()) {
            push_field(ctx, field, result, &mut members.text);
            room = Some(running);
        } else {
            waiting.push(((members.leave_room(), *field), running));
        }
    }
    wait_for_all(waiting, |(place, field), result| {
        push_field(ctx, field, result, &mut members.late[place].1);
    })
    .await;
    members.between(b'{', b'}')
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema};
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

    impl AtHand for Inner {}

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
        answer_if(query, true).await
    }

    async fn answer_if(query: &str, may_write: bool) -> serde_json::Value {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let request = Request::new(query).data(MayWrite(may_write));
        let mut response = schema.execute(request).await;
        crate::platform::gql::read_back(&mut response.data);
        serde_json::to_value(response).unwrap()
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
        let query = "{ thing { later ...F __typename } } fragment F on Thing { atOnce later inner { again: later __typename atOnce } }";
        let answer = schema.execute(Request::new(query).data(MayWrite(true))).await;
        let mut text = Vec::new();
        write_json(&answer.data, &mut text);
        let text = String::from_utf8(text).unwrap();
        let expected = r#"{"later":2,"atOnce":1,"inner":{"again":11,"__typename":"Inner","atOnce":10},"__typename":"Thing"}"#;
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
        for (selection, may_write) in [
            ("{ atOnce later }", true),
            ("{ ...F atOnce } ", true),
            ("{ ...F atOnce later ...F } ", true),
            ("{ ... on Thing { later } inner { atOnce ... { later } } }", true),
            ("{ inner { atOnce } inner { later } }", false),
            ("{ ...F inner { atOnce } }", false),
            ("{ atOnce @skip(if: true) later @include(if: true) }", true),
            ("{ failing }", true),
            ("{ failingAtOnce }", true),
            ("{ failingAtOnce atOnce other: failingAtOnce }", true),
            ("{ failing later again: failing inner { failing } }", true),
        ] {
            let fragment = "fragment F on Thing { later inner { later } }";
            let used = if selection.contains("...F") { fragment } else { "" };
            let (ours, theirs) = (
                answer_if(&format!("{{ it: thing {selection} }} {used}"), may_write).await,
                answer_if(&format!("{{ it: plain {selection} }} {used}"), false).await,
            );
            assert_eq!(ours["data"], theirs["data"], "{selection}");
            // Their order, and where in the text they stand, say nothing.
            assert_eq!(paths_of_errors(&ours), paths_of_errors(&theirs), "{selection}");
        }
    }
}
