//! The API's roots and how they are executed. Types, queries and mutations stand in their slices.
//!
//! - [`schema`]: the merged roots, and the SDL
//! - [`engine`]: what every operation goes through: who, may they, how often
//! - [`charges`]: what an operation counts for against the limits
//! - `execution`: what was admitted, with one snapshot and the access log for each execution
//! - `list_sizes`: what lists without pages count for in the cost
//! - [`transport`]: HTTP, WebSocket, server-sent events

pub mod charges;
mod debtor_guard;
pub mod engine;
mod execution;
mod field_merging;
mod field_types;
mod list_sizes;
mod node;
mod nulls;
mod root_fields;
pub mod schema;
mod system_health;
pub mod transport;
mod without_key;

pub use engine::GraphqlEngine;
pub use execution::Execution;
pub use field_types::FieldTypes;
pub use schema::{Schema, Shared, build_schema, sdl};
