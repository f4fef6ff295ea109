//! The service sends mail.

use lettre::message::MultiPart;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::support::Stage;

fn transport(stage: &Stage) -> AsyncSmtpTransport<Tokio1Executor> {
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(stage.sandbox.smtp_addr().port())
        .build()
}

#[tokio::test]
async fn a_mail_is_shown_as_a_person_reads_it() {
    let stage = Stage::set().await;
    let long = format!("Grüße!\r\n.one dot\r\n..two dots\r\n.\r\n{}", "ö".repeat(300));
    let mail = Message::builder()
        .from("Jörg Müller <collect@acme.example>".parse().unwrap())
        .to("Dora <dora@debtor.example>".parse().unwrap())
        .bcc("audit@acme.example".parse().unwrap())
        .subject("Ihre Rückstände – bitte zahlen 🙂 ".repeat(4).trim())
        .multipart(MultiPart::alternative_plain_html(
            long.clone(),
            "<p>Grüße!</p>".to_owned(),
        ))
        .unwrap();
    transport(&stage).send(mail).await.unwrap();

    let (_, mailbox) = stage.get("/control/email?to=DORA@debtor.example").await;
    assert_eq!(mailbox.as_array().unwrap().len(), 1);
    let mail = &mailbox[0];
    assert_eq!(mail["from"], "collect@acme.example");
    assert_eq!(mail["from_name"], "Jörg Müller");
    assert_eq!(mail["to"], "dora@debtor.example");
    assert_eq!(
        mail["subject"],
        "Ihre Rückstände – bitte zahlen 🙂 ".repeat(4).trim()
    );
    assert_eq!(mail["text"].as_str().unwrap().trim_end(), long);
    assert_eq!(mail["html"].as_str().unwrap().trim_end(), "<p>Grüße!</p>");
    assert_eq!(mail["at"], "2026-03-02T15:04:05Z");
    assert!(!mail["headers"].as_array().unwrap().is_empty());
    assert_eq!(
        stage.sandbox.state().mails_to("audit@acme.example").len(),
        1,
        "a blind copy arrives too"
    );
    assert_eq!(stage.get("/control/email").await.1.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_mail_of_plain_text_has_no_html_and_the_other_way_round() {
    let stage = Stage::set().await;
    let builder = || {
        Message::builder()
            .from("a@example.com".parse().unwrap())
            .to("b@example.com".parse().unwrap())
            .subject("Hi")
    };
    let smtp = transport(&stage);
    smtp.send(builder().body("Only text".to_owned()).unwrap())
        .await
        .unwrap();
    let html = lettre::message::SinglePart::html("<b>Only HTML</b>".to_owned());
    smtp.send(builder().singlepart(html).unwrap()).await.unwrap();
    let mails = stage.sandbox.state().mails();
    assert_eq!(
        (mails[0].text.as_deref().map(str::trim), mails[0].html.as_deref()),
        (Some("Only text"), None)
    );
    let html = mails[1].html.as_deref().map(str::trim);
    assert_eq!((mails[1].text.as_deref(), html), (None, Some("<b>Only HTML</b>")));
}

/// Speaks SMTP line by line and answers the replies' codes.
async fn converse(stage: &Stage, lines: &[&str]) -> Vec<String> {
    let mut stream = BufReader::new(TcpStream::connect(stage.sandbox.smtp_addr()).await.unwrap());
    let mut codes = Vec::new();
    let mut reply = String::new();
    stream.read_line(&mut reply).await.unwrap();
    for line in lines {
        // Writing to a closed conversation fails or not, as timing has it; reading tells for sure.
        let _ = stream.write_all(format!("{line}\r\n").as_bytes()).await;
        loop {
            reply.clear();
            if stream.read_line(&mut reply).await.unwrap_or(0) == 0 {
                codes.push("closed".to_owned());
                return codes;
            }
            if reply.as_bytes().get(3) == Some(&b' ') {
                break;
            }
        }
        codes.push(reply[..3].to_owned());
    }
    codes
}

#[tokio::test]
async fn the_order_of_commands_is_kept() {
    let stage = Stage::set().await;
    let codes = converse(
        &stage,
        &[
            "NOOP",
            "RCPT TO:<b@example.com>",
            "DATA",
            "HELO me",
            "MAIL FROM:nobody",
            "mail from:<a@example.com> SIZE=99999999",
            "mail from:<a@example.com> size=10 body=8bitmime",
            "MAIL FROM:<a@example.com>",
            "RCPT TO:<nobody>",
            "rcpt to:<b@example.com>",
            "RSET",
            "DATA",
            "VRFY b",
            "QUIT",
            "NOOP",
        ],
    )
    .await;
    let expected = [
        "250", "503", "503", "250", "501", "552", "250", "503", "501", "250", "250", "503", "502", "221",
        "closed",
    ];
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn what_is_too_long_is_refused_without_being_kept() {
    let stage = Stage::set().await;
    let endless = "X".repeat(4_000);
    assert_eq!(converse(&stage, &[&endless]).await, ["500"]);

    let line = "a".repeat(1_000_000);
    let mail = format!("Subject: big\r\n\r\n{}.", format!("{line}\r\n").repeat(11));
    let codes = converse(
        &stage,
        &[
            "HELO me",
            "MAIL FROM:<>",
            "RCPT TO:<b@example.com>",
            "DATA",
            &mail,
            "RCPT TO:<b@example.com>",
        ],
    )
    .await;
    assert_eq!(codes, ["250", "250", "250", "354", "552", "503"]);
    assert!(stage.sandbox.state().mails().is_empty());
}

#[tokio::test]
async fn a_mail_without_headers_and_with_dots_is_kept_too() {
    let stage = Stage::set().await;
    let codes = converse(
        &stage,
        &[
            "HELO me",
            "MAIL FROM:<>",
            "RCPT TO:<b@example.com>",
            "DATA",
            "\r\nbare\r\n..dots\r\n.",
        ],
    )
    .await;
    assert_eq!(codes.last().unwrap(), "250");
    let (_, mailbox) = stage.get("/control/email?to=b%40example.com").await;
    assert_eq!(mailbox[0]["from"], "");
    assert_eq!(mailbox[0]["from_name"], json!(null));
    assert_eq!(mailbox[0]["subject"], "");
    assert_eq!(
        mailbox[0]["text"].as_str().unwrap().trim(),
        "bare\r\n.dots",
        "the stuffed dot is gone"
    );
}
