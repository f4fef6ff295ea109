//! What a business chooses for itself: company, branding, languages, payment terms, contact limits, auto-response,
//! the assistant, billing contact. The contact limits are compliance's, the log-out of idle sessions identity's; here they are changed
//! together, under one version, so that two administrators do not overwrite each other unseen.
//!
//! Owns `business_settings`, `business_logos`. May import `platform`, `identity`, `access`, `audit`, `files`,
//! `accounts`, `compliance`.

mod answering;
pub mod graphql;
mod letterhead;
mod logo;
mod model;
mod store;
mod update_settings;

pub use answering::{AnsweringTerms, answering_terms, assistant_is_on};
pub use letterhead::CompanyLetterhead;
pub use model::CompanyProfile;
