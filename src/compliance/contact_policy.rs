//! A business's own contact policy: stricter than the rule set, never looser. The gate reads it as a part of the facts.
//! What tightens it counts at once; what loosens it waits for a compliance officer.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    facts::{ClockTime, Policy, Profile},
    rule_set::RuleSet,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{PageRequest, UserError, UserErrorCode},
        ids,
    },
};

/// The shortest hours that a business may set: below an hour nobody is reached by intent.
const SHORTEST_HOURS: u32 = 3600;
/// More of a guard time leaves no evening.
const MOST_GUARD_MINUTES: u32 = 240;

/// A change that was asked for.
#[derive(Clone, Debug)]
pub struct PolicyChange {
    pub id: Uuid,
    pub policy: serde_json::Value,
    /// `PROPOSED`, `APPROVED`, `REJECTED` or `SUPERSEDED`.
    pub state: String,
    pub proposed_by: Uuid,
    pub proposed_at: DateTime<Utc>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
}

/// What the rule set allows every business: the loosest policy there is.
pub fn loosest() -> Policy {
    let rules = RuleSet::current();
    let limit = |rule: &str| rules.rule(rule).and_then(|data| data.parameters.limit);
    let calls = limit("product-attempts-3-per-week");
    let texts = limit("product-sms-3-per-week");
    let mails = limit("product-email-5-per-week");
    let whatsapp = limit("product-whatsapp-1-per-day");
    let hours = rules.rule("reg-f-quiet-hours").map(|data| &data.parameters);
    let product = rules.product();
    Policy {
        // Where nothing counts over all channels, together they allow this many.
        attempts_per_week: product.attempts_per_week.or(Some(
            [calls, texts, mails, whatsapp.map(|a_day| a_day * 7)]
                .into_iter()
                .flatten()
                .sum(),
        )),
        calls_per_week: calls,
        sms_per_week: texts,
        emails_per_week: mails,
        whatsapp_per_day: whatsapp,
        contact_from: hours.and_then(|hours| hours.start),
        contact_to: hours.and_then(|hours| hours.end),
        elapsed_hours: Some(product.elapsed_hours),
        guard_minutes: Some(product.guard_minutes.unwrap_or_default()),
        ..Policy::default()
    }
}

