//! National ids in files: who is known by them, what is refused, and where the number does not go.

use serde_json::json;

use super::{ACCOUNTS, begin, commit, done, import, people::debtor_of, previewed};
use crate::support::{TestApp, data};

#[tokio::test]
async fn rows_with_one_national_id_are_of_one_person() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let globex = app.globex.sign_in("admin").await;
    let header = format!("{ACCOUNTS},dob,zip,Social Security No.");
    let place = async |client, rows: &str, mode: &str| {
        let ready = previewed(&app, client, &format!("{header}\n{rows}")).await;
        commit(client, &ready, mode).await;
        app.run_jobs().await;
        let done = import(client, &ready["id"]).await;
        assert_eq!(done["status"], "COMPLETED", "{done}");
    };
    place(
        &admin,
        "Ann,Lee,,,S-1,10,,1980-01-31,10001,123-45-6789\n\
         Anna,Lee-Miller,,,S-2,10,,,,123456789\n\
         Ann,Lee,,,S-3,10,,1980-01-31,10001,123-45-6780\n\
         Ann,Lee,,,S-4,10,,1980-01-31,10001,\n",
        "VALID_ROWS_ONLY",
    )
    .await;
    let first = debtor_of(&admin, "S-1").await;
    assert_eq!(debtor_of(&admin, "S-2").await, first, "the same in one file");
    let other = debtor_of(&admin, "S-3").await;
    assert_ne!(
        other, first,
        "of the same name, birth and postal code, and another number"
    );
    let unnumbered = debtor_of(&admin, "S-4").await;
    assert!(
        unnumbered != first && unnumbered != other,
        "which of the two it is nobody can tell"
    );

    place(
        &admin,
        "Ann,Lee,,,S-5,10,,1980-01-31,60601,123 45 6789\n\
         Ann,Lee,,,S-6,10,,1980-02-01,60601,123-45-6780\n\
         New,One,,,S-7,10,,,,900-70-0001\n\
         New,One,,,S-8,10,,,,900-70-0001\n",
        "ALL_OR_NOTHING",
    )
    .await;
    assert_eq!(
        debtor_of(&admin, "S-5").await,
        first,
        "in another file, having moved"
    );
    let contradicts = debtor_of(&admin, "S-6").await;
    assert!(
        contradicts != other && contradicts != first,
        "another date of birth contradicts the number"
    );
    assert_eq!(debtor_of(&admin, "S-8").await, debtor_of(&admin, "S-7").await);
    let read = admin
        .gql(
            "query($d: ID!) { debtor(id: $d) { nationalId accounts(first: 9) { totalCount } } }",
            json!({ "d": first }),
        )
        .await;
    assert_eq!(
        data(&read)["debtor"],
        json!({ "nationalId": "***-**-6789", "accounts": { "totalCount": 3 } })
    );

    place(&globex, "Ann,Lee,,,S-1,10,,,,123-45-6789\n", "VALID_ROWS_ONLY").await;
    assert_ne!(debtor_of(&globex, "S-1").await, first);
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_number_is_refused_with_its_reason_and_no_sample_shows_a_whole_one() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let file = format!(
        "{ACCOUNTS},ssn,ident\n\
         Ann,Lee,,,X-1,10,,123-45-6789,987-65-4321\n\
         Bob,Lee,,,X-2,10,,078-05-1120,\n\
         Cid,Lee,,,X-3,10,,12345678,\n"
    );
    let begun = begin(&admin, &file).await;
    let column = &begun["columns"][7];
    assert_eq!(
        (&column["suggestedField"], &column["samples"]),
        (&json!("NATIONAL_ID"), &json!(["***-**-6789", "***", "***"]))
    );
    app.run_jobs().await;
    let answer = admin
        .gql(
            "query($id: ID!) { accountImport(id: $id) { status counts { valid invalid }
               findings(first: 9) { edges { node { row column code message } } } } }",
            json!({ "id": begun["id"] }),
        )
        .await;
    let read = &data(&answer)["accountImport"];
    assert_eq!(read["status"], "READY");
    assert_eq!(read["counts"], json!({ "valid": 1, "invalid": 2 }));
    let found = read["findings"]["edges"].as_array().unwrap();
    let reasons: Vec<_> = found
        .iter()
        .map(|edge| {
            let node = &edge["node"];
            assert_eq!(
                (&node["column"], &node["code"]),
                (&json!("ssn"), &json!("INVALID_NATIONAL_ID"))
            );
            let message = node["message"].as_str().unwrap();
            assert!(
                !message.contains("1120") && !message.contains("5678"),
                "{message}"
            );
            (node["row"].as_i64().unwrap(), message.contains("sample cards"))
        })
        .collect();
    assert_eq!(reasons, [(3, true), (4, false)]);

    // Said by the caller what it is, it is masked from then on.
    let mapping =
        json!([{ "column": "ssn", "field": "IGNORE" }, { "column": "ident", "field": "NATIONAL_ID" }]);
    let again = done(
        &admin,
        "remapAccountImport",
        json!({ "importId": begun["id"], "mapping": mapping }),
    )
    .await;
    assert_eq!(again["columns"][8]["samples"], json!(["***-**-4321"]));
    assert_eq!(
        again["columns"][7]["samples"],
        json!(["***-**-6789", "***", "***"])
    );
    app.run_jobs().await;
    app.finish().await;
}
