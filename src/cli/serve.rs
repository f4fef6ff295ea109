//! `serve`: the API process.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::{
    app::{App, Databases},
    config::Config,
    http,
    platform::clock::SystemWallClock,
};

/// Serves until told to stop, then drains.
pub(super) async fn serve(config: &Config) -> anyhow::Result<()> {
    let urls = config
        .database
        .urls
        .as_ref()
        .context("DATABASE_URL is not set: `funnelchat dev` brings its own database")?;
    let app = App::build(config, &Databases::parse(urls)?, Arc::new(SystemWallClock)).await?;
    super::rule_sets::follow_active_rules(&app).await?;
    app.start_background().await?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("FUNNELCHAT_LISTEN: cannot listen on {}", config.listen))?;
    tracing::info!(listen = %listener.local_addr()?, "serving");
    serve_until(&app, listener, super::stop_signal(), config.shutdown_grace).await?;
    app.close().await;
    Ok(())
}

/// Serves on `listener` until `stop`; then sockets are told to reconnect elsewhere (1012), running requests finish
/// within `grace`, and new ones are not taken.
pub(super) async fn serve_until(
    app: &App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> anyhow::Result<()> {
    let service = http::router(app.http.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = app.stopping.clone();
    let begun = app.stopping.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        tracing::info!("stopping: requests and sockets drain");
        stopping.cancel();
    });
    let deadline = async {
        begun.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        served = server => served.context("the server failed")?,
        () = deadline => tracing::warn!("some requests did not finish in time"),
    }
    Ok(())
}
