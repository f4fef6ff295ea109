//! Looks at every row of a file and stages it, a chunk to a transaction.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    AccountImports, Failure,
    columns::Column,
    finding::{Finding, ImportFindingCode},
    job_error,
    model::{AccountImportStatus, CHUNK, Counts, ImportRow, StagedRow, WAITS_FOR},
    origins::{self, Origins},
    place::{DUPLICATE, Refusal},
    reader::{CsvReader, FileProblem, ReadError, Record},
    row::{ParsedRow, ReadRow, RowParser},
    staged::{self, Identity, NewChunk},
    store::{self, Analyzed},
    taken::taken,
    tell,
    template::AccountImportTemplate,
};
use crate::{
    accounts::custom_fields::CustomFields,
    files::FileReader,
    platform::{
        context::TenantCtx,
        db::{AuditEntry, TenantTx},
        error::OpError,
        jobs::{Job, JobError, Lane},
        keys::TenantKeys,
    },
};

/// A chunk of long rows is staged before it has its number of them.
const CHUNK_BYTES: usize = 2 * 1024 * 1024;
/// Chunks that one job looks at; the next job goes on behind the work of other businesses. Each reads the file from its
/// beginning, for a content is a stream: what was looked at before costs little more than its decryption.
const SLICE: i32 = 40;

/// Looks at a slice of the rows of an import.
#[derive(Debug, Deserialize, Serialize)]
pub struct AnalyzeImport {
    pub(super) import_id: Uuid,
    #[serde(default)]
    pub(super) step: i32,
}

impl Job for AnalyzeImport {
    const NAME: &'static str = "accounts.analyze_import";
    const LANE: Lane = Lane::Bulk;
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

/// One slice of the work.
struct Run<'a> {
    slice: &'a AccountImports,
    ctx: &'a TenantCtx,
    keys: Arc<TenantKeys>,
    import: ImportRow,
    columns: Arc<Vec<Column>>,
    template: AccountImportTemplate,
    custom: Arc<CustomFields>,
    today: NaiveDate,
    /// The first row of each identity.
    seen: HashMap<Identity, u32>,
}

impl AccountImports {
    /// Runs the job. Run again after a death it goes on behind the last chunk that it staged.
    ///
    /// # Errors
    /// [`JobError`] when it has to be tried again, or cannot succeed.
    pub async fn analyze(&self, ctx: &TenantCtx, job: AnalyzeImport) -> Result<(), JobError> {
        let ended = match self.run_analysis(ctx, &job).await {
            Ok(()) => Ok(()),
            Err(Stop::Failed(failure)) => self.fail(ctx, job.import_id, &failure, None).await,
            Err(Stop::Op(error)) => Err(error),
        };
        ended.map_err(job_error)
    }

    async fn run_analysis(&self, ctx: &TenantCtx, job: &AnalyzeImport) -> Result<(), Stop> {
        let keys = self.keyring.business(&self.db, ctx.business_id()).await?;
        let mut tx = self.db.snapshot(ctx).await?;
        let import = store::imports_by_ids(&mut tx, &[job.import_id]).await?.pop();
        let is_due = |row: &ImportRow| row.status() == AccountImportStatus::Analyzing && row.step == job.step;
        let Some(import) = import.filter(is_due) else {
            return Ok(());
        };
        let seen = staged::identities(&mut tx, &keys, import.id).await?;
        let today = tx.now().date_naive();
        let custom = Arc::new(CustomFields::of_business(&mut tx).await?);
        tx.finish_read().await?;
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
            custom,
            today,
            keys,
            import,
            seen,
        };
        run.go(content).await
    }
}

