//! Where the order leads past too many accounts, one condition that few fulfil leads to them: all of those few are read,
//! judged by the other conditions, and sorted.

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    AccountOrdering, ListedAccount, Search, Way, Window,
    criteria::{Condition, Span, conditions, push_all, push_number, push_span},
    lanes::{Lanes, push_lane, push_order},
    read_rows,
    sql::{COLUMNS, DUE, NOBODY, PERSON, Sql, WORKER},
};
use crate::platform::db::{DbError, TenantTx};

/// No more of them are asked how many they are.
const MOST_SOURCES: usize = 12;

/// A condition by which accounts are found through an index.
#[derive(Debug)]
enum Source<'a> {
    /// By the start of the indexes that lanes have.
    Lanes(Lanes<'a>),
    /// Assigned to anybody.
    Assigned,
    /// Between two values of a column with an index.
    Due(Span<NaiveDate>),
    Created(Span<DateTime<Utc>>),
    Updated(Span<DateTime<Utc>>),
    Balance(Span<i64>),
    Tags(&'a [String]),
    Holds(&'a [String]),
    Languages(&'a [String]),
    Search(&'a Search),
}

/// How sources cover a list: each of its accounts is in what a `Covers` names.
#[derive(Debug)]
enum Covers {
    One(usize),
    /// In all of them: the smallest will do.
    Each(Vec<Covers>),
    /// In one of them: all are needed.
    Together(Vec<Covers>),
}

/// Conditions that have an index, and how the list hangs on them.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    sources: Vec<Source<'a>>,
    covers: Covers,
    all: &'a [Condition<'a>],
}

/// Sources that together hold every account of the list.
#[derive(Debug)]
pub(super) struct Chosen(Vec<usize>);

impl<'a> Candidates<'a> {
    pub(super) fn of(all: &'a [Condition<'a>]) -> Self {
        let mut sources = Vec::new();
        let covers = Covers::Each(all.iter().filter_map(|one| cover(one, &mut sources)).collect());
        Self { sources, covers, all }
    }

    /// What the list's search finds, whatever else is asked.
    pub(super) fn found_by_search(&self) -> Option<Chosen> {
        let is_search = |source: &Source<'_>| matches!(source, Source::Search(_));
        self.sources.iter().position(is_search).map(|at| Chosen(vec![at]))
    }

    /// The sources that hold fewest accounts, if these are no more than `most`. Accounts are counted up to that only,
    /// those of all sources in one statement.
    pub(super) async fn choose(&self, tx: &mut TenantTx, most: i64) -> Result<Option<Chosen>, DbError> {
        if self.sources.is_empty() {
            return Ok(None);
        }
        let mut sql = Sql::limited(tx, most + 1, "SELECT ARRAY[")?;
        for (nth, source) in self.sources.iter().enumerate() {
            sql.push(if nth == 0 { "(" } else { ", (" });
            sql.push("SELECT count(*) FROM (");
            source.push(&mut sql, "$2");
            sql.push(") s)");
        }
        sql.push("]");
        let counts: Vec<i64> = sql.builder().build_query_scalar().fetch_one(tx.conn()).await?;
        Ok(self
            .covers
            .least(&counts)
            .filter(|(held, _)| *held <= most)
            .map(|(_, chosen)| Chosen(chosen)))
    }

    /// A page in reading direction.
    pub(super) async fn page(
        &self,
        tx: &mut TenantTx,
        chosen: &Chosen,
        way: &Way<'_>,
        window: Window,
    ) -> Result<Vec<ListedAccount>, DbError> {
        let mut sql = Sql::limited(tx, window.rows, "SELECT a.*, d.* FROM (SELECT ")?;
        sql.push(COLUMNS).push(", ").push(way.ordering.expression());
        sql.push(" AS order_key, false AS cut");
        self.push_found(&mut sql, chosen, window.look_at + 1);
        if let Some(past) = way.past {
            sql.push(" AND (").push(way.ordering.expression()).push(", a.id)");
            past.bind(sql.push(if way.descending { " < (" } else { " > (" }));
            sql.push(")");
        }
        push_order(&mut sql, None, way.ordering.expression(), "a.id", way.descending);
        sql.push(" LIMIT $2) a").push(PERSON);
        push_order(&mut sql, None, "a.order_key", "a.id", way.descending);
        let rows = sql.builder().build().fetch_all(tx.conn()).await?;
        Ok(read_rows(&rows, way.ordering)?.unwrap_or_default())
    }

    /// How many of them are in the list.
    pub(super) async fn count(
        &self,
        tx: &mut TenantTx,
        chosen: &Chosen,
        look_at: i64,
    ) -> Result<i64, DbError> {
        let mut sql = Sql::new(tx, "SELECT count(*)")?;
        self.push_found(&mut sql, chosen, look_at + 1);
        Ok(sql.builder().build_query_scalar().fetch_one(tx.conn()).await?)
    }

    fn push_found(&self, sql: &mut Sql, chosen: &Chosen, limit: i64) {
        sql.push(" FROM (SELECT DISTINCT s.id FROM (");
        for (nth, source) in chosen.0.iter().filter_map(|at| self.sources.get(*at)).enumerate() {
            sql.push(if nth == 0 { "(" } else { " UNION ALL (" });
            source.push(sql, &limit.to_string());
            sql.push(")");
        }
        sql.push(
            ") s) s CROSS JOIN LATERAL (SELECT * FROM accounts a WHERE a.business_id = $1 AND a.id = s.id",
        );
        sql.push(" AND a.deleted_at IS NULL OFFSET 0) a WHERE ");
        push_all(sql, self.all);
    }
}

fn cover<'a>(condition: &Condition<'a>, sources: &mut Vec<Source<'a>>) -> Option<Covers> {
    if let Condition::AnyOf(parts) = condition {
        let parts = parts.iter().map(|part| {
            let held: Vec<Covers> = conditions(part)
                .iter()
                .filter_map(|one| cover(one, sources))
                .collect();
            (!held.is_empty()).then_some(Covers::Each(held))
        });
        return parts.collect::<Option<Vec<_>>>().map(Covers::Together);
    }
    if sources.len() >= MOST_SOURCES {
        return None;
    }
    sources.push(match condition {
        Condition::Placement(_)
        | Condition::Creditor(_)
        | Condition::Agent(_)
        | Condition::Scope(_)
        | Condition::Unassigned(true)
        | Condition::Statuses(_) => Source::Lanes(Lanes::of(AccountOrdering::CreatedAt, &[*condition])),
        Condition::Unassigned(false) => Source::Assigned,
        Condition::Due(span) => Source::Due(*span),
        Condition::Created(span) => Source::Created(*span),
        Condition::Updated(span) => Source::Updated(*span),
        Condition::Balance(span) => Source::Balance(*span),
        Condition::Tags(all) => Source::Tags(all),
        Condition::Holds(kinds) => Source::Holds(kinds),
        Condition::Languages(all) => Source::Languages(all),
        Condition::Search(search) => Source::Search(search),
        Condition::AnyOf(_) | Condition::Not(_) => return None,
    });
    Some(Covers::One(sources.len() - 1))
}

