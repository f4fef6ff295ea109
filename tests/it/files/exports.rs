//! Accounts leave as files.

use std::{collections::BTreeSet, io::Read as _};

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, Row as _};
use uuid::Uuid;

use super::{Folder, start};
use crate::support::{Client, Options, TestApp, data, error_code, eventually, user_errors};

async fn ask(client: &Client, input: Value) -> Value {
    let answer = client
        .gql(
            "mutation($i: ExportAccountsInput!) { exportAccounts(input: $i) {
               export { id status rows totalRows downloadUrl } userErrors { code field message } } }",
            json!({ "i": input }),
        )
        .await;
    data(&answer)["exportAccounts"].clone()
}

async fn export(client: &Client, id: &Value) -> Value {
    let answer = client
        .gql(
            "query($id: ID!) { export(id: $id) { status format rows totalRows downloadUrl expiresAt } }",
            json!({ "id": id }),
        )
        .await;
    answer["data"]["export"].clone()
}

/// Asks, lets it be written, and fetches the file.
async fn exported(app: &TestApp, client: &Client, input: Value) -> (Value, Vec<u8>) {
    let payload = ask(client, input).await;
    assert_eq!(payload["export"]["status"], "QUEUED", "{payload}");
    assert!(payload["export"]["downloadUrl"].is_null());
    app.run_jobs().await;
    let id = payload["export"]["id"].clone();
    let ready = export(client, &id).await;
    assert_eq!(ready["status"], "READY");
    assert_eq!(ready["rows"], ready["totalRows"]);
    let url = ready["downloadUrl"].as_str().unwrap();
    let answer = client.http().get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    (id, answer.bytes().await.unwrap().to_vec())
}

/// The lines of a CSV file, its titles first.
fn lines(file: &[u8]) -> Vec<Vec<String>> {
    let text = file.strip_prefix(b"\xEF\xBB\xBF").expect("a byte order mark");
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text)
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

async fn create(client: &Client, first: &str, last: &str, number: &str) {
    let created = client
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { userErrors { message } } }",
            json!({ "i": { "firstName": first, "lastName": last, "accountNumber": number, "phone": "+16465550177",
                "currentBalance": { "amount": "1234.50" }, "tags": ["=tag", "vip"] } }),
        )
        .await;
    assert_eq!(data(&created)["createAccount"]["userErrors"], json!([]));
}

