//! Statuses that stop collection: bankruptcy, death, minority, active duty, cease notices, attorneys.

use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{ActionKind, Facts, Recipient};
use chrono::{DateTime, Utc};

const DISCHARGE: Rule = Rule {
    id: "bankruptcy-discharge",
    check: bankruptcy_discharge,
};
const STAY: Rule = Rule {
    id: "bankruptcy-stay",
    check: bankruptcy_stay,
};
const IDENTITY_THEFT: Rule = Rule {
    id: "identity-theft-block",
    check: identity_theft_block,
};

/// What stops payments too, which are collection as much as words are.
pub(super) const OF_THE_DEBT: &[Rule] = &[DISCHARGE, STAY, IDENTITY_THEFT];

pub(super) const RULES: &[Rule] = &[
    DISCHARGE,
    STAY,
    Rule {
        id: "deceased-representative-only",
        check: deceased_representative_only,
    },
    Rule {
        id: "minor-parent-only",
        check: minor_parent_only,
    },
    Rule {
        id: "scra-rate-cap",
        check: scra_rate_cap,
    },
    IDENTITY_THEFT,
    Rule {
        id: CEASE,
        check: reg_f_cease_communication,
    },
    Rule {
        id: ATTORNEY,
        check: reg_f_attorney_represented,
    },
];

const CEASE: &str = "reg-f-cease-communication";
const ATTORNEY: &str = "reg-f-attorney-represented";

/// 11 USC 524(a)(2); 12 CFR 1006.30(b): a discharged debt is never collected again.
fn bankruptcy_discharge(context: &Context<'_>) -> Checked {
    Ok(match bankruptcy_status(context.facts)? {
        Some("discharged") => Verdict::Deny(vec![]),
        _ => Verdict::NotApplicable,
    })
}

/// 11 USC 362(a)(6): a petition stays all collection. A dismissal ends the stay, and so does a discharge (362(c)(2)),
/// which has a rule of its own; a status that no rule knows is read as a pending case.
fn bankruptcy_stay(context: &Context<'_>) -> Checked {
    Ok(match bankruptcy_status(context.facts)? {
        None | Some("none") => Verdict::Pass(Weight::Routine),
        Some("dismissed" | "discharged") => Verdict::Pass(Weight::Engaged),
        Some(_) => Verdict::Deny(vec![]),
    })
}

fn bankruptcy_status(facts: &Facts) -> Result<Option<&str>, Missing> {
    Ok(need(facts.bankruptcy.as_ref(), "bankruptcy")?.status.as_deref())
}

/// 12 CFR 1006.6(a)(4): after death only who acts for the estate may be contacted.
fn deceased_representative_only(context: &Context<'_>) -> Checked {
    let has_died = need(context.facts.deceased.as_ref(), "deceased")?.flag == Some(true);
    let acts_for_the_estate = matches!(
        context.recipient,
        Recipient::Executor | Recipient::Administrator | Recipient::PersonalRepresentative
    );
    Ok(match (has_died, acts_for_the_estate) {
        (false, _) => Verdict::Pass(Weight::Routine),
        (true, true) if is_left_to_a_person(context) => Verdict::Pass(Weight::Exception),
        (true, _) => Verdict::Deny(vec![]),
    })
}

/// Product rule: with those who stand in somebody's place a person deals.
fn is_left_to_a_person(context: &Context<'_>) -> bool {
    !(context.reads_closely() && context.is_product_profile() && context.is_by_a_program())
}

