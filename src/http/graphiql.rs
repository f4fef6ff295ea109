//! A place to try the API, in development only.

use axum::response::Html;

/// GraphiQL over this server's own endpoints.
pub(super) async fn graphiql() -> Html<String> {
    Html(
        async_graphql::http::GraphiQLSource::build()
            .endpoint("/graphql")
            .subscription_endpoint("/graphql/ws")
            .finish(),
    )
}
