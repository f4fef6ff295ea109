//! Redis is a doorbell: with it, what one process commits is heard in the others at once; without it, a little later.
//! Nothing is lost or doubled either way.

use std::time::Duration;

use funnelchat::platform::{
    db::LiveEvent,
    ids::{self, IdKind},
};
use serde_json::json;

use super::{INBOX, THREAD, newest_cursor, next, position};
use crate::support::{Options, TestApp, data, redis};

async fn two_processes(redis_url: Option<String>) -> (TestApp, TestApp) {
    let options = Options {
        redis_url,
        ..Options::default()
    };
    let first = TestApp::start_with(options.clone()).await;
    let second = TestApp::start_with(Options {
        database: Some(first.database()),
        ..options
    })
    .await;
    (first, second)
}

async fn commit_in(app: &TestApp, thread: &str) -> i64 {
    let ctx = app.service_ctx(&app.acme).await;
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    tx.emit(LiveEvent {
        kind: "CONVERSATION_UPDATED",
        conversation_id: Some(ids::decode(IdKind::Conversation, thread).unwrap()),
        ..LiveEvent::default()
    });
    tx.commit().await.unwrap().position().unwrap()
}

#[tokio::test]
async fn what_is_committed_while_redis_is_away_is_told_all_the_same() {
    let mut redis = redis().await;
    let (writing, reading) = two_processes(Some(redis.url())).await;
    let watcher = reading.acme.sign_in("manager").await;
    let after = newest_cursor(&watcher).await;
    let mut inbox = watcher.socket().await;
    inbox.subscribe(INBOX, json!({ "after": after })).await;
    let phone = writing.acme.debtor_number(1);

    let mut heard = Vec::new();
    let mut stories = vec!["with redis", "redis is away", "and still", "redis is back"];
    for story in stories.clone() {
        match story {
            "redis is away" => {
                redis = tokio::task::spawn_blocking(move || {
                    redis.stop().unwrap();
                    redis
                })
                .await
                .unwrap();
            }
            "redis is back" => {
                redis = tokio::task::spawn_blocking(move || {
                    redis.restart().unwrap();
                    redis
                })
                .await
                .unwrap();
            }
            _ => {}
        }
        assert_eq!(writing.text(&writing.acme, &phone, story).await, 200);
        loop {
            let event = next(&mut inbox).await;
            heard.push((position(&event), event["message"]["content"].clone()));
            if event["message"]["content"] == story {
                break;
            }
        }
    }
    let positions: Vec<i64> = heard.iter().map(|(position, _)| *position).collect();
    let first = positions[0];
    let expected: Vec<i64> = (first..).take(positions.len()).collect();
    assert_eq!(positions, expected, "no gap and no double: {heard:?}");
    let told = heard
        .iter()
        .filter_map(|(_, content)| content.as_str().map(str::to_owned));
    stories.retain(|story| !story.is_empty());
    assert_eq!(told.collect::<Vec<_>>(), stories);
    reading.finish().await;
    writing.finish().await;
}

#[tokio::test]
async fn typing_is_heard_in_another_process() {
    let redis = redis().await;
    let (here, there) = two_processes(Some(redis.url())).await;
    let manager = here.acme.sign_in("manager").await;
    let thread = here.thread_with(&manager, &here.acme, 1).await;
    let after = newest_cursor(&manager).await;
    let mut follower = there.acme.sign_in("admin").await.socket().await;
    follower
        .subscribe(THREAD, json!({ "c": thread, "after": after }))
        .await;
    commit_in(&here, &thread).await;
    assert_eq!(next(&mut follower).await["__typename"], "ConversationUpdated");
    // Typing has no row: as clients do, it is said again and again, until both processes have reached Redis.
    let typing = async {
        loop {
            let typed = manager
                .gql(
                    "mutation($c: ID!) { setTyping(input: { conversationId: $c }) { userErrors { code } } }",
                    json!({ "c": thread }),
                )
                .await;
            data(&typed);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let event = tokio::select! {
        () = typing => unreachable!("it never ends by itself"),
        event = next(&mut follower) => event,
    };
    assert_eq!(
        (event["__typename"].as_str(), event["user"]["name"].as_str()),
        (Some("TypingChanged"), Some("Manager of Acme Recovery"))
    );
    there.finish().await;
    here.finish().await;
}

#[tokio::test]
async fn a_ring_that_was_lost_is_made_up_for_although_later_ones_came() {
    // Two processes that cannot ring each other: like one that dies between its commit and its ring.
    let (here, elsewhere) = two_processes(None).await;
    let manager = here.acme.sign_in("manager").await;
    let watched = here.thread_with(&manager, &here.acme, 1).await;
    let other = here.thread_with(&manager, &here.acme, 2).await;
    let mut follower = manager.socket().await;
    follower
        .subscribe(
            THREAD,
            json!({ "c": watched, "after": newest_cursor(&manager).await }),
        )
        .await;
    // The subscription stands, and the sweep has looked at the business once.
    let first = commit_in(&here, &watched).await;
    assert_eq!(position(&next(&mut follower).await), first);

    for _ in 0..3 {
        let lost = commit_in(&elsewhere, &watched).await;
        commit_in(&here, &other).await;
        assert_eq!(position(&next(&mut follower).await), lost);
    }
    elsewhere.finish().await;
    here.finish().await;
}
