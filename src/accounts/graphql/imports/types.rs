//! An import and what hangs on it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::import::{
        AccountImportField, AccountImportMode, AccountImportStatus, AccountImportTemplate, Column,
        FindingRow, ImportFindingCode, ImportRow, findings_past, imports_by_ids, missing, open_columns,
    },
    files::Files,
    identity::graphql::User,
    platform::{
        gql::{AtHand, EdgeCursor, PageArgs, ScopeExt as _, op_error},
        ids::{self, IdKind},
    },
};

/// A file of accounts on its way in: looked at, then committed.
#[derive(Clone)]
pub struct AccountImport {
    row: Arc<ImportRow>,
}

crate::relay_connection!(AccountImport, AccountImportConnection, AccountImportEdge);
crate::relay_connection!(
    AccountImportFinding,
    AccountImportFindingConnection,
    AccountImportFindingEdge
);

impl AtHand for AccountImport {}
impl AtHand for AccountImportFinding {}

/// A column of the file.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccountImportColumn {
    /// Its name in the file's first row.
    name: String,
    /// Its first cells that are not empty (at most three), national ids masked but for their last digits; none once the
    /// import has ended.
    samples: Vec<String>,
    /// What its name suggests that it becomes.
    suggested_field: AccountImportField,
    /// What it becomes.
    field: AccountImportField,
    /// Under which name, if it becomes a field of your own.
    custom_field: Option<String>,
}

/// How many rows are what.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccountImportCounts {
    /// Rows that can be imported, those that are `suppressed` among them.
    valid: i32,
    /// Rows with something to correct.
    invalid: i32,
    /// Rows that repeat an earlier one of the file.
    duplicate_in_file: i32,
    /// Rows that your business has already.
    duplicate_in_business: i32,
    /// Rows with a phone number or address on the suppression list: they are imported, nobody is contacted there.
    suppressed: i32,
}

/// How far the commit is.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccountImportResult {
    /// Rows that were gone through, of `totalRows`.
    processed: i32,
    /// Rows that became accounts; of all or nothing, 0 until all of them are there.
    imported: i32,
    /// Rows that were valid in the preview and were not imported: see their findings.
    skipped: i32,
}

/// Why an import ended without success.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccountImportFailure {
    /// A word for it, such as `ENCODING` or `CHANGED_SINCE_PREVIEW`.
    code: String,
    /// What to do about it.
    message: String,
}

/// Something to be said of a row.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccountImportFinding {
    /// The row as a spreadsheet counts: the names of the columns are row 1. Empty lines are not counted.
    row: i32,
    /// The column that it is about; null where it is about the row.
    column: Option<String>,
    /// What it is.
    code: ImportFindingCode,
    /// Whether the row is not imported because of it.
    blocking: bool,
    /// What to do about it; never repeats what the row holds.
    message: String,
}

impl AccountImport {
    pub(super) fn new(row: ImportRow) -> Self {
        Self { row: Arc::new(row) }
    }

    /// Looks an import up; `None` when it is not the business's.
    ///
    /// # Errors
    /// Internal ones only.
    pub(crate) async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let mut rows = imports_by_ids(&mut *ctx.snapshot().await?, &[id])
            .await
            .map_err(|error| op_error(error.into()))?;
        Ok(rows.pop().map(Self::new))
    }

    /// Whether it was this member who began it, and it came to an end by itself.
    pub(super) fn is_over_of(&self, user: Option<Uuid>) -> bool {
        user.is_some() && self.row.created_by == user && self.row.status().is_over()
    }

    async fn opened_columns(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Column>> {
        let keys = ctx.scope()?.keys().await.map_err(op_error)?;
        open_columns(&keys, &self.row).map_err(op_error)
    }
}

