//! The list of people: walked in its order, or, where few have what is asked for, sorted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{
    AS_USUAL, BY_INDEX_ALONE, LookLimit,
    criteria::{Span, push_span},
    debtor_criteria::{Condition, DebtorCriteria, conditions, push_all},
    debtor_sources::Sources,
    lanes::push_order,
    sql::Sql,
};
use crate::platform::{
    db::{DbError, TenantTx},
    gql::PageRequest,
};

/// A twentieth of what may be looked at is walked before anything is counted: what many have is met there.
const GLANCE: i64 = 20;

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
    /// All records of those whom a search found.
    pub(in crate::accounts) found: Option<Vec<Uuid>>,
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

/// What to read of the list.
pub(in crate::accounts) struct WantedDebtors<'a> {
    pub(in crate::accounts) page: &'a PageRequest,
    pub(in crate::accounts) past: Option<DebtorKey>,
    /// Count up to so many.
    pub(in crate::accounts) count: Option<i64>,
}

/// What the list holds.
pub(in crate::accounts) struct ListedDebtors {
    /// In reading direction, with one more than asked.
    pub(in crate::accounts) keys: Vec<DebtorKey>,
    /// How many there are in all, if that was asked for and can be told.
    pub(in crate::accounts) count: Option<i64>,
}

/// A page of people, each once. `None` where those asked for are so few among the others that more people than `limit` would
/// have to be looked at.
pub(in crate::accounts) async fn page_of_debtors(
    tx: &mut TenantTx,
    list: &DebtorList,
    wanted: WantedDebtors<'_>,
    limit: LookLimit,
) -> Result<Option<ListedDebtors>, DbError> {
    let agent = tx.ctx().agent_scope();
    let look = Look::new(list, agent, &wanted, limit);
    // Those whom a search found are read and sorted; where nothing is asked for, names come from their index anyway.
    let is_plain = look.conditions.is_empty() && list.ordering == DebtorOrdering::Name;
    if list.found.is_some() || (is_plain && wanted.count.is_none()) {
        return look.page(tx, wanted.count).await;
    }
    // See `page_of_accounts`.
    sqlx::raw_sql(BY_INDEX_ALONE).execute(tx.conn()).await?;
    let walked = look.walked(tx).await?;
    let count = match (&walked, wanted.count) {
        (Walked::Page(Some(_)), Some(most)) => look.count(tx, agent, most).await?,
        _ => Count::Known(None),
    };
    sqlx::raw_sql(AS_USUAL).execute(tx.conn()).await?;
    match (walked, count) {
        (Walked::Page(None), _) => Ok(None),
        (Walked::Page(Some(keys)), Count::Known(count)) => Ok(Some(ListedDebtors { keys, count })),
        (Walked::Page(Some(keys)), Count::Of(sources)) => {
            let count = look.counted(tx, &sources, wanted.count).await?;
            Ok(Some(ListedDebtors { keys, count }))
        }
        // All that have it are read, and sorted.
        (Walked::Few(sources), _) => {
            let keys = look.read(tx, &sources, look.look_at).await?;
            let Some(keys) = keys else { return Ok(None) };
            let count = look.counted(tx, &sources, wanted.count).await?;
            Ok(Some(ListedDebtors { keys, count }))
        }
    }
}

/// Where a walk along the order ended.
enum Walked<'a> {
    /// With the page, or none where it looked at too many.
    Page(Option<Vec<DebtorKey>>),
    /// At conditions that few people fulfil.
    Few(Vec<Condition<'a>>),
}

/// What a walk tells of the number.
enum Count<'a> {
    Known(Option<i64>),
    /// To be counted of what these hold.
    Of(Vec<Condition<'a>>),
}

/// One look at a list.
struct Look<'a> {
    list: &'a DebtorList,
    /// When people were recorded, where the order goes by that.
    span: Option<Span<DateTime<Utc>>>,
    /// What the order's own bounds do not say.
    conditions: Vec<Condition<'a>>,
    down: bool,
    rows: i64,
    past: Option<DebtorKey>,
    look_at: i64,
}

