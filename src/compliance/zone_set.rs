//! A set of time zones in the order of their names (the library's zone type has no order of its own).

use chrono_tz::Tz;

/// Time zones, each once, in the order of their names. A person may be in a handful of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZoneSet(Vec<Tz>);

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
        self.0.iter().copied()
    }

    /// The zones' IANA names.
    pub fn names(&self) -> Vec<&'static str> {
        self.iter().map(|zone| zone.name()).collect()
    }
}

impl Extend<Tz> for ZoneSet {
    fn extend<I: IntoIterator<Item = Tz>>(&mut self, zones: I) {
        for zone in zones {
            if let Err(place) = self.0.binary_search_by(|other| other.name().cmp(zone.name())) {
                self.0.insert(place, zone);
            }
        }
    }
}

impl FromIterator<Tz> for ZoneSet {
    fn from_iter<I: IntoIterator<Item = Tz>>(zones: I) -> Self {
        let mut set = ZoneSet::default();
        set.extend(zones);
        set
    }
}
