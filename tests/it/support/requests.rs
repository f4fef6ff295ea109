//! Keeps what the tests made the vendors' adapters send, for the check against the vendors' published types.

use std::{
    fs::{OpenOptions, create_dir_all},
    io::Write as _,
    path::PathBuf,
    sync::Mutex,
};

use funnelchat::sandbox::RecordedRequest;

/// One line per request, where `.ci/run` looks for them; it empties the file before the tests.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/contracts/requests.jsonl");

/// Appends the requests of one test.
pub fn keep(requests: &[RecordedRequest]) {
    static TURN: Mutex<()> = Mutex::new(());
    let lines: String = requests
        .iter()
        .map(|request| serde_json::to_string(request).unwrap() + "\n")
        .collect();
    let _turn = TURN.lock().unwrap();
    let path = PathBuf::from(FILE);
    create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
}
