//! One's own profile.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, SimpleObject};

use uuid::Uuid;

use super::types::Viewer;
use crate::{
    identity::{
        Caller, profile_store,
        update_profile::{ProfilePatch, update_profile},
    },
    platform::{
        error::OpError,
        gql::{Done, OpScope, PhoneNumberScalar, TimeZoneScalar, UserError, mutate},
    },
};

/// How you are reached, and what you want to read.
#[derive(SimpleObject)]
pub struct UserProfile {
    /// Your language, such as `en` or `es-MX`; null where you have not said. Mails to you are in it where it is Spanish, else in
    /// English.
    language: Option<String>,
    /// Your time zone; null where you have not said.
    time_zone: Option<TimeZoneScalar>,
    /// Where your business reaches you by telephone; null where you have not said.
    phone: Option<PhoneNumberScalar>,
}

impl UserProfile {
    /// What a member of staff has said.
    ///
    /// # Errors
    /// Internal ones only.
    pub(super) async fn find(scope: &OpScope, user: Uuid) -> Result<Option<Self>, OpError> {
        let found = profile_store::profile(&mut *scope.snapshot().await?, user).await?;
        let Some(row) = found else { return Ok(None) };
        let phone = row.phone(&*scope.keys().await?)?;
        Ok(Some(Self {
            language: row.language,
            time_zone: row.time_zone.map(TimeZoneScalar),
            phone: phone.map(|phone| PhoneNumberScalar(phone.into_exposed())),
        }))
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
    /// Where your business reaches you by telephone; null empties it.
    phone: MaybeUndefined<PhoneNumberScalar>,
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
    /// Changes how you are called and reached in your business, and your language and time zone there.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateProfileInput,
    ) -> async_graphql::Result<UpdateProfilePayload> {
        let patch = ProfilePatch {
            name: input.name,
            language: given(input.language),
            time_zone: given(input.time_zone).map(|zone| zone.map(|zone| zone.0)),
            phone: given(input.phone).map(|phone| phone.map(|phone| phone.0)),
        };
        let outcome = mutate(ctx, async |tx, scope| {
            update_profile(tx, &*scope.keys().await?, patch).await?;
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
