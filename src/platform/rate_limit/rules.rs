//! What is limited, and by default how much.

use std::time::Duration;

/// At most `limit` events of one subject in any interval of `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Names the rule in Redis keys, metrics and logs: lower-case words, no personal data.
    pub name: &'static str,
    /// How many events a window may hold, at least 1.
    pub limit: u32,
    /// The length of the window; at least ten milliseconds.
    pub window: Duration,
}

impl Rule {
    /// A rule.
    pub const fn new(name: &'static str, limit: u32, window: Duration) -> Self {
        Self { name, limit, window }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const QUARTER_HOUR: Duration = Duration::from_secs(15 * 60);

/// The service's limits; the defaults are those of `.env.example`.
///
/// Verified webhooks are exempt from the limits per address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests of one address in a minute: 1,000.
    pub ip_per_minute: Rule,
    /// Requests of one address in an hour: 10,000.
    pub ip_per_hour: Rule,
    /// Requests of one user in a minute: 100.
    pub user_per_minute: Rule,
    /// What the operations of a business's staff and API keys cost together in a minute: 2,000,000. Of those that a front
    /// end sends, which cost some hundreds, thousands a minute; of the dearest that there may be, two hundred.
    pub business_cost_per_minute: Rule,
    /// Operations without a login, of one address in a minute: 20.
    pub public_per_minute: Rule,
    /// Failed logins from one address in 15 minutes: 5.
    pub login_failures_per_ip: Rule,
    /// Failed logins to one account in 15 minutes: 5.
    pub login_failures_per_account: Rule,
    /// Failed tries of debtors from one address in 15 minutes, whosever links they have: 30, for many people share the
    /// address of a telephone network.
    pub debtor_failures_per_ip: Rule,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            ip_per_minute: Rule::new("ip_minute", 1_000, MINUTE),
            ip_per_hour: Rule::new("ip_hour", 10_000, HOUR),
            user_per_minute: Rule::new("user_minute", 100, MINUTE),
            business_cost_per_minute: Rule::new("business_cost_minute", 2_000_000, MINUTE),
            public_per_minute: Rule::new("public_minute", 20, MINUTE),
            login_failures_per_ip: Rule::new("login_failures_ip", 5, QUARTER_HOUR),
            login_failures_per_account: Rule::new("login_failures_account", 5, QUARTER_HOUR),
            debtor_failures_per_ip: Rule::new("debtor_failures_ip", 30, QUARTER_HOUR),
        }
    }
}
