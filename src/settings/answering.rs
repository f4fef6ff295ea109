//! What a business lets the assistant do and say.

use super::{model::StoredMoney, store};
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    money::Money,
};

/// What it does, and on which terms it names plans.
#[derive(Clone, Debug, Default)]
pub struct AnsweringTerms {
    pub is_on: bool,
    /// Whether it answers for an agent who does not work now.
    pub stands_in: bool,
    /// In percent.
    pub min_confidence: i32,
    pub is_strict: bool,
    /// Where debtors can call the business.
    pub phone: Option<String>,
    pub max_installments: Option<i32>,
    pub min_installment: Option<Money>,
    pub min_down_payment_basis_points: Option<i32>,
}

/// Whether the business has switched the assistant on: of every text that comes in, one look.
///
/// # Errors
/// [`DbError`] as met.
pub async fn assistant_is_on(tx: &mut TenantTx) -> Result<bool, DbError> {
    let business = tx.business_id();
    let is_on = sqlx::query_scalar!(
        r#"SELECT coalesce((assistant ->> 'enabled')::boolean, false) AS "is_on!" FROM business_settings WHERE business_id = $1"#,
        business
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(is_on.unwrap_or(false))
}

/// The terms as they stand.
///
/// # Errors
/// [`OpError`] as met.
pub async fn answering_terms(tx: &mut TenantTx) -> Result<AnsweringTerms, OpError> {
    let sections = store::settings(tx).await?.sections;
    let (assistant, terms) = (sections.assistant, sections.payment_terms);
    Ok(AnsweringTerms {
        is_on: assistant.enabled,
        stands_in: sections.auto_response.enabled,
        min_confidence: assistant.min_confidence,
        is_strict: assistant.strict,
        phone: sections.company.phone.map(|phone| phone.0),
        max_installments: terms.max_installments,
        min_installment: terms.min_installment.as_ref().and_then(StoredMoney::money),
        min_down_payment_basis_points: terms.min_down_payment_basis_points,
    })
}
