//! What the slice needs from above; bound in `app.rs`.

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
