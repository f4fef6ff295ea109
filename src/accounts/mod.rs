//! Debtors (people) and accounts (debts). Keys, contact points and addresses belong to the person.
//!
//! Owns `debtors`, `data_keys`, `contact_points`, `accounts`, `account_tags`, `account_notes`, `account_views`,
//! `balance_components`, `creditors`, `placements`. May import `platform`, `identity`, `access`, `audit`, `ledger`.

mod assign_accounts;
mod balance_components;
mod bulk;
mod contacts;
mod create_account;
mod creditors;
pub mod debtor_keys;
mod delete_account;
pub mod graphql;
mod list;
mod loaders;
mod model;
mod notes;
mod plan_status;
pub mod ports;
mod store;
mod tag_accounts;
mod update_account;
mod update_debtor;
mod views;

pub use assign_accounts::assign_accounts;
pub use balance_components::{BalanceComponents, ItemizationEvent};
pub use contacts::NewContact;
use contacts::add_contacts;
pub use create_account::{NewAccount, create_account};
pub use creditors::{Origin, OriginPatch, create_creditor, create_placement};
pub use delete_account::{delete_account, restore_account};
pub use loaders::AccountLoaders;
pub use model::{AccountStatus, Channel, PostalAddress};
pub use notes::add_note;
pub use plan_status::PlanStatus;
pub use store::{
    ContactPoint, DebtorRow, contact_points_of, debtor_by_id, debtors_by_phone, lock_person,
    mark_phone_unreachable, open_accounts_of, record_validation_notice, scoped_debtor_of_account,
};
pub use tag_accounts::tag_accounts;
pub use update_account::{AccountPatch, update_account};
pub use update_debtor::DebtorPatch;
