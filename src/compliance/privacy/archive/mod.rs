//! Archives about one person, written by a job and kept for three days for whoever asked: a copy of all their data (GDPR
//! Articles 15 and 20; Cal. Civ. 1798.110, 1798.130), a copy for themselves of what concerns one account of theirs, or evidence
//! of what was done in a time, for a regulator or a court.

mod disputes;
mod documents;
mod evidence;
mod own;
mod pack;
mod payments;
mod rows;
mod run;
mod sections;
mod summary;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

pub use own::request_own_copy;
pub(in crate::compliance) use own::{OwnCopy, own_copy};
pub use run::{Archivist, RunArchive, run_archive};

use super::{
    model::{PrivacyRegime, PrivacyRequestKind, PrivacyRequestStatus},
    requests::{check_text, destroyed},
    store::{self, NewRow},
};
use crate::{
    access::{Cell, authorize},
    accounts::{debtor_by_id, scoped_debtor_of_account},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{PageRequest, UserError, UserErrorCode},
        ids,
        keys::TenantKeys,
    },
};

/// How long the file is kept.
const KEPT: TimeDelta = TimeDelta::hours(72);
/// One that has not ended by then has failed, whatever its row says.
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// At most this many of one business at once.
const MOST_AT_ONCE: i64 = 3;
/// Evidence covers at most so many days: ten years.
const LONGEST_SPAN: TimeDelta = TimeDelta::days(3_660);

/// Where an archive stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compliance) enum ArchiveState {
    Queued,
    Running,
    Ready,
    Failed,
    Expired,
}

/// An archive as the database holds it.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct ArchiveRow {
    pub(in crate::compliance) id: Uuid,
    pub(in crate::compliance) kind: String,
    pub(in crate::compliance) debtor_id: Uuid,
    pub(in crate::compliance) account_id: Option<Uuid>,
    pub(in crate::compliance) from_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) until_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) privacy_request_id: Option<Uuid>,
    pub(in crate::compliance) file_id: Option<Uuid>,
    pub(in crate::compliance) created_at: DateTime<Utc>,
    pub(in crate::compliance) finished_at: Option<DateTime<Utc>>,
    state: String,
    /// Whether its file is there: it goes when the person is erased.
    file_there: bool,
}

impl ArchiveRow {
    /// Where it stands now: time alone makes it fail or expire.
    pub(in crate::compliance) fn state(&self, now: DateTime<Utc>) -> ArchiveState {
        match self.state.as_str() {
            "READY" if self.file_there && self.expires_at().is_some_and(|end| end > now) => {
                ArchiveState::Ready
            }
            "READY" => ArchiveState::Expired,
            _ if self.created_at + LONGEST <= now => ArchiveState::Failed,
            "RUNNING" => ArchiveState::Running,
            _ => ArchiveState::Queued,
        }
    }

    /// When its file goes.
    pub(in crate::compliance) fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.finished_at.map(|at| at + KEPT)
    }
}

/// What a person asked to have a copy of.
#[derive(Clone, Debug)]
pub struct NewDataExport<'a> {
    pub debtor_id: Uuid,
    /// ACCESS or PORTABILITY.
    pub kind: PrivacyRequestKind,
    pub regime: PrivacyRegime,
    /// What they wrote or said, in 1 to 1,000 characters; sealed.
    pub reason: Option<&'a str>,
}

/// What evidence is wanted of.
#[derive(Clone, Copy, Debug)]
pub struct NewEvidencePack {
    /// The person; when none, that of the debt.
    pub debtor_id: Option<Uuid>,
    /// This debt alone.
    pub account_id: Option<Uuid>,
    pub from: DateTime<Utc>,
    /// Exclusive.
    pub until: DateTime<Utc>,
}

/// Asks for a copy of all data of a person, and writes the request down; the archive's id.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, INVALID_INPUT for what does not fit, CONFLICT for a person
/// whose records were destroyed, QUOTA_EXCEEDED while three archives are being written.
pub async fn request_data_export(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: NewDataExport<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::PrivacyManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if !matches!(
        new.kind,
        PrivacyRequestKind::Access | PrivacyRequestKind::Portability
    ) {
        let message = "A copy is asked for as ACCESS or PORTABILITY.";
        return Err(UserError::invalid("kind", message).into());
    }
    if let Some(reason) = new.reason {
        check_text("reason", reason)?;
    }
    let debtor = debtor_by_id(tx, new.debtor_id)
        .await?
        .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?;
    let record = keys.data_key(&debtor.keys.record)?.ok_or_else(destroyed)?;
    let request = ids::next();
    let sealed = |text: &str| {
        let text = text.trim().as_bytes();
        keys.seal(&record, "privacy_requests", "reason_cipher", request, text)
    };
    let row = NewRow {
        id: request,
        debtor_id: debtor.id,
        kind: new.kind,
        regime: new.regime,
        status: PrivacyRequestStatus::Running,
        reason_cipher: new.reason.map(sealed).transpose()?,
        received_at: tx.now(),
        own_account: None,
        erasure: None,
    };
    store::insert(tx, row).await?;
    let details = json!({ "kind": new.kind.as_str(), "regime": new.regime.as_str() });
    tx.audit(AuditEntry::plain("privacy.requested", request, &details).about(Some(debtor.id)));
    let wanted = Wanted {
        kind: "DATA",
        debtor: debtor.id,
        account: None,
        span: None,
        request: Some(request),
    };
    insert(tx, wanted).await
}

