//! Queries about payments.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::{Payment, PaymentConnection};
use crate::{
    payments::loaders::list,
    platform::{
        gql::{EdgeCursor, PageArgs, ScopeExt as _, not_found, op_error, parse_id},
        ids::IdKind,
    },
};

/// Queries about payments.
#[derive(Default)]
pub struct PaymentListQueries;

#[Object]
impl PaymentListQueries {
    /// One payment; null with a NOT_FOUND error when there is no such payment of yours.
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`pay_…`")] id: ID,
    ) -> async_graphql::Result<Option<Payment>> {
        let id = parse_id(IdKind::Payment, "id", &id)?;
        Payment::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("payment"))
    }

    /// Payments, newest first. An agent sees those of accounts that are assigned to them or to nobody.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<PaymentConnection> {
        let args = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        let page = args.check(ctx)?;
        let past = page.key::<Uuid>("payments")?;
        let scope = ctx.scope()?;
        let rows = list(&mut *ctx.snapshot().await?, past, page.fetch())
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| {
                (
                    EdgeCursor::of("payments", row.id),
                    Payment::new(scope, Arc::new(row)),
                )
            })
            .collect();
        Ok(PaymentConnection::from_rows(&page, rows))
    }
}
