//! Lists of accounts in a business with far more of them than one list may look at.

use funnelchat::platform::ids::{self, IdKind};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, Row as _};
use uuid::Uuid;

use crate::{
    statements::{Names, listened_to_with, names},
    support::{Client, TestApp, Wire, data},
};

/// A list looks at so many accounts.
pub const LIMIT: u64 = 100;

/// Makes the 4,000 accounts of `statements` as uneven as they are in practice: the first 1,500 are closed and of another
/// creditor, few are anything else but active, four are the agent's, eighty nobody's, all others a colleague's.
const UNEVEN: &str = "
DO $$
DECLARE
    acme CONSTANT uuid := (SELECT id FROM businesses WHERE slug = 'acme');
    agent CONSTANT uuid := (SELECT id FROM users WHERE business_id = acme AND role = 'AGENT' ORDER BY id LIMIT 1);
    colleague CONSTANT uuid := (SELECT id FROM users WHERE business_id = acme AND id <> agent ORDER BY id LIMIT 1);
    at CONSTANT timestamptz := '2026-06-01T12:00:00Z';
BEGIN
    INSERT INTO creditors (business_id, id, name, name_key, created_at)
    SELECT acme, pg_temp.id(6, n), 'Bank ' || n, 'bank ' || n, at FROM generate_series(1, 2) n;
    INSERT INTO placements (business_id, id, creditor_id, name, name_key, placed_on, created_at)
    SELECT acme, pg_temp.id(7, n), pg_temp.id(6, CASE WHEN n < 15 THEN 1 ELSE 2 END), 'Batch ' || n, 'batch ' || n, '2026-06-01', at
    FROM generate_series(0, 40) n;
    UPDATE accounts a SET
        status = CASE WHEN n < 1500 THEN 'CLOSED' WHEN n % 400 = 0 THEN 'LEGAL' ELSE 'ACTIVE' END,
        creditor_id = pg_temp.id(6, CASE WHEN n < 1500 THEN 1 ELSE 2 END),
        placement_id = pg_temp.id(7, n / 100),
        assigned_agent_id = CASE WHEN n % 1000 = 7 THEN agent WHEN n % 50 = 11 THEN NULL ELSE colleague END,
        due_date = CASE WHEN n % 5 > 0 THEN date '2025-01-01' + n * 37 % 700 END,
        created_at = at + n * interval '1 minute',
        updated_at = at + n * 1297 % 4000 * interval '1 minute'
    FROM (SELECT id, substr(account_number, 6)::int AS n FROM accounts WHERE business_id = acme AND account_number LIKE 'MUCH-%') m
    WHERE a.business_id = acme AND a.id = m.id;
    UPDATE debtors SET preferred_language = CASE WHEN n % 900 = 1 THEN 'vi' WHEN n % 4 = 0 THEN 'es' ELSE 'en' END
    FROM generate_series(1, 4000) n WHERE business_id = acme AND id = pg_temp.id(1, n);
    INSERT INTO account_tags (business_id, account_id, tag)
    SELECT acme, pg_temp.id(3, n), tag FROM generate_series(1, 4000) n,
        LATERAL (VALUES ('vip', n % 500 = 3), ('summer', n % 3 = 0)) t (tag, has) WHERE has;
    INSERT INTO holds (business_id, id, debtor_id, kind, placed_at)
    SELECT acme, pg_temp.id(8, n), pg_temp.id(1, n), 'DISPUTE', at FROM generate_series(9, 4000, 250) n;
    -- What was given to nobody else is no longer the agent's to see.
    UPDATE conversations SET assigned_agent_id = colleague WHERE business_id = acme;
END $$";

pub async fn uneven() -> (TestApp, Wire, Names) {
    let settings = vec![("LIST_LOOK_LIMIT", LIMIT.to_string())];
    let (app, wire) = listened_to_with(UNEVEN, settings).await;
    let names = names(&app).await;
    (app, wire, names)
}

const LIST: &str = "query($f: AccountFilter, $o: AccountOrder, $s: String, $n: Int!) {
  accounts(filter: $f, orderBy: $o, search: $s, first: $n) { edges { node { accountNumber } } } }";
const COUNTED: &str = "query($f: AccountFilter, $o: AccountOrder) {
  accounts(filter: $f, orderBy: $o, first: 5) { totalCount edges { node { accountNumber } } } }";

