//! Who is known again: by the business's reference, or by name, date of birth and postal code, and by nothing else.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, Postgres, Row as _, postgres::PgArguments, query::Query};
use uuid::Uuid;

use super::{ACCOUNTS, commit, import, previewed};
use crate::support::{Client, TestApp, data, eventually, recipes::uuid_of, user_errors};

/// Whose account it is.
pub(super) async fn debtor_of(client: &Client, number: &str) -> String {
    let answer = client
        .gql(
            "query($s: String) { accounts(first: 1, search: $s) { edges { node { accountNumber debtor { id birthDate } } } } }",
            json!({ "s": number }),
        )
        .await;
    let node = data(&answer)["accounts"]["edges"][0]["node"].clone();
    assert_eq!(node["accountNumber"], number, "{answer}");
    node["debtor"]["id"].as_str().unwrap().to_owned()
}

async fn create(client: &Client, input: Value) -> Value {
    let answer = client
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { debtor { id } } userErrors { code field } } }",
            json!({ "i": input }),
        )
        .await;
    data(&answer)["createAccount"].clone()
}

fn ann(number: &str, more: Value) -> Value {
    let mut input = json!({ "firstName": "Ann", "lastName": "Lee", "accountNumber": number, "currentBalance": { "amount": "5" },
        "birthDate": "1980-01-31", "address": { "postalCode": "10001" } });
    for (field, value) in more.as_object().unwrap() {
        input[field] = value.clone();
    }
    input
}

