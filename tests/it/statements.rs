//! The hot statements: how many there are, and that each finds its rows by an index, under row-level security, as the
//! service's own role.

use std::collections::{BTreeSet, HashMap};

use funnelchat::platform::ids::{self, IdKind};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::support::{Options, Plan, TestApp, Wire, data, fresh_database, send};

/// Maria in New York and James in Chicago, where it is day.
const MARIA: usize = 0;
const JAMES: usize = 1;

/// Beside the demo data, 4,000 accounts with a debtor, a number, a thread of five messages and three events each.
const MUCH: &str = "
DO $$
DECLARE
    acme CONSTANT uuid := (SELECT id FROM businesses WHERE slug = 'acme');
    key CONSTANT data_keys := (SELECT k FROM data_keys k WHERE business_id = acme AND purpose = 'RECORD' LIMIT 1);
    at CONSTANT timestamptz := '2026-06-01T12:00:00Z';
    head CONSTANT bigint := (SELECT live_position FROM business_head WHERE business_id = acme);
BEGIN
    CREATE FUNCTION pg_temp.id(kind int, n int) RETURNS uuid LANGUAGE sql AS
        'SELECT (lpad(to_hex(1780315200000 + n), 12, ''0'') || ''7'' || lpad(to_hex(kind), 3, ''0'') || ''8''
                 || substr(md5(kind || '' '' || n), 1, 15))::uuid';
    INSERT INTO debtors (business_id, id, first_name, last_name, name_key, preferred_language, profile_key_id,
        record_key_id, created_at, updated_at)
    SELECT acme, pg_temp.id(1, n), 'First' || n, 'Last' || md5(n::text), 'last' || md5(n::text) || ' first' || n, 'en',
        key.id, key.id, at, at FROM generate_series(1, 4000) n;
    INSERT INTO contact_points (business_id, id, debtor_id, kind, ordinal, blind_index, blind_version, provenance, created_at)
    SELECT acme, pg_temp.id(2, n), pg_temp.id(1, n), 'PHONE', 1, sha256(n::text::bytea), 1, 'CREDITOR', at
    FROM generate_series(1, 4000) n;
    -- Their ledger is left out, and so is what asks for it.
    PERFORM set_config('session_replication_role', 'replica', true);
    INSERT INTO accounts (business_id, id, debtor_id, account_number, status, currency, balance_minor, debtor_name_key,
        created_at, updated_at)
    SELECT acme, pg_temp.id(3, n), pg_temp.id(1, n), 'MUCH-' || n, 'ACTIVE', 'USD', 1000000 + n * 7919 % 100000,
        'last' || md5(n::text) || ' first' || n, at, at FROM generate_series(1, 4000) n;
    PERFORM set_config('session_replication_role', 'origin', true);
    INSERT INTO conversations (business_id, id, debtor_id, account_id, channel, status, our_address, peer_blind,
        record_key_id, last_sequence, last_inbound_sequence, last_message_at, created_at, updated_at)
    SELECT acme, pg_temp.id(4, n), pg_temp.id(1, n), pg_temp.id(3, n), 'SMS', 'ACTIVE', '+12125550100',
        sha256(n::text::bytea), key.id, 5, 5, at, at, at + n * interval '1 second' FROM generate_series(1, 4000) n;
    INSERT INTO messages (business_id, id, conversation_id, debtor_id, sequence, direction, sender_type, body_cipher,
        delivery_status, created_at)
    SELECT acme, pg_temp.id(5, n * 5 + m), pg_temp.id(4, n), pg_temp.id(1, n), m, 'INBOUND', 'DEBTOR', '', 'RECEIVED', at
    FROM generate_series(1, 4000) n, generate_series(1, 5) m;
    INSERT INTO live_events (business_id, position, kind, at, conversation_id)
    SELECT acme, head + (n - 1) * 3 + m, 'CONVERSATION_UPDATED', at, pg_temp.id(4, n)
    FROM generate_series(1, 4000) n, generate_series(1, 3) m;
    UPDATE business_head SET live_position = head + 12000 WHERE business_id = acme;
END $$";

/// A service on a database with much in it, through a wire that is listened to, which tells its plans.
async fn listened_to() -> (TestApp, Wire) {
    listened_to_with("", Vec::new()).await
}

