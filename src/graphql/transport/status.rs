//! What leaves: every error has a code from the closed list and the request id, faults of the service are masked,
//! and the HTTP status fits the media type.
//!
//! A response whose `data` is null and whose errors have no path failed *as a request*: nothing was executed (parse,
//! validation, coercion, limits, a refusal of the engine). Such a response leaves without a `data` key.

use async_graphql::{PathSegment, Response, ServerError, Value};
use axum::http::StatusCode;
use serde::Serialize;

use super::Refusal;
use super::negotiation::MediaType;
use crate::platform::error_code::ErrorCode;
use crate::platform::gql::write_json;

/// The text of every INTERNAL error.
const MASKED: &str = "something went wrong on our side; the request id finds it in our log";

/// How the library words an argument or variable that its type refuses in the middle of an execution, where it
/// sets no code (`InputValueError` and `Context::var_value`).
const INPUT_ERRORS: [&str; 3] = ["Failed to parse \"", "Expected input type \"", "Variable "];

/// The error with this code.
pub(super) fn with_code(mut error: ServerError, code: ErrorCode) -> ServerError {
    error
        .extensions
        .get_or_insert_default()
        .set("code", code.as_str());
    error
}

/// The refusal as a GraphQL error.
pub(super) fn to_error(refusal: &Refusal) -> ServerError {
    with_code(ServerError::new(refusal.message.clone(), None), refusal.code)
}

/// The refusal as the response of an operation.
pub(super) fn to_response(refusal: &Refusal) -> Response {
    Response::from_errors(vec![to_error(refusal)])
}

/// The error's code, if it has one of the list.
pub(super) fn code_of(error: &ServerError) -> Option<ErrorCode> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => ErrorCode::parse(code),
        Value::Enum(code) => ErrorCode::parse(code.as_str()),
        _ => None,
    }
}

/// Makes a response fit to leave: codes, masks and the request id on every error. Faults go to the log here, once.
pub(super) fn finish(response: &mut Response, request_id: &str) {
    let fallback = if failed_as_request(response) {
        Some(ErrorCode::GraphqlValidationFailed)
    } else {
        None
    };
    for error in &mut response.errors {
        let code = code_of(error)
            .or_else(|| uncoded(error, fallback))
            .unwrap_or(ErrorCode::Internal);
        if code == ErrorCode::Internal {
            let path = path_text(&error.path);
            tracing::error!(
                request_id,
                path,
                cause = error.message,
                "an operation failed with an internal error"
            );
            MASKED.clone_into(&mut error.message);
            error.extensions = None;
        }
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", code.as_str());
        extensions.set("requestId", request_id);
    }
}

/// The code of an error that came without a `code` at all. A code that is not in the list is a fault of ours.
fn uncoded(error: &ServerError, fallback: Option<ErrorCode>) -> Option<ErrorCode> {
    let has_code = error
        .extensions
        .as_ref()
        .is_some_and(|extensions| extensions.get("code").is_some());
    if has_code {
        return None;
    }
    let about_input = INPUT_ERRORS
        .iter()
        .any(|wording| error.message.starts_with(wording));
    if about_input {
        Some(ErrorCode::BadUserInput)
    } else {
        fallback
    }
}

fn path_text(path: &[PathSegment]) -> String {
    let segments = path.iter().map(|segment| match segment {
        PathSegment::Field(name) => name.clone(),
        PathSegment::Index(index) => index.to_string(),
    });
    segments.collect::<Vec<_>>().join(".")
}

/// Whether nothing was executed.
fn failed_as_request(response: &Response) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// The HTTP status of a finished response.
///
/// With `application/json` a well-formed request is answered with 200 although its document is wrong; what does not
/// depend on the document (login, permission, rate, faults) keeps its status in both forms.
pub(super) fn http_status(response: &Response, media_type: MediaType) -> StatusCode {
    if !failed_as_request(response) {
        return StatusCode::OK;
    }
    let code = response
        .errors
        .first()
        .and_then(code_of)
        .unwrap_or(ErrorCode::Internal);
    match (media_type, code) {
        (
            MediaType::Json,
            ErrorCode::GraphqlParseFailed
            | ErrorCode::GraphqlValidationFailed
            | ErrorCode::BadUserInput
            | ErrorCode::CostLimitExceeded,
        ) => StatusCode::OK,
        _ => code.http_status(),
    }
}

/// Whether a subscription ends with this response: its source failed (the error is the root field's or the
/// request's), or the subscriber must load anew (CURSOR_EXPIRED, RESYNC). Other errors belong to one event.
pub(super) fn ends_subscription(response: &Response) -> bool {
    let source_failed = response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.len() <= 1);
    let must_reload =
        |error: &ServerError| matches!(code_of(error), Some(ErrorCode::CursorExpired | ErrorCode::Resync));
    source_failed || response.errors.iter().any(must_reload)
}

