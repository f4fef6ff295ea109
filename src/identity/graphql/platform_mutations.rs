//! What the platform's staff does to businesses: their beginning, suspension, and the end of one.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::{
    mutations::{outcome, request},
    platform::{PlatformBusiness, operator_of},
    registration::BusinessRole,
};
use crate::{
    identity::{
        create_business::{self, Administrator, CreatedBusiness},
        delete_business, suspend_business,
    },
    platform::{
        error::OpError,
        gql::{EmailAddressScalar, UserError, input_id, op_error},
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

/// A business to be created, and who will administer it.
#[derive(InputObject)]
pub struct CreateBusinessInput {
    /// Its name, in 1 to 200 characters.
    name: String,
    /// What it is to the debts.
    role: BusinessRole,
    /// Where the invitation of its first administrator goes.
    administrator_email: EmailAddressScalar,
    /// What they will be called, unless they choose otherwise.
    administrator_name: String,
}

/// Who is to administer a business that nobody administers.
#[derive(InputObject)]
pub struct InviteFirstAdministratorInput {
    /// The business (`biz_…`).
    business_id: ID,
    /// Where the invitation goes.
    administrator_email: EmailAddressScalar,
    /// What they will be called, unless they choose otherwise.
    administrator_name: String,
}

/// What createBusiness answers.
#[derive(SimpleObject)]
pub struct CreateBusinessPayload {
    /// The new business; null when there are user errors.
    business: Option<PlatformBusiness>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What inviteFirstAdministrator answers.
#[derive(SimpleObject)]
pub struct InviteFirstAdministratorPayload {
    /// The business; null when there are user errors.
    business: Option<PlatformBusiness>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
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
    /// Creates a business, which is active at once, and mails its first administrator a link that is good once, for seven days.
    /// For super admins.
    async fn create_business(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The business and its first administrator.")] input: CreateBusinessInput,
    ) -> async_graphql::Result<CreateBusinessPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let new = CreatedBusiness {
            name: input.name,
            role: input.role.as_str(),
        };
        let administrator = Administrator {
            email: input.administrator_email.0,
            name: input.administrator_name,
        };
        let mark = &facts.request_id;
        let done = create_business::create_business(identity, mark, operator, (new, administrator)).await;
        let (business, user_errors) = match outcome(done)? {
            Ok(id) => changed(ctx, Ok(id), Ok(())).await?,
            Err(user_errors) => (None, user_errors),
        };
        Ok(CreateBusinessPayload {
            business,
            user_errors,
        })
    }

    /// Invites the first administrator of a business that nobody administers, again or somebody else: the link before is good
    /// no more. For super admins.
    async fn invite_first_administrator(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, to which business.")] input: InviteFirstAdministratorInput,
    ) -> async_graphql::Result<InviteFirstAdministratorPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let business = input_id(IdKind::Business, "businessId", &input.business_id);
        let administrator = Administrator {
            email: input.administrator_email.0,
            name: input.administrator_name,
        };
        let done = match &business {
            Ok(id) => {
                let (mark, whom) = (&facts.request_id, (*id, administrator));
                create_business::invite_first_administrator(identity, mark, operator, whom).await
            }
            Err(error) => Err(error.clone().into()),
        };
        let (business, user_errors) = changed(ctx, business, done).await?;
        Ok(InviteFirstAdministratorPayload {
            business,
            user_errors,
        })
    }

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
