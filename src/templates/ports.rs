//! What the slice needs from above; bound in `app.rs`.

use async_trait::async_trait;
use uuid::Uuid;

use crate::platform::{db::TenantTx, error::OpError};

/// Knows the links by which debtors sign in.
#[async_trait]
pub trait DebtorLinks: Send + Sync {
    /// The address of a good link to an account, made where there is none.
    ///
    /// # Errors
    /// User errors where the person cannot sign in; [`OpError`] otherwise.
    async fn address(&self, tx: &mut TenantTx, account: Uuid) -> Result<String, OpError>;

    /// An address that looks like one and leads nowhere.
    fn sample(&self) -> String;
}
