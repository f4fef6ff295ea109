//! The slice's face in the API.

mod acceptance;
mod address_suppressions;
mod archives;
mod by_person;
mod complaints;
mod consents;
mod contact_places;
mod contact_policy;
mod content;
mod dashboard;
mod decision_pages;
mod dispute_mutations;
mod dispute_steps;
mod disputes;
mod holds;
mod inconvenient;
mod licenses;
mod limitations;
mod number_lists;
mod opt_out_link;
mod own_data;
mod privacy;
mod privacy_notice;
mod retention;
mod score;
mod sealed;
mod suits;
mod suppressions;
mod validation_notice_mutations;
mod validation_notices;
mod zones;

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, ID, InputObject, MergedObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Author, Contact,
    consent_pages::Consents,
    decision::{Decision, Outcome},
    decision_pages::{DecisionRow, Decisions, SealedFacts},
    explain, required_text,
};
use crate::{
    access::{Cell, authorize},
    accounts::{Channel, PageOf, debtor_by_id, phones_of, scoped_debtor_of_account},
    platform::{
        db::TenantTx,
        error::OpError,
        gql::{Batch, OpScope, ScopeExt as _, UserError, not_found, op_error, parse_id},
        ids::{self, IdKind},
        keys::TenantKeys,
    },
};

pub use super::{holds::HoldKind, suppressions::AddressKind};
pub use acceptance::{AcceptanceMutations, PrivacyAcceptance};
pub use address_suppressions::AddressSuppression;
pub use archives::{ArchiveMutations, ArchiveQueries};
pub use complaints::{Complaint, ComplaintConnection};
pub use consents::{Consent, ConsentConnection, ConsentMutations};
pub use contact_places::{ContactPlace, ContactPlaceMutations};
pub use contact_policy::{
    ContactPolicy, ContactPolicyChange, ContactPolicyInput, ContactPolicyMutations, ContactPolicyQueries,
    loosest_policy, standing_policy,
};
pub use content::{CheckContentInput, ContentCheck, ContentFinding, ContentQueries};
pub use dashboard::DashboardQueries;
pub use decision_pages::ComplianceDecisionConnection;
pub use dispute_steps::DisputeStep;
pub use disputes::{Dispute, DisputeConnection};
pub use holds::{Hold, HoldMutations, HoldQueries};
pub use inconvenient::{DayOfWeek, InconvenientTime, InconvenientTimeMutations};
pub use licenses::{LicenseMutations, LicenseQueries};
pub use limitations::Limitation;
pub use number_lists::{NumberListMutations, NumberListQueries};
pub use opt_out_link::OptOutLink;
pub use own_data::{OwnDataMutations, OwnDataQueries};
pub use privacy::{PrivacyMutations, PrivacyQueries};
pub use retention::{RetentionMutations, RetentionQueries};
pub use suits::SuitAuthority;
pub use suppressions::{SuppressionMutations, SuppressionQueries};
pub use validation_notices::ValidationNotice;
pub use zones::TimeZoneEvidence;

/// What the gate answered.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DecisionOutcome {
    /// The contact may be made.
    Allow,
    /// It may not, and waiting does not help.
    Deny,
    /// Not now: at `nextPermittedAt`.
    Defer,
    /// Once the text contains `missingContent`.
    RequireContent,
}

impl DecisionOutcome {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allow => Self::Allow,
            Outcome::Defer => Self::Defer,
            Outcome::RequireContent => Self::RequireContent,
            Outcome::Deny | Outcome::Record => Self::Deny,
        }
    }
}

/// What one rule said.
#[derive(Clone, Debug, SimpleObject)]
pub struct RuleFinding {
    /// The rule's id.
    rule: String,
    /// Where it stands in the law, or whose policy it is.
    citation: String,
    /// What this rule alone says.
    outcome: DecisionOutcome,
    /// Why, and what would change it.
    explanation: String,
    /// The same in Spanish.
    explanation_es: String,
    /// Until when it forbids the contact, where waiting helps.
    until: Option<DateTime<Utc>>,
}