async fn list(client: &Client, filter: &Value, order: &Value, search: Option<&str>, size: i32) -> Value {
    let variables = json!({ "f": filter, "o": order, "s": search, "n": size });
    client.gql(LIST, variables).await
}

/// The same page with its count, in fewer than ten statements.
async fn counted(client: &Client, wire: &Wire, filter: &Value, order: &Value) -> (usize, Value) {
    wire.clear();
    let answer = client.gql(COUNTED, json!({ "f": filter, "o": order })).await;
    let statements = wire.statements();
    assert!(statements.len() < 10, "{filter}: {statements:#?}");
    (found(&answer), data(&answer)["accounts"]["totalCount"].clone())
}

fn found(answer: &Value) -> usize {
    data(answer)["accounts"]["edges"].as_array().unwrap().len()
}

pub fn message(answer: &Value) -> &str {
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
        "{answer}"
    );
    answer["errors"][0]["message"].as_str().unwrap()
}

/// Every plan of what passed is by index, and all together look at no more rows than a few lists may.
pub fn assert_bounded(names: &Names, wire: &Wire, what: &str) {
    let plans = wire.plans();
    assert!(!plans.is_empty(), "{what}");
    plans.iter().for_each(|plan| names.assert_indexed(plan));
    // Each of them once to count the candidates, once to read them, and once for a condition on another table.
    let rows: u64 = plans.iter().map(|plan| names.rows_looked_at(plan)).sum();
    assert!(rows <= 10 * LIMIT, "{what}: {rows} rows\n{plans:#?}");
    let statements = wire.statements();
    assert!(statements.len() < 10, "{what}: {statements:#?}");
}

async fn encoded_placement(app: &TestApp) -> String {
    let sql = "SELECT id FROM placements WHERE name = 'Batch 3'";
    ids::encode(
        IdKind::Placement,
        app.superuser().await.fetch_one(sql).await.unwrap().get(0),
    )
}

/// A filter of one condition each, which all have accounts.
async fn single_conditions(app: &TestApp) -> Vec<Value> {
    let mut superuser = app.superuser().await;
    let mut id = async |sql: &'static str| -> Uuid { superuser.fetch_one(sql).await.unwrap().get(0) };
    let creditor = id("SELECT id FROM creditors WHERE name = 'Bank 1'").await;
    let agent = id("SELECT assigned_agent_id FROM accounts WHERE account_number = 'MUCH-7'").await;
    let colleague = id("SELECT assigned_agent_id FROM accounts WHERE account_number = 'MUCH-8'").await;
    vec![
        json!({ "status": ["ACTIVE"] }),
        json!({ "status": ["LEGAL"] }),
        json!({ "status": ["CLOSED", "LEGAL"] }),
        json!({ "tags": ["vip"] }),
        json!({ "tags": ["summer"] }),
        json!({ "balance": { "min": "10000.00", "max": "10010.00" } }),
        json!({ "balance": { "min": "10500.00" } }),
        json!({ "dueDate": { "from": "2025-06-01", "to": "2025-06-05" } }),
        json!({ "dueDate": { "from": "2025-06-01" } }),
        json!({ "daysPastDue": { "min": 40 } }),
        json!({ "createdAt": { "from": "2026-06-02T12:00:00Z", "to": "2026-06-02T12:30:00Z" } }),
        json!({ "createdAt": { "from": "2026-06-02T12:00:00Z" } }),
        json!({ "updatedAt": { "from": "2026-06-02T12:00:00Z", "to": "2026-06-02T12:30:00Z" } }),
        json!({ "updatedAt": { "from": "2026-06-02T12:00:00Z" } }),
        json!({ "creditorId": ids::encode(IdKind::Creditor, creditor) }),
        json!({ "placementId": encoded_placement(app).await }),
        json!({ "assignedAgentId": ids::encode(IdKind::User, agent) }),
        json!({ "assignedAgentId": ids::encode(IdKind::User, colleague) }),
        json!({ "unassigned": true }),
        json!({ "unassigned": false }),
        json!({ "preferredLanguage": ["es"] }),
        json!({ "preferredLanguage": ["vi"] }),
        json!({ "hold": ["DISPUTE"] }),
        json!({ "or": [{ "tags": ["vip"] }, { "hold": ["DISPUTE"] }] }),
    ]
}

