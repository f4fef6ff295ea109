//! The limits of a contact policy: the loosest that the rule set allows, what binds a business, and which of two is stricter.

use crate::{
    compliance::{
        facts::{ClockTime, Policy, Profile},
        rule_set::RuleSet,
    },
    platform::gql::UserError,
};

/// The shortest hours that a business may set: below an hour nobody is reached by intent.
const SHORTEST_HOURS: u32 = 3600;
/// More of a guard time leaves no evening.
const MOST_GUARD_MINUTES: u32 = 240;

/// What the rule set allows every business: the loosest policy there is.
pub fn loosest() -> Policy {
    let rules = RuleSet::current();
    let limit = |rule: &str| rules.rule(rule).and_then(|data| data.parameters.limit);
    let calls = limit("product-attempts-3-per-week");
    let texts = limit("product-sms-3-per-week");
    let mails = limit("product-email-5-per-week");
    let whatsapp = limit("product-whatsapp-1-per-day");
    let hours = rules.rule("reg-f-quiet-hours").map(|data| &data.parameters);
    let product = rules.product();
    Policy {
        // Where nothing counts over all channels, together they allow this many.
        attempts_per_week: product.attempts_per_week.or(Some(
            [calls, texts, mails, whatsapp.map(|a_day| a_day * 7)]
                .into_iter()
                .flatten()
                .sum(),
        )),
        calls_per_week: calls,
        sms_per_week: texts,
        emails_per_week: mails,
        whatsapp_per_day: whatsapp,
        contact_from: hours.and_then(|hours| hours.start),
        contact_to: hours.and_then(|hours| hours.end),
        elapsed_hours: Some(product.elapsed_hours),
        guard_minutes: Some(product.guard_minutes.unwrap_or_default()),
        ..Policy::default()
    }
}

