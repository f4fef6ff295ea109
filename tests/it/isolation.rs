//! No business sees another's data, nobody sees any without signing in, no role does what the matrix denies, and no
//! agent sees a colleague's. The sweeps are made from the schema that the running service tells: a new operation is
//! swept without a line here.

use std::collections::{BTreeMap, BTreeSet};

use funnelchat::{
    access::{
        AccessTable, Role,
        operations::{Needs, needs},
    },
    cli::seed::{DEMO_PASSWORD, DEMO_TOTP_SECRET},
    identity::{KnownMember, add_known_member, hash_password},
    platform::{
        context::{SystemCtx, TenantCtx},
        email::EmailAddress,
    },
};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::support::{
    Client, Field, Problems, Schema, Slot, Socket, TestApp, data, error_code,
    recipes::{self, Ids, plain_arguments},
    user_errors,
};

/// Slots in which a foreign id is a condition on one's own rows: nothing fits it, so an empty page is the answer, the
/// same as for an id that nobody has.
const FILTERS: &[(&str, &str)] = &[
    ("auditEvents", "filter.debtorId"),
    ("auditEvents", "filter.userId"),
    ("conversations", "filter.accountId"),
];

// ---------------------------------------------------------------------------------------------------------- canary

/// How many rows each table shows that the app may read.
async fn visible_rows(app: &mut PgConnection) -> BTreeMap<String, i64> {
    let tables: Vec<String> = app
        .fetch_all(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
               AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
               AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY 1",
        )
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut counts = BTreeMap::new();
    for table in tables {
        let count = app
            .fetch_one(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .await
            .unwrap();
        counts.insert(table, count.get(0));
    }
    counts
}

async fn found_by_search(app: &mut PgConnection) -> Vec<Uuid> {
    let rows = app
        .fetch_all("SELECT * FROM app.search_debtors('a', 1000)")
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_connection_without_its_whole_context_sees_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let acme = Ids::make(&app, &app.acme, &admin, "Canary", 41).await;
    let mut superuser = app.superuser().await;
    let business = |slug: &str| format!("SELECT id FROM businesses WHERE slug = '{slug}'");
    let globex: Uuid = superuser
        .fetch_one(AssertSqlSafe(business("globex")))
        .await
        .unwrap()
        .get(0);
    let mut connection = app.database().logins.app.clone().connect().await.unwrap();
    let business_id = acme.uuid("biz");

    for (what, context) in [
        ("no context", String::new()),
        (
            "empty context",
            "SET app.business_id = ''; SET app.audience = ''; SET app.debtor_id = ''".to_owned(),
        ),
        (
            "a business but no audience",
            format!("SET app.business_id = '{business_id}'"),
        ),
        (
            "a debtor without an id",
            format!("SET app.business_id = '{business_id}'; SET app.audience = 'debtor'"),
        ),
        (
            "staff without a business",
            "SET app.audience = 'staff'".to_owned(),
        ),
        (
            "an unknown audience",
            format!("SET app.business_id = '{business_id}'; SET app.audience = 'STAFF'"),
        ),
        (
            "a business that is not",
            format!(
                "SET app.business_id = '{}'; SET app.audience = 'staff'",
                Uuid::max()
            ),
        ),
    ] {
        connection.execute("RESET ALL").await.unwrap();
        connection.execute(AssertSqlSafe(context)).await.unwrap();
        let mut rows = visible_rows(&mut connection).await;
        // One row, an offset; nobody's.
        assert_eq!(rows.remove("clock"), Some(1));
        // A debtor, known or not yet, may be told the name of the business that writes to them.
        if what.starts_with("a debtor") {
            assert_eq!(rows.remove("businesses"), Some(1));
        }
        assert!(rows.len() > 20, "the tables were found: {rows:?}");
        rows.retain(|_, count| *count > 0);
        assert_eq!(rows, BTreeMap::new(), "{what}");
        assert_eq!(
            found_by_search(&mut connection).await,
            Vec::<Uuid>::new(),
            "{what}"
        );
    }

    connection
        .execute(AssertSqlSafe(format!(
            "RESET ALL; SET app.business_id = '{business_id}'; SET app.audience = 'staff'"
        )))
        .await
        .unwrap();
    let rows = visible_rows(&mut connection).await;
    for (table, count) in &rows {
        if ["clock", "businesses"].contains(&table.as_str()) {
            assert_eq!(*count, 1, "{table}");
            continue;
        }
        let foreign: i64 = connection
            .fetch_one(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} WHERE business_id <> '{business_id}'"
            )))
            .await
            .unwrap()
            .get(0);
        assert_eq!(foreign, 0, "{table}");
        let all: i64 = superuser
            .fetch_one(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} WHERE business_id = '{business_id}'"
            )))
            .await
            .unwrap()
            .get(0);
        assert_eq!(*count, all, "{table}: and it does see its own");
    }
    assert!(
        rows["messages"] >= 1 && rows["accounts"] == 26 && rows["decisions"] >= 1,
        "{rows:?}"
    );
    assert!(found_by_search(&mut connection).await.len() >= 20);
    for statement in [
        format!("UPDATE accounts SET status = 'CLOSED' WHERE business_id = '{globex}'"),
        format!("DELETE FROM contact_points WHERE business_id = '{globex}'"),
    ] {
        let done = connection
            .execute(AssertSqlSafe(statement.clone()))
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 0, "{statement}");
    }
    let written = connection
        .execute(AssertSqlSafe(format!(
            "INSERT INTO account_tags (business_id, account_id, tag) SELECT '{globex}', '{}', 'x'",
            Uuid::max()
        )))
        .await
        .expect_err("a row of another business cannot be written");
    assert!(written.to_string().contains("row-level security"), "{written}");

    // A debtor sees what carries their id, and nobody else's.
    let debtor = acme.uuid("dbtr");
    connection
        .execute(AssertSqlSafe(format!(
            "RESET ALL; SET app.business_id = '{business_id}'; SET app.audience = 'debtor'; SET app.debtor_id = '{debtor}'"
        )))
        .await
        .unwrap();
    let mut rows = visible_rows(&mut connection).await;
    rows.retain(|_, count| *count > 0);
    assert_eq!(
        (rows["debtors"], rows["accounts"], rows["conversations"]),
        (1, 1, 1),
        "{rows:?}"
    );
    for table in rows
        .keys()
        .filter(|table| !["clock", "businesses"].contains(&table.as_str()))
    {
        let foreign: i64 = connection
            .fetch_one(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table} WHERE debtor_id IS DISTINCT FROM '{debtor}'"
            )))
            .await
            .unwrap()
            .get(0);
        assert_eq!(foreign, 0, "{table}");
    }
    for internal in [
        "account_notes",
        "audit_events",
        "decisions",
        "access_log",
        "users",
        "holds",
    ] {
        assert!(!rows.contains_key(internal), "{internal} is staff's");
    }
    assert_eq!(
        found_by_search(&mut connection).await,
        Vec::<Uuid>::new(),
        "search is staff's"
    );
    app.finish().await;
}

