//! Who is in a business, as what: lists, new roles, and doors that close at once.

use serde_json::{Value, json};

use super::{log_in, refresh};
use crate::support::{Client, TestApp, data, error_code, user_errors};
use funnelchat::cli::seed::DEMO_PASSWORD;

const UPDATE: &str = "mutation($i: UpdateUserInput!) { updateUser(input: $i) {
  user { name role status } userErrors { code field message } } }";

async fn staff(client: &Client, filter: Value) -> Vec<Value> {
    let answer = client
        .gql(
            "query($f: UserFilter) { users(filter: $f, first: 100) { edges { node {
               id name role status email createdAt lastActiveAt } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["users"]["edges"].as_array().unwrap().clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

async fn id_of(client: &Client, role: &str) -> Value {
    staff(client, json!({ "role": [role] })).await[0]["id"].clone()
}

async fn update(client: &Client, input: Value) -> Value {
    let answer = client.gql(UPDATE, json!({ "i": input })).await;
    data(&answer)["updateUser"].clone()
}

async fn may_act(client: &Client) -> bool {
    let answer = client.gql("{ viewer { role } }", json!({})).await;
    answer.get("errors").is_none() || {
        assert_eq!(error_code(&answer), "UNAUTHENTICATED");
        false
    }
}

#[tokio::test]
async fn the_staff_is_listed_and_addresses_are_for_those_who_look_after_it() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let all = staff(&admin, json!(null)).await;
    let roles: Vec<&str> = all.iter().filter_map(|user| user["role"].as_str()).collect();
    assert_eq!(
        roles,
        ["BUSINESS_ADMIN", "MANAGER", "AGENT", "COMPLIANCE_OFFICER"],
        "who joined first comes first, and nobody of another business"
    );
    assert_eq!(all[0]["email"], "admin@acme.example");
    assert!(all[0]["lastActiveAt"].is_string() && all[2]["lastActiveAt"].is_null());
    let one = |filter: Value| {
        let admin = admin.clone();
        async move {
            let found = staff(&admin, filter).await;
            found
                .iter()
                .filter_map(|user| user["name"].as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(
        one(json!({ "role": ["AGENT", "MANAGER"] })).await,
        ["Manager of Acme Recovery", "Agent of Acme Recovery"]
    );
    assert_eq!(
        one(json!({ "search": "MANAG" })).await,
        ["Manager of Acme Recovery"]
    );
    assert_eq!(
        one(json!({ "search": "Agent@acme.example" })).await,
        ["Agent of Acme Recovery"]
    );
    assert_eq!(one(json!({ "search": "agent@globex.example" })).await, [""; 0]);
    assert_eq!(one(json!({ "status": ["SUSPENDED"] })).await, [""; 0]);

    // Page by page, there and back.
    let page = "query($a: String, $b: String, $f: Int, $l: Int) { users(first: $f, after: $a, last: $l, before: $b) {
        edges { node { role } } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } }";
    let first = admin.gql(page, json!({ "f": 3 })).await;
    let first = &data(&first)["users"];
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let second = admin
        .gql(page, json!({ "f": 3, "a": first["pageInfo"]["endCursor"] }))
        .await;
    let second = &data(&second)["users"];
    assert_eq!(
        second["edges"],
        json!([{ "node": { "role": "COMPLIANCE_OFFICER" } }])
    );
    let back = admin
        .gql(page, json!({ "l": 2, "b": second["pageInfo"]["startCursor"] }))
        .await;
    assert_eq!(
        data(&back)["users"]["edges"],
        json!([{ "node": { "role": "MANAGER" } }, { "node": { "role": "AGENT" } }])
    );

    let agent = app.acme.agent().await;
    let seen = staff(&agent, json!(null)).await;
    for user in &seen {
        let is_own = user["role"] == "AGENT";
        assert_eq!(user["email"].is_string(), is_own, "{user}");
        assert_eq!(user["lastActiveAt"].is_string(), is_own, "{user}");
    }
    assert!(
        staff(&agent, json!({ "search": "admin@acme.example" }))
            .await
            .is_empty(),
        "nor does the search tell whose address it is"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_deactivated_member_is_out_at_once_and_comes_back_when_reactivated() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let elsewhere = app.globex.agent().await;
    let id = id_of(&admin, "AGENT").await;
    let mut socket = agent.socket().await;
    let half_way = log_in(&app.anonymous(), "agent@acme.example", DEMO_PASSWORD).await;
    assert!(half_way["mfaChallenge"]["token"].is_string());

    for (status, says) in [("SUSPENDED", "suspended"), ("INACTIVE", "deactivated")] {
        let changed = update(&admin, json!({ "id": id, "status": status })).await;
        assert_eq!(changed["user"]["status"], status, "{changed}");
        assert!(!may_act(&agent).await, "the access token ends at once");
        let refused = refresh(&app.anonymous(), &json!(agent.refresh_token)).await;
        assert_eq!(user_errors(&refused), ["BAD_CREDENTIALS"]);
        let refused = log_in(&app.anonymous(), "agent@acme.example", DEMO_PASSWORD).await;
        assert_eq!(user_errors(&refused), ["SUSPENDED"]);
        let message = refused["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
    }
    assert_eq!(socket.close_code().await, 4401);
    let late = super::complete(
        &app.anonymous(),
        &half_way["mfaChallenge"]["token"],
        &crate::support::totp_code(&app.wall),
    )
    .await;
    assert_eq!(
        user_errors(&late),
        ["SUSPENDED"],
        "a log-in that had begun ends too"
    );
    assert!(may_act(&elsewhere).await && may_act(&admin).await);
    let account = app.account_id(&app.acme, 0).await;
    let thread = app.thread_with(&admin, &app.acme, 1).await;
    let given = admin
        .gql(
            "mutation($account: ID!, $user: ID!) {
               assignAccounts(input: { accountIds: [$account], agentId: $user }) { userErrors { code } } }",
            json!({ "account": account, "user": id }),
        )
        .await;
    assert_eq!(user_errors(&given["data"]["assignAccounts"]), ["NOT_FOUND"]);
    let given = admin
        .gql(
            "mutation($thread: ID!, $user: ID!) {
               assignConversation(input: { conversationId: $thread, userId: $user }) { userErrors { code } } }",
            json!({ "thread": thread, "user": id }),
        )
        .await;
    assert_eq!(
        user_errors(&given["data"]["assignConversation"]),
        ["NOT_FOUND"],
        "nor are they given work"
    );

    let back = update(&admin, json!({ "id": id, "status": "ACTIVE" })).await;
    assert_eq!(back["user"]["status"], "ACTIVE");
    assert!(!may_act(&agent).await, "the old session stays ended");
    assert!(may_act(&app.acme.agent().await).await);
    assert_eq!(app.audited("user.updated").await, 3);
    app.finish().await;
}

#[tokio::test]
async fn a_new_role_counts_at_once_and_a_new_name_ends_nothing() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let id = id_of(&admin, "AGENT").await;
    let renamed = update(&admin, json!({ "id": id, "name": "  Jo Field " })).await;
    assert_eq!(renamed["user"]["name"], "Jo Field");
    let same = update(&admin, json!({ "id": id, "role": "AGENT", "status": "ACTIVE" })).await;
    assert_eq!(user_errors(&same), [""; 0]);
    assert!(may_act(&agent).await);
    assert_eq!(
        app.audited("user.updated").await,
        1,
        "nothing changed, nothing to record"
    );
    let refused = update(&admin, json!({ "id": id, "name": " " })).await;
    assert_eq!(refused["userErrors"][0]["field"], json!(["input", "name"]));

    update(&admin, json!({ "id": id, "role": "MANAGER" })).await;
    assert!(!may_act(&agent).await);
    let viewer = app.acme.agent().await.gql("{ viewer { role } }", json!({})).await;
    assert_eq!(data(&viewer)["viewer"]["role"], "MANAGER");
    app.finish().await;
}

