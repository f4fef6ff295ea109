//! The platform's staff inside a business: to read, for a while, for a reason, and seen by the business.

use chrono::TimeDelta;
use funnelchat::{
    access::{
        AccessTable, Role,
        operations::{Needs, needs},
    },
    cli::seed::DEMO_PASSWORD,
    platform::ids::{IdKind, encode},
};
use serde_json::{Value, json};

use super::only_error;
use crate::support::{
    Client, Problems, Schema, TestApp, data, error_code,
    recipes::{Ids, plain_arguments, stay_of_platform},
    user_errors,
};

async fn open(staff: &Client, input: Value) -> Value {
    let answer = staff
        .gql(
            "mutation($i: BreakGlassInput!) { breakGlass(input: $i) {
               breakGlassSessionId accessToken accessTokenExpiresAt userErrors { code field message } } }",
            json!({ "i": input }),
        )
        .await;
    data(&answer)["breakGlass"].clone()
}

const END: &str = "mutation($id: ID!) { endBreakGlass(input: { id: $id }) {
  breakGlassSession { endedAt endedBy { name } } userErrors { code } } }";

async fn end(client: &Client, id: &str) -> Value {
    let answer = client.gql(END, json!({ "id": id })).await;
    data(&answer)["endBreakGlass"].clone()
}

#[tokio::test]
async fn a_stay_reads_what_the_matrix_says_and_changes_nothing() {
    let app = TestApp::start().await;
    let table = AccessTable::load().await.unwrap();
    let admin = app.acme.sign_in("admin").await;
    let schema = Schema::of(&admin).await;
    let ids = Ids::make(&app, &app.acme, &admin, "Visited", 91).await;
    let (stay, visitor) = stay_of_platform(&app, &json!(ids.get("biz")), "Visited").await;
    app.run_jobs().await;
    let mut problems = Problems::default();
    let mut read = 0;
    for (root, field) in schema.operations() {
        let Some(Needs::Permission(cell)) = needs(root, &field.name) else {
            continue;
        };
        if root == "Subscription" || field.name == "endBreakGlass" {
            continue;
        }
        let arguments = plain_arguments(&schema, field, &ids);
        let (document, variables) = schema.document(root, field, &arguments, 2);
        let answer = visitor.gql(&document, variables).await;
        let name = &field.name;
        if table.allows(Role::SuperAdmin, cell) {
            read += 1;
            let only_reads = root == "Query" || name == "markConversationRead";
            problems.check(only_reads, || format!("{name} changes something"));
            problems.check(answer.get("errors").is_none(), || {
                format!("{name} is allowed: {answer}")
            });
        } else {
            problems.check(error_code(&answer) == "FORBIDDEN", || {
                format!("{name} is denied: {answer}")
            });
        }
    }
    problems.none();
    assert!(read > 15, "{read}");
    for outside in [
        "{ businesses(first: 1) { edges { node { name } } } }",
        "{ systemHealth { migrationsPending } }",
    ] {
        assert_eq!(error_code(&visitor.gql(outside, json!({})).await), "FORBIDDEN");
    }
    let seen = visitor
        .gql("{ viewer { role user { name } business { slug } memberships { businessName } } sessions { id } }", json!({}))
        .await;
    assert_eq!(
        data(&seen),
        &json!({ "viewer": { "role": "SUPER_ADMIN", "user": null, "business": { "slug": "acme" }, "memberships": [] }, "sessions": [] })
    );

    // Another business is as far away as for anybody.
    let strangers = app.account_id(&app.globex, 0).await;
    let answer = visitor
        .gql(
            "query($id: ID!) { account(id: $id) { id } }",
            json!({ "id": strangers }),
        )
        .await;
    assert_eq!(error_code(&answer), "NOT_FOUND");

    // The business reads what was read, under the stay.
    let log = admin
        .gql(
            "query($s: ID!) { accessLog(first: 100, filter: { breakGlassSessionId: $s }) { edges { node { operation debtorIds user { name } } } } }",
            json!({ "s": stay }),
        )
        .await;
    let reads = data(&log)["accessLog"]["edges"].as_array().unwrap().clone();
    assert!(
        reads.iter().any(|edge| edge["node"]["operation"] == "account"),
        "{log}"
    );
    assert!(reads.iter().all(|edge| edge["node"]["user"].is_null()));
    app.finish().await;
}