// ----------------------------------------------------------------------------------------------------------- sweep

/// Somebody who tries what is not theirs.
struct Intruder<'a> {
    client: &'a Client,
    /// Objects of their own, so that all other arguments are valid.
    own: &'a Ids,
    /// What they try to reach.
    target: &'a Ids,
    /// Which kinds of the target's objects are out of their reach.
    kinds: &'a [&'static str],
    /// What they may call at all.
    may: &'a dyn Fn(&str, &str) -> bool,
}

impl Intruder<'_> {
    /// Calls every operation with the target's id in every place that takes one.
    async fn sweep(&self, schema: &Schema) -> usize {
        let mut problems = Problems::default();
        let mut tried = 0;
        let nobodys = Ids::nobodys();
        for (root, field) in schema.operations() {
            for slot in schema.slots(field, "ID") {
                let kinds = recipes::kind_of(&field.name, &slot)
                    .map_or_else(|| self.kinds.to_vec(), |kind| vec![kind]);
                for kind in kinds.into_iter().filter(|kind| self.kinds.contains(kind)) {
                    if !(self.may)(root, &field.name) {
                        continue;
                    }
                    tried += 1;
                    let what = format!("{root}.{}({}: {kind})", field.name, slot.name());
                    let answer = self.ask(schema, root, field, &slot, self.target.get(kind)).await;
                    let control = self.ask(schema, root, field, &slot, nobodys.get(kind)).await;
                    problems.check(is_nothing(&answer, field, &slot), || format!("{what}: {answer}"));
                    let told = answer.to_string();
                    for secret in &self.target.secrets {
                        problems.check(!told.contains(secret.as_str()), || {
                            format!("{what} tells {secret}: {answer}")
                        });
                    }
                    problems.check(
                        without_request_id(&answer) == without_request_id(&control),
                        || format!("{what} differs from an id that nobody has: {answer} / {control}"),
                    );
                }
            }
        }
        problems.none();
        tried
    }

    async fn ask(&self, schema: &Schema, root: &str, field: &Field, slot: &Slot, id: &str) -> Value {
        let mut arguments = plain_arguments(schema, field, self.own);
        slot.put(&mut arguments, json!(id));
        call(self.client, schema, root, field, &arguments).await
    }
}

