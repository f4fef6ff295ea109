//! Many at once for the last slot: one has it, always. The product's caps come first; under the law's alone, to which the
//! operator of the platform can put a business, it is the seventh call.

use chrono::TimeDelta;
use funnelchat::{
    accounts::{Channel, lock_person},
    compliance::{
        Author, Contact, Outcome, Replayed, decide_to_dispatch, each_decision,
        facts::{CallMode, Profile},
        set_contact_profile,
    },
    platform::ids::{self, IdKind},
};
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use crate::support::TestApp;

const MARIA: usize = 0;
/// In Chicago: Illinois adds no cap of its own to the law's.
const JAMES: usize = 1;
/// Workers at the last slot; each needs a connection for its turn.
const WORKERS: usize = 32;

/// What the text says that the law wants in it.
const TEXT: &str = "Can we talk? This communication is from a debt collector. Reply STOP to opt out.";

/// Asks once to contact somebody now; whether it may, and which rule said so.
async fn ask(app: &TestApp, nth: usize, channel: Channel) -> (Outcome, String) {
    let business = app.business_id(&app.acme).await;
    let keys = app.app.keyring.business(&app.app.db, business).await.unwrap();
    let mut tx = app
        .app
        .db
        .tenant(&app.service_ctx(&app.acme).await)
        .await
        .unwrap();
    let account = ids::decode(IdKind::Account, &app.account_id(&app.acme, nth).await).unwrap();
    let debtor: Uuid = app
        .superuser()
        .await
        .fetch_one(sqlx::query("SELECT debtor_id FROM accounts WHERE id = $1").bind(account))
        .await
        .unwrap()
        .get(0);
    let phone = app.acme.debtor_number(nth);
    let contact = Contact {
        debtor_id: debtor,
        account_id: Some(account),
        channel,
        recipient: &phone,
        content: TEXT,
        in_reply_to: None,
        mode: (channel == Channel::Voice).then_some(CallMode::Human),
        author: Author::Unknown,
        cease_notice: None,
        dispute_answer: None,
        is_template: false,
    };
    let lock = lock_person(&mut tx, debtor).await.unwrap();
    let (decided, reservation) = decide_to_dispatch(&mut tx, &keys, &lock, &contact)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(decided.allows(), reservation.is_some());
    let committed = tx.commit().await.unwrap();
    if let Some(reservation) = reservation {
        let ctx = app.service_ctx(&app.acme).await;
        let mut tx = app.app.db.tenant(&ctx).await.unwrap();
        let permit = reservation.confirm(&committed, &mut tx).await.unwrap();
        tx.finish_read().await.unwrap();
        let permit = permit.expect("nobody has taken anything back");
        permit.spend(channel, &phone, TEXT, app.app.clock.now()).unwrap();
    }
    (decided.decision.outcome, decided.decision.rule)
}

/// All but the last slot are taken; then all workers come at once: exactly one has it, and `rule` lets the others wait.
async fn race(app: &TestApp, nth: usize, channel: Channel, (limit, rule): (usize, &str)) {
    for _ in 1..limit {
        assert_eq!(ask(app, nth, channel).await.0, Outcome::Allow);
        app.advance(TimeDelta::minutes(10)).await;
    }
    let answers = futures_util::future::join_all((0..WORKERS).map(|_| ask(app, nth, channel))).await;
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

/// As many slots are taken as there are decisions that took one.
async fn taken(app: &TestApp) -> i64 {
    let stored = "SELECT count(*) FROM decisions WHERE outcome = 'ALLOW' AND stage = 'DISPATCH'";
    let allowed: i64 = app.superuser().await.fetch_one(stored).await.unwrap().get(0);
    assert_eq!(
        app.slots_taken().await,
        allowed,
        "each slot has the decision that took it"
    );
    allowed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_thirty_two_workers_one_has_the_third_text_and_one_the_third_call() {
    let app = TestApp::start().await;
    race(&app, MARIA, Channel::Sms, (3, "product-sms-3-per-week")).await;
    race(&app, MARIA, Channel::Voice, (3, "product-attempts-3-per-week")).await;
    assert_eq!(taken(&app).await, 6);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_thirty_two_workers_one_has_the_seventh_call_under_the_law_alone() {
    let app = TestApp::start().await;
    let business = app.business_id(&app.acme).await;
    let put = async |profile, reason| set_contact_profile(&app.app.db, business, profile, reason).await;
    assert!(
        put(Profile::Floor, " ").await.is_err(),
        "nobody loosens without a reason"
    );
    put(Profile::Floor, "Counsel's letter of 1 June 2026.")
        .await
        .unwrap();
    // 12 CFR 1006.14(b)(2)(i)(A): more than seven times within seven consecutive days.
    race(&app, JAMES, Channel::Voice, (7, "reg-f-call-7-in-7")).await;
    assert_eq!(taken(&app).await, 7);

    // Under the product's caps again, to somebody else.
    put(Profile::Product, "The letter was withdrawn.").await.unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&app, MARIA, Channel::Voice).await.0, Outcome::Allow);
    }
    assert_eq!(
        ask(&app, MARIA, Channel::Voice).await,
        (Outcome::Defer, "product-attempts-3-per-week".to_owned())
    );
    // Each decision is made again under the caps under which it was made.
    let ctx = app.service_ctx(&app.acme).await;
    let mut decisions = 0;
    each_decision(&app.app.db, &app.app.keyring, &ctx, None, |stored| {
        assert_eq!(stored.replay(), Replayed::Same, "{stored:?}");
        decisions += 1;
    })
    .await
    .unwrap();
    assert_eq!(decisions, 6 + WORKERS + 4);
    assert_eq!(app.audited("contact_profile.set").await, 2);
    let kept = "SELECT count(*) FROM businesses WHERE contact_profile = 'PRODUCT' AND contact_profile_reason IS NULL";
    let others: i64 = app.superuser().await.fetch_one(kept).await.unwrap().get(0);
    assert!(others >= 1, "the other businesses' caps are as they were");
    app.finish().await;
}
