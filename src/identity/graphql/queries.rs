//! Queries of the slice.

use async_graphql::{Context, Object};

use super::types::{Business, Viewer};
use crate::identity::Caller;

/// Queries about yourself and your business.
#[derive(Default)]
pub struct ViewerQueries;

#[Object]
impl ViewerQueries {
    /// Who you are, and what you may do.
    async fn viewer(&self, ctx: &Context<'_>) -> async_graphql::Result<Viewer> {
        Ok(Viewer {
            caller: ctx.data::<Caller>()?.clone(),
        })
    }

    /// Your business.
    async fn business(&self, ctx: &Context<'_>) -> async_graphql::Result<Business> {
        Business::of_caller(ctx).await
    }
}
