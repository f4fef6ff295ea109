//! The stories of the private servers, told with real ones.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use super::account::{ServerFolder, random_hex};
use super::supervisor::pause;
use super::{LocalPostgres, LocalPostgresOptions, LocalRedis, TestServices};

/// A folder for one test's data, which every account can reach and which goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        Scratch(std::env::temp_dir().join(format!("funnelchat-story-{}", random_hex::<8>())))
    }

    fn durable(&self) -> LocalPostgresOptions {
        LocalPostgresOptions {
            data_dir: self.0.clone(),
            durable: true,
            port: None,
            keep_data: true,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn ask<T>(url: &str, question: &'static str) -> sqlx::Result<T>
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query_scalar(question).fetch_one(&mut connection).await
}

async fn tell(url: &str, statement: &'static str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(statement).execute(&mut connection).await?;
    Ok(())
}

async fn ping(url: &str) -> redis::RedisResult<String> {
    let mut connection = redis::Client::open(url)?
        .get_multiplexed_async_connection()
        .await?;
    redis::cmd("PING").query_async(&mut connection).await
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        pause();
    }
}

#[tokio::test]
async fn what_one_run_wrote_the_next_run_reads() {
    let scratch = Scratch::new();
    let first = LocalPostgres::start(scratch.durable()).unwrap();
    let url = first.superuser_url("postgres");
    tell(&url, "CREATE TABLE kept AS SELECT 'still here' AS line")
        .await
        .unwrap();
    first.stop().unwrap();
    assert!(
        ask::<String>(&url, "SELECT line FROM kept").await.is_err(),
        "a stopped server answers"
    );

    let second = LocalPostgres::start(scratch.durable()).unwrap();
    let line: String = ask(&second.superuser_url("postgres"), "SELECT line FROM kept")
        .await
        .unwrap();
    assert_eq!(line, "still here");
}

#[tokio::test]
async fn a_server_on_data_worth_keeping_is_durable_and_one_for_tests_is_not() {
    let scratch = Scratch::new();
    let kept = LocalPostgres::start(scratch.durable()).unwrap();
    assert_eq!(
        ask::<String>(&kept.superuser_url("postgres"), "SHOW fsync")
            .await
            .unwrap(),
        "on"
    );
    let throwaway = TestServices::shared().postgres_superuser_url("postgres");
    assert_eq!(ask::<String>(&throwaway, "SHOW fsync").await.unwrap(), "off");
}

#[tokio::test]
async fn names_sort_by_bytes_and_letters_beyond_ascii_are_letters() {
    let url = TestServices::shared().postgres_superuser_url("postgres");
    assert_eq!(
        ask::<String>(&url, "SELECT lower('MÜLLER')").await.unwrap(),
        "müller"
    );
    assert!(ask::<bool>(&url, "SELECT 'Z' < 'a'").await.unwrap());
}

#[tokio::test]
async fn nobody_gets_in_without_the_password() {
    let url = TestServices::shared().postgres_superuser_url("postgres");
    let (credentials, address) = url.split_once('@').unwrap();
    let (user, _password) = credentials.rsplit_once(':').unwrap();
    let refusal = ask::<i32>(&format!("{user}:guess@{address}"), "SELECT 1")
        .await
        .unwrap_err();
    assert!(
        refusal.to_string().contains("password authentication failed"),
        "{refusal}"
    );
}

#[test]
fn a_second_process_on_the_same_data_is_refused_with_a_reason() {
    let scratch = Scratch::new();
    let _first = LocalPostgres::start(scratch.durable()).unwrap();
    let refusal = LocalPostgres::start(scratch.durable())
        .err()
        .expect("the data are in use")
        .to_string();
    assert!(
        refusal.contains("another funnelchat process uses the PostgreSQL"),
        "{refusal}"
    );
    assert!(
        LocalPostgres::remove_data(&scratch.0).is_err(),
        "data in use were removed"
    );
}

#[tokio::test]
async fn leftovers_of_a_crash_do_not_prevent_the_next_start() {
    let scratch = Scratch::new();
    let first = LocalPostgres::start(scratch.durable()).unwrap();
    let pid_file = first.folder().join("cluster/postmaster.pid");
    let of_a_running_server = std::fs::read_to_string(&pid_file).unwrap();
    first.stop().unwrap();
    // The number of a dead server, which a process of another kind (this one) has got since.
    let (_pid, rest) = of_a_running_server.split_once('\n').unwrap();
    std::fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();

    let second = LocalPostgres::start(scratch.durable()).unwrap();
    assert_eq!(
        ask::<i32>(&second.superuser_url("postgres"), "SELECT 1")
            .await
            .unwrap(),
        1
    );
}

#[test]
fn starting_afresh_removes_the_data() {
    let scratch = Scratch::new();
    let first = LocalPostgres::start(scratch.durable()).unwrap();
    let folder = first.folder().to_path_buf();
    first.stop().unwrap();
    assert!(folder.exists());
    LocalPostgres::remove_data(&scratch.0).unwrap();
    assert!(!folder.exists());
}

#[test]
fn a_failed_start_shows_the_servers_own_words() {
    let scratch = Scratch::new();
    let first = LocalPostgres::start(scratch.durable()).unwrap();
    let port = first.port();
    let elsewhere = Scratch::new();
    // Its folder, and the log in it, are gone by the time of the error.
    let options = LocalPostgresOptions {
        port: Some(port),
        keep_data: false,
        ..elsewhere.durable()
    };
    let error = LocalPostgres::start(options)
        .err()
        .expect("the port is taken")
        .to_string();
    assert!(error.contains("Address already in use"), "{error}");
}

#[tokio::test]
async fn a_restarted_redis_has_the_same_address_and_no_keys() {
    let mut server = LocalRedis::start().unwrap();
    let url = server.url();
    assert_eq!(ping(&url).await.unwrap(), "PONG");
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("SET")
        .arg("key")
        .arg(1)
        .query_async(&mut connection)
        .await
        .unwrap();

    server.stop().unwrap();
    assert!(ping(&url).await.is_err(), "a stopped Redis answers");

    server.restart().unwrap();
    assert_eq!(server.url(), url);
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let kept: Option<i32> = redis::cmd("GET")
        .arg("key")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(kept, None);
}

#[test]
fn a_folder_below_a_private_home_gives_way_to_one_the_servers_can_reach() {
    let private_home = Scratch::new();
    std::fs::create_dir(&private_home.0).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&private_home.0, mode).unwrap();
    let preferred = private_home.0.join("project/target/dev");

    let folder = ServerFolder::prepare(&preferred).unwrap();
    let again = ServerFolder::prepare(&preferred).unwrap();
    assert_eq!(
        folder.path(),
        again.path(),
        "the next run would not find the data"
    );
    let written = folder
        .command("/bin/sh")
        .args(["-c", ": > proof"])
        .status()
        .unwrap();
    assert!(
        written.success(),
        "the servers' account cannot write to {}",
        folder.path().display()
    );
    std::fs::remove_dir_all(folder.path()).unwrap();
}

