//! Threads for somebody with more authority, and colleagues who are named in a note.

use serde_json::{Value, json};

use super::{agents, daily, holder, inbox_of, text_from, update, user_id};
use crate::support::{Client, Socket, TestApp, data, error_code, user_errors};

async fn escalate(client: &Client, thread: &str, reason: &str, user: Option<String>) -> Value {
    let answer = client
        .gql(
            "mutation($c: ID!, $r: String!, $u: ID) { escalateConversation(input: { conversationId: $c, reason: $r, userId: $u }) {
               conversation { status escalationReason escalatedAt escalatedBy { role } assignedAgent { id } }
               userErrors { code field message } } }",
            json!({ "c": thread, "r": reason, "u": user }),
        )
        .await;
    data(&answer)["escalateConversation"].clone()
}

async fn wants_mail(client: &Client, kind: &str) {
    let answer = client
        .gql(
            "mutation($k: NotificationKind!) { updateNotificationPreferences(input: { preferences: [
               { kind: $k, channel: EMAIL, enabled: true }] }) { userErrors { code } } }",
            json!({ "k": kind }),
        )
        .await;
    assert_eq!(
        data(&answer)["updateNotificationPreferences"]["userErrors"],
        json!([])
    );
}

const EVENTS: &str = "... on ConversationEscalated { notify conversation { status escalationReason } }
  ... on MentionedInNote { notify account { id } note { text mentions { id } } }";

async fn next(inbox: &mut Socket, kind: &str) -> Value {
    loop {
        let event = inbox.event().await["inboxEvents"].clone();
        if event["__typename"] == kind {
            return event;
        }
    }
}

#[tokio::test]
async fn an_escalated_thread_is_told_to_whom_it_is_for_and_taken_by_them() {
    let app = TestApp::start().await;
    let (admin, manager, agent) = (
        app.acme.sign_in("admin").await,
        app.acme.sign_in("manager").await,
        app.acme.agent().await,
    );
    let staff = agents(&app, &app.acme, 1).await;
    let own = |client: &Client| {
        let client = client.clone();
        async move {
            let answer = client.gql("{ viewer { user { id } } }", json!({})).await;
            data(&answer)["viewer"]["user"]["id"].as_str().unwrap().to_owned()
        }
    };
    let (manager_id, agent_id) = (own(&manager).await, own(&agent).await);
    for client in [&manager, &agent, &admin] {
        wants_mail(client, "CONVERSATION_ESCALATED").await;
    }
    let mails = |name: &str| {
        app.sandbox
            .state()
            .mails_to(&format!("{name}@acme.example"))
            .len()
    };
    let before = (mails("manager"), mails("agent"), mails("admin"));
    text_from(&app, &app.acme, 1).await;
    let thread = app.thread_with(&manager, &app.acme, 1).await;
    let (mut theirs, mut hers) = (inbox_of(&manager, EVENTS).await, inbox_of(&agent, EVENTS).await);

    // To a colleague: it is theirs, and they alone are told.
    let done = escalate(
        &agent,
        &thread,
        " They want to speak to a manager. ",
        Some(manager_id.clone()),
    )
    .await;
    assert_eq!(done["userErrors"], json!([]), "{done}");
    assert_eq!(done["conversation"], Value::Null, "an agent sees their own alone");
    let told = next(&mut theirs, "ConversationEscalated").await;
    assert_eq!(
        told,
        json!({ "__typename": "ConversationEscalated", "notify": true, "conversation": {
            "status": "ESCALATED", "escalationReason": "They want to speak to a manager." } })
    );
    app.run_jobs().await;
    assert_eq!(
        (mails("manager"), mails("agent"), mails("admin")),
        (before.0 + 1, before.1, before.2)
    );
    // To everybody who may take it; those who work now get the mail.
    update(
        &admin,
        staff[0],
        json!({ "availability": daily("00:00", "24:00") }),
    )
    .await;
    let done = escalate(&manager, &thread, "Somebody of the team, please.", None).await;
    assert_eq!(done["userErrors"], json!([]), "{done}");
    assert_eq!(
        (
            &done["conversation"]["assignedAgent"],
            &done["conversation"]["escalatedBy"]["role"]
        ),
        (&Value::Null, &json!("MANAGER"))
    );
    assert_eq!(next(&mut hers, "ConversationEscalated").await["notify"], true);
    assert_eq!(
        next(&mut theirs, "ConversationEscalated").await["notify"],
        false,
        "one's own act"
    );
    app.run_jobs().await;
    assert_eq!(
        (mails("manager"), mails("agent"), mails("admin")),
        (before.0 + 1, before.1 + 1, before.2)
    );
    let taken = agent
        .gql(
            "mutation($c: ID!, $u: ID) { assignConversation(input: { conversationId: $c, userId: $u }) {
               conversation { status escalationReason } userErrors { code } } }",
            json!({ "c": thread, "u": agent_id }),
        )
        .await;
    assert_eq!(
        data(&taken)["assignConversation"]["conversation"]["status"],
        "ESCALATED"
    );
    assert!(holder(&app, &app.acme, 1).await.is_some());

    // What cannot be.
    for (reason, user, code, field) in [
        (" ", None, "INVALID_INPUT", "reason"),
        ("Why", Some(agent_id.clone()), "INVALID_INPUT", "userId"),
        (
            "Why",
            Some("usr_01h455vb4pex5vsknk084sn02q".to_owned()),
            "NOT_FOUND",
            "userId",
        ),
    ] {
        let refused = escalate(&agent, &thread, reason, user).await;
        assert_eq!(user_errors(&refused), [code]);
        assert_eq!(refused["userErrors"][0]["field"][1], field, "{refused}");
    }
    let compliance = app.acme.sign_in("compliance").await;
    let officer = own(&compliance).await;
    assert_eq!(
        user_errors(&escalate(&agent, &thread, "Why", Some(officer)).await),
        ["NOT_FOUND"]
    );
    let refused = compliance
        .gql(
            "mutation($c: ID!) { escalateConversation(input: { conversationId: $c, reason: \"Why\" }) { userErrors { code } } }",
            json!({ "c": thread }),
        )
        .await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    let other = app.globex.sign_in("admin").await;
    assert_eq!(
        user_errors(&escalate(&other, &thread, "Why", None).await),
        ["NOT_FOUND"]
    );
    // The state alone tells nobody anything: it is not set by itself.
    let update = "mutation($c: ID!, $s: ConversationStatus) { updateConversation(input: { conversationId: $c, status: $s }) {
      conversation { status escalationReason } userErrors { code field } } }";
    let active = agent.gql(update, json!({ "c": thread, "s": "ACTIVE" })).await;
    assert_eq!(
        data(&active)["updateConversation"]["conversation"]["status"],
        "ACTIVE"
    );
    let refused = agent.gql(update, json!({ "c": thread, "s": "ESCALATED" })).await;
    assert_eq!(
        user_errors(&data(&refused)["updateConversation"]),
        ["INVALID_INPUT"]
    );
    agent.gql(update, json!({ "c": thread, "s": "CLOSED" })).await;
    assert_eq!(
        user_errors(&escalate(&agent, &thread, "Why", None).await),
        ["CONFLICT"]
    );
    assert_eq!(app.audited("conversation.escalated").await, 2);
    app.finish().await;
}

