//! The slice's face in the API.

mod account_events;
mod conversation;
mod credentials;
mod events;
mod message;
mod mutations;
mod numbers;
mod queries;

pub use super::agent_work::{AgentTime, AgentWork};
pub use account_events::AccountSubscriptions;
pub use conversation::{Conversation, ConversationConnection};
pub use credentials::{ProviderAccountMutations, ProviderAccountQueries};
pub use events::{ConversationSubscriptions, FeedCursor};
pub use message::Message;
pub use mutations::ConversationMutations;
pub use numbers::{NumberMutations, NumberQueries};
pub use queries::ConversationQueries;
