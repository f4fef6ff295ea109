//! What may not be said: it is refused when it is written, again when it is to leave, and explained to who writes it.

use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::support::{Client, SEND, TestApp, data, user_errors};

/// James in Chicago, where it is noon.
const JAMES: usize = 1;

const CHECK: &str = "query($i: CheckContentInput!) { checkContent(input: $i) {
    isClean version findings { category rule citation excerpt start end change } } }";

/// Says it in James's thread; the payload.
async fn say(app: &TestApp, agent: &Client, text: &str) -> Value {
    let thread = app.thread_with(agent, &app.acme, JAMES).await;
    let sent = agent.gql(SEND, json!({ "c": thread, "text": text })).await;
    app.run_jobs().await;
    data(&sent)["sendMessage"].clone()
}

/// Texts that went to James's phone.
fn arrived(app: &TestApp) -> Vec<String> {
    let phone = app.acme.debtor_number(JAMES);
    let texts = app.sandbox.state().thread(&phone);
    texts.into_iter().map(|text| text.body).collect()
}

async fn check(client: &Client, input: Value) -> Value {
    let answer = client.gql(CHECK, json!({ "i": input })).await;
    data(&answer)["checkContent"].clone()
}

#[tokio::test]
async fn a_threat_is_refused_in_both_languages_and_a_near_miss_goes_out() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    for (text, words) in [
        (
            "Thank you for your call. You will be arrested if you do not pay.",
            "be arrested",
        ),
        ("Gracias por llamar. Lo van a arrestar si no paga.", "arrestar"),
    ] {
        let refused = say(&app, &agent, text).await;
        assert_eq!(user_errors(&refused), ["COMPLIANCE_BLOCKED"], "{refused}");
        assert!(refused["message"].is_null());
        assert_eq!(refused["decision"]["outcome"], "DENY");
        assert_eq!(refused["decision"]["rule"], "fdcpa-false-legal-threat");
        let rules = refused["decision"]["rules"].as_array().unwrap();
        let citation = rules.last().unwrap()["citation"].as_str().unwrap();
        assert!(citation.contains("1692e"), "{citation}");
        let found = &refused["findings"][0];
        assert_eq!(found["category"], "arrest-criminal");
        assert!(found["excerpt"].as_str().unwrap().contains(words), "{found}");
        assert!(found["change"].as_str().is_some_and(|change| !change.is_empty()));
    }
    assert!(arrived(&app).is_empty(), "nothing left");
    let mut superuser = app.superuser().await;
    let stored = "SELECT count(*) FROM decisions WHERE decision::text ILIKE '%arrest%'";
    let in_clear: i64 = superuser.fetch_one(stored).await.unwrap().get(0);
    assert_eq!(in_clear, 0, "the sender's words are stored nowhere in clear");

    let sent = say(&app, &agent, "You cannot be arrested for not paying this debt.").await;
    assert_eq!(user_errors(&sent), [""; 0], "{sent}");
    assert!(sent["findings"].is_null());
    assert_eq!(arrived(&app).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_text_is_looked_through_again_when_it_is_to_leave() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let mut superuser = app.superuser().await;
    let account = funnelchat::platform::ids::decode(
        funnelchat::platform::ids::IdKind::Account,
        &app.account_id(&app.acme, JAMES).await,
    )
    .unwrap();
    let balance: i64 = superuser
        .fetch_one(sqlx::query("SELECT balance_minor FROM accounts WHERE id = $1").bind(account))
        .await
        .unwrap()
        .get(0);
    let text = format!("Your balance is ${}.{:02}.", balance / 100, balance % 100);
    let queued = agent.gql(SEND, json!({ "c": thread, "text": text })).await;
    let queued = &data(&queued)["sendMessage"];
    assert_eq!(
        user_errors(queued),
        [""; 0],
        "the ledger has that amount: {queued}"
    );
    // Before it leaves, the ledger has another one.
    superuser
        .execute(
            sqlx::query(
                "UPDATE accounts SET balance_minor = balance_minor - 1234, original_balance_minor = NULL WHERE id = $1",
            )
            .bind(account),
        )
        .await
        .unwrap();
    superuser
        .execute(sqlx::query("DELETE FROM balance_components WHERE account_id = $1").bind(account))
        .await
        .unwrap();
    app.run_jobs().await;
    let state = app.message_state(queued["message"]["id"].as_str().unwrap()).await;
    assert_eq!(state.status, "BLOCKED");
    assert_eq!(state.failure_code.as_deref(), Some("fdcpa-amount-misstatement"));
    assert!(arrived(&app).is_empty());
    let stages = "SELECT string_agg(stage || ' ' || outcome, ', ' ORDER BY decided_at, id) FROM decisions";
    let stages: String = superuser.fetch_one(stages).await.unwrap().get(0);
    assert_eq!(stages, "QUEUE ALLOW, DISPATCH DENY");
    app.finish().await;
}