/// 12 CFR 1006.6(a)(2): for a minor the parent or guardian is the consumer. The latest possible local date of
/// the birthday is awaited, so the earliest local date is compared. Who is said to be a minor is one until a person has
/// looked.
fn minor_parent_only(context: &Context<'_>) -> Checked {
    const MAJORITY_YEARS: u32 = 18;
    let consumer = context.facts.consumer.as_ref();
    let is_said_to_be = consumer.is_some_and(|consumer| consumer.said_to_be_minor == Some(true));
    let born_on = consumer.and_then(|consumer| consumer.date_of_birth);
    if born_on.is_none() && !is_said_to_be {
        return Ok(Verdict::NotApplicable);
    }
    let is_of_age = |born_on| {
        let age = context.earliest_date().years_since(born_on);
        age.is_some_and(|age| age >= MAJORITY_YEARS)
    };
    let is_adult = !is_said_to_be && born_on.is_some_and(is_of_age);
    Ok(match (is_adult, &context.recipient) {
        (true, _) => Verdict::Pass(Weight::Routine),
        (false, Recipient::Parent | Recipient::Guardian) if is_left_to_a_person(context) => {
            Verdict::Pass(Weight::Exception)
        }
        (false, _) => Verdict::Deny(vec![]),
    })
}

/// 50 USC 3937: after notice, no interest above the cap on a debt from before the service. Where the rule set wants it known,
/// a text in which an amount may stand is not sent without the rate that the amount contains.
fn scra_rate_cap(context: &Context<'_>) -> Checked {
    let Some(service) = context.facts.scra.as_ref() else {
        return Ok(Verdict::NotApplicable);
    };
    let is_protected = service.active_duty == Some(true)
        && service.pre_service_debt != Some(false)
        && service.notice_received != Some(false);
    if !is_protected {
        return Ok(Verdict::NotApplicable);
    }
    let parameters = context.parameters("scra-rate-cap")?;
    let cap = parameters.rate.ok_or(Missing::Parameter("scra-rate-cap.rate"))?;
    let content = context.action.content.as_ref();
    let rate = content.and_then(|content| content.amount_includes_interest_rate.as_ref());
    let names_no_amount = context.payment_demand() == Some(false);
    if parameters.unknown_denies && rate.is_none() && !names_no_amount {
        return Err(Missing::Fact("action.content.amount_includes_interest_rate"));
    }
    let exceeds = rate
        .and_then(serde_json::Number::as_f64)
        .is_some_and(|rate| rate > cap);
    Ok(if exceeds {
        Verdict::Deny(vec![])
    } else {
        Verdict::Pass(Weight::Engaged)
    })
}

