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

/// Subject, plain text and HTML. The links are made by us of unreserved characters: nothing to escape.
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
    }
}
