//! What the debtor has opted out of, and the one message that confirms it.

use super::context::{medium_of, same_number};
use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{
    ActionKind, CallMode, Channel, Consent, ConsentStatus, Direction, OptOut, OptOutScope, OptOutTarget,
};
use chrono::{DateTime, TimeDelta, Utc};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: CONFIRMATION,
        check: reg_f_opt_out_confirmation,
    },
    Rule {
        id: CONFIRMATION_TIME,
        check: tcpa_optout_confirmation_5min,
    },
    Rule {
        id: "reg-f-medium-opt-out",
        check: reg_f_medium_opt_out,
    },
    Rule {
        id: "provider-sms-opt-out-block",
        check: provider_sms_opt_out_block,
    },
    Rule {
        id: "tcpa-revocation-scope",
        check: tcpa_revocation_scope,
    },
];

const CONFIRMATION: &str = "reg-f-opt-out-confirmation";
const CONFIRMATION_TIME: &str = "tcpa-optout-confirmation-5min";

/// 12 CFR 1006.14(h)(2)(i): one electronic confirmation that says nothing but that the request is received
/// and honoured. "Reply START to resume" goes beyond it.
fn reg_f_opt_out_confirmation(context: &Context<'_>) -> Checked {
    if context.kind != ActionKind::OptoutConfirmation {
        return Ok(Verdict::NotApplicable);
    }
    let content = context.action.content.as_ref();
    let confirms_only = need(
        content.and_then(|content| content.confirms_only),
        "action.content.confirms_only",
    )?;
    let has_extra = content
        .and_then(|content| content.extra.as_ref())
        .is_some_and(|extra| !extra.is_empty());
    let requested_at = latest_request(context);
    let is_second = context.history().any(|entry| {
        entry.kind == Some(ActionKind::OptoutConfirmation)
            && entry.medium == Some(medium_of(context.channel))
            && entry.at >= requested_at
    });
    Ok(if confirms_only && !has_extra && !is_second {
        Verdict::Pass(Weight::Engaged)
    } else {
        Verdict::Deny(vec![])
    })
}

/// 47 CFR 64.1200(a)(12): a confirmation within five minutes is presumed in scope, at any hour; later it is
/// dropped.
fn tcpa_optout_confirmation_5min(context: &Context<'_>) -> Checked {
    if context.kind != ActionKind::OptoutConfirmation {
        return Ok(Verdict::NotApplicable);
    }
    let seconds = context
        .parameters(CONFIRMATION_TIME)?
        .seconds
        .ok_or(Missing::Parameter("tcpa-optout-confirmation-5min.seconds"))?;
    let is_in_time = latest_request(context).is_some_and(|at| context.at - at <= TimeDelta::seconds(seconds));
    Ok(if is_in_time {
        Verdict::Pass(Weight::Exception)
    } else {
        Verdict::Deny(vec![])
    })
}

/// The latest opt-out that reaches this contact.
fn latest_request(context: &Context<'_>) -> Option<DateTime<Utc>> {
    standing(context)
        .filter(|opt_out| reaches(opt_out, context))
        .filter_map(|opt_out| opt_out.at)
        .max()
}

fn standing<'a>(context: &'a Context<'_>) -> impl Iterator<Item = &'a OptOut> {
    let at = context.at;
    context
        .facts
        .optouts
        .iter()
        .flatten()
        .filter(move |opt_out| opt_out.at.is_none_or(|since| since <= at))
}

/// The opt-out covers this channel and number, at the wider of its own scope and the business's policy.
fn reaches(opt_out: &OptOut, context: &Context<'_>) -> bool {
    let policy = context
        .facts
        .policy
        .as_ref()
        .and_then(|policy| policy.optout_scope);
    let scope = opt_out.scope.max(policy).unwrap_or(OptOutScope::Number);
    let names_this_channel = opt_out
        .channel
        .is_none_or(|target| names(target, context.channel));
    match scope {
        OptOutScope::All => true,
        OptOutScope::Channel => names_this_channel,
        OptOutScope::Number => {
            names_this_channel && same_number(opt_out.number.as_ref(), context.action.number.as_ref())
        }
    }
}

fn names(target: OptOutTarget, channel: Channel) -> bool {
    match target {
        OptOutTarget::All => true,
        OptOutTarget::Sms => channel == Channel::Sms,
        OptOutTarget::Whatsapp => channel == Channel::Whatsapp,
        OptOutTarget::Email => channel == Channel::Email,
        OptOutTarget::Webchat => channel == Channel::Webchat,
        OptOutTarget::Voice | OptOutTarget::Voicemail => {
            matches!(channel, Channel::Voice | Channel::Voicemail)
        }
        OptOutTarget::Letter => channel == Channel::Letter,
    }
}