impl Covers {
    /// How many accounts the best choice holds at most, and which it is.
    fn least(&self, counts: &[i64]) -> Option<(i64, Vec<usize>)> {
        match self {
            Self::One(at) => Some((*counts.get(*at)?, vec![*at])),
            Self::Each(parts) => parts
                .iter()
                .filter_map(|part| part.least(counts))
                .min_by_key(|(held, _)| *held),
            Self::Together(parts) => parts.iter().try_fold((0, Vec::new()), |(sum, mut chosen), part| {
                let (held, which) = part.least(counts)?;
                chosen.extend(which);
                Some((sum + held, chosen))
            }),
        }
    }
}

impl Source<'_> {
    /// The ids of accounts, no more than `limit` says; null for a person without one, so that people count too. Each
    /// index is named by an order that no other gives (see `lanes`).
    fn push(&self, sql: &mut Sql, limit: &str) {
        sql.push("SELECT s.id FROM (");
        match self {
            Self::Lanes(lanes) => push_lanes(sql, lanes, limit),
            Self::Assigned => {
                sql.push(
                    "SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ",
                );
                sql.push(WORKER).push(" > ").bind(NOBODY);
                sql.push(" ORDER BY ").push(WORKER).push(", a.created_at, a.id");
            }
            Self::Due(span) => push_between(sql, DUE, *span),
            Self::Created(span) => push_between(sql, "a.created_at", *span),
            Self::Updated(span) => push_between(sql, "a.updated_at", *span),
            Self::Balance(span) => push_between(sql, "a.balance_minor", *span),
            Self::Tags(tags) => {
                let of = ("account_tags t WHERE t.business_id = $1", "t.tag", "t.account_id");
                push_each(sql, tags, of, limit);
            }
            Self::Holds(kinds) => {
                let of = (
                    "holds h WHERE h.business_id = $1 AND h.lifted_at IS NULL",
                    "h.kind",
                    "h.debtor_id",
                );
                // What stands on one record of a person stands on all.
                push_accounts_of(sql, limit, |sql| {
                    sql.push("SELECT g.id FROM (");
                    push_each(sql, kinds, of, limit);
                    sql.push(
                        ") o CROSS JOIN LATERAL (SELECT d.person_id FROM debtors d WHERE d.business_id = $1 AND d.id = o.id \
                         OFFSET 0) p CROSS JOIN LATERAL (SELECT d.id FROM debtors d WHERE d.business_id = $1 \
                         AND d.person_id = p.person_id OFFSET 0) g",
                    );
                });
            }
            Self::Languages(all) => {
                let of = (
                    "debtors d WHERE d.business_id = $1",
                    "d.preferred_language",
                    "d.id",
                );
                push_accounts_of(sql, limit, |sql| push_each(sql, all, of, limit));
            }
            Self::Search(Search::Person(ids)) => push_accounts_of(sql, limit, |sql| {
                sql.push("SELECT unnest(").bind(ids.clone()).push(") AS id");
            }),
            Self::Search(Search::DebtorsOrNumber(ids, number)) => {
                sql.push("(");
                push_accounts_of(sql, limit, |sql| {
                    sql.push("SELECT unnest(").bind(ids.clone()).push(") AS id");
                });
                sql.push(") UNION ALL (SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ");
                push_number(sql, number);
                sql.push(" ORDER BY a.account_number COLLATE \"C\" LIMIT ")
                    .push(limit)
                    .push(")");
            }
        }
        sql.push(") s LIMIT ").push(limit);
    }
}

