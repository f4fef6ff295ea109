//! The gate: asks every rule in order and combines what they say into one decision.
//!
//! The first denial wins. Deferrals combine to the earliest instant at which every rule is satisfied if
//! nothing else happens: each rule names the earliest instant that satisfies it, the latest of them is tried,
//! and so on until no rule defers. Then the text must contain what the law requires.

use std::sync::{Arc, LazyLock};

use super::calendar::{Holidays, business_days_after};
use super::decision::{Decision, Outcome, RuleFinding};
use super::facts::{Action, ActionType, Facts};
use super::inbound;
use super::rule_set::{RuleData, RuleSet};
use super::rules::{Act, Context, Missing, PLACE, Values, Verdict, Weight, erasure_effect, in_order};
use super::zones::{GEO_VERSION, TZDB_VERSION};
use chrono::{DateTime, Days, SecondsFormat, TimeDelta, Utc};

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
const VALIDATION_PERIOD: &str = "reg-f-validation-period";
const ERASURE: &str = "erasure-vs-retention";

/// Ids that need an entry in the rule set: those of the checks and those that the gate itself answers with.
pub(super) fn rule_ids() -> impl Iterator<Item = &'static str> {
    let checks = Act::ALL.into_iter().flat_map(in_order).map(|rule| rule.id);
    let readers = inbound::RULES.iter().map(|(rule, _)| *rule);
    checks.chain(readers).chain([
        FACTS_REQUIRED,
        ACTION_NOT_COVERED,
        NO_COMMON_TIME,
        VALIDATION_PERIOD,
        ERASURE,
    ])
}

/// Decides one action on its facts. The same arguments give the same answer for ever.
///
/// Contacts, payments, recordings and deletions are decided by the rules of their act; inbound messages are classified;
/// a validation period is computed; a request for erasure is answered. What the rule set has no rule for is denied.
pub fn decide(rule_set: &RuleSet, facts: &Facts, strictness: Strictness) -> Decision {
    let gate = Gate { rule_set, strictness };
    let action = facts.action.as_ref();
    let answered = match action
        .and_then(|action| action.action_type)
        .unwrap_or(ActionType::Contact)
    {
        ActionType::Contact => Some(gate.decide_act(Act::Contact, facts)),
        ActionType::Payment => gate.decide_if_covered(Act::Payment, facts),
        ActionType::RecordCall => gate.decide_if_covered(Act::RecordCall, facts),
        ActionType::Delete => gate.decide_if_covered(Act::Delete, facts),
        ActionType::Inbound => Some(gate.record_inbound(action)),
        ActionType::ComputeValidationPeriod => gate.compute_validation_period(action),
        ActionType::ErasureRequest => gate.answer_erasure_request(facts),
    };
    answered.unwrap_or_else(|| gate.answer(ACTION_NOT_COVERED, Outcome::Deny, vec![]))
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
    /// Rules that ask a person to look.
    review: Vec<String>,
    /// Weight and index of the weightiest satisfied rule, the first among equals.
    weightiest: Option<(Weight, usize)>,
}

impl Survey {
    fn until(&self) -> Option<DateTime<Utc>> {
        self.deferred_by.and_then(|index| self.findings[index].until)
    }
}

