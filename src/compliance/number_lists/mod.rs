//! Lists of numbers that others keep: the national do-not-call registry and the answers of the reassigned numbers database.
//! Both come as files, are read line by line in fixed memory, and count wholly or not at all.
//!
//! The registry is one for all businesses, loaded by the operator of the platform; a business is told of it for the area
//! codes of its own subscription (16 CFR 310.8). The answers are each business's own.

mod access;
mod do_not_call;
mod facts;
mod lines;
mod load_reassigned;
mod reassigned_file;
mod registry_file;
mod store;

pub use access::{NewAccess, set_do_not_call_access};
pub use do_not_call::{DoNotCallFile, LoadProblem, Loaded, load_do_not_call, stale_registry};
pub(super) use facts::{NationalJson, ReassignedJson, national, reassigned_answer};
pub use load_reassigned::{LoadReassigned, NewReassignedImport, ReassignedNumbers, import_reassigned};
pub(super) use store::{
    AccessRow, AreaRow, ImportRow, access_of, areas_of, import_by_id, newest_imports, newest_query,
};

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::rule_set::RuleSet;
use crate::platform::phone::PhoneNumber;

/// Days after which a copy of the registry is none (47 CFR 64.1200(c)(2)(i)(D)).
pub(super) fn registry_days() -> i64 {
    days_of("dnc-solicitation-only").unwrap_or(31)
}

/// Days after which an answer of the reassigned numbers database shows nothing of today (12 CFR 1006.6(d)(5)).
pub(super) fn reassigned_days() -> i64 {
    days_of("reg-f-text-procedures").unwrap_or(60)
}

fn days_of(rule: &str) -> Option<i64> {
    RuleSet::current().rule(rule)?.parameters.days
}

/// Whether a copy of this day is too old at `now`, on the latest calendar of the country: as the rule counts.
pub(super) fn is_older(of: NaiveDate, days: i64, now: DateTime<Utc>) -> bool {
    let days = Days::new(u64::try_from(days).unwrap_or_default());
    of.checked_add_days(days)
        .is_none_or(|last| now.date_naive() > last)
}

/// The area code of a number of the North American Numbering Plan.
pub(super) fn area_of(recipient: &str) -> Option<i32> {
    PhoneNumber::parse_e164(recipient).ok()?.area_code()?.parse().ok()
}
