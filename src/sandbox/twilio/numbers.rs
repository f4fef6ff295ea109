//! An account's numbers: the list, by number, and where texts to one go (Twilio docs, "IncomingPhoneNumber resource").

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::Url;

use super::super::TwilioNumber;
use super::super::state::SandboxState;
use super::api::{authenticate, refuse_by_fault};
use super::error::TwilioError;
use super::{API_VERSION, number_from_query};

/// Twilio's id of a number: the same in every run, as its other ids need not be.
fn sid_of(number: &TwilioNumber) -> String {
    format!("PN{:0>32}", number.e164.trim_start_matches('+'))
}

/// `GET …/IncomingPhoneNumbers.json`: all on one page, or those of which the number asked for is a part.
pub(super) async fn list(
    State(state): State<SandboxState>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, TwilioError> {
    let account = authenticate(&state, &account, &headers)?;
    refuse_by_fault(&state)?;
    let query = query.unwrap_or_default();
    let wanted = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "PhoneNumber")
        .map(|(_, value)| number_from_query(&value));
    let is_wanted = |number: &&TwilioNumber| wanted.as_ref().is_none_or(|part| number.e164.contains(part));
    let found: Vec<Value> = account
        .numbers
        .iter()
        .filter(is_wanted)
        .map(|number| to_json(&state, &account.sid, number))
        .collect();
    let path = format!(
        "/{API_VERSION}/Accounts/{}/IncomingPhoneNumbers.json",
        account.sid
    );
    Ok(Json(json!({
        "end": found.len().saturating_sub(1),
        "first_page_uri": format!("{path}?PageSize=50&Page=0"),
        "incoming_phone_numbers": found,
        "next_page_uri": null,
        "page": 0,
        "page_size": 50,
        "previous_page_uri": null,
        "start": 0,
        "uri": format!("{path}?PageSize=50&Page=0"),
    }))
    .into_response())
}

/// `POST …/IncomingPhoneNumbers/{Sid}.json`: where texts to the number go.
pub(super) async fn update(
    State(state): State<SandboxState>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, TwilioError> {
    let account = authenticate(&state, &account, &headers)?;
    let mut numbers = account.numbers.into_iter();
    let number = file
        .strip_suffix(".json")
        .and_then(|sid| numbers.find(|number| sid_of(number) == sid));
    let not_found =
        || TwilioError::not_found(&format!("/Accounts/{}/IncomingPhoneNumbers/{file}", account.sid));
    let mut number = number.ok_or_else(not_found)?;
    refuse_by_fault(&state)?;
    for (name, value) in form_urlencoded::parse(body.as_bytes()) {
        if name == "SmsUrl" {
            if !value.is_empty() && Url::parse(&value).is_err() {
                return Err(TwilioError::invalid(21402, "The 'SmsUrl' is not a valid URL."));
            }
            state.set_sms_webhook(&number.e164, &value);
            number.sms_webhook_url = value.into_owned();
        }
    }
    Ok(Json(to_json(&state, &account.sid, &number)).into_response())
}

fn to_json(state: &SandboxState, account_sid: &str, number: &TwilioNumber) -> Value {
    let (sid, at) = (sid_of(number), state.now().to_rfc2822());
    json!({
        "account_sid": account_sid,
        "address_requirements": "none",
        "api_version": API_VERSION,
        "beta": false,
        "capabilities": { "fax": false, "mms": true, "sms": true, "voice": true },
        "date_created": at,
        "date_updated": at,
        "friendly_name": number.label,
        "origin": "twilio",
        "phone_number": number.e164,
        "sid": sid,
        "sms_application_sid": "",
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": number.sms_webhook_url,
        "status": "in-use",
        "uri": format!("/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{sid}.json"),
        "voice_application_sid": "",
        "voice_method": "POST",
        "voice_url": "",
    })
}
