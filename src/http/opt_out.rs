//! Where an opt-out link leads. GET asks and changes nothing, for scanners of mail and previews follow every link; POST with
//! the one-click field of RFC 8058 records, from a mail program and from our own page alike. No sign-in, no cookie, no
//! redirect (RFC 8058, section 3.2).

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::stream;

use super::{
    HttpState,
    opt_out_page::{self, EVERY_WAY, Language, REACH_FIELD, SHOWN_FIELD},
};
use crate::{
    compliance::{
        ConsentEvidence, LinkAnswer, LinkPlace, ONE_CLICK, ONE_CLICK_FIELD, OptOutLink, reading::OptOutReach,
    },
    graphql::transport::Peer,
    platform::{error::OpError, net::limit_subject, rate_limit::Rule, request_id::RequestId},
};

/// Bytes of an answer: three short fields.
pub(super) const MOST_BYTES: usize = 4 * 1024;
/// Links that are not ours, from one address: whoever makes them up gets little done.
const FORGED_PER_MINUTE: Rule = Rule::new("forged_opt_out_links_minute", 30, Duration::from_secs(60));
/// Requests about one link, from wherever: a mail service answers the links of many people from few addresses (RFC 8058),
/// so that what is proven is not limited by address.
const LINK_PER_MINUTE: Rule = Rule::new("opt_out_link_minute", 30, Duration::from_secs(60));
/// Most characters of a program's name for itself that are kept.
const USER_AGENT_KEPT: usize = 500;

/// Who asks, and how.
pub(super) struct Asker {
    peer: Option<Peer>,
    request_id: String,
    language: Language,
}

impl Asker {
    fn of(
        peer: Option<axum::Extension<Peer>>,
        request_id: Option<axum::Extension<RequestId>>,
        headers: &HeaderMap,
    ) -> Self {
        Self {
            peer: peer.map(|peer| peer.0),
            request_id: request_id.map_or_else(String::new, |id| id.0.0),
            language: Language::of(headers),
        }
    }

    fn subject(&self) -> String {
        self.peer
            .as_ref()
            .map(|peer| limit_subject(peer.0))
            .unwrap_or_default()
    }
}

/// Asks.
pub(super) async fn page(
    State(state): State<Arc<HttpState>>,
    Path(token): Path<String>,
    peer: Option<axum::Extension<Peer>>,
    request_id: Option<axum::Extension<RequestId>>,
    headers: HeaderMap,
) -> Response {
    let asker = Asker::of(peer, request_id, &headers);
    match look(&state, &asker, &token).await {
        Ok((_, place)) => html(StatusCode::OK, opt_out_page::ask(asker.language, &place)),
        Err(refused) => refused,
    }
}

