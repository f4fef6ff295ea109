//! SQL of validation notices.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{NoticeLanguage, NoticeStatus, facts::NoticeFacts};
use crate::{
    accounts::ItemizationEvent,
    platform::{
        db::{DbError, TenantTx},
        keys::WrappedKey,
    },
};

pub(super) const TABLE: &str = "validation_notices";
pub(super) const CONTENT: &str = "content_cipher";
/// Most notices of one account.
pub(in crate::compliance) const MOST: i64 = 50;

/// A notice as the database holds it.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct NoticeRow {
    pub(in crate::compliance) id: Uuid,
    pub(in crate::compliance) debtor_id: Uuid,
    pub(in crate::compliance) account_id: Uuid,
    pub(in crate::compliance) status: String,
    pub(in crate::compliance) language: String,
    pub(in crate::compliance) content_cipher: Option<Vec<u8>>,
    pub(in crate::compliance) currency: String,
    pub(in crate::compliance) itemization_date: NaiveDate,
    pub(in crate::compliance) itemization_event: String,
    pub(in crate::compliance) itemized_minor: i64,
    pub(in crate::compliance) interest_minor: i64,
    pub(in crate::compliance) fees_minor: i64,
    pub(in crate::compliance) payments_minor: i64,
    pub(in crate::compliance) credits_minor: i64,
    pub(in crate::compliance) current_minor: i64,
    pub(in crate::compliance) provide_by: NaiveDate,
    pub(in crate::compliance) period_ends_on: NaiveDate,
    pub(in crate::compliance) names_electronic_means: bool,
    pub(in crate::compliance) generated_by: Option<Uuid>,
    pub(in crate::compliance) generated_at: DateTime<Utc>,
    pub(in crate::compliance) pdf_file_id: Option<Uuid>,
    pub(in crate::compliance) page_file_id: Option<Uuid>,
    pub(in crate::compliance) pdf_sha256: Option<Vec<u8>>,
    pub(in crate::compliance) method: Option<String>,
    pub(in crate::compliance) provided_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) assumed_received_on: Option<NaiveDate>,
    pub(in crate::compliance) provision_recorded_by: Option<Uuid>,
    pub(in crate::compliance) returned_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) return_recorded_by: Option<Uuid>,
    pub(in crate::compliance) key_id: Uuid,
    pub(in crate::compliance) key_version: i32,
    pub(in crate::compliance) wrapped: Option<Vec<u8>>,
}

impl NoticeRow {
    pub(in crate::compliance) fn status(&self) -> Option<NoticeStatus> {
        NoticeStatus::parse(&self.status)
    }

    /// The person's record key.
    pub(in crate::compliance) fn key(&self) -> WrappedKey {
        WrappedKey {
            id: self.key_id,
            business_key_version: self.key_version,
            wrapped: self.wrapped.clone(),
        }
    }
}

/// A notice about to be stored.
pub(super) struct NewRow<'a> {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) language: NoticeLanguage,
    pub(super) content_cipher: Vec<u8>,
    pub(super) event: ItemizationEvent,
    pub(super) facts: &'a NoticeFacts,
    pub(super) provide_by: NaiveDate,
    pub(super) rule_set_version: &'a str,
}

