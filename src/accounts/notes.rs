//! Internal notes on an account: never the debtor's, sealed with the debtor's profile key, never changed.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    page_of::{PageOf, PagesOf},
    store::{self, debtor_by_id},
};
use crate::{
    access::{Cell, authorize},
    platform::{
        crypto::DataKey,
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, TenantKeys},
    },
};

/// At most this many characters.
pub(super) const MOST_CHARACTERS: usize = 10_000;

/// One note, sealed.
#[derive(Clone, Debug)]
pub(super) struct NoteRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) author_id: Option<Uuid>,
    pub(super) body_cipher: Vec<u8>,
    pub(super) created_at: DateTime<Utc>,
}

/// Notes of one page each.
pub(super) type Notes = Arc<Vec<Arc<NoteRow>>>;

/// Writes a note and returns its id.
///
/// # Errors
/// NOT_FOUND for an account that is not the caller's, INVALID_INPUT for a text that is empty or too long, CONFLICT for
/// a person whose data was erased.
pub async fn add_note(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    account: Uuid,
    text: &str,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::NoteAdd).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if !(1..=MOST_CHARACTERS).contains(&text.trim().chars().count()) {
        return Err(UserError::invalid("text", "Write a note of 1 to 10,000 characters.").into());
    }
    let no_account = || UserError::not_found("accountId", "account");
    let (debtor, _) = store::lock_account(tx, account).await?.ok_or_else(no_account)?;
    let row = debtor_by_id(tx, debtor).await?.ok_or_else(no_account)?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = keys.data_key(&row.keys.profile)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "accountId",
            "This person's data was erased: nothing can be noted of it any more.",
        )
    })?;
    let id = insert_note(tx, &keys, account, &profile, text).await?;
    tx.audit(AuditEntry::plain("note.added", id, &json!({ "account": account })).about(Some(debtor)));
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(account),
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
    Ok(id)
}

/// Stores a note by whoever acts.
pub(super) async fn insert_note(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    account: Uuid,
    profile: &DataKey,
    text: &str,
) -> Result<Uuid, OpError> {
    let (business, now, author, id) = (tx.business_id(), tx.now(), tx.ctx().user_id(), ids::next());
    let sealed = keys.seal(profile, "account_notes", "body_cipher", id, text.as_bytes())?;
    sqlx::query!(
        "INSERT INTO account_notes (business_id, id, account_id, author_id, body_cipher, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        business,
        id,
        account,
        author,
        sealed,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// One note, within the caller's scope.
pub(super) async fn note_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<NoteRow>, DbError> {
    Ok(notes_by_ids(tx, &[id]).await?.pop())
}

/// Notes within the caller's scope.
pub(super) async fn notes_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<NoteRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        NoteRow,
        "SELECT n.id, a.debtor_id, n.author_id, n.body_cipher, n.created_at
         FROM account_notes n JOIN accounts a ON a.business_id = n.business_id AND a.id = n.account_id
         WHERE n.business_id = $1 AND n.id = ANY($2) AND a.deleted_at IS NULL
           AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)",
        business,
        ids,
        scope,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Newest first. The accounts were read within the caller's scope.
pub(super) async fn notes_of_accounts(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Notes>, DbError> {
    let business = tx.business_id();
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query!(
            r#"SELECT p.nth AS "nth!", n.id AS "id!", a.debtor_id AS "debtor_id!",
                    n.author_id, n.body_cipher AS "body_cipher!", n.created_at AS "created_at!"
             FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p(account_id, past, nth)
             JOIN accounts a ON a.business_id = $1 AND a.id = p.account_id
             CROSS JOIN LATERAL (
                SELECT * FROM account_notes v
                WHERE v.business_id = $1 AND v.account_id = p.account_id AND (p.past IS NULL OR v.id < p.past)
                ORDER BY v.id DESC LIMIT $4) n
             ORDER BY p.nth, n.id DESC"#,
            business,
            &group.owners,
            &group.pasts as &[Option<Uuid>],
            group.limit,
        )
        .fetch_all(tx.conn())
        .await?;
        let notes = rows.into_iter().map(|row| {
            let note = NoteRow {
                id: row.id,
                debtor_id: row.debtor_id,
                author_id: row.author_id,
                body_cipher: row.body_cipher,
                created_at: row.created_at,
            };
            (row.nth, Arc::new(note))
        });
        found.extend(group.filled(notes));
    }
    Ok(found)
}