/// Records.
pub(super) async fn answer(
    State(state): State<Arc<HttpState>>,
    Path(token): Path<String>,
    peer: Option<axum::Extension<Peer>>,
    request_id: Option<axum::Extension<RequestId>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asker = Asker::of(peer, request_id, &headers);
    let (link, place) = match look(&state, &asker, &token).await {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let fields = Fields::read(&headers, body).await;
    if !fields.is_meant {
        return html(StatusCode::BAD_REQUEST, opt_out_page::ask(asker.language, &place));
    }
    let answer = LinkAnswer {
        link,
        reach: fields.reach,
        evidence: evidence(&asker, &headers, &place, &fields),
    };
    match state.conversations.answer_link(&asker.request_id, &answer).await {
        Ok(true) => html(StatusCode::OK, opt_out_page::done(asker.language)),
        Ok(false) => html(StatusCode::NOT_FOUND, opt_out_page::nowhere(asker.language)),
        Err(error) => failed(&asker, &error),
    }
}

/// The link and what it leads to. Whatever is wrong with it, the answer is the same.
async fn look(state: &HttpState, asker: &Asker, token: &str) -> Result<(OptOutLink, LinkPlace), Response> {
    let now = state.wall.now();
    let Some(link) = state.opt_out_links.read(token) else {
        let subject = asker.subject();
        let verdict = state.limiter.check(&[(FORGED_PER_MINUTE, &subject)], now).await;
        return Err(match verdict.allowed {
            true => html(StatusCode::NOT_FOUND, opt_out_page::nowhere(asker.language)),
            false => too_many(asker, verdict.retry_after),
        });
    };
    let subject = link.contact_point_id.to_string();
    let verdict = state.limiter.check(&[(LINK_PER_MINUTE, &subject)], now).await;
    if !verdict.allowed {
        return Err(too_many(asker, verdict.retry_after));
    }
    match state.conversations.look_at_link(&asker.request_id, &link).await {
        Ok(Some(place)) => Ok((link, place)),
        Ok(None) => Err(html(StatusCode::NOT_FOUND, opt_out_page::nowhere(asker.language))),
        Err(error) => Err(failed(asker, &error)),
    }
}

/// What a request says.
struct Fields {
    /// The one-click field is there.
    is_meant: bool,
    reach: OptOutReach,
    /// The language of our page; none where a mail program asks by itself.
    shown: Option<Language>,
}

impl Fields {
    /// From a form in either encoding: mail programs may send both (RFC 8058, section 3.2).
    async fn read(headers: &HeaderMap, body: Bytes) -> Self {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let pairs = match multer::parse_boundary(kind) {
            Ok(boundary) => parts(body, boundary).await,
            Err(_) => form_urlencoded::parse(&body).into_owned().collect(),
        };
        let get = |name: &str| {
            let mut found = pairs.iter().filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.as_str())
        };
        Self {
            is_meant: get(ONE_CLICK_FIELD) == Some(ONE_CLICK),
            reach: match get(REACH_FIELD) {
                Some(EVERY_WAY) => OptOutReach::AllContact,
                _ => OptOutReach::Channel,
            },
            shown: get(SHOWN_FIELD).map(Language::parse),
        }
    }
}

/// The fields of a multipart form; what is no such form has none.
async fn parts(body: Bytes, boundary: String) -> Vec<(String, String)> {
    let whole = stream::once(async move { Ok::<_, Infallible>(body) });
    let mut form = multer::Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    while let Ok(Some(field)) = form.next_field().await {
        let Some(name) = field.name().map(str::to_owned) else {
            continue;
        };
        let Ok(value) = field.text().await else { break };
        pairs.push((name, value));
    }
    pairs
}

fn evidence(asker: &Asker, headers: &HeaderMap, place: &LinkPlace, fields: &Fields) -> ConsentEvidence {
    let (text, note) = match fields.shown {
        Some(language) => (
            opt_out_page::asked(language, place.kind, fields.reach).to_owned(),
            "Pressed on the page of the link.",
        ),
        None => (
            format!("{ONE_CLICK_FIELD}={ONE_CLICK}"),
            "The one-click request of a mail program (RFC 8058).",
        ),
    };
    let user_agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .map(|text| text.trim().chars().take(USER_AGENT_KEPT).collect::<String>())
        .filter(|text| !text.is_empty());
    ConsentEvidence {
        text: Some(text),
        ip_address: asker.peer.as_ref().map(|peer| peer.0.to_string()),
        user_agent,
        note: Some(note.to_owned()),
        ..ConsentEvidence::default()
    }
}

fn failed(asker: &Asker, error: &OpError) -> Response {
    let status = match error {
        OpError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    tracing::error!(
        error = format!("{error:#}"),
        "an opt-out link could not be served"
    );
    html(status, opt_out_page::later(asker.language))
}

fn too_many(asker: &Asker, wait: Duration) -> Response {
    let seconds = wait.as_secs().max(1).to_string();
    let page = html(StatusCode::TOO_MANY_REQUESTS, opt_out_page::later(asker.language));
    ([(header::RETRY_AFTER, seconds)], page).into_response()
}

fn html(status: StatusCode, page: String) -> Response {
    (
        status,
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            ),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::VARY, "accept-language"),
            (
                HeaderName::from_static("x-robots-tag"),
                "noindex, nofollow, noarchive",
            ),
        ],
        page,
    )
        .into_response()
}
