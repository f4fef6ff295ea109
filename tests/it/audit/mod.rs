//! Who did what stands in a chain that nobody can change unseen ([`chain`]), not even with the database in their hands
//! ([`checkpoints`]), with from where it was done ([`origins`]), and is taken away as a bundle ([`bundle`]); who read whose
//! data in the access log ([`reads`]).

mod bundle;
mod bundles;
pub mod chain;
mod checkpoints;
mod edits;
mod origins;
mod reads;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use funnelchat::{
    audit::verify::verify,
    platform::{clock::WallClock as _, ids},
    sandbox::{Fault, Provider},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};
use totp_rs::{Algorithm, Builder, Secret};

use self::chain::{chain, chains};
use crate::support::{
    Client, Problems, Schema, TestApp, data, error_code,
    recipes::{Ids, proposed_change, settings_version},
    uploads::{pdf, upload},
};

/// Mutations that leave no audit row, and why. The list may only shrink.
const UNAUDITED: &[(&str, &str)] = &[
    ("markConversationRead", "changes nothing for anybody else"),
    ("setTyping", "has no row at all"),
];

// ---------------------------------------------------------------------------------------------------- every mutation

/// One person's way from registration to work, mutation by mutation.
struct Story<'a> {
    app: &'a TestApp,
    admin: Client,
    /// The founder of a new business.
    founder: Client,
    ids: Ids,
    email: String,
    password: &'static str,
    /// What one step hands to the next: tokens and codes.
    token: String,
    secret: String,
    next_secret: String,
    recovery: String,
    account: String,
    dispute: String,
    complaint: String,
    key: String,
    role: String,
    stay: String,
    approval: String,
    created: String,
    compliance: Client,
    super_admin: Client,
    import: String,
    link: String,
    debtor: Client,
}

/// The founder's second address.
const MOVED: &str = "moved@initech.example";
const CHANGED: &str = "another long and private phrase";
const RESET: &str = "a third long and private phrase";

/// In an order in which each makes what the next needs.
const ORDER: &[&str] = &[
    "registerBusiness",
    "verifyEmail",
    "login",
    "beginMfaEnrollment",
    "confirmMfaEnrollment",
    "completeMfa",
    "refreshSession",
    "revokeSession",
    "revokeOtherSessions",
    "regenerateRecoveryCodes",
    "beginMfaReplacement",
    "confirmMfaReplacement",
    "changeEmail",
    "confirmEmailChange",
    "changePassword",
    "requestPasswordReset",
    "resetPassword",
    "logout",
    "createApiKey",
    "revokeApiKey",
    "updateProfile",
    "createUpload",
    "setProfilePhoto",
    "removeProfilePhoto",
    "setMyAvailability",
    "updateNotificationPreferences",
    "setBusinessLogo",
    "removeBusinessLogo",
    "setCustomFields",
    "createAccount",
    "createPayment",
    "recordManualPayment",
    "refundPayment",
    "updateAccount",
    "recordSuitAuthority",
    "withdrawSuitAuthority",
    "recordLimitation",
    "addAccountNote",
    "addAccountDocument",
    "setAccountDocumentShown",
    "fileDispute",
    "startDisputeVerification",
    "recordVerificationSent",
    "resolveDispute",
    "generateValidationNotice",
    "recordValidationNoticeProvided",
    "recordValidationNoticeReturned",
    "fileComplaint",
    "updateComplaint",
    "resolveComplaint",
    "deleteAccountDocument",
    "exportAccounts",
    "recordPrivacyRequest",
    "closePrivacyRequest",
    "exportDebtorData",
    "requestEvidencePack",
    "requestAuditBundle",
    "setRecordRetention",
    "tagAccounts",
    "assignAccounts",
    "previewAccountImport",
    "remapAccountImport",
    "commitAccountImport",
    "cancelAccountImport",
    "createCreditor",
    "createPlacement",
    "updateCreditor",
    "updatePlacement",
    "setAccountsCreditor",
    "updateDebtor",
    "recordStatedTimeZone",
    "confirmStatedTimeZone",
    "addContactPoint",
    "updateContactPoint",
    "recordConsent",
    "revokeConsent",
    "removeContactPoint",
    "recordInconvenientTime",
    "withdrawInconvenientTime",
    "recordContactPlace",
    "withdrawContactPlace",
    "markDebtorsDistinct",
    "mergeDebtors",
    "unmergeDebtors",
    "setHold",
    "confirmHold",
    "suppressContact",
    "releaseSuppression",
    "setDoNotCallAccess",
    "importReassignedNumbers",
    "setLicense",
    "removeLicense",
    "createTemplate",
    "updateTemplate",
    "setDefaultTemplate",
    "archiveTemplate",
    "releaseHold",
    "saveAccountView",
    "deleteAccountView",
    "saveRoutingRule",
    "deleteRoutingRule",
    "startConversation",
    "sendMessage",
    "assignConversation",
    "escalateConversation",
    "addConversationDocument",
    "updateConversation",
    "markConversationRead",
    "setTyping",
    "deleteAccount",
    "restoreAccount",
    "eraseDebtor",
    "createDebtorLink",
    "recordCookieChoice",
    "requestDebtorLink",
    "openDebtorLink",
    "sendDebtorCode",
    "verifyDebtorIdentity",
    "updateOwnContactInformation",
    "exportOwnData",
    "acceptPrivacyNotice",
    "revokeDebtorLink",
    "inviteUser",
    "acceptInvitation",
    "updateUser",
    "resetMemberMfa",
    "revokeInvitation",
    "updateBusinessSettings",
    "approveContactPolicyChange",
    "rejectContactPolicyChange",
    "setProviderCredentials",
    "connectNumber",
    "disconnectNumber",
    "recordProviderApproval",
    "withdrawProviderApproval",
    "createRole",
    "updateRole",
    "deleteRole",
    "breakGlass",
    "endBreakGlass",
    "resetStaffMfa",
    "createBusiness",
    "inviteFirstAdministrator",
    "suspendBusiness",
    "deleteBusiness",
    "restoreBusiness",
    "reactivateBusiness",
    "switchBusiness",
];

