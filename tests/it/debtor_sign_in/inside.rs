//! What a debtor sees and changes once inside.

use std::collections::BTreeSet;

use funnelchat::access::debtor_fields::{ROOTS, TYPES};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _};

use crate::support::{Client, Schema, TestApp, data, error_code, recipes::uuid_of, send, user_errors};

/// Walks from the roots through what is shown: whatever type is met, each of its fields is shown or hidden by name.
#[tokio::test]
async fn every_field_that_a_debtor_can_come_to_is_shown_or_hidden_by_name() {
    let app = TestApp::start().await;
    let schema = Schema::of(&app.acme.sign_in("admin").await).await;
    let mut open: Vec<String> = Vec::new();
    for root in ROOTS {
        for name in root.shown {
            let field = schema
                .ty(root.name)
                .fields
                .iter()
                .find(|field| field.name == *name);
            open.push(
                field
                    .unwrap_or_else(|| panic!("{}.{name} is gone", root.name))
                    .ty
                    .named
                    .clone(),
            );
        }
    }
    let mut met = BTreeSet::new();
    while let Some(name) = open.pop() {
        let ty = schema.ty(&name);
        if !["OBJECT", "INTERFACE", "UNION"].contains(&ty.kind.as_str()) || !met.insert(name.clone()) {
            continue;
        }
        if ty.kind == "UNION" {
            open.extend(ty.possible_types.iter().cloned());
            continue;
        }
        let view = TYPES
            .iter()
            .find(|view| view.name == name)
            .unwrap_or_else(|| panic!("say in access/debtor_fields.rs what of {name} debtors see"));
        let there: BTreeSet<&str> = ty.fields.iter().map(|field| field.name.as_str()).collect();
        let listed: BTreeSet<&str> = view.shown.iter().chain(view.hidden).copied().collect();
        assert_eq!(
            there, listed,
            "fields of {name} (left) and what is said of them (right)"
        );
        assert_eq!(
            listed.len(),
            view.shown.len() + view.hidden.len(),
            "{name}: one or the other"
        );
        for field in &ty.fields {
            if view.shown.contains(&field.name.as_str()) {
                open.push(field.ty.named.clone());
            }
        }
    }
    met.retain(|name| schema.ty(name).kind != "UNION");
    let listed: BTreeSet<String> = TYPES.iter().map(|view| view.name.to_owned()).collect();
    assert_eq!(met, listed, "types met (left) and listed (right)");
    app.finish().await;
}

#[tokio::test]
async fn what_is_the_staffs_is_refused_wherever_it_stands() {
    let app = TestApp::start().await;
    let debtor = app.debtor(&app.acme, 0).await;
    for hidden in [
        "{ viewer { account { notes(first: 1) { edges { node { id } } } } } }",
        "{ viewer { ...Mine } } fragment Mine on Viewer { account { ... on Account { tags } } }",
        "{ viewer { account { a: customFields } } }",
        "{ viewer { account { conversations(first: 1) { edges { node { assignedAgent { name } } } } } } }",
        "{ viewer { account { debtor { matchSuggestions { reasons } } } } }",
        "{ viewer { business { settings { version } } } }",
        "{ nodes(ids: []) { ... on ComplianceDecision { outcome } } }",
        "{ auditEvents(first: 1) { edges { node { id } } } }",
        "{ accessLog(first: 1) { edges { node { id } } } }",
        "{ debtors(first: 1) { edges { node { id } } } }",
        "mutation { switchBusiness(input: { businessId: \"x\" }) { userErrors { code } } }",
    ] {
        let answer = debtor.gql(hidden, json!({})).await;
        assert_eq!(error_code(&answer), "FORBIDDEN", "{hidden}: {answer}");
        assert!(answer["data"].is_null(), "{answer}");
    }
    app.finish().await;
}

