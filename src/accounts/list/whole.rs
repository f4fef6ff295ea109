//! A list that is read from end to end in the background, one plain statement a page, however much that looks at.

use super::{
    AccountKey, AccountList, ListedAccount,
    criteria::{Condition, conditions, push_all},
    lanes::push_order,
    read_rows,
    sql::{COLUMNS, Sql},
};
use crate::platform::db::{DbError, TenantTx};

/// The accounts that follow, at most so many.
pub(in crate::accounts) async fn next_of_all(
    tx: &mut TenantTx,
    list: &AccountList,
    past: Option<&AccountKey>,
    rows: i64,
) -> Result<Vec<ListedAccount>, DbError> {
    let key = list.ordering.expression();
    let mut sql = Sql::limited(tx, rows, "SELECT ")?;
    sql.push(COLUMNS)
        .push(", d.first_name, d.last_name, d.preferred_language, d.preferred_channel, ")
        .push(key)
        .push(
            " AS order_key, false AS cut FROM accounts a
              JOIN debtors d ON d.business_id = $1 AND d.id = a.debtor_id
              WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ",
        );
    push_all(&mut sql, &all_of(tx, list));
    if let Some(past) = past {
        sql.push(" AND (").push(key).push(", a.id)");
        past.bind(sql.push(if list.descending { " < (" } else { " > (" }));
        sql.push(")");
    }
    push_order(&mut sql, None, key, "a.id", list.descending);
    sql.push(" LIMIT $2");
    let found = sql.builder().build().fetch_all(tx.conn()).await?;
    Ok(read_rows(&found, list.ordering)?.unwrap_or_default())
}

/// How many accounts there are, counted up to `most`.
pub(in crate::accounts) async fn count_all(
    tx: &mut TenantTx,
    list: &AccountList,
    most: i64,
) -> Result<i64, DbError> {
    let mut sql = Sql::limited(
        tx,
        most,
        "SELECT count(*) FROM (SELECT FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ",
    )?;
    push_all(&mut sql, &all_of(tx, list));
    sql.push(" LIMIT $2) c");
    Ok(sql.builder().build_query_scalar().fetch_one(tx.conn()).await?)
}

fn all_of<'a>(tx: &TenantTx, list: &'a AccountList) -> Vec<Condition<'a>> {
    let mut all = conditions(&list.criteria);
    all.extend(list.search.as_ref().map(Condition::Search));
    all.extend(tx.ctx().agent_scope().map(Condition::Scope));
    all
}
