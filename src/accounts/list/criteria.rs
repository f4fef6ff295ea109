//! What is asked: the tree of a filter, flattened into the conditions that every account of the list fulfils, each as
//! SQL over one account.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Search,
    sql::{DUE, LAST_DUE, Sql},
};

/// One condition tree; parsed values only.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(in crate::accounts) struct AccountCriteria {
    pub(in crate::accounts) statuses: Option<Vec<String>>,
    pub(in crate::accounts) tags: Option<Vec<String>>,
    pub(in crate::accounts) balance_min: Option<i64>,
    pub(in crate::accounts) balance_max: Option<i64>,
    pub(in crate::accounts) due_from: Option<NaiveDate>,
    pub(in crate::accounts) due_to: Option<NaiveDate>,
    pub(in crate::accounts) created_from: Option<DateTime<Utc>>,
    pub(in crate::accounts) created_to: Option<DateTime<Utc>>,
    pub(in crate::accounts) updated_from: Option<DateTime<Utc>>,
    pub(in crate::accounts) updated_to: Option<DateTime<Utc>>,
    /// Past due since this day or longer.
    pub(in crate::accounts) overdue_since: Option<NaiveDate>,
    /// Past due since this day at the longest, or not at all.
    pub(in crate::accounts) not_overdue_before: Option<NaiveDate>,
    pub(in crate::accounts) creditor: Option<Uuid>,
    pub(in crate::accounts) placement: Option<Uuid>,
    pub(in crate::accounts) agent: Option<Uuid>,
    pub(in crate::accounts) unassigned: Option<bool>,
    pub(in crate::accounts) languages: Option<Vec<String>>,
    /// Kinds of holds, as the database spells them.
    pub(in crate::accounts) holds: Option<Vec<String>>,
    pub(in crate::accounts) all_of: Vec<AccountCriteria>,
    pub(in crate::accounts) any_of: Vec<AccountCriteria>,
    pub(in crate::accounts) none_of: Vec<AccountCriteria>,
}

/// What the conditions of a whole tree name, each once.
#[derive(Clone, Debug, Default)]
pub(in crate::accounts) struct References {
    pub(in crate::accounts) creditors: Vec<Uuid>,
    pub(in crate::accounts) placements: Vec<Uuid>,
    pub(in crate::accounts) agents: Vec<Uuid>,
}

impl AccountCriteria {
    pub(in crate::accounts) fn references(&self) -> References {
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

/// Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span<T> {
    pub(super) min: Option<T>,
    pub(super) max: Option<T>,
}

impl<T: Copy + Ord> Span<T> {
    pub(super) fn of(min: Option<T>, max: Option<T>) -> Option<Self> {
        (min.is_some() || max.is_some()).then_some(Self { min, max })
    }