#[tokio::test]
async fn nobody_changes_themselves_and_a_manager_changes_agents_only() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.acme.sign_in("admin").await, app.acme.sign_in("manager").await);
    let own = id_of(&admin, "BUSINESS_ADMIN").await;
    for (change, field) in [
        (json!({ "role": "AGENT" }), "role"),
        (json!({ "status": "INACTIVE" }), "status"),
    ] {
        let mut input = change;
        input["id"] = own.clone();
        let refused = update(&admin, input).await;
        assert_eq!(user_errors(&refused), ["CONFLICT"]);
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", field]));
    }
    let renamed = update(&admin, json!({ "id": own, "name": "Chief" })).await;
    assert_eq!(renamed["user"]["name"], "Chief");
    let (agent, compliance) = (
        id_of(&admin, "AGENT").await,
        id_of(&admin, "COMPLIANCE_OFFICER").await,
    );
    for input in [
        json!({ "id": own, "status": "SUSPENDED" }),
        json!({ "id": compliance, "name": "Else" }),
        json!({ "id": agent, "role": "MANAGER" }),
        json!({ "id": agent, "role": "BUSINESS_ADMIN" }),
    ] {
        let answer = manager.gql(UPDATE, json!({ "i": input })).await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{input}: {answer}");
    }
    let suspended = update(&manager, json!({ "id": agent, "status": "SUSPENDED" })).await;
    assert_eq!(suspended["user"]["status"], "SUSPENDED");
    app.finish().await;
}

