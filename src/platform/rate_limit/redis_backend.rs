//! Counters in Redis: one script call per check, whatever the number of rules.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{RedisError, Script};

use super::slices::{Action, Count, slice_millis};
use super::{Counter, Rule, Subject};

/// A check that takes longer is decided in-process: a limiter must not slow the service down.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(250);
const CONNECTION_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection to one Redis (not a cluster: a call touches several keys).
#[derive(Clone)]
pub struct RedisBackend {
    connection: ConnectionManager,
    script: Script,
}

impl RedisBackend {
    /// Prepares a connection, which is opened by the first check; Redis need not be up yet. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// When the client's settings are not usable.
    pub fn new(client: &redis::Client) -> Result<Self, RedisError> {
        // No retries here: the limiter itself decides when to try again.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(CONNECTION_TIMEOUT));
        Ok(Self {
            connection: client.get_connection_manager_lazy(config)?,
            script: Script::new(include_str!("sliding_window.lua")),
        })
    }

    pub(super) async fn apply(
        &self,
        action: Action,
        counters: &[Counter],
        millis: i64,
    ) -> Result<Vec<Count>, RedisError> {
        let mut call = self.script.prepare_invoke();
        call.arg(action_name(action)).arg(millis);
        for counter in counters {
            call.key(key(&counter.rule, &counter.subject))
                .arg(slice_millis(&counter.rule))
                .arg(counter.rule.limit)
                .arg(counter.amount);
        }
        let mut connection = self.connection.clone();
        let answer: Vec<i64> = call.invoke_async(&mut connection).await?;
        let counts: Vec<Count> = answer
            .chunks_exact(2)
            .map(|pair| Count {
                before: u32::try_from(pair[0]).unwrap_or(if pair[0] < 0 { 0 } else { u32::MAX }),
                retry_after: Duration::from_millis(u64::try_from(pair[1]).unwrap_or(0)),
            })
            .collect();
        if counts.len() == counters.len() {
            return Ok(counts);
        }
        Err((
            redis::ErrorKind::UnexpectedReturnType,
            "the rate limit script gave the wrong number of counts",
        )
            .into())
    }
}

fn action_name(action: Action) -> &'static str {
    match action {
        Action::Check => "check",
        Action::Peek => "peek",
        Action::Record => "record",
        Action::Refund => "refund",
    }
}

/// `rl:ip_minute:` and half of the fingerprint in hexadecimal: 128 bits do not collide.
fn key(rule: &Rule, subject: &Subject) -> String {
    let (half, _) = subject.split_at(subject.len() / 2);
    let fingerprint: String = half.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("rl:{}:{fingerprint}", rule.name)
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisBackend")
    }
}
