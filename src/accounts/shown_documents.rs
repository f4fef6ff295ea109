//! Which documents of an account its debtor sees in the portal. None does by itself: staff show one, and hide it again. What was
//! kept with a thread is staff's for good.

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use super::{
    documents::{Documents, PlainRow, filled, tell},
    page_of::{PageOf, PagesOf},
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// A document of an account, and whom it tells of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) document: Uuid,
    pub(super) debtor: Uuid,
    pub(super) account: Uuid,
    pub(super) file: Uuid,
}

/// Shows a document of an account to its debtor, or hides it from them; links that they hold lead nowhere from then on.
///
/// # Errors
/// NOT_FOUND for a document that is not the caller's, CONFLICT for one that was kept with a conversation.
pub(super) async fn set_shown(tx: &mut TenantTx, id: Uuid, is_shown: bool) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::DocumentAdd).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let row = sqlx::query!(
        r#"SELECT t.conversation_id, t.file_id, a.id AS "account_id?", a.debtor_id AS "debtor_id?"
           FROM account_documents t
           LEFT JOIN accounts a ON a.business_id = t.business_id AND a.id = t.account_id
           LEFT JOIN conversations c ON c.business_id = t.business_id AND c.id = t.conversation_id
           WHERE t.business_id = $1 AND t.id = $2 AND t.deleted_at IS NULL AND a.deleted_at IS NULL
             AND ($3::uuid IS NULL OR (a.id IS NOT NULL AND (a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3))
                  OR (c.id IS NOT NULL AND (c.assigned_agent_id IS NULL OR c.assigned_agent_id = $3)))
           FOR UPDATE OF t"#,
        business,
        id,
        scope,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(|| UserError::not_found("id", "document"))?;
    let (None, Some(account), Some(debtor)) = (row.conversation_id, row.account_id, row.debtor_id) else {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "id",
            "This document was kept with a conversation: it stays with the staff. Add it to the account to show it.",
        )
        .into());
    };
    let shown = Shown {
        document: id,
        debtor,
        account,
        file: row.file_id,
    };
    let has_changed = match is_shown {
        true => insert(tx, shown).await?,
        false => remove(tx, id).await?,
    };
    if has_changed {
        let action = if is_shown {
            "document.shown"
        } else {
            "document.hidden"
        };
        let details = json!({ "account": account, "file": row.file_id });
        tx.audit(AuditEntry::plain(action, id, &details).about(Some(debtor)));
        tell(tx, account, debtor);
    }
    Ok(())
}

/// Writes down that the debtor sees it from now on; false where they did.
pub(super) async fn insert(tx: &mut TenantTx, shown: Shown) -> Result<bool, DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let done = sqlx::query!(
        "INSERT INTO shown_documents (business_id, document_id, debtor_id, account_id, file_id, shown_at, shown_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        business,
        shown.document,
        shown.debtor,
        shown.account,
        shown.file,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The debtor sees it no more; false where they did not.
pub(super) async fn remove(tx: &mut TenantTx, document: Uuid) -> Result<bool, DbError> {
    let business = tx.business_id();
    let done = sqlx::query!(
        "DELETE FROM shown_documents WHERE business_id = $1 AND document_id = $2",
        business,
        document,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What the debtor who asks sees of these accounts, newest first: row security leaves the account of their session.
pub(super) async fn shown_of_accounts(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Documents>, DbError> {
    let business = tx.business_id();
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query_as!(
            PlainRow,
            r#"WITH page AS MATERIALIZED (
                SELECT p.nth, s.document_id, s.debtor_id
                FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p(account_id, past, nth)
                CROSS JOIN LATERAL (
                    SELECT v.document_id, v.debtor_id FROM shown_documents v
                    WHERE v.business_id = $1 AND v.account_id = p.account_id AND (p.past IS NULL OR v.document_id < p.past)
                    ORDER BY v.document_id DESC LIMIT $4) s)
               SELECT p.nth AS "nth!", t.id AS "id!", p.debtor_id AS "debtor_id!", t.file_id AS "file_id!", t.kind AS "kind!",
                    t.description_cipher, t.tags AS "tags!", t.uploaded_by, t.created_at AS "created_at!",
                    true AS "is_shown!"
               FROM page p
               JOIN app.own_documents(ARRAY(SELECT document_id FROM page)) t ON t.id = p.document_id
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
