//! A stand-in for Stripe under `/stripe`: PaymentIntents and Refunds on connected accounts with Stripe's published test payment
//! methods, an idempotency store, and signed webhooks.
//!
//! Not played: customers and saved payment methods, Checkout, SetupIntents, Billing; 3-D Secure pages and bank debits are
//! decided by whoever plays the payer ([`payer`]).

mod api;
mod error;
mod event;
mod methods;
mod objects;
pub mod payer;
pub mod signature;
mod store;

pub(super) use api::router;
pub(super) use store::StripeMemory;

pub use objects::{StripeDispute, StripeIntent, StripeRefund};

/// The platform's account at Stripe, and the accounts that are connected to it.
#[derive(Clone)]
pub struct StripePlatform {
    /// The platform's key, `sk_test_…`.
    pub secret_key: String,
    /// The connected accounts, `acct_…`.
    pub accounts: Vec<String>,
    /// Where webhooks are POSTed; empty where nobody listens.
    pub webhook_url: String,
    /// What webhooks are signed with, `whsec_…`: two while the secret is rolled.
    pub webhook_secrets: Vec<String>,
}
