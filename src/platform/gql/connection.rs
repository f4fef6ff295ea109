//! Relay cursor connections over keyset pages (Relay Cursor Connections Specification).

use std::{borrow::Cow, sync::Arc};

use async_graphql::{
    Context, ContextBase, ContextSelectionSet, OutputType, Positioned, ServerResult, SimpleObject, Value,
    parser::types::Field, registry::Registry,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{AtHand, OpScope, WriteValue, errors::bad_input, in_place::write_object, write_json};

/// Where a page stands in its list.
#[derive(Clone, SimpleObject)]
// Serial: the fields are there at once and need no task each.
#[graphql(serial)]
pub struct PageInfo {
    /// Whether there is more after the last edge.
    pub has_next_page: bool,
    /// Whether there is more before the first edge.
    pub has_previous_page: bool,
    /// Cursor of the first edge; null on an empty page.
    pub start_cursor: Option<EdgeCursor>,
    /// Cursor of the last edge: ask for the next page with `after`.
    pub end_cursor: Option<EdgeCursor>,
}

impl AtHand for PageInfo {
    fn is_at_hand(_field: &str) -> bool {
        true
    }

    fn at_hand(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        match ctx.item.node.name.node.as_str() {
            "hasNextPage" => self.has_next_page.write_value(ctx, out),
            "hasPreviousPage" => self.has_previous_page.write_value(ctx, out),
            "startCursor" => self.start_cursor.write_value(ctx, out),
            "endCursor" => self.end_cursor.write_value(ctx, out),
            _ => None,
        }
    }
}

impl WriteValue for PageInfo {
    fn write_value(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        write_object(self, ctx, out)
    }
}

impl WriteValue for EdgeCursor {
    fn write_value(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        write_json(&Value::String(self.encoded(CursorOwner::of(ctx))), out);
        Some(Ok(()))
    }
}

/// Whose lists a cursor is of: a part of the business's id, which a cursor carries, so that one that was taken in another
/// business is refused rather than read as a place. Against mistakes only; row security keeps businesses apart.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct CursorOwner(u64);

impl CursorOwner {
    /// Of the business with this id.
    pub fn business(id: Uuid) -> Self {
        // The random half: ids that were made at one time begin alike.
        Self(id.as_u64_pair().1)
    }

    /// Of the caller's business; of none where the caller is in none, as the platform's staff.
    pub(super) fn of<T>(ctx: &ContextBase<'_, T>) -> Self {
        ctx.data_opt::<Arc<OpScope>>()
            .map(|scope| Self::business(scope.ctx().business_id()))
            .unwrap_or_default()
    }
}

/// The place of an item in its list: encoded when somebody asks for it, which few do for every item.
#[derive(Clone)]
pub struct EdgeCursor(Arc<dyn Fn(CursorOwner) -> String + Send + Sync>);

impl EdgeCursor {
    /// See [`keyset_cursor`].
    pub fn of<K>(list: impl Into<Cow<'static, str>>, key: K) -> Self
    where
        K: Serialize + Send + Sync + 'static,
    {
        let list = list.into();
        Self(Arc::new(move |owner| keyset_cursor(owner, &list, &key)))
    }

    /// As it is given out in this business.
    pub(super) fn encoded(&self, owner: CursorOwner) -> String {
        (self.0)(owner)
    }
}

impl OutputType for EdgeCursor {
    fn type_name() -> Cow<'static, str> {
        <String as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.encoded(CursorOwner::of(ctx))))
    }
}

