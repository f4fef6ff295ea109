//! The conditions by which people are found through an index, and how a list hangs on them.

use super::{
    candidates::Covers,
    debtor_criteria::{Condition, DebtorCriteria, conditions},
    sql::Sql,
};
use crate::platform::db::{DbError, TenantTx};

/// No more of them are asked how many they hold.
const MOST_SOURCES: usize = 12;

/// Everybody of a list is in what `covers` names.
pub(super) struct Sources<'a> {
    all: Vec<Condition<'a>>,
    covers: Covers,
}

impl<'a> Sources<'a> {
    /// Of these conditions and of no agent: what an index holds is the same for everybody.
    pub(super) fn of(criteria: &'a DebtorCriteria) -> Self {
        let mut all = Vec::new();
        let covers = conditions(criteria, None)
            .into_iter()
            .filter_map(|condition| cover(condition, &mut all))
            .collect();
        let covers = Covers::Each(covers);
        Self { all, covers }
    }

    /// Whether any condition leads to people.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those that together hold everybody of the list, and fewest, if these are no more than `most`; all are counted in one
    /// statement.
    pub(super) async fn fewest(
        &self,
        tx: &mut TenantTx,
        most: i64,
    ) -> Result<Option<Vec<Condition<'a>>>, DbError> {
        let mut sql = Sql::new(tx, "SELECT ARRAY[")?;
        for (nth, source) in self.all.iter().enumerate() {
            sql.push(if nth == 0 { "(" } else { ", (" });
            sql.push("SELECT count(*) FROM (");
            source.push_held(&mut sql, &(most + 1).to_string());
            sql.push(") s)");
        }
        sql.push("]");
        let counts: Vec<i64> = sql.builder().build_query_scalar().fetch_one(tx.conn()).await?;
        let Some((held, chosen)) = self.covers.least(&counts) else {
            return Ok(None);
        };
        let those = chosen.into_iter().filter_map(|at| self.all.get(at).copied());
        Ok((held <= most).then(|| those.collect()))
    }
}

fn cover<'a>(condition: Condition<'a>, sources: &mut Vec<Condition<'a>>) -> Option<Covers> {
    match condition {
        Condition::AnyOf(parts, _) => {
            let known = sources.len();
            let covers: Option<Vec<Covers>> = parts.iter().map(|part| cover_part(part, sources)).collect();
            if covers.is_none() {
                // Where one part leads nowhere, the others are not asked either.
                sources.truncate(known);
            }
            covers.map(Covers::Together)
        }
        Condition::Languages(_)
        | Condition::Holds(_)
        | Condition::Stops(_)
        | Condition::References(_)
        | Condition::Created(_)
            if sources.len() < MOST_SOURCES =>
        {
            sources.push(condition);
            Some(Covers::One(sources.len() - 1))
        }
        _ => None,
    }
}

fn cover_part<'a>(part: &'a DebtorCriteria, sources: &mut Vec<Condition<'a>>) -> Option<Covers> {
    let held: Vec<Covers> = conditions(part, None)
        .into_iter()
        .filter_map(|condition| cover(condition, sources))
        .collect();
    (!held.is_empty()).then_some(Covers::Each(held))
}
