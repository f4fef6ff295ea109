//! The operator of the platform loads the national do-not-call registry: a full list, which takes the place of the copies of
//! its area codes, or a change list, which brings them up to date. The file is read once to see whether it is in order, and
//! once more to load it, in one transaction: until it commits the copy before counts, and after a failure still.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use tokio::fs::File;
use uuid::Uuid;

use super::{
    is_older,
    lines::{LineError, Lines},
    registry_days,
    registry_file::{Entry, parse_entry},
};
use crate::platform::{
    context::{Actor, SystemCtx},
    db::{Db, DbError, PlatformAudit, SystemTx},
    error::OpError,
    ids,
    keys::Keyring,
};

/// Numbers that one statement writes.
const BATCH: usize = 5_000;

/// A file of the registry.
#[derive(Clone, Debug)]
pub struct DoNotCallFile<'a> {
    pub path: &'a Path,
    /// The day of the download.
    pub as_of: NaiveDate,
    /// A change list since this day; a full list where none.
    pub changes_since: Option<NaiveDate>,
    /// Which area codes the download is of, where they are more than those on its lines.
    pub area_codes: &'a [i32],
    /// How many lines there should be.
    pub expected: Option<u64>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub areas: usize,
    pub lines: u64,
    pub added: i64,
    pub removed: i64,
}

/// Why a file was not loaded; nothing of it stands.
#[derive(Debug, thiserror::Error)]
pub enum LoadProblem {
    /// What is wrong with it.
    #[error("{0}; nothing was loaded")]
    Wrong(String),
    #[error(transparent)]
    Op(#[from] OpError),
}

impl From<DbError> for LoadProblem {
    fn from(error: DbError) -> Self {
        Self::Op(error.into())
    }
}

impl From<LineError> for LoadProblem {
    fn from(error: LineError) -> Self {
        Self::Wrong(error.to_string())
    }
}

fn wrong(what: impl Into<String>) -> LoadProblem {
    LoadProblem::Wrong(what.into())
}

/// Loads a file. `advance` hears of each line that was loaded, and `begin` of their number before.
///
/// # Errors
/// [`LoadProblem`].
pub async fn load_do_not_call(
    db: &Db,
    keyring: &Keyring,
    file: &DoNotCallFile<'_>,
    begin: impl FnOnce(u64),
    mut advance: impl FnMut(),
) -> Result<Loaded, LoadProblem> {
    let per_area = read_through(file).await?;
    let lines: u64 = per_area.values().sum();
    if let Some(expected) = file.expected.filter(|expected| *expected != lines) {
        return Err(wrong(format!(
            "the file has {lines} numbers, but {expected} were announced"
        )));
    }
    let areas: BTreeSet<i32> = per_area.keys().chain(file.area_codes).copied().collect();
    if areas.is_empty() {
        return Err(wrong("the file is empty, and no area codes are named"));
    }
    begin(lines);
    let ctx = SystemCtx::for_reason("do-not-call registry", "cli-load-do-not-call");
    let mut tx = db.system(&ctx).await?;
    if file.as_of > tx.now().date_naive() {
        return Err(wrong(format!("{} is yet to come", file.as_of)));
    }
    let load = Load {
        file,
        areas,
        per_area,
    };
    let mut balance = load.check_against_copies(&mut tx).await?;
    let removed_whole = load.clear(&mut tx).await?;
    let mut source = open(file.path).await?;
    let mut batch = Batch::default();
    let (mut added, mut removed) = (0, removed_whole);
    loop {
        let entry = next_entry(&mut source, file).await?;
        let is_last = entry.is_none();
        if let Some(entry) = entry {
            batch.put(keyring, &entry);
            advance();
        }
        if is_last || batch.0.len() == BATCH {
            let (more, fewer) = batch.write(&mut tx, &mut balance).await?;
            added += more;
            removed += fewer;
        }
        if is_last {
            break;
        }
    }
    let id = load.conclude(&mut tx, &balance).await?;
    let loaded = Loaded {
        areas: load.areas.len(),
        lines,
        added,
        removed,
    };
    tx.audit(PlatformAudit {
        actor: Actor::System,
        action: "do_not_call.loaded",
        object_id: Some(id),
        details: json!({
            "as_of": file.as_of, "changes_since": file.changes_since, "areas": loaded.areas, "lines": lines,
            "added": added, "removed": removed,
        }),
    });
    tx.commit().await?;
    Ok(loaded)
}

async fn open(path: &Path) -> Result<Lines<File>, LoadProblem> {
    let file = File::open(path)
        .await
        .map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))?;
    Ok(Lines::new(file))
}