#[tokio::test]
async fn a_way_out_that_is_denied_is_refused_and_one_that_is_asked_about_is_none() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let faked = "Can we talk? This is NOT from a debt collector. You do not have to reply STOP to opt out of anything.";
    let refused = say(&app, &agent, faked).await;
    assert_eq!(user_errors(&refused), ["COMPLIANCE_BLOCKED"], "{refused}");
    assert_eq!(refused["decision"]["rule"], "fdcpa-deceptive-means");
    let asked = "Can we talk? Did somebody tell you to reply STOP to opt out of the calls?";
    let sent = say(&app, &agent, asked).await;
    assert_eq!(user_errors(&sent), [""; 0], "{sent}");
    let content = sent["message"]["content"].as_str().unwrap();
    let appended = content.strip_prefix(asked).unwrap();
    assert!(appended.contains("from a debt collector."), "{content}");
    assert!(appended.ends_with("Reply STOP to opt out."), "{content}");
    assert_eq!(arrived(&app), [content]);
    app.finish().await;
}

#[tokio::test]
async fn who_writes_is_told_which_words_and_what_to_change() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let account = app.account_id(&app.acme, JAMES).await;
    let mut superuser = app.superuser().await;
    let before: i64 = superuser
        .fetch_one("SELECT count(*) FROM decisions")
        .await
        .unwrap()
        .get(0);

    let body = "¡Hola! Lo vamos a demandar mañana.";
    let input = json!({ "body": body, "channel": "SMS", "accountId": account, "language": "es" });
    let checked = check(&agent, input).await;
    assert_eq!(checked["isClean"], false);
    let found = &checked["findings"][0];
    assert_eq!(found["rule"], "fdcpa-false-legal-threat");
    assert_eq!(found["category"], "unintended-legal-action");
    assert!(found["citation"].as_str().unwrap().contains("1692e"));
    assert!(found["change"].as_str().unwrap().contains("demanda"), "{found}");
    let (start, end) = (found["start"].as_u64().unwrap(), found["end"].as_u64().unwrap());
    let length = usize::try_from(end - start).unwrap();
    let words: String = body
        .chars()
        .skip(usize::try_from(start).unwrap())
        .take(length)
        .collect();
    assert_eq!(found["excerpt"], words);

    let clean = json!({ "body": "Would a smaller payment help?", "channel": "SMS", "accountId": account });
    assert_eq!(check(&agent, clean).await["isClean"], true);
    let after: i64 = superuser
        .fetch_one("SELECT count(*) FROM decisions")
        .await
        .unwrap()
        .get(0);
    assert_eq!(before, after, "nothing is stored");

    // Of nobody in particular, and of another business's debtor, there is nothing to say.
    let nobody = json!({ "body": "Hello", "channel": "SMS" });
    let answer = agent.gql(CHECK, json!({ "i": nobody })).await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
        "{answer}"
    );
    let theirs = app.account_id(&app.globex, JAMES).await;
    let foreign = json!({ "body": "Hello", "channel": "SMS", "accountId": theirs });
    let answer = agent.gql(CHECK, json!({ "i": foreign })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{answer}");
    let long = json!({ "body": "a".repeat(20_001), "channel": "SMS", "accountId": account });
    let answer = agent.gql(CHECK, json!({ "i": long })).await;
    assert!(
        answer["errors"][0]["message"].as_str().unwrap().contains("20000"),
        "{answer}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_text_says_who_sends_it_and_its_statements_are_in_its_own_language() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    // James reads English; whoever writes to him in Spanish says all of it in Spanish (12 CFR 1006.18(e)(4)).
    let spanish = "Buenos días, ¿podemos hablar de su cuenta el viernes?";
    for (text, appended) in [
        (
            spanish,
            " Acme Recovery envía este mensaje. Esta comunicación es de un cobrador de deudas. Responda STOP para no recibir más mensajes.",
        ),
        (
            "Good morning, may I call you on Friday?",
            " Acme Recovery sends this message. This communication is from a debt collector. Reply STOP to opt out.",
        ),
        // Who says it already says it once.
        (
            "Good morning from ACME RECOVERY.",
            " This communication is from a debt collector. Reply STOP to opt out.",
        ),
    ] {
        let sent = say(&app, &agent, text).await;
        assert_eq!(user_errors(&sent), [""; 0], "{sent}");
        assert_eq!(sent["message"]["content"], format!("{text}{appended}"));
    }
    assert_eq!(arrived(&app).len(), 3);
    app.finish().await;
}
