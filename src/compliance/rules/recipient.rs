//! Whom a contact reaches: third parties and the workplace.

use super::conduct::has_forbidden_label;
use super::context::same_number;
use super::opt_out::{last_written_at, opted_out_since};
use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{ActionKind, Channel, ConsentStatus, Recipient};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: LOCATION,
        check: reg_f_location_information,
    },
    Rule {
        id: "reg-f-third-party",
        check: reg_f_third_party,
    },
    Rule {
        id: "wrong-party-suppress",
        check: wrong_party_suppress,
    },
    Rule {
        id: "right-party-verification",
        check: right_party_verification,
    },
    Rule {
        id: "reg-f-workplace-prohibited",
        check: reg_f_workplace_prohibited,
    },
    Rule {
        id: "reg-f-work-email",
        check: reg_f_work_email,
    },
];

const LOCATION: &str = "reg-f-location-information";

/// 15 USC 1692b; 12 CFR 1006.10: who asks another where the debtor is names no debt, asks each person once, and stops
/// when an attorney is known. No program asks, and the product has it off.
fn reg_f_location_information(context: &Context<'_>) -> Checked {
    if context.kind != ActionKind::LocationInformation {
        return Ok(Verdict::NotApplicable);
    }
    let number = context.action.number.as_ref();
    let was_asked = context.history().any(|entry| {
        entry.kind == Some(ActionKind::LocationInformation)
            && entry.recipient.as_ref() == Some(&context.recipient)
            && same_number(entry.number.as_ref(), number)
    });
    let content = context.action.content.as_ref();
    let speaks_of_debt = content.is_some_and(|content| content.reveals_debt == Some(true));
    let is_automated = context.is_by_a_program();
    let has_attorney = context
        .facts
        .attorney
        .as_ref()
        .is_some_and(|attorney| attorney.known == Some(true));
    let denies = context.is_product_profile() || was_asked || speaks_of_debt || is_automated || has_attorney;
    Ok(Verdict::deny_if(denies, Weight::Exception))
}

/// A question that [`reg_f_location_information`] has seen to.
fn is_location_question(context: &Context<'_>) -> bool {
    context.kind == ActionKind::LocationInformation && context.has_rule(LOCATION)
}

/// 15 USC 1692c(b); 47 CFR 64.1200(m): a number or address that is known to reach somebody else is used for nobody.
fn wrong_party_suppress(context: &Context<'_>) -> Checked {
    let is_wrong = matches!(&context.recipient, Recipient::Other(word) if word == "wrong_party");
    Ok(if is_wrong {
        Verdict::Deny(vec![])
    } else {
        Verdict::NotApplicable
    })
}

/// 12 CFR 1006.6(d), 1006.14(g): before a word of the debt, two factors show that it is the person. What is written to
/// an address of theirs has the procedures of 1006.6(d)(3) instead.
fn right_party_verification(context: &Context<'_>) -> Checked {
    let is_conversation = matches!(context.channel, Channel::Voice | Channel::Webchat);
    let content = context.action.content.as_ref();
    let speaks_of_debt = content
        .is_some_and(|content| content.reveals_debt == Some(true) || content.payment_demand == Some(true));
    if !is_conversation || !speaks_of_debt || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let consumer = context.facts.consumer.as_ref();
    let verified = need(
        consumer.and_then(|consumer| consumer.right_party_verified),
        "consumer.right_party_verified",
    )?;
    Ok(Verdict::deny_if(!verified, Weight::Routine))
}

/// 15 USC 1692c(b); 12 CFR 1006.6(d)(1): nobody hears of a debt but the consumer, those who stand in their
/// place, their attorney and the creditor. The product leaves the spouse out. Nor may a text to the consumer send the news
/// on, or tell of another's debt.
fn reg_f_third_party(context: &Context<'_>) -> Checked {
    if !context.reg_f_applies() || is_location_question(context) {
        return Ok(Verdict::NotApplicable);
    }
    if has_forbidden_label(context, "reg-f-third-party")? {
        return Ok(Verdict::Deny(vec![]));
    }
    Ok(
        match need(context.action.recipient.as_ref(), "action.recipient")? {
            // Who signed with the consumer owes the debt themselves.
            Recipient::Consumer | Recipient::Cosigner => Verdict::Pass(Weight::Routine),
            Recipient::Spouse if context.is_product_profile() => Verdict::Deny(vec![]),
            Recipient::Other(_) => Verdict::Deny(vec![]),
            _ => Verdict::Pass(Weight::Engaged),
        },
    )
}

/// 15 USC 1692c(a)(3); 12 CFR 1006.6(b)(3): no contact at work where the employer prohibits it, nor where the consumer objects
/// ((b)(1)(ii)). The product contacts nobody there unless the employer is known to allow it.
fn reg_f_workplace_prohibited(context: &Context<'_>) -> Checked {
    if !context.is_at_work() || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let parameters = context.parameters("reg-f-workplace-prohibited")?;
    let workplace = context.facts.workplace.as_ref();
    let employer = workplace.and_then(|workplace| workplace.employer_prohibits);
    let objects = workplace.is_some_and(|workplace| workplace.consumer_objects == Some(true));
    if objects && parameters.objection_denies {
        return Ok(Verdict::Deny(vec![]));
    }
    let is_product_default = context.reads_closely() && context.is_product_profile();
    if employer.is_none() && parameters.unknown_denies && !is_product_default {
        return Err(Missing::Fact("workplace.employer_prohibits"));
    }
    let denies = employer == Some(true) || (context.is_product_profile() && employer != Some(false));
    Ok(if denies {
        Verdict::Deny(vec![])
    } else {
        Verdict::Pass(Weight::Engaged)
    })
}

/// 12 CFR 1006.22(f)(3): no e-mail to an address known to be the employer's, unless the consumer wrote from
/// it or consented to it directly.
fn reg_f_work_email(context: &Context<'_>) -> Checked {
    let is_work_address = context.action.address_type.as_deref() == Some("employer");
    if context.channel != Channel::Email || !is_work_address || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let consent = context
        .facts
        .consents
        .as_ref()
        .and_then(|consents| consents.email_consent.as_ref());
    let consented = consent.is_some_and(|consent| {
        consent.status == Some(ConsentStatus::Granted)
            && consent.given_directly_to_collector == Some(true)
            && consent.number.is_some()
            && consent.number == context.action.number
    });
    // They wrote from that very address: where none is named, nobody knows that.
    let wrote_from_it = context.action.number.is_some()
        && last_written_at(context).is_some_and(|at| !opted_out_since(context, at));
    let is_excepted = consented || wrote_from_it || context.unanswered_message().is_some();
    Ok(if is_excepted {
        Verdict::Pass(Weight::Exception)
    } else {
        Verdict::Deny(vec![])
    })
}
