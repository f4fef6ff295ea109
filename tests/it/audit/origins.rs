//! Each act says in which role and from where it was done, sealed and inside the chain; and failed log-ins of members stand
//! in their businesses' trails.

use funnelchat::{
    audit::verify::verify,
    cli::seed::DEMO_PASSWORD,
    platform::ids::{self, IdKind},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use super::chain::{chain, chains};
use crate::support::{Client, Options, TestApp, data, totp_code, user_errors};

const AGENT: &str = "agent@acme.example";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const ADDRESS: &str = "203.0.113.7";

/// Callers say where they are through a proxy that is believed.
async fn behind_a_proxy() -> TestApp {
    TestApp::start_with(Options {
        settings: vec![("TRUSTED_PROXIES", "127.0.0.1/32".to_owned())],
        ..Options::default()
    })
    .await
}

/// The newest rows of the trail that the filter lets through.
async fn trail(client: &Client, filter: Value) -> Vec<Value> {
    let answer = client
        .gql(
            "query($f: AuditFilter) { auditEvents(first: 50, filter: $f) { edges { node {
               action actorKind actorId actorRole address userAgent objectId requestId details } } } }",
            json!({ "f": filter }),
        )
        .await;
    let edges = data(&answer)["auditEvents"]["edges"].as_array().unwrap().clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

/// How often each action stands there.
fn count(rows: &[Value], action: &str) -> usize {
    rows.iter().filter(|row| row["action"] == action).count()
}

async fn are_whole(app: &TestApp) {
    let mut superuser = app.superuser().await;
    for (business, head) in chains(&mut superuser).await {
        let links = chain(&mut superuser, business).await;
        assert_eq!(verify(links), Ok(head), "the chain of {business:?}");
    }
}

#[tokio::test]
async fn an_act_says_in_which_role_and_from_where_and_the_database_does_not_tell() {
    let app = behind_a_proxy().await;
    let admin = app.acme.sign_in("admin").await;
    let agent = app
        .anonymous()
        .calling_from(ADDRESS)
        .signing_in(&app.wall, AGENT, DEMO_PASSWORD)
        .await;
    let account = app.account_id(&app.acme, 0).await;
    let noted = agent
        .gql_with(
            "mutation($a: ID!) { addAccountNote(input: { accountId: $a, text: \"Called.\" }) { userErrors { code } } }",
            json!({ "a": account }),
            &[("user-agent", FIREFOX)],
        )
        .await;
    assert_eq!(user_errors(&data(&noted)["addAccountNote"]), Vec::<&str>::new());
    let found = trail(&admin, json!({ "action": "note.added" })).await;
    let came = ["actorKind", "actorRole", "address", "userAgent"].map(|field| &found[0][field]);
    assert_eq!(came, ["USER", "AGENT", ADDRESS, FIREFOX], "{found:?}");
    let opened = trail(&admin, json!({ "action": "session.opened" })).await;
    assert_eq!(
        (&opened[0]["actorRole"], &opened[0]["address"]),
        (&json!("AGENT"), &json!(ADDRESS))
    );

    // A program acts in its own name; a debtor's address is not kept with what they do, nor is there one of a job.
    let made = admin
        .gql(
            "mutation { createApiKey(input: { name: \"Nightly\", scopes: [\"account:create\"] }) { secret } }",
            json!({}),
        )
        .await;
    let mut program = app.anonymous().calling_from(ADDRESS);
    program.access_token = data(&made)["createApiKey"]["secret"].as_str().map(str::to_owned);
    program
        .gql(
            "mutation { createAccount(input: { firstName: \"A\", lastName: \"B\", accountNumber: \"ORIGIN-1\",
               currentBalance: { amount: \"1.00\" } }) { userErrors { code } } }",
            json!({}),
        )
        .await;
    let created = trail(&admin, json!({ "action": "account.created" })).await;
    assert_eq!(
        (&created[0]["actorRole"], &created[0]["address"]),
        (&json!("SERVICE"), &json!(ADDRESS))
    );
    app.text(&app.acme, &app.acme.debtor_number(0), "STOP").await;
    let rows = trail(&admin, Value::Null).await;
    assert!(count(&rows, "message.added") > 0, "{rows:?}");
    for row in rows
        .iter()
        .filter(|row| ["SYSTEM", "DEBTOR"].contains(&row["actorKind"].as_str().unwrap()))
    {
        assert_eq!(
            (&row["address"], &row["userAgent"]),
            (&Value::Null, &Value::Null),
            "{row}"
        );
    }

    let mut superuser = app.superuser().await;
    for table in ["audit_events", "platform_audit_events"] {
        let (sealed, told): (i64, i64) = {
            let sql = format!(
                "SELECT count(origin_cipher), count(*) FILTER (WHERE strpos(t::text, '{ADDRESS}') > 0
                   OR strpos(t::text, encode('{ADDRESS}', 'hex')) > 0 OR strpos(t::text, encode('Firefox', 'hex')) > 0)
                 FROM {table} t"
            );
            let row = superuser.fetch_one(AssertSqlSafe(sql)).await.unwrap();
            (row.get(0), row.get(1))
        };
        assert!(
            sealed > 0 && told == 0,
            "{table}: {sealed} sealed, {told} in clear"
        );
    }
    are_whole(&app).await;
    app.finish().await;
}

