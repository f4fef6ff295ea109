//! Looks at every row of a file and stages it, a chunk to a transaction.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    AccountImports, Failure,
    columns::Column,
    finding::{Finding, ImportFindingCode},
    job_error,
    model::{AccountImportStatus, CHUNK, Counts, ImportRow, REMEMBERED_FOR, StagedRow, WAITS_FOR},
    place::DUPLICATE,
    reader::{CsvReader, FileProblem, ReadError, Record},
    row::{ParsedRow, RowParser},
    staged, store,
    taken::taken,
    tell,
    template::AccountImportTemplate,
};
use crate::{
    files::{self, FileReader},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        error::OpError,
        jobs::{Job, JobError},
        keys::TenantKeys,
    },
};

/// A chunk of long rows is staged before it has its number of them.
const CHUNK_BYTES: usize = 2 * 1024 * 1024;

/// Looks at the rows of an import.
#[derive(Debug, Deserialize, Serialize)]
pub struct AnalyzeImport {
    pub(super) import_id: Uuid,
}

impl Job for AnalyzeImport {
    const NAME: &'static str = "accounts.analyze_import";
}

/// What ended the analysis early.
enum Stop {
    Failed(Failure),
    Op(OpError),
}

impl<E: Into<OpError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Op(error.into())
    }
}

fn unreadable(error: ReadError) -> Stop {
    match error {
        ReadError::File(problem) => Stop::Failed(Failure {
            code: problem.code(),
            message: problem.to_string(),
        }),
        ReadError::Io(error) => Stop::Op(OpError::Unavailable(error.to_string())),
    }
}

/// One run over the file.
struct Run<'a> {
    slice: &'a AccountImports,
    ctx: &'a TenantCtx,
    keys: Arc<TenantKeys>,
    import: ImportRow,
    /// Its number: another run that begins later stops this one.
    number: i32,
    columns: Arc<Vec<Column>>,
    template: AccountImportTemplate,
    /// The first row of each identity, by the beginning of its hash: twenty bytes a row, whatever its length.
    seen: HashMap<[u8; 16], u32>,
}

impl AccountImports {
    /// Runs the job. It begins anew each time: what an earlier run staged goes.
    ///
    /// # Errors
    /// [`JobError`] when it has to be tried again, or cannot succeed.
    pub async fn analyze(&self, ctx: &TenantCtx, job: AnalyzeImport) -> Result<(), JobError> {
        let ended = match self.run_analysis(ctx, job.import_id).await {
            Ok(()) => Ok(()),
            Err(Stop::Failed(failure)) => self.fail(ctx, job.import_id, &failure, None).await,
            Err(Stop::Op(error)) => Err(error),
        };
        ended.map_err(job_error)
    }

    async fn run_analysis(&self, ctx: &TenantCtx, id: Uuid) -> Result<(), Stop> {
        let keys = self.keyring.business(&self.db, ctx.business_id()).await?;
        let mut tx = self.db.tenant(ctx).await?;
        let import = store::lock_import(&mut tx, id).await?;
        let Some(import) = import.filter(|row| row.status() == AccountImportStatus::Analyzing) else {
            return Ok(());
        };
        let number = store::begin_run(&mut tx, id).await?;
        tx.commit().await?;
        let content = match self.files.open(ctx, import.file_id).await {
            Err(OpError::User(_)) => {
                return Err(Stop::Failed(Failure {
                    code: "FILE_GONE",
                    message: "The uploaded file is no longer there: upload it again.".to_owned(),
                }));
            }
            opened => opened?.1,
        };
        let run = Run {
            slice: self,
            ctx,
            columns: Arc::new(store::open_columns(&keys, &import)?),
            template: import.template(),
            keys,
            import,
            number,
            seen: HashMap::new(),
        };
        run.go(content).await
    }
}

