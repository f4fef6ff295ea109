//! Logs, traces and metrics of the process.
//!
//! - **Logs** go to standard output, as one JSON object per line in production and as readable lines in
//!   development.
//! - **Traces** are exported over OTLP (HTTP, protobuf) when an endpoint is configured.
//! - **Metrics** are kept in memory and rendered as Prometheus text by [`prometheus_handle`].
//!
//! # What may stand in a log field
//!
//! Logs and traces leave the machine and are kept by others. A field therefore holds only:
//! ids (TypeID or UUID), enum words, counts, durations, status codes, error *categories*, and texts written
//! in our source. Never: names, addresses, telephone numbers, message bodies, amounts of a person's debt,
//! URLs with queries, headers, credentials, or an error text that may quote its input.
//!
//! Two things make that hold without everybody thinking of it. Personal data and secrets travel in types
//! that print as a mask ([`Masked`](crate::platform::secret::Masked), `PhoneNumber`, `EmailAddress`,
//! `SecretString`), and those have no `Serialize`. And the libraries beneath us that would print requests
//! or statements are silenced by [`LIBRARIES_KEPT_QUIET`], whatever the filter setting says.

mod export;

use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, registry};

/// Targets whose debug output repeats what they carry (statements with parameters, headers, bodies): never
/// logged below a warning, and not traced at all.
pub const LIBRARIES_KEPT_QUIET: &[&str] = &[
    "graphile_worker",
    "h2",
    "hyper",
    "hyper_util",
    "lettre",
    "opentelemetry",
    "redis",
    "reqwest",
    "rustls",
    "sqlx",
    "tungstenite",
];

/// How often histograms are folded, so that they do not grow between scrapes.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of all histograms that are named `…_seconds`.
const SECONDS_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Readable lines, with colours on a terminal.
    Text,
}

impl FromStr for LogFormat {
    type Err = LogFormatError;

    fn from_str(text: &str) -> Result<Self, LogFormatError> {
        match text {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err(LogFormatError),
        }
    }
}

/// The text names no log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `json` or `text`")]
pub struct LogFormatError;

/// What [`init`] needs to know.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// The name of the process in traces, such as `funnelchat`.
    pub service_name: &'static str,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines appear, in the syntax of `RUST_LOG`, such as `info,funnelchat::campaigns=debug`.
    pub log_filter: String,
    /// The OTLP collector, such as `http://127.0.0.1:4318`; `/v1/traces` is added to it.
    pub otlp_endpoint: Option<url::Url>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not in the syntax of `RUST_LOG`.
    #[error("the log filter is not valid: {0}; write, for example, `info` or `warn,funnelchat=debug`")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// A log subscriber is installed already.
    #[error("telemetry was set up twice in one process")]
    AlreadyInstalled,
    /// The exporter refused its settings.
    #[error("traces cannot be exported to the OTLP endpoint: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The metrics recorder could not be installed.
    #[error("metrics cannot be recorded: {0}")]
    Metrics(String),
    /// Exporting traces and folding metrics need a runtime.
    #[error("telemetry must be set up within a tokio runtime")]
    NoRuntime,
}

/// Keeps telemetry running; hand it to [`shutdown`](Guard::shutdown) when the process ends, so that the
/// last traces arrive.
#[derive(Debug)]
#[must_use = "traces stop when the guard is dropped"]
pub struct Guard {
    traces: Option<SdkTracerProvider>,
    upkeep: tokio::task::JoinHandle<()>,
}

/// Sets up logs, traces and metrics for the whole process. Call once, within the tokio runtime that will
/// run the exporter.
///
/// # Errors
/// When the filter or the endpoint is not usable, or when called twice.
pub fn init(config: TelemetryConfig) -> Result<Guard, TelemetryError> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| TelemetryError::NoRuntime)?;
    let traces = match &config.otlp_endpoint {
        Some(endpoint) => Some(export::tracer_provider(
            config.service_name,
            endpoint,
            runtime.clone(),
        )?),
        None => None,
    };
    subscriber(&config, traces.as_ref(), std::io::stdout)?
        .try_init()
        .map_err(|_| TelemetryError::AlreadyInstalled)?;
    let metrics = prometheus_handle()?;
    let upkeep = runtime.spawn(async move {
        loop {
            tokio::time::sleep(METRICS_UPKEEP).await;
            metrics.run_upkeep();
        }
    });
    Ok(Guard { traces, upkeep })
}