/// A second account of the same person.
async fn second_account(staff: &Client, of: &str) -> String {
    let found = staff
        .gql(
            "query($a: ID!) { account(id: $a) { debtor { id } } }",
            json!({ "a": of }),
        )
        .await;
    let made = staff
        .gql(
            "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { id } userErrors { message } } }",
            json!({ "i": { "debtorId": data(&found)["account"]["debtor"]["id"], "firstName": "Maria", "lastName": "Alvarez",
                "accountNumber": "ACME-SECOND", "currentBalance": { "amount": "99.00" } } }),
        )
        .await;
    let made = &data(&made)["createAccount"];
    made["account"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{made}"))
        .to_owned()
}

#[tokio::test]
async fn another_account_of_the_same_person_is_not_shown_and_their_own_thread_is_live() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let second = second_account(&staff, &account).await;
    let phone = app.acme.debtor_number(0);
    let own_thread = app.thread_with(&staff, &app.acme, 0).await;
    let other_thread = app
        .start_with_message(&staff, &second, "About the other one.")
        .await;
    let other_message = other_thread["message"]["id"].clone();
    assert!(other_message.is_string(), "{other_thread}");
    let other_thread = other_thread["conversation"]["id"].clone();
    let debtor = app.debtor_of(&staff, &account, &app.factors(&app.acme, 0)).await;
    let seen = debtor
        .gql(
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } accounts(first: 10) { totalCount edges { node { id } } }
               conversations(first: 10) { edges { node { id } } }
               viewer { account { debtor { accounts(first: 10) { edges { node { id } } } } } } }",
            json!({ "ids": [account, second, own_thread, other_thread, other_message] }),
        )
        .await;
    let seen = data(&seen);
    assert_eq!(
        seen["nodes"],
        json!([{ "id": account }, null, { "id": own_thread }, null, null])
    );
    assert_eq!(
        seen["accounts"],
        json!({ "totalCount": 1, "edges": [{ "node": { "id": account } }] })
    );
    assert_eq!(
        seen["conversations"]["edges"],
        json!([{ "node": { "id": own_thread } }])
    );
    assert_eq!(
        seen["viewer"]["account"]["debtor"]["accounts"]["edges"],
        json!([{ "node": { "id": account } }])
    );

    let follow = "subscription($c: ID!, $after: Cursor) { conversationEvents(conversationId: $c, after: $after) { __typename ... on MessageAdded { message { content } } } }";
    let head = staff.gql("{ viewer { inboxCursor } }", json!({})).await;
    let after = &data(&head)["viewer"]["inboxCursor"];
    let mut socket = debtor.socket().await;
    socket
        .subscribe(follow, json!({ "c": own_thread, "after": after }))
        .await;
    let said = send(&staff, &own_thread, "Good to see you here.").await;
    let event = socket.event().await;
    assert!(event.to_string().contains("Good to see you here."), "{event}");
    assert!(said.starts_with("msg_"));
    let mut stranger = debtor.socket().await;
    stranger.subscribe(follow, json!({ "c": other_thread })).await;
    let refused = stranger.message().await.unwrap();
    assert!(refused.to_string().contains("NOT_FOUND"), "{refused}");
    app.run_jobs().await;
    assert!(!app.received_by(&phone).is_empty());
    app.finish().await;
}

const CHANGE: &str =
    "mutation($i: UpdateOwnContactInformationInput!) { updateOwnContactInformation(input: $i) {
  debtor { id preferredLanguage preferredContactMethod address { postalCode } contactPoints { kind value }
    inconvenientTimes { days statement } } userErrors { code field message } } }";

async fn change(client: &Client, input: Value) -> Value {
    data(&client.gql(CHANGE, json!({ "i": input })).await)["updateOwnContactInformation"].clone()
}

