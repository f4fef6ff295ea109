//! Threads that find their agent, at once or when somebody can take them.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::Executor as _;

use super::{agents, daily, holder, inbox_of, open_threads, saved, text_from, update, user_id};
use crate::support::{Socket, TestApp, data};

/// The next events of the inbox, up to one of this type.
async fn until(inbox: &mut Socket, kind: &str) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let event = inbox.event().await["inboxEvents"].clone();
        let is_last = event["__typename"] == kind;
        events.push(event);
        if is_last {
            return events;
        }
    }
}

#[tokio::test]
async fn a_new_thread_goes_to_the_next_agent_who_works_and_has_room_and_they_hear_of_it() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let staff = agents(&app, &app.acme, 3).await;
    let demo = staff[0];
    // One works at another time, and one has no hours at all.
    for user in [staff[0], staff[1]] {
        update(
            &admin,
            user,
            json!({ "availability": daily("09:00", "17:00"), "capacity": 2 }),
        )
        .await;
    }
    update(
        &admin,
        staff[2],
        json!({ "availability": daily("18:00", "24:00") }),
    )
    .await;
    assert_eq!(
        text_from(&app, &app.acme, 0).await,
        None,
        "without a rule nobody gets it"
    );
    saved(&admin, json!({ "name": "Everybody", "strategy": "ROUND_ROBIN" })).await;
    agent
        .gql(
            "mutation { updateNotificationPreferences(input: { preferences: [
               { kind: CONVERSATION_ASSIGNED, channel: EMAIL, enabled: true }] }) { userErrors { code } } }",
            json!({}),
        )
        .await;
    let mut inbox = inbox_of(
        &agent,
        "... on ConversationAssigned { notify assignedAgent { id } } ... on MessageAdded { notify }",
    )
    .await;
    let mails = app.sandbox.state().mails_to("agent@acme.example").len();

    assert_eq!(text_from(&app, &app.acme, 1).await, Some(demo));
    assert_eq!(
        until(&mut inbox, "MessageAdded").await,
        [
            json!({ "__typename": "ConversationCreated" }),
            json!({ "__typename": "ConversationAssigned", "notify": true, "assignedAgent": { "id": user_id(demo) } }),
            json!({ "__typename": "MessageAdded", "notify": true }),
        ]
    );
    assert_eq!(
        app.sandbox.state().mails_to("agent@acme.example").len(),
        mails + 1
    );
    assert_eq!(text_from(&app, &app.acme, 2).await, Some(staff[1]));
    let others = until(&mut inbox, "ConversationAssigned").await;
    assert_eq!(others[1]["notify"], false, "a colleague's by now: {others:?}");
    // A text in a thread that somebody has changes nothing.
    assert_eq!(text_from(&app, &app.acme, 1).await, Some(demo));
    assert_eq!(text_from(&app, &app.acme, 3).await, Some(demo));
    assert_eq!(text_from(&app, &app.acme, 4).await, Some(staff[1]));
    assert_eq!(text_from(&app, &app.acme, 5).await, None, "both are full");
    assert_eq!(open_threads(&app, &staff).await, [2, 2, 0, 0]);
    assert_eq!(app.audited("conversation.assigned").await, 4);
    let trail = admin
        .gql(
            "{ auditEvents(first: 100, filter: { action: \"conversation.assigned\" }) { edges { node { actorKind } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&trail)["auditEvents"]["edges"][0]["node"]["actorKind"],
        "SYSTEM",
        "{trail}"
    );

    // What waits is taken up when somebody has room: the oldest first, that from before the rule too.
    let waits =
        "{ conversations(first: 10, filter: { unassigned: true }) { edges { node { waitingSince } } } }";
    let waiting = data(&admin.gql(waits, json!({})).await)["conversations"]["edges"].clone();
    assert_eq!(waiting.as_array().unwrap().len(), 2);
    assert!(waiting[0]["node"]["waitingSince"].is_string(), "{waiting}");
    update(&admin, demo, json!({ "capacity": 3 })).await;
    app.advance(TimeDelta::minutes(1)).await;
    app.run_jobs().await;
    assert_eq!(holder(&app, &app.acme, 0).await, Some(demo));
    assert_eq!(holder(&app, &app.acme, 5).await, None);
    // In the evening another one works.
    app.advance(TimeDelta::hours(6)).await;
    app.run_jobs().await;
    assert_eq!(holder(&app, &app.acme, 5).await, Some(staff[2]));
    assert_eq!(
        open_threads(&app, &staff).await,
        [3, 2, 1, 0],
        "who went home keeps what is theirs"
    );
    // The other business has no rule.
    assert_eq!(text_from(&app, &app.globex, 0).await, None);
    app.finish().await;
}