/// The process's metrics; `render()` gives the Prometheus text. The first call installs the recorder.
///
/// # Errors
/// When another recorder is installed already.
pub fn prometheus_handle() -> Result<PrometheusHandle, TelemetryError> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    let install = || {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS_BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| error.to_string())
    };
    HANDLE
        .get_or_init(install)
        .clone()
        .map_err(TelemetryError::Metrics)
}

impl Guard {
    /// Sends what is still buffered, for at most `patience`, and stops.
    pub async fn shutdown(mut self, patience: Duration) {
        let Some(traces) = self.traces.take() else {
            return;
        };
        // On a thread of its own: it blocks until the exporter, which runs on this runtime, has finished.
        let flushed = tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(patience))
            .await
            .map_err(|_| ());
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be exported");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.upkeep.abort();
    }
}

/// The log and trace layers, writing to `writer`.
fn subscriber<W>(
    config: &TelemetryConfig,
    traces: Option<&SdkTracerProvider>,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let logs = tracing_subscriber::fmt::layer().with_writer(writer);
    let logs = match config.log_format {
        LogFormat::Json => logs.json().flatten_event(true).with_span_list(false).boxed(),
        LogFormat::Text => logs.with_ansi(std::io::stdout().is_terminal()).boxed(),
    };
    // Checked as a whole whatever becomes of it: `Targets` would take a span for the name of a target.
    let chosen = EnvFilter::builder().parse(&config.log_filter)?;
    // A filter that names no spans need not be asked at each poll of each request.
    let chosen = match targets(&config.log_filter) {
        Some(targets) if !config.log_filter.contains('[') => Chosen::Targets(Box::new(targets)),
        _ => Chosen::Lines(Box::new(chosen)),
    };
    let quiet = quiet_libraries(LevelFilter::TRACE, LevelFilter::WARN);
    Ok(match traces {
        // One filter before all: a layer with a filter of its own asks it whenever a request's span is entered, at
        // each poll of each request.
        None => Box::new(registry().with(logs).with(quiet).with(chosen.before_all())),
        Some(provider) => {
            let exported = tracing_opentelemetry::layer()
                .with_tracer(provider.tracer(config.service_name))
                .with_filter(quiet_libraries(LevelFilter::INFO, LevelFilter::OFF))
                .boxed();
            let logs = logs.with_filter(chosen.of_layer().and(quiet)).boxed();
            // Side by side: each has a filter of its own.
            Box::new(registry().with(vec![exported, logs]))
        }
    })
}

/// What the settings choose of the log lines.
enum Chosen {
    Targets(Box<Targets>),
    Lines(Box<EnvFilter>),
}

impl Chosen {
    fn before_all<S: Subscriber>(self) -> Box<dyn Layer<S> + Send + Sync> {
        match self {
            Self::Targets(targets) => Layer::boxed(*targets),
            Self::Lines(lines) => Layer::boxed(*lines),
        }
    }

    fn of_layer(self) -> Box<dyn Filter<Registry> + Send + Sync> {
        match self {
            Self::Targets(targets) => targets,
            Self::Lines(lines) => lines,
        }
    }
}

/// The filter without its empty parts, which `EnvFilter` passes over and `Targets` takes for a level.
fn targets(filter: &str) -> Option<Targets> {
    let parts: Vec<&str> = filter.split(',').filter(|part| !part.trim().is_empty()).collect();
    parts.join(",").parse().ok()
}

/// Everything up to `ours`, the quiet libraries up to `theirs`.
fn quiet_libraries(ours: LevelFilter, theirs: LevelFilter) -> Targets {
    Targets::new()
        .with_default(ours)
        .with_targets(LIBRARIES_KEPT_QUIET.iter().map(|target| (*target, theirs)))
}

#[cfg(test)]
mod tests;
