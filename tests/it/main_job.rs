//! The main job: a debtor's text reaches an agent live, and the answer goes back. This test stays for ever.

use serde_json::{Value, json};

use crate::support::{TestApp, data, user_errors};

const SEND: &str = "mutation($c: ID!, $text: String!) {
  sendMessage(input: { conversationId: $c, content: $text }) {
    message { id content deliveryStatus }
    decision { outcome rule reason rules { rule citation outcome explanation } }
    userErrors { code field message } } }";

const INBOX: &str = "subscription($after: Cursor) { inboxEvents(after: $after) {
  __typename
  ... on MessageAdded { cursor conversation { id debtor { firstName } } message { content direction deliveryStatus } }
  ... on ConversationCreated { cursor conversation { id } }
  ... on MessageStatusChanged { cursor message { deliveryStatus } }
  ... on ConversationAssigned { cursor assignedAgent { name } } } }";

const THREAD: &str =
    "subscription($c: ID!, $after: Cursor) { conversationEvents(conversationId: $c, after: $after) {
  __typename
  ... on MessageAdded { cursor message { content } }
  ... on MessageStatusChanged { cursor message { deliveryStatus } } } }";

async fn next_of(socket: &mut crate::support::Socket, root: &str, kind: &str) -> Value {
    loop {
        let event = socket.event().await[root].clone();
        if event["__typename"] == kind {
            return event;
        }
    }
}

#[tokio::test]
async fn a_debtors_text_reaches_an_agent_live_and_the_answer_goes_back() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let maria = app.acme.debtor_number(0);

    let viewer = agent.gql("{ viewer { role inboxCursor } }", json!({})).await;
    let cursor = data(&viewer)["viewer"]["inboxCursor"].clone();
    let mut inbox = agent.socket().await;
    inbox.subscribe(INBOX, json!({ "after": cursor })).await;

    assert_eq!(
        app.text(&app.acme, &maria, "Can I set up a payment plan?").await,
        200
    );
    let added = next_of(&mut inbox, "inboxEvents", "MessageAdded").await;
    assert_eq!(added["message"]["content"], "Can I set up a payment plan?");
    assert_eq!(added["conversation"]["debtor"]["firstName"], "Maria");
    let thread = added["conversation"]["id"].clone();

    let mut live = agent.socket().await;
    live.subscribe(THREAD, json!({ "c": thread, "after": added["cursor"] }))
        .await;
    let sent = agent
        .gql(SEND, json!({ "c": thread, "text": "Yes. Six installments?" }))
        .await;
    let sent = &data(&sent)["sendMessage"];
    assert_eq!(user_errors(sent), Vec::<&str>::new());
    let content = sent["message"]["content"].as_str().unwrap();
    assert!(
        content.starts_with("Yes. Six installments?")
            && content.contains("debt collector")
            && content.contains("STOP")
    );
    app.run_jobs().await;

    assert_eq!(
        next_of(&mut live, "conversationEvents", "MessageAdded").await["message"]["content"],
        content
    );
    let mut statuses = Vec::new();
    while statuses.last().is_none_or(|status| status != "DELIVERED") {
        let event = next_of(&mut live, "conversationEvents", "MessageStatusChanged").await;
        statuses.push(event["message"]["deliveryStatus"].as_str().unwrap().to_owned());
    }
    let phone = app.sandbox.state().thread(&maria);
    assert_eq!(phone.len(), 2, "the question and the answer");
    assert_eq!(phone[1].body, content);

    app.text(&app.acme, &maria, "STOP").await;
    let refused = agent
        .gql(SEND, json!({ "c": thread, "text": "Are you sure?" }))
        .await;
    let refused = &data(&refused)["sendMessage"];
    assert_eq!(user_errors(refused), ["COMPLIANCE_BLOCKED"]);
    assert!(refused["message"].is_null());
    assert_eq!(refused["decision"]["outcome"], "DENY");
    assert_eq!(refused["decision"]["rule"], "reg-f-medium-opt-out");
    let finding = refused["decision"]["rules"].as_array().unwrap().last().unwrap();
    assert!(
        finding["citation"].as_str().unwrap().contains("1006.14(h)"),
        "the citation is named: {finding}"
    );
    app.run_jobs().await;
    let to_maria = app
        .sandbox
        .state()
        .messages()
        .into_iter()
        .filter(|m| m.to == maria && m.from == app.acme.demo.number);
    assert_eq!(
        to_maria.filter(|message| message.body == content).count(),
        1,
        "nothing more of ours was sent"
    );

    let stranger = app.globex.agent().await;
    let looked = stranger
        .gql(
            "query($c: ID!) { nodes(ids: [$c]) { id } }",
            json!({ "c": thread }),
        )
        .await;
    assert!(data(&looked)["nodes"][0].is_null());
    let tried = stranger.gql(SEND, json!({ "c": thread, "text": "Hello" })).await;
    assert_eq!(user_errors(&data(&tried)["sendMessage"]), ["NOT_FOUND"]);
    app.finish().await;
}
