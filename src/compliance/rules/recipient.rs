//! Whom a contact reaches: third parties and the workplace.

use super::{Checked, Context, Rule, Verdict, Weight, need};
use crate::compliance::facts::{Channel, ConsentStatus, Recipient};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "reg-f-third-party",
        check: reg_f_third_party,
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

/// 15 USC 1692c(b); 12 CFR 1006.6(d)(1): nobody hears of a debt but the consumer, those who stand in their
/// place, their attorney and the creditor. The product leaves the spouse out.
fn reg_f_third_party(context: &Context<'_>) -> Checked {
    if !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    Ok(
        match need(context.action.recipient.as_ref(), "action.recipient")? {
            Recipient::Consumer => Verdict::Pass(Weight::Routine),
            Recipient::Spouse if context.is_product_profile() => Verdict::Deny(vec![]),
            Recipient::Other(_) => Verdict::Deny(vec![]),
            _ => Verdict::Pass(Weight::Engaged),
        },
    )
}

/// 15 USC 1692c(a)(3); 12 CFR 1006.6(b)(3): no contact at work where the employer prohibits it.
fn reg_f_workplace_prohibited(context: &Context<'_>) -> Checked {
    if context.action.number_type.as_deref() != Some("work") || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let employer = context
        .facts
        .workplace
        .as_ref()
        .and_then(|workplace| workplace.employer_prohibits);
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
    let is_excepted = consented || context.unanswered_message().is_some();
    Ok(if is_excepted {
        Verdict::Pass(Weight::Exception)
    } else {
        Verdict::Deny(vec![])
    })
}
