//! Consents: to texts, WhatsApp, e-mail and artificial voices.

use super::context::same_number;
use super::counting::{Bucket, Span, cap};
use super::opt_out::{last_written_at, opted_out_since};
use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{ActionKind, CallMode, Channel, Consent, ConsentStatus, LineType};
use crate::compliance::local_time::shift_date;
use crate::compliance::rule_set::ElectronicConsent;
use chrono::{DateTime, TimeDelta, Utc};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: REASSIGNED,
        check: tcpa_reassigned_number,
    },
    Rule {
        id: "nyc-electronic-consent",
        check: nyc_electronic_consent,
    },
    Rule {
        id: DISTRICT,
        check: dc_electronic_consent,
    },
    Rule {
        id: "ny-dfs-email-consent",
        check: ny_dfs_email_consent,
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
        id: VOICE,
        check: tcpa_artificial_voice_consent,
    },
    Rule {
        id: TELEMARKETING,
        check: tcpa_telemarketing_pewc,
    },
    Rule {
        id: DO_NOT_CALL,
        check: dnc_solicitation_only,
    },
];

const DISTRICT: &str = "dc-electronic-consent";
const TELEMARKETING: &str = "tcpa-telemarketing-pewc";
const DO_NOT_CALL: &str = "dnc-solicitation-only";
const TEXT: &str = "reg-f-text-procedures";
const VOICE: &str = "tcpa-artificial-voice-consent";
const REASSIGNED: &str = "tcpa-reassigned-number";

/// 6 RCNY 5-77: electronic contact with a New Yorker needs written consent to that medium.
fn nyc_electronic_consent(context: &Context<'_>) -> Checked {
    if asks_for(context, ElectronicConsent::EachMedium) {
        electronic_consent(context, is_granted_in_writing)
    } else {
        Ok(Verdict::NotApplicable)
    }
}

/// D.C. Code 28-3814: electronic contact with a resident of the District needs consent; without it, one message in
/// seven days may ask for it and say nothing else.
fn dc_electronic_consent(context: &Context<'_>) -> Checked {
    if !asks_for(context, ElectronicConsent::Any) {
        return Ok(Verdict::NotApplicable);
    }
    if context.kind != ActionKind::ConsentRequest {
        return electronic_consent(context, |consent, context| Ok(is_granted(consent, context)));
    }
    let span = Span::of(context, DISTRICT)?;
    let verdict = cap(context, span, Bucket::Person, |entry| {
        entry.kind == Some(ActionKind::ConsentRequest)
    })?;
    Ok(match verdict {
        Verdict::Pass(_) => Verdict::Pass(Weight::Exception),
        other => other,
    })
}

/// 23 NYCRR 1.6: a collector writes by e-mail to a New Yorker only at an address that they gave and consented to in
/// writing for the debt, and never at an employer's.
fn ny_dfs_email_consent(context: &Context<'_>) -> Checked {
    let is_email = context.channel == Channel::Email && !context.is_response();
    if !is_email || !asks_for(context, ElectronicConsent::EmailWritten) {
        return Ok(Verdict::NotApplicable);
    }
    let consent = consent(context)?;
    let is_employers = context.action.address_type.as_deref() == Some("employer");
    let is_direct = is_given_directly(consent, context)?;
    let is_consented = is_granted_in_writing(consent, context)? && is_direct && !is_employers;
    Ok(Verdict::deny_if(!is_consented, Weight::Routine))
}

fn asks_for(context: &Context<'_>, consent: ElectronicConsent) -> bool {
    context.rows().any(|row| row.electronic_consent == Some(consent))
}

fn electronic_consent(
    context: &Context<'_>,
    suffices: impl Fn(&Consent, &Context<'_>) -> Result<bool, Missing>,
) -> Checked {
    let is_electronic = context.is_text() || context.channel == Channel::Email;
    if !is_electronic || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    Ok(if suffices(consent(context)?, context)? {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![])
    })
}

