//! Archives about a person: all of their data, nobody else's, and evidence that can be checked.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use funnelchat::audit::verify::AuditLink;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use super::{Person, erase};
use crate::support::{Client, TestApp, data, user_errors};

const ARCHIVE: &str =
    "query($id: ID!) { debtorArchive(id: $id) { status kind downloadUrl request { status kind } } }";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn archive(client: &Client, id: &Value) -> Value {
    data(&client.gql(ARCHIVE, json!({ "id": id })).await)["debtorArchive"].clone()
}

/// Downloads an archive that must be ready, and unpacks it; its index agrees with every file.
async fn unpacked(client: &Client, id: &Value) -> BTreeMap<String, Vec<u8>> {
    let ready = archive(client, id).await;
    assert_eq!(ready["status"], "READY", "{ready}");
    unpacked_from(client, ready["downloadUrl"].as_str().unwrap()).await
}

/// Downloads an archive from where it lies, and unpacks it; its index agrees with every file.
pub(super) async fn unpacked_from(client: &Client, url: &str) -> BTreeMap<String, Vec<u8>> {
    let answer = client.http().get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let bytes = answer.bytes().await.unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for nth in 0..zip.len() {
        let mut file = zip.by_index(nth).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        let name = file.name().unwrap().into_owned();
        files.insert(name, content);
    }
    let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let listed = index["files"].as_array().unwrap();
    assert_eq!(listed.len() + 1, files.len(), "all but the index itself");
    for entry in listed {
        let content = &files[entry["name"].as_str().unwrap()];
        assert_eq!(entry["sha256"], hex(&Sha256::digest(content)), "{entry}");
        assert_eq!(entry["bytes"], content.len());
    }
    files
}

pub(super) fn list(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<Value> {
    serde_json::from_slice(&files[name]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test]
async fn a_copy_of_the_data_holds_all_of_the_person_and_nothing_of_anybody_else() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Curious", 251).await;
    let other = Person::make(&app, &admin, "Discreet", 252).await;
    let asked = admin
        .gql(
            "mutation($d: ID!) { exportDebtorData(input: { debtorId: $d, regime: GDPR, kind: PORTABILITY, reason: \"All of it.\" }) {
               archive { id status request { id } } userErrors { code } } }",
            json!({ "d": person.debtor }),
        )
        .await;
    let asked = &data(&asked)["exportDebtorData"];
    assert_eq!(user_errors(asked), Vec::<&str>::new());
    let id = &asked["archive"]["id"];
    app.run_jobs().await;
    let ready = archive(&admin, id).await;
    assert_eq!(
        ready["request"],
        json!({ "status": "COMPLETED", "kind": "PORTABILITY" })
    );
    let files = unpacked(&admin, id).await;
    let whole: String = files
        .values()
        .map(|content| String::from_utf8_lossy(content))
        .collect();
    let names: String = files.keys().cloned().collect::<Vec<_>>().join("\n");
    for text in person.profile().iter().chain(&person.records()) {
        // The key of the search is nobody's word.
        if text.starts_with("last") {
            continue;
        }
        assert!(
            whole.contains(text) || names.contains(text),
            "{text} is missing: {names}"
        );
    }
    for text in other.profile().iter().chain(&other.records()) {
        // Two people may be born on one day.
        if text != "1981-02-03" {
            assert!(
                !whole.contains(text) && !names.contains(text),
                "{text} is somebody else's"
            );
        }
    }
    assert!(!whole.contains(&other.uuid().to_string()));
    assert_eq!(list(&files, "accounts.json")[0]["balance"], "120.50");
    let document = files
        .keys()
        .find(|name| name.starts_with("documents/"))
        .expect("the document");
    assert!(files[document].starts_with(b"%PDF-1.7"));
    assert_eq!(list(&files, "messages.json").len(), 2);
    assert!(!list(&files, "access_log.json").is_empty(), "who read them");
    let page = String::from_utf8(files["summary.html"].clone()).unwrap();
    assert!(
        page.contains("FirstCurious") && page.contains("lang=\"en\""),
        "{page}"
    );

    // Nobody else's to see, and gone with the person.
    let compliance = app.acme.sign_in("compliance").await;
    let foreign = compliance.gql(ARCHIVE, json!({ "id": id })).await;
    assert_eq!(foreign["data"]["debtorArchive"], Value::Null);
    let url = archive(&admin, id).await["downloadUrl"].clone();
    erase(&admin, &person.debtor).await;
    app.run_jobs().await;
    let gone = admin.http().get(url.as_str().unwrap()).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::GONE);
    assert_eq!(archive(&admin, id).await["status"], "EXPIRED");
    app.finish().await;
}

