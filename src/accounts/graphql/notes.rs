//! Internal notes in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Debtor;
use crate::{
    accounts::{
        AccountLoaders, PageOf, add_note,
        notes::{NoteRow, note_by_id},
    },
    identity::graphql::User,
    platform::{
        gql::{
            AtHand, Done, EdgeCursor, OpScope, PageArgs, ScopeExt as _, UserError, input_id, mutate, op_error,
        },
        ids::{self, IdKind},
    },
};

/// An internal note on an account: staff's, never shown to the debtor.
#[derive(Clone)]
pub struct AccountNote {
    row: Arc<NoteRow>,
}

crate::relay_connection!(AccountNote, AccountNoteConnection, AccountNoteEdge);

impl AtHand for AccountNote {}

impl AccountNote {
    fn new(scope: &OpScope, row: Arc<NoteRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// Looks a note up; `None` when it is not of an account of the caller's.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        let row = ctx
            .data::<AccountLoaders>()?
            .note(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self::new(scope, row)))
    }

    /// An account's notes, newest first.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a page that cannot be, internal ones.
    pub(super) async fn of_account(
        ctx: &Context<'_>,
        account: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<AccountNoteConnection> {
        let page = args.check(ctx)?;
        let past = page.key::<Uuid>("notes")?;
        let scope = ctx.scope()?;
        let asked = PageOf::new(account, &page, past);
        let notes = ctx
            .data::<AccountLoaders>()?
            .notes(scope, asked)
            .await
            .map_err(op_error)?;
        let rows = notes
            .iter()
            .map(|row| (EdgeCursor::of("notes", row.id), Self::new(scope, row.clone())))
            .collect();
        Ok(AccountNoteConnection::from_rows(&page, rows))
    }
}

/// An internal note on an account: staff's, never shown to the debtor.
#[Object]
impl AccountNote {
    /// The note's id (`note_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Note, self.row.id).into()
    }

    /// What it says; null after erasure.
    async fn text(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        match Debtor::load_record(ctx, self.row.debtor_id).await? {
            Some(debtor) => {
                debtor
                    .open(
                        ctx,
                        "account_notes",
                        "body_cipher",
                        self.row.id,
                        &self.row.body_cipher,
                    )
                    .await
            }
            None => Ok(None),
        }
    }

    /// The member of staff who wrote it; null for an API key.
    async fn author(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.author_id {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The colleagues whom it names, at most 20.
    async fn mentions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<User>> {
        let users = self.row.mentioned.iter().map(|id| User::load(ctx, *id));
        let found = futures_util::future::try_join_all(users).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// When it was written.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}

/// A note to be written.
#[derive(Debug, InputObject)]
pub struct AddAccountNoteInput {
    /// The account.
    account_id: ID,
    /// What to note, 1 to 10,000 characters; never shown to the debtor.
    text: String,
    /// Colleagues whom the note names (`usr_…`), at most 20: active, and able to see the account. They are told
    /// (`MentionedInNote` in inboxEvents; by mail, who asked for it). How the text writes them is up to you.
    #[graphql(default)]
    mentioned_user_ids: Vec<ID>,
}

/// What addAccountNote answers.
#[derive(SimpleObject)]
pub struct AddAccountNotePayload {
    /// The new note; null when there are user errors.
    note: Option<AccountNote>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of notes.
#[derive(Default)]
pub struct NoteMutations;

#[Object]
impl NoteMutations {
    /// Writes an internal note on an account. Notes are never changed: write another one.
    async fn add_account_note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On which account, and what.")] input: AddAccountNoteInput,
    ) -> async_graphql::Result<AddAccountNotePayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let account = input_id(IdKind::Account, "accountId", &input.account_id)?;
            let ids = input.mentioned_user_ids.iter();
            let mentioned = ids
                .map(|id| input_id(IdKind::User, "mentionedUserIds", id))
                .collect::<Result<Vec<_>, _>>()?;
            let (keyring, db) = (scope.keyring(), scope.db());
            let note = add_note(tx, keyring, db, account, &input.text, &mentioned).await?;
            Ok(Done::from(note))
        })
        .await?;
        let row = match outcome.object {
            Some(id) => note_by_id(&mut *ctx.snapshot().await?, id)
                .await
                .map_err(|error| op_error(error.into()))?,
            None => None,
        };
        let scope = ctx.scope()?;
        Ok(AddAccountNotePayload {
            note: row.map(|row| AccountNote::new(scope, Arc::new(row))),
            user_errors: outcome.user_errors,
        })
    }
}
