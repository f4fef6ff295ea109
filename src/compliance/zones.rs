//! Where the debtor may be: candidate time zones from the evidence on file.
//!
//! A zone is evidence, never a default: a number or place that says nothing gives the empty set, and a
//! territory with several clocks gives all of them (12 CFR 1006.6(b)(1), comment 6(b)(1)(i)-2).

use super::facts::Location;
pub use super::zone_set::ZoneSet;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Version of the tables in `policies/geo`; it is stored with each decision.
pub const GEO_VERSION: &str = "2026-11-20.1";

/// Version of the IANA time zone database in this build; it is stored with each decision.
pub const TZDB_VERSION: &str = chrono_tz::IANA_TZDB_VERSION;

type ZoneTable = BTreeMap<&'static str, ZoneSet>;

static AREA_CODES: LazyLock<ZoneTable> =
    LazyLock::new(|| zone_table(include_str!("../../policies/geo/area_code_zones.csv")));
static STATES: LazyLock<ZoneTable> =
    LazyLock::new(|| zone_table(include_str!("../../policies/geo/state_zones.csv")));
static ZIP_PREFIXES: LazyLock<ZoneTable> =
    LazyLock::new(|| zone_table(include_str!("../../policies/geo/zip3_zones.csv")));

static AREA_CODE_STATES: LazyLock<BTreeMap<&'static str, Vec<String>>> = LazyLock::new(|| {
    lines_of(include_str!("../../policies/geo/area_code_states.csv"))
        .map(|(code, states)| (code, states.split(' ').map(str::to_owned).collect()))
        .collect()
});

/// By the first area of a run: its last one, and the states.
static ZIP_STATES: LazyLock<BTreeMap<&'static str, (&'static str, &'static str)>> = LazyLock::new(|| {
    lines_of(include_str!("../../policies/geo/zip3_states.csv"))
        .filter_map(|(first, rest)| Some((first, rest.split_once(',')?)))
        .collect()
});

/// The lines `key,values` below `#` comments and one header line.
fn lines_of(csv: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    csv.lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .filter_map(|line| line.split_once(','))
}

/// Reads `key,zone zone …` lines below `#` comments and one header line. A zone that the time zone database
/// does not know would be left out; a test shows that there is none.
fn zone_table(csv: &'static str) -> ZoneTable {
    lines_of(csv)
        .map(|(key, zones)| {
            (
                key,
                zones.split(' ').filter_map(|zone| zone.parse().ok()).collect(),
            )
        })
        .collect()
}

fn look_up(table: &ZoneTable, key: &str) -> ZoneSet {
    table.get(key).cloned().unwrap_or_default()
}

/// Zones of the territory of a telephone number in E.164 form. Empty for numbers without a territory
/// (toll-free, personal, premium), for numbers outside the North American plan, and for what is not a
/// telephone number.
pub fn zones_of_phone(e164: &str) -> ZoneSet {
    match e164.strip_prefix("+1") {
        Some(national) if national.len() == 10 && national.bytes().all(|byte| byte.is_ascii_digit()) => {
            zones_of_area_code(&national[..3])
        }
        _ => ZoneSet::default(),
    }
}

/// Zones of a North American area code; empty when it has no territory or is not known.
pub fn zones_of_area_code(area_code: &str) -> ZoneSet {
    look_up(&AREA_CODES, area_code)
}

/// The US states, districts and territories (USPS codes) whose numbers a North American area code is of, and `NYC` where it is
/// one of New York City's; empty where it is not of the United States or has no territory.
pub fn states_of_area_code(area_code: &str) -> Vec<String> {
    AREA_CODE_STATES.get(area_code).cloned().unwrap_or_default()
}

/// Zones in use in a US state, district or territory (USPS code, any case); empty when it is not known or
/// military.
pub fn zones_of_state(code: &str) -> ZoneSet {
    look_up(&STATES, code.trim().to_ascii_uppercase().as_str())
}

/// Zones of the area of a US ZIP code (five digits or ZIP+4), by its first three digits; empty when it is not
/// a ZIP code, not known, or military.
pub fn zones_of_zip(zip: &str) -> ZoneSet {
    let digits = zip.trim().split('-').next().unwrap_or_default();
    if digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        look_up(&ZIP_PREFIXES, &digits[..3])
    } else {
        ZoneSet::default()
    }
}

/// The states, districts and territories (USPS codes) in the area of a US ZIP code (five digits or ZIP+4), by its first three
/// digits; none where it is no ZIP code, not known, or military.
pub fn states_of_zip(zip: &str) -> Vec<&'static str> {
    let digits = zip.trim().split('-').next().unwrap_or_default();
    if digits.len() != 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let area = &digits[..3];
    let states = ZIP_STATES.range(..=area).next_back();
    let found = states.filter(|(_, (last, _))| area <= *last);
    found
        .map(|(_, (_, states))| states.split(' ').collect())
        .unwrap_or_default()
}

