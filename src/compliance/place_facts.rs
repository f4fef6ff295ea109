//! What is known of contacting a person at a place, as facts (12 CFR 1006.6(b)(1)(ii), (b)(3)).

use serde::Deserialize;

use super::{
    contact_places::{Place, PlaceStanding},
    facts::{Action, Channel, Facts, InconvenientTime, Workplace},
    person_facts::PointJson,
};

/// A record that stands, of the person as a whole or of the very number or address that is to be contacted.
#[derive(Deserialize)]
pub(super) struct PlaceJson {
    place: String,
    standing: String,
    channels: Option<Vec<String>>,
    /// It is of the number or address that is to be contacted.
    here: bool,
}

impl PlaceJson {
    fn is_of(&self, place: Place) -> bool {
        Place::parse(&self.place) == Some(place)
    }

    fn says(&self, standing: PlaceStanding) -> bool {
        PlaceStanding::parse(&self.standing) == standing
    }
}

/// The number or address reaches the person where a record of it says, whatever else is known of it.
pub(super) fn at_place(mut action: Action, points: &[PointJson], places: &[PlaceJson]) -> Action {
    let here = |place: Place| places.iter().any(|record| record.here && record.is_of(place));
    let is_email = action.channel == Some(Channel::Email);
    if here(Place::Work) {
        if is_email {
            action.address_type = Some("employer".to_owned());
        } else {
            action.number_type = Some("work".to_owned());
        }
    }
    // An e-mail address is nobody's home. It matters where the home is not to be called.
    let bars_home = places
        .iter()
        .any(|record| record.is_of(Place::Home) && record.says(PlaceStanding::Inconvenient));
    let is_home = points
        .iter()
        .any(|point| point.is_own && point.contact_use == "HOME");
    if action.number_type.is_none() && !is_email && bars_home && (is_home || here(Place::Home)) {
        action.number_type = Some("home".to_owned());
    }
    action
}

/// What the person does not want stands beside the times that they called inconvenient; what is known of the employer is known of
/// the number that is to be contacted. Of two records that say otherwise the stricter counts.
pub(super) fn with_places(mut facts: Facts, recipient: &str, places: &[PlaceJson]) -> Facts {
    let barred = places
        .iter()
        .filter(|record| record.says(PlaceStanding::Inconvenient));
    let windows = barred.map(|record| InconvenientTime {
        channels: record.channels.as_ref().map(|channels| {
            let word = |channel: &String| channel.to_lowercase().replace('_', "");
            channels.iter().map(word).collect()
        }),
        places: (!record.here).then(|| vec![record.place.to_lowercase()]),
        numbers: record.here.then(|| vec![recipient.to_owned()]),
        ..InconvenientTime::default()
    });
    facts.inconvenient.get_or_insert_default().extend(windows);
    let at_work: Vec<&PlaceJson> = places.iter().filter(|record| record.is_of(Place::Work)).collect();
    if at_work.is_empty() {
        return facts;
    }
    let says = |standing| at_work.iter().any(|record| record.says(standing));
    let prohibits = says(PlaceStanding::EmployerProhibits);
    facts.workplace = Some(Workplace {
        employer_prohibits: (prohibits || says(PlaceStanding::EmployerAllows)).then_some(prohibits),
        // Who objects on one channel alone is asked about that one by the times' rule.
        consumer_objects: at_work
            .iter()
            .any(|record| record.says(PlaceStanding::Inconvenient) && record.channels.is_none())
            .then_some(true),
    });
    facts
}
