//! Exports in the API.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, InputType as _, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::{
    AccountFilter, AccountOrder,
    queries::{find, search_problem},
};
use crate::{
    accounts::{
        export::{
            Column, ExportLimit, ExportRow, ExportState, Format, NewExport, export_by_id, own_exports,
            request_export,
        },
        list::{AccountCriteria, AccountList},
    },
    files::Files,
    platform::{
        error::OpError,
        gql::{
            AtHand, Done, EdgeCursor, PageArgs, ScopeExt as _, UserError, mutate, not_found, op_error,
            parse_id,
        },
        ids::{self, IdKind},
    },
};

/// A kind of file.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180) in UTF-8. A text that a spreadsheet would take for a formula has an apostrophe
    /// in front.
    Csv,
    /// A workbook of Excel.
    Xlsx,
}

/// Where an export stands.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ExportStatus {
    /// It waits for its turn.
    Queued,
    /// It is being written.
    Running,
    /// It can be downloaded.
    Ready,
    /// It could not be written: ask again.
    Failed,
    /// It was ready, and its file is gone, after three days or because somebody in it was erased: ask again.
    Expired,
}

/// A column of an export; each is called as the field of Account is.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "Column")]
pub enum ExportColumn {
    /// The account's id.
    Id,
    /// Your number for it.
    AccountNumber,
    /// The debtor's first name.
    FirstName,
    /// The debtor's last name.
    LastName,
    /// The debtor's first phone number.
    Phone,
    /// The debtor's first e-mail address.
    Email,
    /// Where the account stands.
    Status,
    /// What is owed now.
    CurrentBalance,
    /// What was owed at the beginning.
    OriginalBalance,
    /// The currency of both (ISO 4217).
    Currency,
    /// When it was or is due.
    DueDate,
    /// Days since then.
    DaysPastDue,
    /// What it is for.
    DebtType,
    /// Who was owed first.
    OriginalCreditor,
    /// Who is owed now.
    Creditor,
    /// With what it was handed over.
    Placement,
    /// Who works on it.
    AssignedAgent,
    /// The debtor's language, a BCP 47 tag.
    PreferredLanguage,
    /// Labels, separated by semicolons.
    Tags,
    /// When it was placed.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// The debtor's company, where the debtor is one: first and last name are then those of the contact there.
    CompanyName,
    /// The debtor's second phone number.
    PhoneSecondary,
    /// Street and house number of the debtor.
    AddressLine1,
    /// Apartment, suite, floor of the debtor.
    AddressLine2,
    /// City of the debtor.
    City,
    /// State of the debtor: of a US address the USPS code.
    State,
    /// ZIP or postal code of the debtor.
    PostalCode,
    /// Country of the debtor's address (ISO 3166-1 alpha-2).
    Country,
    /// Principal in the balance with which the account was placed.
    Principal,
    /// Interest in it.
    Interest,
    /// Fees in it.
    Fees,
    /// Costs in it.
    Costs,
    /// The day on which the balance was made of these.
    ItemizationDate,
    /// Which day that is.
    ItemizationEvent,
    /// The holds that stand on the account or the debtor, separated by semicolons.
    Holds,
    /// The account's fields of your own, as JSON.
    CustomFields,
    /// How the debtor prefers to be contacted.
    PreferredContactMethod,
    /// How likely it is that the debtor does not pay, in the judgement of staff.
    RiskLevel,
    /// Your own number of the debtor.
    ExternalDebtorReference,
}

/// Accounts as a file, for whoever asked for it.
#[derive(Clone)]
pub struct Export {
    row: Arc<ExportRow>,
    now: DateTime<Utc>,
}

crate::relay_connection!(Export, ExportConnection, ExportEdge);

impl AtHand for Export {}

impl Export {
    fn new(ctx: &Context<'_>, row: ExportRow) -> async_graphql::Result<Self> {
        Ok(Self {
            row: Arc::new(row),
            now: ctx.scope()?.db().clock().now(),
        })
    }
}

/// Accounts as a file, for whoever asked for it.
#[Object]
impl Export {
    /// The export's id (`exp_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Export, self.row.id).into()
    }

    /// Where it stands.
    async fn status(&self) -> ExportStatus {
        match self.row.state(self.now) {
            ExportState::Queued => ExportStatus::Queued,
            ExportState::Running => ExportStatus::Running,
            ExportState::Ready => ExportStatus::Ready,
            ExportState::Failed => ExportStatus::Failed,
            ExportState::Expired => ExportStatus::Expired,
        }
    }

    /// Which kind of file.
    async fn format(&self) -> ExportFormat {
        if self.row.format == "XLSX" {
            ExportFormat::Xlsx
        } else {
            ExportFormat::Csv
        }
    }

    /// Accounts written so far.
    async fn rows(&self) -> i32 {
        i32::try_from(self.row.rows_done).unwrap_or(i32::MAX)
    }

    /// Accounts that there were when it was asked for.
    async fn total_rows(&self) -> i32 {
        i32::try_from(self.row.total_rows).unwrap_or(i32::MAX)
    }

    /// Where to read it, good for five minutes: ask for it when you want to. Null unless it is READY.
    async fn download_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let ready = self.row.state(self.now) == ExportState::Ready;
        let file = self.row.file_id.filter(|_| ready);
        let (files, scope) = (ctx.data::<Files>()?, ctx.scope()?);
        Ok(file.map(|file| files.download_url(scope.ctx(), file)))
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was ready; null until then.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.row.finished_at
    }

    /// When its file goes; null until it is ready.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.row.expires_at()
    }
}

