//! The list of deleted accounts.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{AccountNote, Debtor, notes::AccountNoteConnection, types::money};
use crate::{
    accounts::{
        AccountStatus,
        deleted_accounts::{DeletedRow, page_of_deleted},
    },
    platform::{
        gql::{AtHand, EdgeCursor, MoneyValue, OpScope, PageArgs, ScopeExt as _, op_error},
        ids::{self, IdKind},
    },
};

crate::relay_connection!(DeletedAccount, DeletedAccountConnection, DeletedAccountEdge);

/// An account that was deleted: nothing else shows it, and restoreAccount brings it back as it was.
#[derive(Clone)]
pub struct DeletedAccount {
    row: Arc<DeletedRow>,
}

impl AtHand for DeletedAccount {}

impl DeletedAccount {
    /// Notes whose personal data goes into the answer.
    fn new(scope: &OpScope, row: DeletedRow) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row: Arc::new(row) }
    }
}

/// An account that was deleted: nothing else shows it, and restoreAccount brings it back as it was.
#[Object]
impl DeletedAccount {
    /// The account's id (`acct_…`), for restoreAccount.
    async fn id(&self) -> ID {
        ids::encode(IdKind::Account, self.row.id).into()
    }

    /// Your number for it: no other account can have it.
    async fn account_number(&self) -> &str {
        &self.row.account_number
    }

    /// The person who owes it; null when they are not yours to see.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        Debtor::load(ctx, self.row.debtor_id).await
    }

    /// Where it stood.
    async fn status(&self) -> AccountStatus {
        AccountStatus::parse(&self.row.status)
    }

    /// What is owed.
    async fn current_balance(&self) -> async_graphql::Result<MoneyValue> {
        money(self.row.balance_minor, &self.row.currency)
    }

    /// Its notes, newest first: the first says why it was deleted, and by whom.
    async fn notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AccountNoteConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        };
        AccountNote::of_account(ctx, self.row.id, page).await
    }

    /// When it was placed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was deleted.
    async fn deleted_at(&self) -> DateTime<Utc> {
        self.row.deleted_at
    }
}

/// Queries about deleted accounts.
#[derive(Default)]
pub struct DeletedQueries;

#[Object]
impl DeletedQueries {
    /// The accounts that were deleted, the last first. An administrator can bring them back (restoreAccount).
    async fn deleted_accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<DeletedAccountConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<(DateTime<Utc>, Uuid)>("deletedAccounts")?;
        let scope = ctx.scope()?;
        let rows = page_of_deleted(&mut *ctx.snapshot().await?, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| {
                let key = (row.deleted_at, row.id);
                (
                    EdgeCursor::of("deletedAccounts", key),
                    DeletedAccount::new(scope, row),
                )
            })
            .collect();
        Ok(DeletedAccountConnection::from_rows(&page, rows))
    }
}
