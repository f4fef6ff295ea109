//! SQL of debtors and accounts, but for the filtered lists (`list.rs`) and contact points (`contact_store.rs`).

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{SealedZones, debtor_keys::DebtorKeys};
use crate::platform::{
    db::{AuditEntry, DbError, TenantTx},
    keys::WrappedKey,
};

/// A person, with the keys that open their columns.
#[derive(Clone, Debug)]
pub struct DebtorRow {
    pub id: Uuid,
    /// The record that stands for the person: this one, or the one that it was merged into.
    pub person_id: Uuid,
    /// All records of the person, this one among them.
    pub members: Vec<Uuid>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub name_key: String,
    /// Of a debtor that is a company, of which the person is the contact.
    pub company_name: Option<String>,
    pub risk_level: Option<String>,
    /// The business's own number of the person.
    pub external_reference: Option<String>,
    pub preferred_language: String,
    pub preferred_channel: Option<String>,
    pub address_cipher: Option<Vec<u8>>,
    pub address_at: Option<DateTime<Utc>>,
    pub birth_date_cipher: Option<Vec<u8>>,
    pub national_id_cipher: Option<Vec<u8>>,
    pub stated_zone_cipher: Option<Vec<u8>>,
    pub stated_zone_at: Option<DateTime<Utc>>,
    pub stated_zone_statement_cipher: Option<Vec<u8>>,
    pub confirmed_zone_cipher: Option<Vec<u8>>,
    pub confirmed_zone_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub keys: DebtorKeys,
}

impl DebtorRow {
    /// What this record says of where the person is.
    pub fn sealed_zones(&self) -> SealedZones<'_> {
        SealedZones {
            profile: &self.keys.profile,
            debtor: self.id,
            stated: self.stated_zone_cipher.as_deref(),
            stated_at: self.stated_zone_at,
            confirmed: self.confirmed_zone_cipher.as_deref(),
            confirmed_at: self.confirmed_zone_at,
        }
    }
}

/// A debt, with what is shown of its debtor.
#[derive(Clone, Debug)]
pub struct AccountRow {
    pub id: Uuid,
    pub debtor_id: Uuid,
    pub account_number: String,
    pub original_creditor: Option<String>,
    pub status: String,
    pub currency: String,
    pub balance_minor: i64,
    pub original_balance_minor: Option<i64>,
    pub due_date: Option<NaiveDate>,
    pub debt_type: Option<String>,
    pub assigned_agent_id: Option<Uuid>,
    pub creditor_id: Option<Uuid>,
    pub placement_id: Option<Uuid>,
    pub custom_fields_cipher: Option<Vec<u8>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub preferred_language: String,
    pub preferred_channel: Option<String>,
}

/// Debtors by id; those that are not there (or not the caller's) are missing in the answer. An agent sees a person, with
/// all of their records, through an account or thread that is theirs or nobody's, and people whom nobody has an account
/// of.
///
/// # Errors
/// [`DbError`] as met.
pub async fn debtors_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<DebtorRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let rows = sqlx::query!(
        r#"SELECT d.id, d.person_id AS "person_id!", d.first_name, d.last_name, d.name_key, d.company_name, d.risk_level, d.external_reference,
                d.preferred_language,
                d.preferred_channel, d.address_cipher, d.address_at, d.birth_date_cipher, d.national_id_cipher, d.stated_zone_cipher,
                d.stated_zone_at, d.stated_zone_statement_cipher, d.confirmed_zone_cipher, d.confirmed_zone_at,
                d.created_at,
                ARRAY(SELECT g.id FROM debtors g WHERE g.business_id = $1 AND g.person_id = d.person_id
                      ORDER BY g.id) AS "members!",
                p.id AS profile_id, p.business_key_version AS profile_version, p.wrapped AS profile_wrapped,
                r.id AS record_id, r.business_key_version AS record_version, r.wrapped AS record_wrapped
         FROM debtors d
         JOIN data_keys p ON p.business_id = d.business_id AND p.id = d.profile_key_id
         JOIN data_keys r ON r.business_id = d.business_id AND r.id = d.record_key_id
         WHERE d.business_id = $1 AND d.id = ANY($2)
           AND ($3::uuid IS NULL
             -- Of one row each and not EXISTS: see `list::debtors::push_scope`.
             OR (SELECT true FROM debtors g JOIN accounts a ON a.business_id = g.business_id AND a.debtor_id = g.id
                 WHERE g.business_id = $1 AND g.person_id = d.person_id AND a.deleted_at IS NULL
                 AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3) LIMIT 1)
             OR (SELECT true FROM debtors g JOIN conversations v ON v.business_id = g.business_id AND v.debtor_id = g.id
                 WHERE g.business_id = $1 AND g.person_id = d.person_id
                 AND (v.assigned_agent_id IS NULL OR v.assigned_agent_id = $3) LIMIT 1)
             -- A deleted account still says whose the person was.
             OR (SELECT true FROM debtors g JOIN accounts a ON a.business_id = g.business_id AND a.debtor_id = g.id
                 WHERE g.business_id = $1 AND g.person_id = d.person_id LIMIT 1) IS NULL)"#,
        business,
        ids,
        scope,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DebtorRow {
            id: row.id,
            person_id: row.person_id,
            members: row.members,
            first_name: row.first_name,
            last_name: row.last_name,
            name_key: row.name_key,
            company_name: row.company_name,
            risk_level: row.risk_level,
            external_reference: row.external_reference,
            preferred_language: row.preferred_language,
            preferred_channel: row.preferred_channel,
            address_cipher: row.address_cipher,
            address_at: row.address_at,
            birth_date_cipher: row.birth_date_cipher,
            national_id_cipher: row.national_id_cipher,
            stated_zone_cipher: row.stated_zone_cipher,
            stated_zone_at: row.stated_zone_at,
            stated_zone_statement_cipher: row.stated_zone_statement_cipher,
            confirmed_zone_cipher: row.confirmed_zone_cipher,
            confirmed_zone_at: row.confirmed_zone_at,
            created_at: row.created_at,
            keys: DebtorKeys {
                profile: WrappedKey {
                    id: row.profile_id,
                    business_key_version: row.profile_version,
                    wrapped: row.profile_wrapped,
                },
                record: WrappedKey {
                    id: row.record_id,
                    business_key_version: row.record_version,
                    wrapped: row.record_wrapped,
                },
            },
        })
        .collect())
}