/// 12 CFR 1006.14(h)(1): a medium that the person asked not to be used is not used; (h)(2)(ii): when they
/// later write through it themselves, one answer.
fn reg_f_medium_opt_out(context: &Context<'_>) -> Checked {
    let opt_outs = need(context.facts.optouts.as_ref(), "optouts")?;
    if context.kind == ActionKind::OptoutConfirmation {
        return Ok(Verdict::NotApplicable);
    }
    if !standing(context).any(|opt_out| reaches(opt_out, context)) {
        return Ok(Verdict::Pass(if opt_outs.is_empty() {
            Weight::Routine
        } else {
            Weight::Engaged
        }));
    }
    Ok(if answers_later_message(context) {
        Verdict::Pass(Weight::Exception)
    } else {
        Verdict::Deny(vec![])
    })
}

/// Twilio error 21610: after STOP the vendor itself delivers nothing to the number until START, not even the one
/// answer that 12 CFR 1006.14(h)(2)(ii) would allow.
fn provider_sms_opt_out_block(context: &Context<'_>) -> Checked {
    let is_twilio = context
        .facts
        .provider
        .as_ref()
        .and_then(|provider| provider.sms.as_deref())
        == Some("twilio");
    if context.channel != Channel::Sms || !is_twilio || context.kind == ActionKind::OptoutConfirmation {
        return Ok(Verdict::NotApplicable);
    }
    let is_blocked = standing(context)
        .any(|opt_out| reaches(opt_out, context) && opt_out.channel != Some(OptOutTarget::All));
    Ok(if is_blocked {
        Verdict::Deny(vec![])
    } else {
        Verdict::Pass(Weight::Routine)
    })
}

/// The debtor wrote on this channel after the latest opt-out that reaches it, and has had no answer.
fn answers_later_message(context: &Context<'_>) -> bool {
    let wrote_at = context.unanswered_message().and_then(|message| message.at);
    let undated = standing(context).any(|opt_out| reaches(opt_out, context) && opt_out.at.is_none());
    !undated && wrote_at.is_some() && wrote_at > latest_request(context)
}

/// 47 CFR 64.1200(a)(10), product position: one revocation ends all automated calls and texts to that number.
fn tcpa_revocation_scope(context: &Context<'_>) -> Checked {
    if context.kind == ActionKind::OptoutConfirmation || !is_automated(context)? {
        return Ok(Verdict::NotApplicable);
    }
    let number = context.action.number.as_ref();
    let opted_out = standing(context).any(|opt_out| {
        let automated = !matches!(
            opt_out.channel,
            Some(OptOutTarget::Email | OptOutTarget::Webchat | OptOutTarget::Letter)
        );
        automated && same_number(opt_out.number.as_ref(), number)
    });
    let consents = context.facts.consents.as_ref();
    let withdrawn = consents.is_some_and(|consents| {
        [
            &consents.sms_consent,
            &consents.whatsapp_consent,
            &consents.tcpa_voice,
        ]
        .into_iter()
        .flatten()
        .any(|consent| is_withdrawn(consent, context) && same_number(consent.number.as_ref(), number))
    });
    if !opted_out && !withdrawn {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    Ok(if answers_later_message(context) {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![])
    })
}

fn is_withdrawn(consent: &Consent, context: &Context<'_>) -> bool {
    consent.status == Some(ConsentStatus::Revoked) && consent.revoked_at.is_none_or(|at| at <= context.at)
}

/// Every text goes out through a machine; a call counts unless a person makes it.
fn is_automated(context: &Context<'_>) -> Result<bool, Missing> {
    if context.is_call() {
        return Ok(need(context.action.mode, "action.mode")? != CallMode::Human);
    }
    Ok(context.is_text())
}

/// The person has opted out of this channel and number since an instant.
pub(super) fn opted_out_since(context: &Context<'_>, since: DateTime<Utc>) -> bool {
    standing(context).any(|opt_out| reaches(opt_out, context) && opt_out.at.is_none_or(|at| at >= since))
}

/// When the debtor last wrote to us on this channel from this number or address, answered message included.
pub(super) fn last_written_at(context: &Context<'_>) -> Option<DateTime<Utc>> {
    let written = context.history().filter(|entry| {
        entry.direction == Some(Direction::Inbound)
            && entry.medium == Some(medium_of(context.channel))
            && same_number(entry.number.as_ref(), context.action.number.as_ref())
    });
    let answered = context.action.in_reply_to.iter().flatten();
    let answered = answered.filter(|message| message.channel == Some(context.channel));
    let answered = answered
        .filter_map(|message| message.at)
        .filter(|at| *at <= context.at);
    written.filter_map(|entry| entry.at).chain(answered).max()
}
