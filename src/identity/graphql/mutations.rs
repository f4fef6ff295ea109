//! Mutations of the slice: sign-in.

use std::{net::IpAddr, sync::Arc};

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use axum::http::header;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::types::Viewer;
use crate::{
    identity::{
        Caller, DebtorOrigin, Identity,
        login::{self, LoginStep},
        session::{self, IssuedSession},
        session_cookies,
        user_sessions::Origin,
    },
    platform::{
        context::RequestMark,
        error::OpError,
        gql::{EmailAddressScalar, UserError, UserErrorCode, op_error},
    },
    portal::graphql::complete_debtor_challenge,
};

/// E-mail address and password.
#[derive(InputObject)]
pub struct LoginInput {
    /// The address.
    email: EmailAddressScalar,
    /// The password.
    password: String,
}

/// A second factor.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum MfaMethod {
    /// Six digits of an authenticator app.
    Totp,
    /// One of the codes shown at enrolment, each good once.
    RecoveryCode,
    /// Of debtors: a code by text message. Ask for it with sendDebtorCode, answer with completeMfa.
    SmsCode,
    /// Of debtors: two things that show who you are, with verifyDebtorIdentity.
    IdentityFactors,
}

/// The password, or a debtor's link, was right: now what else it takes, within ten minutes.
#[derive(SimpleObject)]
pub struct MfaChallenge {
    /// Hand it to completeMfa, or to what its methods name.
    token: String,
    /// What can answer it.
    methods: Vec<MfaMethod>,
}

/// The password was right, but no second factor is enrolled: call beginMfaEnrollment within ten minutes.
#[derive(SimpleObject)]
pub struct MfaEnrollment {
    /// Hand it to beginMfaEnrollment and confirmMfaEnrollment.
    token: String,
}

/// What a client acts with. A browser sends the header `Funnelchat-Session: cookie` with every request: then the tokens
/// come and go as cookies that no script can read, and are null here.
#[derive(SimpleObject)]
pub struct SessionTokens {
    /// Send it as `Authorization: Bearer …`; null when it came as a cookie.
    access_token: Option<String>,
    /// When it ends (15 minutes).
    access_token_expires_at: DateTime<Utc>,
    /// Spend it once with refreshSession for new tokens; null when it came as a cookie.
    refresh_token: Option<String>,
    /// When it ends (7 days).
    refresh_token_expires_at: DateTime<Utc>,
    /// Who you are now.
    viewer: Viewer,
}

/// What a log-in step answers: exactly one of the first three on success.
#[derive(Default, SimpleObject)]
pub struct LoginPayload {
    /// You are signed in.
    session: Option<SessionTokens>,
    /// Answer with completeMfa.
    mfa_challenge: Option<MfaChallenge>,
    /// Enrol a second factor first.
    mfa_enrollment: Option<MfaEnrollment>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// The answer to a challenge.
#[derive(InputObject)]
pub struct CompleteMfaInput {
    /// The challenge's token.
    token: String,
    /// A TOTP or recovery code; of a debtor, the code that they were sent.
    code: String,
}

/// The wish to enrol a second factor.
#[derive(InputObject)]
pub struct BeginMfaEnrollmentInput {
    /// The enrolment's token.
    token: String,
}

/// What beginMfaEnrollment answers: for an authenticator app.
#[derive(Default, SimpleObject)]
pub struct BeginMfaEnrollmentPayload {
    /// The secret in base32, to type in.
    secret: Option<String>,
    /// The secret as an otpauth:// URL.
    otpauth_url: Option<String>,
    /// The same as a QR code: a PNG in a data URL.
    qr_data_url: Option<String>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// The first code of a new authenticator.
#[derive(InputObject)]
pub struct ConfirmMfaEnrollmentInput {
    /// The enrolment's token.
    token: String,
    /// A code that the app shows now.
    code: String,
}

/// What confirmMfaEnrollment answers.
#[derive(Default, SimpleObject)]
pub struct ConfirmMfaEnrollmentPayload {
    /// Ten codes for when the app is lost, each good once. They are shown this once.
    recovery_codes: Vec<String>,
    /// You are signed in.
    session: Option<SessionTokens>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// A refresh token to spend.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The newest one that you got: one that was spent before ends the session. Leave it out when it is in a cookie.
    refresh_token: Option<String>,
}

/// What logout answers.
#[derive(SimpleObject)]
pub struct LogoutPayload {
    /// Whether the session has ended: its tokens and sockets too.
    ended: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// The tokens for the client, as cookies where it asks for that.
fn tokens(ctx: &Context<'_>, issued: IssuedSession) -> async_graphql::Result<SessionTokens> {
    let (identity, facts) = request(ctx)?;
    let as_cookies = facts.cookies.is_some();
    if as_cookies {
        set_cookies(ctx, session_cookies::open(&issued, identity.wall.now()));
    }
    let shown = |token: String| (!as_cookies).then_some(token);
    Ok(SessionTokens {
        access_token: shown(issued.access_token),
        access_token_expires_at: issued.access_expires_at,
        refresh_token: shown(issued.refresh_token),
        refresh_token_expires_at: issued.refresh_expires_at,
        viewer: Viewer {
            caller: issued.caller,
        },
    })
}

fn set_cookies(ctx: &Context<'_>, cookies: [String; 2]) {
    for cookie in cookies {
        ctx.append_http_header(header::SET_COOKIE.as_str(), cookie);
    }
}

/// User errors go into the payload, everything else to the top level.
pub(crate) fn outcome<T>(result: Result<T, OpError>) -> async_graphql::Result<Result<T, Vec<UserError>>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(OpError::User(errors)) => Ok(Err(errors)),
        Err(other) => Err(op_error(other)),
    }
}

/// What the operations need of the request.
#[derive(Clone)]
pub struct RequestFacts {
    pub request_id: RequestMark,
    pub peer: IpAddr,
    /// The client's name for itself.
    pub user_agent: Option<Arc<str>>,
    /// The `Cookie` header, of a client that keeps its session in cookies.
    pub cookies: Option<SecretString>,
}

impl RequestFacts {
    /// The same for a debtor.
    pub(crate) fn debtor_origin(&self) -> DebtorOrigin<'_> {
        DebtorOrigin {
            peer: self.peer,
            user_agent: self.user_agent.as_deref(),
        }
    }

