//! The business's own contact policy in the API.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    compliance::{
        contact_policy::{
            self, Answer, PolicyChange, decide_policy_change, loosest, open_policy_change, policy_change,
            policy_changes,
        },
        facts::{ClockTime, OptOutScope, Policy},
    },
    identity::graphql::User,
    platform::{
        gql::{
            AtHand, Done, EdgeCursor, Outcome, PageArgs, ScopeExt as _, UserError, input_id, mutate, op_error,
        },
        ids::{self, IdKind},
    },
};

crate::relay_connection!(
    ContactPolicyChange,
    ContactPolicyChangeConnection,
    ContactPolicyChangeEdge
);

/// How often, and when, a person is contacted at most. Laws and the rule set bind beside it; answers to a person's own
/// message are never limited.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContactPolicy {
    /// Attempts in seven days over all channels together.
    attempts_per_week: Option<i32>,
    /// Calls in seven days.
    calls_per_week: Option<i32>,
    /// Text messages in seven days.
    sms_per_week: Option<i32>,
    /// E-mails in seven days.
    emails_per_week: Option<i32>,
    /// WhatsApp messages on one day.
    whatsapp_per_day: Option<i32>,
    /// From when on, `HH:MM` on the clock of every time zone where the person may be.
    contact_from: Option<String>,
    /// Until when, `HH:MM`.
    contact_to: Option<String>,
    /// Seven days are also counted as 168 hours: the limit is free again at the minute, not at the date.
    elapsed_hours: Option<bool>,
    /// So many minutes before the permitted hours end, nothing written is handed to a provider any more: it might arrive
    /// after them.
    guard_minutes: Option<i32>,
    /// Nobody whose number stands on the national do-not-call registry is called or texted, also about a debt: the law asks
    /// that of solicitations alone. Without a copy of the registry that is new enough, see `numberLists`, nobody is.
    national_do_not_call: Option<bool>,
    /// Who opts out at one number or address is contacted at none of theirs any more, on no channel; otherwise at that one.
    opt_out_everywhere: Option<bool>,
}

impl From<&Policy> for ContactPolicy {
    fn from(policy: &Policy) -> Self {
        let count = |limit: Option<usize>| limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        Self {
            attempts_per_week: count(policy.attempts_per_week),
            calls_per_week: count(policy.calls_per_week),
            sms_per_week: count(policy.sms_per_week),
            emails_per_week: count(policy.emails_per_week),
            whatsapp_per_day: count(policy.whatsapp_per_day),
            contact_from: policy.contact_from.map(|time| time.to_string()),
            contact_to: policy.contact_to.map(|time| time.to_string()),
            elapsed_hours: policy.elapsed_hours,
            guard_minutes: policy
                .guard_minutes
                .and_then(|minutes| i32::try_from(minutes).ok()),
            national_do_not_call: Some(policy.national_do_not_call == Some(true)),
            opt_out_everywhere: Some(policy.optout_scope == Some(OptOutScope::All)),
        }
    }
}

/// The limits that you want. What is left out is as loose as the rules allow (`loosestContactPolicy`).
#[derive(Clone, Debug, InputObject)]
pub struct ContactPolicyInput {
    /// Attempts in seven days over all channels together.
    attempts_per_week: Option<i32>,
    /// Calls in seven days.
    calls_per_week: Option<i32>,
    /// Text messages in seven days.
    sms_per_week: Option<i32>,
    /// E-mails in seven days.
    emails_per_week: Option<i32>,
    /// WhatsApp messages on one day.
    whatsapp_per_day: Option<i32>,
    /// From when on, `HH:MM` on the debtor's clock.
    contact_from: Option<String>,
    /// Until when, `HH:MM`.
    contact_to: Option<String>,
    /// Count seven days as 168 hours too.
    elapsed_hours: Option<bool>,
    /// Minutes before the permitted hours end in which nothing written goes out any more, at most 240.
    guard_minutes: Option<i32>,
    /// Let the national do-not-call registry bind collection too.
    national_do_not_call: Option<bool>,
    /// Let an opt-out at one number or address reach all of the person's, on every channel.
    opt_out_everywhere: Option<bool>,
}

