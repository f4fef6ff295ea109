//! Contents of files come in and go out by signed links, streamed.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use uuid::Uuid;

use super::HttpState;
use crate::{
    audit::AccessEntry,
    files::{LinkProblem, LinkUse, Purpose, UploadRefused, content_disposition},
    platform::{
        context::TenantCtx,
        error::{OpError, capitalised},
        error_code::ErrorCode,
        ids::{self, IdKind},
        request_id::RequestId,
    },
};

/// Why a content does not come in or go out.
struct Refused {
    status: StatusCode,
    code: ErrorCode,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    fn with_request_id(self, request_id: &str) -> Response {
        let body = serde_json::json!({ "errors": [{
            "message": self.message,
            "extensions": { "code": self.code.as_str(), "requestId": request_id },
        }] });
        (self.status, Json(body)).into_response()
    }
}

impl From<LinkProblem> for Refused {
    fn from(problem: LinkProblem) -> Self {
        match problem {
            LinkProblem::Invalid => Self::new(
                StatusCode::NOT_FOUND,
                ErrorCode::NotFound,
                "There is nothing at this link: ask for a new one.",
            ),
            LinkProblem::Expired => Self::new(
                StatusCode::GONE,
                ErrorCode::NotFound,
                "This link has expired: ask for a new one.",
            ),
        }
    }
}

impl From<OpError> for Refused {
    fn from(error: OpError) -> Self {
        match error {
            OpError::User(errors) => {
                let message = errors.first().map(|error| error.message.clone());
                Self::new(StatusCode::GONE, ErrorCode::NotFound, message.unwrap_or_default())
            }
            OpError::Forbidden(message) => Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message),
            OpError::Unavailable(reason) => {
                tracing::warn!(reason, "a content could not be moved");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    ErrorCode::Unavailable,
                    "Files cannot be stored or read now: try again in a moment.",
                )
            }
            OpError::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "a content could not be moved");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    ErrorCode::Internal,
                    "Something went wrong on our side: report the request id.",
                )
            }
        }
    }
}

impl From<UploadRefused> for Refused {
    fn from(refused: UploadRefused) -> Self {
        let (status, code) = match refused {
            UploadRefused::Failed(error) => return error.into(),
            UploadRefused::Unknown => (StatusCode::NOT_FOUND, ErrorCode::NotFound),
            UploadRefused::Used => (StatusCode::CONFLICT, ErrorCode::BadRequest),
            UploadRefused::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadRequest),
            UploadRefused::CutShort { .. } => (StatusCode::BAD_REQUEST, ErrorCode::BadRequest),
            UploadRefused::WrongType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadRequest),
            UploadRefused::TooSlow => (StatusCode::REQUEST_TIMEOUT, ErrorCode::BadRequest),
            UploadRefused::NoRoom(_) => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable),
        };
        Self::new(status, code, capitalised(&refused.to_string()))
    }
}

/// Takes the content of an upload, as the body is.
pub(super) async fn upload(
    State(state): State<Arc<HttpState>>,
    Path(token): Path<String>,
    request_id: Option<axum::Extension<RequestId>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let request_id = request_id.map_or_else(String::new, |id| id.0.0);
    match take(&state, &token, &request_id, &headers, body).await {
        Ok(answer) => answer,
        Err(refused) => refused.with_request_id(&request_id),
    }
}

async fn take(
    state: &HttpState,
    token: &str,
    request_id: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let link = state.files.read_link(LinkUse::Upload, token)?;
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let (files, request_id) = (state.files.clone(), request_id.to_owned());
    // In a task of its own: when the sender goes away, this handler is dropped, and the refusal is written all the same.
    let receiving = tokio::spawn(async move {
        files
            .receive(&link, &request_id, length, body.into_data_stream())
            .await
    });
    let (row, stored) = receiving
        .await
        .map_err(|error| OpError::Internal(anyhow::anyhow!("receiving a content: {error}")))??;
    let sha256: String = stored.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let answer = serde_json::json!({
        "id": ids::encode(IdKind::File, stored.id),
        "size": stored.size,
        "sha256": sha256,
        "mediaType": row.media_type,
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Gives a file out.
pub(super) async fn download(
    State(state): State<Arc<HttpState>>,
    Path(token): Path<String>,
    request_id: Option<axum::Extension<RequestId>>,
) -> Response {
    let request_id = request_id.map_or_else(String::new, |id| id.0.0);
    match give(&state, &token, &request_id).await {
        Ok(answer) => answer,
        Err(refused) => refused.with_request_id(&request_id),
    }
}

/// Debtors of one line of the log, as an export has them on a page.
const DEBTORS_OF_A_LINE: usize = 500;

/// Whose data leaves is on record before it does.
async fn log_download(
    state: &HttpState,
    ctx: &TenantCtx,
    purpose: Purpose,
    debtors: &[Uuid],
) -> Result<(), Refused> {
    let log = &state.engine.execution.access_log;
    let mut lines: Vec<Vec<Uuid>> = debtors.chunks(DEBTORS_OF_A_LINE).map(<[Uuid]>::to_vec).collect();
    if lines.is_empty() && purpose.is_about_many() {
        lines.push(Vec::new());
    }
    let entries = lines
        .into_iter()
        .filter_map(|debtors| AccessEntry::of_anyone(ctx, "file.download", debtors));
    let written = futures_util::future::join_all(entries.map(|entry| log.record(entry))).await;
    if written.contains(&false) {
        return Err(OpError::Unavailable("the access log cannot be written".to_owned()).into());
    }
    Ok(())
}

async fn give(state: &HttpState, token: &str, request_id: &str) -> Result<Response, Refused> {
    let link = state.files.read_link(LinkUse::Download, token)?;
    let (ctx, row, reader) = state.files.open_link(&link, request_id).await?;
    let keys = state
        .files
        .keyring
        .business(&state.files.db, link.business_id)
        .await?;
    let name = row
        .name(&keys)
        .map_err(OpError::from)?
        .unwrap_or_else(|| "file".to_owned());
    let debtors = state.files.told_of(&ctx, &row).await?;
    log_download(state, &ctx, row.purpose, &debtors).await?;
    // A browser shows nothing but pictures whose content was looked at, and pages that the service wrote, which bring their
    // style along.
    let is_page = row.purpose == Purpose::LegalNotice && row.media_type.starts_with("text/html");
    let kind = match row.purpose {
        Purpose::ProfilePhoto | Purpose::BusinessLogo => "inline",
        _ if is_page => "inline",
        _ => "attachment",
    };
    let content_policy = match is_page {
        true => "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        false => "default-src 'none'; sandbox",
    };
    let mut answer = Response::new(Body::from_stream(reader.into_stream()));
    let headers = answer.headers_mut();
    let text =
        |value: &str| HeaderValue::from_str(value).map_err(|error| OpError::from(anyhow::Error::from(error)));
    headers.insert(header::CONTENT_TYPE, text(&row.media_type)?);
    headers.insert(
        header::CONTENT_LENGTH,
        HeaderValue::from(row.size.unwrap_or_default()),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        text(&content_disposition(kind, &name))?,
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(content_policy),
    );
    Ok(answer)
}
