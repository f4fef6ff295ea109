//! What balances are made of, of many accounts at once.

use chrono::NaiveDate;
use uuid::Uuid;

use super::row::ParsedComponents;
use crate::platform::db::{DbError, TenantTx};

/// Column by column; the rows that tell of it alone.
#[derive(Default)]
pub(super) struct Components {
    accounts: Vec<Uuid>,
    debtors: Vec<Uuid>,
    principals: Vec<i64>,
    interests: Vec<i64>,
    fees: Vec<i64>,
    costs: Vec<i64>,
    dates: Vec<NaiveDate>,
    events: Vec<String>,
}

impl Components {
    pub(super) fn add(&mut self, account: Uuid, debtor: Uuid, told: &ParsedComponents) {
        self.accounts.push(account);
        self.debtors.push(debtor);
        self.principals.push(told.principal_minor);
        self.interests.push(told.interest_minor);
        self.fees.push(told.fees_minor);
        self.costs.push(told.costs_minor);
        self.dates.push(told.itemization_date);
        self.events.push(told.itemization_event.clone());
    }

    /// Writes all of them in one statement; they were found to sum to their balances when the file was read.
    pub(super) async fn write(&self, tx: &mut TenantTx) -> Result<(), DbError> {
        if self.accounts.is_empty() {
            return Ok(());
        }
        let (business, now) = (tx.business_id(), tx.now());
        sqlx::query!(
            "INSERT INTO balance_components (business_id, account_id, debtor_id, principal_minor, interest_minor, fees_minor,
                 costs_minor, itemization_date, itemization_event, updated_at)
             SELECT $1, c.account, c.debtor, c.principal, c.interest, c.fees, c.costs, c.day, c.event, $2
             FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::date[], $10::text[])
                 AS c(account, debtor, principal, interest, fees, costs, day, event)",
            business,
            now,
            &self.accounts,
            &self.debtors,
            &self.principals,
            &self.interests,
            &self.fees,
            &self.costs,
            &self.dates,
            &self.events,
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}
