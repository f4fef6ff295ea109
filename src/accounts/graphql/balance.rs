//! What a balance is made of, in the API.

use async_graphql::{Context, InputObject, SimpleObject};
use uuid::Uuid;

use crate::{
    accounts::{AccountLoaders, BalanceComponents, ItemizationEvent, balance_components::ComponentsRow},
    platform::{
        gql::{Date, MoneyInput, MoneyValue, ScopeExt as _, UserError, op_error},
        money::Money,
    },
};

/// What the balance was made of on the itemization date (12 CFR 1006.34(c)(2)(vii)-(viii)). The amounts sum to the
/// balance with which the account was placed.
#[derive(Clone, Debug, InputObject)]
pub struct BalanceComponentsInput {
    /// The debt itself. Needed.
    principal: Option<MoneyInput>,
    /// Interest; none when left out.
    interest: Option<MoneyInput>,
    /// Fees; none when left out.
    fees: Option<MoneyInput>,
    /// Costs, for example of a court; none when left out.
    costs: Option<MoneyInput>,
    /// The itemization date. Needed.
    itemization_date: Option<Date>,
    /// What happened on that date. Needed.
    itemization_event: Option<ItemizationEvent>,
}

impl BalanceComponentsInput {
    /// Parses every field; all problems are reported together.
    ///
    /// # Errors
    /// The user errors.
    pub(super) fn parse(&self) -> Result<BalanceComponents, Vec<UserError>> {
        let mut errors = Vec::new();
        let mut read = |name: &str, amount: &Option<MoneyInput>| {
            let parsed = amount
                .as_ref()
                .map(|amount| amount.parse(&format!("balanceComponents.{name}")))
                .transpose();
            parsed.unwrap_or_else(|error| {
                errors.push(error);
                None
            })
        };
        let principal = read("principal", &self.principal);
        let (interest, fees, costs) = (
            read("interest", &self.interest),
            read("fees", &self.fees),
            read("costs", &self.costs),
        );
        if !errors.is_empty() {
            return Err(errors);
        }
        let missing = |name: &str| {
            let message = "Components need principal, itemizationDate and itemizationEvent.";
            vec![UserError::invalid(&format!("balanceComponents.{name}"), message)]
        };
        let principal = principal.ok_or_else(|| missing("principal"))?;
        let none = Money::zero(principal.currency());
        Ok(BalanceComponents {
            principal,
            interest: interest.unwrap_or(none),
            fees: fees.unwrap_or(none),
            costs: costs.unwrap_or(none),
            itemization_date: self
                .itemization_date
                .map(|date| date.0)
                .ok_or_else(|| missing("itemizationDate"))?,
            event: self
                .itemization_event
                .ok_or_else(|| missing("itemizationEvent"))?,
        })
    }
}

/// What the balance was made of on the itemization date (12 CFR 1006.34(c)(2)(vii)-(viii)).
#[derive(Clone, SimpleObject)]
#[graphql(name = "BalanceComponents")]
pub struct BalanceComponentsValue {
    /// The debt itself.
    principal: MoneyValue,
    /// Interest.
    interest: MoneyValue,
    /// Fees.
    fees: MoneyValue,
    /// Costs, for example of a court.
    costs: MoneyValue,
    /// Which of the reference dates of 12 CFR 1006.34(b)(3) the itemization date is.
    itemization_event: Option<ItemizationEvent>,
}

impl BalanceComponentsValue {
    /// The components of an account in this currency.
    ///
    /// # Errors
    /// Internal ones only.
    pub(super) async fn of_account(
        ctx: &Context<'_>,
        account: Uuid,
        currency: &str,
    ) -> async_graphql::Result<Option<Self>> {
        let Some(row) = row(ctx, account).await? else {
            return Ok(None);
        };
        let money = |minor| super::types::money(minor, currency);
        Ok(Some(Self {
            principal: money(row.principal_minor)?,
            interest: money(row.interest_minor)?,
            fees: money(row.fees_minor)?,
            costs: money(row.costs_minor)?,
            itemization_event: ItemizationEvent::parse(&row.itemization_event),
        }))
    }
}

/// The itemization date of an account.
pub(super) async fn itemization_date(
    ctx: &Context<'_>,
    account: Uuid,
) -> async_graphql::Result<Option<Date>> {
    Ok(row(ctx, account).await?.map(|row| Date(row.itemization_date)))
}

async fn row(
    ctx: &Context<'_>,
    account: Uuid,
) -> async_graphql::Result<Option<std::sync::Arc<ComponentsRow>>> {
    ctx.data::<AccountLoaders>()?
        .components(ctx.scope()?, account)
        .await
        .map_err(op_error)
}