#[tokio::test]
async fn a_debtor_changes_how_they_are_reached_in_their_own_name_and_gives_no_consent_by_it() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let debtor = app.debtor_of(&staff, &account, &app.factors(&app.acme, 0)).await;
    assert_eq!(user_errors(&change(&debtor, json!({})).await), ["INVALID_INPUT"]);
    let wrong = change(&debtor, json!({ "timeZone": "Nowhere/Else" })).await;
    assert_eq!(user_errors(&wrong), ["INVALID_INPUT"]);
    let consents = consents(&app).await;
    let head = staff.gql("{ viewer { inboxCursor } }", json!({})).await;
    let input = json!({ "preferredLanguage": "es", "preferredContactMethod": "EMAIL", "timeZone": "America/Chicago",
        "phone": "+16465550133", "email": "maria@new.example", "address": { "line1": "1 New Street", "postalCode": "60614", "state": "IL" },
        "inconvenientTime": { "days": ["SUNDAY"], "from": "08:00", "to": "12:00" } });
    let changed = change(&debtor, input.clone()).await;
    assert_eq!(changed["userErrors"], json!([]));
    let own = &changed["debtor"];
    assert_eq!(own["preferredLanguage"], "es");
    assert_eq!(own["address"]["postalCode"], "60614");
    assert_eq!(own["inconvenientTimes"][0]["days"], json!(["SUNDAY"]));
    assert!(own["contactPoints"].to_string().contains("+16465550133"));
    // The same number again clashes, and then nothing of the rest happens.
    let again = change(
        &debtor,
        json!({ "preferredLanguage": "en", "phone": "+16465550133" }),
    )
    .await;
    assert_eq!(user_errors(&again), ["CONFLICT"]);

    let staffs = staff
        .gql(
            "query($a: ID!) { account(id: $a) { debtor { preferredLanguage contactPoints { value provenance validity }
               timeZoneEvidence { timeZones } inconvenientTimes { recordedBy { name } } } }
               auditEvents(first: 10) { edges { node { action actorKind } } } }",
            json!({ "a": account }),
        )
        .await;
    let staffs = data(&staffs);
    assert_eq!(staffs["account"]["debtor"]["preferredLanguage"], "es");
    let points = staffs["account"]["debtor"]["contactPoints"].as_array().unwrap();
    let added = points
        .iter()
        .find(|point| point["value"] == "+16465550133")
        .unwrap();
    assert_eq!(
        (&added["provenance"], &added["validity"]),
        (&json!("CONSUMER"), &json!("UNVERIFIED"))
    );
    let trail: Vec<(Value, Value)> = staffs["auditEvents"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| (edge["node"]["action"].clone(), edge["node"]["actorKind"].clone()))
        .collect();
    for action in [
        "debtor.updated",
        "debtor.time_zone_stated",
        "contact_point.added",
        "inconvenient_time.recorded",
    ] {
        assert!(
            trail.contains(&(json!(action), json!("DEBTOR"))),
            "{action}: {trail:?}"
        );
    }
    assert_eq!(self::consents(&app).await, consents, "an address is no consent");
    let revoked = change(&debtor, json!({ "revokeConsentOn": ["SMS"] })).await;
    assert_eq!(user_errors(&revoked), Vec::<&str>::new(), "{revoked}");
    let ledger = "query($a: ID!) { account(id: $a) { consents(first: 5) { edges { node { status channel source } } } } }";
    let ledger = staff.gql(ledger, json!({ "a": account })).await;
    assert_eq!(
        data(&ledger)["account"]["consents"]["edges"][0]["node"],
        json!({ "status": "REVOKED", "channel": "SMS", "source": "PORTAL" }),
        "nothing of the grants is lost, and this is the last word"
    );
    let now = staff.gql("{ viewer { inboxCursor } }", json!({})).await;
    assert_ne!(data(&now)["viewer"], data(&head)["viewer"], "staff are rung");
    let key = [("idempotency-key", "once")];
    let once = json!({ "i": { "email": "once@new.example" } });
    for _ in 0..2 {
        let answer = debtor.gql_with(CHANGE, once.clone(), &key).await;
        assert_eq!(
            data(&answer)["updateOwnContactInformation"]["userErrors"],
            json!([])
        );
    }
    let as_staff = staff.gql(CHANGE, json!({ "i": input })).await;
    assert_eq!(error_code(&as_staff), "FORBIDDEN");
    app.finish().await;
}

async fn consents(app: &TestApp) -> i64 {
    let row = app
        .superuser()
        .await
        .fetch_one("SELECT count(*) FROM consents")
        .await
        .unwrap();
    row.get(0)
}

