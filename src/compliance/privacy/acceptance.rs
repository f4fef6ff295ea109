//! Who accepted which version of the privacy notice, when and from where: debtors in the portal, and staff. Kept as evidence of it;
//! nothing else hangs on it, and nobody is kept out who has not.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::notice;
use crate::{
    access::{Cell, authorize},
    accounts::debtor_by_id,
    compliance::sealed_record::NewRecord,
    platform::{
        db::{AuditEntry, Db, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, WrappedKey},
        request_origin::OpenedOrigin,
    },
};

pub(in crate::compliance) const TABLE: &str = "privacy_acceptances";

/// Versions that are told of one person, newest first.
const MOST: i64 = 20;

/// What somebody accepts.
pub struct NewAcceptance<'a> {
    /// The version that they were shown.
    pub version: &'a str,
    /// In which of its languages.
    pub language: &'static str,
    /// From where.
    pub origin: OpenedOrigin,
}

/// An acceptance, with what it was sealed under.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct AcceptanceRow {
    pub(in crate::compliance) id: Uuid,
    pub(in crate::compliance) debtor_id: Option<Uuid>,
    pub(in crate::compliance) user_id: Option<Uuid>,
    pub(in crate::compliance) version: String,
    pub(in crate::compliance) language: String,
    pub(in crate::compliance) accepted_at: DateTime<Utc>,
    /// Of a debtor, under their record key.
    pub(in crate::compliance) evidence_cipher: Option<Vec<u8>>,
    /// Of staff, under the platform's key.
    pub(in crate::compliance) origin_cipher: Option<Vec<u8>>,
    key_id: Option<Uuid>,
    key_version: Option<i32>,
    wrapped: Option<Vec<u8>>,
}

impl AcceptanceRow {
    /// The debtor's record key.
    pub(in crate::compliance) fn key(&self) -> Option<WrappedKey> {
        Some(WrappedKey {
            id: self.key_id?,
            business_key_version: self.key_version?,
            wrapped: self.wrapped.clone(),
        })
    }
}

/// Records that the caller accepts the version of the notice that is in force, and returns the record's id; who has accepted it
/// keeps the first.
///
/// # Errors
/// FORBIDDEN for a program; user errors: CONFLICT for a version that is not in force, and for a person whose records were destroyed.
pub async fn accept_notice(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewAcceptance<'_>,
) -> Result<Uuid, OpError> {
    let (debtor, user) = (tx.ctx().debtor_id(), tx.ctx().user_id());
    let cell = match debtor {
        Some(_) => Cell::OwnContactUpdate,
        None => Cell::ProfileUpdate,
    };
    authorize(tx.ctx(), cell).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if new.version != notice().version {
        let message = "This version is not in force: show privacyNotice as it is now, and ask anew.";
        return Err(UserError::at(UserErrorCode::Conflict, "version", message).into());
    }
    let origin = serde_json::to_string(&new.origin).map_err(|error| OpError::Internal(error.into()))?;
    match (debtor, user) {
        (Some(debtor), _) => {
            let owner = debtor_by_id(tx, debtor)
                .await?
                .ok_or_else(|| OpError::Forbidden("This person is not there any more.".to_owned()))?;
            let record = NewRecord::begin(tx, (keyring, db), TABLE, (owner, "version")).await?;
            let sealed = record.seal("evidence_cipher", &origin)?;
            write(tx, record.id, (Some(debtor), None), &new, (Some(sealed), None)).await
        }
        (None, Some(user)) => {
            let id = ids::next();
            let sealed = keyring.platform_seal(TABLE, "origin_cipher", id, origin.as_bytes())?;
            write(tx, id, (None, Some(user)), &new, (None, Some(sealed))).await
        }
        (None, None) => Err(OpError::Forbidden(
            "A person who is signed in accepts this, no program.".to_owned(),
        )),
    }
}