/// A number that is connected.
const AUDITED_NUMBER: &str = "+12125550177";

/// Who is invited and becomes a member.
const INVITED: &str = "invited@initech.example";

/// The token of the link in the newest mail to this address.
async fn mailed_token(app: &TestApp, address: &str) -> String {
    app.run_jobs().await;
    let mail = app.sandbox.state().mails_to(address).pop().expect("a mail");
    let text = mail.text.expect("a text");
    let (_, token) = text.split_once("token=").expect("a link");
    token.split_whitespace().next().unwrap().to_owned()
}

impl Story<'_> {
    /// What to send as `input`.
    async fn input(&mut self, mutation: &str) -> Value {
        let (email, password) = (&self.email, self.password);
        match mutation {
            "registerBusiness" => {
                json!({ "businessName": "Initech", "businessRole": "THIRD_PARTY_COLLECTOR", "name": "Founder", "email": email, "password": password })
            }
            "verifyEmail" => json!({ "token": mailed_token(self.app, email).await, "password": password }),
            "login" => json!({ "email": email, "password": password }),
            "beginMfaEnrollment" => json!({ "token": self.token }),
            "confirmMfaEnrollment" => {
                json!({ "token": self.token, "code": code_of(&self.secret, self.app.wall.now()) })
            }
            "completeMfa" => {
                let again = self
                    .founder
                    .gql(
                        "mutation($i: LoginInput!) { login(input: $i) { mfaChallenge { token } } }",
                        json!({ "i": { "email": email, "password": password } }),
                    )
                    .await;
                json!({ "token": data(&again)["login"]["mfaChallenge"]["token"], "code": self.recovery })
            }
            "refreshSession" => json!({ "refreshToken": self.founder.refresh_token }),
            "revokeSession" => {
                let other = self.founder_elsewhere().await;
                json!({ "id": other.session_id().await })
            }
            "regenerateRecoveryCodes" | "beginMfaReplacement" => {
                json!({ "currentPassword": password, "code": code_of(&self.secret, self.app.wall.now()) })
            }
            "confirmMfaReplacement" => json!({ "code": code_of(&self.next_secret, self.app.wall.now()) }),
            "changeEmail" => json!({ "email": MOVED, "currentPassword": password }),
            "confirmEmailChange" => {
                json!({ "token": mailed_token(self.app, MOVED).await, "password": password })
            }
            "changePassword" => {
                self.founder = self.founder_elsewhere().await;
                json!({ "currentPassword": password, "newPassword": CHANGED })
            }
            "requestPasswordReset" => json!({ "email": email }),
            "resetPassword" => {
                self.app.run_jobs().await;
                let mails = self.app.sandbox.state().mails_to(email);
                let mut texts = mails.into_iter().filter_map(|mail| mail.text);
                let text = texts
                    .rfind(|text| text.contains("/reset-password?"))
                    .expect("a link");
                let (_, token) = text.split_once("token=").expect("a token");
                json!({ "token": token.split_whitespace().next(), "newPassword": RESET })
            }
            "removeProfilePhoto" | "removeBusinessLogo" => Value::Null,
            "revokeOtherSessions" | "logout" => {
                self.founder = self.founder_elsewhere().await;
                Value::Null
            }
            "createApiKey" => json!({ "name": "Audited", "scopes": ["account:read"] }),
            "revokeApiKey" => json!({ "id": self.key }),
            "updateProfile" => json!({ "name": "Audited" }),
            "setProfilePhoto" => json!({ "uploadId": self.ids.get("photo") }),
            "setBusinessLogo" => json!({ "uploadId": self.ids.get("logo") }),
            "setMyAvailability" => json!({ "availability": { "timeZone": "America/New_York", "week": [] } }),
            "updateNotificationPreferences" => {
                json!({ "preferences": [{ "kind": "API_KEY_ENDING", "channel": "EMAIL", "enabled": false }] })
            }
            "addAccountDocument" => {
                json!({ "accountId": self.account, "uploadId": self.ids.get("file"), "kind": "INVOICE" })
            }
            "fileDispute" => json!({ "accountId": self.ids.get("acct"), "reason": "NOT_MY_DEBT" }),
            "startDisputeVerification" => json!({ "disputeId": self.dispute }),
            "recordVerificationSent" => json!({ "disputeId": self.dispute, "sent": ["VERIFICATION"],
                "channel": "LETTER", "documentIds": [self.ids.get("doc")] }),
            "resolveDispute" => {
                json!({ "disputeId": self.dispute, "outcome": "VERIFIED", "reason": "The creditor has shown it." })
            }
            "generateValidationNotice" => json!({ "accountId": self.ids.get("acct") }),
            "recordValidationNoticeProvided" => json!({ "noticeId": self.ids.get("vnot"), "method": "MAIL" }),
            "recordValidationNoticeReturned" => json!({ "noticeId": self.ids.get("vnot") }),
            "fileComplaint" => {
                json!({ "accountId": self.account, "about": "AMOUNT", "channel": "LETTER", "words": "It is too much." })
            }
            "updateComplaint" => json!({ "complaintId": self.complaint, "status": "IN_PROGRESS" }),
            "resolveComplaint" => {
                json!({ "complaintId": self.complaint, "outcome": "NOT_UPHELD", "resolution": "It is what is owed." })
            }
            "setAccountDocumentShown" => json!({ "id": self.ids.get("doc"), "shownToDebtor": false }),
            "deleteAccountDocument" => json!({ "id": self.ids.get("doc") }),
            "recordPrivacyRequest" => {
                json!({ "debtorId": self.ids.get("dbtr"), "kind": "RECTIFICATION", "regime": "GDPR",
                "reason": "My street is misspelt." })
            }
            "closePrivacyRequest" => {
                json!({ "id": self.ids.get("prq"), "outcome": "COMPLETED", "answer": "It is put right." })
            }
            "exportDebtorData" => json!({ "debtorId": self.ids.get("dbtr"), "regime": "CCPA" }),
            "requestAuditBundle" => Value::Null,
            "requestEvidencePack" => {
                json!({ "accountId": self.ids.get("acct"), "from": "2026-01-01T00:00:00Z",
                "until": "2026-12-01T00:00:00Z" })
            }
            "setRecordRetention" => json!({ "years": 10 }),
            "eraseDebtor" => {
                let query = "query($a: ID!) { account(id: $a) { debtor { id } } }";
                let found = self.admin.gql(query, json!({ "a": self.account })).await;
                json!({ "debtorId": data(&found)["account"]["debtor"]["id"], "regime": "CCPA", "reason": "Erase me." })
            }
            "exportAccounts" => json!({ "format": "XLSX", "search": "Audited" }),
            "createUpload" => json!({ "purpose": "DOCUMENT", "fileName": "a.pdf", "size": 9 }),
            "createAccount" => {
                json!({ "firstName": "Audited", "lastName": "Person", "accountNumber": "AUDIT-1", "phone": "+16465550190", "currentBalance": { "amount": "10.00" } })
            }
            "createPayment" => {
                // What Stripe reports comes when it comes, and is audited for itself.
                let vendor = self.app.sandbox.state();
                vendor
                    .add_fault(Provider::Stripe, Fault::DropCallback, 1)
                    .expect("a fault of Stripe's");
                json!({ "accountId": self.account, "amount": { "amount": "2.00" }, "stripePaymentMethod": "pm_card_visa" })
            }
            "recordManualPayment" => {
                json!({ "accountId": self.account, "amount": { "amount": "1.00" }, "method": "CASH", "note": "At the desk." })
            }
            "refundPayment" => json!({ "paymentId": self.ids.get("pay"), "reason": "TAKEN_IN_ERROR" }),
            "updateAccount" => json!({ "id": self.account, "status": "DISPUTED" }),
            "addAccountNote" => json!({ "accountId": self.account, "text": "Called back." }),
            "tagAccounts" => json!({ "accountIds": [self.account], "add": ["audited"] }),
            "assignAccounts" => json!({ "accountIds": [self.account], "agentId": self.ids.get("usr") }),
            "previewAccountImport" => json!({ "uploadId": self.ids.get("csv") }),
            "remapAccountImport" => {
                json!({ "importId": self.import, "mapping": [{ "column": "phone", "field": "IGNORE" }] })
            }
            "commitAccountImport" => {
                self.app.run_jobs().await;
                json!({ "importId": self.import, "mode": "ALL_OR_NOTHING" })
            }
            "cancelAccountImport" => json!({ "importId": self.import }),
            "createCreditor" => json!({ "name": "A Bank" }),
            "createPlacement" => json!({ "creditorId": self.ids.get("cred"), "name": "July" }),
            "updateCreditor" => json!({ "id": self.ids.get("cred"), "name": "A renamed bank" }),
            "updatePlacement" => json!({ "id": self.ids.get("plc"), "placedOn": "2026-05-01" }),
            "setAccountsCreditor" => {
                json!({ "accountIds": [self.account], "placementId": self.ids.get("plc") })
            }
            "updateDebtor" => json!({ "id": self.ids.get("dbtr"), "preferredLanguage": "es" }),
            "recordStatedTimeZone" => {
                json!({ "debtorId": self.ids.get("dbtr"), "timeZone": "America/New_York", "statement": "At home." })
            }
            "confirmStatedTimeZone" => {
                json!({ "debtorId": self.ids.get("dbtr"), "timeZone": "America/New_York" })
            }
            "addContactPoint" => {
                json!({ "debtorId": self.ids.get("dbtr"), "email": "another@person.example" })
            }
            "updateContactPoint" => json!({ "id": self.ids.get("cp"), "validity": "VALID" }),
            "removeContactPoint" => json!({ "id": self.ids.get("cp") }),
            "recordInconvenientTime" => {
                json!({ "debtorId": self.ids.get("dbtr"), "days": ["SUNDAY"], "statement": "Not on Sundays." })
            }
            "withdrawInconvenientTime" => json!({ "id": self.ids.get("itm") }),
            "recordContactPlace" => json!({ "debtorId": self.ids.get("dbtr"), "place": "WORK",
                "standing": "EMPLOYER_PROHIBITS", "source": "EMPLOYER", "statement": "Their handbook says so." }),
            "withdrawContactPlace" => json!({ "id": self.ids.get("ctp"), "reason": "They changed jobs." }),
            "setCustomFields" => json!({ "fields": [{ "name": "employer", "kind": "TEXT" }] }),
            "markDebtorsDistinct" => json!({ "debtorId": self.ids.get("dbtr"),
                "otherDebtorId": self.ids.other_debtor() }),
            "mergeDebtors" => json!({ "survivorId": self.ids.get("dbtr"),
                "mergedId": self.ids.other_debtor(), "reason": "The same person." }),
            "unmergeDebtors" => json!({ "mergeId": self.ids.get("mrg"), "reason": "Two people." }),
            "setHold" => json!({ "debtorId": self.ids.get("dbtr"), "kind": "LEGAL", "reason": "Served." }),
            "recordConsent" => {
                json!({ "contactPointId": self.ids.get("cp"), "channel": "EMAIL", "source": "CALL",
                "text": "Yes, you may." })
            }
            "revokeConsent" => {
                json!({ "contactPointId": self.ids.get("cp"), "channel": "EMAIL", "source": "CALL" })
            }
            "suppressContact" => json!({ "phone": "+12125550171", "note": "Asked on the telephone." }),
            "releaseSuppression" => json!({ "id": self.ids.get("sup"), "note": "They called again." }),
            "setDoNotCallAccess" => {
                json!({ "accountNumber": "SAN-1", "validFrom": "2026-01-01", "validUntil": "2026-12-31" })
            }
            "importReassignedNumbers" => {
                json!({ "uploadId": self.ids.get("rnd"), "queriedOn": "2026-06-01" })
            }
            "setLicense" => {
                json!({ "state": "TX", "kind": "OTHER", "number": "TX-1", "validFrom": "2026-01-01" })
            }
            "removeLicense" => json!({ "id": self.ids.get("lic") }),
            "recordSuitAuthority" => {
                json!({ "accountId": self.account, "authority": "The creditor's letter.",
                "limitationExpiresOn": "2027-06-30", "limitationBasis": "Default in June 2024, three years." })
            }
            "withdrawSuitAuthority" => {
                json!({ "id": self.ids.get("suit"), "reason": "Settled." })
            }
            "recordLimitation" => {
                json!({ "accountId": self.account, "expiresOn": "2024-06-30", "governingLaw": "TX",
                "basis": "Default in June 2020, four years." })
            }
            "createTemplate" => json!({ "name": "Audited", "type": "LETTER", "purpose": "FOLLOW_UP",
                "language": "EN", "body": "Words." }),
            "updateTemplate" => json!({ "id": self.ids.get("tmpl"), "expectedVersion": 1, "active": true,
                "body": "Other words. {{collectorDisclosure}}" }),
            "setDefaultTemplate" | "archiveTemplate" => json!({ "id": self.ids.get("tmpl") }),
            "confirmHold" => json!({ "holdId": self.ids.get("shold") }),
            "releaseHold" => json!({ "id": self.ids.get("hold") }),
            "saveAccountView" => json!({ "name": "Mine", "filter": { "unassigned": true } }),
            "deleteAccountView" => json!({ "id": self.ids.get("view") }),
            "saveRoutingRule" => json!({ "name": "Audited", "strategy": "LEAST_ACTIVE", "enabled": false }),
            "deleteRoutingRule" => json!({ "id": self.ids.get("rout") }),
            "deleteAccount" => json!({ "id": self.account, "reason": "Placed twice." }),
            "restoreAccount" => json!({ "id": self.account }),
            "startConversation" => json!({ "accountId": self.account, "channel": "SMS" }),
            "sendMessage" => json!({ "conversationId": self.ids.get("conv"), "content": "How can we help?" }),
            "assignConversation" => {
                json!({ "conversationId": self.ids.get("conv"), "userId": self.ids.get("usr") })
            }
            "addConversationDocument" => {
                let paper = upload(&self.admin, "DOCUMENT", "Paper.pdf", &pdf(1_000)).await;
                json!({ "conversationId": self.ids.get("conv"), "uploadId": paper, "kind": "LETTER" })
            }
            "escalateConversation" => {
                json!({ "conversationId": self.ids.get("conv"), "reason": "They ask for a manager." })
            }
            "updateConversation" => json!({ "conversationId": self.ids.get("conv"), "status": "RESOLVED" }),
            "markConversationRead" | "setTyping" => json!({ "conversationId": self.ids.get("conv") }),
            "inviteUser" => json!({ "email": INVITED, "name": "Invited", "role": "AGENT" }),
            "acceptInvitation" => {
                json!({ "token": mailed_token(self.app, INVITED).await, "password": password })
            }
            "updateUser" => {
                let query =
                    "query($e: String) { users(filter: { search: $e }, first: 1) { edges { node { id } } } }";
                let found = self.admin.gql(query, json!({ "e": INVITED })).await;
                json!({ "id": data(&found)["users"]["edges"][0]["node"]["id"], "role": "MANAGER" })
            }
            "resetMemberMfa" => {
                let query = "{ users(filter: { search: \"manager@acme.example\" }, first: 1) { edges { node { id } } } }";
                let found = self.admin.gql(query, json!({})).await;
                json!({ "userId": data(&found)["users"]["edges"][0]["node"]["id"] })
            }
            "resetStaffMfa" => {
                json!({ "email": "manager@globex.example" })
            }
            "revokeInvitation" => json!({ "id": self.ids.get("inv") }),
            "updateBusinessSettings" => {
                json!({ "expectedVersion": settings_version(&self.admin).await, "branding": { "displayName": "Audited" } })
            }
            "approveContactPolicyChange" => json!({ "id": proposed_change(&self.admin).await }),
            "rejectContactPolicyChange" => {
                json!({ "id": proposed_change(&self.admin).await, "reason": "Too often." })
            }
            "setProviderCredentials" => {
                let (sid, token) = (format!("AC{:032x}", 77), "0".repeat(32));
                self.app.sandbox.state().issue_token(&sid, &token);
                json!({ "twilio": { "accountSid": sid, "authToken": token } })
            }
            "connectNumber" => {
                let (sid, webhook) = (format!("AC{:032x}", 77), self.app.sms_webhook());
                self.app
                    .sandbox
                    .state()
                    .buy_number(&sid, AUDITED_NUMBER, &webhook);
                json!({ "phone": AUDITED_NUMBER })
            }
            "disconnectNumber" => json!({ "phone": AUDITED_NUMBER }),
            "recordProviderApproval" => {
                json!({ "businessId": self.ids.get("biz"), "kind": "WHATSAPP", "reference": "Audited" })
            }
            "withdrawProviderApproval" => {
                json!({ "businessId": self.ids.get("biz"), "approvalId": self.approval, "reason": "It ended." })
            }
            "createRole" => {
                json!({ "name": "Audited", "baseRole": "AGENT", "permissions": ["account:read"] })
            }
            "updateRole" => json!({ "id": self.role, "permissions": ["note:add"] }),
            "deleteRole" => json!({ "id": self.role }),
            "breakGlass" => {
                json!({ "businessId": self.ids.get("biz"), "reason": "A case that support was asked about." })
            }
            "endBreakGlass" => json!({ "id": self.stay }),
            "createBusiness" => {
                json!({ "name": "Vandelay", "role": "FIRST_PARTY_CREDITOR", "administratorEmail": "first@vandelay.example",
                "administratorName": "First" })
            }
            "inviteFirstAdministrator" => {
                json!({ "businessId": self.created, "administratorEmail": "second@vandelay.example",
                "administratorName": "Second" })
            }
            "suspendBusiness" | "deleteBusiness" | "restoreBusiness" | "reactivateBusiness" => {
                let globex = self.app.business_id(&self.app.globex).await;
                let id = ids::encode(ids::IdKind::Business, globex);
                if ["suspendBusiness", "deleteBusiness"].contains(&mutation) {
                    json!({ "businessId": id, "reason": "Bills." })
                } else {
                    json!({ "businessId": id })
                }
            }
            "createDebtorLink" => {
                json!({ "accountId": self.app.account_id(&self.app.acme, 0).await })
            }
            "requestDebtorLink" => {
                json!({ "businessSlug": "acme", "phone": self.app.acme.debtor_number(0) })
            }
            "recordCookieChoice" => json!({ "businessSlug": "acme", "visitor": "a-visitor-of-the-portal",
                "version": "2026-11-30", "allowed": ["STATISTICS"] }),
            "acceptPrivacyNotice" => json!({ "version": "2026-11-30" }),
            "openDebtorLink" | "sendDebtorCode" => json!({ "token": self.token }),
            "verifyDebtorIdentity" => {
                let mut input = self.app.factors(&self.app.acme, 0);
                input["token"] = json!(self.token);
                input
            }
            "exportOwnData" => json!({}),
            "updateOwnContactInformation" => json!({ "preferredLanguage": "es",
                "timeZone": "America/New_York", "email": "self@person.example", "inconvenientTime": { "days": ["SUNDAY"] } }),
            "revokeDebtorLink" => json!({ "id": self.link }),
            "switchBusiness" => json!({ "businessId": self.ids.get("biz") }),
            other => panic!("say in audit.rs how {other} is called"),
        }
    }

    /// One more session of the founder.
    async fn founder_elsewhere(&self) -> Client {
        let code = code_of(&self.secret, self.app.wall.now());
        self.app
            .anonymous()
            .signing_in_with(&self.email, self.password, &code)
            .await
    }

    /// Keeps what later steps need.
    fn learn(&mut self, mutation: &str, payload: &Value) {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        match mutation {
            "createDebtorLink" => {
                self.link = text(&payload["link"]["id"]);
                let url = text(&payload["url"]);
                self.token = url.split_once("/d/").expect("a link").1.to_owned();
            }
            "openDebtorLink" => self.token = text(&payload["mfaChallenge"]["token"]),
            "verifyDebtorIdentity" => {
                self.debtor.access_token = Some(text(&payload["session"]["accessToken"]))
            }
            "login" => self.token = text(&payload["mfaEnrollment"]["token"]),
            "beginMfaEnrollment" => self.secret = text(&payload["secret"]),
            "beginMfaReplacement" => self.next_secret = text(&payload["secret"]),
            "confirmMfaReplacement" => self.secret = self.next_secret.clone(),
            "confirmMfaEnrollment" => self.recovery = text(&payload["recoveryCodes"][0]),
            "completeMfa" | "refreshSession" => {
                self.founder.access_token = Some(text(&payload["session"]["accessToken"]));
                self.founder.refresh_token = Some(text(&payload["session"]["refreshToken"]));
            }
            "confirmEmailChange" => {
                self.email = MOVED.to_owned();
                self.founder = self.app.anonymous();
            }
            "changePassword" => {
                self.password = CHANGED;
                // Every session has ended, and a token that has ended is refused, not ignored.
                self.founder = self.app.anonymous();
            }
            "resetPassword" => self.password = RESET,
            "createApiKey" => self.key = text(&payload["apiKey"]["id"]),
            "createRole" => self.role = text(&payload["role"]["id"]),
            "recordProviderApproval" => self.approval = text(&payload["providerApproval"]["id"]),
            "createBusiness" => self.created = text(&payload["business"]["id"]),
            "breakGlass" => self.stay = text(&payload["breakGlassSessionId"]),
            "fileDispute" => self.dispute = text(&payload["dispute"]["id"]),
            "fileComplaint" => self.complaint = text(&payload["complaint"]["id"]),
            "createAccount" => self.account = text(&payload["account"]["id"]),
            "previewAccountImport" => self.import = text(&payload["import"]["id"]),
            _ => {}
        }
    }

    fn caller(&self, mutation: &str) -> &Client {
        if [
            "approveContactPolicyChange",
            "rejectContactPolicyChange",
            "confirmStatedTimeZone",
        ]
        .contains(&mutation)
        {
            return &self.compliance;
        }
        if matches!(mutation, "updateOwnContactInformation" | "exportOwnData") {
            return &self.debtor;
        }
        let of_platform = [
            "breakGlass",
            "resetStaffMfa",
            "createBusiness",
            "inviteFirstAdministrator",
            "suspendBusiness",
            "deleteBusiness",
            "restoreBusiness",
            "reactivateBusiness",
            "recordProviderApproval",
            "withdrawProviderApproval",
        ];
        if of_platform.contains(&mutation) {
            return &self.super_admin;
        }
        if ORDER.iter().position(|name| *name == mutation) <= ORDER.iter().position(|name| *name == "logout")
        {
            &self.founder
        } else {
            &self.admin
        }
    }
}

