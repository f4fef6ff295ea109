//! Webhooks: nothing of what is not proven is stored, and nothing of what was said is logged.

use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use crate::support::{TestApp, Webhook};

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const WORDS: &str = "I lost my job and cannot pay you before June";

/// How many rows every table has.
async fn rows_of_all_tables(app: &TestApp) -> Vec<(String, i64)> {
    let mut superuser = app.superuser().await;
    let tables = superuser
        .fetch_all(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('public', 'queue')
               AND c.relname <> '_private_workers' ORDER BY 1",
        )
        .await
        .unwrap();
    let mut counts = Vec::new();
    for table in tables {
        let name: String = table.get(0);
        let row = superuser
            .fetch_one(AssertSqlSafe(format!("SELECT count(*) FROM {name}")))
            .await
            .unwrap();
        counts.push((name, row.get(0)));
    }
    assert!(counts.len() > 30, "every table is looked at: {}", counts.len());
    counts
}

/// How many webhooks were refused for a reason, as `/metrics` says. Other tests of the process count too.
async fn refused(app: &TestApp, reason: &str) -> u64 {
    let url = format!("http://{}/metrics", app.addr);
    let text = app
        .anonymous()
        .http()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let name = format!("webhooks_refused_total{{provider=\"twilio\",reason=\"{reason}\"}} ");
    text.lines()
        .find_map(|line| line.strip_prefix(&name)?.parse().ok())
        .unwrap_or_default()
}

#[tokio::test]
async fn what_is_not_proven_is_refused_counted_and_not_stored() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(0);
    let good = Webhook::text(&app.acme, &phone, WORDS, SID);
    let unsigned = Webhook {
        token: None,
        ..good.clone()
    };
    let of_another_account = Webhook {
        token: Some(app.globex.demo.twilio_token()),
        ..good.clone()
    };
    let altered = Webhook {
        signed: Some(good.params.clone()),
        ..good.clone().with("Body", "Send me everything you have on me")
    };
    let unknown = good.clone().with("AccountSid", &format!("AC{}", "f".repeat(32)));
    let nameless = Webhook {
        params: Vec::new(),
        ..good.clone()
    };
    let before = rows_of_all_tables(&app).await;
    let counted = refused(&app, "signature").await;
    for (webhook, what) in [
        (&unsigned, "unsigned"),
        (&of_another_account, "signed by another account"),
        (&altered, "altered after it was signed"),
        (&unknown, "of an unknown account"),
        (&nameless, "without an account"),
    ] {
        for path in ["/webhooks/twilio/sms", "/webhooks/twilio/status"] {
            let (status, answer) = webhook.clone().at(path).post(&app).await;
            assert_eq!(
                (status.as_u16(), answer.as_str()),
                (403, "refused: signature\n"),
                "{what} at {path}: all look the same from outside"
            );
        }
    }
    assert_eq!(rows_of_all_tables(&app).await, before);
    assert!(refused(&app, "signature").await >= counted + 10);
    assert!(
        app.log().contains("a webhook was refused") && app.log().contains("system transaction"),
        "the log is heard, down to its finest lines"
    );
    app.log().never_says(&[WORDS, &phone, "everything you have"]);
    app.finish().await;
}

#[tokio::test]
async fn a_signed_text_to_a_number_that_is_not_the_accounts_is_not_stored_nor_logged() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(0);
    let (before, counted) = (rows_of_all_tables(&app).await, refused(&app, "number").await);
    for number in [app.globex.demo.number, "+12125550199"] {
        let webhook = Webhook::text(&app.acme, &phone, WORDS, SID).with("To", number);
        assert_eq!(webhook.post(&app).await.0, 404, "{number}");
    }
    assert_eq!(rows_of_all_tables(&app).await, before);
    assert!(refused(&app, "number").await >= counted + 2);
    app.log().never_says(&[WORDS, &phone]);
    app.finish().await;
}

#[tokio::test]
async fn a_signed_text_that_makes_no_sense_is_a_bad_request() {
    let app = TestApp::start().await;
    let good = Webhook::text(&app.acme, &app.acme.debtor_number(0), WORDS, SID);
    let before = rows_of_all_tables(&app).await;
    for (name, value) in [
        ("From", "2125550110"),
        ("From", "nobody in particular"),
        ("From", "12"),
        ("From", ""),
        ("To", ""),
        ("MessageSid", ""),
    ] {
        let (status, answer) = good.clone().with(name, value).post(&app).await;
        assert_eq!(
            (status.as_u16(), answer.as_str()),
            (400, "refused: malformed\n"),
            "{name} = {value:?}"
        );
    }
    assert_eq!(rows_of_all_tables(&app).await, before);
    app.finish().await;
}

