//! Complaints of people about the business, whether they came to it or to a regulator: what was said, what is owed until
//! when, and what became of it.

mod model;
pub(super) mod store;
mod work;

pub use model::{ComplaintAbout, ComplaintOutcome, ComplaintStatus, Regulator};
pub use work::{ComplaintPatch, NewComplaint, file_complaint, resolve_complaint, update_complaint};
