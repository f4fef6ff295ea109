//! Licences, and what the providers that carry the messages permit.

use super::{Checked, Context, Rule, Verdict, Weight, need};
use crate::compliance::facts::Channel;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "state-license-required",
        check: state_license_required,
    },
    Rule {
        id: "provider-sms-third-party-ban",
        check: provider_sms_third_party_ban,
    },
    Rule {
        id: "provider-whatsapp-debt-ban",
        check: provider_whatsapp_debt_ban,
    },
    Rule {
        id: "provider-10dlc-registration",
        check: provider_10dlc_registration,
    },
];

/// State licensing laws: a third party does not collect where it needs a licence and has none.
fn state_license_required(context: &Context<'_>) -> Checked {
    if !context.is_third_party() || context.facts.state_requires_license != Some(true) {
        return Ok(Verdict::NotApplicable);
    }
    let tenant = context.facts.tenant.as_ref();
    let licences = need(
        tenant.and_then(|tenant| tenant.licensed_states.as_ref()),
        "tenant.licensed_states",
    )?;
    // Wherever the debtor lives.
    if licences.iter().any(|licensed| licensed == "*") {
        return Ok(Verdict::Pass(Weight::Routine));
    }
    let state = need(context.state(), "location.address_state")?;
    Ok(if licences.iter().any(|licensed| licensed == state) {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![("state", state.to_owned())])
    })
}

/// Twilio messaging policy (errors 30460, 30863), CTIA: no third-party collection by text without the route's
/// approval.
fn provider_sms_third_party_ban(context: &Context<'_>) -> Checked {
    if context.channel != Channel::Sms {
        return Ok(Verdict::NotApplicable);
    }
    let provider = context.facts.provider.as_ref();
    let permitted = provider.and_then(|provider| provider.third_party_collections_permitted);
    if !context.is_third_party() {
        // The ban is not theirs: it matters where it would have stopped a third party.
        return Ok(match permitted {
            Some(false) => Verdict::Pass(Weight::Engaged),
            _ => Verdict::NotApplicable,
        });
    }
    let permitted = need(permitted, "provider.third_party_collections_permitted")?;
    Ok(if permitted {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![])
    })
}

/// WhatsApp Business Messaging Policy: no debt collection without Meta's approval, whoever collects.
fn provider_whatsapp_debt_ban(context: &Context<'_>) -> Checked {
    if context.channel != Channel::Whatsapp {
        return Ok(Verdict::NotApplicable);
    }
    let provider = context.facts.provider.as_ref();
    let permitted = need(
        provider.and_then(|provider| provider.whatsapp_collections_permitted),
        "provider.whatsapp_collections_permitted",
    )?;
    Ok(if permitted {
        Verdict::Pass(Weight::Routine)
    } else {
        Verdict::Deny(vec![])
    })
}

/// TCR, CTIA: the carriers take application-to-person texts from registered brands and campaigns only. Facts of before
/// registrations were on record say nothing of it: then the provider was left to refuse (Twilio error 30034).
fn provider_10dlc_registration(context: &Context<'_>) -> Checked {
    let provider = context.facts.provider.as_ref();
    let registered = provider.and_then(|provider| provider.sms_campaign_registered);
    Ok(match registered.filter(|_| context.channel == Channel::Sms) {
        None => Verdict::NotApplicable,
        Some(is_registered) => Verdict::deny_if(!is_registered, Weight::Routine),
    })
}
