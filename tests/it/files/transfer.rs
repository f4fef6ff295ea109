//! What goes up whole comes down whole; what does not leaves nothing.

use std::{io::Write as _, net::TcpStream};

use chrono::TimeDelta;
use funnelchat::files;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::{Executor as _, Row as _};

use super::{Folder, claim, ctx_of, head, raw, start};
use crate::support::{
    Options, TestApp, eventually,
    recipes::uuid_of,
    uploads::{announce, announced, pdf, put, upload},
    user_errors,
};

#[tokio::test]
async fn a_content_goes_up_once_lies_encrypted_and_comes_down_whole() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let agent = app.acme.agent().await;
    // Longer than one part of an object, and no multiple of a chunk.
    let content = pdf(6_000_001);
    let (id, url) = announced(&agent, "DOCUMENT", "../Vertrag Müller.pdf", content.len()).await;
    let (status, answer) = put(&agent, &url, &content).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(answer["id"], id.as_str());
    assert_eq!(answer["mediaType"], "application/pdf");
    assert_eq!(answer["size"], 6_000_001);
    let (status, answer) = put(&agent, &url, &content).await;
    assert_eq!(status, StatusCode::CONFLICT, "a link is good once: {answer}");

    let objects = folder.objects();
    assert_eq!(objects.len(), 1);
    let stored = std::fs::read(&objects[0]).unwrap();
    assert!(stored.len() > content.len());
    let readable = stored.windows(16).any(|window| window == &content[5_000..5_016]);
    assert!(!readable, "what lies there is ciphertext");

    let ctx = ctx_of(&app, &app.acme, &agent).await;
    assert_eq!(claim(&app, &ctx, uuid_of(&id)).await, Vec::<String>::new());
    assert_eq!(claim(&app, &ctx, uuid_of(&id)).await, ["Conflict"], "used once");
    let link = app.app.files.download_url(&ctx, uuid_of(&id));
    let answer = agent.http().get(&link).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-length"), "6000001");
    assert_eq!(header("content-type"), "application/pdf");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"Vertrag M_ller.pdf\"; filename*=UTF-8''Vertrag%20M%C3%BCller%2Epdf"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    assert!(answer.bytes().await.unwrap() == content.as_slice());
    app.wall.advance(TimeDelta::minutes(5));
    let late = agent.http().get(&link).send().await.unwrap();
    assert_eq!(late.status(), StatusCode::GONE);
    for action in ["file.upload_created", "file.uploaded"] {
        assert_eq!(app.audited(action).await, 1, "{action}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_as_announced_is_refused_and_nothing_of_it_stays() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let agent = app.acme.agent().await;
    let ctx = ctx_of(&app, &app.acme, &agent).await;
    let content = pdf(300_000);
    let announced = async |size: usize| announced(&agent, "DOCUMENT", "letter.pdf", size).await;

    // What is told wrong before anything comes leaves the link as it was.
    let (id, url) = announced(300_000).await;
    let (status, answer) = put(&agent, &url, &content[..299_999]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    let longer = [content.as_slice(), b"x"].concat();
    assert_eq!(put(&agent, &url, &longer).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        claim(&app, &ctx, uuid_of(&id)).await,
        ["InvalidInput"],
        "nothing has come"
    );
    assert_eq!(put(&agent, &url, &content).await.0, StatusCode::CREATED);
    assert_eq!(claim(&app, &ctx, uuid_of(&id)).await, Vec::<String>::new());

    let chunked = |url: &str, content: &[u8], end: &str| {
        let mut bytes = head(url, "Transfer-Encoding: chunked");
        bytes.extend(format!("{:x}\r\n", content.len()).bytes());
        bytes.extend(content);
        bytes.extend(format!("\r\n{end}").bytes());
        bytes
    };
    let plain = |url: &str, content: &[u8]| {
        let mut bytes = head(url, "Content-Length: 300000");
        bytes.extend(content);
        bytes
    };
    let html = [&b"<html><script>alert(1)</script>"[..], &b" ".repeat(299_969)].concat();
    let mut refused = Vec::new();
    for (what, status) in [
        ("more than announced", Some(413)),
        ("less than announced", Some(400)),
        ("another type", Some(415)),
        ("a sender that goes away", Some(400)),
        ("a sender that falls silent", Some(408)),
    ] {
        let (id, url) = announced(300_000).await;
        let (bytes, and_close) = match what {
            "more than announced" => (chunked(&url, &longer, "0\r\n\r\n"), false),
            "less than announced" => (chunked(&url, &content[..200_000], "0\r\n\r\n"), false),
            "another type" => (plain(&url, &html), false),
            "a sender that goes away" => (plain(&url, &content[..200_000]), true),
            _ => (plain(&url, &content[..200_000]), false),
        };
        let answered = raw(app.addr, bytes, and_close).await;
        // Who goes away may hear nothing any more.
        assert!(
            answered == status || (and_close && answered.is_none()),
            "{what}: {answered:?}"
        );
        refused.push((what, id, url));
    }
    eventually("all five are written down", async || {
        (app.audited("file.upload_refused").await == 5).then_some(())
    })
    .await;
    for (what, id, url) in &refused {
        assert_eq!(claim(&app, &ctx, uuid_of(id)).await, ["Conflict"], "{what}");
        assert_eq!(put(&agent, url, &content).await.0, StatusCode::CONFLICT, "{what}");
    }
    assert_eq!(folder.objects().len(), 1, "only what was taken lies there");
    app.finish().await;
}

#[tokio::test]
async fn only_files_of_kinds_and_sizes_that_are_taken_are_announced() {
    let app = TestApp::start().await;
    let (admin, agent) = (app.acme.sign_in("admin").await, app.acme.agent().await);
    for (purpose, name, size, field) in [
        ("DOCUMENT", "page.html", 10, "fileName"),
        ("DOCUMENT", "letter.pdf.exe", 10, "fileName"),
        ("DOCUMENT", "macros.docm", 10, "fileName"),
        ("PROFILE_PHOTO", "me.svg", 10, "fileName"),
        ("PROFILE_PHOTO", "me.png", 5 * 1024 * 1024 + 1, "size"),
        ("DOCUMENT", "scan.tif", 10 * 1024 * 1024 + 1, "size"),
        ("DOCUMENT", "empty.txt", 0, "size"),
    ] {
        let payload = announce(&agent, purpose, name, size).await;
        assert_eq!(
            payload["userErrors"][0]["field"],
            json!(["input", field]),
            "{payload}"
        );
        assert!(payload["upload"].is_null());
    }
    let mut tx = app
        .app
        .db
        .tenant(&app.service_ctx(&app.acme).await)
        .await
        .unwrap();
    assert!(
        files::set_document_limit(&mut tx, Some(50 * 1024 * 1024 + 1))
            .await
            .is_err()
    );
    files::set_document_limit(&mut tx, Some(20 * 1024 * 1024))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let payload = announce(&agent, "DOCUMENT", "scan.tif", 20 * 1024 * 1024).await;
    assert_eq!(payload["upload"]["maxBytes"], 20 * 1024 * 1024);
    assert_eq!(payload["upload"]["expiresAt"], "2026-06-10T17:15:00+00:00");

    // Agents bring documents, but place no accounts.
    let import = agent
        .gql(
            "mutation { createUpload(input: { purpose: ACCOUNT_IMPORT, fileName: \"a.csv\", size: 9 }) { upload { id } } }",
            json!({}),
        )
        .await;
    assert_eq!(crate::support::error_code(&import), "FORBIDDEN");
    let import = announce(&admin, "ACCOUNT_IMPORT", "a.csv", 50_000_000).await;
    assert_eq!(user_errors(&import), Vec::<&str>::new());

    let mut answers = Vec::new();
    for _ in 0..100 {
        answers.push(announce(&agent, "DOCUMENT", "a.txt", 1).await);
    }
    let refused = answers
        .iter()
        .filter(|payload| payload["upload"].is_null())
        .count();
    assert_eq!(refused, 1, "a hundred wait at most, and one did before");
    assert_eq!(user_errors(&answers[99]), ["QUOTA_EXCEEDED"]);
    app.finish().await;
}

#[tokio::test]
async fn what_nobody_uses_goes_after_a_day_and_what_is_used_stays() {
    let folder = Folder::new();
    let app = start(&folder).await;
    let agent = app.acme.agent().await;
    let ctx = ctx_of(&app, &app.acme, &agent).await;
    let content = pdf(1_000);
    let used = upload(&agent, "DOCUMENT", "used.pdf", &content).await;
    let unused = upload(&agent, "DOCUMENT", "unused.pdf", &content).await;
    let (awaited, _) = announced(&agent, "DOCUMENT", "awaited.pdf", 1_000).await;
    let report = files::NewFile {
        purpose: files::Purpose::ImportReport,
        name: "report.csv".to_owned(),
        media_type: "text/csv",
    };
    let mut writer = app.app.files.begin(&ctx, report.clone()).await.unwrap();
    writer.write(b"row,error\r\n").await.unwrap();
    let kept = writer.finish().await.unwrap();
    let mut writer = app.app.files.begin(&ctx, report).await.unwrap();
    writer.write(b"never finished").await.unwrap();
    drop(writer);
    assert_eq!(claim(&app, &ctx, uuid_of(&used)).await, Vec::<String>::new());
    let mut tx = app.app.db.tenant(&ctx).await.unwrap();
    let in_three_days = tx.now() + TimeDelta::days(3);
    files::keep(&mut tx, &kept, Some(in_three_days)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(folder.objects().len(), 3);

    app.advance(TimeDelta::hours(23)).await;
    assert_eq!(folder.objects().len(), 3);
    app.advance(TimeDelta::hours(2)).await;
    assert_eq!(folder.objects().len(), 2);
    for gone in [&unused, &awaited] {
        assert_eq!(claim(&app, &ctx, uuid_of(gone)).await, ["Conflict"]);
    }
    let (row, mut reader) = app.app.files.open(&ctx, kept.id).await.unwrap();
    let mut text = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut text)
        .await
        .unwrap();
    assert_eq!((row.size, text.as_str()), (Some(11), "row,error\r\n"));

    app.advance(TimeDelta::days(2)).await;
    assert_eq!(folder.objects().len(), 1, "what is used has no end");
    assert!(app.app.files.open(&ctx, kept.id).await.is_err());
    assert!(app.app.files.open(&ctx, uuid_of(&used)).await.is_ok());
    app.finish().await;
}

#[tokio::test]
async fn one_upload_too_many_waits_and_keeps_its_link() {
    let app = TestApp::start_with(Options {
        settings: vec![
            ("UPLOADS_AT_ONCE", "1".to_owned()),
            ("UPLOAD_IDLE_SECONDS", "1".to_owned()),
        ],
        ..Options::default()
    })
    .await;
    let agent = app.acme.agent().await;
    let (_, slow) = announced(&agent, "DOCUMENT", "slow.txt", 10).await;
    let (_, next) = announced(&agent, "DOCUMENT", "next.txt", 10).await;
    let silent = [head(&slow, "Content-Length: 10").as_slice(), b"12345"].concat();
    let stalled = tokio::spawn(raw(app.addr, silent, false));
    let mut superuser = app.superuser().await;
    eventually("the slow one is being received", async || {
        let receiving: i64 = superuser
            .fetch_one("SELECT count(*) FROM files WHERE state = 'WRITING'")
            .await
            .unwrap()
            .get(0);
        (receiving == 1).then_some(())
    })
    .await;
    let (status, answer) = put(&agent, &next, b"0123456789").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    assert_eq!(stalled.await.unwrap(), Some(408));
    assert_eq!(put(&agent, &next, b"0123456789").await.0, StatusCode::CREATED);
    app.finish().await;
}

#[tokio::test]
async fn a_slow_line_keeps_nobody_else_waiting() {
    let app = TestApp::start_with(Options {
        settings: vec![
            ("UPLOADS_AT_ONCE", "3".to_owned()),
            ("UPLOADS_AT_ONCE_PER_BUSINESS", "2".to_owned()),
            ("UPLOADS_AT_ONCE_PER_CALLER", "1".to_owned()),
        ],
        ..Options::default()
    })
    .await;
    let clients = [
        app.acme.agent().await,
        app.acme.sign_in("manager").await,
        app.acme.sign_in("admin").await,
        app.globex.agent().await,
    ];
    let [agent, manager, admin, stranger] = &clients;
    let mut links = Vec::new();
    for client in [agent, manager, agent, admin, stranger] {
        links.push(announced(client, "DOCUMENT", "note.txt", 10).await.1);
    }
    let mut superuser = app.superuser().await;
    let mut slow = Vec::new();
    for (link, count) in links[..2].iter().zip(1_i64..) {
        let mut line = TcpStream::connect(app.addr).unwrap();
        line.write_all(&head(link, "Content-Length: 10")).unwrap();
        line.write_all(b"12345").unwrap();
        slow.push(line);
        eventually("the slow one is being received", async || {
            let receiving: i64 = superuser
                .fetch_one("SELECT count(*) FROM files WHERE state = 'WRITING'")
                .await
                .unwrap()
                .get(0);
            (receiving == count).then_some(())
        })
        .await;
    }
    for (client, link, whose) in [
        (agent, &links[2], "You send"),
        (admin, &links[3], "Your business"),
    ] {
        let (status, answer) = put(client, link, b"0123456789").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        assert!(answer.to_string().contains(whose), "{answer}");
    }
    let (status, answer) = put(stranger, &links[4], b"0123456789").await;
    assert_eq!(
        status,
        StatusCode::CREATED,
        "the other business has its place: {answer}"
    );
    // Whoever goes away gives their place back.
    drop(slow);
    for (client, link) in [(agent, &links[2]), (admin, &links[3])] {
        eventually("there is a place again", async || {
            let (status, _) = put(client, link, b"0123456789").await;
            (status == StatusCode::CREATED).then_some(())
        })
        .await;
    }
    app.finish().await;
}
