//! The gate: asks every rule in order and combines what they say into one decision.
//!
//! The first denial wins. Deferrals combine to the earliest instant at which every rule is satisfied if
//! nothing else happens: each rule names the earliest instant that satisfies it, the latest of them is tried,
//! and so on until no rule defers. Then the text must contain what the law requires.

use super::decision::{Decision, Outcome, RuleFinding};
use super::facts::{Action, ActionType, Facts};
use super::keywords::{self, InboundKeyword, OptOutReach};
use super::rule_set::RuleSet;
use super::rules::{Context, IN_ORDER, Missing, Values, Verdict, Weight};
use super::zones::{GEO_VERSION, TZDB_VERSION};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// What a missing fact means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// A fact that a rule needs and that is missing denies.
    Production,
    /// A missing fact is neutral: decision vectors hold only what they are about.
    Vector,
}

/// A deferral that would reach further than this is a denial: the longest window of any rule is 30 days, and
/// a week holds every pattern of daily and weekly hours.
const HORIZON_DAYS: i64 = 38;

const FACTS_REQUIRED: &str = "facts-required";
const ACTION_NOT_COVERED: &str = "action-not-covered";
const NO_COMMON_TIME: &str = "no-common-time";
const REVOCATION: &str = "tcpa-revocation-reasonable-means";
const CEASE: &str = "reg-f-cease-communication";
const DISPUTE: &str = "reg-f-dispute-cease";

/// Ids that need an entry in the rule set: those of the checks and those that the gate itself answers with.
pub(super) fn rule_ids() -> impl Iterator<Item = &'static str> {
    let checks = IN_ORDER
        .iter()
        .flat_map(|family| family.iter().map(|rule| rule.id));
    checks.chain([FACTS_REQUIRED, ACTION_NOT_COVERED, NO_COMMON_TIME, REVOCATION])
}

/// Decides one action on its facts. The same arguments give the same answer for ever.
///
/// Contacts are decided by all rules; inbound messages are classified as to opt-outs, cease notices, disputes
/// and renewed consent; other actions are denied, because this rule set does not cover them.
pub fn decide(rule_set: &RuleSet, facts: &Facts, strictness: Strictness) -> Decision {
    let gate = Gate { rule_set, strictness };
    let action = facts.action.as_ref();
    match action
        .and_then(|action| action.action_type)
        .unwrap_or(ActionType::Contact)
    {
        ActionType::Contact => gate.decide_contact(facts),
        ActionType::Inbound => gate.record_inbound(action),
        _ => gate.answer(ACTION_NOT_COVERED, Outcome::Deny, vec![]),
    }
}

struct Gate<'a> {
    rule_set: &'a RuleSet,
    strictness: Strictness,
}

/// What all rules said about one instant.
#[derive(Default)]
struct Survey {
    findings: Vec<RuleFinding>,
    /// The rule that denied; nothing after it was asked.
    denied_by: Option<usize>,
    /// Index of the finding that defers longest.
    deferred_by: Option<usize>,
    /// Index of the first finding that requires content.
    content_by: Option<usize>,
    missing_content: Vec<String>,
    /// Weight and index of the weightiest satisfied rule, the first among equals.
    weightiest: Option<(Weight, usize)>,
}

impl Survey {
    fn until(&self) -> Option<DateTime<Utc>> {
        self.deferred_by.and_then(|index| self.findings[index].until)
    }
}