/// The next number of the file.
async fn next_entry(
    source: &mut Lines<File>,
    file: &DoNotCallFile<'_>,
) -> Result<Option<Entry>, LoadProblem> {
    let is_change_list = file.changes_since.is_some();
    let entry = source.next().await?.map(|line| parse_entry(line, is_change_list));
    entry
        .transpose()
        .map_err(|fault| wrong(format!("line {} {fault}", source.number)))
}

/// Reads the file to its end, and counts the lines of each area code.
async fn read_through(file: &DoNotCallFile<'_>) -> Result<BTreeMap<i32, u64>, LoadProblem> {
    let mut source = open(file.path).await?;
    let mut per_area = BTreeMap::new();
    while let Some(entry) = next_entry(&mut source, file).await? {
        *per_area.entry(entry.area).or_insert(0) += 1;
    }
    Ok(per_area)
}

/// Numbers of each area code, as they change.
type Balance = BTreeMap<i32, i64>;

struct Load<'a> {
    file: &'a DoNotCallFile<'a>,
    areas: BTreeSet<i32>,
    per_area: BTreeMap<i32, u64>,
}

impl Load<'_> {
    /// What is there already has to fit: a copy is never replaced by an older one, and changes go on where a copy ends.
    async fn check_against_copies(&self, tx: &mut SystemTx) -> Result<Balance, LoadProblem> {
        let rows = sqlx::query!("SELECT area_code, as_of, numbers FROM do_not_call_areas FOR UPDATE")
            .fetch_all(tx.conn())
            .await
            .map_err(DbError::from)?;
        let copies: BTreeMap<i32, (NaiveDate, i64)> = rows
            .into_iter()
            .map(|row| (row.area_code, (row.as_of, row.numbers)))
            .collect();
        let mut balance = Balance::new();
        for area in &self.areas {
            let copy = copies.get(area).copied();
            if let Some((as_of, _)) = copy.filter(|(as_of, _)| *as_of > self.file.as_of) {
                return Err(wrong(format!(
                    "the copy of area code {area} is of {as_of}, and newer"
                )));
            }
            match (self.file.changes_since, copy) {
                (None, copy) => self.check_size(*area, copy.map_or(0, |(_, numbers)| numbers))?,
                (Some(_), None) => {
                    return Err(wrong(format!(
                        "there is no copy of area code {area} to change: load a full list"
                    )));
                }
                (Some(since), Some((as_of, _))) if as_of < since => {
                    return Err(wrong(format!(
                        "the copy of area code {area} is of {as_of}, and the changes begin on {since}: load a full list"
                    )));
                }
                (Some(_), Some(_)) => {}
            }
            let before = copy.map_or(0, |(_, numbers)| numbers);
            balance.insert(
                *area,
                if self.file.changes_since.is_some() {
                    before
                } else {
                    0
                },
            );
        }
        Ok(balance)
    }

    /// A full list of half the size is cut off rather than true, unless somebody counted it.
    fn check_size(&self, area: i32, before: i64) -> Result<(), LoadProblem> {
        let now = self.per_area.get(&area).copied().unwrap_or(0);
        if self.file.expected.is_none() && i64::try_from(now).unwrap_or(i64::MAX) < before / 2 {
            return Err(wrong(format!(
                "area code {area} has {now} numbers after {before}: where that is right, say how many lines there are"
            )));
        }
        Ok(())
    }

    /// A full list begins with none; how many there were.
    async fn clear(&self, tx: &mut SystemTx) -> Result<i64, LoadProblem> {
        let mut removed = 0;
        if self.file.changes_since.is_none() {
            for area in &self.areas {
                let gone = sqlx::query!("DELETE FROM do_not_call_numbers WHERE area_code = $1", *area)
                    .execute(tx.conn())
                    .await
                    .map_err(DbError::from)?;
                removed += i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX);
            }
        }
        Ok(removed)
    }

    async fn conclude(&self, tx: &mut SystemTx, balance: &Balance) -> Result<Uuid, LoadProblem> {
        let (id, now) = (ids::next(), tx.now());
        let areas: Vec<i32> = balance.keys().copied().collect();
        let numbers: Vec<i64> = balance.values().copied().collect();
        sqlx::query!(
            "INSERT INTO do_not_call_areas (area_code, as_of, numbers, load_id, loaded_at)
             SELECT a.area_code, $1, a.numbers, $2, $3 FROM unnest($4::int[], $5::bigint[]) AS a(area_code, numbers)
             ON CONFLICT (area_code) DO UPDATE SET as_of = excluded.as_of, numbers = excluded.numbers,
                 load_id = excluded.load_id, loaded_at = excluded.loaded_at",
            self.file.as_of,
            id,
            now,
            &areas,
            &numbers,
        )
        .execute(tx.conn())
        .await
        .map_err(DbError::from)?;
        Ok(id)
    }
}

