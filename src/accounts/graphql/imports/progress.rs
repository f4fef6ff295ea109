//! Following an import.

use async_graphql::{ComplexObject, Context, Error, ErrorExtensions as _, ID, SimpleObject, Subscription};

use super::AccountImport;
use crate::{
    accounts::import::{ProgressEnd, follow_import},
    identity::{NotificationKind, graphql::notifies},
    platform::{
        error_code::ErrorCode,
        gql::{
            Cursor, Payloads, ScopeExt as _, bad_input, not_found, op_error, opened, parse_id, payload,
            source_event,
        },
        ids::IdKind,
    },
};

/// How far an import is.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ImportProgress {
    /// Resume `after` this.
    cursor: Cursor,
    /// The import as it is now; null when it is forgotten.
    import: Option<AccountImport>,
}

/// How far an import is.
#[ComplexObject]
impl ImportProgress {
    /// Whether to draw your attention to it: it has ended by itself, it was you who began it, and you want to hear of that
    /// (`IMPORT_FINISHED`).
    async fn notify(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let viewer = ctx.scope()?.ctx().user_id();
        let is_theirs = self
            .import
            .as_ref()
            .is_some_and(|import| import.is_over_of(viewer));
        notifies(ctx, NotificationKind::ImportFinished, is_theirs).await
    }
}

/// Live events of imports.
#[derive(Default)]
pub struct ImportSubscriptions;

#[Subscription]
impl ImportSubscriptions {
    /// How far an import is: once at the beginning, then whenever it has changed, and last when it has ended. With `after`
    /// only what changed since. Changes that come close together are told once.
    async fn import_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`imp_…`")] import_id: ID,
        #[graphql(desc = "Resume after this cursor; from the present state on when left out.")] after: Option<
            Cursor,
        >,
    ) -> async_graphql::Result<Payloads<ImportProgress>> {
        let id = parse_id(IdKind::Import, "importId", &import_id)?;
        if let Some(position) = source_event::<Result<i64, ProgressEnd>>(ctx)? {
            return Ok(payload(Some(ImportProgress {
                cursor: Cursor::of(position.map_err(end)?),
                import: AccountImport::load(ctx, id).await?,
            })));
        }
        let after = after
            .map(|cursor| {
                let position = cursor.position();
                position
                    .ok_or_else(|| bad_input("after: not a cursor of the live feed. Take it from an event."))
            })
            .transpose()?;
        let scope = ctx.scope()?;
        let positions = follow_import(scope.db(), scope.ctx(), id, after)
            .await
            .map_err(end)?;
        opened(ctx, positions)
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
