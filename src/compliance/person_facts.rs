//! What is known of the person behind a contact and of the number that it goes to, as facts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    facts::{Action, Channel, LineType, Location, ReassignedNumberCheck, Recipient},
    zone_evidence::{ZoneClue, clue_of_phone, clues_of_address, is_abroad},
    zones::{ZoneSet, is_in_new_york_city, states_of_area_code, states_of_zip, zones_of_phone},
};
use crate::{
    accounts::{PostalAddress, SealedZones, StatedZones},
    platform::{
        error::OpError,
        keys::{TenantKeys, WrappedKey},
        phone::PhoneNumber,
    },
};

/// Somebody's contact point with the recipient's number or address.
#[derive(Deserialize)]
pub(super) struct PointJson {
    /// It is the person's.
    pub(super) is_own: bool,
    pub(super) contact_use: String,
    pub(super) line_type: String,
    pub(super) validity: String,
}

/// One of the person's records: usually the only one.
pub(super) struct Member {
    pub(super) id: Uuid,
    pub(super) address_cipher: Option<Vec<u8>>,
    pub(super) birth_date_cipher: Option<Vec<u8>>,
    pub(super) stated_zone_cipher: Option<Vec<u8>>,
    pub(super) stated_zone_at: Option<DateTime<Utc>>,
    pub(super) confirmed_zone_cipher: Option<Vec<u8>>,
    pub(super) confirmed_zone_at: Option<DateTime<Utc>>,
    pub(super) profile: WrappedKey,
}

/// What is known of the person, on whichever of their records it stands.
pub(super) struct Traits {
    /// The address on the record that is contacted comes first.
    pub(super) addresses: Vec<PostalAddress>,
    /// The latest of several: a minor is not contacted (12 CFR 1006.6(a)(2)).
    pub(super) born_on: Option<NaiveDate>,
    /// Where they say they are.
    pub(super) stated: StatedZones,
}

pub(super) fn open_traits(keys: &TenantKeys, debtor: Uuid, members: &[Member]) -> Result<Traits, OpError> {
    let mut traits = Traits {
        addresses: Vec::new(),
        born_on: None,
        stated: StatedZones::default(),
    };
    let (own, others): (Vec<&Member>, Vec<&Member>) = members.iter().partition(|member| member.id == debtor);
    for member in own.into_iter().chain(others) {
        let Some(key) = keys.data_key(&member.profile)? else {
            continue;
        };
        if let Some(cipher) = &member.address_cipher {
            let text = keys.open_text(&key, "debtors", "address_cipher", member.id, cipher)?;
            traits
                .addresses
                .extend(serde_json::from_str::<PostalAddress>(text.expose()));
        }
        if let Some(cipher) = &member.birth_date_cipher {
            let text = keys.open_text(&key, "debtors", "birth_date_cipher", member.id, cipher)?;
            traits.born_on = traits.born_on.max(text.expose().parse().ok());
        }
        let zones = SealedZones {
            profile: &member.profile,
            debtor: member.id,
            stated: member.stated_zone_cipher.as_deref(),
            stated_at: member.stated_zone_at,
            confirmed: member.confirmed_zone_cipher.as_deref(),
            confirmed_at: member.confirmed_zone_at,
        };
        traits.stated.add(keys, zones)?;
    }
    Ok(traits)
}

