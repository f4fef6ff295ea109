//! One's own profile.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, SimpleObject};

use super::types::Viewer;
use crate::{
    identity::{
        Caller,
        profile_store::ProfileRow,
        update_profile::{ProfilePatch, update_profile},
    },
    platform::gql::{Done, TimeZoneScalar, UserError, mutate},
};

/// What you want to read.
#[derive(SimpleObject)]
pub struct UserProfile {
    /// Your language, such as `en` or `es-MX`; null where you have not said.
    language: Option<String>,
    /// Your time zone; null where you have not said.
    time_zone: Option<TimeZoneScalar>,
}

impl From<ProfileRow> for UserProfile {
    fn from(row: ProfileRow) -> Self {
        Self {
            language: row.language,
            time_zone: row.time_zone.map(TimeZoneScalar),
        }
    }
}

/// What changes in your profile; what is left out stays.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// How you are called, in 1 to 200 characters.
    name: Option<String>,
    /// Your language, such as `en` or `es-MX`; null empties it.
    language: MaybeUndefined<String>,
    /// Your time zone; null empties it.
    time_zone: MaybeUndefined<TimeZoneScalar>,
}

/// What updateProfile answers.
#[derive(SimpleObject)]
pub struct UpdateProfilePayload {
    /// You, as you are now; null when there are user errors.
    viewer: Option<Viewer>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of one's own profile.
#[derive(Default)]
pub struct ProfileMutations;

#[Object]
impl ProfileMutations {
    /// Changes how you are called in your business, and your language and time zone there.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateProfileInput,
    ) -> async_graphql::Result<UpdateProfilePayload> {
        let patch = ProfilePatch {
            name: input.name,
            language: given(input.language),
            time_zone: given(input.time_zone).map(|zone| zone.map(|zone| zone.0)),
        };
        let outcome = mutate(ctx, async |tx, _| {
            update_profile(tx, patch).await?;
            Ok(Done {
                object: tx.ctx().user_id(),
                user_errors: Vec::new(),
            })
        })
        .await?;
        let caller = ctx.data::<Caller>()?;
        Ok(UpdateProfilePayload {
            viewer: outcome.object.map(|_| Viewer {
                caller: caller.clone(),
            }),
            user_errors: outcome.user_errors,
        })
    }
}

fn given<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}
