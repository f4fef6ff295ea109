//! Stripe: payments on connected accounts over REST, and its webhooks' signatures and contents.
//!
//! Small typed requests over the shared HTTP client, which has a timeout: a client library would add a minute to a build for
//! six calls, and its parser of signatures refuses events while a secret is rolled.

pub mod declines;
pub mod event;
mod gateway;
mod objects;
pub mod signature;

pub use gateway::StripePayments;
