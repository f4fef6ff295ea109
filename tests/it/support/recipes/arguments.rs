//! Valid arguments of every operation.

use std::sync::atomic::{AtomicUsize, Ordering};

use funnelchat::cli::seed::DEMO_PASSWORD;
use serde_json::{Map, Value, json};

use super::Ids;
use crate::support::{Field, Schema, Slot};

/// What a slot of type `ID` names: one kind, or any (`node`, `nodes`).
pub fn kind_of(field: &str, slot: &Slot) -> Option<&'static str> {
    match (field, slot.path.last().map(String::as_str).unwrap_or_default()) {
        ("node", "id") | ("nodes", "ids") => None,
        ("updateCreditor", "id") => Some("cred"),
        ("updatePlacement", "id") => Some("plc"),
        ("account" | "updateAccount" | "deleteAccount" | "restoreAccount", "id") => Some("acct"),
        ("saveAccountView" | "deleteAccountView", "id") => Some("view"),
        ("saveRoutingRule" | "deleteRoutingRule", "id") => Some("rout"),
        ("accountImport", "id") | (_, "importId") => Some("imp"),
        ("previewAccountImport", "uploadId") => Some("csv"),
        ("releaseHold", "id") => Some("hold"),
        ("confirmHold", "holdId") => Some("shold"),
        ("dispute", "id") | (_, "disputeId" | "duplicateOf") => Some("dsp"),
        ("validationNotice", "id") | (_, "noticeId") => Some("vnot"),
        ("complaint", "id") | (_, "complaintId") => Some("cpl"),
        (_, "documentIds") => Some("doc"),
        ("releaseSuppression", "id") => Some("sup"),
        ("setLicense" | "removeLicense", "id") => Some("lic"),
        ("withdrawSuitAuthority", "id") => Some("suit"),
        ("template" | "updateTemplate" | "archiveTemplate" | "setDefaultTemplate", "id")
        | (_, "templateId") => Some("tmpl"),
        ("importReassignedNumbers", "uploadId") => Some("rnd"),
        ("payment", "id") | (_, "paymentId") => Some("pay"),
        (_, "contactPointId") => Some("cp"),
        ("approveContactPolicyChange" | "rejectContactPolicyChange", "id") => Some("cpc"),
        ("updateRole" | "deleteRole", "id") => Some("role"),
        ("endBreakGlass", "id") => Some("bgs"),
        ("platformBusiness", "id") => Some("biz"),
        (_, "customRoleId") => Some("role"),
        (_, "apiKeyId") => Some("key"),
        (_, "breakGlassSessionId") => Some("bgs"),
        (_, "approvalId") => Some("appr"),
        ("deleteAccountDocument" | "setAccountDocumentShown", "id") => Some("doc"),
        ("export", "id") => Some("exp"),
        ("debtorArchive", "id") => Some("arc"),
        ("auditBundle", "id") => Some("abn"),
        ("privacyRequest" | "closePrivacyRequest", "id") => Some("prq"),
        ("addAccountDocument", "uploadId") => Some("file"),
        ("addConversationDocument", "uploadId") => Some("paper"),
        ("setProfilePhoto", "uploadId") => Some("photo"),
        ("setBusinessLogo", "uploadId") => Some("logo"),
        ("debtor" | "updateDebtor", "id") => Some("dbtr"),
        ("updateContactPoint" | "removeContactPoint", "id") => Some("cp"),
        ("mergeDebtors", "survivorId" | "mergedId") | (_, "otherDebtorId") => Some("dbtr"),
        (_, "mergeId") => Some("mrg"),
        ("withdrawInconvenientTime", "id") => Some("itm"),
        ("withdrawContactPlace", "id") => Some("ctp"),
        ("conversation", "id") => Some("conv"),
        ("complianceDecision", "id") => Some("dec"),
        ("revokeInvitation", "id") => Some("inv"),
        ("updateUser", "id") => Some("usr"),
        ("revokeApiKey", "id") => Some("key"),
        ("revokeDebtorLink", "id") => Some("dlnk"),
        ("revokeSession", "id") => Some("sess"),
        (_, "accountId" | "accountIds") => Some("acct"),
        (_, "creditorId" | "creditorIds") => Some("cred"),
        (_, "placementId") => Some("plc"),
        (_, "conversationId") => Some("conv"),
        (_, "debtorId") => Some("dbtr"),
        (_, "userId" | "agentId" | "assignedAgentId" | "mentionedUserIds") => Some("usr"),
        (_, "businessId") => Some("biz"),
        (field, other) => panic!("say in recipes.rs what {field}({other}) names"),
    }
}

