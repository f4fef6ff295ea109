//! The audit trail: append-only, numbered and hash-chained per business in the transaction of the act itself
//! (`TenantTx::audit`, `SystemTx::audit`). Here it is read and verified; reads of personal data are logged.
//!
//! Owns `audit_events`, `platform_audit_events`, `audit_checkpoints`, `platform_audit_checkpoints`, `audit_bundles`,
//! `access_log`. May import `platform`, `identity`, `access`, `files`.

mod access_log;
mod bundles;
mod chain_store;
mod checkpoint;
mod export;
pub mod graphql;
mod sign_checkpoints;
pub mod verify;

pub use access_log::{AccessEntry, AccessLog};
pub use bundles::{Bundler, RunBundle, run_bundle};
pub use checkpoint::{BadCheckpoint, Checkpoint, CheckpointKeys, CheckpointSigner, Trail};
pub use export::{Chain, Entry, VerifiedBundle, Walked, read_chain, verify_bundle, write_bundle};
pub use sign_checkpoints::{Checkpoints, SignCheckpoint};