#[tokio::test]
async fn a_text_of_a_sender_without_a_telephone_is_taken_and_not_kept() {
    let app = TestApp::start().await;
    let good = Webhook::text(&app.acme, &app.acme.debtor_number(0), WORDS, SID);
    let before = rows_of_all_tables(&app).await;
    for sender in ["32665", "787", "12345678", "ACMEBANK", "My Bank 24", "anonymous"] {
        let (status, answer) = good.clone().with("From", sender).post(&app).await;
        assert_eq!(
            (status.as_u16(), answer.as_str()),
            (200, "<Response/>"),
            "{sender}"
        );
    }
    assert_eq!(rows_of_all_tables(&app).await, before);
    app.log().never_says(&[WORDS, "ACMEBANK", "32665"]);
    app.finish().await;
}

#[tokio::test]
async fn texts_of_one_number_that_wait_together_become_one_thread_in_their_order() {
    let app = TestApp::start().await;
    let said: Vec<String> = (1..=8).map(|nth| format!("Part {nth} of my story")).collect();
    for (index, text) in said.iter().enumerate() {
        let sid = format!("SM{index:032x}");
        let webhook = Webhook::text(&app.acme, "+13125550188", text, &sid);
        assert_eq!(webhook.post(&app).await.0, 200);
    }
    // All their jobs run side by side, and nobody has a thread with this number yet.
    app.run_jobs().await;
    let agent = app.acme.agent().await;
    let threads = agent
        .gql(
            "{ conversations(first: 5) { edges { node { messages(first: 20) { edges { node { content } } } } } } }",
            serde_json::json!({}),
        )
        .await;
    let threads = crate::support::data(&threads)["conversations"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(threads.len(), 1);
    let heard: Vec<&str> = threads[0]["node"]["messages"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|edge| edge["node"]["content"].as_str())
        .collect();
    assert_eq!(heard, said);
    app.finish().await;
}

#[tokio::test]
async fn every_path_that_consoles_point_to_takes_texts_and_reports() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(0);
    for (index, path) in [
        "/webhooks/twilio/sms",
        "/api/v1/webhooks/twilio/sms",
        "/webhook/twilio",
    ]
    .into_iter()
    .enumerate()
    {
        let sid = format!("SM{index:032x}");
        let text = Webhook::text(&app.acme, &phone, &format!("{WORDS}, {path}"), &sid).at(path);
        assert_eq!(
            text.post(&app).await,
            (reqwest::StatusCode::OK, "<Response/>".to_owned()),
            "{path}"
        );
    }
    for (status, path) in [
        ("sent", "/webhooks/twilio/status"),
        ("delivered", "/api/v1/webhooks/twilio/status"),
    ] {
        let report = Webhook::text(&app.acme, &phone, "", SID)
            .with("MessageStatus", status)
            .with("To", &phone)
            .at(path);
        assert_eq!(report.post(&app).await.0, 204, "{path}");
    }
    app.run_jobs().await;
    let rows = app
        .superuser()
        .await
        .fetch_all("SELECT FROM messages WHERE direction = 'INBOUND'")
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    app.log().never_says(&[WORDS, &phone]);
    app.finish().await;
}

#[tokio::test]
async fn who_floods_us_with_unproven_webhooks_keeps_nothing_proven_from_coming() {
    let app = TestApp::start().await;
    let phone = app.acme.debtor_number(0);
    let unsigned = Webhook {
        token: None,
        ..Webhook::text(&app.acme, &phone, WORDS, SID)
    };
    let mut refusals = Vec::new();
    for _ in 0..65 {
        refusals.push(unsigned.post(&app).await.0.as_u16());
    }
    assert_eq!(refusals[..60], [403; 60]);
    assert_eq!(
        refusals[60..],
        [429; 5],
        "who is not proven may try only so often"
    );

    // The same address, as everybody's is behind a proxy: the accounts have not been looked up yet.
    for (tenant, sid) in [
        (&app.acme, SID),
        (&app.globex, "SM1123456789abcdef0123456789abcdef"),
    ] {
        let stop = Webhook::text(tenant, &tenant.debtor_number(0), "STOP", sid);
        assert_eq!(stop.post(&app).await.0, 200);
    }
    app.run_jobs().await;
    let stopped = "SELECT count(*) FROM suppressions WHERE reason = 'OPT_OUT'";
    let stopped = app.superuser().await.fetch_one(stopped).await.unwrap();
    assert_eq!(stopped.get::<i64, _>(0), 2);

    // Nobody makes us look accounts up that do not exist.
    let asked = || app.log().count("webhook account");
    let before = asked();
    for nth in 0..10 {
        let invented =
            Webhook::text(&app.acme, &phone, WORDS, SID).with("AccountSid", &format!("AC{nth:032x}"));
        assert_eq!(invented.post(&app).await.0, 429);
    }
    assert!(asked() <= before + 1, "one statement for all of them at most");
    app.finish().await;
}
