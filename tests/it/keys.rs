//! Rotating keys while the service runs.

use chrono::TimeDelta;
use funnelchat::platform::{
    context::SystemCtx,
    key_rotation::{rewrap_keys, rotate_business_key},
};
use serde_json::json;

use crate::support::{Options, TestApp, data, user_errors};

const THREADS: &str =
    "{ conversations(first: 10) { edges { node { id messages(last: 5) { edges { node { content } } } } } } }";

#[tokio::test]
async fn after_a_rotation_old_texts_are_read_and_a_number_is_still_recognised() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let maria = app.acme.debtor_number(0);
    app.text(&app.acme, &maria, "before").await;

    let mut tx = app
        .app
        .db
        .system(&SystemCtx::for_reason("test", "test"))
        .await
        .unwrap();
    let acme = sqlx::query_scalar("SELECT id FROM businesses WHERE slug = 'acme'")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        rotate_business_key(&app.app.db, &app.app.keyring, acme)
            .await
            .unwrap(),
        2
    );

    app.advance(TimeDelta::minutes(3)).await;
    app.app.keyring.forget(acme);
    app.text(&app.acme, &maria, "after").await;
    let threads = agent.gql(THREADS, json!({})).await;
    let threads = data(&threads)["conversations"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(
        threads.len(),
        1,
        "the same number is the same thread under either key version"
    );
    let texts = threads[0]["node"]["messages"]["edges"].to_string();
    assert!(texts.contains("before") && texts.contains("after"), "{texts}");

    app.text(&app.acme, &maria, "STOP").await;
    assert_eq!(
        rotate_business_key(&app.app.db, &app.app.keyring, acme)
            .await
            .unwrap(),
        3
    );
    app.advance(TimeDelta::minutes(3)).await;
    app.app.keyring.forget(acme);
    let refused = agent
        .gql(
            "mutation($c: ID!) { sendMessage(input: { conversationId: $c, content: \"Hello\" }) { userErrors { code } } }",
            json!({ "c": threads[0]["node"]["id"] }),
        )
        .await;
    assert_eq!(
        user_errors(&data(&refused)["sendMessage"]),
        ["COMPLIANCE_BLOCKED"],
        "an opt-out outlives a rotation"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_new_master_key_takes_over_and_the_old_one_can_leave() {
    let (old, new) = (
        "1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "2:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=",
    );
    let masters = |setting: &str| Options {
        settings: vec![("MASTER_KEYS", setting.to_owned())],
        ..Options::default()
    };
    let first = TestApp::start_with(Options {
        empty: true,
        ..masters(old)
    })
    .await;
    assert_eq!(
        rewrap_keys(&first.app.db, &first.app.keyring).await.unwrap(),
        0,
        "nothing to do yet"
    );
    let database = Some(first.database());
    first.stop().await;

    let both = TestApp::start_with(Options {
        database: database.clone(),
        ..masters(&format!("{old},{new}"))
    })
    .await;
    assert_eq!(
        rewrap_keys(&both.app.db, &both.app.keyring).await.unwrap(),
        3,
        "the platform's key and two businesses'"
    );
    assert_eq!(rewrap_keys(&both.app.db, &both.app.keyring).await.unwrap(), 0);
    both.stop().await;

    let only_new = TestApp::start_with(Options {
        database,
        ..masters(new)
    })
    .await;
    let agent = only_new.acme.agent().await;
    let accounts = agent
        .gql("{ accounts(first: 1) { edges { node { phone } } } }", json!({}))
        .await;
    let phone = &data(&accounts)["accounts"]["edges"][0]["node"]["phone"];
    assert!(
        phone.as_str().unwrap().starts_with("+1"),
        "what was sealed before opens: {phone}"
    );
    only_new.stop().await;
}

#[tokio::test]
async fn after_a_rotation_it_is_still_known_who_shares_a_number() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let call = async |document: &str, variables: serde_json::Value| {
        let answer = admin.gql(document, variables).await;
        data(&answer).clone()
    };
    let place = async |name: &str, phone: &str| {
        let placed = call(
            "mutation($n: String!, $p: PhoneNumber!) { createAccount(input: { firstName: $n, lastName: $n, phone: $p, currentBalance: { amount: \"1.00\" } }) {
               account { debtor { id } } userErrors { message } } }",
            json!({ "n": name, "p": phone }),
        )
        .await;
        placed["createAccount"]["account"]["debtor"]["id"].clone()
    };
    let (shared, own) = ("+16465550217", "+16465550218");
    // What came in before anybody was known by either number.
    for number in [shared, own] {
        app.text(&app.acme, number, "It is me").await;
    }
    let anna = place("Anna", shared).await;
    let mut superuser = app.superuser().await;
    let acme = sqlx::query_scalar("SELECT id FROM businesses WHERE slug = 'acme'")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    let (db, keyring) = (&app.app.db, &app.app.keyring);
    assert_eq!(rotate_business_key(db, keyring, acme).await.unwrap(), 2);
    app.advance(TimeDelta::minutes(3)).await;
    keyring.forget(acme);
    let bert = place("Bert", shared).await;
    let added = call(
        "mutation($d: ID!, $p: PhoneNumber!) { addContactPoint(input: { debtorId: $d, phone: $p, lineType: MOBILE, provenance: CONSUMER }) { userErrors { message } } }",
        json!({ "d": anna, "p": own }),
    )
    .await;
    assert_eq!(added["addContactPoint"]["userErrors"], json!([]));

    for (person, other) in [(&anna, &bert), (&bert, &anna)] {
        let seen = call(
            "query($d: ID!) { debtor(id: $d) { contactPoints { value sharedWith } matchSuggestions { debtor { id } reasons } } }",
            json!({ "d": person }),
        )
        .await;
        let points = seen["debtor"]["contactPoints"].as_array().unwrap().clone();
        let point = points.iter().find(|point| point["value"] == shared).unwrap();
        assert_eq!(point["sharedWith"], 1, "{seen}");
        assert_eq!(
            seen["debtor"]["matchSuggestions"],
            json!([{ "debtor": { "id": other }, "reasons": ["PHONE"] }])
        );
    }

    // Anna goes, and with her what she wrote from the number that is hers alone; what one of the two wrote stays.
    let erased = call(
        "mutation($d: ID!) { eraseDebtor(input: { debtorId: $d, regime: CCPA, reason: \"Please.\" }) { userErrors { message } } }",
        json!({ "d": anna }),
    )
    .await;
    assert_eq!(erased["eraseDebtor"]["userErrors"], json!([]));
    app.run_jobs().await;
    let readable: Vec<bool> = sqlx::query_scalar(
        "SELECT k.wrapped IS NOT NULL FROM conversations v JOIN data_keys k ON k.id = v.record_key_id
         WHERE v.debtor_id IS NULL ORDER BY v.id",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    assert_eq!(readable, [true, false]);
    app.finish().await;
}
