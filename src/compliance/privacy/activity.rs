//! The retention clock: when the business was last in touch with a person, read from what it did, so that nothing has to be
//! written for it when a message comes or goes. And what stops the clock.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    compliance::facts::{Action, Debt, Facts, Profile},
    platform::{
        db::{DbError, TenantTx},
        ids::{self, IdKind},
    },
};

/// What tells how long one person's records are kept.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct PersonClock {
    /// All records of the person.
    pub(in crate::compliance) members: Vec<Uuid>,
    /// Their debts, deleted ones too.
    pub(in crate::compliance) accounts: Vec<Uuid>,
    /// Debts that are still collected.
    pub(in crate::compliance) open_accounts: i64,
    /// The last collection activity: a message either way, a contact that the gate let pass, a debt that was placed, an
    /// entry in the ledger, a word on consent, a validation notice that was written or provided, a hold that was placed or
    /// lifted, a complaint, a request about their own data that is none for erasure.
    pub(in crate::compliance) last_activity_at: DateTime<Utc>,
    /// A legal hold stands on the person or one of their debts.
    pub(in crate::compliance) on_legal_hold: bool,
    /// A complaint of theirs, or a request about their own data that is none for erasure, waits for its answer.
    pub(in crate::compliance) has_open_matter: bool,
    /// Since when their profile is erased.
    pub(in crate::compliance) erased_at: Option<DateTime<Utc>>,
    /// Since when their records are destroyed too.
    pub(in crate::compliance) records_destroyed_at: Option<DateTime<Utc>>,
}

impl PersonClock {
    /// The facts on which the rules decide about the person's data. What is known of the person counts for each of their
    /// debts: messages of a thread may be about any of them, and one key guards the records of all.
    pub(super) fn facts(&self, now: DateTime<Utc>, action: Action) -> Facts {
        let debt = Debt {
            last_collection_activity_on: Some(self.last_activity_at.date_naive()),
            ..Debt::default()
        };
        let debts: BTreeMap<String, Debt> = self
            .accounts
            .iter()
            .map(|id| (ids::encode(IdKind::Account, *id), debt.clone()))
            .collect();
        Facts {
            now: Some(now),
            profile: Some(Profile::Product),
            action: Some(action),
            debts: Some(debts),
            ..Facts::default()
        }
    }
}

/// The clocks of people, by the records that stand for them. Whoever acts on them holds the people's locks.
pub(in crate::compliance) async fn clocks(
    tx: &mut TenantTx,
    persons: &[Uuid],
) -> Result<Vec<PersonClock>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PersonClock,
        r#"SELECT m.ids AS "members!", coalesce(a.ids, '{}') AS "accounts!",
                coalesce(a.still_open, 0) AS "open_accounts!",
                greatest(m.created_at, a.created_at,
                    (SELECT max(v.last_message_at) FROM conversations v
                      WHERE v.business_id = $1 AND v.debtor_id = ANY(m.ids)),
                    (SELECT max(s.reserved_at) FROM contact_slots s
                      WHERE s.business_id = $1 AND s.debtor_id = ANY(m.ids) AND s.released_at IS NULL),
                    (SELECT max(e.at) FROM ledger_entries e
                      WHERE e.business_id = $1 AND e.account_id = ANY(a.ids)),
                    (SELECT max(c.recorded_at) FROM consents c
                      WHERE c.business_id = $1 AND c.debtor_id = ANY(m.ids)),
                    (SELECT max(greatest(n.generated_at, n.provided_at)) FROM validation_notices n
                      WHERE n.business_id = $1 AND n.debtor_id = ANY(m.ids)),
                    h.last_at, o.filed_at, q.recorded_at) AS "last_activity_at!",
                coalesce(h.is_legal, false) AS "on_legal_hold!",
                coalesce(o.is_open, false) OR coalesce(q.is_open, false) AS "has_open_matter!",
                m.erased_at, m.records_destroyed_at
         FROM unnest($2::uuid[]) AS p(id)
         CROSS JOIN LATERAL (
             SELECT array_agg(d.id ORDER BY d.id) AS ids, max(d.created_at) AS created_at, max(d.erased_at) AS erased_at,
                    CASE WHEN bool_and(k.destroyed_at IS NOT NULL) THEN max(k.destroyed_at) END AS records_destroyed_at
             FROM debtors d JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
             WHERE d.business_id = $1 AND d.person_id = p.id HAVING count(*) > 0) m
         CROSS JOIN LATERAL (
             SELECT array_agg(x.id ORDER BY x.id) AS ids, max(x.created_at) AS created_at,
                    count(*) FILTER (WHERE x.deleted_at IS NULL AND x.status NOT IN ('PAID_IN_FULL', 'CLOSED')) AS still_open
             FROM accounts x WHERE x.business_id = $1 AND x.debtor_id = ANY(m.ids)) a
         CROSS JOIN LATERAL (
             SELECT max(greatest(y.placed_at, y.lifted_at)) AS last_at,
                    bool_or(y.kind = 'LEGAL' AND y.lifted_at IS NULL) AS is_legal
             FROM holds y WHERE y.business_id = $1 AND y.debtor_id = ANY(m.ids)) h
         CROSS JOIN LATERAL (
             SELECT max(w.filed_at) AS filed_at, bool_or(w.status <> 'RESOLVED') AS is_open
             FROM complaints w WHERE w.business_id = $1 AND w.debtor_id = ANY(m.ids)) o
         CROSS JOIN LATERAL (
             SELECT max(r.recorded_at) AS recorded_at, bool_or(r.closed_at IS NULL) AS is_open
             FROM privacy_requests r
             WHERE r.business_id = $1 AND r.debtor_id = ANY(m.ids) AND r.kind <> 'ERASURE') q"#,
        business,
        persons,
    )
    .fetch_all(tx.conn())
    .await?)
}
