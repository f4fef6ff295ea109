//! The debtors' own door: links to one account, the check that it is the right person, and what they change themselves.
//!
//! Owns `debtor_links`, `debtor_codes`, `debtor_link_requests`, `cookie_choices`. Sessions are `identity`'s. May import `platform`,
//! `identity`, `access`, `audit`, `accounts`, `compliance`, `conversations`, `templates`.
//!
//! - a link: `links` (staff make one) or `request_link` (the debtor asks for one) -> `link_token`
//! - the check (12 CFR 1006.6(d), rule `right-party-verification`): `challenge` -> `code` or `factors`
//! - inside: `own_contact`
//! - before anybody signs in: `cookies`
//! - afterwards: `prune`

mod challenge;
mod code;
mod cookies;
mod factors;
pub mod graphql;
mod link_token;
mod links;
mod own_contact;
mod prune;
mod request_link;
mod store;
mod words;

pub use links::address_of_newest_link;
pub use prune::forget_old_entrances;
pub use request_link::{SendDebtorLink, send_debtor_link};

use chrono::TimeDelta;

use crate::{identity::Identity, platform::crypto::Signer};

/// What the slice works with; made once in `app.rs`.
#[derive(Clone)]
pub struct Portal {
    pub(crate) identity: Identity,
    /// Signs links, and nothing else.
    pub(crate) links: Signer,
    /// Signs one-time codes, and nothing else.
    pub(crate) codes: Signer,
    /// How long a link is good when nobody says otherwise.
    pub(crate) link_lifetime: TimeDelta,
}

impl Portal {
    /// Wires the slice; its keys are derived from these.
    pub fn new(identity: Identity, sources: &[&[u8]], link_lifetime: TimeDelta) -> Self {
        let signer = |purpose| Signer::derived_from(purpose, sources.iter().copied());
        Self {
            links: signer("debtor links"),
            codes: signer("debtor codes"),
            identity,
            link_lifetime,
        }
    }
}
