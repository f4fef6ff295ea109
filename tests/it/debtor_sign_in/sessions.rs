//! A debtor's session has the life of the staff's: it rotates, it idles out, and it ends everywhere at once.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{Executor as _, Row as _};

use super::{may_act, refresh};
use crate::support::{
    Client, TestApp, data,
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

/// Their access tokens would be good for a quarter of an hour more.
#[tokio::test]
async fn a_merge_and_a_deletion_end_the_sessions_of_what_they_take_away() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let people: [Client; 3] = [
        app.debtor(&app.acme, 0).await,
        app.debtor(&app.acme, 1).await,
        app.debtor(&app.acme, 2).await,
    ];
    let mut sockets = [people[1].socket().await, people[2].socket().await];
    let accounts = [
        app.account_id(&app.acme, 0).await,
        app.account_id(&app.acme, 1).await,
        app.account_id(&app.acme, 2).await,
    ];
    let mut debtors = Vec::new();
    for account in &accounts[..2] {
        let found = staff
            .gql(
                "query($a: ID!) { account(id: $a) { debtor { id } } }",
                json!({ "a": account }),
            )
            .await;
        debtors.push(data(&found)["account"]["debtor"]["id"].clone());
    }
    let merged = staff
        .gql(
            "mutation($s: ID!, $m: ID!) { mergeDebtors(input: { survivorId: $s, mergedId: $m, reason: \"One person.\" }) {
               userErrors { code } } }",
            json!({ "s": debtors[0], "m": debtors[1] }),
        )
        .await;
    assert_eq!(user_errors(&data(&merged)["mergeDebtors"]), Vec::<String>::new());
    assert!(may_act(&people[0]).await, "who remains goes on");
    assert!(
        !may_act(&people[1]).await,
        "the merged record is nobody's any more"
    );
    assert_eq!(sockets[0].close_code().await, 4401);

    let deleted = staff
        .gql(
            "mutation($a: ID!) { deleteAccount(input: { id: $a, reason: \"Recalled.\" }) { userErrors { code } } }",
            json!({ "a": accounts[2] }),
        )
        .await;
    assert_eq!(
        user_errors(&data(&deleted)["deleteAccount"]),
        Vec::<String>::new()
    );
    assert!(!may_act(&people[2]).await && may_act(&people[0]).await);
    assert_eq!(sockets[1].close_code().await, 4401);
    let late = refresh(&app.anonymous(), &people[2].refresh_token).await;
    assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"]);
    assert_eq!(reasons(&app).await, ["ADMIN", "ADMIN"]);
    app.finish().await;
}

#[tokio::test]
async fn old_codes_sessions_and_links_are_forgotten_and_their_trail_is_not() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let nobody = app.anonymous();
    let (_, token) = link_to(&staff, &account).await;
    let waiting = challenge(&nobody, &token).await;
    assert_eq!(super::send_code(&nobody, &waiting).await["sent"], true);
    app.run_jobs().await;
    let debtor = app.debtor(&app.acme, 0).await;
    assert!(may_act(&debtor).await);
    let left = async || {
        let row = app
            .superuser()
            .await
            .fetch_one(
                "SELECT (SELECT count(*) FROM debtor_codes), (SELECT count(*) FROM debtor_refresh_tokens),
                        (SELECT count(*) FROM debtor_sessions), (SELECT count(*) FROM debtor_links),
                        (SELECT count(*) FROM audit_events WHERE action LIKE 'debtor_link.%')",
            )
            .await
            .unwrap();
        [0, 1, 2, 3, 4].map(|at| row.get::<i64, _>(at))
    };
    let trail = left().await[4];
    assert_eq!(left().await, [1, 1, 1, 2, trail]);
    for (days, kept) in [
        (2, [0, 1, 1, 2]),
        (10, [0, 0, 1, 2]),
        (30, [0, 0, 0, 2]),
        (90, [0; 4]),
    ] {
        app.advance(TimeDelta::days(days)).await;
        app.run_jobs().await;
        let now = left().await;
        assert_eq!(now[..4], kept, "{days} days later");
        assert!(now[4] >= trail);
    }
    app.finish().await;
}
