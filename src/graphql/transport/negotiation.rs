//! What the client sends and wants to receive (RFC 9110, section 12.5.1; GraphQL-over-HTTP, "Media Types"), and
//! whether a browser sent the request on behalf of another site.

use axum::http::{HeaderMap, HeaderName, header};

use super::Refusal;
use crate::platform::error_code::ErrorCode;

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";

/// A header that only script on an allowed origin can set, and by which a client shows that it is such.
pub(super) const REQUIRE_PREFLIGHT: HeaderName = HeaderName::from_static("graphql-require-preflight");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The form of a single answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: a failed request has a failing status and no `data`.
    GraphqlResponse,
    /// `application/json`: every well-formed request is answered with 200.
    Json,
}

impl MediaType {
    /// The `Content-Type` of an answer of this form.
    pub fn content_type(self) -> &'static str {
        match self {
            MediaType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            MediaType::Json => "application/json; charset=utf-8",
        }
    }
}

/// What the client accepts of what we can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    single: Option<(Preference, MediaType)>,
    /// Set only where `text/event-stream` (or `text/*`) is asked for; `*/*` does not ask for a stream.
    stream: Option<Preference>,
}

/// A quality in thousandths, then how precisely the range names the type: greater is more wanted.
type Preference = (u16, u8);

impl Accepted {
    /// The form of a single answer, also of a refusal to a client that accepts event streams only.
    pub fn media_type(&self) -> MediaType {
        self.single.map_or(MediaType::Json, |(_, media_type)| media_type)
    }

    /// Whether a subscription can be answered.
    pub fn takes_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether a query or mutation, too, should be answered with a stream.
    pub fn prefers_stream(&self) -> bool {
        match (self.stream, self.single) {
            (Some((stream, _)), Some(((single, _), _))) => stream > single,
            (stream, None) => stream.is_some(),
            (None, Some(_)) => false,
        }
    }
}

/// Reads the `Accept` headers. A request without one accepts `application/json`.
///
/// # Errors
/// BAD_REQUEST (to be sent with status 406) when nothing that we can send is acceptable.
pub(super) fn accepted(headers: &HeaderMap) -> Result<Accepted, Refusal> {
    let ranges: Vec<Range> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect();
    if headers
        .get_all(header::ACCEPT)
        .iter()
        .all(|value| value.as_bytes().trim_ascii().is_empty())
    {
        return Ok(Accepted {
            single: Some(((1_000, 0), MediaType::Json)),
            stream: None,
        });
    }
    let graphql = preference(&ranges, GRAPHQL_RESPONSE);
    let json = preference(&ranges, JSON);
    let single = match (graphql, json) {
        // Where the client does not name either, it gets the form that every client understands.
        (Some(graphql), Some(json)) if graphql > json || (graphql == json && graphql.1 == EXACT) => {
            Some((graphql, MediaType::GraphqlResponse))
        }
        (_, Some(json)) => Some((json, MediaType::Json)),
        (Some(graphql), None) => Some((graphql, MediaType::GraphqlResponse)),
        (None, None) => None,
    };
    let stream = preference(&ranges, EVENT_STREAM).filter(|(_, precision)| *precision > ANYTHING);
    if single.is_none() && stream.is_none() {
        return Err(Refusal::new(
            ErrorCode::BadRequest,
            format!(
                "none of the accepted media types can be sent: accept {GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}"
            ),
        ));
    }
    Ok(Accepted { single, stream })
}

const ANYTHING: u8 = 0;
const ANY_SUBTYPE: u8 = 1;
const EXACT: u8 = 2;

/// One media range of an `Accept` header.
#[derive(Debug)]
struct Range {
    /// `type/subtype`, lower case.
    essence: String,
    quality: u16,
}

impl Range {
    /// `None` for a range that is malformed, or that wants another encoding than UTF-8.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next()?.to_ascii_lowercase();
        if !essence.contains('/') {
            return None;
        }
        let mut quality = 1_000;
        for (name, value) in parts.filter_map(parameter) {
            match name.as_str() {
                "q" => quality = thousandths(value)?,
                "charset" if !is_utf8(value) => return None,
                _ => {}
            }
        }
        Some(Self { essence, quality })
    }

    fn precision(&self, media_type: &str) -> Option<u8> {
        if self.essence == media_type {
            return Some(EXACT);
        }
        if self.essence == "*/*" {
            return Some(ANYTHING);
        }
        let family = self.essence.strip_suffix('*')?;
        media_type.starts_with(family).then_some(ANY_SUBTYPE)
    }
}