/// What a subscription answers first: a payload, or an error as a payload of errors.
async fn first_payload(socket: &mut Socket) -> Value {
    let message = socket.message().await.expect("an answer, not the socket's end");
    match message["type"].as_str() {
        Some("error") => json!({ "errors": message["payload"] }),
        _ => message["payload"].clone(),
    }
}

/// NOT_FOUND at the top or as the only user error beside nothing, or null where the schema says null.
fn is_nothing(answer: &Value, field: &Field, slot: &Slot) -> bool {
    let value = &answer["data"][&field.name];
    let codes: BTreeSet<&str> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| error["extensions"]["code"].as_str().unwrap_or("(none)"))
        .collect();
    if !codes.is_empty() {
        return codes == BTreeSet::from(["NOT_FOUND"]) && value.is_null();
    }
    if FILTERS.contains(&(field.name.as_str(), slot.name().as_str())) {
        return value["edges"] == json!([]) && value["totalCount"].as_i64().unwrap_or(0) == 0;
    }
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(Value::is_null),
        payload => {
            user_errors(payload) == ["NOT_FOUND"]
                && payload.as_object().is_some_and(|fields| {
                    fields.iter().all(|(name, value)| {
                        ["__typename", "userErrors"].contains(&name.as_str()) || value.is_null()
                    })
                })
        }
    }
}

fn without_request_id(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for error in answer["errors"].as_array_mut().into_iter().flatten() {
        if let Some(extensions) = error["extensions"].as_object_mut() {
            extensions.remove("requestId");
        }
    }
    answer
}

/// A fingerprint of everything that a business has in every table.
async fn fingerprint(superuser: &mut PgConnection, business: Uuid) -> BTreeMap<String, String> {
    let tables: Vec<String> = superuser
        .fetch_all(
            "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'business_id'
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition",
        )
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut prints = BTreeMap::new();
    for table in tables {
        let print: String = superuser
            .fetch_one(AssertSqlSafe(format!(
                "SELECT md5(coalesce(string_agg(t::text, '/' ORDER BY t::text), '')) FROM {table} t WHERE business_id = '{business}'"
            )))
            .await
            .unwrap()
            .get(0);
        prints.insert(table, print);
    }
    prints
}

