//! The ground floor: knows no business noun, imports nothing above it.

pub mod clock;
pub mod context;
pub mod crypto;
pub mod db;
pub mod email;
pub mod error;
pub mod error_code;
pub mod gql;
pub mod html;
pub mod ids;
pub mod jobs;
pub mod key_rotation;
pub mod keys;
pub mod language;
pub mod letter;
pub mod live;
pub mod local_services;
pub mod money;
pub mod net;
pub mod outbox;
pub mod phone;
pub mod rate_limit;
pub mod request_id;
pub mod secret;
pub mod sms;
pub mod telemetry;
