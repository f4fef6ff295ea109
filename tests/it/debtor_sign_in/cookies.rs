//! What a visitor of a portal allows to be kept in their browser, before anybody signs in.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, data, error_code, user_errors};

const VISITOR: &str = "bq8Zr0y_Tt-41-browser";

async fn choose(client: &Client, input: Value) -> Value {
    let answer = client
        .gql(
            "mutation($i: RecordCookieChoiceInput!) { recordCookieChoice(input: $i) {
               cookieChoice { version isCurrent allowed chosenAt } userErrors { code field message } } }",
            json!({ "i": input }),
        )
        .await;
    data(&answer)["recordCookieChoice"].clone()
}

async fn chosen(client: &Client, slug: &str, visitor: &str) -> Value {
    let answer = client
        .gql(
            "query($s: String!, $v: String!) { cookieChoice(businessSlug: $s, visitor: $v) { isCurrent allowed } }",
            json!({ "s": slug, "v": visitor }),
        )
        .await;
    data(&answer)["cookieChoice"].clone()
}

#[tokio::test]
async fn the_last_choice_of_a_browser_counts_at_one_business_and_goes_after_two_years() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let asked = visitor
        .gql(
            "{ cookieNotice(language: \"es-US\") { version language purposes { purpose means } } }",
            json!({}),
        )
        .await;
    let notice = data(&asked)["cookieNotice"].clone();
    assert_eq!(notice["language"], "es");
    let purposes: Vec<&str> = notice["purposes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|purpose| purpose["purpose"].as_str().unwrap())
        .collect();
    assert_eq!(purposes, ["PREFERENCES", "STATISTICS", "MARKETING"]);
    assert_eq!(
        chosen(&visitor, "acme", VISITOR).await,
        Value::Null,
        "not asked yet"
    );
    let of = |allowed: Value| json!({ "businessSlug": "acme", "visitor": VISITOR, "version": notice["version"], "allowed": allowed });
    let made = choose(&visitor, of(json!(["STATISTICS", "PREFERENCES", "STATISTICS"]))).await;
    assert_eq!(user_errors(&made), Vec::<&str>::new(), "{made}");
    assert_eq!(
        made["cookieChoice"]["allowed"],
        json!(["PREFERENCES", "STATISTICS"])
    );
    assert_eq!(chosen(&visitor, "ACME", VISITOR).await["isCurrent"], true);
    assert_eq!(
        chosen(&visitor, "globex", VISITOR).await,
        Value::Null,
        "another business asks anew"
    );
    assert_eq!(
        chosen(&visitor, "acme", "another-browser-1234").await,
        Value::Null
    );
    let refused = choose(&visitor, of(json!([]))).await;
    assert_eq!(refused["cookieChoice"]["allowed"], json!([]));
    assert_eq!(chosen(&visitor, "acme", VISITOR).await["allowed"], json!([]));
    assert_eq!(app.audited("cookie_choice.recorded").await, 2);

    for (changes, code, field) in [
        (json!({ "version": "2020-01-01" }), "CONFLICT", "version"),
        (json!({ "visitor": "short" }), "INVALID_INPUT", "visitor"),
        (
            json!({ "visitor": "white space is no word" }),
            "INVALID_INPUT",
            "visitor",
        ),
        (
            json!({ "businessSlug": "nobody-here" }),
            "NOT_FOUND",
            "businessSlug",
        ),
    ] {
        let mut wrong = of(json!([]));
        wrong
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let answer = choose(&visitor, wrong).await;
        assert_eq!(user_errors(&answer), [code], "{answer}");
        assert_eq!(answer["userErrors"][0]["field"], json!(["input", field]));
    }
    let malformed = visitor
        .gql(
            "{ cookieChoice(businessSlug: \"acme\", visitor: \"short\") { allowed } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&malformed), "BAD_USER_INPUT");
    app.advance(TimeDelta::days(731)).await;
    app.run_jobs().await;
    assert_eq!(
        chosen(&visitor, "acme", VISITOR).await,
        Value::Null,
        "it is forgotten"
    );
    app.finish().await;
}
