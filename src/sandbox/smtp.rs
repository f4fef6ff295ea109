//! A small SMTP server (RFC 5321) that keeps every mail: no TLS, no authentication, loopback only.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::faults::{Fault, Provider};
use super::mail;
use super::state::SandboxState;

/// The largest mail in bytes, announced with the SIZE extension (RFC 1870).
const MAIL_LIMIT: usize = 10 * 1024 * 1024;
/// The longest command line in bytes; more than RFC 5321's 512 because extensions lengthen it.
const COMMAND_LIMIT: usize = 2_048;
/// The longest line of a mail in bytes. RFC 5321 asks for 1000; careless senders exceed that.
const DATA_LINE_LIMIT: usize = 1024 * 1024;
/// The most recipients of one mail (RFC 5321, 4.5.3.1.8 asks for at least 100).
const RECIPIENT_LIMIT: usize = 1_000;
/// How long a silent client is kept.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many clients are served at once.
const CONNECTION_LIMIT: usize = 64;

/// Serves until the sandbox stops.
pub(super) async fn serve(listener: TcpListener, state: SandboxState) {
    let stopping = state.stopping().clone();
    let slots = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    stopping
        .run_until_cancelled(async {
            // The semaphore is never closed, so that a slot always comes.
            while let Ok(slot) = slots.clone().acquire_owned().await {
                let (stream, state) = match listener.accept().await {
                    Ok((stream, _)) => (stream, state.clone()),
                    Err(err) => {
                        // Out of file descriptors, most likely: do not spin.
                        tracing::warn!(error = %err, "the sandbox cannot accept an SMTP connection");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        continue;
                    }
                };
                tokio::spawn(async move {
                    let _slot = slot;
                    let stopping = state.stopping().clone();
                    // A client that vanishes in mid-sentence is no event.
                    stopping
                        .run_until_cancelled(Session::new(stream, state).run())
                        .await
                        .transpose()
                        .ok();
                });
            }
        })
        .await;
}

/// What to do after a command was answered.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    Close,
}

/// One client's conversation.
struct Session<S> {
    stream: BufReader<S>,
    state: SandboxState,
    sender: Option<String>,
    recipients: Vec<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(stream: S, state: SandboxState) -> Self {
        Self {
            stream: BufReader::new(stream),
            state,
            sender: None,
            recipients: Vec::new(),
        }
    }

    async fn run(mut self) -> io::Result<()> {
        self.reply("220 funnelchat sandbox ESMTP").await?;
        while let Some(line) = self.read_line(COMMAND_LIMIT).await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if self.handle(&line).await? == Next::Close {
                break;
            }
        }
        Ok(())
    }

    async fn handle(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                self.reset();
                let greeting = format!(
                    "250-funnelchat sandbox\r\n250-SIZE {MAIL_LIMIT}\r\n250-8BITMIME\r\n250 SMTPUTF8"
                );
                self.reply(&greeting).await?;
            }
            "HELO" => {
                self.reset();
                self.reply("250 funnelchat sandbox").await?;
            }
            "MAIL" => self.mail(rest).await?,
            "RCPT" => self.rcpt(rest).await?,
            "DATA" => self.data().await?,
            "RSET" => {
                self.reset();
                self.reply("250 OK").await?;
            }
            "NOOP" => self.reply("250 OK").await?,
            "QUIT" => {
                self.reply("221 Bye").await?;
                return Ok(Next::Close);
            }
            _ => self.reply("502 Command not known here").await?,
        }
        Ok(Next::Continue)
    }

    async fn mail(&mut self, rest: &str) -> io::Result<()> {
        let Some((sender, parameters)) = path(rest, "FROM:") else {
            return self.reply("501 Use MAIL FROM:<address>").await;
        };
        if self.sender.is_some() {
            return self.reply("503 One mail at a time; RSET begins anew").await;
        }
        let declared = parameters
            .split_ascii_whitespace()
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("SIZE"))
            .and_then(|(_, size)| size.parse::<usize>().ok());
        if declared.is_some_and(|size| size > MAIL_LIMIT) {
            return self.reply("552 The mail is too large").await;
        }
        self.sender = Some(sender.to_owned());
        self.reply("250 OK").await
    }

    async fn rcpt(&mut self, rest: &str) -> io::Result<()> {
        if self.sender.is_none() {
            return self.reply("503 MAIL comes first").await;
        }
        match path(rest, "TO:") {
            Some((address, _)) if address.contains('@') && self.recipients.len() < RECIPIENT_LIMIT => {
                self.recipients.push(address.to_owned());
                self.reply("250 OK").await
            }
            Some((address, _)) if address.contains('@') => self.reply("452 Too many recipients").await,
            _ => self.reply("501 Use RCPT TO:<name@domain>").await,
        }
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.recipients.is_empty() {
            return self.reply("503 RCPT comes first").await;
        }
        self.reply("354 End the mail with a dot on a line of its own")
            .await?;
        let Some(raw) = self.read_mail().await? else {
            self.reset();
            return self.reply("552 The mail is too large").await;
        };
        let answer = if self.state.take_fault(Provider::Smtp) == Some(Fault::Error500) {
            "451 Local error in processing; try again later"
        } else {
            let sender = self.sender.as_deref().unwrap_or_default();
            for recipient in &self.recipients {
                self.state
                    .add_mail(mail::read(&raw, sender, recipient, self.state.now()));
            }
            "250 OK, kept"
        };
        self.reset();
        self.reply(answer).await
    }

    /// Reads up to the lone dot and takes the stuffed dots out (RFC 5321, 4.5.2). A mail over the limit is read
    /// to its end but not kept: none.
    async fn read_mail(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut mail = Vec::new();
        let mut too_large = false;
        loop {
            let line = self
                .read_line(DATA_LINE_LIMIT)
                .await?
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            if matches!(line.as_slice(), b".\r\n" | b".\n") {
                return Ok((!too_large).then_some(mail));
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            too_large |= mail.len() + line.len() > MAIL_LIMIT;
            if too_large {
                mail.clear();
            } else {
                mail.extend_from_slice(line);
            }
        }
    }

    /// One line with its end; none when the client has gone. A line over the limit ends the conversation.
    async fn read_line(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(u64::try_from(limit).unwrap_or(u64::MAX));
        tokio::time::timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await??;
        if line.ends_with(b"\n") {
            Ok(Some(line))
        } else if line.len() == limit {
            self.reply("500 The line is too long").await?;
            Err(io::ErrorKind::InvalidData.into())
        } else {
            Ok(None)
        }
    }

    async fn reply(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    fn reset(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }
}

/// Splits `FROM:<address> parameters`; the keyword in any case.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (head, tail) = rest.trim_start().split_at_checked(keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    tail.trim_start().strip_prefix('<')?.split_once('>')
}