/// One count of a policy, by its name in the API.
type Count = (&'static str, fn(&Policy) -> Option<usize>);

const COUNTS: [Count; 5] = [
    ("attemptsPerWeek", |policy| policy.attempts_per_week),
    ("callsPerWeek", |policy| policy.calls_per_week),
    ("smsPerWeek", |policy| policy.sms_per_week),
    ("emailsPerWeek", |policy| policy.emails_per_week),
    ("whatsappPerDay", |policy| policy.whatsapp_per_day),
];

/// The policy with the rule set's limit wherever it has none of its own.
fn whole(policy: &Policy) -> Policy {
    let loosest = loosest();
    Policy {
        attempts_per_week: policy.attempts_per_week.or(loosest.attempts_per_week),
        calls_per_week: policy.calls_per_week.or(loosest.calls_per_week),
        sms_per_week: policy.sms_per_week.or(loosest.sms_per_week),
        emails_per_week: policy.emails_per_week.or(loosest.emails_per_week),
        whatsapp_per_day: policy.whatsapp_per_day.or(loosest.whatsapp_per_day),
        contact_from: policy.contact_from.or(loosest.contact_from),
        contact_to: policy.contact_to.or(loosest.contact_to),
        elapsed_hours: policy.elapsed_hours.max(loosest.elapsed_hours),
        guard_minutes: policy.guard_minutes.max(loosest.guard_minutes),
        optout_scope: policy.optout_scope,
        national_do_not_call: policy.national_do_not_call,
    }
}

/// What the gate compares with: what the business chose, and what the product sets for all that are under its limits.
pub(super) fn binding(own: Policy, profile: Profile) -> Policy {
    if profile == Profile::Floor {
        return own;
    }
    let product = RuleSet::current().product();
    let attempts = [own.attempts_per_week, product.attempts_per_week];
    Policy {
        attempts_per_week: attempts.into_iter().flatten().min(),
        elapsed_hours: own.elapsed_hours.or(product.elapsed_hours.then_some(true)),
        guard_minutes: own.guard_minutes.max(product.guard_minutes),
        ..own
    }
}

/// The same with nothing where it says no more than the rule set: the gate reads what the business chose.
fn own(policy: &Policy) -> Policy {
    let loosest = loosest();
    Policy {
        attempts_per_week: policy
            .attempts_per_week
            .filter(|_| policy.attempts_per_week != loosest.attempts_per_week),
        calls_per_week: policy
            .calls_per_week
            .filter(|_| policy.calls_per_week != loosest.calls_per_week),
        sms_per_week: policy
            .sms_per_week
            .filter(|_| policy.sms_per_week != loosest.sms_per_week),
        emails_per_week: policy
            .emails_per_week
            .filter(|_| policy.emails_per_week != loosest.emails_per_week),
        whatsapp_per_day: policy
            .whatsapp_per_day
            .filter(|_| policy.whatsapp_per_day != loosest.whatsapp_per_day),
        elapsed_hours: policy
            .elapsed_hours
            .filter(|_| policy.elapsed_hours != loosest.elapsed_hours),
        guard_minutes: policy
            .guard_minutes
            .filter(|_| policy.guard_minutes != loosest.guard_minutes),
        ..policy.clone()
    }
}

/// The stricter of both, limit by limit. Hours that have less than an hour in common stay as they are in `current`.
fn tightest(current: &Policy, wanted: &Policy) -> Policy {
    let (current, wanted) = (whole(current), whole(wanted));
    let (from, to) = (
        current.contact_from.max(wanted.contact_from),
        current.contact_to.min(wanted.contact_to),
    );
    let (from, to) = if is_long_enough(from, to) {
        (from, to)
    } else {
        (current.contact_from, current.contact_to)
    };
    Policy {
        attempts_per_week: current.attempts_per_week.min(wanted.attempts_per_week),
        calls_per_week: current.calls_per_week.min(wanted.calls_per_week),
        sms_per_week: current.sms_per_week.min(wanted.sms_per_week),
        emails_per_week: current.emails_per_week.min(wanted.emails_per_week),
        whatsapp_per_day: current.whatsapp_per_day.min(wanted.whatsapp_per_day),
        contact_from: from,
        contact_to: to,
        elapsed_hours: current.elapsed_hours.max(wanted.elapsed_hours),
        guard_minutes: current.guard_minutes.max(wanted.guard_minutes),
        optout_scope: current.optout_scope.max(wanted.optout_scope),
        national_do_not_call: current.national_do_not_call.max(wanted.national_do_not_call),
    }
}

fn is_long_enough(from: Option<ClockTime>, to: Option<ClockTime>) -> bool {
    match (from, to) {
        (Some(from), Some(to)) => from.seconds() + SHORTEST_HOURS <= to.seconds(),
        _ => true,
    }
}

/// What is looser than the rule set, or makes no sense; `field` is the policy's place under `input`.
fn check(policy: &Policy, field: &str) -> Result<(), Vec<UserError>> {
    let loosest = loosest();
    let mut errors: Vec<UserError> = COUNTS
        .iter()
        .filter(|(_, of)| of(policy) > of(&loosest))
        .map(|(name, of)| {
            let most = of(&loosest).unwrap_or_default();
            UserError::invalid(
                &format!("{field}.{name}"),
                format!(
                    "The rules allow at most {most}: give that or less, or null for the rules' own limit."
                ),
            )
        })
        .collect();
    if policy.guard_minutes < loosest.guard_minutes && policy.guard_minutes.is_some()
        || policy.guard_minutes > Some(MOST_GUARD_MINUTES)
    {
        let least = loosest.guard_minutes.unwrap_or_default();
        let message = format!("Give {least} to {MOST_GUARD_MINUTES} minutes, or null for the rules' own.");
        errors.push(UserError::invalid(&format!("{field}.guardMinutes"), message));
    }
    let filled = whole(policy);
    if filled.contact_from < loosest.contact_from
        || filled.contact_to > loosest.contact_to
        || !is_long_enough(filled.contact_from, filled.contact_to)
    {
        let show = |time: Option<ClockTime>| time.map(|time| time.to_string()).unwrap_or_default();
        errors.push(UserError::invalid(
            &format!("{field}.contactFrom"),
            format!(
                "The rules allow contact from {} to {}: give hours within these, at least one hour long.",
                show(loosest.contact_from),
                show(loosest.contact_to)
            ),
        ));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The policy that stands; the rule set's own limits for a business that never set one.
///
/// # Errors
/// [`OpError`] as met.
pub async fn contact_policy(tx: &mut TenantTx) -> Result<Policy, OpError> {
    let business = tx.business_id();
    let stored = sqlx::query_scalar!(
        "SELECT policy FROM contact_policies WHERE business_id = $1",
        business
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(whole(&stored.map(parse).transpose()?.unwrap_or_default()))
}

pub(super) fn parse(stored: serde_json::Value) -> Result<Policy, OpError> {
    serde_json::from_value(stored).map_err(|error| OpError::Internal(error.into()))
}

fn to_json(policy: &Policy) -> serde_json::Value {
    serde_json::to_value(policy).unwrap_or_default()
}

/// Asks for another policy: its stricter parts stand at once, the rest waits for a compliance officer. A change that
/// waited before is superseded.
///
/// # Errors
/// User errors for limits that are looser than the rule set's, below `input.<field>`.
pub async fn change_contact_policy(tx: &mut TenantTx, wanted: &Policy, field: &str) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::BusinessUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check(wanted, field).map_err(OpError::User)?;
    let Some(user) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden(
            "only a member of staff changes the contact policy".to_owned(),
        ));
    };
    take_turn(tx).await?;
    let current = contact_policy(tx).await?;
    let wanted = whole(wanted);
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE contact_policy_changes SET state = 'SUPERSEDED', decided_by = $2, decided_at = $3
         WHERE business_id = $1 AND state = 'PROPOSED'",
        business,
        user,
        now,
    )
    .execute(tx.conn())
    .await?;
    let at_once = tightest(&current, &wanted);
    if at_once != current {
        put(tx, &at_once).await?;
        let details = json!({ "from": to_json(&current), "to": to_json(&at_once) });
        tx.audit(AuditEntry::plain("contact_policy.tightened", business, &details));
    }
    if at_once != wanted {
        let id = ids::next();
        sqlx::query!(
            "INSERT INTO contact_policy_changes (business_id, id, policy, state, proposed_by, proposed_at)
             VALUES ($1, $2, $3, 'PROPOSED', $4, $5)",
            business,
            id,
            to_json(&wanted),
            user,
            now,
        )
        .execute(tx.conn())
        .await?;
        let details = json!({ "from": to_json(&at_once), "to": to_json(&wanted) });
        tx.audit(AuditEntry::plain("contact_policy.proposed", id, &details));
    }
    Ok(())
}