/// Makes the connection and edge types of a node (each GraphQL object type needs a Rust type of its own).
#[macro_export]
macro_rules! relay_connection {
    ($node:ty, $connection:ident, $edge:ident) => {
        /// One item with its place in the list.
        #[derive(Clone, ::async_graphql::SimpleObject)]
        pub struct $edge {
            /// Opaque place of this item: pass it as `after` or `before`.
            pub cursor: $crate::platform::gql::EdgeCursor,
            /// The item.
            pub node: $crate::platform::gql::InPlace<$node>,
        }

        impl $crate::platform::gql::RelayEdge for $edge {
            type Node = $node;

            fn cursor(&self) -> &$crate::platform::gql::EdgeCursor {
                &self.cursor
            }

            fn node(&self) -> &$node {
                &self.node.0
            }
        }

        /// A page of a list.
        #[derive(Clone, ::async_graphql::SimpleObject)]
        // Serial: only the edges have to wait.
        #[graphql(serial)]
        pub struct $connection {
            /// The items with their cursors, in the list's order.
            pub edges: $crate::platform::gql::Edges<$edge>,
            /// Where this page stands.
            pub page_info: $crate::platform::gql::PageInfo,
            /// How many items the whole list has, counted only when asked for and only up to 10,000 (which then
            /// means "at least"); null where the list does not count, or would have to look through too much for it.
            pub total_count: Option<i32>,
        }

        impl $crate::platform::gql::AtHand for $connection {
            fn is_at_hand(field: &str) -> bool {
                ["pageInfo", "totalCount"].contains(&field)
            }

            fn at_hand(
                &self,
                ctx: &::async_graphql::Context<'_>,
                out: &mut Vec<u8>,
            ) -> Option<::async_graphql::ServerResult<()>> {
                use $crate::platform::gql::WriteValue as _;
                match ctx.item.node.name.node.as_str() {
                    "edges" => self.edges.write_value(ctx, out),
                    "pageInfo" => self.page_info.write_value(ctx, out),
                    "totalCount" => self.total_count.write_value(ctx, out),
                    _ => None,
                }
            }
        }

        impl $connection {
            /// Makes a page of rows that were read in reading direction, with at most one row too many.
            pub fn from_rows(
                request: &$crate::platform::gql::PageRequest,
                rows: Vec<($crate::platform::gql::EdgeCursor, $node)>,
            ) -> Self {
                let (rows, page_info) = request.cut(rows);
                let edges = rows
                    .into_iter()
                    .map(|(cursor, node)| $edge {
                        cursor,
                        node: $crate::platform::gql::InPlace(node),
                    })
                    .collect();
                Self {
                    edges: $crate::platform::gql::Edges(edges),
                    page_info,
                    total_count: None,
                }
            }
        }
    };
}

/// The most items that one page may have; data of the schema.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit(pub i32);

impl Default for PageLimit {
    fn default() -> Self {
        Self(100)
    }
}

/// `first`/`after` or `last`/`before`, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PageArgs {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

/// A checked page: how many rows, from which end, past which key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// 1 to the page limit.
    pub limit: i64,
    /// From the end of the list (`last`).
    pub backward: bool,
    /// The cursor past which to read, still encoded.
    pub past: Option<String>,
    /// Whose lists it has to be of.
    pub owner: CursorOwner,
}

impl PageArgs {
    /// As they stand at the field of `ctx`; `None` where they are not of their types.
    pub fn of(ctx: &Context<'_>) -> Option<Self> {
        let mut args = Self::default();
        for (name, value) in ctx.field().arguments().ok()? {
            let (count, place) = match name.as_str() {
                "first" => (Some(&mut args.first), None),
                "last" => (Some(&mut args.last), None),
                "after" => (None, Some(&mut args.after)),
                "before" => (None, Some(&mut args.before)),
                _ => continue,
            };
            match (value, count, place) {
                (Value::Null, _, _) => {}
                (Value::Number(number), Some(count), _) => *count = Some(number.as_i64()?.try_into().ok()?),
                (Value::String(text), _, Some(place)) => *place = Some(text),
                _ => return None,
            }
        }
        Some(args)
    }