impl Run<'_> {
    async fn go(mut self, content: FileReader) -> Result<(), Stop> {
        let (mut reader, _) = CsvReader::open(content).await.map_err(unreadable)?;
        let (mut nth, mut rows) = (0, 0_i32);
        loop {
            let records = read_chunk(&mut reader).await.map_err(unreadable)?;
            if records.is_empty() {
                break;
            }
            rows += i32::try_from(records.len()).unwrap_or(i32::MAX);
            let parsed = self.parse(records).await?;
            if !self.stage(nth, parsed).await? {
                return Ok(());
            }
            nth += 1;
        }
        if rows == 0 {
            return Err(unreadable(FileProblem::NoRows.into()));
        }
        self.conclude(rows).await?;
        Ok(())
    }

    /// Off the runtime's threads: five hundred rows keep one busy for tens of milliseconds.
    async fn parse(
        &self,
        records: Vec<Record>,
    ) -> Result<Vec<(Record, Result<ParsedRow, Vec<Finding>>)>, OpError> {
        let (columns, template) = (self.columns.clone(), self.template);
        let parsed = tokio::task::spawn_blocking(move || {
            let parser = RowParser::new(&columns, template);
            let rows = records.into_iter().map(|record| {
                let parsed = parser.parse(&record);
                (record, parsed)
            });
            rows.collect()
        });
        Ok(parsed.await.map_err(anyhow::Error::from)?)
    }

    /// Stages a chunk; false when another run, or another step, has taken over.
    async fn stage(
        &mut self,
        nth: i32,
        parsed: Vec<(Record, Result<ParsedRow, Vec<Finding>>)>,
    ) -> Result<bool, OpError> {
        let mut tx = self.slice.db.tenant(self.ctx).await?;
        let read = i32::try_from(parsed.len()).unwrap_or(i32::MAX);
        let judged = self.judge(&mut tx, parsed).await?;
        // First the count, which takes the import's lock: two runs do not stage at once.
        if !store::count_analyzed(&mut tx, self.import.id, self.number, read, judged.counts).await? {
            return Ok(false);
        }
        staged::insert_chunk(&mut tx, &self.keys, self.import.id, nth, &judged.rows).await?;
        staged::insert_findings(&mut tx, self.import.id, &judged.findings).await?;
        tell(&mut tx, self.import.id);
        tx.commit().await?;
        Ok(true)
    }

    /// Says of each row what it is, by the file so far and by what the business has.
    async fn judge(
        &mut self,
        tx: &mut TenantTx,
        parsed: Vec<(Record, Result<ParsedRow, Vec<Finding>>)>,
    ) -> Result<Judged, OpError> {
        let valid = || parsed.iter().filter_map(|(_, row)| row.as_ref().ok());
        let there = taken(tx, &self.keys, valid()).await?;
        let contacts = valid().flat_map(|row| &row.contacts);
        let blinds: Vec<Vec<u8>> = contacts
            .flat_map(|contact| self.keys.blinds(&contact.normalised))
            .collect();
        let suppressed = self.slice.bans.suppressed(tx, &blinds).await?;
        let mut judged = Judged::default();
        for (record, row) in parsed {
            let number = record.row;
            let kept = match row {
                Err(findings) => {
                    judged.counts.invalid += 1;
                    judged.findings.extend(findings);
                    None
                }
                Ok(row) => {
                    if let Some(first) = self.earlier(&row, number) {
                        judged.counts.duplicate_in_file += 1;
                        let message = format!("Row {first} is the same: leave one of them out.");
                        judged.find(number, ImportFindingCode::DuplicateInFile, message);
                        None
                    } else if there.has(&self.keys, &row) {
                        judged.counts.duplicate_in_business += 1;
                        judged.find(number, DUPLICATE.0, DUPLICATE.1);
                        None
                    } else {
                        let is_suppressed = !suppressed.is_empty()
                            && row.contacts.iter().any(|contact| {
                                let blinds = self.keys.blinds(&contact.normalised);
                                blinds.iter().any(|blind| suppressed.contains(blind))
                            });
                        judged.keep(number, &row, is_suppressed);
                        Some(row)
                    }
                }
            };
            judged.rows.push(StagedRow {
                row: number,
                cells: record.cells,
                parsed: kept,
            });
        }
        Ok(judged)
    }

    /// The earlier row that is the same; this one is remembered when there is none.
    fn earlier(&mut self, row: &ParsedRow, number: u32) -> Option<u32> {
        let hash = Sha256::digest(row.identity()?.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hash[..16]);
        match self.seen.entry(key) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(place) => {
                place.insert(number);
                None
            }
        }
    }

    /// All rows were looked at.
    async fn conclude(self, rows: i32) -> Result<(), OpError> {
        let id = self.import.id;
        let report = self
            .slice
            .write_report(self.ctx, &self.keys, id, &self.columns)
            .await?;
        let mut tx = self.slice.db.tenant(self.ctx).await?;
        let now = tx.now();
        let Some(row) = store::lock_import(&mut tx, id).await? else {
            return Ok(());
        };
        if row.run != self.number
            || !store::advance(
                &mut tx,
                id,
                AccountImportStatus::Analyzing,
                AccountImportStatus::Ready,
                now + WAITS_FOR,
            )
            .await?
        {
            return Ok(());
        }
        store::set_total(&mut tx, id, rows).await?;
        if let Some(report) = &report {
            files::keep(&mut tx, report, Some(now + REMEMBERED_FOR)).await?;
            store::set_report(&mut tx, id, report.id).await?;
        }
        let details = json!({
            "rows": rows, "valid": row.rows_valid, "invalid": row.rows_invalid,
            "duplicates": row.rows_duplicate_in_file + row.rows_duplicate_in_business,
        });
        tx.audit(AuditEntry::plain("account_import.analyzed", id, &details));
        tell(&mut tx, id);
        tx.commit().await?;
        Ok(())
    }
}

/// A chunk with what is to be said of it.
#[derive(Default)]
struct Judged {
    rows: Vec<StagedRow>,
    findings: Vec<Finding>,
    counts: Counts,
}

impl Judged {
    fn find(&mut self, row: u32, code: ImportFindingCode, message: impl Into<String>) {
        self.findings.push(Finding {
            row,
            column: None,
            code,
            message: message.into(),
        });
    }

    /// Counts a row that can be imported.
    fn keep(&mut self, number: u32, row: &ParsedRow, suppressed: bool) {
        self.counts.valid += 1;
        if row.do_not_call {
            let message = "The row is imported; its phone numbers are put on the suppression list.";
            self.find(number, ImportFindingCode::DoNotCall, message);
        }
        if suppressed {
            self.counts.suppressed += 1;
            let message = "The row is imported; a phone number or address of it is on the suppression list and is not used.";
            self.find(number, ImportFindingCode::Suppressed, message);
        }
    }
}

async fn read_chunk(reader: &mut CsvReader<FileReader>) -> Result<Vec<Record>, ReadError> {
    let (mut records, mut bytes) = (Vec::new(), 0);
    while records.len() < CHUNK && bytes < CHUNK_BYTES {
        let Some(record) = reader.next().await? else {
            break;
        };
        bytes += record.cells.iter().map(String::len).sum::<usize>();
        records.push(record);
    }
    Ok(records)
}
