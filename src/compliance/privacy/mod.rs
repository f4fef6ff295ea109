//! Privacy: what people ask of their own data (access, portability, rectification, erasure), how long what is known of
//! them is kept, and what goes when.
//!
//! Each person has two keys. Erasure destroys the `profile` key at once; a trigger (`app.forget_person`) takes with it, in
//! the same transaction, names, blind indexes and everything else that the key does not reach. The `record` key goes when
//! the legal retention ends, which [`retention`](self) counts from the last collection activity. Whether and when is decided
//! by the rules (`erasure-vs-retention`, `reg-f-retention-3y`), and a legal hold stops either. A thread of nobody has a key of
//! its own, which goes with the person whose number alone it is, or when the retention of its last message ends.
//!
//! Owns `privacy_requests`, `privacy_acceptances`, `debtor_archives` and, of `businesses`, `record_retention_years`. Reads of `conversations`,
//! `messages`, `ledger_entries`, `accounts` and their surroundings what tells when the person was last in touch, and what an
//! archive about them holds; writes none of these.

mod acceptance;
mod activity;
mod answer;
mod archive;
mod erase;
mod model;
mod notice;
mod requests;
mod retention;
mod store;
mod unmatched;

pub use acceptance::{NewAcceptance, accept_notice};
pub use archive::{
    Archivist, NewDataExport, NewEvidencePack, RunArchive, request_data_export, request_evidence_pack,
    request_own_copy, run_archive,
};
pub use erase::{EraseDebtor, Eraser, erase_debtor, request_erasure, resume_erasures};
pub use model::{PrivacyRegime, PrivacyRequestKind, PrivacyRequestStatus};
pub use requests::{Closing, NewPrivacyRequest, close_request, record_request};
pub use retention::{
    DestroyExpired, Retention, RetentionReport, old_access_logs, retention_years_of, set_retention_years,
};
pub use unmatched::{ForgetUnmatched, find_unmatched, forget_unmatched};
pub(in crate::compliance) use {
    acceptance::{
        AcceptanceRow, TABLE as ACCEPTANCES, acceptances_of_people, acceptances_of_staff, own_acceptance,
    },
    activity::clocks,
    answer::told,
    archive::{ArchiveRow, ArchiveState, OwnCopy, own_archive, own_archives, own_copy},
    model::{LEAST_YEARS, MOST_YEARS},
    notice::notice,
    retention::kept_until,
    store::{PrivacyCriteria, PrivacyRequestRow, privacy_request_by_id, privacy_requests},
};