/// An answer of the compliance gate, with every rule that was asked.
#[derive(Clone)]
pub struct ComplianceDecision {
    debtor_id: Uuid,
    /// Of an explanation by complianceCheck: made for the answer, found nowhere.
    id: Uuid,
    decided_at: DateTime<Utc>,
    decision: Arc<Decision>,
}

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct ComplianceLoaders {
    acceptances: Batch<Uuid, acceptance::Acceptances>,
    staff_acceptances: Batch<Uuid, Arc<super::privacy::AcceptanceRow>>,
    consents: Batch<PageOf, Consents>,
    decisions_of_accounts: Batch<PageOf, Decisions>,
    decisions_of_people: Batch<PageOf, Decisions>,
    decisions: Batch<Uuid, ComplianceDecision>,
    dispute_steps: Batch<Uuid, disputes::Steps>,
    disputes: Batch<Uuid, disputes::Disputes>,
    facts: Batch<Uuid, Arc<SealedFacts>>,
    holds: Batch<Uuid, holds::Holds>,
    inconvenient: Batch<Uuid, inconvenient::Times>,
    limitations: Batch<Uuid, Arc<super::limitations::LimitationRow>>,
    notices: Batch<Uuid, validation_notices::Notices>,
    places: Batch<Uuid, contact_places::Places>,
    suit_authorities: Batch<Uuid, suits::SuitAuthorities>,
    suppressions: Batch<String, address_suppressions::OfAddress>,
}

impl ComplianceDecision {
    /// Looks a stored decision up; `None` when it is not there, not the caller's, or the role may not read decisions.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::DecisionRead).is_err() {
            return Ok(None);
        }
        let found = ctx
            .data::<ComplianceLoaders>()?
            .decisions
            .load(id, async |ids: Vec<Uuid>| load_decisions(scope, &ids).await)
            .await
            .map_err(op_error)?;
        Ok(found.inspect(|decision| scope.saw_debtor(decision.debtor_id)))
    }

    fn of_row(row: DecisionRow) -> Result<Self, OpError> {
        let decision: Decision =
            serde_json::from_value(row.decision).map_err(|error| OpError::Internal(error.into()))?;
        Ok(Self {
            debtor_id: row.debtor_id,
            id: row.id,
            decided_at: row.decided_at,
            decision: Arc::new(decision),
        })
    }
}

async fn load_decisions(scope: &OpScope, ids: &[Uuid]) -> Result<HashMap<Uuid, ComplianceDecision>, OpError> {
    let mut tx = scope.snapshot().await?;
    let (business, agent) = (tx.business_id(), tx.ctx().agent_scope());
    let rows = sqlx::query_as!(
        DecisionRow,
        "SELECT d.id, d.debtor_id, d.decision, d.decided_at FROM decisions d
         LEFT JOIN accounts a ON a.business_id = d.business_id AND a.id = d.account_id
         WHERE d.business_id = $1 AND d.id = ANY($2)
           AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)
           -- Nor of a message in a colleague's thread, whosever the account is.
           AND NOT EXISTS (SELECT FROM app.colleagues_threads(d.business_id, d.debtor_id, d.id, $3))",
        business,
        ids,
        agent,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, ComplianceDecision::of_row(row)?)))
        .collect()
}

/// An answer of the compliance gate, with every rule that was asked.
#[Object]
impl ComplianceDecision {
    /// The decision's id (`dec_…`). An explanation by complianceCheck is not stored: its id finds nothing.
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Decision, self.id).into()
    }

    /// What it answered.
    async fn outcome(&self) -> DecisionOutcome {
        DecisionOutcome::of(self.decision.outcome)
    }

    /// The rule that settled it.
    async fn rule(&self) -> &str {
        &self.decision.rule
    }

    /// Why, in plain English.
    async fn reason(&self) -> &str {
        &self.decision.reason
    }

    /// Why, in plain Spanish.
    async fn reason_es(&self) -> &str {
        &self.decision.reason_es
    }

    /// Every rule that had something to say (at most some hundred), in the order of evaluation.
    async fn rules(&self) -> Vec<RuleFinding> {
        self.decision
            .findings
            .iter()
            .map(|finding| RuleFinding {
                rule: finding.rule.to_string(),
                citation: finding.citation.to_string(),
                outcome: DecisionOutcome::of(finding.outcome),
                explanation: finding.explanation.to_string(),
                explanation_es: finding.explanation_es.to_string(),
                until: finding.until,
            })
            .collect()
    }

    /// The earliest instant at which the same contact would be allowed, where waiting helps.
    async fn next_permitted_at(&self) -> Option<DateTime<Utc>> {
        self.decision.next_permitted_at
    }

    /// What the text lacks.
    async fn missing_content(&self) -> &[String] {
        &self.decision.missing_content
    }

    /// The version of the rules that were asked.
    async fn rule_set_version(&self) -> &str {
        &self.decision.rule_set_version
    }

    /// Everything that it was decided by, as it was then: from this document alone anybody can decide it again. Null where you
    /// may not export evidence, of an explanation by complianceCheck, and after the person's records were destroyed.
    async fn facts(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<async_graphql::Json<serde_json::Value>>> {
        self.open_facts(ctx).await
    }

    /// The instant for which it was decided (business time).
    async fn decided_at(&self) -> DateTime<Utc> {
        self.decided_at
    }
}

