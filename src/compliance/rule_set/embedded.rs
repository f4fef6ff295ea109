//! The versions of the rules that this build carries.

use std::sync::LazyLock;

use super::pack::{Kept, RuleSetError};
use super::{RuleSet, pack};

/// Versions that have decided, oldest first. What stands in one of these files never changes: a change is a new file.
const ARCHIVE: &[&str] = &[
    include_str!("../../../policies/rules/2026-11-20.2.toml"),
    include_str!("../../../policies/rules/2026-11-28.1.toml"),
    include_str!("../../../policies/rules/2026-11-28.2.toml"),
    include_str!("../../../policies/rules/2026-11-29.1.toml"),
];

const CURRENT: &str = include_str!("../../../policies/rules/2026-11-29.2.toml");

static ALL: LazyLock<Result<Vec<RuleSet>, RuleSetError>> = LazyLock::new(|| {
    let archive = ARCHIVE.iter().map(|text| pack::read(text, Kept::Archived));
    archive.chain([pack::read(CURRENT, Kept::Current)]).collect()
});

/// Makes sure that every embedded version can be used: asked at start, so that a broken one stops the service there and
/// not at the first contact.
///
/// # Errors
/// What is wrong, with the rule's id.
pub fn check_embedded() -> Result<(), &'static RuleSetError> {
    ALL.as_ref().map(|_| ())
}

/// Every version of this build, oldest first; the last one decides.
pub fn embedded_versions() -> &'static [RuleSet] {
    ALL.as_deref().unwrap_or_default()
}

impl RuleSet {
    /// The rule set that decides.
    ///
    /// # Panics
    /// When the embedded rules are broken: [`check_embedded`] says why, and a test reads them.
    pub fn current() -> &'static RuleSet {
        embedded_versions().last().expect(
            "the embedded rule sets are read by a test, so they cannot be broken in a build that passed",
        )
    }

    /// The rule set of a version that decided once; `None` when this build does not carry it.
    pub fn of_version(version: &str) -> Option<&'static RuleSet> {
        embedded_versions().iter().find(|set| set.version() == version)
    }
}
