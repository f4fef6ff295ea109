//! Disputes and requests for the original creditor.

use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{ActionKind, Dispute};
use chrono::{DateTime, TimeDelta, Utc};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: DISPUTE,
        check: reg_f_dispute_cease,
    },
    Rule {
        id: "reg-f-original-creditor-request",
        check: reg_f_original_creditor_request,
    },
    Rule {
        id: "reg-f-duplicative-dispute",
        check: reg_f_duplicative_dispute,
    },
];

const DISPUTE: &str = "reg-f-dispute-cease";

/// 15 USC 1692g(b); 12 CFR 1006.38(d): a written dispute within the validation period stops collection until
/// verification is sent. An oral one does not; the product waits a while and offers the written form.
fn reg_f_dispute_cease(context: &Context<'_>) -> Checked {
    let dispute = need(context.facts.dispute.as_ref(), "dispute")?;
    let Some(received_at) = dispute
        .received_at
        .filter(|at| *at <= context.at && context.reg_f_applies())
    else {
        return Ok(Verdict::Pass(Weight::Routine));
    };
    let is_verified = dispute.verification_sent_at.flatten().is_some();
    if is_verified
        || !is_collection(context)
        || !concerns(dispute, context)
        || is_duplicative(dispute, context)
    {
        return Ok(Verdict::Pass(Weight::Engaged));
    }
    Ok(match of_collection(dispute, received_at, context)? {
        Verdict::Deny(_) | Verdict::Defer(..) if answers_without_a_demand(context) => {
            Verdict::Pass(Weight::Exception)
        }
        other => other,
    })
}

fn of_collection(dispute: &Dispute, received_at: DateTime<Utc>, context: &Context<'_>) -> Checked {
    if dispute.written == Some(false) {
        let hours = context
            .parameters(DISPUTE)?
            .hours
            .ok_or(Missing::Parameter("reg-f-dispute-cease.hours"))?;
        let until = received_at + TimeDelta::hours(hours);
        let waits = context.is_product_profile() && context.at < until;
        return Ok(if waits {
            Verdict::Defer(until, vec![])
        } else {
            Verdict::Pass(Weight::Engaged)
        });
    }
    Ok(if is_within_period(dispute, context) {
        Verdict::Deny(vec![])
    } else {
        Verdict::Pass(Weight::Engaged)
    })
}

/// 12 CFR 1006.38(a)(1), (d)(2)(ii): a dispute that says nothing new is answered with the reasons why it is duplicative,
/// or in full; a person decides which.
fn reg_f_duplicative_dispute(context: &Context<'_>) -> Checked {
    let dispute = context.facts.dispute.as_ref();
    let Some(dispute) = dispute.filter(|dispute| {
        dispute.received_at.is_some_and(|at| at <= context.at)
            && context.reg_f_applies()
            && is_duplicative(dispute, context)
    }) else {
        return Ok(Verdict::NotApplicable);
    };
    let is_answered = dispute.duplicative_notice_sent_at.flatten().is_some()
        || dispute.verification_sent_at.flatten().is_some();
    let collects = is_collection(context) && !answers_without_a_demand(context);
    let denies = !is_answered && collects && concerns(dispute, context);
    Ok(Verdict::deny_if(denies, Weight::Engaged))
}

fn is_duplicative(dispute: &Dispute, context: &Context<'_>) -> bool {
    dispute.duplicative == Some(true) && context.has_rule("reg-f-duplicative-dispute")
}

/// One of the debts of the contact is disputed; a contact that names none concerns them all.
pub(super) fn concerns(dispute: &Dispute, context: &Context<'_>) -> bool {
    match (&dispute.debts, &context.action.debts) {
        (Some(disputed), Some(debts)) => debts.iter().any(|debt| disputed.contains(debt)),
        _ => true,
    }
}

/// As recorded, or as the dates say; a period without a known end is taken as running.
pub(super) fn is_within_period(dispute: &Dispute, context: &Context<'_>) -> bool {
    let ends_on = context
        .facts
        .validation
        .as_ref()
        .and_then(|validation| validation.period_ends_on);
    dispute
        .within_validation_period
        .unwrap_or_else(|| match (dispute.received_at, ends_on) {
            // Where the debtor may be, it is still the last day somewhere.
            (Some(received_at), Some(ends_on)) => context
                .earliest_date_of(received_at)
                .is_none_or(|received_on| received_on <= ends_on),
            _ => true,
        })
}

/// 15 USC 1692g(b); 12 CFR 1006.38(c): a written request within the validation period stops collection until
/// the original creditor's name and address are sent.
fn reg_f_original_creditor_request(context: &Context<'_>) -> Checked {
    let request = context.facts.original_creditor_request.as_ref();
    let Some(request) = request.filter(|request| request.received_at.is_some() && context.reg_f_applies())
    else {
        return Ok(Verdict::NotApplicable);
    };
    let is_open = request.answered_at.flatten().is_none()
        && request.written != Some(false)
        && request.within_validation_period != Some(false);
    Ok(match is_open && is_collection(context) {
        true if answers_without_a_demand(context) => Verdict::Pass(Weight::Exception),
        true => Verdict::Deny(vec![]),
        false => Verdict::Pass(Weight::Engaged),
    })
}

/// Answers and notices that the law asks for are not collection, and neither is a letter that nothing is owed any more. Where the
/// rule set says so, an answer to a dispute is one as long as it demands nothing; versions of before took the sender's word for it.
fn is_collection(context: &Context<'_>) -> bool {
    match context.kind {
        ActionKind::VerificationResponse | ActionKind::OriginalCreditorResponse => {
            let is_asked = context
                .parameters(DISPUTE)
                .is_ok_and(|rule| rule.answers_demand_nothing);
            is_asked && !context.makes_no_demand()
        }
        ActionKind::SatisfactionLetter => !context.reads_closely(),
        ActionKind::OptoutConfirmation
        | ActionKind::NoticeTermination
        | ActionKind::NoticeRemedies
        | ActionKind::NoticeIntendedRemedy
        | ActionKind::ValidationNotice
        | ActionKind::Receipt
        | ActionKind::RequestedNotice => false,
        _ => true,
    }
}

/// One answer to the debtor's own message that asks for nothing is no collection: that the dispute has come in, that it may be put in
/// writing (rule table). Versions of before stopped it too.
fn answers_without_a_demand(context: &Context<'_>) -> bool {
    context.reads_closely() && context.unanswered_message().is_some() && context.makes_no_demand()
}