/// Whose data the log says was exported.
async fn logged(app: &TestApp) -> BTreeSet<Uuid> {
    let rows = app
        .superuser()
        .await
        .fetch_all("SELECT unnest(debtor_ids) FROM access_log WHERE operation = 'exportAccounts'")
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn an_export_is_the_list_in_its_order_and_runs_nothing() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let admin = app.acme.sign_in("admin").await;
    create(&admin, "=HYPERLINK(\"http://evil.example\")", "@Quill", "-77").await;
    let input = json!({ "filter": { "balance": { "min": "100.00" } },
        "orderBy": { "field": "BALANCE", "direction": "DESC" } });
    let (id, file) = exported(&app, &admin, input).await;
    let found = lines(&file);
    let shown = admin
        .gql(
            "{ accounts(first: 100, filter: { balance: { min: \"100.00\" } }, orderBy: { field: BALANCE, direction: DESC }) {
               edges { node { accountNumber currentBalance { amount } debtor { id } } } } }",
            json!({}),
        )
        .await;
    let shown = data(&shown)["accounts"]["edges"].as_array().unwrap().clone();
    assert_eq!(found[0][..3], ["id", "accountNumber", "firstName"]);
    assert_eq!(found.len(), shown.len() + 1);
    for (line, edge) in found[1..].iter().zip(&shown) {
        let number = edge["node"]["accountNumber"].as_str().unwrap();
        assert_eq!(line[1].trim_start_matches('\''), number);
        assert_eq!(
            line[7],
            edge["node"]["currentBalance"]["amount"].as_str().unwrap()
        );
    }
    let hostile = found
        .iter()
        .find(|line| line[1] == "'-77")
        .expect("the number, as a text");
    assert_eq!(hostile[2], "'=HYPERLINK(\"http://evil.example\")");
    assert_eq!(hostile[3], "'@Quill");
    assert_eq!(hostile[4], "'+16465550177");
    assert_eq!(hostile[18], "'=tag; vip");
    let people: BTreeSet<Uuid> = shown
        .iter()
        .map(|edge| crate::support::recipes::uuid_of(edge["node"]["debtor"]["id"].as_str().unwrap()))
        .collect();
    assert_eq!(logged(&app).await, people, "whose data left is on record");
    let details: String = app
        .superuser()
        .await
        .fetch_one("SELECT convert_from(details, 'UTF8') FROM audit_events WHERE action = 'export.requested'")
        .await
        .unwrap()
        .get(0);
    let details: Value = serde_json::from_str(&details).unwrap();
    assert_eq!(details["filter"], json!({ "balance": { "min": "100.00" } }));
    assert_eq!(details["rows"], shown.len());

    // A part of the columns, of those that a search finds.
    let columns = json!({ "search": "quill", "columns": ["LAST_NAME", "CURRENT_BALANCE"] });
    let (_, file) = exported(&app, &admin, columns.clone()).await;
    assert_eq!(
        file.strip_prefix(b"\xEF\xBB\xBF").unwrap(),
        b"\"lastName\",\"currentBalance\"\r\n\"'@Quill\",\"1234.50\"\r\n"
    );

    // In a workbook, a text is of the type of a text; a formula would be an element `f`.
    let mut workbook = columns;
    workbook["format"] = json!("XLSX");
    let (_, file) = exported(&app, &admin, workbook).await;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut sheet = String::new();
    archive
        .by_name("xl/worksheets/sheet1.xml")
        .unwrap()
        .read_to_string(&mut sheet)
        .unwrap();
    assert!(
        sheet.contains("<t>@Quill</t>") && sheet.contains("<v>1234.50</v>"),
        "{sheet}"
    );
    assert!(!sheet.contains("<f"), "{sheet}");

    // Nobody else's: a colleague of the same role finds nothing, an agent may not ask.
    let (manager, agent) = (app.acme.sign_in("manager").await, app.acme.agent().await);
    assert!(export(&manager, &id).await.is_null());
    let refused = agent
        .gql(
            "mutation { exportAccounts(input: {}) { export { id } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    let own = admin
        .gql(
            "{ exports(first: 2) { edges { node { format status } } pageInfo { hasNextPage } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&own)["exports"],
        json!({ "edges": [{ "node": { "format": "XLSX", "status": "READY" } },
                          { "node": { "format": "CSV", "status": "READY" } }], "pageInfo": { "hasNextPage": true } })
    );
    assert_eq!(folder.objects().len(), 3);
    app.advance(TimeDelta::hours(72)).await;
    assert_eq!(folder.objects().len(), 0);
    let later = app.acme.sign_in("admin").await;
    let gone = export(&later, &id).await;
    assert_eq!(
        (&gone["status"], &gone["downloadUrl"]),
        (&json!("EXPIRED"), &Value::Null)
    );
    app.finish().await;
}

