//! The versions of the rules that this build carries.

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use super::pack::{Kept, RuleSetError};
use super::{RuleSet, pack};

/// Versions that have decided, oldest first. What stands in one of these files never changes: a change is a new file.
const ARCHIVE: &[&str] = &[
    include_str!("../../../policies/rules/2026-11-20.2.toml"),
    include_str!("../../../policies/rules/2026-11-28.1.toml"),
    include_str!("../../../policies/rules/2026-11-28.2.toml"),
    include_str!("../../../policies/rules/2026-11-29.1.toml"),
    include_str!("../../../policies/rules/2026-11-29.2.toml"),
    include_str!("../../../policies/rules/2026-11-29.3.toml"),
    include_str!("../../../policies/rules/2026-11-29.5.toml"),
];

pub(super) const CURRENT: &str = include_str!("../../../policies/rules/2026-11-29.6.toml");

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

/// Which version decides in this process, by its place; past the end of them, the newest.
static ACTIVE: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Every version of this build, oldest first.
pub fn embedded_versions() -> &'static [RuleSet] {
    ALL.as_deref().unwrap_or_default()
}

/// The newest version of this build.
///
/// # Panics
/// When the embedded rules are broken: [`check_embedded`] says why, and a test reads them.
pub fn newest() -> &'static RuleSet {
    embedded_versions()
        .last()
        .expect("the embedded rule sets are read by a test, so they cannot be broken in a build that passed")
}

impl RuleSet {
    /// The rule set that decides: the one that was activated last, the newest where none was.
    pub fn current() -> &'static RuleSet {
        embedded_versions()
            .get(ACTIVE.load(Ordering::Relaxed))
            .unwrap_or_else(newest)
    }

    /// Lets a version decide in this process from now on; false when this build does not carry it.
    pub(in crate::compliance) fn let_decide(version: &str) -> bool {
        let place = embedded_versions()
            .iter()
            .position(|set| set.version() == version);
        if let Some(place) = place {
            ACTIVE.store(place, Ordering::Relaxed);
        }
        place.is_some()
    }

    /// The rule set of a version that decided once; `None` when this build does not carry it.
    pub fn of_version(version: &str) -> Option<&'static RuleSet> {
        embedded_versions().iter().find(|set| set.version() == version)
    }
}
