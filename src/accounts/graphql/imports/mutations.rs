//! Mutations of imports.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::AccountImport;
use crate::{
    accounts::import::{
        AccountImportField, AccountImportMode, AccountImportTemplate, AccountImports, Choice, Preview,
        Source, cancel_import, commit_import,
    },
    platform::{
        error::OpError,
        gql::{Done, Outcome, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::IdKind,
    },
};

/// What a column becomes.
#[derive(Clone, Debug, InputObject)]
pub struct AccountImportColumnInput {
    /// The column's name in the file's first row; case does not matter.
    column: String,
    /// What it becomes.
    field: AccountImportField,
    /// For CUSTOM: under which name; the column's own when left out.
    custom_field: Option<String>,
}

/// A file to import.
#[derive(Debug, InputObject)]
pub struct PreviewAccountImportInput {
    /// A CSV file that you uploaded with purpose ACCOUNT_IMPORT (`file_…`): UTF-8, at most 100,000 rows and 200 columns.
    upload_id: ID,
    /// What columns become (at most 200); those that are not named become what is suggested.
    #[graphql(default)]
    mapping: Vec<AccountImportColumnInput>,
    /// Which columns are required; recognised by the columns when left out.
    template: Option<AccountImportTemplate>,
}

/// Another mapping of an import.
#[derive(Debug, InputObject)]
pub struct RemapAccountImportInput {
    /// An import that is not committed.
    import_id: ID,
    /// What columns become (at most 200); those that are not named stay what they were.
    #[graphql(default)]
    mapping: Vec<AccountImportColumnInput>,
    /// Which columns are required; recognised by the columns when left out.
    template: Option<AccountImportTemplate>,
}

/// An import to be committed.
#[derive(Debug, InputObject)]
pub struct CommitAccountImportInput {
    /// An import whose status is READY.
    import_id: ID,
    /// Which rows become accounts.
    mode: AccountImportMode,
}

/// An import to be stopped.
#[derive(Debug, InputObject)]
pub struct CancelAccountImportInput {
    /// An import that has not ended.
    import_id: ID,
}

/// What previewAccountImport answers.
#[derive(SimpleObject)]
pub struct PreviewAccountImportPayload {
    /// The import; null when there are user errors.
    import: Option<AccountImport>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What remapAccountImport answers.
#[derive(SimpleObject)]
pub struct RemapAccountImportPayload {
    /// The import; null when there are user errors.
    import: Option<AccountImport>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What commitAccountImport answers.
#[derive(SimpleObject)]
pub struct CommitAccountImportPayload {
    /// The import; null when there are user errors.
    import: Option<AccountImport>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What cancelAccountImport answers.
#[derive(SimpleObject)]
pub struct CancelAccountImportPayload {
    /// The import; null when there are user errors.
    import: Option<AccountImport>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Most columns that one mapping names.
const MOST_CHOICES: usize = 200;

/// Mutations of imports.
#[derive(Default)]
pub struct ImportMutations;

#[Object]
impl ImportMutations {
    /// Begins an import: recognises the columns at once, then looks at every row in the background. Nothing becomes an
    /// account yet. Follow it with importProgress; change the mapping with remapAccountImport; once it is READY, commit it.
    async fn preview_account_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which file, and what its columns become.")] input: PreviewAccountImportInput,
    ) -> async_graphql::Result<PreviewAccountImportPayload> {
        let imports = ctx.data::<AccountImports>()?;
        let source = match upload(ctx, imports, &input.upload_id).await {
            Ok(source) => source,
            Err(OpError::User(user_errors)) => {
                return Ok(PreviewAccountImportPayload {
                    import: None,
                    user_errors,
                });
            }
            Err(other) => return Err(op_error(other)),
        };
        let outcome = mutate(ctx, async |tx, _| {
            let preview = preview(source, input.mapping, input.template)?;
            Ok(Done::from(imports.preview(tx, preview).await?))
        })
        .await?;
        let (import, user_errors) = payload(ctx, outcome).await?;
        Ok(PreviewAccountImportPayload { import, user_errors })
    }

    /// Changes what the columns of an import become, and looks at every row anew.
    async fn remap_account_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import, and what its columns become.")] input: RemapAccountImportInput,
    ) -> async_graphql::Result<RemapAccountImportPayload> {
        let imports = ctx.data::<AccountImports>()?;
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Import, "importId", &input.import_id)?;
            let preview = preview(Source::Import(id), input.mapping, input.template)?;
            Ok(Done::from(imports.preview(tx, preview).await?))
        })
        .await?;
        let (import, user_errors) = payload(ctx, outcome).await?;
        Ok(RemapAccountImportPayload { import, user_errors })
    }

    /// Turns the rows of an import into accounts, in the background. It goes on by itself after a crash.
    async fn commit_account_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import, and which of its rows.")] input: CommitAccountImportInput,
    ) -> async_graphql::Result<CommitAccountImportPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Import, "importId", &input.import_id)?;
            commit_import(tx, id, input.mode).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (import, user_errors) = payload(ctx, outcome).await?;
        Ok(CommitAccountImportPayload { import, user_errors })
    }

    /// Stops an import. What became an account already stays; of all or nothing, nothing has.
    async fn cancel_account_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which import.")] input: CancelAccountImportInput,
    ) -> async_graphql::Result<CancelAccountImportPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Import, "importId", &input.import_id)?;
            cancel_import(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (import, user_errors) = payload(ctx, outcome).await?;
        Ok(CancelAccountImportPayload { import, user_errors })
    }
}

/// Reads the beginning of the file before any transaction is open.
async fn upload(ctx: &Context<'_>, imports: &AccountImports, id: &ID) -> Result<Source, OpError> {
    let file = input_id(IdKind::File, "uploadId", id)?;
    let scope = ctx
        .scope()
        .map_err(|_| OpError::Forbidden("sign in first".to_owned()))?;
    Ok(Source::Upload {
        file,
        head: imports.head(scope.ctx(), file).await?,
    })
}

fn preview(
    source: Source,
    mapping: Vec<AccountImportColumnInput>,
    template: Option<AccountImportTemplate>,
) -> Result<Preview, OpError> {
    if mapping.len() > MOST_CHOICES {
        return Err(UserError::invalid("mapping", "A file has at most 200 columns.").into());
    }
    let mapping = mapping.into_iter().map(|choice| Choice {
        column: choice.column,
        field: choice.field,
        custom: choice.custom_field,
    });
    Ok(Preview {
        source,
        mapping: mapping.collect(),
        template,
    })
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<AccountImport>, Vec<UserError>)> {
    let import = match outcome.object {
        Some(id) => AccountImport::load(ctx, id).await?,
        None => None,
    };
    Ok((import, outcome.user_errors))
}
