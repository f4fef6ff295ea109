//! Mails in the language and by the clock of whom they are sent to.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, data};

const ADMIN: &str = "admin@acme.example";

async fn profile(client: &Client, input: Value) {
    let answer = client
        .gql(
            "mutation($i: UpdateProfileInput!) { updateProfile(input: $i) { userErrors { code message } } }",
            json!({ "i": input }),
        )
        .await;
    assert_eq!(
        data(&answer)["updateProfile"]["userErrors"],
        json!([]),
        "{answer}"
    );
}

/// Subject and text of the newest mail to them.
fn newest(app: &TestApp, email: &str) -> (String, String) {
    let mail = app.sandbox.state().mails_to(email).pop().expect("a mail");
    (mail.subject, mail.text.expect("a text"))
}

#[tokio::test]
async fn each_member_is_written_to_in_their_own_language_and_time() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    profile(
        &admin,
        json!({ "language": "es-MX", "timeZone": "America/Mexico_City" }),
    )
    .await;
    for email in [ADMIN, "agent@acme.example"] {
        app.anonymous()
            .gql(
                "mutation($e: EmailAddress!) { requestPasswordReset(input: { email: $e }) { accepted } }",
                json!({ "e": email }),
            )
            .await;
    }
    app.run_jobs().await;
    let (subject, text) = newest(&app, ADMIN);
    assert_eq!(subject, "Elija una nueva contraseña");
    assert!(text.contains("/reset-password?token=fcp_"), "{text}");
    assert_eq!(newest(&app, "agent@acme.example").0, "Choose a new password");

    // An instant is told by their clock.
    let made = admin
        .gql(
            "mutation { createApiKey(input: { name: \"Ledger\", scopes: [\"account:read\"], expiresInDays: 3 }) {
               apiKey { prefix expiresAt } userErrors { message } } }",
            json!({}),
        )
        .await;
    let key = &data(&made)["createApiKey"]["apiKey"];
    app.advance(TimeDelta::hours(12)).await;
    app.app.registry.reconcile_all().await.unwrap();
    app.run_jobs().await;
    let (subject, text) = newest(&app, ADMIN);
    assert_eq!(subject, "Una clave de API de su empresa termina pronto");
    let ends: chrono::DateTime<chrono::Utc> = key["expiresAt"].as_str().unwrap().parse().unwrap();
    let there = ends
        .with_timezone(&chrono_tz::America::Mexico_City)
        .format("%Y-%m-%d %H:%M %Z");
    assert!(text.contains(&there.to_string()), "{there}: {text}");
    app.finish().await;
}
