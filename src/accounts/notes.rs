//! Internal notes on an account: never the debtor's, sealed with the debtor's profile key, never changed.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    disputed::agent_of_account,
    page_of::{PageOf, PagesOf},
    store::{self, debtor_by_id},
};
use crate::{
    access::{Cell, authorize},
    identity::{self, NotificationKind},
    platform::{
        crypto::DataKey,
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, TenantKeys},
    },
};

/// At most this many members of staff are named in one note.
const MOST_MENTIONS: usize = 20;

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
    /// Members of staff whom it names.
    pub(super) mentioned: Vec<Uuid>,
}

/// Notes of one page each.
pub(super) type Notes = Arc<Vec<Arc<NoteRow>>>;

/// Writes a note, in which it names members of staff, and returns its id.
///
/// # Errors
/// NOT_FOUND for an account that is not the caller's and a colleague who is not there, INVALID_INPUT for a text that is empty
/// or too long, CONFLICT for a person whose data was erased and a colleague who may not see the account.
pub async fn add_note(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    account: Uuid,
    text: &str,
    mentioned: &[Uuid],
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::NoteAdd).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if !(1..=MOST_CHARACTERS).contains(&text.trim().chars().count()) {
        return Err(UserError::invalid("text", "Write a note of 1 to 10,000 characters.").into());
    }
    let no_account = || UserError::not_found("accountId", "account");
    let (debtor, _) = store::lock_account(tx, account).await?.ok_or_else(no_account)?;
    let agent = agent_of_account(tx, account).await?;
    let mentioned = check_mentions(tx, agent, mentioned).await?;
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
    let details = json!({ "account": account, "mentioned": mentioned });
    tx.audit(AuditEntry::plain("note.added", id, &details).about(Some(debtor)));
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(account),
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
    if !mentioned.is_empty() {
        insert_mentions(tx, id, &mentioned).await?;
        tx.emit(LiveEvent {
            kind: "MENTIONED_IN_NOTE",
            account_id: Some(account),
            debtor_id: Some(debtor),
            assigned_agent_id: agent,
            object_id: Some(id),
            ..LiveEvent::default()
        });
        identity::tell_all_by_mail(tx, &mentioned, NotificationKind::Mentioned).await?;
    }
    Ok(id)
}

/// Each once, if all of them are of the staff and see the account.
async fn check_mentions(
    tx: &mut TenantTx,
    agent: Option<Uuid>,
    mentioned: &[Uuid],
) -> Result<Vec<Uuid>, OpError> {
    let mut users = mentioned.to_vec();
    users.sort_unstable();
    users.dedup();
    if users.len() > MOST_MENTIONS {
        return Err(UserError::invalid("mentionedUserIds", "Name at most 20 colleagues in one note.").into());
    }
    if users.is_empty() {
        return Ok(users);
    }
    let roles = identity::roles_of_active(tx, &users).await?;
    if roles.len() < users.len() {
        return Err(UserError::not_found("mentionedUserIds", "colleague").into());
    }
    let sees = |user: &Uuid| {
        let is_scoped = roles
            .get(user)
            .is_some_and(|role| role.is_scoped_to_assignments());
        !is_scoped || agent.is_none_or(|owner| owner == *user)
    };
    if !users.iter().all(sees) {
        let message = "This account is another agent's: an agent whom you name could not see it. Name a manager, or have the \
                       account assigned to them first (assignAccounts).";
        return Err(UserError::at(UserErrorCode::Conflict, "mentionedUserIds", message).into());
    }
    Ok(users)
}

async fn insert_mentions(tx: &mut TenantTx, note: Uuid, users: &[Uuid]) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "INSERT INTO note_mentions (business_id, note_id, user_id) SELECT $1, $2, * FROM unnest($3::uuid[])",
        business,
        note,
        users,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether a note names this member of staff.
///
/// # Errors
/// [`DbError`] as met.
pub async fn is_mentioned(tx: &mut TenantTx, note: Uuid, user: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM note_mentions WHERE business_id = $1 AND note_id = $2 AND user_id = $3) AS "is!""#,
        business,
        note,
        user
    )
    .fetch_one(tx.conn())
    .await?)
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
        r#"SELECT n.id, a.debtor_id, n.author_id, n.body_cipher, n.created_at,
                ARRAY(SELECT m.user_id FROM note_mentions m WHERE m.business_id = $1 AND m.note_id = n.id) AS "mentioned!"
         FROM account_notes n JOIN accounts a ON a.business_id = n.business_id AND a.id = n.account_id
         WHERE n.business_id = $1 AND n.id = ANY($2) AND a.deleted_at IS NULL
           AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)"#,
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
                    n.author_id, n.body_cipher AS "body_cipher!", n.created_at AS "created_at!",
                    ARRAY(SELECT m.user_id FROM note_mentions m WHERE m.business_id = $1 AND m.note_id = n.id) AS "mentioned!"
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
                mentioned: row.mentioned,
            };
            (row.nth, Arc::new(note))
        });
        found.extend(group.filled(notes));
    }
    Ok(found)
}
