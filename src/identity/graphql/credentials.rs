//! Passwords and sessions of one's own.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::mutations::{outcome, request};
use crate::{
    identity::{
        Caller, Person, change_password, reset_password,
        user_sessions::{self, Own, OwnSession},
    },
    platform::{
        error::OpError,
        gql::{EmailAddressScalar, UserError, UserErrorCode, input_id, op_error},
        ids::{self, IdKind},
    },
};

/// One of your sessions: a place where you are signed in.
#[derive(SimpleObject)]
pub struct UserSession {
    /// The session's id (`sess_…`).
    id: ID,
    /// What it was opened with, in words, as that says of itself: `Firefox on Windows`.
    device: String,
    /// The network address from which it was opened; null of a debtor's, of which it is not kept.
    address: Option<String>,
    /// When it was opened.
    created_at: DateTime<Utc>,
    /// When it was used last, to the minute. Too long without use ends it.
    last_used_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    is_current: bool,
}

impl From<OwnSession> for UserSession {
    fn from(own: OwnSession) -> Self {
        Self {
            id: ids::encode(IdKind::Session, own.id).into(),
            device: own.device,
            address: own.address.map(crate::platform::secret::Masked::into_exposed),
            created_at: own.created_at,
            last_used_at: own.last_used_at,
            is_current: own.is_current,
        }
    }
}

/// Whose password is forgotten.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// The address that you sign in with.
    email: EmailAddressScalar,
}

/// What requestPasswordReset answers: the same whether or not the address is known.
#[derive(SimpleObject)]
pub struct RequestPasswordResetPayload {
    /// Whether the wish was taken in. If somebody has the address, a link is on its way (at most three an hour).
    accepted: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// A link's token and a new password.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// What stands behind `token=` in the link.
    token: String,
    /// 12 to 128 characters, from 15 without a second factor; below 20 of all four kinds.
    new_password: String,
}

/// What resetPassword answers.
#[derive(SimpleObject)]
pub struct ResetPasswordPayload {
    /// Whether the new password holds: then sign in with it.
    changed: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// The present password and a new one.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The present password. A wrong one counts as a failed log-in.
    current_password: String,
    /// 12 to 128 characters, from 15 without a second factor; below 20 of all four kinds.
    new_password: String,
}

/// What changePassword answers.
#[derive(SimpleObject)]
pub struct ChangePasswordPayload {
    /// Whether the new password holds. Every session has ended, this one too: sign in with it.
    changed: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Which session to end.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// One of your sessions.
    id: ID,
}

/// What revokeSession answers.
#[derive(Default, SimpleObject)]
pub struct RevokeSessionPayload {
    /// The session that has ended, with its tokens and sockets; null when there are user errors.
    session_id: Option<ID>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What revokeOtherSessions answers.
#[derive(SimpleObject)]
pub struct RevokeOtherSessionsPayload {
    /// How many sessions have ended.
    count: i32,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// The person who asks; a program has neither password nor sessions.
pub(super) fn person(ctx: &Context<'_>) -> async_graphql::Result<Result<Person, OpError>> {
    let found = ctx.data::<Caller>()?.person();
    Ok(found.ok_or_else(no_person))
}

/// Whose sessions are asked for: a person's or a debtor's, of which a program has none.
fn own(ctx: &Context<'_>) -> async_graphql::Result<Result<Own, OpError>> {
    let caller = ctx.data::<Caller>()?;
    let found = caller.holder().zip(caller.session_id());
    Ok(found
        .map(|(holder, session_id)| Own { holder, session_id })
        .ok_or_else(no_person))
}

fn no_person() -> OpError {
    let message = "An API key has no password and no sessions: sign in as a person.";
    UserError::new(UserErrorCode::BadCredentials, message).into()
}

/// Queries about one's own sessions.
#[derive(Default)]
pub struct CredentialQueries;

#[Object]
impl CredentialQueries {
    /// Where you are signed in, newest first (at most 100); empty for an API key.
    async fn sessions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<UserSession>> {
        let (identity, facts) = request(ctx)?;
        let Ok(own) = own(ctx)? else {
            return Ok(Vec::new());
        };
        let found = user_sessions::own_sessions(identity, &facts.request_id, own)
            .await
            .map_err(op_error)?;
        Ok(found.into_iter().map(UserSession::from).collect())
    }
}

/// Mutations of passwords and sessions.
#[derive(Default)]
pub struct CredentialMutations;

#[Object]
impl CredentialMutations {
    /// Asks for a link to choose a new password. Public. A mail follows; the answer does not say whether the address
    /// is known.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose password is forgotten.")] input: RequestPasswordResetInput,
    ) -> async_graphql::Result<RequestPasswordResetPayload> {
        let (identity, facts) = request(ctx)?;
        let asked = reset_password::request_password_reset(identity, &facts.request_id, &input.email.0).await;
        let (accepted, user_errors) = done(outcome(asked)?);
        Ok(RequestPasswordResetPayload {
            accepted,
            user_errors,
        })
    }

