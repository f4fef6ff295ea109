//! What a text of the business asks of the debtor.

use std::sync::LazyLock;

use super::{
    pattern::Kind,
    words::{Names, Sentence, sentences},
};

static DEMAND: LazyLock<Kind> =
    LazyLock::new(|| Kind::embedded(include_str!("../../../policies/reading/payment_demand.txt")));

/// Whether a text plainly demands payment.
pub(in crate::compliance) fn demands_payment(text: &str) -> bool {
    let own: Vec<Sentence> = sentences(text, &Names::default());
    DEMAND.is_said(&own)
}
