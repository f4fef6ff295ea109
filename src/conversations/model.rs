//! States of messages and threads, and their transitions. No I/O.

use async_graphql::Enum;

/// How far a message has come.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum DeliveryStatus {
    /// It came in.
    Received,
    /// It waits to be handed to the vendor.
    Queued,
    /// The vendor has taken it.
    Sent,
    /// The vendor says that it arrived.
    Delivered,
    /// The debtor has opened it.
    Read,
    /// It did not arrive; `failureReason` says why.
    Failed,
    /// It was stopped before it was sent: an opt-out or another rule.
    Blocked,
    /// The vendor's answer was lost: we are finding out whether it went. It may have arrived.
    Unknown,
}

impl DeliveryStatus {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Queued => "QUEUED",
            Self::Sent => "SENT",
            Self::Delivered => "DELIVERED",
            Self::Read => "READ",
            Self::Failed => "FAILED",
            Self::Blocked => "BLOCKED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The reverse of [`DeliveryStatus::as_str`]; the column's CHECK allows nothing else.
    pub fn parse(text: &str) -> Self {
        [
            Self::Received,
            Self::Queued,
            Self::Sent,
            Self::Delivered,
            Self::Read,
            Self::Failed,
            Self::Blocked,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
        .unwrap_or(Self::Unknown)
    }

    /// Whether a report of `reported` moves a message on from here. Callbacks come doubled and out of order: a
    /// status never moves backwards, and what has arrived cannot fail any more.
    pub fn moves_to(self, reported: Self) -> bool {
        match (self, reported) {
            (Self::Received | Self::Failed | Self::Blocked | Self::Read, _) => false,
            (Self::Queued | Self::Unknown, Self::Sent | Self::Delivered | Self::Read | Self::Failed) => true,
            (Self::Sent, Self::Delivered | Self::Read | Self::Failed) => true,
            (Self::Delivered, Self::Read) => true,
            _ => false,
        }
    }
}

/// What a Twilio message status means for ours; `None` for the stages before it is sent (providers' facts 1.7).
pub fn of_twilio(status: &str) -> Option<DeliveryStatus> {
    match status {
        "sent" => Some(DeliveryStatus::Sent),
        "delivered" => Some(DeliveryStatus::Delivered),
        "read" => Some(DeliveryStatus::Read),
        "failed" | "undelivered" | "canceled" => Some(DeliveryStatus::Failed),
        _ => None,
    }
}

/// Where a thread stands.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ConversationStatus {
    /// Somebody is, or should be, answering.
    Active,
    /// The matter is settled; a new message reopens it.
    Resolved,
    /// It waits for somebody with more authority.
    Escalated,
    /// Closed for good: a new message opens a new thread.
    Closed,
}

impl ConversationStatus {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Resolved => "RESOLVED",
            Self::Escalated => "ESCALATED",
            Self::Closed => "CLOSED",
        }
    }

    /// The reverse of [`ConversationStatus::as_str`].
    pub fn parse(text: &str) -> Self {
        match text {
            "RESOLVED" => Self::Resolved,
            "ESCALATED" => Self::Escalated,
            "CLOSED" => Self::Closed,
            _ => Self::Active,
        }
    }
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum SenderType {
    /// A member of staff.
    Agent,
    /// The person who owes.
    Debtor,
    /// The AI.
    Assistant,
    /// funnelchat itself.
    System,
}

impl SenderType {
    /// Of the database's word.
    pub fn parse(text: &str) -> Self {
        match text {
            "AGENT" => Self::Agent,
            "DEBTOR" => Self::Debtor,
            "ASSISTANT" => Self::Assistant,
            _ => Self::System,
        }
    }
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum Direction {
    /// From the debtor.
    Inbound,
    /// To the debtor.
    Outbound,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_report() -> impl Strategy<Value = DeliveryStatus> {
        prop_oneof![
            Just(DeliveryStatus::Sent),
            Just(DeliveryStatus::Delivered),
            Just(DeliveryStatus::Read),
            Just(DeliveryStatus::Failed)
        ]
    }

    fn rank(status: DeliveryStatus) -> u8 {
        match status {
            DeliveryStatus::Queued | DeliveryStatus::Unknown => 0,
            DeliveryStatus::Sent => 1,
            DeliveryStatus::Delivered => 2,
            _ => 3,
        }
    }

    proptest! {
        #[test]
        fn no_shuffle_of_callbacks_moves_a_status_backwards(reports in prop::collection::vec(any_report(), 0..12)) {
            let mut status = DeliveryStatus::Queued;
            for report in reports {
                if status.moves_to(report) {
                    prop_assert!(rank(report) > rank(status));
                    status = report;
                }
            }
        }
    }

    #[test]
    fn undelivered_after_sent_wins_and_a_late_sent_after_delivered_is_ignored() {
        assert!(DeliveryStatus::Sent.moves_to(DeliveryStatus::Failed));
        assert!(!DeliveryStatus::Delivered.moves_to(DeliveryStatus::Sent));
        assert!(!DeliveryStatus::Delivered.moves_to(DeliveryStatus::Failed));
    }
}
