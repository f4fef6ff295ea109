//! The program as it is deployed: a process of its own, with no environment but what a test gives it.

use std::{
    net::SocketAddr,
    process::{Output, Stdio},
};

use sqlx::ConnectOptions as _;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::TestDatabase;

/// `funnelchat …`, to be run or started.
pub struct Program(Command);

/// What a program that has ended left behind.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    /// With these arguments, in development.
    pub fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_funnelchat"));
        command
            .args(arguments)
            .env_clear()
            .env("FUNNELCHAT_ENV", "development")
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Self(command)
    }

    /// On a test's database.
    #[must_use]
    pub fn on(self, database: &TestDatabase) -> Self {
        let logins = &database.logins;
        self.with("DATABASE_URL", logins.app.to_url_lossy())
            .with("DATABASE_SYSTEM_URL", logins.system.to_url_lossy())
            .with("DATABASE_WORKER_URL", logins.worker.to_url_lossy())
    }

    /// With one more setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.env(name, value.to_string());
        self
    }

    /// Runs it to its end.
    pub async fn run(mut self) -> Ended {
        let Output {
            status,
            stdout,
            stderr,
        } = self.0.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended {
            code: status.code().unwrap(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    /// Starts it; it ends with the value.
    pub fn start(mut self) -> Child {
        self.0.spawn().unwrap()
    }

    /// Starts `serve` on a free port, and waits until it says where it listens.
    pub async fn start_serving(self) -> (Child, SocketAddr) {
        let mut program = self
            .with("FUNNELCHAT_LISTEN", "127.0.0.1:0")
            .with("LOG_FORMAT", "json")
            .with("RUST_LOG", "info");
        let mut child = program.0.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("it serves before it ends");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let Some(address) = line["listen"].as_str().or(line["fields"]["listen"].as_str()) {
                break address.parse().unwrap();
            }
        };
        // It must not wait for somebody who reads what it logs.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        (child, address)
    }
}