async fn write(
    tx: &mut TenantTx,
    id: Uuid,
    (debtor, user): (Option<Uuid>, Option<Uuid>),
    new: &NewAcceptance<'_>,
    (evidence, origin): (Option<Vec<u8>>, Option<Vec<u8>>),
) -> Result<Uuid, OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    let written = sqlx::query!(
        "INSERT INTO privacy_acceptances (business_id, id, debtor_id, user_id, version, language, accepted_at, evidence_cipher,
             origin_cipher)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        business,
        id,
        debtor,
        user,
        new.version,
        new.language,
        now,
        evidence,
        origin,
    )
    .execute(tx.conn())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(sqlx::query_scalar!(
            "SELECT id FROM privacy_acceptances
             WHERE business_id = $1 AND version = $4 AND (debtor_id = $2 OR user_id = $3)",
            business,
            debtor,
            user,
            new.version,
        )
        .fetch_one(tx.conn())
        .await?);
    }
    let details = json!({ "version": new.version, "language": new.language });
    tx.audit(AuditEntry::plain("privacy_notice.accepted", id, &details).about(debtor));
    Ok(id)
}

/// One of the caller's own.
pub(in crate::compliance) async fn own_acceptance(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<AcceptanceRow>, DbError> {
    let (business, debtor, user) = (tx.business_id(), tx.ctx().debtor_id(), tx.ctx().user_id());
    Ok(sqlx::query_as!(
        AcceptanceRow,
        r#"SELECT a.id, a.debtor_id, a.user_id, a.version, a.language, a.accepted_at, a.evidence_cipher, a.origin_cipher,
                k.id AS "key_id?", k.business_key_version AS "key_version?", k.wrapped
         FROM privacy_acceptances a
         LEFT JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id
         LEFT JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE a.business_id = $1 AND a.id = $2 AND (a.debtor_id = $3 OR a.user_id = $4)"#,
        business,
        id,
        debtor,
        user,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Those of the people behind these records, newest first, each with the record that was asked for; at most twenty of each. The
/// people were read within the caller's scope.
pub(in crate::compliance) async fn acceptances_of_people(
    tx: &mut TenantTx,
    debtors: &[Uuid],
) -> Result<Vec<(Uuid, AcceptanceRow)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        "SELECT q.id AS asked, p.id, p.debtor_id, p.version, p.language, p.accepted_at, p.evidence_cipher,
                p.key_id, p.key_version, p.wrapped
         FROM debtors q
         CROSS JOIN LATERAL (
             SELECT a.*, k.id AS key_id, k.business_key_version AS key_version, k.wrapped
             FROM debtors g
             JOIN privacy_acceptances a ON a.business_id = g.business_id AND a.debtor_id = g.id
             JOIN data_keys k ON k.business_id = g.business_id AND k.id = g.record_key_id
             WHERE g.business_id = q.business_id AND g.person_id = q.person_id
             ORDER BY a.id DESC LIMIT $3) p
         WHERE q.business_id = $1 AND q.id = ANY($2)
         ORDER BY p.id DESC",
        business,
        debtors,
        MOST,
    )
    .fetch_all(tx.conn())
    .await?;
    let told = rows.into_iter().map(|row| {
        let accepted = AcceptanceRow {
            id: row.id,
            debtor_id: row.debtor_id,
            user_id: None,
            version: row.version,
            language: row.language,
            accepted_at: row.accepted_at,
            evidence_cipher: row.evidence_cipher,
            origin_cipher: None,
            key_id: Some(row.key_id),
            key_version: Some(row.key_version),
            wrapped: row.wrapped,
        };
        (row.asked, accepted)
    });
    Ok(told.collect())
}

/// The newest of each of these members of staff who has one.
pub(in crate::compliance) async fn acceptances_of_staff(
    tx: &mut TenantTx,
    users: &[Uuid],
) -> Result<Vec<AcceptanceRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        AcceptanceRow,
        r#"SELECT DISTINCT ON (a.user_id) a.id, a.debtor_id, a.user_id, a.version, a.language, a.accepted_at, a.evidence_cipher,
                a.origin_cipher, NULL::uuid AS key_id, NULL::int AS key_version, NULL::bytea AS wrapped
         FROM privacy_acceptances a WHERE a.business_id = $1 AND a.user_id = ANY($2)
         ORDER BY a.user_id, a.id DESC"#,
        business,
        users,
    )
    .fetch_all(tx.conn())
    .await?)
}
