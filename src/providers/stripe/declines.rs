//! Stripe's codes of what went wrong, and what to tell the payer (Stripe docs, "Decline codes"). That a card was reported lost
//! or stolen is never told.

/// What to tell the payer of a code: a decline's, or where there is none an error's.
pub fn words(code: &str) -> &'static str {
    match code {
        "insufficient_funds" => "The bank says that there is not enough money on it. Nothing was paid.",
        "expired_card" => "The card has expired. Nothing was paid: use another one.",
        "incorrect_number" | "invalid_number" => {
            "The card's number is not right. Nothing was paid: check it and try again."
        }
        "incorrect_cvc" | "invalid_cvc" => {
            "The card's security code is not right. Nothing was paid: check it and try again."
        }
        "invalid_expiry_month" | "invalid_expiry_year" => {
            "The card's expiry date is not right. Nothing was paid: check it and try again."
        }
        "incorrect_zip" | "incorrect_address" => {
            "The billing address is not the card's. Nothing was paid: check it and try again."
        }
        "authentication_required"
        | "authentication_not_handled"
        | "payment_intent_authentication_failure" => {
            "The bank wants you to confirm the payment, and that was not done. Nothing was paid: try again and confirm it."
        }
        "processing_error" | "issuer_not_available" | "try_again_later" => {
            "The bank could not be reached. Nothing was paid: try again in a while."
        }
        "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" => {
            "The card is over its limit. Nothing was paid: use another one, or ask the bank."
        }
        "currency_not_supported" | "card_not_supported" => {
            "This kind of card is not taken for this. Nothing was paid: use another one."
        }
        "amount_too_small" => "The amount is too small to be paid this way. Nothing was paid.",
        "amount_too_large" => {
            "The amount is too large to be paid at once. Nothing was paid: pay a part of it."
        }
        "bank_account_unusable" | "account_closed" | "no_account" | "incorrect_account_holder_name" => {
            "The bank account cannot be used. Nothing was paid: check it, or use another one."
        }
        "debit_not_authorized" => "The bank says that this debit was not authorised. Nothing was paid.",
        "resource_missing" | "payment_method_unexpected_state" | "payment_method_unactivated" => {
            "What you wanted to pay with is not there any more. Nothing was paid: enter it again."
        }
        "charge_already_refunded" => "All of this payment was given back already.",
        "charge_disputed" => "The payer's bank has taken this payment back: it cannot be given back as well.",
        "balance_insufficient" => "There is not enough money on your account at Stripe to give this back.",
        "lost_or_stolen_card" | "expired_or_canceled_card" | "declined" => {
            "The bank did not take it. Try another way to give the money back."
        }
        "account_invalid"
        | "account_closed_by_platform"
        | "platform_api_key_expired"
        | "secret_key_required" => {
            "Payments are not set up rightly here. Nothing was paid: ask whom you owe how to pay."
        }
        _ => {
            "The bank declined it without a reason that it tells. Nothing was paid: use something else, or ask the bank."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn nobody_learns_that_a_card_was_reported() {
        let generic = words("generic_decline");
        for code in [
            "lost_card",
            "stolen_card",
            "pickup_card",
            "fraudulent",
            "merchant_blacklist",
            "restricted_card",
        ] {
            assert_eq!(words(code), generic, "{code}");
        }
        assert_ne!(words("insufficient_funds"), generic);
    }
}
