//! Valid calls of every operation, and the objects that they need. A new operation whose arguments are not known
//! here makes the sweeps fail: add its line.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use funnelchat::{cli::seed::DEMO_PASSWORD, platform::ids};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Client, Field, Schema, Slot, Tenant, TestApp, data,
    uploads::{PNG, pdf, upload},
};

/// One object of every kind that the API names, of one business, with what may never be seen outside it.
#[derive(Clone, Debug)]
pub struct Ids {
    by_prefix: BTreeMap<&'static str, String>,
    /// The ids in both spellings, names, numbers and texts.
    pub secrets: Vec<String>,
    /// A person beside the one of `dbtr`, whose account was deleted.
    other_debtor: String,
}

impl Ids {
    /// A new person with a debt who texts the business; staff answers as far as the law lets it. `mark` tells the
    /// person from anybody else's; `line` is the end of their number.
    pub async fn make(app: &TestApp, tenant: &Tenant, staff: &Client, mark: &str, line: u8) -> Self {
        let phone = format!("+16465550{line:03}");
        let (first, last) = (format!("Quill{mark}"), format!("Zephyr{mark}"));
        let (number, mail) = (format!("NUMBER-{mark}"), format!("{mark}@person.example"));
        let invited = format!("{mark}@invited.example");
        let street = format!("{line} {mark} Street");
        let placed = placed(staff, mark).await;
        let created = staff
            .gql(
                "mutation($i: CreateAccountInput!) { createAccount(input: $i) {
                   account { id debtor { id contactPoints { id } } ledger(first: 1) { edges { node { id } } } } userErrors { field message } } }",
                json!({ "i": {
                    "firstName": first, "lastName": last, "accountNumber": number, "phone": phone, "email": mail,
                    "currentBalance": { "amount": "120.00" }, "placementId": placed.placement, "balanceComponents": {
                        "principal": { "amount": "100.00" }, "fees": { "amount": "20.00" },
                        "itemizationDate": "2026-01-31", "itemizationEvent": "CHARGE_OFF" },
                    "notes": format!("A note on {mark}"),
                    "customFields": { "employer": format!("Employer of {mark}") }, "tags": ["sweep"],
                    "address": { "line1": street, "state": "NY", "postalCode": "10027" },
                } }),
            )
            .await;
        let account = data(&created)["createAccount"]["account"].clone();
        let hold = held(staff, &account, mark).await;
        let view = saved_view(staff, mark).await;
        let person = told_of(staff, &account["debtor"]["id"], mark).await;
        let document = documented(staff, &account, mark).await;
        let export = exported(staff).await;
        let (file, photo) = uploaded(staff).await;
        let text = format!("A word from {mark}");
        assert_eq!(app.text(tenant, &phone, &text).await, 200);
        let seen = staff
            .gql(
                "query($a: ID!) { viewer { user { id } business { id } } account(id: $a) {
                   conversations(first: 1) { edges { node { id messages(last: 1) { edges { node { id content } } } } } } } }",
                json!({ "a": account["id"] }),
            )
            .await;
        let seen = data(&seen);
        let thread = &seen["account"]["conversations"]["edges"][0]["node"];
        let message = &thread["messages"]["edges"][0]["node"];
        assert_eq!(
            message["content"],
            text.as_str(),
            "the text has found its account: {seen}"
        );
        let answer = staff
            .gql(
                "mutation($c: ID!) { sendMessage(input: { conversationId: $c, content: \"We have got it.\" }) {
                   decision { id } userErrors { code } } }",
                json!({ "c": thread["id"] }),
            )
            .await;
        app.run_jobs().await;
        // A key of the business, and a session of the staff's beside the one that acts.
        let key = staff
            .gql(
                "mutation($n: String!) { createApiKey(input: { name: $n, scopes: [\"account:read\"] }) { apiKey { id } userErrors { message } } }",
                json!({ "n": format!("Key of {mark}") }),
            )
            .await;
        let spare = json!(app.spare_session(staff).await);
        let decision = &data(&answer)["sendMessage"]["decision"]["id"];
        let invitation = staff
            .gql(
                "mutation($e: EmailAddress!) { inviteUser(input: { email: $e, name: \"Somebody\", role: AGENT }) {
                   invitation { id } userErrors { field message } } }",
                json!({ "e": invited }),
            )
            .await;
        app.run_jobs().await;
        let invitation = &data(&invitation)["inviteUser"]["invitation"]["id"];
        let change = json!(proposed_change(staff).await);
        let role = own_role(staff, mark).await;
        let stay = json!(
            stay_of_platform(app, &seen["viewer"]["business"]["id"], mark)
                .await
                .0
        );
        app.run_jobs().await;
        let (csv, import) = uploaded_and_ready(app, staff, mark).await;
        let (csv, import) = (json!(csv), json!(import));
        let by_prefix: BTreeMap<&'static str, String> = [
            ("cpc", &change),
            ("role", &role),
            ("bgs", &stay),
            ("csv", &csv),
            ("imp", &import),
            ("acct", &account["id"]),
            ("dbtr", &account["debtor"]["id"]),
            ("conv", &thread["id"]),
            ("msg", &message["id"]),
            ("dec", decision),
            ("inv", invitation),
            ("usr", &seen["viewer"]["user"]["id"]),
            ("biz", &seen["viewer"]["business"]["id"]),
            ("key", &key["data"]["createApiKey"]["apiKey"]["id"]),
            ("sess", &spare),
            ("cred", &placed.creditor),
            ("plc", &placed.placement),
            ("hold", &hold),
            ("view", &view),
            ("cp", &person.contact_point),
            ("mrg", &person.merge),
            ("itm", &person.inconvenient_time),
            ("doc", &document),
            ("exp", &export),
            ("file", &file),
            ("photo", &photo),
        ]
        .into_iter()
        .map(|(prefix, id)| {
            (
                prefix,
                id.as_str()
                    .unwrap_or_else(|| panic!("no {prefix}: {seen} {answer}"))
                    .to_owned(),
            )
        })
        .collect();
        let mut secrets: Vec<String> = vec![
            first,
            last,
            phone,
            number,
            mail,
            street,
            text,
            invited,
            format!("A note on {mark}"),
            format!("A reason on {mark}"),
            format!("Papers of {mark}"),
            format!("Words on the papers of {mark}"),
            format!("Seeking {mark}"),
            format!("Role of {mark}"),
            format!("Looking into the case of {mark}"),
            format!("Label of {mark}"),
            format!("{mark}-second@person.example"),
            format!("Sameness of {mark}"),
            format!("Never on a {mark}"),
            person.other_debtor.clone(),
            format!("Sample of {mark}"),
        ];
        for id in by_prefix.values() {
            secrets.extend([id.clone(), uuid_of(id).to_string()]);
        }
        for other in [
            &account["debtor"]["contactPoints"][0]["id"],
            &account["ledger"]["edges"][0]["node"]["id"],
        ] {
            secrets.push(other.as_str().expect("an id").to_owned());
        }
        Self {
            by_prefix,
            secrets,
            other_debtor: person.other_debtor,
        }
    }

    /// Ids that nobody has.
    pub fn nobodys() -> Self {
        let by_prefix = [
            "acct", "dbtr", "conv", "msg", "dec", "inv", "usr", "biz", "key", "sess", "cred", "plc", "hold",
            "view", "cpc", "role", "bgs", "cp", "mrg", "itm", "doc", "exp", "file", "imp",
        ]
        .into_iter()
        .map(|prefix| (prefix, another(prefix)))
        .chain([("photo", another("file")), ("csv", another("file"))])
        .collect();
        Self {
            by_prefix,
            secrets: Vec::new(),
            other_debtor: another("dbtr"),
        }
    }

    /// A saved view of this member of staff's own takes the place of the one that was made.
    pub async fn with_view_of(mut self, client: &Client, mark: &str) -> Self {
        let view = saved_view(client, mark).await;
        self.by_prefix
            .insert("view", view.as_str().expect("a view").to_owned());
        self
    }

    /// Uploads of this member of staff's own take the place of those that were made, and an export where they may ask
    /// for one.
    pub async fn with_files_of(mut self, client: &Client, app: &TestApp) -> Self {
        let (file, photo) = uploaded(client).await;
        let export = exported(client).await;
        app.run_jobs().await;
        for (kind, id) in [("file", file), ("photo", photo), ("exp", export)] {
            if let Some(id) = id.as_str() {
                self.by_prefix.insert(kind, id.to_owned());
            }
        }
        self
    }

    /// Another upload of the client's own, and another import that can be committed, take the place of those that were.
    pub async fn renew_import(&mut self, app: &TestApp, client: &Client) {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let mark = format!("Renewed{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (file, import) = uploaded_and_ready(app, client, &mark).await;
        self.by_prefix.insert("csv", file);
        self.by_prefix.insert("imp", import);
    }

    pub fn get(&self, prefix: &str) -> &str {
        self.by_prefix
            .get(prefix)
            .unwrap_or_else(|| panic!("no object {prefix}_… was made"))
    }

    /// Puts another object in the place of the one that was made.
    pub fn set(&mut self, prefix: &'static str, id: String) {
        self.by_prefix.insert(prefix, id);
    }

    /// Somebody else than `dbtr`, of the same business.
    pub fn other_debtor(&self) -> &str {
        &self.other_debtor
    }

    pub fn uuid(&self, prefix: &str) -> Uuid {
        uuid_of(self.get(prefix))
    }

    pub fn prefixes(&self) -> Vec<&'static str> {
        self.by_prefix.keys().copied().collect()
    }
}

