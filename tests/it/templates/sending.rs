//! A template becomes a message: shown first, then sent through the gate, and traceable.

use serde_json::json;
use sqlx::{Executor as _, Row as _};

use super::{PLAIN, kept, preview, saved, send, text};
use crate::{
    account_work::act,
    support::{TestApp, data, error_code, user_errors},
};

/// James in Chicago, where it is noon; he owes Acme $489.00.
const JAMES: usize = 1;
/// Rosa in Houston, who is written to in Spanish.
const ROSA: usize = 3;

#[tokio::test]
async fn what_is_shown_is_what_arrives_and_which_version_it_was_is_known() {
    let app = TestApp::start().await;
    let officer = app.acme.sign_in("compliance").await;
    let body = format!("{PLAIN} Your balance is {{{{balance}}}}.");
    let id = kept(&officer, text("Balance", &body, true)).await;

    let agent = app.acme.agent().await;
    let account = app.account_id(&app.acme, JAMES).await;
    let mut superuser = app.superuser().await;
    let reads = "SELECT count(*) FROM access_log WHERE operation = 'previewTemplate'";
    let shown = preview(&agent, json!({ "accountId": account, "templateId": id })).await;
    let expected = "Hi James, this is Acme Recovery about your account ending in 0002. Shall we talk? Your balance is $489.00. \
                    This communication is from a debt collector. Reply STOP to opt out.";
    assert_eq!(shown["text"], expected, "{shown}");
    assert_eq!(shown["contentFindings"], json!([]));
    assert_eq!(shown["missingVariables"], json!([]));
    assert_eq!(shown["html"], json!(null));
    assert_eq!(shown["isFirstContact"], false);
    assert_eq!(shown["length"]["units"], expected.len());
    assert_eq!(shown["length"]["segments"], 2);
    let logged: i64 = superuser.fetch_one(reads).await.unwrap().get(0);
    assert_eq!(logged, 1, "who looked at whose balance is written down");

    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let sent = send(&agent, &thread, &id).await;
    assert_eq!(user_errors(&sent), [""; 0], "{sent}");
    assert_eq!(sent["message"]["content"], expected);
    assert_eq!(sent["message"]["template"]["id"], id.as_str());
    assert_eq!(sent["message"]["templateVersion"], 1);
    app.run_jobs().await;
    let texts = app.received_by(&app.acme.debtor_number(JAMES));
    assert_eq!(
        texts.iter().map(|text| text.body.as_str()).collect::<Vec<_>>(),
        [expected]
    );

    // What was sent is known when the template says something else.
    let other = json!({ "id": id, "expectedVersion": 1, "body": "{{businessName}} here. Other words." });
    act(&officer, "updateTemplate", &saved(), other).await;
    let message = sent["message"]["id"].clone();
    let seen = officer
        .gql(
            "query($m: ID!) { node(id: $m) { ... on Message { templateVersion template { id version } } } }",
            json!({ "m": message }),
        )
        .await;
    assert_eq!(data(&seen)["node"]["templateVersion"], 1);
    assert_eq!(data(&seen)["node"]["template"]["version"], 2);
    let versions = officer
        .gql(
            "query($t: ID!) { templateRevisions(templateId: $t, first: 10) { edges { node { version body } } } }",
            json!({ "t": id }),
        )
        .await;
    assert_eq!(
        data(&versions)["templateRevisions"]["edges"][1]["node"]["body"],
        body.as_str()
    );
    app.finish().await;
}

#[tokio::test]
async fn the_gate_has_the_last_word() {
    let app = TestApp::start().await;
    let officer = app.acme.sign_in("compliance").await;
    let id = kept(&officer, text("Plain", PLAIN, true)).await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    app.text(&app.acme, &app.acme.debtor_number(JAMES), "STOP").await;
    let sent = send(&agent, &thread, &id).await;
    assert_eq!(user_errors(&sent), ["COMPLIANCE_BLOCKED"], "{sent}");
    assert_eq!(sent["decision"]["outcome"], "DENY");
    assert!(sent["message"].is_null());
    app.finish().await;
}

#[tokio::test]
async fn a_personal_link_is_seen_by_its_reader_alone() {
    let app = TestApp::start().await;
    let officer = app.acme.sign_in("compliance").await;
    let body = "{{businessName}} here, {{debtorFirstName}}: {{portalLink}}";
    let id = kept(&officer, text("Link", body, true)).await;
    let agent = app.acme.agent().await;
    let account = app.account_id(&app.acme, JAMES).await;
    let shown = preview(&agent, json!({ "accountId": account, "templateId": id })).await;
    let sample = link_in(shown["text"].as_str().unwrap());
    let opened = crate::support::debtors::open(&app.anonymous(), &sample).await;
    assert!(opened["mfaChallenge"].is_null(), "it leads nowhere: {opened}");
    assert!(!user_errors(&opened).is_empty());
    let mut superuser = app.superuser().await;
    let links = "SELECT count(*) FROM debtor_links";
    let before: i64 = superuser.fetch_one(links).await.unwrap().get(0);
    assert_eq!(before, 0, "to show one makes none");

    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let sent = send(&agent, &thread, &id).await;
    assert_eq!(user_errors(&sent), [""; 0], "{sent}");
    let content = sent["message"]["content"].as_str().unwrap();
    assert!(
        content.starts_with("Acme Recovery here, James: \u{2022}"),
        "{content}"
    );
    assert!(!content.contains("/d/"), "{content}");
    app.run_jobs().await;
    let texts = app.received_by(&app.acme.debtor_number(JAMES));
    let token = link_in(&texts[0].body);
    assert_eq!(
        token.len(),
        sample.len(),
        "what is shown is as long as what is sent"
    );
    assert!(
        !crate::support::debtors::challenge(&app.anonymous(), &token)
            .await
            .is_empty()
    );

    // A second message has the same link, and agents are not told of it either.
    assert_eq!(user_errors(&send(&agent, &thread, &id).await), [""; 0]);
    let after: i64 = superuser.fetch_one(links).await.unwrap().get(0);
    assert_eq!(after, 1);
    app.run_jobs().await;
    app.finish().await;
}

