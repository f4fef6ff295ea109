//! The list of people: walked in its order, or, where few have what is asked for, sorted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{
    AS_USUAL, BY_INDEX_ALONE, LookLimit,
    candidates::{HOLDS, LANGUAGES, push_each},
    criteria::{ONE_LOOK, Span, primary_languages, push_languages, push_span},
    lanes::push_order,
    sql::Sql,
};
use crate::platform::{
    db::{DbError, TenantTx},
    gql::PageRequest,
};

/// A twentieth of what may be looked at is walked before anything is counted: what many have is met there.
const GLANCE: i64 = 20;

/// Which people.
#[derive(Clone, Debug, Default)]
pub(in crate::accounts) struct DebtorCriteria {
    /// All records of those whom a search found.
    pub(in crate::accounts) found: Option<Vec<Uuid>>,
    pub(in crate::accounts) languages: Option<Vec<String>>,
    /// Kinds of holds, as the database spells them.
    pub(in crate::accounts) holds: Option<Vec<String>>,
    pub(in crate::accounts) has_open_accounts: Option<bool>,
    /// As the database spells them.
    pub(in crate::accounts) risk_levels: Option<Vec<String>>,
    pub(in crate::accounts) created_from: Option<DateTime<Utc>>,
    pub(in crate::accounts) created_to: Option<DateTime<Utc>>,
}

/// What people are ordered by; ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum DebtorOrdering {
    Name,
    CreatedAt,
}

impl DebtorOrdering {
    fn expression(self) -> &'static str {
        match self {
            Self::Name => "d.name_key COLLATE \"C\"",
            Self::CreatedAt => "d.created_at",
        }
    }
}

/// The whole list.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct DebtorList {
    pub(in crate::accounts) criteria: DebtorCriteria,
    pub(in crate::accounts) ordering: DebtorOrdering,
    pub(in crate::accounts) descending: bool,
}

impl DebtorList {
    /// Keeps the cursors of different orders apart.
    pub(in crate::accounts) fn name(&self) -> String {
        format!("debtors.{:?}.{}", self.ordering, self.descending)
    }
}

/// A place in the list: the order's value, and the id.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::accounts) enum DebtorKey {
    Text(String, Uuid),
    Instant(DateTime<Utc>, Uuid),
}

impl DebtorKey {
    pub(in crate::accounts) fn id(&self) -> Uuid {
        match self {
            Self::Text(_, id) | Self::Instant(_, id) => *id,
        }
    }

    fn bind(self, sql: &mut Sql) {
        match self {
            Self::Text(value, id) => sql.bind(value).push(", ").bind(id),
            Self::Instant(value, id) => sql.bind(value).push(", ").bind(id),
        };
    }
}

/// A page of people, each once. `None` where those asked for are so few among the others that more people than `limit` would
/// have to be looked at.
pub(in crate::accounts) async fn page_of_debtors(
    tx: &mut TenantTx,
    list: &DebtorList,
    page: &PageRequest,
    past: Option<DebtorKey>,
    limit: LookLimit,
) -> Result<Option<Vec<DebtorKey>>, DbError> {
    let LookLimit(look_at) = limit;
    let look = Look {
        list,
        conditions: conditions(list, tx.ctx().agent_scope()),
        down: list.descending != page.backward,
        rows: page.fetch(),
        past,
    };
    // Those whom a search found are read and sorted; where nothing is asked for, names come from their index anyway.
    let is_plain = look.conditions.is_empty() && list.ordering == DebtorOrdering::Name;
    if list.criteria.found.is_some() || is_plain {
        return look.read(tx, None, look_at).await;
    }
    // See `page_of_accounts`.
    sqlx::raw_sql(BY_INDEX_ALONE).execute(tx.conn()).await?;
    let found = look.walked(tx, look_at).await?;
    sqlx::raw_sql(AS_USUAL).execute(tx.conn()).await?;
    match found {
        Walked::Page(keys) => Ok(keys),
        // All that have it are read, and sorted.
        Walked::Few(source) => look.read(tx, Some(source), look_at).await,
    }
}

/// Where a walk along the order ended.
enum Walked<'a> {
    /// With the page, or none where it looked at too many.
    Page(Option<Vec<DebtorKey>>),
    /// At a condition that few people fulfil.
    Few(Condition<'a>),
}

