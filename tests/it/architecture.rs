//! The rooms of the house import only what lib.rs's table lets them, and what the compiler's privacy keeps apart
//! stays private: nobody but the gate makes a permit, and no port reaches a debtor without one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What each room may import, as in the table of src/lib.rs.
const TABLE: &[(&str, &[&str])] = &[
    ("platform", &["platform"]),
    ("access", &["access", "platform"]),
    ("files", &["files", "platform", "access"]),
    ("identity", &["identity", "platform", "access", "audit", "files"]),
    ("audit", &["audit", "platform", "identity", "access", "files"]),
    ("ledger", &["ledger", "platform"]),
    (
        "accounts",
        &[
            "accounts", "platform", "identity", "access", "audit", "ledger", "files",
        ],
    ),
    (
        "compliance",
        &[
            "compliance",
            "platform",
            "identity",
            "access",
            "audit",
            "files",
            "accounts",
        ],
    ),
    (
        "settings",
        &[
            "settings",
            "platform",
            "identity",
            "access",
            "audit",
            "files",
            "accounts",
            "compliance",
        ],
    ),
    (
        "templates",
        &[
            "templates",
            "platform",
            "identity",
            "access",
            "audit",
            "accounts",
            "compliance",
            "settings",
        ],
    ),
    (
        "conversations",
        &[
            "conversations",
            "platform",
            "identity",
            "access",
            "audit",
            "accounts",
            "compliance",
            "templates",
        ],
    ),
    (
        "payments",
        &[
            "payments", "platform", "identity", "access", "audit", "ledger", "accounts",
        ],
    ),
    (
        "assistant",
        &[
            "assistant",
            "platform",
            "identity",
            "access",
            "audit",
            "accounts",
            "compliance",
            "settings",
            "conversations",
        ],
    ),
    (
        "portal",
        &[
            "portal",
            "platform",
            "identity",
            "access",
            "audit",
            "accounts",
            "compliance",
            "conversations",
            "templates",
        ],
    ),
    // Beside these: the slices' ports, and the types that stand in the ports.
    ("providers", &["providers", "platform"]),
    ("sandbox", &["sandbox"]),
];

/// Rooms above everything.
const ABOVE: &[&str] = &["app", "cli", "config", "graphql", "http", "main", "lib"];

/// Imports that the table forbids, and why they stand for now. The list may only shrink.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Methods of ports that reach nobody, so that they need no permit.
const NO_CONTACT: &[(&str, &str)] = &[
    ("ActivePlans::is_running", "asks about a plan"),
    ("ContactBans::suppressed", "asks who is not to be contacted"),
    (
        "ContactBans::record_do_not_call",
        "says who is not to be contacted",
    ),
    (
        "DebtorLinks::address",
        "makes an address, which a message may carry",
    ),
    ("DebtorLinks::sample", "the same"),
    (
        "Limitations::record_imported",
        "records until when suits may be brought",
    ),
    ("Letterheads::letterhead", "asks how a business heads its letters"),
    ("VendorAccounts::standing", "asks whose account it is"),
    ("VendorAccounts::number", "asks whose number it is"),
    (
        "VendorAccounts::bring_texts",
        "says where a number's texts are to be brought",
    ),
    ("PaymentGateway::pay", "takes money, and tells nobody"),
    ("PaymentGateway::fetch", "asks what became of a payment"),
    ("PaymentGateway::find", "looks up a payment"),
    ("PaymentGateway::cancel", "gives a payment up"),
    ("PaymentGateway::refund", "gives money back, and tells nobody"),
    ("PaymentGateway::refunds_of", "asks what was given back"),
    ("TextListener::text_added", "hears of what came in"),
    ("SmsGateway::find", "looks up what was sent"),
    ("SmsGateway::fetch", "asks what became of what was sent"),
];

struct Source {
    /// Under src/, with `/`.
    name: String,
    room: String,
    text: String,
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let mut sources: Vec<Source> = paths
        .iter()
        .map(|path| {
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            let room = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
            Source {
                room,
                text: without_comments(&fs::read_to_string(path).unwrap()),
                name,
            }
        })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// The code without its comments, and without the insides of its strings.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => {
                for skipped in letters.by_ref() {
                    if skipped == '\n' {
                        code.push('\n');
                        break;
                    }
                }
            }
            '"' => {
                // A raw string ends at its quote with as many hashes; nothing in it is escaped.
                let hashes = code.chars().rev().take_while(|c| *c == '#').count();
                let raw = code.trim_end_matches('#').ends_with('r');
                code.push('"');
                let mut inside = String::new();
                while let Some(next) = letters.next() {
                    if !raw && next == '\\' {
                        letters.next();
                        continue;
                    }
                    inside.push(next);
                    if !raw && next == '"' || raw && inside.ends_with(&format!("\"{}", "#".repeat(hashes))) {
                        break;
                    }
                }
                code.push('"');
            }
            '\'' => {
                // A character, or a lifetime.
                let mut ahead = letters.clone();
                match (ahead.next(), ahead.next()) {
                    (Some('\\'), _) => {
                        letters.next();
                        letters.next();
                        for skipped in letters.by_ref() {
                            if skipped == '\'' {
                                break;
                            }
                        }
                    }
                    (Some(_), Some('\'')) => {
                        letters.next();
                        letters.next();
                    }
                    _ => code.push('\''),
                }
            }
            other => code.push(other),
        }
    }
    code
}

