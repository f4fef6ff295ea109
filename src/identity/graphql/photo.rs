//! One's own picture.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::types::Viewer;
use crate::{
    identity::{Caller, photo::set_photo},
    platform::{
        gql::{Done, UserError, input_id, mutate},
        ids::IdKind,
    },
};

/// A picture of you.
#[derive(Debug, InputObject)]
pub struct SetProfilePhotoInput {
    /// An upload of yours with purpose PROFILE_PHOTO, whose content has been sent.
    upload_id: ID,
}

/// What setProfilePhoto answers.
#[derive(SimpleObject)]
pub struct SetProfilePhotoPayload {
    /// You, as you are now; null when there are user errors.
    viewer: Option<Viewer>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What removeProfilePhoto answers.
#[derive(SimpleObject)]
pub struct RemoveProfilePhotoPayload {
    /// You, as you are now; null when there are user errors.
    viewer: Option<Viewer>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of one's own picture.
#[derive(Default)]
pub struct PhotoMutations;

#[Object]
impl PhotoMutations {
    /// Makes a picture that you uploaded yours, in place of the one before.
    async fn set_profile_photo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which picture.")] input: SetProfilePhotoInput,
    ) -> async_graphql::Result<SetProfilePhotoPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let upload = input_id(IdKind::File, "uploadId", &input.upload_id)?;
            set_photo(tx, Some(upload)).await?;
            Ok(Done {
                object: tx.ctx().user_id(),
                user_errors: Vec::new(),
            })
        })
        .await?;
        let caller = ctx.data::<Caller>()?;
        Ok(SetProfilePhotoPayload {
            viewer: outcome.object.map(|_| Viewer {
                caller: caller.clone(),
            }),
            user_errors: outcome.user_errors,
        })
    }

    /// Takes your picture away.
    async fn remove_profile_photo(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<RemoveProfilePhotoPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            set_photo(tx, None).await?;
            Ok(Done {
                object: tx.ctx().user_id(),
                user_errors: Vec::new(),
            })
        })
        .await?;
        let caller = ctx.data::<Caller>()?;
        Ok(RemoveProfilePhotoPayload {
            viewer: outcome.object.map(|_| Viewer {
                caller: caller.clone(),
            }),
            user_errors: outcome.user_errors,
        })
    }
}
