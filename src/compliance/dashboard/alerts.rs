//! Patterns that somebody should look at, by fixed thresholds: the same counts always give the same alerts.

use uuid::Uuid;

use super::{Counted, Tally};
use crate::identity::ports::MailLanguage;

/// Fewer are no pattern.
const FEWEST: i64 = 10;
/// Refusals of a rule, against the period before.
const RULE_TIMES: i64 = 3;
/// Opt-outs, against the period before.
const OPT_OUT_TIMES: i64 = 2;
/// Refusals of a member of staff, against the median of those who wrote.
const AGENT_TIMES: i64 = 3;
/// Below this many there is no median to speak of.
const FEWEST_AGENTS: usize = 3;

/// What pattern it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::compliance) enum AlertKind {
    /// A rule refuses three times as often as before.
    RuleRefusesMore(String),
    /// Twice as many people opt out as before.
    OptOutsRise,
    /// A member of staff is refused three times as often as their colleagues.
    AgentRefused(Uuid),
}

/// A pattern, with what was counted and what it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::compliance) struct Alert {
    pub(in crate::compliance) kind: AlertKind,
    pub(in crate::compliance) count: i64,
    pub(in crate::compliance) compared_with: i64,
}

impl Alert {
    /// The same in a sentence, which names nobody.
    pub(in crate::compliance) fn sentence(&self) -> String {
        let (count, compared) = (self.count, self.compared_with);
        match &self.kind {
            AlertKind::RuleRefusesMore(rule) => {
                format!("{rule} refused {count} times, after {compared} in as many days before.")
            }
            AlertKind::OptOutsRise => {
                format!("{count} addresses opted out, after {compared} in as many days before.")
            }
            AlertKind::AgentRefused(_) => {
                format!("One member of staff was refused {count} times; the median of all is {compared}.")
            }
        }
    }
}

impl Alert {
    /// The same in the language of a mail.
    pub(in crate::compliance) fn mailed(&self, language: MailLanguage) -> String {
        let (count, compared) = (self.count, self.compared_with);
        match (language, &self.kind) {
            (MailLanguage::English, _) => self.sentence(),
            (MailLanguage::Spanish, AlertKind::RuleRefusesMore(rule)) => {
                format!("{rule} rechazó {count} veces, después de {compared} en los días anteriores.")
            }
            (MailLanguage::Spanish, AlertKind::OptOutsRise) => {
                format!(
                    "{count} direcciones se dieron de baja, después de {compared} en los días anteriores."
                )
            }
            (MailLanguage::Spanish, AlertKind::AgentRefused(_)) => {
                format!(
                    "A un miembro del personal se le rechazó {count} veces; la mediana de todos es {compared}."
                )
            }
        }
    }
}

/// At most this many are told of.
const MOST: usize = 100;

/// Finds them: rules first, then opt-outs, then people, each in the order of their ids. No rules where they were not counted.
pub(in crate::compliance) fn find_alerts(
    tally: Option<&Tally>,
    opt_outs: Counted,
    agents: &[(Uuid, i64, i64)],
) -> Vec<Alert> {
    let refusals = tally.map(Tally::refusals).unwrap_or_default();
    let mut alerts: Vec<Alert> = refusals
        .into_iter()
        .filter(|(_, counted)| rises(*counted, RULE_TIMES))
        .map(|(rule, counted)| Alert {
            kind: AlertKind::RuleRefusesMore(rule),
            count: counted.now,
            compared_with: counted.before,
        })
        .collect();
    if rises(opt_outs, OPT_OUT_TIMES) {
        alerts.push(Alert {
            kind: AlertKind::OptOutsRise,
            count: opt_outs.now,
            compared_with: opt_outs.before,
        });
    }
    alerts.extend(refused_agents(agents));
    alerts.truncate(MOST);
    alerts
}

fn rises(counted: Counted, times: i64) -> bool {
    counted.now >= FEWEST && counted.now >= counted.before.saturating_mul(times)
}

fn refused_agents(agents: &[(Uuid, i64, i64)]) -> Vec<Alert> {
    if agents.len() < FEWEST_AGENTS {
        return Vec::new();
    }
    let mut refused: Vec<i64> = agents.iter().map(|(_, _, refused)| *refused).collect();
    refused.sort_unstable();
    // Of an even number the upper one, in favour of who is looked at.
    let median = refused.get(refused.len() / 2).copied().unwrap_or_default();
    agents
        .iter()
        .filter(|(_, _, refused)| *refused >= FEWEST && *refused >= median.saturating_mul(AGENT_TIMES))
        .filter(|(_, _, refused)| *refused > median)
        .map(|(user, _, refused)| Alert {
            kind: AlertKind::AgentRefused(*user),
            count: *refused,
            compared_with: median,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stands_out_of_their_colleagues_is_told_of() {
        let user = Uuid::from_u128;
        let agents = [
            (user(1), 100, 4),
            (user(2), 80, 12),
            (user(3), 90, 3),
            (user(4), 10, 0),
        ];
        let found = refused_agents(&agents);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, AlertKind::AgentRefused(user(2)));
        assert_eq!((found[0].count, found[0].compared_with), (12, 4));
        assert!(refused_agents(&agents[..2]).is_empty(), "two are no crowd");
        let alike = [(user(1), 20, 20), (user(2), 20, 20), (user(3), 20, 20)];
        assert!(refused_agents(&alike).is_empty());
        let few = [(user(1), 9, 9), (user(2), 1, 0), (user(3), 1, 0)];
        assert!(refused_agents(&few).is_empty());
    }

    #[test]
    fn a_rise_is_a_rise_from_ten_on() {
        let counted = |now, before| Counted { now, before };
        assert!(rises(counted(10, 0), 3) && rises(counted(30, 10), 3));
        assert!(!rises(counted(9, 0), 3) && !rises(counted(29, 10), 3));
    }
}