#[tokio::test]
async fn every_id_of_another_business_is_not_found_in_every_place() {
    let app = TestApp::start().await;
    let (acme_admin, globex_admin) = (app.acme.sign_in("admin").await, app.globex.sign_in("admin").await);
    let acme = Ids::make(&app, &app.acme, &acme_admin, "Acmeonly", 42).await;
    let globex = Ids::make(&app, &app.globex, &globex_admin, "Globexonly", 43).await;
    let schema = Schema::of(&globex_admin).await;
    for ty in schema
        .own_types()
        .filter(|ty| !["Mutation", "Query", "Subscription"].contains(&ty.name.as_str()))
    {
        for field in &ty.fields {
            assert!(
                schema.slots(field, "ID").is_empty(),
                "{}.{} takes an id below the roots: sweep it too",
                ty.name,
                field.name
            );
        }
    }
    let mut superuser = app.superuser().await;
    let before = fingerprint(&mut superuser, acme.uuid("biz")).await;
    let intruder = Intruder {
        client: &globex_admin,
        own: &globex,
        target: &acme,
        kinds: &acme.prefixes(),
        may: &|_, _| true,
    };
    let tried = intruder.sweep(&schema).await;
    assert!(tried > 25, "slots were found: {tried}");
    app.run_jobs().await;
    assert_eq!(
        fingerprint(&mut superuser, acme.uuid("biz")).await,
        before,
        "and nothing of it was changed"
    );
    let own = globex_admin
        .gql(
            "query($id: ID!) { node(id: $id) { id } }",
            json!({ "id": globex.get("conv") }),
        )
        .await;
    assert_eq!(
        data(&own)["node"]["id"],
        globex.get("conv"),
        "one's own is found by the same means"
    );

    // Lists, searches and feeds hold nothing of it either.
    let quill = acme.secrets[0].clone();
    let lists = globex_admin
        .gql(
            "query($q: String!) { accounts(first: 100, search: $q) { edges { node { id } } } debtors(first: 100, search: $q) { edges { node { id } } }
               all: accounts(first: 100) { edges { node { id firstName } } } conversations(first: 100) { edges { node { id } } }
               auditEvents(first: 100) { edges { node { objectId debtorId actorId } } } viewer { inboxCursor } }",
            json!({ "q": quill }),
        )
        .await;
    let found = data(&lists);
    assert_eq!(found["accounts"]["edges"], json!([]));
    assert_eq!(found["debtors"]["edges"], json!([]));
    for secret in &acme.secrets {
        assert!(
            !lists.to_string().contains(secret.as_str()),
            "a list tells {secret}"
        );
    }
    let mut inbox = globex_admin.socket().await;
    let follow = "subscription($c: Cursor) { inboxEvents(after: $c) { __typename ... on MessageAdded { message { content } } } }";
    inbox
        .subscribe(follow, json!({ "c": found["viewer"]["inboxCursor"] }))
        .await;
    app.text(&app.acme, &acme.secrets[2], "Only Acme may read this")
        .await;
    app.text(&app.globex, &globex.secrets[2], "And this is Globex's")
        .await;
    let first = loop {
        let event = inbox.event().await["inboxEvents"].clone();
        if event["__typename"] == "MessageAdded" {
            break event;
        }
    };
    assert_eq!(first["message"]["content"], "And this is Globex's");
    app.finish().await;
}

#[tokio::test]
async fn without_signing_in_only_what_is_public_answers() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let schema = Schema::of(&admin).await;
    let acme = Ids::make(&app, &app.acme, &admin, "Anonymous", 44).await;
    let nobody = app.anonymous();
    let mut problems = Problems::default();
    let mut superuser = app.superuser().await;
    let before = fingerprint(&mut superuser, acme.uuid("biz")).await;
    for (root, field) in schema.operations() {
        let arguments = plain_arguments(&schema, field, &acme);
        let (document, variables) = schema.document(root, field, &arguments, 2);
        let answer = if root == "Subscription" {
            // A socket opens for nobody; an event stream is asked instead.
            let answer = nobody
                .http()
                .post(format!("http://{}/graphql", app.addr))
                .header("accept", "text/event-stream")
                .json(&json!({ "query": document, "variables": variables }))
                .send()
                .await
                .unwrap();
            let text = answer.text().await.unwrap();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("data:"))
                .unwrap_or(&text);
            serde_json::from_str(line).unwrap_or_else(|_| json!({ "text": text }))
        } else {
            nobody.gql(&document, variables).await
        };
        let name = format!("{root}.{}", field.name);
        let codes = format!(
            "{} {:?}",
            error_code(&answer),
            user_errors(&answer["data"][&field.name])
        );
        match needs(root, &field.name) {
            Some(Needs::Nothing) => problems.check(
                !codes.contains("UNAUTHENTICATED")
                    && !codes.contains("FORBIDDEN")
                    && !codes.contains("INTERNAL"),
                || format!("{name} is public: {answer}"),
            ),
            _ => problems.check(
                error_code(&answer) == "UNAUTHENTICATED" && answer["data"].is_null(),
                || format!("{name} needs a sign-in: {answer}"),
            ),
        }
        for secret in &acme.secrets {
            problems.check(!answer.to_string().contains(secret.as_str()), || {
                format!("{name} tells {secret}")
            });
        }
    }
    problems.none();
    app.run_jobs().await;
    assert_eq!(
        fingerprint(&mut superuser, acme.uuid("biz")).await,
        before,
        "and nothing was changed"
    );
    let mut socket = Socket::open(app.addr).await;
    socket
        .send(json!({ "type": "connection_init", "payload": {} }))
        .await;
    assert_eq!(socket.close_code().await, 4401, "a socket without a log-in");
    app.finish().await;
}

