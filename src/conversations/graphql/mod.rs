//! The slice's face in the API.

mod account_events;
mod credentials;
mod events;
mod mutations;
mod numbers;
mod queries;
mod types;

pub use super::agent_work::{AgentTime, AgentWork};
pub use account_events::AccountSubscriptions;
pub use credentials::{ProviderAccountMutations, ProviderAccountQueries};
pub use events::{ConversationSubscriptions, FeedCursor};
pub use mutations::ConversationMutations;
pub use numbers::{NumberMutations, NumberQueries};
pub use queries::ConversationQueries;
pub use types::{Conversation, ConversationConnection, Message};
