//! The filtered lists of accounts and debtors: the one place where SQL is put together from fragments. Each
//! fragment is fixed text; values are always bound. Pages are keysets: the order's column, then the id.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder, Row as _, postgres::PgRow};
use uuid::Uuid;

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

/// One condition tree; parsed values only.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct AccountCriteria {
    pub(super) statuses: Option<Vec<String>>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) balance_min: Option<i64>,
    pub(super) balance_max: Option<i64>,
    pub(super) due_from: Option<NaiveDate>,
    pub(super) due_to: Option<NaiveDate>,
    pub(super) created_from: Option<DateTime<Utc>>,
    pub(super) created_to: Option<DateTime<Utc>>,
    pub(super) updated_from: Option<DateTime<Utc>>,
    pub(super) updated_to: Option<DateTime<Utc>>,
    /// Past due since this day or longer.
    pub(super) overdue_since: Option<NaiveDate>,
    /// Past due since this day at the longest, or not at all.
    pub(super) not_overdue_before: Option<NaiveDate>,
    pub(super) creditor: Option<Uuid>,
    pub(super) placement: Option<Uuid>,
    pub(super) agent: Option<Uuid>,
    pub(super) unassigned: Option<bool>,
    pub(super) languages: Option<Vec<String>>,
    /// Kinds of holds, as the database spells them.
    pub(super) holds: Option<Vec<String>>,
    pub(super) all_of: Vec<AccountCriteria>,
    pub(super) any_of: Vec<AccountCriteria>,
    pub(super) none_of: Vec<AccountCriteria>,
}

/// What the conditions of a whole tree name, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct References {
    pub(super) creditors: Vec<Uuid>,
    pub(super) placements: Vec<Uuid>,
    pub(super) agents: Vec<Uuid>,
}

impl AccountCriteria {
    pub(super) fn references(&self) -> References {
        let mut named = References::default();
        self.collect(&mut named);
        for ids in [&mut named.creditors, &mut named.placements, &mut named.agents] {
            ids.sort_unstable();
            ids.dedup();
        }
        named
    }

    fn collect(&self, named: &mut References) {
        named.creditors.extend(self.creditor);
        named.placements.extend(self.placement);
        named.agents.extend(self.agent);
        for part in self.all_of.iter().chain(&self.any_of).chain(&self.none_of) {
            part.collect(named);
        }
    }
}

/// What a search text can match.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) enum Search {
    /// Debtors whose name or contact points match (ids found beforehand).
    Debtors(Vec<Uuid>),
    /// The same, or an account number that begins with this.
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

/// A place in the list: the order's value as text, and the id.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) enum AccountKey {
    Instant(DateTime<Utc>, Uuid),
    Number(i64, Uuid),
    Day(NaiveDate, Uuid),
    Text(String, Uuid),
}

/// A due date that sorts behind all others stands for "none". Word for word the expression of the index `accounts_due`.
const DUE: &str = "(CASE WHEN a.due_date IS NULL THEN date '9999-12-31' ELSE a.due_date END)";

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
            Self::LastName => "d.name_key COLLATE \"C\"",
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

/// Reads a page, in reading direction, with one row more than asked.
pub(super) async fn page_of_accounts(
    tx: &mut TenantTx,
    list: &AccountList,
    page: &PageRequest,
    past: Option<AccountKey>,
) -> Result<Vec<ListedAccount>, DbError> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "SELECT a.id, a.debtor_id, a.account_number, a.original_creditor, a.status, a.currency, a.balance_minor,
                a.original_balance_minor, a.due_date, a.assigned_agent_id, a.creditor_id, a.placement_id,
                a.custom_fields_cipher, a.created_at, a.updated_at, d.first_name, d.last_name, d.preferred_language, d.preferred_channel, ",
    );
    sql.push(list.ordering.expression()).push(" AS order_key");
    push_from_where(&mut sql, tx, list);
    let descending = list.descending != page.backward;
    if let Some(key) = past {
        let comparison = if descending { " < (" } else { " > (" };
        sql.push(" AND (")
            .push(list.ordering.expression())
            .push(", a.id)")
            .push(comparison);
        match key {
            AccountKey::Instant(value, id) => sql.push_bind(value).push(", ").push_bind(id),
            AccountKey::Number(value, id) => sql.push_bind(value).push(", ").push_bind(id),
            AccountKey::Day(value, id) => sql.push_bind(value).push(", ").push_bind(id),
            AccountKey::Text(value, id) => sql.push_bind(value).push(", ").push_bind(id),
        };
        sql.push(")");
    }
    let direction = if descending { " DESC" } else { " ASC" };
    sql.push(" ORDER BY ")
        .push(list.ordering.expression())
        .push(direction);
    sql.push(", a.id")
        .push(direction)
        .push(" LIMIT ")
        .push_bind(page.fetch());
    let rows = sql.build().fetch_all(tx.conn()).await?;
    rows.iter().map(|row| read_row(row, list.ordering)).collect()
}

