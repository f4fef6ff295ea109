//! The slice's face in the API.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    Caller, Identity,
    login::{self, LoginStep},
    register::{self, Registration},
    session::{self, IssuedSession},
    store,
};
use crate::{
    access::{Cell, Role, authorize},
    conversations::ConversationLoaders,
    platform::{
        error::OpError,
        gql::{
            Batch, Cursor, EmailAddressScalar, OpScope, PhoneNumberScalar, ScopeExt as _, UserError,
            UserErrorCode, op_error,
        },
        ids::{self, IdKind},
    },
};

/// A role in a business or on the platform.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(name = "Role")]
pub enum RoleName {
    /// Operates the platform; enters a business only by break-glass.
    SuperAdmin,
    /// Administers the business: everything in it.
    BusinessAdmin,
    /// Leads collectors: all accounts and threads, and who works on them.
    Manager,
    /// A collector: what is assigned to them or to nobody.
    Agent,
    /// Reads everything, the audit trail too; contacts nobody.
    ComplianceOfficer,
    /// A person who owes; sees what is theirs.
    Debtor,
    /// An API key.
    Service,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::SuperAdmin => Self::SuperAdmin,
            Role::BusinessAdmin => Self::BusinessAdmin,
            Role::Manager => Self::Manager,
            Role::Agent => Self::Agent,
            Role::ComplianceOfficer => Self::ComplianceOfficer,
            Role::Debtor => Self::Debtor,
            Role::Service => Self::Service,
        }
    }
}

/// A member of your business's staff.
#[derive(Clone, SimpleObject)]
pub struct User {
    /// The user's id (`usr_…`).
    id: ID,
    /// Display name.
    name: String,
    /// Role in your business.
    role: RoleName,
}

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct IdentityLoaders {
    users: Batch<Uuid, User>,
}

impl User {
    /// Looks a user up; `None` when they are not of the caller's business.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        let fetch = async |ids: Vec<Uuid>| load_users(scope, &ids).await;
        ctx.data::<IdentityLoaders>()?
            .users
            .load(id, fetch)
            .await
            .map_err(op_error)
    }
}

async fn load_users(scope: &OpScope, users: &[Uuid]) -> Result<HashMap<Uuid, User>, OpError> {
    let found = store::user_names(&mut *scope.snapshot().await?, users).await?;
    Ok(found
        .into_iter()
        .map(|(id, (name, role))| {
            (
                id,
                User {
                    id: ids::encode(IdKind::User, id).into(),
                    name,
                    role: role.into(),
                },
            )
        })
        .collect())
}

/// Your business.
pub struct Business {
    id: Uuid,
    name: String,
    slug: String,
}

/// Your business.
#[Object]
impl Business {
    /// The business's id (`biz_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Business, self.id).into()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.name
    }

    /// Its name in addresses.
    async fn slug(&self) -> &str {
        &self.slug
    }

    /// The numbers that debtors text to (at most 100).
    async fn inbound_numbers(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<PhoneNumberScalar>> {
        let numbers = ctx
            .data::<ConversationLoaders>()?
            .numbers_of(ctx.scope()?, self.id)
            .await
            .map_err(op_error)?;
        Ok(numbers.into_iter().map(PhoneNumberScalar).collect())
    }
}

impl Business {
    /// The caller's business.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_caller(ctx: &Context<'_>) -> async_graphql::Result<Self> {
        Self::of(ctx.scope()?).await.map_err(op_error)
    }

    async fn of(scope: &OpScope) -> Result<Self, OpError> {
        let mut tx = scope.snapshot().await?;
        let id = tx.business_id();
        let row = sqlx::query!("SELECT name, slug FROM businesses WHERE id = $1", id)
            .fetch_one(tx.conn())
            .await?;
        Ok(Self {
            id,
            name: row.name,
            slug: row.slug,
        })
    }
}

/// You.
pub struct Viewer {
    caller: Caller,
}

/// You.
#[Object]
impl Viewer {
    /// Your role.
    async fn role(&self) -> RoleName {
        match &self.caller {
            Caller::Member(membership) => membership.role.into(),
            Caller::Anonymous { .. } | Caller::Platform { .. } => RoleName::SuperAdmin,
        }
    }