/// Every path after `crate::`, groups expanded: `crate::{a::{b, c}, d}` is `a::b`, `a::c` and `d`.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut rest = code;
    while let Some(at) = rest.find("crate::") {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + "crate::".len()..];
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') {
            read_tree(rest, "", &mut paths);
        }
    }
    paths
}

/// Reads one path or group, and returns what follows it.
fn read_tree<'a>(text: &'a str, above: &str, paths: &mut BTreeSet<String>) -> &'a str {
    let mut text = text.trim_start();
    let mut path = above.to_owned();
    loop {
        if let Some(group) = text.strip_prefix('{') {
            text = group.trim_start();
            while !text.starts_with('}') {
                let after = read_tree(text, &path, paths).trim_start();
                text = after.strip_prefix(',').unwrap_or(after).trim_start();
            }
            return &text[1..];
        }
        let end = text
            .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*')
            .unwrap_or(text.len());
        let (word, after) = text.split_at(end);
        assert!(!word.is_empty(), "not a path: {:.60}", text);
        path = if path.is_empty() {
            word.to_owned()
        } else {
            format!("{path}::{word}")
        };
        match after.strip_prefix("::") {
            // `path::<T>` ends the path; the type inside names itself.
            Some(deeper) if !deeper.starts_with('<') => text = deeper,
            _ => {
                paths.insert(path);
                let renamed = after.trim_start().strip_prefix("as ");
                return renamed.map_or(after, |name| {
                    name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == ' ')
                });
            }
        }
    }
}

/// `graphql.rs`, `graphql/` and `loaders.rs` may name other slices' GraphQL types and loaders.
fn is_face(name: &str) -> bool {
    name.split('/')
        .skip(1)
        .any(|part| matches!(part, "graphql" | "graphql.rs" | "loaders.rs"))
}

fn is_graphql_type(path: &str) -> bool {
    path.split("::").nth(1) == Some("graphql") || path.ends_with("Loaders")
}

#[test]
fn imports_follow_the_table() {
    let sources = sources();
    let rooms: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    let port_types: BTreeSet<String> = sources
        .iter()
        .filter(|source| source.name.ends_with("/ports.rs"))
        .flat_map(|source| crate_paths(&source.text))
        .collect();
    let mut forbidden = BTreeSet::new();
    let mut read = 0;
    for source in &sources {
        if ABOVE.contains(&source.room.as_str()) {
            continue;
        }
        let allowed = rooms
            .get(source.room.as_str())
            .unwrap_or_else(|| panic!("{} is in no room of the table", source.name));
        for path in crate_paths(&source.text) {
            read += 1;
            let room = path.split("::").next().unwrap();
            // Macros stand at the root of the crate.
            let fits = allowed.contains(&room)
                || ["relay_connection", "fields_at_hand", "write_names_of"].contains(&room)
                || (is_face(&source.name) && is_graphql_type(&path))
                || (source.room == "providers"
                    && (path.split("::").nth(1) == Some("ports") || port_types.contains(&path)));
            if !fits {
                forbidden.insert((source.name.clone(), path));
            }
        }
        // A path from the root of a room through `super` would leave it unseen.
        if source.name == format!("{}/mod.rs", source.room) || !source.name.contains('/') {
            assert!(
                !source.text.lines().any(|line| line.starts_with("use super::")),
                "{}: say crate::",
                source.name
            );
        }
    }
    let listed: BTreeSet<(String, String)> = EXCEPTIONS
        .iter()
        .map(|(file, path, _)| ((*file).to_owned(), (*path).to_owned()))
        .collect();
    let new: Vec<_> = forbidden.difference(&listed).collect();
    assert!(new.is_empty(), "src/lib.rs's table forbids: {new:#?}");
    let gone: Vec<_> = listed.difference(&forbidden).collect();
    assert!(
        gone.is_empty(),
        "no longer needed: take these exceptions out: {gone:#?}"
    );
    assert!(read > 500, "imports were read: {read}");
}