/// Counts up to `most`.
pub(super) async fn count_accounts(tx: &mut TenantTx, list: &AccountList, most: i64) -> Result<i64, DbError> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT count(*) FROM (SELECT 1");
    push_from_where(&mut sql, tx, list);
    sql.push(" LIMIT ").push_bind(most).push(") AS found");
    Ok(sql.build_query_scalar().fetch_one(tx.conn()).await?)
}

fn push_from_where(sql: &mut QueryBuilder<Postgres>, tx: &TenantTx, list: &AccountList) {
    sql.push(" FROM accounts a JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id");
    sql.push(" WHERE a.business_id = ").push_bind(tx.business_id());
    sql.push(" AND a.deleted_at IS NULL");
    if let Some(agent) = tx.ctx().agent_scope() {
        sql.push(" AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = ")
            .push_bind(agent)
            .push(")");
    }
    push_criteria(sql, tx.business_id(), &list.criteria);
    match &list.search {
        None => {}
        Some(Search::Debtors(ids)) => {
            sql.push(" AND a.debtor_id = ANY(")
                .push_bind(ids.clone())
                .push(")");
        }
        Some(Search::DebtorsOrNumber(ids, number)) => {
            sql.push(" AND (a.debtor_id = ANY(")
                .push_bind(ids.clone())
                .push(") OR (a.account_number COLLATE \"C\" >= ");
            sql.push_bind(number.clone())
                .push(" AND a.account_number COLLATE \"C\" < ")
                .push_bind(format!("{number}\u{10FFFF}"));
            sql.push("))");
        }
    }
}

fn push_criteria(sql: &mut QueryBuilder<Postgres>, business: Uuid, criteria: &AccountCriteria) {
    if let Some(statuses) = &criteria.statuses {
        sql.push(" AND a.status = ANY(")
            .push_bind(statuses.clone())
            .push(")");
    }
    if let Some(tags) = &criteria.tags {
        sql.push(
            " AND EXISTS (SELECT FROM account_tags t WHERE t.business_id = a.business_id AND t.account_id = a.id \
             AND t.tag = ANY(",
        )
        .push_bind(tags.clone())
        .push("))");
    }
    if let Some(min) = criteria.balance_min {
        sql.push(" AND a.balance_minor >= ").push_bind(min);
    }
    if let Some(max) = criteria.balance_max {
        sql.push(" AND a.balance_minor <= ").push_bind(max);
    }
    if criteria.due_from.is_some() || criteria.due_to.is_some() {
        sql.push(" AND a.due_date IS NOT NULL");
    }
    if let Some(from) = criteria.due_from {
        sql.push(" AND ").push(DUE).push(" >= ").push_bind(from);
    }
    if let Some(to) = criteria.due_to {
        sql.push(" AND ").push(DUE).push(" <= ").push_bind(to);
    }
    if let Some(from) = criteria.created_from {
        sql.push(" AND a.created_at >= ").push_bind(from);
    }
    if let Some(to) = criteria.created_to {
        sql.push(" AND a.created_at <= ").push_bind(to);
    }
    if let Some(from) = criteria.updated_from {
        sql.push(" AND a.updated_at >= ").push_bind(from);
    }
    if let Some(to) = criteria.updated_to {
        sql.push(" AND a.updated_at <= ").push_bind(to);
    }
    // An account without a date is due after all others, hence never overdue.
    if let Some(since) = criteria.overdue_since {
        sql.push(" AND ").push(DUE).push(" <= ").push_bind(since);
    }
    if let Some(since) = criteria.not_overdue_before {
        sql.push(" AND ").push(DUE).push(" >= ").push_bind(since);
    }
    push_whose(sql, business, criteria);
    for part in &criteria.all_of {
        push_group(sql, business, " AND (true", part, ")");
    }
    if !criteria.any_of.is_empty() {
        sql.push(" AND (false");
        for part in &criteria.any_of {
            push_group(sql, business, " OR (true", part, ")");
        }
        sql.push(")");
    }
    for part in &criteria.none_of {
        push_group(sql, business, " AND NOT coalesce((true", part, "), false)");
    }
}

