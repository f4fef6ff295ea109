//! The integration tests: one binary, real PostgreSQL, real Redis, the sandbox for vendors, an injected clock.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, and says where"
)]

mod abandoned;
mod account_lists;
mod account_search;
mod account_work;
mod accounts;
mod architecture;
mod assistant;
mod audit;
mod business;
mod catalogue;
mod compliance;
mod debtor_search;
mod debtor_sign_in;
mod delivery;
mod files;
mod idempotency;
mod identity;
mod imports;
mod isolation;
mod keys;
mod limits;
mod live;
mod main_job;
mod nodes;
mod operations;
mod partitions;
mod payments;
mod people;
mod privacy;
mod program;
mod routing;
mod statements;
mod support;
mod templates;
mod webhooks;
