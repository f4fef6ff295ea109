//! Staff join by invitation: a link that is good once, for seven days, whoever the person was before.

use chrono::TimeDelta;
use funnelchat::cli::seed::DEMO_PASSWORD;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::{accept, complete, invite, invite_as, link_token, log_in, open_invitations};
use crate::support::{TestApp, code_of, data, error_code, totp_code, user_errors};

const NEWCOMER: &str = "newcomer@acme.example";
const PASSWORD: &str = "seven purple elephants dance";

/// Enrols a second factor and signs in; the session's viewer.
async fn enrol(app: &TestApp, entered: &Value) -> Value {
    let client = app.anonymous();
    let token = &entered["mfaEnrollment"]["token"];
    let begun = client
        .gql(
            "mutation($t: String!) { beginMfaEnrollment(input: { token: $t }) { secret userErrors { message } } }",
            json!({ "t": token }),
        )
        .await;
    let secret = data(&begun)["beginMfaEnrollment"]["secret"]
        .as_str()
        .unwrap_or_else(|| panic!("{begun} {entered}"))
        .to_owned();
    let confirmed = client
        .gql(
            "mutation($t: String!, $c: String!) { confirmMfaEnrollment(input: { token: $t, code: $c }) {
               session { accessToken viewer { role user { id name email status lastActiveAt } business { name }
                 memberships { businessName role } } } userErrors { message } } }",
            json!({ "t": token, "c": code_of(&secret, &app.wall) }),
        )
        .await;
    data(&confirmed)["confirmMfaEnrollment"]["session"]["viewer"].clone()
}

