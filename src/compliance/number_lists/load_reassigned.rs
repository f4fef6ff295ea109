//! A file of answers of the reassigned numbers database becomes facts: read once to see whether it is in order, and once
//! more to write it down, in one transaction. A file that is not in order counts not at all.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    lines::{LineError, Lines},
    reassigned_file::{Answer, Defaults, Header, Status},
    store::{self, Ending, ImportRow},
};
use crate::{
    access::{Cell, authorize},
    files::{self, FileReader, Files, Purpose},
    platform::{
        context::{SystemCtx, TenantCtx},
        db::{AuditEntry, Db, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        jobs::{Job, JobError, Lane},
        keys::{Keyring, TenantKeys},
    },
};

/// Imports of a business that have not ended.
const MOST_OPEN: i64 = 5;
/// Answers that one statement writes.
const BATCH: usize = 1_000;
/// Lines between two signs of life.
const SHOWN_EVERY: i32 = 20_000;
/// Faulty lines that are told of.
const MOST_FAULTS: usize = 10;
/// Imports that one run ends; what is left waits for the next.
const MOST_EXPIRED: i64 = 500;
/// What is said of an import whose job was given up.
const STOPPED: &str = "The reading stopped for a reason that lies with the service, and nothing of the file was taken: upload it again.";

/// What the imports work with; made once in `app.rs`. Cheap to clone.
#[derive(Clone)]
pub struct ReassignedNumbers {
    pub db: Db,
    pub keyring: Keyring,
    pub files: Files,
}

/// An upload of answers.
#[derive(Clone, Copy, Debug)]
pub struct NewReassignedImport {
    pub upload: Uuid,
    /// When the database was asked, where the lines do not say so.
    pub queried_on: Option<NaiveDate>,
    /// The date that it was asked about, where the lines do not say so.
    pub asked_since: Option<NaiveDate>,
}

/// Reads a file of answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct LoadReassigned {
    import_id: Uuid,
}

impl Job for LoadReassigned {
    const NAME: &'static str = "compliance.load_reassigned";
    const LANE: Lane = Lane::Long;
}

/// Takes an upload of answers into use, and has a job read it. Returns the import's id.
///
/// # Errors
/// User errors: those of [`files::claim`], INVALID_INPUT for a date of the future, QUOTA_EXCEEDED while five wait.
pub async fn import_reassigned(tx: &mut TenantTx, new: NewReassignedImport) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::NumberListManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let today = tx.now().date_naive();
    for (field, date) in [("queriedOn", new.queried_on), ("askedSince", new.asked_since)] {
        if date.is_some_and(|date| date > today) {
            return Err(UserError::invalid(field, "This day is yet to come.").into());
        }
    }
    if store::open_imports(tx).await? >= MOST_OPEN {
        let message = "Five files of your business wait to be read: try again when one of them is.";
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    let file = files::claim(tx, new.upload, Purpose::ReassignedNumbers, "uploadId").await?;
    let id = ids::next();
    store::insert_import(tx, id, file.id, (new.queried_on, new.asked_since)).await?;
    tx.enqueue(&LoadReassigned { import_id: id });
    let details = json!({ "file": file.id, "queried_on": new.queried_on, "asked_since": new.asked_since });
    tx.audit(AuditEntry::plain("reassigned_import.started", id, &details));
    Ok(id)
}

/// What ended the reading early.
enum Stop {
    /// The file is not in order: a sentence.
    Wrong(String),
    /// Another run has ended the import.
    Over,
    Op(OpError),
}

impl<E: Into<OpError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Op(error.into())
    }
}

fn unreadable(error: LineError) -> Stop {
    match error {
        LineError::Io(error) => Stop::Op(OpError::Unavailable(error.to_string())),
        other => Stop::Wrong(format!("{other}.")),
    }
}

/// What the answers add up to.
#[derive(Default)]
struct Tally {
    counts: [i32; 3],
    queried: Option<(NaiveDate, NaiveDate)>,
}

