//! Nobody reaches another's files, and nobody alters one unseen.

use std::path::Path;

use chrono::TimeDelta;
use funnelchat::platform::{
    context::{Actor, GrantSet, TenantCtx},
    crypto::SEALED_CHUNK,
    ids,
};
use reqwest::StatusCode;
use tokio::io::AsyncReadExt as _;

use super::{Folder, claim, ctx_of, start};
use crate::support::{
    TestApp, data,
    recipes::uuid_of,
    uploads::{announced, pdf, put, upload},
};

#[tokio::test]
async fn a_link_and_an_upload_are_of_one_business_one_person_and_one_use() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let (agent, admin) = (app.acme.agent().await, app.acme.sign_in("admin").await);
    let globex = app.globex.sign_in("admin").await;
    let content = pdf(1_000);
    let id = uuid_of(&upload(&agent, "DOCUMENT", "a.pdf", &content).await);
    let (own, colleague, stranger) = (
        ctx_of(&app, &app.acme, &agent).await,
        ctx_of(&app, &app.acme, &admin).await,
        ctx_of(&app, &app.globex, &globex).await,
    );
    assert_eq!(claim(&app, &stranger, id).await, ["NotFound"]);
    assert_eq!(claim(&app, &colleague, id).await, ["NotFound"]);
    assert_eq!(claim(&app, &own, ids::next()).await, ["NotFound"]);

    let get = async |url: &str| agent.http().get(url).send().await.unwrap().status();
    let files = &app.app.files;
    assert_eq!(get(&files.download_url(&own, id)).await, StatusCode::OK);
    // A link that somebody's own business signed for a file that is not there.
    assert_eq!(get(&files.download_url(&stranger, id)).await, StatusCode::GONE);
    // Row security stands under the link: a debtor's shows nothing of the staff's.
    let debtor = TenantCtx::authenticated(
        own.business_id(),
        Actor::Debtor(ids::next()),
        GrantSet::ALL,
        None,
        "test".into(),
    );
    assert_eq!(get(&files.download_url(&debtor, id)).await, StatusCode::GONE);

    let (_, url) = announced(&agent, "DOCUMENT", "b.pdf", 1_000).await;
    assert_eq!(
        get(&url.replace("/uploads/", "/files/")).await,
        StatusCode::NOT_FOUND,
        "a link to send is none to read"
    );
    let read = files.download_url(&own, id).replace("/files/", "/uploads/");
    assert_eq!(put(&agent, &read, &content).await.0, StatusCode::NOT_FOUND);
    let (before, token) = url.rsplit_once('/').unwrap();
    for at in [0, 20, 45, 70, 90, token.len() - 2] {
        let mut forged = token.as_bytes().to_vec();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = format!("{before}/{}", String::from_utf8(forged).unwrap());
        assert_eq!(
            put(&agent, &forged, &content).await.0,
            StatusCode::NOT_FOUND,
            "{at}"
        );
    }
    app.wall.advance(TimeDelta::minutes(15));
    let (status, answer) = put(&agent, &url, &content).await;
    assert_eq!(status, StatusCode::GONE, "{answer}");
    app.finish().await;
}

