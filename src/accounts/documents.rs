//! Documents of an account or a thread: bills, agreements, letters, and what validates the debt. Their contents are files,
//! guarded by the debtor's profile key.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    page_of::{PageOf, PagesOf},
    shown_documents::{self, Shown, shown_of_accounts},
    store::{self, debtor_by_id},
};
use crate::{
    access::{Cell, authorize},
    files::{self, FileRow, Purpose},
    platform::{
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::Keyring,
    },
};

/// A document that is to be kept.
#[derive(Clone, Debug)]
pub struct NewDocument {
    pub upload: Uuid,
    /// As the database spells it.
    pub kind: &'static str,
    pub description: Option<String>,
    pub tags: Vec<String>,
    /// Whether the debtor sees it in the portal: of an account's documents only.
    pub shown_to_debtor: bool,
}

/// Where it belongs: to an account, to a thread, or to both.
#[derive(Clone, Copy, Debug)]
pub struct DocumentPlace {
    pub account: Option<Uuid>,
    pub conversation: Option<Uuid>,
    pub debtor: Uuid,
    /// Of which field to say that there is no such place.
    pub field: &'static str,
}

/// One document with its file, sealed.
#[derive(Clone, Debug)]
pub(super) struct DocumentRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) kind: String,
    pub(super) description_cipher: Option<Vec<u8>>,
    pub(super) tags: Vec<String>,
    pub(super) uploaded_by: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    /// Whether the debtor sees it in the portal.
    pub(super) is_shown: bool,
    pub(super) file: FileRow,
}

/// Documents of one page each.
pub(super) type Documents = Arc<Vec<Arc<DocumentRow>>>;

impl NewDocument {
    fn check(&self) -> Result<(), UserError> {
        let describes = |text: &String| (1..=1_000).contains(&text.trim().chars().count());
        if !self.description.as_ref().is_none_or(describes) {
            return Err(UserError::invalid(
                "description",
                "Describe it in 1 to 1,000 characters, or leave this out.",
            ));
        }
        let is_label =
            |tag: &String| (1..=50).contains(&tag.chars().count()) && !tag.chars().any(char::is_control);
        if self.tags.len() > 20 || !self.tags.iter().all(is_label) {
            return Err(UserError::invalid(
                "tags",
                "Give at most 20 labels of 1 to 50 characters.",
            ));
        }
        Ok(())
    }
}

/// Keeps an upload of the caller's as a document of the account, and returns its id.
///
/// # Errors
/// NOT_FOUND for an account that is not the caller's, and as [`keep_document`].
pub(super) async fn add_document(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    account: Uuid,
    new: NewDocument,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::DocumentAdd).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    new.check()?;
    let (debtor, _) = store::lock_account(tx, account)
        .await?
        .ok_or_else(|| UserError::not_found("accountId", "account"))?;
    let place = DocumentPlace {
        account: Some(account),
        conversation: None,
        debtor,
        field: "accountId",
    };
    let id = keep_document(tx, keyring, db, place, new).await?;
    tell(tx, account, debtor);
    Ok(id)
}

/// Keeps an upload of the caller's as a document of a place that the caller has locked and tells of, and returns its id.
///
/// # Errors
/// NOT_FOUND for an upload that is not the caller's, INVALID_INPUT for what does not fit, CONFLICT for an upload that was used
/// and for a person whose data was erased.
pub async fn keep_document(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    place: DocumentPlace,
    new: NewDocument,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::DocumentAdd).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    new.check()?;
    let person = debtor_by_id(tx, place.debtor)
        .await?
        .ok_or_else(|| UserError::not_found(place.field, "debtor"))?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = keys.data_key(&person.keys.profile)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            place.field,
            "This person's data was erased: nothing can be kept of it any more.",
        )
    })?;
    let file = files::claim(tx, new.upload, Purpose::Document, "uploadId").await?;
    files::give_to_person(tx, &keys, &file, place.debtor, person.keys.profile.id, &profile).await?;
    let id = ids::next();
    let description = match &new.description {
        Some(text) => Some(keys.seal(
            &profile,
            "account_documents",
            "description_cipher",
            id,
            text.trim().as_bytes(),
        )?),
        None => None,
    };
    let (business, now, uploader) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "INSERT INTO account_documents (business_id, id, account_id, conversation_id, file_id, kind, description_cipher, tags,
             uploaded_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        business,
        id,
        place.account,
        place.conversation,
        file.id,
        new.kind,
        description,
        &new.tags,
        uploader,
        now,
    )
    .execute(tx.conn())
    .await?;
    let mut details = json!({ "account": place.account, "file": file.id, "kind": new.kind });
    match place {
        DocumentPlace {
            conversation: Some(conversation),
            ..
        } => details["conversation"] = json!(conversation),
        DocumentPlace {
            account: Some(account),
            debtor,
            ..
        } if new.shown_to_debtor => {
            let shown = Shown {
                document: id,
                debtor,
                account,
                file: file.id,
            };
            shown_documents::insert(tx, shown).await?;
            details["shownToDebtor"] = json!(true);
        }
        DocumentPlace { .. } => {}
    }
    tx.audit(AuditEntry::plain("document.added", id, &details).about(Some(place.debtor)));
    Ok(id)
}

