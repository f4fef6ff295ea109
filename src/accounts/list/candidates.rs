//! Where the order leads past too many accounts, one condition that few fulfil leads to them: all of those few are read,
//! judged by the other conditions, and sorted.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{
    AccountOrdering, ListedAccount, Search, Way, Window,
    criteria::{
        Condition, Span, conditions, primary_languages, push_all, push_is_merged, push_number, push_span,
    },
    lanes::{Lanes, push_lane_of, push_order},
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
pub(super) enum Covers {
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
    /// Which condition all that a source holds fulfils.
    fulfils: Vec<Option<usize>>,
    covers: Covers,
    all: &'a [Condition<'a>],
}

/// Sources that together hold every account of the list.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// What they hold in their own indexes, counted up to a bound each; people, where a source knows those.
    pub(super) held: i64,
    sources: Vec<usize>,
}

/// How far sources are counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Those whose index alone tells.
    pub(super) by_index: i64,
    /// Those of accounts or people themselves: row-level security has to see each row.
    pub(super) by_row: i64,
}

impl<'a> Candidates<'a> {
    pub(super) fn of(all: &'a [Condition<'a>]) -> Self {
        let (mut sources, mut fulfils, mut covers) = (Vec::new(), Vec::new(), Vec::new());
        for (nth, condition) in all.iter().enumerate() {
            covers.extend(cover(condition, &mut sources));
            let is_whole = match condition {
                // Of a person with a hold on one debt, not each has it; and the index knows no region of a language.
                Condition::AnyOf(_) | Condition::Holds(_) => false,
                Condition::Languages(tags) => !tags.iter().any(|tag| tag.contains('-')),
                _ => true,
            };
            fulfils.resize(sources.len(), is_whole.then_some(nth));
        }
        Self {
            sources,
            fulfils,
            covers: Covers::Each(covers),
            all,
        }
    }

    /// What the list's search finds, whatever else is asked.
    pub(super) fn found_by_search(&self) -> Option<Chosen> {
        let is_search = |source: &Source<'_>| matches!(source, Source::Search(_));
        self.sources.iter().position(is_search).map(|at| Chosen {
            held: 0,
            sources: vec![at],
        })
    }

    /// Whether no other sources cover the list than those that `choose` names first.
    pub(super) fn has_no_choice(&self) -> bool {
        self.sources.len() < 2
    }

    /// The sources that hold fewest, all of them counted in one statement; one that holds more than its bound is taken to
    /// hold one more than that.
    pub(super) async fn choose(&self, tx: &mut TenantTx, bounds: Bounds) -> Result<Option<Chosen>, DbError> {
        if self.sources.is_empty() {
            return Ok(None);
        }
        let mut sql = Sql::new(tx, "SELECT ARRAY[")?;
        for (nth, source) in self.sources.iter().enumerate() {
            sql.push(if nth == 0 { "(" } else { ", (" });
            let bound = if source.is_told_by_index() {
                bounds.by_index
            } else {
                bounds.by_row
            };
            sql.push("SELECT count(*) FROM (");
            source.push_held(&mut sql, &(bound + 1).to_string());
            sql.push(") s)");
        }
        sql.push("]");
        let counts: Vec<i64> = sql.builder().build_query_scalar().fetch_one(tx.conn()).await?;
        let least = self.covers.least(&counts);
        Ok(least.map(|(held, sources)| Chosen { held, sources }))
    }

    /// A page in reading direction; `None` where more than [`Window::look_at`] would have to be looked at.
    pub(super) async fn page(
        &self,
        tx: &mut TenantTx,
        chosen: &Chosen,
        way: &Way<'_>,
        window: Window,
    ) -> Result<Option<Vec<ListedAccount>>, DbError> {
        let (key, cut) = (way.ordering.expression(), format!("a.place > {}", window.look_at));
        let mut sql = Sql::limited(tx, window.rows, "SELECT a.*, d.* FROM (SELECT ")?;
        if self.may_repeat(chosen) {
            sql.push("DISTINCT ON (")
                .push(&cut)
                .push(", ")
                .push(key)
                .push(", a.id) ");
        }
        sql.push(COLUMNS)
            .push(", ")
            .push(key)
            .push(" AS order_key, ")
            .push(&cut)
            .push(" AS cut");
        self.push_found(&mut sql, chosen, window.look_at);
        sql.push(" WHERE ").push(&cut).push(" OR (a.id IS NOT NULL AND ");
        push_all(&mut sql, &self.left_by(chosen));
        if let Some(past) = way.past {
            sql.push(" AND (").push(key).push(", a.id)");
            past.bind(sql.push(if way.descending { " < (" } else { " > (" }));
            sql.push(")");
        }
        sql.push(")");
        // That there are too many is told first.
        push_order(&mut sql, Some((&cut, true)), key, "a.id", way.descending);
        sql.push(" LIMIT $2) a").push(PERSON);
        push_order(
            &mut sql,
            Some(("a.cut", true)),
            "a.order_key",
            "a.id",
            way.descending,
        );
        let rows = sql.builder().build().fetch_all(tx.conn()).await?;
        Ok(read_rows(&rows, way.ordering)?.ok())
    }

    /// How many of them are in the list; `None` where more than `look_at` would have to be looked at.
    pub(super) async fn count(
        &self,
        tx: &mut TenantTx,
        chosen: &Chosen,
        look_at: i64,
    ) -> Result<Option<i64>, DbError> {
        let mut sql = Sql::new(tx, "SELECT count(*), count(DISTINCT a.id) FILTER (WHERE ")?;
        push_all(&mut sql, &self.left_by(chosen));
        sql.push(" AND a.id IS NOT NULL)");
        self.push_found(&mut sql, chosen, look_at);
        let (looked_at, found): (i64, i64) = sql.builder().build_query_as().fetch_one(tx.conn()).await?;
        Ok((looked_at <= look_at).then_some(found))
    }

    /// What the sources hold, each row with its place; with the first that is too many.
    fn push_found(&self, sql: &mut Sql, chosen: &Chosen, look_at: i64) {
        let limit = (look_at + 1).to_string();
        sql.push(" FROM (SELECT a.*, row_number() OVER () AS place FROM (SELECT * FROM (");
        for (nth, source) in self.those(chosen).enumerate() {
            sql.push(if nth == 0 { "(" } else { " UNION ALL (" });
            source.push(sql, &limit);
            sql.push(")");
        }
        sql.push(") a LIMIT ").push(limit).push(") a) a");
    }

    fn those(&self, chosen: &Chosen) -> impl Iterator<Item = &Source<'a>> {
        chosen.sources.iter().filter_map(|at| self.sources.get(*at))
    }

    /// The conditions that what the sources hold need not fulfil.
    fn left_by(&self, chosen: &Chosen) -> Vec<Condition<'a>> {
        let fulfilled = match chosen.sources.as_slice() {
            [one] => self.fulfils.get(*one).copied().flatten(),
            _ => None,
        };
        let left = |(nth, condition): (usize, &Condition<'a>)| (Some(nth) != fulfilled).then_some(*condition);
        self.all.iter().enumerate().filter_map(left).collect()
    }

    /// Whether an account may be found twice.
    fn may_repeat(&self, chosen: &Chosen) -> bool {
        chosen.sources.len() > 1 || self.those(chosen).any(Source::may_repeat)
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
    pub(super) fn least(&self, counts: &[i64]) -> Option<(i64, Vec<usize>)> {
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
    /// Whether nothing but an index is read to count it.
    fn is_told_by_index(&self) -> bool {
        matches!(self, Self::Tags(_) | Self::Holds(_))
    }

    /// Whether it may hold an account twice.
    fn may_repeat(&self) -> bool {
        match self {
            Self::Tags(words) | Self::Languages(words) => words.len() > 1,
            // A person may have several of a kind, and a number may belong to whom the name was found of.
            Self::Holds(_) | Self::Search(_) => true,
            Self::Lanes(_)
            | Self::Assigned
            | Self::Due(_)
            | Self::Created(_)
            | Self::Updated(_)
            | Self::Balance(_) => false,
        }
    }

    /// As many rows as it holds in its own index, no more than `limit` says.
    fn push_held(&self, sql: &mut Sql, limit: &str) {
        match self {
            Self::Tags(words) => push_each(sql, words, TAGS, limit),
            Self::Holds(kinds) => push_each(sql, kinds, HOLDS, limit),
            Self::Languages(tags) => push_each(sql, &primary_languages(tags), LANGUAGES, limit),
            Self::Search(Search::Person(ids)) => push_ids(sql, ids),
            Self::Search(Search::DebtorsOrNumber(ids, number)) => {
                push_ids(sql, ids);
                sql.push(" UNION ALL (");
                push_numbered(sql, number, "a.id", limit);
                sql.push(")");
            }
            _ => self.push_own(sql, "a.id", limit),
        }
        if !matches!(self, Self::Lanes(_)) {
            sql.push(" LIMIT ").push(limit);
        }
    }

    /// The accounts, no more than `limit` says; an empty row for a person without one, so that people count too. Each
    /// index is named by an order that no other gives (see `lanes`).
    fn push(&self, sql: &mut Sql, limit: &str) {
        match self {
            Self::Tags(words) => {
                sql.push("SELECT a.* FROM (");
                push_each(sql, words, TAGS, limit);
                sql.push(" LIMIT ").push(limit);
                sql.push(
                    ") t LEFT JOIN LATERAL (SELECT * FROM accounts a WHERE a.business_id = $1 AND a.id = t.id",
                );
                sql.push(" AND a.deleted_at IS NULL OFFSET 0) a ON true");
            }
            Self::Holds(kinds) => {
                // What stands on one record of a person stands on all.
                push_accounts_of(sql, limit, |sql| {
                    sql.push("SELECT g.id FROM (");
                    push_each(sql, kinds, HOLDS, limit);
                    sql.push(
                        ") o CROSS JOIN LATERAL (SELECT o.id UNION ALL SELECT d.id FROM debtors p \
                         JOIN debtors d ON d.business_id = $1 AND d.person_id = p.person_id AND d.id <> o.id \
                         WHERE p.business_id = $1 AND p.id = o.id AND ",
                    );
                    push_is_merged(sql, "o.id").push(" OFFSET 0) g");
                });
            }
            Self::Languages(words) => {
                let languages = primary_languages(words);
                push_accounts_of(sql, limit, |sql| push_each(sql, &languages, LANGUAGES, limit));
            }
            Self::Search(Search::Person(ids)) => push_accounts_of(sql, limit, |sql| push_ids(sql, ids)),
            Self::Search(Search::DebtorsOrNumber(ids, number)) => {
                sql.push("(");
                push_accounts_of(sql, limit, |sql| push_ids(sql, ids));
                sql.push(") UNION ALL (");
                push_numbered(sql, number, "a.*", limit);
                sql.push(")");
            }
            _ => {
                self.push_own(sql, "a.*", limit);
                if !matches!(self, Self::Lanes(_)) {
                    sql.push(" LIMIT ").push(limit);
                }
            }
        }
    }

    /// By a column of accounts.
    fn push_own(&self, sql: &mut Sql, columns: &str, limit: &str) {
        match self {
            Self::Lanes(lanes) => push_lanes(sql, lanes, columns, limit),
            Self::Assigned => {
                sql.push("SELECT ").push(columns);
                sql.push(" FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ");
                sql.push(WORKER).push(" > ").bind(NOBODY);
                sql.push(" ORDER BY ").push(WORKER).push(", a.created_at, a.id");
            }
            Self::Due(span) => push_between(sql, columns, DUE, *span),
            Self::Created(span) => push_between(sql, columns, "a.created_at", *span),
            Self::Updated(span) => push_between(sql, columns, "a.updated_at", *span),
            Self::Balance(span) => push_between(sql, columns, "a.balance_minor", *span),
            Self::Tags(_) | Self::Holds(_) | Self::Languages(_) | Self::Search(_) => {}
        }
    }
}

/// Of a table: its rows, the word, and the id that it has for it.
pub(super) type Words = (&'static str, &'static str, &'static str);

const TAGS: Words = ("account_tags t WHERE t.business_id = $1", "t.tag", "t.account_id");
pub(super) const HOLDS: Words = (
    "holds h WHERE h.business_id = $1 AND h.lifted_at IS NULL",
    "h.kind",
    "h.debtor_id",
);
pub(super) const LANGUAGES: Words = ("debtors d WHERE d.business_id = $1", "d.primary_language", "d.id");

fn push_ids(sql: &mut Sql, ids: &[Uuid]) {
    sql.push("SELECT unnest(").bind(ids.to_vec()).push(") AS id");
}

fn push_numbered(sql: &mut Sql, number: &str, columns: &str, limit: &str) {
    sql.push("SELECT ").push(columns);
    sql.push(" FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ");
    push_number(sql, number);
    sql.push(" ORDER BY a.account_number COLLATE \"C\" LIMIT ")
        .push(limit);
}

fn push_lanes(sql: &mut Sql, lanes: &Lanes<'_>, columns: &str, limit: &str) {
    let way = Way {
        ordering: AccountOrdering::CreatedAt,
        descending: false,
        past: None,
    };
    if lanes.starts.is_empty() {
        sql.push("SELECT ")
            .push(columns)
            .push(" FROM accounts a WHERE false");
        return;
    }
    sql.push("SELECT * FROM (");
    for (nth, start) in lanes.starts.iter().enumerate() {
        sql.push(if nth == 0 { "(" } else { " UNION ALL (" });
        push_lane_of(sql, columns, lanes, start.as_ref(), &way, limit);
        sql.push(")");
    }
    sql.push(") a LIMIT ").push(limit);
}

fn push_between<T>(sql: &mut Sql, columns: &str, column: &str, span: Span<T>)
where
    T: Send + for<'q> sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + 'static,
{
    sql.push("SELECT ").push(columns);
    sql.push(" FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL AND ");
    push_span(sql, column, span);
    sql.push(" ORDER BY ").push(column).push(", a.id");
}

/// The ids that a table has for each of the words.
pub(super) fn push_each(sql: &mut Sql, words: &[String], (table, word, id): Words, limit: &str) {
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
    sql.push("SELECT a.* FROM (");
    people(sql);
    sql.push(" LIMIT ").push(limit);
    sql.push(
        ") p LEFT JOIN LATERAL (SELECT * FROM accounts a WHERE a.business_id = $1 AND a.debtor_id = p.id",
    );
    sql.push(" AND a.deleted_at IS NULL OFFSET 0) a ON true LIMIT ")
        .push(limit);
}