#[tokio::test]
async fn evidence_shows_what_was_done_why_it_was_allowed_and_that_nobody_changed_it() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Evident", 253).await;
    let other = Person::make(&app, &admin, "Unrelated", 254).await;
    let ask = async |input: Value| {
        let asked = admin
            .gql(
                "mutation($i: RequestEvidencePackInput!) { requestEvidencePack(input: $i) { archive { id } userErrors { code field } } }",
                json!({ "i": input }),
            )
            .await;
        data(&asked)["requestEvidencePack"].clone()
    };
    let span = |from: &str, until: &str| json!({ "accountId": person.account, "from": from, "until": until });
    for wrong in [
        span("2026-07-01T00:00:00Z", "2026-06-01T00:00:00Z"),
        json!({ "from": "2026-06-01T00:00:00Z", "until": "2026-07-01T00:00:00Z" }),
        json!({ "accountId": person.account, "debtorId": other.debtor, "from": "2026-06-01T00:00:00Z",
            "until": "2026-07-01T00:00:00Z" }),
    ] {
        assert_eq!(user_errors(&ask(wrong).await), ["INVALID_INPUT"]);
    }
    let id = ask(span("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z")).await["archive"]["id"].clone();
    let empty = ask(span("2025-06-01T00:00:00Z", "2025-07-01T00:00:00Z")).await["archive"]["id"].clone();
    app.run_jobs().await;
    let files = unpacked(&admin, &id).await;

    let messages = list(&files, "messages.json");
    let sent = messages
        .iter()
        .find(|message| message["direction"] == "OUTBOUND")
        .expect("ours");
    assert!(sent["text"].as_str().unwrap().contains("Answer to Evident"));
    let attempt = &sent["attempts"][0];
    assert!(
        attempt["vendor_message_id"].as_str().unwrap().starts_with("SM"),
        "{sent}"
    );
    let decisions = list(&files, "decisions.json");
    let spent = decisions
        .iter()
        .find(|decision| decision["id"] == attempt["decision_id"])
        .expect("the decision whose permit was spent");
    assert_eq!(
        (&spent["outcome"], &spent["stage"]),
        (&json!("ALLOW"), &json!("DISPATCH"))
    );
    assert_eq!(spent["facts"]["action"]["number"], person.phone.as_str());
    assert!(
        !spent["decision"]["findings"][0]["citation"]
            .as_str()
            .unwrap()
            .is_empty()
    );
    assert_eq!(list(&files, "ledger.json").len(), 1);

    let trail = list(&files, "audit_trail.json");
    assert!(trail.len() > 3, "{trail:?}");
    for row in &trail {
        let link: AuditLink = serde_json::from_value(row["row"].clone()).unwrap();
        let previous = row["previous_hash"].as_str().unwrap().as_bytes();
        let previous: Vec<u8> = previous
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(link.expected_hash(&previous), link.hash, "{row}");
        let mut forged = link.clone();
        forged.action.push('x');
        assert_ne!(forged.expected_hash(&previous), link.hash);
    }
    let whole: String = files
        .values()
        .map(|content| String::from_utf8_lossy(content))
        .collect();
    for text in other.records().iter().chain([&other.phone]) {
        assert!(!whole.contains(text), "{text} is somebody else's");
    }

    let files = unpacked(&admin, &empty).await;
    assert!(list(&files, "messages.json").is_empty() && list(&files, "decisions.json").is_empty());
    let foreign = app.globex.sign_in("admin").await;
    let foreign = foreign
        .gql(
            "mutation($i: RequestEvidencePackInput!) { requestEvidencePack(input: $i) { userErrors { code } } }",
            json!({ "i": span("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z") }),
        )
        .await;
    assert_eq!(user_errors(&data(&foreign)["requestEvidencePack"]), ["NOT_FOUND"]);
    app.finish().await;
}

