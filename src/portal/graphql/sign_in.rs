//! Debtors ask for a link, follow it, and show who they are.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::{
    accounts::{NewContact, graphql::contacts},
    identity::graphql::{
        LoginPayload, MfaMethod, RequestFacts, debtor_challenge_payload, login_payload, outcome,
    },
    platform::gql::{Date, EmailAddressScalar, PhoneNumberScalar, UserError},
    portal::{Portal, challenge::Method, factors::Given},
};

/// Who wants a link.
#[derive(InputObject)]
pub struct RequestDebtorLinkInput {
    /// The business that writes to you: its name in addresses.
    business_slug: String,
    /// Your telephone number; give this or `email`.
    phone: Option<PhoneNumberScalar>,
    /// Your e-mail address; give this or `phone`.
    email: Option<EmailAddressScalar>,
}

/// What requestDebtorLink answers: the same whether or not anybody is known there.
#[derive(SimpleObject)]
pub struct RequestDebtorLinkPayload {
    /// Whether the wish was taken in. If it is yours and you may be texted now, a text with a link is on its way (at most
    /// three an hour).
    accepted: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// A link that was followed.
#[derive(InputObject)]
pub struct OpenDebtorLinkInput {
    /// What stands behind `/d/` in the link.
    token: String,
}

/// The wish for a code.
#[derive(InputObject)]
pub struct SendDebtorCodeInput {
    /// The challenge's token.
    token: String,
}

/// What sendDebtorCode answers.
#[derive(SimpleObject)]
pub struct SendDebtorCodePayload {
    /// Whether a code is on its way to a telephone number on record: answer it with completeMfa within ten minutes.
    sent: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What you say of yourself: two of these, and all that are given have to be right.
#[derive(InputObject)]
pub struct VerifyDebtorIdentityInput {
    /// The challenge's token.
    token: String,
    /// Your date of birth.
    birth_date: Option<Date>,
    /// The ZIP code of your postal address.
    postal_code: Option<String>,
    /// The number of your account.
    account_number: Option<String>,
}

/// Mutations by which a debtor signs in.
#[derive(Default)]
pub struct DebtorSignInMutations;

#[Object]
impl DebtorSignInMutations {
    /// Asks for a link to your account, by text message. Public. The answer does not say whether anybody is known there.
    async fn request_debtor_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who you are.")] input: RequestDebtorLinkInput,
    ) -> async_graphql::Result<RequestDebtorLinkPayload> {
        let (portal, facts) = (ctx.data::<Portal>()?, ctx.data::<RequestFacts>()?);
        let contact = match one_contact(&input) {
            Ok(contact) => contact,
            Err(user_errors) => {
                return Ok(RequestDebtorLinkPayload {
                    accepted: false,
                    user_errors,
                });
            }
        };
        let asked = portal
            .request_link(&facts.request_id, &input.business_slug, &contact)
            .await;
        let (accepted, user_errors) = done(outcome(asked)?);
        Ok(RequestDebtorLinkPayload {
            accepted,
            user_errors,
        })
    }

    /// Follows a link. Public. The answer is a challenge, and nothing of an account before it is passed.
    async fn open_debtor_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link.")] input: OpenDebtorLinkInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (portal, facts) = (ctx.data::<Portal>()?, ctx.data::<RequestFacts>()?);
        let opened = portal.open_link(&facts.request_id, &input.token).await;
        debtor_challenge_payload(opened.map(|(token, methods)| {
            let methods = methods.into_iter().map(MfaMethod::from).collect();
            (token, methods)
        }))
    }

    /// Texts you a code to answer a challenge with. Public, with a challenge's token; at most three an hour.
    async fn send_debtor_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The challenge.")] input: SendDebtorCodeInput,
    ) -> async_graphql::Result<SendDebtorCodePayload> {
        let (portal, facts) = (ctx.data::<Portal>()?, ctx.data::<RequestFacts>()?);
        let sent = portal.send_code(&facts.request_id, &input.token).await;
        let (sent, user_errors) = done(outcome(sent)?);
        Ok(SendDebtorCodePayload { sent, user_errors })
    }

    /// Answers a challenge with what you know of yourself and opens the session. Public, with a challenge's token. Which
    /// of them is wrong is not told.
    async fn verify_debtor_identity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What you say of yourself.")] input: VerifyDebtorIdentityInput,
    ) -> async_graphql::Result<LoginPayload> {
        let (portal, facts) = (ctx.data::<Portal>()?, ctx.data::<RequestFacts>()?);
        let given = Given {
            birth_date: input.birth_date.map(|date| date.0),
            postal_code: input.postal_code,
            account_number: input.account_number,
        };
        let issued = portal
            .verify_factors(&facts.request_id, facts.debtor_origin(), &input.token, &given)
            .await;
        login_payload(ctx, issued)
    }
}

impl From<Method> for MfaMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::SmsCode => Self::SmsCode,
            Method::IdentityFactors => Self::IdentityFactors,
        }
    }
}

/// `completeMfa` of a debtor: takes the code that they were sent.
pub(crate) async fn complete_debtor_challenge(
    ctx: &Context<'_>,
    token: &str,
    code: &str,
) -> async_graphql::Result<LoginPayload> {
    let (portal, facts) = (ctx.data::<Portal>()?, ctx.data::<RequestFacts>()?);
    let issued = portal
        .verify_code(&facts.request_id, facts.debtor_origin(), token, code)
        .await;
    login_payload(ctx, issued)
}

fn one_contact(input: &RequestDebtorLinkInput) -> Result<NewContact, Vec<UserError>> {
    let mut given = contacts(input.phone.as_ref(), input.email.as_ref())?;
    match (given.pop(), given.is_empty()) {
        (Some(contact), true) => Ok(contact),
        _ => Err(vec![UserError::invalid(
            "phone",
            "Give a phone number or an e-mail address: one of them.",
        )]),
    }
}

fn done(result: Result<(), Vec<UserError>>) -> (bool, Vec<UserError>) {
    result.map_or_else(|errors| (false, errors), |()| (true, Vec::new()))
}