/// Of each number the last that is said of it.
#[derive(Default)]
struct Batch(BTreeMap<(i32, [u8; 32]), bool>);

impl Batch {
    fn put(&mut self, keyring: &Keyring, entry: &Entry) {
        let place = (entry.area, keyring.platform_blind(&entry.number));
        self.0.insert(place, entry.added);
    }

    /// Adds and removes; how many it were.
    async fn write(&mut self, tx: &mut SystemTx, balance: &mut Balance) -> Result<(i64, i64), LoadProblem> {
        let batch = std::mem::take(&mut self.0);
        let side = |added: bool| -> (Vec<i32>, Vec<Vec<u8>>) {
            let chosen = batch.iter().filter(|(_, is_added)| **is_added == added);
            chosen.map(|((area, blind), _)| (*area, blind.to_vec())).unzip()
        };
        let (mut added, mut removed) = (0, 0);
        let (areas, blinds) = side(true);
        if !areas.is_empty() {
            let rows = sqlx::query!(
                r#"WITH new AS (
                     INSERT INTO do_not_call_numbers (area_code, number_blind)
                     SELECT * FROM unnest($1::int[], $2::bytea[]) ON CONFLICT DO NOTHING RETURNING area_code)
                 SELECT area_code AS "area_code!", count(*) AS "count!" FROM new GROUP BY area_code"#,
                &areas,
                &blinds,
            )
            .fetch_all(tx.conn())
            .await
            .map_err(DbError::from)?;
            for row in rows {
                added += row.count;
                *balance.entry(row.area_code).or_default() += row.count;
            }
        }
        let (areas, blinds) = side(false);
        if !areas.is_empty() {
            let rows = sqlx::query!(
                r#"WITH gone AS (
                     DELETE FROM do_not_call_numbers n USING unnest($1::int[], $2::bytea[]) AS g(area_code, number_blind)
                     WHERE n.area_code = g.area_code AND n.number_blind = g.number_blind RETURNING n.area_code)
                 SELECT area_code AS "area_code!", count(*) AS "count!" FROM gone GROUP BY area_code"#,
                &areas,
                &blinds,
            )
            .fetch_all(tx.conn())
            .await
            .map_err(DbError::from)?;
            for row in rows {
                removed += row.count;
                *balance.entry(row.area_code).or_default() -= row.count;
            }
        }
        Ok((added, removed))
    }
}

/// How many area codes' copies are too old on which businesses' subscriptions rest; also those of which there is none.
/// For `doctor`.
///
/// # Errors
/// [`sqlx::Error`] as met.
pub async fn stale_registry(
    connection: &mut sqlx::PgConnection,
    now: DateTime<Utc>,
) -> Result<Option<String>, sqlx::Error> {
    let today = now.date_naive();
    let businesses = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM do_not_call_access WHERE valid_from <= $1 AND valid_until >= $1"#,
        today,
    )
    .fetch_one(&mut *connection)
    .await?;
    if businesses == 0 {
        return Ok(None);
    }
    let copies = sqlx::query_scalar!("SELECT as_of FROM do_not_call_areas")
        .fetch_all(connection)
        .await?;
    let days = registry_days();
    let old = copies.iter().filter(|as_of| is_older(**as_of, days, now)).count();
    Ok(if copies.is_empty() {
        Some(format!(
            "{businesses} business(es) have access to the national do-not-call registry, and no copy of it is loaded: funnelchat compliance load-do-not-call"
        ))
    } else if old > 0 {
        Some(format!(
            "the national do-not-call registry is older than {days} days in {old} area code(s), where it counts as missing: funnelchat compliance load-do-not-call"
        ))
    } else {
        None
    })
}