/// Takes a document away from everybody's eyes. It is kept: it may be evidence.
///
/// # Errors
/// NOT_FOUND for a document that is not the caller's.
pub(super) async fn delete_document(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::DocumentDelete).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (business, now, scope) = (tx.business_id(), tx.now(), tx.ctx().agent_scope());
    let deleter = tx.ctx().user_id();
    let row = sqlx::query!(
        r#"UPDATE account_documents t SET deleted_at = $3, deleted_by = $4
           FROM account_documents o
           LEFT JOIN accounts a ON a.business_id = o.business_id AND a.id = o.account_id
           LEFT JOIN conversations c ON c.business_id = o.business_id AND c.id = o.conversation_id
           WHERE t.business_id = $1 AND t.id = $2 AND t.deleted_at IS NULL AND o.business_id = t.business_id AND o.id = t.id
             AND a.deleted_at IS NULL
             AND ($5::uuid IS NULL OR (a.id IS NOT NULL AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = $5))
                  OR (c.id IS NOT NULL AND (c.assigned_agent_id IS NULL OR c.assigned_agent_id = $5)))
           RETURNING t.account_id, t.conversation_id, coalesce(a.debtor_id, c.debtor_id) AS debtor_id,
                     c.assigned_agent_id AS "thread_agent?""#,
        business,
        id,
        now,
        deleter,
        scope,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(|| UserError::not_found("id", "document"))?;
    shown_documents::remove(tx, id).await?;
    let mut details = json!({ "account": row.account_id });
    if let Some(conversation) = row.conversation_id {
        details["conversation"] = json!(conversation);
    }
    tx.audit(AuditEntry::plain("document.deleted", id, &details).about(row.debtor_id));
    if let (Some(account), Some(debtor)) = (row.account_id, row.debtor_id) {
        tell(tx, account, debtor);
    }
    if row.conversation_id.is_some() {
        tx.emit(LiveEvent {
            kind: "CONVERSATION_UPDATED",
            conversation_id: row.conversation_id,
            account_id: row.account_id,
            debtor_id: row.debtor_id,
            assigned_agent_id: row.thread_agent,
            ..LiveEvent::default()
        });
    }
    Ok(())
}

pub(super) fn tell(tx: &mut TenantTx, account: Uuid, debtor: Uuid) {
    tx.emit(LiveEvent {
        kind: "ACCOUNT_UPDATED",
        account_id: Some(account),
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}

/// One document, within the caller's scope.
pub(super) async fn document_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<DocumentRow>, DbError> {
    Ok(documents_by_ids(tx, &[id]).await?.pop())
}

/// Documents by id, oldest first: of accounts and threads within the caller's scope.
pub(super) async fn documents_by_ids(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<DocumentRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let rows = sqlx::query_as!(
        PlainRow,
        r#"SELECT 1::bigint AS "nth!", t.id AS "id!", coalesce(a.debtor_id, c.debtor_id) AS "debtor_id!",
                t.file_id AS "file_id!", t.kind AS "kind!", t.description_cipher, t.tags AS "tags!", t.uploaded_by,
                t.created_at AS "created_at!", s.document_id IS NOT NULL AS "is_shown!"
         FROM account_documents t
         LEFT JOIN accounts a ON a.business_id = t.business_id AND a.id = t.account_id
         LEFT JOIN conversations c ON c.business_id = t.business_id AND c.id = t.conversation_id
         LEFT JOIN shown_documents s ON s.business_id = t.business_id AND s.document_id = t.id
         WHERE t.business_id = $1 AND t.id = ANY($2) AND t.deleted_at IS NULL AND a.deleted_at IS NULL
           AND ($3::uuid IS NULL OR (a.id IS NOT NULL AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3))
                OR (c.id IS NOT NULL AND (c.assigned_agent_id IS NULL OR c.assigned_agent_id = $3)))
         ORDER BY t.id"#,
        business,
        ids,
        scope,
    )
    .fetch_all(tx.conn())
    .await?;
    let found = with_files(tx, rows).await?;
    Ok(found.into_iter().map(|(_, document)| document).collect())
}

/// A document without its file, on the page that is the `nth` asked for.
pub(super) struct PlainRow {
    pub(super) nth: i64,
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) file_id: Uuid,
    pub(super) kind: String,
    pub(super) description_cipher: Option<Vec<u8>>,
    pub(super) tags: Vec<String>,
    pub(super) uploaded_by: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) is_shown: bool,
}

