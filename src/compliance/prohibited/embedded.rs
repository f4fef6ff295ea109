//! The patterns that this build carries.

use std::sync::LazyLock;

use super::pack::PackError;
use super::scan::Scanner;

const FILES: &[(&str, &str)] = &[
    (
        "lists.toml",
        include_str!("../../../policies/language/lists.toml"),
    ),
    (
        "abuse.toml",
        include_str!("../../../policies/language/abuse.toml"),
    ),
    (
        "legal.toml",
        include_str!("../../../policies/language/legal.toml"),
    ),
    (
        "deception.toml",
        include_str!("../../../policies/language/deception.toml"),
    ),
    (
        "exposure.toml",
        include_str!("../../../policies/language/exposure.toml"),
    ),
    (
        "money.toml",
        include_str!("../../../policies/language/money.toml"),
    ),
];

static SCANNER: LazyLock<Result<Scanner, PackError>> = LazyLock::new(|| Scanner::read(FILES));

/// Makes sure that the embedded patterns can be used: asked at start, so that a broken one stops the service there.
///
/// # Errors
/// What is wrong, with the file and the entry.
pub fn check_embedded() -> Result<(), &'static PackError> {
    SCANNER.as_ref().map(|_| ())
}

/// The scanner with the embedded patterns.
///
/// # Panics
/// When they are broken: [`check_embedded`] says why, and a test reads them.
pub fn scanner() -> &'static Scanner {
    SCANNER
        .as_ref()
        .expect("the embedded patterns are read by a test, so they cannot be broken in a build that passed")
}
