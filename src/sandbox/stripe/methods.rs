//! Stripe's published test payment methods, and what each does (Stripe docs, "Test cards", "Test bank accounts").

/// What a charge with a payment method comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    Succeeds,
    /// `(code, decline_code)`.
    Declines(&'static str, &'static str),
    /// The payer must confirm it with their bank first.
    NeedsAction,
    /// A bank debit, which takes days.
    Processes,
    /// It succeeds, and is disputed at once.
    Disputed,
    /// It succeeds; a refund of it fails later.
    RefundFails,
    /// It succeeds; a refund of it is pending.
    RefundPends,
}

/// What it does; none of a payment method that does not exist.
pub(super) fn behaviour(method: &str) -> Option<Behaviour> {
    use Behaviour::*;
    let declined = |code| Declines("card_declined", code);
    Some(match method {
        "pm_card_visa" | "pm_card_visa_debit" | "pm_card_mastercard" | "pm_card_amex"
        | "pm_card_discover" => Succeeds,
        "pm_card_visa_chargeDeclined" | "pm_card_chargeDeclined" => declined("generic_decline"),
        "pm_card_visa_chargeDeclinedInsufficientFunds" | "pm_card_chargeDeclinedInsufficientFunds" => {
            declined("insufficient_funds")
        }
        "pm_card_visa_chargeDeclinedLostCard" => declined("lost_card"),
        "pm_card_visa_chargeDeclinedStolenCard" => declined("stolen_card"),
        "pm_card_chargeDeclinedExpiredCard" => Declines("expired_card", "expired_card"),
        "pm_card_chargeDeclinedIncorrectCvc" => Declines("incorrect_cvc", "incorrect_cvc"),
        "pm_card_chargeDeclinedProcessingError" => Declines("processing_error", "processing_error"),
        "pm_card_threeDSecure2Required"
        | "pm_card_threeDSecureRequired"
        | "pm_card_authenticationRequired" => NeedsAction,
        "pm_usBankAccount_success" => Processes,
        "pm_card_createDispute" => Disputed,
        "pm_card_refundFail" => RefundFails,
        "pm_card_pendingRefund" => RefundPends,
        _ => return None,
    })
}
