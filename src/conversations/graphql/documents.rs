//! Documents of a thread in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    accounts::{
        NewDocument,
        graphql::{Document, DocumentKind},
    },
    conversations::add_conversation_document,
    platform::{
        gql::{Done, UserError, input_id, mutate},
        ids::IdKind,
    },
};

/// A document to be kept with a conversation.
#[derive(Debug, InputObject)]
pub struct AddConversationDocumentInput {
    /// The conversation; it has to be matched to a debtor.
    conversation_id: ID,
    /// An upload of yours with purpose DOCUMENT, whose content has been sent.
    upload_id: ID,
    /// What it is.
    kind: DocumentKind,
    /// What to say about it, at most 1,000 characters.
    description: Option<String>,
    /// Labels, at most 20 of at most 50 characters; they are no notes: nothing about the person.
    tags: Option<Vec<String>>,
}

/// What addConversationDocument answers.
#[derive(SimpleObject)]
pub struct AddConversationDocumentPayload {
    /// The new document; null when there are user errors.
    document: Option<Document>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of threads' documents.
#[derive(Default)]
pub struct ThreadDocumentMutations;

#[Object]
impl ThreadDocumentMutations {
    /// Keeps a file that you uploaded as a document of a conversation, and of its account where it has one. Whoever sees the
    /// conversation sees it; the debtor does not. deleteAccountDocument takes it away again.
    async fn add_conversation_document(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which file, and of which conversation.")] input: AddConversationDocumentInput,
    ) -> async_graphql::Result<AddConversationDocumentPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let conversation = input_id(IdKind::Conversation, "conversationId", &input.conversation_id)?;
            let new = NewDocument {
                upload: input_id(IdKind::File, "uploadId", &input.upload_id)?,
                kind: input.kind.as_str(),
                description: input.description,
                tags: input.tags.unwrap_or_default(),
                shown_to_debtor: false,
            };
            let (keyring, db) = (scope.keyring(), scope.db());
            Ok(Done::from(
                add_conversation_document(tx, keyring, db, conversation, new).await?,
            ))
        })
        .await?;
        let document = match outcome.object {
            Some(id) => Document::load(ctx, id).await?,
            None => None,
        };
        Ok(AddConversationDocumentPayload {
            document,
            user_errors: outcome.user_errors,
        })
    }
}
