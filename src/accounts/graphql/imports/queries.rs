//! Queries about imports.

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::{AccountImport, types::AccountImportConnection};
use crate::{
    accounts::import::{AccountImportTemplate, newest_imports},
    platform::{
        gql::{EdgeCursor, PageArgs, ScopeExt as _, not_found, op_error, parse_id},
        ids::IdKind,
    },
};

/// Queries about imports.
#[derive(Default)]
pub struct ImportQueries;

#[Object]
impl ImportQueries {
    /// One import; null with a NOT_FOUND error when there is none.
    async fn account_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`imp_…`")] id: ID,
    ) -> async_graphql::Result<Option<AccountImport>> {
        let id = parse_id(IdKind::Import, "id", &id)?;
        let import = AccountImport::load(ctx, id).await?;
        import.map(Some).ok_or_else(|| not_found("import"))
    }

    /// Your business's imports of the last 90 days, newest first.
    async fn account_imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AccountImportConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let page = args.check(ctx)?;
        let past = page.key::<Uuid>("imports")?;
        let rows = newest_imports(&mut *ctx.snapshot().await?, past, page.fetch())
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| (EdgeCursor::of("imports", row.id), AccountImport::new(row)))
            .collect();
        Ok(AccountImportConnection::from_rows(&page, rows))
    }

    /// A CSV file to fill in and import, with one row as an example.
    async fn account_import_template(
        &self,
        #[graphql(desc = "For which kind of import.")] template: AccountImportTemplate,
    ) -> &'static str {
        template.file()
    }
}
