//! What providers have approved, in the API: recorded by the platform's staff, shown to the business.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    mutations::{outcome, request},
    platform::operator_of,
};
use crate::{
    identity::{
        Identity,
        provider_approvals::{
            ApprovalRow, NewApproval, ProviderApprovalKind, approvals_of, record_approval, withdraw_approval,
        },
    },
    platform::{
        context::SystemCtx,
        db::TenantTx,
        error::OpError,
        gql::{UserError, input_id, op_error},
        ids::{self, IdKind},
    },
};

/// What a provider has approved for a business, as the platform's staff recorded it.
#[derive(Clone, SimpleObject)]
pub struct ProviderApproval {
    /// The approval's id (`appr_…`).
    id: ID,
    /// What was approved.
    kind: ProviderApprovalKind,
    /// The provider's own name for it, such as the id of a case or a campaign.
    reference: String,
    /// From when on it counts (business time).
    valid_from: DateTime<Utc>,
    /// From when on it counts no more (business time); null where it has no end.
    valid_until: Option<DateTime<Utc>>,
    /// Whether it counts now.
    stands: bool,
    /// When it was recorded (business time).
    recorded_at: DateTime<Utc>,
    /// When it was withdrawn (business time); null while it is not.
    withdrawn_at: Option<DateTime<Utc>>,
    /// Why it was withdrawn.
    withdrawal_reason: Option<String>,
}

impl ProviderApproval {
    pub(super) fn of(row: ApprovalRow, now: DateTime<Utc>) -> Result<Self, OpError> {
        let kind = ProviderApprovalKind::parse(&row.kind)
            .ok_or_else(|| OpError::Internal(anyhow::anyhow!("an approval of unknown kind")))?;
        Ok(Self {
            id: ids::encode(IdKind::ProviderApproval, row.id).into(),
            kind,
            stands: row.stands_at(now),
            reference: row.reference,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            recorded_at: row.recorded_at,
            withdrawn_at: row.withdrawn_at,
            withdrawal_reason: row.withdrawal_reason,
        })
    }

    /// Those of the business in whose context it is asked, newest first.
    pub(super) async fn of_own_business(tx: &mut TenantTx) -> Result<Vec<Self>, OpError> {
        let (now, business) = (tx.now(), tx.business_id());
        let rows = approvals_of(tx.conn(), &[business]).await?;
        rows.into_iter().map(|row| Self::of(row, now)).collect()
    }

    async fn find(
        identity: &Identity,
        request_id: &str,
        (business, id): (Uuid, Uuid),
    ) -> Result<Option<Self>, OpError> {
        let ctx = SystemCtx::for_reason("the platform's panel", request_id);
        let mut tx = identity.db.system(&ctx).await?;
        let now = tx.now();
        let rows = approvals_of(tx.conn(), &[business]).await?;
        tx.commit().await?;
        let found = rows.into_iter().find(|row| row.id == id);
        found.map(|row| Self::of(row, now)).transpose()
    }
}

/// What a provider has approved, and for whom.
#[derive(InputObject)]
pub struct RecordProviderApprovalInput {
    /// The business (`biz_…`).
    business_id: ID,
    /// What was approved.
    kind: ProviderApprovalKind,
    /// The provider's own name for it, such as the id of a case or a campaign, in 1 to 200 characters.
    reference: String,
    /// From when on it counts; from now on when left out.
    valid_from: Option<DateTime<Utc>>,
    /// From when on it counts no more; left out where it has no end.
    valid_until: Option<DateTime<Utc>>,
}

/// Which approval counts no more, and why.
#[derive(InputObject)]
pub struct WithdrawProviderApprovalInput {
    /// The business (`biz_…`).
    business_id: ID,
    /// The approval (`appr_…`).
    approval_id: ID,
    /// Why, in 1 to 1,000 characters; the business reads it.
    reason: String,
}

/// What recordProviderApproval answers.
#[derive(SimpleObject)]
pub struct RecordProviderApprovalPayload {
    /// The approval; null when there are user errors.
    provider_approval: Option<ProviderApproval>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What withdrawProviderApproval answers.
#[derive(SimpleObject)]
pub struct WithdrawProviderApprovalPayload {
    /// The approval that was withdrawn; null when there are user errors.
    provider_approval: Option<ProviderApproval>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of approvals.
#[derive(Default)]
pub struct ApprovalMutations;

#[Object]
impl ApprovalMutations {
    /// Records what a provider has approved for a business: from its beginning until its end the gate lets out what needs
    /// it. For super admins.
    async fn record_provider_approval(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was approved, and for whom.")] input: RecordProviderApprovalInput,
    ) -> async_graphql::Result<RecordProviderApprovalPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let done = match input_id(IdKind::Business, "businessId", &input.business_id) {
            Ok(business) => {
                let new = |now| NewApproval {
                    business,
                    kind: input.kind,
                    reference: &input.reference,
                    valid_from: input.valid_from.unwrap_or(now),
                    valid_until: input.valid_until,
                };
                let recorded = record_approval(identity, &facts.request_id, operator, business, new).await;
                recorded.map(|id| (business, id))
            }
            Err(error) => Err(error.into()),
        };
        let (provider_approval, user_errors) = changed(ctx, done).await?;
        Ok(RecordProviderApprovalPayload {
            provider_approval,
            user_errors,
        })
    }

    /// Withdraws an approval: from the next decision on it counts no more. That it stood stays on record. For super admins.
    async fn withdraw_provider_approval(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which approval, and why.")] input: WithdrawProviderApprovalInput,
    ) -> async_graphql::Result<WithdrawProviderApprovalPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let business = input_id(IdKind::Business, "businessId", &input.business_id);
        let approval = input_id(IdKind::ProviderApproval, "approvalId", &input.approval_id);
        let done = match business.and_then(|business| Ok((business, approval?))) {
            Ok(which) => {
                let reason = &input.reason;
                let withdrawn = withdraw_approval(identity, &facts.request_id, operator, which, reason).await;
                withdrawn.map(|()| which)
            }
            Err(error) => Err(error.into()),
        };
        let (provider_approval, user_errors) = changed(ctx, done).await?;
        Ok(WithdrawProviderApprovalPayload {
            provider_approval,
            user_errors,
        })
    }
}

/// The approval as it is now, or what to put right.
async fn changed(
    ctx: &Context<'_>,
    done: Result<(Uuid, Uuid), OpError>,
) -> async_graphql::Result<(Option<ProviderApproval>, Vec<UserError>)> {
    let (identity, facts) = request(ctx)?;
    Ok(match outcome(done)? {
        Ok(which) => {
            let found = ProviderApproval::find(identity, &facts.request_id, which).await;
            (found.map_err(op_error)?, Vec::new())
        }
        Err(user_errors) => (None, user_errors),
    })
}
