//! A debtor, signed in, takes a copy of what concerns them and the account of their session: what the portal shows them, and
//! what they said. It is handed out without anybody of the business looking at it first, so nothing goes in that may tell of
//! others, that staff thought or noted, or that shows who somebody is (Cal. Code Regs. tit. 11, section 7024(d)); the copy
//! says so, and how to ask for the rest. Its rows are read in the debtor's own context: row-level security leaves out every
//! other account and person.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{ArchiveRow, RunArchive, sections::Section};
use crate::{
    access::{Cell, authorize},
    accounts::{debtor_by_id, lock_person},
    compliance::privacy::{
        model::{PrivacyRegime, PrivacyRequestKind, PrivacyRequestStatus},
        requests::destroyed,
        store::{self, NewRow},
    },
    platform::{
        context::Audience,
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::TenantKeys,
    },
};

/// One copy of an account in so long.
const BETWEEN: TimeDelta = TimeDelta::hours(24);

/// A copy with the instant by which the law wants it.
pub(in crate::compliance) struct OwnCopy {
    pub(in crate::compliance) row: ArchiveRow,
    pub(in crate::compliance) due_at: DateTime<Utc>,
}

/// Who asks: the debtor of the session, and its account.
fn own_place(tx: &TenantTx) -> Result<(Uuid, Uuid), OpError> {
    match tx.ctx().audience() {
        Audience::Debtor {
            debtor,
            account: Some(account),
        } => Ok((debtor, account)),
        _ => Err(OpError::Forbidden(
            "Only a debtor asks for this of themselves.".to_owned(),
        )),
    }
}

/// Asks for a copy, and writes the request down as one that was received in writing; the archive's id. That the debtor showed
/// lately that it is they is for whoever calls to check.
///
/// # Errors
/// FORBIDDEN for anybody who is no debtor. User errors: QUOTA_EXCEEDED within a day after another copy of the account,
/// CONFLICT for a person whose records were destroyed.
pub async fn request_own_copy(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    regime: PrivacyRegime,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::OwnDataExport).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (debtor, account) = own_place(tx)?;
    // Two requests at once are one after the other.
    lock_person(tx, debtor).await?;
    let person = debtor_by_id(tx, debtor).await?.ok_or_else(destroyed)?;
    keys.data_key(&person.keys.profile)?.ok_or_else(destroyed)?;
    let now = tx.now();
    if own_copy(tx)
        .await?
        .is_some_and(|copy| copy.row.created_at + BETWEEN > now)
    {
        let message =
            "You asked for a copy within the last 24 hours: use that one, or ask again a day after it.";
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    let (request, kind) = (ids::next(), PrivacyRequestKind::Portability);
    let row = NewRow {
        id: request,
        debtor_id: debtor,
        kind,
        regime,
        status: PrivacyRequestStatus::Running,
        reason_cipher: None,
        received_at: now,
        own_account: Some(account),
        erasure: None,
    };
    store::insert(tx, row).await?;
    let details =
        json!({ "kind": kind.as_str(), "regime": regime.as_str(), "account": account, "source": "PORTAL" });
    tx.audit(AuditEntry::plain("privacy.requested", request, &details).about(Some(debtor)));
    let (business, id) = (tx.business_id(), ids::next());
    sqlx::query!(
        "INSERT INTO debtor_archives (business_id, id, kind, debtor_id, privacy_request_id, own_account_id, requested_by,
             state, created_at)
         VALUES ($1, $2, 'OWN', $3, $4, $5, $3, 'QUEUED', $6)",
        business,
        id,
        debtor,
        request,
        account,
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    let details = json!({ "kind": "OWN", "account": account });
    tx.audit(AuditEntry::plain("archive.requested", id, &details).about(Some(debtor)));
    tx.enqueue(&RunArchive { id });
    Ok(id)
}