/// Who is owed, and with what it was handed over.
struct Placed {
    creditor: Value,
    placement: Value,
}

async fn placed(staff: &Client, mark: &str) -> Placed {
    let made = staff
        .gql(
            "mutation($n: String!) { createCreditor(input: { name: $n }) { creditor { id } } }",
            json!({ "n": format!("Creditor of {mark}") }),
        )
        .await;
    let creditor = data(&made)["createCreditor"]["creditor"]["id"].clone();
    let made = staff
        .gql(
            "mutation($c: ID!) { createPlacement(input: { creditorId: $c, name: \"June\" }) { placement { id } } }",
            json!({ "c": creditor }),
        )
        .await;
    let placement = data(&made)["createPlacement"]["placement"]["id"].clone();
    Placed { creditor, placement }
}

/// What the sweeps need of a person.
struct Told {
    contact_point: Value,
    merge: Value,
    inconvenient_time: Value,
    other_debtor: String,
}

/// A date of birth, a stated zone, a second address with a label, and a second record, merged a second time.
async fn told_of(staff: &Client, debtor: &Value, mark: &str) -> Told {
    let told = staff
        .gql(
            "mutation($d: ID!, $e: EmailAddress!, $l: String!, $w: String!) {
               recordInconvenientTime(input: { debtorId: $d, channels: [EMAIL], statement: $w }) {
                 inconvenientTime { id } userErrors { message } }
               updateDebtor(input: { id: $d, birthDate: \"1980-01-31\" }) { userErrors { message } }
               recordStatedTimeZone(input: { debtorId: $d, timeZone: \"America/New_York\" }) { userErrors { message } }
               addContactPoint(input: { debtorId: $d, email: $e, label: $l }) { contactPoint { id } userErrors { message } } }",
            json!({ "d": debtor, "e": format!("{mark}-second@person.example"), "l": format!("Label of {mark}"),
                "w": format!("Never on a {mark}") }),
        )
        .await;
    let inconvenient_time = data(&told)["recordInconvenientTime"]["inconvenientTime"]["id"].clone();
    let contact_point = data(&told)["addContactPoint"]["contactPoint"]["id"].clone();
    let (second, other_debtor) = (
        second_record(staff, mark, 2).await,
        second_record(staff, mark, 3).await,
    );
    let merge = async || {
        let merged = staff
            .gql(
                "mutation($s: ID!, $m: ID!, $r: String!) { mergeDebtors(input: { survivorId: $s, mergedId: $m, reason: $r }) {
                   merge { id } userErrors { message } } }",
                json!({ "s": debtor, "m": second, "r": format!("Sameness of {mark}") }),
            )
            .await;
        data(&merged)["mergeDebtors"]["merge"]["id"].clone()
    };
    let undone = staff
        .gql(
            "mutation($m: ID!) { unmergeDebtors(input: { mergeId: $m, reason: \"Too early.\" }) { userErrors { message } } }",
            json!({ "m": merge().await }),
        )
        .await;
    assert_eq!(data(&undone)["unmergeDebtors"]["userErrors"], json!([]));
    Told {
        contact_point,
        inconvenient_time,
        merge: merge().await,
        other_debtor,
    }
}

/// Another person, whose only account was deleted: nobody sees them through it.
async fn second_record(staff: &Client, mark: &str, nth: u8) -> String {
    let created = staff
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id debtor { id } } userErrors { message } } }",
            json!({ "i": { "firstName": format!("Twin{mark}"), "lastName": format!("Zephyr{mark}"),
                "accountNumber": format!("NUMBER-{mark}-{nth}"), "currentBalance": { "amount": "1.00" } } }),
        )
        .await;
    let account = &data(&created)["createAccount"]["account"];
    let gone = staff
        .gql(
            "mutation($a: ID!) { deleteAccount(input: { id: $a, reason: \"Placed twice.\" }) { userErrors { message } } }",
            json!({ "a": account["id"] }),
        )
        .await;
    assert_eq!(data(&gone)["deleteAccount"]["userErrors"], json!([]));
    account["debtor"]["id"].as_str().expect("a debtor").to_owned()
}