fn link_in(text: &str) -> String {
    let (_, token) = text.split_once("/d/").expect("a link");
    token.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn what_does_not_fit_a_person_is_not_sent_to_them() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let id = kept(&admin, text("Plain", PLAIN, true)).await;
    let call = kept(
        &admin,
        text(
            "Call",
            "{{businessName}} here. Call {{businessPhone}} by {{dueDate}}.",
            true,
        ),
    )
    .await;
    let draft = kept(&admin, text("Draft", PLAIN, false)).await;
    let letter = kept(
        &admin,
        json!({ "name": "Letter", "type": "LETTER", "purpose": "FOLLOW_UP", "language": "EN", "active": true,
            "body": "Dear {{debtorFirstName}} {{debtorLastName}},\n\nshall we talk?\n\n{{collectorDisclosure}}" }),
    )
    .await;
    let agent = app.acme.agent().await;
    let (thread, rosas) = (
        app.thread_with(&agent, &app.acme, JAMES).await,
        app.thread_with(&agent, &app.acme, ROSA).await,
    );
    for (thread, template, told) in [
        (&rosas, &id, "Spanish"),
        (&thread, &draft, "not in use"),
        (&thread, &letter, "LETTER"),
        (&thread, &call, "businessPhone, dueDate"),
    ] {
        let sent = send(&agent, thread, template).await;
        assert_eq!(user_errors(&sent), ["CONFLICT"], "{told}: {sent}");
        let message = sent["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains(told), "{message}");
        assert!(sent["decision"].is_null(), "the gate was not asked");
    }
    // A hole is shown before it is met.
    let account = app.account_id(&app.acme, JAMES).await;
    let holed = preview(&agent, json!({ "accountId": account, "templateId": call })).await;
    assert_eq!(holed["missingVariables"], json!(["businessPhone", "dueDate"]));
    assert!(holed["text"].is_null());

    // Where nothing has been said of the debt yet, only a first contact fits.
    let fresh = act(
        &admin,
        "createAccount",
        "account { id }",
        json!({ "firstName": "<b>Garnish</b>", "lastName": "Lawsuit & {{balance}}", "accountNumber": "FRESH-1",
            "phone": "+13125550188", "currentBalance": { "amount": "12.00" } }),
    )
    .await;
    let fresh = fresh["account"]["id"].clone();
    let shown = preview(&agent, json!({ "accountId": fresh, "templateId": id })).await;
    assert_eq!(shown["isFirstContact"], true, "{shown}");
    // A name is a name: it is no markup, no variable, and no threat.
    let shown = preview(&agent, json!({ "accountId": fresh, "templateId": letter })).await;
    assert_eq!(
        shown["text"],
        "Dear <b>Garnish</b> Lawsuit & {{balance}},\n\nshall we talk?\n\nThis communication is from a debt collector. This is an \
         attempt to collect a debt and any information obtained will be used for that purpose."
    );
    let html = shown["html"].as_str().unwrap();
    assert!(
        html.contains("<p>Dear &lt;b&gt;Garnish&lt;/b&gt; Lawsuit &amp; {{balance}},</p>"),
        "{html}"
    );
    assert_eq!(shown["findings"], json!([]), "{shown}");
    let started = act(
        &admin,
        "startConversation",
        "conversation { id }",
        json!({ "accountId": fresh, "channel": "SMS" }),
    )
    .await;
    let sent = send(&admin, started["conversation"]["id"].as_str().unwrap(), &id).await;
    assert_eq!(user_errors(&sent), ["CONFLICT"], "{sent}");
    let message = sent["userErrors"][0]["message"].as_str().unwrap();
    assert!(message.contains("first contact"), "{message}");

    // One of the two, and of one's own.
    let both = act(
        &agent,
        "sendMessage",
        "message { id }",
        json!({ "conversationId": thread, "templateId": id, "content": "Hello." }),
    )
    .await;
    assert_eq!(user_errors(&both), ["INVALID_INPUT"]);
    let neither = act(
        &agent,
        "sendMessage",
        "message { id }",
        json!({ "conversationId": thread }),
    )
    .await;
    assert_eq!(user_errors(&neither), ["INVALID_INPUT"]);
    let globex = app.globex.sign_in("admin").await;
    let theirs = kept(&globex, text("Theirs", PLAIN, true)).await;
    assert_eq!(user_errors(&send(&agent, &thread, &theirs).await), ["NOT_FOUND"]);
    let foreign = app.account_id(&app.globex, JAMES).await;
    let answer = preview(&agent, json!({ "accountId": foreign, "templateId": id })).await;
    assert_eq!(error_code(&answer), "NOT_FOUND");
    app.finish().await;
}
