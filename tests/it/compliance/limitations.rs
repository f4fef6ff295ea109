//! Debts that are old when they are placed: when their limitation period ended, and what may be said of them then.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::suits::{denied, gate};
use crate::{
    account_work::{MARIA, account, act, ask, holds::JAMES},
    support::{Client, TestApp, error_code, user_errors},
    templates::{kept, send, text},
};

/// In California.
const LINH: usize = 2;
const HARMLESS: &str = "May I call you on Friday?";
const SUIT: &str = "We have decided to file a lawsuit for this debt.";
/// Cal. Civ. 1788.14(d)(2).
const OF_CALIFORNIA: &str = "The law limits how long you can be sued on a debt. Because of the age of your debt, we will not sue \
                             you for it, and we will not report it to any credit reporting agency.";

fn found(account: &str, expires_on: &str, law: Option<&str>) -> Value {
    json!({ "accountId": account, "expiresOn": expires_on, "governingLaw": law,
        "basis": "Charged off in May 2019, no payment since." })
}

async fn record(client: &Client, input: Value) -> Value {
    let shown = "limitation { id expiresOn hasEnded governingLaw basis recordedBy { id } account { id } }";
    act(client, "recordLimitation", shown, input).await
}

#[tokio::test]
async fn a_debt_that_is_old_when_it_is_placed_is_held_to_what_its_age_and_law_allow() {
    let app = TestApp::start().await;
    let (compliance, agent) = (app.acme.sign_in("compliance").await, app.acme.agent().await);
    let james = app.account_id(&app.acme, JAMES).await;
    assert_eq!(gate(&compliance, &james, HARMLESS).await.0, "ALLOW");
    let shown = async || {
        account(&compliance, &james, "limitation { expiresOn governingLaw basis }").await["limitation"]
            .clone()
    };
    assert_eq!(
        shown().await,
        Value::Null,
        "nobody has said, and nothing is derived"
    );

    // In Wisconsin the debt is gone with its period (Wis. Stat. 893.05), wherever the debtor lives.
    let recorded = record(&compliance, found(&james, "2024-05-31", Some("wisconsin"))).await;
    let limitation = &recorded["limitation"];
    assert_eq!(
        (
            &limitation["expiresOn"],
            &limitation["hasEnded"],
            &limitation["governingLaw"]
        ),
        (&json!("2024-05-31"), &json!(true), &json!("WI")),
        "{recorded}"
    );
    assert_eq!(
        shown().await["basis"],
        "Charged off in May 2019, no payment since."
    );
    assert_eq!(
        gate(&compliance, &james, HARMLESS).await,
        denied("time-barred-extinguished")
    );

    // It was Illinois's law: the debt is owed. About it goes what the business approved, and a person's own answer.
    record(&compliance, found(&james, "2024-05-31", Some("IL"))).await;
    let own_words = denied("time-barred-state-disclosure");
    assert_eq!(gate(&compliance, &james, HARMLESS).await, own_words);
    let thread = app.thread_with(&agent, &app.acme, JAMES).await;
    let template = kept(
        &compliance,
        text(
            "Old debt",
            "{{businessName}} here. May I call you on Friday?",
            true,
        ),
    )
    .await;
    let sent = send(&agent, &thread, &template).await;
    assert_eq!(user_errors(&sent), [""; 0], "{sent}");
    app.run_jobs().await;
    let phone = app.acme.debtor_number(JAMES);
    assert_eq!(app.received_by(&phone).len(), 1);
    app.text(&app.acme, &phone, "Who are you?").await;
    let own = json!({ "conversationId": thread, "content": "We collect for First Example Bank." });
    let answered = act(&agent, "sendMessage", "message { id }", own).await;
    assert_eq!(user_errors(&answered), [""; 0], "{answered}");
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 2);

    // And no suit is spoken of, whoever meant one.
    let in_a_month = (app.app.clock.now().date_naive() + TimeDelta::days(30)).to_string();
    let authority = json!({ "accountId": james, "limitationExpiresOn": in_a_month,
        "authority": "First Example Bank instructed suit by letter.", "limitationBasis": "Acknowledged in writing." });
    act(
        &compliance,
        "recordSuitAuthority",
        "suitAuthority { id }",
        authority,
    )
    .await;
    assert_eq!(
        gate(&compliance, &james, SUIT).await.0,
        "ALLOW",
        "what was found last counts"
    );
    record(&compliance, found(&james, "2024-05-31", Some("IL"))).await;
    assert_eq!(
        gate(&compliance, &james, SUIT).await,
        denied("time-barred-no-suit-threat")
    );

    // Who may not, and what is no finding.
    let refused = ask(
        &agent,
        "recordLimitation",
        "limitation { id }",
        found(&james, "2024-05-31", None),
    )
    .await;
    assert_eq!(error_code(&refused), "FORBIDDEN");
    let globex = app.globex.sign_in("compliance").await;
    assert_eq!(
        user_errors(&record(&globex, found(&james, "2024-05-31", None)).await),
        ["NOT_FOUND"]
    );
    for (day, law) in [
        ("1890-01-01", None),
        ("2090-01-01", None),
        ("2024-05-31", Some("Atlantis")),
    ] {
        assert_eq!(
            user_errors(&record(&compliance, found(&james, day, law)).await),
            ["INVALID_INPUT"],
            "{day}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn where_a_state_has_words_for_an_old_debt_nothing_goes_out_without_them() {
    let app = TestApp::start().await;
    let compliance = app.acme.sign_in("compliance").await;
    let (linh, maria) = (
        app.account_id(&app.acme, LINH).await,
        app.account_id(&app.acme, MARIA).await,
    );
    for old in [&linh, &maria] {
        record(&compliance, found(old, "2023-01-31", None)).await;
    }
    let plain = kept(
        &compliance,
        text("Plain", "{{businessName}} here. May we talk?", true),
    )
    .await;
    let whole = format!("{{{{businessName}}}} here. May we talk? {OF_CALIFORNIA}");
    let whole = kept(&compliance, text("California", &whole, true)).await;
    let agent = app.acme.agent().await;
    let thread = app.thread_with(&agent, &app.acme, LINH).await;
    let refused = send(&agent, &thread, &plain).await;
    let needs = json!({ "outcome": "REQUIRE_CONTENT", "rule": "time-barred-state-disclosure" });
    assert_eq!(refused["decision"], needs, "{refused}");
    let sent = send(&agent, &thread, &whole).await;
    assert_eq!(user_errors(&sent), [""; 0], "{sent}");
    app.run_jobs().await;
    let [text] = app.received_by(&app.acme.debtor_number(LINH)).try_into().unwrap();
    assert!(text.body.contains(OF_CALIFORNIA), "{}", text.body);

    // New York's words are others, and counsel has not supplied them: nothing goes out.
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    for template in [&plain, &whole] {
        assert_eq!(send(&agent, &thread, template).await["decision"], needs);
    }
    app.finish().await;
}