    pub(super) fn origin(&self) -> Origin<'_> {
        Origin {
            peer: self.peer,
            user_agent: self.user_agent.as_deref(),
        }
    }
}

pub(super) fn request<'a>(ctx: &Context<'a>) -> async_graphql::Result<(&'a Identity, &'a RequestFacts)> {
    Ok((ctx.data::<Identity>()?, ctx.data::<RequestFacts>()?))
}

/// Mutations of sign-in.
#[derive(Default)]
pub struct SignInMutations;

#[Object]
impl SignInMutations {
    /// Signs in with e-mail and password. Public. Staff always need a second factor: the answer is a challenge, or the
    /// request to enrol one. Who is a member of several businesses comes into the one that they used last.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who you say you are.")] input: LoginInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (identity, facts) = request(ctx)?;
        let password = SecretString::from(input.password);
        step_payload(login::login(identity, &facts.request_id, facts.peer, &input.email.0, &password).await)
    }

    /// Answers a challenge with a TOTP or recovery code, or with the code that a debtor was sent, and opens the session.
    /// Public.
    async fn complete_mfa(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The challenge and its answer.")] input: CompleteMfaInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (identity, facts) = request(ctx)?;
        if identity.read_debtor_challenge(&input.token).is_some() {
            return complete_debtor_challenge(ctx, &input.token, &input.code).await;
        }
        let issued = login::complete_mfa(
            identity,
            &facts.request_id,
            facts.origin(),
            &input.token,
            &input.code,
        )
        .await;
        login_payload(ctx, issued)
    }

    /// Makes a new secret for an authenticator app; asking again replaces it. Public, with an enrolment token.
    async fn begin_mfa_enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The enrolment.")] input: BeginMfaEnrollmentInput,
    ) -> async_graphql::Result<BeginMfaEnrollmentPayload> {
        let (identity, facts) = request(ctx)?;
        Ok(
            match outcome(login::begin_enrollment(identity, &facts.request_id, &input.token).await)? {
                Ok(enrollment) => BeginMfaEnrollmentPayload {
                    secret: Some(enrollment.secret_base32),
                    otpauth_url: Some(enrollment.otpauth_url),
                    qr_data_url: Some(enrollment.qr_data_url),
                    user_errors: Vec::new(),
                },
                Err(user_errors) => BeginMfaEnrollmentPayload {
                    user_errors,
                    ..BeginMfaEnrollmentPayload::default()
                },
            },
        )
    }

    /// Confirms the new secret with its first code, shows the recovery codes once, and opens the session. Public, with
    /// an enrolment token.
    async fn confirm_mfa_enrollment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The enrolment and the new app's first code.")] input: ConfirmMfaEnrollmentInput,
    ) -> async_graphql::Result<ConfirmMfaEnrollmentPayload> {
        let (identity, facts) = request(ctx)?;
        let confirmed = login::confirm_enrollment(
            identity,
            &facts.request_id,
            facts.origin(),
            &input.token,
            &input.code,
        )
        .await;
        Ok(match outcome(confirmed)? {
            Ok((recovery_codes, issued)) => ConfirmMfaEnrollmentPayload {
                recovery_codes,
                session: Some(tokens(ctx, issued)?),
                user_errors: Vec::new(),
            },
            Err(user_errors) => ConfirmMfaEnrollmentPayload {
                user_errors,
                ..ConfirmMfaEnrollmentPayload::default()
            },
        })
    }

    /// Spends a refresh token for new tokens. Public. One that was spent before, or has expired, ends the session.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token to spend.")] input: RefreshSessionInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (identity, facts) = request(ctx)?;
        let kept = facts.cookies.as_ref().map(|cookies| cookies.expose_secret());
        let token = input
            .refresh_token
            .or_else(|| session_cookies::refresh_token(kept?).map(str::to_owned));
        let Some(token) = token else {
            let error = UserError::at(
                UserErrorCode::BadCredentials,
                "refreshToken",
                "There is no refresh token, neither here nor in a cookie: sign in.",
            );
            return login_payload(ctx, Err(error.into()));
        };
        let refreshed = session::refresh(identity, &facts.request_id, &token).await;
        if kept.is_some() && matches!(refreshed, Err(OpError::User(_))) {
            set_cookies(ctx, session_cookies::ended());
        }
        login_payload(ctx, refreshed)
    }

    /// Ends your session: its tokens, and its open sockets. Public: a browser whose access cookie has expired is known by
    /// its refresh cookie.
    async fn logout(&self, ctx: &Context<'_>) -> async_graphql::Result<LogoutPayload> {
        let (identity, facts) = request(ctx)?;
        let kept = facts.cookies.as_ref().map(|cookies| cookies.expose_secret());
        let token = kept.and_then(session_cookies::refresh_token);
        let caller = ctx.data::<Caller>()?;
        let mut ended = session::logout(identity, &facts.request_id, caller)
            .await
            .map_err(op_error)?;
        if let (false, Some(token)) = (ended, token) {
            ended = session::logout_by_token(identity, &facts.request_id, token)
                .await
                .map_err(op_error)?;
        }
        if kept.is_some() {
            set_cookies(ctx, session_cookies::ended());
        }
        let not_signed_in = || UserError::new(UserErrorCode::BadCredentials, "You are not signed in.");
        Ok(LogoutPayload {
            ended,
            user_errors: if ended { Vec::new() } else { vec![not_signed_in()] },
        })
    }
}