    /// Checks the arguments against the setting MAX_PAGE_SIZE.
    ///
    /// # Errors
    /// BAD_USER_INPUT when neither or both of `first` and `last` are given, or one is out of bounds.
    pub fn check(self, ctx: &Context<'_>) -> async_graphql::Result<PageRequest> {
        let PageLimit(max) = ctx.data_opt().copied().unwrap_or_default();
        let (count, name, backward, past) = match (self.first, self.last) {
            (Some(first), None) => (first, "first", false, self.after),
            (None, Some(last)) => (last, "last", true, self.before),
            (None, None) => return Err(bad_input("Say how many: pass `first` or `last`.")),
            (Some(_), Some(_)) => return Err(bad_input("Pass `first` or `last`, not both.")),
        };
        if !(1..=max).contains(&count) {
            return Err(bad_input(format!(
                "`{name}` must be between 1 and {max}, not {count}."
            )));
        }
        Ok(PageRequest {
            limit: i64::from(count),
            backward,
            past,
            owner: CursorOwner::of(ctx),
        })
    }
}

impl PageRequest {
    /// The only row, where a list's statement looks one object up.
    pub fn one() -> Self {
        Self {
            limit: 1,
            backward: false,
            past: None,
            owner: CursorOwner::default(),
        }
    }

    /// Reads the cursor as the list's key.
    ///
    /// # Errors
    /// BAD_USER_INPUT when it is no cursor of this list in the caller's business.
    pub fn key<K: DeserializeOwned>(&self, list: &str) -> async_graphql::Result<Option<K>> {
        self.past
            .as_deref()
            .map(|text| {
                let argument = if self.backward { "before" } else { "after" };
                read_keyset_cursor(self.owner, list, argument, text)
            })
            .transpose()
    }

    /// How many rows to ask the database for: one more than the page tells whether there is a next one.
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }
}

impl PageRequest {
    /// Cuts the row too many off, puts the page into the list's order, and says where it stands.
    pub fn cut<T>(&self, mut rows: Vec<(EdgeCursor, T)>) -> (Vec<(EdgeCursor, T)>, PageInfo) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if self.backward {
            rows.reverse();
        }
        let came_from = self.past.is_some();
        let mut page_info = PageInfo {
            has_next_page: came_from,
            has_previous_page: came_from,
            start_cursor: rows.first().map(|(cursor, _)| cursor.clone()),
            end_cursor: rows.last().map(|(cursor, _)| cursor.clone()),
        };
        page_info.goes_on(self, more);
        (rows, page_info)
    }
}

impl PageInfo {
    /// Whether there is more in the direction in which the page was read, where that is not known by a row too many.
    pub fn goes_on(&mut self, request: &PageRequest, has_more: bool) {
        if request.backward {
            self.has_previous_page = has_more;
        } else {
            self.has_next_page = has_more;
        }
    }
}

/// An opaque cursor over a list's key. `owner` keeps the cursors of different businesses apart, `list` those of different lists
/// and orders.
pub fn keyset_cursor<K: Serialize>(owner: CursorOwner, list: &str, key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(owner, list, key)).unwrap_or_default())
}

/// The reverse of [`keyset_cursor`].
///
/// # Errors
/// BAD_USER_INPUT names the argument when the text is no cursor of `list`, or one of another business.
pub fn read_keyset_cursor<K: DeserializeOwned>(
    owner: CursorOwner,
    list: &str,
    argument: &str,
    text: &str,
) -> async_graphql::Result<K> {
    let unreadable = || {
        bad_input(format!(
            "{argument}: that cursor is not of this list. Take it from `pageInfo` of the same query."
        ))
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
    // A forged cursor could smuggle the one character in that the database cannot hold.
    if bytes.windows(6).any(|part| part == b"\\u0000") {
        return Err(unreadable());
    }
    let (whose, found, key): (CursorOwner, String, K) =
        serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
    if whose == owner && found == list {
        Ok(key)
    } else {
        Err(unreadable())
    }
}