impl Gate<'_> {
    fn decide_if_covered(&self, act: Act, facts: &Facts) -> Option<Decision> {
        // Rules that also bind contacts say nothing of whether the set knows the act.
        let of_contact = |id| in_order(Act::Contact).any(|rule| rule.id == id);
        let is_covered = self.rule_set.checks(act).any(|(rule, _)| !of_contact(rule.id));
        is_covered.then(|| self.decide_act(act, facts))
    }

    fn decide_act(&self, act: Act, facts: &Facts) -> Decision {
        let context = match Context::new(self.rule_set, facts, act, self.strictness) {
            Ok(context) => context,
            Err(missing) => {
                return self.answer(
                    FACTS_REQUIRED,
                    Outcome::Deny,
                    vec![("fact", path_of(missing).into())],
                );
            }
        };
        let survey = self.ask_all(act, &context);
        if let Some(index) = survey.denied_by {
            return self.conclude(survey, index, Outcome::Deny);
        }
        if let Some(index) = survey.deferred_by {
            return self.defer(act, &context, survey, index);
        }
        match (survey.content_by, survey.weightiest) {
            (Some(index), _) => self.conclude(survey, index, Outcome::RequireContent),
            (None, Some((_, index))) => self.conclude(survey, index, Outcome::Allow),
            (None, None) => self.answer(FACTS_REQUIRED, Outcome::Deny, vec![("fact", "action".into())]),
        }
    }

    /// Seeks the earliest instant that every rule accepts. When on the way a rule denies for good (a consent
    /// runs out before the window opens), waiting does not help and that rule denies now.
    fn defer(&self, act: Act, context: &Context<'_>, now: Survey, index: usize) -> Decision {
        let horizon = context.at + TimeDelta::days(HORIZON_DAYS);
        let mut until = now.until();
        while let Some(at) = until.filter(|at| *at <= horizon) {
            let later = self.ask_all(act, &context.asked_at(at));
            if let Some(index) = later.denied_by {
                return self.conclude(later, index, Outcome::Deny);
            }
            let Some(next) = later.until() else {
                let mut decision = self.conclude(now, index, Outcome::Defer);
                decision.next_permitted_at = Some(at);
                return decision;
            };
            // Who is told to wait until now would be told so for ever.
            until = Some(next).filter(|next| *next > at);
        }
        let mut decision = self.answer(
            NO_COMMON_TIME,
            Outcome::Deny,
            vec![("days", HORIZON_DAYS.to_string())],
        );
        decision.findings = now.findings.into_iter().chain(decision.findings).collect();
        decision
    }

    fn ask_all(&self, act: Act, context: &Context<'_>) -> Survey {
        let mut survey = Survey::default();
        let checks = self.rule_set.checks(act);
        for (rule, data) in checks.filter(|(_, data)| context.is_in_force(data)) {
            let verdict = match (rule.check)(context) {
                Ok(verdict) => verdict,
                Err(Missing::Fact(_)) if self.strictness == Strictness::Vector => Verdict::NotApplicable,
                Err(missing) => {
                    survey.denied_by = Some(survey.findings.len());
                    survey.findings.push(finding_of_missing(data, missing));
                    return survey;
                }
            };
            if note(&mut survey, data, verdict) {
                return survey;
            }
        }
        survey
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
            _ => (
                decisive.explanation.to_string(),
                decisive.explanation_es.to_string(),
            ),
        };
        Decision {
            outcome,
            rule: decisive.rule.to_string(),
            reason,
            reason_es,
            next_permitted_at: None,
            missing_content: survey.missing_content,
            findings: survey.findings,
            review: survey.review,
            effect: None,
            effects: Vec::new(),
            assumed_received_on: None,
            period_ends_on: None,
            rule_set_version: self.rule_set.version().to_owned(),
            geo_version: GEO_VERSION.to_owned(),
            tzdb_version: TZDB_VERSION.to_owned(),
        }
    }

    /// A decision that rests on one rule alone.
    fn answer(&self, rule: &str, outcome: Outcome, values: Values) -> Decision {
        let finding = match self.rule_set.rule(rule) {
            Some(data) => finding(data, outcome, None, values),
            // An archived rule set that came before this answer.
            None => finding_without_data(rule, outcome),
        };
        self.conclude(
            Survey {
                findings: vec![finding],
                ..Survey::default()
            },
            0,
            outcome,
        )
    }

    /// Classifies what the debtor wrote.
    fn record_inbound(&self, action: Option<&Action>) -> Decision {
        let reading = inbound::read(self.rule_set, action);
        let effect = reading.effect;
        let mut decision = self.record(
            reading.rule,
            format!("The message was classified; its effect is `{effect}`."),
            format!("El mensaje fue clasificado; su efecto es `{effect}`."),
        );
        decision.effect = Some(effect);
        decision.effects = reading.effects;
        decision
    }

    /// 12 CFR 1006.34(b)(5): the debtor is taken to have the notice on the fifth business day after it was provided; the
    /// period ends thirty calendar days later, on whatever day that is.
    fn compute_validation_period(&self, action: Option<&Action>) -> Option<Decision> {
        let parameters = &self.rule_set.rule(VALIDATION_PERIOD)?.parameters;
        let Some(provided_on) = action.and_then(|action| action.provided_on) else {
            return Some(self.answer(
                FACTS_REQUIRED,
                Outcome::Deny,
                vec![("fact", "action.provided_on".into())],
            ));
        };
        let (business_days, days) = (parameters.business_days?, u64::try_from(parameters.days?).ok()?);
        // Days on which a holiday is observed are left out too: later is safe.
        let received_on = business_days_after(provided_on, business_days, Holidays::NamedAndObserved);
        let ends_on = received_on.checked_add_days(Days::new(days))?;
        let mut decision = self.record(
            VALIDATION_PERIOD,
            format!("The notice of {provided_on} is taken as received on {received_on}; the validation period ends on {ends_on}."),
            format!("El aviso del {provided_on} se tiene por recibido el {received_on}; el período de validación termina el {ends_on}."),
        );
        decision.assumed_received_on = Some(received_on);
        decision.period_ends_on = Some(ends_on);
        Some(decision)
    }

    fn answer_erasure_request(&self, facts: &Facts) -> Option<Decision> {
        let data = self.rule_set.rule(ERASURE)?;
        let effect = match erasure_effect(self.rule_set, facts) {
            Ok(effect) => effect,
            Err(missing) => {
                let fact = vec![("fact", path_of(missing).into())];
                return Some(self.answer(FACTS_REQUIRED, Outcome::Deny, fact));
            }
        };
        let (english, spanish) = (data.explanation_en.clone(), data.explanation_es.clone());
        let mut decision = self.record(ERASURE, english, spanish);
        decision.effect = Some(effect.to_owned());
        Some(decision)
    }

    /// A decision that permits and forbids nothing.
    fn record(&self, rule: &str, reason: String, reason_es: String) -> Decision {
        let mut decision = self.answer(rule, Outcome::Record, vec![]);
        for finding in &mut decision.findings {
            finding.explanation = reason.as_str().into();
            finding.explanation_es = reason_es.as_str().into();
        }
        (decision.reason, decision.reason_es) = (reason, reason_es);
        decision
    }
}

