//! Which rule fits a thread, and whom it gives it to. No I/O.

use std::collections::HashSet;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::identity::Absence;

/// How a rule chooses among agents who can take a thread.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum RoutingStrategy {
    /// One after the other, in a fixed order.
    RoundRobin,
    /// Whoever has the fewest open threads; of several, who was given one the longest ago.
    LeastActive,
}

impl RoutingStrategy {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "ROUND_ROBIN",
            Self::LeastActive => "LEAST_ACTIVE",
        }
    }

    /// The reverse of [`RoutingStrategy::as_str`].
    pub fn parse(text: &str) -> Self {
        match text {
            "LEAST_ACTIVE" => Self::LeastActive,
            _ => Self::RoundRobin,
        }
    }
}

/// When a rule takes a thread, in which a debtor waits for an answer, from who has it.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum Reassignment {
    /// Never: somebody gives it to a colleague.
    Never,
    /// When they are not active staff any more. Where no agent can take it, it is nobody's and waits.
    Deactivated,
    /// Then, and when their schedule says that they do not work now and another agent can take it. Who has no schedule keeps
    /// their threads.
    OffDuty,
}

impl Reassignment {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "NEVER",
            Self::Deactivated => "DEACTIVATED",
            Self::OffDuty => "OFF_DUTY",
        }
    }

    /// The reverse of [`Reassignment::as_str`].
    pub fn parse(text: &str) -> Self {
        match text {
            "DEACTIVATED" => Self::Deactivated,
            "OFF_DUTY" => Self::OffDuty,
            _ => Self::Never,
        }
    }

    fn applies(self, absence: Absence) -> bool {
        match absence {
            Absence::Deactivated => self != Self::Never,
            Absence::OffDuty => self == Self::OffDuty,
        }
    }
}

/// A rule of the business's.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: Uuid,
    pub place: i16,
    pub name: String,
    pub enabled: bool,
    pub channels: Vec<String>,
    pub languages: Vec<String>,
    pub creditor_ids: Vec<Uuid>,
    pub tags: Vec<String>,
    pub required_skills: Vec<String>,
    pub strategy: String,
    pub reassignment: String,
    pub last_user_id: Option<Uuid>,
    pub updated_at: DateTime<Utc>,
}

/// What the conditions ask of a thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) channel: String,
    pub(super) language: String,
    pub(super) creditor: Option<Uuid>,
    pub(super) tags: Vec<String>,
    /// Whose the account is: no other agent sees it.
    pub(super) account_agent: Option<Uuid>,
    /// Who has the thread.
    pub(super) holder: Option<Uuid>,
    /// Why they do not answer.
    pub(super) absence: Option<Absence>,
}

/// Somebody who works now, and what they have on their hands.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) user: Uuid,
    pub(super) skills: HashSet<String>,
    pub(super) capacity: Option<i64>,
    pub(super) open: i64,
    pub(super) last_given: Option<DateTime<Utc>>,
}

/// What becomes of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// By this rule it is theirs.
    Give { rule: Uuid, to: Uuid },
    /// Who had it is gone, and nobody can take it.
    TakeBack { rule: Uuid },
    /// It stays where it is.
    Stay,
}

impl Rule {
    fn fits(&self, facts: &Facts) -> bool {
        let any = |named: &[String], is: &str| named.is_empty() || named.iter().any(|one| one == is);
        self.enabled
            && any(&self.channels, &facts.channel)
            && any(&self.languages, &facts.language)
            && (self.creditor_ids.is_empty()
                || facts.creditor.is_some_and(|id| self.creditor_ids.contains(&id)))
            && (self.tags.is_empty() || self.tags.iter().any(|tag| facts.tags.contains(tag)))
    }

