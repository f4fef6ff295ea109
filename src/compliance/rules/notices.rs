//! Notices and confirmations that the law prescribes: what they contain, and how they may be sent.

use super::{Checked, Context, Missing, Rule, Verdict, Weight, need};
use crate::compliance::facts::{ActionKind, Channel, Consent, ConsentStatus};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: CONTENT,
        check: reg_f_validation_content,
    },
    Rule {
        id: "reg-f-sending-disclosures",
        check: reg_f_sending_disclosures,
    },
    Rule {
        id: "esign-consent",
        check: esign_consent,
    },
    Rule {
        id: PLAN,
        check: ny_dfs_payment_plan,
    },
];

const CONTENT: &str = "reg-f-validation-content";
const PLAN: &str = "ny-dfs-payment-plan";

/// 12 CFR 1006.34(c), (d); Model Form B-3: what a validation notice contains.
fn reg_f_validation_content(context: &Context<'_>) -> Checked {
    if context.kind != ActionKind::ValidationNotice || !context.is_third_party() {
        return Ok(Verdict::NotApplicable);
    }
    let content = context.action.content.as_ref();
    let found = need(
        content.and_then(|content| content.validation_fields.as_ref()),
        "action.content.validation_fields",
    )?;
    require_all(context, CONTENT, found)
}

/// The fields that the rule lists and that were not found.
fn require_all(context: &Context<'_>, rule: &'static str, found: &[String]) -> Checked {
    let fields = context.parameters(rule)?.fields.as_deref().unwrap_or_default();
    let missing: Vec<String> = fields
        .iter()
        .filter(|field| !found.contains(field))
        .cloned()
        .collect();
    Ok(if missing.is_empty() {
        Verdict::Pass(Weight::Engaged)
    } else {
        Verdict::Require(missing)
    })
}

/// 12 CFR 1006.42(a), (b): a notice that comes by e-mail or text after the first communication needs the person's consent
/// to electronic notices; what stands in the first message itself does not.
fn reg_f_sending_disclosures(context: &Context<'_>) -> Checked {
    if !is_electronic_notice(context) {
        return Ok(Verdict::NotApplicable);
    }
    let is_granted = esign(context)?.status == Some(ConsentStatus::Granted);
    Ok(Verdict::deny_if(!is_granted, Weight::Engaged))
}

/// 15 USC 7001(c): that consent counts where the disclosures were made first and the person has shown that they can open
/// what is sent.
fn esign_consent(context: &Context<'_>) -> Checked {
    if !is_electronic_notice(context) {
        return Ok(Verdict::NotApplicable);
    }
    let consent = esign(context)?;
    let disclosed = need(consent.disclosure_given, "consents.esign.disclosure_given")?;
    let shown = need(consent.access_demonstrated, "consents.esign.access_demonstrated")?;
    Ok(Verdict::deny_if(!disclosed || !shown, Weight::Routine))
}

fn is_electronic_notice(context: &Context<'_>) -> bool {
    let is_electronic = context.is_text() || context.channel == Channel::Email;
    let is_notice = match context.kind {
        ActionKind::ValidationNotice => context.action.is_initial != Some(true),
        ActionKind::VerificationResponse | ActionKind::OriginalCreditorResponse => true,
        _ => false,
    };
    is_electronic && is_notice && context.is_third_party()
}

fn esign<'a>(context: &Context<'a>) -> Result<&'a Consent, Missing> {
    let consents = context.facts.consents.as_ref();
    need(
        consents.and_then(|consents| consents.esign.as_ref()),
        "consents.esign",
    )
}

/// 23 NYCRR 1.5: a New Yorker's payment plan is confirmed in writing, with its terms and the notice of exempt income.
fn ny_dfs_payment_plan(context: &Context<'_>) -> Checked {
    let is_confirmed = context.kind == ActionKind::PlanConfirmation;
    if !is_confirmed || !context.is_in_state("NY") || !context.is_third_party() {
        return Ok(Verdict::NotApplicable);
    }
    let found = need(context.labels(), "action.content.extra")?;
    require_all(context, PLAN, found)
}