/// What is to be exported.
#[derive(Debug, InputObject)]
pub struct ExportAccountsInput {
    /// Which accounts; all of them when left out.
    filter: Option<AccountFilter>,
    /// In which order; newest first when left out.
    order_by: Option<AccountOrder>,
    /// What to search for, as in `accounts`.
    search: Option<String>,
    /// As which kind of file.
    #[graphql(default_with = "ExportFormat::Csv")]
    format: ExportFormat,
    /// Which columns, in this order, each once; all of them when left out.
    columns: Option<Vec<ExportColumn>>,
}

impl ExportAccountsInput {
    fn columns(&self) -> Result<Vec<Column>, UserError> {
        let named = self.columns.iter().flatten();
        let columns: Vec<Column> = named.map(|column| Column::from(*column)).collect();
        let repeated = columns
            .iter()
            .enumerate()
            .any(|(at, column)| columns[..at].contains(column));
        if repeated || self.columns.as_ref().is_some_and(Vec::is_empty) {
            return Err(UserError::invalid(
                "columns",
                "Name each column once, or leave this out.",
            ));
        }
        Ok(columns)
    }

    fn criteria(&self, now: DateTime<Utc>) -> Result<AccountCriteria, UserError> {
        let Some(filter) = &self.filter else {
            return Ok(AccountCriteria::default());
        };
        filter
            .parse(now.date_naive())
            .map_err(|problem| UserError::invalid(&problem.place, problem.message))
    }
}

/// What exportAccounts answers.
#[derive(SimpleObject)]
pub struct ExportPayload {
    /// The export, which a job will write; null when there are user errors.
    export: Option<Export>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of exports.
#[derive(Default)]
pub struct ExportMutations;

#[Object]
impl ExportMutations {
    /// Writes a list of accounts, as `accounts` shows it, into a file. Ask for `export` until it is READY; its file is
    /// kept for three days.
    async fn export_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which accounts, and how.")] input: ExportAccountsInput,
    ) -> async_graphql::Result<ExportPayload> {
        let limit = *ctx.data::<ExportLimit>()?;
        let search = input.search.as_deref().map(str::trim);
        let problem = search.and_then(search_problem);
        let found = match search {
            Some(text) if problem.is_none() => Some(find(ctx, text).await?),
            _ => None,
        };
        let outcome = mutate(ctx, async |tx, scope| {
            if let Some(problem) = problem {
                return Err(UserError::invalid("search", problem).into());
            }
            let (ordering, descending) = AccountOrder::parts(input.order_by);
            let new = NewExport {
                list: AccountList {
                    criteria: input.criteria(tx.now()).map_err(OpError::from)?,
                    search: found,
                    ordering,
                    descending,
                },
                filter: input.filter.as_ref().map_or(serde_json::Value::Null, |filter| {
                    super::views::without_nulls(filter.to_value().into_json().unwrap_or_default())
                }),
                format: match input.format {
                    ExportFormat::Csv => Format::Csv,
                    ExportFormat::Xlsx => Format::Xlsx,
                },
                columns: input.columns().map_err(OpError::from)?,
            };
            Ok(Done::from(
                request_export(tx, scope.keyring(), scope.db(), limit, new).await?,
            ))
        })
        .await?;
        let row = match outcome.object {
            Some(id) => export_by_id(&mut *ctx.snapshot().await?, id)
                .await
                .map_err(|error| op_error(error.into()))?,
            None => None,
        };
        Ok(ExportPayload {
            export: row.map(|row| Export::new(ctx, row)).transpose()?,
            user_errors: outcome.user_errors,
        })
    }
}

/// Queries about exports.
#[derive(Default)]
pub struct ExportQueries;

#[Object]
impl ExportQueries {
    /// An export of yours; null with a NOT_FOUND error when there is none.
    async fn export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`exp_…`")] id: ID,
    ) -> async_graphql::Result<Option<Export>> {
        let id = parse_id(IdKind::Export, "id", &id)?;
        let row = export_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?
            .ok_or_else(|| not_found("export"))?;
        Export::new(ctx, row).map(Some)
    }

    /// Your exports, newest first.
    async fn exports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ExportConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key("exports")?;
        let rows = own_exports(&mut *ctx.snapshot().await?, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?
            .into_iter()
            .map(|row| Ok((EdgeCursor::of("exports", row.id), Export::new(ctx, row)?)))
            .collect::<async_graphql::Result<Vec<_>>>()?;
        Ok(ExportConnection::from_rows(&page, rows))
    }
}
