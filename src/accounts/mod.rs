//! Debtors (people) and accounts (debts). Keys, contact points and addresses belong to the person.
//!
//! Owns `debtors`, `data_keys`, `contact_points`, `accounts`, `account_tags`, `account_notes`. May import `platform`,
//! `identity`, `access`, `audit`, `ledger`.

mod contacts;
mod create_account;
pub mod debtor_keys;
pub mod graphql;
mod list;
mod loaders;
mod model;
mod store;
mod update_account;
mod update_debtor;

pub use contacts::NewContact;
use contacts::add_contacts;
pub use create_account::{NewAccount, create_account};
pub use loaders::AccountLoaders;
pub use model::{AccountStatus, Channel, PostalAddress};
pub use store::{
    ContactPoint, DebtorRow, contact_points_of, debtor_by_id, debtors_by_phone, mark_phone_unreachable,
    open_accounts_of, record_validation_notice, scoped_debtor_of_account,
};
pub use update_account::{AccountPatch, update_account};
pub use update_debtor::DebtorPatch;
