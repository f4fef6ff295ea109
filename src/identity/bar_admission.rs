//! Which member of staff is an attorney.

use async_graphql::{InputObject, SimpleObject};
use serde::Serialize;

use crate::platform::gql::UserError;

/// Where a member of staff is admitted as an attorney. What they write themselves, signed in, may say that an attorney writes
/// it (15 USC 1692e(3)); of everybody else such words are refused.
#[derive(Clone, Debug, Eq, InputObject, PartialEq, Serialize, SimpleObject)]
#[graphql(input_name = "BarAdmissionInput")]
pub struct BarAdmission {
    /// USPS code of the state whose bar it is, for example `NY`.
    pub state: String,
    /// The number under which that bar lists them, 1 to 40 characters.
    pub number: String,
}

impl BarAdmission {
    /// As it is stored.
    ///
    /// # Errors
    /// What to put right.
    pub(super) fn checked(self) -> Result<Self, UserError> {
        let (state, number) = (
            self.state.trim().to_ascii_uppercase(),
            self.number.trim().to_owned(),
        );
        if state.len() != 2 || !state.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let message = "Give the USPS code of the state whose bar it is, such as NY.";
            return Err(UserError::invalid("barAdmission.state", message));
        }
        let is_plain = !number.chars().any(char::is_control);
        if !(1..=40).contains(&number.chars().count()) || !is_plain {
            let message = "Give the number under which the bar lists them, in 1 to 40 characters.";
            return Err(UserError::invalid("barAdmission.number", message));
        }
        Ok(Self { state, number })
    }
}
