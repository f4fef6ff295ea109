//! When a notice is taken as received and its period ends, as the rules in force compute it, and on whose clock.

use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    compliance::{
        decide::{Strictness, decide},
        facts::{Action, ActionType, Facts},
        local_time::local_date,
        ports::Letterhead,
        rule_set::RuleSet,
    },
    platform::error::OpError,
};

/// What follows from the day on which a notice is provided (12 CFR 1006.34(b)(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) assumed_received_on: NaiveDate,
    /// The last day on which a dispute is in time.
    pub(super) ends_on: NaiveDate,
    pub(super) rule_set_version: String,
}

impl Period {
    /// Of a notice that is provided on this day.
    pub(super) fn from(provided_on: NaiveDate) -> Result<Self, OpError> {
        let facts = Facts {
            action: Some(Action {
                action_type: Some(ActionType::ComputeValidationPeriod),
                provided_on: Some(provided_on),
                ..Action::default()
            }),
            ..Facts::default()
        };
        let computed = decide(RuleSet::current(), &facts, Strictness::Production);
        match (computed.assumed_received_on, computed.period_ends_on) {
            (Some(assumed_received_on), Some(ends_on)) => Ok(Self {
                assumed_received_on,
                ends_on,
                rule_set_version: computed.rule_set_version,
            }),
            _ => Err(anyhow::anyhow!("no rule computes the validation period").into()),
        }
    }
}

/// The date of an instant on the business's own clock; in UTC where it has not said which, which in the United States is the
/// same day or the next one: later is safe.
pub(super) fn date_of(at: DateTime<Utc>, letterhead: &Letterhead) -> NaiveDate {
    match letterhead.time_zone {
        Some(zone) => local_date(at, zone),
        None => at.date_naive(),
    }
}
