//! Which people: the tree of a filter, flattened into the conditions that each person of the list fulfils.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    candidates::{HOLDS, LANGUAGES, push_each},
    criteria::{ONE_LOOK, Span, primary_languages, push_languages, push_span},
    sql::Sql,
};

/// Which people; one part of a tree.
#[derive(Clone, Debug, Default)]
pub(in crate::accounts) struct DebtorCriteria {
    pub(in crate::accounts) languages: Option<Vec<String>>,
    /// Kinds of holds, as the database spells them.
    pub(in crate::accounts) holds: Option<Vec<String>>,
    pub(in crate::accounts) has_open_accounts: Option<bool>,
    /// As the database spells them.
    pub(in crate::accounts) risk_levels: Option<Vec<String>>,
    /// The business's own numbers of people, each once.
    pub(in crate::accounts) references: Option<Vec<String>>,
    /// Kinds of holds of which one on the person itself, not on one of their debts, stands.
    pub(in crate::accounts) stops: Option<Vec<String>>,
    pub(in crate::accounts) created_from: Option<DateTime<Utc>>,
    pub(in crate::accounts) created_to: Option<DateTime<Utc>>,
    pub(in crate::accounts) all_of: Vec<DebtorCriteria>,
    pub(in crate::accounts) any_of: Vec<DebtorCriteria>,
    pub(in crate::accounts) none_of: Option<Box<DebtorCriteria>>,
}

/// One condition, about the person `d`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Condition<'a> {
    /// Whom an agent sees.
    Scope(Uuid),
    Languages(&'a [String]),
    Holds(&'a [String]),
    /// Whether there is an account that is worked on: for an agent, one of theirs or of nobody's.
    Open(bool, Option<Uuid>),
    Risk(&'a [String]),
    References(&'a [String]),
    Stops(&'a [String]),
    Created(Span<DateTime<Utc>>),
    /// At least one of these; the agent as for [`Condition::Open`].
    AnyOf(&'a [DebtorCriteria], Option<Uuid>),
    Not(&'a DebtorCriteria, Option<Uuid>),
}

/// The conditions of the tree's trunk: those of all groups that must hold, too, with one range of when people were recorded.
pub(super) fn conditions(criteria: &DebtorCriteria, agent: Option<Uuid>) -> Vec<Condition<'_>> {
    let mut all = Vec::new();
    flatten(criteria, agent, &mut all);
    let mut found: Vec<Condition<'_>> = Vec::with_capacity(all.len());
    for condition in all {
        if !found.iter_mut().any(|known| known.narrow(&condition)) {
            found.push(condition);
        }
    }
    found
}

fn flatten<'a>(criteria: &'a DebtorCriteria, agent: Option<Uuid>, found: &mut Vec<Condition<'a>>) {
    found.extend(criteria.languages.as_deref().map(Condition::Languages));
    found.extend(criteria.holds.as_deref().map(Condition::Holds));
    found.extend(criteria.risk_levels.as_deref().map(Condition::Risk));
    found.extend(criteria.references.as_deref().map(Condition::References));
    found.extend(criteria.stops.as_deref().map(Condition::Stops));
    found.extend(criteria.has_open_accounts.map(|has| Condition::Open(has, agent)));
    found.extend(Span::of(criteria.created_from, criteria.created_to).map(Condition::Created));
    if !criteria.any_of.is_empty() {
        found.push(Condition::AnyOf(&criteria.any_of, agent));
    }
    found.extend(
        criteria
            .none_of
            .as_deref()
            .map(|part| Condition::Not(part, agent)),
    );
    for part in &criteria.all_of {
        flatten(part, agent, found);
    }
}

/// All of the conditions, about the person `d`.
pub(super) fn push_all(sql: &mut Sql, conditions: &[Condition<'_>]) {
    sql.push("(true");
    for condition in conditions {
        condition.push(sql.push(" AND "));
    }
    sql.push(")");
}

impl Condition<'_> {
    /// Takes a further range of when people were recorded in, if `other` is one.
    fn narrow(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Created(span), Self::Created(more)) => {
                *span = span.within(*more);
                true
            }
            _ => false,
        }
    }

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
            Self::Open(has, agent) => push_open(sql, *has, *agent),
            Self::Risk(levels) => {
                sql.push("d.risk_level = ANY(").bind(levels.to_vec()).push(")");
            }
            Self::References(references) => {
                sql.push(
                    "EXISTS (SELECT FROM debtors g WHERE g.business_id = $1 AND g.person_id = d.id
                     AND g.external_reference = ANY(",
                )
                .bind(references.to_vec())
                .push(")")
                .push(ONE_LOOK);
            }
            Self::Stops(kinds) => {
                sql.push(
                    "EXISTS (SELECT FROM debtors g JOIN holds h ON h.business_id = $1 AND h.debtor_id = g.id
                     WHERE g.business_id = $1 AND g.person_id = d.id AND h.lifted_at IS NULL AND h.account_id IS NULL
                     AND h.kind = ANY(",
                )
                .bind(kinds.to_vec())
                .push(")")
                .push(ONE_LOOK);
            }
            Self::Created(span) => {
                push_span(sql, "d.created_at", *span);
            }
            Self::AnyOf(parts, agent) => {
                sql.push("(false");
                for part in *parts {
                    push_all(sql.push(" OR "), &conditions(part, *agent));
                }
                sql.push(")");
            }
            Self::Not(part, agent) => {
                // Of whom nobody has said a level of risk, it is not true that it is one of these.
                push_all(sql.push("NOT coalesce("), &conditions(part, *agent));
                sql.push(", false)");
            }
        }
    }

    /// The ids of records that its own index has, no more than `limit` says.
    pub(super) fn push_held(&self, sql: &mut Sql, limit: &str) {
        match self {
            Self::Languages(tags) => push_each(sql, &primary_languages(tags), LANGUAGES, limit),
            // Those on one debt among them: each is judged by the condition itself.
            Self::Holds(kinds) | Self::Stops(kinds) => push_each(sql, kinds, HOLDS, limit),
            Self::References(references) => {
                sql.push(
                    "SELECT d.id FROM debtors d WHERE d.business_id = $1 AND d.external_reference = ANY(",
                )
                .bind(references.to_vec())
                .push(")");
            }
            Self::Created(span) => {
                sql.push("SELECT d.id FROM debtors d WHERE d.business_id = $1 AND ");
                push_span(sql, "d.created_at", *span);
                sql.push(" ORDER BY d.created_at, d.id");
            }
            // No index knows these.
            Self::Scope(_) | Self::Open(..) | Self::Risk(_) | Self::AnyOf(..) | Self::Not(..) => {
                sql.push("SELECT d.id FROM debtors d WHERE false");
            }
        }
        sql.push(" LIMIT ").push(limit);
    }
}

fn push_open(sql: &mut Sql, has: bool, agent: Option<Uuid>) {
    sql.push(if has { "EXISTS (" } else { "NOT EXISTS (" }).push(
        "SELECT FROM debtors g JOIN accounts a ON a.business_id = $1 AND a.debtor_id = g.id
         WHERE g.business_id = $1 AND g.person_id = d.id AND a.deleted_at IS NULL
         AND a.status NOT IN ('PAID_IN_FULL', 'CLOSED')",
    );
    if let Some(agent) = agent {
        sql.push(" AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = ")
            .bind(agent)
            .push(")");
    }
    sql.push(ONE_LOOK);
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
