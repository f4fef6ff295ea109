//! The platform's staff creates a business, and its first administrator takes it over.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use super::only_error;
use crate::{
    account_work::act,
    support::{Client, TestApp, data, error_code, user_errors},
};

const BUSINESS: &str = "business { id name slug role status usage { users } }";

fn vandelay() -> Value {
    json!({ "name": " Vandelay Industries ", "role": "FIRST_PARTY_CREDITOR",
        "administratorEmail": "art@vandelay.example", "administratorName": "Art" })
}

fn links_to(app: &TestApp, address: &str) -> Vec<String> {
    let mails = app.sandbox.state().mails_to(address).into_iter();
    let texts = mails.filter_map(|mail| mail.text);
    let links = texts.filter(|text| text.contains("/accept-invitation?token="));
    links
        .map(|text| {
            let (_, token) = text.split_once("token=").unwrap();
            token.split_whitespace().next().unwrap().to_owned()
        })
        .collect()
}

async fn accept(app: &TestApp, token: &str) -> Value {
    let answer = app
        .anonymous()
        .gql(
            "mutation($t: String!) { acceptInvitation(input: { token: $t, password: \"a long and private phrase\" }) {
               mfaEnrollment { token } userErrors { code field message } } }",
            json!({ "t": token }),
        )
        .await;
    data(&answer)["acceptInvitation"].clone()
}

/// Enrols a second factor, and comes in.
async fn enrolled(app: &TestApp, accepted: &Value) -> Client {
    let mut client = app.anonymous();
    let token = &accepted["mfaEnrollment"]["token"];
    let begun = act(&client, "beginMfaEnrollment", "secret", json!({ "token": token })).await;
    let secret = begun["secret"].as_str().unwrap();
    let code = crate::support::code_of(secret, &app.wall);
    let confirmed = act(
        &client,
        "confirmMfaEnrollment",
        "session { accessToken }",
        json!({ "token": token, "code": code }),
    )
    .await;
    client.access_token = confirmed["session"]["accessToken"].as_str().map(str::to_owned);
    assert!(client.access_token.is_some(), "{confirmed}");
    client
}

