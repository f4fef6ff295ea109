//! The compliance score in the API.

use async_graphql::{Enum, SimpleObject};

use super::dashboard::int;
use crate::compliance::dashboard::{ScoreComponent, Scored};

/// What goes into the compliance score. The weights make 100.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[graphql(remote = "ScoreComponent")]
pub enum ComplianceScoreComponentKind {
    /// Contacts of the period that the gate refused when they were written, of all that were wanted. Weight 15.
    RefusedWhenWritten,
    /// Contacts of the period that it refused when they were to leave, of all that were to. Weight 20.
    RefusedWhenSent,
    /// Disputes that wait now for an answer past its day, of all that wait for one. Weight 25.
    DisputesOverdue,
    /// Complaints that wait now for an answer past its day, of all that wait for one. Weight 10.
    ComplaintsOverdue,
    /// States, or New York City, whose licence to collect has ended and of which no other stands now, of all that one is on record
    /// of. Weight 20.
    LicensesEnded,
    /// Holds for what a text stated that nobody has looked at by now, of all holds that stand. Weight 10.
    StatementsUnconfirmed,
}

/// One part of the score.
#[derive(SimpleObject)]
pub struct ComplianceScoreComponent {
    /// Which.
    kind: ComplianceScoreComponentKind,
    /// How much it can cost: the points that are lost where all is wrong.
    weight: i32,
    /// How many are wrong.
    count: i32,
    /// Of how many; where there are none, nothing is lost.
    out_of: i32,
    /// The points that it costs: `weight * count / outOf`, rounded up.
    lost: i32,
}

/// How well your business keeps the rules, of a hundred: 100 less what the components lose. A measure of this service's, by fixed
/// weights; no law knows it, and the gate does not read it.
#[derive(SimpleObject)]
pub struct ComplianceScore {
    /// From 0 to 100.
    points: i32,
    /// What it is made of, always all of them.
    components: Vec<ComplianceScoreComponent>,
}

impl ComplianceScore {
    pub(super) fn of((points, components): (i64, Vec<Scored>)) -> Self {
        Self {
            points: int(points),
            components: components
                .into_iter()
                .map(|scored| ComplianceScoreComponent {
                    kind: scored.component.into(),
                    weight: int(scored.component.weight()),
                    count: int(scored.share.wrong),
                    out_of: int(scored.share.all),
                    lost: int(scored.lost),
                })
                .collect(),
        }
    }
}