/// One debtor, within the caller's scope.
///
/// # Errors
/// [`DbError`] as met.
pub async fn debtor_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<DebtorRow>, DbError> {
    Ok(debtors_by_ids(tx, &[id]).await?.pop())
}

/// Accounts by id, within the caller's scope.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn accounts_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<AccountRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        AccountRow,
        "SELECT a.id, a.debtor_id, a.account_number, a.original_creditor, a.status, a.currency, a.balance_minor,
                a.original_balance_minor, a.due_date, a.assigned_agent_id, a.creditor_id, a.placement_id,
                a.custom_fields_cipher, a.debt_type, a.created_at, a.updated_at, d.first_name, d.last_name, d.preferred_language, d.preferred_channel
         FROM accounts a JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id
         WHERE a.business_id = $1 AND a.id = ANY($2) AND a.deleted_at IS NULL
           AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)",
        business,
        ids,
        scope,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The companies' names, of those of these people who are companies.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn company_names(
    tx: &mut TenantTx,
    debtors: &[Uuid],
) -> Result<Vec<(Uuid, String)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT id, company_name AS "name!" FROM debtors
           WHERE business_id = $1 AND id = ANY($2) AND company_name IS NOT NULL"#,
        business,
        debtors,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Locks an account for a change: its debtor and status, if it is the caller's.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn lock_account(tx: &mut TenantTx, id: Uuid) -> Result<Option<(Uuid, String)>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let row = sqlx::query!(
        "SELECT debtor_id, status FROM accounts
         WHERE business_id = $1 AND id = $2 AND deleted_at IS NULL
           AND ($3::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $3)
         FOR NO KEY UPDATE",
        business,
        id,
        scope,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.debtor_id, row.status)))
}

/// [`lock_account`], and the person before it: renaming a person renames all of their accounts (`app.rename_accounts`),
/// so whoever needs both takes the person first.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn lock_person_and_account(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<(Uuid, String)>, DbError> {
    let Some(debtor) = scoped_debtor_of_account(tx, id).await? else {
        return Ok(None);
    };
    lock_person(tx, debtor).await?;
    lock_account(tx, id).await
}

/// The debtor of an account within the caller's scope.
///
/// # Errors
/// [`DbError`] as met.
pub async fn scoped_debtor_of_account(tx: &mut TenantTx, account: Uuid) -> Result<Option<Uuid>, DbError> {
    Ok(accounts_by_ids(tx, &[account])
        .await?
        .pop()
        .map(|row| row.debtor_id))
}

/// What tells whether a contact is about this account, and whom it concerns.
#[derive(Clone, Debug)]
pub struct OpenAccount {
    pub id: Uuid,
    pub debtor_id: Uuid,
    pub initial_communication_on: Option<NaiveDate>,
    pub validation_notice_on: Option<NaiveDate>,
    pub validation_period_ends_on: Option<NaiveDate>,
}

/// The accounts of a person that are worked on, oldest first.
///
/// # Errors
/// [`DbError`] as met.
pub async fn open_accounts_of(tx: &mut TenantTx, debtor: Uuid) -> Result<Vec<OpenAccount>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        OpenAccount,
        "SELECT id, debtor_id, initial_communication_on, validation_notice_on, validation_period_ends_on
         FROM accounts
         WHERE business_id = $1 AND deleted_at IS NULL AND status NOT IN ('PAID_IN_FULL', 'CLOSED')
           AND debtor_id = ANY(ARRAY(
               SELECT g.id FROM debtors d JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
               WHERE d.business_id = $1 AND d.id = $2))
         ORDER BY created_at, id LIMIT 50",
        business,
        debtor
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What an account says of its validation notice (12 CFR 1006.34): the gate reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidationDates {
    /// When the person was first told of the debt.
    pub initial_communication_on: Option<NaiveDate>,
    /// When the notice was provided that counts.
    pub notice_on: Option<NaiveDate>,
    /// The last day of its period.
    pub period_ends_on: Option<NaiveDate>,
}