impl Gate<'_> {
    fn decide_contact(&self, facts: &Facts) -> Decision {
        let context = match Context::new(self.rule_set, facts) {
            Ok(context) => context,
            Err(missing) => {
                return self.answer(
                    FACTS_REQUIRED,
                    Outcome::Deny,
                    vec![("fact", path_of(missing).into())],
                );
            }
        };
        let survey = self.ask_all(&context);
        if let Some(index) = survey.denied_by {
            return self.conclude(survey, index, Outcome::Deny);
        }
        if let Some(index) = survey.deferred_by {
            return self.defer(&context, survey, index);
        }
        match (survey.content_by, survey.weightiest) {
            (Some(index), _) => self.conclude(survey, index, Outcome::RequireContent),
            (None, Some((_, index))) => self.conclude(survey, index, Outcome::Allow),
            (None, None) => self.answer(FACTS_REQUIRED, Outcome::Deny, vec![("fact", "action".into())]),
        }
    }

    /// Seeks the earliest instant that every rule accepts. When on the way a rule denies for good (a consent
    /// runs out before the window opens), waiting does not help and that rule denies now.
    fn defer(&self, context: &Context<'_>, now: Survey, index: usize) -> Decision {
        let horizon = context.at + TimeDelta::days(HORIZON_DAYS);
        let mut until = now.until();
        while let Some(at) = until.filter(|at| *at <= horizon) {
            let later = self.ask_all(&context.asked_at(at));
            if let Some(index) = later.denied_by {
                return self.conclude(later, index, Outcome::Deny);
            }
            until = later.until();
            if until.is_none() {
                let mut decision = self.conclude(now, index, Outcome::Defer);
                decision.next_permitted_at = Some(at);
                return decision;
            }
        }
        let mut decision = self.answer(
            NO_COMMON_TIME,
            Outcome::Deny,
            vec![("days", HORIZON_DAYS.to_string())],
        );
        decision.findings = now.findings.into_iter().chain(decision.findings).collect();
        decision
    }

    fn ask_all(&self, context: &Context<'_>) -> Survey {
        let mut survey = Survey::default();
        for rule in IN_ORDER.iter().flat_map(|family| family.iter()) {
            let verdict = match (rule.check)(context) {
                Ok(verdict) => verdict,
                Err(Missing::Fact(_)) if self.strictness == Strictness::Vector => Verdict::NotApplicable,
                Err(missing) => {
                    survey.denied_by = Some(survey.findings.len());
                    survey.findings.push(self.finding_of_missing(rule.id, missing));
                    return survey;
                }
            };
            if self.note(&mut survey, rule.id, verdict) {
                return survey;
            }
        }
        survey
    }

    /// Enters one verdict; true when it ends the survey.
    fn note(&self, survey: &mut Survey, rule: &str, verdict: Verdict) -> bool {
        let index = survey.findings.len();
        match verdict {
            Verdict::NotApplicable => {}
            Verdict::Pass(weight) => {
                survey.findings.push(self.satisfied(rule));
                if survey.weightiest.is_none_or(|(heaviest, _)| weight > heaviest) {
                    survey.weightiest = Some((weight, index));
                }
            }
            Verdict::Deny(values) => {
                survey
                    .findings
                    .push(self.finding(rule, Outcome::Deny, None, values));
                survey.denied_by = Some(index);
                return true;
            }
            Verdict::Defer(until, values) => {
                survey
                    .findings
                    .push(self.finding(rule, Outcome::Defer, Some(until), values));
                if survey.until().is_none_or(|latest| until > latest) {
                    survey.deferred_by = Some(index);
                }
            }
            Verdict::Require(missing) => {
                let values = vec![("missing", missing.join(", "))];
                survey
                    .findings
                    .push(self.finding(rule, Outcome::RequireContent, None, values));
                survey.content_by = survey.content_by.or(Some(index));
                survey.missing_content.extend(missing);
            }
        }
        false
    }

    fn finding(
        &self,
        rule: &str,
        outcome: Outcome,
        until: Option<DateTime<Utc>>,
        mut values: Values,
    ) -> RuleFinding {
        values.extend(until.map(|at| ("until", at.to_rfc3339_opts(SecondsFormat::Secs, true))));
        let data = self.rule_set.rule(rule);
        RuleFinding {
            rule: rule.to_owned(),
            citation: data.map(|data| data.citation.clone()).unwrap_or_default(),
            severity: data.map(|data| data.severity.clone()).unwrap_or_default(),
            outcome,
            explanation: data
                .map(|data| fill(data.explanation(outcome), &values))
                .unwrap_or_default(),
            explanation_es: data
                .map(|data| fill(data.explanation_in_spanish(outcome), &values))
                .unwrap_or_default(),
            until,
        }
    }

    fn satisfied(&self, rule: &str) -> RuleFinding {
        RuleFinding {
            explanation: "This rule is satisfied.".to_owned(),
            explanation_es: "Esta regla se cumple.".to_owned(),
            ..self.finding(rule, Outcome::Allow, None, vec![])
        }
    }

    fn finding_of_missing(&self, rule: &str, missing: Missing) -> RuleFinding {
        let path = path_of(missing);
        RuleFinding {
            explanation: format!(
                "The rule needs `{path}` and it is not known, so the contact is refused. Record it, then ask again."
            ),
            explanation_es: format!(
                "La regla necesita `{path}` y no se conoce, así que el contacto se rechaza. Regístrelo y pregunte \
                 de nuevo."
            ),
            ..self.finding(rule, Outcome::Deny, None, vec![])
        }
    }

    /// A decision in which the finding at `index` is the one that counts.
    fn conclude(&self, survey: Survey, index: usize, outcome: Outcome) -> Decision {
        let decisive = &survey.findings[index];
        let (reason, reason_es) = match outcome {
            Outcome::Allow => (
                format!(
                    "Permitted: every rule that applies is satisfied ({}).",
                    decisive.rule
                ),
                format!(
                    "Permitido: se cumplen todas las reglas aplicables ({}).",
                    decisive.rule
                ),
            ),
            _ => (decisive.explanation.clone(), decisive.explanation_es.clone()),
        };
        Decision {
            outcome,
            rule: decisive.rule.clone(),
            reason,
            reason_es,
            next_permitted_at: None,
            missing_content: survey.missing_content,
            findings: survey.findings,
            effect: None,
            rule_set_version: self.rule_set.version().to_owned(),
            geo_version: GEO_VERSION.to_owned(),
            tzdb_version: TZDB_VERSION.to_owned(),
        }
    }

    /// A decision that rests on one rule alone.
    fn answer(&self, rule: &str, outcome: Outcome, values: Values) -> Decision {
        let finding = self.finding(rule, outcome, None, values);
        self.conclude(
            Survey {
                findings: vec![finding],
                ..Survey::default()
            },
            0,
            outcome,
        )
    }

    /// Classifies what the debtor wrote. Of several texts the one with the widest effect counts.
    fn record_inbound(&self, action: Option<&Action>) -> Decision {
        let channel = action
            .and_then(|action| action.channel)
            .and_then(|channel| serde_json::to_value(channel).ok())
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_else(|| "all".to_owned());
        let texts = action
            .and_then(|action| action.texts.as_deref())
            .unwrap_or_default();
        let (_, rule, effect) = texts
            .iter()
            .map(|text| effect_of(text, &channel))
            .max_by_key(|(rank, _, _)| *rank)
            .unwrap_or((0, REVOCATION, "none".to_owned()));
        let mut decision = self.answer(rule, Outcome::Record, vec![]);
        decision.reason = format!("The message was classified; its effect is `{effect}`.");
        decision.reason_es = format!("El mensaje fue clasificado; su efecto es `{effect}`.");
        for finding in &mut decision.findings {
            finding.explanation.clone_from(&decision.reason);
            finding.explanation_es.clone_from(&decision.reason_es);
        }
        decision.effect = Some(effect);
        decision
    }
}

/// How wide the effect of a text is, by which rule, and its name.
fn effect_of(text: &str, channel: &str) -> (u8, &'static str, String) {
    match keywords::recognise(text) {
        Some(InboundKeyword::OptOut(OptOutReach::AllContact)) => (4, CEASE, "cease:all".to_owned()),
        Some(InboundKeyword::OptOut(OptOutReach::Channel)) => (3, REVOCATION, format!("revoke:{channel}")),
        _ if keywords::disputes(text) => (2, DISPUTE, "hold:dispute".to_owned()),
        Some(InboundKeyword::OptIn) => (1, REVOCATION, format!("resubscribe:{channel}")),
        Some(InboundKeyword::Help) | None => (0, REVOCATION, "none".to_owned()),
    }
}

fn path_of(missing: Missing) -> &'static str {
    match missing {
        Missing::Fact(path) | Missing::Parameter(path) => path,
    }
}

fn fill(template: &str, values: &Values) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}
