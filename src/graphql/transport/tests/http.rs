//! Queries and mutations over HTTP: statuses, media types, limits, cross-site requests, faults.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use super::toy::ToyEngine;
use crate::graphql::transport::{Limits, router};
use crate::platform::request_id::RequestId;

const RESPONSE_JSON: &str = "application/graphql-response+json";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    }

    fn message(&self) -> String {
        self.json()["errors"][0]["message"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn send(limits: Limits, request: Request<Body>) -> Answer {
    let response = router(Arc::new(ToyEngine::new(limits)))
        .oneshot(request)
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

fn request(body: impl Into<Body>, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post("/graphql");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// Posts a document and wants `application/graphql-response+json`.
async fn post(query: &str) -> Answer {
    post_with(Limits::default(), query, &[]).await
}

async fn post_with(limits: Limits, query: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/json"), ("accept", RESPONSE_JSON)];
    all.extend_from_slice(headers);
    send(limits, request(json!({ "query": query }).to_string(), &all)).await
}

async fn get(query: &str, headers: &[(&str, &str)]) -> Answer {
    let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let mut request = Request::get(format!("/graphql?query={encoded}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(Limits::default(), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_query_is_answered_in_the_form_that_was_asked_for() {
    let answer = post("{ hello }").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, r#"{"data":{"hello":"world"}}"#);
    assert_eq!(
        answer.header("content-type"),
        "application/graphql-response+json; charset=utf-8"
    );
    assert_eq!(answer.header("cache-control"), "no-store");

    let plain = send(
        Limits::default(),
        request(
            r#"{"query":"{ hello }"}"#,
            &[("content-type", "application/json")],
        ),
    );
    assert_eq!(
        plain.await.header("content-type"),
        "application/json; charset=utf-8"
    );
}

#[tokio::test]
async fn the_engine_learns_who_asks_and_the_answer_echoes_the_request_id() {
    let answer = post_with(
        Limits::default(),
        "{ meta }",
        &[
            ("authorization", "Bearer good-ann"),
            ("idempotency-key", "k-1"),
            ("user-agent", "tests"),
        ],
    )
    .await;
    assert_eq!(answer.header("x-request-id"), "req_0000000000000007_0");
    assert_eq!(
        answer.json()["data"]["meta"],
        "ann Http 0.0.0.0 k-1 tests req_0000000000000007_0"
    );

    let failed = post("{ nowhere }").await;
    assert_eq!(
        failed.json()["errors"][0]["extensions"]["requestId"],
        failed.header("x-request-id")
    );
}

#[tokio::test]
async fn an_id_that_the_middleware_has_given_is_kept() {
    let mut request = request(r#"{"query":"{ meta }"}"#, &[("content-type", "application/json")]);
    request
        .extensions_mut()
        .insert(RequestId("proxy-12345678".to_owned()));
    let answer = send(Limits::default(), request).await;
    assert_eq!(answer.header("x-request-id"), "proxy-12345678");
    assert!(answer.text.contains("proxy-12345678"), "{}", answer.text);
}

#[tokio::test]
async fn a_request_that_fails_before_execution_has_no_data_and_a_status_of_its_own() {
    for (query, code) in [
        ("{ hello", "GRAPHQL_PARSE_FAILED"),
        ("{ nowhere }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { hello } query B { hello }", "GRAPHQL_VALIDATION_FAILED"),
        ("query Q($t: String!) { echo(text: $t) }", "BAD_USER_INPUT"),
        ("{ echo(text: 5) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ mood(mood: ANGRY) }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let answer = post(query).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, code),
            "{query}: {}",
            answer.text
        );
        assert_eq!(answer.json().get("data"), None, "{query}");

        let headers = [
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ];
        let plain = send(
            Limits::default(),
            request(json!({"query": query}).to_string(), &headers),
        )
        .await;
        assert_eq!(
            (plain.status.as_u16(), plain.code().as_str()),
            (200, code),
            "{query} as application/json"
        );
        assert_eq!(plain.json().get("data"), None, "{query} as application/json");
    }
}

#[tokio::test]
async fn a_value_that_a_scalar_refuses_is_the_callers_mistake() {
    let answer = post(r#"{ lower(text: "UPPER") }"#).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.text);
    assert!(answer.message().contains("must be lower case"), "{}", answer.text);
}

#[tokio::test]
async fn malformed_requests_are_told_what_is_wrong() {
    for (body, text) in [
        ("", "no body"),
        ("{", "not JSON"),
        (r#"[{"query":"{ hello }"}]"#, "batches are not accepted"),
        (r#"{"query":{}}"#, "query must be a string"),
        (
            r#"{"query":"{ hello }","variables":[]}"#,
            "variables must be an object",
        ),
        (r#"{"id":"sha256:1"}"#, "query is missing"),
    ] {
        let answer = send(
            Limits::default(),
            request(body, &[("content-type", "application/json")]),
        )
        .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "BAD_REQUEST"),
            "{body}"
        );
        assert!(answer.message().contains(text), "{body}: {}", answer.message());
    }
    let answer = post_with(
        Limits::default(),
        "{ hello }",
        &[("idempotency-key", "with space")],
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "BAD_REQUEST")
    );
}

#[tokio::test]
async fn media_types_that_cannot_be_read_or_sent_are_refused() {
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let answer = send(
            Limits::default(),
            request(r#"{"query":"{ hello }"}"#, &[("content-type", kind)]),
        )
        .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (415, "BAD_REQUEST"),
            "{kind}"
        );
    }
    let answer = post_with(Limits::default(), "{ hello }", &[]).await;
    assert_eq!(answer.status, 200);
    let headers = [("content-type", "application/json"), ("accept", "text/html")];
    let answer = send(Limits::default(), request(r#"{"query":"{ hello }"}"#, &headers)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (406, "BAD_REQUEST")
    );
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn get_is_for_queries_and_says_so() {
    let answer = get("{ hello }", &[]).await;
    assert_eq!(answer.text, r#"{"data":{"hello":"world"}}"#);

    let mutation = get("mutation { add(number: 1) }", &[]).await;
    assert_eq!(
        (mutation.status.as_u16(), mutation.header("allow")),
        (405, "POST")
    );
    assert_eq!(post("mutation { add(number: 1) }").await.json()["data"]["add"], 2);

    let put = Request::builder()
        .method(Method::PUT)
        .uri("/graphql")
        .body(Body::empty())
        .unwrap();
    let answer = send(Limits::default(), put).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (405, "GET, POST")
    );
    assert_eq!(answer.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn a_get_that_another_site_causes_is_refused() {
    for site in ["same-origin", "same-site", "none"] {
        assert_eq!(
            get("{ hello }", &[("sec-fetch-site", site)]).await.status,
            200,
            "{site}"
        );
    }
    let answer = get("{ hello }", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (403, "FORBIDDEN")
    );
    assert!(answer.message().contains("GraphQL-Require-Preflight"));
    let preflighted = [
        ("sec-fetch-site", "cross-site"),
        ("graphql-require-preflight", "1"),
    ];
    assert_eq!(get("{ hello }", &preflighted).await.status, 200);
}

#[tokio::test]
async fn a_wrong_login_is_401_and_a_missing_one_is_anonymous() {
    let answer = post_with(
        Limits::default(),
        "{ hello }",
        &[("authorization", "Bearer stolen")],
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (401, "UNAUTHENTICATED")
    );
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let busy = post_with(
        Limits::default(),
        "{ hello }",
        &[("authorization", "Bearer busy")],
    )
    .await;
    assert_eq!(
        (busy.status.as_u16(), busy.code().as_str()),
        (429, "RATE_LIMITED")
    );
    assert!(post("{ meta }").await.text.contains("anonymous"));
}

#[tokio::test]
async fn each_limit_refuses_before_execution() {
    let limits = Limits {
        max_tokens: 40,
        max_depth: 2,
        max_aliases: 1,
        max_root_fields: 2,
        ..Limits::default()
    };
    for (query, limit) in [
        ("{ hello ".repeat(50).as_str(), "max_tokens"),
        ("{ things { nodes { id } } }", "max_depth"),
        ("{ a: hello b: hello }", "max_aliases"),
        ("{ hello meta missing }", "max_root_fields"),
    ] {
        let answer = post_with(limits.clone(), query, &[]).await;
        assert_eq!(answer.status, 400, "{limit}");
        assert!(answer.message().contains(limit), "{limit}: {}", answer.message());
    }
    let costly = Limits {
        max_cost: 30,
        ..Limits::default()
    };
    let answer = post_with(costly, "{ things { nodes { id } } }", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "COST_LIMIT_EXCEEDED")
    );
    assert!(
        answer.message().contains("costs 41, but at most 30"),
        "{}",
        answer.message()
    );
}

#[tokio::test]
async fn a_body_may_have_so_many_bytes_announced_or_not() {
    let body = json!({"query": "{ hello }", "padding": "x".repeat(2_000)}).to_string();
    let limits = Limits {
        max_body_bytes: 1_000,
        ..Limits::default()
    };
    let headers = [("content-type", "application/json"), ("content-length", "2040")];
    let announced = send(limits.clone(), request(body.clone(), &headers)).await;
    assert_eq!(
        (announced.status.as_u16(), announced.code().as_str()),
        (413, "BAD_REQUEST")
    );
    assert!(
        announced.message().contains("has 2040 bytes, but at most 1000"),
        "{}",
        announced.message()
    );

    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
    let streamed = request(Body::from_stream(chunks), &[("content-type", "application/json")]);
    let answer = send(limits, streamed).await;
    assert_eq!(answer.status, 413);
    assert!(
        answer.message().contains("max_body_bytes"),
        "{}",
        answer.message()
    );
}

#[tokio::test]
async fn a_body_that_never_arrives_does_not_hold_the_request() {
    let limits = Limits {
        operation_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let never = Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>());
    let answer = send(limits, request(never, &[("content-type", "application/json")])).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (408, "BAD_REQUEST")
    );
}

#[tokio::test]
async fn the_cost_is_told_to_those_who_ask() {
    let query = "{ things(first: 3) { nodes { id } } }";
    let told = post_with(Limits::default(), query, &[("graphql-cost", "1")]).await;
    assert_eq!(told.json()["extensions"]["cost"]["requestedQueryCost"], 7);
    assert_eq!(post(query).await.json().get("extensions"), None);
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_stopped() {
    let limits = Limits {
        operation_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let answer = post_with(limits, "{ slow }", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (503, "UNAVAILABLE")
    );
    assert!(
        answer.message().contains("longer than 0.05 s"),
        "{}",
        answer.message()
    );
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_nothing_more() {
    let answer = post("{ boom }").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (500, "INTERNAL")
    );
    assert!(!answer.text.contains("secret"), "{}", answer.text);
    let login = post_with(
        Limits::default(),
        "{ hello }",
        &[("authorization", "Bearer panic")],
    )
    .await;
    assert_eq!((login.status.as_u16(), login.code().as_str()), (500, "INTERNAL"));
    assert!(!login.text.contains("secret"), "{}", login.text);
}

#[tokio::test]
async fn faults_are_masked_and_explained_errors_are_not() {
    for query in ["{ fault }", "{ optionalFault }"] {
        let answer = post(query).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (200, "INTERNAL"),
            "{}",
            answer.text
        );
        assert!(!answer.text.contains("secret"), "{}", answer.text);
    }
    let missing = post("{ missing hello }").await;
    assert_eq!(
        (missing.status.as_u16(), missing.code().as_str()),
        (200, "NOT_FOUND")
    );
    assert_eq!(missing.message(), "there is no such thing");
    assert_eq!(missing.json()["data"]["hello"], "world");
    let guarded = post("{ guarded }").await;
    assert_eq!(guarded.code(), "FORBIDDEN");
    assert_eq!(
        guarded.json()["data"],
        Json::Null,
        "it was executed, so data is there and null"
    );
}

#[tokio::test]
async fn a_subscription_over_plain_http_is_told_where_to_go() {
    let answer = post("subscription { count(to: 1) }").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "BAD_REQUEST")
    );
    assert!(answer.message().contains("text/event-stream") && answer.message().contains("/graphql/ws"));
}
