//! Mutations of a business's staff: invitations, members, and the way from one business to another.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use secrecy::SecretString;

use super::{
    User,
    mutations::{LoginPayload, login_payload, request, step_payload},
    team::{Invitation, StaffRole},
    user::UserStatus,
    work::AvailabilityInput,
};
use crate::{
    identity::{
        Caller, Identity,
        accept_invitation::{self, Acceptance},
        bar_admission::BarAdmission,
        invite::{self, Invitee},
        revocations::forget_all,
        switch_business,
        update_user::{self, UserPatch},
        work::{ScheduleWish, change::WorkPatch},
    },
    platform::{
        error::OpError,
        gql::{Done, EmailAddressScalar, Outcome, UserError, input_id, mutate},
        ids::IdKind,
    },
};

/// Whom to ask to join your business.
#[derive(InputObject)]
pub struct InviteUserInput {
    /// Where the link is mailed.
    email: EmailAddressScalar,
    /// What they will be called, unless they choose otherwise.
    name: String,
    /// The role that they will have. A manager invites agents only.
    role: StaffRole,
    /// A role of your business's own (`role_…`), with `role` as its base.
    custom_role_id: Option<ID>,
}

/// The invitation to withdraw.
#[derive(InputObject)]
pub struct RevokeInvitationInput {
    /// `inv_…`
    id: ID,
}