#[tokio::test]
async fn the_sessions_of_a_member_who_lost_a_device_end_and_nothing_else_changes() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.acme.sign_in("admin").await, app.acme.sign_in("manager").await);
    let (lost, other) = (
        app.acme.sign_in("agent").await,
        app.acme.sign_in("compliance").await,
    );
    let own = id_of(&admin, "BUSINESS_ADMIN").await;
    let above = manager
        .gql(UPDATE, json!({ "i": { "id": own, "endSessions": true } }))
        .await;
    assert_eq!(error_code(&above), "FORBIDDEN", "{above}");
    let agent = id_of(&admin, "AGENT").await;
    let unasked = update(&manager, json!({ "id": agent, "endSessions": false })).await;
    assert_eq!(user_errors(&unasked), [""; 0]);
    assert!(may_act(&lost).await);
    let ended = update(&manager, json!({ "id": agent, "endSessions": true })).await;
    assert_eq!(ended["user"]["status"], "ACTIVE", "{ended}");
    assert!(!may_act(&lost).await);
    assert!(may_act(&other).await && may_act(&admin).await);
    assert!(
        may_act(&app.acme.sign_in("agent").await).await,
        "they sign in again"
    );
    assert_eq!(app.audited("user.updated").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn two_administrators_who_demote_each_other_leave_one() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let (first, second) = (
        id_of(&admin, "BUSINESS_ADMIN").await,
        id_of(&admin, "MANAGER").await,
    );
    for _ in 0..3 {
        let made = update(&admin, json!({ "id": second, "role": "BUSINESS_ADMIN" })).await;
        assert_eq!(user_errors(&made), [""; 0]);
        let other = app.acme.sign_in("manager").await;
        let demote = |id: &Value| json!({ "i": { "id": id, "role": "AGENT" } });
        let (one, two) = tokio::join!(
            admin.gql(UPDATE, demote(&second)),
            other.gql(UPDATE, demote(&first))
        );
        let worked = |answer: &Value| answer["data"]["updateUser"]["user"].is_object();
        assert!(worked(&one) != worked(&two), "one of them: {one} {two}");
        let survivors = if worked(&one) {
            admin.clone()
        } else {
            // The other way round: make the first the administrator again.
            let made = update(&other, json!({ "id": first, "role": "BUSINESS_ADMIN" })).await;
            assert_eq!(user_errors(&made), [""; 0]);
            return app.finish().await;
        };
        let left = staff(&survivors, json!({ "role": ["BUSINESS_ADMIN"] })).await;
        assert_eq!(left.len(), 1, "{left:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_member_who_is_signing_in_is_not_forgotten() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let id = id_of(&admin, "AGENT").await;
    for _ in 0..5 {
        let entered = log_in(&app.anonymous(), "agent@acme.example", DEMO_PASSWORD).await;
        let (client, code) = (app.anonymous(), crate::support::totp_code(&app.wall));
        let (completed, suspended) = tokio::join!(
            super::complete(&client, &entered["mfaChallenge"]["token"], &code),
            update(&admin, json!({ "id": id, "status": "SUSPENDED" }))
        );
        assert_eq!(suspended["user"]["status"], "SUSPENDED");
        let mut newcomer = app.anonymous();
        newcomer.access_token = completed["session"]["accessToken"].as_str().map(str::to_owned);
        assert!(
            newcomer.access_token.is_none() || !may_act(&newcomer).await,
            "no session outlives the suspension: {completed}"
        );
        update(&admin, json!({ "id": id, "status": "ACTIVE" })).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_member_can_be_given_fewer_permissions_than_their_role_and_never_more() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let id = id_of(&admin, "AGENT").await;
    for wrong in ["audit:read", "user:manage", "nothing:known", ""] {
        let refused = update(
            &admin,
            json!({ "id": id, "permissions": ["account:read", wrong] }),
        )
        .await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT"], "{wrong}");
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", "permissions"]));
    }
    assert!(may_act(&agent).await);
    let few = ["account:read", "conversation:read", "user:read"];
    let given = [few[1], few[0], few[2], few[0]];
    let bound = update(&admin, json!({ "id": id, "permissions": given })).await;
    assert_eq!(user_errors(&bound), [""; 0]);
    assert!(!may_act(&agent).await, "it counts at once");

    const MINE: &str = "{ viewer { permissions user { permissions } } }";
    let agent = app.acme.agent().await;
    let account = app.account_id(&app.acme, 0).await;
    let start = "mutation($a: ID!) { startConversation(input: { accountId: $a, channel: SMS }) { userErrors { code } } }";
    let renewed = refresh(&app.anonymous(), &json!(agent.refresh_token)).await;
    let mut later = app.anonymous();
    later.access_token = renewed["session"]["accessToken"].as_str().map(str::to_owned);
    for client in [&agent, &later] {
        let mine = client.gql(MINE, json!({})).await;
        assert_eq!(data(&mine)["viewer"]["permissions"], json!(few));
        assert_eq!(data(&mine)["viewer"]["user"]["permissions"], json!(few));
        let refused = client.gql(start, json!({ "a": account })).await;
        assert_eq!(error_code(&refused), "FORBIDDEN");
    }

    // Null gives the role back; a new role comes whole.
    let back = update(&admin, json!({ "id": id, "permissions": null })).await;
    assert_eq!(user_errors(&back), [""; 0]);
    let agent = app.acme.agent().await;
    let started = agent.gql(start, json!({ "a": account })).await;
    assert_eq!(user_errors(&data(&started)["startConversation"]), [""; 0]);
    update(&admin, json!({ "id": id, "permissions": [] })).await;
    update(&admin, json!({ "id": id, "role": "MANAGER" })).await;
    let mine = app.acme.agent().await.gql(MINE, json!({})).await;
    assert!(
        mine.to_string().contains("conversation:assign_any"),
        "no trace of the old role: {mine}"
    );

    // An administrator who may not manage the staff is not the one that must remain.
    let manager = id_of(&admin, "MANAGER").await;
    update(
        &admin,
        json!({ "id": manager, "role": "BUSINESS_ADMIN", "permissions": ["user:read", "user:manage"] }),
    )
    .await;
    let half = app.acme.sign_in("manager").await;
    let own = admin.gql("{ viewer { user { id } } }", json!({})).await;
    let own = &data(&own)["viewer"]["user"]["id"];
    let answer = half
        .gql(UPDATE, json!({ "i": { "id": own, "status": "INACTIVE" } }))
        .await;
    assert_eq!(error_code(&answer), "FORBIDDEN", "{answer}");
    let refused = update(&admin, json!({ "id": own, "permissions": ["user:read"] })).await;
    assert_eq!(user_errors(&refused), ["CONFLICT"]);
    // Nor does who has less than their role make others who have more.
    let all_of_the_staff = json!(["user:read", "user:manage", "user:manage_any"]);
    update(&admin, json!({ "id": manager, "permissions": all_of_the_staff })).await;
    let half = app.acme.sign_in("manager").await;
    let answer = half
        .gql(
            "mutation { inviteUser(input: { email: \"second@self.example\", name: \"Second\", role: BUSINESS_ADMIN }) {
               invitation { id } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&answer), "FORBIDDEN", "{answer}");
    app.finish().await;
}