impl Tally {
    fn add(&mut self, answer: &Answer) {
        let place = match answer.status {
            Status::Yes => 0,
            Status::No => 1,
            Status::NoData => 2,
        };
        self.counts[place] += 1;
        let day = answer.queried_on;
        let (first, last) = self.queried.unwrap_or((day, day));
        self.queried = Some((first.min(day), last.max(day)));
    }
}

impl ReassignedNumbers {
    /// Runs the job. Run again after a death it begins anew: nothing stands before the end.
    ///
    /// # Errors
    /// [`JobError`] when it has to be tried again, or cannot succeed.
    pub async fn load(&self, ctx: &TenantCtx, job: LoadReassigned) -> Result<(), JobError> {
        match self.run(ctx, job.import_id).await {
            Ok(()) | Err(Stop::Over) => Ok(()),
            Err(Stop::Wrong(why)) => self.fail(ctx, job.import_id, why).await.map_err(job_error),
            Err(Stop::Op(error)) => {
                let error = job_error(error);
                if matches!(error, JobError::Fatal(_)) {
                    // It is not tried again: an import that never ends takes a place for ever.
                    self.fail(ctx, job.import_id, STOPPED.to_owned())
                        .await
                        .map_err(job_error)?;
                }
                Err(error)
            }
        }
    }

    /// Ends the imports whose job was given up: a day after they began, and discards their files.
    ///
    /// # Errors
    /// [`JobError::Retry`] while the database is away.
    pub async fn expire(&self) -> Result<(), JobError> {
        let ctx = SystemCtx::for_reason("imports of answers that did not end", "job-expire-reassigned");
        let mut tx = self.db.system(&ctx).await?;
        let overdue = store::overdue_imports(&mut tx, MOST_EXPIRED).await?;
        tx.commit().await?;
        for (business, import) in overdue {
            let ctx = TenantCtx::for_service(business, "job-expire-reassigned");
            self.fail(&ctx, import, STOPPED.to_owned())
                .await
                .map_err(job_error)?;
        }
        Ok(())
    }

    async fn run(&self, ctx: &TenantCtx, id: Uuid) -> Result<(), Stop> {
        let mut tx = self.db.snapshot(ctx).await?;
        let import = store::import_by_id(&mut tx, id).await?;
        let today = tx.now().date_naive();
        tx.finish_read().await?;
        let import = import.filter(|row| row.ended_at.is_none()).ok_or(Stop::Over)?;
        let defaults = Defaults {
            queried_on: import.queried_on,
            asked_since: import.asked_since,
            today,
        };
        self.check(ctx, &import, defaults).await?;
        self.place(ctx, &import, defaults).await
    }

    async fn content(&self, ctx: &TenantCtx, import: &ImportRow) -> Result<FileReader, Stop> {
        match self.files.open(ctx, import.file_id).await {
            Err(OpError::User(_)) => Err(Stop::Wrong(
                "The uploaded file is no longer there: upload it again.".to_owned(),
            )),
            opened => Ok(opened?.1),
        }
    }

    /// Reads the file and says what is wrong with it.
    async fn check(&self, ctx: &TenantCtx, import: &ImportRow, defaults: Defaults) -> Result<(), Stop> {
        let mut lines = Lines::new(self.content(ctx, import).await?);
        let header = read_header(&mut lines).await?;
        let (mut faults, mut wrong, mut rows) = (Vec::new(), 0_u64, 0_i32);
        while let Some(line) = lines.next().await.map_err(unreadable)? {
            let found = header.answer(line, defaults).err();
            if let Some(fault) = found {
                wrong += 1;
                if faults.len() < MOST_FAULTS {
                    faults.push(format!("line {} {fault}", lines.number));
                }
            }
            rows = rows.saturating_add(1);
            if rows % SHOWN_EVERY == 0 {
                self.show(ctx, import.id, rows).await?;
            }
        }
        if rows == 0 {
            return Err(Stop::Wrong("The file has no line under its names.".to_owned()));
        }
        if wrong > 0 {
            let more = wrong - faults.len() as u64;
            let more = if more > 0 {
                format!("; and {more} more")
            } else {
                String::new()
            };
            return Err(Stop::Wrong(format!(
                "Nothing of the file was taken: {}{more}.",
                faults.join("; ")
            )));
        }
        self.show(ctx, import.id, rows).await
    }

