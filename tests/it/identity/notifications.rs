//! What members of staff want to hear of, and what they hear of all the same.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::log_in;
use crate::support::{Client, Socket, TestApp, data, uploads::upload, user_errors};

async fn set(client: &Client, wanted: Value) -> Value {
    let answer = client
        .gql(
            "mutation($p: [NotificationPreferenceInput!]!) { updateNotificationPreferences(input: { preferences: $p }) {
               viewer { notificationPreferences { kind channel enabled canChange } } userErrors { code field message } } }",
            json!({ "p": wanted }),
        )
        .await;
    data(&answer)["updateNotificationPreferences"].clone()
}

#[tokio::test]
async fn a_mail_that_is_not_wanted_is_not_sent_and_one_that_guards_is() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let before = admin
        .gql(
            "{ viewer { notificationPreferences { kind channel enabled canChange } } }",
            json!({}),
        )
        .await;
    let all = data(&before)["viewer"]["notificationPreferences"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(all.len(), 16);
    let silent: Vec<(&str, &str)> = all
        .iter()
        .filter(|one| one["enabled"] == false)
        .map(|one| (one["kind"].as_str().unwrap(), one["channel"].as_str().unwrap()))
        .collect();
    assert_eq!(
        silent,
        [
            ("CONVERSATION_ASSIGNED", "EMAIL"),
            ("CONVERSATION_ESCALATED", "EMAIL"),
            ("IMPORT_FINISHED", "EMAIL"),
            ("MENTIONED", "EMAIL")
        ],
        "what the application tells at once is mailed to who asks for it"
    );
    let guards: Vec<&str> = all
        .iter()
        .filter(|one| one["canChange"] == false)
        .filter_map(|one| one["kind"].as_str())
        .collect();
    assert_eq!(
        guards,
        ["PASSWORD_CHANGED", "PLATFORM_ACCESS", "SIGN_IN_FAILURES"]
    );

    // A second administrator, who still wants to hear of everything.
    let made = super::invite(&admin, "second@acme.example", "BUSINESS_ADMIN").await;
    assert_eq!(user_errors(&made), Vec::<&str>::new());
    app.run_jobs().await;
    let token = super::link_token(&app, "second@acme.example");
    super::accept(&app, &token, &json!("a long and private phrase")).await;
    app.run_jobs().await;

    let off = set(
        &admin,
        json!([{ "kind": "API_KEY_ENDING", "channel": "EMAIL", "enabled": false }]),
    )
    .await;
    assert_eq!(
        off["viewer"]["notificationPreferences"][1],
        json!({ "kind": "API_KEY_ENDING", "channel": "EMAIL", "enabled": false, "canChange": true }),
        "{off}"
    );
    for (wanted, code) in [
        (
            json!([{ "kind": "PASSWORD_CHANGED", "channel": "EMAIL", "enabled": false }]),
            "CONFLICT",
        ),
        (
            json!([{ "kind": "MESSAGE_RECEIVED", "channel": "EMAIL", "enabled": true }]),
            "INVALID_INPUT",
        ),
        (
            json!([{ "kind": "IMPORT_FINISHED", "channel": "IN_APP", "enabled": false },
                { "kind": "IMPORT_FINISHED", "channel": "IN_APP", "enabled": true }]),
            "INVALID_INPUT",
        ),
    ] {
        assert_eq!(user_errors(&set(&admin, wanted).await), [code]);
    }

    let key = admin
        .gql(
            "mutation { createApiKey(input: { name: \"K\", scopes: [\"account:read\"], expiresInDays: 10 }) { apiKey { id } userErrors { code } } }",
            json!({}),
        )
        .await;
    assert!(data(&key)["createApiKey"]["apiKey"]["id"].is_string());
    let mails = |address: &str| app.sandbox.state().mails_to(address).len();
    let heard = (mails("admin@acme.example"), mails("second@acme.example"));
    app.advance(TimeDelta::days(1)).await;
    app.run_jobs().await;
    assert_eq!(
        (mails("admin@acme.example"), mails("second@acme.example")),
        (heard.0, heard.1 + 1),
        "one of the two is told that the key ends"
    );
    let admin = app.acme.sign_in("admin").await;
    let on = set(
        &admin,
        json!([{ "kind": "API_KEY_ENDING", "channel": "EMAIL", "enabled": true }]),
    )
    .await;
    assert_eq!(on["viewer"]["notificationPreferences"][1]["enabled"], true);
    app.advance(TimeDelta::days(7)).await;
    app.run_jobs().await;
    assert_eq!(
        mails("admin@acme.example"),
        heard.0 + 1,
        "three days before its end"
    );
    // Nobody turns off what a stranger at their log-in would.
    for _ in 0..5 {
        log_in(&app.anonymous(), "admin@acme.example", "wrong, wrong, wrong").await;
    }
    app.run_jobs().await;
    assert_eq!(mails("admin@acme.example"), heard.0 + 2);
    assert_eq!(app.audited("user.notifications_set").await, 2);
    app.finish().await;
}

