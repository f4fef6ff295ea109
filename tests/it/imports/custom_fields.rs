//! A business's own fields in a file.

use serde_json::json;

use super::{commit, findings, previewed};
use crate::{
    account_work::act,
    support::{TestApp, data, user_errors},
};

#[tokio::test]
async fn a_cell_becomes_what_its_field_holds_or_is_named() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let fields = json!([
        { "name": "employer", "kind": "TEXT", "required": true },
        { "name": "income", "kind": "NUMBER" },
        { "name": "since", "kind": "DATE" },
        { "name": "owner", "kind": "BOOLEAN" },
        { "name": "risk", "kind": "CHOICE", "choices": ["Low", "High"] },
    ]);
    let set = act(
        &admin,
        "setCustomFields",
        "customFields { version }",
        json!({ "fields": fields }),
    )
    .await;
    assert_eq!(user_errors(&set), Vec::<&str>::new());
    let file = "firstName,lastName,email,phone,accountNumber,currentBalance,dueDate,employer,income,since,owner,risk,shoe size
Ann,One,,,I-1,10.00,2026-05-01,First Example,12.5,02/29/2020,yes,HIGH,43
Bea,Two,,,I-2,10.00,2026-05-01,,much,June,maybe,none,
";
    let import = previewed(&app, &admin, file).await;
    let found: Vec<(Option<String>, String)> = findings(&admin, &import)
        .await
        .into_iter()
        .map(|(row, column, code, blocks)| {
            assert_eq!((row, blocks), (3, true), "{code}");
            (column, code)
        })
        .collect();
    let expected = [
        ("income", "INVALID_CHOICE"),
        ("since", "INVALID_DATE"),
        ("owner", "INVALID_CHOICE"),
        ("risk", "INVALID_CHOICE"),
        ("employer", "MISSING_VALUE"),
    ]
    .map(|(column, code)| (Some(column.to_owned()), code.to_owned()));
    assert_eq!(found, expected);
    commit(&admin, &import, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    let seen = admin
        .gql(
            "{ accounts(first: 5, search: \"I-1\") { edges { node { customFields } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&seen)["accounts"]["edges"][0]["node"]["customFields"],
        json!({ "employer": "First Example", "income": 12.5, "since": "2020-02-29", "owner": true, "risk": "High",
            "shoe size": "43" })
    );

    // A file without the column says so of each row.
    let without = "firstName,lastName,email,phone,accountNumber,currentBalance,dueDate\nCid,Three,,,I-3,10.00,2026-05-01\n";
    let import = previewed(&app, &admin, without).await;
    assert_eq!(
        findings(&admin, &import).await,
        [(2, None, "MISSING_VALUE".to_owned(), true)]
    );
    app.finish().await;
}
