//! The program as an operator runs it: what it says when something is missing, and what production keeps closed.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection};

use crate::support::{Client, Program, TestApp, TestDatabase, data, empty_database, redis};

/// 32 bytes.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const INTROSPECTION: &str = "{ __schema { queryType { name } } }";

fn serve(database: &TestDatabase) -> Program {
    Program::new(&["serve"])
        .on(database)
        .with("MASTER_KEYS", format!("1:{KEY}"))
        .with("TOKEN_SIGNING_KEYS", format!("a:{KEY}"))
        .with("AUDIT_SIGNING_KEYS", format!("a:{KEY}"))
}

async fn page(client: &Client, path: &str) -> u16 {
    let answer = reqwest::get(format!("http://{}{path}", client.addr))
        .await
        .unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn production_shows_strangers_neither_its_schema_by_introspection_nor_a_place_to_try_it() {
    let database = empty_database().await;
    let files = file_store();
    let (mut production, address) = serve(&database)
        .with("FUNNELCHAT_ENV", "production")
        .with("PUBLIC_BASE_URL", "https://api.funnelchat.example")
        .with("FILE_STORE_URL", &files)
        .start_serving()
        .await;
    let stranger = Client::anonymous(address);
    let refused = stranger.gql(INTROSPECTION, json!({})).await;
    assert!(refused["data"].is_null(), "{refused}");
    assert_eq!(
        refused["errors"][0]["message"],
        "Sign in to introspect the schema, or read it at /schema.graphql."
    );
    assert_eq!(page(&stranger, "/schema.graphql").await, 200);
    let known = stranger.gql("{ __typename }", json!({})).await;
    assert_eq!(data(&known)["__typename"], "Query");
    assert_eq!(page(&stranger, "/graphiql").await, 404);
    assert_eq!(page(&stranger, "/api/v1/health").await, 200);
    production.kill().await.unwrap();

    let (mut development, address) = serve(&database).start_serving().await;
    let developer = Client::anonymous(address);
    let told = developer.gql(INTROSPECTION, json!({})).await;
    assert_eq!(data(&told)["__schema"]["queryType"]["name"], "Query");
    assert_eq!(page(&developer, "/graphiql").await, 200);
    development.kill().await.unwrap();
}

/// A port that was free a moment ago: nobody listens there.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn file_store() -> String {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("program-files");
    format!("file://{}", folder.display())
}

#[tokio::test]
async fn without_its_database_or_a_setting_it_ends_with_one_sentence() {
    let mut nowhere = empty_database().await;
    let port = free_port();
    for login in [
        &mut nowhere.logins.app,
        &mut nowhere.logins.system,
        &mut nowhere.logins.worker,
    ] {
        *login = login.clone().host("127.0.0.1").port(port);
    }
    for command in ["serve", "worker"] {
        let ended = Program::new(&[command]).on(&nowhere).run().await;
        assert_eq!(ended.code, 1);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(
            ended.stderr.starts_with(
                "funnelchat: the database does not answer (DATABASE_SYSTEM_URL): is it running?"
            ),
            "{}",
            ended.stderr
        );
    }

    let ended = Program::new(&["serve"])
        .with("DATABASE_URL", "mysql://somewhere")
        .run()
        .await;
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("DATABASE_URL must be a PostgreSQL URL"),
        "{}",
        ended.stderr
    );
    assert!(
        !ended.stderr.contains("somewhere"),
        "a value is not repeated: it may be a secret"
    );
}

/// `doctor` with everything in order but what the test puts out of order.
async fn doctor(app: &TestApp, redis: &str) -> (i32, Vec<String>) {
    doctor_with(app, redis, &format!("http://{}/twilio", app.sandbox.addr())).await
}