#[tokio::test]
async fn an_export_that_dies_is_written_again_once() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let admin = app.acme.sign_in("admin").await;
    let payload = ask(&admin, json!({})).await;
    let id = &payload["export"]["id"];
    // The log of reads waits, and with it the job, in the middle.
    let mut superuser = app.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    lock.execute("LOCK TABLE access_log IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut other = app.superuser().await;
    tokio::select! {
        () = app.run_due_jobs() => panic!("the log cannot be written: the job cannot end"),
        () = eventually("the job is in the middle", async || {
            let waiting: i64 = other
                .fetch_one("SELECT count(*) FROM pg_locks WHERE relation = 'access_log'::regclass AND NOT granted")
                .await
                .unwrap()
                .get(0);
            (waiting > 0).then_some(())
        }) => {}
    }
    assert_eq!(folder.objects().len(), 0);
    lock.rollback().await.unwrap();
    app.release_jobs_of_dead_workers().await;
    app.run_jobs().await;
    let ready = export(&admin, id).await;
    assert_eq!((&ready["status"], &ready["rows"]), (&json!("READY"), &json!(25)));
    let url = ready["downloadUrl"].as_str().unwrap();
    let file = admin.http().get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(lines(&file).len(), 26, "each account once");
    assert_eq!(app.audited("export.finished").await, 1);
    let states = async || -> Vec<String> {
        let rows = app
            .superuser()
            .await
            .fetch_all("SELECT state FROM files ORDER BY id")
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(states().await, ["WRITING", "CLAIMED"]);
    app.advance(TimeDelta::hours(25)).await;
    assert_eq!(states().await, ["GONE", "CLAIMED"], "what the dead one left goes");
    app.finish().await;
}

#[tokio::test]
async fn an_export_holds_no_more_than_is_set_and_three_are_written_at_once() {
    let app = TestApp::start_with(Options {
        settings: vec![("EXPORT_MAX_ROWS", "20".to_owned())],
        ..Options::default()
    })
    .await;
    let admin = app.acme.sign_in("admin").await;
    let refused = ask(&admin, json!({})).await;
    assert_eq!(
        refused["userErrors"][0]["field"],
        json!(["input", "filter"]),
        "{refused}"
    );
    for (wrong, field) in [
        (json!({ "columns": [] }), "columns"),
        (json!({ "columns": ["TAGS", "TAGS"] }), "columns"),
        (json!({ "search": "x" }), "search"),
    ] {
        let refused = ask(&admin, wrong).await;
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", field]),
            "{refused}"
        );
    }
    let few = json!({ "filter": { "unassigned": false } });
    for _ in 0..3 {
        assert_eq!(user_errors(&ask(&admin, few.clone()).await), Vec::<&str>::new());
    }
    let fourth = ask(&admin, few.clone()).await;
    assert_eq!(user_errors(&fourth), ["QUOTA_EXCEEDED"]);
    let globex = app.globex.sign_in("admin").await;
    assert_eq!(user_errors(&ask(&globex, few.clone()).await), Vec::<&str>::new());
    app.run_jobs().await;
    assert_eq!(user_errors(&ask(&admin, few).await), Vec::<&str>::new());
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_moves_in_the_list_meanwhile_is_written_once() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    // More than a page, in the order of what is owed.
    let mut file = "firstName,lastName,email,phone,accountNumber,currentBalance\n".to_owned();
    for nth in 0..600 {
        file.push_str(&format!("A,B,,,MOVE-{nth:03},{}\n", 100_000 - nth));
    }
    let upload =
        crate::support::uploads::upload(&admin, "ACCOUNT_IMPORT", "accounts.csv", file.as_bytes()).await;
    let begun = admin
        .gql(
            "mutation($i: PreviewAccountImportInput!) { previewAccountImport(input: $i) { import { id } } }",
            json!({ "i": { "uploadId": upload } }),
        )
        .await;
    app.run_jobs().await;
    admin
        .gql(
            "mutation($i: CommitAccountImportInput!) { commitAccountImport(input: $i) { userErrors { code } } }",
            json!({ "i": { "importId": data(&begun)["previewAccountImport"]["import"]["id"], "mode": "VALID_ROWS_ONLY" } }),
        )
        .await;
    app.run_jobs().await;
    let payload = ask(
        &admin,
        json!({ "orderBy": { "field": "BALANCE", "direction": "DESC" }, "columns": ["ACCOUNT_NUMBER"] }),
    )
    .await;
    let mut superuser = app.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    lock.execute("LOCK TABLE access_log IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut other = app.superuser().await;
    let moving = async {
        eventually("the first page was read", async || {
            let waiting: i64 = other
                .fetch_one(
                    "SELECT count(*) FROM pg_locks WHERE relation = 'access_log'::regclass AND NOT granted",
                )
                .await
                .unwrap()
                .get(0);
            (waiting > 0).then_some(())
        })
        .await;
        // One from the first page goes behind the second, one from the second before the first.
        other
            .execute(
                "UPDATE accounts SET balance_minor = CASE account_number WHEN 'MOVE-001' THEN 1 ELSE 99999999 END
                 WHERE account_number IN ('MOVE-001', 'MOVE-599')",
            )
            .await
            .unwrap();
        lock.rollback().await.unwrap();
    };
    tokio::join!(app.run_due_jobs(), moving);
    app.run_jobs().await;
    let ready = export(&admin, &payload["export"]["id"]).await;
    let url = ready["downloadUrl"].as_str().unwrap();
    let file = admin.http().get(url).send().await.unwrap().bytes().await.unwrap();
    let numbers: Vec<String> = lines(&file)
        .into_iter()
        .skip(1)
        .map(|line| line[0].clone())
        .collect();
    let once: BTreeSet<&String> = numbers.iter().collect();
    assert_eq!((numbers.len(), once.len()), (625, 625), "each account once");
    assert_eq!(numbers[1], "MOVE-001", "where it stood when the export began");
    app.finish().await;
}

#[tokio::test]
async fn an_export_tells_what_is_known_of_the_person_the_balance_and_the_holds() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let admin = app.acme.sign_in("admin").await;
    let created = admin
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id debtor { id } } userErrors { message } } }",
            json!({ "i": { "firstName": "Zoe", "lastName": "Quill", "accountNumber": "Z-77", "phone": "+16465550177",
                "externalDebtorReference": "REF-77", "currentBalance": { "amount": "100.50" },
                "balanceComponents": { "principal": { "amount": "90.00" }, "interest": { "amount": "10.50" },
                    "fees": { "amount": "0.00" }, "costs": { "amount": "0.00" },
                    "itemizationDate": "2026-01-31", "itemizationEvent": "CHARGE_OFF" },
                "customFields": { "employer": "=Quarry" },
                "address": { "line1": "7 Quill Street", "city": "New York", "state": "NY", "postalCode": "10027" } } }),
        )
        .await;
    let account = data(&created)["createAccount"]["account"].clone();
    assert!(account["id"].is_string(), "{created}");
    let told = admin
        .gql(
            "mutation($d: ID!) {
               a: addContactPoint(input: { debtorId: $d, phone: \"+16465550178\" }) { userErrors { code } }
               b: setHold(input: { debtorId: $d, kind: CEASE_CONTACT, reason: \"A letter.\" }) { userErrors { code } }
               c: updateDebtor(input: { id: $d, riskLevel: HIGH, preferredContactMethod: EMAIL }) { userErrors { code } } }",
            json!({ "d": account["debtor"]["id"] }),
        )
        .await;
    for done in ["a", "b", "c"] {
        assert_eq!(user_errors(&data(&told)[done]), Vec::<&str>::new(), "{told}");
    }
    let columns = [
        "ACCOUNT_NUMBER",
        "PHONE",
        "PHONE_SECONDARY",
        "ADDRESS_LINE_1",
        "ADDRESS_LINE_2",
        "CITY",
        "STATE",
        "POSTAL_CODE",
        "PRINCIPAL",
        "INTEREST",
        "FEES",
        "COSTS",
        "ITEMIZATION_DATE",
        "ITEMIZATION_EVENT",
        "HOLDS",
        "CUSTOM_FIELDS",
        "PREFERRED_CONTACT_METHOD",
        "RISK_LEVEL",
        "EXTERNAL_DEBTOR_REFERENCE",
    ];
    let (_, file) = exported(&app, &admin, json!({ "columns": columns })).await;
    let found = lines(&file);
    assert_eq!(found[0].len(), columns.len(), "{:?}", found[0]);
    let line = found.iter().find(|line| line[0] == "Z-77").expect("the account");
    assert_eq!(
        line[1..],
        [
            "'+16465550177",
            "'+16465550178",
            "7 Quill Street",
            "",
            "New York",
            "NY",
            "10027",
            "90.00",
            "10.50",
            "0.00",
            "0.00",
            "2026-01-31",
            "CHARGE_OFF",
            "CEASE_CONTACT",
            "{\"employer\":\"=Quarry\"}",
            "EMAIL",
            "HIGH",
            "REF-77",
        ]
    );
    app.finish().await;
}