#[tokio::test]
async fn every_role_may_do_what_the_matrix_says_and_no_more() {
    let app = TestApp::start().await;
    let table = AccessTable::load().await.unwrap();
    let admin = app.acme.sign_in("admin").await;
    let schema = Schema::of(&admin).await;
    let mut problems = Problems::default();
    let mut superuser = app.superuser().await;
    app.text(&app.acme, &app.acme.debtor_number(0), "For everybody's inbox")
        .await;
    for (login, role, line) in [
        ("manager", Role::Manager, 51),
        ("agent", Role::Agent, 52),
        ("compliance", Role::ComplianceOfficer, 53),
        // Last: the sweep ends its session, which makes the others' objects.
        ("admin", Role::BusinessAdmin, 54),
    ] {
        let client = if login == "admin" {
            admin.clone()
        } else {
            app.acme.sign_in(login).await
        };
        let ids = Ids::make(&app, &app.acme, &admin, &format!("Role{login}"), line).await;
        give_to(&mut superuser, &ids, None).await;
        let mut operations = schema.operations();
        // The end of the session comes last.
        operations.sort_by_key(|(_, field)| field.name == "logout");
        for (root, field) in operations {
            let mut arguments = plain_arguments(&schema, field, &ids);
            // From the beginning: a permitted feed then has something to tell at once.
            if root == "Subscription" {
                arguments.insert("after".to_owned(), json!("live1_0"));
            }
            let answer = call(&client, &schema, root, field, &arguments).await;
            let need = needs(root, &field.name);
            let allowed = match need {
                Some(Needs::Permission(cell)) => table.allows(role, cell),
                Some(Needs::Nothing | Needs::SignIn) => true,
                None => false,
            };
            let name = format!("{login}: {root}.{}", field.name);
            if !allowed {
                let refused = error_code(&answer) == "FORBIDDEN" && answer["data"].is_null();
                problems.check(refused, || format!("{name} is denied: {answer}"));
                continue;
            }
            problems.check(answer.get("errors").is_none(), || {
                format!("{name} is allowed: {answer}")
            });
            // A mutation does what it says; the public ones were given tokens that nobody has.
            let codes = user_errors(&answer["data"][&field.name]);
            let works =
                codes.iter().all(|code| *code == "COMPLIANCE_BLOCKED") || need == Some(Needs::Nothing);
            problems.check(works, || format!("{name} is allowed, and works: {answer}"));
        }
    }
    problems.none();
    app.run_jobs().await;
    app.finish().await;
}

/// Any operation, over whatever transport carries it.
async fn call(
    client: &Client,
    schema: &Schema,
    root: &str,
    field: &Field,
    arguments: &Map<String, Value>,
) -> Value {
    let (document, variables) = schema.document(root, field, arguments, 2);
    if root == "Subscription" {
        let mut socket = client.socket().await;
        socket.subscribe(&document, variables).await;
        return first_payload(&mut socket).await;
    }
    client.gql(&document, variables).await
}

/// Account and thread become this user's, or nobody's.
async fn give_to(superuser: &mut PgConnection, ids: &Ids, user: Option<Uuid>) {
    for (table, id) in [
        ("accounts", ids.uuid("acct")),
        ("conversations", ids.uuid("conv")),
    ] {
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE {table} SET assigned_agent_id = $1 WHERE id = $2"
        )))
        .bind(user)
        .bind(id)
        .execute(&mut *superuser)
        .await
        .unwrap();
    }
}

// ------------------------------------------------------------------------------------------------------ colleagues

