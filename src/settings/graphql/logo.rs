//! The logo in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    identity::graphql::Business,
    platform::{
        gql::{Done, Outcome, UserError, input_id, mutate},
        ids::IdKind,
    },
    settings::logo::set_logo,
};

/// A logo for your business.
#[derive(Debug, InputObject)]
pub struct SetBusinessLogoInput {
    /// An upload of yours with purpose BUSINESS_LOGO, whose content has been sent.
    upload_id: ID,
}

/// What setBusinessLogo answers.
#[derive(SimpleObject)]
pub struct SetBusinessLogoPayload {
    /// Your business, as it is now; null when there are user errors.
    business: Option<Business>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What removeBusinessLogo answers.
#[derive(SimpleObject)]
pub struct RemoveBusinessLogoPayload {
    /// Your business, as it is now; null when there are user errors.
    business: Option<Business>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

async fn business_of(ctx: &Context<'_>, outcome: &Outcome) -> async_graphql::Result<Option<Business>> {
    match outcome.object {
        Some(_) => Ok(Some(Business::of_caller(ctx).await?)),
        None => Ok(None),
    }
}

/// Mutations of the logo.
#[derive(Default)]
pub struct LogoMutations;

#[Object]
impl LogoMutations {
    /// Makes a picture that you uploaded your business's logo, in place of the one before.
    async fn set_business_logo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which picture.")] input: SetBusinessLogoInput,
    ) -> async_graphql::Result<SetBusinessLogoPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let upload = input_id(IdKind::File, "uploadId", &input.upload_id)?;
            set_logo(tx, Some(upload)).await?;
            Ok(Done::from(tx.business_id()))
        })
        .await?;
        Ok(SetBusinessLogoPayload {
            business: business_of(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Takes your business's logo away.
    async fn remove_business_logo(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<RemoveBusinessLogoPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            set_logo(tx, None).await?;
            Ok(Done::from(tx.business_id()))
        })
        .await?;
        Ok(RemoveBusinessLogoPayload {
            business: business_of(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }
}
