//! Documents in the API.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::{
        AccountLoaders, PageOf,
        documents::{DocumentRow, NewDocument, add_document, delete_document, document_by_id},
        shown_documents::set_shown,
    },
    files::Files,
    identity::graphql::User,
    platform::{
        crypto::CryptoError,
        gql::{
            AtHand, Done, EdgeCursor, OpScope, PageArgs, ScopeExt as _, UserError, input_id, mutate, op_error,
        },
        ids::{self, IdKind},
    },
};

/// What a document is.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DocumentKind {
    /// A bill or invoice.
    Invoice,
    /// A contract or agreement.
    Agreement,
    /// A letter or other correspondence.
    Letter,
    /// A photograph.
    Photo,
    /// What validates the debt, a validation notice among it (12 CFR 1006.34).
    Validation,
    /// Anything else.
    Other,
}

impl DocumentKind {
    const ALL: [Self; 6] = [
        Self::Invoice,
        Self::Agreement,
        Self::Letter,
        Self::Photo,
        Self::Validation,
        Self::Other,
    ];

    /// As the database spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "INVOICE",
            Self::Agreement => "AGREEMENT",
            Self::Letter => "LETTER",
            Self::Photo => "PHOTO",
            Self::Validation => "VALIDATION",
            Self::Other => "OTHER",
        }
    }

    fn parse(text: &str) -> Self {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.unwrap_or(Self::Other)
    }
}

/// A document of an account or a conversation. A debtor sees those of their account that staff show them.
#[derive(Clone)]
pub struct Document {
    row: Arc<DocumentRow>,
}

crate::relay_connection!(Document, DocumentConnection, DocumentEdge);

impl AtHand for Document {}

impl Document {
    fn new(scope: &OpScope, row: Arc<DocumentRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// An account's documents, newest first.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a page that cannot be, internal ones.
    pub(super) async fn of_account(
        ctx: &Context<'_>,
        account: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<DocumentConnection> {
        let page = args.check(ctx)?;
        let past = page.key::<Uuid>("documents")?;
        let scope = ctx.scope()?;
        let asked = PageOf::new(account, &page, past);
        let documents = ctx
            .data::<AccountLoaders>()?
            .documents(scope, asked)
            .await
            .map_err(op_error)?;
        let rows = documents
            .iter()
            .map(|row| (EdgeCursor::of("documents", row.id), Self::new(scope, row.clone())))
            .collect();
        Ok(DocumentConnection::from_rows(&page, rows))
    }

    /// A thread's documents, newest first; the thread was read within the caller's scope.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a page that cannot be, internal ones.
    pub async fn of_conversation(
        ctx: &Context<'_>,
        conversation: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<DocumentConnection> {
        let page = args.check(ctx)?;
        let past = page.key::<Uuid>("thread documents")?;
        let scope = ctx.scope()?;
        let asked = PageOf::new(conversation, &page, past);
        let documents = ctx
            .data::<AccountLoaders>()?
            .thread_documents(scope, asked)
            .await
            .map_err(op_error)?;
        let rows = documents
            .iter()
            .map(|row| {
                let cursor = EdgeCursor::of("thread documents", row.id);
                (cursor, Self::new(scope, row.clone()))
            })
            .collect();
        Ok(DocumentConnection::from_rows(&page, rows))
    }

    /// Looks a document up; `None` when it is not the caller's, or was deleted.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        let row = ctx
            .data::<AccountLoaders>()?
            .document(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self::new(scope, row)))
    }

    async fn name(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let keys = ctx.scope()?.keys().await.map_err(op_error)?;
        self.row.file.name(&keys).map_err(|error| op_error(error.into()))
    }
}

/// A document of an account or a conversation. A debtor sees those of their account that staff show them.
#[Object]
impl Document {
    /// The document's id (`doc_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Document, self.row.id).into()
    }

    /// What it is.
    async fn kind(&self) -> DocumentKind {
        DocumentKind::parse(&self.row.kind)
    }

    /// The file's name; null after erasure.
    async fn file_name(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.name(ctx).await
    }

    /// The type of its content (RFC 6838), for example `application/pdf`.
    async fn media_type(&self) -> &str {
        &self.row.file.media_type
    }

    /// Its size in bytes.
    async fn size(&self) -> i32 {
        i32::try_from(self.row.file.size.unwrap_or_default()).unwrap_or(i32::MAX)
    }

    /// What somebody wrote about it; null when nobody did, and after erasure.
    async fn description(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let Some(cipher) = self.row.description_cipher.as_deref() else {
            return Ok(None);
        };
        let keys = ctx.scope()?.keys().await.map_err(op_error)?;
        let crypto = |error: CryptoError| op_error(error.into());
        let Some(key) = self.row.file.guard_key(&keys).map_err(crypto)? else {
            return Ok(None);
        };
        let text = keys
            .open_text(
                &key,
                "account_documents",
                "description_cipher",
                self.row.id,
                cipher,
            )
            .map_err(crypto)?;
        Ok(Some(text.expose().clone()))
    }

