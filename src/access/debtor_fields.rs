//! What of the API a debtor may ask for: types that one can come to, and of each the fields that are theirs to see. A type
//! or field that is not shown here is refused to debtors before anything is executed, so that what is added to the API is
//! staff's until it is listed. A test walks the schema from the roots through what is shown, and wants every field of every
//! type that it meets on one side or the other.

/// A type and which of its fields a debtor sees.
#[derive(Clone, Copy, Debug)]
pub struct DebtorView {
    pub name: &'static str,
    pub shown: &'static [&'static str],
    /// Staff's: what is thought, decided, noted and recorded about the person.
    pub hidden: &'static [&'static str],
}

const fn of(
    name: &'static str,
    shown: &'static [&'static str],
    hidden: &'static [&'static str],
) -> DebtorView {
    DebtorView { name, shown, hidden }
}

/// The fields of the roots that a debtor may select; all others but the public ones are refused.
pub const ROOTS: &[DebtorView] = &[
    of(
        "Mutation",
        &[
            "fileDispute",
            "logout",
            "revokeOtherSessions",
            "revokeSession",
            "updateOwnContactInformation",
        ],
        &[],
    ),
    of(
        "Query",
        &[
            "account",
            "accounts",
            "conversation",
            "conversations",
            "debtor",
            "node",
            "nodes",
            "sessions",
            "viewer",
        ],
        &[],
    ),
    of("Subscription", &["conversationEvents"], &[]),
];

/// What can be reached from there, by name.
pub const TYPES: &[DebtorView] = &[
    of(
        "Account",
        &[
            "accountNumber",
            "address",
            "balanceComponents",
            "conversations",
            "createdAt",
            "currentBalance",
            "daysPastDue",
            "debtor",
            "disputes",
            "dueDate",
            "email",
            "firstName",
            "id",
            "itemizationDate",
            "lastName",
            "originalBalance",
            "originalCreditor",
            "phone",
            "phoneSecondary",
            "preferredContactMethod",
            "preferredLanguage",
            "status",
            "updatedAt",
        ],
        &[
            "assignedAgent",
            "consents",
            "creditor",
            "customFields",
            "documents",
            "holds",
            "ledger",
            "notes",
            "placement",
            "tags",
            "timeZoneEvidence",
        ],
    ),
    of("AccountConnection", &["edges", "pageInfo", "totalCount"], &[]),
    of("AccountEdge", &["cursor", "node"], &[]),
    of(
        "BalanceComponents",
        &["costs", "fees", "interest", "itemizationEvent", "principal"],
        &[],
    ),
    of(
        "Business",
        &["id", "inboundNumbers", "name", "slug"],
        &["settings", "skills"],
    ),
    of(
        "ContactPoint",
        &["createdAt", "id", "kind", "lineType", "use", "value"],
        &[
            "label",
            "original",
            "provenance",
            "sharedWith",
            "unreachable",
            "validity",
            "validityBy",
            "validitySince",
        ],
    ),
    of(
        "Conversation",
        &[
            "account",
            "channel",
            "closedAt",
            "createdAt",
            "debtor",
            "feedCursor",
            "id",
            "lastMessage",
            "messages",
            "status",
            "updatedAt",
        ],
        &["assignedAgent", "assignedAt", "resolution", "unreadCount"],
    ),
    of(
        "ConversationAssigned",
        &["conversation", "conversationId", "cursor"],
        &["assignedAgent"],
    ),
    of(
        "ConversationConnection",
        &["edges", "pageInfo", "totalCount"],
        &[],
    ),
    of("ConversationEdge", &["cursor", "node"], &[]),
    of("ConversationUpdated", &["conversation", "cursor"], &[]),
    of(
        "Debtor",
        &[
            "accounts",
            "address",
            "contactPoints",
            "firstName",
            "id",
            "inconvenientTimes",
            "lastName",
            "preferredContactMethod",
            "preferredLanguage",
        ],
        // The date of birth is one of the things that show who somebody is.
        &[
            "birthDate",
            "consents",
            "createdAt",
            "holds",
            "matchSuggestions",
            "merges",
            "nationalId",
            "statedTimeZoneStatement",
            "timeZoneEvidence",
        ],
    ),
    of(
        "Dispute",
        &[
            "account",
            "duplicativeNoticeSentAt",
            "id",
            "kind",
            "originalCreditorSentAt",
            "reason",
            "receivedAt",
            "requestsOriginalCreditor",
            "resolvedAt",
            "status",
            "verificationSentAt",
            "words",
        ],
        // What it comes to is told them by letter; what staff think of it is staff's.
        &[
            "channel",
            "debtor",
            "dueAt",
            "duplicateOf",
            "filedAt",
            "filedBy",
            "holdCollection",
            "holdId",
            "isOverdue",
            "message",
            "needsConfirmation",
            "outcome",
            "resolution",
            "steps",
            "withinValidationPeriod",
            "written",
        ],
    ),
    of("FileDisputePayload", &["dispute", "userErrors"], &[]),
    of(
        "InconvenientTime",
        &[
            "channels",
            "days",
            "from",
            "id",
            "statedAt",
            "statement",
            "to",
            "withdrawnAt",
        ],
        &["recordedBy", "withdrawnBy"],
    ),
    of("LogoutPayload", &["ended", "userErrors"], &[]),
    of(
        "Message",
        &[
            "content",
            "conversation",
            "createdAt",
            "deliveredAt",
            "deliveryStatus",
            "direction",
            "id",
            "readAt",
            "senderType",
            "sentAt",
            "sequence",
        ],
        &["decision", "failureCode", "failureReason", "sender"],
    ),
    of("MessageAdded", &["conversation", "cursor", "message"], &[]),
    of("MessageConnection", &["edges", "pageInfo", "totalCount"], &[]),
    of("MessageEdge", &["cursor", "node"], &[]),
    of("MessageStatusChanged", &["cursor", "message"], &[]),
    of("Money", &["amount", "currency"], &[]),
    of("Node", &["id"], &[]),
    of(
        "PageInfo",
        &["endCursor", "hasNextPage", "hasPreviousPage", "startCursor"],
        &[],
    ),
    of(
        "PostalAddress",
        &["city", "country", "line1", "line2", "postalCode", "state"],
        &[],
    ),
    of("RevokeOtherSessionsPayload", &["count", "userErrors"], &[]),
    of("RevokeSessionPayload", &["sessionId", "userErrors"], &[]),
    of("TypingChanged", &["cursor"], &["user"]),
    of(
        "UpdateOwnContactInformationPayload",
        &["debtor", "userErrors"],
        &[],
    ),
    of("UserError", &["code", "field", "message"], &[]),
    of(
        "UserSession",
        &["address", "createdAt", "device", "id", "isCurrent", "lastUsedAt"],
        &[],
    ),
    of(
        "Viewer",
        &["account", "business", "permissions", "role"],
        &[
            "inboxCursor",
            "memberships",
            "notificationPreferences",
            "profile",
            "user",
        ],
    ),
];

/// Whether a debtor may select this field of this type.
pub fn shows(ty: &str, field: &str) -> bool {
    ROOTS
        .iter()
        .chain(TYPES)
        .any(|view| view.name == ty && view.shown.contains(&field))
}
