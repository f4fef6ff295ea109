//! To whom the debts of a file are owed.

use serde_json::{Value, json};

use super::{commit, findings, import, previewed};
use crate::{
    account_work::act,
    support::{Client, TestApp, data, user_errors},
};

const HEADER: &str = "firstName,lastName,accountNumber,currentBalance,currentCreditor,placement\n";

/// The creditor and the placement of the account with this number.
async fn whose(client: &Client, number: &str) -> (Value, Value) {
    let query = "query($s: String) { accounts(first: 1, search: $s) { edges { node { creditor { name } placement { name creditor { name } } } } } }";
    let answer = client.gql(query, json!({ "s": number })).await;
    let node = data(&answer)["accounts"]["edges"][0]["node"].clone();
    (
        node["creditor"]["name"].clone(),
        node["placement"]["name"].clone(),
    )
}

async fn creditors(client: &Client) -> usize {
    let answer = client
        .gql("{ creditors(first: 100) { edges { node { id } } } }", json!({}))
        .await;
    data(&answer)["creditors"]["edges"].as_array().unwrap().len()
}

#[tokio::test]
async fn creditors_and_placements_are_found_by_name_or_made() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let known = act(
        &manager,
        "createCreditor",
        "creditor { id }",
        json!({ "name": "First Bank" }),
    )
    .await;
    assert_eq!(user_errors(&known), Vec::<&str>::new());
    let before = creditors(&manager).await;
    for (mode, mark) in [("VALID_ROWS_ONLY", "V"), ("ALL_OR_NOTHING", "A")] {
        let file = format!(
            "{HEADER}Ann,One,{mark}-1,10.00,FIRST bank,June\n\
             Bob,Two,{mark}-2,10.00,A New Clinic,\n\
             Cid,Three,{mark}-3,10.00,a new clinic,May\n\
             Dee,Four,{mark}-4,10.00,,\n"
        );
        let ready = previewed(&app, &manager, &file).await;
        assert_eq!(ready["columns"][4]["field"], "CREDITOR", "{ready}");
        assert_eq!(ready["counts"]["valid"], 4, "{ready}");
        commit(&manager, &ready, mode).await;
        app.run_jobs().await;
        assert_eq!(import(&manager, &ready["id"]).await["result"]["imported"], 4);
        let of = async |nth: u8| whose(&manager, &format!("{mark}-{nth}")).await;
        assert_eq!(of(1).await, (json!("First Bank"), json!("June")));
        assert_eq!(of(2).await, (json!("A New Clinic"), Value::Null));
        assert_eq!(of(3).await, (json!("A New Clinic"), json!("May")));
        assert_eq!(of(4).await, (Value::Null, Value::Null));
    }
    assert_eq!(
        creditors(&manager).await,
        before + 1,
        "made once, whatever the case of its letters"
    );
    assert_eq!(app.audited("placement.created").await, 2);

    // A placement is somebody's; and a column with as many creditors as rows is another column.
    let mut file = format!("{HEADER}Eve,Five,E-1,10.00,,July\n");
    for nth in 2..150 {
        file.push_str(&format!("Eve,Five,E-{nth},10.00,Somebody {nth},\n"));
    }
    let ready = previewed(&app, &manager, &file).await;
    assert_eq!(
        ready["counts"],
        json!({ "valid": 0, "invalid": 149, "duplicateInFile": 0, "duplicateInBusiness": 0, "suppressed": 0 })
    );
    let found = findings(&manager, &ready).await;
    assert_eq!(
        found[0],
        (2, Some("placement".to_owned()), "MISSING_VALUE".to_owned(), true)
    );
    assert!(
        found[1..]
            .iter()
            .all(|finding| finding.2 == "UNKNOWN_CREDITOR" && finding.3)
    );
    app.finish().await;
}

#[tokio::test]
async fn who_may_record_no_creditors_makes_none_by_a_file() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let made = act(
        &admin,
        "createApiKey",
        "secret",
        json!({ "name": "Importer", "scopes": ["account:import", "account:read", "file:upload"] }),
    )
    .await;
    let mut key = app.anonymous();
    key.access_token = made["secret"].as_str().map(str::to_owned);
    let known = act(
        &admin,
        "createCreditor",
        "creditor { id }",
        json!({ "name": "First Bank" }),
    )
    .await;
    assert_eq!(user_errors(&known), Vec::<&str>::new());
    let before = creditors(&admin).await;
    let file = format!(
        "{HEADER}Ann,One,K-1,10.00,First Bank,\n\
         Bob,Two,K-2,10.00,A New Clinic,\n\
         Cid,Three,K-3,10.00,First Bank,May\n"
    );
    let ready = previewed(&app, &key, &file).await;
    assert_eq!(
        (&ready["counts"]["valid"], &ready["counts"]["invalid"]),
        (&json!(1), &json!(2))
    );
    let codes: Vec<(i64, String)> = findings(&key, &ready)
        .await
        .into_iter()
        .map(|finding| (finding.0, finding.2))
        .collect();
    let unknown = "UNKNOWN_CREDITOR".to_owned();
    assert_eq!(codes, [(3, unknown.clone()), (4, unknown)]);
    commit(&key, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    assert_eq!(whose(&admin, "K-1").await.0, "First Bank");

    // Whoever commits has to be allowed to, as well as whoever previewed it.
    let ready = previewed(
        &app,
        &admin,
        &format!("{HEADER}Bob,Two,K-4,10.00,A New Clinic,\n"),
    )
    .await;
    assert_eq!(ready["counts"]["valid"], 1);
    commit(&key, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    let done = import(&admin, &ready["id"]).await;
    assert_eq!(
        done["result"],
        json!({ "processed": 1, "imported": 0, "skipped": 1 })
    );
    assert_eq!(creditors(&admin).await, before);
    app.finish().await;
}