/// Asks for evidence of what was done with a person, or about one debt, in a time; the archive's id.
///
/// # Errors
/// User errors: NOT_FOUND for a person or debt that is not the caller's, INVALID_INPUT where neither is named or the time
/// does not fit, CONFLICT for a person whose records were destroyed, QUOTA_EXCEEDED while three archives are being written.
pub async fn request_evidence_pack(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: NewEvidencePack,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::EvidenceExport).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let owner = match new.account_id {
        Some(account) => Some(
            scoped_debtor_of_account(tx, account)
                .await?
                .ok_or_else(|| UserError::not_found("accountId", "account"))?,
        ),
        None => None,
    };
    let id = new.debtor_id.or(owner);
    let id = id.ok_or_else(|| UserError::invalid("debtorId", "Name a person or a debt."))?;
    let debtor = debtor_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?;
    if owner.is_some_and(|owner| !debtor.members.contains(&owner)) {
        let message = "This debt is of somebody else.";
        return Err(UserError::invalid("accountId", message).into());
    }
    if new.until <= new.from || new.until - new.from > LONGEST_SPAN {
        let message = "Give an end after the beginning, at most ten years later.";
        return Err(UserError::invalid("until", message).into());
    }
    keys.data_key(&debtor.keys.record)?.ok_or_else(destroyed)?;
    let wanted = Wanted {
        kind: "EVIDENCE",
        debtor: debtor.id,
        account: new.account_id,
        span: Some((new.from, new.until)),
        request: None,
    };
    insert(tx, wanted).await
}

struct Wanted {
    kind: &'static str,
    debtor: Uuid,
    account: Option<Uuid>,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    request: Option<Uuid>,
}

async fn insert(tx: &mut TenantTx, wanted: Wanted) -> Result<Uuid, OpError> {
    let requester = tx
        .ctx()
        .actor()
        .id()
        .ok_or_else(|| OpError::Forbidden("somebody has to ask for an archive".to_owned()))?;
    if running(tx).await? >= MOST_AT_ONCE {
        let message = "Three archives are being written: wait until one of them is ready.";
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    let (from, until) = wanted.span.unzip();
    sqlx::query!(
        "INSERT INTO debtor_archives (business_id, id, kind, debtor_id, account_id, from_at, until_at, privacy_request_id,
             requested_by, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'QUEUED', $10)",
        business,
        id,
        wanted.kind,
        wanted.debtor,
        wanted.account,
        from,
        until,
        wanted.request,
        requester,
        now,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "kind": wanted.kind, "account": wanted.account, "from": from, "until": until });
    tx.audit(AuditEntry::plain("archive.requested", id, &details).about(Some(wanted.debtor)));
    tx.enqueue(&RunArchive { id });
    Ok(id)
}

async fn running(tx: &mut TenantTx) -> Result<i64, DbError> {
    let (business, horizon) = (tx.business_id(), tx.now() - LONGEST);
    // One after the other, so that no two take the last place.
    let place = format!("{business} archives");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM debtor_archives
         WHERE business_id = $1 AND state IN ('QUEUED', 'RUNNING') AND created_at > $2 AND own_account_id IS NULL"#,
        business,
        horizon,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The caller's own archives, newest first, or one of them.
pub(in crate::compliance) async fn own_archives(
    tx: &mut TenantTx,
    id: Option<Uuid>,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<ArchiveRow>, DbError> {
    let (business, requester) = (tx.business_id(), tx.ctx().actor().id());
    Ok(sqlx::query_as!(
        ArchiveRow,
        r#"SELECT id, kind, debtor_id, account_id, from_at, until_at, privacy_request_id, file_id, created_at, finished_at,
             state, EXISTS (SELECT FROM files f WHERE f.business_id = $1 AND f.id = e.file_id AND f.state = 'CLAIMED')
                 AS "file_there!"
         FROM debtor_archives e
         WHERE business_id = $1 AND requested_by = $2 AND ($3::uuid IS NULL OR id = $3) AND ($4::uuid IS NULL OR id < $4)
         ORDER BY id DESC LIMIT $5"#,
        business,
        requester,
        id,
        past,
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// One archive of the caller's own.
pub(in crate::compliance) async fn own_archive(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<ArchiveRow>, DbError> {
    let page = PageRequest::one();
    Ok(own_archives(tx, Some(id), &page, None).await?.pop())
}
