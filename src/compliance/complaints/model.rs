//! The words of complaints. No I/O.

use async_graphql::Enum;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// As the database spells it.
            pub(in crate::compliance) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The reverse of `as_str`.
            pub(in crate::compliance) fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What a complaint is about.
    ComplaintAbout {
        /// How somebody of the business, or the assistant, behaved: tone, threats, frequency, times.
        Conduct = "CONDUCT",
        /// What is owed, or what was added to it.
        Amount = "AMOUNT",
        /// Who was told of the debt, or what became of personal data.
        Privacy = "PRIVACY",
        /// A payment, a plan or a receipt.
        Payment = "PAYMENT",
        /// Anything else; the words say what.
        Other = "OTHER",
    }
}

words! {
    /// Who passed a complaint on.
    Regulator {
        /// Consumer Financial Protection Bureau.
        #[graphql(name = "CFPB")]
        Cfpb = "CFPB",
        /// Federal Trade Commission.
        #[graphql(name = "FTC")]
        Ftc = "FTC",
        /// A state's attorney general.
        StateAttorneyGeneral = "STATE_ATTORNEY_GENERAL",
        /// A state's licensing or financial regulator.
        #[graphql(name = "STATE_REGULATOR")]
        State = "STATE_REGULATOR",
        /// Better Business Bureau.
        #[graphql(name = "BBB")]
        Bbb = "BBB",
        /// Another one.
        Other = "OTHER",
    }
}

words! {
    /// How far a complaint has come.
    ComplaintStatus {
        /// Nobody works on it yet.
        Open = "OPEN",
        /// Somebody looks into it.
        InProgress = "IN_PROGRESS",
        /// It was answered.
        Resolved = "RESOLVED",
    }
}

words! {
    /// What became of a complaint.
    ComplaintOutcome {
        /// The person was right.
        Upheld = "UPHELD",
        /// The person was right in part.
        PartlyUpheld = "PARTLY_UPHELD",
        /// Nothing was found wrong.
        NotUpheld = "NOT_UPHELD",
        /// The person took it back.
        Withdrawn = "WITHDRAWN",
    }
}
