//! A private Redis that keeps nothing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::account::ServerFolder;
use super::supervisor::{GuardedServer, ServerSpec, StopSignal, on_free_port};

const START_LIMIT: Duration = Duration::from_secs(20);
/// Programs that speak the protocol; Valkey is what newer distributions ship in Redis's place.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
const FOLDERS_BESIDE_PATH: [&str; 4] = [
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/opt/local/bin",
];

/// A running (or, after [`LocalRedis::stop`], stopped) Redis on loopback without persistence. It stops
/// when this value is dropped or the process ends.
pub struct LocalRedis {
    program: PathBuf,
    port: u16,
    server: Option<GuardedServer>,
}

impl LocalRedis {
    /// Starts a Redis on a free port.
    ///
    /// # Errors
    /// When no redis-server is installed, or it does not start; the message ends with its log.
    pub fn start() -> Result<LocalRedis> {
        let program = find_program()?;
        on_free_port(|port| {
            let mut redis = LocalRedis {
                program: program.clone(),
                port,
                server: None,
            };
            redis.restart()?;
            Ok(redis)
        })
    }

    /// The address for clients; it stays the same across [`LocalRedis::restart`].
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Stops the server: its clients lose their connections and its keys are gone.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(&mut self) -> Result<()> {
        self.server.take().map_or(Ok(()), GuardedServer::stop)
    }

    /// Stops the server if it runs, and starts an empty one on the same port.
    ///
    /// # Errors
    /// When it does not stop or start; the message ends with its log.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        let folder = ServerFolder::temporary("redis")?;
        let mut server = GuardedServer::spawn(ServerSpec {
            name: "Redis",
            program: self.program.clone(),
            arguments: self.arguments(),
            folder: &folder,
            stop_signal: StopSignal::Terminate,
            remove_folder: true,
        })?;
        // The log and not the port is asked, where another process's Redis might answer.
        server.wait_until_ready(START_LIMIT, |log| log.contains("Ready to accept connections"))?;
        self.server = Some(server);
        Ok(())
    }

    fn arguments(&self) -> Vec<OsString> {
        let port = self.port.to_string();
        [
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
        ]
        .into_iter()
        .map(OsString::from)
        .collect()
    }
}

fn find_program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path)
        .chain(FOLDERS_BESIDE_PATH.iter().map(PathBuf::from))
        .collect();
    PROGRAMS
        .iter()
        .flat_map(|program| folders.iter().map(move |folder| folder.join(program)))
        .find(|candidate| candidate.is_file())
        .context(
            "redis-server was not found: run bin/bootstrap, or install it (Debian and Ubuntu: apt-get \
             install redis-server; Fedora: dnf install valkey; Arch: pacman -S valkey; Alpine: apk add \
             redis; macOS: brew install redis)",
        )
}
