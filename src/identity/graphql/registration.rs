//! Mutations of sign-up.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use secrecy::SecretString;

use super::mutations::{outcome, request};
use crate::{
    identity::{
        register::{self, Registration},
        verify_email::verify_email,
    },
    platform::gql::{EmailAddressScalar, UserError},
};

/// What your business is to the debts: it decides which rules and vendor policies bind.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum BusinessRole {
    /// Collects for others, or bought the debts.
    ThirdPartyCollector,
    /// Collects its own debts.
    FirstPartyCreditor,
}

impl BusinessRole {
    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ThirdPartyCollector => "THIRD_PARTY_COLLECTOR",
            Self::FirstPartyCreditor => "FIRST_PARTY_CREDITOR",
        }
    }
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
    /// 15 to 128 characters; below 20 of all four kinds (small and capital letters, digits, others).
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

/// The token of a verification link, and the password of the registration that it was mailed for.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// What stands behind `token=` in the link.
    token: String,
    /// The password that was chosen at that registration. The mail names its person and business: whoever does not know them
    /// does not know the password either, and lets nobody in by opening the link.
    password: String,
}

/// What verifyEmail answers.
#[derive(SimpleObject)]
pub struct VerifyEmailPayload {
    /// Whether the address is verified now: then sign in.
    verified: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of sign-up.
#[derive(Default)]
pub struct RegistrationMutations;

#[Object]
impl RegistrationMutations {
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
            business_role: input.business_role.as_str(),
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

    /// Verifies an e-mail address with the link's token and the registration's password: that password and that business count
    /// from then on, and no other link of the address any more. Public. Wrong passwords count as failed log-ins.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token and the registration's password.")] input: VerifyEmailInput,
    ) -> async_graphql::Result<VerifyEmailPayload> {
        let (identity, facts) = request(ctx)?;
        let password = SecretString::from(input.password);
        let verified = verify_email(identity, &facts.request_id, facts.peer, &input.token, &password).await;
        let result = outcome(verified)?;
        let (verified, user_errors) = result.map_or_else(|errors| (false, errors), |()| (true, Vec::new()));
        Ok(VerifyEmailPayload {
            verified,
            user_errors,
        })
    }
}
