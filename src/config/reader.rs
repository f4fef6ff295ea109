//! Reads variables and collects what is wrong with them.

use std::fmt::Display;
use std::num::{IntErrorKind, ParseIntError};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// One pass over the variables.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    pub(super) fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// Notes that `name` is wrong; `what` completes the sentence and must not repeat the value.
    pub(super) fn problem(&mut self, name: &str, what: &str) {
        self.problems.push(format!("{name} {what}."));
    }

    /// Notes that `name` is missing; `example` says what to give.
    pub(super) fn missing(&mut self, name: &str, example: &str) {
        // A variable that is there but wrong has its sentence already.
        if !self.has_problem(name) {
            self.problem(name, &format!("is missing: give {example}"));
        }
    }

    pub(super) fn has_problem(&self, name: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.split(' ').next() == Some(name))
    }

    /// The value, or `None` when it is missing or wrong.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = (self.lookup)(name)?;
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(name, &problem.to_string());
                None
            }
        }
    }

    /// The value; `default` when it is missing or wrong.
    pub(super) fn or_default<T, E: Display>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> T {
        self.optional(name, parse).unwrap_or(default)
    }

    /// The value; missing, it is a problem if `required`, else what `otherwise` gives.
    pub(super) fn required_if<T, E: Display>(
        &mut self,
        required: bool,
        name: &str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        otherwise: impl FnOnce() -> T,
    ) -> Option<T> {
        let value = self.optional(name, parse);
        if value.is_none() && required {
            self.missing(name, example);
            return None;
        }
        Some(value.unwrap_or_else(otherwise))
    }

    /// A whole number within bounds.
    pub(super) fn whole<T>(&mut self, name: &str, default: T, allowed: RangeInclusive<T>) -> T
    where
        T: FromStr<Err = ParseIntError> + PartialOrd + Display,
    {
        let bounds = format!("a whole number from {} to {}", allowed.start(), allowed.end());
        self.or_default(name, default, |text| {
            let number: T = text.parse().map_err(|error: ParseIntError| match error.kind() {
                IntErrorKind::PosOverflow => format!("is too large: give {bounds}"),
                IntErrorKind::Zero => format!("is too small: give {bounds}"),
                _ => format!("is not a number: give {bounds}"),
            })?;
            if &number < allowed.start() {
                return Err(format!("is too small: give {bounds}"));
            }
            if &number > allowed.end() {
                return Err(format!("is too large: give {bounds}"));
            }
            Ok(number)
        })
    }

    /// A number of seconds within bounds.
    pub(super) fn seconds(&mut self, name: &str, default: u64, allowed: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.whole(name, default, allowed))
    }
}