/// Who asked for a link may have been let go before it is used.
#[tokio::test]
async fn a_link_is_as_good_as_the_membership_of_whom_it_was_given() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let (agent, admin) = (app.acme.agent().await, app.acme.sign_in("admin").await);
    let id = uuid_of(&upload(&agent, "DOCUMENT", "a.pdf", &pdf(1_000)).await);
    let (_, waiting) = announced(&agent, "DOCUMENT", "b.pdf", 1_000).await;
    let own = ctx_of(&app, &app.acme, &agent).await;
    let link = app.app.files.download_url(&own, id);
    let get = async || admin.http().get(&link).send().await.unwrap().status();
    assert_eq!(get().await, StatusCode::OK);
    let user = agent
        .gql("{ viewer { user { id } } }", serde_json::json!({}))
        .await;
    let user = data(&user)["viewer"]["user"]["id"].clone();
    for (status, answer) in [("SUSPENDED", StatusCode::GONE), ("ACTIVE", StatusCode::OK)] {
        let changed = admin
            .gql(
                "mutation($i: UpdateUserInput!) { updateUser(input: $i) { userErrors { message } } }",
                serde_json::json!({ "i": { "id": user, "status": status } }),
            )
            .await;
        assert_eq!(
            data(&changed)["updateUser"]["userErrors"],
            serde_json::json!([]),
            "{changed}"
        );
        assert_eq!(get().await, answer, "{status}");
        if status == "SUSPENDED" {
            let (refused, _) = put(&admin, &waiting, &pdf(1_000)).await;
            assert_eq!(
                refused,
                StatusCode::NOT_FOUND,
                "nor does anything come in by theirs"
            );
        }
    }
    assert_eq!(put(&admin, &waiting, &pdf(1_000)).await.0, StatusCode::CREATED);
    app.finish().await;
}

/// Reads a file to its end, or to where it is refused: how many bytes came.
async fn read(app: &TestApp, ctx: &TenantCtx, id: uuid::Uuid) -> Result<usize, usize> {
    let (_, mut reader) = app.app.files.open(ctx, id).await.unwrap();
    let mut bytes = Vec::new();
    match reader.read_to_end(&mut bytes).await {
        Ok(_) => Ok(bytes.len()),
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
            Err(bytes.len())
        }
    }
}

fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_content_that_was_tampered_with_is_not_given_out() {
    const CLEAR: usize = 64 * 1024;
    let folder = Folder::new();
    let app = start(&folder).await;
    let agent = app.acme.agent().await;
    let ctx = ctx_of(&app, &app.acme, &agent).await;
    // Exactly three chunks: the last is a full one.
    let id = uuid_of(&upload(&agent, "DOCUMENT", "a.pdf", &pdf(3 * CLEAR)).await);
    let path = folder.objects().remove(0);
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(whole.len(), 3 * SEALED_CHUNK);
    assert_eq!(read(&app, &ctx, id).await, Ok(3 * CLEAR));
    let restore = || std::fs::write(&path, &whole).unwrap();

    rewrite(&path, |bytes| bytes[SEALED_CHUNK + 7] ^= 1);
    assert_eq!(read(&app, &ctx, id).await, Err(CLEAR), "a flipped bit");
    // Whoever downloads it gets no whole answer.
    let link = app.app.files.download_url(&ctx, id);
    let broken = async { agent.http().get(&link).send().await?.bytes().await };
    assert!(
        broken.await.is_err(),
        "the connection ends early, be it before or after the head of the answer"
    );
    restore();
    rewrite(&path, |bytes| bytes.truncate(2 * SEALED_CHUNK));
    assert_eq!(read(&app, &ctx, id).await, Err(CLEAR), "the last chunk dropped");
    restore();
    rewrite(&path, |bytes| bytes.extend_from_within(2 * SEALED_CHUNK..));
    assert_eq!(read(&app, &ctx, id).await, Err(2 * CLEAR), "a chunk repeated");
    restore();
    rewrite(&path, |bytes| {
        let (one, two) = bytes[..2 * SEALED_CHUNK].split_at_mut(SEALED_CHUNK);
        one.swap_with_slice(two);
    });
    assert_eq!(read(&app, &ctx, id).await, Err(0), "two chunks swapped");
    restore();
    rewrite(&path, Vec::clear);
    assert_eq!(read(&app, &ctx, id).await, Err(0), "nothing left");

    // Another file's content in its place.
    restore();
    upload(&agent, "DOCUMENT", "b.pdf", &pdf(3 * CLEAR)).await;
    let other = folder.objects().into_iter().find(|found| *found != path).unwrap();
    std::fs::copy(other, &path).unwrap();
    assert_eq!(read(&app, &ctx, id).await, Err(0), "another's content");
    app.finish().await;
}