pub(super) async fn insert(tx: &mut TenantTx, new: &NewRow<'_>) -> Result<(), DbError> {
    let (business, user) = (tx.business_id(), tx.ctx().user_id());
    let (facts, amounts) = (new.facts, &new.facts.itemization);
    sqlx::query!(
        "INSERT INTO validation_notices (business_id, id, debtor_id, account_id, status, language, content_cipher, currency,
             itemization_date, itemization_event, itemized_minor, interest_minor, fees_minor, payments_minor, credits_minor,
             current_minor, provide_by, period_ends_on, names_electronic_means, rule_set_version, generated_by, generated_at)
         VALUES ($1, $2, $3, $4, 'QUEUED', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        business,
        new.id,
        new.debtor_id,
        new.account_id,
        new.language.as_str(),
        new.content_cipher,
        amounts.currency.code(),
        facts.itemization_date,
        new.event.as_str(),
        amounts.then,
        amounts.interest,
        amounts.fees,
        amounts.payments,
        amounts.credits,
        amounts.now,
        new.provide_by,
        facts.period_ends_on,
        facts.collector.email.is_some(),
        new.rule_set_version,
        user,
        facts.written_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn count_of_account(tx: &mut TenantTx, account: Uuid) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM validation_notices WHERE business_id = $1 AND account_id = $2"#,
        business,
        account,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// One notice within the caller's scope.
pub(in crate::compliance) async fn notice_by_id(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<NoticeRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        NoticeRow,
        r#"SELECT n.id, n.debtor_id, n.account_id, n.status, n.language, n.content_cipher, n.currency, n.itemization_date,
                n.itemization_event, n.itemized_minor, n.interest_minor, n.fees_minor, n.payments_minor, n.credits_minor,
                n.current_minor, n.provide_by, n.period_ends_on, n.names_electronic_means, n.generated_by, n.generated_at,
                n.pdf_file_id, n.page_file_id, n.pdf_sha256, n.method, n.provided_at, n.assumed_received_on,
                n.provision_recorded_by, n.returned_at, n.return_recorded_by,
                k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM validation_notices n
         JOIN debtors d ON d.business_id = n.business_id AND d.id = n.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         JOIN accounts a ON a.business_id = n.business_id AND a.id = n.account_id
         WHERE n.business_id = $1 AND n.id = $2 AND a.deleted_at IS NULL
           AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)"#,
        business,
        id,
        scope,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The notices of these accounts, newest first; to a debtor those that were provided and did not come back. The accounts were
/// read within the caller's scope.
pub(in crate::compliance) async fn notices_of_accounts(
    tx: &mut TenantTx,
    accounts: &[Uuid],
) -> Result<Vec<NoticeRow>, DbError> {
    let business = tx.business_id();
    let provided_only = tx.ctx().debtor_id().is_some();
    Ok(sqlx::query_as!(
        NoticeRow,
        r#"SELECT n.id AS "id!", n.debtor_id AS "debtor_id!", n.account_id AS "account_id!", n.status AS "status!",
                n.language AS "language!", n.content_cipher, n.currency AS "currency!",
                n.itemization_date AS "itemization_date!", n.itemization_event AS "itemization_event!",
                n.itemized_minor AS "itemized_minor!", n.interest_minor AS "interest_minor!", n.fees_minor AS "fees_minor!",
                n.payments_minor AS "payments_minor!", n.credits_minor AS "credits_minor!",
                n.current_minor AS "current_minor!", n.provide_by AS "provide_by!", n.period_ends_on AS "period_ends_on!",
                n.names_electronic_means AS "names_electronic_means!", n.generated_by, n.generated_at AS "generated_at!",
                n.pdf_file_id, n.page_file_id, n.pdf_sha256, n.method, n.provided_at, n.assumed_received_on,
                n.provision_recorded_by, n.returned_at, n.return_recorded_by,
                k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM unnest($2::uuid[]) AS q(id)
         CROSS JOIN LATERAL (
            SELECT * FROM validation_notices v
            WHERE v.business_id = $1 AND v.account_id = q.id AND (NOT $3 OR v.status = 'PROVIDED')
            ORDER BY v.id DESC LIMIT $4) n
         JOIN debtors d ON d.business_id = n.business_id AND d.id = n.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         ORDER BY n.id DESC"#,
        business,
        accounts,
        provided_only,
        MOST,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What was written.
pub(super) struct Written {
    pub(super) pdf: (Uuid, [u8; 32]),
    pub(super) page: (Uuid, [u8; 32]),
}

/// Gives a queued notice its files; false where it has them already, or its records are gone.
pub(super) async fn settle_written(tx: &mut TenantTx, id: Uuid, written: &Written) -> Result<bool, DbError> {
    let business = tx.business_id();
    let settled = sqlx::query!(
        "UPDATE validation_notices SET status = 'READY', pdf_file_id = $3, pdf_sha256 = $4, page_file_id = $5, page_sha256 = $6
         WHERE business_id = $1 AND id = $2 AND status = 'QUEUED'",
        business,
        id,
        written.pdf.0,
        written.pdf.1.as_slice(),
        written.page.0,
        written.page.1.as_slice(),
    )
    .execute(tx.conn())
    .await?;
    Ok(settled.rows_affected() == 1)
}
