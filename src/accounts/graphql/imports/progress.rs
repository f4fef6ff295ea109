//! Following an import.

use std::sync::Arc;

use async_graphql::{Context, Error, ErrorExtensions as _, ID, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt as _};

use super::AccountImport;
use crate::{
    accounts::import::{ProgressEnd, follow_import},
    platform::{
        error_code::ErrorCode,
        gql::{Cursor, OnHeap, OpScope, ScopeExt as _, bad_input, not_found, op_error, parse_id},
        ids::IdKind,
    },
};

/// How far an import is.
#[derive(SimpleObject)]
pub struct ImportProgress {
    /// Resume `after` this.
    cursor: Cursor,
    /// The import as it is now; null when it is forgotten.
    import: Option<AccountImport>,
}

/// Live events of imports.
#[derive(Default)]
pub struct ImportSubscriptions;

#[Subscription]
impl ImportSubscriptions {
    /// How far an import is: once at the beginning, then whenever it has changed, and last when it has ended. With `after`
    /// only what changed since. Changes that come close together are told once.
    async fn import_progress<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        #[graphql(desc = "`imp_…`")] import_id: ID,
        #[graphql(desc = "Resume after this cursor; from the present state on when left out.")] after: Option<
            Cursor,
        >,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<OnHeap<ImportProgress>>> + use<'ctx>>
    {
        let id = parse_id(IdKind::Import, "importId", &import_id)?;
        let after = after
            .map(|cursor| {
                let position = cursor.position();
                position
                    .ok_or_else(|| bad_input("after: not a cursor of the live feed. Take it from an event."))
            })
            .transpose()?;
        ctx.scope()?;
        let scope = ctx.data::<Arc<OpScope>>()?.clone();
        let positions = Box::pin(follow_import(scope.db(), scope.ctx(), id, after))
            .await
            .map_err(end)?;
        let ctx = ctx.clone();
        Ok(positions.then(move |position| {
            let (scope, ctx) = (scope.clone(), ctx.clone());
            Box::pin(async move {
                let position = position.map_err(end)?;
                // Each payload reads a snapshot of its own.
                scope.close().await.map_err(|error| op_error(error.into()))?;
                Ok(OnHeap(ImportProgress {
                    cursor: Cursor::of(position),
                    import: AccountImport::load(&ctx, id).await?,
                }))
            })
        }))
    }
}

/// Why following ends, for the subscriber.
fn end(end: ProgressEnd) -> Error {
    match end {
        ProgressEnd::CursorExpired => Error::new(
            "Events after this cursor are no longer kept (72 hours). Look at the import and subscribe anew.",
        )
        .extend_with(|_, extensions| extensions.set("code", ErrorCode::CursorExpired.as_str())),
        ProgressEnd::CursorAhead => bad_input("after: this cursor is not of your business's feed."),
        ProgressEnd::NotFound => not_found("import"),
        ProgressEnd::Failed(error) => op_error(error),
    }
}