/// What a debtor's own connection may do at the numbering of commits: write in their own name, and read nothing.
#[tokio::test]
async fn a_debtors_context_numbers_its_own_rows_only_and_reads_neither_head_nor_trail() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let (business, account) = (
        app.business_id(&app.acme).await,
        app.account_id(&app.acme, 0).await,
    );
    let found = staff
        .gql(
            "query($a: ID!) { account(id: $a) { debtor { id } } }",
            json!({ "a": account }),
        )
        .await;
    let debtor = uuid_of(data(&found)["account"]["debtor"]["id"].as_str().unwrap());
    let account = uuid_of(&account);
    let mut own = app.database().logins.app.clone().connect().await.unwrap();
    own.execute(AssertSqlSafe(format!(
        "SET app.business_id = '{business}'; SET app.audience = 'debtor'; SET app.debtor_id = '{debtor}'; SET app.account_id = '{account}'"
    )))
    .await
    .unwrap();
    for table in [
        "business_head",
        "audit_events",
        "access_log",
        "users",
        "holds",
        "decisions",
        "debtor_links",
        "debtor_codes",
        "debtor_sessions",
    ] {
        let seen: i64 = own
            .fetch_one(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .await
            .unwrap()
            .get(0);
        assert_eq!(seen, 0, "{table}");
    }
    let somebody = uuid::Uuid::from_u128(7);
    let audit = |kind: &str, actor: uuid::Uuid, about: uuid::Uuid| {
        format!(
            r#"[{{"id": "{}", "actor_kind": "{kind}", "actor_id": "{actor}", "action": "x.y", "debtor_id": "{about}", "details": ""}}]"#,
            funnelchat::platform::ids::next()
        )
    };
    let commit =
        |events: &str, audits: &str| format!("SELECT app.commit_own_head(now(), '{events}', '{audits}')");
    for refused in [
        commit("[]", &audit("USER", debtor, debtor)),
        commit("[]", &audit("DEBTOR", somebody, debtor)),
        commit("[]", &audit("DEBTOR", debtor, somebody)),
        commit(&format!(r#"[{{"kind": "X", "debtor_id": "{somebody}"}}]"#), "[]"),
        commit(
            &format!(r#"[{{"kind": "X", "debtor_id": "{debtor}", "conversation_id": "{somebody}"}}]"#),
            "[]",
        ),
        format!(
            "SELECT app.commit_head('{business}', now(), '[]', '{}')",
            audit("DEBTOR", debtor, debtor)
        ),
        "INSERT INTO audit_events SELECT * FROM audit_events".to_owned(),
        format!("UPDATE accounts SET status = 'CLOSED' WHERE debtor_id <> '{debtor}' RETURNING 1/0"),
    ] {
        let done = own.execute(AssertSqlSafe(refused.clone())).await;
        assert!(done.is_err() || done.unwrap().rows_affected() == 0, "{refused}");
    }
    let before = app.audited("x.y").await;
    own.execute(AssertSqlSafe(commit("[]", &audit("DEBTOR", debtor, debtor))))
        .await
        .unwrap();
    assert_eq!((before, app.audited("x.y").await), (0, 1));
    own.execute("SET app.audience = 'staff'").await.unwrap();
    assert!(
        own.execute(AssertSqlSafe(commit("[]", &audit("DEBTOR", debtor, debtor))))
            .await
            .is_err(),
        "staff have a head of their own"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_debtor_sees_to_whom_they_owe_and_for_whom_else_the_business_works_they_do_not() {
    let app = TestApp::start().await;
    let staff = app.acme.sign_in("admin").await;
    let account = app.account_id(&app.acme, 0).await;
    let creditor = async |name: &str| {
        let made = staff
            .gql(
                "mutation($n: String!) { createCreditor(input: { name: $n }) { creditor { id } userErrors { code } } }",
                json!({ "n": name }),
            )
            .await;
        data(&made)["createCreditor"]["creditor"]["id"].clone()
    };
    let (own, other) = (
        creditor("First Example Bank").await,
        creditor("Second Example Bank").await,
    );
    let debtor = app.debtor(&app.acme, 0).await;
    let ask = "query($ids: [ID!]!) { viewer { account { creditor { id name } } } nodes(ids: $ids) { id ... on Creditor { name } } }";
    let seen = debtor.gql(ask, json!({ "ids": [own, other] })).await;
    assert_eq!(
        *data(&seen),
        json!({ "viewer": { "account": { "creditor": null } }, "nodes": [null, null] })
    );
    let set = staff
        .gql(
            "mutation($a: ID!, $c: ID) { updateAccount(input: { id: $a, creditorId: $c }) { userErrors { code } } }",
            json!({ "a": account, "c": own }),
        )
        .await;
    assert_eq!(user_errors(&data(&set)["updateAccount"]), Vec::<&str>::new());
    let seen = debtor.gql(ask, json!({ "ids": [own, other] })).await;
    let bank = json!({ "id": own, "name": "First Example Bank" });
    assert_eq!(
        *data(&seen),
        json!({ "viewer": { "account": { "creditor": bank } }, "nodes": [null, null] })
    );
    let refused = debtor
        .gql("{ viewer { account { creditor { createdAt } } } }", json!({}))
        .await;
    assert_eq!(error_code(&refused), "FORBIDDEN", "{refused}");
    // Another debtor of the business owes nobody of these.
    let james = app.debtor(&app.acme, 1).await;
    let seen = james.gql(ask, json!({ "ids": [own, other] })).await;
    assert_eq!(
        *data(&seen),
        json!({ "viewer": { "account": { "creditor": null } }, "nodes": [null, null] })
    );
    app.finish().await;
}
