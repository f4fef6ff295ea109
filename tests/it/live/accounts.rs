//! The feed of one account.

use chrono::TimeDelta;
use funnelchat::platform::{
    context::TenantCtx,
    db::LiveEvent,
    ids::{self, IdKind},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use sqlx::Row as _;
use uuid::Uuid;

use super::{ended_with, newest_cursor, next, position, resume::follow_with_cuts};
use crate::{
    account_work::act,
    support::{Client, Socket, TestApp, data, user_errors},
};

const ACCOUNT: &str = "subscription($c: ID!, $after: Cursor) { accountEvents(accountId: $c, after: $after) {
  __typename
  ... on AccountChanged { cursor accountId change account { status tags firstName } }
  ... on MessageAdded { cursor message { content } }
  ... on MessageStatusChanged { cursor message { deliveryStatus } }
  ... on ConversationCreated { cursor conversation { id } }
  ... on ConversationUpdated { cursor conversation { id } }
  ... on ConversationAssigned { cursor conversation { id } } } }";

const MARIA: usize = 0;
const JAMES: usize = 1;

async fn follow(client: &Client, account: &str) -> Socket {
    let mut socket = client.socket().await;
    let after = newest_cursor(client).await;
    socket
        .subscribe(ACCOUNT, json!({ "c": account, "after": after }))
        .await;
    socket
}

fn change(event: &Value) -> &str {
    event["change"]
        .as_str()
        .unwrap_or_else(|| panic!("no change: {event}"))
}

#[tokio::test]
async fn what_happens_to_an_account_and_its_person_is_told_in_order_and_nothing_of_others() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let account = app.account_id(&app.acme, MARIA).await;
    let other = app.account_id(&app.acme, JAMES).await;
    let debtor = manager
        .gql(
            "query($id: ID!) { account(id: $id) { debtor { id } } }",
            json!({ "id": account }),
        )
        .await;
    let debtor = data(&debtor)["account"]["debtor"]["id"].clone();
    let mut socket = follow(&manager, &account).await;

    act(
        &manager,
        "tagAccounts",
        "",
        json!({ "accountIds": [other, account], "add": ["seen"] }),
    )
    .await;
    let told = next(&mut socket).await;
    assert_eq!((change(&told), &told["accountId"]), ("UPDATED", &json!(account)));
    assert!(told["account"]["tags"].to_string().contains("seen"), "{told}");
    act(
        &manager,
        "addAccountNote",
        "",
        json!({ "accountId": other, "text": "Of another." }),
    )
    .await;
    act(
        &manager,
        "addAccountNote",
        "",
        json!({ "accountId": account, "text": "Of this one." }),
    )
    .await;
    assert_eq!(change(&next(&mut socket).await), "UPDATED");
    act(
        &manager,
        "setHold",
        "",
        json!({ "debtorId": debtor, "kind": "LEGAL", "reason": "Served." }),
    )
    .await;
    assert_eq!(
        change(&next(&mut socket).await),
        "HOLDS",
        "of the person, and so of this debt too"
    );
    act(
        &manager,
        "updateDebtor",
        "",
        json!({ "id": debtor, "firstName": "Marie" }),
    )
    .await;
    let told = next(&mut socket).await;
    assert_eq!(
        (change(&told), &told["account"]["firstName"]),
        ("PERSON", &json!("Marie"))
    );
    app.text(&app.acme, &app.acme.debtor_number(JAMES), "From somebody else")
        .await;
    app.text(&app.acme, &app.acme.debtor_number(MARIA), "Hello there")
        .await;
    assert_eq!(next(&mut socket).await["__typename"], "ConversationCreated");
    assert_eq!(next(&mut socket).await["message"]["content"], "Hello there");

    // Of another business it does not exist.
    let globex = app.globex.sign_in("manager").await;
    let mut foreign = globex.socket().await;
    foreign
        .subscribe(ACCOUNT, json!({ "c": account, "after": null }))
        .await;
    assert_eq!(ended_with(&mut foreign).await, "NOT_FOUND");

    // Once deleted it is told that, and nothing later.
    act(
        &manager,
        "deleteAccount",
        "",
        json!({ "id": account, "reason": "Placed twice." }),
    )
    .await;
    let told = next(&mut socket).await;
    assert_eq!((change(&told), &told["account"]), ("DELETED", &Value::Null));
    assert_eq!(ended_with(&mut socket).await, "NOT_FOUND");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn an_account_that_goes_to_a_colleague_ends_the_feed_of_who_had_it() {
    let app = TestApp::start().await;
    let (agent, manager) = (app.acme.agent().await, app.acme.sign_in("manager").await);
    let account = app.account_id(&app.acme, MARIA).await;
    let before = newest_cursor(&agent).await;
    let mut socket = follow(&agent, &account).await;
    let tag = async |tag: &str| {
        let input = json!({ "accountIds": [account], "add": [tag] });
        let tagged = act(&manager, "tagAccounts", "", input).await;
        assert_eq!(user_errors(&tagged), Vec::<&str>::new());
    };
    tag("before").await;
    let myself = manager.gql("{ viewer { user { id } } }", json!({})).await;
    let given = json!({ "accountIds": [account], "agentId": data(&myself)["viewer"]["user"]["id"] });
    let given = act(&manager, "assignAccounts", "", given).await;
    assert_eq!(user_errors(&given), Vec::<&str>::new());
    tag("after").await;
    let mut told = vec![next(&mut socket).await, next(&mut socket).await];
    assert_eq!((change(&told[0]), change(&told[1])), ("UPDATED", "ASSIGNED"));
    let lost = told.pop().unwrap();
    assert!(
        lost["account"].is_null(),
        "it is not theirs to see any more: {lost}"
    );
    assert_eq!(ended_with(&mut socket).await, "NOT_FOUND");
    socket
        .subscribe(ACCOUNT, json!({ "c": account, "after": before }))
        .await;
    assert_eq!(ended_with(&mut socket).await, "NOT_FOUND");
    app.finish().await;
}