/// An upload that is not used yet, and an import whose rows were looked at.
async fn uploaded_and_ready(app: &TestApp, client: &Client, mark: &str) -> (String, String) {
    let file = |number: &str| {
        format!(
            "firstName,lastName,phone,accountNumber,currentBalance\nSample of {mark},Person,(646) 555-0199,{number}-{mark},1\n"
        )
    };
    let upload = async |number: &str| {
        let content = file(number);
        upload(client, "ACCOUNT_IMPORT", "accounts.csv", content.as_bytes()).await
    };
    let begun = client
        .gql(
            "mutation($f: ID!) { previewAccountImport(input: { uploadId: $f }) { import { id } userErrors { message } } }",
            json!({ "f": upload("READY").await }),
        )
        .await;
    app.run_jobs().await;
    let import = &data(&begun)["previewAccountImport"]["import"]["id"];
    (
        upload("LATER").await,
        import.as_str().unwrap_or_else(|| panic!("{begun}")).to_owned(),
    )
}

/// A hold that stops nothing, on the account.
async fn held(staff: &Client, account: &Value, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($i: SetHoldInput!) { setHold(input: $i) { hold { id } userErrors { message } } }",
            json!({ "i": { "debtorId": account["debtor"]["id"], "accountId": account["id"], "kind": "PAYMENT_FAILED",
                "reason": format!("A reason on {mark}") } }),
        )
        .await;
    data(&made)["setHold"]["hold"]["id"].clone()
}