/// 15 USC 1681m(f)-(g), 1681c-2: a debt said to come of identity theft is not collected while that is investigated.
/// What the person asks for is answered, without a demand.
fn identity_theft_block(context: &Context<'_>) -> Checked {
    let theft = need(context.facts.identity_theft.as_ref(), "identity_theft")?;
    if theft.reported_at.is_none_or(|at| at > context.at) {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    let is_resolved = theft.resolved_at.flatten().is_some_and(|at| at <= context.at);
    let answers = matches!(
        context.kind,
        ActionKind::OptoutConfirmation
            | ActionKind::VerificationResponse
            | ActionKind::OriginalCreditorResponse
    ) || context.unanswered_message().is_some() && context.makes_no_demand();
    Ok(Verdict::deny_if(!is_resolved && !answers, Weight::Engaged))
}

/// 15 USC 1692c(c); 12 CFR 1006.6(c): after a written notice to cease nothing goes out but one notice of each kind of
/// (c)(2), and answers to what the consumer asks for later, without any demand.
fn reg_f_cease_communication(context: &Context<'_>) -> Checked {
    let cease = need(context.facts.cease.as_ref(), "cease")?;
    // Effective on receipt.
    let is_received = |at: &DateTime<Utc>| *at <= context.at || !context.reads_closely();
    let received_at = cease.received_at.filter(is_received);
    let Some(received_at) = received_at.filter(|_| context.reg_f_applies()) else {
        return Ok(Verdict::Pass(Weight::Routine));
    };
    if cease.written == Some(false) && !context.is_product_profile() {
        return Ok(Verdict::Pass(Weight::Engaged));
    }
    let is_first_of_its_kind = !context
        .history()
        .any(|entry| entry.at >= Some(received_at) && entry.kind.as_ref() == Some(&context.kind));
    let is_permitted = match context.kind {
        ActionKind::NoticeTermination | ActionKind::NoticeRemedies | ActionKind::NoticeIntendedRemedy => {
            is_first_of_its_kind && is_such_a_notice(context)?
        }
        ActionKind::VerificationResponse | ActionKind::OriginalCreditorResponse => {
            asked_for_verification(context.facts) && context.makes_no_demand()
        }
        ActionKind::Reply => {
            let wrote_at = context.unanswered_message().and_then(|message| message.at);
            wrote_at > Some(received_at) && context.makes_no_demand()
        }
        _ => false,
    };
    Ok(if is_permitted {
        Verdict::Pass(Weight::Exception)
    } else {
        Verdict::Deny(vec![])
    })
}

fn asked_for_verification(facts: &Facts) -> bool {
    let disputed = facts
        .dispute
        .as_ref()
        .is_some_and(|dispute| dispute.received_at.is_some());
    let asked = facts
        .original_creditor_request
        .as_ref()
        .is_some_and(|request| request.received_at.is_some());
    disputed || asked
}

/// 12 CFR 1006.6(c)(2) leaves a message that is sent to give the notice, and for nothing else: one that plainly demands nothing, in
/// the words that were approved for it. Where the rule set does not want them, the sender's word counts, unless the text plainly
/// demands payment.
fn is_such_a_notice(context: &Context<'_>) -> Result<bool, Missing> {
    if !context.parameters(CEASE)?.approved_words {
        return Ok(!context.demands_payment());
    }
    let content = context.action.content.as_ref();
    let approved = content.and_then(|content| content.approved_notice.as_ref());
    // Facts that say nothing of the words are neutral: the kind is what there is.
    if approved.is_none() && context.reads_closely() && context.is_neutral_on_omissions() {
        return Ok(!context.demands_payment());
    }
    Ok(approved == Some(&context.kind) && context.makes_no_demand())
}

/// 15 USC 1692c(a)(2); 12 CFR 1006.6(b)(2): a represented consumer is reached through the attorney, except
/// for one answer without a demand to their own message. The product extends it to all debts and to attorneys
/// whose details are not known yet. Where the rule set says so, that message has to be later than what is known of the attorney: one
/// that comes from an attorney, or sends us to them, asks for no answer to the debtor.
fn reg_f_attorney_represented(context: &Context<'_>) -> Checked {
    let attorney = need(context.facts.attorney.as_ref(), "attorney")?;
    if attorney.known != Some(true) || !context.reg_f_applies() {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    let concerns_these_debts = match (&attorney.for_debts, &context.action.debts) {
        (Some(represented), Some(debts)) => debts.iter().any(|debt| represented.contains(debt)),
        _ => true,
    };
    let is_ascertainable = attorney.contact_known != Some(false);
    let binds = context.is_product_profile() || (concerns_these_debts && is_ascertainable);
    let is_excepted = context.recipient == Recipient::Attorney
        || attorney.consents_to_direct_contact == Some(true)
        || (answers_a_later_message(context, attorney.known_since)? && context.makes_no_demand());
    Ok(match (binds, is_excepted) {
        (false, _) => Verdict::Pass(Weight::Engaged),
        (true, true) => Verdict::Pass(Weight::Exception),
        (true, false) => Verdict::Deny(vec![]),
    })
}

/// Facts that say nothing of since when are neutral.
fn answers_a_later_message(
    context: &Context<'_>,
    known_since: Option<DateTime<Utc>>,
) -> Result<bool, Missing> {
    let Some(message) = context.unanswered_message() else {
        return Ok(false);
    };
    if !context.parameters(ATTORNEY)?.later_messages_only {
        return Ok(true);
    }
    Ok(match known_since {
        Some(since) => message.at > Some(since),
        None => context.is_neutral_on_omissions(),
    })
}
