//! The parameters of a GraphQL request: `query`, `operationName`, `variables`, `extensions`.
//!
//! They come as a JSON object, in a body or inside a socket's `subscribe`, or as a query string in which `variables`
//! and `extensions` are JSON texts. Other keys are ignored; a known key of the wrong type is refused.

use std::collections::HashMap;

use async_graphql::{Name, Value, Variables};
use serde_json::{Map, Value as Json};

use super::Refusal;
use crate::platform::error_code::ErrorCode;

/// The parameters of one GraphQL request, each of the right type, nothing parsed further.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Params {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub extensions: HashMap<String, Value>,
}

impl Params {
    /// Reads the body of a POST.
    ///
    /// # Errors
    /// BAD_REQUEST for text that is not JSON, a batch, or a parameter of the wrong type.
    pub fn from_body(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Err(bad_request(
                "the request has no body: send a JSON object with the key \"query\"",
            ));
        }
        let json = serde_json::from_slice(body)
            .map_err(|error| bad_request(format!("the request's body is not JSON: {error}")))?;
        Self::from_json(json)
    }

    /// Reads the query string of a GET. An empty parameter counts as absent.
    ///
    /// # Errors
    /// BAD_REQUEST for `variables` or `extensions` that are not a JSON object, and for a repeated parameter.
    pub fn from_query_string(text: &str) -> Result<Self, Refusal> {
        let mut object = Map::new();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = match key.as_ref() {
                _ if value.is_empty() => continue,
                "query" | "operationName" => Json::String(value.into_owned()),
                "variables" | "extensions" => serde_json::from_str(&value)
                    .map_err(|error| bad_request(format!("the parameter {key} is not JSON: {error}")))?,
                _ => continue,
            };
            if object.insert(key.clone().into_owned(), value).is_some() {
                return Err(bad_request(format!(
                    "the parameter {key} is given more than once"
                )));
            }
        }
        Self::from_json(Json::Object(object))
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// BAD_REQUEST for anything but an object, a missing or empty `query`, or a parameter of the wrong type.
    pub fn from_json(json: Json) -> Result<Self, Refusal> {
        let mut object = match json {
            Json::Object(object) => object,
            Json::Array(_) => {
                return Err(bad_request(
                    "the body is an array, but batches are not accepted: send each operation as a request of its own",
                ));
            }
            other => return Err(wrong_type("the request", "an object", &other)),
        };
        let query = string(&mut object, "query")?.filter(|query| !query.is_empty());
        let query = query.ok_or_else(|| {
            bad_request("the parameter query is missing: it must hold the text of the GraphQL document")
        })?;
        Ok(Self {
            query,
            operation_name: string(&mut object, "operationName")?,
            variables: variables(&mut object)?,
            extensions: entries(&mut object, "extensions")?.collect::<Result<_, _>>()?,
        })
    }
}

fn string(object: &mut Map<String, Json>, key: &str) -> Result<Option<String>, Refusal> {
    match object.remove(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(&format!("the parameter {key}"), "a string", &other)),
    }
}

fn variables(object: &mut Map<String, Json>) -> Result<Variables, Refusal> {
    let mut variables = Variables::default();
    for entry in entries(object, "variables")? {
        let (name, value) = entry?;
        variables.insert(Name::new(name), value);
    }
    Ok(variables)
}

/// The entries of a parameter that must be an object, none where it is absent or null.
fn entries(
    object: &mut Map<String, Json>,
    key: &'static str,
) -> Result<impl Iterator<Item = Result<(String, Value), Refusal>>, Refusal> {
    let map = match object.remove(key) {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(map)) => map,
        Some(other) => return Err(wrong_type(&format!("the parameter {key}"), "an object", &other)),
    };
    Ok(map
        .into_iter()
        .map(move |(name, value)| match Value::from_json(value) {
            Ok(value) => Ok((name, value)),
            Err(error) => Err(bad_request(format!(
                "the parameter {key} has a value that cannot be read: {error}"
            ))),
        }))
}

fn wrong_type(what: &str, wanted: &str, found: &Json) -> Refusal {
    let found = match found {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    };
    bad_request(format!("{what} must be {wanted}, but is {found}"))
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(json: Json) -> String {
        Params::from_json(json).unwrap_err().message
    }

    #[test]
    fn a_body_and_a_query_string_say_the_same() {
        let body = json!({
            "query": "query Q { a }", "operationName": "Q", "variables": {"n": 1, "o": {"odd key": [null]}},
            "extensions": {"x": true}, "unknown": [1, 2],
        });
        let from_body = Params::from_body(body.to_string().as_bytes()).unwrap();
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.append_pair("query", "query Q { a }")
            .append_pair("operationName", "Q");
        text.append_pair("variables", &body["variables"].to_string())
            .append_pair("unknown", "x");
        text.append_pair("extensions", &body["extensions"].to_string());
        assert_eq!(Params::from_query_string(&text.finish()).unwrap(), from_body);
        assert_eq!(from_body.operation_name.as_deref(), Some("Q"));
        assert_eq!(from_body.variables.len(), 2);
        assert_eq!(from_body.extensions["x"], Value::Boolean(true));
    }

    #[test]
    fn null_and_empty_parameters_count_as_absent() {
        let nulls = json!({"query": "{ a }", "operationName": null, "variables": null, "extensions": null});
        assert_eq!(
            Params::from_json(nulls).unwrap(),
            Params {
                query: "{ a }".to_owned(),
                ..Params::default()
            }
        );
        let empty = Params::from_query_string("query=%7B%20a%20%7D&variables=&operationName=").unwrap();
        assert_eq!(
            empty,
            Params {
                query: "{ a }".to_owned(),
                ..Params::default()
            }
        );
    }

    #[test]
    fn a_parameter_of_the_wrong_type_is_refused_by_name() {
        assert_eq!(
            refusal(json!({"query": 5})),
            "the parameter query must be a string, but is a number"
        );
        assert!(
            refusal(json!({"query": "{a}", "operationName": ["Q"]}))
                .contains("operationName must be a string")
        );
        assert!(refusal(json!({"query": "{a}", "variables": "x"})).contains("variables must be an object"));
        assert!(refusal(json!({"query": "{a}", "extensions": [1]})).contains("but is an array"));
        assert!(refusal(json!("text")).contains("the request must be an object, but is a string"));
    }

    #[test]
    fn batches_and_requests_without_a_document_are_refused() {
        assert!(refusal(json!([{"query": "{ a }"}])).contains("batches are not accepted"));
        assert!(refusal(json!({"qeury": "{ a }"})).contains("the parameter query is missing"));
        assert!(Params::from_body(b"").unwrap_err().message.contains("no body"));
        assert!(
            Params::from_body(b"{ \"not a JSON")
                .unwrap_err()
                .message
                .contains("not JSON")
        );
        assert!(
            Params::from_query_string("query=a&query=b")
                .unwrap_err()
                .message
                .contains("more than once")
        );
        assert!(
            Params::from_query_string("query=a&variables=%7B")
                .unwrap_err()
                .message
                .contains("not JSON")
        );
    }
}
