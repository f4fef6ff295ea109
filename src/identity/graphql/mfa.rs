//! Second factors after their enrolment: replaced, with new recovery codes, or taken off somebody who has lost theirs.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use secrecy::SecretString;

use super::{
    credentials::person,
    mutations::{outcome, request},
    platform::operator_of,
};
use crate::{
    identity::{
        replace_mfa::{self, Proof},
        reset_mfa,
    },
    platform::{
        gql::{EmailAddressScalar, ScopeExt as _, UserError, input_id},
        ids::IdKind,
    },
};

/// What shows that it is you.
#[derive(InputObject)]
pub struct BeginMfaReplacementInput {
    /// The present password. A wrong one counts as a failed log-in.
    current_password: String,
    /// A code of the present app, or a recovery code; it is spent.
    code: String,
}

/// What beginMfaReplacement answers: for the new authenticator app.
#[derive(Default, SimpleObject)]
pub struct BeginMfaReplacementPayload {
    /// The secret in base32, to type in.
    secret: Option<String>,
    /// The secret as an otpauth:// URL.
    otpauth_url: Option<String>,
    /// The same as a QR code: a PNG in a data URL.
    qr_data_url: Option<String>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// The first code of the new authenticator app.
#[derive(InputObject)]
pub struct ConfirmMfaReplacementInput {
    /// A code that the new app shows now.
    code: String,
}

/// What confirmMfaReplacement answers.
#[derive(SimpleObject)]
pub struct ConfirmMfaReplacementPayload {
    /// Ten new codes for when the app is lost, each good once; those before are good no more. They are shown this once.
    recovery_codes: Vec<String>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What shows that it is you.
#[derive(InputObject)]
pub struct RegenerateRecoveryCodesInput {
    /// The present password. A wrong one counts as a failed log-in.
    current_password: String,
    /// A code of the app, or the last recovery code; it is spent.
    code: String,
}

/// What regenerateRecoveryCodes answers.
#[derive(SimpleObject)]
pub struct RegenerateRecoveryCodesPayload {
    /// Ten new codes, each good once; those before are good no more. They are shown this once.
    recovery_codes: Vec<String>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Who has lost their second factor.
#[derive(InputObject)]
pub struct ResetMemberMfaInput {
    /// The member (`usr_…`). Nobody takes off their own.
    user_id: ID,
}

/// What resetMemberMfa answers.
#[derive(SimpleObject)]
pub struct ResetMemberMfaPayload {
    /// True once it is off: the person's sessions have ended, and they enrol another at their next log-in. Null when there are
    /// user errors.
    reset: Option<bool>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Who has lost their second factor. See first that it is they who ask.
#[derive(InputObject)]
pub struct ResetStaffMfaInput {
    /// The address that they sign in with.
    email: EmailAddressScalar,
}

/// What resetStaffMfa answers.
#[derive(SimpleObject)]
pub struct ResetStaffMfaPayload {
    /// Whether it is off: the person's sessions have ended, and they enrol another at their next log-in.
    reset: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of second factors.
#[derive(Default)]
pub struct MfaMutations;

#[Object]
impl MfaMutations {
    /// Makes a new secret for another authenticator app; confirmMfaReplacement puts it in the place of the present one,
    /// which is good until then. Asking again replaces what waits.
    async fn begin_mfa_replacement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What shows that it is you.")] input: BeginMfaReplacementInput,
    ) -> async_graphql::Result<BeginMfaReplacementPayload> {
        let (identity, facts) = request(ctx)?;
        let password = SecretString::from(input.current_password);
        let begun = match person(ctx)? {
            Ok(person) => {
                let proof = Proof {
                    person,
                    peer: facts.peer,
                    password: &password,
                    code: &input.code,
                };
                replace_mfa::begin_replacement(identity, &facts.request_id, proof).await
            }
            Err(error) => Err(error),
        };
        Ok(match outcome(begun)? {
            Ok(enrollment) => BeginMfaReplacementPayload {
                secret: Some(enrollment.secret_base32),
                otpauth_url: Some(enrollment.otpauth_url),
                qr_data_url: Some(enrollment.qr_data_url),
                user_errors: Vec::new(),
            },
            Err(user_errors) => BeginMfaReplacementPayload {
                user_errors,
                ..BeginMfaReplacementPayload::default()
            },
        })
    }

