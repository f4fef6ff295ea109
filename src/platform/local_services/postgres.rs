//! A private PostgreSQL: its data in a folder of ours, one superuser with a generated password, reachable
//! over 127.0.0.1 only.
//!
//! It has no Unix socket: the socket's path may have 107 bytes, which a project's folder easily exceeds.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::account::{ServerFolder, random_hex};
use super::postgres_installation::Installation;
use super::supervisor::{GuardedServer, ServerSpec, StopSignal, on_free_port, pause};

/// Recovery after a crash is part of a start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a server whose process has been killed may take to stop.
const PREDECESSOR_LIMIT: Duration = Duration::from_secs(30);
const SUPERUSER: &str = "postgres";
const CLUSTER: &str = "cluster";
const UNFINISHED_CLUSTER: &str = "cluster.unfinished";
const PASSWORD_FILE: &str = "superuser.password";
const LOCK_FILE: &str = "in-use.lock";

/// Settings of every private server: loopback only, and the same answers on every machine.
const COMMON_SETTINGS: [&str; 9] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=128MB",
    "timezone=UTC",
    "log_timezone=UTC",
    "lc_messages=C",
    "logging_collector=off",
    "cluster_name=funnelchat",
];

/// For data that nobody needs after a crash. Autovacuum is off so that no plan depends on whether it came
/// by; a test of a plan runs ANALYZE itself.
const THROWAWAY_SETTINGS: [&str; 7] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=1GB",
    "autovacuum=off",
];

/// How to start a [`LocalPostgres`].
#[derive(Clone, Debug)]
pub struct LocalPostgresOptions {
    /// Where the data lives. Started as root, the servers run as another account; where that cannot reach
    /// this folder, one below the machine's temporary folders takes its place, the same at every start.
    pub data_dir: PathBuf,
    /// False trades safety after a crash for speed.
    pub durable: bool,
    /// The port on 127.0.0.1; `None` takes a free one.
    pub port: Option<u16>,
    /// Whether the data stays when the server stops.
    pub keep_data: bool,
}

/// A running PostgreSQL. It stops when this value is dropped or the process ends, however it ends.
pub struct LocalPostgres {
    // Fields drop in this order: the server ends before another process may use its folder.
    server: GuardedServer,
    _lock: File,
    folder: ServerFolder,
    port: u16,
    password: String,
}

impl LocalPostgres {
    /// Starts a server, on the data of an earlier run where `data_dir` holds some.
    ///
    /// # Errors
    /// When no PostgreSQL 15 or newer is installed, when another process uses the data, or when the server
    /// does not start; each message says what to do or ends with the server's log.
    pub fn start(options: LocalPostgresOptions) -> Result<LocalPostgres> {
        let start = |port| LocalPostgres::start_in(ServerFolder::prepare(&options.data_dir)?, &options, port);
        options.port.map_or_else(|| on_free_port(start), start)
    }

    /// Starts a server without durability on new data, which go when it stops.
    ///
    /// # Errors
    /// As [`LocalPostgres::start`].
    pub fn start_temporary() -> Result<LocalPostgres> {
        on_free_port(|port| {
            let folder = ServerFolder::temporary("postgres")?;
            let data_dir = folder.path().to_path_buf();
            let options = LocalPostgresOptions {
                data_dir,
                durable: false,
                port: Some(port),
                keep_data: false,
            };
            LocalPostgres::start_in(folder, &options, port)
        })
    }

    fn start_in(folder: ServerFolder, options: &LocalPostgresOptions, port: u16) -> Result<LocalPostgres> {
        let lock = lock(&folder)?;
        wait_for_predecessor(&folder)?;
        let installation = Installation::find(major_of_data(&folder)?)?;
        let password = open_or_create_cluster(&folder, &installation)?;
        let server = start_server(&folder, &installation, port, options)?;
        Ok(LocalPostgres {
            server,
            _lock: lock,
            folder,
            port,
            password,
        })
    }