#[tokio::test]
async fn who_is_named_in_a_note_is_told_and_nobody_is_named_who_could_not_see_it() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let compliance = app.acme.sign_in("compliance").await;
    let staff = agents(&app, &app.acme, 1).await;
    let viewer = agent.gql("{ viewer { user { id } } }", json!({})).await;
    let agent_id = data(&viewer)["viewer"]["user"]["id"].as_str().unwrap().to_owned();
    let colleague = staff
        .iter()
        .map(|user| user_id(*user))
        .find(|id| *id != agent_id)
        .unwrap();
    wants_mail(&agent, "MENTIONED").await;
    let account = app.account_id(&app.acme, 1).await;
    let note = async |client: &Client, users: Value| {
        let answer = client
            .gql(
                "mutation($a: ID!, $u: [ID!]!) { addAccountNote(input: { accountId: $a, text: \"@agent, please call back.\",
                   mentionedUserIds: $u }) { note { id text mentions { id } } userErrors { code field message } } }",
                json!({ "a": account, "u": users }),
            )
            .await;
        data(&answer)["addAccountNote"].clone()
    };
    let mut theirs = inbox_of(&agent, EVENTS).await;
    let mut officers = inbox_of(&compliance, EVENTS).await;
    let mails = app.sandbox.state().mails_to("agent@acme.example").len();

    let made = note(&admin, json!([agent_id, agent_id])).await;
    assert_eq!(made["userErrors"], json!([]), "{made}");
    assert_eq!(made["note"]["mentions"], json!([{ "id": agent_id }]));
    assert_eq!(
        next(&mut theirs, "MentionedInNote").await,
        json!({ "__typename": "MentionedInNote", "notify": true, "account": { "id": account },
            "note": { "text": "@agent, please call back.", "mentions": [{ "id": agent_id }] } })
    );
    app.run_jobs().await;
    assert_eq!(
        app.sandbox.state().mails_to("agent@acme.example").len(),
        mails + 1
    );
    // Who is not named hears nothing of it, and who names themselves is not alarmed.
    let thread = app.thread_with(&admin, &app.acme, 2).await;
    let done = note(&agent, json!([agent_id])).await;
    assert_eq!(done["userErrors"], json!([]), "{done}");
    assert_eq!(next(&mut theirs, "MentionedInNote").await["notify"], false);
    escalate(&admin, &thread, "An end to wait for.", None).await;
    let heard = officers.event().await["inboxEvents"]["__typename"].clone();
    assert_ne!(heard, "MentionedInNote");
    let listed = admin
        .gql(
            "query($a: ID!) { account(id: $a) { notes(first: 5) { edges { node { mentions { id } } } } } }",
            json!({ "a": account }),
        )
        .await;
    let notes = data(&listed)["account"]["notes"]["edges"].clone();
    assert_eq!(
        notes[0]["node"]["mentions"],
        json!([{ "id": agent_id }]),
        "{listed}"
    );

    let other = app.globex.sign_in("admin").await;
    let viewer = other.gql("{ viewer { user { id } } }", json!({})).await;
    let stranger = &data(&viewer)["viewer"]["user"]["id"];
    for (who, code) in [
        (json!([stranger]), "NOT_FOUND"),
        (json!(["usr_01h455vb4pex5vsknk084sn02q", agent_id]), "NOT_FOUND"),
        (json!(["nonsense"]), "INVALID_INPUT"),
    ] {
        assert_eq!(user_errors(&note(&admin, who).await), [code]);
    }
    assert_eq!(user_errors(&note(&other, json!([stranger])).await), ["NOT_FOUND"]);
    let given = agent
        .gql(
            "mutation($a: [ID!]!, $u: ID) { assignAccounts(input: { accountIds: $a, agentId: $u }) { userErrors { code message } } }",
            json!({ "a": [account], "u": agent_id }),
        )
        .await;
    assert_eq!(data(&given)["assignAccounts"]["userErrors"], json!([]), "{given}");
    assert_eq!(user_errors(&note(&admin, json!([colleague])).await), ["CONFLICT"]);
    app.finish().await;
}
