//! One's own e-mail address.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use secrecy::SecretString;

use super::{
    credentials::person,
    mutations::{outcome, request},
};
use crate::{
    identity::change_email,
    platform::gql::{EmailAddressScalar, UserError},
};

/// The wish for another address.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// The address that you want to sign in with.
    email: EmailAddressScalar,
    /// Your present password.
    current_password: String,
}

/// What changeEmail answers: the same whether or not somebody has the address. A mail follows.
#[derive(SimpleObject)]
pub struct ChangeEmailPayload {
    /// Whether the wish was taken in.
    accepted: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// The token of the link to the new address, and the password.
#[derive(InputObject)]
pub struct ConfirmEmailChangeInput {
    /// What stands behind `token=` in the link.
    token: String,
    /// Your present password: the link alone changes nothing, for it may have reached somebody else.
    password: String,
}

/// What confirmEmailChange answers.
#[derive(SimpleObject)]
pub struct ConfirmEmailChangePayload {
    /// Whether you sign in with the new address from now on: your sessions have ended.
    changed: bool,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of one's own address.
#[derive(Default)]
pub struct EmailMutations;

#[Object]
impl EmailMutations {
    /// Asks for another address to sign in with. A link goes to the new one, good once and for a day, which
    /// confirmEmailChange takes; a notice goes to the present one, which stays yours until then. A new password ends the
    /// wish. A wrong password counts as a failed log-in.
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new address and the present password.")] input: ChangeEmailInput,
    ) -> async_graphql::Result<ChangeEmailPayload> {
        let (identity, facts) = request(ctx)?;
        let password = SecretString::from(input.current_password);
        let asked = match person(ctx)? {
            Ok(person) => {
                let who = (person, facts.peer);
                change_email::change_email(identity, &facts.request_id, who, &input.email.0, &password).await
            }
            Err(error) => Err(error),
        };
        let (accepted, user_errors) = done(outcome(asked)?);
        Ok(ChangeEmailPayload {
            accepted,
            user_errors,
        })
    }

    /// Makes the new address yours with the link's token and the password, and ends every session of yours and every link
    /// that was mailed to the old address. Public: sign in with the new address then.
    async fn confirm_email_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token and the password.")] input: ConfirmEmailChangeInput,
    ) -> async_graphql::Result<ConfirmEmailChangePayload> {
        let (identity, facts) = request(ctx)?;
        let password = SecretString::from(input.password);
        let id = &facts.request_id;
        let confirmed =
            change_email::confirm_email_change(identity, id, facts.peer, &input.token, &password).await;
        let (changed, user_errors) = done(outcome(confirmed)?);
        Ok(ConfirmEmailChangePayload { changed, user_errors })
    }
}

fn done(result: Result<(), Vec<UserError>>) -> (bool, Vec<UserError>) {
    result.map_or_else(|errors| (false, errors), |()| (true, Vec::new()))
}
