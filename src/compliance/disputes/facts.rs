//! What disputes say, as facts for the gate.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::DisputeAnswer;
use crate::compliance::facts::{Dispute, Facts, OriginalCreditorRequest};

/// A dispute that concerns the contact, and was not withdrawn.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::compliance) struct DisputeJson {
    pub(in crate::compliance) hold_id: Option<Uuid>,
    account_id: Option<Uuid>,
    is_dispute: bool,
    requests_original_creditor: bool,
    received_at: DateTime<Utc>,
    written: bool,
    within_validation_period: bool,
    /// The business pauses whatever the law asks for, or nobody there has looked at it yet.
    is_held: bool,
    is_duplicative: bool,
    is_resolved: bool,
    verification_sent_at: Option<DateTime<Utc>>,
    duplicative_notice_sent_at: Option<DateTime<Utc>>,
    original_creditor_sent_at: Option<DateTime<Utc>>,
}

impl DisputeJson {
    fn is_answered(&self) -> bool {
        self.verification_sent_at.is_some() || self.duplicative_notice_sent_at.is_some()
    }

    /// Somebody waits for this answer to it.
    pub(in crate::compliance) fn awaits(&self, answer: DisputeAnswer) -> bool {
        let waits = match answer {
            DisputeAnswer::Verification => self.is_dispute && !self.is_answered(),
            DisputeAnswer::DuplicativeNotice => self.is_dispute && self.is_duplicative && !self.is_answered(),
            DisputeAnswer::OriginalCreditor => {
                self.requests_original_creditor && self.original_creditor_sent_at.is_none()
            }
        };
        waits && !self.is_resolved
    }

    /// What stops most comes last: an answered one stops nothing, an oral one for a while.
    fn rank(&self) -> u8 {
        let stops = self.is_held || self.is_duplicative || (self.written && self.within_validation_period);
        match (self.is_answered(), stops) {
            (true, _) => 0,
            (false, true) => 3,
            (false, false) if !self.written => 2,
            (false, false) => 1,
        }
    }

    /// The document has one dispute. One that the business holds on is written and in time for it: of such the law has the
    /// rule, and the business may hold on any.
    fn as_fact(&self) -> Dispute {
        Dispute {
            received_at: Some(self.received_at),
            written: Some(self.written || self.is_held),
            within_validation_period: Some(self.within_validation_period || self.is_held),
            verification_sent_at: Some(self.verification_sent_at),
            debts: None,
            duplicative: Some(self.is_duplicative),
            duplicative_notice_sent_at: Some(self.duplicative_notice_sent_at),
        }
    }

    fn as_request(&self) -> OriginalCreditorRequest {
        OriginalCreditorRequest {
            received_at: Some(self.received_at),
            written: Some(self.written || self.is_held),
            within_validation_period: Some(self.within_validation_period || self.is_held),
            answered_at: Some(self.original_creditor_sent_at),
        }
    }

    fn request_rank(&self) -> bool {
        let stops = self.is_held || (self.written && self.within_validation_period);
        self.original_creditor_sent_at.is_none() && stops
    }
}

/// An account that has the status DISPUTED, since then at the latest.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::compliance) struct MarkedJson {
    account_id: Uuid,
    since: DateTime<Utc>,
}

impl MarkedJson {
    /// A dispute that is not over says what the status means; without one the status is all that is known of it.
    fn is_explained_by(&self, disputes: &[DisputeJson]) -> bool {
        let same = |account: Option<Uuid>| account.is_none_or(|account| account == self.account_id);
        disputes
            .iter()
            .any(|dispute| dispute.is_dispute && !dispute.is_resolved && same(dispute.account_id))
    }

    fn as_fact(&self) -> Dispute {
        unanswered(self.since)
    }
}

/// A dispute of which nothing is known but when it was said: it counts as what stops most.
pub(in crate::compliance) fn unanswered(received_at: DateTime<Utc>) -> Dispute {
    Dispute {
        received_at: Some(received_at),
        written: Some(true),
        within_validation_period: Some(true),
        verification_sent_at: Some(None),
        ..Dispute::default()
    }
}

