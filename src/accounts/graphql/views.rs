//! Saved views in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, InputType as _, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::{AccountFilter, AccountOrder, AccountOrderField, OrderDirection, queries::search_problem};
use crate::{
    accounts::{
        list::AccountCriteria,
        views::{NewView, ViewRow, delete_view, save_view, views_for_caller},
    },
    identity::graphql::User,
    platform::{
        db::TenantTx,
        error::OpError,
        gql::{Done, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// A filter, order and search of accounts under a name.
#[derive(Clone)]
pub struct AccountView {
    row: Arc<ViewRow>,
}

/// The order of a saved view.
#[derive(SimpleObject)]
pub struct AccountViewOrder {
    /// By what.
    field: AccountOrderField,
    /// Which way.
    direction: OrderDirection,
}

/// A filter, order and search of accounts under a name.
#[Object]
impl AccountView {
    /// The view's id (`view_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::AccountView, self.row.id).into()
    }

    /// Its name, unique among its owner's.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// An AccountFilter as JSON: pass it as the variable `filter` of `accounts`.
    async fn filter(&self) -> Json<&serde_json::Value> {
        Json(&self.row.filter)
    }

    /// Its order: pass it as the variable `orderBy` of `accounts`.
    async fn order_by(&self) -> AccountViewOrder {
        AccountViewOrder {
            field: AccountOrderField::parse(&self.row.order_field),
            direction: if self.row.order_descending {
                OrderDirection::Desc
            } else {
                OrderDirection::Asc
            },
        }
    }

    /// What is searched for: pass it as the variable `search` of `accounts`.
    async fn search(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let Some(cipher) = self.row.search_cipher.as_deref() else {
            return Ok(None);
        };
        let keys = ctx.scope()?.keys().await.map_err(op_error)?;
        let key = keys
            .own_key_of(self.row.key_version)
            .ok_or_else(|| op_error(anyhow::anyhow!("no such version of the business key").into()))?;
        let text = keys
            .open_text(&key, "account_views", "search_cipher", self.row.id, cipher)
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.expose().clone()))
    }

    /// Whether all colleagues see it.
    async fn shared(&self) -> bool {
        self.row.shared
    }

    /// Who made it, and alone may change it.
    async fn owner(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        User::load(ctx, self.row.owner_id).await
    }

    /// When it was saved last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }
}

/// A view to be kept.
#[derive(Debug, InputObject)]
pub struct SaveAccountViewInput {
    /// A view of yours to replace; a new one when left out.
    id: Option<ID>,
    /// Its name, 1 to 100 characters, unique among yours.
    name: String,
    /// Which accounts; all of them when left out.
    filter: Option<AccountFilter>,
    /// In which order; newest first when left out.
    order_by: Option<AccountOrder>,
    /// What to search for, as in `accounts`.
    search: Option<String>,
    /// Whether all colleagues see it.
    #[graphql(default = false)]
    shared: bool,
}

impl SaveAccountViewInput {
    fn parse(&self, tx: &TenantTx) -> Result<NewView, UserError> {
        let id = self
            .id
            .as_ref()
            .map(|id| input_id(IdKind::AccountView, "id", id))
            .transpose()?;
        let criteria = match &self.filter {
            Some(filter) => filter
                .parse(tx.now().date_naive())
                .map_err(|problem| UserError::invalid(&problem.place, problem.message))?,
            None => AccountCriteria::default(),
        };
        let search = self.search.as_deref().map(str::trim).map(str::to_owned);
        if let Some(problem) = search.as_deref().and_then(search_problem) {
            return Err(UserError::invalid("search", problem));
        }
        let (ordering, order_descending) = AccountOrder::parts(self.order_by);
        Ok(NewView {
            id,
            name: self.name.clone(),
            filter: self.filter.as_ref().map_or_else(
                || serde_json::json!({}),
                |filter| without_nulls(filter.to_value().into_json().unwrap_or_default()),
            ),
            criteria,
            order_field: ordering.as_str(),
            order_descending,
            search,
            shared: self.shared,
        })
    }
}

/// What was left out stays out.
pub(super) fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        serde_json::Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// A view to be deleted.
#[derive(Debug, InputObject)]
pub struct DeleteAccountViewInput {
    /// A view of yours.
    id: ID,
}

/// What saveAccountView answers.
#[derive(SimpleObject)]
pub struct SaveAccountViewPayload {
    /// The view; null when there are user errors.
    view: Option<AccountView>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What deleteAccountView answers.
#[derive(SimpleObject)]
pub struct DeleteAccountViewPayload {
    /// The id of the view that is gone; null when there are user errors.
    deleted_id: Option<ID>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries about saved views.
#[derive(Default)]
pub struct ViewQueries;

#[Object]
impl ViewQueries {
    /// Your saved views of accounts and those that colleagues share (at most 200), in alphabetical order.
    async fn account_views(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<AccountView>> {
        views(ctx).await
    }
}

async fn views(ctx: &Context<'_>) -> async_graphql::Result<Vec<AccountView>> {
    let rows = views_for_caller(&mut *ctx.snapshot().await?)
        .await
        .map_err(|error| op_error(error.into()))?;
    Ok(rows
        .into_iter()
        .map(|row| AccountView { row: Arc::new(row) })
        .collect())
}

/// Mutations of saved views.
#[derive(Default)]
pub struct ViewMutations;

#[Object]
impl ViewMutations {
    /// Keeps a filter, order and search of accounts under a name.
    async fn save_account_view(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The view.")] input: SaveAccountViewInput,
    ) -> async_graphql::Result<SaveAccountViewPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let view = input.parse(tx).map_err(OpError::from)?;
            Ok(Done::from(
                save_view(tx, scope.keyring(), scope.db(), view).await?,
            ))
        })
        .await?;
        let view = match outcome.object {
            Some(id) => views(ctx).await?.into_iter().find(|view| view.row.id == id),
            None => None,
        };
        Ok(SaveAccountViewPayload {
            view,
            user_errors: outcome.user_errors,
        })
    }

    /// Deletes a saved view of yours.
    async fn delete_account_view(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which view.")] input: DeleteAccountViewInput,
    ) -> async_graphql::Result<DeleteAccountViewPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::AccountView, "id", &input.id)?;
            delete_view(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(DeleteAccountViewPayload {
            deleted_id: outcome
                .object
                .map(|id| ids::encode(IdKind::AccountView, id).into()),
            user_errors: outcome.user_errors,
        })
    }
}
