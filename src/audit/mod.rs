//! The audit trail: append-only, numbered and hash-chained per business in the transaction of the act itself
//! (`TenantTx::audit`, `SystemTx::audit`). Here it is read and verified; reads of personal data are logged.
//!
//! Owns `audit_events`, `platform_audit_events`, `access_log`. May import `platform`, `identity`, `access`.

mod access_log;
mod export;
pub mod graphql;
pub mod verify;

pub use access_log::{AccessEntry, AccessLog};
pub use export::{Chain, export_chain, read_chain, verify_export};
