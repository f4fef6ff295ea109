//! The slice's face in the API.

mod account_events;
mod attention;
mod conversation;
mod credentials;
mod documents;
mod events;
mod message;
mod mutations;
mod numbers;
mod queries;
mod routing;

pub use super::agent_work::{AgentTime, AgentWork};
pub use account_events::AccountSubscriptions;
pub use conversation::{Conversation, ConversationConnection};
pub use credentials::{ProviderAccountMutations, ProviderAccountQueries};
pub use events::{ConversationSubscriptions, FeedCursor};
pub use message::Message;
pub use numbers::{NumberMutations, NumberQueries};

use async_graphql::MergedObject;

/// Queries about threads, and who gets which.
#[derive(Default, MergedObject)]
pub struct ConversationQueries(queries::ThreadQueries, routing::RoutingQueries);

/// Mutations of threads, their documents, and of who gets which.
#[derive(Default, MergedObject)]
pub struct ConversationMutations(
    mutations::ThreadMutations,
    documents::ThreadDocumentMutations,
    routing::RoutingMutations,
);
