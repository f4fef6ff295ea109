//! Who looks after compliance hears once that a hold because of an attorney may be reviewed; it stands until a person releases it.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{Executor as _, Row as _};

use crate::{
    account_work::{MARIA, account, act, holds::gate},
    support::{TestApp, user_errors},
};

const SUBJECT: &str = "Holds because of an attorney may be reviewed";

/// What Acme's staff was mailed; the demo data has such holds at both businesses.
async fn told(app: &TestApp) -> Vec<(String, String)> {
    app.run_jobs().await;
    let mails = app.sandbox.state().mails();
    mails
        .iter()
        .filter(|mail| mail.subject == SUBJECT && mail.to.ends_with("@acme.example"))
        .map(|mail| (mail.to.clone(), mail.text.clone().unwrap_or_default()))
        .collect()
}

/// Holds of which was told, and of which this holds.
async fn reviewable(app: &TestApp, of_which: &'static str) -> i64 {
    let sql = format!("SELECT count(*) FROM holds WHERE review_told_at IS NOT NULL AND {of_which}");
    let row = app
        .superuser()
        .await
        .fetch_one(sqlx::AssertSqlSafe(sql))
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn a_hold_of_thirty_days_is_told_once_and_stands() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&compliance, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let hold = json!({ "debtorId": debtor, "kind": "ATTORNEY_REPRESENTED", "reason": "A letter of 9 June." });
    let placed = act(&compliance, "setHold", "hold { id }", hold).await;
    assert_eq!(user_errors(&placed), Vec::<&str>::new(), "{placed}");
    app.advance(TimeDelta::days(29)).await;
    let before = told(&app).await.len();

    app.advance(TimeDelta::days(1) + TimeDelta::minutes(1)).await;
    let heard = told(&app).await;
    assert_eq!(heard.len(), before + 1, "{heard:?}");
    let (to, text) = heard.last().unwrap();
    assert_eq!(to, "compliance@acme.example");
    assert!(text.contains("30 days") && !text.contains("Maria"), "{text}");
    let told_of = reviewable(&app, "lifted_at IS NULL").await;
    assert!(told_of >= 1);
    assert_eq!(app.audited("hold.review_due").await, told_of);

    app.advance(TimeDelta::days(40)).await;
    assert_eq!(told(&app).await.len(), before + 1, "each is told once");
    let compliance = app.acme.sign_in("compliance").await;
    assert_eq!(
        gate(&compliance, &maria).await,
        ("DENY".to_owned(), "reg-f-attorney-represented".to_owned()),
        "nothing is lifted by itself"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_hold_that_is_released_in_time_is_not_told() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let maria = app.account_id(&app.acme, MARIA).await;
    let debtor = account(&compliance, &maria, "debtor { id }").await["debtor"]["id"].clone();
    let hold = json!({ "debtorId": debtor, "kind": "ATTORNEY_REPRESENTED", "reason": "A letter of 9 June." });
    let placed = act(&compliance, "setHold", "hold { id }", hold).await;
    let id = &placed["hold"]["id"];
    let input = json!({ "id": id, "reason": "The attorney wrote that they represent her no more." });
    let released = act(&compliance, "releaseHold", "hold { id }", input).await;
    assert_eq!(user_errors(&released), Vec::<&str>::new(), "{released}");
    app.advance(TimeDelta::days(31)).await;
    told(&app).await;
    assert_eq!(reviewable(&app, "lifted_at IS NOT NULL").await, 0);
    app.finish().await;
}