    /// Puts the new second factor in the place of the present one with its first code, shows new recovery codes once, and
    /// ends all your sessions but this one. A mail tells you.
    async fn confirm_mfa_replacement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new app's first code.")] input: ConfirmMfaReplacementInput,
    ) -> async_graphql::Result<ConfirmMfaReplacementPayload> {
        let (identity, facts) = request(ctx)?;
        let confirmed = match person(ctx)? {
            Ok(person) => {
                let who = (person, facts.peer);
                replace_mfa::confirm_replacement(identity, &facts.request_id, who, &input.code).await
            }
            Err(error) => Err(error),
        };
        let (recovery_codes, user_errors) = shown(outcome(confirmed)?);
        Ok(ConfirmMfaReplacementPayload {
            recovery_codes,
            user_errors,
        })
    }

    /// Makes ten new recovery codes, shown once; those before are good no more. A mail tells you.
    async fn regenerate_recovery_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What shows that it is you.")] input: RegenerateRecoveryCodesInput,
    ) -> async_graphql::Result<RegenerateRecoveryCodesPayload> {
        let (identity, facts) = request(ctx)?;
        let password = SecretString::from(input.current_password);
        let made = match person(ctx)? {
            Ok(person) => {
                let proof = Proof {
                    person,
                    peer: facts.peer,
                    password: &password,
                    code: &input.code,
                };
                replace_mfa::regenerate_recovery_codes(identity, &facts.request_id, proof).await
            }
            Err(error) => Err(error),
        };
        let (recovery_codes, user_errors) = shown(outcome(made)?);
        Ok(RegenerateRecoveryCodesPayload {
            recovery_codes,
            user_errors,
        })
    }

    /// Takes the second factor off a member who has lost it and has no recovery code left: their sessions end, a mail tells
    /// them, and they enrol another at their next log-in. Only of one who belongs to your business alone; of others the
    /// platform's staff does (CONFLICT).
    async fn reset_member_mfa(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: ResetMemberMfaInput,
    ) -> async_graphql::Result<ResetMemberMfaPayload> {
        let (identity, _) = request(ctx)?;
        let reset = match input_id(IdKind::User, "userId", &input.user_id) {
            Ok(user) => reset_mfa::reset_member_mfa(identity, ctx.scope()?.ctx(), user).await,
            Err(error) => Err(error.into()),
        };
        let (reset, user_errors) = shown(outcome(reset.map(|()| Some(true)))?);
        Ok(ResetMemberMfaPayload { reset, user_errors })
    }

    /// Takes the second factor off a member of any staff who has lost it: their sessions end, a mail tells them, and they
    /// enrol another at their next log-in. For super admins.
    async fn reset_staff_mfa(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: ResetStaffMfaInput,
    ) -> async_graphql::Result<ResetStaffMfaPayload> {
        let operator = operator_of(ctx)?;
        let (identity, facts) = request(ctx)?;
        let reset = reset_mfa::reset_mfa_of(identity, &facts.request_id, operator, &input.email.0).await;
        let (reset, user_errors) = shown(outcome(reset.map(|()| true))?);
        Ok(ResetStaffMfaPayload { reset, user_errors })
    }
}

/// What is shown, or what to put right.
fn shown<T: Default>(result: Result<T, Vec<UserError>>) -> (T, Vec<UserError>) {
    result.map_or_else(|errors| (T::default(), errors), |value| (value, Vec::new()))
}
