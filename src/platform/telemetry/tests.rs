//! Logs, traces and metrics as an operator would see them.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::sync::mpsc;
use url::Url;

use super::*;
use crate::platform::email::EmailAddress;
use crate::platform::secret::{Masked, SecretString};

/// Collects what is logged.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn config(log_format: LogFormat, log_filter: &str) -> TelemetryConfig {
    TelemetryConfig {
        service_name: "funnelchat",
        log_format,
        log_filter: log_filter.to_owned(),
        otlp_endpoint: None,
    }
}

fn logged(config: &TelemetryConfig, act: impl FnOnce()) -> String {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = subscriber(config, None, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, act);
    captured.text()
}

#[test]
fn production_logs_are_one_json_object_per_line() {
    let text = logged(&config(LogFormat::Json, "info"), || {
        let _span = tracing::info_span!("request", request_id = "r-1").entered();
        tracing::info!(attempt = 2, "sent");
        tracing::debug!("not shown");
    });
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!(
        (&lines[0]["message"], &lines[0]["attempt"], &lines[0]["level"]),
        (&"sent".into(), &2.into(), &"INFO".into())
    );
    assert_eq!(
        lines[0]["span"]["request_id"], "r-1",
        "lines of one request are found by its id"
    );
}

#[test]
fn personal_data_and_secrets_are_masked_in_both_formats() {
    let name = Masked::from("Ada Lovelace");
    let address = EmailAddress::parse("ada@example.com").unwrap();
    let token = SecretString::from("hunter2");
    for format in [LogFormat::Json, LogFormat::Text] {
        let text = logged(&config(format, "trace"), || {
            let _span = tracing::info_span!("import", ?name).entered();
            tracing::info!(%name, ?address, ?token, "row {name:?} of {address:?}");
        });
        assert!(text.contains("***"), "{text}");
        for leak in ["Ada", "Lovelace", "ada@example.com", "hunter2"] {
            assert!(!text.contains(leak), "{leak} leaked: {text}");
        }
    }
}

#[test]
fn libraries_that_print_what_they_carry_stay_quiet_whatever_the_filter_says() {
    let text = logged(&config(LogFormat::Text, "trace,sqlx=trace"), || {
        tracing::debug!(target: "sqlx::query", "SELECT 'Ada'");
        tracing::trace!(target: "hyper_util::client", "Authorization: Bearer abc");
        tracing::warn!(target: "sqlx::query", "slow statement");
        tracing::trace!(target: "funnelchat::accounts", "ours");
    });
    assert!(!text.contains("Ada") && !text.contains("Bearer"), "{text}");
    assert!(text.contains("slow statement") && text.contains("ours"), "{text}");
}

#[test]
fn a_filter_that_cannot_be_read_is_refused() {
    let refused = subscriber(&config(LogFormat::Text, "funnelchat=loud"), None, std::io::sink).map(|_| ());
    assert!(matches!(refused, Err(TelemetryError::Filter(_))));
}

#[test]
fn log_formats_are_named_by_their_words() {
    assert_eq!("json".parse(), Ok(LogFormat::Json));
    assert_eq!("text".parse(), Ok(LogFormat::Text));
    assert_eq!("JSON".parse::<LogFormat>(), Err(LogFormatError));
}

/// A collector on an ephemeral port that hands over each request's content type and body.
async fn collector() -> (Url, mpsc::UnboundedReceiver<(String, Bytes)>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receive = move |headers: HeaderMap, body: Bytes| {
        let sender = sender.clone();
        async move {
            let content_type = headers["content-type"].to_str().unwrap().to_owned();
            sender.send((content_type, body)).unwrap();
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let router = Router::new().route("/v1/traces", post(receive));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, receiver)
}

#[tokio::test]
async fn traces_reach_the_collector_before_the_process_ends() {
    let (url, mut received) = collector().await;
    let runtime = tokio::runtime::Handle::current();
    let provider = export::tracer_provider("funnelchat", &url, runtime.clone()).unwrap();
    let subscriber = subscriber(&config(LogFormat::Json, "off"), Some(&provider), std::io::sink).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let _span = tracing::info_span!("send_message", message_id = "msg_1").entered();
        let _noise = tracing::info_span!(target: "hyper_util::client", "library_noise").entered();
    });
    let guard = Guard {
        traces: Some(provider),
        upkeep: runtime.spawn(std::future::pending()),
    };
    guard.shutdown(Duration::from_secs(5)).await;

    let (content_type, body) = received
        .try_recv()
        .expect("the batch arrived before shutdown returned");
    assert_eq!(content_type, "application/x-protobuf");
    let body = String::from_utf8_lossy(&body);
    for part in ["funnelchat", "send_message", "message_id", "msg_1"] {
        assert!(body.contains(part), "{part} is missing");
    }
    assert!(!body.contains("library_noise"));
}

#[tokio::test]
async fn a_collector_that_is_away_delays_the_end_of_the_process_only_so_long() {
    let runtime = tokio::runtime::Handle::current();
    let nobody_there = "http://127.0.0.1:1".parse().unwrap();
    let provider = export::tracer_provider("funnelchat", &nobody_there, runtime.clone()).unwrap();
    let subscriber = subscriber(&config(LogFormat::Json, "off"), Some(&provider), std::io::sink).unwrap();
    tracing::subscriber::with_default(subscriber, || drop(tracing::info_span!("lost").entered()));
    let guard = Guard {
        traces: Some(provider),
        upkeep: runtime.spawn(std::future::pending()),
    };
    let ended = guard.shutdown(Duration::from_secs(2));
    tokio::time::timeout(Duration::from_secs(8), ended)
        .await
        .expect("the process may end");
}

/// The one test that touches the process's globals.
#[tokio::test]
async fn init_installs_everything_once() {
    let guard = init(config(LogFormat::Text, "off")).unwrap();
    metrics::counter!("telemetry_test_total", "outcome" => "ok").increment(3);
    metrics::histogram!("telemetry_test_seconds").record(0.03);
    let text = prometheus_handle().unwrap().render();
    assert!(text.contains("telemetry_test_total{outcome=\"ok\"} 3"), "{text}");
    assert!(
        text.contains("telemetry_test_seconds_bucket{le=\"0.05\"} 1"),
        "{text}"
    );
    assert!(matches!(
        init(config(LogFormat::Text, "off")),
        Err(TelemetryError::AlreadyInstalled)
    ));
    guard.shutdown(Duration::from_secs(1)).await;
}

#[test]
fn init_outside_a_runtime_says_so() {
    assert!(matches!(
        init(config(LogFormat::Text, "off")),
        Err(TelemetryError::NoRuntime)
    ));
}
