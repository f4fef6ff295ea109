//! The record of a person that something new is written on.

use uuid::Uuid;

use crate::{
    accounts::{DebtorRow, debtor_by_id, scoped_debtor_of_account},
    platform::{db::TenantTx, error::OpError, gql::UserError},
};

/// That of the debt, where one is named, else that of the person; `ask` is what to say where neither is.
///
/// # Errors
/// User errors: NOT_FOUND for a person or a debt that is not the caller's, or a debt of somebody else; INVALID_INPUT where
/// neither is named.
pub(super) async fn record_of(
    tx: &mut TenantTx,
    debtor: Option<Uuid>,
    account: Option<Uuid>,
    ask: &'static str,
) -> Result<DebtorRow, OpError> {
    let no_account = || UserError::not_found("accountId", "account of this debtor");
    let owner = match account {
        Some(account) => {
            let owner = scoped_debtor_of_account(tx, account)
                .await?
                .ok_or_else(no_account)?;
            Some(debtor_by_id(tx, owner).await?.ok_or_else(no_account)?)
        }
        None => None,
    };
    let person = match debtor {
        Some(id) => Some(
            debtor_by_id(tx, id)
                .await?
                .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?,
        ),
        None => None,
    };
    match (owner, person) {
        (Some(owner), Some(person)) if owner.person_id != person.person_id => Err(no_account().into()),
        (Some(owner), _) => Ok(owner),
        (None, Some(person)) => Ok(person),
        (None, None) => Err(UserError::invalid("debtorId", ask).into()),
    }
}