/// One count of a policy, by its name in the API.
type Count = (&'static str, fn(&Policy) -> Option<usize>);

const COUNTS: [Count; 5] = [
    ("attemptsPerWeek", |policy| policy.attempts_per_week),
    ("callsPerWeek", |policy| policy.calls_per_week),
    ("smsPerWeek", |policy| policy.sms_per_week),
    ("emailsPerWeek", |policy| policy.emails_per_week),
    ("whatsappPerDay", |policy| policy.whatsapp_per_day),
];

/// The policy with the rule set's limit wherever it has none of its own.
pub(super) fn whole(policy: &Policy) -> Policy {
    let loosest = loosest();
    Policy {
        attempts_per_week: policy.attempts_per_week.or(loosest.attempts_per_week),
        calls_per_week: policy.calls_per_week.or(loosest.calls_per_week),
        sms_per_week: policy.sms_per_week.or(loosest.sms_per_week),
        emails_per_week: policy.emails_per_week.or(loosest.emails_per_week),
        whatsapp_per_day: policy.whatsapp_per_day.or(loosest.whatsapp_per_day),
        contact_from: policy.contact_from.or(loosest.contact_from),
        contact_to: policy.contact_to.or(loosest.contact_to),
        elapsed_hours: policy.elapsed_hours.max(loosest.elapsed_hours),
        guard_minutes: policy.guard_minutes.max(loosest.guard_minutes),
        optout_scope: policy.optout_scope,
        national_do_not_call: policy.national_do_not_call,
    }
}

/// What the gate compares with: what the business chose, and what the product sets for all that are under its limits.
pub(in crate::compliance) fn binding(own: Policy, profile: Profile) -> Policy {
    if profile == Profile::Floor {
        return own;
    }
    let product = RuleSet::current().product();
    let attempts = [own.attempts_per_week, product.attempts_per_week];
    Policy {
        attempts_per_week: attempts.into_iter().flatten().min(),
        elapsed_hours: own.elapsed_hours.or(product.elapsed_hours.then_some(true)),
        guard_minutes: own.guard_minutes.max(product.guard_minutes),
        ..own
    }
}

/// A value of its own; none where it is the loosest.
fn unless<T: PartialEq>(own: Option<T>, loosest: Option<T>) -> Option<T> {
    if own == loosest { None } else { own }
}

/// The same with nothing where it says no more than the rule set: the gate reads what the business chose.
pub(super) fn own(policy: &Policy) -> Policy {
    let loosest = loosest();
    Policy {
        attempts_per_week: unless(policy.attempts_per_week, loosest.attempts_per_week),
        calls_per_week: unless(policy.calls_per_week, loosest.calls_per_week),
        sms_per_week: unless(policy.sms_per_week, loosest.sms_per_week),
        emails_per_week: unless(policy.emails_per_week, loosest.emails_per_week),
        whatsapp_per_day: unless(policy.whatsapp_per_day, loosest.whatsapp_per_day),
        elapsed_hours: unless(policy.elapsed_hours, loosest.elapsed_hours),
        guard_minutes: unless(policy.guard_minutes, loosest.guard_minutes),
        ..policy.clone()
    }
}

/// The stricter of both, limit by limit. Hours that have less than an hour in common stay as they are in `current`.
pub(super) fn tightest(current: &Policy, wanted: &Policy) -> Policy {
    let (current, wanted) = (whole(current), whole(wanted));
    let (from, to) = (
        current.contact_from.max(wanted.contact_from),
        current.contact_to.min(wanted.contact_to),
    );
    let (from, to) = if is_long_enough(from, to) {
        (from, to)
    } else {
        (current.contact_from, current.contact_to)
    };
    Policy {
        attempts_per_week: current.attempts_per_week.min(wanted.attempts_per_week),
        calls_per_week: current.calls_per_week.min(wanted.calls_per_week),
        sms_per_week: current.sms_per_week.min(wanted.sms_per_week),
        emails_per_week: current.emails_per_week.min(wanted.emails_per_week),
        whatsapp_per_day: current.whatsapp_per_day.min(wanted.whatsapp_per_day),
        contact_from: from,
        contact_to: to,
        elapsed_hours: current.elapsed_hours.max(wanted.elapsed_hours),
        guard_minutes: current.guard_minutes.max(wanted.guard_minutes),
        optout_scope: current.optout_scope.max(wanted.optout_scope),
        national_do_not_call: current.national_do_not_call.max(wanted.national_do_not_call),
    }
}

fn is_long_enough(from: Option<ClockTime>, to: Option<ClockTime>) -> bool {
    match (from, to) {
        (Some(from), Some(to)) => from.seconds() + SHORTEST_HOURS <= to.seconds(),
        _ => true,
    }
}

/// What is looser than the rule set, or makes no sense; `field` is the policy's place under `input`.
pub(super) fn check(policy: &Policy, field: &str) -> Result<(), Vec<UserError>> {
    let loosest = loosest();
    let mut errors: Vec<UserError> = COUNTS
        .iter()
        .filter(|(_, of)| of(policy) > of(&loosest))
        .map(|(name, of)| {
            let most = of(&loosest).unwrap_or_default();
            UserError::invalid(
                &format!("{field}.{name}"),
                format!(
                    "The rules allow at most {most}: give that or less, or null for the rules' own limit."
                ),
            )
        })
        .collect();
    if policy.guard_minutes < loosest.guard_minutes && policy.guard_minutes.is_some()
        || policy.guard_minutes > Some(MOST_GUARD_MINUTES)
    {
        let least = loosest.guard_minutes.unwrap_or_default();
        let message = format!("Give {least} to {MOST_GUARD_MINUTES} minutes, or null for the rules' own.");
        errors.push(UserError::invalid(&format!("{field}.guardMinutes"), message));
    }
    let filled = whole(policy);
    if filled.contact_from < loosest.contact_from
        || filled.contact_to > loosest.contact_to
        || !is_long_enough(filled.contact_from, filled.contact_to)
    {
        let show = |time: Option<ClockTime>| time.map(|time| time.to_string()).unwrap_or_default();
        errors.push(UserError::invalid(
            &format!("{field}.contactFrom"),
            format!(
                "The rules allow contact from {} to {}: give hours within these, at least one hour long.",
                show(loosest.contact_from),
                show(loosest.contact_to)
            ),
        ));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from: &str, to: &str) -> Policy {
        Policy {
            contact_from: ClockTime::parse(from),
            contact_to: ClockTime::parse(to),
            ..Policy::default()
        }
    }

    #[test]
    fn every_limit_of_the_rule_set_is_a_ceiling_of_its_own() {
        let top = loosest();
        assert_eq!(check(&top, "p"), Ok(()));
        for (name, of) in COUNTS {
            let more = of(&top).unwrap() + 1;
            let mut policy = Policy::default();
            match name {
                "attemptsPerWeek" => policy.attempts_per_week = Some(more),
                "callsPerWeek" => policy.calls_per_week = Some(more),
                "smsPerWeek" => policy.sms_per_week = Some(more),
                "emailsPerWeek" => policy.emails_per_week = Some(more),
                _ => policy.whatsapp_per_day = Some(more),
            }
            let refused = check(&policy, "p").unwrap_err();
            assert_eq!(refused.len(), 1, "{name}");
            assert_eq!(refused[0].field.as_ref().unwrap()[2], name);
        }
        for (from, to) in [
            ("07:59", "12:00"),
            ("09:00", "21:01"),
            ("12:00", "12:30"),
            ("18:00", "09:00"),
        ] {
            assert!(check(&hours(from, to), "p").is_err(), "{from} to {to}");
        }
    }

    #[test]
    fn a_business_under_the_law_alone_is_bound_by_what_it_chose_itself() {
        assert_eq!(
            binding(Policy::default(), Profile::Product).guard_minutes,
            Some(15)
        );
        assert_eq!(binding(Policy::default(), Profile::Floor), Policy::default());
        let chosen = Policy {
            guard_minutes: Some(30),
            ..Policy::default()
        };
        assert_eq!(binding(chosen, Profile::Floor).guard_minutes, Some(30));
    }

    #[test]
    fn the_stricter_of_two_policies_never_gives_more_than_either() {
        let narrow = Policy {
            sms_per_week: Some(1),
            ..hours("09:00", "17:00")
        };
        let other = Policy {
            sms_per_week: Some(2),
            emails_per_week: Some(0),
            ..hours("10:00", "20:00")
        };
        let both = tightest(&narrow, &other);
        assert_eq!((both.sms_per_week, both.emails_per_week), (Some(1), Some(0)));
        assert_eq!(both.contact_from, ClockTime::parse("10:00"));
        assert_eq!(both.contact_to, ClockTime::parse("17:00"));
        let apart = tightest(&hours("08:00", "10:00"), &hours("15:00", "18:00"));
        assert_eq!(apart.contact_to, ClockTime::parse("10:00"), "what stood stands");
    }
}
