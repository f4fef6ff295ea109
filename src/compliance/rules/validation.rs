//! The validation notice and the period in which nothing may undercut it.

use super::conduct::has_forbidden_label;
use super::{Checked, Context, Rule, Verdict, Weight, need};
use crate::compliance::facts::ActionKind;
use crate::compliance::local_time::shift_date;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: NOTICE,
        check: reg_f_validation_notice,
    },
    Rule {
        id: OVERSHADOWING,
        check: reg_f_overshadowing,
    },
];

const NOTICE: &str = "reg-f-validation-notice";
const OVERSHADOWING: &str = "reg-f-overshadowing";

/// 15 USC 1692g(a); 12 CFR 1006.34(a)(1): validation information with the initial communication or within
/// five calendar days after it. After that nothing goes out but the notice.
fn reg_f_validation_notice(context: &Context<'_>) -> Checked {
    if !context.is_third_party() {
        return Ok(Verdict::NotApplicable);
    }
    let validation = need(context.facts.validation.as_ref(), "validation")?;
    let days = context.days(NOTICE)?;
    let is_exempt = matches!(
        context.kind,
        ActionKind::ValidationNotice | ActionKind::OptoutConfirmation | ActionKind::RequestedNotice
    );
    let is_provided = need(validation.provided_on, "validation.provided_on")?.is_some();
    if is_provided || is_exempt {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    let began_on = need(
        validation.initial_communication_on,
        "validation.initial_communication_on",
    )?;
    let Some(began_on) = began_on else {
        return Ok(Verdict::Pass(Weight::Routine));
    };
    let due_on = shift_date(began_on, days);
    let is_overdue = context.latest_date() > due_on;
    Ok(if is_overdue {
        Verdict::Deny(vec![("due", due_on.to_string())])
    } else {
        Verdict::Pass(Weight::Engaged)
    })
}

/// 15 USC 1692g(b); 12 CFR 1006.38(b): until the validation period ends, no deadline inside it, no threat, and
/// nothing that makes the right to dispute look smaller.
fn reg_f_overshadowing(context: &Context<'_>) -> Checked {
    let content = context.action.content.as_ref();
    let overshadows = content.is_some_and(|content| {
        content.deadline_inside_validation_period == Some(true) || content.threatens_suit == Some(true)
    }) || has_forbidden_label(context, OVERSHADOWING)?;
    if !overshadows || !context.is_third_party() {
        return Ok(Verdict::NotApplicable);
    }
    let ends_on = context
        .facts
        .validation
        .as_ref()
        .and_then(|validation| validation.period_ends_on);
    let is_running = ends_on.is_none_or(|ends_on| context.earliest_date() <= ends_on);
    Ok(if is_running {
        Verdict::Deny(vec![])
    } else {
        Verdict::Pass(Weight::Engaged)
    })
}