/// Where the rows of each table that are about a person stand in a copy of their data.
const ARCHIVED: &[(&str, &str)] = &[
    ("accounts", "accounts.json"),
    ("balance_components", "accounts.json"),
    ("complaints", "complaints.json"),
    ("consents", "consents.json"),
    ("contact_points", "contact_points.json"),
    ("conversations", "conversations.json"),
    ("debtors", "profile.json"),
    ("decisions", "decisions.json"),
    ("delivery_attempts", "messages.json"),
    ("dispute_steps", "dispute_steps.json"),
    ("disputes", "disputes.json"),
    ("files", "documents.json"),
    ("holds", "holds.json"),
    ("contact_places", "contact_places.json"),
    ("inconvenient_times", "inconvenient_times.json"),
    ("ledger_entries", "ledger.json"),
    ("limitations", "limitations.json"),
    ("messages", "messages.json"),
    ("payment_disputes", "payment_disputes.json"),
    ("payments", "payments.json"),
    ("refunds", "refunds.json"),
    ("privacy_acceptances", "privacy_acceptances.json"),
    ("privacy_requests", "privacy_requests.json"),
    ("suit_authorities", "suit_authorities.json"),
    ("suppressions", "suppressions.json"),
    ("validation_notices", "validation_notices.json"),
];

/// What a copy leaves out, and why.
const EXEMPT: &[(&str, &str)] = &[
    (
        "audit_events",
        "the business's own acts: evidence holds the trail about the person",
    ),
    (
        "contact_slots",
        "what the gate counts; each is of a message that is there",
    ),
    ("data_keys", "keys"),
    ("debtor_archives", "the archives themselves"),
    ("debtor_codes", "of a sign-in; forgotten after a day"),
    ("debtor_links", "secrets of a sign-in; hashes only"),
    (
        "debtor_merges",
        "which records the business takes for one person: all of them are in the copy",
    ),
    ("debtor_sessions", "of a sign-in; hashes only"),
    (
        "duplicate_checks",
        "who has yet to be compared with others; gone within minutes",
    ),
    (
        "shown_documents",
        "which of the documents, all of which are there, they may see",
    ),
    (
        "file_debtors",
        "which files about many people name them: exports and rows of an import",
    ),
    (
        "idempotency_keys",
        "answers to a repeated request; forgotten after a day",
    ),
    (
        "live_events",
        "what the inbox was told of; forgotten after three days",
    ),
];