/// Product rule, CTIA 5.1: no text, WhatsApp message or artificial voice without an opt-in that is evidenced in writing. The one
/// prompt answer to the debtor's own message rests on their message.
fn product_written_opt_in(context: &Context<'_>) -> Checked {
    let asks_for_opt_in = context.is_text() || context.has_artificial_voice();
    if !context.is_product_profile() || !asks_for_opt_in || context.kind == ActionKind::OptoutConfirmation {
        return Ok(Verdict::NotApplicable);
    }
    if context.is_prompt_reply()? {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    Ok(if is_granted_in_writing(consent(context)?, context)? {
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
    if asks_for_consent_in_the_district(context) {
        return Ok(Verdict::NotApplicable);
    }
    let days = context.days(TEXT)?;
    let texted_lately = last_written_at(context).is_some_and(|at| {
        let is_fresh = context.at - at <= TimeDelta::days(days) || was_checked_since(at, context, days);
        is_fresh && !opted_out_since(context, at)
    });
    let rests_on_consent = rests_on_consent(context, days);
    if texted_lately {
        // The text is what counts where the consent alone would not do.
        let needs_the_text = rests_on_consent != Ok(true);
        return Ok(Verdict::Pass(if needs_the_text {
            Weight::Engaged
        } else {
            Weight::Routine
        }));
    }
    Ok(if rests_on_consent? {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![("days", days.to_string())])
    })
}

/// 12 CFR 1006.6(d)(5)(i): since the consumer's text, and in so many days, the number was checked as not reassigned.
fn was_checked_since(text_at: DateTime<Utc>, context: &Context<'_>, days: i64) -> bool {
    let checked = consent(context)
        .ok()
        .and_then(|consent| consent.last_verified_days_ago);
    checked
        .map(|ago| ago + context.days_since_collected())
        .is_some_and(|ago| ago <= days && context.at - TimeDelta::days(ago) > text_at)
}

/// The consent was given directly, and was given, renewed or checked in so many days.
fn rests_on_consent(context: &Context<'_>, days: i64) -> Result<bool, Missing> {
    let consent = consent(context)?;
    if !is_granted(consent, context) {
        return Ok(false);
    }
    let is_direct = need(
        consent.given_directly_to_collector,
        "consents.*.given_directly_to_collector",
    )?;
    Ok(days_since_verified(consent, context)? <= days && is_direct)
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
/// The routes of a creditor's or a prior collector's address (1006.6(d)(4)(ii), (iii)) are not taken: they need a notice of 35 days
/// by the creditor and the collector before, and nobody records one. Who has such an address asks for consent.
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
    if asks_for_consent_in_the_district(context) {
        return Ok(Verdict::NotApplicable);
    }
    let consent = consent(context)?;
    Ok(
        if is_granted(consent, context) && is_given_directly(consent, context)? {
            Verdict::Pass(Weight::Routine)
        } else {
            Verdict::Deny(vec![])
        },
    )
}

/// D.C. Code 28-3814 permits one message that asks for consent and says nothing else: it speaks of no debt, so that the procedures
/// against disclosure (12 CFR 1006.6(d)(3)) have nothing to keep.
fn asks_for_consent_in_the_district(context: &Context<'_>) -> bool {
    let content = context.action.content.as_ref();
    let speaks_of_debt = content.is_some_and(|content| content.reveals_debt == Some(true));
    context.reads_closely()
        && context.kind == ActionKind::ConsentRequest
        && asks_for(context, ElectronicConsent::Any)
        && !speaks_of_debt
        && !context.demands_payment()
}

/// To the collector itself; where an omission is not neutral, that has to be known.
fn is_given_directly(consent: &Consent, context: &Context<'_>) -> Result<bool, Missing> {
    known_or_neutral(
        consent.given_directly_to_collector,
        context,
        "consents.*.given_directly_to_collector",
    )
}

/// What the facts say; an omission in a vector says yes, and before the second edition of the checks one anywhere did.
fn known_or_neutral(fact: Option<bool>, context: &Context<'_>, path: &'static str) -> Result<bool, Missing> {
    let is_neutral = context.is_neutral_on_omissions() || !context.reads_closely();
    need(fact.or(is_neutral.then_some(true)), path)
}

/// 47 USC 227(b)(1)(A)(iii); FCC 24-17: an artificial or recorded voice calls a wireless number only with
/// prior express consent for that number. A line whose type is not known is taken as wireless.
fn tcpa_artificial_voice_consent(context: &Context<'_>) -> Checked {
    let is_landline = context.action.line_type == Some(LineType::ResidentialLandline);
    if !context.is_call() || is_landline {
        return Ok(Verdict::NotApplicable);
    }
    if !context.has_artificial_voice() {
        return Ok(human_call(context));
    }
    let consent = consent(context)?;
    Ok(
        if is_granted(consent, context) && is_of_the_called(consent, context) {
            Verdict::Pass(Weight::Routine)
        } else {
            Verdict::Deny(vec![])
        },
    )
}

/// 23 FCC Rcd 559 (2008): a number that the consumer gave in the transaction is consent; one that somebody looked up is none,
/// whatever a record says. The rule names such sources.
fn is_of_the_called(consent: &Consent, context: &Context<'_>) -> bool {
    let parameters = context.parameters(VOICE).ok();
    let looked_up = parameters.and_then(|parameters| parameters.codes.as_deref());
    let source = consent.source.as_ref();
    !source.is_some_and(|source| looked_up.unwrap_or_default().contains(source))
}

/// Facebook v. Duguid, 592 U.S. 395 (2021): a person who calls by hand or from a list needs no such consent. It matters
/// where there is none.
fn human_call(context: &Context<'_>) -> Verdict {
    let consents = context.facts.consents.as_ref();
    let status = consents.and_then(|consents| consents.tcpa_voice.as_ref()?.status);
    match (context.action.mode, status) {
        (Some(CallMode::Human), Some(ConsentStatus::None | ConsentStatus::Revoked)) => {
            Verdict::Pass(Weight::Engaged)
        }
        _ => Verdict::NotApplicable,
    }
}

/// 47 CFR 64.1200(m); 12 CFR 1006.6(d)(5): nothing to a number that the database says has changed hands. Where it has no data, other
/// evidence of so many days shows that the number is still theirs.
fn tcpa_reassigned_number(context: &Context<'_>) -> Checked {
    if !context.is_text() && !context.has_artificial_voice() {
        return Ok(Verdict::NotApplicable);
    }
    let days = || {
        let days = context.days(REASSIGNED).ok();
        days.map(|days| ("days", days.to_string())).into_iter().collect()
    };
    Ok(
        match context
            .facts
            .rnd
            .as_ref()
            .and_then(|check| check.status.as_deref())
        {
            None => Verdict::NotApplicable,
            Some("yes") => Verdict::Deny(days()),
            Some("no_data") if !has_other_evidence(context) => Verdict::Deny(days()),
            Some(_) => Verdict::Pass(Weight::Engaged),
        },
    )
}

/// They wrote from it, or their consent was given, renewed or checked. Packs that name no days did not ask.
fn has_other_evidence(context: &Context<'_>) -> bool {
    let Ok(days) = context.days(REASSIGNED) else {
        return true;
    };
    let wrote = last_written_at(context).is_some_and(|at| context.at - at <= TimeDelta::days(days));
    let verified = consent(context).and_then(|consent| days_since_verified(consent, context));
    wrote || verified.is_ok_and(|ago| ago <= days)
}

/// 47 CFR 64.1200(a)(2), (f)(9): what sells anything is telemarketing, which nothing here has the written consent for. The
/// product keeps it out of collection.
fn tcpa_telemarketing_pewc(context: &Context<'_>) -> Checked {
    if is_solicitation(context) {
        Ok(Verdict::Deny(vec![]))
    } else {
        Ok(Verdict::NotApplicable)
    }
}

/// 47 CFR 64.1200(c), (d): the business's own list binds every call and text, answers too; the national one solicitations alone, or
/// collection too where the business chose so. A copy of it that is too old is no copy.
fn dnc_solicitation_only(context: &Context<'_>) -> Checked {
    if !context.is_call() && !context.is_text() || context.kind == ActionKind::OptoutConfirmation {
        return Ok(Verdict::NotApplicable);
    }
    let lists = context.facts.do_not_call.as_ref();
    if lists.is_some_and(|lists| lists.internal == Some(true)) {
        return Ok(Verdict::deny_if(
            context.reads_closely() || context.unanswered_message().is_none(),
            Weight::Exception,
        ));
    }
    let policy = context.facts.policy.as_ref();
    let widened = policy.is_some_and(|policy| policy.national_do_not_call == Some(true));
    if !widened && !is_solicitation(context) || context.is_response() {
        return Ok(Verdict::NotApplicable);
    }
    let lists = need(lists, "do_not_call")?;
    let list_of = need(lists.national_list_of, "do_not_call.national_list_of")?;
    let is_old = context.latest_date() > shift_date(list_of, context.days(DO_NOT_CALL)?);
    let is_listed = need(lists.national, "do_not_call.national")?;
    Ok(Verdict::deny_if(is_old || is_listed, Weight::Routine))
}

/// It is marketing by its kind, or somebody who looked through the text found marketing in it.
fn is_solicitation(context: &Context<'_>) -> bool {
    if context.kind == ActionKind::Marketing {
        return true;
    }
    let Some(found) = context.labels() else {
        return false;
    };
    let labels = context.parameters(TELEMARKETING);
    let labels = labels.ok().and_then(|parameters| parameters.labels.as_deref());
    labels.is_some_and(|labels| labels.iter().any(|label| found.contains(label)))
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

/// Granted, and not only by word of mouth.
fn is_granted_in_writing(consent: &Consent, context: &Context<'_>) -> Result<bool, Missing> {
    if !is_granted(consent, context) {
        return Ok(false);
    }
    known_or_neutral(consent.written, context, "consents.*.written")
}

/// The artificial voice has consent; without a record it has none.
pub(super) fn artificial_voice_is_granted(context: &Context<'_>) -> bool {
    consent(context).is_ok_and(|consent| is_granted(consent, context) && is_of_the_called(consent, context))
}