/// Every clue of where the person may be: the addresses' states and ZIPs, the number's area code, and what they stated. A
/// stated zone takes the place of the others once it is confirmed. Of somebody with an address abroad the number says nothing:
/// where they are only they can say (comment 6(b)(1)(i)-2: no zone is guessed).
pub(super) fn location(recipient: &str, traits: &Traits, now: DateTime<Utc>) -> Location {
    let stated = traits.stated.among_others();
    let is_unknown = stated.is_empty() && traits.addresses.iter().any(is_abroad);
    let mut clues: Vec<ZoneClue> = clue_of_phone(recipient, now).into_iter().collect();
    let of_addresses = traits.addresses.iter();
    clues.extend(of_addresses.flat_map(|address| clues_of_address(address, now)));
    let mut candidates = ZoneSet::default();
    for clue in clues.iter().filter(|_| !is_unknown) {
        candidates.extend(clue.zones.iter());
    }
    candidates.extend(stated.into_iter().map(|(zone, _)| zone));
    let alone = traits.stated.alone();
    let area_code = PhoneNumber::parse_e164(recipient)
        .ok()
        .and_then(|phone| phone.area_code().map(str::to_owned));
    let (address_state, possible_states) = states(traits, area_code.as_deref());
    Location {
        // Of a single state the zones would count beside the candidates.
        address_state: address_state.filter(|_| !is_unknown),
        possible_states,
        area_code,
        // What the number alone says stands in the facts too, so that they say the same when the tables have changed.
        area_code_zones: Some(match is_unknown {
            true => Vec::new(),
            false => zones_of_phone(recipient).iter().collect(),
        }),
        nyc_resident: lives_in_new_york_city(&traits.addresses),
        candidate_zones: Some(candidates.iter().collect()),
        stated_zone: alone.map(|(zone, _)| zone),
        stated_at: alone.map(|(_, at)| at),
        ..Location::default()
    }
}

/// The state of all addresses, or those in which the person may live: of several addresses each names its own, and one without
/// a state those of its ZIP code; without an address in the United States those of the area code.
fn states(traits: &Traits, area_code: Option<&str>) -> (Option<String>, Option<Vec<String>>) {
    let mut states: Vec<String> = Vec::new();
    for address in traits.addresses.iter().filter(|address| !is_abroad(address)) {
        states.extend(address.state.clone());
        let of_zip = address.postal_code.as_deref().map(states_of_zip);
        states.extend(of_zip.unwrap_or_default().into_iter().map(str::to_owned));
    }
    states.sort();
    states.dedup();
    if states.is_empty() {
        states = area_code.map(states_of_area_code).unwrap_or_default();
        return (None, (!states.is_empty()).then_some(states));
    }
    match states.as_slice() {
        [only] => (
            Some(only.clone()),
            Some(states).filter(|_| traits.addresses.iter().any(is_abroad)),
        ),
        _ => (None, Some(states)),
    }
}

/// By any of the addresses that name a ZIP code. An address in the state of New York without one may be in the city, and
/// counts as such; not known where no other address names one.
fn lives_in_new_york_city(addresses: &[PostalAddress]) -> Option<bool> {
    let mut known = None;
    for address in addresses.iter().filter(|address| !is_abroad(address)) {
        let may_be = match address.postal_code.as_deref() {
            Some(zip) => is_in_new_york_city(zip),
            None if address.state.as_deref() == Some("NY") => true,
            None => continue,
        };
        known = Some(known == Some(true) || may_be);
    }
    known
}

/// What is known of the number or address that is contacted. Where it is known to reach somebody else, the recipient is
/// a third party (15 USC 1692c(b)): for every person of the business, but for one who is known to be reached there.
pub(super) fn with_points(mut action: Action, points: &[PointJson]) -> Action {
    let own = || points.iter().filter(|point| point.is_own);
    let is_email = action.channel == Some(Channel::Email);
    if own().any(|point| point.contact_use == "WORK") {
        if is_email {
            action.address_type = Some("employer".to_owned());
        } else {
            action.number_type = Some("work".to_owned());
        }
    }
    // A landline at work is no residential line.
    action.line_type = match own().next() {
        Some(point) if point.line_type == "MOBILE" => Some(LineType::Wireless),
        Some(point) if point.line_type == "LANDLINE" && point.contact_use == "HOME" => {
            Some(LineType::ResidentialLandline)
        }
        _ => None,
    };
    // Of a text to a reassigned number another rule speaks, and says more.
    let is_text = matches!(action.channel, Some(Channel::Sms | Channel::Whatsapp));
    let others: &[&str] = if is_text {
        &["WRONG_NUMBER"]
    } else {
        &["WRONG_NUMBER", "REASSIGNED"]
    };
    if reaches_another(points, others) {
        action.recipient = Some(Recipient::Other("wrong_party".to_owned()));
    }
    action
}

