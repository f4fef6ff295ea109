//! Companies without a contact, and when debts from a file become time-barred.

use serde_json::{Value, json};

use super::{act, commit, done, findings, import, previewed};
use crate::support::{Client, TestApp, data, user_errors};

/// What is known of the account with this number.
async fn debt(client: &Client, number: &str) -> Value {
    let query = "query($s: String) { accounts(first: 1, search: $s) { edges { node { firstName
      debtor { id lastName companyName } limitation { expiresOn hasEnded governingLaw basis recordedBy { role } } } } } }";
    let answer = client.gql(query, json!({ "s": number })).await;
    data(&answer)["accounts"]["edges"][0]["node"].clone()
}

#[tokio::test]
async fn a_company_needs_no_contact_in_a_file() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let ready = previewed(
        &app,
        &manager,
        "accountNumber,currentBalance,companyName\nCO-1,10.00,Overland Freight\nCO-2,10.00,\nCO-3,10.00,Overland Freight\n",
    )
    .await;
    assert_eq!(ready["missingFields"], json!([]));
    assert_eq!(
        (&ready["counts"]["valid"], &ready["counts"]["invalid"]),
        (&json!(2), &json!(1)),
        "{ready}"
    );
    let found = findings(&manager, &ready).await;
    assert_eq!(
        found,
        [(
            3,
            Some("companyName".to_owned()),
            "MISSING_VALUE".to_owned(),
            true
        )]
    );
    commit(&manager, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    assert_eq!(import(&manager, &ready["id"]).await["result"]["imported"], 2);
    let first = debt(&manager, "CO-1").await;
    assert_eq!(
        (&first["firstName"], &first["debtor"]["companyName"]),
        (&Value::Null, &json!("Overland Freight"))
    );
    assert_ne!(
        first["debtor"]["id"],
        debt(&manager, "CO-3").await["debtor"]["id"],
        "a name alone tells nobody"
    );

    // Beside people, each row says what it needs.
    let ready = previewed(
        &app,
        &manager,
        "firstName,lastName,accountNumber,currentBalance,company\nAnn,One,P-1,10.00,\n,,P-2,10.00,A Mill\nBob,,P-3,10.00,\n",
    )
    .await;
    let found = findings(&manager, &ready).await;
    assert_eq!(
        found,
        [(4, Some("lastName".to_owned()), "MISSING_VALUE".to_owned(), true)]
    );
    app.finish().await;
}

#[tokio::test]
async fn when_debts_become_time_barred_is_taken_from_a_file_that_somebody_vouches_for() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.acme.sign_in("admin").await, app.acme.sign_in("manager").await);
    let header =
        "firstName,lastName,accountNumber,currentBalance,externalDebtorReference,limitationExpiresOn\n";
    for (mode, mark) in [("VALID_ROWS_ONLY", "V"), ("ALL_OR_NOTHING", "A")] {
        let file = format!(
            "{header}Ann,One,{mark}-1,10.00,{mark}-R,2029-11-30\nAnn,One,{mark}-2,10.00,{mark}-R,06/30/2020\nBob,Two,{mark}-3,10.00,,\n"
        );
        let ready = previewed(&app, &manager, &file).await;
        assert_eq!(ready["columns"][5]["field"], "LIMITATION_EXPIRES_ON", "{ready}");
        let refused = act(
            &manager,
            "commitAccountImport",
            json!({ "importId": ready["id"], "mode": mode }),
        )
        .await;
        assert_eq!(user_errors(&refused), ["CONFLICT"], "{refused}");
        commit(&admin, &ready, mode).await;
        app.run_jobs().await;
        assert_eq!(import(&admin, &ready["id"]).await["result"]["imported"], 3);
        let first = debt(&admin, &format!("{mark}-1")).await["limitation"].clone();
        assert_eq!(
            (
                &first["expiresOn"],
                &first["hasEnded"],
                &first["recordedBy"]["role"],
                &first["governingLaw"]
            ),
            (
                &json!("2029-11-30"),
                &json!(false),
                &json!("BUSINESS_ADMIN"),
                &Value::Null
            )
        );
        assert!(
            first["basis"]
                .as_str()
                .unwrap()
                .starts_with("As row 2 of the imported file says"),
            "{first}"
        );
        let second = debt(&admin, &format!("{mark}-2")).await["limitation"].clone();
        assert_eq!(
            (&second["expiresOn"], &second["hasEnded"]),
            (&json!("2020-06-30"), &json!(true))
        );
        assert_eq!(
            debt(&admin, &format!("{mark}-3")).await["limitation"],
            Value::Null
        );
        // A second debt of who is known already.
        let more = format!("{header}Ann,One,{mark}-4,10.00,{mark}-R,2021-01-31\n");
        let ready = previewed(&app, &admin, &more).await;
        commit(&admin, &ready, mode).await;
        app.run_jobs().await;
        assert_eq!(
            debt(&admin, &format!("{mark}-4")).await["limitation"]["expiresOn"],
            "2021-01-31"
        );
    }
    assert_eq!(app.audited("limitation.imported").await, 4, "one for each chunk");
    let other = app.globex.sign_in("admin").await;
    assert_eq!(debt(&other, "V-1").await, Value::Null);

    // What is no such day is said, a column without a day asks for nobody, and one that is not wanted is left out.
    let file = format!(
        "{header}Cid,Three,X-1,10.00,,2060-01-01\nCid,Four,X-2,10.00,,soon\nCid,Five,X-3,10.00,,2028-01-01\n"
    );
    let ready = previewed(&app, &manager, &file).await;
    let found = findings(&manager, &ready).await;
    let column = Some("limitationExpiresOn".to_owned());
    assert_eq!(
        found,
        [
            (2, column.clone(), "INVALID_DATE".to_owned(), true),
            (3, column, "INVALID_DATE".to_owned(), true)
        ]
    );
    done(
        &manager,
        "remapAccountImport",
        json!({ "importId": ready["id"], "mapping": [{ "column": "limitationExpiresOn", "field": "IGNORE" }] }),
    )
    .await;
    app.run_jobs().await;
    commit(&manager, &ready, "VALID_ROWS_ONLY").await;
    let empty = format!("{header}Dee,Six,X-4,10.00,,\n");
    let ready = previewed(&app, &manager, &empty).await;
    commit(&manager, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    assert_eq!(debt(&admin, "X-3").await["limitation"], Value::Null);
    app.finish().await;
}
