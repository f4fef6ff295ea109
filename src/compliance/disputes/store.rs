//! SQL of disputes and their steps.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{DisputeKind, DisputeOutcome, DisputeReason, DisputeStatus, model::Owed, pause::Marked};
use crate::{
    compliance::intake_channel::IntakeChannel,
    platform::{
        db::{DbError, TenantTx},
        ids,
        keys::WrappedKey,
    },
};

/// A dispute, its texts sealed.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct DisputeRow {
    pub(in crate::compliance) id: Uuid,
    pub(in crate::compliance) debtor_id: Uuid,
    pub(in crate::compliance) account_id: Option<Uuid>,
    pub(in crate::compliance) kind: String,
    pub(in crate::compliance) reason: Option<String>,
    pub(in crate::compliance) requests_original_creditor: bool,
    pub(in crate::compliance) words_cipher: Option<Vec<u8>>,
    pub(in crate::compliance) received_at: DateTime<Utc>,
    pub(in crate::compliance) channel: String,
    pub(in crate::compliance) written: bool,
    pub(in crate::compliance) within_validation_period: bool,
    pub(in crate::compliance) held_by_choice: bool,
    pub(in crate::compliance) looked_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) duplicate_of: Option<Uuid>,
    pub(in crate::compliance) status: String,
    pub(in crate::compliance) due_at: DateTime<Utc>,
    pub(in crate::compliance) verification_sent_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) duplicative_notice_sent_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) original_creditor_sent_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) outcome: Option<String>,
    pub(in crate::compliance) resolved_at: Option<DateTime<Utc>>,
    pub(in crate::compliance) resolution_cipher: Option<Vec<u8>>,
    pub(in crate::compliance) hold_id: Option<Uuid>,
    pub(in crate::compliance) message_id: Option<Uuid>,
    pub(in crate::compliance) filed_by: Option<Uuid>,
    pub(in crate::compliance) filed_at: DateTime<Utc>,
    pub(in crate::compliance) key_id: Uuid,
    pub(in crate::compliance) key_version: i32,
    pub(in crate::compliance) wrapped: Option<Vec<u8>>,
}

impl DisputeRow {
    pub(in crate::compliance) fn status(&self) -> DisputeStatus {
        DisputeStatus::parse(&self.status)
    }

    pub(in crate::compliance) fn is_dispute(&self) -> bool {
        DisputeKind::parse(&self.kind) == DisputeKind::Dispute
    }

    /// An answer is owed still.
    pub(in crate::compliance) fn waits(&self) -> bool {
        self.status().waits()
    }

    /// The person's record key.
    pub(in crate::compliance) fn key(&self) -> WrappedKey {
        WrappedKey {
            id: self.key_id,
            business_key_version: self.key_version,
            wrapped: self.wrapped.clone(),
        }
    }

    pub(super) fn marked(&self) -> Marked {
        Marked {
            id: self.id,
            debtor_id: self.debtor_id,
            account_id: self.account_id,
            is_dispute: self.is_dispute(),
        }
    }

    pub(super) fn owed(&self) -> Owed {
        Owed {
            is_dispute: self.is_dispute(),
            requests_original_creditor: self.requests_original_creditor,
            verification: self.verification_sent_at,
            duplicative_notice: self.duplicative_notice_sent_at,
            original_creditor: self.original_creditor_sent_at,
        }
    }
}

/// A dispute about to be filed.
pub(super) struct NewRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Option<Uuid>,
    pub(super) kind: DisputeKind,
    pub(super) reason: Option<DisputeReason>,
    pub(super) requests_original_creditor: bool,
    pub(super) words_cipher: Option<Vec<u8>>,
    pub(super) received_at: DateTime<Utc>,
    pub(super) channel: IntakeChannel,
    pub(super) written: bool,
    pub(super) within_validation_period: bool,
    pub(super) held_by_choice: bool,
    pub(super) looked_at: Option<DateTime<Utc>>,
    pub(super) duplicate_of: Option<Uuid>,
    pub(super) due_at: DateTime<Utc>,
    pub(super) event_id: Option<Uuid>,
}

pub(super) async fn insert(tx: &mut TenantTx, new: &NewRow) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO disputes (business_id, id, debtor_id, account_id, kind, reason, requests_original_creditor, words_cipher,
             received_at, channel, written, within_validation_period, held_by_choice, looked_at, duplicate_of, status, due_at,
             event_id, filed_by, filed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'OPEN', $16, $17, $18, $19)",
        business,
        new.id,
        new.debtor_id,
        new.account_id,
        new.kind.as_str(),
        new.reason.map(DisputeReason::as_str),
        new.requests_original_creditor,
        new.words_cipher,
        new.received_at,
        new.channel.as_str(),
        new.written,
        new.within_validation_period,
        new.held_by_choice,
        new.looked_at,
        new.duplicate_of,
        new.due_at,
        new.event_id,
        user,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The id that a step's note was sealed for, and the note.