/// Of several disputes the one that stops most is the fact: what lets it pass lets the others pass.
pub(in crate::compliance) fn with_disputes(
    mut facts: Facts,
    disputes: &[DisputeJson],
    marked: &[MarkedJson],
) -> Facts {
    let of_debt = disputes.iter().filter(|dispute| dispute.is_dispute);
    if let Some(validation) = &mut facts.validation {
        validation.disputed = Some(of_debt.clone().any(|dispute| dispute.within_validation_period));
    }
    if let Some(first) = of_debt.max_by_key(|dispute| (dispute.rank(), dispute.received_at)) {
        facts.dispute = Some(first.as_fact());
    }
    if let Some(unexplained) = marked.iter().find(|account| !account.is_explained_by(disputes)) {
        facts.dispute = Some(unexplained.as_fact());
    }
    let requests = disputes
        .iter()
        .filter(|dispute| dispute.requests_original_creditor);
    if let Some(first) = requests.max_by_key(|dispute| (dispute.request_rank(), dispute.received_at)) {
        facts.original_creditor_request = Some(first.as_request());
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispute(day: u32) -> DisputeJson {
        DisputeJson {
            hold_id: None,
            account_id: None,
            is_dispute: true,
            requests_original_creditor: false,
            received_at: format!("2026-06-{day:02}T12:00:00Z").parse().unwrap(),
            written: true,
            within_validation_period: true,
            is_held: false,
            is_duplicative: false,
            is_resolved: false,
            verification_sent_at: None,
            duplicative_notice_sent_at: None,
            original_creditor_sent_at: None,
        }
    }

    fn fact_of(disputes: &[DisputeJson], marked: &[MarkedJson]) -> Dispute {
        with_disputes(Facts::nothing_on_file(), disputes, marked)
            .dispute
            .unwrap()
    }

    #[test]
    fn of_several_disputes_the_one_that_stops_most_is_the_fact() {
        let stops = dispute(1);
        let answered = DisputeJson {
            verification_sent_at: Some(stops.received_at),
            ..dispute(5)
        };
        let late = DisputeJson {
            within_validation_period: false,
            ..dispute(6)
        };
        let oral = DisputeJson {
            written: false,
            ..dispute(7)
        };
        let received = |disputes: &[DisputeJson]| fact_of(disputes, &[]).received_at.unwrap();
        let all = [answered.clone(), stops.clone(), late.clone(), oral.clone()];
        assert_eq!(received(&all), stops.received_at);
        assert_eq!(
            received(&[late.clone(), oral.clone(), answered.clone()]),
            oral.received_at
        );
        assert_eq!(received(&[answered.clone(), late.clone()]), late.received_at);
        assert_eq!(
            fact_of(&[answered], &[]).verification_sent_at,
            Some(Some(stops.received_at))
        );
        let held = DisputeJson {
            is_held: true,
            written: false,
            ..late
        };
        let fact = fact_of(&[held, oral], &[]);
        assert_eq!(
            (fact.written, fact.within_validation_period),
            (Some(true), Some(true))
        );
    }

    #[test]
    fn a_status_without_a_dispute_counts_as_one_that_nobody_has_answered() {
        let marked = MarkedJson {
            account_id: Uuid::from_u128(1),
            since: dispute(9).received_at,
        };
        assert_eq!(
            fact_of(&[], std::slice::from_ref(&marked)),
            unanswered(marked.since)
        );
        let answered = DisputeJson {
            account_id: Some(marked.account_id),
            verification_sent_at: Some(dispute(8).received_at),
            ..dispute(1)
        };
        let known = fact_of(std::slice::from_ref(&answered), std::slice::from_ref(&marked));
        assert!(
            known.verification_sent_at.flatten().is_some(),
            "the dispute says what the status means"
        );
        let over = DisputeJson {
            is_resolved: true,
            ..answered
        };
        assert_eq!(
            fact_of(&[over], std::slice::from_ref(&marked)),
            unanswered(marked.since)
        );
    }

    #[test]
    fn a_request_for_the_original_creditor_stops_until_it_is_answered() {
        let asked = DisputeJson {
            is_dispute: false,
            requests_original_creditor: true,
            ..dispute(3)
        };
        let facts = with_disputes(Facts::nothing_on_file(), std::slice::from_ref(&asked), &[]);
        assert_eq!(facts.dispute.unwrap().received_at, None);
        let request = facts.original_creditor_request.unwrap();
        assert_eq!(request.answered_at, Some(None));
        let answered = DisputeJson {
            original_creditor_sent_at: Some(asked.received_at),
            ..asked.clone()
        };
        let facts = with_disputes(Facts::nothing_on_file(), &[answered, asked], &[]);
        assert_eq!(facts.original_creditor_request.unwrap().answered_at, Some(None));
    }
}
