//! Who is not to be called: what a row says of it holds, whatever becomes of the row.

use serde_json::json;
use sqlx::{Executor as _, Row as _};

use super::{act, commit, findings, import, previewed};
use crate::support::{TestApp, user_errors};

const LEADS: &str = "first_name,last_name,phone,country,priority,do_not_call\n";

async fn suppressed(app: &TestApp) -> i64 {
    let rows = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM suppressions WHERE channel = 'ALL' AND lifted_at IS NULL")
        .await
        .unwrap();
    rows.get(0)
}

#[tokio::test]
async fn a_wish_binds_though_its_row_is_a_duplicate_or_wrong_and_is_said_where_it_cannot() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let maria = app.acme.debtor_number(0);
    let file = format!(
        "{LEADS}\
         New,Person,(646) 555-0177,,,\n\
         New,Person,+1 646 555 0177,,,true\n\
         Known,Already,{maria},,,yes\n\
         Wrong,Word,(646) 555-0178,,asap,true\n\
         No,Number,555,,,true\n\
         No,Wish,(646) 555-0179,,asap,false\n"
    );
    let ready = previewed(&app, &admin, &file).await;
    assert_eq!(
        ready["counts"],
        json!({ "valid": 1, "invalid": 3, "duplicateInFile": 1, "duplicateInBusiness": 1, "suppressed": 0 })
    );
    let found = findings(&admin, &ready).await;
    let wishes: Vec<i64> = found
        .iter()
        .filter(|(_, _, code, blocks)| code == "DO_NOT_CALL" && !blocks)
        .map(|(row, ..)| *row)
        .collect();
    assert_eq!(wishes, [3, 4, 5, 6], "each is told of: {found:?}");
    assert_eq!(suppressed(&app).await, 0, "a preview changes nothing");

    commit(&admin, &ready, "VALID_ROWS_ONLY").await;
    app.run_jobs().await;
    assert_eq!(import(&admin, &ready["id"]).await["result"]["imported"], 1);
    assert_eq!(
        suppressed(&app).await,
        3,
        "the new number, Maria's, and that of the wrong row"
    );
    let account = app.account_id(&app.acme, 0).await;
    let started = app
        .start_with_message(&admin, &account, "Hello there, it is us.")
        .await;
    assert_eq!(user_errors(&started), ["COMPLIANCE_BLOCKED"], "{started}");
    assert_eq!(app.received_by(&maria).len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_file_of_nothing_but_wishes_is_committed_and_resumed_like_any_other() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    // Two chunks of people who are wrong in some other way: nothing of them can be imported.
    let mut file = LEADS.to_owned();
    for nth in 0..900 {
        file.push_str(&format!("A,B,(646) 555-{nth:04},,asap,true\n"));
    }
    let ready = previewed(&app, &admin, &file).await;
    assert_eq!(ready["counts"]["valid"], 0);
    let whole = act(
        &admin,
        "commitAccountImport",
        json!({ "importId": ready["id"], "mode": "ALL_OR_NOTHING" }),
    )
    .await;
    assert_eq!(user_errors(&whole), ["CONFLICT"]);
    commit(&admin, &ready, "VALID_ROWS_ONLY").await;
    // Not to be taken back before all of it is recorded.
    let early = act(&admin, "cancelAccountImport", json!({ "importId": ready["id"] })).await;
    assert_eq!(user_errors(&early), ["CONFLICT"], "{early}");
    app.run_jobs().await;
    let done = import(&admin, &ready["id"]).await;
    assert_eq!(
        (&done["status"], &done["result"]),
        (
            &json!("COMPLETED"),
            &json!({ "processed": 900, "imported": 0, "skipped": 0 })
        )
    );
    assert_eq!(suppressed(&app).await, 900);
    app.finish().await;
}