/// A compliance officer's answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Approve,
    /// With the reason.
    Reject(String),
}

/// Approves or rejects what waits. Approved, it is the policy.
///
/// # Errors
/// User errors: NOT_FOUND; CONFLICT for what is decided already, for one's own proposal, and for what the rules have come
/// to forbid meanwhile.
pub(super) async fn decide_policy_change(tx: &mut TenantTx, id: Uuid, answer: Answer) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ContactPolicyApprove)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let Some(user) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden(
            "only a member of staff decides on the contact policy".to_owned(),
        ));
    };
    take_turn(tx).await?;
    let change = policy_change(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "change of the contact policy"))?;
    let conflict = |message| OpError::from(UserError::at(UserErrorCode::Conflict, "id", message));
    if change.state != "PROPOSED" {
        return Err(conflict(
            "This change is decided already, or another one has taken its place: look at the newest.",
        ));
    }
    if change.proposed_by == user {
        return Err(conflict(
            "Nobody decides on their own proposal: ask another compliance officer.",
        ));
    }
    let (current, wanted) = (contact_policy(tx).await?, parse(change.policy)?);
    let (state, action, note) = match answer {
        Answer::Approve => {
            if check(&wanted, "id").is_err() {
                return Err(conflict(
                    "The rules do not allow this policy any more: reject it, and let a stricter one be proposed.",
                ));
            }
            put(tx, &wanted).await?;
            ("APPROVED", "contact_policy.approved", None)
        }
        Answer::Reject(note) => {
            let note = note.trim().to_owned();
            if !(1..=1000).contains(&note.chars().count()) || note.contains('\0') {
                return Err(UserError::invalid("reason", "Say why, in 1 to 1,000 characters.").into());
            }
            ("REJECTED", "contact_policy.rejected", Some(note))
        }
    };
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE contact_policy_changes SET state = $3, decided_by = $4, decided_at = $5, note = $6
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        state,
        user,
        now,
        note,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "from": to_json(&current), "to": to_json(&wanted) });
    tx.audit(AuditEntry::plain(action, id, &details));
    Ok(())
}