    /// What lies in both.
    pub(super) fn within(self, other: Self) -> Self {
        Self {
            min: self.min.max(other.min),
            max: [self.max, other.max].into_iter().flatten().min(),
        }
    }
}

/// One condition.
#[derive(Clone, Copy, Debug)]
pub(super) enum Condition<'a> {
    Search(&'a Search),
    Placement(Uuid),
    Tags(&'a [String]),
    Holds(&'a [String]),
    Agent(Uuid),
    /// Of this agent or of nobody.
    Scope(Uuid),
    Unassigned(bool),
    Creditor(Uuid),
    Statuses(&'a [String]),
    Due(Span<NaiveDate>),
    Created(Span<DateTime<Utc>>),
    Updated(Span<DateTime<Utc>>),
    Balance(Span<i64>),
    Languages(&'a [String]),
    AnyOf(&'a [AccountCriteria]),
    Not(&'a AccountCriteria),
}

/// The conditions of the tree's trunk: those of all groups that must hold, too, with one range of a column.
pub(super) fn conditions(criteria: &AccountCriteria) -> Vec<Condition<'_>> {
    let mut all = Vec::new();
    flatten(criteria, &mut all);
    let mut found: Vec<Condition<'_>> = Vec::with_capacity(all.len());
    for condition in all {
        if !found.iter_mut().any(|known| known.narrow(&condition)) {
            found.push(condition);
        }
    }
    found
}

fn flatten<'a>(criteria: &'a AccountCriteria, found: &mut Vec<Condition<'a>>) {
    // An account without a date is due after all others, hence never overdue.
    let overdue = Span::of(criteria.not_overdue_before, criteria.overdue_since);
    // Of what has no date nothing can be said: a range with any bound is over before the day that stands for none.
    let due = Span::of(criteria.due_from, criteria.due_to).map(|span| Span {
        min: span.min,
        max: Some(span.max.map_or(LAST_DUE, |max| max.min(LAST_DUE))),
    });
    found.extend(criteria.placement.map(Condition::Placement));
    found.extend(criteria.tags.as_deref().map(Condition::Tags));
    found.extend(criteria.holds.as_deref().map(Condition::Holds));
    found.extend(criteria.agent.map(Condition::Agent));
    found.extend(criteria.unassigned.map(Condition::Unassigned));
    found.extend(criteria.creditor.map(Condition::Creditor));
    found.extend(criteria.statuses.as_deref().map(Condition::Statuses));
    found.extend(due.into_iter().chain(overdue).map(Condition::Due));
    found.extend(Span::of(criteria.created_from, criteria.created_to).map(Condition::Created));
    found.extend(Span::of(criteria.updated_from, criteria.updated_to).map(Condition::Updated));
    found.extend(Span::of(criteria.balance_min, criteria.balance_max).map(Condition::Balance));
    found.extend(criteria.languages.as_deref().map(Condition::Languages));
    if !criteria.any_of.is_empty() {
        found.push(Condition::AnyOf(&criteria.any_of));
    }
    found.extend(criteria.none_of.iter().map(Condition::Not));
    for part in &criteria.all_of {
        flatten(part, found);
    }
}

/// All of the conditions, about the account `a`.
pub(super) fn push_all(sql: &mut Sql, conditions: &[Condition<'_>]) {
    sql.push("(true");
    for condition in conditions {
        sql.push(" AND ");
        condition.push(sql);
    }
    sql.push(")");
}

/// `OFFSET 0` keeps the planner from turning a look-up for one account into a join with all that could be looked up.
pub(super) const ONE_LOOK: &str = " OFFSET 0)";

impl Condition<'_> {
    /// Takes a further range of its column in, if `other` is one.
    fn narrow(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Due(span), Self::Due(more)) => *span = span.within(*more),
            (Self::Created(span), Self::Created(more)) => *span = span.within(*more),
            (Self::Updated(span), Self::Updated(more)) => *span = span.within(*more),
            (Self::Balance(span), Self::Balance(more)) => *span = span.within(*more),
            _ => return false,
        }
        true
    }

    fn push(&self, sql: &mut Sql) {
        match self {
            Self::Search(search) => push_search(sql, search),
            Self::Placement(id) => sql.push("a.placement_id = ").bind(*id),
            Self::Creditor(id) => sql.push("a.creditor_id = ").bind(*id),
            Self::Agent(id) => sql.push("a.assigned_agent_id = ").bind(*id),
            Self::Scope(id) => sql
                .push("(a.assigned_agent_id IS NULL OR a.assigned_agent_id = ")
                .bind(*id)
                .push(")"),
            Self::Unassigned(true) => sql.push("a.assigned_agent_id IS NULL"),
            Self::Unassigned(false) => sql.push("a.assigned_agent_id IS NOT NULL"),
            Self::Statuses(all) => sql.push("a.status = ANY(").bind(all.to_vec()).push(")"),
            Self::Tags(all) => sql
                .push("EXISTS (SELECT FROM account_tags t WHERE t.business_id = $1 AND t.account_id = a.id AND t.tag = ANY(")
                .bind(all.to_vec())
                .push(")")
                .push(ONE_LOOK),
            Self::Holds(kinds) => push_holds(sql, kinds),
            Self::Languages(all) => {
                sql.push("EXISTS (SELECT FROM debtors d WHERE d.business_id = $1 AND d.id = a.debtor_id AND ");
                push_languages(sql, all).push(ONE_LOOK)
            }
            Self::Due(span) => push_span(sql, DUE, *span),
            Self::Created(span) => push_span(sql, "a.created_at", *span),
            Self::Updated(span) => push_span(sql, "a.updated_at", *span),
            Self::Balance(span) => push_span(sql, "a.balance_minor", *span),
            Self::AnyOf(parts) => {
                sql.push("(false");
                for part in *parts {
                    push_all(sql.push(" OR "), &conditions(part));
                }
                sql.push(")")
            }
            Self::Not(part) => {
                push_all(sql.push("NOT coalesce("), &conditions(part));
                sql.push(", false)")
            }
        };
    }
}

/// Holds of this debt and of its person. Most people have one record, of which one look tells; where several were merged,
/// what stands on one stands on all.
fn push_holds<'s>(sql: &'s mut Sql, kinds: &[String]) -> &'s mut Sql {
    const STANDING: &str =
        "h.lifted_at IS NULL AND (h.account_id IS NULL OR h.account_id = a.id) AND h.kind = ANY(";
    sql.push("(EXISTS (SELECT FROM holds h WHERE h.business_id = $1 AND h.debtor_id = a.debtor_id AND ")
        .push(STANDING)
        .bind(kinds.to_vec())
        .push(")")
        .push(ONE_LOOK)
        .push(" OR (");
    push_is_merged(sql, "a.debtor_id")
        .push(
            " AND EXISTS (SELECT FROM debtors p JOIN debtors g ON g.business_id = $1 AND g.person_id = p.person_id \
             JOIN holds h ON h.business_id = $1 AND h.debtor_id = g.id WHERE p.business_id = $1 AND p.id = a.debtor_id AND ",
        )
        .push(STANDING)
        .bind(kinds.to_vec())
        .push(")")
        .push(ONE_LOOK)
        .push("))")
}

/// A person `d` who is written to in one of these languages. A tag without a region is the language, whatever the region.
pub(super) fn push_languages<'s>(sql: &'s mut Sql, tags: &[String]) -> &'s mut Sql {
    let (whole, narrow): (Vec<String>, Vec<String>) =
        tags.iter().cloned().partition(|tag| !tag.contains('-'));
    sql.push("(d.primary_language = ANY(")
        .bind(whole)
        .push(") OR d.preferred_language = ANY(")
        .bind(narrow)
        .push("))")
}