#[tokio::test]
async fn from_the_invitation_to_the_first_session() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let invited = invite(&admin, NEWCOMER, "MANAGER").await;
    let invitation = &invited["invitation"];
    assert_eq!(user_errors(&invited), [""; 0]);
    assert_eq!(
        (
            &invitation["email"],
            &invitation["status"],
            &invitation["invitedBy"]["name"]
        ),
        (&json!(NEWCOMER), &json!("OPEN"), &json!("Admin of Acme Recovery"))
    );
    app.run_jobs().await;
    let mails = app.sandbox.state().mails_to(NEWCOMER);
    assert_eq!(mails[0].subject, "You are invited to funnelchat");
    assert!(
        mails[0]
            .text
            .as_ref()
            .unwrap()
            .contains("Acme Recovery invites you")
    );
    let token = link_token(&app, NEWCOMER);

    // The password is asked for by name, and must be one.
    for (password, code) in [
        (json!(null), "INVALID_INPUT"),
        (json!("short"), "INVALID_INPUT"),
        (json!(NEWCOMER), "INVALID_INPUT"),
    ] {
        let refused = accept(&app, &token, &password).await;
        assert_eq!(user_errors(&refused), [code]);
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", "password"]));
    }
    let entered = accept(&app, &token, &json!(PASSWORD)).await;
    assert!(
        entered["session"].is_null() && entered["mfaChallenge"].is_null(),
        "no session before the second factor: {entered}"
    );
    let viewer = enrol(&app, &entered).await;
    assert_eq!(
        (
            &viewer["role"],
            &viewer["user"]["name"],
            &viewer["user"]["email"],
            &viewer["business"]["name"]
        ),
        (
            &json!("MANAGER"),
            &json!("Newcomer"),
            &json!(NEWCOMER),
            &json!("Acme Recovery")
        )
    );
    assert!(viewer["user"]["lastActiveAt"].is_string());
    assert_eq!(
        viewer["memberships"],
        json!([{ "businessName": "Acme Recovery", "role": "MANAGER" }])
    );
    let again = log_in(&app.anonymous(), NEWCOMER, PASSWORD).await;
    assert!(
        again["mfaChallenge"]["token"].is_string(),
        "the password is theirs: {again}"
    );

    app.run_jobs().await;
    let subjects: Vec<String> = app
        .sandbox
        .state()
        .mails_to(NEWCOMER)
        .into_iter()
        .map(|mail| mail.subject)
        .collect();
    assert_eq!(
        subjects,
        ["You are invited to funnelchat", "Welcome to funnelchat"]
    );
    let used = accept(&app, &token, &json!(PASSWORD)).await;
    assert_eq!(user_errors(&used), ["BAD_CREDENTIALS"], "a link is good once");
    assert_eq!(open_invitations(&admin).await, json!([]));
    for (action, times) in [("invitation.created", 1), ("invitation.accepted", 1)] {
        assert_eq!(app.audited(action).await, times, "{action}");
    }
    let member = invite(&admin, NEWCOMER, "AGENT").await;
    assert_eq!(
        user_errors(&member),
        ["CONFLICT"],
        "a member is not invited again"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_person_of_another_business_keeps_their_log_in_and_gains_a_membership() {
    let app = TestApp::start().await;
    let globex = app.globex.sign_in("admin").await;
    let address = "agent@acme.example";
    invite(&globex, "Agent@ACME.example", "COMPLIANCE_OFFICER").await;
    app.run_jobs().await;
    let token = link_token(&app, address);

    for password in [json!(null), json!("a password of my own")] {
        let refused = accept(&app, &token, &password).await;
        assert_eq!(user_errors(&refused), ["BAD_CREDENTIALS"]);
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", "password"]),
            "nobody's password is replaced"
        );
    }
    let entered = accept(&app, &token, &json!(DEMO_PASSWORD)).await;
    assert!(entered["session"].is_null() && entered["mfaEnrollment"].is_null());
    let done = complete(
        &app.anonymous(),
        &entered["mfaChallenge"]["token"],
        &totp_code(&app.wall),
    )
    .await;
    let viewer = &done["session"]["viewer"];
    assert_eq!(
        (&viewer["role"], &viewer["business"]["name"]),
        (&json!("COMPLIANCE_OFFICER"), &json!("Globex Health")),
        "into the business that they have just joined"
    );
    let here = globex
        .gql(
            "query($e: String) { users(filter: { search: $e }, first: 5) { edges { node { email role } } } }",
            json!({ "e": address }),
        )
        .await;
    assert_eq!(
        data(&here)["users"]["edges"],
        json!([{ "node": { "email": address, "role": "COMPLIANCE_OFFICER" } }])
    );
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn guessing_the_password_behind_a_link_locks_as_a_log_in_does() {
    let app = TestApp::start_with(crate::support::Options {
        settings: vec![("RATE_LIMIT_LOGIN_FAILURES_PER_IP", "1000".to_owned())],
        ..Default::default()
    })
    .await;
    let globex = app.globex.sign_in("admin").await;
    invite(&globex, "agent@acme.example", "AGENT").await;
    app.run_jobs().await;
    let token = link_token(&app, "agent@acme.example");
    for _ in 0..5 {
        let refused = accept(&app, &token, &json!("a guess")).await;
        assert_eq!(user_errors(&refused), ["BAD_CREDENTIALS"]);
    }
    let locked = accept(&app, &token, &json!(DEMO_PASSWORD)).await;
    assert_eq!(user_errors(&locked), ["LOCKED"]);
    let locked = log_in(&app.anonymous(), "agent@acme.example", DEMO_PASSWORD).await;
    assert_eq!(user_errors(&locked), ["LOCKED"], "it is one count");
    // Five failures in an hour are told to the person.
    app.run_jobs().await;
    let told = app.sandbox.state().mails_to("agent@acme.example").pop().unwrap();
    assert_eq!(told.subject, "Somebody cannot sign in as you");
    app.finish().await;
}

#[tokio::test]
async fn a_link_that_is_not_good_gets_one_answer() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let invited = invite(&admin, NEWCOMER, "AGENT").await;
    app.run_jobs().await;
    let first = link_token(&app, NEWCOMER);
    // Renewed: one row, another link, another role.
    let renewed = invite(&admin, "Newcomer@acme.example", "MANAGER").await;
    assert_eq!(renewed["invitation"]["id"], invited["invitation"]["id"]);
    assert_eq!(renewed["invitation"]["role"], "MANAGER");
    app.run_jobs().await;
    let second = link_token(&app, NEWCOMER);
    let forged = format!("{}x", &second[..second.len() - 1]);
    let revoke = json!({ "i": { "id": invited["invitation"]["id"] } });
    const REVOKE: &str = "mutation($i: RevokeInvitationInput!) { revokeInvitation(input: $i) {
        invitation { status } userErrors { code field } } }";

    let mut answers = Vec::new();
    for token in [first.as_str(), &forged, "", "nonsense"] {
        answers.push(accept(&app, token, &json!(PASSWORD)).await);
    }
    // Eight days on it has expired; renewing makes it good again for seven.
    app.advance(TimeDelta::days(8)).await;
    let admin = app.acme.sign_in("admin").await;
    assert_eq!(open_invitations(&admin).await, json!([]));
    answers.push(accept(&app, &second, &json!(PASSWORD)).await);
    let renewed = invite(&admin, NEWCOMER, "AGENT").await;
    assert_eq!(renewed["invitation"]["id"], invited["invitation"]["id"]);
    app.run_jobs().await;
    let third = link_token(&app, NEWCOMER);
    let revoked = admin.gql(REVOKE, revoke.clone()).await;
    assert_eq!(
        data(&revoked)["revokeInvitation"]["invitation"]["status"],
        "REVOKED"
    );
    answers.push(accept(&app, &third, &json!(PASSWORD)).await);
    for answer in &answers {
        assert_eq!(user_errors(answer), ["BAD_CREDENTIALS"], "{answer}");
        assert_eq!(answer, &answers[0], "nobody learns what was wrong with it");
    }
    let again = admin.gql(REVOKE, revoke).await;
    assert_eq!(user_errors(&data(&again)["revokeInvitation"]), ["CONFLICT"]);
    for (action, times) in [
        ("invitation.created", 1),
        ("invitation.renewed", 2),
        ("invitation.revoked", 1),
        ("invitation.accepted", 0),
    ] {
        assert_eq!(app.audited(action).await, times, "{action}");
    }
    app.finish().await;
}

