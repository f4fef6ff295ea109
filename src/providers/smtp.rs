//! Mail to staff by SMTP.

use anyhow::Context as _;
use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};

use super::staff_mail::render;
use crate::{
    identity::ports::{MailReader, StaffMail, StaffMailer},
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
    async fn send(&self, to: &EmailAddress, reader: MailReader, mail: StaffMail) -> anyhow::Result<()> {
        let (subject, text, html) = render(reader, &mail);
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.as_str().parse()?)
            .subject(subject)
            .multipart(MultiPart::alternative_plain_html(text, html))?;
        self.transport.send(message).await?;
        Ok(())
    }
}