/// The languages of these tags without their regions, each once: what the index has.
pub(super) fn primary_languages(tags: &[String]) -> Vec<String> {
    let mut found: Vec<String> = tags
        .iter()
        .filter_map(|tag| tag.split('-').next().map(str::to_owned))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a person's record stands together with others: then it is named in a merge that was not undone.
pub(super) fn push_is_merged<'s>(sql: &'s mut Sql, record: &str) -> &'s mut Sql {
    for (column, before) in [("m.debtor_id", "("), ("m.survivor_id", " OR ")] {
        sql.push(before)
            .push(
                "EXISTS (SELECT FROM debtor_merges m WHERE m.business_id = $1 AND m.unmerged_at IS NULL AND ",
            )
            .push(column)
            .push(" = ")
            .push(record)
            .push(ONE_LOOK);
    }
    sql.push(")")
}

/// A column between two values.
pub(super) fn push_span<'s, T>(sql: &'s mut Sql, column: &str, span: Span<T>) -> &'s mut Sql
where
    T: Send + for<'q> sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + 'static,
{
    sql.push("(true");
    if let Some(min) = span.min {
        sql.push(" AND ").push(column).push(" >= ").bind(min);
    }
    if let Some(max) = span.max {
        sql.push(" AND ").push(column).push(" <= ").bind(max);
    }
    sql.push(")")
}

fn push_search<'s>(sql: &'s mut Sql, search: &Search) -> &'s mut Sql {
    match search {
        Search::Person(ids) => sql.push("a.debtor_id = ANY(").bind(ids.clone()).push(")"),
        Search::DebtorsOrNumber(ids, number) => {
            sql.push("(a.debtor_id = ANY(").bind(ids.clone()).push(") OR ");
            push_number(sql, number).push(")")
        }
    }
}

/// The start of a number is a range of bytes.
pub(super) fn push_number<'s>(sql: &'s mut Sql, start: &str) -> &'s mut Sql {
    sql.push("(a.account_number COLLATE \"C\" >= ")
        .bind(start.to_owned())
        .push(" AND a.account_number COLLATE \"C\" < ")
        .bind(format!("{start}\u{10FFFF}"))
        .push(")")
}
