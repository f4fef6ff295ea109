//! The sandbox: an embedded stand-in for the vendors that funnelchat talks to.
//!
//! `funnelchat dev` and the tests run it inside their own process: one HTTP server that speaks Twilio's
//! Programmable Messaging API and Stripe's API of payments, and shows a telephone and a mailbox in the browser, and one SMTP
//! server that keeps every mail. All state is in memory and bounded. Webhooks are signed with the vendors' algorithms, and the
//! control API (see [`control`]) makes the vendors misbehave on purpose.
//!
//! Owns no table; imports no other room. It listens on loopback addresses only and calls back to loopback
//! URLs only, so that nothing sent here can leave the machine.

mod bounded;
mod connection;
pub mod control;
mod faults;
mod in_flight;
mod loopback;
mod mail;
mod recorder;
mod server;
mod smtp;
mod state;
pub mod stripe;
pub mod twilio;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use faults::{Fault, FaultError, Provider};
pub use mail::Mail;
pub use recorder::RecordedRequest;
pub use server::{RunningSandbox, start};
pub use state::SandboxState;
pub use stripe::StripePlatform;

/// What a sandbox is started with.
pub struct SandboxConfig {
    /// Where the vendors' HTTP APIs, the control API and the page are served. Loopback only; port 0 takes a
    /// free port.
    pub listen: SocketAddr,
    /// Where mail is accepted over SMTP. Loopback only; port 0 takes a free port.
    pub smtp_listen: SocketAddr,
    /// The Twilio accounts that exist, each with its own numbers. A number belongs to one account.
    pub twilio_accounts: Vec<TwilioAccount>,
    /// The platform's account at Stripe, with those that are connected to it.
    pub stripe: StripePlatform,
    /// Known debtors' telephones as (E.164 number, name), offered on the page for convenience.
    pub debtor_numbers: Vec<(String, String)>,
    /// The time that every message, mail and callback is stamped with.
    pub clock: Arc<dyn SandboxClock>,
    /// How long the stand-ins take for what takes the vendors a while.
    pub status_delays: StatusDelays,
}

/// One Twilio (sub)account.
#[derive(Clone)]
pub struct TwilioAccount {
    /// `AC` and 32 hexadecimal digits.
    pub sid: String,
    /// Password of the REST API and key of the webhook signatures.
    pub auth_token: String,
    /// The numbers that this account may send from.
    pub numbers: Vec<TwilioNumber>,
}

/// One telephone number of an account.
#[derive(Clone, Debug)]
pub struct TwilioNumber {
    /// The number in E.164 form, such as `+15550100001`.
    pub e164: String,
    /// Where texts to this number are POSTed. The signature covers it exactly as written here.
    pub sms_webhook_url: String,
    /// Whose number it is, for the page; such as "Acme Recovery".
    pub label: String,
}

/// The clock that the sandbox reads and, where time is simulated, advances.
#[async_trait]
pub trait SandboxClock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;

    /// Moves the clock forward and answers the new present. `Err` says in words for the person at the page why
    /// this clock is not simulated.
    async fn advance(&self, by: chrono::Duration) -> Result<DateTime<Utc>, String>;

    /// Whether [`advance`](Self::advance) can succeed; the page offers its clock buttons only then.
    fn is_simulated(&self) -> bool {
        true
    }
}

/// How long the stand-ins take, in wall time.
#[derive(Clone, Copy, Debug)]
pub struct StatusDelays {
    /// From the acceptance of a message until it is `sent`.
    pub sent: Duration,
    /// From `sent` until `delivered`.
    pub delivered: Duration,
    /// Before the first retry of a failed webhook; doubles with each further retry.
    pub webhook_retry: Duration,
}

impl StatusDelays {
    /// Nothing waits: for tests.
    pub const ZERO: Self = Self {
        sent: Duration::ZERO,
        delivered: Duration::ZERO,
        webhook_retry: Duration::ZERO,
    };
}

impl Default for StatusDelays {
    /// Long enough for a person at the page to see each status.
    fn default() -> Self {
        Self {
            sent: Duration::from_millis(600),
            delivered: Duration::from_millis(1200),
            webhook_retry: Duration::from_millis(500),
        }
    }
}
