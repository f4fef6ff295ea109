//! What one member of staff did, for those who look after them: that it was done, and not what it held.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    gql::{AtHand, Batch, EdgeCursor, PageRequest, ScopeExt as _, op_error},
    ids::{self, IdKind},
};

crate::relay_connection!(UserAct, UserActConnection, UserActEdge);

/// One act of a member of staff, from your business's audit trail.
#[derive(Clone, SimpleObject)]
pub struct UserAct {
    /// The audit row's id (`aud_…`).
    id: ID,
    /// When (business time).
    at: DateTime<Utc>,
    /// What was done, for example `message.queued`.
    action: String,
    /// What it was done to, as a plain UUID.
    object_id: Option<String>,
    /// The person concerned.
    debtor_id: Option<ID>,
}

impl AtHand for UserAct {}

/// A page of one member's acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ActPage {
    user: Uuid,
    past: Option<i64>,
    limit: i64,
}

struct ActRow {
    nth: i64,
    id: Uuid,
    position: i64,
    at: DateTime<Utc>,
    action: String,
    object_id: Option<Uuid>,
    debtor_id: Option<Uuid>,
}

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct AuditLoaders {
    acts: Batch<ActPage, Arc<Vec<ActRow>>>,
}

impl UserActConnection {
    /// What a member did, newest first. Whether the caller may know is for whoever asks to check.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a cursor of another list; internal ones.
    pub async fn of_user(ctx: &Context<'_>, user: Uuid, page: &PageRequest) -> async_graphql::Result<Self> {
        let scope = ctx.scope()?;
        let key = ActPage {
            user,
            past: page.key::<i64>("acts")?,
            limit: page.fetch(),
        };
        let found = ctx
            .data::<AuditLoaders>()?
            .acts
            .load(key, async |pages: Vec<ActPage>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(acts_of(&mut tx, pages).await?)
            })
            .await
            .map_err(op_error)?;
        let rows = found.unwrap_or_default();
        let rows = rows
            .iter()
            .map(|row| {
                let act = UserAct {
                    id: ids::encode(IdKind::AuditEntry, row.id).into(),
                    at: row.at,
                    action: row.action.clone(),
                    object_id: row.object_id.map(|id| id.to_string()),
                    debtor_id: row.debtor_id.map(|id| ids::encode(IdKind::Debtor, id).into()),
                };
                (EdgeCursor::of("acts", row.position), act)
            })
            .collect();
        Ok(Self::from_rows(page, rows))
    }
}

/// One statement for all who are asked for the same number.
async fn acts_of(
    tx: &mut TenantTx,
    pages: Vec<ActPage>,
) -> Result<HashMap<ActPage, Arc<Vec<ActRow>>>, DbError> {
    let business = tx.business_id();
    let mut groups: HashMap<i64, Vec<ActPage>> = HashMap::new();
    for page in pages {
        groups.entry(page.limit).or_default().push(page);
    }
    let mut found = HashMap::new();
    for (limit, group) in groups {
        let users: Vec<Uuid> = group.iter().map(|page| page.user).collect();
        let pasts: Vec<Option<i64>> = group.iter().map(|page| page.past).collect();
        let rows = sqlx::query_as!(
            ActRow,
            r#"SELECT p.nth AS "nth!", e.id AS "id!", e.position AS "position!", e.at AS "at!", e.action AS "action!",
                      e.object_id, e.debtor_id
               FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS p(actor, past, nth)
               CROSS JOIN LATERAL (
                   SELECT * FROM audit_events v
                   WHERE v.business_id = $1 AND v.actor_id = p.actor AND (p.past IS NULL OR v.position < p.past)
                   ORDER BY v.position DESC LIMIT $4) e
               ORDER BY p.nth, e.position DESC"#,
            business,
            &users,
            &pasts as &[Option<i64>],
            limit,
        )
        .fetch_all(tx.conn())
        .await?;
        let mut by_page: HashMap<i64, Vec<ActRow>> = HashMap::with_capacity(group.len());
        for row in rows {
            by_page.entry(row.nth).or_default().push(row);
        }
        for (nth, page) in (1..).zip(group) {
            found.insert(page, Arc::new(by_page.remove(&nth).unwrap_or_default()));
        }
    }
    Ok(found)
}
