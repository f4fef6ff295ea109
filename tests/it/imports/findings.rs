//! What the preview says of rows, and the file of those that cannot be imported.

use serde_json::json;

use super::{ACCOUNTS, commit, findings, import, previewed};
use crate::support::{TestApp, data};

async fn download(client: &crate::support::Client, import: &serde_json::Value) -> String {
    let url = import["errorFileUrl"].as_str().expect("an error file");
    let answer = client.http().get(url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/csv");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn each_row_is_judged_and_what_cannot_be_imported_comes_back_as_a_file() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let file = format!(
        "{ACCOUNTS},remark\n\
         Ann,Lee,ann@a.example,2125550111,F-1,10.00,2026-01-31,fine\n\
         ,Lee,not an address,555,F-2,-1,tomorrow,all wrong\n\
         =cmd|'/C calc'!A0,Lee,,,F-3,1,,a formula\n\
         Ann,Lee,,,F-1,10,,the same number\n\
         Old,Debt,,,ACME-10001,10,,there already\n\
         Bob,Lee,,,F-5,5,,\"two\nlines, \"\"quoted\"\"\"\n\
         Shifted,Lee,,,F-6,5,,one,too many\n"
    );
    let ready = previewed(&app, &admin, &file).await;
    assert_eq!(
        ready["counts"],
        json!({ "valid": 2, "invalid": 3, "duplicateInFile": 1, "duplicateInBusiness": 1, "suppressed": 0 })
    );
    let found = findings(&admin, &ready).await;
    let expected = [
        (3, Some("phone"), "INVALID_PHONE"),
        (3, Some("email"), "INVALID_EMAIL"),
        (3, Some("currentBalance"), "INVALID_AMOUNT"),
        (3, Some("firstName"), "MISSING_VALUE"),
        (3, Some("dueDate"), "INVALID_DATE"),
        (4, Some("firstName"), "FORMULA"),
        (5, None, "DUPLICATE_IN_FILE"),
        (6, None, "DUPLICATE_IN_BUSINESS"),
        (8, None, "TOO_MANY_CELLS"),
    ];
    let expected: Vec<_> = expected
        .map(|(row, column, code)| (row, column.map(str::to_owned), code.to_owned(), true))
        .into_iter()
        .collect();
    assert_eq!(found, expected);
    // By pages, and by kind.
    let page = "query($id: ID!, $a: String, $c: ImportFindingCode) { accountImport(id: $id) { findings(first: 4, after: $a, code: $c) {
      pageInfo { endCursor hasNextPage } edges { node { row code } } } } }";
    let first = admin.gql(page, json!({ "id": ready["id"] })).await;
    let first = &data(&first)["accountImport"]["findings"];
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let rest = admin
        .gql(
            page,
            json!({ "id": ready["id"], "a": first["pageInfo"]["endCursor"] }),
        )
        .await;
    assert_eq!(
        data(&rest)["accountImport"]["findings"]["edges"][0]["node"]["row"],
        3
    );
    let formulas = admin
        .gql(page, json!({ "id": ready["id"], "c": "FORMULA" }))
        .await;
    assert_eq!(
        data(&formulas)["accountImport"]["findings"]["edges"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let report = download(&admin, &ready).await;
    let mut reader = csv::Reader::from_reader(report.trim_start_matches('\u{feff}').as_bytes());
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let numbers: Vec<&str> = lines.iter().map(|line| &line[8]).collect();
    assert_eq!(
        numbers,
        ["3", "4", "5", "6", "8"],
        "each once, and none that can be imported"
    );
    assert_eq!(&lines[1][0], "'=cmd|'/C calc'!A0", "no spreadsheet runs it");
    assert_eq!(&lines[0][9], "phone; email; currentBalance; firstName; dueDate");
    assert!(lines[2][10].contains("Row 2 is the same"));

    // The rest is imported; the file, corrected, is imported as it is.
    commit(&admin, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    let completed = import(&admin, &ready["id"]).await;
    assert_eq!(
        completed["result"],
        json!({ "processed": 7, "imported": 2, "skipped": 0 })
    );
    assert!(completed["errorFileUrl"].is_string(), "it is still there");
    let corrected: Vec<&str> = report.split("\r\n").collect();
    let corrected = format!(
        "{}\r\n{}\r\n",
        corrected[0],
        corrected[1].replace(",Lee,not an address,555,F-2,-1,tomorrow", "Cid,Lee,,,F-2,1,")
    );
    let again = previewed(&app, &admin, &corrected).await;
    assert_eq!(again["counts"]["valid"], 1, "{again} {corrected}");
    assert_eq!(again["columns"][9]["field"], "IGNORE");
    app.finish().await;
}