    /// You as a member of staff; null for a super admin, who is in no business.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match &self.caller {
            Caller::Member(membership) => {
                let id = membership.user_id;
                let find = async |scope: &OpScope| Ok(load_users(scope, &[id]).await?.into_values().next());
                in_own_business(ctx, &self.caller, find)
                    .await
                    .map(Option::flatten)
            }
            Caller::Anonymous { .. } | Caller::Platform { .. } => Ok(None),
        }
    }

    /// Your business; null for a super admin, who is in none.
    async fn business(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Business>> {
        in_own_business(ctx, &self.caller, async |scope| Business::of(scope).await).await
    }

    /// What you may do, as `resource:action`, in alphabetical order.
    async fn permissions(&self) -> Vec<String> {
        let Some(ctx) = self.caller.tenant() else {
            return Vec::new();
        };
        let mut held: Vec<String> = Cell::ALL
            .iter()
            .filter(|cell| authorize(ctx, **cell).is_ok())
            .map(|cell| format!("{}:{}", cell.names().0, cell.names().1))
            .collect();
        held.sort();
        held
    }

    /// Subscribe to inboxEvents `after` this and nothing committed after this query is missed; null outside a business.
    async fn inbox_cursor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Cursor>> {
        in_own_business(ctx, &self.caller, async |scope| {
            let (position, _) = scope.snapshot().await?.live_head().await?;
            Ok(Cursor::of(position))
        })
        .await
    }
}

/// Reads in the caller's business; `None` when they are in none. Right after a log-in the request itself is still
/// anonymous: the new session's own rights are used.
async fn in_own_business<T>(
    ctx: &Context<'_>,
    caller: &Caller,
    read: impl AsyncFnOnce(&OpScope) -> Result<T, OpError>,
) -> async_graphql::Result<Option<T>> {
    if let Ok(scope) = ctx.scope() {
        return read(scope).await.map(Some).map_err(op_error);
    }
    let (Some(tenant), Ok(identity)) = (caller.tenant(), ctx.data::<Identity>()) else {
        return Ok(None);
    };
    let scope = OpScope::new(identity.db.clone(), identity.keyring.clone(), tenant.clone());
    let found = read(&scope).await.map_err(op_error)?;
    scope.close().await.map_err(|error| op_error(error.into()))?;
    Ok(Some(found))
}

/// Queries about yourself and your business.
#[derive(Default)]
pub struct IdentityQueries;

#[Object]
impl IdentityQueries {
    /// Who you are, and what you may do.
    async fn viewer(&self, ctx: &Context<'_>) -> async_graphql::Result<Viewer> {
        Ok(Viewer {
            caller: ctx.data::<Caller>()?.clone(),
        })
    }

    /// Your business.
    async fn business(&self, ctx: &Context<'_>) -> async_graphql::Result<Business> {
        Business::of_caller(ctx).await
    }
}

/// What your business is to the debts: it decides which rules and vendor policies bind.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum BusinessRole {
    /// Collects for others, or bought the debts.
    ThirdPartyCollector,
    /// Collects its own debts.
    FirstPartyCreditor,
}

/// A business that wants to use funnelchat, and its first administrator.
#[derive(InputObject)]
pub struct RegisterBusinessInput {
    /// The business's name.
    business_name: String,
    /// What it is to the debts.
    business_role: BusinessRole,
    /// The administrator's name.
    name: String,
    /// The administrator's e-mail address.
    email: EmailAddressScalar,
    /// 12 to 128 characters.
    password: String,
}

/// What registerBusiness answers: the same whether or not the address is known. A mail follows.
#[derive(SimpleObject)]
pub struct RegisterBusinessPayload {
    /// Whether the registration was taken in.
    accepted: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// The token of a verification link.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// What stands behind `token=` in the link.
    token: String,
}

/// What verifyEmail answers.
#[derive(SimpleObject)]
pub struct VerifyEmailPayload {
    /// Whether the address is verified now: then sign in.
    verified: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

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
}

/// The password was right: now the second factor, with completeMfa, within ten minutes.
#[derive(SimpleObject)]
pub struct MfaChallenge {
    /// Hand it to completeMfa.
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

/// What a client acts with.
#[derive(SimpleObject)]
pub struct SessionTokens {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// When it ends (15 minutes).
    access_token_expires_at: DateTime<Utc>,
    /// Spend it once with refreshSession for new tokens.
    refresh_token: String,
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
    /// A TOTP or recovery code.
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
    /// The newest one that you got: one that was spent before ends the session.
    refresh_token: String,
}

/// What logout answers.
#[derive(SimpleObject)]
pub struct LogoutPayload {
    /// Whether the session has ended: its tokens and sockets too.
    ended: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

fn tokens(issued: IssuedSession) -> SessionTokens {
    SessionTokens {
        access_token: issued.access_token,
        access_token_expires_at: issued.access_expires_at,
        refresh_token: issued.refresh_token,
        refresh_token_expires_at: issued.refresh_expires_at,
        viewer: Viewer {
            caller: issued.caller,
        },
    }
}

/// User errors go into the payload, everything else to the top level.
fn outcome<T>(result: Result<T, OpError>) -> async_graphql::Result<Result<T, Vec<UserError>>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(OpError::User(errors)) => Ok(Err(errors)),
        Err(other) => Err(op_error(other)),
    }
}

