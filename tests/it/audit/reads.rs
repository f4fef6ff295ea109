//! Who read whose personal data is written down before the answer leaves, and nothing else is written by a query.

use std::collections::BTreeSet;

use funnelchat::access::{
    Cell,
    operations::{Needs, needs},
};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use super::{newest_transaction, writers};
use crate::support::{
    Problems, Schema, TestApp, data, eventually,
    recipes::{Ids, plain_arguments, uuid_of},
};

/// Queries that show nothing of a debtor, and why.
const NOT_PERSONAL: &[(&str, &str)] = &[
    (
        "debtorLinks",
        "when links were made and used; whoever looks at the person behind one reads them by another query",
    ),
    ("accountImportTemplate", "the same for everybody"),
    ("apiKeys", "the business's own"),
    ("accessLog", "who read, and ids of whom"),
    ("breakGlassSessions", "the platform's staff"),
    ("connectedNumbers", "the business's own"),
    ("contactPolicyChanges", "the business's own"),
    ("customFields", "names of fields, the business's own"),
    ("providerAccounts", "the business's own"),
    ("recordRetention", "the business's own"),
    ("roles", "the business's own"),
    ("routingRules", "the business's own"),
    (
        "complianceDashboard",
        "counts; of these people nobody is near a limit",
    ),
    ("holdsAwaitingConfirmationCount", "a number"),
    ("licenses", "the business's own"),
    ("lintTemplate", "the caller's own words"),
    ("template", "words of the business for anybody"),
    ("templateRevisions", "the same"),
    ("cookieChoice", "of a browser, whoever has it"),
    ("cookieNotice", "the same for everybody"),
    ("privacyNotice", "the same for everybody"),
    ("templateVariables", "the same for everybody"),
    ("templates", "words of the business for anybody"),
    ("numberLists", "counts and days"),
    ("business", "the caller's own"),
    ("invitations", "people who are to join the staff"),
    ("users", "members of the staff"),
    ("sessions", "the caller's own"),
    (
        "accountViews",
        "what staff look for; who is found is read by another query",
    ),
    ("creditors", "companies"),
    (
        "auditBundle",
        "a trail by ids; what tells of people is sealed in its file",
    ),
    ("auditBundles", "the same"),
    (
        "export",
        "whose data its file holds was written down when it was written",
    ),
    ("exports", "the same"),
    ("placements", "of companies"),
    ("viewer", "the caller's own"),
];

/// Queries that show somebody's data where there is some on the page (the sealed part of an edit), and of everybody else
/// acts and ids.
const OF_SOME: &[&str] = &["auditEvents"];

/// Queries that show people in a file who are not debtors yet: who looked is written down, and nobody's id.
const OF_STRANGERS: &[&str] = &["accountImport", "accountImports"];