    /// Labels (at most 20).
    async fn tags(&self) -> &[String] {
        &self.row.tags
    }

    /// Where to read it, good for five minutes: ask for it when somebody wants to, and do not keep it. Null after
    /// erasure.
    async fn download_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        // Erased, it has no name any more, and no content that opens.
        let readable = self.row.file.is_readable() && self.name(ctx).await?.is_some();
        let files = ctx.data::<Files>()?;
        let scope = ctx.scope()?;
        Ok(readable.then(|| files.download_url(scope.ctx(), self.row.file.id)))
    }

    /// The member of staff who uploaded it; null for an API key.
    async fn uploaded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.uploaded_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Whether the debtor sees it in the portal; never of a document that was kept with a conversation.
    async fn shown_to_debtor(&self) -> bool {
        self.row.is_shown
    }

    /// When it was uploaded.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }
}

/// A document to be kept.
#[derive(Debug, InputObject)]
pub struct AddAccountDocumentInput {
    /// The account.
    account_id: ID,
    /// An upload of yours with purpose DOCUMENT, whose content has been sent.
    upload_id: ID,
    /// What it is.
    kind: DocumentKind,
    /// What to say about it, at most 1,000 characters.
    description: Option<String>,
    /// Labels, at most 20 of at most 50 characters; they are no notes: nothing about the person.
    tags: Option<Vec<String>>,
    /// Whether the debtor sees it in the portal, and may download it: its name, kind, size and content, not what you write
    /// about it.
    #[graphql(default = false)]
    shown_to_debtor: bool,
}

impl AddAccountDocumentInput {
    fn parse(self) -> Result<NewDocument, UserError> {
        Ok(NewDocument {
            upload: input_id(IdKind::File, "uploadId", &self.upload_id)?,
            kind: self.kind.as_str(),
            description: self.description,
            tags: self.tags.unwrap_or_default(),
            shown_to_debtor: self.shown_to_debtor,
        })
    }
}

/// What addAccountDocument answers.
#[derive(SimpleObject)]
pub struct AddAccountDocumentPayload {
    /// The new document; null when there are user errors.
    document: Option<Document>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Whether the debtor is to see a document.
#[derive(Debug, InputObject)]
pub struct SetAccountDocumentShownInput {
    /// The document, of an account.
    id: ID,
    /// True to show it to the debtor, false to hide it from them.
    shown_to_debtor: bool,
}

/// What setAccountDocumentShown answers.
#[derive(SimpleObject)]
pub struct SetAccountDocumentShownPayload {
    /// The document as it is now; null when there are user errors.
    document: Option<Document>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// A document to be deleted.
#[derive(Debug, InputObject)]
pub struct DeleteAccountDocumentInput {
    /// The document.
    id: ID,
}

/// What deleteAccountDocument answers.
#[derive(SimpleObject)]
pub struct DeleteAccountDocumentPayload {
    /// The id of the document that is gone; null when there are user errors.
    deleted_id: Option<ID>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of documents.
#[derive(Default)]
pub struct DocumentMutations;

#[Object]
impl DocumentMutations {
    /// Keeps a file that you uploaded as a document of an account.
    async fn add_account_document(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which file, and of which account.")] input: AddAccountDocumentInput,
    ) -> async_graphql::Result<AddAccountDocumentPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let account = input_id(IdKind::Account, "accountId", &input.account_id)?;
            let new = input.parse()?;
            Ok(Done::from(
                add_document(tx, scope.keyring(), scope.db(), account, new).await?,
            ))
        })
        .await?;
        let row = match outcome.object {
            Some(id) => document_by_id(&mut *ctx.snapshot().await?, id)
                .await
                .map_err(|error| op_error(error.into()))?,
            None => None,
        };
        let scope = ctx.scope()?;
        Ok(AddAccountDocumentPayload {
            document: row.map(|row| Document::new(scope, Arc::new(row))),
            user_errors: outcome.user_errors,
        })
    }

    /// Shows a document of an account to its debtor, who lists and downloads it in the portal, or hides it from them again:
    /// links that they hold stop leading anywhere at once.
    async fn set_account_document_shown(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which document, and whether they see it.")] input: SetAccountDocumentShownInput,
    ) -> async_graphql::Result<SetAccountDocumentShownPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Document, "id", &input.id)?;
            set_shown(tx, id, input.shown_to_debtor).await?;
            Ok(Done::from(id))
        })
        .await?;
        let document = match outcome.object {
            Some(id) => Document::load(ctx, id).await?,
            None => None,
        };
        Ok(SetAccountDocumentShownPayload {
            document,
            user_errors: outcome.user_errors,
        })
    }

    /// Takes a document, of an account or a conversation, away from everybody's eyes.
    async fn delete_account_document(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which document.")] input: DeleteAccountDocumentInput,
    ) -> async_graphql::Result<DeleteAccountDocumentPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Document, "id", &input.id)?;
            delete_document(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(DeleteAccountDocumentPayload {
            deleted_id: outcome.object.map(|id| ids::encode(IdKind::Document, id).into()),
            user_errors: outcome.user_errors,
        })
    }
}