/// How much the client wants this media type: the most precise range that matches counts; 0 is a refusal.
fn preference(ranges: &[Range], media_type: &str) -> Option<Preference> {
    let matching = ranges
        .iter()
        .filter_map(|range| Some((range.precision(media_type)?, range.quality)));
    let (precision, quality) = matching.max()?;
    (quality > 0).then_some((quality, precision))
}

/// A weight (RFC 9110, section 12.4.2) in thousandths; `None` when it is not one.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1_000),
        _ => None,
    }
}

fn parameter(text: &str) -> Option<(String, &str)> {
    let (name, value) = text.split_once('=')?;
    Some((name.trim().to_ascii_lowercase(), value.trim().trim_matches('"')))
}

fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

/// Checks that a POST carries JSON in UTF-8. A browser sends these types across sites only after a preflight, so the
/// check also keeps forms of other sites out.
///
/// # Errors
/// BAD_REQUEST (to be sent with status 415) for any other type and for none.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let utf8 = parts
        .filter_map(parameter)
        .all(|(name, value)| name != "charset" || is_utf8(value));
    if utf8 && (essence == JSON || essence == GRAPHQL_RESPONSE) {
        return Ok(());
    }
    let found = if given.is_empty() {
        "missing".to_owned()
    } else {
        format!("\"{given}\"")
    };
    Err(Refusal::new(
        ErrorCode::BadRequest,
        format!("the Content-Type is {found}, but must be {JSON}, in UTF-8"),
    ))
}

/// Checks that a GET was not sent by a browser on behalf of another site. Clients that are not browsers send no
/// `Sec-Fetch-Site` and pass.
///
/// # Errors
/// FORBIDDEN for a cross-site request without the header `GraphQL-Require-Preflight`.
pub(super) fn check_same_site(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(site) = headers.get(SEC_FETCH_SITE) else {
        return Ok(());
    };
    let own = matches!(site.as_bytes(), b"same-origin" | b"same-site" | b"none");
    if own || headers.contains_key(REQUIRE_PREFLIGHT) {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::Forbidden,
        "a GET from another site is refused: send a POST, or set the header GraphQL-Require-Preflight",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: &str) -> Option<Accepted> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, text.parse().unwrap());
        accepted(&headers).ok()
    }

    #[test]
    fn the_most_wanted_form_is_chosen() {
        use MediaType::{GraphqlResponse, Json};
        for (text, media_type) in [
            ("application/graphql-response+json", GraphqlResponse),
            ("application/json", Json),
            ("*/*", Json),
            ("application/*", Json),
            ("", Json),
            (
                "application/graphql-response+json, application/json",
                GraphqlResponse,
            ),
            (
                "application/json, application/graphql-response+json",
                GraphqlResponse,
            ),
            (
                "application/graphql-response+json;q=0.8, application/json;q=0.9",
                Json,
            ),
            ("application/json;q=0.4, */*;q=0.1", Json),
            (
                "APPLICATION/Graphql-Response+JSON; charset=UTF-8",
                GraphqlResponse,
            ),
            ("application/json;q=0, */*", GraphqlResponse),
            ("text/html, application/xhtml+xml, */*;q=0.8", Json),
        ] {
            assert_eq!(accept(text).unwrap().media_type(), media_type, "for {text:?}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_not_acceptable() {
        for text in [
            "text/html",
            "image/*",
            "application/json;q=0",
            "application/json; charset=iso-8859-1",
            "*/*;q=0",
            "application/json;q=2",
            "nonsense",
        ] {
            assert_eq!(accept(text), None, "for {text:?}");
        }
    }

    #[test]
    fn a_stream_is_sent_only_to_those_who_ask_for_one() {
        for (text, takes, prefers) in [
            ("text/event-stream", true, true),
            ("text/event-stream, application/json", true, false),
            ("text/event-stream, application/json;q=0.9", true, true),
            ("text/event-stream, */*;q=0.1", true, true),
            ("*/*", false, false),
            ("application/json", false, false),
        ] {
            let accepted = accept(text).unwrap();
            assert_eq!(
                (accepted.takes_stream(), accepted.prefers_stream()),
                (takes, prefers),
                "for {text:?}"
            );
        }
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        for (text, good) in [
            ("application/json", true),
            ("Application/JSON; Charset=\"UTF-8\"", true),
            ("application/graphql-response+json", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=x", false),
            ("application/graphql", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            assert_eq!(check_content_type(&headers).is_ok(), good, "for {text:?}");
        }
        assert!(
            check_content_type(&HeaderMap::new())
                .unwrap_err()
                .message
                .contains("is missing")
        );
    }
}
