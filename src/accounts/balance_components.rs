//! What a balance is made of on its itemization date (12 CFR 1006.34(c)(2)(vii)-(viii)): what the validation notice
//! itemizes. The amounts sum to the opening balance, to the cent.

use async_graphql::Enum;
use chrono::NaiveDate;
use uuid::Uuid;

use crate::{
    ledger,
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        gql::UserError,
        money::Money,
    },
};

/// Which of the reference dates of 12 CFR 1006.34(b)(3) the itemization date is.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ItemizationEvent {
    /// Date of the last periodic statement or invoice that the creditor provided (1006.34(b)(3)(i)).
    LastStatement,
    /// Date on which the debt was charged off (1006.34(b)(3)(ii)).
    ChargeOff,
    /// Date of the last payment that was applied to the debt (1006.34(b)(3)(iii)).
    LastPayment,
    /// Date of the transaction that gave rise to the debt (1006.34(b)(3)(iv)).
    Transaction,
    /// Date of a final court judgment on the amount of the debt (1006.34(b)(3)(v)).
    Judgment,
}

impl ItemizationEvent {
    const ALL: [Self; 5] = [
        Self::LastStatement,
        Self::ChargeOff,
        Self::LastPayment,
        Self::Transaction,
        Self::Judgment,
    ];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LastStatement => "LAST_STATEMENT",
            Self::ChargeOff => "CHARGE_OFF",
            Self::LastPayment => "LAST_PAYMENT",
            Self::Transaction => "TRANSACTION",
            Self::Judgment => "JUDGMENT",
        }
    }

    /// The reverse of [`ItemizationEvent::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == text)
    }
}

/// What a balance is made of; all amounts in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceComponents {
    pub principal: Money,
    pub interest: Money,
    pub fees: Money,
    pub costs: Money,
    pub itemization_date: NaiveDate,
    pub event: ItemizationEvent,
}

impl BalanceComponents {
    /// Checks the amounts against the opening balance, and that the date has come (`today` is a UTC date; one that
    /// has come somewhere on earth is let pass).
    ///
    /// # Errors
    /// INVALID_INPUT names what does not fit and by how much.
    pub fn check(&self, opening: Money, today: NaiveDate) -> Result<(), UserError> {
        let parts = [self.principal, self.interest, self.fees, self.costs];
        if parts.iter().any(|part| part.currency() != opening.currency()) {
            let message = format!(
                "Give all amounts in {}, the account's currency.",
                opening.currency()
            );
            return Err(UserError::invalid("balanceComponents", message));
        }
        let sum = Money::checked_sum(parts, opening.currency())
            .map_err(|error| UserError::invalid("balanceComponents", error.to_string()))?;
        if sum != opening {
            let message = format!(
                "The components sum to {sum}, the balance when the account was placed is {opening}: make them equal."
            );
            return Err(UserError::invalid("balanceComponents", message));
        }
        if self.itemization_date > today.succ_opt().unwrap_or(today) {
            return Err(UserError::invalid(
                "balanceComponents.itemizationDate",
                "This date has not come yet: give the date of the statement, charge-off, payment, transaction or judgment.",
            ));
        }
        Ok(())
    }
}

/// The stored components of one account.
#[derive(Clone, Debug)]
pub(super) struct ComponentsRow {
    pub(super) account_id: Uuid,
    pub(super) principal_minor: i64,
    pub(super) interest_minor: i64,
    pub(super) fees_minor: i64,
    pub(super) costs_minor: i64,
    pub(super) itemization_date: NaiveDate,
    pub(super) itemization_event: String,
}

/// Stores the components of an account, in place of earlier ones, once they are found to sum to its opening balance.
///
/// # Errors
/// INVALID_INPUT for components that do not fit.
pub(super) async fn set_components(
    tx: &mut TenantTx,
    account: Uuid,
    debtor: Uuid,
    components: &BalanceComponents,
) -> Result<(), OpError> {
    let opening = ledger::opening_of(tx, account)
        .await?
        .ok_or_else(|| anyhow::anyhow!("account {account} has no opening entry"))?;
    let (business, now) = (tx.business_id(), tx.now());
    components.check(opening, now.date_naive())?;
    sqlx::query!(
        "INSERT INTO balance_components (business_id, account_id, debtor_id, principal_minor, interest_minor, fees_minor,
             costs_minor, itemization_date, itemization_event, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (business_id, account_id) DO UPDATE SET principal_minor = $4, interest_minor = $5, fees_minor = $6,
             costs_minor = $7, itemization_date = $8, itemization_event = $9, updated_at = $10",
        business,
        account,
        debtor,
        components.principal.minor(),
        components.interest.minor(),
        components.fees.minor(),
        components.costs.minor(),
        components.itemization_date,
        components.event.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The components of these accounts; those without are missing in the answer.
pub(super) async fn components_of(
    tx: &mut TenantTx,
    accounts: &[Uuid],
) -> Result<Vec<ComponentsRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        ComponentsRow,
        "SELECT account_id, principal_minor, interest_minor, fees_minor, costs_minor, itemization_date, itemization_event
         FROM balance_components WHERE business_id = $1 AND account_id = ANY($2)",
        business,
        accounts,
    )
    .fetch_all(tx.conn())
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::money::Currency;

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    fn components(principal: i64, interest: i64, fees: i64, costs: i64) -> BalanceComponents {
        let money = |minor| Money::from_minor(minor, usd());
        BalanceComponents {
            principal: money(principal),
            interest: money(interest),
            fees: money(fees),
            costs: money(costs),
            itemization_date: "2026-01-31".parse().unwrap(),
            event: ItemizationEvent::ChargeOff,
        }
    }

    #[test]
    fn components_sum_to_the_opening_balance_to_the_cent() {
        let today = "2026-06-10".parse().unwrap();
        let opening = Money::from_minor(123_450, usd());
        assert_eq!(
            components(100_000, 20_000, 3_000, 450).check(opening, today),
            Ok(())
        );
        let error = components(100_000, 20_000, 3_000, 449)
            .check(opening, today)
            .unwrap_err();
        assert!(error.message.contains("1234.49"), "{}", error.message);
        assert!(components(i64::MAX, 1, 0, 0).check(opening, today).is_err());
        let euros = Money::from_minor(123_450, "EUR".parse().unwrap());
        assert!(
            components(100_000, 20_000, 3_000, 450)
                .check(euros, today)
                .is_err()
        );
    }

    #[test]
    fn an_itemization_date_has_come() {
        let components = components(1, 0, 0, 0);
        let one_cent = Money::from_minor(1, usd());
        let ask = |today: &str| components.check(one_cent, today.parse().unwrap());
        assert!(ask("2026-01-29").is_err());
        assert_eq!(
            ask("2026-01-30"),
            Ok(()),
            "it has come on the other side of the earth"
        );
        assert_eq!(ask("2026-02-01"), Ok(()));
    }

    #[test]
    fn every_event_is_read_as_it_is_written() {
        for event in ItemizationEvent::ALL {
            assert_eq!(ItemizationEvent::parse(event.as_str()), Some(event));
        }
        assert_eq!(ItemizationEvent::parse("BIRTHDAY"), None);
    }
}
