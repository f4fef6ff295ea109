//! Files that are not what they say, or mean harm: each is refused in a sentence, and nothing of it stays.

use serde_json::json;

use super::{ACCOUNTS, act, count, import};
use crate::support::{
    TestApp,
    uploads::{announced, put, upload},
    user_errors,
};

#[tokio::test]
async fn a_file_that_is_no_csv_in_utf_8_is_refused_with_the_way_out_and_leaves_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let accounts = count(&app, "accounts").await;
    let row = "Ann,Lee,,,H-1,10,\n";
    let utf16: Vec<u8> = format!("\u{feff}{ACCOUNTS}\n{row}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let duplicates = vec!["phone"; 100].join(",");
    let at_once: [(&str, Vec<u8>, &str); 4] = [
        (
            "Latin-1",
            format!("{ACCOUNTS}\nJos\u{e9},Lee,,,H-1,10,\n")
                .chars()
                .map(|c| c as u8)
                .collect(),
            "UTF-8",
        ),
        (
            "100 columns of one name",
            format!("{duplicates}\n{row}").into_bytes(),
            "same name",
        ),
        ("no rows", format!("{ACCOUNTS}\n").into_bytes(), "no row"),
        (
            "an open quote",
            [format!("{ACCOUNTS}\n\"").into_bytes(), vec![b'x'; 300 * 1024]].concat(),
            "quotation mark",
        ),
    ];
    for (what, content, says) in at_once {
        let id = upload(&admin, "ACCOUNT_IMPORT", "accounts.csv", &content).await;
        let refused = act(&admin, "previewAccountImport", json!({ "uploadId": id })).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{what}: {refused}");
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", "uploadId"]));
        let message = refused["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains(says), "{what}: {message}");
    }
    // A spreadsheet and UTF-16 do not even arrive as CSV, or are refused when they are looked at.
    for content in [b"PK\x03\x04 a workbook".to_vec(), utf16] {
        let (id, url) = announced(&admin, "ACCOUNT_IMPORT", "accounts.csv", content.len()).await;
        let (status, _) = put(&admin, &url, &content).await;
        let refused = act(&admin, "previewAccountImport", json!({ "uploadId": id })).await;
        assert!(!user_errors(&refused).is_empty(), "{status}: {refused}");
    }
    assert_eq!(count(&app, "account_imports").await, 0);

    // What shows only further down ends the import, and what was staged goes.
    let good: String = (0..600).map(|nth| format!("Ann,Lee,,,H-{nth},10,\n")).collect();
    let late: [(&str, Vec<u8>, &str, &str); 3] = [
        (
            "a letter of Latin-1",
            b"Jos\xe9,Lee,,,H-x,10,\n".to_vec(),
            "ENCODING",
            "Row 602",
        ),
        (
            "a huge cell",
            [b"\"".to_vec(), vec![b'y'; 1024 * 1024]].concat(),
            "ROW_TOO_LONG",
            "Row 602",
        ),
        (
            "a row of many cells",
            format!("Ann{}\n", ",".repeat(300)).into_bytes(),
            "TOO_MANY_COLUMNS",
            "Row 602",
        ),
    ];
    for (what, end, code, says) in late {
        let content = [format!("\u{feff}{ACCOUNTS}\r\n{good}").into_bytes(), end].concat();
        let id = upload(&admin, "ACCOUNT_IMPORT", "accounts.csv", &content).await;
        let begun = act(&admin, "previewAccountImport", json!({ "uploadId": id })).await["import"].clone();
        app.run_jobs().await;
        let failed = import(&admin, &begun["id"]).await;
        assert_eq!(
            (&failed["status"], &failed["failure"]["code"]),
            (&json!("FAILED"), &json!(code)),
            "{what}"
        );
        assert!(
            failed["failure"]["message"].as_str().unwrap().contains(says),
            "{failed}"
        );
    }
    for table in ["account_import_chunks", "account_import_findings"] {
        assert_eq!(count(&app, table).await, 0, "{table}");
    }
    assert_eq!(count(&app, "accounts").await, accounts);
    app.finish().await;
}

#[tokio::test]
async fn an_upload_is_used_once_by_who_made_it_and_by_nobody_else() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.acme.sign_in("admin").await, app.acme.sign_in("manager").await);
    let globex = app.globex.sign_in("admin").await;
    let content = format!("{ACCOUNTS}\nAnn,Lee,,,H-1,10,\n");
    let id = upload(&admin, "ACCOUNT_IMPORT", "accounts.csv", content.as_bytes()).await;
    for stranger in [&manager, &globex] {
        let refused = act(stranger, "previewAccountImport", json!({ "uploadId": id })).await;
        assert_eq!(user_errors(&refused), ["NOT_FOUND"]);
    }
    let (one, two) = tokio::join!(
        act(&admin, "previewAccountImport", json!({ "uploadId": id })),
        act(&admin, "previewAccountImport", json!({ "uploadId": id }))
    );
    let mut errors = [user_errors(&one), user_errors(&two)].concat();
    errors.sort_unstable();
    assert_eq!(errors, ["CONFLICT"], "{one} {two}");
    app.run_jobs().await;
    assert_eq!(count(&app, "account_imports").await, 1);
    app.finish().await;
}
