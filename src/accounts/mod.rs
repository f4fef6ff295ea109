//! Debtors (people) and accounts (debts). Keys, contact points and addresses belong to the person.
//!
//! Owns `debtors`, `data_keys`, `contact_points`, `debtor_merges`, `accounts`, `account_tags`, `account_notes`, `note_mentions`,
//! `account_views`, `account_documents`, `shown_documents`, `duplicate_checks`, `duplicate_suggestions`, `account_imports`,
//! `account_import_chunks`, `account_import_findings`, `balance_components`, `creditors`, `placements`, `exports`, `custom_field_lists`. May import
//! `platform`, `identity`, `access`, `audit`, `ledger`, `files`.

mod address;
mod assign_accounts;
mod balance_components;
mod bulk;
mod changes;
mod contact_points;
mod contact_store;
mod contacts;
mod create_account;
mod creditors;
mod custom_fields;
mod debt_type;
pub mod debtor_keys;
mod delete_account;
mod deleted_accounts;
mod disputed;
mod documents;
mod duplicates;
mod export;
mod find_or_make_debtor;
pub mod graphql;
pub mod import;
mod list;
mod loaders;
mod match_key;
mod match_stored;
mod match_suggestions;
mod merge;
mod model;
mod national_id;
mod notes;
mod page_of;
mod paid;
mod plan_status;
pub mod ports;
mod same_contacts;
mod set_origin;
mod shown_documents;
mod stated_zone;
mod store;
mod tag_accounts;
mod timeline;
mod update_account;
mod update_debtor;
mod views;

pub use address::usps_code;
pub use assign_accounts::assign_accounts;
pub use balance_components::{BalanceComponents, ItemizationEvent};
pub use contact_points::{
    ContactPointPatch, NewContactPoint, OpenPhone, add_contact_point, phones_of, remove_contact_point,
    update_contact_point,
};
pub use contact_store::{
    ContactPoint, PhoneOwner, contact_points_of, debtors_by_email, debtors_by_phone, has_phone,
    mark_phone_unreachable, mark_wrong_number,
};
pub use contacts::NewContact;
use contacts::add_contacts;
pub use create_account::{Created, NewAccount, create_account};
pub use creditors::{
    Origin, OriginPatch, PlacementPatch, are_creditors, create_creditor, create_placement, update_creditor,
    update_placement,
};
pub use debt_type::DebtType;
pub use delete_account::{delete_account, restore_account};
pub use disputed::{
    DisputedDebt, agent_of_account, are_documents_of, disputed_debt, end_disputed, mark_disputed,
};
pub use documents::{DocumentPlace, NewDocument, keep_document};
pub use duplicates::find_duplicates;
pub use export::{ExportLimit, Exporter, RunExport, run_export};
pub use find_or_make_debtor::NotTaken;
pub use list::LookLimit;
pub use loaders::AccountLoaders;
pub use match_stored::match_stored_people;
pub use merge::{Merged, merge_debtors, unmerge_debtors};
pub use model::{
    AccountStatus, Channel, ContactPointProvenance, ContactPointUse, ContactPointValidity, LineType,
    PostalAddress, RiskLevel,
};
pub use national_id::{NationalId, NationalIdError};
pub use notes::{add_note, is_mentioned};
pub use page_of::{PageOf, PagesOf};
pub use paid::{PayableAccount, follow_balance, lock_for_posting, lock_payable};
pub use plan_status::PlanStatus;
pub use same_contacts::addresses_of_nobody_else;
pub use set_origin::set_accounts_origin;
pub use stated_zone::{SealedZones, StatedZones, confirm_stated_zone, record_stated_zone};
pub use store::{
    DebtorRow, OpenAccount, PersonLock, ValidationDates, debtor_by_id, debtors_by_ids, lock_person,
    lock_persons, lock_validation_dates, open_accounts_of, scoped_debtor_of_account, set_validation_dates,
};
pub use tag_accounts::tag_accounts;
pub use update_account::{AccountPatch, update_account};
pub use update_debtor::{DebtorPatch, change_debtor};
