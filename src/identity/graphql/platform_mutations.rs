//! What the platform's staff does to businesses: suspension, and the end of one.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::{
    mutations::{outcome, request},
    platform::{PlatformBusiness, operator_of},
};
use crate::{
    identity::{delete_business, suspend_business},
    platform::{
        error::OpError,
        gql::{UserError, input_id, op_error},
        ids::IdKind,
    },
};

/// Which business to suspend, and why.
#[derive(InputObject)]
pub struct SuspendBusinessInput {
    /// The business (`biz_…`).
    business_id: ID,
    /// Why, in 1 to 1,000 characters.
    reason: String,
}

/// Which business to let in again.
#[derive(InputObject)]
pub struct ReactivateBusinessInput {
    /// The business (`biz_…`).
    business_id: ID,
}

/// What suspendBusiness answers.
#[derive(SimpleObject)]
pub struct SuspendBusinessPayload {
    /// The business as it is now; null when there are user errors.
    business: Option<PlatformBusiness>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What reactivateBusiness answers.
#[derive(SimpleObject)]
pub struct ReactivateBusinessPayload {
    /// The business as it is now; null when there are user errors.
    business: Option<PlatformBusiness>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Which business to delete, and why.
#[derive(InputObject)]
pub struct DeleteBusinessInput {
    /// The business (`biz_…`), suspended.
    business_id: ID,
    /// Why, in 1 to 1,000 characters.
    reason: String,
}

/// Which deletion to take back.
#[derive(InputObject)]
pub struct RestoreBusinessInput {
    /// The business (`biz_…`).
    business_id: ID,
}

/// What deleteBusiness answers.
#[derive(SimpleObject)]
pub struct DeleteBusinessPayload {
    /// The business as it is now; null when there are user errors.
    business: Option<PlatformBusiness>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What restoreBusiness answers.
#[derive(SimpleObject)]
pub struct RestoreBusinessPayload {
    /// The business as it is now; null when there are user errors.
    business: Option<PlatformBusiness>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of the platform's panel.
#[derive(Default)]
pub struct PlatformMutations;

#[Object]
impl PlatformMutations {
    /// Suspends a business: its staff's sessions and sockets end, log-ins and API keys are refused, and the gate lets
    /// nothing out. What debtors write is still recorded. For super admins.
    async fn suspend_business(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which business, and why.")] input: SuspendBusinessInput,
    ) -> async_graphql::Result<SuspendBusinessPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let business = input_id(IdKind::Business, "businessId", &input.business_id);
        let done = match &business {
            Ok(id) => {
                let reason = &input.reason;
                suspend_business::suspend_business(identity, &facts.request_id, operator, *id, reason).await
            }
            Err(error) => Err(error.clone().into()),
        };
        let (business, user_errors) = changed(ctx, business, done).await?;
        Ok(SuspendBusinessPayload {
            business,
            user_errors,
        })
    }

    /// Lets a suspended business in again. For super admins.
    async fn reactivate_business(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which business.")] input: ReactivateBusinessInput,
    ) -> async_graphql::Result<ReactivateBusinessPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let business = input_id(IdKind::Business, "businessId", &input.business_id);
        let done = match &business {
            Ok(id) => suspend_business::reactivate_business(identity, &facts.request_id, operator, *id).await,
            Err(error) => Err(error.clone().into()),
        };
        let (business, user_errors) = changed(ctx, business, done).await?;
        Ok(ReactivateBusinessPayload {
            business,
            user_errors,
        })
    }

    /// Deletes a suspended business: it stays closed, and for 30 days that can be taken back. Nothing of it is removed;
    /// you read in it by break-glass. For super admins.
    async fn delete_business(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which business, and why.")] input: DeleteBusinessInput,
    ) -> async_graphql::Result<DeleteBusinessPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let business = input_id(IdKind::Business, "businessId", &input.business_id);
        let done = match &business {
            Ok(id) => {
                let reason = &input.reason;
                delete_business::delete_business(identity, &facts.request_id, operator, *id, reason).await
            }
            Err(error) => Err(error.clone().into()),
        };
        let (business, user_errors) = changed(ctx, business, done).await?;
        Ok(DeleteBusinessPayload {
            business,
            user_errors,
        })
    }

    /// Takes the deletion of a business back, within 30 days; it is suspended again. For super admins.
    async fn restore_business(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which business.")] input: RestoreBusinessInput,
    ) -> async_graphql::Result<RestoreBusinessPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let business = input_id(IdKind::Business, "businessId", &input.business_id);
        let done = match &business {
            Ok(id) => delete_business::restore_business(identity, &facts.request_id, operator, *id).await,
            Err(error) => Err(error.clone().into()),
        };
        let (business, user_errors) = changed(ctx, business, done).await?;
        Ok(RestoreBusinessPayload {
            business,
            user_errors,
        })
    }
}

/// The business as it is now, or what to put right.
async fn changed(
    ctx: &Context<'_>,
    business: Result<Uuid, UserError>,
    done: Result<(), OpError>,
) -> async_graphql::Result<(Option<PlatformBusiness>, Vec<UserError>)> {
    let (identity, facts) = request(ctx)?;
    Ok(match (outcome(done)?, business) {
        (Ok(()), Ok(id)) => {
            let found = PlatformBusiness::find(identity, &facts.request_id, id).await;
            (found.map_err(op_error)?, Vec::new())
        }
        (Err(user_errors), _) => (None, user_errors),
        (Ok(()), Err(error)) => (None, vec![error]),
    })
}