/// Signs in with a wrong password.
async fn fail(app: &TestApp, email: &str) {
    fail_from(app, ADDRESS, email).await;
}

async fn fail_from(app: &TestApp, address: &str, email: &str) {
    let answer = app
        .anonymous()
        .calling_from(address)
        .gql(
            "mutation($e: EmailAddress!) { login(input: { email: $e, password: \"not the password\" }) {
               userErrors { code } } }",
            json!({ "e": email }),
        )
        .await;
    assert_eq!(user_errors(&data(&answer)["login"]), ["BAD_CREDENTIALS"]);
}

#[tokio::test]
async fn failed_log_ins_of_a_member_are_told_to_their_business_and_to_no_other() {
    let app = behind_a_proxy().await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let me = app
        .acme
        .agent()
        .await
        .gql("{ viewer { user { id } } }", json!({}))
        .await;
    let agent = data(&me)["viewer"]["user"]["id"].clone();
    let before = trail(&globex, Value::Null).await.len();
    for _ in 0..5 {
        fail(&app, AGENT).await;
    }
    app.run_jobs().await;
    let found = trail(&acme, json!({ "object": agent })).await;
    for (action, times) in [
        ("login.failed", 5),
        ("login.locked", 1),
        ("login.alert_raised", 1),
    ] {
        assert_eq!(count(&found, action), times, "{action}: {found:?}");
    }
    let user = ids::decode(IdKind::User, agent.as_str().unwrap())
        .unwrap()
        .to_string();
    for row in found
        .iter()
        .filter(|row| row["action"].as_str().unwrap().starts_with("login."))
    {
        assert_eq!(
            (
                &row["actorKind"],
                &row["actorId"],
                &row["address"],
                &row["objectId"]
            ),
            (&json!("SYSTEM"), &Value::Null, &json!(ADDRESS), &json!(user)),
            "nobody knows who it was, but from where they came"
        );
        assert!(
            row["requestId"].is_string() && row["details"]["at"].is_string(),
            "{row}"
        );
    }
    let locked = found.iter().find(|row| row["action"] == "login.locked").unwrap();
    assert!(locked["details"]["until"].is_string(), "{locked}");
    assert_eq!(
        trail(&globex, Value::Null).await.len(),
        before,
        "another business hears nothing"
    );

    // The job runs again: each stands there once.
    let mut superuser = app.superuser().await;
    superuser
        .execute(
            "SELECT queue.enqueue_for(NULL, 'identity.tell_of_login_failure', jsonb_build_object('act', id))
             FROM platform_audit_events WHERE action LIKE 'login.%'",
        )
        .await
        .unwrap();
    app.run_jobs().await;
    assert_eq!(trail(&acme, json!({ "object": agent })).await.len(), found.len());

    // Of nobody, no business hears; the platform's own trail has it.
    fail_from(&app, "198.51.100.9", "nobody@acme.example").await;
    app.run_jobs().await;
    assert_eq!(count(&trail(&acme, Value::Null).await, "login.failed"), 5);
    are_whole(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn who_works_for_two_businesses_is_told_of_to_both_until_they_leave_one() {
    let app = behind_a_proxy().await;
    let (acme, globex) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    globex
        .gql(
            "mutation($e: EmailAddress!) { inviteUser(input: { email: $e, name: \"Agent\", role: AGENT }) { userErrors { code } } }",
            json!({ "e": AGENT }),
        )
        .await;
    app.run_jobs().await;
    let mail = app.sandbox.state().mails_to(AGENT).pop().unwrap().text.unwrap();
    let (_, token) = mail.split_once("/accept-invitation?token=").expect("a link");
    let accepted = app
        .anonymous()
        .gql(
            "mutation($t: String!, $p: String!) { acceptInvitation(input: { token: $t, password: $p }) {
               mfaChallenge { token } userErrors { code } } }",
            json!({ "t": token.split_whitespace().next(), "p": DEMO_PASSWORD }),
        )
        .await;
    let challenge = &data(&accepted)["acceptInvitation"]["mfaChallenge"]["token"];
    // A wrong code, then the right one.
    for code in ["000000", &totp_code(&app.wall)] {
        app.anonymous()
            .gql(
                "mutation($t: String!, $c: String!) { completeMfa(input: { token: $t, code: $c }) { userErrors { code } } }",
                json!({ "t": challenge, "c": code }),
            )
            .await;
    }
    app.run_jobs().await;
    for business in [&acme, &globex] {
        let rows = trail(business, Value::Null).await;
        assert_eq!(count(&rows, "login.second_factor_failed"), 1, "{rows:?}");
    }
    let staff = globex
        .gql(
            "{ users(filter: { search: \"agent@acme.example\" }, first: 1) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let left = globex
        .gql(
            "mutation($u: ID!) { updateUser(input: { id: $u, status: INACTIVE }) { userErrors { code } } }",
            json!({ "u": data(&staff)["users"]["edges"][0]["node"]["id"] }),
        )
        .await;
    assert_eq!(user_errors(&data(&left)["updateUser"]), Vec::<&str>::new());
    fail(&app, AGENT).await;
    app.run_jobs().await;
    assert_eq!(count(&trail(&acme, Value::Null).await, "login.failed"), 1);
    assert_eq!(count(&trail(&globex, Value::Null).await, "login.failed"), 0);
    app.finish().await;
}