#[tokio::test]
async fn no_table_about_people_is_left_out_of_a_copy_of_their_data() {
    let app = TestApp::start().await;
    let admin = app.acme.sign_in("admin").await;
    let person = Person::make(&app, &admin, "Whole", 255).await;
    let done = async |document: &str, field: &str, input: Value| -> Value {
        let answer = admin.gql(document, json!({ "i": input })).await;
        assert_eq!(user_errors(&data(&answer)[field]), Vec::<&str>::new(), "{answer}");
        data(&answer)[field].clone()
    };
    let filed = done(
        "mutation($i: FileDisputeInput!) { fileDispute(input: $i) { dispute { id } userErrors { code } } }",
        "fileDispute",
        json!({ "accountId": person.account, "channel": "LETTER", "words": "I dispute what Whole is said to owe." }),
    )
    .await;
    done(
        "mutation($i: StartDisputeVerificationInput!) { startDisputeVerification(input: $i) { userErrors { code } } }",
        "startDisputeVerification",
        json!({ "disputeId": filed["dispute"]["id"], "note": "Asked the creditor about Whole." }),
    )
    .await;
    let documents = admin
        .gql(
            "query($a: ID!) { account(id: $a) { documents(first: 1) { edges { node { id } } } } }",
            json!({ "a": person.account }),
        )
        .await;
    let document = data(&documents)["account"]["documents"]["edges"][0]["node"]["id"].clone();
    done(
        "mutation($i: RecordVerificationSentInput!) { recordVerificationSent(input: $i) { userErrors { code } } }",
        "recordVerificationSent",
        json!({ "disputeId": filed["dispute"]["id"], "channel": "LETTER", "sent": ["VERIFICATION"],
            "documentIds": [document] }),
    )
    .await;
    done(
        "mutation($i: FileComplaintInput!) { fileComplaint(input: $i) { userErrors { code } } }",
        "fileComplaint",
        json!({ "debtorId": person.debtor, "about": "CONDUCT", "channel": "LETTER", "words": "Whole was called at work." }),
    )
    .await;
    done(
        "mutation($i: RecordSuitAuthorityInput!) { recordSuitAuthority(input: $i) { userErrors { code } } }",
        "recordSuitAuthority",
        json!({ "accountId": person.account, "authority": "Counsel of Whole's creditor.",
            "limitationExpiresOn": "2028-01-01", "limitationBasis": "Whole's last payment, and four years." }),
    )
    .await;
    done(
        "mutation($i: RecordLimitationInput!) { recordLimitation(input: $i) { userErrors { code } } }",
        "recordLimitation",
        json!({ "accountId": person.account, "expiresOn": "2024-03-01", "governingLaw": "tx",
            "basis": "Whole's default of 2020." }),
    )
    .await;
    let copy = done(
        "mutation($i: ExportDebtorDataInput!) { exportDebtorData(input: $i) { archive { id } userErrors { code } } }",
        "exportDebtorData",
        json!({ "debtorId": person.debtor, "regime": "CCPA", "kind": "ACCESS", "reason": "All of it." }),
    )
    .await;
    let evidence = done(
        "mutation($i: RequestEvidencePackInput!) { requestEvidencePack(input: $i) { archive { id } userErrors { code } } }",
        "requestEvidencePack",
        json!({ "accountId": person.account, "from": "2026-06-01T00:00:00Z", "until": "2026-07-01T00:00:00Z" }),
    )
    .await;
    app.run_jobs().await;
    let files = unpacked(&admin, &copy["archive"]["id"]).await;
    let evidence = unpacked(&admin, &evidence["archive"]["id"]).await;
    for files in [&files, &evidence] {
        let dispute = &list(files, "disputes.json")[0];
        assert_eq!(
            dispute["words"], "I dispute what Whole is said to owe.",
            "{dispute}"
        );
        let steps = list(files, "dispute_steps.json");
        assert_eq!(steps[1]["note"], "Asked the creditor about Whole.", "{steps:?}");
        let sent = &steps[2]["documents"][0];
        assert_eq!(sent["kind"], "LETTER", "{steps:?}");
        let content = format!("documents/{}-", sent["file_id"].as_str().unwrap());
        let is_packed = files.keys().filter(|name| name.starts_with(&content)).count();
        assert_eq!(is_packed, 1, "what was sent goes along, once: {:?}", files.keys());
        let complaint = &list(files, "complaints.json")[0];
        assert_eq!(complaint["words"], "Whole was called at work.", "{complaint}");
        let suit = &list(files, "suit_authorities.json")[0];
        assert_eq!(suit["authority"], "Counsel of Whole's creditor.", "{suit}");
        let limitation = &list(files, "limitations.json")[0];
        assert_eq!(
            (&limitation["basis"], &limitation["governing_law"]),
            (&json!("Whole's default of 2020."), &json!("TX")),
            "{limitation}"
        );
    }

    // Exempt, each for its reason.
    let exempt: BTreeMap<&str, &str> = EXEMPT.iter().copied().collect();
    let archived: BTreeMap<&str, &str> = ARCHIVED.iter().copied().collect();
    let tables = sqlx::query(
        "SELECT c.relname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND a.attname = 'debtor_id' AND NOT a.attisdropped ORDER BY 1",
    )
    .fetch_all(&mut app.superuser().await)
    .await
    .unwrap();
    for table in &tables {
        let table: String = table.get(0);
        match (archived.get(table.as_str()), exempt.get(table.as_str())) {
            (Some(file), None) => assert!(files.contains_key(*file), "{table} should stand in {file}"),
            (None, Some(_)) => {}
            found => panic!("{table} is to be archived or exempt: {found:?}"),
        }
    }
    assert_eq!(
        tables.len(),
        archived.len() + exempt.len(),
        "no list names a table that is not there"
    );
    app.finish().await;
}
