//! The edges of a page, written as JSON: which fields are selected is found out once for all of them, what their nodes need is
//! fetched for all of them and for what hangs on them (`AtHand::fetch`), and edges whose nodes then have all their fields at once
//! need no place to wait in.

use std::{borrow::Cow, task::Poll};

use async_graphql::{
    Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value,
    parser::types::{Field, OperationType},
    registry::Registry,
};
use futures_util::poll;

use super::{
    AtHand, CursorOwner, EdgeCursor, WriteValue,
    in_place::{
        Members, pin_in, plain_fields, push_key, push_object, push_type_name, text_of_fields, wait_for_all,
    },
    write_json,
};

/// An item of a page, with its place.
pub trait RelayEdge: OutputType {
    type Node: AtHand;

    fn cursor(&self) -> &EdgeCursor;
    fn node(&self) -> &Self::Node;
}

/// The edges of a page; to the schema a list like any other. Which fields are selected is found out once for all of them.
#[derive(Clone, Debug)]
pub struct Edges<E>(pub Vec<E>);

impl<E: RelayEdge> OutputType for Edges<E> {
    fn type_name() -> Cow<'static, str> {
        <Vec<E> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<E> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<E> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match plain_edge::<E>(ctx) {
            Some(fields) => Ok(Value::Binary(text_of_edges(ctx, &self.0, &fields).await.into())),
            None => Box::pin(self.0.resolve(ctx, field)).await,
        }
    }
}

impl<E: RelayEdge> WriteValue for Edges<E> {
    /// Where each node has all that is selected on it.
    fn write_value(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        let ctx = ctx.with_selection_set(&ctx.item.node.selection_set);
        let fields = plain_edge::<E>(&ctx)?;
        if !has_all_at_hand(&ctx, &self.0, &fields) {
            return None;
        }
        let before = out.len();
        for (place, edge) in self.0.iter().enumerate() {
            if !push_edge(&ctx.with_index(place), edge, &fields, out) {
                out.truncate(before);
                return None;
            }
        }
        match out.get_mut(before) {
            // The first comma makes room for the bracket.
            Some(first) => *first = b'[',
            None => out.push(b'['),
        }
        out.push(b']');
        Some(Ok(()))
    }
}

/// A field of an edge, with the fields that are selected on the node where it is that.
type EdgeField<'a> = (&'a Positioned<Field>, Option<Vec<&'a Positioned<Field>>>);

fn plain_edge<'a, E: RelayEdge>(ctx: &ContextSelectionSet<'a>) -> Option<Vec<EdgeField<'a>>> {
    let node_type = E::Node::type_name();
    let fields = plain_fields(ctx, &ctx.item.node.items, &E::type_name())?;
    let with_node = |field: &'a Positioned<Field>| match field.node.name.node.as_str() {
        "cursor" | "__typename" => Some((field, None)),
        "node" => {
            let of_node = plain_fields(ctx, &field.node.selection_set.node.items, &node_type)?;
            Some((field, Some(of_node)))
        }
        _ => None,
    };
    fields.into_iter().map(with_node).collect()
}

/// Whether all that is selected on the nodes has its value at once; what was fetched for one was for all.
fn has_all_at_hand<E: RelayEdge>(
    ctx: &ContextSelectionSet<'_>,
    edges: &[E],
    fields: &[EdgeField<'_>],
) -> bool {
    let Some(first) = edges.first().map(RelayEdge::node) else {
        return true;
    };
    let mut of_nodes = fields
        .iter()
        .filter_map(|(_, of_node)| of_node.as_ref())
        .flatten();
    of_nodes.all(|field| {
        let name = field.node.name.node.as_str();
        name == "__typename" || E::Node::is_at_hand(name) || first.is_fetched(&ctx.with_field(field))
    })
}

/// Fetches what is selected on these nodes, for all of them at once; nothing in a mutation, whose fields each read what the one
/// before has written.
async fn fetch_for_nodes<N: AtHand>(ctx: &ContextSelectionSet<'_>, nodes: &[&N], fields: &[EdgeField<'_>]) {
    if ctx.query_env.operation.node.ty == OperationType::Mutation {
        return;
    }
    for (_, of_node) in fields {
        for field in of_node.as_deref().unwrap_or_default() {
            let ctx = ctx.with_field(field);
            if let Some(fetching) = N::fetch(nodes, &ctx) {
                fetching.await;
            }
        }
    }
}

