//! Debtor and what hangs on it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AccountConnection;
use crate::{
    access::{Cell, authorize},
    accounts::{AccountLoaders, Channel, PostalAddress, store::DebtorRow},
    compliance::graphql::Hold,
    platform::{
        gql::{OpScope, PageArgs, ScopeExt as _, op_error},
        ids::{self, IdKind},
    },
};

/// What kind of contact point it is.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ContactPointKind {
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
}

/// A phone number or e-mail address of a person.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContactPoint {
    /// The contact point's id.
    id: ID,
    /// Phone or e-mail.
    kind: ContactPointKind,
    /// The number (E.164) or address; null after erasure.
    value: Option<String>,
    /// Whether the network said that it cannot be reached there.
    unreachable: bool,
}

crate::relay_connection!(Debtor, DebtorConnection, DebtorEdge);

/// A person who owes, with all that belongs to the person rather than to one debt.
#[derive(Clone)]
pub struct Debtor {
    row: Arc<DebtorRow>,
}

impl Debtor {
    /// Wraps a row, and notes whose personal data goes into the answer.
    pub(crate) fn new(scope: &OpScope, row: Arc<DebtorRow>) -> Self {
        scope.saw_debtor(row.id);
        Self { row }
    }

    /// Looks a debtor up; `None` when not the caller's or they may not read accounts.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::AccountRead).is_err() {
            return Ok(None);
        }
        let row = ctx
            .data::<AccountLoaders>()?
            .debtor(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self::new(scope, row)))
    }

    pub(super) async fn open(
        &self,
        ctx: &Context<'_>,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        cipher: &[u8],
    ) -> async_graphql::Result<Option<String>> {
        let keys = ctx.scope()?.keys().await.map_err(op_error)?;
        let Some(key) = keys
            .data_key(&self.row.keys.profile)
            .map_err(|e| op_error(e.into()))?
        else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, table, column, row, cipher)
            .map_err(|e| op_error(e.into()))?;
        Ok(Some(text.expose().clone()))
    }

    pub(super) async fn open_address(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<PostalAddress>> {
        let Some(cipher) = self.row.address_cipher.as_deref() else {
            return Ok(None);
        };
        let text = self
            .open(ctx, "debtors", "address_cipher", self.row.id, cipher)
            .await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

crate::fields_at_hand!(Debtor {
    "id" => id,
    "firstName" => first_name,
    "lastName" => last_name,
    "preferredLanguage" => preferred_language,
    "preferredContactMethod" => preferred_contact_method,
    "createdAt" => created_at,
});

/// A person who owes, with all that belongs to the person rather than to one debt.
#[Object]
impl Debtor {
    /// The debtor's id (`dbtr_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Debtor, self.row.id).into()
    }

    /// First name; null after erasure.
    async fn first_name(&self) -> Option<&str> {
        self.row.first_name.as_deref()
    }

    /// Last name; null after erasure.
    async fn last_name(&self) -> Option<&str> {
        self.row.last_name.as_deref()
    }

    /// Phone numbers and e-mail addresses (at most 40), phones first, each kind in order of preference.
    async fn contact_points(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ContactPoint>> {
        let contacts = ctx
            .data::<AccountLoaders>()?
            .contacts(ctx.scope()?, self.row.id)
            .await
            .map_err(op_error)?;
        let mut points: Vec<ContactPoint> = contacts
            .iter()
            .map(|contact| ContactPoint {
                id: ids::encode(IdKind::ContactPoint, contact.id).into(),
                kind: if contact.kind == "EMAIL" {
                    ContactPointKind::Email
                } else {
                    ContactPointKind::Phone
                },
                value: contact.value.as_ref().map(|value| value.expose().clone()),
                unreachable: contact.unreachable,
            })
            .collect();
        points.sort_by_key(|point| point.kind == ContactPointKind::Email);
        Ok(points)
    }

    /// Postal address; null when unknown or erased.
    async fn address(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PostalAddress>> {
        self.open_address(ctx).await
    }

    /// ISO 639-1 code of the language in which the person is written to.
    async fn preferred_language(&self) -> &str {
        &self.row.preferred_language
    }

    /// What stops or shapes collection from the person, on them or on one of their debts (at most 100), oldest first.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn holds(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Hold>> {
        Hold::of_debtor(ctx, self.row.id).await
    }

    /// How the person prefers to be contacted.
    async fn preferred_contact_method(&self) -> Option<Channel> {
        self.row.preferred_channel.as_deref().and_then(Channel::parse)
    }

    /// The person's debts at your business, newest first.
    #[graphql(complexity = "1 + first.unwrap_or(20).max(0) as usize * child_complexity")]
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AccountConnection> {
        super::queries::accounts_of_debtor(
            ctx,
            self.row.id,
            PageArgs {
                first,
                after,
                ..PageArgs::default()
            },
        )
        .await
    }

    /// When the person was first recorded.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}
