//! The filtered lists of accounts and debtors: the one place where SQL is put together from fragments. Each
//! fragment is fixed text; values are always bound. Pages are keysets: the order's column, then the id.
//!
//! However large the business is, a page looks at a bounded number of accounts. The list's order is walked along an
//! index (`lanes`, `walk`), or one condition that few fulfil leads to them (`candidates`); where neither fills the page,
//! the list asks to be narrowed.

mod candidates;
mod criteria;
mod debtors;
mod lanes;
mod months;
mod sql;
mod walk;
mod whole;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use self::{
    candidates::Candidates,
    criteria::{Condition, conditions},
    lanes::Lanes,
    sql::{DUE, Sql},
};
pub(super) use self::{
    criteria::AccountCriteria,
    debtors::page_of_debtor_ids,
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

/// One look at a list.
struct Look<'a> {
    list: &'a AccountList,
    all: &'a [Condition<'a>],
    wanted: &'a Wanted<'a>,
    limit: LookLimit,
}

impl Look<'_> {
    async fn page(&self, tx: &mut TenantTx) -> Result<Option<Listed>, DbError> {
        let LookLimit(look_at) = self.limit;
        let window = Window {
            rows: self.wanted.page.fetch(),
            look_at,
        };
        let way = Way {
            ordering: self.list.ordering,
            descending: self.list.descending != self.wanted.page.backward,
            past: self.wanted.past.as_ref(),
        };
        let lanes = Lanes::of(self.list.ordering, self.all);
        if lanes.rest.is_empty() {
            let rows = walk::page(tx, &lanes, &way, window).await?.unwrap_or_default();
            let count = self.count(tx, &lanes, &way, None).await?;
            return Ok(Some(Listed { rows, count }));
        }
        // Few are sorted sooner than the way to them is walked. What a search finds usually is, so it is counted at once.
        let few = if self.list.search.is_some() {
            look_at
        } else {
            look_at / FEW
        };
        let candidates = Candidates::of(self.all);
        let mut chosen = match self.list.search {
            Some(Search::Person(_)) => candidates.found_by_search(),
            _ => candidates.choose(tx, few).await?,
        };
        if chosen.is_none() {
            let mut found = None;
            if let Some(span) = months::range(self.list.ordering, self.all) {
                found = months::page(tx, span, &way, window).await?;
            }
            if found.is_none() {
                found = walk::page(tx, &lanes, &way, window).await?;
            }
            if let Some(rows) = found {
                let count = self.count(tx, &lanes, &way, Some((&candidates, few))).await?;
                return Ok(Some(Listed { rows, count }));
            }
            if few < look_at {
                chosen = candidates.choose(tx, look_at).await?;
            }
        }
        let Some(chosen) = chosen else { return Ok(None) };
        let rows = candidates.page(tx, &chosen, &way, window).await?;
        let count = match self.wanted.count {
            None => None,
            Some(most) => Some(candidates.count(tx, &chosen, look_at).await?.min(most)),
        };
        Ok(Some(Listed { rows, count }))
    }

    /// Along the lanes; where these are too long, through candidates of which there were more than a few.
    async fn count(
        &self,
        tx: &mut TenantTx,
        lanes: &Lanes<'_>,
        way: &Way<'_>,
        candidates: Option<(&Candidates<'_>, i64)>,
    ) -> Result<Option<i64>, DbError> {
        let Some(most) = self.wanted.count else {
            return Ok(None);
        };
        let LookLimit(look_at) = self.limit;
        // In the order of what is asked, each account of the lanes counts, and none has to be looked at.
        let exact = [
            AccountOrdering::CreatedAt,
            AccountOrdering::Balance,
            AccountOrdering::DueDate,
        ]
        .map(|ordering| (ordering, Lanes::of(ordering, self.all)));
        let exact = exact.iter().find(|(_, lanes)| lanes.rest.is_empty());
        let (ordering, lanes) = exact.map_or((way.ordering, lanes), |(ordering, lanes)| (*ordering, lanes));
        let whole = Way {
            ordering,
            past: None,
            ..*way
        };
        if let Some(count) = walk::count(tx, lanes, &whole, look_at, most).await? {
            return Ok(Some(count));
        }
        // All that they could tell was told when there were more than may be looked at.
        let Some((candidates, _)) = candidates.filter(|(_, counted)| *counted < look_at) else {
            return Ok(None);
        };
        match candidates.choose(tx, look_at).await? {
            None => Ok(None),
            Some(chosen) => Ok(Some(candidates.count(tx, &chosen, look_at).await?.min(most))),
        }
    }
}

/// A third of what may be looked at is read and sorted, rather than walked to.
const FEW: i64 = 3;

/// `None` where a lane was cut short.
fn read_rows(rows: &[PgRow], ordering: AccountOrdering) -> Result<Option<Vec<ListedAccount>>, DbError> {
    rows.iter()
        .map(|row| {
            let cut: bool = row.try_get("cut")?;
            (!cut).then(|| read_row(row, ordering)).transpose()
        })
        .collect()
}

fn read_row(row: &PgRow, ordering: AccountOrdering) -> Result<ListedAccount, DbError> {
    let id: Uuid = row.try_get("id")?;
    let key = match ordering {
        AccountOrdering::CreatedAt => AccountKey::Instant(row.try_get("order_key")?, id),
        AccountOrdering::Balance => AccountKey::Number(row.try_get("order_key")?, id),
        AccountOrdering::DueDate => AccountKey::Day(row.try_get("order_key")?, id),
        AccountOrdering::LastName => AccountKey::Text(row.try_get("order_key")?, id),
    };
    let account = AccountRow {
        id,
        debtor_id: row.try_get("debtor_id")?,
        account_number: row.try_get("account_number")?,
        original_creditor: row.try_get("original_creditor")?,
        status: row.try_get("status")?,
        currency: row.try_get("currency")?,
        balance_minor: row.try_get("balance_minor")?,
        original_balance_minor: row.try_get("original_balance_minor")?,
        due_date: row.try_get("due_date")?,
        assigned_agent_id: row.try_get("assigned_agent_id")?,
        creditor_id: row.try_get("creditor_id")?,
        placement_id: row.try_get("placement_id")?,
        custom_fields_cipher: row.try_get("custom_fields_cipher")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        first_name: row.try_get("first_name")?,
        last_name: row.try_get("last_name")?,
        preferred_language: row.try_get("preferred_language")?,
        preferred_channel: row.try_get("preferred_channel")?,
    };
    Ok(ListedAccount { row: account, key })
}
