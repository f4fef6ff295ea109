//! What a voice says of itself at the start of a call, and what a program says of itself anywhere.

use super::{Checked, Context, Rule, Verdict, Weight, need};
use crate::compliance::facts::ActionKind;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "tcpa-artificial-voice-identification",
        check: tcpa_artificial_voice_identification,
    },
    Rule {
        id: "reg-f-call-identity",
        check: reg_f_call_identity,
    },
    Rule {
        id: AI_DISCLOSURE,
        check: ai_disclosure,
    },
];

const AI_DISCLOSURE: &str = "ai-disclosure";

/// 47 CFR 64.1200(b)(1)-(2): an artificial or recorded voice says at the start who is responsible, and gives a number to
/// call during or after the message.
fn tcpa_artificial_voice_identification(context: &Context<'_>) -> Checked {
    if !context.has_artificial_voice() {
        return Ok(Verdict::NotApplicable);
    }
    let content = context.action.content.as_ref();
    let is_identified = need(
        content.and_then(|content| content.entity_identified_at_start),
        "action.content.entity_identified_at_start",
    )?;
    let gives_no_number = content.is_some_and(|content| content.callback_number == Some(false));
    Ok(Verdict::deny_if(
        !is_identified || gives_no_number,
        Weight::Routine,
    ))
}

/// 15 USC 1692d(6); 12 CFR 1006.14(g), 1006.18(f): every caller says who they are. Who asks others where the debtor is
/// names the collector only when asked to.
fn reg_f_call_identity(context: &Context<'_>) -> Checked {
    let is_exempt = context.kind == ActionKind::LocationInformation;
    if !context.is_call() || context.has_artificial_voice() || is_exempt || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let content = context.action.content.as_ref();
    let is_identified = content.and_then(|content| content.entity_identified_at_start);
    // What a person will say is not known before they call.
    Ok(is_identified.map_or(Verdict::NotApplicable, |is_identified| {
        Verdict::deny_if(!is_identified, Weight::Routine)
    }))
}

/// FTC Act s. 5; 10 M.R.S. 1500-DD; Utah AI Policy Act; Cal. Bus. & Prof. 17941: a program says in its first turn that it
/// is one, and never that it is a person.
fn ai_disclosure(context: &Context<'_>) -> Checked {
    let labels = context
        .parameters(AI_DISCLOSURE)?
        .labels
        .as_deref()
        .unwrap_or_default();
    let found = context.labels().unwrap_or_default();
    if labels.iter().any(|label| found.contains(label)) {
        return Ok(Verdict::Deny(vec![]));
    }
    let is_bare = matches!(
        context.kind,
        ActionKind::OptoutConfirmation | ActionKind::LimitedContent
    );
    let is_first_turn = context.action.is_initial == Some(true) || context.has_artificial_voice();
    if context.action.automated != Some(true) || !is_first_turn || is_bare {
        return Ok(Verdict::NotApplicable);
    }
    let content = context.action.content.as_ref();
    let is_disclosed = need(
        content.and_then(|content| content.automation_disclosed),
        "action.content.automation_disclosed",
    )?;
    Ok(if is_disclosed {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Require(vec!["automation_disclosure".to_owned()])
    })
}
