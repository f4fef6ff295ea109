//! Privacy: what people ask of their own data, from the request to the last key.

mod acceptances;
mod archives;
mod erasure;
mod holds;
mod own_data;
mod requests;
mod retention;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::support::{
    Client, TestApp, data,
    recipes::uuid_of,
    uploads::{pdf, upload},
    user_errors,
};

const ERASE: &str = "mutation($i: EraseDebtorInput!) { eraseDebtor(input: $i) {
    request { id kind status dueAt erasure { effect keptUntil rule citation explanation explanationEs answer answerEs } }
    userErrors { code field message } } }";

/// A person of whom everything is known that can be, each text of which stands nowhere else.
struct Person {
    mark: &'static str,
    phone: String,
    account: String,
    debtor: String,
    thread: String,
}

impl Person {
    /// With a debt, documents, notes, and a talk on `phone`.
    async fn make(app: &TestApp, staff: &Client, mark: &'static str, line: u8) -> Self {
        let phone = format!("+16465550{line:03}");
        let created = staff
            .gql(
                "mutation($i: CreateAccountInput!) { createAccount(input: $i) {
                   account { id debtor { id } } userErrors { field message } } }",
                json!({ "i": {
                    "firstName": format!("First{mark}"), "lastName": format!("Last{mark}"), "accountNumber": format!("N-{line}"),
                    "phone": phone, "email": format!("{mark}@mail.example").to_lowercase(), "birthDate": "1981-02-03",
                    "currentBalance": { "amount": "120.50" }, "notes": format!("Note on {mark}"),
                    "customFields": { "employer": format!("Employer of {mark}") },
                    "address": { "line1": format!("7 {mark} Street"), "state": "NY", "postalCode": "10027" },
                } }),
            )
            .await;
        let account = &data(&created)["createAccount"]["account"];
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
        let (account, debtor) = (text(&account["id"]), text(&account["debtor"]["id"]));
        let file = upload(staff, "DOCUMENT", &format!("Papers of {mark}.pdf"), &pdf(2_000)).await;
        let kept = staff
            .gql(
                "mutation($i: AddAccountDocumentInput!) { addAccountDocument(input: $i) { userErrors { message } } }",
                json!({ "i": { "accountId": account, "uploadId": file, "kind": "LETTER",
                    "description": format!("Letter about {mark}") } }),
            )
            .await;
        assert_eq!(
            user_errors(&data(&kept)["addAccountDocument"]),
            Vec::<&str>::new()
        );
        assert_eq!(
            app.text(&app.acme, &phone, &format!("Words from {mark}")).await,
            200
        );
        let seen = staff
            .gql(
                "query($a: ID!) { account(id: $a) { conversations(first: 1) { edges { node { id } } } } }",
                json!({ "a": account }),
            )
            .await;
        let thread = text(&data(&seen)["account"]["conversations"]["edges"][0]["node"]["id"]);
        let sent = staff
            .gql(
                "mutation($c: ID!, $t: String!) { sendMessage(input: { conversationId: $c, content: $t }) {
                   message { id } userErrors { message } } }",
                json!({ "c": thread, "t": format!("Answer to {mark}") }),
            )
            .await;
        assert!(data(&sent)["sendMessage"]["message"]["id"].is_string(), "{sent}");
        app.run_jobs().await;
        Self {
            mark,
            phone,
            account,
            debtor,
            thread,
        }
    }

    /// What erasure destroys.
    fn profile(&self) -> Vec<String> {
        let mark = self.mark;
        vec![
            format!("First{mark}"),
            format!("Last{mark}"),
            format!("last{mark} first{mark}").to_lowercase(),
            self.phone.clone(),
            format!("{mark}@mail.example").to_lowercase(),
            "1981-02-03".to_owned(),
            format!("Note on {mark}"),
            format!("Employer of {mark}"),
            format!("7 {mark} Street"),
            format!("Papers of {mark}"),
            format!("Letter about {mark}"),
        ]
    }

    /// What the law makes the business keep.
    fn records(&self) -> Vec<String> {
        let mark = self.mark;
        vec![format!("Words from {mark}"), format!("Answer to {mark}")]
    }

    fn uuid(&self) -> Uuid {
        uuid_of(&self.debtor)
    }
}

async fn erase(client: &Client, debtor: &str) -> Value {
    let input = json!({ "debtorId": debtor, "regime": "CCPA", "reason": "Please erase me." });
    data(&client.gql(ERASE, json!({ "i": input })).await)["eraseDebtor"].clone()
}

async fn hold(client: &Client, debtor: &str, kind: &str) -> String {
    let made = client
        .gql(
            "mutation($i: SetHoldInput!) { setHold(input: $i) { hold { id } userErrors { message } } }",
            json!({ "i": { "debtorId": debtor, "kind": kind, "reason": "A suit is pending." } }),
        )
        .await;
    data(&made)["setHold"]["hold"]["id"].as_str().unwrap().to_owned()
}

async fn status_of(client: &Client, request: &Value) -> String {
    let read = client
        .gql(
            "query($id: ID!) { privacyRequest(id: $id) { status } }",
            json!({ "id": request }),
        )
        .await;
    data(&read)["privacyRequest"]["status"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Which of a person's keys still open something: `PROFILE`, `RECORD`.
async fn keys_of(superuser: &mut PgConnection, debtor: Uuid) -> Vec<String> {
    let rows =
        sqlx::query("SELECT purpose FROM data_keys WHERE debtor_id = $1 AND wrapped IS NOT NULL ORDER BY 1")
            .bind(debtor)
            .fetch_all(superuser)
            .await
            .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// How often an act about a person stands in the trail.
async fn acts(superuser: &mut PgConnection, action: &str, debtor: Uuid) -> i64 {
    sqlx::query("SELECT count(*) FROM audit_events WHERE action = $1 AND debtor_id = $2")
        .bind(action)
        .bind(debtor)
        .fetch_one(superuser)
        .await
        .unwrap()
        .get(0)
}

/// Tables of the service and the queue.
async fn tables(superuser: &mut PgConnection) -> Vec<String> {
    let rows = superuser
        .fetch_all(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r'
               AND c.relnamespace::regnamespace::text IN ('public', 'queue', 'app')",
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Where these texts stand in clear, as text or, inside bytes, as hexadecimal.
async fn in_clear(superuser: &mut PgConnection, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for table in tables(superuser).await {
        for text in texts {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0"
            )))
            .bind(text)
            .bind(hex)
            .fetch_one(&mut *superuser)
            .await
            .unwrap();
            if count > 0 {
                found.push(format!("{table} holds {text:?}"));
            }
        }
    }
    found
}