impl<'a> Look<'a> {
    fn new(
        list: &'a DebtorList,
        agent: Option<Uuid>,
        wanted: &WantedDebtors<'_>,
        LookLimit(look_at): LookLimit,
    ) -> Self {
        let (span, conditions) = split(list, list.ordering, agent);
        Self {
            list,
            span,
            conditions,
            down: list.descending != wanted.page.backward,
            rows: wanted.page.fetch(),
            past: wanted.past.clone(),
            look_at,
        }
    }

    /// The page with its count, both without any search for a better way.
    async fn page(&self, tx: &mut TenantTx, count: Option<i64>) -> Result<Option<ListedDebtors>, DbError> {
        let Some(keys) = self.read(tx, &[], self.look_at).await? else {
            return Ok(None);
        };
        let count = self.counted(tx, &[], count).await?;
        Ok(Some(ListedDebtors { keys, count }))
    }

    /// Along the order's index: a little first, and the whole way only where no condition leads to few people.
    async fn walked(&self, tx: &mut TenantTx) -> Result<Walked<'a>, DbError> {
        let sources = Sources::of(&self.list.criteria);
        if !sources.is_empty() {
            if let Some(keys) = self.read(tx, &[], self.look_at / GLANCE).await? {
                return Ok(Walked::Page(Some(keys)));
            }
            if let Some(sources) = sources.fewest(tx, self.look_at).await? {
                return Ok(Walked::Few(sources));
            }
        }
        Ok(Walked::Page(self.read(tx, &[], self.look_at).await?))
    }

    /// How many there are: along an order in which each counts unseen, if there is one; of few whom a condition leads to; or
    /// of all, where these are few.
    async fn count(&self, tx: &mut TenantTx, agent: Option<Uuid>, most: i64) -> Result<Count<'a>, DbError> {
        for ordering in [DebtorOrdering::Name, DebtorOrdering::CreatedAt] {
            let (span, left) = split(self.list, ordering, agent);
            if left.is_empty() {
                return Ok(Count::Known(Some(count_plain(tx, ordering, span, most).await?)));
            }
        }
        let sources = Sources::of(&self.list.criteria);
        if !sources.is_empty()
            && let Some(sources) = sources.fewest(tx, self.look_at).await?
        {
            return Ok(Count::Of(sources));
        }
        // Nobody is looked at where there are more than may be.
        let all = count_plain(tx, self.list.ordering, self.span, self.look_at + 1).await?;
        if all > self.look_at {
            return Ok(Count::Known(None));
        }
        Ok(Count::Known(self.counted(tx, &[], Some(most)).await?))
    }

    /// How many of those whom these sources hold, or of all, are in the list; `None` where more than `look_at` would have to
    /// be looked at, or nobody asked.
    async fn counted(
        &self,
        tx: &mut TenantTx,
        sources: &[Condition<'_>],
        most: Option<i64>,
    ) -> Result<Option<i64>, DbError> {
        let Some(most) = most else { return Ok(None) };
        let mut sql = Sql::new(tx, "SELECT count(*), count(*) FILTER (WHERE ")?;
        push_all(&mut sql, &self.conditions);
        sql.push(") FROM (");
        self.push_people(&mut sql, sources, None, &(self.look_at + 1).to_string());
        sql.push(") d");
        let (looked_at, found): (i64, i64) = sql.builder().build_query_as().fetch_one(tx.conn()).await?;
        Ok((looked_at <= self.look_at).then_some(found.min(most)))
    }

    /// The page, of the people of these sources or of all; `None` where the first `look_at` do not fill it and there are more.
    async fn read(
        &self,
        tx: &mut TenantTx,
        sources: &[Condition<'_>],
        look_at: i64,
    ) -> Result<Option<Vec<DebtorKey>>, DbError> {
        let key = self.list.ordering.expression();
        if self.conditions.is_empty() {
            let mut sql = Sql::limited(tx, self.rows, "SELECT d.*, false AS cut FROM (")?;
            self.push_people(&mut sql, sources, self.past.clone(), "$2");
            sql.push(") d");
            push_order(&mut sql, None, key, "d.id", self.down);
            return self.fetch(tx, sql).await;
        }
        let mut sql = Sql::limited(tx, self.rows, "SELECT d.*, d.place > ")?;
        sql.push(look_at)
            .push(" AS cut FROM (SELECT d.*, row_number() OVER (");
        push_order(&mut sql, None, key, "d.id", self.down);
        sql.push(") AS place FROM (");
        self.push_people(&mut sql, sources, self.past.clone(), &(look_at + 1).to_string());
        sql.push(") d) d WHERE d.place > ").push(look_at).push(" OR ");
        push_all(&mut sql, &self.conditions);
        push_order(&mut sql, None, key, "d.id", self.down);
        sql.push(" LIMIT $2");
        self.fetch(tx, sql).await
    }

    /// People in the list's order, past a cursor or all.
    fn push_people(&self, sql: &mut Sql, sources: &[Condition<'_>], past: Option<DebtorKey>, limit: &str) {
        let key = self.list.ordering.expression();
        sql.push(
            "SELECT d.name_key, d.created_at, d.preferred_language, d.primary_language, d.risk_level, d.id FROM debtors d
             WHERE d.business_id = $1 AND d.merged_into IS NULL",
        );
        if let Some(ids) = &self.list.found {
            sql.push(" AND d.id = ANY(").bind(ids.clone()).push(")");
        }
        if !sources.is_empty() {
            push_held_by(sql, sources, self.look_at);
        }
        if let Some(span) = self.span {
            push_span(sql.push(" AND "), key, span);
        }
        if let Some(past) = past {
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

type Split<'a> = (Option<Span<DateTime<Utc>>>, Vec<Condition<'a>>);

/// What an order's own bounds say, and the conditions besides.
fn split(list: &DebtorList, ordering: DebtorOrdering, agent: Option<Uuid>) -> Split<'_> {
    let mut all = conditions(&list.criteria, agent);
    all.extend(agent.map(Condition::Scope));
    let mut span = None;
    if ordering == DebtorOrdering::CreatedAt {
        all.retain(|condition| match condition {
            Condition::Created(range) => {
                span = Some(*range);
                false
            }
            _ => true,
        });
    }
    (span, all)
}

/// How many people an order has between its bounds, up to `most`.
async fn count_plain(
    tx: &mut TenantTx,
    ordering: DebtorOrdering,
    span: Option<Span<DateTime<Utc>>>,
    most: i64,
) -> Result<i64, DbError> {
    let key = ordering.expression();
    let mut sql = Sql::limited(
        tx,
        most,
        "SELECT count(*) FROM (SELECT FROM debtors d WHERE d.business_id = $1 AND d.merged_into IS NULL",
    )?;
    if let Some(span) = span {
        push_span(sql.push(" AND "), key, span);
    }
    push_order(&mut sql, None, key, "d.id", false);
    sql.push(" LIMIT $2) d");
    Ok(sql.builder().build_query_scalar().fetch_one(tx.conn()).await?)
}

/// Whoever stands for a record that one of the sources knows.
fn push_held_by(sql: &mut Sql, sources: &[Condition<'_>], look_at: i64) {
    sql.push(" AND d.id = ANY(ARRAY(SELECT g.person_id FROM (");
    for (nth, source) in sources.iter().enumerate() {
        sql.push(if nth == 0 { "(" } else { " UNION ALL (" });
        source.push_held(sql, &(look_at + 1).to_string());
        sql.push(")");
    }
    sql.push(
        ") x CROSS JOIN LATERAL (SELECT g.person_id FROM debtors g
          WHERE g.business_id = $1 AND g.id = x.id OFFSET 0) g))",
    );
}