/// The version of the settings.
pub async fn settings_version(staff: &Client) -> Value {
    let seen = staff
        .gql("{ business { settings { version } } }", json!({}))
        .await;
    data(&seen)["business"]["settings"]["version"].clone()
}

/// A change that loosens the contact policy, and waits. It concerns WhatsApp alone, which nobody writes over here.
pub async fn proposed_change(staff: &Client) -> String {
    let mut waits = Value::Null;
    for limit in [json!(0), Value::Null] {
        let input = json!({ "expectedVersion": settings_version(staff).await, "contactPolicy": { "whatsappPerDay": limit } });
        let changed = staff
            .gql(
                "mutation($i: UpdateBusinessSettingsInput!) { updateBusinessSettings(input: $i) {
                   business { settings { pendingContactPolicyChange { id } } } userErrors { message } } }",
                json!({ "i": input }),
            )
            .await;
        waits = data(&changed)["updateBusinessSettings"]["business"]["settings"]["pendingContactPolicyChange"]["id"].clone();
    }
    waits.as_str().expect("a change that waits").to_owned()
}

async fn own_role(staff: &Client, mark: &str) -> Value {
    let made = staff
        .gql(
            "mutation($n: String!) { createRole(input: { name: $n, baseRole: AGENT, permissions: [\"account:read\"] }) {
               role { id } userErrors { message } } }",
            json!({ "n": format!("Role of {mark}") }),
        )
        .await;
    data(&made)["createRole"]["role"]["id"].clone()
}