/// The same with more in it, and other settings.
pub async fn listened_to_with(more: &'static str, settings: Vec<(&'static str, String)>) -> (TestApp, Wire) {
    let mut database = fresh_database().await;
    let mut superuser = PgConnection::connect(&database.superuser_url).await.unwrap();
    superuser.execute(MUCH).await.unwrap();
    superuser.execute(more).await.unwrap();
    // As autovacuum does sooner or later: statistics, and new trigrams out of the pending list.
    superuser.execute("VACUUM ANALYZE").await.unwrap();
    let name: String = superuser
        .fetch_one("SELECT current_database()")
        .await
        .unwrap()
        .get(0);
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
        "auto_explain.log_format = 'json'",
        "auto_explain.log_nested_statements = on",
        "client_min_messages = 'log'",
    ] {
        let role = format!("ALTER ROLE funnelchat_app IN DATABASE {name} SET {setting}");
        superuser.execute(sqlx::AssertSqlSafe(role)).await.unwrap();
    }
    superuser.close().await.unwrap();
    let (wire, port) = Wire::in_front_of(database.logins.app.get_port()).await;
    database.logins.app = database.logins.app.port(port);
    let app = TestApp::start_with(Options {
        database: Some(database),
        settings,
        ..Options::default()
    })
    .await;
    (app, wire)
}

/// Tables that are large here, by the name of each of their partitions; and indexes by the name of their partitions'.
pub struct Names {
    large: BTreeSet<String>,
    indexes: HashMap<String, String>,
}

pub async fn names(app: &TestApp) -> Names {
    let mut superuser = app.superuser().await;
    let large = superuser
        .fetch_all("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND reltuples >= 1000")
        .await
        .unwrap();
    let indexes = superuser
        .fetch_all(
            "SELECT c.relname::text, p.relname::text FROM pg_inherits i
             JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent WHERE c.relkind = 'i'",
        )
        .await
        .unwrap();
    Names {
        large: large.iter().map(|row| row.get(0)).collect(),
        indexes: indexes.iter().map(|row| (row.get(0), row.get(1))).collect(),
    }
}

impl Names {
    /// The indexes of a plan, by the names of their tables' own.
    fn indexes_of(&self, plan: &Plan) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        visit(&plan.root, &mut |node| {
            if let Some(name) = node["Index Name"].as_str() {
                found.insert(self.indexes.get(name).map_or(name, String::as_str).to_owned());
            }
        });
        found
    }

    /// Fails when a plan reads a whole large table, or all of an index of one.
    pub fn assert_indexed(&self, plan: &Plan) {
        visit(&plan.root, &mut |node| {
            let table = node["Relation Name"].as_str().unwrap_or_default();
            let reads_all = node["Node Type"] == "Seq Scan"
                || (node["Index Name"].is_string() && node["Index Cond"].is_null());
            assert!(
                !(reads_all && self.large.contains(table)),
                "{table} is read from end to end by: {}\n{:#}",
                plan.statement,
                plan.root
            );
        });
    }

    /// Fails when the planner calls a function where its body could stand.
    pub fn assert_inlined(&self, plan: &Plan) {
        visit(&plan.root, &mut |node| {
            let function = node["Function Name"].as_str().unwrap_or_default();
            assert_ne!(
                function, "colleagues_threads",
                "{}\n{:#}",
                plan.statement, plan.root
            );
        });
    }

    /// How many rows of large tables a plan looks at, those that it leaves out included.
    pub fn rows_looked_at(&self, plan: &Plan) -> u64 {
        let mut rows = 0.0;
        visit(&plan.root, &mut |node| {
            if self
                .large
                .contains(node["Relation Name"].as_str().unwrap_or_default())
            {
                let each = [
                    "Actual Rows",
                    "Rows Removed by Filter",
                    "Rows Removed by Index Recheck",
                ]
                .map(|key| node[key].as_f64().unwrap_or_default());
                rows += each.iter().sum::<f64>() * node["Actual Loops"].as_f64().unwrap();
            }
        });
        rows as u64
    }
}

fn visit(node: &Value, look: &mut impl FnMut(&Value)) {
    look(node);
    for child in node["Plans"].as_array().into_iter().flatten() {
        visit(child, look);
    }
}