pub(super) struct Sealed {
    pub(super) id: Uuid,
    pub(super) note: Option<Vec<u8>>,
}

/// A step of a dispute's timeline about to be written.
pub(super) struct Step<'a> {
    pub(super) dispute_id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Option<Uuid>,
    pub(super) step: &'static str,
    pub(super) happened_at: DateTime<Utc>,
    pub(super) channel: Option<IntakeChannel>,
    pub(super) outcome: Option<DisputeOutcome>,
    pub(super) documents: &'a [Uuid],
    pub(super) sealed: Option<Sealed>,
}

impl Step<'_> {
    pub(super) fn new(
        dispute_id: Uuid,
        debtor_id: Uuid,
        account_id: Option<Uuid>,
        step: &'static str,
        happened_at: DateTime<Utc>,
    ) -> Self {
        Self {
            dispute_id,
            debtor_id,
            account_id,
            step,
            happened_at,
            channel: None,
            outcome: None,
            documents: &[],
            sealed: None,
        }
    }
}

pub(super) async fn insert_step(tx: &mut TenantTx, step: &Step<'_>) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let actor = match (tx.ctx().debtor_id(), tx.ctx().actor().kind()) {
        (Some(_), _) => "DEBTOR",
        (None, "SYSTEM") => "SERVICE",
        (None, _) => "STAFF",
    };
    let (id, note) = match &step.sealed {
        Some(sealed) => (sealed.id, sealed.note.as_deref()),
        None => (ids::next(), None),
    };
    sqlx::query!(
        "INSERT INTO dispute_steps (business_id, id, dispute_id, debtor_id, account_id, step, recorded_at, happened_at, actor,
             recorded_by, channel, outcome, note_cipher)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        business,
        id,
        step.dispute_id,
        step.debtor_id,
        step.account_id,
        step.step,
        now,
        step.happened_at,
        actor,
        user,
        step.channel.map(IntakeChannel::as_str),
        step.outcome.map(DisputeOutcome::as_str),
        note,
    )
    .execute(tx.conn())
    .await?;
    if !step.documents.is_empty() {
        sqlx::query!(
            "INSERT INTO dispute_documents (business_id, step_id, document_id) SELECT DISTINCT $1::uuid, $2::uuid, d.id
             FROM unnest($3::uuid[]) AS d(id)",
            business,
            id,
            step.documents,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// Which disputes a list shows.
#[derive(Clone, Debug, Default)]
pub(in crate::compliance) struct DisputeCriteria {
    pub(in crate::compliance) id: Option<Uuid>,
    pub(in crate::compliance) statuses: Option<Vec<String>>,
    /// Those that wait for an answer and are due before.
    pub(in crate::compliance) due_before: Option<DateTime<Utc>>,
    pub(in crate::compliance) account: Option<Uuid>,
    /// Of all records of the person.
    pub(in crate::compliance) debtor: Option<Uuid>,
    /// Those of which it was told that they are due soon, or overdue.
    pub(in crate::compliance) told: bool,
    pub(in crate::compliance) past: Option<Uuid>,
}

/// Disputes within the caller's scope, newest first.
pub(in crate::compliance) async fn disputes(
    tx: &mut TenantTx,
    criteria: &DisputeCriteria,
    limit: i64,
) -> Result<Vec<DisputeRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        DisputeRow,
        r#"SELECT t.id, t.debtor_id, t.account_id, t.kind, t.reason, t.requests_original_creditor, t.words_cipher, t.received_at,
                t.channel, t.written, t.within_validation_period, t.held_by_choice, t.looked_at, t.duplicate_of, t.status,
                t.due_at, t.verification_sent_at, t.duplicative_notice_sent_at, t.original_creditor_sent_at, t.outcome,
                t.resolved_at, t.resolution_cipher, t.hold_id, h.message_id AS "message_id?", t.filed_by, t.filed_at,
                k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM disputes t
         JOIN debtors d ON d.business_id = t.business_id AND d.id = t.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         LEFT JOIN accounts a ON a.business_id = t.business_id AND a.id = t.account_id
         LEFT JOIN holds h ON h.business_id = t.business_id AND h.id = t.hold_id
         WHERE t.business_id = $1 AND a.deleted_at IS NULL
           AND ($2::uuid IS NULL OR t.id = $2) AND ($3::text[] IS NULL OR t.status = ANY($3))
           AND ($4::timestamptz IS NULL OR (t.due_at < $4 AND t.status IN ('OPEN', 'VERIFYING')))
           AND ($5::uuid IS NULL OR t.account_id = $5)
           AND ($6::uuid IS NULL OR t.debtor_id = ANY(ARRAY(
               SELECT g.id FROM debtors q JOIN debtors g ON g.business_id = q.business_id AND g.person_id = q.person_id
               WHERE q.business_id = $1 AND q.id = $6)))
           AND (NOT $7 OR (t.status IN ('OPEN', 'VERIFYING')
               AND (t.told_soon_at IS NOT NULL OR t.told_overdue_at IS NOT NULL)))
           AND ($8::uuid IS NULL OR t.id < $8)
           -- Of no one debt: whoever sees one of the person's debts sees it.
           AND ($9::uuid IS NULL OR (t.account_id IS NOT NULL AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = $9))
             OR (t.account_id IS NULL AND EXISTS (
               SELECT FROM debtors g JOIN accounts v ON v.business_id = g.business_id AND v.debtor_id = g.id
               WHERE g.business_id = $1 AND g.person_id = d.person_id AND v.deleted_at IS NULL
                 AND (v.assigned_agent_id IS NULL OR v.assigned_agent_id = $9))))
         ORDER BY t.id DESC LIMIT $10"#,
        business,
        criteria.id,
        criteria.statuses.as_deref(),
        criteria.due_before,
        criteria.account,
        criteria.debtor,
        criteria.told,
        criteria.past,
        scope,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// One dispute within the caller's scope.
pub(in crate::compliance) async fn dispute_by_id(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<DisputeRow>, DbError> {
    let criteria = DisputeCriteria {
        id: Some(id),
        ..DisputeCriteria::default()
    };
    Ok(disputes(tx, &criteria, 1).await?.pop())
}

/// The disputes of these accounts, with those of the person that do not say which debt is meant, newest first, at most a
/// hundred of each. The accounts were read within the caller's scope.
pub(in crate::compliance) async fn disputes_of_accounts(
    tx: &mut TenantTx,
    accounts: &[Uuid],
) -> Result<Vec<(Uuid, DisputeRow)>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT a.id AS asked, t.id AS "id!", t.debtor_id AS "debtor_id!", t.account_id, t.kind AS "kind!", t.reason,
                t.requests_original_creditor AS "requests_original_creditor!", t.words_cipher,
                t.received_at AS "received_at!", t.channel AS "channel!", t.written AS "written!",
                t.within_validation_period AS "within_validation_period!", t.held_by_choice AS "held_by_choice!", t.looked_at,
                t.duplicate_of, t.status AS "status!", t.due_at AS "due_at!", t.verification_sent_at,
                t.duplicative_notice_sent_at, t.original_creditor_sent_at, t.outcome, t.resolved_at, t.resolution_cipher,
                t.hold_id, h.message_id AS "message_id?", t.filed_by, t.filed_at AS "filed_at!", k.id AS key_id,
                k.business_key_version AS key_version, k.wrapped
         FROM accounts a
         CROSS JOIN LATERAL (
            SELECT v.* FROM disputes v
            WHERE v.business_id = a.business_id
              AND (v.account_id = a.id OR (v.account_id IS NULL AND v.debtor_id = a.debtor_id))
            ORDER BY v.id DESC LIMIT 100) t
         JOIN debtors d ON d.business_id = t.business_id AND d.id = t.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         LEFT JOIN holds h ON h.business_id = t.business_id AND h.id = t.hold_id
         WHERE a.business_id = $1 AND a.id = ANY($2)
         ORDER BY t.id DESC"#,
        business,
        accounts,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let dispute = DisputeRow {
                id: row.id,
                debtor_id: row.debtor_id,
                account_id: row.account_id,
                kind: row.kind,
                reason: row.reason,
                requests_original_creditor: row.requests_original_creditor,
                words_cipher: row.words_cipher,
                received_at: row.received_at,
                channel: row.channel,
                written: row.written,
                within_validation_period: row.within_validation_period,
                held_by_choice: row.held_by_choice,
                looked_at: row.looked_at,
                duplicate_of: row.duplicate_of,
                status: row.status,
                due_at: row.due_at,
                verification_sent_at: row.verification_sent_at,
                duplicative_notice_sent_at: row.duplicative_notice_sent_at,
                original_creditor_sent_at: row.original_creditor_sent_at,
                outcome: row.outcome,
                resolved_at: row.resolved_at,
                resolution_cipher: row.resolution_cipher,
                hold_id: row.hold_id,
                message_id: row.message_id,
                filed_by: row.filed_by,
                filed_at: row.filed_at,
                key_id: row.key_id,
                key_version: row.key_version,
                wrapped: row.wrapped,
            };
            (row.asked, dispute)
        })
        .collect())
}

/// How many disputes of the record wait for an answer.
pub(super) async fn waiting_count(tx: &mut TenantTx, debtor: Uuid) -> Result<i64, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM disputes
           WHERE business_id = $1 AND debtor_id = $2 AND status IN ('OPEN', 'VERIFYING')"#,
        business,
        debtor,
    )
    .fetch_one(tx.conn())
    .await?)
}
