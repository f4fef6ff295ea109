//! The link itself: what it tells, how long it is good, and who gets one.

use chrono::TimeDelta;
use funnelchat::{
    platform::ids::{self, IdKind},
    portal::address_of_newest_link,
};
use serde_json::{Value, json};
use sqlx::Executor as _;

use super::{link_in_newest, may_act};
use crate::support::{
    Client, TestApp, data,
    debtors::{challenge, link_to, open, verify, with_session},
    user_errors,
};

/// Everything that the API answers to a stranger who has the link tells nothing of a debt.
#[tokio::test]
async fn a_forwarded_link_tells_nothing_and_a_preview_uses_nothing_up() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let (link, token) = link_to(&staff, &account).await;
    let nobody = app.anonymous();
    let url = format!("http://{}/d/{token}", app.addr);
    let page = nobody.http().get(&url).send().await.unwrap();
    assert_eq!(page.status(), 200);
    for (name, part) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
        ("content-security-policy", "default-src 'none'"),
        ("x-content-type-options", "nosniff"),
    ] {
        let value = page.headers()[name].to_str().unwrap();
        assert!(value.contains(part), "{name}: {value}");
    }
    let text = page.text().await.unwrap();
    let stranger = nobody
        .http()
        .get(format!("http://{}/d/nothing-of-ours", app.addr))
        .send()
        .await
        .unwrap();
    assert_eq!(
        stranger.text().await.unwrap(),
        text,
        "the page is the same for every link"
    );
    let opened = open(&nobody, &token).await;
    for told in [
        "Maria",
        "Alvarez",
        "Acme",
        "1250",
        "debt",
        "collect",
        "owe",
        "account",
        "ACME-10001",
    ] {
        for place in [&text, &opened.to_string()] {
            assert!(!place.contains(told), "{told}: {place}");
        }
    }
    for forbidden in ["<script", "<form", "og:", "http-equiv"] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
    let head = nobody.http().head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    // The challenge is no session: whatever is asked with it is refused.
    let mut thief = nobody.clone();
    thief.access_token = opened["mfaChallenge"]["token"].as_str().map(str::to_owned);
    assert!(!may_act(&thief).await);
    thief.access_token = Some(token.clone());
    assert!(!may_act(&thief).await);
    assert_eq!(uses(&staff, &account, &link).await, 0);
    let verified = verify(
        &nobody,
        &challenge(&nobody, &token).await,
        &app.factors(&app.acme, 0),
    )
    .await;
    assert!(
        may_act(&with_session(nobody, &verified)).await,
        "it is as good as before"
    );
    assert_eq!(uses(&staff, &account, &link).await, 1);
    app.finish().await;
}

async fn uses(staff: &Client, account: &str, link: &str) -> i64 {
    let listed = staff
        .gql(
            "query($a: ID!) { debtorLinks(accountId: $a, first: 50) { edges { node { id uses } } } }",
            json!({ "a": account }),
        )
        .await;
    let edges = data(&listed)["debtorLinks"]["edges"].as_array().unwrap().clone();
    let found = edges.iter().find(|edge| edge["node"]["id"] == link).unwrap();
    found["node"]["uses"].as_i64().unwrap()
}

async fn revoke(staff: &Client, link: &str) -> Value {
    let answer = staff
        .gql(
            "mutation($l: ID!) { revokeDebtorLink(input: { id: $l }) { link { revokedAt } userErrors { code } } }",
            json!({ "l": link }),
        )
        .await;
    data(&answer)["revokeDebtorLink"].clone()
}

#[tokio::test]
async fn a_link_that_was_altered_or_has_expired_or_was_revoked_lets_nobody_in() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let (link, token) = link_to(&staff, &account).await;
    let nobody = app.anonymous();
    let middle = token.len() / 2;
    let mut altered = token.clone();
    let other = if altered.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    altered.replace_range(middle..=middle, other);
    for wrong in ["", "x", &altered, &token[1..]] {
        assert_eq!(
            user_errors(&open(&nobody, wrong).await),
            ["BAD_CREDENTIALS"],
            "{wrong}"
        );
    }
    let begun = challenge(&nobody, &token).await;
    let verified = verify(&nobody, &begun, &app.factors(&app.acme, 0)).await;
    let debtor = with_session(nobody.clone(), &verified);
    let mut socket = debtor.socket().await;
    assert!(revoke(&staff, &link).await["link"]["revokedAt"].is_string());
    assert_eq!(user_errors(&revoke(&staff, &link).await), ["CONFLICT"]);
    assert_eq!(user_errors(&open(&nobody, &token).await), ["BAD_CREDENTIALS"]);
    assert_eq!(
        user_errors(&verify(&nobody, &begun, &app.factors(&app.acme, 0)).await),
        ["BAD_CREDENTIALS"],
        "a challenge that was begun is over too"
    );
    assert!(!may_act(&debtor).await, "its sessions end with it");
    assert_eq!(socket.close_code().await, 4401);

    let (_, token) = link_to(&staff, &account).await;
    app.advance(TimeDelta::days(7) - TimeDelta::minutes(1)).await;
    challenge(&nobody, &token).await;
    app.advance(TimeDelta::minutes(1)).await;
    assert_eq!(user_errors(&open(&nobody, &token).await), ["BAD_CREDENTIALS"]);
    app.finish().await;
}

