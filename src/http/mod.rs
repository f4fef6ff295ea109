//! The HTTP server: routes, middleware, webhooks, health.

mod client_address;
mod cross_origin;
mod debtor_link;
mod files;
mod graphiql;
mod health;
mod observe;
mod opt_out;
mod opt_out_page;
mod router;
mod stripe_webhooks;
mod twilio_webhooks;

pub use router::{HttpState, router};
