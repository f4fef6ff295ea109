//! A Redis of one test's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A redis-server of this test alone, on a socket in a folder of its own.
pub(super) struct RedisServer {
    process: Child,
    folder: PathBuf,
}

impl RedisServer {
    pub(super) fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("funnelchat-redis-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let process = Self::spawn(&folder);
        Self { process, folder }
    }

    fn spawn(folder: &Path) -> Child {
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(folder.join("redis.sock"))
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("this test needs redis-server on the PATH: run bin/bootstrap")
    }

    pub(super) fn client(&self) -> redis::Client {
        redis::Client::open(format!(
            "redis+unix://{}",
            self.folder.join("redis.sock").display()
        ))
        .unwrap()
    }

    pub(super) async fn wait_until_it_answers(&self) {
        for _ in 0..500 {
            if let Ok(mut connection) = self.client().get_multiplexed_async_connection().await
                && redis::cmd("PING")
                    .query_async::<String>(&mut connection)
                    .await
                    .is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server did not answer within five seconds");
    }

    pub(super) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(super) fn start_again(&mut self) {
        self.process = Self::spawn(&self.folder);
    }

    pub(super) async fn keys(&self) -> Vec<String> {
        let mut connection = self.client().get_multiplexed_async_connection().await.unwrap();
        redis::cmd("KEYS")
            .arg("*")
            .query_async(&mut connection)
            .await
            .unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
