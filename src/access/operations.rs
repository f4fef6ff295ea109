//! Which cell each operation of the API needs. One file, so that a reviewer sees the whole surface; the executor
//! refuses a root field that is missing here, and a test prints `policies/access/matrix.txt` from it.

use super::{AccessTable, Cell, Role, debtor_fields};

/// What an operation asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Anyone, signed in or not.
    Nothing,
    /// Any signed-in caller.
    SignIn,
    /// A permission inside the caller's business.
    Permission(Cell),
    /// A super admin, outside every business.
    Platform,
}

/// Root type, field, need. Sorted by root and name.
pub const OPERATIONS: &[(&str, &str, Needs)] = &[
    ("Mutation", "acceptInvitation", Needs::Nothing),
    ("Mutation", "acceptPrivacyNotice", Needs::SignIn),
    (
        "Mutation",
        "addAccountDocument",
        Needs::Permission(Cell::DocumentAdd),
    ),
    ("Mutation", "addAccountNote", Needs::Permission(Cell::NoteAdd)),
    (
        "Mutation",
        "addContactPoint",
        Needs::Permission(Cell::AccountUpdate),
    ),
    (
        "Mutation",
        "addConversationDocument",
        Needs::Permission(Cell::DocumentAdd),
    ),
    (
        "Mutation",
        "approveContactPolicyChange",
        Needs::Permission(Cell::ContactPolicyApprove),
    ),
    (
        "Mutation",
        "archiveTemplate",
        Needs::Permission(Cell::TemplateManage),
    ),
    (
        "Mutation",
        "assignAccounts",
        Needs::Permission(Cell::AccountAssignSelf),
    ),
    (
        "Mutation",
        "assignConversation",
        Needs::Permission(Cell::ConversationAssignSelf),
    ),
    ("Mutation", "beginMfaEnrollment", Needs::Nothing),
    ("Mutation", "beginMfaReplacement", Needs::SignIn),
    ("Mutation", "breakGlass", Needs::Platform),
    (
        "Mutation",
        "cancelAccountImport",
        Needs::Permission(Cell::AccountImport),
    ),
    ("Mutation", "changeEmail", Needs::SignIn),
    ("Mutation", "changePassword", Needs::SignIn),
    (
        "Mutation",
        "closePrivacyRequest",
        Needs::Permission(Cell::PrivacyManage),
    ),
    (
        "Mutation",
        "commitAccountImport",
        Needs::Permission(Cell::AccountImport),
    ),
    ("Mutation", "completeMfa", Needs::Nothing),
    ("Mutation", "confirmEmailChange", Needs::Nothing),
    ("Mutation", "confirmHold", Needs::Permission(Cell::HoldSet)),
    ("Mutation", "confirmMfaEnrollment", Needs::Nothing),
    ("Mutation", "confirmMfaReplacement", Needs::SignIn),
    (
        "Mutation",
        "confirmStatedTimeZone",
        Needs::Permission(Cell::HoldRelease),
    ),
    (
        "Mutation",
        "connectNumber",
        Needs::Permission(Cell::ProviderManage),
    ),
    (
        "Mutation",
        "createAccount",
        Needs::Permission(Cell::AccountCreate),
    ),
    ("Mutation", "createApiKey", Needs::Permission(Cell::ApiKeyManage)),
    ("Mutation", "createBusiness", Needs::Platform),
    (
        "Mutation",
        "createCreditor",
        Needs::Permission(Cell::CreditorCreate),
    ),
    (
        "Mutation",
        "createDebtorLink",
        Needs::Permission(Cell::DebtorLinkManage),
    ),
    (
        "Mutation",
        "createPayment",
        Needs::Permission(Cell::PaymentCreate),
    ),
    (
        "Mutation",
        "createPlacement",
        Needs::Permission(Cell::CreditorCreate),
    ),
    ("Mutation", "createRole", Needs::Permission(Cell::RoleManage)),
    (
        "Mutation",
        "createTemplate",
        Needs::Permission(Cell::TemplateManage),
    ),
    ("Mutation", "createUpload", Needs::Permission(Cell::FileUpload)),
    (
        "Mutation",
        "deleteAccount",
        Needs::Permission(Cell::AccountDelete),
    ),
    (
        "Mutation",
        "deleteAccountDocument",
        Needs::Permission(Cell::DocumentDelete),
    ),
    (
        "Mutation",
        "deleteAccountView",
        Needs::Permission(Cell::AccountViewSave),
    ),
    ("Mutation", "deleteBusiness", Needs::Platform),
    ("Mutation", "deleteRole", Needs::Permission(Cell::RoleManage)),
    (
        "Mutation",
        "deleteRoutingRule",
        Needs::Permission(Cell::RoutingManage),
    ),
    (
        "Mutation",
        "disconnectNumber",
        Needs::Permission(Cell::ProviderManage),
    ),
    (
        "Mutation",
        "endBreakGlass",
        Needs::Permission(Cell::BreakGlassEnd),
    ),
    ("Mutation", "eraseDebtor", Needs::Permission(Cell::PrivacyManage)),
    (
        "Mutation",
        "escalateConversation",
        Needs::Permission(Cell::ConversationUpdate),
    ),
    (
        "Mutation",
        "exportAccounts",
        Needs::Permission(Cell::AccountExport),
    ),
    (
        "Mutation",
        "exportDebtorData",
        Needs::Permission(Cell::PrivacyManage),
    ),
    (
        "Mutation",
        "exportOwnData",
        Needs::Permission(Cell::OwnDataExport),
    ),
    (
        "Mutation",
        "fileComplaint",
        Needs::Permission(Cell::ComplaintFile),
    ),
    ("Mutation", "fileDispute", Needs::Permission(Cell::DisputeFile)),
    (
        "Mutation",
        "generateValidationNotice",
        Needs::Permission(Cell::ValidationNoticeManage),
    ),
    (
        "Mutation",
        "importReassignedNumbers",
        Needs::Permission(Cell::NumberListManage),
    ),
    ("Mutation", "inviteFirstAdministrator", Needs::Platform),
    ("Mutation", "inviteUser", Needs::Permission(Cell::UserManage)),
    ("Mutation", "login", Needs::Nothing),
    ("Mutation", "logout", Needs::Nothing),
    (
        "Mutation",
        "markConversationRead",
        Needs::Permission(Cell::ConversationRead),
    ),
    (
        "Mutation",
        "markDebtorsDistinct",
        Needs::Permission(Cell::DebtorMerge),
    ),
    ("Mutation", "mergeDebtors", Needs::Permission(Cell::DebtorMerge)),
    ("Mutation", "openDebtorLink", Needs::Nothing),
    (
        "Mutation",
        "previewAccountImport",
        Needs::Permission(Cell::AccountImport),
    ),
    ("Mutation", "reactivateBusiness", Needs::Platform),
    (
        "Mutation",
        "recordConsent",
        Needs::Permission(Cell::ConsentRecord),
    ),
    ("Mutation", "recordContactPlace", Needs::Permission(Cell::HoldSet)),
    ("Mutation", "recordCookieChoice", Needs::Nothing),
    (
        "Mutation",
        "recordInconvenientTime",
        Needs::Permission(Cell::HoldSet),
    ),
    (
        "Mutation",
        "recordLimitation",
        Needs::Permission(Cell::SuitAuthorize),
    ),
    (
        "Mutation",
        "recordManualPayment",
        Needs::Permission(Cell::PaymentRecord),
    ),
    (
        "Mutation",
        "recordPrivacyRequest",
        Needs::Permission(Cell::PrivacyManage),
    ),
    ("Mutation", "recordProviderApproval", Needs::Platform),
    (
        "Mutation",
        "recordStatedTimeZone",
        Needs::Permission(Cell::AccountUpdate),
    ),
    (
        "Mutation",
        "recordSuitAuthority",
        Needs::Permission(Cell::SuitAuthorize),
    ),
    (
        "Mutation",
        "recordValidationNoticeProvided",
        Needs::Permission(Cell::ValidationNoticeManage),
    ),
    (
        "Mutation",
        "recordValidationNoticeReturned",
        Needs::Permission(Cell::ValidationNoticeManage),
    ),
    (
        "Mutation",
        "recordVerificationSent",
        Needs::Permission(Cell::DisputeAnswer),
    ),
    ("Mutation", "refreshSession", Needs::Nothing),
    (
        "Mutation",
        "refundPayment",
        Needs::Permission(Cell::PaymentRefund),
    ),
    ("Mutation", "regenerateRecoveryCodes", Needs::SignIn),
    ("Mutation", "registerBusiness", Needs::Nothing),
    (
        "Mutation",
        "rejectContactPolicyChange",
        Needs::Permission(Cell::ContactPolicyApprove),
    ),
    ("Mutation", "releaseHold", Needs::Permission(Cell::HoldRelease)),
    (
        "Mutation",
        "releaseSuppression",
        Needs::Permission(Cell::SuppressionRelease),
    ),
    (
        "Mutation",
        "remapAccountImport",
        Needs::Permission(Cell::AccountImport),
    ),
    (
        "Mutation",
        "removeBusinessLogo",
        Needs::Permission(Cell::BusinessUpdate),
    ),
    (
        "Mutation",
        "removeContactPoint",
        Needs::Permission(Cell::AccountUpdate),
    ),
    (
        "Mutation",
        "removeLicense",
        Needs::Permission(Cell::LicenseManage),
    ),
    (
        "Mutation",
        "removeProfilePhoto",
        Needs::Permission(Cell::ProfileUpdate),
    ),
    (
        "Mutation",
        "requestAuditBundle",
        Needs::Permission(Cell::AuditExport),
    ),
    ("Mutation", "requestDebtorLink", Needs::Nothing),
    (
        "Mutation",
        "requestEvidencePack",
        Needs::Permission(Cell::EvidenceExport),
    ),
    ("Mutation", "requestPasswordReset", Needs::Nothing),
    (
        "Mutation",
        "resetMemberMfa",
        Needs::Permission(Cell::UserManageAny),
    ),
    ("Mutation", "resetPassword", Needs::Nothing),
    ("Mutation", "resetStaffMfa", Needs::Platform),
    (
        "Mutation",
        "resolveComplaint",
        Needs::Permission(Cell::ComplaintResolve),
    ),
    (
        "Mutation",
        "resolveDispute",
        Needs::Permission(Cell::DisputeResolve),
    ),
    (
        "Mutation",
        "restoreAccount",
        Needs::Permission(Cell::AccountRestore),
    ),
    ("Mutation", "restoreBusiness", Needs::Platform),
    ("Mutation", "revokeApiKey", Needs::Permission(Cell::ApiKeyManage)),
    (
        "Mutation",
        "revokeConsent",
        Needs::Permission(Cell::ConsentRecord),
    ),
    (
        "Mutation",
        "revokeDebtorLink",
        Needs::Permission(Cell::DebtorLinkManage),
    ),
    (
        "Mutation",
        "revokeInvitation",
        Needs::Permission(Cell::UserManage),
    ),
    ("Mutation", "revokeOtherSessions", Needs::SignIn),
    ("Mutation", "revokeSession", Needs::SignIn),
    (
        "Mutation",
        "saveAccountView",
        Needs::Permission(Cell::AccountViewSave),
    ),
    (
        "Mutation",
        "saveRoutingRule",
        Needs::Permission(Cell::RoutingManage),
    ),
    ("Mutation", "sendDebtorCode", Needs::Nothing),
    (
        "Mutation",
        "sendMessage",
        Needs::Permission(Cell::ConversationSend),
    ),
    (
        "Mutation",
        "setAccountDocumentShown",
        Needs::Permission(Cell::DocumentAdd),
    ),
    (
        "Mutation",
        "setAccountsCreditor",
        Needs::Permission(Cell::AccountUpdate),
    ),
    (
        "Mutation",
        "setBusinessLogo",
        Needs::Permission(Cell::BusinessUpdate),
    ),
    (
        "Mutation",
        "setCustomFields",
        Needs::Permission(Cell::BusinessUpdate),
    ),
    (
        "Mutation",
        "setDefaultTemplate",
        Needs::Permission(Cell::TemplateManage),
    ),
    (
        "Mutation",
        "setDoNotCallAccess",
        Needs::Permission(Cell::NumberListManage),
    ),
    ("Mutation", "setHold", Needs::Permission(Cell::HoldSet)),
    ("Mutation", "setLicense", Needs::Permission(Cell::LicenseManage)),
    (
        "Mutation",
        "setMyAvailability",
        Needs::Permission(Cell::ProfileUpdate),
    ),
    (
        "Mutation",
        "setProfilePhoto",
        Needs::Permission(Cell::ProfileUpdate),
    ),
    (
        "Mutation",
        "setProviderCredentials",
        Needs::Permission(Cell::ProviderManage),
    ),
    (
        "Mutation",
        "setRecordRetention",
        Needs::Permission(Cell::PrivacyManage),
    ),
    ("Mutation", "setTyping", Needs::Permission(Cell::ConversationSend)),
    (
        "Mutation",
        "startConversation",
        Needs::Permission(Cell::ConversationStart),
    ),
    (
        "Mutation",
        "startDisputeVerification",
        Needs::Permission(Cell::DisputeAnswer),
    ),
    (
        "Mutation",
        "suppressContact",
        Needs::Permission(Cell::SuppressionSet),
    ),
    ("Mutation", "suspendBusiness", Needs::Platform),
    ("Mutation", "switchBusiness", Needs::SignIn),
    ("Mutation", "tagAccounts", Needs::Permission(Cell::AccountUpdate)),
    ("Mutation", "unmergeDebtors", Needs::Permission(Cell::DebtorMerge)),
    (
        "Mutation",
        "updateAccount",
        Needs::Permission(Cell::AccountUpdate),
    ),
    (
        "Mutation",
        "updateBusinessSettings",
        Needs::Permission(Cell::BusinessUpdate),
    ),
    (
        "Mutation",
        "updateComplaint",
        Needs::Permission(Cell::ComplaintFile),
    ),
    (
        "Mutation",
        "updateContactPoint",
        Needs::Permission(Cell::AccountUpdate),
    ),
    (
        "Mutation",
        "updateConversation",
        Needs::Permission(Cell::ConversationUpdate),
    ),
    (
        "Mutation",
        "updateCreditor",
        Needs::Permission(Cell::CreditorUpdate),
    ),
    ("Mutation", "updateDebtor", Needs::Permission(Cell::AccountUpdate)),
    (
        "Mutation",
        "updateNotificationPreferences",
        Needs::Permission(Cell::ProfileUpdate),
    ),
    (
        "Mutation",
        "updateOwnContactInformation",
        Needs::Permission(Cell::OwnContactUpdate),
    ),
    (
        "Mutation",
        "updatePlacement",
        Needs::Permission(Cell::CreditorUpdate),
    ),
    (
        "Mutation",
        "updateProfile",
        Needs::Permission(Cell::ProfileUpdate),
    ),
    ("Mutation", "updateRole", Needs::Permission(Cell::RoleManage)),
    (
        "Mutation",
        "updateTemplate",
        Needs::Permission(Cell::TemplateManage),
    ),
    ("Mutation", "updateUser", Needs::Permission(Cell::UserManage)),
    ("Mutation", "verifyDebtorIdentity", Needs::Nothing),
    ("Mutation", "verifyEmail", Needs::Nothing),
    (
        "Mutation",
        "withdrawContactPlace",
        Needs::Permission(Cell::HoldRelease),
    ),
    (
        "Mutation",
        "withdrawInconvenientTime",
        Needs::Permission(Cell::HoldRelease),
    ),
    ("Mutation", "withdrawProviderApproval", Needs::Platform),
    (
        "Mutation",
        "withdrawSuitAuthority",
        Needs::Permission(Cell::SuitAuthorize),
    ),
    ("Query", "accessLog", Needs::Permission(Cell::AccessLogRead)),
    ("Query", "account", Needs::Permission(Cell::AccountRead)),
    ("Query", "accountImport", Needs::Permission(Cell::AccountImport)),
    (
        "Query",
        "accountImportTemplate",
        Needs::Permission(Cell::AccountImport),
    ),
    ("Query", "accountImports", Needs::Permission(Cell::AccountImport)),
    ("Query", "accountViews", Needs::Permission(Cell::AccountRead)),
    ("Query", "accounts", Needs::Permission(Cell::AccountRead)),
    ("Query", "apiKeys", Needs::Permission(Cell::ApiKeyRead)),
    ("Query", "auditBundle", Needs::Permission(Cell::AuditRead)),
    ("Query", "auditBundles", Needs::Permission(Cell::AuditRead)),
    ("Query", "auditEvents", Needs::Permission(Cell::AuditRead)),
    (
        "Query",
        "breakGlassSessions",
        Needs::Permission(Cell::BreakGlassRead),
    ),
    ("Query", "business", Needs::Permission(Cell::BusinessRead)),
    ("Query", "businesses", Needs::Platform),
    ("Query", "checkContent", Needs::Permission(Cell::DecisionCheck)),
    ("Query", "complaint", Needs::Permission(Cell::ComplaintRead)),
    ("Query", "complaints", Needs::Permission(Cell::ComplaintRead)),
    ("Query", "complianceCheck", Needs::Permission(Cell::DecisionCheck)),
    (
        "Query",
        "complianceDashboard",
        Needs::Permission(Cell::ComplianceDashboardRead),
    ),
    (
        "Query",
        "complianceDecision",
        Needs::Permission(Cell::DecisionRead),
    ),
    ("Query", "connectedNumbers", Needs::Permission(Cell::ProviderRead)),
    (
        "Query",
        "contactPolicyChanges",
        Needs::Permission(Cell::ContactPolicyRead),
    ),
    ("Query", "conversation", Needs::Permission(Cell::ConversationRead)),
    (
        "Query",
        "conversations",
        Needs::Permission(Cell::ConversationRead),
    ),
    ("Query", "cookieChoice", Needs::Nothing),
    ("Query", "cookieNotice", Needs::Nothing),
    ("Query", "creditors", Needs::Permission(Cell::CreditorRead)),
    ("Query", "customFields", Needs::Permission(Cell::AccountRead)),
    ("Query", "debtor", Needs::Permission(Cell::AccountRead)),
    ("Query", "debtorArchive", Needs::Permission(Cell::EvidenceExport)),
    ("Query", "debtorArchives", Needs::Permission(Cell::EvidenceExport)),
    ("Query", "debtorLinks", Needs::Permission(Cell::DebtorLinkManage)),
    ("Query", "debtorRetention", Needs::Permission(Cell::PrivacyRead)),
    ("Query", "debtors", Needs::Permission(Cell::AccountRead)),
    ("Query", "deletedAccounts", Needs::Permission(Cell::AccountDelete)),
    ("Query", "dispute", Needs::Permission(Cell::DisputeRead)),
    ("Query", "disputes", Needs::Permission(Cell::DisputeRead)),
    (
        "Query",
        "duplicateSuggestions",
        Needs::Permission(Cell::DebtorMerge),
    ),
    ("Query", "export", Needs::Permission(Cell::AccountExport)),
    ("Query", "exports", Needs::Permission(Cell::AccountExport)),
    (
        "Query",
        "holdsAwaitingConfirmation",
        Needs::Permission(Cell::HoldRelease),
    ),
    (
        "Query",
        "holdsAwaitingConfirmationCount",
        Needs::Permission(Cell::HoldRelease),
    ),
    ("Query", "invitations", Needs::Permission(Cell::UserReadDetails)),
    ("Query", "licenses", Needs::Permission(Cell::LicenseRead)),
    ("Query", "lintTemplate", Needs::Permission(Cell::TemplateRead)),
    ("Query", "node", Needs::SignIn),
    ("Query", "nodes", Needs::SignIn),
    ("Query", "numberLists", Needs::Permission(Cell::NumberListRead)),
    ("Query", "ownDataExport", Needs::Permission(Cell::OwnDataExport)),
    ("Query", "payment", Needs::Permission(Cell::PaymentRead)),
    ("Query", "payments", Needs::Permission(Cell::PaymentRead)),
    ("Query", "placements", Needs::Permission(Cell::CreditorRead)),
    ("Query", "platformBusiness", Needs::Platform),
    ("Query", "platformUsers", Needs::Platform),
    ("Query", "previewTemplate", Needs::Permission(Cell::TemplateRead)),
    ("Query", "privacyNotice", Needs::Nothing),
    ("Query", "privacyRequest", Needs::Permission(Cell::PrivacyRead)),
    ("Query", "privacyRequests", Needs::Permission(Cell::PrivacyRead)),
    ("Query", "providerAccounts", Needs::Permission(Cell::ProviderRead)),
    ("Query", "recordRetention", Needs::Permission(Cell::PrivacyRead)),
    ("Query", "roles", Needs::Permission(Cell::RoleRead)),
    ("Query", "routingRules", Needs::Permission(Cell::RoutingRead)),
    ("Query", "sessions", Needs::SignIn),
    (
        "Query",
        "suppressionList",
        Needs::Permission(Cell::SuppressionRead),
    ),
    ("Query", "systemHealth", Needs::Platform),
    ("Query", "template", Needs::Permission(Cell::TemplateRead)),
    (
        "Query",
        "templateRevisions",
        Needs::Permission(Cell::TemplateRead),
    ),
    (
        "Query",
        "templateVariables",
        Needs::Permission(Cell::TemplateRead),
    ),
    ("Query", "templates", Needs::Permission(Cell::TemplateRead)),
    ("Query", "users", Needs::Permission(Cell::UserRead)),
    (
        "Query",
        "validationNotice",
        Needs::Permission(Cell::ValidationNoticeRead),
    ),
    (
        "Query",
        "validationNoticesDue",
        Needs::Permission(Cell::ValidationNoticeRead),
    ),
    ("Query", "viewer", Needs::SignIn),
    (
        "Subscription",
        "accountEvents",
        Needs::Permission(Cell::ConversationFollow),
    ),
    (
        "Subscription",
        "conversationEvents",
        Needs::Permission(Cell::ConversationFollow),
    ),
    (
        "Subscription",
        "importProgress",
        Needs::Permission(Cell::AccountImport),
    ),
    (
        "Subscription",
        "inboxEvents",
        Needs::Permission(Cell::ConversationFollow),
    ),
];

