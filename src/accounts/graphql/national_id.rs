//! The scalar in which a national id comes in. None goes out.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::{
    accounts::NationalId,
    platform::{gql::UserError, secret::Masked},
};

/// A US social security number or ITIN, as text of nine digits, bare or grouped as on the card (`AAA-GG-SSSS`). Only
/// ever sent to the service: answers hold its last four digits. One that is never issued is a user error of its field.
#[derive(Clone, Debug)]
pub struct NationalIdScalar(Masked<String>);

/// A US social security number or ITIN, as text of nine digits, bare or grouped as on the card (`AAA-GG-SSSS`). Only
/// ever sent to the service: answers hold its last four digits. One that is never issued is a user error of its field.
#[Scalar(name = "NationalId")]
impl ScalarType for NationalIdScalar {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(Masked::new(text))),
            // Without the value, which the library would repeat. A number has lost the zeros at its beginning.
            _ => Err(InputValueError::custom("a national id is written as text")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl NationalIdScalar {
    /// The number, checked.
    ///
    /// # Errors
    /// The user error of this field.
    pub(super) fn read(&self, field: &str) -> Result<NationalId, UserError> {
        NationalId::parse(self.0.expose()).map_err(|error| UserError::invalid(field, error.to_string()))
    }
}
