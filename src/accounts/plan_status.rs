//! Whether a plan is running, as the account itself says.

use async_trait::async_trait;
use uuid::Uuid;

use super::ports::ActivePlans;
use crate::platform::{db::TenantTx, error::OpError};

/// Answers from the account's status.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlanStatus;

#[async_trait]
impl ActivePlans for PlanStatus {
    async fn is_running(&self, tx: &mut TenantTx, account: Uuid) -> Result<bool, OpError> {
        let business = tx.business_id();
        let running = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM accounts
                 WHERE business_id = $1 AND id = $2 AND status = 'IN_PAYMENT_PLAN') AS "running!""#,
            business,
            account,
        )
        .fetch_one(tx.conn())
        .await?;
        Ok(running)
    }
}