/// What `field` of `root` needs; `None` when it is not listed (then it is refused).
pub fn needs(root: &str, field: &str) -> Option<Needs> {
    OPERATIONS
        .iter()
        .find(|(r, f, _)| *r == root && *f == field)
        .map(|(_, _, needs)| *needs)
}

/// The permission matrix as text: operations down, roles across.
pub fn matrix(table: &AccessTable) -> String {
    let mut text = String::from(
        "# Who may call what: printed by a test from src/access/operations.rs and policies/access/policy.csv.\n\
         # yes = the role's cell allows it; public = no sign-in needed; - = refused. A super admin calls what concerns one\n\
         # business from inside it, by break-glass, and what concerns the platform from outside.\n",
    );
    let width = OPERATIONS
        .iter()
        .map(|(root, field, _)| root.len() + field.len() + 1)
        .max()
        .unwrap_or(0);
    text.push_str(&format!("{:width$}", "operation"));
    for role in Role::ALL {
        text.push_str(&format!("  {}", role.policy_name()));
    }
    text.push('\n');
    for (root, field, needs) in OPERATIONS {
        text.push_str(&format!("{:width$}", format!("{root}.{field}")));
        for role in Role::ALL {
            let mark = match needs {
                Needs::Nothing => "public",
                _ if role == Role::Debtor && !debtor_fields::shows(root, field) => "-",
                Needs::SignIn => "yes",
                Needs::Permission(cell) if table.allows(role, *cell) => "yes",
                Needs::Platform if role == Role::SuperAdmin => "yes",
                Needs::Permission(_) | Needs::Platform => "-",
            };
            text.push_str(&format!("  {mark:len$}", len = role.policy_name().len()));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