/// The platform's staff comes into the business: the stay, and who acts in it.
pub async fn stay_of_platform(app: &TestApp, business: &Value, mark: &str) -> (String, Client) {
    let mut visitor = app.super_admin().await;
    let opened = visitor
        .gql(
            "mutation($b: ID!, $r: String!) { breakGlass(input: { businessId: $b, reason: $r }) {
               breakGlassSessionId accessToken userErrors { field message } } }",
            json!({ "b": business, "r": format!("Looking into the case of {mark}") }),
        )
        .await;
    let opened = &data(&opened)["breakGlass"];
    let id = opened["breakGlassSessionId"]
        .as_str()
        .unwrap_or_else(|| panic!("no stay: {opened}"));
    visitor.access_token = opened["accessToken"].as_str().map(str::to_owned);
    (id.to_owned(), visitor)
}

/// A view of the client's own, shared with nobody.
async fn saved_view(client: &Client, mark: &str) -> Value {
    let made = client
        .gql(
            "mutation($n: String!, $s: String!) { saveAccountView(input: { name: $n, search: $s }) { view { id } } }",
            json!({ "n": format!("View of {mark}"), "s": format!("Seeking {mark}") }),
        )
        .await;
    data(&made)["saveAccountView"]["view"]["id"].clone()
}

/// A document of the account.
async fn documented(staff: &Client, account: &Value, mark: &str) -> Value {
    let file = upload(staff, "DOCUMENT", &format!("Papers of {mark}.pdf"), &pdf(1_000)).await;
    let made = staff
        .gql(
            "mutation($i: AddAccountDocumentInput!) { addAccountDocument(input: $i) { document { id } userErrors { message } } }",
            json!({ "i": { "accountId": account["id"], "uploadId": file, "kind": "LETTER",
                "description": format!("Words on the papers of {mark}") } }),
        )
        .await;
    data(&made)["addAccountDocument"]["document"]["id"].clone()
}

/// An upload that may become a document, and one that may become a picture.
async fn uploaded(client: &Client) -> (Value, Value) {
    (
        json!(upload(client, "DOCUMENT", "sweep.pdf", &pdf(100)).await),
        json!(upload(client, "PROFILE_PHOTO", "sweep.png", PNG).await),
    )
}

/// An export of the client's own, which the next run of jobs writes; null for those who may not ask.
async fn exported(client: &Client) -> Value {
    let made = client
        .gql(
            "mutation { exportAccounts(input: { filter: { unassigned: false } }) { export { id } userErrors { message } } }",
            json!({}),
        )
        .await;
    made["data"]["exportAccounts"]["export"]["id"].clone()
}

pub fn uuid_of(id: &str) -> Uuid {
    ids::decode_any(id).expect("an id").1
}

/// A well-formed id of this kind that nobody has.
pub fn another(prefix: &str) -> String {
    let kind = ids::IdKind::from_prefix(prefix).expect("a kind");
    ids::encode(kind, ids::next())
}

