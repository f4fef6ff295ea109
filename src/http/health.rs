//! Whether the process can serve, for load balancers and people; and its figures for Prometheus.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

use super::HttpState;

/// Alive and connected: 200; else 503, saying what is missing.
pub(super) async fn health(State(state): State<Arc<HttpState>>) -> impl IntoResponse {
    let database = match tokio::time::timeout(Duration::from_secs(2), state.db.ping()).await {
        Ok(Ok(())) => "ok",
        _ => "unavailable",
    };
    let stopping = state.stopping.is_cancelled();
    let healthy = database == "ok" && !stopping;
    let status = if healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = serde_json::json!({
        "status": if healthy { "ok" } else if stopping { "stopping" } else { "unavailable" },
        "database": database,
        "version": env!("CARGO_PKG_VERSION"),
        "time": state.db.clock().now(),
    });
    (status, Json(body))
}

fn level(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Figures in Prometheus' text format.
pub(super) async fn metrics(State(state): State<Arc<HttpState>>) -> impl IntoResponse {
    // What has a level rather than a count is read when somebody asks.
    let (app, system) = state.db.open_connections();
    metrics::gauge!("db_connections", "role" => "app").set(f64::from(app));
    metrics::gauge!("db_connections", "role" => "system").set(f64::from(system));
    metrics::gauge!("live_topics").set(level(state.db.live().topics()));
    metrics::gauge!("live_connections").set(level(state.connections.open()));
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        state.metrics.render(),
    )
}