impl ContactPolicyInput {
    /// Parses it; `field` is its place under `input`.
    ///
    /// # Errors
    /// User errors for negative counts and for what is no time of day.
    pub fn parse(&self, field: &str) -> Result<Policy, Vec<UserError>> {
        let mut errors = Vec::new();
        let mut count = |name: &str, value: Option<i32>| {
            value.and_then(|value| {
                usize::try_from(value)
                    .map_err(|_| {
                        let message = "Give a number of 0 or more, or null for the rules' own limit.";
                        errors.push(UserError::invalid(&format!("{field}.{name}"), message));
                    })
                    .ok()
            })
        };
        let mut policy = Policy {
            attempts_per_week: count("attemptsPerWeek", self.attempts_per_week),
            calls_per_week: count("callsPerWeek", self.calls_per_week),
            sms_per_week: count("smsPerWeek", self.sms_per_week),
            emails_per_week: count("emailsPerWeek", self.emails_per_week),
            whatsapp_per_day: count("whatsappPerDay", self.whatsapp_per_day),
            elapsed_hours: self.elapsed_hours,
            guard_minutes: count("guardMinutes", self.guard_minutes)
                .map(|minutes| u32::try_from(minutes).unwrap_or(u32::MAX)),
            national_do_not_call: self.national_do_not_call.filter(|binds| *binds),
            optout_scope: self
                .opt_out_everywhere
                .and_then(|everywhere| everywhere.then_some(OptOutScope::All)),
            ..Policy::default()
        };
        for (name, text, time) in [
            ("contactFrom", &self.contact_from, &mut policy.contact_from),
            ("contactTo", &self.contact_to, &mut policy.contact_to),
        ] {
            *time = text.as_deref().and_then(ClockTime::parse);
            if text.is_some() && time.is_none() {
                let message = "Give a time of day such as `09:00`, or null for the rules' own limit.";
                errors.push(UserError::invalid(&format!("{field}.{name}"), message));
            }
        }
        if errors.is_empty() {
            Ok(policy)
        } else {
            Err(errors)
        }
    }
}

/// What has become of a change of the contact policy.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ContactPolicyChangeStatus {
    /// Waits for a compliance officer.
    Proposed,
    /// Stands, or stood until the next change.
    Approved,
    /// Was refused.
    Rejected,
    /// A later change has taken its place.
    Superseded,
}

/// A change of the contact policy that loosens it, and what a compliance officer said.
#[derive(Clone)]
pub struct ContactPolicyChange {
    row: PolicyChange,
    policy: Policy,
}

impl AtHand for ContactPolicyChange {}

impl ContactPolicyChange {
    fn of(row: PolicyChange) -> async_graphql::Result<Self> {
        let policy = contact_policy::parse(row.policy.clone()).map_err(op_error)?;
        Ok(Self { row, policy })
    }

    /// The one that waits.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn open(ctx: &Context<'_>) -> async_graphql::Result<Option<Self>> {
        open_policy_change(&mut *ctx.snapshot().await?)
            .await
            .map_err(|error| op_error(error.into()))?
            .map(Self::of)
            .transpose()
    }

    async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        policy_change(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?
            .map(Self::of)
            .transpose()
    }
}

/// A change of the contact policy that loosens it, and what a compliance officer said.
#[Object]
impl ContactPolicyChange {
    /// The change's id (`cpc_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::ContactPolicyChange, self.row.id).into()
    }

    /// The policy that it asks for.
    async fn policy(&self) -> ContactPolicy {
        ContactPolicy::from(&self.policy)
    }

    /// What has become of it.
    async fn status(&self) -> ContactPolicyChangeStatus {
        match self.row.state.as_str() {
            "PROPOSED" => ContactPolicyChangeStatus::Proposed,
            "APPROVED" => ContactPolicyChangeStatus::Approved,
            "REJECTED" => ContactPolicyChangeStatus::Rejected,
            _ => ContactPolicyChangeStatus::Superseded,
        }
    }

    /// Who asked for it.
    async fn proposed_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        User::load(ctx, self.row.proposed_by).await
    }

    /// When (business time).
    async fn proposed_at(&self) -> DateTime<Utc> {
        self.row.proposed_at
    }

    /// Who approved or rejected it, or whose later change took its place.
    async fn decided_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.decided_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When; null while it waits.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.row.decided_at
    }

    /// Why it was rejected.
    async fn reason(&self) -> Option<&str> {
        self.row.note.as_deref()
    }
}

