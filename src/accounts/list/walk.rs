//! The list's order, walked from the cursor on, until the page is full or enough has been looked at.

use super::{
    Cut, ListedAccount, Way, Window,
    criteria::push_all,
    lanes::{Lanes, Start, push_lane, push_order},
    read_rows,
    sql::{PERSON, Sql},
};
use crate::platform::db::{DbError, TenantTx};

/// A page in reading direction, [`Window::rows`] at most; [`Cut`] where the walk ended before the page was full.
///
/// Each lane ends with the first row too many to be looked at, which is handed out in its place whatever it is. Rows are
/// numbered and filtered outside of the lane's own LIMIT: the outer one stops pulling as soon as it is full.
pub(super) async fn page(
    tx: &mut TenantTx,
    lanes: &Lanes<'_>,
    way: &Way<'_>,
    window: Window,
) -> Result<Result<Vec<ListedAccount>, Cut>, DbError> {
    if lanes.starts.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let mut sql = Sql::limited(tx, window.rows, "SELECT a.*, d.* FROM (SELECT * FROM (")?;
    for (nth, start) in lanes.starts.iter().enumerate() {
        sql.push(if nth == 0 { "(" } else { " UNION ALL (" });
        push_filtered(&mut sql, lanes, start.as_ref(), way, window);
        sql.push(")");
    }
    sql.push(") a");
    push_order(&mut sql, None, "a.order_key", "a.id", way.descending);
    sql.push(" LIMIT $2) a").push(PERSON);
    push_order(&mut sql, None, "a.order_key", "a.id", way.descending);
    let rows = sql.builder().build().fetch_all(tx.conn()).await?;
    read_rows(&rows, way.ordering)
}

/// What the rest of the conditions leaves of a lane.
pub(super) fn push_filtered(
    sql: &mut Sql,
    lanes: &Lanes<'_>,
    start: Option<&Start>,
    way: &Way<'_>,
    window: Window,
) {
    if lanes.rest.is_empty() {
        sql.push("SELECT a.*, false AS cut FROM (");
        push_lane(sql, lanes, start, way, "$2");
        sql.push(") a");
        return;
    }
    let order = |sql: &mut Sql| {
        let start = start.map(|_| ("a.start_key", way.descending));
        push_order(sql, start, "a.order_key", "a.id", way.descending);
    };
    sql.push("SELECT a.*, a.place > ").push(window.look_at);
    sql.push(" AS cut FROM (SELECT a.*, row_number() OVER (");
    order(sql);
    sql.push(") AS place FROM (");
    push_lane(sql, lanes, start, way, &(window.look_at + 1).to_string());
    sql.push(") a) a WHERE a.place > ")
        .push(window.look_at)
        .push(" OR ");
    push_all(sql, &lanes.rest);
    order(sql);
    sql.push(" LIMIT $2");
}

/// How many accounts of the lanes are in the list, up to `most`; `None` where that cannot be told from what may be looked at.
pub(super) async fn count(
    tx: &mut TenantTx,
    lanes: &Lanes<'_>,
    way: &Way<'_>,
    look_at: i64,
    most: i64,
) -> Result<Option<i64>, DbError> {
    if lanes.starts.is_empty() {
        return Ok(Some(0));
    }
    let limit = if lanes.rest.is_empty() { most } else { look_at + 1 };
    let mut sql = Sql::limited(tx, limit, "SELECT count(*), count(*) FILTER (WHERE ")?;
    push_all(&mut sql, &lanes.rest);
    sql.push(") FROM (SELECT * FROM (");
    for (nth, start) in lanes.starts.iter().enumerate() {
        sql.push(if nth == 0 { "(" } else { " UNION ALL (" });
        push_lane(&mut sql, lanes, start.as_ref(), way, "$2");
        sql.push(")");
    }
    sql.push(") a LIMIT $2) a");
    let (looked_at, found): (i64, i64) = sql.builder().build_query_as().fetch_one(tx.conn()).await?;
    Ok((lanes.rest.is_empty() || looked_at <= look_at).then_some(found.min(most)))
}
