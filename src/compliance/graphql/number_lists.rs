//! Lists of numbers that others keep, in the API.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::{
    compliance::number_lists::{
        AccessRow, AreaRow, ImportRow, NewAccess, NewReassignedImport, access_of, areas_of, import_by_id,
        import_reassigned, is_older, newest_imports, newest_query, reassigned_days, registry_days,
        set_do_not_call_access,
    },
    identity::graphql::User,
    platform::{
        db::{DbError, TenantTx},
        gql::{Date, Done, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// Imports that are listed.
const NEWEST: i64 = 20;
/// Area codes that are told one by one.
const MOST_TOLD: usize = 100;

/// Lists of numbers that others keep, as far as the gate may use them for your business.
#[derive(SimpleObject)]
pub struct NumberLists {
    /// The national do-not-call registry. It binds solicitations; collection only where your contact policy says so
    /// (47 CFR 64.1200(c)).
    national_do_not_call: NationalDoNotCallList,
    /// What the reassigned numbers database answered about the numbers that you asked about (47 CFR 64.1200(m)).
    reassigned_numbers: ReassignedNumberList,
}

/// The copy of the national do-not-call registry, for the area codes to which your business has access. The operator of the
/// platform loads it.
#[derive(SimpleObject)]
pub struct NationalDoNotCallList {
    /// Under which subscription your business uses it; null until it is recorded, and then the gate knows nothing of the
    /// registry.
    access: Option<DoNotCallAccess>,
    /// How old a copy may be, in days; an older one counts as missing.
    max_age_days: i32,
    /// Area codes that are loaded, of those to which you have access today.
    area_codes_loaded: i32,
    /// Numbers that are listed in them.
    numbers: i32,
    /// The day of their oldest copy; null where there is none.
    oldest_as_of: Option<Date>,
    /// The day of their newest copy.
    newest_as_of: Option<Date>,
    /// Area codes of which the copy is too old, the first hundred.
    stale_area_codes: Vec<i32>,
    /// Area codes that your subscription names and of which no copy is loaded, the first hundred.
    missing_area_codes: Vec<i32>,
    /// Something that your business has paid for is missing or too old; false while it has no access today.
    is_stale: bool,
}

/// The subscription under which a business uses the national do-not-call registry (16 CFR 310.8).
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct DoNotCallAccess {
    /// The subscription account number (SAN).
    account_number: String,
    /// The area codes that were paid for; null for all of them.
    area_codes: Option<Vec<i32>>,
    /// The first day.
    valid_from: Date,
    /// The last day.
    valid_until: Date,
    /// It is valid today.
    is_valid: bool,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
    #[graphql(skip)]
    recorded_by: Option<uuid::Uuid>,
}

#[async_graphql::ComplexObject]
impl DoNotCallAccess {
    /// Who recorded it; null for an API key.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.recorded_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

/// Answers of the reassigned numbers database that your business imported.
#[derive(SimpleObject)]
pub struct ReassignedNumberList {
    /// After how many days a `no` proves nothing any more (12 CFR 1006.6(d)(5)).
    max_age_days: i32,
    /// The newest day on which the database was asked; null where nothing was imported.
    newest_queried_on: Option<Date>,
    /// The newest answers are older than that: ask the database again.
    is_stale: bool,
    /// The newest twenty imports.
    imports: Vec<ReassignedNumberImport>,
}

/// How far an import of answers is.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ReassignedNumberImportStatus {
    /// It waits for its turn.
    Waiting,
    /// The file is being read; nothing of it counts yet.
    Loading,
    /// All of it counts.
    Completed,
    /// Nothing of it was taken: see `failure`.
    Failed,
}

/// A file of answers of the reassigned numbers database.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReassignedNumberImport {
    /// The import's id (`rni_…`).
    id: ID,
    /// How far it is.
    status: ReassignedNumberImportStatus,
    /// Lines that were looked at so far.
    rows_read: i32,
    /// Numbers that were permanently disconnected since the date that was asked about.
    reassigned: i32,
    /// Numbers that were not.
    not_reassigned: i32,
    /// Numbers of which the database cannot tell.
    no_data: i32,
    /// The oldest day on which the database was asked; null before the end.
    queried_first: Option<Date>,
    /// The newest one.
    queried_last: Option<Date>,
    /// What is wrong with the file, by its lines; null unless it failed.
    failure: Option<String>,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    created_by: Option<uuid::Uuid>,
}

#[async_graphql::ComplexObject]
impl ReassignedNumberImport {
    /// Who began it.
    async fn created_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.created_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl ReassignedNumberImport {
    fn of(row: ImportRow) -> Self {
        Self {
            id: ids::encode(IdKind::ReassignedImport, row.id).into(),
            status: match row.status.as_str() {
                "WAITING" => ReassignedNumberImportStatus::Waiting,
                "LOADING" => ReassignedNumberImportStatus::Loading,
                "COMPLETED" => ReassignedNumberImportStatus::Completed,
                _ => ReassignedNumberImportStatus::Failed,
            },
            rows_read: row.rows_read,
            reassigned: row.reassigned,
            not_reassigned: row.not_reassigned,
            no_data: row.no_data,
            queried_first: row.queried_first.map(Date),
            queried_last: row.queried_last.map(Date),
            failure: row.failure,
            created_at: row.created_at,
            ended_at: row.ended_at,
            created_by: row.created_by,
        }
    }
}

impl NationalDoNotCallList {
    fn of(access: Option<AccessRow>, areas: &[AreaRow], now: DateTime<Utc>) -> Self {
        let (days, today) = (registry_days(), now.date_naive());
        let days_of = areas.iter().map(|area| area.as_of);
        let is_valid = access
            .as_ref()
            .is_some_and(|row| (row.valid_from..=row.valid_until).contains(&today));
        let old = areas.iter().filter(|area| is_older(area.as_of, days, now));
        let named = access.as_ref().and_then(|row| row.area_codes.clone());
        let mut missing = named.filter(|_| is_valid).unwrap_or_default();
        missing.retain(|code| !areas.iter().any(|area| area.area_code == *code));
        let mut stale: Vec<i32> = old.map(|area| area.area_code).collect();
        let is_stale = is_valid && (areas.is_empty() || !stale.is_empty() || !missing.is_empty());
        stale.truncate(MOST_TOLD);
        missing.truncate(MOST_TOLD);
        let numbers: i64 = areas.iter().map(|area| area.numbers).sum();
        Self {
            access: access.map(|row| DoNotCallAccess {
                account_number: row.account_number,
                area_codes: row.area_codes,
                valid_from: Date(row.valid_from),
                valid_until: Date(row.valid_until),
                is_valid,
                recorded_at: row.recorded_at,
                recorded_by: row.recorded_by,
            }),
            max_age_days: i32::try_from(days).unwrap_or(i32::MAX),
            area_codes_loaded: i32::try_from(areas.len()).unwrap_or(i32::MAX),
            numbers: i32::try_from(numbers).unwrap_or(i32::MAX),
            oldest_as_of: days_of.clone().min().map(Date),
            newest_as_of: days_of.max().map(Date),
            stale_area_codes: stale,
            missing_area_codes: missing,
            is_stale,
        }
    }

    async fn read(tx: &mut TenantTx) -> Result<Self, DbError> {
        let (access, areas) = (access_of(tx).await?, areas_of(tx).await?);
        Ok(Self::of(access, &areas, tx.now()))
    }
}

async fn reassigned(tx: &mut TenantTx) -> Result<ReassignedNumberList, DbError> {
    let (days, now) = (reassigned_days(), tx.now());
    let newest = newest_query(tx).await?;
    let imports = newest_imports(tx, NEWEST).await?;
    Ok(ReassignedNumberList {
        max_age_days: i32::try_from(days).unwrap_or(i32::MAX),
        is_stale: newest.is_some_and(|day| is_older(day, days, now)),
        newest_queried_on: newest.map(Date),
        imports: imports.into_iter().map(ReassignedNumberImport::of).collect(),
    })
}

/// A subscription of the national do-not-call registry.
#[derive(Debug, InputObject)]
pub struct SetDoNotCallAccessInput {
    /// The subscription account number (SAN), 1 to 40 letters, digits and hyphens.
    account_number: String,
    /// The area codes that were paid for, 1 to 800; all of them when left out.
    area_codes: Option<Vec<i32>>,
    /// The first day.
    valid_from: Date,
    /// The last day.
    valid_until: Date,
}

/// What setDoNotCallAccess answers.
#[derive(SimpleObject)]
pub struct SetDoNotCallAccessPayload {
    /// The registry, as your business may use it now; null when there are user errors.
    national_do_not_call: Option<NationalDoNotCallList>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// A file of answers of the reassigned numbers database.
#[derive(Debug, InputObject)]
pub struct ImportReassignedNumbersInput {
    /// The upload, made with purpose REASSIGNED_NUMBERS. Its first line names the columns: `number`; `status` (yes, no,
    /// no_data) or `disconnected_on`; and where each line has its own, `asked_since` and `queried_on`.
    upload_id: ID,
    /// When the database was asked, for lines that do not say so.
    queried_on: Option<Date>,
    /// The date that it was asked about, for lines that do not say so: has the number been disconnected since?
    asked_since: Option<Date>,
}

/// What importReassignedNumbers answers.
#[derive(SimpleObject)]
pub struct ImportReassignedNumbersPayload {
    /// The import, which a job reads; null when there are user errors. Ask `numberLists` how far it is.
    import: Option<ReassignedNumberImport>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of number lists.
#[derive(Default)]
pub struct NumberListQueries;

#[Object]
impl NumberListQueries {
    /// Lists of numbers that others keep: what is loaded, of which day, and whether it is too old to count.
    async fn number_lists(&self, ctx: &Context<'_>) -> async_graphql::Result<NumberLists> {
        let mut tx = ctx.snapshot().await?;
        let national = NationalDoNotCallList::read(&mut tx).await;
        let national = national.map_err(|error| op_error(error.into()))?;
        let reassigned = reassigned(&mut tx).await;
        Ok(NumberLists {
            national_do_not_call: national,
            reassigned_numbers: reassigned.map_err(|error| op_error(error.into()))?,
        })
    }
}

/// Mutations of number lists.
#[derive(Default)]
pub struct NumberListMutations;

#[Object]
impl NumberListMutations {
    /// Records under which subscription your business uses the national do-not-call registry. The gate asks the registry for
    /// those area codes from the next decision on; what was recorded before ends.
    async fn set_do_not_call_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The subscription.")] input: SetDoNotCallAccessInput,
    ) -> async_graphql::Result<SetDoNotCallAccessPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let new = NewAccess {
                account_number: input.account_number.clone(),
                area_codes: input.area_codes.clone(),
                valid_from: input.valid_from.0,
                valid_until: input.valid_until.0,
            };
            set_do_not_call_access(tx, new).await?;
            Ok(Done::from(tx.business_id()))
        })
        .await?;
        let national_do_not_call = match outcome.object {
            Some(_) => {
                let read = NationalDoNotCallList::read(&mut *ctx.snapshot().await?).await;
                Some(read.map_err(|error| op_error(error.into()))?)
            }
            None => None,
        };
        Ok(SetDoNotCallAccessPayload {
            national_do_not_call,
            user_errors: outcome.user_errors,
        })
    }

    /// Reads a file of answers of the reassigned numbers database. It counts wholly, or where a line is wrong not at all. Of a
    /// number the latest answer counts, for the consents that it speaks of: `yes` forbids texts and calls, `no` shows that a
    /// consent still reaches who gave it.
    async fn import_reassigned_numbers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file.")] input: ImportReassignedNumbersInput,
    ) -> async_graphql::Result<ImportReassignedNumbersPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let new = NewReassignedImport {
                upload: input_id(IdKind::File, "uploadId", &input.upload_id)?,
                queried_on: input.queried_on.as_ref().map(|date| date.0),
                asked_since: input.asked_since.as_ref().map(|date| date.0),
            };
            Ok(Done::from(import_reassigned(tx, new).await?))
        })
        .await?;
        let import = match outcome.object {
            Some(id) => import_by_id(&mut *ctx.snapshot().await?, id)
                .await
                .map_err(|error| op_error(error.into()))?,
            None => None,
        };
        Ok(ImportReassignedNumbersPayload {
            import: import.map(ReassignedNumberImport::of),
            user_errors: outcome.user_errors,
        })
    }
}