    /// Who gets the thread, of those who can take it.
    fn next(&self, facts: &Facts, agents: &[Agent]) -> Option<usize> {
        let can_take = |agent: &Agent| {
            let has_room = agent.capacity.is_none_or(|capacity| agent.open < capacity);
            let sees_account = facts.account_agent.is_none_or(|owner| owner == agent.user);
            has_room
                && sees_account
                && facts.holder != Some(agent.user)
                && self
                    .required_skills
                    .iter()
                    .all(|skill| agent.skills.contains(skill))
        };
        let able = agents.iter().enumerate().filter(|(_, agent)| can_take(agent));
        let chosen = match RoutingStrategy::parse(&self.strategy) {
            // Past whose turn was last; false is before true.
            RoutingStrategy::RoundRobin => able.min_by_key(|(_, agent)| {
                let is_past = self.last_user_id.is_none_or(|last| agent.user > last);
                (!is_past, agent.user)
            }),
            RoutingStrategy::LeastActive => {
                able.min_by_key(|(_, agent)| (agent.open, agent.last_given, agent.user))
            }
        };
        chosen.map(|(nth, _)| nth)
    }
}

/// The first rule that fits decides, also where it finds nobody: then the thread waits. Whoever gets it has one more from
/// now on, and the rule's turn moves on.
pub(super) fn choose(rules: &mut [Rule], agents: &mut [Agent], facts: &Facts, now: DateTime<Utc>) -> Choice {
    let Some(rule) = rules.iter_mut().find(|rule| rule.fits(facts)) else {
        return Choice::Stay;
    };
    let may_move = match (facts.holder, facts.absence) {
        (None, _) => true,
        (Some(_), Some(absence)) => Reassignment::parse(&rule.reassignment).applies(absence),
        (Some(_), None) => false,
    };
    if !may_move {
        return Choice::Stay;
    }
    let Some(agent) = rule.next(facts, agents).and_then(|nth| agents.get_mut(nth)) else {
        return match facts.absence {
            Some(Absence::Deactivated) => Choice::TakeBack { rule: rule.id },
            _ => Choice::Stay,
        };
    };
    agent.open += 1;
    agent.last_given = Some(now);
    rule.last_user_id = Some(agent.user);
    Choice::Give {
        rule: rule.id,
        to: agent.user,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn rule(id: u128, strategy: RoutingStrategy) -> Rule {
        Rule {
            id: Uuid::from_u128(id),
            place: 1,
            name: "A rule".to_owned(),
            enabled: true,
            channels: Vec::new(),
            languages: Vec::new(),
            creditor_ids: Vec::new(),
            tags: Vec::new(),
            required_skills: Vec::new(),
            strategy: strategy.as_str().to_owned(),
            reassignment: Reassignment::Never.as_str().to_owned(),
            last_user_id: None,
            updated_at: now(),
        }
    }

    fn agent(id: u128, capacity: Option<i64>, open: i64) -> Agent {
        Agent {
            user: Uuid::from_u128(id),
            skills: HashSet::new(),
            capacity,
            open,
            last_given: None,
        }
    }

    fn given(rules: &mut [Rule], agents: &mut [Agent], facts: &Facts) -> Option<u128> {
        match choose(rules, agents, facts, now()) {
            Choice::Give { to, .. } => Some(to.as_u128()),
            _ => None,
        }
    }

    #[test]
    fn turns_go_round_and_skip_who_is_full() {
        let mut rules = [rule(1, RoutingStrategy::RoundRobin)];
        let mut agents = [agent(1, None, 0), agent(2, Some(1), 0), agent(3, None, 0)];
        let turns: Vec<_> = (0..6)
            .filter_map(|_| given(&mut rules, &mut agents, &Facts::default()))
            .collect();
        assert_eq!(turns, [1, 2, 3, 1, 3, 1]);
    }

    #[test]
    fn the_least_busy_come_first() {
        let mut rules = [rule(1, RoutingStrategy::LeastActive)];
        let mut agents = [agent(1, None, 2), agent(2, None, 0), agent(3, None, 1)];
        let turns: Vec<_> = (0..5)
            .filter_map(|_| given(&mut rules, &mut agents, &Facts::default()))
            .collect();
        assert_eq!(turns, [2, 3, 2, 1, 2], "a tie goes to who has waited longest");
    }

    #[test]
    fn the_first_rule_that_fits_decides_also_when_it_finds_nobody() {
        let mut spanish = rule(1, RoutingStrategy::RoundRobin);
        spanish.languages = vec!["es".to_owned()];
        spanish.required_skills = vec!["spanish".to_owned()];
        let mut rules = [spanish, rule(2, RoutingStrategy::RoundRobin)];
        let mut agents = [agent(1, None, 0)];
        let facts = |language: &str| Facts {
            language: language.to_owned(),
            ..Facts::default()
        };
        assert_eq!(given(&mut rules, &mut agents, &facts("es")), None);
        assert_eq!(given(&mut rules, &mut agents, &facts("en")), Some(1));
        agents[0].skills.insert("spanish".to_owned());
        assert_eq!(given(&mut rules, &mut agents, &facts("es")), Some(1));
        rules[0].enabled = false;
        agents[0].skills.clear();
        assert_eq!(given(&mut rules, &mut agents, &facts("es")), Some(1));
    }

    #[test]
    fn an_account_of_somebody_is_shown_to_no_other_agent() {
        let mut rules = [rule(1, RoutingStrategy::RoundRobin)];
        let mut agents = [agent(1, None, 0), agent(2, None, 0)];
        let facts = |owner| Facts {
            account_agent: Some(Uuid::from_u128(owner)),
            ..Facts::default()
        };
        assert_eq!(given(&mut rules, &mut agents, &facts(2)), Some(2));
        assert_eq!(given(&mut rules, &mut agents, &facts(3)), None);
    }

    #[test]
    fn a_thread_is_taken_from_who_is_away_as_far_as_its_rule_says() {
        let facts = |absence| Facts {
            holder: Some(Uuid::from_u128(9)),
            absence,
            ..Facts::default()
        };
        for (switch, absence, moves) in [
            (Reassignment::Never, Some(Absence::Deactivated), false),
            (Reassignment::Deactivated, Some(Absence::Deactivated), true),
            (Reassignment::Deactivated, Some(Absence::OffDuty), false),
            (Reassignment::OffDuty, Some(Absence::Deactivated), true),
            (Reassignment::OffDuty, Some(Absence::OffDuty), true),
            (Reassignment::OffDuty, None, false),
        ] {
            let mut rules = [rule(1, RoutingStrategy::RoundRobin)];
            rules[0].reassignment = switch.as_str().to_owned();
            let id = rules[0].id;
            let mut agents = [agent(1, None, 0)];
            let got = given(&mut rules, &mut agents, &facts(absence));
            assert_eq!(got, moves.then_some(1), "{switch:?} {absence:?}");
            let alone = choose(&mut rules, &mut [], &facts(absence), now());
            let back = moves && absence == Some(Absence::Deactivated);
            let expected = if back {
                Choice::TakeBack { rule: id }
            } else {
                Choice::Stay
            };
            assert_eq!(alone, expected, "{switch:?} {absence:?}");
        }
    }

    proptest! {
        #[test]
        fn nobody_is_ever_given_more_than_they_can_hold(
            capacities in prop::collection::vec((0_i64..6, 0_i64..6), 1..6),
            threads in 0_usize..60,
            least in any::<bool>(),
        ) {
            let strategy = if least { RoutingStrategy::LeastActive } else { RoutingStrategy::RoundRobin };
            let mut rules = [rule(1, strategy)];
            let mut agents: Vec<Agent> = (1..)
                .zip(&capacities)
                .map(|(id, (capacity, open))| agent(id, Some(*capacity), *open))
                .collect();
            let before: i64 = agents.iter().map(|agent| agent.open).sum();
            let room: i64 = capacities.iter().map(|(capacity, open)| (capacity - open).max(0)).sum();
            for _ in 0..threads {
                choose(&mut rules, &mut agents, &Facts::default(), now());
            }
            for (agent, (capacity, open)) in agents.iter().zip(&capacities) {
                prop_assert!(agent.open <= (*capacity).max(*open));
            }
            let after: i64 = agents.iter().map(|agent| agent.open).sum();
            prop_assert_eq!(after - before, room.min(i64::try_from(threads).unwrap()), "and nobody stays idle");
        }
    }
}
