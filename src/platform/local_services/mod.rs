//! Private servers for `funnelchat dev` and for the tests: a PostgreSQL and a Redis that belong to one
//! process, listen on loopback only, and stop when that process ends, however it ends.
//!
//! Nothing here is used by `serve` or `worker`, which are given their servers by address.
//!
//! Every call blocks the calling thread (a first start runs `initdb`, one to three seconds): inside a
//! runtime, call through `tokio::task::spawn_blocking`.

mod account;
mod postgres;
mod postgres_installation;
mod redis;
mod supervisor;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub use postgres::{LocalPostgres, LocalPostgresOptions};
pub use redis::LocalRedis;

/// The servers of one test process: one PostgreSQL for all its tests, and a Redis for whoever asks.
pub struct TestServices {
    postgres: LocalPostgres,
}

impl TestServices {
    /// The servers of this process, started at the first call and stopped when the process ends.
    ///
    /// # Panics
    /// When PostgreSQL cannot be started, with the reason; the first failure is kept, so that each
    /// further test fails at once with the same sentence.
    pub fn shared() -> &'static TestServices {
        static SHARED: OnceLock<Result<TestServices, String>> = OnceLock::new();
        let started = SHARED.get_or_init(|| {
            let postgres = LocalPostgres::start_temporary().map_err(|error| format!("{error:#}"))?;
            Ok(TestServices { postgres })
        });
        match started {
            Ok(services) => services,
            Err(reason) => panic!("the tests need a PostgreSQL of their own: {reason}"),
        }
    }

    /// The superuser's URL of a database on the tests' PostgreSQL; `postgres` always exists.
    pub fn postgres_superuser_url(&self, database: &str) -> String {
        self.postgres.superuser_url(database)
    }

    /// A Redis of the caller's own, which it may stop and restart.
    ///
    /// # Panics
    /// When Redis cannot be started, with the reason.
    pub fn redis(&self) -> LocalRedis {
        LocalRedis::start().unwrap_or_else(|error| panic!("the test needs a Redis of its own: {error:#}"))
    }
}
