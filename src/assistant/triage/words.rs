//! The kinds of sentences that the assistant looks for.

use std::sync::LazyLock;

use crate::compliance::reading::Phrases;

macro_rules! kinds {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Phrases> =
            LazyLock::new(|| Phrases::embedded(include_str!(concat!("../../../policies/assistant/", $file))));)*

        /// Every one of them.
        #[cfg(test)]
        pub(super) static ALL: &[&LazyLock<Phrases>] = &[$(&$name),*];
    };
}

kinds! {
    PAYMENT_PLAN = "payment_plan.txt";
    INFORMATION = "information.txt";
    MAKE_PAYMENT = "make_payment.txt";
    HARDSHIP = "hardship.txt";
    HUMAN = "human.txt";
    COMPLAINT = "complaint.txt";
    LEGAL = "legal.txt";
    HOSTILE = "hostile.txt";
    UPSET = "upset.txt";
    DISTRESS = "distress.txt";
    NEGOTIATION = "negotiation.txt";
    INSTRUCTION = "instruction.txt";
    PLEASED = "pleased.txt";
    VERY_PLEASED = "very_pleased.txt";
}