const PAGE: &str =
    "query($n: Int!) { accounts(first: $n, orderBy: { field: BALANCE, direction: DESC }) { edges { node {
  id accountNumber
  conversations(first: 1) { edges { node { id
    messages(last: 3) { edges { node { id sequence deliveryStatus } } } } } } } } } }";

#[tokio::test]
async fn a_page_of_accounts_with_threads_and_messages_is_three_statements_whatever_its_size() {
    let (app, wire) = listened_to().await;
    let names = names(&app).await;
    let agent = app.acme.agent().await;
    agent.gql(PAGE, json!({ "n": 1 })).await;
    let mut first = None;
    // Last the usual one, whose plans are looked at.
    for size in [1, 100, 20] {
        wire.clear();
        let answer = agent.gql(PAGE, json!({ "n": size })).await;
        let page = data(&answer)["accounts"]["edges"].as_array().unwrap().clone();
        assert_eq!(page.len(), size);
        let thread = &page[size - 1]["node"]["conversations"]["edges"][0]["node"];
        assert_eq!(thread["messages"]["edges"].as_array().unwrap().len(), 3);

        let passed = wire.statements();
        let texts: Vec<&str> = passed.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts.len(), 4, "BEGIN and three statements: {texts:#?}");
        assert!(
            texts[0]
                .starts_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL app.business_id")
        );
        let connections: BTreeSet<usize> = passed.iter().map(|(connection, _)| *connection).collect();
        assert_eq!(connections.len(), 1, "one transaction");
        let statements: Vec<String> = texts[1..4].iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(
            first.get_or_insert_with(|| statements.clone()),
            &statements,
            "the same ones for any size"
        );
    }
    let used: Vec<BTreeSet<String>> = wire.plans().iter().map(|plan| names.indexes_of(plan)).collect();
    assert_eq!(used.len(), 3, "{used:?}");
    for (used, index) in used.iter().zip([
        "accounts_worker_balance",
        "conversations_account",
        "messages_thread",
    ]) {
        assert!(used.contains(index), "{index}: {used:?}");
    }
    wire.plans().iter().for_each(|plan| names.assert_indexed(plan));
    app.finish().await;
}

/// More than thirty items, which the library waits for otherwise than for fewer, and several look-ups for each of them.
const WIDE_PAGE: &str = "{ accounts(first: 100) { edges { node { tags phone debtor { id }
  conversations(first: 1) { edges { node { unreadCount messages(last: 1) { edges { node { id } } } } } } } } } }";

/// Lists that are resolved each by itself, beside the others.
const LISTS_IN_LISTS: &str =
    "{ conversations(first: 20) { edges { node { account { conversations(first: 2) { edges { node {
  messages(last: 2) { edges { node { id } } pageInfo { hasPreviousPage } } } } } } } } } }";

#[tokio::test]
async fn each_look_up_of_a_wide_page_is_one_statement() {
    let (app, wire) = listened_to().await;
    let agent = app.acme.agent().await;
    data(&agent.gql(WIDE_PAGE, json!({})).await);
    wire.clear();
    let answer = agent.gql(WIDE_PAGE, json!({})).await;
    assert_eq!(data(&answer)["accounts"]["edges"].as_array().unwrap().len(), 100);
    let passed = wire.statements();
    assert_eq!(
        passed.len(),
        1 + 1 + 4 + 2,
        "BEGIN; accounts; tags, contacts, debtors, threads; unread counts and messages: {passed:#?}"
    );
    data(&agent.gql(LISTS_IN_LISTS, json!({})).await);
    wire.clear();
    data(&agent.gql(LISTS_IN_LISTS, json!({})).await);
    let passed = wire.statements();
    assert_eq!(
        passed.len(),
        1 + 4,
        "BEGIN; threads; their accounts; the threads of all of these; the messages of all of those: {passed:#?}"
    );
    app.finish().await;
}