/// 47 CFR 64.1200(m): whoever looked has found that the number changed hands.
pub(super) fn reassigned(points: &[PointJson]) -> Option<ReassignedNumberCheck> {
    reaches_another(points, &["REASSIGNED"]).then(|| ReassignedNumberCheck {
        status: Some("yes".to_owned()),
        ..ReassignedNumberCheck::default()
    })
}

/// The same by the database's own answer. Of a text another rule speaks; a call reaches a third party.
pub(super) fn to_another(mut action: Action, answer: Option<&ReassignedNumberCheck>) -> Action {
    let is_text = matches!(action.channel, Some(Channel::Sms | Channel::Whatsapp));
    if !is_text && answer.is_some_and(|check| check.status.as_deref() == Some("yes")) {
        action.recipient = Some(Recipient::Other("wrong_party".to_owned()));
    }
    action
}

fn reaches_another(points: &[PointJson], validities: &[&str]) -> bool {
    let says_so = |point: &PointJson| validities.contains(&point.validity.as_str());
    let is_known_to_be_theirs = points
        .iter()
        .any(|point| point.is_own && point.validity == "VALID");
    !is_known_to_be_theirs && points.iter().any(says_so)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(recipient: &str, addresses: &[serde_json::Value]) -> Location {
        let traits = Traits {
            addresses: addresses
                .iter()
                .map(|address| serde_json::from_value(address.clone()).unwrap())
                .collect(),
            born_on: None,
            stated: StatedZones::default(),
        };
        location(recipient, &traits, "2026-11-20T15:00:00Z".parse().unwrap())
    }

    #[test]
    fn what_looks_like_a_zip_code_abroad_is_no_clue_and_the_number_alone_is_none_then() {
        for (country, code) in [("DE", "10115"), ("MX", "83000"), ("de", "02139")] {
            let address = serde_json::json!({ "postal_code": code, "country": country });
            let abroad = located("+12125550100", std::slice::from_ref(&address));
            assert_eq!(abroad.candidate_zones, Some(vec![]), "{country}");
            assert_eq!(abroad.area_code_zones, Some(vec![]), "{country}");
            assert_eq!(
                (abroad.address_state, abroad.nyc_resident),
                (None, None),
                "{country}"
            );
            let home = serde_json::json!({ "state": "MA", "postal_code": "02139", "country": "US" });
            let both = located("+12125550100", &[home, address]);
            assert_eq!(both.candidate_zones, Some(vec![]), "{country}");
            assert_eq!(both.address_state, None, "whose zone would count");
            assert_eq!(both.possible_states, Some(vec!["MA".to_owned()]), "{country}");
        }
        let puerto_rico = serde_json::json!({ "postal_code": "00901", "country": "PR" });
        let known = located("+17875550100", &[puerto_rico]);
        assert_eq!(known.candidate_zones, Some(vec![chrono_tz::America::Puerto_Rico]));
    }

    #[test]
    fn the_zip_code_names_the_state_too_and_every_address_counts() {
        let by_zip = located(
            "+12125550100",
            &[serde_json::json!({ "postal_code": "02139-4307" })],
        );
        assert_eq!(by_zip.address_state.as_deref(), Some("MA"));
        assert_eq!(by_zip.possible_states, None);
        let two = [
            serde_json::json!({ "state": "TX" }),
            serde_json::json!({ "postal_code": "98101" }),
        ];
        let several = located("+12125550100", &two);
        assert_eq!(several.address_state, None);
        let both = vec!["TX".to_owned(), "WA".to_owned()];
        assert_eq!(several.possible_states, Some(both));
        // Who wrote the state may have erred in it, or in the ZIP code.
        let at_odds = located(
            "+12125550100",
            &[serde_json::json!({ "state": "NH", "postal_code": "02139" })],
        );
        assert_eq!(at_odds.possible_states.unwrap(), ["MA", "NH"]);
        let none = located("+14155550100", &[]);
        assert_eq!(none.possible_states.unwrap(), ["CA"]);
    }
}