#[tokio::test]
async fn a_cursor_older_than_what_is_kept_says_so() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let account = app.account_id(&app.acme, MARIA).await;
    let old = newest_cursor(&manager).await;
    act(
        &manager,
        "addAccountNote",
        "",
        json!({ "accountId": account, "text": "Noted." }),
    )
    .await;
    app.advance(TimeDelta::hours(73)).await;
    let manager = app.acme.sign_in("manager").await;
    let mut socket = manager.socket().await;
    for (after, code) in [
        (old, "CURSOR_EXPIRED"),
        (json!("live1_99999999"), "BAD_USER_INPUT"),
    ] {
        socket
            .subscribe(ACCOUNT, json!({ "c": account, "after": after }))
            .await;
        assert_eq!(ended_with(&mut socket).await, code, "{after}");
    }
    app.finish().await;
}

/// One event each, of this account, of its person, of another account, or of another person.
fn event_of(account: (Uuid, Uuid), other: (Uuid, Uuid), rng: &mut StdRng) -> LiveEvent {
    let (kind, account_id, debtor_id) = match rng.random_range(0..4) {
        0 => ("ACCOUNT_UPDATED", Some(account.0), account.1),
        1 => ("DEBTOR_UPDATED", None, account.1),
        2 => ("ACCOUNT_UPDATED", Some(other.0), other.1),
        _ => ("DEBTOR_UPDATED", None, other.1),
    };
    LiveEvent {
        kind,
        account_id,
        debtor_id: Some(debtor_id),
        ..LiveEvent::default()
    }
}

async fn commit_out_of_order(app: &TestApp, ctx: &TenantCtx, accounts: [(Uuid, Uuid); 2], rng: &mut StdRng) {
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut tx = app.app.db.tenant(ctx).await.unwrap();
        for _ in 0..rng.random_range(1..4) {
            tx.emit(event_of(accounts[0], accounts[1], rng));
        }
        open.push(tx);
    }
    open.shuffle(rng);
    let committed = futures_util::future::join_all(open.into_iter().map(|tx| tx.commit())).await;
    for one in committed {
        one.unwrap();
    }
}

#[tokio::test]
async fn it_resumes_without_loss_or_duplicate() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let ctx = app.service_ctx(&app.acme).await;
    let mut superuser = app.superuser().await;
    let mut accounts = Vec::new();
    for nth in [MARIA, JAMES] {
        let id = app.account_id(&app.acme, nth).await;
        let uuid = ids::decode(IdKind::Account, &id).unwrap();
        let debtor: Uuid = sqlx::query("SELECT debtor_id FROM accounts WHERE id = $1")
            .bind(uuid)
            .fetch_one(&mut superuser)
            .await
            .unwrap()
            .get(0);
        accounts.push((id, (uuid, debtor)));
    }
    let both = [accounts[0].1, accounts[1].1];
    let start = newest_cursor(&manager).await;
    let (tell_last, last) = tokio::sync::watch::channel(-1);
    let mut rng = StdRng::seed_from_u64(11);
    let follower = tokio::spawn(follow_with_cuts(
        manager.clone(),
        (ACCOUNT, Some(accounts[0].0.clone())),
        start.clone(),
        StdRng::seed_from_u64(rng.random()),
        last,
    ));
    for _ in 0..15 {
        commit_out_of_order(&app, &ctx, both, &mut rng).await;
    }
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(both[0].0),
        debtor_id: Some(both[0].1),
        ..LiveEvent::default()
    });
    let end = tx.commit().await.unwrap().position().unwrap();
    tell_last.send(end).unwrap();
    let rows = sqlx::query(
        "SELECT position FROM live_events WHERE business_id = $1 AND position > $2
           AND (account_id = $3 OR account_id IS NULL AND debtor_id = $4) ORDER BY position",
    )
    .bind(ctx.business_id())
    .bind(position(&json!({ "cursor": start })))
    .bind(both[0].0)
    .bind(both[0].1)
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    let committed: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    assert!(
        committed.len() > 20,
        "too little happened to prove anything: {committed:?}"
    );
    assert_eq!(follower.await.unwrap(), committed);
    app.finish().await;
}