/// A response as it leaves, without `data` where nothing was executed.
pub(super) struct Body<'a> {
    data: Option<&'a Value>,
    rest: Rest<'a>,
}

#[derive(Serialize)]
struct Rest<'a> {
    #[serde(skip_serializing_if = "<[ServerError]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    extensions: &'a std::collections::BTreeMap<String, Value>,
}

impl<'a> Body<'a> {
    pub fn of(response: &'a Response) -> Self {
        Self {
            data: (!failed_as_request(response)).then_some(&response.data),
            rest: Rest {
                errors: &response.errors,
                extensions: &response.extensions,
            },
        }
    }

    /// As JSON text, with the parts that are written already as they are. The only way out: serde would write those
    /// parts as lists of numbers.
    pub fn to_json(&self) -> String {
        let mut text = Vec::with_capacity(1024);
        text.push(b'{');
        if let Some(data) = self.data {
            text.extend_from_slice(b"\"data\":");
            write_json(data, &mut text);
        }
        let rest = to_json(&self.rest);
        // An object too: what stands between its braces goes on here.
        if rest.len() > 2 && self.data.is_some() {
            text.push(b',');
        }
        text.extend_from_slice(&rest.as_bytes()[1..]);
        String::from_utf8(text).expect("JSON that was written as text is UTF-8")
    }
}

/// A value as JSON text.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("maps with string keys, strings and finite numbers always serialize")
}

#[cfg(test)]
mod tests {
    use async_graphql::{ErrorExtensionValues, value};

    use super::*;

    fn error(message: &str, code: Option<&str>, path: &[&str]) -> ServerError {
        let mut error = ServerError::new(message, None);
        error.path = path
            .iter()
            .map(|name| PathSegment::Field((*name).to_owned()))
            .collect();
        if let Some(code) = code {
            let mut extensions = ErrorExtensionValues::default();
            extensions.set("code", code);
            extensions.set("detail", "kept");
            error.extensions = Some(extensions);
        }
        error
    }

    fn finished(errors: Vec<ServerError>) -> Response {
        let mut response = Response::from_errors(errors);
        finish(&mut response, "req_12345678");
        response
    }

    #[test]
    fn every_error_leaves_with_a_code_of_the_list_and_the_request_id() {
        for (given, code) in [
            (error("x", Some("NOT_FOUND"), &["a"]), "NOT_FOUND"),
            (error("x", Some("MADE_UP"), &["a"]), "INTERNAL"),
            (error("connection refused", None, &["a"]), "INTERNAL"),
            (
                error("Unknown field \"x\"", None, &[]),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                error("Failed to parse \"Int\": no", None, &["a"]),
                "BAD_USER_INPUT",
            ),
        ] {
            let response = finished(vec![given]);
            let json: serde_json::Value = serde_json::from_str(&Body::of(&response).to_json()).unwrap();
            assert_eq!(json["errors"][0]["extensions"]["code"], code);
            assert_eq!(json["errors"][0]["extensions"]["requestId"], "req_12345678");
        }
    }

    #[test]
    fn a_fault_says_nothing_of_its_cause() {
        let response = finished(vec![error("password of db is x", Some("INTERNAL"), &["a"])]);
        let text = Body::of(&response).to_json();
        assert!(!text.contains("password") && !text.contains("kept"), "{text}");
        let told = finished(vec![error("no such account", Some("NOT_FOUND"), &["a"])]);
        assert!(
            Body::of(&told).to_json().contains("kept"),
            "other errors keep their details"
        );
    }

    #[test]
    fn data_is_absent_only_where_nothing_was_executed() {
        let refused = finished(vec![error("x", Some("BAD_USER_INPUT"), &[])]);
        assert!(!Body::of(&refused).to_json().contains("\"data\""));
        let executed = finished(vec![error("x", Some("NOT_FOUND"), &["a"])]);
        assert!(Body::of(&executed).to_json().contains("\"data\":null"));
        assert_eq!(
            Body::of(&Response::new(value!({"a": 1}))).to_json(),
            r#"{"data":{"a":1}}"#
        );
    }

    #[test]
    fn the_status_depends_on_the_form_only_for_the_document() {
        use MediaType::{GraphqlResponse, Json};
        for (code, path, graphql, json) in [
            ("GRAPHQL_PARSE_FAILED", &[] as &[&str], 400, 200),
            ("COST_LIMIT_EXCEEDED", &[], 400, 200),
            ("UNAUTHENTICATED", &[], 401, 401),
            ("RATE_LIMITED", &[], 429, 429),
            ("UNAVAILABLE", &[], 503, 503),
            ("FORBIDDEN", &["field"], 200, 200),
        ] {
            let response = finished(vec![error("x", Some(code), path)]);
            assert_eq!(
                http_status(&response, GraphqlResponse).as_u16(),
                graphql,
                "{code}"
            );
            assert_eq!(http_status(&response, Json).as_u16(), json, "{code}");
        }
    }
}
