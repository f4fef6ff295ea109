//! What the slice needs from above; bound in `app.rs`.

use std::collections::HashSet;

use async_trait::async_trait;
use uuid::Uuid;

use crate::platform::{db::TenantTx, error::OpError};

/// Knows whether somebody is paying an account off.
#[async_trait]
pub trait ActivePlans: Send + Sync {
    /// Whether a payment plan of the account is running. The caller holds the account's lock.
    ///
    /// # Errors
    /// [`OpError`] as met.
    async fn is_running(&self, tx: &mut TenantTx, account: Uuid) -> Result<bool, OpError>;
}

/// Knows who is not to be contacted, and is told of more.
#[async_trait]
pub trait ContactBans: Send + Sync {
    /// Which of these numbers and addresses (blind indexes) are suppressed on some channel.
    ///
    /// # Errors
    /// [`OpError`] as met.
    async fn suppressed(&self, tx: &mut TenantTx, blinds: &[Vec<u8>]) -> Result<HashSet<Vec<u8>>, OpError>;

    /// Records that these numbers (blind indexes) are not to be contacted, whoever has them.
    ///
    /// # Errors
    /// [`OpError`] as met.
    async fn record_do_not_call(&self, tx: &mut TenantTx, numbers: &[Vec<u8>]) -> Result<(), OpError>;
}