/// After the right password: the second factor.
pub(super) fn step_payload(step: Result<LoginStep, OpError>) -> async_graphql::Result<LoginPayload> {
    Ok(match outcome(step)? {
        Ok(LoginStep::Challenge(token)) => LoginPayload {
            mfa_challenge: Some(MfaChallenge {
                token,
                methods: vec![MfaMethod::Totp, MfaMethod::RecoveryCode],
            }),
            ..LoginPayload::default()
        },
        Ok(LoginStep::Enrollment(token)) => LoginPayload {
            mfa_enrollment: Some(MfaEnrollment { token }),
            ..LoginPayload::default()
        },
        Err(user_errors) => LoginPayload {
            user_errors,
            ..LoginPayload::default()
        },
    })
}

/// A debtor has followed their link: what else it takes.
pub(crate) fn debtor_challenge_payload(
    challenge: Result<(String, Vec<MfaMethod>), OpError>,
) -> async_graphql::Result<LoginPayload> {
    Ok(match outcome(challenge)? {
        Ok((token, methods)) => LoginPayload {
            mfa_challenge: Some(MfaChallenge { token, methods }),
            ..LoginPayload::default()
        },
        Err(user_errors) => LoginPayload {
            user_errors,
            ..LoginPayload::default()
        },
    })
}

/// A session, or what keeps it from opening.
pub(crate) fn login_payload(
    ctx: &Context<'_>,
    issued: Result<IssuedSession, OpError>,
) -> async_graphql::Result<LoginPayload> {
    Ok(match outcome(issued)? {
        Ok(issued) => LoginPayload {
            session: Some(tokens(ctx, issued)?),
            ..LoginPayload::default()
        },
        Err(user_errors) => LoginPayload {
            user_errors,
            ..LoginPayload::default()
        },
    })
}
