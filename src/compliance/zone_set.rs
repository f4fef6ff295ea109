//! A set of time zones in the order of their names (the library's zone type has no order of its own).

use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Time zones, each once, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZoneSet(BTreeMap<&'static str, Tz>);

impl ZoneSet {
    /// There is no zone in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many zones there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The zones.
    pub fn iter(&self) -> impl Iterator<Item = Tz> {
        self.0.values().copied()
    }

    /// The zones' IANA names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}

impl Extend<Tz> for ZoneSet {
    fn extend<I: IntoIterator<Item = Tz>>(&mut self, zones: I) {
        self.0.extend(zones.into_iter().map(|zone| (zone.name(), zone)));
    }
}

impl FromIterator<Tz> for ZoneSet {
    fn from_iter<I: IntoIterator<Item = Tz>>(zones: I) -> Self {
        let mut set = ZoneSet::default();
        set.extend(zones);
        set
    }
}
