//! The filtered lists of accounts and debtors: the one place where SQL is put together from fragments. Each
//! fragment is fixed text; values are always bound. Pages are keysets: the order's column, then the id.
//!
//! However large the business is, a page looks at a bounded number of accounts. The list's order is walked along an
//! index (`lanes`, `walk`), or one condition that few fulfil leads to them (`candidates`); where neither fills the page,
//! the list asks to be narrowed.

mod candidates;
mod cheapest;
mod criteria;
mod debtor_criteria;
mod debtor_sources;
mod debtors;
mod lanes;
mod months;
mod sql;
mod walk;
mod whole;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Column as _, Row as _, postgres::PgRow};
use uuid::Uuid;

use self::{
    cheapest::Look,
    criteria::{Condition, conditions},
    sql::{DUE, Sql},
};
pub(super) use self::{
    criteria::AccountCriteria,
    debtor_criteria::DebtorCriteria,
    debtors::{DebtorKey, DebtorList, DebtorOrdering, WantedDebtors, page_of_debtors},
    whole::{count_all, ids_of_all},
};
use super::store::AccountRow;
use crate::platform::{
    db::{DbError, TenantTx},
    gql::PageRequest,
};

/// What the list is ordered by; ties are broken by id.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) enum AccountOrdering {
    CreatedAt,
    Balance,
    DueDate,
    LastName,
}

/// What a search text can match.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) enum Search {
    /// These records of one person.
    Person(Vec<Uuid>),
    /// Debtors whose name or contact points match (ids found beforehand), or an account number that begins with this.
    DebtorsOrNumber(Vec<Uuid>, String),
}

/// The whole list.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct AccountList {
    pub(super) criteria: AccountCriteria,
    pub(super) search: Option<Search>,
    pub(super) ordering: AccountOrdering,
    pub(super) descending: bool,
}

/// A place in the list: the order's value, and the id.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum AccountKey {
    Instant(DateTime<Utc>, Uuid),
    Number(i64, Uuid),
    Day(NaiveDate, Uuid),
    Text(String, Uuid),
}

impl AccountOrdering {
    /// As the database spells it in a saved view.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "CREATED_AT",
            Self::Balance => "BALANCE",
            Self::DueDate => "DUE_DATE",
            Self::LastName => "LAST_NAME",
        }
    }

    fn expression(self) -> &'static str {
        match self {
            Self::CreatedAt => "a.created_at",
            Self::Balance => "a.balance_minor",
            Self::DueDate => DUE,
            Self::LastName => "a.debtor_name_key COLLATE \"C\"",
        }
    }

    /// Keeps the cursors of different orders apart.
    pub(super) fn list_name(self, descending: bool) -> String {
        format!("accounts.{self:?}.{descending}")
    }
}

/// An account with its debtor's name, in one row.
pub(super) struct ListedAccount {
    pub(super) row: AccountRow,
    pub(super) key: AccountKey,
}

impl AccountKey {
    /// The value and the id, as two values of a row.
    fn bind(&self, sql: &mut Sql) {
        match self {
            Self::Instant(value, id) => sql.bind(*value).push(", ").bind(*id),
            Self::Number(value, id) => sql.bind(*value).push(", ").bind(*id),
            Self::Day(value, id) => sql.bind(*value).push(", ").bind(*id),
            Self::Text(value, id) => sql.bind(value.clone()).push(", ").bind(*id),
        };
    }
}

/// How many accounts one list may look at for a page; data of the schema.
#[derive(Clone, Copy, Debug)]
pub struct LookLimit(pub i64);

impl Default for LookLimit {
    fn default() -> Self {
        Self(10_000)
    }
}

/// In which direction a list is read, and from where.
#[derive(Clone, Copy, Debug)]
struct Way<'a> {
    ordering: AccountOrdering,
    descending: bool,
    past: Option<&'a AccountKey>,
}

/// How much is read.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// Rows of the page, with the one that tells whether there is more.
    rows: i64,
    look_at: i64,
}

/// What a list holds.
pub(super) struct Listed {
    /// In reading direction, with one row more than asked.
    pub(super) rows: Vec<ListedAccount>,
    /// How many there are in all, if that was asked for and can be told.
    pub(super) count: Option<i64>,
}

/// What to read of a list.
pub(super) struct Wanted<'a> {
    pub(super) page: &'a PageRequest,
    pub(super) past: Option<AccountKey>,
    /// Count up to so many.
    pub(super) count: Option<i64>,
}

