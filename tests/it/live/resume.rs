//! Resume without loss or duplicate: writers commit at once and out of order while subscribers are cut off at random
//! and come back with their last cursor.

use funnelchat::platform::{
    context::TenantCtx,
    db::LiveEvent,
    ids::{self, IdKind},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use sqlx::Row as _;
use uuid::Uuid;

use super::{INBOX, THREAD, newest_cursor, next, position};
use crate::support::{Client, Options, TestApp, redis, send};

/// What the inbox of a business tells of.
const KINDS: [&str; 5] = [
    "MESSAGE_ADDED",
    "MESSAGE_STATUS_CHANGED",
    "CONVERSATION_CREATED",
    "CONVERSATION_UPDATED",
    "CONVERSATION_ASSIGNED",
];

/// Follows until `last`, cut off after a few events again and again; everything heard, in order.
pub(super) async fn follow_with_cuts(
    client: Client,
    (query, thread): (&'static str, Option<String>),
    mut after: Value,
    mut rng: StdRng,
    last: tokio::sync::watch::Receiver<i64>,
) -> Vec<i64> {
    let mut heard = Vec::new();
    loop {
        let mut socket = client.socket().await;
        let variables = match &thread {
            Some(thread) => json!({ "c": thread, "after": after }),
            None => json!({ "after": after }),
        };
        socket.subscribe(query, variables).await;
        for _ in 0..rng.random_range(1..6) {
            let event = next(&mut socket).await;
            heard.push(position(&event));
            after = event["cursor"].clone();
            if heard.last() == Some(&*last.borrow()) {
                return heard;
            }
        }
        // The connection breaks without a word, with whatever was on its way.
    }
}

/// Transactions that are open together and commit in another order than they began.
async fn commit_out_of_order(app: &TestApp, ctx: &TenantCtx, threads: &[Uuid], rng: &mut StdRng) {
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut tx = app.app.db.tenant(ctx).await.unwrap();
        for _ in 0..rng.random_range(1..4) {
            tx.emit(update_of(threads[rng.random_range(0..threads.len())]));
        }
        open.push(tx);
    }
    open.shuffle(rng);
    let last = open.pop().unwrap();
    let (a, b, c) = (open.pop().unwrap(), open.pop().unwrap(), open.pop().unwrap());
    let (a, b, c) = tokio::join!(a.commit(), b.commit(), c.commit());
    for committed in [a, b, c, last.commit().await] {
        committed.unwrap();
    }
}

fn update_of(thread: Uuid) -> LiveEvent {
    LiveEvent {
        kind: "CONVERSATION_UPDATED",
        conversation_id: Some(thread),
        ..LiveEvent::default()
    }
}

/// `writing` commits; `reading` is the process (the same or another) whose sockets are cut.
async fn nothing_is_missed_or_doubled(writing: &TestApp, reading: &TestApp, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let manager = writing.acme.sign_in("manager").await;
    let ctx = writing.service_ctx(&writing.acme).await;
    let mut threads = Vec::new();
    for nth in 0..5 {
        threads.push(writing.thread_with(&manager, &writing.acme, nth).await);
    }
    let uuids: Vec<Uuid> = threads
        .iter()
        .map(|thread| ids::decode(IdKind::Conversation, thread).unwrap())
        .collect();
    let start = newest_cursor(&manager).await;

    let watcher = reading.acme.sign_in("manager").await;
    let (tell_last, last) = tokio::sync::watch::channel(-1);
    let followers: Vec<_> = [(INBOX, None), (THREAD, Some(threads[1].clone()))]
        .into_iter()
        .map(|what| {
            let rng = StdRng::seed_from_u64(rng.random());
            tokio::spawn(follow_with_cuts(
                watcher.clone(),
                what,
                start.clone(),
                rng,
                last.clone(),
            ))
        })
        .collect();

    let mut transactions = StdRng::seed_from_u64(rng.random());
    let by_transaction = async {
        for _ in 0..12 {
            commit_out_of_order(writing, &ctx, &uuids, &mut transactions).await;
        }
    };
    let by_webhook_and_agent = async {
        for round in 0..3 {
            let texts = (0..5).map(|nth| {
                let phone = writing.acme.debtor_number(nth);
                let body = format!("A question, number {round}");
                async move {
                    let text = writing
                        .sandbox
                        .state()
                        .receive_text(&phone, writing.acme.demo.number, &body);
                    assert_eq!(text.await.unwrap().webhook_status, Some(200));
                }
            });
            futures_util::future::join_all(texts).await;
            writing.run_due_jobs().await;
            let (first, second) = (rng.random_range(0..5), rng.random_range(0..4));
            let second = if second == first { 4 } else { second };
            tokio::join!(
                send(&manager, &threads[first], "A prompt answer."),
                send(&manager, &threads[second], "Another prompt answer."),
                writing.run_due_jobs()
            );
        }
        writing.run_jobs().await;
    };
    tokio::join!(by_transaction, by_webhook_and_agent);
    let mut tx = writing.app.db.tenant(&ctx).await.unwrap();
    tx.emit(update_of(uuids[1]));
    let end = tx.commit().await.unwrap().position().unwrap();
    tell_last.send(end).unwrap();

    let heard = futures_util::future::join_all(followers).await;
    let first = position(&json!({ "cursor": start }));
    for (heard, only) in heard.into_iter().zip([None, Some(uuids[1])]) {
        let rows = sqlx::query(
            "SELECT position FROM live_events
             WHERE business_id = $1 AND position > $2 AND kind = ANY($3) AND ($4::uuid IS NULL OR conversation_id = $4)
             ORDER BY position",
        )
        .bind(ctx.business_id())
        .bind(first)
        .bind(KINDS)
        .bind(only)
        .fetch_all(&mut writing.superuser().await)
        .await
        .unwrap();
        let committed: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert!(
            committed.len() > 20,
            "too little happened to prove anything: {committed:?}"
        );
        assert_eq!(heard.unwrap(), committed, "seed {seed}");
    }
}

#[tokio::test]
async fn within_one_process() {
    let app = TestApp::start().await;
    for seed in [7, 1_000_003] {
        nothing_is_missed_or_doubled(&app, &app, seed).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn between_two_processes_that_ring_through_redis() {
    let redis = redis().await;
    let options = Options {
        redis_url: Some(redis.url()),
        ..Options::default()
    };
    let writing = TestApp::start_with(options.clone()).await;
    let reading = TestApp::start_with(Options {
        database: Some(writing.database()),
        ..options
    })
    .await;
    nothing_is_missed_or_doubled(&writing, &reading, 42).await;
    reading.finish().await;
    writing.finish().await;
}
