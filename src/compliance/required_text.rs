//! What the law wants said in a message to this person about this account, appended in their language.

use uuid::Uuid;

use super::content::{ContentNeeds, append_required};
use crate::platform::{db::TenantTx, error::OpError};

/// The content as it will be sent: with the collector's identification (12 CFR 1006.18(e)) and the opt-out notice
/// (12 CFR 1006.6(e)), each only where it is not said already.
///
/// # Errors
/// [`OpError`] as met.
pub async fn required_text(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
    content: &str,
) -> Result<String, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT b.role, p.preferred_language,
                (a.id IS NOT NULL AND a.initial_communication_on IS NULL) AS "is_initial!"
         FROM debtors d JOIN businesses b ON b.id = d.business_id
         JOIN debtors p ON p.business_id = d.business_id AND p.id = d.person_id
         LEFT JOIN accounts a ON a.business_id = d.business_id AND a.id = $3
         WHERE d.business_id = $1 AND d.id = $2"#,
        business,
        debtor,
        account,
    )
    .fetch_one(tx.conn())
    .await?;
    let needs = ContentNeeds {
        // For a creditor of its own debts the statement would be false.
        identifies_collector: row.role == "THIRD_PARTY_COLLECTOR",
        // Without an account nothing is known of earlier notices: the fuller text is never wrong.
        is_initial: row.is_initial || account.is_none(),
        opt_out_notice: true,
    };
    Ok(append_required(content, &row.preferred_language, &needs))
}
