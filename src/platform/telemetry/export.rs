//! Export of traces over OTLP.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use url::Url;

use super::TelemetryError;

/// How long the collector may take for one batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// A provider that sends batches of spans to `endpoint`, with its network work on `runtime`.
pub(super) fn tracer_provider(
    service_name: &'static str,
    endpoint: &Url,
    runtime: Handle,
) -> Result<SdkTracerProvider, TelemetryError> {
    // The HTTP client panics without a process-wide TLS provider. Installing it a second time is refused,
    // which only says that somebody was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = OtlpExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(traces_url(endpoint))
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(OnRuntime {
            exporter: Arc::new(exporter),
            runtime,
        })
        .with_resource(Resource::builder().with_service_name(service_name).build())
        .build())
}

/// The endpoint is the collector's base, as `OTEL_EXPORTER_OTLP_ENDPOINT` defines it: the signal's path is
/// appended to it.
fn traces_url(endpoint: &Url) -> String {
    format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'))
}

/// Runs an exporter's network work on the tokio runtime.
///
/// The SDK drives exporters from a plain thread of its own, where the asynchronous HTTP client finds no
/// reactor and panics; its runtime-aware processor is experimental.
#[derive(Debug)]
struct OnRuntime {
    exporter: Arc<OtlpExporter>,
    runtime: Handle,
}

impl SpanExporter for OnRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = self.exporter.clone();
        let sent = self
            .runtime
            .spawn(async move { exporter.export(batch).await })
            .await;
        sent.unwrap_or_else(|_| Err(OTelSdkError::InternalFailure("the runtime has stopped".into())))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Called once, by the provider's builder, before the first export can have cloned the exporter.
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signals_path_is_appended_to_the_collectors_base() {
        let url = |base: &str| traces_url(&base.parse().unwrap());
        assert_eq!(url("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(
            url("https://collector.example/otel/"),
            "https://collector.example/otel/v1/traces"
        );
    }
}
