//! Fields whose value an object has at hand, written without a task or a place on the heap to wait in. Most fields of a list
//! are of this kind, and the machinery to wait for them, and the values that the library would make of theirs, cost more than
//! they do.

use async_graphql::{ContainerType, Context, ID, OutputType, ServerResult, Value};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt as _, future::BoxFuture};

use super::{Date, InPlace, MoneyValue, in_place::write_object, write_json};

/// An object that knows which of its fields have their value at once. The default knows none: then each is resolved as the library
/// does.
pub trait AtHand: ContainerType {
    /// Whether a field is one of these.
    fn is_at_hand(_field: &str) -> bool {
        false
    }

    /// Fetches what the field of `ctx` needs, for all of these objects and all that is selected below them, in one statement a
    /// level; `None` for a field that is not fetched so. What cannot be fetched is left to each object's resolver, which meets
    /// what was in the way.
    fn fetch<'a>(_objects: &'a [&'a Self], _ctx: &'a Context<'a>) -> Option<BoxFuture<'a, ()>> {
        None
    }

    /// Whether what the field of `ctx` needs was fetched.
    fn is_fetched(&self, _ctx: &Context<'_>) -> bool {
        false
    }

    /// Writes the value of the field of `ctx` as JSON, if it is one of these or was fetched. Where it fails nothing counts that
    /// was written.
    fn at_hand(&self, _ctx: &Context<'_>, _out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        None
    }
}

/// Lists the fields of an object that hardly ever wait, with their resolvers in its `#[Object]`. One that waits after
/// all is resolved as the others, from its beginning: not for fields that ask a `Batch`, which would be asked twice. Those
/// stand under `fetched`, with what fetches for many objects at once, and what has the field's value where that was done.
#[macro_export]
macro_rules! fields_at_hand {
    ($object:ty { $($field:literal => $resolver:ident),* $(,)? }
        $(fetched { $($late:literal => ($fetch:ident, $fetched:ident)),* $(,)? })?) => {
        impl $crate::platform::gql::AtHand for $object {
            fn is_at_hand(field: &str) -> bool {
                [$($field),*].contains(&field)
            }

            $(
            fn fetch<'a>(
                objects: &'a [&'a Self],
                ctx: &'a ::async_graphql::Context<'a>,
            ) -> Option<::futures_util::future::BoxFuture<'a, ()>> {
                match ctx.item.node.name.node.as_str() {
                    $($late => Some(Box::pin(Self::$fetch(objects, ctx))),)*
                    _ => None,
                }
            }

            fn is_fetched(&self, ctx: &::async_graphql::Context<'_>) -> bool {
                match ctx.item.node.name.node.as_str() {
                    $($late => self.$fetched(ctx).is_some(),)*
                    _ => false,
                }
            }
            )?

            fn at_hand(
                &self,
                ctx: &::async_graphql::Context<'_>,
                out: &mut Vec<u8>,
            ) -> Option<::async_graphql::ServerResult<()>> {
                match ctx.item.node.name.node.as_str() {
                    $($field => $crate::platform::gql::write_at_once(ctx, self.$resolver(ctx), out),)*
                    $($($late => $crate::platform::gql::WriteValue::write_value(&self.$fetched(ctx)?, ctx, out),)*)?
                    _ => None,
                }
            }
        }
    };
}

/// Writes what a resolver answers, if it answers at once.
pub fn write_at_once<T: WriteValue>(
    ctx: &Context<'_>,
    resolver: impl Future<Output = async_graphql::Result<T>>,
    out: &mut Vec<u8>,
) -> Option<ServerResult<()>> {
    match resolver.now_or_never()? {
        Ok(value) => value.write_value(ctx, out),
        Err(error) => Some(Err(ctx.set_error_path(error.into_server_error(ctx.item.pos)))),
    }
}

/// What a field at hand may answer.
pub trait WriteValue: OutputType {
    /// Writes it as the library would answer it; `None` where that takes time. The default asks the library.
    fn write_value(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        let ctx_of_value = ctx.with_selection_set(&ctx.item.node.selection_set);
        let value = self.resolve(&ctx_of_value, ctx.item).now_or_never()?;
        Some(value.map(|value| write_json(&value, out)))
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
    serde_json::to_writer(out, text).expect("a string in memory always serializes");
    Some(Ok(()))
}

impl WriteValue for &str {
    fn write_value(&self, _: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        write_text(self, out)
    }
}

impl WriteValue for String {
    fn write_value(&self, _: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        write_text(self, out)
    }
}

impl WriteValue for ID {
    fn write_value(&self, _: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        write_text(self, out)
    }
}

impl<T: WriteValue> WriteValue for Option<T> {
    fn write_value(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        match self {
            Some(value) => value.write_value(ctx, out),
            None => {
                write_json(&Value::Null, out);
                Some(Ok(()))
            }
        }
    }
}

impl WriteValue for MoneyValue {
    fn write_value(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        write_object(self, ctx, out)
    }
}

impl<T: AtHand> WriteValue for InPlace<T> {
    fn write_value(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        write_object(&self.0, ctx, out)
    }
}

impl WriteValue for Date {}
impl WriteValue for DateTime<Utc> {}
impl WriteValue for bool {}
impl WriteValue for i32 {}

/// Lets an enum be the value of a field at hand: written as its name (specification, section 6.4.3).
#[macro_export]
macro_rules! write_names_of {
    ($($name:ty),* $(,)?) => {
        $(impl $crate::platform::gql::WriteValue for $name {
            fn write_value(
                &self,
                _: &::async_graphql::Context<'_>,
                out: &mut Vec<u8>,
            ) -> Option<::async_graphql::ServerResult<()>> {
                $crate::platform::gql::write_name(*self, out);
                Some(Ok(()))
            }
        })*
    };
}

/// Writes an enum's value. Its name is of letters, digits and underscores (specification, section 2.1.9): nothing to escape.
pub fn write_name<T: async_graphql::resolver_utils::EnumType>(value: T, out: &mut Vec<u8>) {
    let item = T::items().iter().find(|item| item.value == value);
    out.push(b'"');
    out.extend_from_slice(item.map_or("", |item| item.name).as_bytes());
    out.push(b'"');
}