#[tokio::test]
async fn a_person_is_known_again_by_name_birth_date_and_postal_code_until_they_are_erased() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let globex = app.globex.sign_in("admin").await;
    let header = format!("{ACCOUNTS},dob,zip,externalDebtorReference");
    let place = async |client: &Client, rows: &str, mode: &str| {
        let ready = previewed(&app, client, &format!("{header}\n{rows}")).await;
        commit(client, &ready, mode).await;
        app.run_jobs().await;
        let done = import(client, &ready["id"]).await;
        assert_eq!(done["status"], "COMPLETED", "{done}");
    };
    place(
        &admin,
        "Ann,Lee,,2125550150,P-1,10,,1980-01-31,10001,\n\
         ann,LEE,,,P-2,10,,01/31/1980,10001-1234,\n\
         Ann,Lee,,2125550150,P-3,10,,1980-01-31,,\n\
         Ann,Lee,,2125550150,P-4,10,,1980-02-01,10001,\n",
        "VALID_ROWS_ONLY",
    )
    .await;
    let first = debtor_of(&admin, "P-1").await;
    assert_eq!(debtor_of(&admin, "P-2").await, first, "the same in one file");
    for other in ["P-3", "P-4"] {
        let debtor = debtor_of(&admin, other).await;
        assert_ne!(debtor, first, "a telephone number tells nothing: {other}");
    }

    // In another file, all or nothing; with the reference by which the business calls them from now on.
    place(
        &admin,
        "Ann,Lee,,,P-5,10,,1980-01-31,10001,ANN\nNew,One,,,P-6,10,,,,ANN-2\n",
        "ALL_OR_NOTHING",
    )
    .await;
    assert_eq!(debtor_of(&admin, "P-5").await, first);
    place(
        &admin,
        "Ann,Lee-Miller,,,P-7,10,,,,ANN\nAnn,Lee,,,P-8,10,,1980-01-31,10001,SOMEBODY-ELSE\n",
        "VALID_ROWS_ONLY",
    )
    .await;
    assert_eq!(debtor_of(&admin, "P-7").await, first, "by the reference alone");
    assert_ne!(
        debtor_of(&admin, "P-8").await,
        first,
        "whom the business calls otherwise is another person"
    );

    // One account at a time; another business knows nobody of these.
    let theirs = create(&globex, ann("P-1", json!({}))).await;
    assert_ne!(theirs["account"]["debtor"]["id"], json!(first));
    let again = create(&globex, ann("P-2", json!({}))).await;
    assert_eq!(again["account"], theirs["account"], "{again}");
    let race = async |number: &str| {
        create(
            &globex,
            ann(
                number,
                json!({ "lastName": "Racer", "externalDebtorReference": "RACER" }),
            ),
        )
        .await
    };
    let (one, two) = tokio::join!(race("R-1"), race("R-2"));
    assert_eq!(user_errors(&one), Vec::<&str>::new(), "{one}");
    assert_eq!(
        one["account"], two["account"],
        "who comes second finds the person"
    );

    // What is known of them changes, and with it who they are.
    let changed = globex
        .gql(
            "mutation($i: UpdateDebtorInput!) { updateDebtor(input: $i) { userErrors { code } } }",
            json!({ "i": { "id": theirs["account"]["debtor"]["id"], "address": { "postalCode": "60601" } } }),
        )
        .await;
    assert_eq!(data(&changed)["updateDebtor"]["userErrors"], json!([]));
    let moved = create(
        &globex,
        ann("P-3", json!({ "address": { "postalCode": "60601" } })),
    )
    .await;
    assert_eq!(moved["account"], theirs["account"]);
    let stranger = create(&globex, ann("P-4", json!({}))).await;
    assert_ne!(stranger["account"], theirs["account"]);

    let blind = async |id: &str| -> Option<Vec<u8>> {
        let mut superuser = app.superuser().await;
        sqlx::query("SELECT match_blind FROM debtors WHERE id = $1")
            .bind(uuid_of(id))
            .fetch_one(&mut superuser)
            .await
            .unwrap()
            .get(0)
    };
    let known = theirs["account"]["debtor"]["id"].as_str().unwrap();
    let written = blind(known).await;
    assert!(written.is_some());
    // As it was stored before anybody was known by it: the reconciler catches up, and says so in the trail.
    let mut superuser = app.superuser().await;
    superuser
        .execute("UPDATE debtors SET match_blind = NULL, match_due = true")
        .await
        .unwrap();
    app.advance(TimeDelta::seconds(1)).await;
    app.run_jobs().await;
    assert_eq!(blind(known).await, written);
    let (due, told): (i64, i64) = {
        let row = superuser
            .fetch_one(
                "SELECT (SELECT count(*) FROM debtors WHERE match_due),
                        (SELECT count(*) FROM audit_events WHERE action = 'debtors.match_keys_written')",
            )
            .await
            .unwrap();
        (row.get(0), row.get(1))
    };
    assert_eq!((due, told), (0, 2), "a batch of each business");
    erase(&app, uuid_of(known)).await;
    assert_eq!(blind(known).await, None, "erasure leaves nothing to compare with");
    let later = create(
        &globex,
        ann("P-9", json!({ "address": { "postalCode": "60601" } })),
    )
    .await;
    assert_ne!(later["account"], theirs["account"]);
    app.finish().await;
}

/// As erasure does: the profile key is destroyed.
async fn erase(app: &TestApp, debtor: Uuid) {
    let mut superuser = app.superuser().await;
    superuser.execute(destroy_profile(debtor)).await.unwrap();
}

fn destroy_profile(debtor: Uuid) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(
        "UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE debtor_id = $1 AND purpose = 'PROFILE'",
    )
    .bind(debtor)
}