    /// Chooses a new password with a link's token and ends every session. Public. You are not signed in, and your
    /// second factor stays as it is.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token and the new password.")] input: ResetPasswordInput,
    ) -> async_graphql::Result<ResetPasswordPayload> {
        let (identity, facts) = request(ctx)?;
        let password = SecretString::from(input.new_password);
        let reset =
            reset_password::reset_password(identity, &facts.request_id, &input.token, &password).await;
        let (changed, user_errors) = done(outcome(reset)?);
        Ok(ResetPasswordPayload { changed, user_errors })
    }

    /// Changes your password and ends every session of yours, this one too.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The present password and the new one.")] input: ChangePasswordInput,
    ) -> async_graphql::Result<ChangePasswordPayload> {
        let (identity, facts) = request(ctx)?;
        let change = async {
            let person = person(ctx).map_err(|_| OpError::Internal(anyhow::anyhow!("no caller")))??;
            let (current, new) = (
                SecretString::from(input.current_password),
                SecretString::from(input.new_password),
            );
            let id = &facts.request_id;
            change_password::change_password(identity, id, facts.peer, person, &current, &new).await
        };
        let (changed, user_errors) = done(outcome(change.await)?);
        Ok(ChangePasswordPayload { changed, user_errors })
    }

    /// Ends one of your sessions: its tokens, and its open sockets.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which session.")] input: RevokeSessionInput,
    ) -> async_graphql::Result<RevokeSessionPayload> {
        let (identity, facts) = request(ctx)?;
        let session = match input_id(IdKind::Session, "id", &input.id) {
            Ok(session) => session,
            Err(error) => {
                return Ok(RevokeSessionPayload {
                    session_id: None,
                    user_errors: vec![error],
                });
            }
        };
        let ended = match own(ctx)? {
            Ok(own) => user_sessions::revoke_session(identity, &facts.request_id, own, session).await,
            Err(error) => Err(error),
        };
        let (ended, user_errors) = done(outcome(ended)?);
        Ok(RevokeSessionPayload {
            session_id: ended.then(|| ids::encode(IdKind::Session, session).into()),
            user_errors,
        })
    }

    /// Ends all your sessions but this one.
    async fn revoke_other_sessions(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<RevokeOtherSessionsPayload> {
        let (identity, facts) = request(ctx)?;
        let ended = match own(ctx)? {
            Ok(own) => user_sessions::revoke_other_sessions(identity, &facts.request_id, own).await,
            Err(error) => Err(error),
        };
        Ok(match outcome(ended)? {
            Ok(count) => RevokeOtherSessionsPayload {
                count: i32::try_from(count).unwrap_or(i32::MAX),
                user_errors: Vec::new(),
            },
            Err(user_errors) => RevokeOtherSessionsPayload {
                count: 0,
                user_errors,
            },
        })
    }
}

fn done(result: Result<(), Vec<UserError>>) -> (bool, Vec<UserError>) {
    result.map_or_else(|errors| (false, errors), |()| (true, Vec::new()))
}
