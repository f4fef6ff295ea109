//! A debtor's session has the life of the staff's: it rotates, it idles out, and it ends everywhere at once.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{Executor as _, Row as _};

use super::{may_act, refresh};
use crate::support::{
    TestApp, data,
    debtors::{challenge, link_to, with_session},
    error_code, user_errors,
};

async fn reasons(app: &TestApp) -> Vec<String> {
    let rows = app
        .superuser()
        .await
        .fetch_all(
            "SELECT revoked_reason FROM debtor_sessions WHERE revoked_at IS NOT NULL ORDER BY revoked_at",
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_spent_refresh_token_that_comes_back_ends_the_family_and_idleness_ends_it_too() {
    let app = TestApp::start().await;
    let debtor = app.debtor(&app.acme, 0).await;
    let nobody = app.anonymous();
    let renewed = refresh(&nobody, &debtor.refresh_token).await;
    let newer = with_session(nobody.clone(), &renewed);
    assert!(may_act(&debtor).await && may_act(&newer).await);
    let mut socket = newer.socket().await;
    let stolen = refresh(&nobody, &debtor.refresh_token).await;
    assert_eq!(user_errors(&stolen), ["BAD_CREDENTIALS"]);
    assert!(!may_act(&debtor).await && !may_act(&newer).await);
    assert_eq!(socket.close_code().await, 4401);
    let newest = refresh(&nobody, &newer.refresh_token).await;
    assert_eq!(user_errors(&newest), ["BAD_CREDENTIALS"]);

    let idle = app.debtor(&app.acme, 1).await;
    app.wall.advance(TimeDelta::minutes(16));
    let expired = idle.gql("{ viewer { role } }", json!({})).await;
    assert_eq!(error_code(&expired), "UNAUTHENTICATED", "fifteen minutes");
    app.wall.advance(TimeDelta::minutes(15));
    let late = refresh(&nobody, &idle.refresh_token).await;
    assert_eq!(
        user_errors(&late),
        ["BAD_CREDENTIALS"],
        "half an hour without use"
    );
    assert_eq!(reasons(&app).await, ["REUSE", "EXPIRED"]);
    app.finish().await;
}

#[tokio::test]
async fn a_debtor_sees_and_ends_their_own_sessions_and_logs_out() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let factors = app.factors(&app.acme, 0);
    let first = app.debtor_of(&staff, &account, &factors).await;
    let second = app.debtor_of(&staff, &account, &factors).await;
    let third = app.debtor_of(&staff, &account, &factors).await;
    let stranger = app.debtor(&app.acme, 1).await;
    let listed = first
        .gql("{ sessions { id isCurrent address device } }", json!({}))
        .await;
    let sessions = data(&listed)["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 3, "{sessions:?}");
    assert!(sessions.iter().all(|session| session["address"].is_null()));
    let end = "mutation($s: ID!) { revokeSession(input: { id: $s }) { sessionId userErrors { code } } }";
    let theirs = stranger.session_id().await;
    let refused = first.gql(end, json!({ "s": theirs })).await;
    assert_eq!(user_errors(&data(&refused)["revokeSession"]), ["NOT_FOUND"]);
    let ended = first.gql(end, json!({ "s": second.session_id().await })).await;
    assert_eq!(user_errors(&data(&ended)["revokeSession"]), Vec::<String>::new());
    assert!(!may_act(&second).await && may_act(&third).await);
    let others = first
        .gql(
            "mutation { revokeOtherSessions { count userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(data(&others)["revokeOtherSessions"]["count"], 1);
    assert!(!may_act(&third).await && may_act(&first).await && may_act(&stranger).await);
    let out = first.gql("mutation { logout { ended } }", json!({})).await;
    assert_eq!(data(&out)["logout"]["ended"], true);
    assert!(!may_act(&first).await);
    let late = refresh(&app.anonymous(), &first.refresh_token).await;
    assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    app.finish().await;
}

#[tokio::test]
async fn a_browser_keeps_the_session_in_cookies_and_staff_sign_in_beside_it() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let (_, token) = link_to(&staff, &account).await;
    let nobody = app.anonymous();
    let challenge = challenge(&nobody, &token).await;
    let mut input = app.factors(&app.acme, 0);
    input["token"] = json!(challenge);
    let post = async |body: serde_json::Value, cookies: Option<&str>| {
        let mut request = nobody
            .http()
            .post(format!("http://{}/graphql", app.addr))
            .header("funnelchat-session", "cookie")
            .json(&body);
        if let Some(cookies) = cookies {
            request = request.header("cookie", cookies);
        }
        request.send().await.unwrap()
    };
    let answer = post(
        json!({ "query": "mutation($i: VerifyDebtorIdentityInput!) { verifyDebtorIdentity(input: $i) { session { accessToken refreshToken } userErrors { code } } }",
            "variables": { "i": input } }),
        None,
    )
    .await;
    let cookies: Vec<String> = answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap().to_owned())
        .collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(
        cookies
            .iter()
            .all(|cookie| cookie.starts_with("__Host-") && cookie.contains("HttpOnly"))
    );
    let body: serde_json::Value = answer.json().await.unwrap();
    assert!(body["data"]["verifyDebtorIdentity"]["session"]["accessToken"].is_null());
    let kept: Vec<&str> = cookies
        .iter()
        .filter_map(|cookie| cookie.split(';').next())
        .collect();
    let kept = kept.join("; ");
    let seen = post(json!({ "query": "{ viewer { account { id } } }" }), Some(&kept)).await;
    let seen: serde_json::Value = seen.json().await.unwrap();
    assert_eq!(seen["data"]["viewer"]["account"]["id"], account.as_str());
    // What is open to everybody tells nothing of the debtor, and is not kept from a member of staff at the same browser.
    let login = post(
        json!({ "query": "mutation { login(input: { email: \"agent@acme.example\", password: \"wrong\" }) { session { viewer { user { name } account { id } } } userErrors { code } } }" }),
        Some(&kept),
    )
    .await;
    let login: serde_json::Value = login.json().await.unwrap();
    assert_eq!(
        user_errors(&login["data"]["login"]),
        ["BAD_CREDENTIALS"],
        "{login}"
    );
    app.finish().await;
}
