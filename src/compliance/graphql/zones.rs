//! Evidence of a person's time zone in the API.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};

use crate::{
    accounts::{PostalAddress, StatedZones},
    compliance::zone_evidence::{ZoneClue, ZoneSource, clue_of_phone, clues_of_address, stated_clues},
    platform::gql::TimeZoneScalar,
};

/// Where a clue to a person's time zone comes from.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum TimeZoneSource {
    /// The person said so, and a second member of staff confirmed it: it counts instead of all other clues, until
    /// something else is stated.
    Confirmed,
    /// The person said so, and nobody has confirmed it yet: it counts beside the other clues.
    Stated,
    /// The state of the postal address.
    AddressState,
    /// The ZIP code of the postal address.
    AddressPostalCode,
    /// The area code of a telephone number: counts for contacts to that number.
    AreaCode,
}

/// A clue to where a person is. A contact has to be at a permitted hour in every zone that the clues leave open.
#[derive(Clone, Debug, SimpleObject)]
pub struct TimeZoneEvidence {
    /// Where it comes from.
    source: TimeZoneSource,
    /// The zones that it leaves open, in the order of their names.
    time_zones: Vec<TimeZoneScalar>,
    /// Since when it has been known.
    observed_at: DateTime<Utc>,
}

impl TimeZoneEvidence {
    /// What the person stated, newest first.
    pub fn of_statements(zones: &StatedZones) -> Vec<Self> {
        stated_clues(zones).into_iter().map(Self::of).collect()
    }

    /// What a postal address says.
    pub fn of_address(address: &PostalAddress, observed_at: DateTime<Utc>) -> Vec<Self> {
        let clues = clues_of_address(address, observed_at);
        clues.into_iter().map(Self::of).collect()
    }

    /// What a telephone number (E.164) says.
    pub fn of_phone(e164: &str, observed_at: DateTime<Utc>) -> Option<Self> {
        clue_of_phone(e164, observed_at).map(Self::of)
    }

    fn of(clue: ZoneClue) -> Self {
        let names = clue.zones.names().into_iter();
        Self {
            source: match clue.source {
                ZoneSource::Confirmed => TimeZoneSource::Confirmed,
                ZoneSource::Stated => TimeZoneSource::Stated,
                ZoneSource::AddressState => TimeZoneSource::AddressState,
                ZoneSource::AddressPostalCode => TimeZoneSource::AddressPostalCode,
                ZoneSource::AreaCode => TimeZoneSource::AreaCode,
            },
            time_zones: names.map(|name| TimeZoneScalar(name.to_owned())).collect(),
            observed_at: clue.observed_at,
        }
    }
}