#[tokio::test]
async fn who_was_merged_or_whose_account_was_deleted_or_whose_business_was_suspended_comes_not_in() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let nobody = app.anonymous();
    let mut debtors = Vec::new();
    for nth in 0..3 {
        let account = app.account_id(&app.acme, nth).await;
        let (_, token) = link_to(&admin, &account).await;
        let verified = verify(
            &nobody,
            &challenge(&nobody, &token).await,
            &app.factors(&app.acme, nth),
        )
        .await;
        debtors.push((account, token, with_session(nobody.clone(), &verified)));
    }
    let person = async |account: &str| {
        let found = admin
            .gql(
                "query($a: ID!) { account(id: $a) { debtor { id } } }",
                json!({ "a": account }),
            )
            .await;
        data(&found)["account"]["debtor"]["id"].clone()
    };
    let merged = admin
        .gql(
            "mutation($s: ID!, $m: ID!) { mergeDebtors(input: { survivorId: $s, mergedId: $m, reason: \"One person.\" }) { userErrors { code } } }",
            json!({ "s": person(&debtors[2].0).await, "m": person(&debtors[0].0).await }),
        )
        .await;
    assert_eq!(data(&merged)["mergeDebtors"]["userErrors"], json!([]));
    let deleted = admin
        .gql(
            "mutation($a: ID!) { deleteAccount(input: { id: $a, reason: \"Placed twice.\" }) { userErrors { code } } }",
            json!({ "a": debtors[1].0 }),
        )
        .await;
    assert_eq!(data(&deleted)["deleteAccount"]["userErrors"], json!([]));
    for (_, token, debtor) in &debtors[..2] {
        assert_eq!(user_errors(&open(&nobody, token).await), ["BAD_CREDENTIALS"]);
        let late = super::refresh(&nobody, &debtor.refresh_token).await;
        assert_eq!(user_errors(&late), ["BAD_CREDENTIALS"], "and nobody stays");
    }
    let (_, token, debtor) = &debtors[2];
    assert!(may_act(debtor).await);
    let business = ids::encode(IdKind::Business, app.business_id(&app.acme).await);
    let suspended = app
        .super_admin()
        .await
        .gql(
            "mutation($b: ID!) { suspendBusiness(input: { businessId: $b, reason: \"Bills.\" }) { userErrors { code } } }",
            json!({ "b": business }),
        )
        .await;
    assert_eq!(data(&suspended)["suspendBusiness"]["userErrors"], json!([]));
    assert!(!may_act(debtor).await, "at once");
    assert_eq!(user_errors(&open(&nobody, token).await), ["BAD_CREDENTIALS"]);
    app.finish().await;
}

async fn request(client: &Client, input: Value) -> Value {
    let asked = client
        .gql(
            "mutation($i: RequestDebtorLinkInput!) { requestDebtorLink(input: $i) { accepted userErrors { code field } } }",
            json!({ "i": input }),
        )
        .await;
    data(&asked)["requestDebtorLink"].clone()
}