    async fn show(&self, ctx: &TenantCtx, import: Uuid, rows: i32) -> Result<(), Stop> {
        let mut tx = self.db.tenant(ctx).await?;
        let goes_on = store::show_rows(&mut tx, import, rows).await?;
        tx.commit().await?;
        if goes_on { Ok(()) } else { Err(Stop::Over) }
    }

    /// Writes all answers down at once.
    async fn place(&self, ctx: &TenantCtx, import: &ImportRow, defaults: Defaults) -> Result<(), Stop> {
        let keys = self.keyring.business(&self.db, ctx.business_id()).await?;
        let mut lines = Lines::new(self.content(ctx, import).await?);
        let header = read_header(&mut lines).await?;
        let mut tx = self.db.tenant(ctx).await?;
        let (mut tally, mut batch, mut rows) = (Tally::default(), Vec::with_capacity(BATCH), 0_i32);
        while let Some(line) = lines.next().await.map_err(unreadable)? {
            let answer = header
                .answer(line, defaults)
                .map_err(|fault| Stop::Wrong(format!("Nothing of the file was taken: a line {fault}.")))?;
            tally.add(&answer);
            rows = rows.saturating_add(1);
            batch.push(answer);
            if batch.len() == BATCH {
                write(&mut tx, &keys, import.id, &mut batch).await?;
            }
        }
        write(&mut tx, &keys, import.id, &mut batch).await?;
        let ending = Ending {
            failure: None,
            rows,
            counts: tally.counts,
            queried: tally.queried,
        };
        if !store::end_import(&mut tx, import.id, &ending).await? {
            return Err(Stop::Over);
        }
        files::discard(&mut tx, &[import.file_id]).await?;
        let [reassigned, not_reassigned, no_data] = tally.counts;
        let details =
            json!({ "reassigned": reassigned, "not_reassigned": not_reassigned, "no_data": no_data });
        tx.audit(AuditEntry::plain(
            "reassigned_import.completed",
            import.id,
            &details,
        ));
        tx.commit().await?;
        Ok(())
    }

    async fn fail(&self, ctx: &TenantCtx, id: Uuid, why: String) -> Result<(), OpError> {
        let mut tx = self.db.tenant(ctx).await?;
        let Some(import) = store::import_by_id(&mut tx, id).await? else {
            return Ok(());
        };
        let ending = Ending {
            failure: Some(why),
            rows: import.rows_read,
            ..Ending::default()
        };
        if !store::end_import(&mut tx, id, &ending).await? {
            return Ok(());
        }
        files::discard(&mut tx, &[import.file_id]).await?;
        tx.audit(AuditEntry::plain("reassigned_import.failed", id, &json!({})));
        tx.commit().await?;
        Ok(())
    }
}

fn job_error(error: OpError) -> JobError {
    match error {
        OpError::Unavailable(cause) => JobError::Retry(cause),
        other => JobError::Fatal(format!("{other:#}")),
    }
}

async fn read_header(lines: &mut Lines<FileReader>) -> Result<Header, Stop> {
    let line = lines.next().await.map_err(unreadable)?;
    let line = line.ok_or_else(|| Stop::Wrong("The file is empty.".to_owned()))?;
    Header::parse(line).map_err(|fault| Stop::Wrong(format!("Nothing of the file was taken: {fault}.")))
}

async fn write(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    import: Uuid,
    batch: &mut Vec<Answer>,
) -> Result<(), OpError> {
    if !batch.is_empty() {
        store::insert_answers(tx, keys, import, batch).await?;
        batch.clear();
    }
    Ok(())
}
