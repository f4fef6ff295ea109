//! Gives threads to agents, under the lock of the business's routing: two that come at once never fill the same last place.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    choice::{Agent, Choice, Facts, Rule, choose},
    rules::rules_of,
};
use crate::{
    access::Role,
    conversations::{
        assign::{Assignment, assign_all, tell_assigned},
        store::ConversationRow,
    },
    identity::{self, Absence},
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
    },
};

/// Who threads are given to: managers and administrators take them by hand.
const ROUTED_TO: [Role; 1] = [Role::Agent];

/// Gives a thread, into which a text has just come, to an agent, where nobody has it and a rule finds one. Called last in its
/// transaction: whoever holds the routing's lock waits for nothing but the end.
///
/// # Errors
/// [`OpError`] as met.
pub(in crate::conversations) async fn give_new_text(
    tx: &mut TenantTx,
    thread: &mut ConversationRow,
) -> Result<(), OpError> {
    // Whose nobody knows waits for somebody to match it, and what is escalated for somebody to take it.
    if thread.assigned_agent_id.is_some() || thread.debtor_id.is_none() || thread.status != "ACTIVE" {
        return Ok(());
    }
    // Most businesses without rules pay one statement for it.
    if !rules_of(tx).await?.iter().any(|rule| rule.enabled) {
        return Ok(());
    }
    let mut routing = Routing::begin(tx).await?;
    let facts = facts_of(tx, std::slice::from_ref(thread)).await?;
    let Some(facts) = facts.get(&thread.id) else {
        return Ok(());
    };
    if let Choice::Give { rule, to } = routing.choose(tx, facts) {
        let mut given = [Assignment {
            thread: thread.clone(),
            to: Some(to),
            rule: Some(rule),
        }];
        assign_all(tx, &mut given).await?;
        let [given] = given;
        *thread = given.thread;
        tell_assigned(tx, &[Some(to)]).await?;
        routing.end(tx).await?;
    }
    Ok(())
}

/// Rules and agents as they are under the lock.
pub(super) struct Routing {
    rules: Vec<Rule>,
    agents: Vec<Agent>,
    /// The rules whose turn has moved on.
    moved: Vec<Uuid>,
}

impl Routing {
    pub(super) async fn begin(tx: &mut TenantTx) -> Result<Self, DbError> {
        let place = format!("{} routing", tx.business_id());
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
            .execute(tx.conn())
            .await?;
        // What was committed while this waited counts: each statement sees the latest.
        let rules = rules_of(tx).await?;
        let agents = agents_on_duty(tx).await?;
        Ok(Self {
            rules,
            agents,
            moved: Vec::new(),
        })
    }

    pub(super) fn choose(&mut self, tx: &TenantTx, facts: &Facts) -> Choice {
        let choice = choose(&mut self.rules, &mut self.agents, facts, tx.now());
        if let Choice::Give { rule, .. } = choice {
            self.moved.push(rule);
        }
        choice
    }

    /// Keeps whose turn was last.
    pub(super) async fn end(self, tx: &mut TenantTx) -> Result<(), DbError> {
        let business = tx.business_id();
        let moved = self.rules.iter().filter(|rule| self.moved.contains(&rule.id));
        let (ids, last): (Vec<Uuid>, Vec<Uuid>) = moved
            .filter_map(|rule| Some((rule.id, rule.last_user_id?)))
            .unzip();
        sqlx::query!(
            "UPDATE routing_rules r SET last_user_id = t.last FROM unnest($2::uuid[], $3::uuid[]) AS t(id, last)
             WHERE r.business_id = $1 AND r.id = t.id",
            business,
            &ids,
            &last,
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// The agents who work now, with what they have on their hands.
async fn agents_on_duty(tx: &mut TenantTx) -> Result<Vec<Agent>, DbError> {
    let mut takers = identity::takers(tx, &ROUTED_TO).await?;
    takers.retain(|taker| taker.is_on_duty);
    let users: Vec<Uuid> = takers.iter().map(|taker| taker.user).collect();
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT u.id AS "id!", t.open AS "open!", t.last
           FROM unnest($2::uuid[]) AS u(id)
           CROSS JOIN LATERAL (
               SELECT count(*) AS open, max(c.assigned_at) AS last FROM conversations c
               WHERE c.business_id = $1 AND c.assigned_agent_id = u.id AND c.status IN ('ACTIVE', 'ESCALATED')) t"#,
        business,
        &users,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut held: HashMap<Uuid, _> = rows
        .into_iter()
        .map(|row| (row.id, (row.open, row.last)))
        .collect();
    let agents = takers.into_iter().map(|taker| {
        let (open, last_given) = held.remove(&taker.user).unwrap_or_default();
        Agent {
            user: taker.user,
            skills: taker.skills,
            capacity: taker.capacity,
            open,
            last_given,
        }
    });
    Ok(agents.collect())
}

/// What the conditions ask of these threads.
pub(super) async fn facts_of(
    tx: &mut TenantTx,
    threads: &[ConversationRow],
) -> Result<HashMap<Uuid, Facts>, DbError> {
    let business = tx.business_id();
    let ids: Vec<Uuid> = threads.iter().map(|thread| thread.id).collect();
    let holders: Vec<Uuid> = threads
        .iter()
        .filter_map(|thread| thread.assigned_agent_id)
        .collect();
    let absences: HashMap<Uuid, Absence> = identity::absences(tx, &holders).await?;
    let rows = sqlx::query!(
        r#"SELECT c.id, c.channel, c.assigned_agent_id, d.primary_language, a.creditor_id AS "creditor_id?",
                  a.assigned_agent_id AS "account_agent?",
                  ARRAY(SELECT t.tag FROM account_tags t WHERE t.business_id = $1 AND t.account_id = c.account_id) AS "tags!"
           FROM conversations c
           JOIN debtors d ON d.business_id = c.business_id AND d.id = c.debtor_id
           LEFT JOIN accounts a ON a.business_id = c.business_id AND a.id = c.account_id
           WHERE c.business_id = $1 AND c.id = ANY($2)"#,
        business,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let facts = rows.into_iter().map(|row| {
        let absence = row
            .assigned_agent_id
            .and_then(|user| absences.get(&user).copied());
        let facts = Facts {
            channel: row.channel,
            language: row.primary_language,
            creditor: row.creditor_id,
            tags: row.tags,
            account_agent: row.account_agent,
            holder: row.assigned_agent_id,
            absence,
        };
        (row.id, facts)
    });
    Ok(facts.collect())
}