#[tokio::test]
async fn the_hot_lists_and_the_feed_find_their_rows_by_index() {
    let (app, wire) = listened_to().await;
    let names = names(&app).await;
    let manager = app.acme.sign_in("manager").await;
    let thread = app.thread_with(&manager, &app.acme, JAMES).await;
    let account = app.account_id(&app.acme, JAMES).await;
    let viewer = manager.gql("{ viewer { inboxCursor } }", json!({})).await;
    let cursor = data(&viewer)["viewer"]["inboxCursor"].clone();
    app.text(&app.acme, &app.acme.debtor_number(JAMES), "Hello there")
        .await;
    for (query, variables, index) in [
        (
            "query($t: ID!) { conversation(id: $t) { messages(last: 20) { edges { node { sequence } } } } }",
            json!({ "t": thread }),
            "messages_thread",
        ),
        (
            "{ conversations(first: 20) { edges { node { id } } } }",
            json!({}),
            "conversations_recent",
        ),
        (
            "{ accounts(first: 20) { edges { node { id } } } }",
            json!({}),
            "accounts_created",
        ),
        (
            "{ accounts(first: 20, search: \"first3999\") { edges { node { id } } } }",
            json!({}),
            "debtors_name_trgm",
        ),
        (
            "subscription($c: Cursor) { inboxEvents(after: $c) { __typename } }",
            json!({ "c": cursor }),
            "live_events_pkey",
        ),
        (
            "subscription($t: ID!, $c: Cursor) { conversationEvents(conversationId: $t, after: $c) { __typename } }",
            json!({ "t": thread, "c": cursor }),
            "live_events_conversation",
        ),
        (
            "subscription($a: ID!, $c: Cursor) { accountEvents(accountId: $a, after: $c) { __typename } }",
            json!({ "a": account, "c": cursor }),
            "live_events_account",
        ),
        (
            "{ deletedAccounts(first: 10) { edges { node { id } } } }",
            json!({}),
            "accounts_deleted",
        ),
    ] {
        wire.clear();
        if query.starts_with("subscription") {
            let mut socket = manager.socket().await;
            socket.subscribe(query, variables).await;
            socket.event().await;
        } else {
            data(&manager.gql(query, variables).await);
        }
        let plans = wire.plans();
        assert!(!plans.is_empty());
        let used: BTreeSet<String> = plans.iter().flat_map(|plan| names.indexes_of(plan)).collect();
        assert!(used.contains(index), "{query} uses {index}: {used:?}");
        plans.iter().for_each(|plan| names.assert_indexed(plan));
    }
    app.finish().await;
}

#[tokio::test]
async fn no_step_of_the_main_job_reads_a_table_from_end_to_end() {
    let (app, wire) = listened_to().await;
    let names = names(&app).await;
    let agent = app.acme.agent().await;
    let phone = app.acme.debtor_number(MARIA);
    wire.clear();
    app.text(&app.acme, &phone, "Can I set up a payment plan?").await;
    let thread = app.thread_with(&agent, &app.acme, MARIA).await;
    send(&agent, &thread, "Yes. Six installments?").await;
    app.run_jobs().await;
    app.text(&app.acme, &phone, "STOP").await;
    let plans = wire.plans();
    assert!(plans.len() > 60, "every statement is looked at: {}", plans.len());
    plans.iter().for_each(|plan| names.assert_indexed(plan));
    app.finish().await;
}

/// What each of a few accounts of many has.
const FEW: &str = "
DO $$
DECLARE
    acme CONSTANT uuid := (SELECT id FROM businesses WHERE slug = 'acme');
    someone CONSTANT uuid := (SELECT id FROM users WHERE business_id = acme ORDER BY id LIMIT 1);
    at CONSTANT timestamptz := '2026-06-09T12:00:00Z';
BEGIN
    INSERT INTO creditors (business_id, id, name, name_key, created_at) VALUES (acme, acme, 'First Bank', 'first bank', at);
    INSERT INTO placements (business_id, id, creditor_id, name, name_key, placed_on, created_at)
    VALUES (acme, acme, acme, 'June', 'june', '2026-06-01', at);
    UPDATE accounts SET creditor_id = acme, placement_id = acme, updated_at = at, due_date = '2026-05-01', assigned_agent_id = someone
    WHERE business_id = acme AND account_number LIKE 'MUCH-100_';
    INSERT INTO holds (business_id, id, debtor_id, kind, placed_at)
    SELECT acme, id, debtor_id, 'DISPUTE', at FROM accounts WHERE business_id = acme AND account_number LIKE 'MUCH-100_';
END $$";