/// Locks an account, within the caller's scope, and reads its dates. The caller holds the person's lock.
///
/// # Errors
/// [`DbError`] as met.
pub async fn lock_validation_dates(
    tx: &mut TenantTx,
    account: Uuid,
) -> Result<Option<ValidationDates>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        ValidationDates,
        "SELECT initial_communication_on, validation_notice_on AS notice_on, validation_period_ends_on AS period_ends_on
         FROM accounts
         WHERE business_id = $1 AND id = $2 AND deleted_at IS NULL
           AND ($3::uuid IS NULL OR assigned_agent_id IS NULL OR assigned_agent_id = $3)
         FOR NO KEY UPDATE",
        business,
        account,
        scope,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Records what became of an account's validation notice.
///
/// # Errors
/// [`DbError`] as met.
pub async fn set_validation_dates(
    tx: &mut TenantTx,
    account: Uuid,
    dates: ValidationDates,
) -> Result<(), DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let debtor = sqlx::query_scalar!(
        "UPDATE accounts SET initial_communication_on = $3, validation_notice_on = $4, validation_period_ends_on = $5,
             updated_at = $6
         WHERE business_id = $1 AND id = $2 RETURNING debtor_id",
        business,
        account,
        dates.initial_communication_on,
        dates.notice_on,
        dates.period_ends_on,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    let details = serde_json::json!({
        "initial_communication_on": dates.initial_communication_on, "provided_on": dates.notice_on,
        "period_ends_on": dates.period_ends_on,
    });
    tx.audit(AuditEntry::plain("account.validation_notice_recorded", account, &details).about(debtor));
    Ok(())
}

/// Tags of these accounts, in alphabetical order.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn tags_of(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<(Uuid, String)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT account_id, tag FROM account_tags WHERE business_id = $1 AND account_id = ANY($2) ORDER BY account_id, tag",
        business,
        accounts
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.tag)).collect())
}

/// Makes the account's tags these.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn replace_tags(tx: &mut TenantTx, account: Uuid, tags: &[String]) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "DELETE FROM account_tags WHERE business_id = $1 AND account_id = $2 AND tag <> ALL($3)",
        business,
        account,
        tags
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO account_tags (business_id, account_id, tag) SELECT $1, $2, * FROM unnest($3::text[]) ON CONFLICT DO NOTHING",
        business,
        account,
        tags
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The person behind a record is locked until the end of the transaction that took it. Who needs the lock to be held asks for
/// this: there is no other way to come by one.
#[derive(Debug)]
pub struct PersonLock {
    record: Uuid,
}

impl PersonLock {
    /// Whether it is the lock of the person behind this record.
    pub fn is_of(&self, record: Uuid) -> bool {
        self.record == record
    }
}

/// Locks the person until the end of the transaction. A dispatch decides under this lock so
/// that whatever else decides over contact with them stands either before its decision or after its attempt.
///
/// # Errors
/// [`DbError`] as met.
pub async fn lock_person(tx: &mut TenantTx, debtor: Uuid) -> Result<PersonLock, DbError> {
    lock_persons(tx, &[debtor]).await?;
    Ok(PersonLock { record: debtor })
}

/// How often people who were merged while their lock was waited for are locked anew.
const LOCK_TRIES: usize = 5;

/// Locks the people behind these records, in the order of their ids, and returns the records that stand for them. What
/// was merged or taken apart while it waited is locked anew: one person is one lock, whatever records they have.
///
/// # Errors
/// [`DbError::Conflict`] for people who are merged again and again meanwhile, and for a person whose record the caller may not
/// see; else [`DbError`] as met.
pub async fn lock_persons(tx: &mut TenantTx, debtors: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let business = tx.business_id();
    for _ in 0..LOCK_TRIES {
        let locked = sqlx::query_scalar!(
            "SELECT id FROM debtors WHERE business_id = $1 AND id = ANY(ARRAY(
                 SELECT person_id FROM debtors WHERE business_id = $1 AND id = ANY($2)))
             ORDER BY id FOR NO KEY UPDATE",
            business,
            debtors,
        )
        .fetch_all(tx.conn())
        .await?;
        let persons = sqlx::query_scalar!(
            r#"SELECT DISTINCT person_id AS "person_id!" FROM debtors WHERE business_id = $1 AND id = ANY($2) ORDER BY 1"#,
            business,
            debtors,
        )
        .fetch_all(tx.conn())
        .await?;
        if persons.iter().all(|person| locked.contains(person)) {
            return Ok(persons);
        }
    }
    Err(DbError::Conflict)
}