async fn turn(client: &Client, kind: &str, channel: &str, enabled: bool) {
    let wanted = json!([{ "kind": kind, "channel": channel, "enabled": enabled }]);
    assert_eq!(user_errors(&set(client, wanted).await), Vec::<&str>::new());
}

async fn own_id(client: &Client) -> Value {
    let answer = client.gql("{ viewer { user { id } } }", json!({})).await;
    data(&answer)["viewer"]["user"]["id"].clone()
}

async fn assign(client: &Client, thread: &str, user: &Value) {
    let answer = client
        .gql(
            "mutation($c: ID!, $u: ID) { assignConversation(input: { conversationId: $c, userId: $u }) { userErrors { code } } }",
            json!({ "c": thread, "u": user }),
        )
        .await;
    assert_eq!(data(&answer)["assignConversation"]["userErrors"], json!([]));
}

const INBOX: &str = "subscription($after: Cursor) { inboxEvents(after: $after) { __typename
  ... on MessageAdded { notify message { direction } } ... on ConversationAssigned { notify } } }";

/// What the next event of this type says.
async fn next(inbox: &mut Socket, kind: &str) -> Value {
    loop {
        let event = inbox.event().await["inboxEvents"].clone();
        if event["__typename"] == kind {
            return event;
        }
    }
}

#[tokio::test]
async fn the_live_feed_says_what_to_draw_attention_to_for_whom_it_concerns_and_who_wants_it() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let thread = app.thread_with(&admin, &app.acme, 0).await;
    let number = app.acme.debtor_number(0);
    let head = admin.gql("{ viewer { inboxCursor } }", json!({})).await;
    let after = &data(&head)["viewer"]["inboxCursor"];
    let (mut hers, mut theirs) = (admin.socket().await, agent.socket().await);
    for inbox in [&mut hers, &mut theirs] {
        inbox.subscribe(INBOX, json!({ "after": after })).await;
    }
    let agent_id = own_id(&agent).await;
    // Nobody's is everybody's.
    assign(&admin, &thread, &Value::Null).await;
    app.text(&app.acme, &number, "Hello?").await;
    for inbox in [&mut hers, &mut theirs] {
        let told = next(inbox, "MessageAdded").await;
        assert_eq!(told["message"]["direction"], "INBOUND");
        assert_eq!(told["notify"], true);
    }
    // Given by somebody else: whom it was given to is to look, who gave it is not.
    assign(&admin, &thread, &agent_id).await;
    assert_eq!(next(&mut theirs, "ConversationAssigned").await["notify"], true);
    assert_eq!(next(&mut hers, "ConversationAssigned").await["notify"], false);
    app.text(&app.acme, &number, "Are you there?").await;
    assert_eq!(next(&mut theirs, "MessageAdded").await["notify"], true);
    assert_eq!(
        next(&mut hers, "MessageAdded").await["notify"],
        false,
        "the agent's by now"
    );
    // What one wrote oneself is no news.
    crate::support::send(&agent, &thread, "Yes.").await;
    let own = next(&mut theirs, "MessageAdded").await;
    assert_eq!(
        own,
        json!({ "__typename": "MessageAdded", "notify": false, "message": { "direction": "OUTBOUND" } })
    );
    next(&mut hers, "MessageAdded").await;
    app.run_jobs().await;

    turn(&agent, "MESSAGE_RECEIVED", "IN_APP", false).await;
    app.text(&app.acme, &number, "Good.").await;
    assert_eq!(
        next(&mut theirs, "MessageAdded").await["notify"],
        false,
        "not wanted"
    );
    // What one takes oneself needs no telling either.
    assign(&admin, &thread, &Value::Null).await;
    next(&mut theirs, "ConversationAssigned").await;
    assign(&agent, &thread, &agent_id).await;
    assert_eq!(next(&mut theirs, "ConversationAssigned").await["notify"], false);
    app.finish().await;
}

