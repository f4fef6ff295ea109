//! Words that are kept for reuse: written by those who answer for them, looked through when they are saved by the same
//! rules that judge a message, and traceable from each message that was made of them.
//!
//! Owns `templates`, `template_versions`. May import `platform`, `identity`, `access`, `audit`, `accounts`, `compliance`,
//! `settings`.
//!
//! - a text: `parse` -> `render` with the `catalogue`'s values; `lint` tries it with `samples`
//! - a template: `save` keeps it, `store` reads it
//! - for somebody: `account_values` -> `compose`

mod account_values;
mod catalogue;
mod compose;
mod finding;
pub mod graphql;
mod html;
mod lint;
mod loaders;
mod model;
mod parse;
pub mod ports;
mod render;
mod samples;
mod save;
mod store;

pub use compose::{Composed, compose};
pub use loaders::TemplateLoaders;
pub use model::{TemplateLanguage, TemplatePurpose, TemplateType, Use};
pub use save::{NewTemplate, create_template, set_default_template};

#[cfg(test)]
mod lint_tests;
