//! The edges of a page, written as JSON: which fields are selected is found out once for all of them, and edges whose nodes have
//! all their fields at once need no place to wait in.

use std::{borrow::Cow, task::Poll};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry,
};
use futures_util::poll;

use super::{
    AtHand, EdgeCursor,
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

/// Whether all that is selected on the nodes has its value at once.
fn has_all_at_hand<N: AtHand>(fields: &[EdgeField<'_>]) -> bool {
    let mut of_nodes = fields
        .iter()
        .filter_map(|(_, of_node)| of_node.as_ref())
        .flatten();
    of_nodes.all(|field| {
        let name = field.node.name.node.as_str();
        name == "__typename" || N::is_at_hand(name)
    })
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
            push_edge_leaf(edge, field, text);
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
fn push_edge_leaf<E: RelayEdge>(edge: &E, field: &Positioned<Field>, text: &mut Vec<u8>) {
    if field.node.name.node == "__typename" {
        return push_type_name(edge, field, text);
    }
    push_key(field, text);
    write_json(&Value::String(edge.cursor().encoded()), text);
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
    let mut members = Members::with_capacity(256 * edges.len());
    let mut waiting = Vec::new();
    let mut room = None;
    let mut at_hand = has_all_at_hand::<E::Node>(fields);
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
            push_edge_leaf(edge, field, &mut text);
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