#[tokio::test]
async fn the_first_rule_that_fits_decides_by_language_label_creditor_and_skill() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let staff = agents(&app, &app.acme, 2).await;
    for user in &staff {
        update(&admin, *user, json!({ "availability": daily("00:00", "24:00") })).await;
    }
    update(&admin, staff[1], json!({ "skills": ["spanish"] })).await;
    update(&admin, staff[2], json!({ "skills": ["legal"] })).await;
    let mut superuser = app.superuser().await;
    superuser
        .execute("UPDATE debtors SET preferred_language = 'en'; UPDATE users SET capacity = NULL")
        .await
        .unwrap();
    let account = app.account_id(&app.acme, 1).await;
    let tagged = admin
        .gql(
            "mutation($a: [ID!]!) { tagAccounts(input: { accountIds: $a, add: [\"attorney\"] }) { userErrors { code } } }",
            json!({ "a": [account] }),
        )
        .await;
    assert_eq!(data(&tagged)["tagAccounts"]["userErrors"], json!([]));
    let owned = app.account_id(&app.acme, 3).await;
    let given = admin
        .gql(
            "mutation($a: [ID!]!, $u: ID) { assignAccounts(input: { accountIds: $a, agentId: $u }) { userErrors { code message } } }",
            json!({ "a": [owned], "u": user_id(staff[2]) }),
        )
        .await;
    assert_eq!(data(&given)["assignAccounts"]["userErrors"], json!([]), "{given}");
    let spanish_speaker = app.account_id(&app.acme, 2).await;
    sqlx::query("UPDATE debtors SET preferred_language = 'es-MX' WHERE id = (SELECT debtor_id FROM accounts WHERE id = $1)")
        .bind(
            funnelchat::platform::ids::decode(funnelchat::platform::ids::IdKind::Account, &spanish_speaker)
                .unwrap(),
        )
        .execute(&mut superuser)
        .await
        .unwrap();

    saved(&admin, json!({ "name": "Law", "tags": ["attorney", "court"], "requiredSkills": ["legal"], "strategy": "ROUND_ROBIN" })).await;
    saved(&admin, json!({ "name": "Spanish", "languages": ["es"], "requiredSkills": ["spanish"], "strategy": "LEAST_ACTIVE" })).await;
    saved(
        &admin,
        json!({ "name": "E-mail", "channels": ["EMAIL"], "strategy": "ROUND_ROBIN" }),
    )
    .await;
    let rest = saved(&admin, json!({ "name": "The rest", "channels": ["SMS"], "requiredSkills": ["nobody has it"], "strategy": "LEAST_ACTIVE" })).await;
    assert_eq!(text_from(&app, &app.acme, 1).await, Some(staff[2]));
    assert_eq!(text_from(&app, &app.acme, 2).await, Some(staff[1]));
    assert_eq!(text_from(&app, &app.acme, 4).await, None);
    saved(
        &admin,
        json!({ "id": rest["id"], "name": "The rest", "strategy": "LEAST_ACTIVE" }),
    )
    .await;
    assert_eq!(
        text_from(&app, &app.acme, 5).await,
        Some(staff[0]),
        "the least busy"
    );
    assert_eq!(
        text_from(&app, &app.acme, 3).await,
        Some(staff[2]),
        "nobody else sees the account"
    );
    app.advance(TimeDelta::minutes(1)).await;
    app.run_jobs().await;
    assert!(holder(&app, &app.acme, 4).await.is_some());
    app.finish().await;
}

#[tokio::test]
async fn a_debtor_who_waits_is_taken_over_from_who_left_and_from_who_went_home_where_the_rule_says_so() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let staff = agents(&app, &app.acme, 2).await;
    update(
        &admin,
        staff[0],
        json!({ "availability": daily("09:00", "13:00") }),
    )
    .await;
    update(
        &admin,
        staff[1],
        json!({ "availability": daily("09:00", "24:00"), "capacity": 0 }),
    )
    .await;
    let rule = saved(&admin, json!({ "name": "All", "strategy": "LEAST_ACTIVE" })).await;
    for nth in 1..4 {
        assert_eq!(text_from(&app, &app.acme, nth).await, Some(staff[0]));
    }
    // One of the three is answered.
    let answered = app.thread_with(&admin, &app.acme, 1).await;
    crate::support::send(&admin, &answered, "Yes, of course.").await;
    app.run_jobs().await;

    update(&admin, staff[1], json!({ "capacity": 1 })).await;
    app.advance(TimeDelta::minutes(90)).await;
    app.run_jobs().await;
    assert_eq!(
        open_threads(&app, &staff).await,
        [3, 0, 0],
        "the rule does not say so"
    );
    let admin = app.acme.sign_in("admin").await;
    saved(
        &admin,
        json!({ "id": rule["id"], "name": "All", "strategy": "LEAST_ACTIVE", "reassignment": "OFF_DUTY" }),
    )
    .await;
    app.advance(TimeDelta::minutes(6)).await;
    app.run_jobs().await;
    assert_eq!(
        open_threads(&app, &staff).await,
        [2, 1, 0],
        "as far as there is room"
    );
    assert_eq!(
        holder(&app, &app.acme, 1).await,
        Some(staff[0]),
        "nobody waits there"
    );
    assert_eq!(
        holder(&app, &app.acme, 2).await,
        Some(staff[1]),
        "who has waited longest"
    );

    // Of who is no more of the staff nothing is left that waits.
    update(&admin, staff[0], json!({ "status": "INACTIVE" })).await;
    app.advance(TimeDelta::minutes(6)).await;
    app.run_jobs().await;
    assert_eq!(holder(&app, &app.acme, 3).await, None);
    assert_eq!(holder(&app, &app.acme, 1).await, Some(staff[0]));
    update(&admin, staff[1], json!({ "capacity": 2 })).await;
    app.advance(TimeDelta::minutes(1)).await;
    app.run_jobs().await;
    assert_eq!(holder(&app, &app.acme, 3).await, Some(staff[1]));
    app.finish().await;
}
