//! Who runs the servers, and in which folder.
//!
//! PostgreSQL refuses to run as root. Started as root (a container, a CI machine), the servers run as an
//! unprivileged account instead, in a folder which that account can really reach: a project below a home
//! of mode 0700 is out of its reach whatever the folder's own mode says.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// Accounts that may run the servers in place of root, the best first.
const UNPRIVILEGED_ACCOUNTS: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// An unprivileged account of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account that runs the servers, or `None` when this process is not root and runs them itself.
    fn for_servers() -> Result<Option<Account>> {
        if numeric_id(&["-u"]) != Some(0) {
            return Ok(None);
        }
        let account = UNPRIVILEGED_ACCOUNTS.iter().find_map(|name| {
            Some(Account {
                uid: numeric_id(&["-u", name])?,
                gid: numeric_id(&["-g", name])?,
            })
        });
        match account {
            Some(account) => Ok(Some(account)),
            None => bail!(
                "PostgreSQL refuses to run as root and there is no account postgres or nobody: create one, or run this as an ordinary user"
            ),
        }
    }
}

/// What `id` answers, which is the portable way to ask without unsafe code.
fn numeric_id(arguments: &[&str]) -> Option<u32> {
    let answer = Command::new("id")
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8_lossy(&answer.stdout).trim().parse().ok()
}

/// A folder of mode 0700 that belongs to the account which runs the servers.
#[derive(Clone, Debug)]
pub(super) struct ServerFolder {
    path: PathBuf,
    account: Option<Account>,
}

impl ServerFolder {
    /// The folder `preferred`, or, where the servers' account cannot reach that, one below the machine's
    /// temporary folders whose name derives from `preferred`, so that the next run finds it again.
    pub(super) fn prepare(preferred: &Path) -> Result<ServerFolder> {
        let preferred = std::path::absolute(preferred).context("cannot tell the current directory")?;
        let account = Account::for_servers()?;
        let folder = ServerFolder {
            path: preferred.clone(),
            account,
        };
        if folder.create()? {
            return Ok(folder);
        }
        let name = format!("funnelchat-{}", short_hash(&preferred));
        for parent in [PathBuf::from("/var/tmp"), std::env::temp_dir()] {
            let folder = ServerFolder {
                path: parent.join(&name),
                account,
            };
            if parent.is_dir() && folder.create()? {
                return Ok(folder);
            }
        }
        bail!(
            "the servers run as an account that can reach neither {} nor a temporary folder: run this as an ordinary user",
            preferred.display()
        )
    }

    /// A new folder with a random name below the machine's temporary folders.
    pub(super) fn temporary(label: &str) -> Result<ServerFolder> {
        let account = Account::for_servers()?;
        let name = format!("funnelchat-{label}-{}", random_hex::<8>());
        for parent in [std::env::temp_dir(), PathBuf::from("/var/tmp")] {
            let folder = ServerFolder {
                path: parent.join(&name),
                account,
            };
            if parent.is_dir() && folder.create()? {
                return Ok(folder);
            }
        }
        bail!("no temporary folder is writable for the servers' account: set TMPDIR to one that is")
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A command that runs as the servers' account inside this folder.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path);
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// Writes a file which only the servers' account (and root) can read.
    pub(super) fn write_secret(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        let write = || {
            fs::write(&path, "")?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            fs::write(&path, content)?;
            self.give_to_account(&path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Creates the folder where needed; false when the servers' account cannot reach it.
    fn create(&self) -> Result<bool> {
        self.create_and_hand_over()
            .with_context(|| format!("cannot use the folder {} for a server", self.path.display()))?;
        let reachable = self.account.is_none() || self.is_writable_for_account();
        if !reachable {
            // Removes it only where it is empty, that is where this call has made it.
            let _ = fs::remove_dir(&self.path);
        }
        Ok(reachable)
    }

    fn create_and_hand_over(&self) -> Result<()> {
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Ok(()) => Ok(self.give_to_account(&self.path)?),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.check_ownership(),
            Err(error) => Err(error.into()),
        }
    }

    /// An existing folder must be ours: in a shared temporary folder anybody may have put it there.
    fn check_ownership(&self) -> Result<()> {
        let found = fs::symlink_metadata(&self.path)?;
        if !found.is_dir() {
            bail!("it is not a folder: remove it");
        }
        let wanted = match self.account {
            Some(account) => account.uid,
            None => numeric_id(&["-u"]).context("the command `id -u` does not work")?,
        };
        if found.uid() != wanted {
            bail!(
                "it belongs to the account with id {} and the server would run as {wanted}: remove it, or run this as the user who made it",
                found.uid()
            );
        }
        Ok(fs::set_permissions(
            &self.path,
            fs::Permissions::from_mode(0o700),
        )?)
    }

    fn give_to_account(&self, path: &Path) -> std::io::Result<()> {
        match self.account {
            Some(account) => chown(path, Some(account.uid), Some(account.gid)),
            None => Ok(()),
        }
    }

    /// Asks by writing: modes of the folders above, mounts and mandatory access control all have a say.
    fn is_writable_for_account(&self) -> bool {
        self.command("/bin/sh")
            .args(["-c", ": > .reachable && rm .reachable"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// `N` random bytes in hexadecimal.
pub(super) fn random_hex<const N: usize>() -> String {
    let mut bytes = [0_u8; N];
    rand::fill(&mut bytes);
    hex(&bytes)
}

fn short_hash(path: &Path) -> String {
    hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..8])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