fn code_of(secret: &str, now: DateTime<Utc>) -> String {
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(Secret::try_from_base32(secret).unwrap())
        .build_noncompliant();
    totp.generate(u64::try_from(now.timestamp()).unwrap()).to_string()
}

/// The transactions that wrote since `since`, by table of the public schema.
async fn writers(superuser: &mut PgConnection, since: i64) -> BTreeMap<String, BTreeSet<i64>> {
    let tables: Vec<String> = superuser
        .fetch_all(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
               AND NOT relispartition",
        )
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut found = BTreeMap::new();
    for table in tables {
        let sql =
            format!("SELECT DISTINCT xmin::text::bigint FROM {table} WHERE xmin::text::bigint > {since}");
        let rows = superuser.fetch_all(AssertSqlSafe(sql)).await.unwrap();
        if !rows.is_empty() {
            found.insert(table, rows.iter().map(|row| row.get(0)).collect());
        }
    }
    found
}

/// How many requests were remembered under this key.
async fn keys_named(superuser: &mut PgConnection, key: &str) -> i64 {
    let found = sqlx::query("SELECT count(*) FROM idempotency_keys WHERE key = $1").bind(key);
    superuser.fetch_one(found).await.unwrap().get(0)
}

async fn newest_transaction(superuser: &mut PgConnection) -> i64 {
    superuser
        .fetch_one("SELECT pg_current_xact_id()::text::bigint")
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn every_mutation_leaves_its_row_in_its_own_transaction_and_heeds_or_refuses_a_key() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let schema = Schema::of(&admin).await;
    let all: BTreeSet<&str> = schema
        .ty("Mutation")
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        all,
        ORDER.iter().copied().collect(),
        "mutations of the schema (left) and recipes (right)"
    );
    let ids = Ids::make(&app, &app.acme, &admin, "Audited", 71).await;
    let mut superuser = app.superuser().await;
    superuser
        .execute("UPDATE conversations SET assigned_agent_id = NULL")
        .await
        .unwrap();
    let mut story = Story {
        app: &app,
        founder: app.anonymous(),
        admin,
        ids,
        email: "founder@initech.example".to_owned(),
        password: "a long and private phrase",
        token: String::new(),
        secret: String::new(),
        next_secret: String::new(),
        recovery: String::new(),
        account: String::new(),
        dispute: String::new(),
        complaint: String::new(),
        key: String::new(),
        role: String::new(),
        stay: String::new(),
        approval: String::new(),
        created: String::new(),
        compliance: app.acme.sign_in("compliance").await,
        super_admin: app.super_admin().await,
        import: String::new(),
        link: String::new(),
        debtor: app.anonymous(),
    };
    let mut problems = Problems::default();
    for mutation in ORDER {
        let input = story.input(mutation).await;
        let field = schema
            .ty("Mutation")
            .fields
            .iter()
            .find(|field| field.name == *mutation)
            .unwrap();
        let arguments = if input.is_null() {
            json!({})
        } else {
            json!({ "input": input })
        };
        let seen_by = match *mutation {
            "updateOwnContactInformation" | "exportOwnData" => &schema.for_debtor(),
            _ => &schema,
        };
        let (document, variables) = seen_by.document("Mutation", field, arguments.as_object().unwrap(), 2);
        let since = newest_transaction(&mut superuser).await;
        let (caller, key) = (
            story.caller(mutation),
            format!("key of {mutation}").replace(' ', "-"),
        );
        let with_key = [("idempotency-key", key.as_str())];
        let mut answer = caller.gql_with(&document, variables.clone(), &with_key).await;
        let keeps_key = !answer["errors"][0]["message"]
            .as_str()
            .is_some_and(|message| message.starts_with(&format!("{mutation} takes no Idempotency-Key")));
        if !keeps_key {
            assert_eq!(error_code(&answer), "BAD_USER_INPUT");
            problems.check(writers(&mut superuser, since).await.is_empty(), || {
                format!("{mutation} refuses the key and acts all the same")
            });
            answer = caller.gql(&document, variables.clone()).await;
        }
        let payload = data(&answer)[*mutation].clone();
        let refused = payload["userErrors"].as_array().is_none_or(|errors| {
            // The gate's refusal is an outcome that is stored; anything else means that the recipe is wrong.
            errors.iter().any(|error| error["code"] != "COMPLIANCE_BLOCKED")
        });
        assert!(!refused, "{mutation} is called rightly: {answer}");
        let caller = caller.clone();
        story.learn(mutation, &payload);

        let mut written = writers(&mut superuser, since).await;
        let audited: BTreeSet<i64> = ["audit_events", "platform_audit_events"]
            .iter()
            .filter_map(|table| written.remove(*table))
            .flatten()
            .collect();
        // Read in a transaction of its own, before the answer left.
        written.remove("access_log");
        if keeps_key {
            problems.check(keys_named(&mut superuser, &key).await == 1, || {
                format!("{mutation} takes an Idempotency-Key and does not keep it")
            });
            let since = newest_transaction(&mut superuser).await;
            caller.gql_with(&document, variables, &with_key).await;
            let mut again = writers(&mut superuser, since).await;
            again.remove("access_log");
            problems.check(again.is_empty(), || {
                format!("{mutation} has its effect twice: {again:?}")
            });
        }
        if UNAUDITED.iter().any(|(name, _)| name == mutation) {
            problems.check(audited.is_empty(), || {
                format!("{mutation} is audited now: take it off the list")
            });
            continue;
        }
        problems.check(!audited.is_empty(), || format!("{mutation} leaves no audit row"));
        let writes = !written.is_empty() || ["login", "requestPasswordReset"].contains(mutation);
        problems.check(writes, || format!("{mutation} writes nothing"));
        for (table, transactions) in written {
            problems.check(transactions.is_subset(&audited), || {
                format!("{mutation} writes {table} in another transaction than its audit row")
            });
        }
    }
    problems.none();
    app.run_jobs().await;
    for (business, head) in chains(&mut superuser).await {
        let links = chain(&mut superuser, business).await;
        assert_eq!(verify(links), Ok(head), "the chain of {business:?}");
    }
    app.finish().await;
}