/// A second collector at Acme, signed in; with the user's id.
async fn second_agent(app: &TestApp, business: Uuid) -> (Client, Uuid) {
    let mut tx = app
        .app
        .db
        .system(&SystemCtx::for_reason("a second agent", "test"))
        .await
        .unwrap();
    let email = EmailAddress::parse("agent2@acme.example").unwrap();
    let secret = totp_rs::Secret::try_from_base32(DEMO_TOTP_SECRET).unwrap();
    let password_hash = hash_password(&DEMO_PASSWORD.to_owned().into()).await.unwrap();
    let member = KnownMember {
        business_id: business,
        email: &email,
        name: "Second Agent",
        role: Role::Agent,
        password_hash: &password_hash,
        totp_secret: secret.as_ref(),
    };
    let id = add_known_member(&mut tx, &app.app.keyring, member).await.unwrap();
    tx.commit().await.unwrap();
    (app.acme.sign_in("agent2").await, id)
}

#[tokio::test]
async fn what_a_colleague_works_on_is_not_found() {
    let app = TestApp::start().await;
    let table = AccessTable::load().await.unwrap();
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let schema = Schema::of(&agent).await;
    let own = Ids::make(&app, &app.acme, &admin, "Everybodys", 61).await;
    let mut colleagues = Ids::make(&app, &app.acme, &admin, "Colleagues", 62).await;
    let mut superuser = app.superuser().await;
    let (_, second) = second_agent(&app, own.uuid("biz")).await;
    give_to(&mut superuser, &own, None).await;
    give_to(&mut superuser, &colleagues, Some(second)).await;
    // The business and its staff are no secret among colleagues.
    for known in ["biz", "usr"] {
        let (id, uuid) = (
            colleagues.get(known).to_owned(),
            colleagues.uuid(known).to_string(),
        );
        colleagues
            .secrets
            .retain(|secret| *secret != id && *secret != uuid);
    }
    let before = fingerprint(&mut superuser, own.uuid("biz")).await;
    let intruder = Intruder {
        client: &agent,
        own: &own,
        target: &colleagues,
        kinds: &["acct", "conv", "msg", "dec", "dbtr"],
        may: &|root, field| match needs(root, field) {
            Some(Needs::Permission(cell)) => table.allows(Role::Agent, cell),
            _ => true,
        },
    };
    let tried = intruder.sweep(&schema).await;
    assert!(tried > 18, "slots were found: {tried}");
    // The calls that name nobody's objects beside the colleague's may have claimed those: the colleague's stay.
    let after = fingerprint(&mut superuser, own.uuid("biz")).await;
    for table in ["messages", "conversations", "accounts", "decisions"] {
        assert_eq!(after[table], before[table], "{table}");
    }

    let found = agent
        .gql(
            "query($q: String!) { accounts(first: 100, search: $q) { edges { node { id } } totalCount } debtors(first: 100, search: $q) { edges { node { id } } }
               every: accounts(first: 100) { edges { node { id firstName } } }
               conversations(first: 100) { edges { node { id } } } }",
            json!({ "q": colleagues.secrets[0] }),
        )
        .await;
    assert_eq!(data(&found)["accounts"], json!({ "edges": [], "totalCount": 0 }));
    for secret in &colleagues.secrets {
        assert!(
            !found.to_string().contains(secret.as_str()),
            "a list tells {secret}"
        );
    }
    assert!(
        found.to_string().contains(own.get("conv")),
        "nobody's threads are everybody's: {found}"
    );
    let managers = admin
        .gql(
            "query($id: ID!) { account(id: $id) { id } }",
            json!({ "id": colleagues.get("acct") }),
        )
        .await;
    assert_eq!(
        data(&managers)["account"]["id"],
        colleagues.get("acct"),
        "a manager sees all"
    );
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_thread_that_goes_to_a_colleague_leaves_the_feed() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    let thread = Ids::make(&app, &app.acme, &admin, "Moving", 63).await;
    let mut superuser = app.superuser().await;
    give_to(&mut superuser, &thread, None).await;
    let (second, second_id) = second_agent(&app, thread.uuid("biz")).await;
    let phone = thread.secrets[2].clone();

    let cursor = agent.gql("{ viewer { inboxCursor } }", json!({})).await;
    let cursor = data(&cursor)["viewer"]["inboxCursor"].clone();
    let (mut follows, mut inbox) = (agent.socket().await, agent.socket().await);
    let every = "__typename ... on MessageAdded { message { content } }
        ... on ConversationAssigned { conversationId conversation { id } assignedAgent { name } }";
    follows
        .subscribe(
            &format!("subscription($id: ID!, $after: Cursor) {{ conversationEvents(conversationId: $id, after: $after) {{ {every} }} }}"),
            json!({ "id": thread.get("conv"), "after": cursor }),
        )
        .await;
    inbox
        .subscribe(
            &format!("subscription($after: Cursor) {{ inboxEvents(after: $after) {{ {every} }} }}"),
            json!({ "after": cursor }),
        )
        .await;
    app.text(&app.acme, &phone, "While it is nobody's").await;
    let seen = follows.event().await;
    assert_eq!(
        seen["conversationEvents"]["message"]["content"],
        "While it is nobody's"
    );

    let user = funnelchat::platform::ids::encode(funnelchat::platform::ids::IdKind::User, second_id);
    let given = admin
        .gql(
            "mutation($c: ID!, $u: ID!) { assignConversation(input: { conversationId: $c, userId: $u }) { userErrors { message } } }",
            json!({ "c": thread.get("conv"), "u": user }),
        )
        .await;
    assert_eq!(data(&given)["assignConversation"]["userErrors"], json!([]));
    app.text(&app.acme, &phone, "Only for the colleague").await;
    app.text(&app.acme, &app.acme.debtor_number(0), "For everybody")
        .await;

    // The thread's own feed ends; nothing of what came after is told.
    let mut told = String::new();
    let mut ended = false;
    while !ended {
        let message = follows.message().await.expect("an end with a reason");
        told.push_str(&message.to_string());
        ended = message.to_string().contains("NOT_FOUND");
        assert_ne!(message["type"], "complete", "it ends with NOT_FOUND: {told}");
    }
    assert!(!told.contains("Only for the colleague"), "{told}");

    // The inbox says that it has gone, and then tells of other threads only.
    let mut told = Vec::new();
    loop {
        let event = inbox.event().await["inboxEvents"].clone();
        let is_last = event["message"]["content"] == "For everybody";
        told.push(event);
        if is_last {
            break;
        }
    }
    let gone = told
        .iter()
        .find(|event| event["__typename"] == "ConversationAssigned")
        .expect("told that it has gone");
    assert_eq!(gone["conversationId"], thread.get("conv"));
    assert!(gone["conversation"].is_null(), "{gone}");
    let text = Value::Array(told).to_string();
    assert!(!text.contains("Only for the colleague"), "{text}");

    let mut colleague = second.socket().await;
    colleague
        .subscribe(
            &format!("subscription($after: Cursor) {{ inboxEvents(after: $after) {{ {every} }} }}"),
            json!({ "after": cursor }),
        )
        .await;
    loop {
        let event = colleague.event().await["inboxEvents"].clone();
        if event["message"]["content"] == "Only for the colleague" {
            break;
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn an_operation_that_is_given_up_leaves_no_transaction_behind() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let viewer = admin.gql("{ viewer { business { id } } }", json!({})).await;
    let business = recipes::uuid_of(data(&viewer)["viewer"]["business"]["id"].as_str().unwrap());
    let ctx = TenantCtx::for_service(business, "test");
    for polls in 1..40 {
        // A reader goes away while its BEGIN is on the way.
        let mut given_up = Box::pin(app.app.db.snapshot(&ctx));
        for _ in 0..polls {
            if futures_util::poll!(&mut given_up).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(given_up);
        // Whoever gets the connection next begins anew, and may write.
        let mut tx = app.app.db.tenant(&ctx).await.unwrap();
        let row = tx
            .conn()
            .fetch_one(
                "SELECT current_setting('transaction_read_only'), current_setting('transaction_isolation')",
            )
            .await
            .unwrap();
        let state: (String, String) = (row.get(0), row.get(1));
        assert_eq!(
            state,
            ("off".to_owned(), "read committed".to_owned()),
            "after {polls} polls"
        );
        tx.finish_read().await.unwrap();
    }
    app.finish().await;
}
