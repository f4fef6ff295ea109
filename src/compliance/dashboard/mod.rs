//! What those who look after compliance see of a period: decisions, refusals, opt-outs, holds, people near a limit, and
//! patterns that somebody should look at. Every count is bounded, and reads an index alone.

mod alerts;
mod period;
mod score;
mod store;

pub(super) use alerts::{Alert, AlertKind, find_alerts};
pub(super) use period::Period;
pub(super) use score::{ScoreComponent, Scored, Share, score};
pub(super) use store::{
    Counted, DayCount, Near, NearKey, Tally, agents, hold_counts, near_limits, opt_outs, owed, revocations,
    suppression_counts, tally,
};
