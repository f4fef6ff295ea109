//! Mails about a person's own log-in. The job carries ids; the address is opened, and a link made, when the mail is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Identity, credential_store,
    mail_reader::reader_of,
    ports::{StaffMail, StaffMailer},
    reset_password::LINK_LIFETIME,
    store::{self, IdentityRow},
    tokens::{hash_secret, new_secret},
};
use crate::platform::{
    context::SystemCtx,
    email::EmailAddress,
    jobs::{Job, JobError},
};

/// What the mail is about.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) enum AccountMail {
    /// A link for a new password.
    PasswordReset,
    PasswordChanged,
    /// Somebody fails to sign in as this person.
    LoginFailures,
    /// The second factor is another one now.
    MfaReplaced,
    /// Somebody took the second factor off.
    MfaReset,
    RecoveryCodesMade,
    /// Somebody who knows the password wants another address for this person.
    EmailChangeAsked,
}

/// Sends a person a mail about their log-in.
#[derive(Debug, Deserialize, Serialize)]
pub struct SendAccountMail {
    /// `None` for an address that nobody has: enqueued all the same, so that both take the same time.
    identity_id: Option<Uuid>,
    about: AccountMail,
}

impl SendAccountMail {
    pub(super) fn new(identity_id: Option<Uuid>, about: AccountMail) -> Self {
        Self { identity_id, about }
    }
}

impl Job for SendAccountMail {
    const NAME: &'static str = "identity.send_account_mail";
}

/// Runs [`SendAccountMail`]. Sent twice when the worker dies between mail and commit; the newest link works.
///
/// # Errors
/// [`JobError::Retry`] while mail or database are away.
pub async fn send_account_mail(
    identity: &Identity,
    mailer: &dyn StaffMailer,
    job: SendAccountMail,
) -> Result<(), JobError> {
    let Some(person) = job.identity_id else {
        return Ok(());
    };
    let ctx = SystemCtx::for_reason("mail about a log-in", "job-account-mail");
    let mut tx = identity.db.system(&ctx).await?;
    let Some(row) = store::lock_identity(&mut tx, person).await? else {
        return Ok(());
    };
    let mail = match job.about {
        AccountMail::PasswordReset => {
            let token = new_secret("fcp_");
            let expires_at = identity.wall.now() + LINK_LIFETIME;
            credential_store::put_reset(&mut tx, row.id, &hash_secret(&token), expires_at).await?;
            StaffMail::PasswordReset {
                link: format!(
                    "{}/reset-password?token={token}",
                    identity.settings.public_base_url
                ),
            }
        }
        AccountMail::PasswordChanged => StaffMail::PasswordChanged,
        AccountMail::LoginFailures => StaffMail::LoginFailures,
        AccountMail::MfaReplaced => StaffMail::MfaReplaced,
        AccountMail::MfaReset => StaffMail::MfaReset,
        AccountMail::RecoveryCodesMade => StaffMail::RecoveryCodesMade,
        AccountMail::EmailChangeAsked => StaffMail::EmailChangeAsked,
    };
    let reader = reader_of(&mut tx, row.id, None).await?;
    // The link must be good before anybody can follow it; the call itself happens outside the transaction.
    tx.commit().await?;
    let address = address_of(identity, &row)?;
    mailer
        .send(&address, reader, mail)
        .await
        .map_err(|error| JobError::Retry(format!("mail was not taken: {error}")))
}

/// A person's address, opened.
pub(super) fn address_of(identity: &Identity, row: &IdentityRow) -> Result<EmailAddress, JobError> {
    let email = identity
        .keyring
        .platform_open("identities", "email_cipher", row.id, &row.email_cipher)
        .map_err(|error| JobError::Fatal(error.to_string()))?;
    std::str::from_utf8(&email)
        .ok()
        .and_then(|text| EmailAddress::parse(text).ok())
        .ok_or_else(|| JobError::Fatal("an identity's address is unreadable".to_owned()))
}