    /// The superuser's URL of a database; `postgres` always exists.
    pub fn superuser_url(&self, database: &str) -> String {
        format!(
            "postgres://{SUPERUSER}:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the data really is (see [`LocalPostgresOptions::data_dir`]).
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the server and waits until it has ended; open connections are closed.
    ///
    /// # Errors
    /// When it does not end in time; the message ends with its log.
    pub fn stop(self) -> Result<()> {
        self.server.stop()
    }

    /// Removes the data which a server started with this `data_dir` has left.
    ///
    /// # Errors
    /// When a server uses them, or they cannot be removed.
    pub fn remove_data(data_dir: &Path) -> Result<()> {
        let folder = ServerFolder::prepare(data_dir)?;
        let _lock = lock(&folder)?;
        wait_for_predecessor(&folder)?;
        fs::remove_dir_all(folder.path())
            .with_context(|| format!("cannot remove {}", folder.path().display()))
    }
}

/// Takes the folder for this process; the operating system gives it back when the process ends.
fn lock(folder: &ServerFolder) -> Result<File> {
    let path = folder.path().join(LOCK_FILE);
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another funnelchat process uses the PostgreSQL in {}: stop that one first, or give DATABASE_URL another server",
            folder.path().display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Waits for the server of a process that has just been killed, which is still writing its checkpoint, and
/// clears what a crash has left.
fn wait_for_predecessor(folder: &ServerFolder) -> Result<()> {
    let deadline = Instant::now() + PREDECESSOR_LIMIT;
    let cluster = folder.path().join(CLUSTER);
    while let Some(pid) = postmaster_status(&cluster).and_then(|status| status.pid) {
        if !is_server_of(pid, &cluster) {
            fs::remove_file(cluster.join("postmaster.pid"))
                .context("cannot remove a stale postmaster.pid")?;
            break;
        }
        if Instant::now() > deadline {
            bail!(
                "a PostgreSQL (process {pid}) still runs on {}: end it with `kill -INT {pid}`",
                cluster.display()
            );
        }
        pause();
    }
    Ok(())
}

/// What PostgreSQL writes to postmaster.pid: line 1 the process, line 8 whether it is ready.
struct PostmasterStatus {
    pid: Option<u32>,
    ready: bool,
}

fn postmaster_status(cluster: &Path) -> Option<PostmasterStatus> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next().and_then(|line| line.trim().parse().ok());
    let ready = lines.nth(6).is_some_and(|line| line.trim() == "ready");
    Some(PostmasterStatus { pid, ready })
}

/// Whether the process is the server of this cluster, and not one that got a dead server's number.
fn is_server_of(pid: u32, cluster: &Path) -> bool {
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok().or_else(|| {
        let pid = pid.to_string();
        let answer = std::process::Command::new("ps")
            .args(["-ww", "-o", "command=", "-p", &pid])
            .output();
        answer.ok().map(|answer| answer.stdout)
    });
    command_line
        .is_some_and(|line| String::from_utf8_lossy(&line).contains(cluster.to_string_lossy().as_ref()))
}

fn major_of_data(folder: &ServerFolder) -> Result<Option<u32>> {
    let path = folder.path().join(CLUSTER).join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(version) => {
            let major = version.trim().parse();
            Ok(Some(major.with_context(|| {
                format!("{} holds no version", path.display())
            })?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Returns the superuser's password.
fn open_or_create_cluster(folder: &ServerFolder, installation: &Installation) -> Result<String> {
    let cluster = folder.path().join(CLUSTER);
    if cluster.is_dir() {
        return fs::read_to_string(folder.path().join(PASSWORD_FILE)).with_context(|| {
            format!(
                "the data in {} lack their password file: start afresh with `--fresh`, which removes the data",
                folder.path().display()
            )
        });
    }
    let password = random_hex::<24>();
    let password_file = folder.write_secret(PASSWORD_FILE, &password)?;
    // Renamed at the end, so that an interrupted start leaves nothing that looks finished.
    let unfinished = folder.path().join(UNFINISHED_CLUSTER);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).context("cannot remove an unfinished cluster")?;
    }
    initdb(folder, installation, &unfinished, &password_file)?;
    fs::rename(&unfinished, &cluster).context("cannot put the new cluster in its place")?;
    Ok(password)
}

fn initdb(
    folder: &ServerFolder,
    installation: &Installation,
    cluster: &Path,
    password_file: &Path,
) -> Result<()> {
    // Byte order for sorting everywhere, and UTF-8 for what is a letter (trigrams, lower case).
    let character_type = if cfg!(target_os = "macos") {
        "en_US.UTF-8"
    } else {
        "C.UTF-8"
    };
    let mut command = folder.command(installation.program("initdb"));
    command
        .arg("--pgdata")
        .arg(cluster)
        .arg("--pwfile")
        .arg(password_file)
        .args([
            "--username",
            SUPERUSER,
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--lc-ctype",
            character_type,
        ])
        // The password crosses loopback only, and is checked against its SCRAM hash by the server: SCRAM
        // itself costs an unoptimized client tens of milliseconds for each of a test run's connections.
        .args([
            "--auth-local",
            "reject",
            "--auth-host",
            "password",
            "--no-sync",
            "--no-instructions",
        ])
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    let answer = command
        .output()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    if !answer.status.success() {
        let said = String::from_utf8_lossy(&answer.stderr);
        bail!(
            "initdb could not create a cluster in {} ({}): {}",
            cluster.display(),
            answer.status,
            said.trim()
        );
    }
    Ok(())
}

fn start_server(
    folder: &ServerFolder,
    installation: &Installation,
    port: u16,
    options: &LocalPostgresOptions,
) -> Result<GuardedServer> {
    let cluster = folder.path().join(CLUSTER);
    let mut server = GuardedServer::spawn(ServerSpec {
        name: "PostgreSQL",
        program: installation.program("postgres"),
        arguments: arguments(&cluster, port, options.durable),
        folder,
        stop_signal: if options.durable {
            StopSignal::Interrupt
        } else {
            StopSignal::Quit
        },
        remove_folder: !options.keep_data,
    })?;
    server.wait_until_ready(START_LIMIT, |_log| {
        postmaster_status(&cluster).is_some_and(|status| status.ready)
    })?;
    Ok(server)
}

fn arguments(cluster: &Path, port: u16, durable: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        vec!["-D".into(), cluster.into(), "-p".into(), port.to_string().into()];
    let throwaway: &[&str] = if durable { &[] } else { &THROWAWAY_SETTINGS };
    for setting in COMMON_SETTINGS.iter().chain(throwaway) {
        arguments.extend(["-c".into(), OsString::from(setting)]);
    }
    arguments
}