async fn doctor_with(app: &TestApp, redis: &str, twilio: &str) -> (i32, Vec<String>) {
    let database = app.database();
    let owner = database.logins.owner.as_ref().unwrap().to_url_lossy();
    let ended = Program::new(&["doctor"])
        .on(&database)
        .with("DATABASE_OWNER_URL", owner)
        .with("PUBLIC_BASE_URL", format!("http://{}", app.addr))
        .with("TWILIO_BASE_URL", twilio)
        .with("FILE_STORE_URL", "memory:")
        .with("SMTP_URL", format!("smtp://{}", app.sandbox.smtp_addr()))
        .with("MAIL_FROM", "funnelchat <no-reply@funnelchat.example>")
        .with("REDIS_URL", redis)
        .run()
        .await;
    assert_eq!(ended.stderr, "");
    (ended.code, ended.stdout.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn the_doctor_names_each_thing_that_is_wrong_in_a_line_of_its_own() {
    const INSECURE: &str =
        "PUBLIC_BASE_URL is not https: vendors and browsers will refuse it outside development";
    let app = TestApp::start().await;
    let server = redis().await;
    let redis = server.url();
    assert_eq!(doctor(&app, &redis).await, (1, vec![INSECURE.to_owned()]));

    let mut superuser = app.superuser().await;
    let change = async |connection: &mut PgConnection, statement: String| {
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    };
    let (acme, globex) = (app.acme.demo, app.globex.demo);
    let moved = format!(
        "UPDATE inbound_numbers SET e164 = '+12025550199' WHERE e164 = '{}'",
        acme.number
    );
    change(&mut superuser, moved).await;
    let unknown = format!("AC{}", "0".repeat(32));
    let closed = format!(
        "UPDATE provider_accounts SET external_id = '{unknown}' WHERE external_id = '{}'",
        globex.twilio_sid()
    );
    change(&mut superuser, closed).await;
    let (_, lines) = doctor(&app, &redis).await;
    let expected = [
        format!(
            "Number +12025550199 (acme) is not in Twilio account {} any more",
            acme.twilio_sid()
        ),
        format!(
            "Twilio does not take the auth token of account {unknown} (globex): its administrator sets it anew \
             (setProviderCredentials)"
        ),
        INSECURE.to_owned(),
    ];
    assert_eq!(lines, expected);

    // A vendor that is away is told of once, however many accounts there are.
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let (_, lines) = doctor_with(&app, &redis, &nowhere).await;
    assert_eq!(
        lines,
        [
            "TWILIO_BASE_URL: Twilio does not answer there, so businesses' accounts are not checked",
            INSECURE
        ]
    );

    drop(server);
    let (_, lines) = doctor(&app, &redis).await;
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("REDIS_URL: Redis does not answer: ")),
        "{lines:?}"
    );

    change(
        &mut superuser,
        "ALTER TABLE messages NO FORCE ROW LEVEL SECURITY".to_owned(),
    )
    .await;
    let (_, lines) = doctor(&app, &redis).await;
    assert_eq!(
        lines[0],
        "messages holds tenants' rows without forced row security"
    );
    change(
        &mut superuser,
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)".to_owned(),
    )
    .await;
    let (_, lines) = doctor(&app, &redis).await;
    assert_eq!(lines[0], "1 migration(s) have not run: funnelchat migrate");
    app.stop().await;
}

#[tokio::test]
async fn the_doctor_tells_where_twilio_confirms_an_opt_out_in_words_that_say_too_much() {
    let app = TestApp::start().await;
    let server = redis().await;
    let admin = app.acme.sign_in("admin").await;
    let (number, phone) = (app.acme.demo.number, app.acme.debtor_number(0));
    let shown = async || {
        let answer = admin
            .gql("{ connectedNumbers { phone optOutReply } }", json!({}))
            .await;
        let numbers = data(&answer)["connectedNumbers"].clone();
        let found = numbers
            .as_array()
            .unwrap()
            .iter()
            .find(|found| found["phone"] == number);
        found.unwrap()["optOutReply"].clone()
    };
    let told = async || {
        let (_, lines) = doctor(&app, &server.url()).await;
        lines
            .into_iter()
            .filter(|line| line.contains("1006.14(h)(2)(i)"))
            .collect::<Vec<_>>()
    };
    app.text(&app.acme, &phone, "When is it due?").await;
    assert_eq!(
        (shown().await, told().await),
        (Value::Null, vec![]),
        "nobody knows before somebody opts out"
    );

    app.text(&app.acme, &phone, " stop ").await;
    assert_eq!(shown().await, "DEFAULT");
    let [line] = told().await.try_into().unwrap();
    assert!(
        line.starts_with(&format!("Number {number} (acme) answers STOP"))
            && line.contains("Advanced Opt-Out"),
        "{line}"
    );

    // With words of the account's own the next opt-out shows it.
    app.sandbox.state().set_advanced_opt_out(number, true);
    app.text(&app.acme, &phone, "START").await;
    assert_eq!(shown().await, "DEFAULT", "no word of what it says to STOP");
    app.text(&app.acme, &app.acme.debtor_number(1), "Unsubscribe")
        .await;
    assert_eq!((shown().await, told().await), (json!("OWN"), vec![]));
    app.stop().await;
}