/// The newest copy of the session's account; none where none was asked for.
///
/// # Errors
/// As [`request_own_copy`], FORBIDDEN.
pub(in crate::compliance) async fn own_copy(tx: &mut TenantTx) -> Result<Option<OwnCopy>, OpError> {
    let (debtor, account) = own_place(tx)?;
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT e.id, e.file_id, e.privacy_request_id, e.created_at, e.finished_at, e.state, r.due_at
         FROM debtor_archives e
         JOIN privacy_requests r ON r.business_id = e.business_id AND r.id = e.privacy_request_id
         WHERE e.business_id = $1 AND e.debtor_id = $2 AND e.own_account_id = $3 ORDER BY e.id DESC LIMIT 1",
        business,
        debtor,
        account,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)?;
    Ok(row.map(|row| OwnCopy {
        due_at: row.due_at,
        row: ArchiveRow {
            id: row.id,
            kind: "OWN".to_owned(),
            debtor_id: debtor,
            account_id: None,
            from_at: None,
            until_at: None,
            privacy_request_id: row.privacy_request_id,
            file_id: row.file_id,
            created_at: row.created_at,
            finished_at: row.finished_at,
            state: row.state,
            // It goes early with the person alone, who then does not sign in any more.
            file_there: true,
        },
    }))
}

/// The lists of such a copy, and what of each goes in.
pub(super) const LISTS: &[(Section, &[&str])] = &[
    (
        Section::Profile,
        &[
            "id",
            "first_name",
            "last_name",
            "company_name",
            "preferred_language",
            "preferred_channel",
            "address",
            "address_at",
            "national_id_held",
        ],
    ),
    (
        Section::ContactPoints,
        &["id", "kind", "value", "line_type", "use", "created_at"],
    ),
    (
        Section::Accounts,
        &[
            "id",
            "account_number",
            "original_creditor",
            "status",
            "currency",
            "balance",
            "balance_minor_units",
            "original_balance_minor_units",
            "due_date",
            "components",
            "created_at",
            "updated_at",
        ],
    ),
    (
        Section::Conversations,
        &[
            "id",
            "account_id",
            "channel",
            "status",
            "our_address",
            "their_address",
            "created_at",
            "last_message_at",
            "closed_at",
        ],
    ),
    (
        Section::Messages,
        &[
            "id",
            "conversation_id",
            "sequence",
            "direction",
            "sender",
            "text",
            "delivery_status",
            "created_at",
            "sent_at",
            "delivered_at",
            "read_at",
        ],
    ),
    (
        Section::Consents,
        &[
            "id",
            "contact_point_id",
            "channel",
            "purpose",
            "status",
            "given_directly",
            "source",
            "said_at",
            "recorded_at",
        ],
    ),
    (
        Section::InconvenientTimes,
        &[
            "id",
            "days",
            "from_minute",
            "to_minute",
            "channels",
            "statement",
            "stated_at",
            "withdrawn_at",
        ],
    ),
    // The words may be an employer's or a creditor's, and why a record was taken back is staff's own note.
    (
        Section::ContactPlaces,
        &[
            "id",
            "place",
            "standing",
            "channels",
            "contact_point_id",
            "source",
            "stated_at",
            "ends_at",
            "withdrawn_at",
        ],
    ),
    (
        Section::PrivacyAcceptances,
        &["id", "version", "language", "accepted_at", "from_where"],
    ),
    (
        Section::Disputes,
        &[
            "id",
            "account_id",
            "kind",
            "reason",
            "requests_original_creditor",
            "words",
            "received_at",
            "status",
            "verification_sent_at",
            "duplicative_notice_sent_at",
            "original_creditor_sent_at",
            "resolved_at",
        ],
    ),
    (
        Section::PrivacyRequests,
        &[
            "id",
            "kind",
            "regime",
            "status",
            "received_at",
            "due_at",
            "closed_at",
        ],
    ),
];

/// Of an opened row, these fields alone.
pub(super) fn shown(row: Value, fields: &[&str]) -> Value {
    let Value::Object(mut row) = row else {
        return Value::Null;
    };
    let kept = fields
        .iter()
        .filter_map(|field| row.remove(*field).map(|value| ((*field).to_owned(), value)));
    Value::Object(kept.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_behind() {
        let row =
            json!({ "id": 1, "status": "SENT", "decision_id": 2, "failure_reason": "why", "text": null });
        assert_eq!(
            shown(row, &["id", "text", "missing"]),
            json!({ "id": 1, "text": null })
        );
        for (section, fields) in LISTS {
            for staffs in [
                "decision_id",
                "failure_reason",
                "custom_fields",
                "tags",
                "evidence",
                "birth_date",
                "resolution",
                "outcome",
                "as_imported",
                "label",
                "provenance",
            ] {
                assert!(!fields.contains(&staffs), "{section:?}: {staffs}");
            }
        }
    }
}
