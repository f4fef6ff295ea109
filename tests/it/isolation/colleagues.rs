//! Two collectors of one business: what one works on, the other does not see.

use funnelchat::{
    access::{
        AccessTable, Role,
        operations::{Needs, needs},
    },
    cli::seed::{DEMO_PASSWORD, DEMO_TOTP_SECRET},
    identity::{KnownMember, add_known_member, hash_password},
    platform::{context::SystemCtx, email::EmailAddress},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{fingerprint, give_to, intruder::Intruder};
use crate::support::{Client, Schema, TestApp, data, recipes::Ids};

/// A second collector at Acme, signed in; with the user's id.
async fn second_agent(app: &TestApp, business: Uuid) -> (Client, Uuid) {
    let mut tx = app
        .app
        .db
        .system(&SystemCtx::for_reason("a second agent", "test"))
        .await
        .unwrap();
    let email = EmailAddress::parse("agent2@acme.example").unwrap();
    let secret = totp_rs::Secret::try_from_base32(DEMO_TOTP_SECRET).unwrap();
    let password_hash = hash_password(&DEMO_PASSWORD.to_owned().into()).await.unwrap();
    let member = KnownMember {
        business_id: business,
        email: &email,
        name: "Second Agent",
        role: Role::Agent,
        password_hash: &password_hash,
        totp_secret: secret.as_ref(),
    };
    let id = add_known_member(&mut tx, &app.app.keyring, member).await.unwrap();
    tx.commit().await.unwrap();
    (app.acme.sign_in("agent2").await, id)
}

#[tokio::test]
async fn what_a_colleague_works_on_is_not_found() {
    let app = TestApp::start().await;
    let table = AccessTable::load().await.unwrap();
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let schema = Schema::of(&agent).await;
    let own = Ids::make(&app, &app.acme, &admin, "Everybodys", 61).await;
    let mut colleagues = Ids::make(&app, &app.acme, &admin, "Colleagues", 62).await;
    let mut superuser = app.superuser().await;
    let (_, second) = second_agent(&app, own.uuid("biz")).await;
    give_to(&mut superuser, &own, None).await;
    give_to(&mut superuser, &colleagues, Some(second)).await;
    // The business, its staff and whom it works for are no secret among colleagues.
    for known in ["biz", "usr", "cred", "plc"] {
        let (id, uuid) = (
            colleagues.get(known).to_owned(),
            colleagues.uuid(known).to_string(),
        );
        colleagues
            .secrets
            .retain(|secret| *secret != id && *secret != uuid && !secret.starts_with("skill of"));
    }
    let before = fingerprint(&mut superuser, own.uuid("biz")).await;
    let intruder = Intruder {
        client: &agent,
        own: &own,
        target: &colleagues,
        kinds: &[
            "acct", "conv", "msg", "dec", "dbtr", "hold", "view", "cp", "mrg", "itm", "dsp", "cpl",
        ],
        may: &|root, field| match needs(root, field) {
            Some(Needs::Permission(cell)) => table.allows(Role::Agent, cell),
            Some(Needs::Platform) => false,
            _ => true,
        },
    };
    let tried = intruder.sweep(&schema).await;
    assert!(tried > 18, "slots were found: {tried}");
    // The calls that name nobody's objects beside the colleague's may have claimed those: the colleague's stay.
    let after = fingerprint(&mut superuser, own.uuid("biz")).await;
    for table in ["messages", "conversations", "accounts", "decisions"] {
        assert_eq!(after[table], before[table], "{table}");
    }

    let found = agent
        .gql(
            "query($q: String!) { accounts(first: 100, search: $q) { edges { node { id } } totalCount } debtors(first: 100, search: $q) { edges { node { id } } }
               every: accounts(first: 100) { edges { node { id firstName } } }
               conversations(first: 100) { edges { node { id } } } }",
            json!({ "q": colleagues.secrets[0] }),
        )
        .await;
    assert_eq!(data(&found)["accounts"], json!({ "edges": [], "totalCount": 0 }));
    for secret in &colleagues.secrets {
        assert!(
            !found.to_string().contains(secret.as_str()),
            "a list tells {secret}"
        );
    }
    assert!(
        found.to_string().contains(own.get("conv")),
        "nobody's threads are everybody's: {found}"
    );
    let managers = admin
        .gql(
            "query($id: ID!) { account(id: $id) { id } }",
            json!({ "id": colleagues.get("acct") }),
        )
        .await;
    assert_eq!(
        data(&managers)["account"]["id"],
        colleagues.get("acct"),
        "a manager sees all"
    );

    // The usual case: the account is still nobody's, but a colleague has taken the thread by answering it.
    sqlx::query("UPDATE accounts SET assigned_agent_id = NULL WHERE id = $1")
        .bind(colleagues.uuid("acct"))
        .execute(&mut superuser)
        .await
        .unwrap();
    let mut thread = colleagues.clone();
    thread.secrets = vec!["A word from Colleagues".to_owned()];
    for kind in ["conv", "msg", "dec"] {
        thread
            .secrets
            .extend([colleagues.get(kind).to_owned(), colleagues.uuid(kind).to_string()]);
    }
    let tried = Intruder {
        target: &thread,
        kinds: &["conv", "msg", "dec"],
        ..intruder
    }
    .sweep(&schema)
    .await;
    assert!(tried > 9, "slots were found: {tried}");
    let account = agent
        .gql(
            "query($id: ID!) { account(id: $id) { debtor { firstName } conversations(first: 9) { edges { node { id } } } } }",
            json!({ "id": colleagues.get("acct") }),
        )
        .await;
    assert_eq!(
        data(&account)["account"]["debtor"]["firstName"],
        "QuillColleagues"
    );
    assert_eq!(data(&account)["account"]["conversations"]["edges"], json!([]));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_thread_that_goes_to_a_colleague_leaves_the_feed() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let thread = Ids::make(&app, &app.acme, &admin, "Moving", 63).await;
    let mut superuser = app.superuser().await;
    give_to(&mut superuser, &thread, None).await;
    let (second, second_id) = second_agent(&app, thread.uuid("biz")).await;
    let phone = thread.secrets[2].clone();

    let cursor = agent.gql("{ viewer { inboxCursor } }", json!({})).await;
    let cursor = data(&cursor)["viewer"]["inboxCursor"].clone();
    let (mut follows, mut inbox) = (agent.socket().await, agent.socket().await);
    let every = "__typename ... on MessageAdded { message { content } }
        ... on ConversationAssigned { conversationId conversation { id } assignedAgent { name } }";
    follows
        .subscribe(
            &format!("subscription($id: ID!, $after: Cursor) {{ conversationEvents(conversationId: $id, after: $after) {{ {every} }} }}"),
            json!({ "id": thread.get("conv"), "after": cursor }),
        )
        .await;
    inbox
        .subscribe(
            &format!("subscription($after: Cursor) {{ inboxEvents(after: $after) {{ {every} }} }}"),
            json!({ "after": cursor }),
        )
        .await;
    app.text(&app.acme, &phone, "While it is nobody's").await;
    let seen = follows.event().await;
    assert_eq!(
        seen["conversationEvents"]["message"]["content"],
        "While it is nobody's"
    );

    let user = funnelchat::platform::ids::encode(funnelchat::platform::ids::IdKind::User, second_id);
    let given = admin
        .gql(
            "mutation($c: ID!, $u: ID!) { assignConversation(input: { conversationId: $c, userId: $u }) { userErrors { message } } }",
            json!({ "c": thread.get("conv"), "u": user }),
        )
        .await;
    assert_eq!(data(&given)["assignConversation"]["userErrors"], json!([]));
    app.text(&app.acme, &phone, "Only for the colleague").await;
    app.text(&app.acme, &app.acme.debtor_number(0), "For everybody")
        .await;

    // The thread's own feed ends; nothing of what came after is told.
    let mut told = String::new();
    let mut ended = false;
    while !ended {
        let message = follows.message().await.expect("an end with a reason");
        told.push_str(&message.to_string());
        ended = message.to_string().contains("NOT_FOUND");
        assert_ne!(message["type"], "complete", "it ends with NOT_FOUND: {told}");
    }
    assert!(!told.contains("Only for the colleague"), "{told}");

    // The inbox says that it has gone, and then tells of other threads only.
    let mut told = Vec::new();
    loop {
        let event = inbox.event().await["inboxEvents"].clone();
        let is_last = event["message"]["content"] == "For everybody";
        told.push(event);
        if is_last {
            break;
        }
    }
    let gone = told
        .iter()
        .find(|event| event["__typename"] == "ConversationAssigned")
        .expect("told that it has gone");
    assert_eq!(gone["conversationId"], thread.get("conv"));
    assert!(gone["conversation"].is_null(), "{gone}");
    let text = Value::Array(told).to_string();
    assert!(!text.contains("Only for the colleague"), "{text}");

    let mut colleague = second.socket().await;
    colleague
        .subscribe(
            &format!("subscription($after: Cursor) {{ inboxEvents(after: $after) {{ {every} }} }}"),
            json!({ "after": cursor }),
        )
        .await;
    loop {
        let event = colleague.event().await["inboxEvents"].clone();
        if event["message"]["content"] == "Only for the colleague" {
            break;
        }
    }
    app.finish().await;
}
