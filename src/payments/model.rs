//! What a payment and a refund can be, and what can become of them.

use async_graphql::Enum;

use super::ports::{Intent, IntentStatus};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As the database and the API spell it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The reverse of `as_str`.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// How it was paid.
    PaymentMethodKind {
        /// Through Stripe: a card, a bank account, a wallet.
        Stripe = "STRIPE",
        /// A check, taken down by hand.
        Check = "CHECK",
        /// Cash, taken down by hand.
        Cash = "CASH",
        /// A money order, taken down by hand.
        MoneyOrder = "MONEY_ORDER",
    }
}

words! {
    /// Where a payment stands. Only SUCCEEDED has moved the balance.
    PaymentState {
        /// Stripe is being asked.
        Created = "CREATED",
        /// Stripe's answer was lost; it is looked up.
        Unknown = "UNKNOWN",
        /// The payer has yet to say with what they pay, or the last try was declined and they may try another.
        RequiresPaymentMethod = "REQUIRES_PAYMENT_METHOD",
        /// The payer has yet to confirm it with their bank (3-D Secure).
        RequiresAction = "REQUIRES_ACTION",
        /// On its way: a bank debit takes days.
        Processing = "PROCESSING",
        /// Paid, and posted to the balance.
        Succeeded = "SUCCEEDED",
        /// Declined, or never taken by Stripe: nothing was paid.
        Failed = "FAILED",
        /// Given up before anything was paid.
        Canceled = "CANCELED",
    }
}

words! {
    /// Why money goes back.
    RefundReason {
        /// It was paid twice.
        Duplicate = "DUPLICATE",
        /// The payer says that it was not they.
        Fraudulent = "FRAUDULENT",
        /// The debtor has asked for it.
        RequestedByDebtor = "REQUESTED_BY_DEBTOR",
        /// It should not have been taken, or was taken down wrongly.
        TakenInError = "TAKEN_IN_ERROR",
        /// The check came back unpaid.
        Bounced = "BOUNCED",
        /// It was given back at Stripe itself.
        AtProvider = "AT_PROVIDER",
    }
}

words! {
    /// Where a refund stands. From PENDING on the balance is owed again.
    RefundState {
        /// Stripe is being asked.
        Created = "CREATED",
        /// Stripe's answer was lost; it is looked up.
        Unknown = "UNKNOWN",
        /// Stripe has taken it on; the bank has yet to.
        Pending = "PENDING",
        /// The money is on its way back.
        Succeeded = "SUCCEEDED",
        /// It was refused, or came back: nothing was given back.
        Failed = "FAILED",
    }
}

impl PaymentState {
    /// Whether it may still become money: then it counts against what may be paid.
    pub fn is_in_flight(self) -> bool {
        matches!(
            self,
            Self::Created
                | Self::Unknown
                | Self::RequiresPaymentMethod
                | Self::RequiresAction
                | Self::Processing
        )
    }

    /// Whether news of `next` change anything: money that has moved stays moved, and what had been given up is money all the
    /// same where Stripe says so. What is older than what is known changes nothing.
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Succeeded, _) | (_, Self::Created) => false,
            (one, other) if one == other => false,
            (Self::Failed | Self::Canceled, next) => matches!(next, Self::Succeeded | Self::Processing),
            (before, Self::Unknown) => before == Self::Created,
            _ => true,
        }
    }

    /// What Stripe's word for it means for us. Declined with a method that we had confirmed at once, nobody can confirm it
    /// again: it has failed.
    pub fn of_intent(intent: &Intent, is_confirmed_by_payer: bool) -> Self {
        match intent.status {
            IntentStatus::Succeeded => Self::Succeeded,
            IntentStatus::Processing => Self::Processing,
            IntentStatus::RequiresAction => Self::RequiresAction,
            IntentStatus::RequiresPaymentMethod if is_confirmed_by_payer => Self::RequiresPaymentMethod,
            IntentStatus::RequiresPaymentMethod => Self::Failed,
            // A decline that was canceled, so that nobody confirms it again, stays a decline.
            IntentStatus::Canceled if intent.failure.is_some() => Self::Failed,
            IntentStatus::Canceled => Self::Canceled,
        }
    }
}

impl RefundState {
    /// Whether the balance is owed again.
    pub fn is_posted(self) -> bool {
        matches!(self, Self::Pending | Self::Succeeded)
    }

    /// Whether news of `next` change anything. A refund can fail after it succeeded (Stripe docs, "Failed refunds").
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (_, Self::Created) => false,
            (one, other) if one == other => false,
            (before, Self::Unknown) => before == Self::Created,
            (Self::Succeeded, Self::Pending) => false,
            // What has come back does not go again.
            (Self::Failed, _) => false,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_that_has_moved_stays_moved() {
        for next in PaymentState::ALL {
            assert!(!PaymentState::Succeeded.may_become(*next), "{next:?}");
        }
        for before in PaymentState::ALL {
            let arrives = before.may_become(PaymentState::Succeeded);
            assert_eq!(arrives, *before != PaymentState::Succeeded, "{before:?}");
        }
    }

    #[test]
    fn what_is_over_is_not_in_flight_and_comes_back_only_as_money() {
        for over in [PaymentState::Failed, PaymentState::Canceled] {
            assert!(!over.is_in_flight());
            let reached: Vec<_> = PaymentState::ALL
                .iter()
                .filter(|next| over.may_become(**next))
                .collect();
            assert_eq!(reached, [&PaymentState::Processing, &PaymentState::Succeeded]);
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for state in PaymentState::ALL {
            assert_eq!(PaymentState::parse(state.as_str()), Some(*state));
        }
        for state in RefundState::ALL {
            assert_eq!(RefundState::parse(state.as_str()), Some(*state));
        }
        assert_eq!(PaymentMethodKind::parse("BITCOIN"), None);
    }
}
