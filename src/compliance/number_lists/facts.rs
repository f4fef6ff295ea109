//! What the lists say of the number that is to be contacted, as facts.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;

use crate::compliance::facts::{DoNotCall, ReassignedNumberCheck};

/// The registry's word, where the business has access to it.
#[derive(Deserialize)]
pub(in crate::compliance) struct NationalJson {
    listed: bool,
    as_of: NaiveDate,
}

/// An answer of the reassigned numbers database about the number.
#[derive(Deserialize)]
pub(in crate::compliance) struct ReassignedJson {
    status: String,
    asked_since: Option<NaiveDate>,
    disconnected_on: Option<NaiveDate>,
    queried_on: NaiveDate,
}

/// What do-not-call lists say. Where the business has no access, or no copy is loaded, the national list stays unknown.
pub(in crate::compliance) fn national(internal: bool, found: Option<&NationalJson>) -> DoNotCall {
    DoNotCall {
        internal: Some(internal),
        national: found.map(|word| word.listed),
        national_list_of: found.map(|word| word.as_of),
    }
}

/// The zones of the United States are at most eleven hours behind UTC (American Samoa).
const BEHIND_UTC: TimeDelta = TimeDelta::hours(11);

impl ReassignedJson {
    /// The answer for a number that rests on a consent of this instant, or on none. 47 CFR 64.1200(m): what counts is
    /// whether the number was disconnected since the consent; what was asked before the consent says nothing of it.
    fn answer(&self, consent: Option<DateTime<Utc>>) -> Option<&'static str> {
        // On whichever calendar it was said: the earliest day is the strictest.
        let said_on = consent.map(|at| (at - BEHIND_UTC).date_naive());
        if said_on.is_some_and(|said_on| said_on > self.queried_on) {
            return None;
        }
        match self.status.as_str() {
            // Who consented after the last disconnection is who holds the number now.
            "YES" => {
                let is_later = said_on
                    .zip(self.disconnected_on)
                    .is_some_and(|(said_on, gone_on)| said_on > gone_on);
                Some(if is_later { "no" } else { "yes" })
            }
            "NO" => {
                let covers = said_on
                    .zip(self.asked_since)
                    .is_none_or(|(said_on, since)| since <= said_on);
                covers.then_some("no")
            }
            _ => Some("no_data"),
        }
    }
}

/// The answer as a fact, and how many days ago it showed that the number still reaches who consented. `found` are the newest
/// answer and every YES. That the number changed hands after the consent stays true whatever is asked later, about another
/// date: only a newer consent makes up for it. Otherwise the newest answer counts.
pub(in crate::compliance) fn reassigned_answer(
    found: &[ReassignedJson],
    consent: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<(ReassignedNumberCheck, Option<i64>)> {
    let newest = || {
        // Of two answers of one day the stricter: their names are in that order.
        found
            .iter()
            .max_by_key(|answer| (answer.queried_on, answer.status.as_str()))
    };
    let changed_hands = found.iter().find(|answer| answer.answer(consent) == Some("yes"));
    let found = changed_hands.or_else(newest)?;
    let status = found.answer(consent)?;
    let check = ReassignedNumberCheck {
        status: Some(status.to_owned()),
        disconnect_after: found.disconnected_on,
    };
    let checked = (status == "no").then(|| (now.date_naive() - found.queried_on).num_days().max(0));
    Some((check, checked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(found: serde_json::Value, consent: Option<&str>) -> Option<(Option<String>, Option<i64>)> {
        answer_of(serde_json::json!([found]), consent)
    }

    fn answer_of(found: serde_json::Value, consent: Option<&str>) -> Option<(Option<String>, Option<i64>)> {
        let found: Vec<ReassignedJson> = serde_json::from_value(found).unwrap();
        let consent = consent.map(|at| at.parse().unwrap());
        reassigned_answer(&found, consent, "2026-11-20T12:00:00Z".parse().unwrap())
            .map(|(check, checked)| (check.status, checked))
    }

    #[test]
    fn an_answer_counts_for_the_consents_that_it_speaks_of() {
        let no =
            serde_json::json!({ "status": "NO", "asked_since": "2026-01-31", "queried_on": "2026-11-10" });
        let is_no = Some((Some("no".to_owned()), Some(10)));
        assert_eq!(answer(no.clone(), Some("2026-03-01T00:00:00Z")), is_no);
        assert_eq!(answer(no.clone(), None), is_no);
        // Between the consent and the date that was asked about anybody may have got the number.
        assert_eq!(answer(no.clone(), Some("2026-01-30T00:00:00Z")), None);
        // The consent is newer than the answer.
        assert_eq!(answer(no.clone(), Some("2026-11-12T00:00:00Z")), None);
        // On the mainland it is still the day of the query.
        assert_eq!(answer(no, Some("2026-11-11T04:00:00Z")), is_no);

        let yes =
            serde_json::json!({ "status": "YES", "asked_since": "2026-01-31", "queried_on": "2026-11-10" });
        assert_eq!(answer(yes.clone(), None), Some((Some("yes".to_owned()), None)));
        assert_eq!(
            answer(yes.clone(), Some("2026-10-01T00:00:00Z")),
            Some((Some("yes".to_owned()), None))
        );
        assert_eq!(answer(yes, Some("2026-11-15T00:00:00Z")), None);

        let dated = serde_json::json!({ "status": "YES", "disconnected_on": "2026-05-05", "queried_on": "2026-11-10" });
        assert_eq!(answer(dated.clone(), Some("2026-06-01T00:00:00Z")), is_no);
        assert_eq!(
            answer(dated, Some("2026-05-05T23:00:00Z")),
            Some((Some("yes".to_owned()), None))
        );

        let nothing = serde_json::json!({ "status": "NO_DATA", "queried_on": "2026-11-10" });
        assert_eq!(answer(nothing, None), Some((Some("no_data".to_owned()), None)));
    }

    #[test]
    fn a_number_that_changed_hands_is_not_cleared_by_a_later_answer_about_another_date() {
        let consent = Some("2026-10-01T12:00:00Z");
        let yes = serde_json::json!({ "status": "YES", "disconnected_on": "2026-10-10", "queried_on": "2026-10-20" });
        let is_yes = Some((Some("yes".to_owned()), None));
        for later in [
            serde_json::json!({ "status": "NO", "asked_since": "2026-11-01", "queried_on": "2026-11-10" }),
            serde_json::json!({ "status": "NO", "asked_since": "2026-09-01", "queried_on": "2026-11-10" }),
            serde_json::json!({ "status": "NO_DATA", "queried_on": "2026-11-10" }),
        ] {
            let both = serde_json::json!([later, yes]);
            assert_eq!(answer_of(both.clone(), consent), is_yes, "{later}");
            let anew = Some("2026-11-05T12:00:00Z");
            assert_eq!(
                answer_of(both, anew),
                answer(later, anew),
                "who consents after the disconnection is judged by the newest answer"
            );
        }
    }
}
