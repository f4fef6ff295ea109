//! Prohibited conduct in a text or transcript. Those who look through it (the scanner of `prohibited`, a person) set labels
//! in `action.content.extra`; which label means which prohibition stands in the rule set. Where nobody has looked, these
//! rules say nothing.

use super::dispute::{concerns, is_within_period};
use super::{Checked, Context, Missing, Rule, Verdict, Weight};
use crate::compliance::facts::Dispute;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "fdcpa-threat-violence",
        check: fdcpa_threat_violence,
    },
    Rule {
        id: "fdcpa-profanity",
        check: fdcpa_profanity,
    },
    Rule {
        id: "fdcpa-harassment",
        check: fdcpa_harassment,
    },
    Rule {
        id: "fdcpa-false-legal-threat",
        check: fdcpa_false_legal_threat,
    },
    Rule {
        id: "fdcpa-impersonation",
        check: fdcpa_impersonation,
    },
    Rule {
        id: "fdcpa-amount-misstatement",
        check: fdcpa_amount_misstatement,
    },
    Rule {
        id: "fdcpa-credit-reporting-threat",
        check: fdcpa_credit_reporting_threat,
    },
    Rule {
        id: "fdcpa-deceptive-means",
        check: fdcpa_deceptive_means,
    },
    Rule {
        id: "fdcpa-shame-lists",
        check: fdcpa_shame_lists,
    },
    Rule {
        id: "fdcpa-unauthorized-fees",
        check: fdcpa_unauthorized_fees,
    },
    Rule {
        id: "no-debt-in-visible-fields",
        check: no_debt_in_visible_fields,
    },
    Rule {
        id: "pci-no-pan",
        check: pci_no_pan,
    },
    Rule {
        id: "hipaa-minimum-necessary",
        check: hipaa_minimum_necessary,
    },
];

/// 15 USC 1692d(1); 12 CFR 1006.14(c).
fn fdcpa_threat_violence(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-threat-violence")
}

/// 15 USC 1692d(2); 12 CFR 1006.14(d).
fn fdcpa_profanity(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-profanity")
}

/// 15 USC 1692d; 12 CFR 1006.14(a).
fn fdcpa_harassment(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-harassment")
}

/// 15 USC 1692e(4), (5), (7); 12 CFR 1006.18(b), (c): no threat of what is not intended, or cannot be done. A suit is
/// spoken of only where a person recorded the intent and the authority for each debt and until when it can be brought, and
/// where the validation period has run without a dispute.
fn fdcpa_false_legal_threat(context: &Context<'_>) -> Checked {
    let content = context.action.content.as_ref();
    let threatens = content.is_some_and(|content| content.threatens_suit == Some(true));
    if !threatens || !context.reg_f_applies() {
        return forbids_labels(context, "fdcpa-false-legal-threat");
    }
    let named = context.action.debts.as_ref().map_or(0, Vec::len);
    let authorised = context
        .debts()
        .filter(|debt| debt.suit_authorised == Some(true))
        .count();
    if named == 0 || authorised < named {
        return Ok(Verdict::Deny(vec![]));
    }
    // That it has ended is another rule's to say.
    if context.debts().any(|debt| debt.time_barred.is_none()) {
        return Err(Missing::Fact("debts.time_barred"));
    }
    let validation = context.facts.validation.as_ref();
    if validation.and_then(|validation| validation.disputed) == Some(true) || was_disputed(context) {
        return Ok(Verdict::Deny(vec![]));
    }
    Ok(match forbids_labels(context, "fdcpa-false-legal-threat")? {
        Verdict::Deny(values) => Verdict::Deny(values),
        _ => Verdict::Pass(Weight::Engaged),
    })
}

