//! A list that is read from end to end in the background, in one plain statement, however much that looks at.

use uuid::Uuid;

use super::{
    AccountList,
    criteria::{Condition, conditions, push_all},
    lanes::push_order,
    sql::Sql,
};
use crate::platform::db::{DbError, TenantTx};

/// Which accounts there are, in the list's order, up to `most`.
pub(in crate::accounts) async fn ids_of_all(
    tx: &mut TenantTx,
    list: &AccountList,
    most: i64,
) -> Result<Vec<Uuid>, DbError> {
    let mut sql = Sql::limited(
        tx,
        most,
        "SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ",
    )?;
    push_all(&mut sql, &all_of(tx, list));
    push_order(
        &mut sql,
        None,
        list.ordering.expression(),
        "a.id",
        list.descending,
    );
    sql.push(" LIMIT $2");
    Ok(sql.builder().build_query_scalar().fetch_all(tx.conn()).await?)
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