/// What a slot of type `ID` names: one kind, or any (`node`, `nodes`).
pub fn kind_of(field: &str, slot: &Slot) -> Option<&'static str> {
    match (field, slot.path.last().map(String::as_str).unwrap_or_default()) {
        ("node", "id") | ("nodes", "ids") => None,
        ("account" | "updateAccount" | "deleteAccount" | "restoreAccount", "id") => Some("acct"),
        ("saveAccountView" | "deleteAccountView", "id") => Some("view"),
        ("accountImport", "id") | (_, "importId") => Some("imp"),
        ("previewAccountImport", "uploadId") => Some("csv"),
        ("releaseHold", "id") => Some("hold"),
        ("approveContactPolicyChange" | "rejectContactPolicyChange", "id") => Some("cpc"),
        ("updateRole" | "deleteRole", "id") => Some("role"),
        ("endBreakGlass", "id") => Some("bgs"),
        ("platformBusiness", "id") => Some("biz"),
        (_, "customRoleId") => Some("role"),
        (_, "apiKeyId") => Some("key"),
        (_, "breakGlassSessionId") => Some("bgs"),
        ("deleteAccountDocument", "id") => Some("doc"),
        ("export", "id") => Some("exp"),
        ("addAccountDocument", "uploadId") => Some("file"),
        ("setProfilePhoto", "uploadId") => Some("photo"),
        ("debtor" | "updateDebtor", "id") => Some("dbtr"),
        ("updateContactPoint" | "removeContactPoint", "id") => Some("cp"),
        ("mergeDebtors", "survivorId" | "mergedId") => Some("dbtr"),
        (_, "mergeId") => Some("mrg"),
        ("withdrawInconvenientTime", "id") => Some("itm"),
        ("conversation", "id") => Some("conv"),
        ("complianceDecision", "id") => Some("dec"),
        ("revokeInvitation", "id") => Some("inv"),
        ("updateUser", "id") => Some("usr"),
        ("revokeApiKey", "id") => Some("key"),
        ("revokeSession", "id") => Some("sess"),
        (_, "accountId" | "accountIds") => Some("acct"),
        (_, "creditorId") => Some("cred"),
        (_, "placementId") => Some("plc"),
        (_, "conversationId") => Some("conv"),
        (_, "debtorId") => Some("dbtr"),
        (_, "userId" | "agentId" | "assignedAgentId") => Some("usr"),
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
        // Optional, but one of two has to be there.
        if (field.name.as_str(), input.name.as_str()) == ("tagAccounts", "add") {
            return Some(json!(["swept"]));
        }
        // Sections are optional, but not their parts.
        match (field.name.as_str(), input.name.as_str()) {
            ("updateBusinessSettings", "billingContact") => {
                return Some(json!({ "name": "Somebody", "email": "bills@else.example" }));
            }
            ("updateBusinessSettings", "locale") => return Some(json!({ "languages": ["en"] })),
            ("addContactPoint", "email") => return Some(json!(format!("added-{nth}@person.example"))),
            ("setHold", "debtorId") => return Some(json!(ids.get("dbtr"))),
            // Of two, each somebody else.
            ("mergeDebtors", "mergedId") => return Some(json!(ids.other_debtor())),
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
            ("email", "EmailAddress") => json!(format!("nobody-{nth}@else.example")),
            ("currentPassword", "String") => json!(DEMO_PASSWORD),
            ("newPassword", "String") => json!(format!("a new password that nobody has {nth}")),
            ("scopes" | "permissions", "String") => json!(["account:read"]),
            ("expectedVersion", "Int") => json!(0),
            ("accountSid", "String") => json!(format!("AC{nth:032x}")),
            ("authToken", "String") => json!("0123456789abcdef0123456789abcdef"),
            ("reason", "String") if field.name == "breakGlass" => {
                json!("A case that support was asked about.")
            }
            ("password", "String") => json!("a password that nobody has"),
            ("token" | "code" | "refreshToken", "String") => json!("000000"),
            ("content" | "text" | "reason" | "statement", "String") => json!("Hello."),
            ("accountNumber", "String") => json!(format!("SWEEP-{nth}")),
            ("firstName" | "lastName" | "businessName", "String") => json!("Somebody"),
            ("fileName", "String") => json!("sweep.pdf"),
            ("purpose", "UploadPurpose") => json!("DOCUMENT"),
            ("size", "Int") => json!(1_000),
            ("name", "String") => json!(format!("Somebody {nth}")),
            (name, "String") => panic!("say in recipes.rs what {}({name}) may be", field.name),
            _ => return None,
        };
        Some(value)
    })
}
