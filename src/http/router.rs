//! All routes of the service.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::IntoResponse,
    routing::{get, post, put},
};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use super::{
    client_address, cross_origin, debtor_link, files, graphiql::graphiql, health, observe, opt_out,
    stripe_webhooks, twilio_webhooks,
};
use crate::{
    compliance::OptOutLinks,
    conversations::Conversations,
    files::Files,
    graphql::{
        GraphqlEngine, sdl,
        transport::{self, Connections, Engine as _},
    },
    payments::Payments,
    platform::{
        clock::WallClock,
        db::Db,
        net::TrustedProxies,
        rate_limit::{RateLimiter, RateLimits},
        request_id::{RequestIds, assign_request_id},
    },
};

/// What the routes share.
pub struct HttpState {
    pub db: Db,
    pub conversations: Conversations,
    pub payments: Payments,
    /// What Stripe signs webhooks with: two while the secret is rolled, none where Stripe is not configured.
    pub stripe_webhook_secrets: Vec<SecretString>,
    /// Whether the platform's key is one for real money: reports of the other kind are refused.
    pub stripe_is_live: bool,
    pub opt_out_links: OptOutLinks,
    pub files: Files,
    pub engine: Arc<GraphqlEngine>,
    pub connections: Connections,
    pub limiter: Arc<RateLimiter>,
    pub rate_limits: RateLimits,
    pub wall: Arc<dyn WallClock>,
    pub trusted_proxies: TrustedProxies,
    pub public_base_url: String,
    pub metrics: PrometheusHandle,
    pub request_ids: Arc<RequestIds>,
    /// Development: GraphiQL is served.
    pub development: bool,
    /// Fires when the process begins to stop.
    pub stopping: CancellationToken,
}

/// A webhook's body is a form of a few kilobytes.
const WEBHOOK_BODY: usize = 64 * 1024;
/// Stripe tells whole objects.
const STRIPE_BODY: usize = 512 * 1024;

/// Builds the router. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`.
pub fn router(state: Arc<HttpState>) -> Router {
    let mut limited = transport::router_with_connections(state.engine.clone(), state.connections.clone())
        .route("/schema.graphql", get(schema_graphql));
    if state.development {
        limited = limited.route("/graphiql", get(graphiql));
    }
    let limited = limited.layer(middleware::from_fn_with_state(
        state.clone(),
        client_address::limit,
    ));
    let webhooks = Router::new()
        .route("/webhooks/twilio/sms", post(twilio_webhooks::inbound))
        .route("/webhooks/twilio/status", post(twilio_webhooks::status))
        // Where earlier consoles point.
        .route("/api/v1/webhooks/twilio/sms", post(twilio_webhooks::inbound))
        .route("/api/v1/webhooks/twilio/status", post(twilio_webhooks::status))
        .route("/webhook/twilio", post(twilio_webhooks::inbound))
        .layer(DefaultBodyLimit::max(WEBHOOK_BODY));
    let reports = Router::new()
        .route("/webhooks/stripe", post(stripe_webhooks::receive))
        .route("/api/v1/webhooks/stripe", post(stripe_webhooks::receive))
        .route("/webhook/stripe", post(stripe_webhooks::receive))
        .layer(DefaultBodyLimit::max(STRIPE_BODY));
    let figures = Router::new()
        .route("/api/v1/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .route("/api/v1/metrics", get(health::metrics))
        .route("/d/{token}", get(debtor_link::page))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            client_address::limit,
        ));
    // With limits of their own: a mail service answers many people's links from few addresses.
    let opt_out = Router::new()
        .route("/unsubscribe/{token}", get(opt_out::page).post(opt_out::answer))
        .layer(DefaultBodyLimit::max(opt_out::MOST_BYTES));
    // A content streams through: its size is limited by what was announced, its time by the upload's own timeouts.
    let files = Router::new()
        .route("/uploads/{token}", put(files::upload))
        .route("/files/{token}", get(files::download))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(
            state.clone(),
            client_address::limit,
        ));
    Router::new()
        .merge(webhooks)
        .merge(reports)
        .merge(figures)
        .merge(opt_out)
        .merge(files)
        .with_state(state.clone())
        .merge(limited)
        .fallback(not_found)
        .layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn_with_state(
                    state.request_ids.clone(),
                    assign_request_id,
                ))
                .layer(middleware::from_fn_with_state(
                    state.clone(),
                    client_address::establish,
                ))
                .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
                .layer(cross_origin::layer(&state.engine.limits().allowed_origins))
                .layer(SetResponseHeaderLayer::if_not_present(
                    header::X_CONTENT_TYPE_OPTIONS,
                    HeaderValue::from_static("nosniff"),
                ))
                .layer(SetResponseHeaderLayer::if_not_present(
                    header::CACHE_CONTROL,
                    HeaderValue::from_static("no-store"),
                ))
                .layer(SetResponseHeaderLayer::if_not_present(
                    HeaderName::from_static("referrer-policy"),
                    HeaderValue::from_static("no-referrer"),
                ))
                .layer(CatchPanicLayer::new()),
        )
}

async fn schema_graphql() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], sdl())
}

async fn not_found() -> impl IntoResponse {
    (
        StatusCode::NOT_FOUND,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        "There is nothing here. The API is POST /graphql; its schema is at /schema.graphql.\n",
    )
}