/// One condition, about the person `d`.
#[derive(Clone, Copy, Debug)]
enum Condition<'a> {
    /// Whom an agent sees.
    Scope(Uuid),
    Languages(&'a [String]),
    Holds(&'a [String]),
    /// Whether there is an account that is worked on: for an agent, one of theirs or of nobody's.
    Open(bool, Option<Uuid>),
    Risk(&'a [String]),
    Created(Span<DateTime<Utc>>),
}

/// What the order's own bounds do not say.
fn conditions(list: &DebtorList, agent: Option<Uuid>) -> Vec<Condition<'_>> {
    let criteria = &list.criteria;
    let mut all = Vec::new();
    all.extend(criteria.languages.as_deref().map(Condition::Languages));
    all.extend(criteria.holds.as_deref().map(Condition::Holds));
    all.extend(criteria.risk_levels.as_deref().map(Condition::Risk));
    all.extend(criteria.has_open_accounts.map(|has| Condition::Open(has, agent)));
    if list.ordering != DebtorOrdering::CreatedAt {
        all.extend(Span::of(criteria.created_from, criteria.created_to).map(Condition::Created));
    }
    all.extend(agent.map(Condition::Scope));
    all
}

/// The conditions by which people are found through an index.
fn sources(list: &DebtorList) -> Vec<Condition<'_>> {
    conditions(list, None)
        .into_iter()
        .filter(|condition| {
            !matches!(
                condition,
                Condition::Open(..) | Condition::Risk(_) | Condition::Scope(_)
            )
        })
        .collect()
}

/// The source that holds fewest, if it holds no more than `most`; all are counted in one statement.
async fn fewest<'a>(
    tx: &mut TenantTx,
    sources: &[Condition<'a>],
    most: i64,
) -> Result<Option<Condition<'a>>, DbError> {
    let mut sql = Sql::new(tx, "SELECT ARRAY[")?;
    for (nth, source) in sources.iter().enumerate() {
        sql.push(if nth == 0 { "(" } else { ", (" });
        sql.push("SELECT count(*) FROM (");
        source.push_held(&mut sql, &(most + 1).to_string());
        sql.push(") s)");
    }
    sql.push("]");
    let counts: Vec<i64> = sql.builder().build_query_scalar().fetch_one(tx.conn()).await?;
    let least = counts.iter().zip(sources).min_by_key(|(held, _)| **held);
    Ok(least
        .filter(|(held, _)| **held <= most)
        .map(|(_, source)| *source))
}

/// One look at a list.
struct Look<'a> {
    list: &'a DebtorList,
    conditions: Vec<Condition<'a>>,
    down: bool,
    rows: i64,
    past: Option<DebtorKey>,
}

impl<'a> Look<'a> {
    /// Along the order's index: a little first, and the whole way only where no condition leads to few people.
    async fn walked(&self, tx: &mut TenantTx, look_at: i64) -> Result<Walked<'a>, DbError> {
        let sources = sources(self.list);
        if !sources.is_empty() {
            if let Some(keys) = self.read(tx, None, look_at / GLANCE).await? {
                return Ok(Walked::Page(Some(keys)));
            }
            if let Some(source) = fewest(tx, &sources, look_at).await? {
                return Ok(Walked::Few(source));
            }
        }
        Ok(Walked::Page(self.read(tx, None, look_at).await?))
    }

    /// The page, of the people of this source or of all; `None` where the first `look_at` do not fill it and there are more.
    async fn read(
        &self,
        tx: &mut TenantTx,
        source: Option<Condition<'_>>,
        look_at: i64,
    ) -> Result<Option<Vec<DebtorKey>>, DbError> {
        let key = self.list.ordering.expression();
        if self.conditions.is_empty() {
            let mut sql = Sql::limited(tx, self.rows, "SELECT d.*, false AS cut FROM (")?;
            self.push_people(&mut sql, source, "$2", look_at);
            sql.push(") d");
            push_order(&mut sql, None, key, "d.id", self.down);
            return self.fetch(tx, sql).await;
        }
        let mut sql = Sql::limited(tx, self.rows, "SELECT d.*, d.place > ")?;
        sql.push(look_at)
            .push(" AS cut FROM (SELECT d.*, row_number() OVER (");
        push_order(&mut sql, None, key, "d.id", self.down);
        sql.push(") AS place FROM (");
        self.push_people(&mut sql, source, &(look_at + 1).to_string(), look_at);
        sql.push(") d) d WHERE d.place > ")
            .push(look_at)
            .push(" OR (true");
        for condition in &self.conditions {
            condition.push(sql.push(" AND "));
        }
        sql.push(")");
        push_order(&mut sql, None, key, "d.id", self.down);
        sql.push(" LIMIT $2");
        self.fetch(tx, sql).await
    }

    /// People in the list's order, past the cursor.
    fn push_people(&self, sql: &mut Sql, source: Option<Condition<'_>>, limit: &str, look_at: i64) {
        let (criteria, key) = (&self.list.criteria, self.list.ordering.expression());
        sql.push(
            "SELECT d.name_key, d.created_at, d.preferred_language, d.primary_language, d.risk_level, d.id FROM debtors d
             WHERE d.business_id = $1 AND d.merged_into IS NULL",
        );
        if let Some(ids) = &criteria.found {
            sql.push(" AND d.id = ANY(").bind(ids.clone()).push(")");
        }
        if let Some(source) = source {
            // Whoever stands for a record that the source knows.
            sql.push(" AND d.id = ANY(ARRAY(SELECT g.person_id FROM (");
            source.push_held(sql, &(look_at + 1).to_string());
            sql.push(
                ") x CROSS JOIN LATERAL (SELECT g.person_id FROM debtors g
                  WHERE g.business_id = $1 AND g.id = x.id OFFSET 0) g))",
            );
        }
        if self.list.ordering == DebtorOrdering::CreatedAt
            && let Some(span) = Span::of(criteria.created_from, criteria.created_to)
        {
            push_span(sql.push(" AND "), key, span);
        }
        if let Some(past) = self.past.clone() {
            sql.push(" AND (").push(key).push(", d.id)");
            past.bind(sql.push(if self.down { " < (" } else { " > (" }));
            sql.push(")");
        }
        push_order(sql, None, key, "d.id", self.down);
        sql.push(" LIMIT ").push(limit);
    }

    async fn fetch(&self, tx: &mut TenantTx, mut sql: Sql) -> Result<Option<Vec<DebtorKey>>, DbError> {
        let rows = sql.builder().build().fetch_all(tx.conn()).await?;
        rows.iter()
            .map(|row| {
                let is_cut: bool = row.try_get("cut")?;
                (!is_cut).then(|| self.key(row)).transpose()
            })
            .collect()
    }

    fn key(&self, row: &PgRow) -> Result<DebtorKey, DbError> {
        let id = row.try_get("id")?;
        Ok(match self.list.ordering {
            DebtorOrdering::Name => DebtorKey::Text(row.try_get("name_key")?, id),
            DebtorOrdering::CreatedAt => DebtorKey::Instant(row.try_get("created_at")?, id),
        })
    }
}