impl Run<'_> {
    async fn go(mut self, content: FileReader) -> Result<(), Stop> {
        let (mut reader, _) = CsvReader::open(content).await.map_err(unreadable)?;
        let mut rows = self.import.rows_analyzed;
        for _ in 0..rows {
            reader.next().await.map_err(unreadable)?;
        }
        let first = self.import.chunks_analyzed;
        // A job that is run again ends where it would have ended.
        for nth in first..(first / SLICE + 1) * SLICE {
            let records = read_chunk(&mut reader).await.map_err(unreadable)?;
            if records.is_empty() {
                if rows == 0 {
                    return Err(unreadable(FileProblem::NoRows.into()));
                }
                self.conclude(rows).await?;
                return Ok(());
            }
            rows = rows.saturating_add(i32::try_from(records.len()).unwrap_or(i32::MAX));
            let read = self.parse(records).await?;
            if !self.stage(nth, read).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Off the runtime's threads: five hundred rows keep one busy for tens of milliseconds.
    async fn parse(&self, records: Vec<Record>) -> Result<Vec<(Record, ReadRow)>, OpError> {
        let (columns, custom) = (self.columns.clone(), self.custom.clone());
        let (template, today) = (self.template, self.today);
        let parsed = tokio::task::spawn_blocking(move || {
            let parser = RowParser::new(&columns, template, &custom, today);
            let rows = records.into_iter().map(|record| {
                let read = parser.parse(&record);
                (record, read)
            });
            rows.collect()
        });
        Ok(parsed.await.map_err(anyhow::Error::from)?)
    }

    /// Stages a chunk, and behind the last one of the slice the next job; false when another job, or another step, has
    /// taken over.
    async fn stage(&mut self, nth: i32, read: Vec<(Record, ReadRow)>) -> Result<bool, OpError> {
        let mut tx = self.slice.db.tenant(self.ctx).await?;
        let rows = i32::try_from(read.len()).unwrap_or(i32::MAX);
        let judged = self.judge(&mut tx, read).await?;
        let (id, step) = (self.import.id, self.import.step);
        let analyzed = Analyzed {
            step,
            nth,
            rows,
            counts: judged.counts,
            has_limitations: judged.rows.iter().any(StagedRow::has_limitation),
        };
        // First the count, which takes the import's lock: two jobs do not stage at once.
        if !store::count_analyzed(&mut tx, id, &analyzed).await? {
            return Ok(false);
        }
        let chunk = NewChunk {
            nth,
            rows: &judged.rows,
            do_not_call: &judged.do_not_call,
            identities: &judged.identities,
        };
        staged::insert_chunk(&mut tx, &self.keys, id, &chunk).await?;
        staged::insert_findings(&mut tx, id, &judged.findings).await?;
        if (nth + 1) % SLICE == 0 {
            let step = store::next_step(&mut tx, id).await?;
            tx.enqueue(&AnalyzeImport { import_id: id, step });
        }
        tell(&mut tx, id);
        tx.commit().await?;
        Ok(true)
    }

    /// Why a row's creditor or placement is not taken.
    fn refused(&self, origins: &Origins, row: &ParsedRow) -> Option<Refusal> {
        if origins.of(row).is_some() {
            return None;
        }
        match self.import.makes_origins {
            true => origins.are_too_many().then_some(origins::TOO_MANY),
            false => Some(origins::UNKNOWN),
        }
    }

    /// Says of each row what it is, by the file so far and by what the business has.
    async fn judge(&mut self, tx: &mut TenantTx, read: Vec<(Record, ReadRow)>) -> Result<Judged, OpError> {
        let valid = || read.iter().filter_map(|(_, row)| row.parsed.as_ref().ok());
        let there = taken(tx, &self.keys, valid()).await?;
        let origins = Origins::find(tx, valid()).await?;
        let contacts = valid().flat_map(|row| &row.contacts);
        let blinds: Vec<Vec<u8>> = contacts
            .flat_map(|contact| self.keys.blinds(&contact.normalised))
            .collect();
        let suppressed = self.slice.bans.suppressed(tx, &blinds).await?;
        let mut judged = Judged::default();
        for (record, ReadRow { parsed, do_not_call }) in read {
            let number = record.row;
            let mut repeats = Vec::new();
            let kept = match parsed {
                Err(findings) => {
                    judged.counts.invalid += 1;
                    judged.findings.extend(findings);
                    None
                }
                Ok(row) => {
                    if let Some(first) = self.earlier(&mut judged, &row, number) {
                        judged.counts.duplicate_in_file += 1;
                        let message = format!("Row {first} is the same: leave one of them out.");
                        judged.find(number, ImportFindingCode::DuplicateInFile, message);
                        None
                    } else if let Some((code, message)) = self.refused(&origins, &row) {
                        judged.counts.invalid += 1;
                        judged.find(number, code, message);
                        None
                    } else if let Some(debtors) = there.has(&self.keys, &row) {
                        judged.counts.duplicate_in_business += 1;
                        judged.find(number, DUPLICATE.0, DUPLICATE.1);
                        repeats = debtors;
                        None
                    } else {
                        let is_suppressed = !suppressed.is_empty()
                            && row.contacts.iter().any(|contact| {
                                let blinds = self.keys.blinds(&contact.normalised);
                                blinds.iter().any(|blind| suppressed.contains(blind))
                            });
                        judged.keep(number, is_suppressed);
                        Some(row)
                    }
                }
            };
            if let Some(phones) = do_not_call {
                judged.wish(&self.keys, number, kept.is_some(), &phones);
            }
            judged.rows.push(StagedRow {
                row: number,
                cells: record.cells,
                parsed: kept,
                repeats,
            });
        }
        Ok(judged)
    }

    /// The earlier row that is the same; this one is remembered when there is none.
    fn earlier(&mut self, judged: &mut Judged, row: &ParsedRow, number: u32) -> Option<u32> {
        let hash = Sha256::digest(row.identity()?.as_bytes());
        let mut identity = [0; 16];
        identity.copy_from_slice(&hash[..16]);
        match self.seen.entry(identity) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(place) => {
                place.insert(number);
                judged.identities.push((identity, number));
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
        if row.step != self.import.step
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
            report.keep(&mut tx, id).await?;
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
    /// Blind indexes of numbers that are not to be called.
    do_not_call: Vec<Vec<u8>>,
    identities: Vec<(Identity, u32)>,
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
    fn keep(&mut self, number: u32, suppressed: bool) {
        self.counts.valid += 1;
        if suppressed {
            self.counts.suppressed += 1;
            let message = "The row is imported; a phone number or address of it is on the suppression list and is not used.";
            self.find(number, ImportFindingCode::Suppressed, message);
        }
    }

    /// Remembers whom the row says not to call, whatever becomes of the row.
    fn wish(&mut self, keys: &TenantKeys, number: u32, is_imported: bool, phones: &[String]) {
        let message = match (phones.is_empty(), is_imported) {
            (true, _) => {
                "The row says that somebody is not to be called, but no phone number of it can be read: correct the number, or see to it that they are not called."
            }
            (false, true) => "The row is imported; its phone numbers are put on the suppression list.",
            (false, false) => {
                "The row is not imported; its phone numbers are put on the suppression list all the same when the import is committed."
            }
        };
        self.find(number, ImportFindingCode::DoNotCall, message);
        let blinds = phones.iter().map(|phone| keys.blind(phone).to_vec());
        self.do_not_call.extend(blinds);
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
