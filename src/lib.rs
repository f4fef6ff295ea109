//! funnelchat: the backend with which businesses that collect debts talk to debtors, inside the law, and get paid.
//!
//! The house: one room per business capability, the technical floor below, the API and the command line above.
//!
//! | room | what it does | may import, beside `platform` |
//! |---|---|---|
//! | [`platform`] | database, queue, live bus, keys, ids, clocks, money, letters, limits: knows no business noun | nothing |
//! | [`access`] | roles, permissions, which operation needs which | nothing |
//! | [`files`] | uploads, downloads, contents encrypted in the object store | access |
//! | [`identity`] | businesses, people, passwords, sessions, second factors, API keys | access, audit, files |
//! | [`audit`] | the append-only trail, its verifier and bundles, the log of reads | identity, access, files |
//! | [`ledger`] | double entry: posts and sums | nothing |
//! | [`accounts`] | debtors, accounts, contact points, tags, notes, documents, creditors, saved views, import, export | identity, access, audit, ledger, files |
//! | [`compliance`] | may we contact this person now? rules, decisions, permits, opt-outs, holds, notices, disputes, privacy, number lists | identity, access, audit, files, accounts |
//! | [`settings`] | what a business chooses for itself: company, terms, contact limits, auto-response, assistant | identity, access, audit, files, accounts, compliance |
//! | [`templates`] | words for reuse, looked through when they are saved | identity, access, audit, accounts, compliance, settings |
//! | [`conversations`] | threads, messages, delivery, the live feed | identity, access, audit, accounts, compliance, templates |
//! | [`payments`] | payments of debts, refunds, what banks take back | identity, access, audit, ledger, accounts |
//! | [`assistant`] | answers what debtors write where no agent does, and hands over | identity, access, audit, accounts, compliance, settings, conversations |
//! | [`portal`] | the debtors' own door: links, the check that it is they, what they change themselves | identity, access, audit, accounts, compliance, conversations, templates |
//! | [`providers`] | adapters to vendors | the slices' ports and the types in them |
//! | [`sandbox`] | stand-ins that speak the vendors' own protocols | nothing, `platform` neither |
//! | [`graphql`], [`http`], [`cli`], [`app`], [`config`] | roots, transports, routes, commands, wiring, settings | all |
//!
//! A slice's `graphql` and `loaders` may also name other slices' GraphQL types and loaders. `tests/it/architecture.rs`
//! reads the `use crate::` lines against this table.

// The API's roots are merged from the rooms' own, one type inside the other.
#![recursion_limit = "512"]

pub mod access;
pub mod accounts;
pub mod app;
pub mod assistant;
pub mod audit;
pub mod cli;
pub mod compliance;
pub mod config;
pub mod conversations;
pub mod files;
pub mod graphql;
pub mod http;
pub mod identity;
pub mod ledger;
pub mod payments;
pub mod platform;
pub mod portal;
pub mod providers;
pub mod sandbox;
pub mod settings;
pub mod templates;
