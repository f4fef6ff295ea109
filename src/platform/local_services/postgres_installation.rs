//! Finds the PostgreSQL servers that are installed on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// The oldest major version that funnelchat runs on.
pub(super) const OLDEST_MAJOR: u32 = 15;
/// Names the folder of PostgreSQL's programs, before all others.
const FOLDER_VARIABLE: &str = "FUNNELCHAT_PG_BIN";
/// Where distributions put the programs outside PATH; `*` stands for the rest of one folder's name.
const DISTRIBUTION_FOLDERS: [&str; 9] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/opt/local/lib/postgresql*/bin",
    "/usr/local/pgsql/bin",
];

/// One installed PostgreSQL: a folder that holds `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Installation {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
}

impl Installation {
    /// The installation to use: the one that made the existing data, else the first of
    /// `FUNNELCHAT_PG_BIN`, PATH, and the newest of the distributions' folders.
    pub(super) fn find(major_of_data: Option<u32>) -> Result<Installation> {
        choose(installed()?, major_of_data)
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn at(folder: &Path) -> Option<Installation> {
        // PATH often holds a link to one of the programs; its neighbours are where the link leads.
        let folder = fs::canonicalize(folder.join("initdb"))
            .ok()?
            .parent()?
            .to_path_buf();
        let answer = Command::new(folder.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let major = major_version(&String::from_utf8_lossy(&answer.stdout))?;
        Some(Installation { folder, major })
    }
}

fn choose(installed: Vec<Installation>, major_of_data: Option<u32>) -> Result<Installation> {
    let usable = |found: &&Installation| match major_of_data {
        Some(major) => found.major == major,
        None => found.major >= OLDEST_MAJOR,
    };
    if let Some(found) = installed.iter().find(usable) {
        return Ok(found.clone());
    }
    if let Some(major) = major_of_data {
        bail!(
            "the data was made by PostgreSQL {major}, which is not installed any more: install it, or start afresh with `--fresh`, which removes the data"
        );
    }
    let too_old = match installed.iter().map(|found| found.major).max() {
        Some(newest) => format!(" (only {newest} is installed)"),
        None => String::new(),
    };
    bail!(
        "PostgreSQL {OLDEST_MAJOR} or newer was not found{too_old}: run bin/bootstrap, or install it \
         (Debian and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server \
         postgresql-contrib; Arch: pacman -S postgresql; Alpine: apk add postgresql17 \
         postgresql17-contrib; macOS: brew install postgresql@17), or name the folder of its programs \
         in {FOLDER_VARIABLE}"
    )
}

/// All installations in the order of preference.
fn installed() -> Result<Vec<Installation>> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        return match Installation::at(Path::new(&folder)) {
            Some(installation) => Ok(vec![installation]),
            None => bail!("{FOLDER_VARIABLE} names {folder:?}, which holds no initdb and postgres that run"),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<Installation> = std::env::split_paths(&path)
        .filter_map(|folder| Installation::at(&folder))
        .collect();
    let mut distributed: Vec<Installation> = DISTRIBUTION_FOLDERS
        .iter()
        .flat_map(|pattern| matching_folders(pattern))
        .filter_map(|folder| Installation::at(&folder))
        .collect();
    distributed.sort_by_key(|installation| std::cmp::Reverse(installation.major));
    found.append(&mut distributed);
    Ok(found)
}

/// The folders that match a pattern with at most one `*`, which stands for the end of a folder's name.
fn matching_folders(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let Some((parent, prefix)) = before.rsplit_once('/') else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .collect()
}

/// The major version in `postgres (PostgreSQL) 15.19 (Debian 15.19-0+deb12u1)` or `… 18beta1`.
fn major_version(answer: &str) -> Option<u32> {
    let version = answer.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(major: u32) -> Installation {
        Installation {
            folder: PathBuf::from(format!("/opt/{major}/bin")),
            major,
        }
    }

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.19 (Debian 15.19-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("sh: postgres: not found"), None);
    }

    #[test]
    fn an_old_server_first_on_the_path_gives_way_to_a_newer_one() {
        let found = choose(vec![installation(14), installation(17), installation(16)], None);
        assert_eq!(found.map(|found| found.major).ok(), Some(17));
    }

    #[test]
    fn data_is_opened_by_the_version_that_made_it() {
        let found = choose(vec![installation(17), installation(15)], Some(15));
        assert_eq!(found.map(|found| found.major).ok(), Some(15));
        let refusal = choose(vec![installation(17)], Some(15)).unwrap_err().to_string();
        assert!(
            refusal.contains("made by PostgreSQL 15") && refusal.contains("--fresh"),
            "{refusal}"
        );
    }

    #[test]
    fn without_a_new_enough_server_the_error_says_what_to_install() {
        let refusal = choose(vec![installation(14)], None).unwrap_err().to_string();
        assert!(refusal.contains("only 14 is installed"), "{refusal}");
        assert!(
            refusal.contains("bin/bootstrap") && refusal.contains("apt-get install postgresql"),
            "{refusal}"
        );
    }
}