/// A file of accounts on its way in: looked at, then committed.
#[Object]
impl AccountImport {
    /// The import's id (`imp_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Import, self.row.id).into()
    }

    /// Where it stands.
    async fn status(&self) -> AccountImportStatus {
        self.row.status()
    }

    /// Which columns the file must have.
    async fn template(&self) -> AccountImportTemplate {
        self.row.template()
    }

    /// Which rows become accounts; null until it is committed.
    async fn mode(&self) -> Option<AccountImportMode> {
        self.row.mode.as_deref().map(AccountImportMode::parse)
    }

    /// The file's columns (at most 200) and what becomes of them.
    async fn columns(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<AccountImportColumn>> {
        let ended = self.row.status().has_ended();
        let mut columns = self.opened_columns(ctx).await?;
        for column in columns.iter_mut().filter(|_| ended) {
            column.samples.clear();
        }
        // Of people in the file who are not debtors yet, but people: who looked at them is written down.
        if ctx.look_ahead().field("samples").exists()
            && columns.iter().any(|column| !column.samples.is_empty())
        {
            ctx.scope()?.saw_strangers();
        }
        Ok(columns
            .into_iter()
            .map(|column| AccountImportColumn {
                name: column.name,
                samples: column.samples,
                suggested_field: column.suggested,
                field: column.field,
                custom_field: column.custom,
            })
            .collect())
    }

    /// Required fields that no column becomes: say with remapAccountImport what the columns become.
    async fn missing_fields(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<AccountImportField>> {
        Ok(missing(self.row.template(), &self.opened_columns(ctx).await?))
    }

    /// Rows that were looked at so far.
    async fn analyzed_rows(&self) -> i32 {
        self.row.rows_analyzed
    }

    /// Rows below the names of the columns; null until all were looked at.
    async fn total_rows(&self) -> Option<i32> {
        self.row.rows_total
    }

    /// What the rows are that were looked at so far.
    async fn counts(&self) -> AccountImportCounts {
        AccountImportCounts {
            valid: self.row.rows_valid,
            invalid: self.row.rows_invalid,
            duplicate_in_file: self.row.rows_duplicate_in_file,
            duplicate_in_business: self.row.rows_duplicate_in_business,
            suppressed: self.row.rows_suppressed,
        }
    }

    /// What is to be said of rows, in the order of the file.
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
        #[graphql(desc = "Only these.")] code: Option<ImportFindingCode>,
    ) -> async_graphql::Result<AccountImportFindingConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let page = args.check(ctx)?;
        let past = page.key::<(i32, i16)>("findings")?.unwrap_or((0, 0));
        let columns = self.opened_columns(ctx).await?;
        let rows = findings_past(&mut *ctx.snapshot().await?, self.row.id, code, past, page.fetch())
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| {
                let key = EdgeCursor::of("findings", (row.row_number, row.ordinal));
                Ok((key, finding(row, &columns)?))
            })
            .collect::<async_graphql::Result<Vec<_>>>()?;
        Ok(AccountImportFindingConnection::from_rows(&page, rows))
    }

    /// How far the commit is.
    async fn result(&self) -> AccountImportResult {
        AccountImportResult {
            processed: self.row.rows_processed,
            imported: self.row.rows_imported,
            skipped: self.row.rows_skipped,
        }
    }

    /// Why it ended without success.
    async fn failure(&self) -> Option<AccountImportFailure> {
        Some(AccountImportFailure {
            code: self.row.failure_code.clone()?,
            message: self.row.failure_message.clone()?,
        })
    }

    /// Where the rows that cannot be imported are downloaded as a CSV file, with what is wrong with them: good for five
    /// minutes. Null while rows are looked at, where all can be imported, and once the file is gone: it is kept for three
    /// days, and goes when somebody in it is erased.
    async fn error_file_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let scope = ctx.scope()?;
        let files = ctx.data::<Files>()?;
        let report = self.row.report_file_id;
        Ok(report.map(|file| files.download_url(scope.ctx(), file)))
    }

    /// Who began it; null for an API key.
    async fn created_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.created_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When it was begun.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// Until when it waits to be committed; once it has ended, when it is forgotten with its findings.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.row.expires_at
    }
}

fn finding(row: FindingRow, columns: &[Column]) -> async_graphql::Result<AccountImportFinding> {
    let code = ImportFindingCode::parse(&row.code)
        .ok_or_else(|| op_error(anyhow::anyhow!("no finding is called {}", row.code).into()))?;
    let column = row
        .column_index
        .and_then(|place| columns.get(usize::try_from(place).ok()?));
    Ok(AccountImportFinding {
        row: row.row_number,
        column: column.map(|column| column.name.clone()),
        code,
        blocking: code.blocks(),
        message: row.message,
    })
}
