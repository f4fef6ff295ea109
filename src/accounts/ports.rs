//! What the slice needs from above; bound in `app.rs`.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::NaiveDate;
use uuid::Uuid;

use crate::platform::{
    db::TenantTx,
    error::OpError,
    keys::{TenantKeys, WrappedKey},
};

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

/// When the limitation period of an imported debt ends, or ended.
#[derive(Clone, Debug)]
pub struct ImportedLimitation {
    pub account: Uuid,
    pub debtor: Uuid,
    /// The person's record key.
    pub record_key: WrappedKey,
    /// The last day on which suit may be brought.
    pub expires_on: NaiveDate,
    /// The row of the file that says so.
    pub row: u32,
}

/// Takes down when limitation periods end.
#[async_trait]
pub trait Limitations: Send + Sync {
    /// Records what an import says (`by`: the import, and the member of staff who vouches for it). The caller holds the persons' locks.
    ///
    /// # Errors
    /// [`OpError`] as met.
    async fn record_imported(
        &self,
        tx: &mut TenantTx,
        keys: &TenantKeys,
        by: (Uuid, Uuid),
        limitations: &[ImportedLimitation],
    ) -> Result<(), OpError>;
}