#[tokio::test]
async fn each_condition_in_each_order_looks_at_few_accounts_of_many() {
    let (app, wire, names) = uneven().await;
    let manager = app.acme.sign_in("manager").await;
    for (nth, filter) in single_conditions(&app).await.iter().enumerate() {
        for (at, field) in ["CREATED_AT", "BALANCE", "DUE_DATE", "LAST_NAME"]
            .iter()
            .enumerate()
        {
            // Each order is walked both ways, by every second condition.
            let direction = ["ASC", "DESC"][(nth + at) % 2];
            let order = json!({ "field": field, "direction": direction });
            wire.clear();
            let answer = list(&manager, filter, &order, None, 5).await;
            assert!(found(&answer) > 0, "{filter} {order}");
            assert_bounded(&names, &wire, &format!("{filter} {order}"));
        }
    }
    for search in ["MUCH-1234", "MUCH-399", "first3999", "last202cb9"] {
        wire.clear();
        let answer = list(
            &manager,
            &json!({}),
            &json!({ "field": "BALANCE", "direction": "ASC" }),
            Some(search),
            5,
        )
        .await;
        assert!(found(&answer) > 0, "{search}");
        assert_bounded(&names, &wire, search);
    }
    app.finish().await;
}

const PAGES: &str = "query($f: AccountFilter, $o: AccountOrder, $after: String) {
  accounts(filter: $f, orderBy: $o, first: 10, after: $after) {
    pageInfo { endCursor } edges { node { accountNumber } } } }";

