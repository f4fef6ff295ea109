//! Recording and transcribing calls.

use super::{Checked, Context, Rule, Verdict, Weight, need};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "recording-all-party-notice",
        check: recording_all_party_notice,
    },
    Rule {
        id: "pci-no-pan",
        check: pci_no_pan,
    },
];

/// Cal. Penal 632, 632.7 and the other all-party states: everybody on a call hears of the recording, transcription or
/// analysis before any of it begins. The product does so on every call: nobody knows where all of them are.
fn recording_all_party_notice(context: &Context<'_>) -> Checked {
    let is_given = need(context.action.notice_given, "action.notice_given")?;
    Ok(Verdict::deny_if(!is_given, Weight::Engaged))
}

/// PCI DSS 4.0.1: recording and transcription pause while card data are spoken or typed.
fn pci_no_pan(context: &Context<'_>) -> Checked {
    Ok(match context.action.card_data_exchanged {
        Some(is_exchanged) => Verdict::deny_if(is_exchanged, Weight::Routine),
        None => Verdict::NotApplicable,
    })
}
