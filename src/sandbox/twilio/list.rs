//! The list of messages: filters and pages of `GET …/Messages.json`.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::error::TwilioError;
use super::message::{Origin, SmsMessage};
use super::number_from_query;

/// Page size when none is asked for, and the largest one.
const DEFAULT_PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 1000;

/// The query of a list request.
#[derive(Default)]
pub(super) struct ListQuery {
    /// The filters as they came, repeated in the pages' URIs.
    filters: Vec<(String, String)>,
    to: Option<String>,
    from: Option<String>,
    /// At or after this instant.
    sent_from: Option<DateTime<Utc>>,
    /// At or before this instant.
    sent_until: Option<DateTime<Utc>>,
    page_size: Option<usize>,
    page: usize,
    page_token: Option<String>,
}

impl ListQuery {
    pub(super) fn parse(raw: &str) -> Result<Self, TwilioError> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            match name.as_ref() {
                "To" => query.to = Some(number_from_query(&value)),
                "From" => query.from = Some(number_from_query(&value)),
                "DateSent" => {
                    let day = date(&value)?;
                    query.sent_from = Some(day);
                    query.sent_until = Some(day + TimeDelta::days(1) - TimeDelta::nanoseconds(1));
                }
                "DateSent>" => query.sent_from = Some(date(&value)?),
                "DateSent<" => query.sent_until = Some(date(&value)?),
                "PageSize" => query.page_size = Some(page_size(&value)?),
                "Page" => query.page = value.parse().map_err(|_| bad("Page", &value))?,
                "PageToken" => query.page_token = Some(value.clone().into_owned()),
                _ => continue,
            }
            if !name.starts_with("Page") {
                query.filters.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(query)
    }

    fn matches(&self, message: &SmsMessage) -> bool {
        // A message that has not left yet is dated by its acceptance, so that a look-up finds it at once.
        let sent_at = message.sent_at.unwrap_or(message.created_at);
        message.origin != Origin::TwilioReply
            && self.to.as_ref().is_none_or(|to| *to == message.to)
            && self.from.as_ref().is_none_or(|from| *from == message.from)
            && self.sent_from.is_none_or(|from| sent_at >= from)
            && self.sent_until.is_none_or(|until| sent_at <= until)
    }

    /// One page, newest first, with Twilio's paging fields. `path` is the list's own path, `messages` are the
    /// account's, oldest first. The page token names the last message of the page before, so that texts which
    /// arrive in between shift nothing.
    pub(super) fn page(&self, path: &str, messages: &[SmsMessage]) -> Value {
        let found: Vec<&SmsMessage> = messages.iter().rev().filter(|msg| self.matches(msg)).collect();
        let size = self.page_size.unwrap_or(DEFAULT_PAGE_SIZE);
        let after_token = self.page_token.as_deref().and_then(|token| {
            let last = token.strip_prefix("PA")?;
            found
                .iter()
                .position(|msg| msg.sid == last)
                .map(|index| index + 1)
        });
        let first = after_token
            .unwrap_or_else(|| self.page.saturating_mul(size))
            .min(found.len());
        let end = first.saturating_add(size).min(found.len());
        let shown = &found[first..end];
        let next = shown.last().filter(|_| end < found.len());
        let next = next.map(|last| self.uri(path, self.page.saturating_add(1), size, Some(&last.sid)));
        let previous = self
            .page
            .checked_sub(1)
            .map(|page| self.uri(path, page, size, None));
        let start = self.page.saturating_mul(size);
        json!({
            "messages": shown.iter().map(|msg| msg.to_json()).collect::<Vec<_>>(),
            "page": self.page,
            "page_size": size,
            "start": start,
            "end": start.saturating_add(shown.len().saturating_sub(1)),
            "uri": self.uri(path, self.page, size, None),
            "first_page_uri": self.uri(path, 0, size, None),
            "next_page_uri": next,
            "previous_page_uri": previous,
        })
    }

    fn uri(&self, path: &str, page: usize, size: usize, after: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filters);
        query
            .append_pair("PageSize", &size.to_string())
            .append_pair("Page", &page.to_string());
        if let Some(sid) = after {
            query.append_pair("PageToken", &format!("PA{sid}"));
        }
        format!("{path}?{}", query.finish())
    }
}

fn page_size(value: &str) -> Result<usize, TwilioError> {
    value
        .parse()
        .ok()
        .filter(|size| (1..=MAX_PAGE_SIZE).contains(size))
        .ok_or_else(|| bad("PageSize", value))
}

/// A date (its first instant, GMT) or an ISO 8601 instant.
fn date(value: &str) -> Result<DateTime<Utc>, TwilioError> {
    if let Ok(day) = value.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    // In a query string a bare `+` of an offset was decoded as a space.
    let instant = DateTime::parse_from_rfc3339(&value.replace(' ', "+"));
    instant.map(|at| at.to_utc()).map_err(|_| bad("DateSent", value))
}

fn bad(name: &str, value: &str) -> TwilioError {
    TwilioError::invalid(20001, format!("The parameter {name} cannot be {value:?}"))
}