#[tokio::test]
async fn a_filter_that_leaves_few_accounts_finds_them_by_its_index() {
    let (app, wire) = listened_to().await;
    let mut superuser = app.superuser().await;
    superuser.execute(FEW).await.unwrap();
    superuser.execute("ANALYZE").await.unwrap();
    let names = names(&app).await;
    let manager = app.acme.sign_in("manager").await;
    let business = app.business_id(&app.acme).await;
    let user: Uuid = superuser
        .fetch_one("SELECT id FROM users WHERE business_id = (SELECT id FROM businesses WHERE slug = 'acme') ORDER BY id LIMIT 1")
        .await
        .unwrap()
        .get(0);
    let id = |kind, id| ids::encode(kind, id);
    for (filter, index) in [
        (
            json!({ "creditorId": id(IdKind::Creditor, business) }),
            "accounts_creditor_created",
        ),
        (
            json!({ "placementId": id(IdKind::Placement, business) }),
            "accounts_placement_created",
        ),
        (
            json!({ "assignedAgentId": id(IdKind::User, user) }),
            "accounts_worker_created",
        ),
        (
            json!({ "updatedAt": { "from": "2026-06-08T00:00:00Z", "to": "2026-06-09T23:00:00Z" } }),
            "accounts_updated",
        ),
        (json!({ "daysPastDue": { "min": 40, "max": 41 } }), "accounts_due"),
        (
            json!({ "dueDate": { "from": "2026-04-30", "to": "2026-05-02" } }),
            "accounts_due",
        ),
        (
            json!({ "hold": ["DISPUTE"] }),
            "accounts_business_id_debtor_id_id_key",
        ),
    ] {
        wire.clear();
        let answer = manager
            .gql(
                "query($f: AccountFilter) { accounts(first: 20, filter: $f) { edges { node { accountNumber } } } }",
                json!({ "f": filter }),
            )
            .await;
        let found = data(&answer)["accounts"]["edges"].as_array().unwrap().len();
        assert_eq!(found, 10, "{filter}");
        let plans = wire.plans();
        let used: BTreeSet<String> = plans.iter().flat_map(|plan| names.indexes_of(plan)).collect();
        assert!(used.contains(index), "{filter} uses {index}: {used:?}");
        plans.iter().for_each(|plan| names.assert_indexed(plan));
    }

    // In the order of names as in any other.
    for (filter, index) in [
        (
            json!({ "creditorId": id(IdKind::Creditor, business) }),
            "accounts_creditor_name",
        ),
        (
            json!({ "placementId": id(IdKind::Placement, business) }),
            "accounts_placement_name",
        ),
        (json!({ "status": ["ACTIVE"] }), "accounts_status_name"),
    ] {
        wire.clear();
        let by_name = "query($f: AccountFilter) { accounts(first: 10, filter: $f, orderBy: { field: LAST_NAME, direction: ASC }) {
            edges { node { accountNumber } } } }";
        let answer = manager.gql(by_name, json!({ "f": filter })).await;
        assert_eq!(
            data(&answer)["accounts"]["edges"].as_array().unwrap().len(),
            10,
            "{filter}"
        );
        let used: BTreeSet<String> = wire
            .plans()
            .iter()
            .flat_map(|plan| names.indexes_of(plan))
            .collect();
        assert!(used.contains(index), "{filter} uses {index}: {used:?}");
    }

    // And what hangs on a page of accounts is one statement each.
    let page = "{ accounts(first: 50) { edges { node { notes(first: 2) { edges { node { text author { id } } } } holds { kind }
        creditor { name } placement { name } itemizationDate } } } }";
    data(&manager.gql(page, json!({})).await);
    wire.clear();
    data(&manager.gql(page, json!({})).await);
    let passed = wire.statements();
    assert!(passed.len() <= 1 + 1 + 5, "{passed:#?}");
    app.finish().await;
}

/// A document of each of many accounts, among ten times as many files.
const PAPERS: &str = "
DO $$
DECLARE
    acme CONSTANT uuid := (SELECT id FROM businesses WHERE slug = 'acme');
    at CONSTANT timestamptz := '2026-06-09T12:00:00Z';
