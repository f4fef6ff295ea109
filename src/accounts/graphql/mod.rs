//! The slice's face in the API.

mod balance;
mod bulk;
mod contact_points;
mod creditors;
mod custom_fields;
mod debtor;
mod debtor_list;
mod deleted;
mod deletion;
mod do_not_contact;
mod documents;
mod duplicates;
mod exports;
mod filter;
mod imports;
mod inputs;
mod ledger;
mod merging;
mod mutations;
mod national_id;
mod notes;
mod people;
mod queries;
mod timeline;
mod types;
mod views;

use async_graphql::MergedObject;

pub use balance::{BalanceComponentsInput, BalanceComponentsValue};
pub use contact_points::ContactPoint;
pub use creditors::{Creditor, Placement};
pub use debtor::{Debtor, DebtorConnection};
pub use do_not_contact::DoNotContact;
pub use documents::{Document, DocumentConnection, DocumentKind};
pub use exports::Export;
pub use filter::{AccountFilter, DateTimeRange};
pub use imports::{AccountImport, ImportSubscriptions};
pub(crate) use inputs::contacts;
pub use inputs::{AccountOrder, AccountOrderField, CreateAccountInput, OrderDirection, UpdateAccountInput};
pub use ledger::LedgerEntry;
pub use merging::{DebtorMerge, MatchSuggestion};
pub use notes::AccountNote;
pub use types::{Account, AccountConnection};
pub use views::AccountView;

use crate::{
    compliance::graphql::{
        ConsentMutations, ContactPlaceMutations, HoldMutations, InconvenientTimeMutations,
    },
    payments::graphql::PaymentQueries,
};

/// Queries about debtors, accounts, creditors and payments.
#[derive(Default, MergedObject)]
pub struct AccountQueries(
    queries::ListQueries,
    debtor_list::DebtorQueries,
    deleted::DeletedQueries,
    duplicates::DuplicateQueries,
    creditors::CreditorQueries,
    custom_fields::CustomFieldQueries,
    views::ViewQueries,
    exports::ExportQueries,
    imports::ImportQueries,
    PaymentQueries,
);

/// Mutations of accounts and of what hangs on them, holds and consents among it.
#[derive(Default, MergedObject)]
pub struct AccountMutations(
    mutations::ChangeMutations,
    contact_points::ContactPointMutations,
    people::PeopleMutations,
    merging::MergeMutations,
    duplicates::DuplicateMutations,
    notes::NoteMutations,
    bulk::BulkMutations,
    creditors::CreditorMutations,
    custom_fields::CustomFieldMutations,
    deletion::DeletionMutations,
    views::ViewMutations,
    documents::DocumentMutations,
    exports::ExportMutations,
    imports::ImportMutations,
    HoldMutations,
    ConsentMutations,
    InconvenientTimeMutations,
    ContactPlaceMutations,
);