/// A contact that you are thinking of.
#[derive(Debug, InputObject)]
pub struct ComplianceCheckInput {
    /// The account that it would be about.
    account_id: ID,
    /// The channel; SMS so far.
    channel: Channel,
    /// Your words; what the law requires is appended before the gate is asked.
    content: Option<String>,
}

/// Queries of what people are told of their debts, dispute and complain of.
#[derive(Default, MergedObject)]
pub struct CaseQueries(
    disputes::DisputeQueries,
    complaints::ComplaintQueries,
    validation_notices::ValidationNoticeQueries,
    privacy_notice::PrivacyNoticeQueries,
);

/// Mutations of what people are told of their debts, dispute and complain of.
#[derive(Default, MergedObject)]
pub struct CaseMutations(
    dispute_mutations::DisputeMutations,
    complaints::ComplaintMutations,
    validation_notice_mutations::ValidationNoticeMutations,
    suits::SuitMutations,
    limitations::LimitationMutations,
);

/// Queries about compliance.
#[derive(Default)]
pub struct ComplianceQueries;

#[Object]
impl ComplianceQueries {
    /// May the debtor be contacted now on this channel? Nothing is sent, nothing is stored, nothing is reserved.
    async fn compliance_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact that you are thinking of.")] input: ComplianceCheckInput,
    ) -> async_graphql::Result<ComplianceDecision> {
        let account = parse_id(IdKind::Account, "input.accountId", &input.account_id)?;
        let scope = ctx.scope()?;
        if input.channel != Channel::Sms {
            return Err(crate::platform::gql::bad_input(
                "input.channel: only SMS can be checked so far.",
            ));
        }
        let (debtor_id, decision) = check(
            scope,
            account,
            input.channel,
            input.content.as_deref().unwrap_or("Hello."),
        )
        .await
        .map_err(op_error)?
        .ok_or_else(|| not_found("account"))?;
        scope.saw_debtor(debtor_id);
        Ok(ComplianceDecision {
            debtor_id,
            id: ids::next(),
            decided_at: scope.db().clock().now(),
            decision: Arc::new(decision),
        })
    }

    /// One stored decision; null with a NOT_FOUND error when there is no such decision of yours.
    async fn compliance_decision(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`dec_…`")] id: ID,
    ) -> async_graphql::Result<Option<ComplianceDecision>> {
        let id = parse_id(IdKind::Decision, "id", &id)?;
        ComplianceDecision::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("decision"))
    }
}

async fn check(
    scope: &OpScope,
    account: Uuid,
    channel: Channel,
    content: &str,
) -> Result<Option<(Uuid, Decision)>, OpError> {
    let keys = scope.keys().await?;
    let mut tx = scope.snapshot().await?;
    let Some(debtor_id) = scoped_debtor_of_account(&mut tx, account).await? else {
        return Ok(None);
    };
    let phones = phones_of(&mut tx, &keys, debtor_id).await?;
    // Where nothing takes texts, the gate says why.
    let phone = phones.iter().find(|phone| phone.takes_texts).or(phones.first());
    let recipient = match phone {
        Some(phone) => phone.number.expose().clone(),
        // Of somebody who was erased no number is left to ask about, and still the gate says why.
        None if is_erased(&mut tx, &keys, debtor_id).await? => String::new(),
        None => return Err(UserError::invalid("accountId", "This debtor has no phone number.").into()),
    };
    let content = required_text(&mut tx, debtor_id, Some(account), content).await?;
    let contact = Contact {
        debtor_id,
        account_id: Some(account),
        channel,
        recipient: &recipient,
        content: &content,
        in_reply_to: None,
        mode: None,
        author: Author::of(scope.ctx().user_id()),
        cease_notice: None,
        dispute_answer: None,
        is_template: false,
    };
    let decision = explain(&mut tx, &keys, &contact).await?;
    Ok(decision.map(|decision| (debtor_id, decision)))
}

async fn is_erased(tx: &mut TenantTx, keys: &TenantKeys, debtor: Uuid) -> Result<bool, OpError> {
    Ok(match debtor_by_id(tx, debtor).await? {
        Some(row) => keys.data_key(&row.keys.profile)?.is_none(),
        None => false,
    })
}
