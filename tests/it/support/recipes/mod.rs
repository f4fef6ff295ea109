//! Valid calls of every operation, and the objects that they need. A new operation whose arguments are not known
//! here makes the sweeps fail: add its line.

mod accounts;
mod arguments;
mod business;
mod cases;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use funnelchat::platform::ids;
use serde_json::{Value, json};
use sqlx::Executor as _;
use uuid::Uuid;

use self::{
    accounts::{
        archived, asked, bundled, consented, documented, exported, held, paid, placed, saved_rule,
        saved_view, stated, suggested, suppressed, told_of, uploaded_and_ready,
    },
    business::{approved, licensed, own_role, skilled, uploaded_answers, uploaded_logo},
    cases::{complained, disputed_and_answered, noticed},
};
use super::{
    Client, Tenant, TestApp, data,
    debtors::link_to,
    uploads::{PNG, pdf, upload},
};

pub use arguments::{kind_of, plain_arguments};
pub use business::{kept, proposed_change, settings_version, stay_of_platform};
pub use cases::{authorised, dated, disputed};

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
                    "address": { "line1": street, "city": "New York", "state": "NY", "postalCode": "10027" },
                    "originalCreditor": "First Example Bank",
                } }),
            )
            .await;
        let account = data(&created)["createAccount"]["account"].clone();
        let payment = paid(staff, &account, mark).await;
        let hold = held(staff, &account, mark).await;
        let view = saved_view(staff, mark).await;
        let rule = saved_rule(staff, mark).await;
        let person = told_of(staff, &account["debtor"]["id"], mark).await;
        consented(staff, &person.contact_point, mark).await;
        suggested(app, &person, &account["debtor"]["id"]).await;
        let suppression = suppressed(staff, &account["debtor"]["id"], mark, line).await;
        let document = documented(staff, &account, mark).await;
        let export = exported(staff).await;
        let request = asked(staff, &account["debtor"]["id"], mark).await;
        let archive = archived(staff, &account["debtor"]["id"]).await;
        let bundle = bundled(staff).await;
        let (file, photo) = uploaded(staff).await;
        let (paper, _) = uploaded(staff).await;
        let logo = uploaded_logo(staff).await;
        let dispute = disputed_and_answered(staff, &account, &document, mark).await;
        let complaint = complained(staff, &account, mark).await;
        // A notice is a debt collector's.
        app.superuser()
            .await
            .execute("UPDATE businesses SET role = 'THIRD_PARTY_COLLECTOR'")
            .await
            .unwrap();
        let notice = noticed(staff, &account).await;
        skilled(staff, mark).await;
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
        let stated = stated((app, tenant), staff, &account, &phone).await;
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
        let approval = approved(app, &seen["viewer"]["business"]["id"], mark).await;
        let link = json!(link_to(staff, account["id"].as_str().expect("an id")).await.0);
        let (csv, import) = uploaded_and_ready(app, staff, mark).await;
        let (csv, import) = (json!(csv), json!(import));
        let license = licensed(staff, mark).await;
        let suit = json!(authorised(staff, account["id"].as_str().expect("an id"), mark).await);
        dated(staff, account["id"].as_str().expect("an id"), mark).await;
        let template = kept(staff, mark).await;
        let rnd = uploaded_answers(staff).await;
        let by_prefix: BTreeMap<&'static str, String> = [
            ("cpc", &change),
            ("role", &role),
            ("bgs", &stay),
            ("appr", &approval),
            ("csv", &csv),
            ("lic", &license),
            ("suit", &suit),
            ("tmpl", &template),
            ("rnd", &rnd),
            ("imp", &import),
            ("acct", &account["id"]),
            ("pay", &payment),
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
            ("dsp", &dispute),
            ("cpl", &complaint),
            ("vnot", &notice),
            ("shold", &stated),
            ("sup", &suppression),
            ("view", &view),
            ("rout", &rule),
            ("cp", &person.contact_point),
            ("mrg", &person.merge),
            ("itm", &person.inconvenient_time),
            ("ctp", &person.contact_place),
            ("doc", &document),
            ("exp", &export),
            ("prq", &request),
            ("arc", &archive),
            ("abn", &bundle),
            ("file", &file),
            ("paper", &paper),
            ("photo", &photo),
            ("logo", &logo),
            ("dlnk", &link),
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
            format!("Check of {mark}"),
            format!("A reason on {mark}"),
            format!("Consent of {mark}"),
            format!("Dispute of {mark}"),
            format!("Complaint of {mark}"),
            format!("Case of {mark}"),
            format!("Enclosed for {mark}"),
            format!("Listed for {mark}"),
            format!("Papers of {mark}"),
            format!("Words on the papers of {mark}"),
            format!("Seeking {mark}"),
            format!("Role of {mark}"),
            format!("License of {mark}"),
            format!("Approval of {mark}"),
            format!("Template of {mark}"),
            format!("Kept for {mark}"),
            format!("Words of {mark}"),
            format!("Looking into the case of {mark}"),
            format!("Label of {mark}"),
            format!("{mark}-second@person.example"),
            format!("Sameness of {mark}"),
            format!("Never on a {mark}"),
            format!("Request of {mark}"),
            "536228714".to_owned(),
            "536-22-8714".to_owned(),
            person.other_debtor.clone(),
            format!("Sample of {mark}"),
            format!("skill of {}", mark.to_lowercase()),
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
            "view", "cpc", "role", "bgs", "cp", "sup", "lic", "mrg", "itm", "doc", "exp", "file", "imp",
            "dlnk", "dsp", "cpl", "vnot", "pay", "prq", "arc", "tmpl", "abn", "suit", "rout", "ctp",
        ]
        .into_iter()
        .map(|prefix| (prefix, another(prefix)))
        .chain([
            ("appr", another("appr")),
            ("paper", another("file")),
            ("photo", another("file")),
            ("shold", another("hold")),
            ("logo", another("file")),
            ("csv", another("file")),
            ("rnd", another("file")),
        ])
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
        let (paper, _) = uploaded(client).await;
        let export = exported(client).await;
        let archive = archived(client, &json!(self.get("dbtr"))).await;
        let logo = uploaded_logo(client).await;
        let rnd = uploaded_answers(client).await;
        app.run_jobs().await;
        for (kind, id) in [
            ("file", file),
            ("paper", paper),
            ("photo", photo),
            ("exp", export),
            ("arc", archive),
            ("logo", logo),
            ("rnd", rnd),
        ] {
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

/// An upload that may become a document, and one that may become a picture.
async fn uploaded(client: &Client) -> (Value, Value) {
    (
        json!(upload(client, "DOCUMENT", "sweep.pdf", &pdf(100)).await),
        json!(upload(client, "PROFILE_PHOTO", "sweep.png", PNG).await),
    )
}

pub fn uuid_of(id: &str) -> Uuid {
    ids::decode_any(id).expect("an id").1
}

/// A well-formed id of this kind that nobody has.
pub fn another(prefix: &str) -> String {
    let kind = ids::IdKind::from_prefix(prefix).expect("a kind");
    ids::encode(kind, ids::next())
}