/// Enters one verdict; true when it ends the survey.
fn note(survey: &mut Survey, rule: &RuleData, verdict: Verdict) -> bool {
    let index = survey.findings.len();
    match verdict {
        Verdict::NotApplicable => {}
        Verdict::Pass(weight) => {
            survey.findings.push(satisfied(rule));
            let weight = if rule.engaged {
                weight.max(Weight::Engaged)
            } else {
                weight
            };
            if survey.weightiest.is_none_or(|(heaviest, _)| weight > heaviest) {
                survey.weightiest = Some((weight, index));
            }
        }
        Verdict::Review(values) => {
            survey.findings.push(finding(rule, Outcome::Allow, None, values));
            survey.review.push(rule.id.to_string());
        }
        Verdict::Deny(values) => {
            survey.findings.push(finding(rule, Outcome::Deny, None, values));
            survey.denied_by = Some(index);
            return true;
        }
        Verdict::Defer(until, values) => {
            survey
                .findings
                .push(finding(rule, Outcome::Defer, Some(until), values));
            if survey.until().is_none_or(|latest| until > latest) {
                survey.deferred_by = Some(index);
            }
        }
        Verdict::Require(missing) => {
            let values = vec![("missing", missing.join(", "))];
            survey
                .findings
                .push(finding(rule, Outcome::RequireContent, None, values));
            survey.content_by = survey.content_by.or(Some(index));
            survey.missing_content.extend(missing);
        }
    }
    false
}

pub(super) fn finding(
    rule: &RuleData,
    outcome: Outcome,
    until: Option<DateTime<Utc>>,
    mut values: Values,
) -> RuleFinding {
    values.extend(until.map(|at| ("until", at.to_rfc3339_opts(SecondsFormat::Secs, true))));
    let of_place = values.iter().any(|(name, _)| *name == PLACE);
    let (place_en, place_es) = (rule.place_en.as_deref(), rule.place_es.as_deref());
    let english = place_en.filter(|_| of_place);
    let spanish = place_es.filter(|_| of_place);
    let english = english.unwrap_or_else(|| rule.explanation(outcome));
    let spanish = spanish.unwrap_or_else(|| rule.explanation_in_spanish(outcome));
    RuleFinding {
        rule: Arc::clone(&rule.id),
        citation: Arc::clone(&rule.citation),
        severity: Arc::clone(&rule.severity),
        outcome,
        explanation: fill(english, &values).into(),
        explanation_es: fill(spanish, &values).into(),
        until,
    }
}

static SATISFIED: LazyLock<[Arc<str>; 2]> =
    LazyLock::new(|| ["This rule is satisfied.".into(), "Esta regla se cumple.".into()]);

fn satisfied(rule: &RuleData) -> RuleFinding {
    let [english, spanish] = &*SATISFIED;
    RuleFinding {
        rule: Arc::clone(&rule.id),
        citation: Arc::clone(&rule.citation),
        severity: Arc::clone(&rule.severity),
        outcome: Outcome::Allow,
        explanation: Arc::clone(english),
        explanation_es: Arc::clone(spanish),
        until: None,
    }
}

pub(super) fn finding_of_missing(rule: &RuleData, missing: Missing) -> RuleFinding {
    let path = path_of(missing);
    RuleFinding {
        outcome: Outcome::Deny,
        explanation: format!(
            "The rule needs `{path}` and it is not known, so the contact is refused. Record it, then ask again."
        )
        .into(),
        explanation_es: format!(
            "La regla necesita `{path}` y no se conoce, así que el contacto se rechaza. Regístrelo y pregunte \
             de nuevo."
        )
        .into(),
        ..satisfied(rule)
    }
}

fn finding_without_data(rule: &str, outcome: Outcome) -> RuleFinding {
    let unknown: Arc<str> = "".into();
    RuleFinding {
        rule: rule.into(),
        citation: Arc::clone(&unknown),
        severity: Arc::clone(&unknown),
        outcome,
        explanation: Arc::clone(&unknown),
        explanation_es: unknown,
        until: None,
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