#[tokio::test]
async fn queries_write_nothing_but_whose_data_was_read() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let schema = Schema::of(&admin).await;
    let ids = Ids::make(&app, &app.acme, &admin, "Reader", 72).await;
    let mut superuser = app.superuser().await;
    let mut problems = Problems::default();
    for field in &schema.ty("Query").fields {
        let name = &field.name;
        // Outside every business nothing of a debtor can be read: the database's policies show nobody.
        if needs("Query", name) == Some(Needs::Platform) {
            continue;
        }
        // The debtor's own.
        if needs("Query", name) == Some(Needs::Permission(Cell::OwnDataExport)) {
            continue;
        }
        let arguments = plain_arguments(&schema, field, &ids);
        let (document, variables) = schema.document("Query", field, &arguments, 2);
        let (since, logged) = (
            newest_transaction(&mut superuser).await,
            access_rows(&mut superuser).await.len(),
        );
        let answer = admin.gql(&document, variables).await;
        data(&answer);
        // The row is there when the answer is: nothing is waited for.
        let rows = access_rows(&mut superuser).await.split_off(logged);
        let mut written = writers(&mut superuser, since).await;
        written.remove("access_log");
        problems.check(written.is_empty(), || format!("{name} writes {written:?}"));
        if NOT_PERSONAL.iter().any(|(listed, _)| listed == name) {
            problems.check(rows.is_empty(), || {
                format!("{name} shows nobody, but logs {rows:?}")
            });
            continue;
        }
        if OF_SOME.contains(&name.as_str()) {
            problems.check(
                rows.len() <= 1
                    && rows
                        .iter()
                        .all(|row| row.operation == *name && !row.debtors.is_empty()),
                || format!("{name} logs whose data it shows, once: {rows:?}"),
            );
            continue;
        }
        if OF_STRANGERS.contains(&name.as_str()) {
            problems.check(
                rows.iter()
                    .all(|row| row.debtors.is_empty() && row.operation == *name),
                || format!("{name} shows nobody whose id is known, and logs {rows:?}"),
            );
            continue;
        }
        let [row] = rows.as_slice() else {
            problems.check(false, || format!("{name} logs one row, not {rows:?}"));
            continue;
        };
        let shown = ids_in(&answer.to_string(), "dbtr");
        problems.check(shown.is_subset(&row.debtors) && !row.debtors.is_empty(), || {
            format!("{name} shows {shown:?} and logs {:?}", row.debtors)
        });
        problems.check(row.operation == *name && row.actor == ids.uuid("usr"), || {
            format!("{name} logs {row:?}")
        });
    }
    problems.none();

    // Two fields of one operation are one row, with everybody in it; looking for nobody leaves none.
    let logged = access_rows(&mut superuser).await.len();
    let query = "query($a: ID!, $q: String) { account(id: $a) { id } accounts(first: 3, search: $q) { edges { node { debtor { id } } } } }";
    let answer = admin.gql(query, json!({ "a": ids.get("acct"), "q": null })).await;
    let rows = access_rows(&mut superuser).await.split_off(logged);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].debtors.contains(&ids.uuid("dbtr")));
    assert!(rows[0].debtors.is_superset(&ids_in(&answer.to_string(), "dbtr")));
    assert_eq!(rows[0].operation, "account,accounts");
    let logged = access_rows(&mut superuser).await.len();
    let answer = admin
        .gql(
            "{ accounts(first: 3, search: \"nobody of that name\") { edges { node { id } } } }",
            json!({}),
        )
        .await;
    assert_eq!(data(&answer)["accounts"]["edges"], json!([]));
    assert_eq!(access_rows(&mut superuser).await.len(), logged);

    // A payload of a subscription is a read too.
    let cursor = admin.gql("{ viewer { inboxCursor } }", json!({})).await;
    let mut inbox = admin.socket().await;
    inbox
        .subscribe(
            "subscription($c: Cursor) { inboxEvents(after: $c) { ... on MessageAdded { message { content } } } }",
            json!({ "c": data(&cursor)["viewer"]["inboxCursor"] }),
        )
        .await;
    app.text(&app.acme, &ids.secrets[2], "One more thing").await;
    while inbox.event().await["inboxEvents"]["message"]["content"] != "One more thing" {}
    let rows = access_rows(&mut superuser).await.split_off(logged);
    assert!(
        rows.iter()
            .any(|row| row.operation == "inboxEvents" && row.debtors == BTreeSet::from([ids.uuid("dbtr")])),
        "{rows:?}"
    );
    app.finish().await;
}

#[tokio::test]
async fn no_answer_leaves_before_it_is_written_down_who_read_it() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let ids = Ids::make(&app, &app.acme, &admin, "Waiting", 73).await;
    let mut superuser = app.superuser().await;
    let mut lock = app.superuser().await;
    let mut held = lock.begin().await.unwrap();
    held.execute("LOCK TABLE access_log IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let reading = {
        let (admin, account) = (admin.clone(), ids.get("acct").to_owned());
        tokio::spawn(async move {
            admin
                .gql(
                    "query($a: ID!) { account(id: $a) { firstName } }",
                    json!({ "a": account }),
                )
                .await
        })
    };
    eventually("the log's writer waits for the table", async || {
        let waiting: i64 = superuser
            .fetch_one(
                "SELECT count(*) FROM pg_locks WHERE relation = 'access_log'::regclass AND NOT granted",
            )
            .await
            .unwrap()
            .get(0);
        (waiting > 0).then_some(())
    })
    .await;
    assert!(!reading.is_finished(), "the answer waits for the log");
    // What shows nobody does not wait.
    data(&admin.gql("{ viewer { role } }", json!({})).await);
    assert!(!reading.is_finished(), "the answer still waits for the log");
    held.rollback().await.unwrap();
    let answer = reading.await.unwrap();
    assert_eq!(data(&answer)["account"]["firstName"], "QuillWaiting");
    app.finish().await;
}

/// One row of the access log.
#[derive(Debug)]
struct Read {
    actor: Uuid,
    operation: String,
    debtors: BTreeSet<Uuid>,
}

async fn access_rows(superuser: &mut PgConnection) -> Vec<Read> {
    let rows = superuser
        .fetch_all("SELECT actor_id, operation, debtor_ids FROM access_log ORDER BY id")
        .await
        .unwrap();
    rows.iter()
        .map(|row| Read {
            actor: row.get(0),
            operation: row.get(1),
            debtors: row.get::<Vec<Uuid>, _>(2).into_iter().collect(),
        })
        .collect()
}

fn ids_in(text: &str, prefix: &str) -> BTreeSet<Uuid> {
    text.match_indices(&format!("{prefix}_"))
        .map(|(at, found)| uuid_of(&text[at..at + found.len() + 26]))
        .collect()
}
