//! Money on the wire: a decimal string and a currency.

use async_graphql::{Context, InputObject, ServerResult, SimpleObject};

use super::{AtHand, DecimalText, UserError, WriteValue as _};
use crate::platform::money::{Currency, Money};

/// An amount of money.
#[derive(Clone, Debug, SimpleObject)]
// Serial: the fields are there at once and need no task each.
#[graphql(name = "Money", serial)]
pub struct MoneyValue {
    /// The amount in the currency's major unit, with its usual decimals: `"1234.50"`.
    pub amount: DecimalText,
    /// ISO 4217 code, for example `USD`.
    pub currency: &'static str,
}

impl AtHand for MoneyValue {
    fn is_at_hand(field: &str) -> bool {
        ["amount", "currency"].contains(&field)
    }

    fn at_hand(&self, ctx: &Context<'_>, out: &mut Vec<u8>) -> Option<ServerResult<()>> {
        match ctx.item.node.name.node.as_str() {
            "amount" => self.amount.0.write_value(ctx, out),
            "currency" => self.currency.write_value(ctx, out),
            _ => None,
        }
    }
}

impl From<Money> for MoneyValue {
    fn from(money: Money) -> Self {
        Self {
            amount: DecimalText(money.to_decimal_string()),
            currency: money.currency().code(),
        }
    }
}

/// An amount of money.
#[derive(Clone, Debug, InputObject)]
pub struct MoneyInput {
    /// The amount in the currency's major unit as a string: `"1234.50"`. Never more decimals than the currency has.
    pub amount: DecimalText,
    /// ISO 4217 code.
    #[graphql(default = "USD")]
    pub currency: String,
}

impl MoneyInput {
    /// Parses it; `field` is the name under `input` for the user error.
    ///
    /// # Errors
    /// A user error that names `field.amount` or `field.currency` and says what is wrong.
    pub fn parse(&self, field: &str) -> Result<Money, UserError> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|error| UserError::invalid(&format!("{field}.currency"), format!("{error}")))?;
        Money::parse(&self.amount.0, currency)
            .map_err(|error| UserError::invalid(&format!("{field}.amount"), error.to_string()))
    }
}
