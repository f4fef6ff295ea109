//! The slice's face in the API.

mod events;
mod mutations;
mod queries;
mod types;

pub use events::{ConversationSubscriptions, FeedCursor};
pub use mutations::ConversationMutations;
pub use queries::ConversationQueries;
pub use types::{Conversation, ConversationConnection, Message};