/// A dispute of the debt came within the validation period, whatever was answered to it since.
fn was_disputed(context: &Context<'_>) -> bool {
    let dispute = context.facts.dispute.as_ref();
    let dispute = dispute.filter(|dispute| dispute.received_at.is_some_and(|at| at <= context.at));
    let counts = |dispute: &Dispute| concerns(dispute, context) && is_within_period(dispute, context);
    context.reads_closely() && dispute.is_some_and(counts)
}

/// 15 USC 1692e(1), (3), (9), (13), (14), (16).
fn fdcpa_impersonation(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-impersonation")
}

/// 15 USC 1692e(2); 12 CFR 1006.18(b)(2): amounts come from the ledger.
fn fdcpa_amount_misstatement(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-amount-misstatement")
}

/// 15 USC 1692e(8); 12 CFR 1006.30(a).
fn fdcpa_credit_reporting_threat(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-credit-reporting-threat")
}

/// 15 USC 1692e(10); 12 CFR 1006.18(d).
fn fdcpa_deceptive_means(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-deceptive-means")
}

/// 15 USC 1692d(3), (4); 1692f(7), (8).
fn fdcpa_shame_lists(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-shame-lists")
}

/// 15 USC 1692f(1); 12 CFR 1006.22(b): no word of a fee that neither agreement nor law allows.
fn fdcpa_unauthorized_fees(context: &Context<'_>) -> Checked {
    forbids_labels(context, "fdcpa-unauthorized-fees")
}

/// 12 CFR 1006.22(f)(1)-(2), 1006.6(d): no debt, amount or creditor where others see it: subject, sender, caller ID, push,
/// preview, envelope.
fn no_debt_in_visible_fields(context: &Context<'_>) -> Checked {
    forbids_labels(context, "no-debt-in-visible-fields")
}

/// PCI DSS 4.0.1: no card number leaves in a text.
fn pci_no_pan(context: &Context<'_>) -> Checked {
    forbids_labels(context, "pci-no-pan")
}

/// 45 CFR 164.502(b), .504(e): of a medical debt no clinical detail, and nothing at all for a business that has no
/// agreement with the platform.
fn hipaa_minimum_necessary(context: &Context<'_>) -> Checked {
    const RULE: &str = "hipaa-minimum-necessary";
    let is_medical = context
        .debts()
        .any(|debt| debt.debt_type.as_deref() == Some("medical"));
    if !is_medical {
        // Of a debt that nobody has said what it is for, clinical detail is held to be that of a medical one.
        let named = context.action.debts.as_ref().map_or(0, Vec::len);
        let known = context.debts().filter(|debt| debt.debt_type.is_some()).count();
        let is_known_to_be_another = named > 0 && known == named;
        return Ok(
            match has_forbidden_label(context, RULE)? && !is_known_to_be_another {
                true => Verdict::Deny(vec![]),
                false => Verdict::NotApplicable,
            },
        );
    }
    let tenant = context.facts.tenant.as_ref();
    let agreement = tenant.and_then(|tenant| tenant.business_associate_agreement);
    if agreement.is_none() && context.parameters(RULE)?.unknown_denies {
        return Err(Missing::Fact("tenant.business_associate_agreement"));
    }
    if agreement == Some(false) {
        return Ok(Verdict::Deny(vec![]));
    }
    forbids_labels(context, RULE)
}

/// Denies where a label was set that the rule set lists under the rule.
fn forbids_labels(context: &Context<'_>, rule: &'static str) -> Checked {
    if context.labels().is_none() {
        return Ok(Verdict::NotApplicable);
    }
    Ok(Verdict::deny_if(
        has_forbidden_label(context, rule)?,
        Weight::Routine,
    ))
}

/// Whether a label was set that the rule set lists under the rule.
pub(super) fn has_forbidden_label(context: &Context<'_>, rule: &'static str) -> Result<bool, Missing> {
    let found = context.labels().unwrap_or_default();
    let labels = context.parameters(rule)?.labels.as_deref().unwrap_or_default();
    Ok(labels.iter().any(|label| found.contains(label)))
}