#[tokio::test]
async fn who_asks_for_it_hears_by_mail_of_a_thread_and_of_an_import_and_nothing_of_a_debtor() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let thread = app.thread_with(&admin, &app.acme, 0).await;
    let agent_id = own_id(&agent).await;
    let mails = |address: &str, subject: &str| {
        let all = app.sandbox.state().mails_to(address);
        all.into_iter()
            .filter(|mail| mail.subject == subject)
            .collect::<Vec<_>>()
    };
    const ASSIGNED: &str = "A conversation was assigned to you";
    const IMPORTED: &str = "Your import is over";
    assign(&admin, &thread, &agent_id).await;
    app.run_jobs().await;
    assert!(
        mails("agent@acme.example", ASSIGNED).is_empty(),
        "nobody asked for it"
    );

    turn(&agent, "CONVERSATION_ASSIGNED", "EMAIL", true).await;
    turn(&admin, "IMPORT_FINISHED", "EMAIL", true).await;
    for user in [&Value::Null, &agent_id] {
        assign(&admin, &thread, user).await;
        app.run_jobs().await;
    }
    let told = mails("agent@acme.example", ASSIGNED);
    let [mail] = told.as_slice() else {
        panic!("one mail: {told:?}")
    };
    let text = mail.text.as_deref().unwrap();
    assert!(
        text.contains("Acme Recovery") && !text.contains("Alvarez"),
        "{text}"
    );
    assign(&admin, &thread, &Value::Null).await;
    assign(&agent, &thread, &agent_id).await;
    app.run_jobs().await;
    assert_eq!(mails("agent@acme.example", ASSIGNED).len(), 1, "taken by oneself");
    // Asked for, and asked off again before the worker came to it.
    assign(&admin, &thread, &Value::Null).await;
    assign(&admin, &thread, &agent_id).await;
    turn(&agent, "CONVERSATION_ASSIGNED", "EMAIL", false).await;
    app.run_jobs().await;
    assert_eq!(mails("agent@acme.example", ASSIGNED).len(), 1);

    let file = "firstName,lastName,accountNumber,currentBalance\nZoe,Quill,M-1,10.00\n";
    let id = upload(&admin, "ACCOUNT_IMPORT", "a.csv", file.as_bytes()).await;
    let begun = admin
        .gql(
            "mutation($u: ID!) { previewAccountImport(input: { uploadId: $u }) { import { id } userErrors { code } } }",
            json!({ "u": id }),
        )
        .await;
    let import = data(&begun)["previewAccountImport"]["import"]["id"].clone();
    app.run_jobs().await;
    let mut progress = admin.socket().await;
    progress
        .subscribe(
            "subscription($id: ID!) { importProgress(importId: $id) { notify import { status } } }",
            json!({ "id": import }),
        )
        .await;
    assert_eq!(
        progress.event().await["importProgress"],
        json!({ "notify": false, "import": { "status": "READY" } })
    );
    let committed = admin
        .gql(
            "mutation($id: ID!) { commitAccountImport(input: { importId: $id, mode: ALL_OR_NOTHING }) { userErrors { code } } }",
            json!({ "id": import }),
        )
        .await;
    assert_eq!(data(&committed)["commitAccountImport"]["userErrors"], json!([]));
    app.run_jobs().await;
    loop {
        let told = progress.event().await["importProgress"].clone();
        let is_over = told["import"]["status"] == "COMPLETED";
        assert_eq!(told["notify"], is_over, "{told}");
        if is_over {
            break;
        }
    }
    assert_eq!(mails("admin@acme.example", IMPORTED).len(), 1);
    app.finish().await;
}
