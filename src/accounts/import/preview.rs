//! Begins an import, or begins it anew with another mapping.

use serde_json::json;
use uuid::Uuid;

use super::{
    AccountImports,
    analyze::AnalyzeImport,
    columns::{Choice, Column, choose, missing, suggest},
    model::{AccountImportStatus, WAITS_FOR},
    reader::{CsvReader, ReadError},
    staged,
    store::{self, NewImport},
    tell,
    template::AccountImportTemplate,
};
use crate::{
    access::{Cell, authorize},
    files::{self, Purpose},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// Imports of a business that have not ended.
const MOST_OPEN: i64 = 20;
/// Rows from which samples are taken.
const FIRST_ROWS: usize = 5;

/// What is to be previewed.
pub(in crate::accounts) struct Preview {
    pub(in crate::accounts) source: Source,
    pub(in crate::accounts) mapping: Vec<Choice>,
    pub(in crate::accounts) template: Option<AccountImportTemplate>,
}

/// A new file, or one that was looked at already.
pub(in crate::accounts) enum Source {
    Upload { file: Uuid, head: Head },
    Import(Uuid),
}

/// The beginning of a file.
#[derive(Default)]
pub(in crate::accounts) struct Head {
    names: Vec<String>,
    first_rows: Vec<Vec<String>>,
}

impl AccountImports {
    /// Reads the beginning of an upload of the caller's own, outside any transaction. Nothing of what is not theirs:
    /// whether they may use it, [`AccountImports::preview`] says.
    ///
    /// # Errors
    /// A user error for what is no CSV file in UTF-8; unavailable when the object store is.
    pub(in crate::accounts) async fn head(&self, ctx: &TenantCtx, file: Uuid) -> Result<Head, OpError> {
        authorize(ctx, Cell::AccountImport).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
        let (row, content) = match self.files.open(ctx, file).await {
            Err(OpError::User(_)) => return Ok(Head::default()),
            opened => opened?,
        };
        if row.purpose != Purpose::AccountImport || row.created_by != ctx.actor().id() {
            return Ok(Head::default());
        }
        read_head(content).await.map_err(|error| match error {
            ReadError::File(problem) => UserError::invalid("uploadId", problem.to_string()).into(),
            ReadError::Io(error) => OpError::Unavailable(error.to_string()),
        })
    }

    /// Begins the import and returns its id; its rows are looked at by a job.
    ///
    /// # Errors
    /// User errors for an upload or import that cannot be used, and for a mapping that does not fit the file.
    pub(in crate::accounts) async fn preview(
        &self,
        tx: &mut TenantTx,
        preview: Preview,
    ) -> Result<Uuid, OpError> {
        authorize(tx.ctx(), Cell::AccountImport).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
        let keys = self.keyring.business(&self.db, tx.business_id()).await?;
        let expires_at = tx.now() + WAITS_FOR;
        let known = match &preview.source {
            Source::Upload { .. } => None,
            Source::Import(id) => Some(previewable(tx, *id).await?),
        };
        let (id, file_id, mut columns) = match (preview.source, &known) {
            (Source::Upload { file, head }, _) => {
                check_room(tx).await?;
                let row = files::claim(tx, file, Purpose::AccountImport, "uploadId").await?;
                (ids::next(), row.id, suggest(head.names, &head.first_rows))
            }
            (Source::Import(id), Some(known)) => (id, known.file_id, store::open_columns(&keys, known)?),
            (Source::Import(_), None) => return Err(UserError::not_found("importId", "import").into()),
        };
        choose(&mut columns, preview.mapping).map_err(OpError::User)?;
        let template = preview
            .template
            .unwrap_or_else(|| AccountImportTemplate::of(&columns));
        let status = status_of(template, &columns);
        let new = NewImport {
            id,
            file_id,
            status,
            template,
            columns: &columns,
            makes_origins: authorize(tx.ctx(), Cell::CreditorCreate).is_ok(),
            expires_at,
        };
        match &known {
            None => store::insert_import(tx, &keys, &new).await?,
            Some(known) => {
                staged::drop_rows(tx, id).await?;
                staged::drop_findings(tx, id).await?;
                store::set_mapping(tx, &keys, &new).await?;
                files::discard(tx, known.report_file_id.as_slice()).await?;
            }
        }
        if status == AccountImportStatus::Analyzing {
            let step = known.as_ref().map_or(0, |known| known.step + 1);
            tx.enqueue(&AnalyzeImport { import_id: id, step });
        }
        let details = json!({
            "file": file_id, "template": template.as_str(), "columns": columns.len(), "again": known.is_some(),
        });
        tx.audit(AuditEntry::plain("account_import.previewed", id, &details));
        tell(tx, id);
        Ok(id)
    }
}

async fn read_head(content: files::FileReader) -> Result<Head, ReadError> {
    let (mut reader, names) = CsvReader::open(content).await?;
    let mut first_rows = Vec::with_capacity(FIRST_ROWS);
    while first_rows.len() < FIRST_ROWS {
        match reader.next().await? {
            Some(record) => first_rows.push(record.cells),
            None => break,
        }
    }
    if first_rows.is_empty() {
        return Err(super::reader::FileProblem::NoRows.into());
    }
    Ok(Head { names, first_rows })
}

fn status_of(template: AccountImportTemplate, columns: &[Column]) -> AccountImportStatus {
    if missing(template, columns).is_empty() {
        AccountImportStatus::Analyzing
    } else {
        AccountImportStatus::NeedsMapping
    }
}

/// An import that can be previewed again, locked.
async fn previewable(tx: &mut TenantTx, id: Uuid) -> Result<super::ImportRow, OpError> {
    let row = store::lock_import(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("importId", "import"))?;
    if row.status().may_be_previewed() {
        Ok(row)
    } else {
        Err(UserError::at(UserErrorCode::Conflict, "importId", row.status().refusal()).into())
    }
}

async fn check_room(tx: &mut TenantTx) -> Result<(), OpError> {
    if store::open_imports(tx).await? < MOST_OPEN {
        return Ok(());
    }
    let message = format!("Your business has {MOST_OPEN} imports under way: commit or cancel one first.");
    Err(UserError::at(UserErrorCode::QuotaExceeded, "uploadId", message).into())
}