#[tokio::test]
async fn the_business_hears_of_a_stay_and_ends_it() {
    let app = TestApp::start().await;
    let (staff, admin) = (app.super_admin().await, app.acme.sign_in("admin").await);
    let acme = encode(IdKind::Business, app.business_id(&app.acme).await);
    let reason = "Ticket 4711: the importer loses rows.";
    for (input, place) in [
        (
            json!({ "businessId": acme, "reason": "Just looking" }),
            "input.reason",
        ),
        (
            json!({ "businessId": acme, "reason": reason, "minutes": 61 }),
            "input.minutes",
        ),
        (
            json!({ "businessId": acme, "reason": reason, "minutes": 0 }),
            "input.minutes",
        ),
    ] {
        assert_eq!(only_error(&open(&staff, input).await).1, place);
    }
    let nobody = json!({ "businessId": "biz_01h455vb4pex5vsknk084sn02q", "reason": reason });
    assert_eq!(user_errors(&open(&staff, nobody).await), ["NOT_FOUND"]);
    let refused = admin
        .gql(
            "mutation($i: BreakGlassInput!) { breakGlass(input: $i) { accessToken } }",
            json!({ "i": { "businessId": acme, "reason": reason } }),
        )
        .await;
    assert_eq!(error_code(&refused), "FORBIDDEN");

    let opened = open(&staff, json!({ "businessId": acme, "reason": reason })).await;
    let id = opened["breakGlassSessionId"].as_str().unwrap();
    let mut visitor = staff.clone();
    visitor.access_token = opened["accessToken"].as_str().map(str::to_owned);
    let look = "{ accounts(first: 1) { edges { node { firstName } } } }";
    assert!(visitor.gql(look, json!({})).await["errors"].is_null());
    app.run_jobs().await;
    let mail = app
        .sandbox
        .state()
        .mails_to("admin@acme.example")
        .pop()
        .expect("a mail");
    assert!(mail.text.unwrap().contains("breakGlassSessions"));
    let seen = admin
        .gql("{ breakGlassSessions(first: 5) { edges { node { id operatorEmail reason startedAt expiresAt endedAt } } } }", json!({}))
        .await;
    let node = &data(&seen)["breakGlassSessions"]["edges"][0]["node"];
    assert_eq!((&node["id"], &node["reason"]), (&json!(id), &json!(reason)));
    assert_eq!(node["operatorEmail"], "super@funnelchat.example");
    assert!(node["endedAt"].is_null());

    // Neither who may not nor who is elsewhere ends it; an administrator does, and it counts at once.
    for login in ["manager", "agent", "compliance"] {
        let other = app.acme.sign_in(login).await;
        assert_eq!(
            error_code(&other.gql(END, json!({ "id": id })).await),
            "FORBIDDEN",
            "{login}"
        );
    }
    let stranger = app.globex.sign_in("admin").await;
    assert_eq!(user_errors(&end(&stranger, id).await), ["NOT_FOUND"]);
    let mut socket = visitor.socket().await;
    let ended = end(&admin, id).await;
    assert_eq!(
        ended["breakGlassSession"]["endedBy"]["name"],
        "Admin of Acme Recovery"
    );
    assert_eq!(socket.close_code().await, 4401);
    assert_eq!(error_code(&visitor.gql(look, json!({})).await), "UNAUTHENTICATED");
    assert_eq!(user_errors(&end(&admin, id).await), ["CONFLICT"]);
    // Also long after, when a shorter-lived token would have been forgotten.
    app.wall.advance(TimeDelta::minutes(29));
    assert_eq!(error_code(&visitor.gql(look, json!({})).await), "UNAUTHENTICATED");
    assert_eq!(app.audited("break_glass.opened").await, 1);
    assert_eq!(app.audited("break_glass.ended").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_stay_ends_by_itself_or_with_its_operator_and_is_nobody_elses() {
    let app = TestApp::start().await;
    let staff = app.super_admin().await;
    let acme = encode(IdKind::Business, app.business_id(&app.acme).await);
    let reason = "Ticket 4711: the importer loses rows.";
    let look = "{ accounts(first: 1) { edges { node { firstName } } } }";
    let mut visitors = Vec::new();
    for minutes in [5, 60] {
        let opened = open(
            &staff,
            json!({ "businessId": acme, "reason": reason, "minutes": minutes }),
        )
        .await;
        let mut visitor = staff.clone();
        visitor.access_token = opened["accessToken"].as_str().map(str::to_owned);
        visitors.push((
            visitor,
            opened["breakGlassSessionId"].as_str().unwrap().to_owned(),
        ));
    }
    let [(short, short_id), (long, long_id)] = visitors.as_slice() else {
        panic!("two");
    };
    // An operator ends their own stay, and not the other one by it.
    assert_eq!(user_errors(&end(long, short_id).await), ["NOT_FOUND"]);
    app.wall.advance(TimeDelta::minutes(6));
    assert_eq!(
        error_code(&short.gql(look, json!({})).await),
        "UNAUTHENTICATED",
        "over"
    );
    assert!(long.gql(look, json!({})).await["errors"].is_null());
    assert_eq!(end(long, long_id).await["userErrors"], json!([]));
    assert_eq!(error_code(&long.gql(look, json!({})).await), "UNAUTHENTICATED");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_stay_ends_with_its_operators_password_and_other_sessions() {
    let app = TestApp::start().await;
    let staff = app.super_admin().await;
    let business = json!(encode(IdKind::Business, app.business_id(&app.acme).await));
    let (_, first) = stay_of_platform(&app, &business, "Left behind").await;
    let (_, elsewhere) = stay_of_platform(
        &app,
        &json!(encode(IdKind::Business, app.business_id(&app.globex).await)),
        "Far away",
    )
    .await;
    let look = "{ business { slug } }";
    for visitor in [&first, &elsewhere] {
        assert!(visitor.gql(look, json!({})).await["errors"].is_null());
    }
    let others = staff
        .gql(
            "mutation { revokeOtherSessions { count userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(data(&others)["revokeOtherSessions"]["userErrors"], json!([]));
    for visitor in [&first, &elsewhere] {
        assert_eq!(error_code(&visitor.gql(look, json!({})).await), "UNAUTHENTICATED");
    }

    let (_, second) = stay_of_platform(&app, &business, "Left behind again").await;
    let mut socket = second.socket().await;
    let changed = staff
        .gql(
            "mutation($p: String!, $n: String!) { changePassword(input: { currentPassword: $p, newPassword: $n }) { userErrors { message } } }",
            json!({ "p": DEMO_PASSWORD, "n": "quite another long phrase" }),
        )
        .await;
    assert_eq!(
        data(&changed)["changePassword"]["userErrors"],
        json!([]),
        "{changed}"
    );
    assert_eq!(socket.close_code().await, 4401);
    assert_eq!(error_code(&second.gql(look, json!({})).await), "UNAUTHENTICATED");
    app.run_jobs().await;
    app.finish().await;
}
