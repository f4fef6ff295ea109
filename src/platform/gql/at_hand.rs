//! Fields whose value an object has at hand, resolved without a task or a place on the heap to wait in. Most fields of
//! a list are of this kind, and the machinery to wait for them costs more than they do.

use async_graphql::{ContainerType, Context, OutputType, ServerResult, Value};
use futures_util::FutureExt as _;

/// An object that knows which of its fields have their value at once. The default knows none: then each is resolved as the library
/// does.
pub trait AtHand: ContainerType {
    /// The value of the field of `ctx`, if it is one of these.
    fn at_hand(&self, _ctx: &Context<'_>) -> Option<ServerResult<Value>> {
        None
    }
}

/// Lists the fields of an object that hardly ever wait, with their resolvers in its `#[Object]`. One that waits after
/// all is resolved as the others, from its beginning: not for fields that ask a `Batch`, which would be asked twice.
#[macro_export]
macro_rules! fields_at_hand {
    ($object:ty { $($field:literal => $resolver:ident),* $(,)? }) => {
        impl $crate::platform::gql::AtHand for $object {
            fn at_hand(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> Option<::async_graphql::ServerResult<::async_graphql::Value>> {
                match ctx.item.node.name.node.as_str() {
                    $($field => $crate::platform::gql::resolve_at_once(ctx, self.$resolver(ctx)),)*
                    _ => None,
                }
            }
        }
    };
}

/// What a resolver answers, if it answers at once.
pub fn resolve_at_once<T: OutputType>(
    ctx: &Context<'_>,
    resolver: impl Future<Output = async_graphql::Result<T>>,
) -> Option<ServerResult<Value>> {
    let failed = |error: async_graphql::Error| ctx.set_error_path(error.into_server_error(ctx.item.pos));
    match resolver.now_or_never()?.map_err(failed) {
        Ok(value) => value
            .resolve(&ctx.with_selection_set(&ctx.item.node.selection_set), ctx.item)
            .now_or_never(),
        Err(error) => Some(Err(error)),
    }
}
