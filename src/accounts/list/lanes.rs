//! Ranges of an index that hold accounts in the list's order. A list is one of them or a few merged: an agent's is
//! theirs and nobody's.
//!
//! A lane says `status >= 'LEGAL' AND status <= 'LEGAL'` and sorts by status first: only the index that begins with
//! the status gives that order. Of `status = 'LEGAL'` the planner takes any index in the order that follows, and walks
//! the whole business where its statistics, which are over all businesses, say that most accounts are of this status.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    AccountKey, AccountOrdering, Way,
    criteria::{Condition, Span},
    sql::{COLUMNS, NOBODY, Sql, WORKER},
};

/// The column by whose value a lane begins.
#[derive(Clone, Debug)]
pub(super) enum Start {
    Status(String),
    Creditor(Uuid),
    Placement(Uuid),
    Worker(Uuid),
    /// Each of the months `m`.
    Month,
}

impl Start {
    fn column(&self) -> &'static str {
        match self {
            Self::Status(_) => "a.status",
            Self::Creditor(_) => "a.creditor_id",
            Self::Placement(_) => "a.placement_id",
            Self::Worker(_) => WORKER,
            Self::Month => "a.due_month",
        }
    }

    fn bind(&self, sql: &mut Sql) {
        match self {
            Self::Status(status) => sql.bind(status.clone()),
            Self::Creditor(id) | Self::Placement(id) | Self::Worker(id) => sql.bind(*id),
            Self::Month => sql.push("m.month"),
        };
    }
}

/// What a list is made of.
#[derive(Debug)]
pub(super) struct Lanes<'a> {
    /// Without a start: all accounts of the business. None at all: nothing is in the list.
    pub(super) starts: Vec<Option<Start>>,
    /// Bounds of the order's own value.
    lowest: Option<AccountKey>,
    highest: Option<AccountKey>,
    /// What the accounts of the lanes need not fulfil.
    pub(super) rest: Vec<Condition<'a>>,
}

impl<'a> Lanes<'a> {
    /// The narrowest lanes for these conditions, by what is usually narrow.
    pub(super) fn of(ordering: AccountOrdering, conditions: &[Condition<'a>]) -> Self {
        let mut lanes = Self {
            starts: vec![None],
            lowest: None,
            highest: None,
            rest: Vec::new(),
        };
        let starts = starts(conditions);
        let mut taken = false;
        for condition in conditions {
            let covered = match (&starts, condition) {
                (
                    Starts::Workers(_),
                    Condition::Agent(_) | Condition::Scope(_) | Condition::Unassigned(_),
                ) => true,
                // Of two that name one each, the second remains.
                (Starts::Placement(_), Condition::Placement(_))
                | (Starts::Creditor(_), Condition::Creditor(_))
                | (Starts::Statuses(_), Condition::Statuses(_)) => !std::mem::replace(&mut taken, true),
                _ => lanes.bound(ordering, condition),
            };
            if !covered {
                lanes.rest.push(*condition);
            }
        }
        lanes.starts = match starts {
            Starts::Everything => vec![None],
            Starts::Placement(id) => vec![Some(Start::Placement(id))],
            Starts::Creditor(id) => vec![Some(Start::Creditor(id))],
            Starts::Workers(ids) => ids.into_iter().map(|id| Some(Start::Worker(id))).collect(),
            Starts::Statuses(all) => {
                let each: BTreeSet<&String> = all.iter().collect();
                each.into_iter()
                    .map(|status| Some(Start::Status(status.clone())))
                    .collect()
            }
        };
        lanes
    }

    /// For the accounts due between two days, by the months of which each is one lane.
    pub(super) fn of_each_month(span: Span<NaiveDate>) -> Self {
        Self {
            starts: vec![Some(Start::Month)],
            lowest: None,
            highest: None,
            rest: vec![Condition::Due(span)],
        }
    }

    /// Whether the condition is the one on the order's own value; then the lanes heed it.
    fn bound(&mut self, ordering: AccountOrdering, condition: &Condition<'_>) -> bool {
        (self.lowest, self.highest) = match (ordering, condition) {
            (AccountOrdering::Balance, Condition::Balance(span)) => keys(*span, AccountKey::Number),
            (AccountOrdering::DueDate, Condition::Due(span)) => keys(*span, AccountKey::Day),
            (AccountOrdering::CreatedAt, Condition::Created(span)) => keys(*span, AccountKey::Instant),
            _ => return false,
        };
        true
    }
}

/// A bound as a key; its id is that of no account and does not count.
fn keys<T>(span: Span<T>, key: fn(T, Uuid) -> AccountKey) -> (Option<AccountKey>, Option<AccountKey>) {
    (
        span.min.map(|min| key(min, Uuid::nil())),
        span.max.map(|max| key(max, Uuid::max())),
    )
}

enum Starts<'a> {
    Everything,
    Placement(Uuid),
    Creditor(Uuid),
    Workers(BTreeSet<Uuid>),
    Statuses(&'a [String]),
}

fn starts<'a>(conditions: &[Condition<'a>]) -> Starts<'a> {
    let find = |look: &dyn Fn(&Condition<'a>) -> Option<Starts<'a>>| conditions.iter().find_map(look);
    let placement = |condition: &Condition<'a>| match condition {
        Condition::Placement(id) => Some(Starts::Placement(*id)),
        _ => None,
    };
    let creditor = |condition: &Condition<'a>| match condition {
        Condition::Creditor(id) => Some(Starts::Creditor(*id)),
        _ => None,
    };
    let statuses = |condition: &Condition<'a>| match condition {
        Condition::Statuses(all) => Some(Starts::Statuses(all)),
        _ => None,
    };
    find(&placement)
        .or_else(|| find(&creditor))
        .or_else(|| workers(conditions).map(Starts::Workers))
        .or_else(|| find(&statuses))
        .unwrap_or(Starts::Everything)
}

