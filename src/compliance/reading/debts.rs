//! What somebody says of the debt: that they dispute it, ask whose it was, will not pay it, or cannot.

use std::sync::LazyLock;

use super::{pattern::Kind, words::Sentence};

static DISPUTE: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/dispute.txt")));
static ORIGINAL_CREDITOR: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/original_creditor.txt")));
static REFUSAL: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/refusal.txt")));
static INABILITY: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/inability.txt")));

/// They dispute it, the whole or a part (15 USC 1692g(b)).
pub(super) fn disputes(sentences: &[Sentence]) -> bool {
    DISPUTE.is_said(sentences)
}

/// They ask for the name or address of the original creditor (15 USC 1692g(b); 12 CFR 1006.38(c)).
pub(super) fn asks_for_original_creditor(sentences: &[Sentence]) -> bool {
    ORIGINAL_CREDITOR.is_said(sentences)
}

/// They say that they will not pay (12 CFR 1006.6(c)(1)); until a day, or a fee, or all at once, is no refusal.
pub(super) fn refuses_to_pay(sentences: &[Sentence]) -> bool {
    REFUSAL.is_said(sentences)
}

/// They say that they have not the means.
pub(super) fn cannot_pay(sentences: &[Sentence]) -> bool {
    INABILITY.is_said(sentences)
}