/// The arguments that `field` requires, valid, naming these objects.
pub fn plain_arguments(schema: &Schema, field: &Field, ids: &Ids) -> Map<String, Value> {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let nth = COUNT.fetch_add(1, Ordering::Relaxed);
    schema.arguments(&field.args, &|input, path| {
        let is_root = path.len() == 1;
        if input.name == "first" && is_root {
            return Some(json!(2));
        }
        match (field.name.as_str(), input.name.as_str()) {
            ("createPayment", "stripePaymentMethod") => return Some(json!("pm_card_visa")),
            ("createPayment" | "recordManualPayment", "amount") if path.len() <= 2 => {
                return Some(json!({ "amount": "1.00" }));
            }
            ("recordManualPayment", "method") => return Some(json!("CHECK")),
            ("refundPayment", "reason") => return Some(json!("TAKEN_IN_ERROR")),
            _ => {}
        }
        // Optional, but one of two has to be there.
        if (field.name.as_str(), input.name.as_str()) == ("tagAccounts", "add") {
            return Some(json!(["swept"]));
        }
        if (field.name.as_str(), input.name.as_str()) == ("setAccountsCreditor", "placementId") {
            return Some(json!(ids.get("plc")));
        }
        if (field.name.as_str(), input.name.as_str()) == ("checkContent", "accountId") {
            return Some(json!(ids.get("acct")));
        }
        if (field.name.as_str(), input.name.as_str()) == ("sendMessage", "content") {
            return Some(json!("Hello."));
        }
        if (field.name.as_str(), input.name.as_str()) == ("previewTemplate", "templateId") {
            return Some(json!(ids.get("tmpl")));
        }
        // Sections are optional, but not their parts.
        match (field.name.as_str(), input.name.as_str()) {
            ("updateBusinessSettings", "billingContact") => {
                return Some(json!({ "name": "Somebody", "email": "bills@else.example" }));
            }
            ("updateUser" | "setMyAvailability", "availability") => {
                return Some(json!({ "timeZone": "America/Denver", "week": {
                    "day": "MONDAY", "hours": { "from": "09:00", "to": "17:00" } } }));
            }
            ("updateBusinessSettings", "locale") => return Some(json!({ "languages": ["en"] })),
            ("addContactPoint", "email") => return Some(json!(format!("added-{nth}@person.example"))),
            // Something has to be new.
            ("updateOwnContactInformation", "email") => {
                return Some(json!(format!("own-{nth}@person.example")));
            }
            // Of the hundred of each area that are nobody's, one that was not given yet.
            ("suppressContact", "phone") => {
                let area = [212, 213, 305, 312, 415, 512, 602, 617][nth / 100 % 8];
                return Some(json!(format!("+1{area}555{:04}", 100 + nth % 100)));
            }
            ("recordConsent" | "revokeConsent", "channel") => return Some(json!("EMAIL")),
            // What fits every place, and what everybody may record.
            ("recordContactPlace", "place") => return Some(json!("WORK")),
            ("recordContactPlace", "standing") => return Some(json!("INCONVENIENT")),
            ("acceptPrivacyNotice" | "recordCookieChoice", "version") => return Some(json!("2026-11-30")),
            ("recordCookieChoice" | "cookieChoice", "visitor") => {
                return Some(json!(format!("a-visitor-of-the-portal-{nth}")));
            }
            ("recordCookieChoice" | "cookieChoice", "businessSlug") => return Some(json!("acme")),
            ("setHold" | "fileComplaint", "debtorId") => return Some(json!(ids.get("dbtr"))),
            ("updateComplaint", "about") => return Some(json!("AMOUNT")),
            // What needs no document, and what needs no answer.
            ("recordVerificationSent", "sent") => return Some(json!(["ORIGINAL_CREDITOR"])),
            ("recordValidationNoticeProvided", "method") => return Some(json!("MAIL")),
            ("resolveDispute", "outcome") => return Some(json!("WITHDRAWN")),
            ("createTemplate", "type") => return Some(json!("LETTER")),
            ("recordPrivacyRequest", "kind") => return Some(json!("RECTIFICATION")),
            ("requestEvidencePack", "debtorId") => return Some(json!(ids.get("dbtr"))),
            ("requestEvidencePack", "from") => return Some(json!("2026-01-01T00:00:00Z")),
            ("requestEvidencePack", "until") => return Some(json!("2026-12-01T00:00:00Z")),
            // Of two, each somebody else.
            ("mergeDebtors", "mergedId") | ("markDebtorsDistinct", "otherDebtorId") => {
                return Some(json!(ids.other_debtor()));
            }
            _ => {}
        }
        if !input.ty.is_required() || input.has_default {
            return None;
        }
        if input.ty.named == "ID" {
            let slot = Slot {
                path: path.to_vec(),
                ty: input.ty.clone(),
            };
            let id = json!(ids.get(kind_of(&field.name, &slot).unwrap_or("acct")));
            return Some(if input.ty.is_list { json!([id]) } else { id });
        }
        let value = match (input.name.as_str(), input.ty.named.as_str()) {
            ("amount", "Decimal") => json!("10.00"),
            ("channel", "Channel") => json!("SMS"),
            ("administratorEmail", "EmailAddress") => json!(format!("first-{nth}@else.example")),
            ("email", "EmailAddress") => json!(format!("nobody-{nth}@else.example")),
            ("currentPassword", "String") => json!(DEMO_PASSWORD),
            ("newPassword", "String") => json!(format!("a new password that nobody has {nth}")),
            ("scopes" | "permissions", "String") => json!(["account:read"]),
            ("expectedVersion", "Int") => json!(0),
            // What comes by the first of the channels.
            ("kind", "NotificationKind") => json!("API_KEY_ENDING"),
            ("enabled", "Boolean") => json!(true),
            ("shownToDebtor", "Boolean") => json!(false),
            ("years", "Int") => json!(8),
            ("from", "String") => json!("09:00"),
            ("to", "String") => json!("17:00"),
            ("state", "String") => json!("TX"),
            ("number", "String") if field.name == "setLicense" => json!(format!("SWEEP-{nth}")),
            ("limitationExpiresOn" | "expiresOn", "Date") => json!("2027-06-30"),
            ("validFrom" | "validUntil" | "from" | "to", "Date") => json!("2026-01-01"),
            ("phone", "PhoneNumber") => json!("+12125550178"),
            ("reference", "String") => json!(format!("SWEEP-{nth}")),
            ("accountSid", "String") => json!(format!("AC{nth:032x}")),
            ("authToken", "String") => json!("0123456789abcdef0123456789abcdef"),
            ("reason", "String") if field.name == "breakGlass" => {
                json!("A case that support was asked about.")
            }
            ("password", "String") => json!("a password that nobody has"),
            ("token" | "code" | "refreshToken", "String") => json!("000000"),
            (
                "body" | "content" | "text" | "reason" | "statement" | "note" | "words" | "resolution"
                | "answer" | "authority" | "limitationBasis" | "basis",
                "String",
            ) => json!("Hello."),
            ("accountNumber", "String") => json!(format!("SWEEP-{nth}")),
            ("firstName" | "lastName" | "businessName" | "administratorName", "String") => json!("Somebody"),
            ("fileName", "String") => json!("sweep.pdf"),
            ("businessSlug", "String") => json!("acme"),
            ("purpose", "UploadPurpose") => json!("DOCUMENT"),
            ("size", "Int") => json!(1_000),
            ("name", "String") => json!(format!("Somebody {nth}")),
            (name, "String") => panic!("say in recipes.rs what {}({name}) may be", field.name),
            _ => return None,
        };
        Some(value)
    })
}