/// Who may work on the accounts, where that is one or two.
fn workers(conditions: &[Condition<'_>]) -> Option<BTreeSet<Uuid>> {
    let mut workers: Option<BTreeSet<Uuid>> = None;
    for condition in conditions {
        let these = match condition {
            Condition::Agent(id) => BTreeSet::from([*id]),
            Condition::Scope(id) => BTreeSet::from([*id, NOBODY]),
            Condition::Unassigned(true) => BTreeSet::from([NOBODY]),
            _ => continue,
        };
        workers = Some(match workers {
            None => these,
            Some(known) => known.intersection(&these).copied().collect(),
        });
    }
    if conditions
        .iter()
        .any(|condition| matches!(condition, Condition::Unassigned(false)))
    {
        workers.as_mut()?.remove(&NOBODY);
    }
    workers
}

/// The accounts of the lane in the list's order, at most as many as `limit` says: `start_key` and `order_key` beside
/// what is read of them.
pub(super) fn push_lane(sql: &mut Sql, lanes: &Lanes<'_>, start: Option<&Start>, way: &Way<'_>, limit: &str) {
    let columns = format!(
        "{COLUMNS}, {} AS start_key, {} AS order_key",
        start.map_or("0", Start::column),
        way.ordering.expression()
    );
    push_lane_of(sql, &columns, lanes, start, way, limit);
}

/// The same with these columns of the accounts alone.
pub(super) fn push_lane_of(
    sql: &mut Sql,
    columns: &str,
    lanes: &Lanes<'_>,
    start: Option<&Start>,
    way: &Way<'_>,
    limit: &str,
) {
    let (column, key) = (start.map_or("0", Start::column), way.ordering.expression());
    sql.push("SELECT ")
        .push(columns)
        .push(" FROM accounts a WHERE a.business_id = $1 AND a.deleted_at IS NULL");
    // The indexes have only these, which a comparison of rows does not say.
    if let Some(Start::Creditor(_) | Start::Placement(_) | Start::Month) = start {
        sql.push(" AND ").push(column).push(" IS NOT NULL");
    }
    let (mut lowest, mut highest) = (lanes.lowest.clone(), lanes.highest.clone());
    let (mut above, mut below) = (false, false);
    if let Some(past) = way.past {
        let (bound, strict) = if way.descending {
            (&mut highest, &mut below)
        } else {
            (&mut lowest, &mut above)
        };
        // A cursor of another filter may lie before the range: then the range counts.
        let counts = bound.as_ref().is_none_or(|bound| {
            if way.descending {
                past < bound
            } else {
                past > bound
            }
        });
        if counts {
            *bound = Some(past.clone());
            *strict = true;
        }
    }
    push_bound(
        sql,
        start,
        key,
        lowest.as_ref(),
        if above { " > " } else { " >= " },
    );
    push_bound(
        sql,
        start,
        key,
        highest.as_ref(),
        if below { " < " } else { " <= " },
    );
    push_order(
        sql,
        start.map(|start| (start.column(), way.descending)),
        key,
        "a.id",
        way.descending,
    );
    sql.push(" LIMIT ").push(limit);
}

/// One bound of the index's range.
fn push_bound(sql: &mut Sql, start: Option<&Start>, key: &str, bound: Option<&AccountKey>, comparison: &str) {
    if start.is_none() && bound.is_none() {
        return;
    }
    sql.push(" AND (");
    if let Some(start) = start {
        sql.push(start.column());
    }
    if bound.is_some() {
        sql.push(if start.is_some() { ", " } else { "" })
            .push(key)
            .push(", a.id");
    }
    sql.push(")").push(comparison).push("(");
    if let Some(start) = start {
        start.bind(sql);
    }
    if let Some(bound) = bound {
        sql.push(if start.is_some() { ", " } else { "" });
        bound.bind(sql);
    }
    sql.push(")");
}

/// ` ORDER BY …`, first by what is named with its own direction.
pub(super) fn push_order(sql: &mut Sql, first: Option<(&str, bool)>, key: &str, id: &str, descending: bool) {
    let direction = |descending| if descending { " DESC" } else { " ASC" };
    sql.push(" ORDER BY ");
    if let Some((first, descending)) = first {
        sql.push(first).push(direction(descending)).push(", ");
    }
    let direction = direction(descending);
    sql.push(key).push(direction).push(", ").push(id).push(direction);
}