/// Whom the account concerns. Languages have no index: there are two or three of them, so that each is a large part of
/// the tenant, and the list's own order is walked; the others have one each.
fn push_whose(sql: &mut QueryBuilder<Postgres>, business: Uuid, criteria: &AccountCriteria) {
    if let Some(creditor) = criteria.creditor {
        sql.push(" AND a.creditor_id = ").push_bind(creditor);
    }
    if let Some(placement) = criteria.placement {
        sql.push(" AND a.placement_id = ").push_bind(placement);
    }
    if let Some(agent) = criteria.agent {
        sql.push(" AND a.assigned_agent_id = ").push_bind(agent);
    }
    match criteria.unassigned {
        Some(true) => {
            sql.push(" AND a.assigned_agent_id IS NULL");
        }
        Some(false) => {
            sql.push(" AND a.assigned_agent_id IS NOT NULL");
        }
        None => {}
    }
    if let Some(languages) = &criteria.languages {
        sql.push(" AND d.preferred_language = ANY(")
            .push_bind(languages.clone())
            .push(")");
    }
    if let Some(kinds) = &criteria.holds {
        push_holds(sql, business, kinds);
    }
}

/// First the people with such a hold, as an array by which the accounts' index is searched; then whether it is on this
/// debt or on the person.
fn push_holds(sql: &mut QueryBuilder<Postgres>, business: Uuid, kinds: &[String]) {
    sql.push(
        " AND a.debtor_id = ANY(ARRAY(SELECT g.id FROM holds h \
         JOIN debtors o ON o.business_id = h.business_id AND o.id = h.debtor_id \
         JOIN debtors g ON g.business_id = o.business_id AND g.person_id = o.person_id WHERE h.business_id = ",
    )
    .push_bind(business)
    .push(" AND h.lifted_at IS NULL AND h.kind = ANY(")
    .push_bind(kinds.to_vec())
    .push(
        "))) AND EXISTS (SELECT FROM debtors g JOIN holds h ON h.business_id = g.business_id AND h.debtor_id = g.id \
         WHERE g.business_id = a.business_id AND g.person_id = d.person_id",
    )
    .push(" AND h.lifted_at IS NULL AND (h.account_id IS NULL OR h.account_id = a.id) AND h.kind = ANY(")
    .push_bind(kinds.to_vec())
    .push("))");
}

fn push_group(
    sql: &mut QueryBuilder<Postgres>,
    business: Uuid,
    open: &str,
    part: &AccountCriteria,
    close: &str,
) {
    sql.push(open);
    push_criteria(sql, business, part);
    sql.push(close);
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

/// The same people as `store::debtors_by_ids` lets an agent see. Sub-selects of one row and not EXISTS, which the planner
/// would rather answer once for all people of the tenant than for those of one page.
fn push_debtor_scope(sql: &mut QueryBuilder<Postgres>, agent: Uuid) {
    sql.push(
        " AND ((SELECT true FROM debtors g JOIN accounts a ON a.business_id = g.business_id AND a.debtor_id = g.id
              WHERE g.business_id = debtors.business_id AND g.person_id = debtors.id
              AND a.deleted_at IS NULL AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = ",
    )
    .push_bind(agent)
    .push(
        ") LIMIT 1) OR (SELECT true FROM debtors g JOIN conversations v ON v.business_id = g.business_id AND v.debtor_id = g.id
              WHERE g.business_id = debtors.business_id AND g.person_id = debtors.id
              AND (v.assigned_agent_id IS NULL OR v.assigned_agent_id = ",
    )
    .push_bind(agent)
    .push(
        ") LIMIT 1) OR (SELECT true FROM debtors g JOIN accounts a ON a.business_id = g.business_id AND a.debtor_id = g.id
              WHERE g.business_id = debtors.business_id AND g.person_id = debtors.id LIMIT 1) IS NULL)",
    );
}

/// People by name, in alphabetical order, each once; `ids` narrows to what a search found.
pub(super) async fn page_of_debtor_ids(
    tx: &mut TenantTx,
    ids: Option<&[Uuid]>,
    page: &PageRequest,
    past: Option<(String, Uuid)>,
) -> Result<Vec<(String, Uuid)>, DbError> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT name_key, id FROM debtors WHERE business_id = ");
    sql.push_bind(tx.business_id()).push(" AND merged_into IS NULL");
    if let Some(ids) = ids {
        sql.push(" AND id = ANY(").push_bind(ids.to_vec()).push(")");
    }
    if let Some(agent) = tx.ctx().agent_scope() {
        push_debtor_scope(&mut sql, agent);
    }
    let (comparison, direction) = if page.backward {
        (" < (", " DESC")
    } else {
        (" > (", " ASC")
    };
    if let Some((name, id)) = past {
        sql.push(" AND (name_key COLLATE \"C\", id)").push(comparison);
        sql.push_bind(name).push(", ").push_bind(id).push(")");
    }
    sql.push(" ORDER BY name_key COLLATE \"C\"")
        .push(direction)
        .push(", id")
        .push(direction);
    sql.push(" LIMIT ").push_bind(page.fetch());
    let rows = sql.build().fetch_all(tx.conn()).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}