/// The test runs twice: this process starts itself again as the victim, which starts servers, says where
/// they are, and waits to be killed.
#[test]
fn servers_stop_when_the_process_that_started_them_is_killed() {
    const VICTIM: &str = "FUNNELCHAT_TEST_VICTIM";
    const THIS_TEST: &str =
        "platform::local_services::tests::servers_stop_when_the_process_that_started_them_is_killed";
    if std::env::var_os(VICTIM).is_some() {
        wait_to_be_killed();
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", THIS_TEST, "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut announced = |label: &str| {
        lines
            .find_map(|line| line.unwrap().strip_prefix(label).map(str::to_owned))
            .unwrap()
    };
    let (folder, postmaster, redis) = (
        announced("folder "),
        announced("postmaster "),
        announced("redis "),
    );
    assert!(is_running(&postmaster) && accepts_connections(&redis));

    victim.kill().unwrap();
    victim.wait().unwrap();
    wait_until("PostgreSQL has ended", || !is_running(&postmaster));
    wait_until("Redis has ended", || !accepts_connections(&redis));
    wait_until("the data are gone", || !Path::new(&folder).exists());
}

fn wait_to_be_killed() -> ! {
    let postgres = LocalPostgres::start_temporary().unwrap();
    let redis = LocalRedis::start().unwrap();
    let folder = postgres.folder().display();
    let pid_file = std::fs::read_to_string(postgres.folder().join("cluster/postmaster.pid")).unwrap();
    let address = redis.url().replace("redis://", "").replace('/', "");
    println!(
        "\nfolder {folder}\npostmaster {}\nredis {address}",
        pid_file.lines().next().unwrap()
    );
    loop {
        std::thread::park();
    }
}

fn is_running(pid: &str) -> bool {
    Command::new("kill")
        .args(["-0", pid])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn accepts_connections(address: &str) -> bool {
    std::net::TcpStream::connect(address).is_ok()
}