async fn with_files(tx: &mut TenantTx, rows: Vec<PlainRow>) -> Result<Vec<(i64, DocumentRow)>, DbError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.file_id).collect();
    let found = files::files_by_ids(tx, &ids).await?;
    let mut found: HashMap<Uuid, FileRow> = found.into_iter().map(|file| (file.id, file)).collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let document = DocumentRow {
                id: row.id,
                debtor_id: row.debtor_id,
                kind: row.kind,
                description_cipher: row.description_cipher,
                tags: row.tags,
                uploaded_by: row.uploaded_by,
                created_at: row.created_at,
                is_shown: row.is_shown,
                file: found.remove(&row.file_id)?,
            };
            Some((row.nth, document))
        })
        .collect())
}

/// These pages with their rows, whose files are read in a second statement.
pub(super) async fn filled(
    tx: &mut TenantTx,
    group: PagesOf,
    rows: Vec<PlainRow>,
) -> Result<impl Iterator<Item = (PageOf, Documents)>, DbError> {
    let documents = with_files(tx, rows).await?.into_iter();
    Ok(group.filled(documents.map(|(nth, document)| (nth, Arc::new(document)))))
}

/// Newest first; of a debtor, what is shown to them. The accounts were read within the caller's scope.
pub(super) async fn documents_of_accounts(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Documents>, DbError> {
    if tx.ctx().debtor_id().is_some() {
        return shown_of_accounts(tx, pages).await;
    }
    let business = tx.business_id();
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query_as!(
            PlainRow,
            r#"SELECT p.nth AS "nth!", t.id AS "id!", a.debtor_id AS "debtor_id!", t.file_id AS "file_id!", t.kind AS "kind!",
                    t.description_cipher, t.tags AS "tags!", t.uploaded_by, t.created_at AS "created_at!",
                    s.document_id IS NOT NULL AS "is_shown!"
             FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p(account_id, past, nth)
             JOIN accounts a ON a.business_id = $1 AND a.id = p.account_id
             CROSS JOIN LATERAL (
                SELECT * FROM account_documents v
                WHERE v.business_id = $1 AND v.account_id = p.account_id AND v.deleted_at IS NULL
                  AND (p.past IS NULL OR v.id < p.past)
                ORDER BY v.id DESC LIMIT $4) t
             LEFT JOIN shown_documents s ON s.business_id = $1 AND s.document_id = t.id
             ORDER BY p.nth, t.id DESC"#,
            business,
            &group.owners,
            &group.pasts as &[Option<Uuid>],
            group.limit,
        )
        .fetch_all(tx.conn())
        .await?;
        found.extend(filled(tx, group, rows).await?);
    }
    Ok(found)
}

/// The same of threads.
pub(super) async fn documents_of_conversations(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Documents>, DbError> {
    let business = tx.business_id();
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query_as!(
            PlainRow,
            r#"SELECT p.nth AS "nth!", t.id AS "id!", c.debtor_id AS "debtor_id!", t.file_id AS "file_id!", t.kind AS "kind!",
                    t.description_cipher, t.tags AS "tags!", t.uploaded_by, t.created_at AS "created_at!",
                    false AS "is_shown!"
             FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p(conversation_id, past, nth)
             JOIN conversations c ON c.business_id = $1 AND c.id = p.conversation_id
             LEFT JOIN accounts a ON a.business_id = c.business_id AND a.id = c.account_id
             CROSS JOIN LATERAL (
                SELECT * FROM account_documents v
                WHERE v.business_id = $1 AND v.conversation_id = p.conversation_id AND v.deleted_at IS NULL
                  AND (p.past IS NULL OR v.id < p.past)
                ORDER BY v.id DESC LIMIT $4) t
             WHERE a.deleted_at IS NULL
             ORDER BY p.nth, t.id DESC"#,
            business,
            &group.owners,
            &group.pasts as &[Option<Uuid>],
            group.limit,
        )
        .fetch_all(tx.conn())
        .await?;
        found.extend(filled(tx, group, rows).await?);
    }
    Ok(found)
}
