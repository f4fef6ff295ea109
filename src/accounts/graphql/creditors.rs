//! Creditors and placements in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::{
        AccountLoaders, PlacementPatch, create_creditor, create_placement,
        creditors::{CreditorRow, PlacementRow, page_of_creditors, page_of_placements},
        update_creditor, update_placement,
    },
    platform::{
        gql::{
            AtHand, Date, Done, EdgeCursor, PageArgs, ScopeExt as _, UserError, input_id, mutate, op_error,
            parse_id,
        },
        ids::{self, IdKind},
    },
};

/// Who is owed: the party on whose behalf you collect.
#[derive(Clone)]
pub struct Creditor {
    row: Arc<CreditorRow>,
}

/// Accounts that a creditor handed over together.
#[derive(Clone)]
pub struct Placement {
    row: Arc<PlacementRow>,
}

crate::relay_connection!(Creditor, CreditorConnection, CreditorEdge);
crate::relay_connection!(Placement, PlacementConnection, PlacementEdge);

impl AtHand for Creditor {}
impl AtHand for Placement {}

impl Creditor {
    /// Looks a creditor up; `None` when it is not of the caller's business.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let row = ctx
            .data::<AccountLoaders>()?
            .creditor(ctx.scope()?, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self { row }))
    }

    /// The same of several, in one look-up; those that are not there are left out.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load_all(ctx: &Context<'_>, ids: &[Uuid]) -> async_graphql::Result<Vec<Self>> {
        let found = futures_util::future::try_join_all(ids.iter().map(|id| Self::load(ctx, *id))).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl Placement {
    /// Looks a placement up; `None` when it is not of the caller's business.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let row = ctx
            .data::<AccountLoaders>()?
            .placement(ctx.scope()?, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self { row }))
    }
}

/// Who is owed: the party on whose behalf you collect.
#[Object]
impl Creditor {
    /// The creditor's id (`cred_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Creditor, self.row.id).into()
    }

    /// Its name, unique in your business.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// When it was recorded.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}

/// Accounts that a creditor handed over together.
#[Object]
impl Placement {
    /// The placement's id (`plc_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Placement, self.row.id).into()
    }

    /// Whose it is.
    async fn creditor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Creditor>> {
        Creditor::load(ctx, self.row.creditor_id).await
    }

    /// Its name, unique among the creditor's.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// When the accounts were handed over.
    async fn placed_on(&self) -> Date {
        Date(self.row.placed_on)
    }

    /// When it was recorded.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}

/// A new creditor.
#[derive(Debug, InputObject)]
pub struct CreateCreditorInput {
    /// Its name, 1 to 200 characters, unique in your business whatever the case of its letters.
    name: String,
}

/// A new placement.
#[derive(Debug, InputObject)]
pub struct CreatePlacementInput {
    /// Whose it is.
    creditor_id: ID,
    /// Its name, 1 to 200 characters, unique among the creditor's.
    name: String,
    /// When the accounts were handed over; today (a UTC date) when left out.
    placed_on: Option<Date>,
}

/// Another name for a creditor.
#[derive(Debug, InputObject)]
pub struct UpdateCreditorInput {
    /// The creditor.
    id: ID,
    /// Its new name, 1 to 200 characters, unique in your business whatever the case of its letters. Letters that were
    /// written before keep the old one.
    name: String,
}

/// Changes to a placement: a field that is left out, or null, stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdatePlacementInput {
    /// The placement.
    id: ID,
    /// Its new name, 1 to 200 characters, unique among the creditor's.
    name: Option<String>,
    /// When the accounts were handed over.
    placed_on: Option<Date>,
}