/// Whether a US ZIP code (five digits or ZIP+4) lies in one of the five boroughs of New York City. The areas 100 to 104,
/// 111 to 114 and 116 do as a whole; of 110, which is Nassau County's, two ZIP codes of Queens.
pub fn is_in_new_york_city(zip: &str) -> bool {
    const AREAS: [&str; 10] = [
        "100", "101", "102", "103", "104", "111", "112", "113", "114", "116",
    ];
    const IN_QUEENS: [&str; 2] = ["11004", "11005"];
    let digits = zip.trim().split('-').next().unwrap_or_default();
    let is_zip = digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_zip && (AREAS.contains(&&digits[..3]) || IN_QUEENS.contains(&digits))
}

/// All zones in which the debtor may be at `at`.
///
/// A zone that the debtor stated replaces everything else. Otherwise the union of: the zones already
/// resolved, the zone of the address (all zones of its state where the zone is not known), and the zones of
/// the area code. A ported number keeps its area code's zones: porting does not show where the person is.
pub fn candidate_zones(location: &Location, at: DateTime<Utc>) -> ZoneSet {
    let was_stated = location.stated_at.is_none_or(|stated_at| stated_at <= at);
    if let Some(stated) = location.stated_zone.filter(|_| was_stated) {
        return ZoneSet::from_iter([stated]);
    }
    let mut zones: ZoneSet = location.candidate_zones.iter().flatten().copied().collect();
    match (location.address_zone, &location.address_state) {
        (Some(zone), _) => zones.extend([zone]),
        (None, Some(state)) => zones.extend(zones_of_state(state).iter()),
        (None, None) => {}
    }
    match (&location.area_code_zones, &location.area_code) {
        (Some(of_area_code), _) => zones.extend(of_area_code.iter().copied()),
        (None, Some(area_code)) => zones.extend(zones_of_area_code(area_code).iter()),
        (None, None) => {}
    }
    zones
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(zones: ZoneSet) -> Vec<&'static str> {
        zones.names()
    }

    #[test]
    fn every_line_of_the_tables_is_read_and_every_zone_is_known() {
        for (csv, table) in [
            (
                include_str!("../../policies/geo/area_code_zones.csv"),
                &*AREA_CODES,
            ),
            (include_str!("../../policies/geo/state_zones.csv"), &*STATES),
            (include_str!("../../policies/geo/zip3_zones.csv"), &*ZIP_PREFIXES),
        ] {
            let rows: Vec<&str> = csv
                .lines()
                .filter(|line| !line.starts_with('#'))
                .skip(1)
                .collect();
            assert_eq!(rows.len(), table.len(), "a duplicate key or a broken line");
            assert!(
                csv.contains(&format!("# version: {GEO_VERSION}")),
                "GEO_VERSION must name this data"
            );
            for row in rows {
                let (key, zones) = row.split_once(',').expect("two columns");
                assert_eq!(
                    zones.split(' ').count(),
                    table[key].len(),
                    "an unknown zone in {row}"
                );
            }
        }
    }

    #[test]
    fn an_area_code_names_states_whose_clocks_are_its_own() {
        assert_eq!(states_of_area_code("415"), ["CA"]);
        assert_eq!(states_of_area_code("212"), ["NY", "NYC"]);
        assert_eq!(states_of_area_code("518"), ["NY"]);
        assert_eq!(states_of_area_code("202"), ["DC"]);
        for without in ["416", "800", "876", ""] {
            assert_eq!(states_of_area_code(without), Vec::<String>::new(), "{without}");
        }
        assert!(AREA_CODE_STATES.len() > 350);
        for (code, states) in &*AREA_CODE_STATES {
            let zones = zones_of_area_code(code);
            for state in states.iter().filter(|state| *state != "NYC") {
                let of_state = zones_of_state(state);
                assert!(
                    zones
                        .iter()
                        .any(|zone| of_state.iter().any(|other| zone == other)),
                    "{code} is of {state}, and has none of its clocks"
                );
            }
        }
    }

    #[test]
    fn a_telephone_number_says_where_its_area_code_lies() {
        assert_eq!(names(zones_of_phone("+12125550100")), ["America/New_York"]);
        assert_eq!(
            names(zones_of_phone("+13175550100")),
            ["America/Indiana/Indianapolis"]
        );
        assert_eq!(names(zones_of_phone("+17875550100")), ["America/Puerto_Rico"]);
        assert_eq!(names(zones_of_phone("+16715550100")), ["Pacific/Guam"]);
    }

    #[test]
    fn an_area_code_that_spans_several_clocks_gives_all_of_them() {
        assert_eq!(
            names(zones_of_phone("+19285550100")),
            ["America/Denver", "America/Phoenix"],
            "Navajo Nation"
        );
        for (code, zones) in [
            ("850", ["America/Chicago", "America/New_York"]),
            ("448", ["America/Chicago", "America/New_York"]),
            ("423", ["America/Chicago", "America/New_York"]),
            ("270", ["America/Chicago", "America/New_York"]),
            ("906", ["America/Chicago", "America/New_York"]),
            ("208", ["America/Denver", "America/Los_Angeles"]),
            ("541", ["America/Denver", "America/Los_Angeles"]),
            ("605", ["America/Chicago", "America/Denver"]),
            ("701", ["America/Chicago", "America/Denver"]),
            ("308", ["America/Chicago", "America/Denver"]),
            ("812", ["America/Chicago", "America/Indiana/Indianapolis"]),
            ("907", ["America/Adak", "America/Anchorage"]),
        ] {
            assert_eq!(names(zones_of_area_code(code)), zones, "{code}");
        }
    }

    #[test]
    fn a_number_without_a_territory_is_no_evidence() {
        for number in [
            "+18005550100",
            "+18335550100",
            "+15005550100",
            "+19005550100",
            "+17005550100",
            "+16005550100",
        ] {
            assert!(zones_of_phone(number).is_empty(), "{number}");
        }
        for number in [
            "+442071838750",
            "2125550100",
            "+1212555010",
            "+1212555010x",
            "",
            "+1",
        ] {
            assert!(zones_of_phone(number).is_empty(), "{number}");
        }
    }

    #[test]
    fn every_state_is_known_and_split_states_give_all_their_clocks() {
        assert_eq!(
            STATES.len(),
            50 + 1 + 5 + 3,
            "states, DC, territories, freely associated states"
        );
        assert_eq!(names(zones_of_state("tx")), ["America/Chicago", "America/Denver"]);
        assert_eq!(names(zones_of_state("AZ")), ["America/Denver", "America/Phoenix"]);
        assert_eq!(
            names(zones_of_state("IN")),
            ["America/Chicago", "America/Indiana/Indianapolis"]
        );
        assert!(zones_of_state("AE").is_empty(), "military");
        assert!(zones_of_state("XX").is_empty());
    }

    #[test]
    fn a_zip_code_says_where_its_area_lies() {
        assert_eq!(names(zones_of_zip("10001")), ["America/New_York"]);
        assert_eq!(
            names(zones_of_zip("86503-1234")),
            ["America/Denver", "America/Phoenix"]
        );
        assert_eq!(
            names(zones_of_zip("96910")).len(),
            5,
            "969 covers the western Pacific"
        );
        for zip in ["09012", "34012", "96201", "1000", "1000A", "SW1A 1AA", ""] {
            assert!(zones_of_zip(zip).is_empty(), "{zip}");
        }
    }

    #[test]
    fn a_zip_code_says_in_which_state_its_area_lies() {
        for (zip, states) in [
            ("02139", vec!["MA"]),
            ("10001", vec!["NY"]),
            ("06390", vec!["CT", "NY"]),
            ("20500-0001", vec!["DC"]),
            ("98101", vec!["WA"]),
            ("00901", vec!["PR"]),
            ("09012", vec![]),
            ("2139", vec![]),
            ("SW1A 1AA", vec![]),
        ] {
            assert_eq!(states_of_zip(zip), states, "{zip}");
        }
        // Where an area has a clock it has a state, and one of that state's clocks.
        for (area, zones) in &*ZIP_PREFIXES {
            let states = states_of_zip(&format!("{area}00"));
            assert!(!states.is_empty(), "{area} is of no state");
            let clocks: Vec<_> = states
                .iter()
                .flat_map(|state| zones_of_state(state).names())
                .collect();
            assert!(
                zones.names().iter().any(|zone| clocks.contains(zone)),
                "{area}: {states:?}"
            );
        }
    }

    #[test]
    fn the_five_boroughs_are_new_york_city_and_their_neighbours_are_not() {
        for zip in [
            "10001",
            "10301",
            "10451",
            "11201-1234",
            "11101",
            "11375",
            "11691",
            "11004",
        ] {
            assert!(is_in_new_york_city(zip), "{zip}");
        }
        for zip in ["11001", "11550", "10701", "07030", "12207", "1000", "1000A", ""] {
            assert!(!is_in_new_york_city(zip), "{zip}");
        }
    }

    #[test]
    fn a_stated_location_replaces_the_candidates_from_the_moment_it_is_stated() {
        let location = Location {
            address_state: Some("NY".into()),
            area_code: Some("415".into()),
            stated_zone: Some(chrono_tz::America::Denver),
            stated_at: Some("2026-06-10T12:00:00Z".parse().expect("an instant")),
            ..Location::default()
        };
        let before = "2026-06-10T11:59:59Z".parse().expect("an instant");
        let after = "2026-06-10T12:00:00Z".parse().expect("an instant");
        assert_eq!(
            names(candidate_zones(&location, before)),
            ["America/Los_Angeles", "America/New_York"]
        );
        assert_eq!(names(candidate_zones(&location, after)), ["America/Denver"]);
    }
}
