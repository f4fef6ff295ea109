//! What has to be said in a message to this person about this account, appended in the language of the message.

use uuid::Uuid;

use super::{
    CeaseNotice,
    content::{ContentNeeds, append_required, append_sender, language_of_rest},
    holds::{HoldKind, standing_holds},
};
use crate::platform::{
    db::TenantTx,
    error::OpError,
    gql::{UserError, UserErrorCode},
};

/// The content as it will be sent: with who writes, the collector's identification (12 CFR 1006.18(e)) and the opt-out notice
/// (12 CFR 1006.6(e)), each only where it is not said already. They are in the language of the content, whatever the person's is
/// (12 CFR 1006.18(e)(4)); in theirs where it does not tell.
///
/// # Errors
/// [`OpError`] as met.
pub async fn required_text(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
    content: &str,
) -> Result<String, OpError> {
    let found = needs_of(tx, debtor, account).await?;
    let language = language_of_rest(content, &found.business).unwrap_or(&found.language);
    Ok(found.append(content, language))
}

/// The same of what the service says by itself: a code or a link that somebody asked for tells whoever sees the telephone nothing of
/// the business.
///
/// # Errors
/// [`OpError`] as met.
pub async fn unsigned_text(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
    content: &str,
) -> Result<String, OpError> {
    let found = needs_of(tx, debtor, account).await?;
    let language = language_of_rest(content, &found.business).unwrap_or(&found.language);
    Ok(append_required(content, language, &found.statements))
}

/// A notice to somebody who asked to be left alone, as it will be sent: its approved wording in their language, and what the law
/// wants in every message.
///
/// # Errors
/// CONFLICT where nobody has asked for that: the wording would be false (15 USC 1692e). [`OpError`] otherwise.
pub async fn cease_notice_text(
    tx: &mut TenantTx,
    debtor: Uuid,
    account: Option<Uuid>,
    notice: CeaseNotice,
) -> Result<String, OpError> {
    let standing = standing_holds(tx, &[debtor]).await?;
    if !standing
        .iter()
        .any(|hold| hold.kind == HoldKind::CeaseContact.as_str())
    {
        let message = "This notice is for a debtor who asked to be left alone, and this one has not, or the request was \
                       withdrawn. Write in your own words, or record the request first (setHold, CEASE_CONTACT).";
        return Err(UserError::at(UserErrorCode::Conflict, "ceaseNotice", message).into());
    }
    let found = needs_of(tx, debtor, account).await?;
    Ok(found.append(notice.wording(&found.language), &found.language))
}

/// What a message to a person needs.
struct Needs {
    /// The person's language.
    language: String,
    /// The name of the business that writes.
    business: String,
    statements: ContentNeeds,
}

impl Needs {
    fn append(&self, content: &str, language: &str) -> String {
        let named = append_sender(content, &self.business, language);
        append_required(&named, language, &self.statements)
    }
}

async fn needs_of(tx: &mut TenantTx, debtor: Uuid, account: Option<Uuid>) -> Result<Needs, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT b.name, b.role, p.preferred_language,
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
    let statements = ContentNeeds {
        // For a creditor of its own debts the statement would be false.
        identifies_collector: row.role == "THIRD_PARTY_COLLECTOR",
        // Without an account nothing is known of earlier notices: the fuller text is never wrong.
        is_initial: row.is_initial || account.is_none(),
        opt_out_notice: true,
    };
    Ok(Needs {
        language: row.preferred_language,
        business: row.name,
        statements,
    })
}