#[tokio::test]
async fn who_asks_for_a_link_hears_the_same_whoever_they_are_and_only_the_right_phone_rings() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let phone = app.acme.debtor_number(0);
    let stranger = "+16465550177";
    let asked = [
        json!({ "businessSlug": "acme", "phone": phone }),
        json!({ "businessSlug": "acme", "phone": stranger }),
        json!({ "businessSlug": "acme", "email": "nobody@else.example" }),
        json!({ "businessSlug": "nosuch", "phone": phone }),
        // The number belongs to somebody of another business.
        json!({ "businessSlug": "globex", "phone": phone }),
    ];
    for input in &asked {
        let answer = request(&nobody, input.clone()).await;
        assert_eq!(answer, json!({ "accepted": true, "userErrors": [] }), "{input}");
    }
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 1);
    assert_eq!(app.received_by(stranger).len(), 0);
    let text = app.received_by(&phone).pop().unwrap().body;
    for told in ["Maria", "Alvarez", "Acme", "1250"] {
        assert!(!text.contains(told), "{text}");
    }
    let token = link_in_newest(&app, &phone);
    let verified = verify(
        &nobody,
        &challenge(&nobody, &token).await,
        &app.factors(&app.acme, 0),
    )
    .await;
    assert!(may_act(&with_session(nobody.clone(), &verified)).await);
    let left: i64 = sqlx::Row::get(
        &app.superuser()
            .await
            .fetch_one("SELECT count(*) FROM debtor_link_requests")
            .await
            .unwrap(),
        0,
    );
    assert_eq!(left, 0, "what was asked is forgotten");

    // STOP, and it is the same answer and silence; three an hour for one address.
    app.text(&app.acme, &app.acme.debtor_number(1), "STOP").await;
    let stopped = app.received_by(&app.acme.debtor_number(1)).len();
    for _ in 0..2 {
        let input = json!({ "businessSlug": "acme", "phone": app.acme.debtor_number(1) });
        assert_eq!(request(&nobody, input).await["accepted"], true);
    }
    app.run_jobs().await;
    assert_eq!(app.received_by(&app.acme.debtor_number(1)).len(), stopped);
    for _ in 0..4 {
        let input = json!({ "businessSlug": "acme", "phone": phone });
        assert_eq!(request(&nobody, input).await["accepted"], true);
    }
    app.run_jobs().await;
    assert_eq!(app.received_by(&phone).len(), 3, "two more, then none");
    let both = request(&nobody, json!({ "businessSlug": "acme" })).await;
    assert_eq!(user_errors(&both), ["INVALID_INPUT"]);
    app.finish().await;
}

#[tokio::test]
async fn a_link_is_shown_once_and_made_for_accounts_that_one_sees() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let document = "mutation($i: CreateDebtorLinkInput!) { createDebtorLink(input: $i) {
        link { id expiresAt createdBy { name } } url userErrors { code field } } }";
    let input = json!({ "i": { "accountId": account, "expiresInDays": 2 } });
    let key = [("idempotency-key", "one-link")];
    let first = staff.gql_with(document, input.clone(), &key).await;
    let first = &data(&first)["createDebtorLink"];
    assert!(first["url"].as_str().unwrap().contains("/d/"));
    let again = staff.gql_with(document, input, &key).await;
    let again = &data(&again)["createDebtorLink"];
    assert_eq!(again["link"]["id"], first["link"]["id"]);
    assert!(again["url"].is_null());
    assert_eq!(user_errors(again), ["ALREADY_ISSUED"]);
    for (input, code) in [
        (
            json!({ "accountId": account, "expiresInDays": 31 }),
            "INVALID_INPUT",
        ),
        (
            json!({ "accountId": app.account_id(&app.globex, 0).await }),
            "NOT_FOUND",
        ),
    ] {
        let refused = staff.gql(document, json!({ "i": input })).await;
        assert_eq!(user_errors(&data(&refused)["createDebtorLink"]), [code]);
    }
    // The last good ones of twenty; then one has to go.
    for _ in 0..19 {
        link_to(&staff, &account).await;
    }
    let many = staff
        .gql(document, json!({ "i": { "accountId": account } }))
        .await;
    assert_eq!(user_errors(&data(&many)["createDebtorLink"]), ["CONFLICT"]);
    app.finish().await;
}

/// What `bin/dev` prints each time that it starts.
#[tokio::test]
async fn the_newest_good_link_is_told_again_and_a_new_one_made_when_it_ends() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 11).await;
    let id = ids::decode(IdKind::Account, &account).unwrap();
    let ctx = app.service_ctx(&app.acme).await;
    let address = async || {
        let mut tx = app.app.db.tenant(&ctx).await.unwrap();
        let address = address_of_newest_link(&mut tx, &app.app.portal, id)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        address
    };
    let first = address().await;
    assert_eq!(address().await, first);
    let (_, token) = first.split_once("/d/").unwrap();
    let nobody = app.anonymous();
    let waiting = challenge(&nobody, token).await;
    let answer = verify(&nobody, &waiting, &app.factors(&app.acme, 11)).await;
    assert!(may_act(&with_session(nobody, &answer)).await);
    link_to(&staff, &account).await;
    let second = address().await;
    assert_ne!(second, first, "the newest");
    app.advance(TimeDelta::days(40)).await;
    assert!(![first, second].contains(&address().await));
    app.finish().await;
}
