//! The platform's staff: outside every business, with nothing of a debtor, and the right to suspend.

use chrono::TimeDelta;
use funnelchat::{
    identity::{create_super_admin, remove_super_admin},
    platform::{
        email::EmailAddress,
        ids::{IdKind, encode},
    },
};
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::only_error;
use crate::support::{
    Client, TestApp, data, error_code,
    recipes::stay_of_platform,
    send,
    uploads::{PNG, announced, put, upload},
    user_errors,
};

async fn call(client: &Client, name: &str, input: Value) -> Value {
    let (first, rest) = name.split_at(1);
    let document = format!(
        "mutation($i: {}{rest}Input!) {{ {name}(input: $i) {{ business {{ status suspensionReason }} userErrors {{ code field message }} }} }}",
        first.to_uppercase()
    );
    let answer = client.gql(&document, json!({ "i": input })).await;
    data(&answer)[name].clone()
}

/// Gives the client a picture; where it is.
async fn picture_of(client: &Client) -> String {
    let upload = upload(client, "PROFILE_PHOTO", "me.png", PNG).await;
    let set = client
        .gql(
            "mutation($u: ID!) { setProfilePhoto(input: { uploadId: $u }) { viewer { user { photoUrl } } userErrors { message } } }",
            json!({ "u": upload }),
        )
        .await;
    let url = &data(&set)["setProfilePhoto"]["viewer"]["user"]["photoUrl"];
    url.as_str().unwrap_or_else(|| panic!("{set}")).to_owned()
}

async fn business_id(app: &TestApp) -> String {
    encode(IdKind::Business, app.business_id(&app.acme).await)
}

