//! Who accepted which version of the privacy notice, when and from where.

use serde_json::json;

use crate::{
    account_work::{MARIA, account, act},
    support::{TestApp, data, error_code, user_errors},
};

const ACCEPTED: &str = "privacyAcceptance { version isCurrent language acceptedAt }";

#[tokio::test]
async fn a_debtor_accepts_the_notice_in_force_once_and_staff_see_when_and_from_where() {
    let app = TestApp::start().await;
    let debtor = app.debtor(&app.acme, MARIA).await;
    let notice = app
        .anonymous()
        .gql("{ privacyNotice { version } }", json!({}))
        .await;
    let version = data(&notice)["privacyNotice"]["version"].clone();
    let old = act(
        &debtor,
        "acceptPrivacyNotice",
        ACCEPTED,
        json!({ "version": "2025-01-01" }),
    )
    .await;
    assert_eq!(user_errors(&old), ["CONFLICT"], "{old}");
    let input = json!({ "version": version, "language": "es-MX" });
    let accepted = act(&debtor, "acceptPrivacyNotice", ACCEPTED, input.clone()).await;
    assert_eq!(user_errors(&accepted), Vec::<&str>::new(), "{accepted}");
    let first = &accepted["privacyAcceptance"];
    assert_eq!(
        (&first["version"], &first["isCurrent"], &first["language"]),
        (&version, &json!(true), &json!("es"))
    );
    app.advance(chrono::TimeDelta::minutes(1)).await;
    let again = act(&debtor, "acceptPrivacyNotice", ACCEPTED, input).await;
    assert_eq!(again["privacyAcceptance"], *first, "the first counts");
    assert_eq!(app.audited("privacy_notice.accepted").await, 1);

    let maria = app.account_id(&app.acme, MARIA).await;
    let own = debtor
        .gql(
            "query($a: ID!) { account(id: $a) { debtor { privacyAcceptances { version acceptedAt } } } }",
            json!({ "a": maria }),
        )
        .await;
    let seen = data(&own)["account"]["debtor"]["privacyAcceptances"].clone();
    assert_eq!(seen.as_array().unwrap().len(), 1);
    let hidden = debtor
        .gql(
            "query($a: ID!) { account(id: $a) { debtor { privacyAcceptances { ipAddress } } } }",
            json!({ "a": maria }),
        )
        .await;
    assert_eq!(error_code(&hidden), "FORBIDDEN");
    let compliance = app.acme.sign_in("compliance").await;
    let told = account(
        &compliance,
        &maria,
        "debtor { id privacyAcceptances { version acceptedAt ipAddress } }",
    )
    .await["debtor"]
        .clone();
    let evidence = &told["privacyAcceptances"][0];
    assert_eq!(evidence["acceptedAt"], first["acceptedAt"]);
    assert_eq!(evidence["ipAddress"], "127.0.0.1");
    let globex = app.globex.sign_in("compliance").await;
    let foreign = globex
        .gql(
            "query($d: ID!) { debtor(id: $d) { privacyAcceptances { version } } }",
            json!({ "d": told["id"] }),
        )
        .await;
    assert_eq!(foreign["data"]["debtor"], json!(null));
    app.finish().await;
}

#[tokio::test]
async fn staff_accept_it_for_themselves_and_a_program_for_nobody() {
    let app = TestApp::start().await;
    let agent = app.acme.agent().await;
    let mine = "{ viewer { user { privacyAcceptance { version isCurrent ipAddress } } } }";
    let none = agent.gql(mine, json!({})).await;
    assert_eq!(data(&none)["viewer"]["user"]["privacyAcceptance"], json!(null));
    let input = json!({ "version": "2026-11-30" });
    let accepted = act(&agent, "acceptPrivacyNotice", ACCEPTED, input.clone()).await;
    assert_eq!(user_errors(&accepted), Vec::<&str>::new(), "{accepted}");
    let seen = agent.gql(mine, json!({})).await;
    assert_eq!(
        data(&seen)["viewer"]["user"]["privacyAcceptance"],
        json!({ "version": "2026-11-30", "isCurrent": true, "ipAddress": "127.0.0.1" })
    );
    // An administrator sees who of the staff has accepted it, a colleague does not.
    let users = "{ users(first: 20) { edges { node { role privacyAcceptance { version } } } } }";
    let told = app.acme.sign_in("admin").await.gql(users, json!({})).await;
    let accepted = |answer: &serde_json::Value| {
        let edges = data(answer)["users"]["edges"].as_array().unwrap().clone();
        edges
            .iter()
            .filter(|edge| !edge["node"]["privacyAcceptance"].is_null())
            .count()
    };
    assert_eq!(accepted(&told), 1);
    let anonymous = app
        .anonymous()
        .gql(
            "mutation { acceptPrivacyNotice(input: { version: \"2026-11-30\" }) { userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(error_code(&anonymous), "UNAUTHENTICATED");
    app.finish().await;
}