fn push_lanes(sql: &mut Sql, lanes: &Lanes<'_>, limit: &str) {
    sql.push("SELECT NULL::uuid AS id WHERE false");
    let way = Way {
        ordering: AccountOrdering::CreatedAt,
        descending: false,
        past: None,
    };
    for start in &lanes.starts {
        sql.push(" UNION ALL (SELECT a.id FROM (");
        push_lane(sql, lanes, start.as_ref(), &way, limit);
        sql.push(") a)");
    }
}

fn push_between<T>(sql: &mut Sql, column: &str, span: Span<T>)
where
    T: Send + for<'q> sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + 'static,
{
    sql.push("SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ");
    push_span(sql, column, span);
    sql.push(" ORDER BY ").push(column).push(", a.id");
}

/// The ids that a table has for each of the words.
fn push_each(sql: &mut Sql, words: &[String], (table, word, id): (&str, &str, &str), limit: &str) {
    sql.push("SELECT x.id FROM unnest(").bind(words.to_vec());
    sql.push(") AS w(word) CROSS JOIN LATERAL (SELECT ")
        .push(id)
        .push(" AS id FROM ")
        .push(table);
    sql.push(" AND ")
        .push(word)
        .push(" >= w.word AND ")
        .push(word)
        .push(" <= w.word ORDER BY ");
    sql.push(word)
        .push(", ")
        .push(id)
        .push(" LIMIT ")
        .push(limit)
        .push(") x");
}

/// The accounts of people.
fn push_accounts_of(sql: &mut Sql, limit: &str, people: impl FnOnce(&mut Sql)) {
    sql.push("SELECT a.id FROM (");
    people(sql);
    sql.push(" LIMIT ").push(limit);
    sql.push(
        ") p LEFT JOIN LATERAL (SELECT a.id FROM accounts a WHERE a.business_id = $1 AND a.debtor_id = p.id",
    );
    sql.push(" AND a.deleted_at IS NULL OFFSET 0) a ON true LIMIT ")
        .push(limit);
}