/// What inviteUser answers.
#[derive(SimpleObject)]
pub struct InviteUserPayload {
    /// The invitation, new or renewed.
    invitation: Option<Invitation>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What revokeInvitation answers.
#[derive(SimpleObject)]
pub struct RevokeInvitationPayload {
    /// The invitation as it is now.
    invitation: Option<Invitation>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

async fn invitation_of(ctx: &Context<'_>, outcome: &Outcome) -> async_graphql::Result<Option<Invitation>> {
    match outcome.object {
        Some(id) => Invitation::load(ctx, id).await,
        None => Ok(None),
    }
}

/// The link of an invitation, and the password with which you will sign in.
#[derive(InputObject)]
pub struct AcceptInvitationInput {
    /// What stands behind `token=` in the link.
    token: String,
    /// A new one of 15 to 128 characters (a log-in has no second factor yet when it is chosen); if you have a log-in
    /// already, that of your log-in. Without it the user error tells which is meant.
    password: Option<String>,
    /// What you want to be called, if not as the invitation says.
    name: Option<String>,
}

/// What to change about a member of staff; what is left out stays.
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// `usr_…`
    id: ID,
    /// The new role. Nobody changes their own.
    role: Option<StaffRole>,
    /// A role of your business's own (`role_…`), which brings its base role; null gives the whole base role back. Nobody
    /// changes their own.
    custom_role_id: MaybeUndefined<ID>,
    /// A part of the role's permissions, as `resource:action`, to have fewer than the role; null gives all of them back.
    /// A new role comes with all of its own. Nobody changes their own.
    permissions: MaybeUndefined<Vec<String>>,
    /// Whether they may come in. Nobody changes their own.
    status: Option<UserStatus>,
    /// The new display name.
    name: Option<String>,
    /// Where they are admitted as an attorney; null: they are none, or no more. Takes the permission to manage every member,
    /// and nobody records it of themselves.
    bar_admission: MaybeUndefined<BarAdmission>,
    /// When they work; null: nothing is known of it any more.
    availability: MaybeUndefined<AvailabilityInput>,
    /// What they can do, in your business's own words, at most 30; in place of those before.
    skills: Option<Vec<String>>,
    /// How many open threads they work on at once, 0 to 500; null for as many as come.
    capacity: MaybeUndefined<i32>,
    /// Whether the API keys that they made end, too. Left out: those of somebody who is suspended or deactivated end;
    /// where keys stay, the administrators are told by mail.
    revoke_api_keys: Option<bool>,
    /// True ends all of their sessions and sockets in your business, for a lost device say; they may sign in again. A change of
    /// role, permissions or status does that by itself.
    end_sessions: Option<bool>,
}

/// What updateUser answers.
#[derive(SimpleObject)]
pub struct UpdateUserPayload {
    /// The member as they are now.
    user: Option<User>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Where to go.
#[derive(InputObject)]
pub struct SwitchBusinessInput {
    /// `biz_…`, one of `viewer { memberships }`.
    business_id: ID,
}

/// Mutations of a business's staff.
#[derive(Default)]
pub struct TeamMutations;

#[Object]
impl TeamMutations {
    /// Asks somebody to join your business. They get a mail with a link that is good once, for seven days. Inviting an
    /// address again renews its invitation, and the old link is good no more.
    async fn invite_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, as what.")] input: InviteUserInput,
    ) -> async_graphql::Result<InviteUserPayload> {
        let identity = ctx.data::<Identity>()?;
        let outcome = mutate(ctx, async |tx, _| {
            let custom_role_id = input
                .custom_role_id
                .map(|id| input_id(IdKind::CustomRole, "customRoleId", &id))
                .transpose()?;
            let invitee = Invitee {
                email: input.email.0,
                name: input.name,
                role: input.role.into(),
                custom_role_id,
            };
            Ok(invite::invite_user(identity, tx, invitee).await?.into())
        })
        .await?;
        Ok(InviteUserPayload {
            invitation: invitation_of(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Withdraws an open invitation: its link is good no more.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RevokeInvitationInput,
    ) -> async_graphql::Result<RevokeInvitationPayload> {
        let identity = ctx.data::<Identity>()?;
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Invitation, "id", &input.id)?;
            invite::revoke_invitation(identity, tx, id).await?;
            Ok(id.into())
        })
        .await?;
        Ok(RevokeInvitationPayload {
            invitation: invitation_of(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Joins the business of an invitation, and goes on as login does: with a challenge, or the request to enrol a second
    /// factor. Public, with the link's token.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token, and who you are.")] input: AcceptInvitationInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (identity, facts) = request(ctx)?;
        let acceptance = Acceptance {
            token: input.token,
            password: input.password.map(SecretString::from),
            name: input.name,
        };
        let step =
            accept_invitation::accept_invitation(identity, &facts.request_id, facts.peer, acceptance).await;
        step_payload(step)
    }

    /// Changes a member's role, permissions, status, name, hours of work, skills or capacity. With a new role, permissions
    /// or status their sessions and sockets in your business end at once, and the API keys of whoever is let go. A manager
    /// changes agents only, nobody changes their own role, permissions or status, and one active administrator always
    /// remains.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and what.")] input: UpdateUserInput,
    ) -> async_graphql::Result<UpdateUserPayload> {
        let identity = ctx.data::<Identity>()?;
        let mut ended = Vec::new();
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::User, "id", &input.id)?;
            let custom_role: Option<Option<ID>> = input.custom_role_id.into();
            let custom_role = match custom_role {
                Some(Some(id)) => Some(Some(input_id(IdKind::CustomRole, "customRoleId", &id)?)),
                Some(None) => Some(None),
                None => None,
            };
            let patch = UserPatch {
                role: input.role.map(Into::into),
                custom_role,
                permissions: input.permissions.into(),
                status: input.status.map(UserStatus::as_str),
                name: input.name,
                bar_admission: input.bar_admission.into(),
                work: WorkPatch {
                    schedule: Option::<Option<AvailabilityInput>>::from(input.availability)
                        .map(|given| given.map(ScheduleWish::from)),
                    skills: input.skills,
                    capacity: input.capacity.into(),
                },
                revoke_api_keys: input.revoke_api_keys,
                end_sessions: input.end_sessions.unwrap_or(false),
            };
            ended = update_user::update_user(identity, tx, id, patch).await?;
            Ok::<Done, OpError>(id.into())
        })
        .await?;
        forget_all(identity, &ended);
        Ok(UpdateUserPayload {
            user: match outcome.object {
                Some(id) => User::load(ctx, id).await?,
                None => None,
            },
            user_errors: outcome.user_errors,
        })
    }

    /// Takes you to another business of which you are a member: a new session there, without a second log-in. The session
    /// that you call this with ends.
    async fn switch_business(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to.")] input: SwitchBusinessInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (identity, facts) = request(ctx)?;
        let issued = match input_id(IdKind::Business, "businessId", &input.business_id) {
            Ok(business) => {
                let caller = ctx.data::<Caller>()?;
                switch_business::switch_business(
                    identity,
                    &facts.request_id,
                    facts.origin(),
                    caller,
                    business,
                )
                .await
            }
            Err(error) => Err(error.into()),
        };
        login_payload(ctx, issued)
    }
}
