//! A business records under which subscription it uses the national do-not-call registry (16 CFR 310.8): before, the gate
//! tells it nothing of the registry.

use chrono::NaiveDate;
use serde_json::json;

use super::store;
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::UserError,
        ids,
    },
};

/// More area codes than the North American Numbering Plan has.
const MOST_AREAS: usize = 800;

/// A subscription about to be recorded.
#[derive(Clone, Debug)]
pub struct NewAccess {
    /// The subscription account number (SAN).
    pub account_number: String,
    /// Which area codes were paid for; all of them where none are named.
    pub area_codes: Option<Vec<i32>>,
    pub valid_from: NaiveDate,
    /// The last day.
    pub valid_until: NaiveDate,
}

/// Records the business's subscription; it takes the place of what was recorded before.
///
/// # Errors
/// User errors: INVALID_INPUT for a number, area codes or dates that cannot be.
pub async fn set_do_not_call_access(tx: &mut TenantTx, new: NewAccess) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::NumberListManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let new = checked(new)?;
    store::put_access(tx, &new).await?;
    let details = json!({
        "account_number": new.account_number, "area_codes": new.area_codes,
        "valid_from": new.valid_from, "valid_until": new.valid_until,
    });
    tx.audit(AuditEntry::plain("do_not_call_access.set", ids::next(), &details));
    Ok(())
}

fn checked(mut new: NewAccess) -> Result<NewAccess, UserError> {
    new.account_number = new.account_number.trim().to_owned();
    let is_number = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !(1..=40).contains(&new.account_number.len()) || !new.account_number.chars().all(is_number) {
        let message = "Give the subscription account number in 1 to 40 letters, digits and hyphens.";
        return Err(UserError::invalid("accountNumber", message));
    }
    if let Some(codes) = &mut new.area_codes {
        codes.sort_unstable();
        codes.dedup();
        let is_code = |code: &i32| (200..=999).contains(code);
        if !(1..=MOST_AREAS).contains(&codes.len()) || !codes.iter().all(is_code) {
            let message = "Give 1 to 800 area codes of three digits, or leave them out for all of them.";
            return Err(UserError::invalid("areaCodes", message));
        }
    }
    if new.valid_until < new.valid_from {
        return Err(UserError::invalid(
            "validUntil",
            "The last day is before the first.",
        ));
    }
    Ok(new)
}