#[tokio::test]
async fn an_import_that_waits_for_an_erasure_writes_nothing_to_the_erased_person() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let made = create(&admin, ann("P-1", json!({ "externalDebtorReference": "ANN" }))).await;
    let debtor = uuid_of(made["account"]["debtor"]["id"].as_str().unwrap());
    let file =
        format!("{ACCOUNTS},notes,externalDebtorReference\nAnn,Lee,,2125550151,P-2,10,,A secret,ANN\n");
    let ready = previewed(&app, &admin, &file).await;
    commit(&admin, &ready, "VALID_ROWS_ONLY").await;

    // The erasure holds the person's lock, and the import waits for it.
    let mut eraser = app.superuser().await;
    let mut erasing = eraser.begin().await.unwrap();
    let lock = sqlx::query("SELECT FROM debtors WHERE id = $1 FOR NO KEY UPDATE").bind(debtor);
    erasing.execute(lock).await.unwrap();
    let erase = async {
        let mut looking = app.superuser().await;
        eventually("the import waits", async || {
            let waits: bool = looking
                .fetch_one(
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                       AND datname = current_database() AND query LIKE '%debtors%')",
                )
                .await
                .unwrap()
                .get(0);
            waits.then_some(())
        })
        .await;
        erasing.execute(destroy_profile(debtor)).await.unwrap();
        erasing.commit().await.unwrap();
    };
    tokio::join!(app.run_jobs(), erase);
    let done = import(&admin, &ready["id"]).await;
    assert_eq!(
        (&done["result"]["imported"], &done["result"]["skipped"]),
        (&json!(0), &json!(1)),
        "{done}"
    );
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM contact_points WHERE debtor_id = $1 AND value_cipher IS NOT NULL",
    )
    .bind(debtor)
    .fetch_one(&mut app.superuser().await)
    .await
    .unwrap();
    assert_eq!(left, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_number_that_was_taken_off_somebody_is_nobodys() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let call = async |document: &str, variables: serde_json::Value| {
        let answer = admin.gql(document, variables).await;
        data(&answer).clone()
    };
    let placed = call(
        "mutation { createAccount(input: { firstName: \"Zoe\", lastName: \"Quill\", phone: \"(646) 555-0177\", currentBalance: { amount: \"1.00\" } }) {
           account { debtor { contactPoints { id } } } userErrors { message } } }",
        json!({}),
    )
    .await;
    let point = placed["createAccount"]["account"]["debtor"]["contactPoints"][0]["id"].clone();
    // It is known whom it does not reach: that stays known when it is taken off.
    for document in [
        "mutation($id: ID!) { updateContactPoint(input: { id: $id, validity: WRONG_NUMBER }) { userErrors { message } } }",
        "mutation($id: ID!) { removeContactPoint(input: { id: $id }) { userErrors { message } } }",
    ] {
        let done = call(document, json!({ "id": point })).await;
        assert!(done.to_string().contains("\"userErrors\":[]"), "{done}");
    }
    let file = "first_name,last_name,phone,country,type,priority,do_not_call,notes\n\
                Another,Person,(646) 555-0177,US,,high,false,\n";
    let ready = previewed(&app, &admin, file).await;
    assert_eq!(ready["counts"]["duplicateInBusiness"], 0, "{ready}");
    app.finish().await;
}

#[tokio::test]
async fn who_looks_at_names_in_a_file_is_on_record() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let file = format!(
        "{}\nZoe,Quill,zoe@mail.example,(646) 555-0177,Z-1,10.00,\n",
        super::ACCOUNTS
    );
    let ready = previewed(&app, &admin, &file).await;
    let reads = async || {
        let sql = "SELECT count(*) FROM access_log WHERE operation = 'accountImport' AND debtor_ids = '{}'";
        let row = app.superuser().await.fetch_one(sql).await.unwrap();
        row.get::<i64, _>(0)
    };
    let before = reads().await;
    let look = async |columns: &str| {
        let document = format!("query($id: ID!) {{ accountImport(id: $id) {{ columns {{ {columns} }} }} }}");
        let answer = admin.gql(&document, json!({ "id": ready["id"] })).await;
        data(&answer)["accountImport"]["columns"].to_string()
    };
    assert!(!look("name field").await.contains("Quill"));
    assert_eq!(reads().await, before, "names of columns are nobody's");
    assert!(look("name samples").await.contains("Quill"));
    assert_eq!(reads().await, before + 1);
    app.finish().await;
}