/// What the public operations need of the request.
pub struct RequestFacts {
    pub request_id: Arc<str>,
    pub peer: IpAddr,
}

fn request<'a>(ctx: &Context<'a>) -> async_graphql::Result<(&'a Identity, &'a RequestFacts)> {
    Ok((ctx.data::<Identity>()?, ctx.data::<RequestFacts>()?))
}

/// Mutations of sign-up and sign-in.
#[derive(Default)]
pub struct IdentityMutations;

#[Object]
impl IdentityMutations {
    /// Registers a business and its first administrator. Public. A verification mail follows; the answer does not say
    /// whether the address was known.
    async fn register_business(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The business and its first administrator.")] input: RegisterBusinessInput,
    ) -> async_graphql::Result<RegisterBusinessPayload> {
        let (identity, facts) = request(ctx)?;
        let registration = Registration {
            business_name: input.business_name,
            business_role: match input.business_role {
                BusinessRole::ThirdPartyCollector => "THIRD_PARTY_COLLECTOR",
                BusinessRole::FirstPartyCreditor => "FIRST_PARTY_CREDITOR",
            },
            name: input.name,
            email: input.email.0,
            password: SecretString::from(input.password),
        };
        let result = outcome(register::register_business(identity, &facts.request_id, registration).await)?;
        let (accepted, user_errors) = result.map_or_else(|errors| (false, errors), |()| (true, Vec::new()));
        Ok(RegisterBusinessPayload {
            accepted,
            user_errors,
        })
    }

    /// Verifies an e-mail address with the link's token. Public.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token.")] input: VerifyEmailInput,
    ) -> async_graphql::Result<VerifyEmailPayload> {
        let (identity, facts) = request(ctx)?;
        let result = outcome(register::verify_email(identity, &facts.request_id, &input.token).await)?;
        let (verified, user_errors) = result.map_or_else(|errors| (false, errors), |()| (true, Vec::new()));
        Ok(VerifyEmailPayload {
            verified,
            user_errors,
        })
    }

    /// Signs in with e-mail and password. Public. Staff always need a second factor: the answer is a challenge, or the
    /// request to enrol one.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who you say you are.")] input: LoginInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (identity, facts) = request(ctx)?;
        let password = SecretString::from(input.password);
        let step = login::login(identity, &facts.request_id, facts.peer, &input.email.0, &password).await;
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

    /// Answers a challenge with a TOTP or recovery code and opens the session. Public.
    async fn complete_mfa(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The challenge and its answer.")] input: CompleteMfaInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (identity, facts) = request(ctx)?;
        let issued =
            login::complete_mfa(identity, &facts.request_id, facts.peer, &input.token, &input.code).await;
        login_payload(issued)
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
        let confirmed =
            login::confirm_enrollment(identity, &facts.request_id, facts.peer, &input.token, &input.code)
                .await;
        Ok(match outcome(confirmed)? {
            Ok((recovery_codes, issued)) => ConfirmMfaEnrollmentPayload {
                recovery_codes,
                session: Some(tokens(issued)),
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
        login_payload(session::refresh(identity, &facts.request_id, &input.refresh_token).await)
    }

    /// Ends your session: its tokens, and its open sockets.
    async fn logout(&self, ctx: &Context<'_>) -> async_graphql::Result<LogoutPayload> {
        let (identity, facts) = request(ctx)?;
        let Some(session_id) = ctx.data::<Caller>()?.session_id() else {
            let error = UserError::new(UserErrorCode::BadCredentials, "You are not signed in.");
            return Ok(LogoutPayload {
                ended: false,
                user_errors: vec![error],
            });
        };
        session::logout(identity, &facts.request_id, session_id)
            .await
            .map_err(op_error)?;
        Ok(LogoutPayload {
            ended: true,
            user_errors: Vec::new(),
        })
    }
}

fn login_payload(issued: Result<IssuedSession, OpError>) -> async_graphql::Result<LoginPayload> {
    Ok(match outcome(issued)? {
        Ok(issued) => LoginPayload {
            session: Some(tokens(issued)),
            ..LoginPayload::default()
        },
        Err(user_errors) => LoginPayload {
            user_errors,
            ..LoginPayload::default()
        },
    })
}
