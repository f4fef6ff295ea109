//! Keeps a server from outliving the process that wants it.
//!
//! The server is not a child of this process but of a small shell, which reads from a pipe whose other end
//! this process holds. When that end closes, because it was dropped, because the process ended, or because
//! it was killed without a chance to clean up, the shell sees the end of its input, stops the server and
//! removes what it was told to remove. It needs nothing but a POSIX shell.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::account::ServerFolder;

/// How long a server may take to stop: PostgreSQL writes a checkpoint first.
const STOP_LIMIT: Duration = Duration::from_secs(60);
const PORT_ATTEMPTS: u32 = 5;
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How much of the server's log an error message shows.
const LOG_LINES_SHOWN: usize = 15;
const LOG_FILE: &str = "server.log";

/// Arguments: the signal that stops the server, the folder to remove at the end or nothing, the server's
/// command line. Output goes to the log. A background command's standard input is /dev/null unless it comes from another
/// descriptor, hence 3. `read` is a builtin, so that ending the watcher leaves no process behind. A signal
/// to the shell interrupts `wait`, hence the loop.
const GUARD: &str = r#"
signal=$1 remove=$2
shift 2
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
{ while read -r _; do :; done; kill -s "$signal" "$server"; } <&3 2>/dev/null &
watcher=$!
trap 'kill -s "$signal" "$server"' HUP INT TERM
while :; do
  wait "$server"
  status=$?
  kill -0 "$server" 2>/dev/null || break
done
kill -s KILL "$watcher" 2>/dev/null
[ -z "$remove" ] || rm -rf -- "$remove"
exit "$status"
"#;

/// How a server is told to stop.
#[derive(Clone, Copy, Debug)]
pub(super) enum StopSignal {
    /// PostgreSQL's fast shutdown: end the sessions, write a checkpoint.
    Interrupt,
    /// PostgreSQL's immediate shutdown, for data that nobody needs any more.
    Quit,
    /// Redis's shutdown.
    Terminate,
}

impl StopSignal {
    fn name(self) -> &'static str {
        match self {
            StopSignal::Interrupt => "INT",
            StopSignal::Quit => "QUIT",
            StopSignal::Terminate => "TERM",
        }
    }
}

/// What to start.
pub(super) struct ServerSpec<'a> {
    /// The server's name in error messages.
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// Where it runs, and as whom; its log is `server.log` in there.
    pub(super) folder: &'a ServerFolder,
    pub(super) stop_signal: StopSignal,
    /// Whether the folder goes when the server has stopped.
    pub(super) remove_folder: bool,
}

/// A running server and the shell that guards it. Dropping it stops the server.
pub(super) struct GuardedServer {
    name: &'static str,
    guard: Child,
    /// Held open, so that it can be read after the guard has removed the folder.
    log: File,
}

impl GuardedServer {
    pub(super) fn spawn(spec: ServerSpec<'_>) -> Result<GuardedServer> {
        let log = new_log(spec.folder)?;
        let mut command = spec.folder.command("/bin/sh");
        command.args(["-c", GUARD, "funnelchat-guard", spec.stop_signal.name()]);
        command.arg(if spec.remove_folder {
            spec.folder.path().as_os_str()
        } else {
            "".as_ref()
        });
        command.arg(&spec.program).args(&spec.arguments);
        for (variable, _) in std::env::vars_os() {
            // PGDATA, PGPORT and the like are meant for other servers.
            if variable.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(variable);
            }
        }
        // On macOS the server refuses to start without a locale that is valid.
        command.env("LC_ALL", "C");
        // Our own output is not inherited: whoever reads that would wait for the server to end. A process
        // group of its own keeps Ctrl-C from the server, which must outlive its users' clean-up.
        command
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0);
        let guard = command
            .spawn()
            .with_context(|| format!("cannot start {}", spec.program.display()))?;
        Ok(GuardedServer {
            name: spec.name,
            guard,
            log,
        })
    }

    /// Polls `is_ready`, which is given the text of the server's log, until it holds; fails when the server
    /// ends first or `limit` has passed.
    pub(super) fn wait_until_ready(
        &mut self,
        limit: Duration,
        is_ready: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.guard.try_wait()? {
                bail!("{} did not start ({status}){}", self.name, self.log_tail());
            }
            if is_ready(&self.log_text()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "{} was not ready within {} s{}",
                    self.name,
                    limit.as_secs(),
                    self.log_tail()
                );
            }
            pause();
        }
    }

    /// Stops the server and waits until it has ended.
    pub(super) fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        drop(self.guard.stdin.take());
        let deadline = Instant::now() + STOP_LIMIT;
        while self.guard.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!(
                    "{} did not stop within {} s{}",
                    self.name,
                    STOP_LIMIT.as_secs(),
                    self.log_tail()
                );
            }
            pause();
        }
        Ok(())
    }

    fn log_text(&self) -> String {
        let mut bytes = Vec::new();
        let mut part = [0_u8; 8192];
        // At a position of its own: the file's is the one at which the server writes.
        while let Ok(length @ 1..) = self.log.read_at(&mut part, bytes.len() as u64) {
            bytes.extend_from_slice(&part[..length]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of the server's log, as the end of an error message.
    fn log_tail(&self) -> String {
        let text = self.log_text();
        let lines: Vec<&str> = text.trim_end().lines().collect();
        if lines.is_empty() {
            return String::new();
        }
        let tail = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n  ");
        format!("; the end of its log:\n  {tail}")
    }
}

impl Drop for GuardedServer {
    fn drop(&mut self) {
        // The guard goes on trying; there is nobody left to tell.
        let _ = self.end();
    }
}

/// An empty log in place of the one before.
fn new_log(folder: &ServerFolder) -> Result<File> {
    let path = folder.path().join(LOG_FILE);
    let create = || {
        if path.exists() {
            fs::remove_file(&path)?;
        }
        File::options()
            .read(true)
            .append(true)
            .create_new(true)
            .open(&path)
    };
    create().with_context(|| format!("cannot write {}", path.display()))
}

/// Runs `start` with a port of 127.0.0.1 that is free, and again with another one where some process takes
/// the port before the server does.
pub(super) fn on_free_port<T>(start: impl Fn(u16) -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        match start(free_port()?) {
            Err(error) if attempt < PORT_ATTEMPTS && error.to_string().contains("Address already in use") => {
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Waits a moment between two looks at another process, which has no way to wake us.
#[expect(
    clippy::disallowed_methods,
    reason = "the callers block by contract and may have no runtime"
)]
pub(super) fn pause() {
    std::thread::sleep(POLL_INTERVAL);
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_port_that_somebody_else_takes_first_is_given_up_for_another() {
        let tried = RefCell::new(Vec::new());
        let port = on_free_port(|port| {
            tried.borrow_mut().push(port);
            if tried.borrow().len() < 3 {
                Err(anyhow!("bind: Address already in use"))
            } else {
                Ok(port)
            }
        });
        assert_eq!(port.ok(), tried.borrow().last().copied());
        assert_eq!(tried.borrow().len(), 3);
    }

    #[test]
    fn any_other_failure_is_reported_at_once() {
        let tries = RefCell::new(0);
        let outcome: Result<()> = on_free_port(|_port| {
            *tries.borrow_mut() += 1;
            Err(anyhow!("invalid value for parameter"))
        });
        assert!(outcome.is_err());
        assert_eq!(*tries.borrow(), 1);
    }
}