/// The contact policy that stands.
///
/// # Errors
/// Internal ones only.
pub async fn standing_policy(ctx: &Context<'_>) -> async_graphql::Result<ContactPolicy> {
    let policy = contact_policy::contact_policy(&mut *ctx.snapshot().await?)
        .await
        .map_err(op_error)?;
    Ok(ContactPolicy::from(&policy))
}

/// What the rules allow every business.
pub fn loosest_policy() -> ContactPolicy {
    ContactPolicy::from(&loosest())
}

/// A change to be approved.
#[derive(InputObject)]
pub struct ApproveContactPolicyChangeInput {
    /// The change (`cpc_…`).
    id: ID,
}

/// A change to be rejected.
#[derive(InputObject)]
pub struct RejectContactPolicyChangeInput {
    /// The change (`cpc_…`).
    id: ID,
    /// Why, in 1 to 1,000 characters.
    reason: String,
}

/// What approveContactPolicyChange answers.
#[derive(SimpleObject)]
pub struct ApproveContactPolicyChangePayload {
    /// The change as it is now; null when there are user errors.
    change: Option<ContactPolicyChange>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What rejectContactPolicyChange answers.
#[derive(SimpleObject)]
pub struct RejectContactPolicyChangePayload {
    /// The change as it is now; null when there are user errors.
    change: Option<ContactPolicyChange>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of the contact policy.
#[derive(Default)]
pub struct ContactPolicyQueries;

#[Object]
impl ContactPolicyQueries {
    /// Changes that loosen your business's contact policy, newest first: what waits, and what became of the others.
    async fn contact_policy_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ContactPolicyChangeConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("contactPolicyChanges")?;
        let rows = policy_changes(&mut *ctx.snapshot().await?, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| {
                let cursor = EdgeCursor::of("contactPolicyChanges", row.id);
                Ok((cursor, ContactPolicyChange::of(row)?))
            })
            .collect::<async_graphql::Result<_>>()?;
        Ok(ContactPolicyChangeConnection::from_rows(&page, rows))
    }
}

/// Mutations of the contact policy.
#[derive(Default)]
pub struct ContactPolicyMutations;

#[Object]
impl ContactPolicyMutations {
    /// Approves a change of the contact policy: it stands from now on. Only a compliance officer does, and nobody their own.
    async fn approve_contact_policy_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which change.")] input: ApproveContactPolicyChangeInput,
    ) -> async_graphql::Result<ApproveContactPolicyChangePayload> {
        let outcome = decide(ctx, &input.id, Answer::Approve).await?;
        Ok(ApproveContactPolicyChangePayload {
            change: change_of(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Rejects a change of the contact policy: what stands goes on.
    async fn reject_contact_policy_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which change, and why.")] input: RejectContactPolicyChangeInput,
    ) -> async_graphql::Result<RejectContactPolicyChangePayload> {
        let outcome = decide(ctx, &input.id, Answer::Reject(input.reason)).await?;
        Ok(RejectContactPolicyChangePayload {
            change: change_of(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }
}

async fn decide(ctx: &Context<'_>, id: &ID, answer: Answer) -> async_graphql::Result<Outcome> {
    mutate(ctx, async |tx, _| {
        let id = input_id(IdKind::ContactPolicyChange, "id", id)?;
        decide_policy_change(tx, id, answer).await?;
        Ok(Done::from(id))
    })
    .await
}

async fn change_of(
    ctx: &Context<'_>,
    outcome: &Outcome,
) -> async_graphql::Result<Option<ContactPolicyChange>> {
    match outcome.object {
        Some(id) => ContactPolicyChange::load(ctx, id).await,
        None => Ok(None),
    }
}
