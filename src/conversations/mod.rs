//! Threads and messages on every channel, their delivery, and the live feed.
//!
//! Owns `conversations`, `conversation_reads`, `routing_rules`, `messages`, `delivery_attempts`, `provider_events`,
//! `provider_accounts`, `inbound_numbers`. May import `platform`, `identity`, `access`, `audit`, `accounts`,
//! `compliance`, `templates`.
//!
//! - out: `send_message` (queue) -> [`deliver`] (gate again, attempt, vendor, outcome) -> [`status`] (callbacks),
//!   with [`reconcile`] and [`look_up`] for answers and callbacks that never came
//! - in: [`inbound`] (store, opt out, acknowledge) -> [`process_inbound`] (match, thread, message); `opt_out_by_link`
//! - who answers: `assign`, [`routing`]; what the assistant, a room above, needs of a thread: `answering`
//! - live: [`feed`], `account_feed`

mod account_feed;
mod agent_work;
mod answering;
mod assign;
mod check_vendors;
mod credentials;
pub mod deliver;
mod documents;
mod escalate;
pub mod feed;
mod from_template;
pub mod graphql;
pub mod inbound;
mod loaders;
pub mod look_up;
mod model;
mod notice;
mod numbers;
mod opt_out_by_link;
mod pauses;
pub mod ports;
pub mod process_inbound;
mod queued_store;
mod read;
mod ready;
pub mod reconcile;
pub mod route;
pub mod routing;
mod send_message;
mod settle;
mod start;
pub mod status;
mod status_look_up;
mod store;
mod typing;
mod update;
mod waiting;

pub use answering::{UnansweredText, lock_unanswered_text};
pub use assign::assign_conversation;
pub use check_vendors::check_vendors;
pub use documents::add_conversation_document;
pub use escalate::{escalate_conversation, hand_over};
pub use from_template::message_from_template;
pub use loaders::ConversationLoaders;
pub use model::DeliveryStatus;
pub use notice::{Notice, send_notice};
pub use read::mark_read;
pub use send_message::{MadeOf, NewMessage, SECRET_MARK, SaidBy, Sent, send_message};
pub use start::start_conversation;
pub use typing::set_typing;
pub use update::update_conversation;

use std::sync::Arc;

use chrono::TimeDelta;

use crate::platform::{db::Db, keys::Keyring};

/// What the slice works with; made once in `app.rs`.
#[derive(Clone)]
pub struct Conversations {
    pub(crate) db: Db,
    pub(crate) keyring: Keyring,
    pub(crate) sms: Arc<dyn ports::SmsGateway>,
    /// Where vendors call us back, without a trailing slash.
    pub(crate) public_base_url: String,
    /// How long a vendor that does not take a message is tried.
    pub(crate) give_up_after: TimeDelta,
    /// Who hears of the texts that come in.
    listener: Arc<dyn ports::TextListener>,
    accounts: Arc<route::AccountCache>,
}

impl Conversations {
    /// Wires the slice.
    pub fn new(
        db: Db,
        keyring: Keyring,
        sms: Arc<dyn ports::SmsGateway>,
        public_base_url: String,
        give_up_after: TimeDelta,
        listener: Arc<dyn ports::TextListener>,
    ) -> Self {
        Self {
            db,
            keyring,
            sms,
            public_base_url,
            give_up_after,
            listener,
            accounts: Arc::default(),
        }
    }
}
