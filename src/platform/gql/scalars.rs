//! Scalars of the API.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{UserError, errors::bad_input};
use crate::platform::ids::{self, IdKind};

/// A calendar date without a zone, `2026-11-20` (RFC 3339 full-date).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// A calendar date without a zone, `2026-11-20` (RFC 3339 full-date).
#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            // Ten characters: chrono also reads years of more digits and before our era, RFC 3339 does not.
            Value::String(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .ok()
                .filter(|_| text.len() == 10 && !text.starts_with(['+', '-']))
                .map(Self)
                .ok_or_else(|| {
                    let shown: String = text.chars().take(40).collect();
                    InputValueError::custom(format!("{shown:?} is not a date such as 2026-11-20"))
                }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    // Validation names the argument; parsing alone would name the type only.
    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A telephone number. Sent as E.164 (`+12125550100`); accepted in any usual way of writing a US number, or
/// with a leading `+` for another country. A malformed one is a user error of its field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumberScalar(pub String);

/// A telephone number. Sent as E.164 (`+12125550100`); accepted in any usual way of writing a US number, or
/// with a leading `+` for another country. A malformed one is a user error of its field.
#[Scalar(
    name = "PhoneNumber",
    specified_by_url = "https://www.itu.int/rec/T-REC-E.164"
)]
impl ScalarType for PhoneNumberScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.len() <= 64 => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// An e-mail address, `name@example.com`. A malformed one is a user error of its field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailAddressScalar(pub String);

/// An e-mail address, `name@example.com`. A malformed one is a user error of its field.
#[Scalar(
    name = "EmailAddress",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2"
)]
impl ScalarType for EmailAddressScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.len() <= 320 => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A time zone of the IANA database, such as `America/New_York`. An unknown one is a user error of its field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeZoneScalar(pub String);

/// A time zone of the IANA database, such as `America/New_York`. An unknown one is a user error of its field.
#[Scalar(name = "TimeZone", specified_by_url = "https://www.iana.org/time-zones")]
impl ScalarType for TimeZoneScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.len() <= 64 => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A decimal number as a string, such as `"1234.56"`: never a float, so that no cent is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecimalText(pub String);

/// A decimal number as a string, such as `"1234.56"`: never a float, so that no cent is lost.
#[Scalar(name = "Decimal")]
impl ScalarType for DecimalText {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.len() <= 40 => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A place in the live feed of your business: opaque, hand it back as `after` and nothing is missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A place in the live feed of your business: opaque, hand it back as `after` and nothing is missed.
#[Scalar]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.len() <= 64 => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl Cursor {
    /// The cursor of a position.
    pub fn of(position: i64) -> Self {
        Self(format!("live1_{position}"))
    }

    /// The position, if this is a cursor of the live feed.
    pub fn position(&self) -> Option<i64> {
        let digits = self.0.strip_prefix("live1_")?;
        digits.parse().ok().filter(|position| *position >= 0)
    }
}

/// Reads an id of a known kind out of `input.<field>`.
///
/// # Errors
/// A user error that names the field, the prefix expected and what was found.
pub fn input_id(kind: IdKind, field: &str, id: &async_graphql::ID) -> Result<Uuid, UserError> {
    ids::decode(kind, id.as_str()).map_err(|error| UserError::invalid(field, error.to_string()))
}

/// Reads an id of a known kind out of an argument.
///
/// # Errors
/// BAD_USER_INPUT names the argument, the prefix expected and what was found.
pub fn parse_id(kind: IdKind, argument: &str, id: &async_graphql::ID) -> async_graphql::Result<Uuid> {
    ids::decode(kind, id.as_str()).map_err(|error| bad_input(format!("{argument}: {error}")))
}
