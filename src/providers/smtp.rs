//! Mail to staff by SMTP.

use anyhow::Context as _;
use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};

use crate::{
    identity::ports::{StaffMail, StaffMailer},
    platform::email::EmailAddress,
};

/// The adapter.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// Connects at first use.
    ///
    /// # Errors
    /// When the URL is not one of an SMTP server.
    pub fn new(smtp_url: &str, from: Mailbox) -> anyhow::Result<Self> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url)
            .context("SMTP_URL")?
            .build();
        Ok(Self { transport, from })
    }

    /// Connects, says who it is, and hangs up without a mail.
    ///
    /// # Errors
    /// When the server is not there, or does not let us in.
    pub async fn greet(&self) -> anyhow::Result<()> {
        if self.transport.test_connection().await? {
            return Ok(());
        }
        anyhow::bail!("the server takes no mail")
    }
}

#[async_trait]
impl StaffMailer for SmtpMailer {
    async fn send(&self, to: &EmailAddress, mail: StaffMail) -> anyhow::Result<()> {
        let (subject, text, html) = render(&mail);
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.as_str().parse()?)
            .subject(subject)
            .multipart(MultiPart::alternative_plain_html(text, html))?;
        self.transport.send(message).await?;
        Ok(())
    }
}

/// Subject, plain text and HTML. Links, keys' beginnings and dates are made by us of unreserved characters: nothing to
/// escape; names are a business's own words.
fn render(mail: &StaffMail) -> (&'static str, String, String) {
    match mail {
        StaffMail::VerifyEmail { link } => (
            "Verify your e-mail address",
            format!(
                "Welcome to funnelchat.\n\nOpen this link to verify your e-mail address. It is good for 24 hours:\n\n{link}\n\n\
                 If you did not register, ignore this mail."
            ),
            format!(
                "<p>Welcome to funnelchat.</p><p><a href=\"{link}\">Verify your e-mail address</a> (the link is good for 24 \
                 hours).</p><p>If you did not register, ignore this mail.</p>"
            ),
        ),
        StaffMail::AlreadyRegistered => (
            "You are registered already",
            "Somebody, probably you, registered with this address at funnelchat. It is registered already: just sign in. \
             If it was not you, ignore this mail."
                .to_owned(),
            "<p>Somebody, probably you, registered with this address at funnelchat. It is registered already: just sign in. \
             If it was not you, ignore this mail.</p>"
                .to_owned(),
        ),
        StaffMail::Invitation { business, link } => (
            "You are invited to funnelchat",
            format!(
                "{business} invites you to join its team on funnelchat.\n\nOpen this link to accept. It is good once, for 7 \
                 days:\n\n{link}\n\nIf you do not know who this is, ignore this mail."
            ),
            format!(
                "<p>{business} invites you to join its team on funnelchat.</p><p><a href=\"{link}\">Accept the \
                 invitation</a> (the link is good once, for 7 days).</p><p>If you do not know who this is, ignore this \
                 mail.</p>",
                business = escaped(business)
            ),
        ),
        StaffMail::Welcome { business, link } => (
            "Welcome to funnelchat",
            format!("You are a member of {business} on funnelchat now.\n\nSign in here: {link}\n"),
            format!(
                "<p>You are a member of {business} on funnelchat now.</p><p><a href=\"{link}\">Sign in</a></p>",
                business = escaped(business)
            ),
        ),
        StaffMail::PasswordReset { link } => (
            "Choose a new password",
            format!(
                "Somebody, probably you, asked for a new password at funnelchat.\n\nOpen this link to choose one. It is good \
                 for one hour, and once:\n\n{link}\n\nIf it was not you, ignore this mail: your password stays as it is."
            ),
            format!(
                "<p>Somebody, probably you, asked for a new password at funnelchat.</p><p><a href=\"{link}\">Choose a new \
                 password</a> (the link is good for one hour, and once).</p><p>If it was not you, ignore this mail: your \
                 password stays as it is.</p>"
            ),
        ),
        StaffMail::PasswordChanged => plain(
            "Your password was changed",
            "Your password at funnelchat was changed, and every session of yours was ended. If it was not you, ask for a \
             new password at once and tell an administrator of your business.",
        ),
        StaffMail::LoginFailures => plain(
            "Somebody cannot sign in as you",
            "In the last hour somebody failed five times or more to sign in at funnelchat as you. If it was not you, your \
             account is still safe: choose a new password if yours is used anywhere else, and tell an administrator of \
             your business.",
        ),
        StaffMail::MfaReplaced => plain(
            "Your second factor was replaced",
            "Another authenticator app is your second factor at funnelchat now, your recovery codes are new, and every other \
             session of yours was ended. If it was not you, change your password at once and tell an administrator of your \
             business.",
        ),
        StaffMail::MfaReset => plain(
            "Your second factor was taken off",
            "Your second factor at funnelchat was taken off for you, and every session of yours was ended: at your next \
             log-in you choose another. If you did not ask for that, choose a new password at once and tell an administrator \
             of your business.",
        ),
        StaffMail::RecoveryCodesMade => plain(
            "You have new recovery codes",
            "New recovery codes were made for you at funnelchat, and those before are good no more. If it was not you, change \
             your password at once and tell an administrator of your business.",
        ),
        StaffMail::BreakGlass { business, ends } => {
            let rest = format!(
                "has been opened to a member of funnelchat's own staff, to read, until {ends} at the latest. Who it is and why \
                 stands under breakGlassSessions; what they read, in your access log. An administrator can end it at once \
                 with endBreakGlass."
            );
            (
                "funnelchat's staff is inside your business",
                format!("{business} {rest}"),
                format!("<p>{} {rest}</p>", escaped(business)),
            )
        }
        StaffMail::ApiKeyEnds { prefix, ends } => plain(
            "An API key of your business ends soon",
            &format!(
                "The API key that begins with {prefix} ends on {ends}. Make a new one, put it in the place of the old one, \
                 and revoke that: what uses it stops otherwise."
            ),
        ),
        StaffMail::LicenseEnds { state, number, ends } => plain(
            "A licence of your business ends soon",
            &format!(
                "The licence {number} to collect in {state} is valid until {ends}. Renew it, and record its new end: from the \
                 day after nobody is contacted there whom the law asks it for."
            ),
        ),
        StaffMail::KeysStay { prefixes } => plain(
            "API keys of your business stay good without who made them",
            &format!(
                "Somebody of your staff was suspended or has another role now, and API keys that they made are still good: \
                 {}. Whoever knows such a key can use it. Look whether each is needed, and revoke what is not.",
                prefixes.join(", ")
            ),
        ),
    }
}

/// Text that stands for itself in HTML (HTML Living Standard, section 13.1.2: `&` and `<` begin something else).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A mail of one paragraph.
fn plain(subject: &'static str, text: &str) -> (&'static str, String, String) {
    (subject, text.to_owned(), format!("<p>{text}</p>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_cannot_write_html_into_our_mails() {
        let business = "<a href=\"https://evil.example\">Smith & Sons</a>".to_owned();
        for mail in [
            StaffMail::Invitation {
                business: business.clone(),
                link: "https://f.example/a".to_owned(),
            },
            StaffMail::Welcome {
                business: business.clone(),
                link: "https://f.example".to_owned(),
            },
        ] {
            let (_, text, html) = render(&mail);
            assert!(text.contains(&business), "{text}");
            assert!(html.contains("Smith &amp; Sons&lt;/a&gt;"), "{html}");
            assert!(!html.contains("evil.example\">Smith & Sons"), "{html}");
        }
    }
}