async fn put(tx: &mut TenantTx, policy: &Policy) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "INSERT INTO contact_policies (business_id, policy, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (business_id) DO UPDATE SET policy = $2, updated_at = $3",
        business,
        to_json(&own(policy)),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes and answers of one business come one after the other.
async fn take_turn(tx: &mut TenantTx) -> Result<(), DbError> {
    let place = format!("{} contact policy", tx.business_id());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn policy_change(tx: &mut TenantTx, id: Uuid) -> Result<Option<PolicyChange>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PolicyChange,
        "SELECT id, policy, state, proposed_by, proposed_at, decided_by, decided_at, note
         FROM contact_policy_changes WHERE business_id = $1 AND id = $2",
        business,
        id
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The change that waits, if one does.
pub(super) async fn open_policy_change(tx: &mut TenantTx) -> Result<Option<PolicyChange>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PolicyChange,
        "SELECT id, policy, state, proposed_by, proposed_at, decided_by, decided_at, note
         FROM contact_policy_changes WHERE business_id = $1 AND state = 'PROPOSED'",
        business
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// A page of changes, newest first, with one row more than asked.
pub(super) async fn policy_changes(
    tx: &mut TenantTx,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<PolicyChange>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        PolicyChange,
        "SELECT id, policy, state, proposed_by, proposed_at, decided_by, decided_at, note
         FROM contact_policy_changes WHERE business_id = $1 AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        business,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from: &str, to: &str) -> Policy {
        Policy {
            contact_from: ClockTime::parse(from),
            contact_to: ClockTime::parse(to),
            ..Policy::default()
        }
    }

    #[test]
    fn every_limit_of_the_rule_set_is_a_ceiling_of_its_own() {
        let top = loosest();
        assert_eq!(check(&top, "p"), Ok(()));
        for (name, of) in COUNTS {
            let more = of(&top).unwrap() + 1;
            let mut policy = Policy::default();
            match name {
                "attemptsPerWeek" => policy.attempts_per_week = Some(more),
                "callsPerWeek" => policy.calls_per_week = Some(more),
                "smsPerWeek" => policy.sms_per_week = Some(more),
                "emailsPerWeek" => policy.emails_per_week = Some(more),
                _ => policy.whatsapp_per_day = Some(more),
            }
            let refused = check(&policy, "p").unwrap_err();
            assert_eq!(refused.len(), 1, "{name}");
            assert_eq!(refused[0].field.as_ref().unwrap()[2], name);
        }
        for (from, to) in [
            ("07:59", "12:00"),
            ("09:00", "21:01"),
            ("12:00", "12:30"),
            ("18:00", "09:00"),
        ] {
            assert!(check(&hours(from, to), "p").is_err(), "{from} to {to}");
        }
    }

    #[test]
    fn a_business_under_the_law_alone_is_bound_by_what_it_chose_itself() {
        assert_eq!(
            binding(Policy::default(), Profile::Product).guard_minutes,
            Some(15)
        );
        assert_eq!(binding(Policy::default(), Profile::Floor), Policy::default());
        let chosen = Policy {
            guard_minutes: Some(30),
            ..Policy::default()
        };
        assert_eq!(binding(chosen, Profile::Floor).guard_minutes, Some(30));
    }

    #[test]
    fn the_stricter_of_two_policies_never_gives_more_than_either() {
        let narrow = Policy {
            sms_per_week: Some(1),
            ..hours("09:00", "17:00")
        };
        let other = Policy {
            sms_per_week: Some(2),
            emails_per_week: Some(0),
            ..hours("10:00", "20:00")
        };
        let both = tightest(&narrow, &other);
        assert_eq!((both.sms_per_week, both.emails_per_week), (Some(1), Some(0)));
        assert_eq!(both.contact_from, ClockTime::parse("10:00"));
        assert_eq!(both.contact_to, ClockTime::parse("17:00"));
        let apart = tightest(&hours("08:00", "10:00"), &hours("15:00", "18:00"));
        assert_eq!(apart.contact_to, ClockTime::parse("10:00"), "what stood stands");
    }
}
