//! The list of people.

use sqlx::Row as _;
use uuid::Uuid;

use super::{AS_USUAL, BY_INDEX_ALONE, LookLimit, sql::Sql};
use crate::platform::{
    db::{DbError, TenantTx},
    gql::PageRequest,
};

/// The name key and the id.
type Key = (String, Uuid);

/// People by name, in alphabetical order, each once; `ids` narrows to what a search found. `None` where an agent's own are so few
/// among their colleagues' that more people than `limit` would have to be looked at.
pub(in crate::accounts) async fn page_of_debtor_ids(
    tx: &mut TenantTx,
    ids: Option<&[Uuid]>,
    page: &PageRequest,
    past: Option<Key>,
    limit: LookLimit,
) -> Result<Option<Vec<Key>>, DbError> {
    let Some(agent) = tx.ctx().agent_scope() else {
        let mut sql = Sql::limited(tx, page.fetch(), "SELECT d.name_key, d.id, false AS cut FROM (")?;
        push_people(&mut sql, ids, page, past, "$2");
        sql.push(") d");
        push_order(&mut sql, page);
        return read(tx, sql).await;
    };
    let LookLimit(look_at) = limit;
    let mut sql = Sql::limited(tx, page.fetch(), "SELECT d.name_key, d.id, d.place > ")?;
    sql.push(look_at)
        .push(" AS cut FROM (SELECT d.*, row_number() OVER (");
    push_order(&mut sql, page);
    sql.push(") AS place FROM (");
    push_people(&mut sql, ids, page, past, &(look_at + 1).to_string());
    sql.push(") d) d WHERE d.place > ").push(look_at).push(" OR ");
    push_scope(&mut sql, agent);
    push_order(&mut sql, page);
    sql.push(" LIMIT $2");
    // See `page_of_accounts`. What a search found is no index's order.
    if ids.is_some() {
        return read(tx, sql).await;
    }
    sqlx::raw_sql(BY_INDEX_ALONE).execute(tx.conn()).await?;
    let found = read(tx, sql).await?;
    sqlx::raw_sql(AS_USUAL).execute(tx.conn()).await?;
    Ok(found)
}

fn push_people(sql: &mut Sql, ids: Option<&[Uuid]>, page: &PageRequest, past: Option<Key>, limit: &str) {
    sql.push("SELECT d.name_key, d.id FROM debtors d WHERE d.business_id = $1 AND d.merged_into IS NULL");
    if let Some(ids) = ids {
        sql.push(" AND d.id = ANY(").bind(ids.to_vec()).push(")");
    }
    if let Some((name, id)) = past {
        sql.push(" AND (d.name_key COLLATE \"C\", d.id)");
        sql.push(if page.backward { " < (" } else { " > (" });
        sql.bind(name).push(", ").bind(id).push(")");
    }
    push_order(sql, page);
    sql.push(" LIMIT ").push(limit);
}

fn push_order(sql: &mut Sql, page: &PageRequest) {
    super::lanes::push_order(sql, None, "d.name_key COLLATE \"C\"", "d.id", page.backward);
}

async fn read(tx: &mut TenantTx, mut sql: Sql) -> Result<Option<Vec<Key>>, DbError> {
    let rows = sql.builder().build().fetch_all(tx.conn()).await?;
    rows.iter()
        .map(|row| {
            let cut: bool = row.try_get("cut")?;
            (!cut).then(|| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
        })
        .collect()
}

/// The same people as `store::debtors_by_ids` lets an agent see; looked up one by one (see `criteria`).
fn push_scope(sql: &mut Sql, agent: Uuid) {
    sql.push(
        "(EXISTS (SELECT FROM debtors g JOIN accounts a ON a.business_id = $1 AND a.debtor_id = g.id
              WHERE g.business_id = $1 AND g.person_id = d.id AND a.deleted_at IS NULL
              AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = ",
    )
    .bind(agent)
    .push(
        ") OFFSET 0) OR EXISTS (SELECT FROM debtors g JOIN conversations v ON v.business_id = $1 AND v.debtor_id = g.id
              WHERE g.business_id = $1 AND g.person_id = d.id
              AND (v.assigned_agent_id IS NULL OR v.assigned_agent_id = ",
    )
    .bind(agent)
    .push(
        ") OFFSET 0) OR NOT EXISTS (SELECT FROM debtors g JOIN accounts a ON a.business_id = $1 AND a.debtor_id = g.id
              WHERE g.business_id = $1 AND g.person_id = d.id OFFSET 0))",
    );
}
