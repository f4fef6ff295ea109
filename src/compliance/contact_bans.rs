//! What an import asks and tells: which numbers and addresses are suppressed, and which are not to be called.

use std::collections::HashSet;

use async_trait::async_trait;
use serde_json::json;
use uuid::Uuid;

use crate::{
    accounts::ports::ContactBans,
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        ids,
    },
};

/// Answers from, and writes into, the suppression list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Suppressions;

#[async_trait]
impl ContactBans for Suppressions {
    async fn suppressed(&self, tx: &mut TenantTx, blinds: &[Vec<u8>]) -> Result<HashSet<Vec<u8>>, OpError> {
        let business = tx.business_id();
        let found = sqlx::query_scalar!(
            "SELECT DISTINCT address_blind FROM suppressions
             WHERE business_id = $1 AND address_blind = ANY($2) AND lifted_at IS NULL",
            business,
            blinds,
        )
        .fetch_all(tx.conn())
        .await?;
        Ok(found.into_iter().collect())
    }

    /// Text messages are calls (47 CFR 64.1200(c) with (f)(15)), and who did not say which way they mean is contacted at
    /// the number in none.
    async fn record_do_not_call(&self, tx: &mut TenantTx, numbers: &[Vec<u8>]) -> Result<(), OpError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let (business, now) = (tx.business_id(), tx.now());
        let new: Vec<Uuid> = numbers.iter().map(|_| ids::next()).collect();
        let recorded = sqlx::query_scalar!(
            "INSERT INTO suppressions (business_id, id, address_blind, kind, channel, reason, created_at)
             SELECT $1, n.id, n.blind, 'PHONE', 'ALL', 'STAFF', $2 FROM unnest($3::uuid[], $4::bytea[]) AS n(id, blind)
             ON CONFLICT (business_id, address_blind, channel, reason) WHERE lifted_at IS NULL DO NOTHING RETURNING id",
            business,
            now,
            &new,
            numbers,
        )
        .fetch_all(tx.conn())
        .await?;
        // One row for all of them: an import brings thousands.
        if let Some(first) = recorded.first() {
            let details = json!({ "channel": "ALL", "reason": "STAFF", "recorded": recorded });
            tx.audit(AuditEntry::plain("suppression.recorded", *first, &details));
        }
        Ok(())
    }
}
