//! The clues to where a person is, each with what it says, as the gate weighs them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::zones::{ZoneSet, zones_of_phone, zones_of_state, zones_of_zip};
use crate::accounts::{PostalAddress, StatedZones};

/// What a clue is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ZoneSource {
    Confirmed,
    Stated,
    AddressState,
    AddressPostalCode,
    AreaCode,
}

/// A clue, and the zones that it leaves open.
#[derive(Clone, Debug)]
pub(super) struct ZoneClue {
    pub(super) source: ZoneSource,
    pub(super) zones: ZoneSet,
    pub(super) observed_at: DateTime<Utc>,
}

/// The zones that a postal address leaves open: those of its state and those of its ZIP code. What looks like either abroad
/// is none.
pub(super) fn clues_of_address(address: &PostalAddress, observed_at: DateTime<Utc>) -> Vec<ZoneClue> {
    if is_abroad(address) {
        return Vec::new();
    }
    let state = address.state.as_deref().map(zones_of_state);
    let zip = address.postal_code.as_deref().map(zones_of_zip);
    [
        (ZoneSource::AddressState, state),
        (ZoneSource::AddressPostalCode, zip),
    ]
    .into_iter()
    .filter_map(|(source, zones)| clue(source, zones?, observed_at))
    .collect()
}

/// Whether an address is outside the United States; one without a country is not. Its territories have codes of their own.
pub(super) fn is_abroad(address: &PostalAddress) -> bool {
    const UNITED_STATES: [&str; 7] = ["US", "PR", "VI", "GU", "AS", "MP", "UM"];
    let country = address
        .country
        .as_deref()
        .map(|code| code.trim().to_ascii_uppercase());
    country.is_some_and(|code| !code.is_empty() && !UNITED_STATES.contains(&code.as_str()))
}

/// The zones that a number's area code leaves open.
pub(super) fn clue_of_phone(e164: &str, observed_at: DateTime<Utc>) -> Option<ZoneClue> {
    clue(ZoneSource::AreaCode, zones_of_phone(e164), observed_at)
}

/// The zones that the person stated and that count.
pub(super) fn stated_clues(zones: &StatedZones) -> Vec<ZoneClue> {
    let of = |source, (zone, observed_at): (Tz, DateTime<Utc>)| ZoneClue {
        source,
        zones: ZoneSet::from_iter([zone]),
        observed_at,
    };
    let alone = zones.alone().map(|zone| of(ZoneSource::Confirmed, zone));
    let stated = zones.among_others().into_iter().map(|zone| {
        let source = if zones.confirmed == Some(zone) {
            ZoneSource::Confirmed
        } else {
            ZoneSource::Stated
        };
        of(source, zone)
    });
    alone.into_iter().chain(stated).collect()
}

/// What says nothing is no clue.
fn clue(source: ZoneSource, zones: ZoneSet, observed_at: DateTime<Utc>) -> Option<ZoneClue> {
    (!zones.is_empty()).then_some(ZoneClue {
        source,
        zones,
        observed_at,
    })
}