#[test]
fn the_table_is_the_one_in_lib_rs() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let mut written = BTreeMap::new();
    for line in lib.lines().filter_map(|line| line.strip_prefix("//! | [`")) {
        let columns: Vec<&str> = line.split(" | ").collect();
        let room = columns[0].split('`').next().unwrap();
        if ABOVE.contains(&room) || room == "providers" {
            continue;
        }
        let imports = columns.last().unwrap().trim_end_matches(" |");
        let mut allowed: BTreeSet<&str> = BTreeSet::from([room]);
        if imports == "nothing, `platform` neither" {
            // As it says.
        } else {
            allowed.insert("platform");
            allowed.extend(imports.split(", ").filter(|word| *word != "nothing"));
        }
        written.insert(
            room.to_owned(),
            allowed.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
        );
    }
    let tested: BTreeMap<String, BTreeSet<String>> = TABLE
        .iter()
        .filter(|(room, _)| *room != "providers")
        .map(|(room, allowed)| {
            (
                (*room).to_owned(),
                allowed.iter().map(|name| (*name).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(written, tested, "src/lib.rs (left), this test (right)");
    for room in TABLE
        .iter()
        .map(|(room, _)| *room)
        .chain(["app", "cli", "config", "graphql", "http"])
    {
        assert!(lib.contains(&format!("pub mod {room};")), "{room} is a module");
    }
}

#[test]
fn only_the_gate_makes_permits_and_every_contact_spends_one() {
    let sources = sources();
    let permit = sources
        .iter()
        .find(|source| source.name == "compliance/permit.rs")
        .expect("the permit's file");
    for name in ["pub struct Permit {", "pub struct Reservation {"] {
        let at = permit.text.find(name).unwrap_or_else(|| panic!("{name}"));
        let (before, body) = permit.text.split_at(at);
        let end = body.find(['}', ';']).unwrap();
        assert!(
            !body[name.len()..end].contains("pub"),
            "{name} has private fields"
        );
        let attributes = &before[before.rfind("#[derive").unwrap()..];
        for never in ["Clone", "Copy", "Default", "Deserialize", "From"] {
            assert!(!attributes.contains(never), "{name} is not {never}: {attributes}");
        }
    }
    let makers: Vec<&str> = permit
        .text
        .lines()
        .filter(|line| {
            let line = line.trim_start();
            (line.starts_with("pub fn") || line.starts_with("pub async fn"))
                && ["-> Permit", "-> Self", "<Permit>"]
                    .iter()
                    .any(|made| line.contains(made))
        })
        .map(str::trim)
        .collect();
    assert_eq!(
        makers,
        [
            "pub async fn confirm(self, _committed: &Committed, tx: &mut TenantTx) -> Result<Option<Permit>, DbError> {"
        ],
        "a permit comes of what is committed, and still stands"
    );
    assert!(
        permit.text.contains("pub(super) fn new("),
        "a reservation is made inside the gate only"
    );
    for source in sources.iter().filter(|source| source.room != "compliance") {
        for made in [
            "Permit {",
            "Permit(",
            "Reservation(",
            "Reservation {",
            "Reservation::new",
            "Permit::new",
            "transmute",
            "unsafe ",
        ] {
            let found = source.text.match_indices(made).any(|(at, _)| {
                // `-> Reservation {` opens a function that hands one on.
                !source.text[..at].trim_end().ends_with("->")
                    && !source.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
            });
            assert!(!found, "{} holds `{made}`", source.name);
        }
    }

    let mut contacts = 0;
    for source in sources.iter().filter(|source| source.name.ends_with("/ports.rs")) {
        for (name, body) in traits(&source.text) {
            // Mail to staff has fixed templates and no debtor in it (design: another port, no permit).
            if name == "StaffMailer" {
                assert!(
                    !body.contains("debtor") && !body.contains("&str"),
                    "{name} takes staff mail only"
                );
                continue;
            }
            for method in body.split("fn ").skip(1) {
                let method_name = format!("{name}::{}", method.split('(').next().unwrap().trim());
                if NO_CONTACT.iter().any(|(listed, _)| *listed == method_name) {
                    continue;
                }
                contacts += 1;
                let arguments = method.split("->").next().unwrap();
                assert!(
                    arguments.contains(": Permit,"),
                    "{method_name} reaches a debtor, so it takes a Permit by value (or is listed as reaching nobody)"
                );
            }
        }
    }
    assert!(contacts >= 1, "a port that sends was found");
    for (listed, _) in NO_CONTACT {
        let (name, method) = listed.split_once("::").unwrap();
        let stands = sources.iter().any(|source| {
            traits(&source.text)
                .iter()
                .any(|(found, body)| found == name && body.contains(&format!("fn {method}(")))
        });
        assert!(stands, "{listed} is gone: take it out of the list");
    }
}

/// Name and body of each public trait.
fn traits(code: &str) -> Vec<(String, String)> {
    code.split("pub trait ")
        .skip(1)
        .map(|text| {
            let name: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
            let end = text.find("\n}").unwrap_or(text.len());
            (name, text[..end].to_owned())
        })
        .collect()
}