#[tokio::test]
async fn a_business_is_created_for_somebody_who_administers_it_alone() {
    let app = TestApp::start().await;
    let staff = app.super_admin().await;
    let created = act(&staff, "createBusiness", BUSINESS, vandelay()).await;
    assert_eq!(user_errors(&created), Vec::<&str>::new(), "{created}");
    let id = created["business"]["id"].clone();
    assert_eq!(
        created["business"],
        json!({ "id": id, "name": "Vandelay Industries", "slug": "vandelay-industries",
            "role": "FIRST_PARTY_CREDITOR", "status": "ACTIVE", "usage": { "users": 0 } })
    );
    // Sent again because its answer was lost, it creates no second one.
    let again = act(&staff, "createBusiness", BUSINESS, vandelay()).await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);
    assert!(
        only_error(&again).2.contains("inviteFirstAdministrator"),
        "{again}"
    );
    for (field, value) in [("name", json!(" ")), ("administratorName", json!(""))] {
        let mut wrong = vandelay();
        wrong[field] = value;
        let refused = act(&staff, "createBusiness", BUSINESS, wrong).await;
        let (code, place, _) = only_error(&refused);
        assert_eq!(
            (code.as_str(), place),
            ("INVALID_INPUT", format!("input.{field}"))
        );
    }
    // No business's own administrator creates another, nor do strangers.
    let admin = app.acme.sign_in("admin").await;
    for (client, code) in [(&admin, "FORBIDDEN"), (&app.anonymous(), "UNAUTHENTICATED")] {
        let document =
            "mutation($i: CreateBusinessInput!) { createBusiness(input: $i) { userErrors { code } } }";
        let refused = client.gql(document, json!({ "i": vandelay() })).await;
        assert_eq!(error_code(&refused), code);
    }

    app.run_jobs().await;
    let [first] = links_to(&app, "art@vandelay.example").try_into().unwrap();
    let art = enrolled(&app, &accept(&app, &first).await).await;
    let seen = art
        .gql(
            "{ viewer { role business { id name } } users(first: 5) { edges { node { name } } }
               auditEvents(first: 20) { edges { node { action actorKind } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data(&seen)["viewer"],
        json!({ "role": "BUSINESS_ADMIN", "business": { "id": id, "name": "Vandelay Industries" } })
    );
    assert_eq!(
        data(&seen)["users"]["edges"],
        json!([{ "node": { "name": "Art" } }]),
        "nobody of the platform's staff is in it"
    );
    let trail = data(&seen)["auditEvents"]["edges"].to_string();
    for action in ["business.created", "invitation.created", "invitation.accepted"] {
        assert!(trail.contains(action), "{trail}");
    }
    // It works: it has keys of its own, and people in it.
    let account = json!({ "firstName": "Zoe", "lastName": "Quill", "accountNumber": "V-1", "phone": "+12125550190",
        "currentBalance": { "amount": "10.00" } });
    let made = act(&art, "createAccount", "account { accountNumber phone }", account).await;
    assert_eq!(
        made["account"],
        json!({ "accountNumber": "V-1", "phone": "+12125550190" })
    );
    let mates = admin
        .gql("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id }))
        .await;
    assert_eq!(mates["data"]["node"], Value::Null);

    // From here on its own administrators invite others.
    let input =
        json!({ "businessId": id, "administratorEmail": "x@vandelay.example", "administratorName": "X" });
    let late = act(&staff, "inviteFirstAdministrator", BUSINESS, input).await;
    assert_eq!(user_errors(&late), ["CONFLICT"]);
    assert_eq!(app.audited("business.created").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn who_does_not_come_is_invited_again_or_somebody_else_is() {
    let app = TestApp::start().await;
    let staff = app.super_admin().await;
    let created = act(&staff, "createBusiness", BUSINESS, vandelay()).await;
    let id = created["business"]["id"].clone();
    app.run_jobs().await;
    let [mistyped] = links_to(&app, "art@vandelay.example").try_into().unwrap();
    let invite = async |address: &str| {
        let input = json!({ "businessId": id, "administratorEmail": address, "administratorName": "Kel" });
        let answer = act(&staff, "inviteFirstAdministrator", BUSINESS, input).await;
        app.run_jobs().await;
        answer
    };
    let invited = invite("kel@vandelay.example").await;
    assert_eq!(user_errors(&invited), Vec::<&str>::new(), "{invited}");
    assert_eq!(
        user_errors(&accept(&app, &mistyped).await),
        ["BAD_CREDENTIALS"],
        "the link before is good no more"
    );
    let [first] = links_to(&app, "kel@vandelay.example").try_into().unwrap();
    app.advance(TimeDelta::days(8)).await;
    assert_eq!(
        user_errors(&accept(&app, &first).await),
        ["BAD_CREDENTIALS"],
        "a week has passed"
    );
    let staff = app.super_admin().await;
    for _ in 0..3 {
        let input = json!({ "businessId": id, "administratorEmail": "kel@vandelay.example", "administratorName": "Kel" });
        let again = act(&staff, "inviteFirstAdministrator", BUSINESS, input).await;
        assert_eq!(user_errors(&again), Vec::<&str>::new(), "{again}");
    }
    app.run_jobs().await;
    let input =
        json!({ "businessId": id, "administratorEmail": "kel@vandelay.example", "administratorName": "Kel" });
    let pestered = act(&staff, "inviteFirstAdministrator", BUSINESS, input).await;
    assert_eq!(user_errors(&pestered), ["QUOTA_EXCEEDED"]);
    let newest = links_to(&app, "kel@vandelay.example").pop().unwrap();
    let kel = enrolled(&app, &accept(&app, &newest).await).await;
    let open = kel
        .gql("{ invitations(first: 5) { edges { node { id } } } }", json!({}))
        .await;
    assert_eq!(data(&open)["invitations"]["edges"], json!([]));

    // Nobody joins what is not there, or is closed.
    let nowhere = json!({ "businessId": "biz_01h455vb4pex5vsknk084sn02q", "administratorEmail": "a@b.example", "administratorName": "A" });
    assert_eq!(
        user_errors(&act(&staff, "inviteFirstAdministrator", BUSINESS, nowhere).await),
        ["NOT_FOUND"]
    );
    let mut other = vandelay();
    other["name"] = json!("Kramerica");
    let other = act(&staff, "createBusiness", BUSINESS, other).await["business"]["id"].clone();
    let suspended = json!({ "businessId": other, "reason": "Bills." });
    act(&staff, "suspendBusiness", "business { id }", suspended).await;
    let closed =
        json!({ "businessId": other, "administratorEmail": "a@b.example", "administratorName": "A" });
    assert_eq!(
        user_errors(&act(&staff, "inviteFirstAdministrator", BUSINESS, closed).await),
        ["CONFLICT"]
    );
    let businesses: i64 = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM businesses")
        .await
        .unwrap()
        .get(0);
    assert_eq!(businesses, 4, "Acme, Globex and two more");
    app.finish().await;
}
