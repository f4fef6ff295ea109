//! Many at once for the last slot: one has it, always.

use chrono::TimeDelta;
use funnelchat::{
    accounts::Channel,
    compliance::{Contact, Outcome, decide_to_dispatch, facts::CallMode},
    platform::ids::{self, IdKind},
};
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use crate::support::TestApp;

const MARIA: usize = 0;
/// Workers at the last slot; each needs a connection for its turn.
const WORKERS: usize = 32;

/// What the text says that the law wants in it.
const TEXT: &str = "Can we talk? This communication is from a debt collector. Reply STOP to opt out.";

/// Asks once to contact Maria now; whether it may, and which rule said so.
async fn ask(app: &TestApp, channel: Channel) -> (Outcome, String) {
    let business = app.business_id(&app.acme).await;
    let keys = app.app.keyring.business(&app.app.db, business).await.unwrap();
    let mut tx = app
        .app
        .db
        .tenant(&app.service_ctx(&app.acme).await)
        .await
        .unwrap();
    let account = ids::decode(IdKind::Account, &app.account_id(&app.acme, MARIA).await).unwrap();
    let debtor: Uuid = app
        .superuser()
        .await
        .fetch_one(sqlx::query("SELECT debtor_id FROM accounts WHERE id = $1").bind(account))
        .await
        .unwrap()
        .get(0);
    let phone = app.acme.debtor_number(MARIA);
    let contact = Contact {
        debtor_id: debtor,
        account_id: Some(account),
        channel,
        recipient: &phone,
        content: TEXT,
        in_reply_to: None,
        mode: (channel == Channel::Voice).then_some(CallMode::Human),
        writer: None,
    };
    let (decided, reservation) = decide_to_dispatch(&mut tx, &keys, &contact)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(decided.allows(), reservation.is_some());
    let committed = tx.commit().await.unwrap();
    if let Some(reservation) = reservation {
        let permit = reservation.after(&committed);
        permit.spend(channel, &phone, TEXT, app.app.clock.now()).unwrap();
    }
    (decided.decision.outcome, decided.decision.rule)
}

/// All but the last slot are taken; then all workers come at once.
async fn race(app: &TestApp, channel: Channel, limit: usize) -> Vec<(Outcome, String)> {
    for _ in 1..limit {
        assert_eq!(ask(app, channel).await.0, Outcome::Allow);
        app.advance(TimeDelta::minutes(10)).await;
    }
    futures_util::future::join_all((0..WORKERS).map(|_| ask(app, channel))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_thirty_two_workers_one_has_the_third_text_and_one_the_third_call() {
    let app = TestApp::start().await;
    for (channel, rule) in [
        (Channel::Sms, "product-sms-3-per-week"),
        (Channel::Voice, "product-attempts-3-per-week"),
    ] {
        let answers = race(&app, channel, 3).await;
        assert_eq!(answers.len(), WORKERS);
        let won = answers
            .iter()
            .filter(|(outcome, _)| *outcome == Outcome::Allow)
            .count();
        assert_eq!(won, 1, "{channel:?}: {answers:?}");
        let waiting = answers.iter().filter(|(outcome, _)| *outcome == Outcome::Defer);
        assert!(
            waiting.clone().all(|(_, by)| by == rule),
            "{channel:?}: {answers:?}"
        );
        assert_eq!(waiting.count(), WORKERS - 1);
    }
    assert_eq!(app.slots_taken().await, 6);
    let stored = "SELECT count(*) FROM decisions WHERE outcome = 'ALLOW' AND stage = 'DISPATCH'";
    let allowed: i64 = app.superuser().await.fetch_one(stored).await.unwrap().get(0);
    assert_eq!(allowed, 6, "each slot has the decision that took it");
    app.finish().await;
}