/// Ten accounts are due on each day, in the order in which they came: the list begins, and ends, far from the range.
#[tokio::test]
async fn accounts_due_in_a_range_are_found_wherever_the_order_begins() {
    let (app, wire, names) = uneven().await;
    let manager = app.acme.sign_in("manager").await;
    let mut superuser = app.superuser().await;
    superuser
        .execute(
            "UPDATE accounts SET due_date = date '2025-01-15' + substr(account_number, 6)::int / 10
             WHERE account_number LIKE 'MUCH-%'",
        )
        .await
        .unwrap();
    superuser.execute("VACUUM ANALYZE accounts").await.unwrap();
    let filter = json!({ "dueDate": { "from": "2025-05-08", "to": "2025-08-25" } });
    for (field, column) in [("CREATED_AT", "created_at"), ("BALANCE", "balance_minor")] {
        for direction in ["ASC", "DESC"] {
            let order = json!({ "field": field, "direction": direction });
            let (mut after, mut listed) = (Value::Null, Vec::new());
            for _ in 0..5 {
                wire.clear();
                let variables = json!({ "f": filter, "o": order, "after": after });
                let answer = manager.gql(PAGES, variables).await;
                assert_bounded(&names, &wire, &format!("{order}, after {after}"));
                let page = &data(&answer)["accounts"];
                let edges = page["edges"].as_array().unwrap().iter();
                listed.extend(edges.map(|edge| edge["node"]["accountNumber"].as_str().unwrap().to_owned()));
                after = page["pageInfo"]["endCursor"].clone();
            }
            let plain = format!(
                "SELECT account_number FROM accounts WHERE due_date BETWEEN '2025-05-08' AND '2025-08-25'
                   AND business_id = (SELECT id FROM businesses WHERE slug = 'acme')
                 ORDER BY {column} {direction}, id {direction}"
            );
            let rows = superuser.fetch_all(sqlx::AssertSqlSafe(plain)).await.unwrap();
            let expected: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            assert!(expected.len() >= 1_100, "{}", expected.len());
            assert_eq!(listed, expected[..50], "{order}");
            let all = counted(&manager, &wire, &filter, &order).await;
            assert_eq!(all, (5, json!(expected.len())), "{order}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_combination_that_would_read_everything_asks_to_be_narrowed() {
    let (app, wire, names) = uneven().await;
    let manager = app.acme.sign_in("manager").await;
    let by_balance = json!({ "field": "BALANCE", "direction": "DESC" });
    // Of the old ones that are closed none is new.
    let broad = json!({ "status": ["CLOSED"], "createdAt": { "from": "2026-06-03T12:00:00Z" } });
    wire.clear();
    let answer = list(&manager, &broad, &by_balance, None, 5).await;
    assert!(
        message(&answer).contains("too broad: more than 100 accounts"),
        "{answer}"
    );
    assert_bounded(&names, &wire, "a broad combination");

    for narrower in [
        json!({ "tags": ["vip"] }),
        json!({ "createdAt": { "to": "2026-06-03T12:30:00Z" } }),
        json!({ "hold": ["DISPUTE"] }),
    ] {
        let filter = json!({ "and": [broad, narrower] });
        assert_eq!(
            counted(&manager, &wire, &filter, &by_balance).await,
            (0, json!(0)),
            "{filter}"
        );
    }
    // Another order comes to the end of both at once.
    let newest = json!({ "field": "CREATED_AT", "direction": "DESC" });
    assert_eq!(counted(&manager, &wire, &broad, &newest).await, (0, json!(0)));

    for (filter, count) in [
        // The page is found on the way; how many there are is not.
        (json!({ "preferredLanguage": ["es"] }), Value::Null),
        // The same, of conditions of which one is rare: its accounts are all looked at.
        (
            json!({ "preferredLanguage": ["es"], "placementId": encoded_placement(&app).await }),
            json!(25),
        ),
        // One range of an index is counted beyond what a walk may look at.
        (json!({ "status": ["CLOSED"] }), json!(1_499)),
        // Candidates are all looked at.
        (json!({ "hold": ["DISPUTE"] }), json!(16)),
    ] {
        let (rows, found) = counted(&manager, &wire, &filter, &by_balance).await;
        assert_eq!((rows, &found), (5, &count), "{filter}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_agent_with_few_accounts_does_not_walk_their_colleagues() {
    let (app, wire, names) = uneven().await;
    let agent = app.acme.agent().await;
    let mut superuser = app.superuser().await;
    let mine: i64 = superuser
        .fetch_one(
            "SELECT count(*) FROM accounts WHERE business_id = (SELECT id FROM businesses WHERE slug = 'acme') AND deleted_at IS NULL
               AND (assigned_agent_id IS NULL
                    OR assigned_agent_id = (SELECT assigned_agent_id FROM accounts WHERE account_number = 'MUCH-7'))",
        )
        .await
        .unwrap()
        .get(0);
    for field in ["CREATED_AT", "BALANCE", "DUE_DATE", "LAST_NAME"] {
        let order = json!({ "field": field, "direction": "DESC" });
        wire.clear();
        data(&list(&agent, &json!({}), &order, None, 100).await);
        assert_bounded(&names, &wire, &format!("mine and nobody's, {order}"));
        assert_eq!(
            counted(&agent, &wire, &json!({}), &order).await,
            (5, json!(mine)),
            "{order}"
        );
        for filter in [
            json!({ "status": ["ACTIVE"] }),
            json!({ "unassigned": false }),
            json!({ "tags": ["vip"] }),
        ] {
            wire.clear();
            data(&list(&agent, &filter, &order, None, 5).await);
            assert_bounded(&names, &wire, &format!("{filter}, as an agent, {order}"));
        }
    }

    // People are walked in the order of their names: of so few among so many the agent has to give one.
    let people = "query($s: String) { debtors(first: 20, search: $s) { edges { node { id } } } }";
    wire.clear();
    let answer = agent.gql(people, json!({})).await;
    assert!(message(&answer).contains("Search for a name"), "{answer}");
    assert_bounded(&names, &wire, "the people of an agent");
    let answer = agent.gql(people, json!({ "s": "first1007" })).await;
    assert_eq!(data(&answer)["debtors"]["edges"].as_array().unwrap().len(), 1);
    let manager = app.acme.sign_in("manager").await;
    let answer = manager.gql(people, json!({})).await;
    assert_eq!(data(&answer)["debtors"]["edges"].as_array().unwrap().len(), 20);
    app.finish().await;
}

#[tokio::test]
async fn a_search_that_finds_too_many_people_asks_for_more_of_the_name() {
    let (app, ..) = uneven().await;
    let manager = app.acme.sign_in("manager").await;
    let newest = json!({ "field": "CREATED_AT", "direction": "DESC" });
    for text in ["last", "irst"] {
        let answer = list(&manager, &json!({}), &newest, Some(text), 5).await;
        assert!(message(&answer).contains("more than 500 people"), "{answer}");
        let people = "query($s: String) { debtors(first: 5, search: $s) { edges { node { id } } } }";
        let answer = manager.gql(people, json!({ "s": text })).await;
        assert!(message(&answer).contains("more than 500 people"), "{answer}");
    }
    app.finish().await;
}

/// Every list of accounts by name reads the name from the account.
#[tokio::test]
async fn a_person_who_is_renamed_moves_in_the_list_with_all_their_accounts() {
    let app = TestApp::start().await;
    let manager = app.acme.sign_in("manager").await;
    let mut superuser = app.superuser().await;
    let (account, debtor): (Uuid, Uuid) = {
        let row = superuser
            .fetch_one("SELECT id, debtor_id FROM accounts WHERE business_id = (SELECT id FROM businesses WHERE slug = 'acme') ORDER BY id LIMIT 1")
            .await
            .unwrap();
        (row.get(0), row.get(1))
    };
    // Somebody renames the person, and has not committed yet, while another account of theirs is written.
    let mut renaming = superuser.begin().await.unwrap();
    sqlx::query("UPDATE debtors SET last_name = 'Aaa', name_key = 'aaa ' || lower(first_name) WHERE id = $1")
        .bind(debtor)
        .execute(&mut *renaming)
        .await
        .unwrap();
    let mut other = app.superuser().await;
    let writing = tokio::spawn(async move {
        sqlx::query(
            "INSERT INTO accounts (business_id, id, debtor_id, account_number, status, currency, created_at, updated_at)
             SELECT business_id, gen_random_uuid(), debtor_id, 'SECOND', status, currency, created_at, updated_at FROM accounts WHERE id = $1",
        )
        .bind(account)
        .execute(&mut other)
        .await
        .unwrap();
    });
    let mut watching = app.superuser().await;
    loop {
        let waits: bool = watching
            .fetch_one("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple'))")
            .await
            .unwrap()
            .get(0);
        if waits {
            break;
        }
        tokio::task::yield_now().await;
    }
    renaming.commit().await.unwrap();
    writing.await.unwrap();
    let answer = list(
        &manager,
        &json!({}),
        &json!({ "field": "LAST_NAME", "direction": "ASC" }),
        None,
        2,
    )
    .await;
    let first: Vec<&str> = data(&answer)["accounts"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| edge["node"]["accountNumber"].as_str().unwrap())
        .collect();
    assert!(first.contains(&"SECOND"), "{first:?}");

    let renamed = manager
        .gql(
            "mutation($id: ID!) { updateAccount(input: { id: $id, lastName: \"Zzz\" }) { userErrors { message } } }",
            json!({ "id": ids::encode(IdKind::Account, account) }),
        )
        .await;
    assert_eq!(data(&renamed)["updateAccount"]["userErrors"], json!([]));
    let answer = list(
        &manager,
        &json!({}),
        &json!({ "field": "LAST_NAME", "direction": "DESC" }),
        None,
        2,
    )
    .await;
    assert!(answer.to_string().contains("SECOND"), "{answer}");
    let astray: i64 = superuser
        .fetch_one("SELECT count(*) FROM accounts a JOIN debtors d ON d.id = a.debtor_id WHERE a.debtor_name_key <> d.name_key")
        .await
        .unwrap()
        .get(0);
    assert_eq!(astray, 0);
    app.finish().await;
}

/// A quarter of all people dispute something: a list by name meets the first of them soon, so that the others are counted
/// in their index at most, and neither their records nor their accounts are read.
#[tokio::test]
async fn what_many_have_is_met_on_the_way_and_not_collected() {
    const DISPUTED: &str = "
        INSERT INTO holds (business_id, id, debtor_id, kind, placed_at)
        SELECT business_id, gen_random_uuid(), debtor_id, 'DISPUTE', created_at FROM accounts
        WHERE account_number LIKE 'MUCH-%' AND substr(account_number, 6)::int % 4 = 0";
    let (app, wire) = listened_to_with(DISPUTED, Vec::new()).await;
    let names = names(&app).await;
    let manager = app.acme.sign_in("manager").await;
    for field in ["LAST_NAME", "BALANCE"] {
        wire.clear();
        let order = json!({ "field": field, "direction": "ASC" });
        let answer = list(&manager, &json!({ "hold": ["DISPUTE"] }), &order, None, 5).await;
        assert_eq!(found(&answer), 5);
        let plans = wire.plans();
        let rows: u64 = plans.iter().map(|plan| names.rows_looked_at(plan)).sum();
        assert!(
            (1_000..1_500).contains(&rows),
            "a thousand holds counted, and few accounts: {rows}\n{plans:#?}"
        );
    }
    app.finish().await;
}