#[tokio::test]
async fn the_panel_shows_businesses_and_people_and_nothing_of_a_debtor() {
    let app = TestApp::start().await;
    let staff = app.super_admin().await;
    app.text(&app.acme, &app.acme.debtor_number(0), "Hello").await;
    let seen = staff
        .gql(
            "{ viewer { role business { id } }
               businesses(first: 10) { edges { node { name slug role status usage { users accounts messagesThisMonth } } } pageInfo { hasNextPage } }
               found: businesses(first: 10, search: \"REcov\", filter: { status: [ACTIVE] }) { edges { node { slug } } }
               none: businesses(first: 10, filter: { status: [SUSPENDED] }) { edges { node { slug } } }
               platformUsers(first: 1, filter: { email: \"Agent@acme.example\" }) { edges { node { email secondFactor superAdmin memberships { businessName role status } } } }
               staff: platformUsers(first: 10, filter: { superAdmins: true }) { edges { node { email } } } }",
            json!({}),
        )
        .await;
    let seen = data(&seen);
    assert_eq!(seen["viewer"], json!({ "role": "SUPER_ADMIN", "business": null }));
    assert_eq!(
        seen["businesses"]["edges"][1]["node"],
        json!({ "name": "Acme Recovery", "slug": "acme", "role": "THIRD_PARTY_COLLECTOR", "status": "ACTIVE",
            "usage": { "users": 4, "accounts": 25, "messagesThisMonth": 1 } })
    );
    assert_eq!(seen["found"]["edges"], json!([{ "node": { "slug": "acme" } }]));
    assert_eq!(seen["none"]["edges"], json!([]));
    assert_eq!(
        seen["platformUsers"]["edges"][0]["node"],
        json!({ "email": "agent@acme.example", "secondFactor": true, "superAdmin": false,
            "memberships": [{ "businessName": "Acme Recovery", "role": "AGENT", "status": "ACTIVE" }] })
    );
    assert_eq!(
        seen["staff"]["edges"],
        json!([{ "node": { "email": "super@funnelchat.example" } }])
    );
    let page = staff
        .gql(
            "{ businesses(first: 1) { edges { cursor node { slug } } pageInfo { hasNextPage } } }",
            json!({}),
        )
        .await;
    let page = &data(&page)["businesses"];
    assert_eq!(
        (
            &page["edges"][0]["node"]["slug"],
            &page["pageInfo"]["hasNextPage"]
        ),
        (&json!("globex"), &json!(true))
    );

    let health = staff
        .gql(
            "{ systemHealth { queue { waiting due retrying failedLastDay oldestDueSince } migrationsPending clockOffsetSeconds databaseConnections } }",
            json!({}),
        )
        .await;
    let health = &data(&health)["systemHealth"];
    assert_eq!(health["migrationsPending"], 0);
    assert_eq!(health["queue"]["waiting"], 0);
    // What waits is seen.
    app.acme.sign_in("admin").await.gql("mutation { inviteUser(input: { email: \"a@b.example\", name: \"A\", role: AGENT }) { userErrors { code } } }", json!({})).await;
    let busy = staff
        .gql("{ systemHealth { queue { waiting due } } }", json!({}))
        .await;
    assert_eq!(
        data(&busy)["systemHealth"]["queue"],
        json!({ "waiting": 1, "due": 1 })
    );
    app.run_jobs().await;

    // No business's data from outside, and the panel for nobody inside.
    for query in [
        "{ accounts(first: 1) { edges { node { id } } } }",
        "{ business { name } }",
        "{ auditEvents(first: 1) { edges { node { id } } } }",
    ] {
        assert_eq!(
            error_code(&staff.gql(query, json!({})).await),
            "FORBIDDEN",
            "{query}"
        );
    }
    for login in ["admin", "manager", "agent", "compliance"] {
        let member = app.acme.sign_in(login).await;
        for query in [
            "{ businesses(first: 1) { edges { node { name } } } }",
            "{ platformUsers(first: 1) { edges { node { email } } } }",
            "{ systemHealth { migrationsPending } }",
        ] {
            assert_eq!(
                error_code(&member.gql(query, json!({})).await),
                "FORBIDDEN",
                "{login}: {query}"
            );
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_suspended_business_is_closed_and_still_hears_its_debtors() {
    let app = TestApp::start().await;
    let (staff, admin, agent) = (
        app.super_admin().await,
        app.acme.sign_in("admin").await,
        app.acme.agent().await,
    );
    let key = admin
        .gql(
            "mutation { createApiKey(input: { name: \"K\", scopes: [\"account:read\"] }) { secret } }",
            json!({}),
        )
        .await;
    let mut program = app.anonymous();
    program.access_token = data(&key)["createApiKey"]["secret"].as_str().map(str::to_owned);
    let accounts = "{ accounts(first: 1) { edges { node { id } } } }";
    assert!(program.gql(accounts, json!({})).await["errors"].is_null());
    let thread = app.thread_with(&agent, &app.acme, 0).await;
    let waiting = send(&agent, &thread, "This must not leave.").await;
    let mut socket = agent.socket().await;
    let mut listening = program.socket().await;
    let (_, upload) = announced(&agent, "DOCUMENT", "note.txt", 10).await;
    let picture = picture_of(&agent).await;
    assert_eq!(agent.http().get(&picture).send().await.unwrap().status(), 200);

    let acme = business_id(&app).await;
    let nothing = call(
        &staff,
        "suspendBusiness",
        json!({ "businessId": acme, "reason": " " }),
    )
    .await;
    assert_eq!(only_error(&nothing).1, "input.reason");
    // Of two at once one suspends.
    let input = json!({ "businessId": acme, "reason": "Bills are not paid." });
    let (one, two) = tokio::join!(
        call(&staff, "suspendBusiness", input.clone()),
        call(&staff, "suspendBusiness", input)
    );
    let outcomes = [user_errors(&one), user_errors(&two)];
    assert!(
        outcomes.contains(&vec![]) && outcomes.contains(&vec!["CONFLICT"]),
        "{outcomes:?}"
    );

    assert_eq!(
        (socket.close_code().await, listening.close_code().await),
        (4401, 4401)
    );
    for (client, who) in [(&admin, "admin"), (&agent, "agent"), (&program, "key")] {
        assert_eq!(
            error_code(&client.gql(accounts, json!({})).await),
            "UNAUTHENTICATED",
            "{who}"
        );
    }
    let login = "mutation { login(input: { email: \"agent@acme.example\", password: \"correct horse battery staple\" }) {
        mfaChallenge { token } userErrors { code message } } }";
    let refused = app.anonymous().gql(login, json!({})).await;
    assert_eq!(user_errors(&data(&refused)["login"]), ["SUSPENDED"]);
    let refreshed = app
        .anonymous()
        .gql(
            "mutation($t: String!) { refreshSession(input: { refreshToken: $t }) { session { accessToken } userErrors { code } } }",
            json!({ "t": agent.refresh_token }),
        )
        .await;
    assert!(data(&refreshed)["refreshSession"]["session"].is_null());
    let links = async || {
        let given = agent.http().get(&picture).send().await.unwrap().status();
        (
            given.as_u16(),
            put(&agent, &upload, b"0123456789").await.0.as_u16(),
        )
    };
    assert_eq!(
        links().await,
        (410, 404),
        "links that were given out before are good no more"
    );
    app.run_jobs().await;
    let state = app.message_state(&waiting).await;
    assert_eq!(state.status, "BLOCKED", "{state:?}");
    assert_eq!(app.received_by(&app.acme.debtor_number(0)).len(), 0);

    // What a debtor writes is kept, and an opt-out above all.
    assert_eq!(app.text(&app.acme, &app.acme.debtor_number(1), "STOP").await, 200);
    let suppressed: i64 = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM suppressions WHERE lifted_at IS NULL")
        .await
        .unwrap()
        .get(0);
    assert_eq!(suppressed, 1);
    let other = app.globex.agent().await;
    assert!(
        other.gql(accounts, json!({})).await["errors"].is_null(),
        "the other business works on"
    );

    let back = call(&staff, "reactivateBusiness", json!({ "businessId": acme })).await;
    assert_eq!(
        back["business"],
        json!({ "status": "ACTIVE", "suspensionReason": null })
    );
    assert_eq!(links().await, (200, 201), "and again while they last");
    let agent = app.acme.agent().await;
    assert!(agent.gql(accounts, json!({})).await["errors"].is_null());
    assert!(
        program.gql(accounts, json!({})).await["errors"].is_null(),
        "the key is good again"
    );
    let mut socket = program.socket().await;
    socket
        .subscribe("subscription { inboxEvents { __typename } }", json!({}))
        .await;
    let message = socket
        .message()
        .await
        .expect("an answer, and not the socket's end");
    assert!(message.to_string().contains("FORBIDDEN"), "{message}");
    for (chain, action) in [
        ("audit_events", "business.suspended"),
        ("platform_audit_events", "business.reactivated"),
    ] {
        let rows = app
            .superuser()
            .await
            .fetch_all(sqlx::AssertSqlSafe(format!(
                "SELECT FROM {chain} WHERE action = '{action}'"
            )))
            .await
            .unwrap();
        assert_eq!(rows.len(), 1, "{chain}");
    }
    let nobody = json!({ "businessId": "biz_01h455vb4pex5vsknk084sn02q", "reason": "x" });
    assert_eq!(
        user_errors(&call(&staff, "suspendBusiness", nobody).await),
        ["NOT_FOUND"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_super_admin_is_made_by_hand_and_ends_with_their_office() {
    let app = TestApp::start().await;
    let address = EmailAddress::parse("Operator@funnelchat.example").unwrap();
    let link = create_super_admin(&app.app.identity, &address)
        .await
        .unwrap()
        .expect("a link for somebody new");
    let token = link.split("token=").nth(1).unwrap();
    let password = "a long and private phrase";
    let anonymous = app.anonymous();
    let log_in = async || {
        let answer = anonymous
            .gql(
                "mutation($p: String!) { login(input: { email: \"operator@funnelchat.example\", password: $p }) {
                   mfaEnrollment { token } userErrors { code } } }",
                json!({ "p": password }),
            )
            .await;
        data(&answer)["login"].clone()
    };
    assert_eq!(
        user_errors(&log_in().await),
        ["BAD_CREDENTIALS"],
        "no password yet"
    );
    let chosen = anonymous
        .gql(
            "mutation($t: String!, $p: String!) { resetPassword(input: { token: $t, newPassword: $p }) { userErrors { code message } } }",
            json!({ "t": token, "p": password }),
        )
        .await;
    assert_eq!(
        data(&chosen)["resetPassword"]["userErrors"],
        json!([]),
        "{chosen}"
    );
    assert!(
        log_in().await["mfaEnrollment"].is_object(),
        "the second factor is still to come"
    );
    assert!(
        create_super_admin(&app.app.identity, &address)
            .await
            .unwrap()
            .is_none(),
        "known already"
    );

    // Who has a session when their office ends has none afterwards, not even for what they began.
    let staff = app.super_admin().await;
    let known = EmailAddress::parse("super@funnelchat.example").unwrap();
    assert!(remove_super_admin(&app.app.identity, &known).await.unwrap());
    assert!(!remove_super_admin(&app.app.identity, &known).await.unwrap());
    let answer = staff
        .gql("{ systemHealth { migrationsPending } }", json!({}))
        .await;
    assert_eq!(error_code(&answer), "UNAUTHENTICATED");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_business_is_deleted_and_for_a_while_that_can_be_taken_back() {
    let app = TestApp::start().await;
    let staff = app.super_admin().await;
    let acme = business_id(&app).await;
    let act = async |name: &str| {
        let mut input = json!({ "businessId": acme });
        if ["suspendBusiness", "deleteBusiness"].contains(&name) {
            input["reason"] = json!("They have closed.");
        }
        // A session of the platform's staff lasts a quarter of an hour.
        let staff = app.super_admin().await;
        call(&staff, name, input).await
    };
    let status = async |payload: &Value| payload["business"]["status"].clone();
    assert_eq!(
        user_errors(&act("deleteBusiness").await),
        ["CONFLICT"],
        "suspended first"
    );
    assert_eq!(user_errors(&act("restoreBusiness").await), ["CONFLICT"]);
    assert_eq!(status(&act("suspendBusiness").await).await, "SUSPENDED");
    assert_eq!(status(&act("deleteBusiness").await).await, "DELETED");
    for again in ["deleteBusiness", "suspendBusiness", "reactivateBusiness"] {
        assert_eq!(user_errors(&act(again).await), ["CONFLICT"], "{again}");
    }
    let listed = staff
        .gql(
            "{ businesses(first: 5, filter: { status: [DELETED] }) { edges { node { slug status deletedAt deletionReason restorableUntil } } }
               suspended: businesses(first: 5, filter: { status: [SUSPENDED] }) { edges { node { slug } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        *data(&listed),
        json!({ "businesses": { "edges": [{ "node": { "slug": "acme", "status": "DELETED", "deletedAt": "2026-06-10T17:00:00+00:00",
                "deletionReason": "They have closed.", "restorableUntil": "2026-07-10T17:00:00+00:00" } }] },
            "suspended": { "edges": [] } })
    );

    // Nobody comes in but the platform's staff, to read; debtors' words are still recorded.
    let login = "mutation { login(input: { email: \"agent@acme.example\", password: \"correct horse battery staple\" }) {
        mfaChallenge { token } userErrors { code } } }";
    let refused = app.anonymous().gql(login, json!({})).await;
    assert_eq!(user_errors(&data(&refused)["login"]), ["SUSPENDED"]);
    let (_, visitor) = stay_of_platform(&app, &json!(acme), "After the end").await;
    let seen = visitor
        .gql(
            "{ accounts(first: 1) { edges { node { accountNumber } } } }",
            json!({}),
        )
        .await;
    assert_eq!(data(&seen)["accounts"]["edges"].as_array().unwrap().len(), 1);
    assert_eq!(app.text(&app.acme, &app.acme.debtor_number(1), "STOP").await, 200);

    // Within the grace it comes back as it was: suspended.
    app.advance(TimeDelta::days(29)).await;
    assert_eq!(status(&act("restoreBusiness").await).await, "SUSPENDED");
    assert_eq!(status(&act("reactivateBusiness").await).await, "ACTIVE");
    assert!(app.acme.agent().await.access_token.is_some(), "and goes on");

    // After it, it stays: closed, and all there.
    act("suspendBusiness").await;
    act("deleteBusiness").await;
    app.advance(TimeDelta::days(30) + TimeDelta::seconds(1)).await;
    let late = act("restoreBusiness").await;
    assert_eq!(user_errors(&late), ["CONFLICT"], "{late}");
    let (_, visitor) = stay_of_platform(&app, &json!(acme), "Long after the end").await;
    let trail = visitor
        .gql(
            "{ auditEvents(first: 20, filter: { actionPrefix: \"business.\" }) { edges { node { action } } } }",
            json!({}),
        )
        .await;
    let acts: Vec<&str> = data(&trail)["auditEvents"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|edge| edge["node"]["action"].as_str())
        .collect();
    assert_eq!(
        acts,
        [
            "business.deleted",
            "business.suspended",
            "business.reactivated",
            "business.restored",
            "business.deleted",
            "business.suspended"
        ]
    );
    app.run_jobs().await;
    app.finish().await;
}