/// What updateCreditor answers.
#[derive(SimpleObject)]
pub struct UpdateCreditorPayload {
    /// The changed creditor; null when there are user errors.
    creditor: Option<Creditor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What updatePlacement answers.
#[derive(SimpleObject)]
pub struct UpdatePlacementPayload {
    /// The changed placement; null when there are user errors.
    placement: Option<Placement>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What createCreditor answers.
#[derive(SimpleObject)]
pub struct CreateCreditorPayload {
    /// The new creditor; null when there are user errors.
    creditor: Option<Creditor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What createPlacement answers.
#[derive(SimpleObject)]
pub struct CreatePlacementPayload {
    /// The new placement; null when there are user errors.
    placement: Option<Placement>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries about creditors.
#[derive(Default)]
pub struct CreditorQueries;

#[Object]
impl CreditorQueries {
    /// Your creditors, in alphabetical order.
    async fn creditors(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<CreditorConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<(String, Uuid)>("creditors")?;
        let rows = page_of_creditors(&mut *ctx.snapshot().await?, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| {
                let key = (row.name_key.clone(), row.id);
                (EdgeCursor::of("creditors", key), Creditor { row: Arc::new(row) })
            })
            .collect();
        Ok(CreditorConnection::from_rows(&page, rows))
    }

    /// What was handed over, newest first.
    async fn placements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this creditor only.")] creditor_id: Option<ID>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<PlacementConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let creditor = creditor_id
            .as_ref()
            .map(|id| parse_id(IdKind::Creditor, "creditorId", id))
            .transpose()?;
        let past = page.key::<Uuid>("placements")?;
        let rows = page_of_placements(&mut *ctx.snapshot().await?, creditor, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| {
                (
                    EdgeCursor::of("placements", row.id),
                    Placement { row: Arc::new(row) },
                )
            })
            .collect();
        Ok(PlacementConnection::from_rows(&page, rows))
    }
}

/// Mutations of creditors and placements.
#[derive(Default)]
pub struct CreditorMutations;

#[Object]
impl CreditorMutations {
    /// Records a creditor.
    async fn create_creditor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The creditor.")] input: CreateCreditorInput,
    ) -> async_graphql::Result<CreateCreditorPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            Ok(Done::from(create_creditor(tx, &input.name).await?))
        })
        .await?;
        let creditor = match outcome.object {
            Some(id) => Creditor::load(ctx, id).await?,
            None => None,
        };
        Ok(CreateCreditorPayload {
            creditor,
            user_errors: outcome.user_errors,
        })
    }

    /// Records that a creditor hands accounts over; name it in createAccount or updateAccount.
    async fn create_placement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The placement.")] input: CreatePlacementInput,
    ) -> async_graphql::Result<CreatePlacementPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let creditor = input_id(IdKind::Creditor, "creditorId", &input.creditor_id)?;
            let placed_on = input.placed_on.map(|date| date.0);
            Ok(Done::from(
                create_placement(tx, creditor, &input.name, placed_on).await?,
            ))
        })
        .await?;
        let placement = match outcome.object {
            Some(id) => Placement::load(ctx, id).await?,
            None => None,
        };
        Ok(CreatePlacementPayload {
            placement,
            user_errors: outcome.user_errors,
        })
    }

    /// Gives a creditor another name.
    async fn update_creditor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which creditor, and its name.")] input: UpdateCreditorInput,
    ) -> async_graphql::Result<UpdateCreditorPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Creditor, "id", &input.id)?;
            update_creditor(tx, id, &input.name).await?;
            Ok(Done::from(id))
        })
        .await?;
        let creditor = match outcome.object {
            Some(id) => Creditor::load(ctx, id).await?,
            None => None,
        };
        Ok(UpdateCreditorPayload {
            creditor,
            user_errors: outcome.user_errors,
        })
    }

    /// Changes the name of a placement, or the day on which the accounts were handed over.
    async fn update_placement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which placement, and what changes.")] input: UpdatePlacementInput,
    ) -> async_graphql::Result<UpdatePlacementPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Placement, "id", &input.id)?;
            let patch = PlacementPatch {
                name: input.name.clone(),
                placed_on: input.placed_on.map(|date| date.0),
            };
            update_placement(tx, id, &patch).await?;
            Ok(Done::from(id))
        })
        .await?;
        let placement = match outcome.object {
            Some(id) => Placement::load(ctx, id).await?,
            None => None,
        };
        Ok(UpdatePlacementPayload {
            placement,
            user_errors: outcome.user_errors,
        })
    }
}
