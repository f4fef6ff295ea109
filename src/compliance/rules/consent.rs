//! Consents: to texts, WhatsApp, e-mail and artificial voices.

use super::context::same_number;
use super::opt_out::{last_written_at, opted_out_since};
use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{ActionKind, Channel, Consent, ConsentStatus, LineType};
use chrono::TimeDelta;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: NEW_YORK_CITY,
        check: nyc_electronic_consent,
    },
    Rule {
        id: "dc-electronic-consent",
        check: dc_electronic_consent,
    },
    Rule {
        id: "product-written-opt-in",
        check: product_written_opt_in,
    },
    Rule {
        id: TEXT,
        check: reg_f_text_procedures,
    },
    Rule {
        id: "reg-f-email-procedures",
        check: reg_f_email_procedures,
    },
    Rule {
        id: "tcpa-artificial-voice-consent",
        check: tcpa_artificial_voice_consent,
    },
    Rule {
        id: "tcpa-reassigned-number",
        check: tcpa_reassigned_number,
    },
];

const NEW_YORK_CITY: &str = "nyc-electronic-consent";
const TEXT: &str = "reg-f-text-procedures";

/// 6 RCNY 5-77 (from 1 September 2026): electronic contact with a New Yorker needs consent to that medium.
fn nyc_electronic_consent(context: &Context<'_>) -> Checked {
    let from = context
        .parameters(NEW_YORK_CITY)?
        .from
        .ok_or(Missing::Parameter("nyc-electronic-consent.from"))?;
    let is_in_force = context.latest_local_date().is_some_and(|today| today >= from);
    if !context.is_in_new_york_city() || !is_in_force {
        return Ok(Verdict::NotApplicable);
    }
    electronic_consent(context)
}

/// D.C. Code 28-3814: electronic contact with a resident of the District needs consent.
fn dc_electronic_consent(context: &Context<'_>) -> Checked {
    if context.is_in_state("DC") {
        electronic_consent(context)
    } else {
        Ok(Verdict::NotApplicable)
    }
}

fn electronic_consent(context: &Context<'_>) -> Checked {
    let is_electronic = context.is_text() || context.channel == Channel::Email;
    if !is_electronic || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    Ok(if is_granted(consent(context)?, context) {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![])
    })
}

/// Product rule, CTIA 5.1: no text, WhatsApp message or artificial voice without an evidenced opt-in. The one
/// prompt answer to the debtor's own message rests on their message.
fn product_written_opt_in(context: &Context<'_>) -> Checked {
    let asks_for_opt_in = context.is_text() || context.has_artificial_voice();
    if !context.is_product_profile() || !asks_for_opt_in || context.kind == ActionKind::OptoutConfirmation {
        return Ok(Verdict::NotApplicable);
    }
    if context.is_prompt_reply()? {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    Ok(if is_granted(consent(context)?, context) {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![])
    })
}

/// 12 CFR 1006.6(d)(5): a text goes to a number from which the consumer texted within 60 days, or for which
/// they consented directly and which was renewed or checked as not reassigned within 60 days.
fn reg_f_text_procedures(context: &Context<'_>) -> Checked {
    if !context.is_text() || context.kind == ActionKind::OptoutConfirmation || !context.reg_f_applies() {
        return Ok(Verdict::NotApplicable);
    }
    let days = context
        .parameters(TEXT)?
        .days
        .ok_or(Missing::Parameter("reg-f-text-procedures.days"))?;
    let texted_lately = last_written_at(context)
        .is_some_and(|at| context.at - at <= TimeDelta::days(days) && !opted_out_since(context, at));
    if texted_lately {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    let consent = consent(context)?;
    if !is_granted(consent, context) {
        return Ok(Verdict::Deny(vec![("days", days.to_string())]));
    }
    let is_direct = need(
        consent.given_directly_to_collector,
        "consents.*.given_directly_to_collector",
    )?;
    let is_fresh = days_since_verified(consent, context)? <= days;
    Ok(if is_direct && is_fresh {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![("days", days.to_string())])
    })
}

/// Days since the consent was given, renewed, or its number checked, whichever is the least.
fn days_since_verified(consent: &Consent, context: &Context<'_>) -> Result<i64, Missing> {
    let verified = consent
        .last_verified_days_ago
        .map(|days| days + context.days_since_collected());
    let granted = consent
        .granted_at
        .filter(|at| *at <= context.at)
        .map(|at| (context.at - at).num_days());
    need(
        [verified, granted].into_iter().flatten().min(),
        "consents.*.last_verified_days_ago",
    )
}

/// 12 CFR 1006.6(d)(4): an e-mail goes to an address that the consumer used with us or consented to directly.
/// The creditor's and the prior collector's routes are not taken.
fn reg_f_email_procedures(context: &Context<'_>) -> Checked {
    if context.channel != Channel::Email
        || context.kind == ActionKind::OptoutConfirmation
        || !context.reg_f_applies()
    {
        return Ok(Verdict::NotApplicable);
    }
    if last_written_at(context).is_some_and(|at| !opted_out_since(context, at)) {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    let consent = consent(context)?;
    let is_direct = consent.given_directly_to_collector != Some(false);
    Ok(if is_granted(consent, context) && is_direct {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![])
    })
}

/// 47 USC 227(b)(1)(A)(iii); FCC 24-17: an artificial or recorded voice calls a wireless number only with
/// prior express consent for that number. A line whose type is not known is taken as wireless.
fn tcpa_artificial_voice_consent(context: &Context<'_>) -> Checked {
    let is_landline = context.action.line_type == Some(LineType::ResidentialLandline);
    if !context.has_artificial_voice() || is_landline {
        return Ok(Verdict::NotApplicable);
    }
    Ok(if is_granted(consent(context)?, context) {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![])
    })
}

/// 47 CFR 64.1200(m); 12 CFR 1006.6(d)(5): nothing to a number that the database says has changed hands.
fn tcpa_reassigned_number(context: &Context<'_>) -> Checked {
    if !context.is_text() && !context.has_artificial_voice() {
        return Ok(Verdict::NotApplicable);
    }
    Ok(
        match context
            .facts
            .rnd
            .as_ref()
            .and_then(|check| check.status.as_deref())
        {
            None => Verdict::NotApplicable,
            Some("yes") => Verdict::Deny(vec![]),
            Some(_) => Verdict::Pass(Weight::Engaged),
        },
    )
}

/// The consent on record for the channel.
fn consent<'a>(context: &Context<'a>) -> Result<&'a Consent, Missing> {
    let consents = need(context.facts.consents.as_ref(), "consents")?;
    match context.channel {
        Channel::Sms => need(consents.sms_consent.as_ref(), "consents.sms_consent"),
        Channel::Whatsapp => need(consents.whatsapp_consent.as_ref(), "consents.whatsapp_consent"),
        Channel::Email => need(consents.email_consent.as_ref(), "consents.email_consent"),
        _ => need(consents.tcpa_voice.as_ref(), "consents.tcpa_voice"),
    }
}

/// Granted, not withdrawn, and for the number that is contacted.
fn is_granted(consent: &Consent, context: &Context<'_>) -> bool {
    consent.status == Some(ConsentStatus::Granted)
        && consent.revoked_at.is_none_or(|at| at > context.at)
        && same_number(consent.number.as_ref(), context.action.number.as_ref())
}

/// The artificial voice has consent; without a record it has none.
pub(super) fn artificial_voice_is_granted(context: &Context<'_>) -> bool {
    consent(context).is_ok_and(|consent| is_granted(consent, context))
}
