//! The HTTP server: routes, middleware, webhooks, health.

mod client_address;
mod cross_origin;
mod debtor_link;
mod files;
mod graphiql;
mod health;
mod observe;
mod router;
mod twilio_webhooks;

pub use router::{HttpState, router};
