//! What every slice's GraphQL needs: user errors, scalars, connections, batching, and the operation's own scope.

mod at_hand;
mod batch;
mod connection;
mod edges;
mod errors;
mod in_place;
mod money;
mod mutation;
mod scalars;
mod scope;
mod source;
mod user_error;
mod written;

pub use at_hand::{AtHand, WriteValue, write_at_once, write_name};
pub use batch::Batch;
pub use connection::{
    CursorOwner, EdgeCursor, PageArgs, PageInfo, PageLimit, PageRequest, keyset_cursor, read_keyset_cursor,
};
pub use edges::{Edges, RelayEdge, fetch_for_pages};
pub use errors::{bad_input, forbidden, not_found, op_error};
pub use in_place::InPlace;
pub use money::{MoneyInput, MoneyValue};
pub use mutation::{Done, Outcome, mutate};
pub use scalars::{
    Cursor, Date, DecimalText, EmailAddressScalar, PhoneNumberScalar, TimeZoneScalar, input_id, parse_id,
};
pub use scope::{OpScope, ScopeExt};
pub use source::{Opening, Payloads, SourceEvent, SourceStream, opened, payload, source_event};
pub use user_error::{UserError, UserErrorCode};
pub use written::{MayWrite, read_back, write_json};
