//! A trail in a file: whether it is whole is told by the file and the public key alone.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use funnelchat::{
    audit::{Chain, CheckpointKeys, CheckpointSigner, verify_bundle, write_bundle},
    platform::{context::SystemCtx, crypto::NamedKeys},
};
use serde_json::json;
use sqlx::Executor as _;

use crate::support::{Client, TestApp, data};

/// A trail with a checkpoint in its middle, as the lines of a bundle.
async fn bundle(app: &TestApp) -> Vec<String> {
    let account = app.account_id(&app.acme, 0).await;
    let note = async |agent: &Client| {
        let answer = agent
            .gql(
                "mutation($a: ID!) { addAccountNote(input: { accountId: $a, text: \"Called back.\" }) { note { id } } }",
                json!({ "a": account }),
            )
            .await;
        assert!(
            data(&answer)["addAccountNote"]["note"]["id"].is_string(),
            "{answer}"
        );
    };
    let agent = app.acme.agent().await;
    for _ in 0..10 {
        note(&agent).await;
    }
    // Longer than an access token is good for.
    app.advance(TimeDelta::hours(1)).await;
    app.run_jobs().await;
    note(&app.acme.agent().await).await;
    lines(app, &app.app.checkpoints.signer).await
}

async fn lines(app: &TestApp, signer: &CheckpointSigner) -> Vec<String> {
    let ctx = app.service_ctx(&app.acme).await;
    let (mut file, mut told) = (Vec::new(), 0);
    let rows = write_bundle(&app.app.db, Chain::Business(&ctx), signer, &mut file, |row| {
        told = row;
    })
    .await
    .unwrap();
    assert!(rows > 10 && told == rows, "{rows} {told}");
    let text = String::from_utf8(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn broken(lines: &[String], keys: &CheckpointKeys) -> String {
    let file = lines.join("\n");
    let error = verify_bundle(file.as_bytes(), Some(keys), |_| {}).expect_err("the bundle was changed");
    format!("{error:#}")
}

#[tokio::test]
async fn a_bundle_shows_every_change_from_the_file_and_the_key_alone() {
    let app = TestApp::start().await;
    let lines = bundle(&app).await;
    let keys = app.app.checkpoints.signer.public().clone();
    let whole = lines.join("\n");
    let found = verify_bundle(whole.as_bytes(), Some(&keys), |_| {}).unwrap();
    assert_eq!(
        usize::try_from(found.rows).unwrap() + found.checkpoints + 2,
        lines.len()
    );
    assert_eq!(found.checkpoints, 1, "one hour, one checkpoint");
    assert_eq!(found.own_keys, keys.texts());
    assert_eq!(found.made_at, app.app.clock.now().max(found.made_at));

    // Every line left out, doubled, and moved down by one.
    for nth in 0..lines.len() {
        let mut gap = lines.clone();
        gap.remove(nth);
        if !lines[nth].starts_with("{\"checkpoint\"") {
            broken(&gap, &keys);
        }
        let mut doubled = lines.clone();
        doubled.insert(nth, lines[nth].clone());
        broken(&doubled, &keys);
        if nth + 1 < lines.len() {
            let mut moved = lines.clone();
            moved.swap(nth, nth + 1);
            broken(&moved, &keys);
        }
        // Cut off behind it, in the middle of it, and with the end put back.
        if nth + 1 < lines.len() {
            let cut = &lines[..=nth];
            broken(cut, &keys);
            let mut half = cut.to_vec();
            let length = half[nth].len() / 2;
            half[nth].truncate(length);
            broken(&half, &keys);
            if nth + 2 < lines.len() && !lines[nth + 1].starts_with("{\"checkpoint\"") {
                let mut closed = cut.to_vec();
                closed.push(lines.last().unwrap().clone());
                broken(&closed, &keys);
            }
        }
    }

    // Every digit of a row, of the checkpoint and of the end: hashes, signatures, positions, instants, details.
    let checkpoint = lines
        .iter()
        .position(|line| line.starts_with("{\"checkpoint\""))
        .unwrap();
    for nth in [checkpoint - 1, checkpoint, lines.len() - 1] {
        let line = &lines[nth];
        for (at, letter) in line.char_indices().filter(|(_, letter)| letter.is_ascii_digit()) {
            let mut changed = lines.clone();
            let other = if letter == '9' { "8" } else { "9" };
            changed[nth].replace_range(at..=at, other);
            let file = changed.join("\n");
            assert!(
                verify_bundle(file.as_bytes(), Some(&keys), |_| {}).is_err(),
                "line {nth}, byte {at}"
            );
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn nobody_without_the_key_makes_a_bundle_that_is_believed() {
    let app = TestApp::start().await;
    let lines = bundle(&app).await;
    let keys = app.app.checkpoints.signer.public().clone();

    // An old checkpoint dressed as the end: what came after it would be gone.
    let nth = lines
        .iter()
        .position(|line| line.starts_with("{\"checkpoint\""))
        .unwrap();
    let mut short = lines[..nth].to_vec();
    short.push(lines[nth].replacen("checkpoint", "end", 1));
    assert!(broken(&short, &keys).contains("signature"));

    // The same rows, signed by somebody else under the same name: good for whoever trusts what the file says of itself.
    let name = keys.texts()[0].split(':').next().unwrap().to_owned();
    let own = NamedKeys::parse(&format!("{name}:{}", STANDARD.encode([1, 2].repeat(16)))).unwrap();
    let forger = CheckpointSigner::new(&own);
    let mut forged = lines.clone();
    forged.retain(|line| !line.starts_with("{\"checkpoint\""));
    let ctx = app.service_ctx(&app.acme).await;
    let mut superuser = app.superuser().await;
    superuser
        .execute("SET session_replication_role = replica; DELETE FROM audit_checkpoints")
        .await
        .unwrap();
    let mut file = Vec::new();
    write_bundle(&app.app.db, Chain::Business(&ctx), &forger, &mut file, |_| {})
        .await
        .unwrap();
    assert!(verify_bundle(file.as_slice(), None, |_| {}).is_ok());
    let error = verify_bundle(file.as_slice(), Some(&keys), |_| {}).unwrap_err();
    assert!(error.to_string().contains("signature"), "{error}");

    // Another business's trail under this one's name.
    let globex = app.service_ctx(&app.globex).await;
    let mut other = Vec::new();
    let signer = &app.app.checkpoints.signer;
    write_bundle(&app.app.db, Chain::Business(&globex), signer, &mut other, |_| {})
        .await
        .unwrap();
    let mut other: Vec<String> = String::from_utf8(other)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    other[0] = lines[0].clone();
    assert!(broken(&other, &keys).contains("signature"));
    app.finish().await;
}

#[tokio::test]
async fn a_bundle_still_verifies_after_a_person_was_erased() {
    let app = TestApp::start().await;
    bundle(&app).await;
    app.superuser()
        .await
        .execute("UPDATE data_keys SET wrapped = NULL, destroyed_at = now() WHERE debtor_id IS NOT NULL")
        .await
        .unwrap();
    let signer = &app.app.checkpoints.signer;
    let lines = lines(&app, signer).await;
    assert!(verify_bundle(lines.join("\n").as_bytes(), Some(signer.public()), |_| {}).is_ok());
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_bundle_is_refused_in_one_sentence() {
    let keys = CheckpointKeys::default();
    for (text, complaint) in [
        ("", "line 1"),
        ("\n", "line 1 is not of a bundle"),
        ("{}", "line 1 is not of a bundle"),
        ("{\"trail\":{\"trail\":\"platform\",\"keys\":[]}}", "cut off"),
        (
            "{\"trail\":{\"trail\":\"platform\",\"keys\":[]}}\n{\"end\":{}}",
            "line 2 is not of a bundle",
        ),
        ("\u{0}\u{1}", "line 1 is not of a bundle"),
    ] {
        let error = verify_bundle(text.as_bytes(), Some(&keys), |_| {}).unwrap_err();
        assert!(error.to_string().contains(complaint), "{text:?}: {error}");
    }
}

#[tokio::test]
async fn the_platforms_own_trail_is_a_bundle_too() {
    let app = TestApp::start().await;
    app.acme.sign_in("admin").await;
    app.advance(TimeDelta::hours(1)).await;
    let ctx = SystemCtx::for_reason("audit trails", "test-audit");
    let signer = &app.app.checkpoints.signer;
    let mut file = Vec::new();
    let rows = write_bundle(&app.app.db, Chain::Platform(&ctx), signer, &mut file, |_| {})
        .await
        .unwrap();
    assert!(rows > 1, "a log-in belongs to no business");
    let found = verify_bundle(file.as_slice(), Some(signer.public()), |_| {}).unwrap();
    assert_eq!((found.rows, found.checkpoints), (rows, 1));
    app.finish().await;
}
