//! Accounts due between two days, in another order than that of their days. The range may hold more than may be looked
//! at, and the list's order may begin far from it: what was placed last is not due yet. But those due in one month lie
//! in an index in the list's order, so that a page is found among the first of each month.

use chrono::{Datelike as _, Months, NaiveDate};

use super::{
    AccountOrdering, ListedAccount, Way, Window,
    criteria::{Condition, Span},
    lanes::{Lanes, Start, push_order},
    read_rows,
    sql::{PERSON, Sql},
    walk::push_filtered,
};
use crate::platform::db::{DbError, TenantTx};

/// The range, where the list is nothing but that, in an order in which the months have an index.
pub(super) fn range(ordering: AccountOrdering, conditions: &[Condition<'_>]) -> Option<Span<NaiveDate>> {
    match (ordering, conditions) {
        (AccountOrdering::CreatedAt | AccountOrdering::Balance, [Condition::Due(span)]) => Some(*span),
        _ => None,
    }
}

/// A page in reading direction; `None` where the months are too many, or the walk through the first or the last, which
/// may lie in the range in part, was cut short.
pub(super) async fn page(
    tx: &mut TenantTx,
    span: Span<NaiveDate>,
    way: &Way<'_>,
    window: Window,
) -> Result<Option<Vec<ListedAccount>>, DbError> {
    let most = usize::try_from(window.look_at / window.rows).unwrap_or_default();
    let Some(months) = months(tx, span, most).await? else {
        return Ok(None);
    };
    let mut sql = Sql::limited(tx, window.rows, "SELECT a.*, d.* FROM (SELECT a.* FROM unnest(")?;
    sql.bind(months).push(") AS m(month) CROSS JOIN LATERAL (");
    push_filtered(
        &mut sql,
        &Lanes::of_each_month(span),
        Some(&Start::Month),
        way,
        window,
    );
    sql.push(") a");
    push_order(&mut sql, None, "a.order_key", "a.id", way.descending);
    sql.push(" LIMIT $2) a").push(PERSON);
    push_order(&mut sql, None, "a.order_key", "a.id", way.descending);
    let rows = sql.builder().build().fetch_all(tx.conn()).await?;
    Ok(read_rows(&rows, way.ordering)?.ok())
}

/// The months of the range from the first to the last in which anything is due, if these are no more than `most`.
async fn months(
    tx: &mut TenantTx,
    span: Span<NaiveDate>,
    most: usize,
) -> Result<Option<Vec<NaiveDate>>, DbError> {
    let mut sql = Sql::new(tx, "SELECT ")?;
    push_outermost(&mut sql, " >= ", span.min.and_then(month_of), false);
    sql.push(", ");
    push_outermost(&mut sql, " <= ", span.max.and_then(month_of), true);
    let found: (Option<NaiveDate>, Option<NaiveDate>) =
        sql.builder().build_query_as().fetch_one(tx.conn()).await?;
    let (Some(first), Some(last)) = found else {
        return Ok(Some(Vec::new()));
    };
    let from_first = |nth| first.checked_add_months(Months::new(nth));
    let months: Vec<NaiveDate> = (0..)
        .map_while(from_first)
        .take_while(|month| *month <= last)
        .take(most + 1)
        .collect();
    Ok((months.len() <= most).then_some(months))
}

fn push_outermost(sql: &mut Sql, comparison: &str, bound: Option<NaiveDate>, descending: bool) {
    sql.push(
        "(SELECT a.due_month FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND a.due_month IS NOT NULL",
    );
    if let Some(bound) = bound {
        sql.push(" AND a.due_month").push(comparison).bind(bound);
    }
    push_order(
        sql,
        Some(("a.due_month", descending)),
        "a.created_at",
        "a.id",
        descending,
    );
    sql.push(" LIMIT 1)");
}

fn month_of(day: NaiveDate) -> Option<NaiveDate> {
    day.with_day(1)
}