/// Reads a page; `None` where more accounts than `limit` would have to be looked at.
pub(super) async fn page_of_accounts(
    tx: &mut TenantTx,
    list: &AccountList,
    wanted: &Wanted<'_>,
    limit: LookLimit,
) -> Result<Option<Listed>, DbError> {
    let mut all = conditions(&list.criteria);
    all.extend(list.search.as_ref().map(Condition::Search));
    // A page of nothing but an order comes from the index anyway; so do one person's accounts.
    let simple = (all.is_empty() && wanted.count.is_none()) || matches!(list.search, Some(Search::Person(_)));
    all.extend(tx.ctx().agent_scope().map(Condition::Scope));
    let look = Look {
        list,
        all: &all,
        wanted,
        limit,
    };
    if simple {
        return look.page(tx).await;
    }
    sqlx::raw_sql(BY_INDEX_ALONE).execute(tx.conn()).await?;
    let found = look.page(tx).await?;
    sqlx::raw_sql(AS_USUAL).execute(tx.conn()).await?;
    Ok(found)
}

/// The planner's statistics are over all businesses; of one that is not like the others, it would read and sort all
/// accounts where it expects few. Without these it cannot: it has only indexes, in their own order.
const BY_INDEX_ALONE: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
     SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off; SET LOCAL enable_hashjoin = off; \
     SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off; SET LOCAL enable_memoize = off; \
     SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off";
const AS_USUAL: &str = "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_bitmapscan TO DEFAULT; \
     SET LOCAL enable_sort TO DEFAULT; SET LOCAL enable_incremental_sort TO DEFAULT; \
     SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT; \
     SET LOCAL enable_material TO DEFAULT; SET LOCAL enable_memoize TO DEFAULT; \
     SET LOCAL max_parallel_workers_per_gather TO DEFAULT; SET LOCAL jit TO DEFAULT";

/// More would have to be looked at for a page.
struct Cut {
    /// So many accounts of the page were found before.
    found: i64,
}

fn read_rows(rows: &[PgRow], ordering: AccountOrdering) -> Result<Result<Vec<ListedAccount>, Cut>, DbError> {
    let Some(first) = rows.first() else {
        return Ok(Ok(Vec::new()));
    };
    let places = Places::of(first)?;
    let mut page = Vec::with_capacity(rows.len());
    for (found, row) in (0..).zip(rows) {
        if row.try_get(places.cut)? {
            return Ok(Err(Cut { found }));
        }
        page.push(read_row(row, &places, ordering)?);
    }
    Ok(Ok(page))
}

/// Where in a page's rows the columns stand that are not always at one place: to look each up by its name, row by row,
/// takes as long as to read them. Those of an account come first, as [`sql::COLUMNS`] has them.
struct Places {
    order_key: usize,
    cut: usize,
    /// The first column of [`sql::PERSON`].
    person: usize,
}

impl Places {
    fn of(row: &PgRow) -> Result<Self, DbError> {
        let place = |name| row.try_column(name).map(|column| column.ordinal());
        Ok(Self {
            order_key: place("order_key")?,
            cut: place("cut")?,
            person: place("first_name")?,
        })
    }
}

fn read_row(row: &PgRow, places: &Places, ordering: AccountOrdering) -> Result<ListedAccount, DbError> {
    let id: Uuid = row.try_get(0)?;
    let key = match ordering {
        AccountOrdering::CreatedAt => AccountKey::Instant(row.try_get(places.order_key)?, id),
        AccountOrdering::Balance => AccountKey::Number(row.try_get(places.order_key)?, id),
        AccountOrdering::DueDate => AccountKey::Day(row.try_get(places.order_key)?, id),
        AccountOrdering::LastName => AccountKey::Text(row.try_get(places.order_key)?, id),
    };
    let account = AccountRow {
        id,
        debtor_id: row.try_get(1)?,
        account_number: row.try_get(2)?,
        original_creditor: row.try_get(3)?,
        status: row.try_get(4)?,
        currency: row.try_get(5)?,
        balance_minor: row.try_get(6)?,
        original_balance_minor: row.try_get(7)?,
        due_date: row.try_get(8)?,
        debt_type: row.try_get(15)?,
        assigned_agent_id: row.try_get(9)?,
        creditor_id: row.try_get(10)?,
        placement_id: row.try_get(11)?,
        custom_fields_cipher: row.try_get(12)?,
        created_at: row.try_get(13)?,
        updated_at: row.try_get(14)?,
        first_name: row.try_get(places.person)?,
        last_name: row.try_get(places.person + 1)?,
        preferred_language: row.try_get(places.person + 2)?,
        preferred_channel: row.try_get(places.person + 3)?,
    };
    Ok(ListedAccount { row: account, key })
}