/// Fetches what is selected on the nodes of a connection `C` that is the value of the field of `ctx`: these nodes, of all the pages
/// that many objects have there.
pub async fn fetch_for_pages<C: OutputType, E: RelayEdge>(ctx: &Context<'_>, nodes: &[&E::Node]) {
    let ctx = ctx.with_selection_set(&ctx.item.node.selection_set);
    let of_connection = plain_fields(&ctx, &ctx.item.node.items, &C::type_name());
    for field in of_connection.unwrap_or_default() {
        if field.node.name.node != "edges" {
            continue;
        }
        let ctx = ctx.with_field(field);
        let ctx = ctx.with_selection_set(&field.node.selection_set);
        if let Some(fields) = plain_edge::<E>(&ctx) {
            fetch_for_nodes(&ctx, nodes, &fields).await;
        }
    }
}

/// An edge, with a comma before it, whose node has all its fields at once; false where it has not, and then nothing is written.
fn push_edge<E: RelayEdge>(
    ctx: &ContextSelectionSet<'_>,
    edge: &E,
    fields: &[EdgeField<'_>],
    text: &mut Vec<u8>,
) -> bool {
    let before = text.len();
    text.push(b',');
    for (field, of_node) in fields {
        let Some(of_node) = of_node else {
            push_edge_leaf(ctx, edge, field, text);
            continue;
        };
        push_key(field, text);
        let ctx = ctx.with_field(field);
        let ctx = ctx.with_selection_set(&field.node.selection_set);
        if !push_object(&ctx, edge.node(), of_node, text) {
            text.truncate(before);
            return false;
        }
    }
    // A selection has at least one field, and each of an edge's has a value: its comma makes room for the brace.
    text[before + 1] = b'{';
    text.push(b'}');
    true
}

/// The cursor or the type's name: other fields of an edge are left to the library (`plain_edge`).
fn push_edge_leaf<E: RelayEdge>(
    ctx: &ContextSelectionSet<'_>,
    edge: &E,
    field: &Positioned<Field>,
    text: &mut Vec<u8>,
) {
    if field.node.name.node == "__typename" {
        return push_type_name(edge, field, text);
    }
    push_key(field, text);
    write_json(&Value::String(edge.cursor().encoded(CursorOwner::of(ctx))), text);
}

/// The list as JSON.
async fn text_of_edges<E: RelayEdge>(
    ctx: &ContextSelectionSet<'_>,
    edges: &[E],
    fields: &[EdgeField<'_>],
) -> Vec<u8> {
    let resolve = async |place, edge| {
        let ctx = ctx.with_index(place);
        text_of_edge(&ctx, edge, fields).await
    };
    let nodes: Vec<_> = edges.iter().map(RelayEdge::node).collect();
    fetch_for_nodes(ctx, &nodes, fields).await;
    let mut members = Members::with_capacity(256 * edges.len());
    let mut waiting = Vec::new();
    let mut room = None;
    let mut at_hand = has_all_at_hand(ctx, edges, fields);
    for (place, edge) in edges.iter().enumerate() {
        // If one must wait after all, it does so for what the others need as well.
        at_hand = at_hand && push_edge(&ctx.with_index(place), edge, fields, &mut members.text);
        if at_hand {
            continue;
        }
        let mut running = pin_in(room.take(), resolve(place, edge));
        if let Poll::Ready(text) = poll!(running.as_mut()) {
            members.text.push(b',');
            members.text.extend_from_slice(&text);
            room = Some(running);
        } else {
            waiting.push((members.leave_room(), running));
        }
    }
    wait_for_all(waiting, |place, text| {
        let member = &mut members.late[place].1;
        member.reserve_exact(text.len() + 1);
        member.push(b',');
        member.extend_from_slice(&text);
    })
    .await;
    members.between(b'[', b']').unwrap_or_else(|| b"[]".to_vec())
}

async fn text_of_edge<E: RelayEdge>(
    ctx: &ContextSelectionSet<'_>,
    edge: &E,
    fields: &[EdgeField<'_>],
) -> Vec<u8> {
    let mut text = Vec::new();
    for (field, of_node) in fields {
        let Some(of_node) = of_node else {
            push_edge_leaf(ctx, edge, field, &mut text);
            continue;
        };
        let ctx = ctx.with_field(field);
        let ctx = ctx.with_selection_set(&field.node.selection_set);
        let node = text_of_fields(&ctx, edge.node(), of_node).await;
        push_key(field, &mut text);
        text.extend_from_slice(node.as_deref().unwrap_or(b"null"));
    }
    // A selection has at least one field, and each of an edge's has a value.
    text[0] = b'{';
    text.push(b'}');
    text
}