#[tokio::test]
async fn of_two_who_accept_at_once_one_is_in() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    invite(&acme, NEWCOMER, "AGENT").await;
    app.run_jobs().await;
    let token = link_token(&app, NEWCOMER);
    let password = json!(PASSWORD);
    let (one, other) = tokio::join!(accept(&app, &token, &password), accept(&app, &token, &password));
    let mut errors = [user_errors(&one), user_errors(&other)];
    errors.sort();
    assert!(errors[0].is_empty(), "{one} {other}");
    assert!(
        ["BAD_CREDENTIALS", "CONFLICT"].contains(&errors[1][0]),
        "{one} {other}"
    );
    let mut superuser = app.superuser().await;
    let members: i64 = superuser
        .fetch_one("SELECT count(*) FROM users WHERE name = 'Newcomer'")
        .await
        .unwrap()
        .get(0);
    assert_eq!(members, 1);

    // Two businesses invite a stranger, who opens both links at once: one identity, and the second link stays good.
    let stranger = "stranger@else.example";
    invite(&acme, stranger, "AGENT").await;
    app.run_jobs().await;
    let first = link_token(&app, stranger);
    invite(&globex, stranger, "AGENT").await;
    app.run_jobs().await;
    let second = link_token(&app, stranger);
    let (one, other) = tokio::join!(accept(&app, &first, &password), accept(&app, &second, &password));
    let late = if user_errors(&one).is_empty() {
        second
    } else {
        first
    };
    for answer in [one, other] {
        let codes = user_errors(&answer);
        assert!(codes.is_empty() || codes == ["CONFLICT"], "{answer}");
    }
    let retried = accept(&app, &late, &password).await;
    assert!(
        user_errors(&retried).is_empty() || user_errors(&retried) == ["BAD_CREDENTIALS"],
        "with the password of the first, or it is in already: {retried}"
    );
    let memberships: i64 = superuser
        .fetch_one(
            "SELECT count(*) FROM users u JOIN identities i ON i.id = u.identity_id WHERE u.name = 'Stranger'",
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(memberships, 2);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_who_registered_with_the_address_before_keeps_nothing() {
    let app = TestApp::start().await;
    let strangers_password = "the password of a stranger";
    app.anonymous()
        .gql(
            "mutation($p: String!, $e: EmailAddress!) { registerBusiness(input: { businessName: \"Trap\", name: \"Trapper\",
               businessRole: THIRD_PARTY_COLLECTOR, email: $e, password: $p }) { accepted } }",
            json!({ "p": strangers_password, "e": NEWCOMER }),
        )
        .await;
    app.run_jobs().await;
    let admin = app.acme.sign_in("admin").await;
    invite(&admin, NEWCOMER, "AGENT").await;
    app.run_jobs().await;
    let entered = accept(&app, &link_token(&app, NEWCOMER), &json!(PASSWORD)).await;
    let viewer = enrol(&app, &entered).await;
    assert_eq!(viewer["business"]["name"], "Acme Recovery");
    assert_eq!(
        viewer["memberships"].as_array().unwrap().len(),
        1,
        "the business of the stranger is forgotten: {viewer}"
    );
    let mail = app.sandbox.state().mails_to(NEWCOMER).remove(0).text.unwrap();
    let (_, link) = mail
        .split_once("/verify-email?token=")
        .expect("the stranger's link");
    let followed = app
        .anonymous()
        .gql(
            "mutation($t: String!, $p: String!) { verifyEmail(input: { token: $t, password: $p }) {
               verified userErrors { field } } }",
            json!({ "t": link.split_whitespace().next(), "p": strangers_password }),
        )
        .await;
    assert_eq!(
        data(&followed)["verifyEmail"],
        json!({ "verified": false, "userErrors": [{ "field": ["input", "token"] }] })
    );
    let trapped = log_in(&app.anonymous(), NEWCOMER, strangers_password).await;
    assert_eq!(user_errors(&trapped), ["BAD_CREDENTIALS"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_manager_invites_agents_only_and_nobody_is_pestered() {
    let app = TestApp::start().await;
    let (admin, manager) = (app.acme.sign_in("admin").await, app.acme.sign_in("manager").await);
    for role in ["MANAGER", "COMPLIANCE_OFFICER", "BUSINESS_ADMIN"] {
        let answer = invite_as(&manager, NEWCOMER, role).await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{role}: {answer}");
    }
    let invited = invite(&admin, NEWCOMER, "BUSINESS_ADMIN").await;
    let id = &invited["invitation"]["id"];
    let renewed = invite_as(&manager, NEWCOMER, "AGENT").await;
    assert_eq!(error_code(&renewed), "FORBIDDEN", "nor takes another's place");
    let revoked = manager
        .gql(
            "mutation($id: ID!) { revokeInvitation(input: { id: $id }) { userErrors { code } } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(error_code(&revoked), "FORBIDDEN");
    let fine = invite(&manager, "fresh@acme.example", "AGENT").await;
    assert_eq!(user_errors(&fine), [""; 0]);
    let wrong = invite(&admin, "nobody", "AGENT").await;
    assert_eq!(wrong["userErrors"][0]["field"], json!(["input", "email"]));

    for _ in 0..2 {
        let again = invite(&admin, NEWCOMER, "AGENT").await;
        assert_eq!(user_errors(&again), [""; 0]);
    }
    let fourth = invite(&admin, NEWCOMER, "AGENT").await;
    assert_eq!(user_errors(&fourth), ["QUOTA_EXCEEDED"]);
    app.run_jobs().await;
    app.wall.advance(TimeDelta::minutes(75));
    let admin = app.acme.sign_in("admin").await;
    let later = invite(&admin, NEWCOMER, "AGENT").await;
    assert_eq!(user_errors(&later), [""; 0]);
    app.run_jobs().await;

    // The address stands nowhere in clear, and of the token only the hash.
    let token = link_token(&app, NEWCOMER);
    let mut superuser = app.superuser().await;
    for text in [NEWCOMER, token.as_str()] {
        let found: i64 =
            sqlx::query_scalar("SELECT count(*) FROM invitations i WHERE strpos(i::text, $1) > 0")
                .bind(text)
                .fetch_one(&mut superuser)
                .await
                .unwrap();
        assert_eq!(found, 0);
    }
    app.finish().await;
}