BEGIN
    INSERT INTO files (business_id, id, purpose, state, wrapped_key, key_version, media_type, size, sha256, created_at)
    SELECT acme, id, 'DOCUMENT', 'CLAIMED', '', 1, 'application/pdf', 1, sha256(''), at FROM accounts
    WHERE business_id = acme;
    INSERT INTO files (business_id, id, purpose, state, wrapped_key, key_version, media_type, size, sha256, created_at)
    SELECT acme, gen_random_uuid(), 'DOCUMENT', 'CLAIMED', '', 1, 'text/plain', 1, sha256(''), at
    FROM generate_series(1, 40000);
    INSERT INTO account_documents (business_id, id, account_id, file_id, kind, tags, created_at)
    SELECT acme, id, id, id, 'LETTER', '{}', at FROM accounts WHERE business_id = acme;
END $$";

#[tokio::test]
async fn the_documents_of_a_page_of_accounts_are_two_statements() {
    let (app, wire) = listened_to().await;
    let mut superuser = app.superuser().await;
    superuser.execute(PAPERS).await.unwrap();
    superuser.execute("ANALYZE").await.unwrap();
    let names = names(&app).await;
    let manager = app.acme.sign_in("manager").await;
    let page = "{ accounts(first: 50) { edges { node { documents(first: 2) { edges { node {
        fileName mediaType description downloadUrl } } } } } } }";
    data(&manager.gql(page, json!({})).await);
    wire.clear();
    let answer = manager.gql(page, json!({})).await;
    let shown = answer.to_string().matches("application/pdf").count();
    assert_eq!(shown, 50, "each account's one: {answer}");
    let passed = wire.statements();
    assert_eq!(
        passed.len(),
        1 + 1 + 2,
        "BEGIN; accounts; documents and their files: {passed:#?}"
    );
    let plans = wire.plans();
    let used: BTreeSet<String> = plans.iter().flat_map(|plan| names.indexes_of(plan)).collect();
    assert!(
        used.contains("account_documents_account") && used.contains("files_pkey"),
        "{used:?}"
    );
    app.finish().await;
}

/// What hangs on a person.
const PEOPLE: &str =
    "{ debtors(first: 10) { edges { node { contactPoints { value sharedWith } inconvenientTimes { id } contactPlaces { id }
  merges { id } matchSuggestions { reasons } timeZoneEvidence { source } holds { kind }
  decisions(first: 2) { edges { node { outcome } } } } } } }";

#[tokio::test]
async fn what_hangs_on_a_page_of_people_is_one_statement_each_and_found_by_index() {
    let (app, wire) = listened_to().await;
    let names = names(&app).await;
    let agent = app.acme.agent().await;
    data(&agent.gql(PEOPLE, json!({})).await);
    wire.clear();
    let answer = agent.gql(PEOPLE, json!({})).await;
    assert_eq!(data(&answer)["debtors"]["edges"].as_array().unwrap().len(), 10);
    let passed = wire.statements();
    assert_eq!(
        passed.len(),
        1 + 2 + 2 + 3 + 1 + 1 + 1 + 3 + 1 + 1 + 1,
        "BEGIN; the planner's switches and back; the page and its people; contact points, what they are opened with and who shares \
         them; times; places; merges; namesakes, contact points to be opened and who shares those; their national ids, of which there are \
         none; holds; decisions: {passed:#?}"
    );
    let plans = wire.plans();
    plans.iter().for_each(|plan| names.assert_indexed(plan));
    plans.iter().for_each(|plan| names.assert_inlined(plan));
    let of_decisions = |plan: &&Plan| plan.statement.contains("app.colleagues_threads");
    assert_eq!(plans.iter().filter(of_decisions).count(), 1);

    let by_number = "query($q: String!) { debtors(first: 5, search: $q) { edges { node { id } } }
        accounts(first: 5, search: $q) { edges { node { id } } } }";
    wire.clear();
    let number = app.acme.debtor_number(MARIA);
    let found = agent.gql(by_number, json!({ "q": number })).await;
    assert_eq!(data(&found)["accounts"]["edges"].as_array().unwrap().len(), 1);
    let plans = wire.plans();
    let used: BTreeSet<String> = plans.iter().flat_map(|plan| names.indexes_of(plan)).collect();
    assert!(used.contains("debtors_person"), "{used:?}");
    app.finish().await;
}
