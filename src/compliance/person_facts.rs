//! What is known of the person behind a contact and of the number that it goes to, as facts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    facts::{Action, Channel, LineType, Location, ReassignedNumberCheck, Recipient},
    zone_evidence::{ZoneClue, clue_of_phone, clues_of_address},
    zones::{ZoneSet, is_in_new_york_city, states_of_area_code, zones_of_phone},
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
/// stated zone takes the place of the others once it is confirmed.
pub(super) fn location(recipient: &str, traits: &Traits, now: DateTime<Utc>) -> Location {
    let mut clues: Vec<ZoneClue> = clue_of_phone(recipient, now).into_iter().collect();
    let of_addresses = traits.addresses.iter();
    clues.extend(of_addresses.flat_map(|address| clues_of_address(address, now)));
    let mut candidates = ZoneSet::default();
    for clue in &clues {
        candidates.extend(clue.zones.iter());
    }
    candidates.extend(traits.stated.among_others().into_iter().map(|(zone, _)| zone));
    let alone = traits.stated.alone();
    let address_state = traits.addresses.iter().find_map(|address| address.state.clone());
    let area_code = PhoneNumber::parse_e164(recipient)
        .ok()
        .and_then(|phone| phone.area_code().map(str::to_owned));
    Location {
        possible_states: area_code
            .as_deref()
            .filter(|_| address_state.is_none())
            .map(states_of_area_code)
            .filter(|states| !states.is_empty()),
        address_state,
        area_code,
        // What the number alone says stands in the facts too, so that they say the same when the tables have changed.
        area_code_zones: Some(zones_of_phone(recipient).iter().collect()),
        nyc_resident: lives_in_new_york_city(&traits.addresses),
        candidate_zones: Some(candidates.iter().collect()),
        stated_zone: alone.map(|(zone, _)| zone),
        stated_at: alone.map(|(_, at)| at),
        ..Location::default()
    }
}

/// By any of the addresses that name a ZIP code. An address in the state of New York without one may be in the city, and
/// counts as such; not known where no other address names one.
fn lives_in_new_york_city(addresses: &[PostalAddress]) -> Option<bool> {
    let mut known = None;
    for address in addresses {
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