impl Condition<'_> {
    fn push(&self, sql: &mut Sql) {
        match self {
            Self::Scope(agent) => push_scope(sql, *agent),
            Self::Languages(tags) => {
                push_languages(sql, tags);
            }
            Self::Holds(kinds) => {
                // On whichever of the person's records, on the person or on one of their debts.
                sql.push(
                    "EXISTS (SELECT FROM debtors g JOIN holds h ON h.business_id = $1 AND h.debtor_id = g.id
                     WHERE g.business_id = $1 AND g.person_id = d.id AND h.lifted_at IS NULL AND h.kind = ANY(",
                )
                .bind(kinds.to_vec())
                .push(")")
                .push(ONE_LOOK);
            }
            Self::Open(has, agent) => {
                sql.push(if *has { "EXISTS (" } else { "NOT EXISTS (" }).push(
                    "SELECT FROM debtors g JOIN accounts a ON a.business_id = $1 AND a.debtor_id = g.id
                     WHERE g.business_id = $1 AND g.person_id = d.id AND a.deleted_at IS NULL
                     AND a.status NOT IN ('PAID_IN_FULL', 'CLOSED')",
                );
                if let Some(agent) = agent {
                    sql.push(" AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = ")
                        .bind(*agent)
                        .push(")");
                }
                sql.push(ONE_LOOK);
            }
            Self::Risk(levels) => {
                sql.push("d.risk_level = ANY(").bind(levels.to_vec()).push(")");
            }
            Self::Created(span) => {
                push_span(sql, "d.created_at", *span);
            }
        }
    }

    /// The ids of records that its own index has, no more than `limit` says.
    fn push_held(&self, sql: &mut Sql, limit: &str) {
        match self {
            Self::Languages(tags) => push_each(sql, &primary_languages(tags), LANGUAGES, limit),
            Self::Holds(kinds) => push_each(sql, kinds, HOLDS, limit),
            Self::Created(span) => {
                sql.push("SELECT d.id FROM debtors d WHERE d.business_id = $1 AND ");
                push_span(sql, "d.created_at", *span);
                sql.push(" ORDER BY d.created_at, d.id");
            }
            // No index knows these.
            Self::Scope(_) | Self::Open(..) | Self::Risk(_) => {
                sql.push("SELECT d.id FROM debtors d WHERE false");
            }
        }
        sql.push(" LIMIT ").push(limit);
    }
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
