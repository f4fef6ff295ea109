//! Staff make links and end them.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use serde_json::json;
use uuid::Uuid;

use super::{
    Portal,
    link_token::LinkToken,
    store::{self, LinkRow, NewLink},
};
use crate::{
    access::{Cell, authorize},
    accounts::scoped_debtor_of_account,
    identity::end_link_sessions,
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
    templates::ports::DebtorLinks,
};

/// How long a link may be good, in days.
pub(super) const LONGEST_DAYS: i32 = 30;
/// Good links of one account.
const MOST: i64 = 20;

/// Makes a link to an account and returns its id and address, which is kept nowhere.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT for the days, CONFLICT for a person whose record was merged or erased, and for
/// too many links.
pub(super) async fn create_link(
    tx: &mut TenantTx,
    portal: &Portal,
    account: Uuid,
    days: Option<i32>,
) -> Result<(Uuid, String), OpError> {
    authorize(tx.ctx(), Cell::DebtorLinkManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if days.is_some_and(|days| !(1..=LONGEST_DAYS).contains(&days)) {
        let message = format!("Choose between 1 and {LONGEST_DAYS} days.");
        return Err(UserError::invalid("expiresInDays", message).into());
    }
    let debtor_id = scoped_debtor_of_account(tx, account)
        .await?
        .ok_or_else(|| UserError::not_found("accountId", "account"))?;
    let conflict = |message: &str| UserError::at(UserErrorCode::Conflict, "accountId", message);
    if !may_come_in(tx, debtor_id).await? {
        let message = "This person's record was merged into another or erased: nobody can sign in with it.";
        return Err(conflict(message).into());
    }
    if store::good_links(tx, account).await? >= MOST {
        return Err(conflict("Twenty links to this account are good: revoke one first.").into());
    }
    let lifetime = days.map_or(portal.link_lifetime, |days| TimeDelta::days(i64::from(days)));
    insert(tx, portal, ids::next(), (debtor_id, account), "STAFF", lifetime).await
}

/// The address of the newest good link to an account; one is made where there is none.
///
/// # Errors
/// As `create_link`.
pub async fn address_of_newest_link(
    tx: &mut TenantTx,
    portal: &Portal,
    account: Uuid,
) -> Result<String, OpError> {
    match store::newest_good_link(tx, account).await? {
        Some((link_id, expires_at)) => Ok(portal.url(&LinkToken {
            business_id: tx.business_id(),
            link_id,
            expires_at,
        })),
        None => Ok(create_link(tx, portal, account, None).await?.1),
    }
}

/// Links for messages that are made of templates.
#[async_trait]
impl DebtorLinks for Portal {
    async fn address(&self, tx: &mut TenantTx, account: Uuid) -> Result<String, OpError> {
        address_of_newest_link(tx, self, account).await
    }

    fn sample(&self) -> String {
        self.url(&LinkToken {
            business_id: Uuid::nil(),
            link_id: Uuid::nil(),
            expires_at: DateTime::UNIX_EPOCH,
        })
    }
}

/// Stores a link and gives its address.
pub(super) async fn insert(
    tx: &mut TenantTx,
    portal: &Portal,
    id: Uuid,
    (debtor_id, account_id): (Uuid, Uuid),
    origin: &'static str,
    lifetime: TimeDelta,
) -> Result<(Uuid, String), OpError> {
    let expires_at = tx.now() + lifetime;
    let new = NewLink {
        id,
        debtor_id,
        account_id,
        origin,
        expires_at,
    };
    store::insert_link(tx, &new).await?;
    let details = json!({ "account": account_id, "origin": origin, "expires_at": expires_at });
    tx.audit(AuditEntry::plain("debtor_link.created", id, &details).about(Some(debtor_id)));
    let token = LinkToken {
        business_id: tx.business_id(),
        link_id: id,
        expires_at,
    };
    Ok((id, portal.url(&token)))
}

async fn may_come_in(tx: &mut TenantTx, debtor: Uuid) -> Result<bool, OpError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT merged_into IS NULL AND erased_at IS NULL AS "may!" FROM debtors WHERE business_id = $1 AND id = $2"#,
        business,
        debtor,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// A link to an account that the caller sees.
pub(super) async fn own_link(tx: &mut TenantTx, id: Uuid) -> Result<Option<LinkRow>, OpError> {
    let Some(link) = store::link_by_id(tx, id).await? else {
        return Ok(None);
    };
    let is_seen = scoped_debtor_of_account(tx, link.account_id).await?.is_some();
    Ok(is_seen.then_some(link))
}

/// Ends a link and the sessions that it led to; which those were.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT for one that has ended.
pub(super) async fn revoke_link(tx: &mut TenantTx, portal: &Portal, id: Uuid) -> Result<Vec<Uuid>, OpError> {
    authorize(tx.ctx(), Cell::DebtorLinkManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let link = own_link(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "link"))?;
    // First the link: a session that is being opened by it is waited for, and found.
    if !store::revoke_link(tx, id).await? {
        return Err(UserError::at(UserErrorCode::Conflict, "id", "This link was revoked before.").into());
    }
    let ended = end_link_sessions(tx, id, portal.identity.wall.now()).await?;
    let details = json!({ "account": link.account_id, "sessions_ended": ended.len() });
    tx.audit(AuditEntry::plain("debtor_link.revoked", id, &details).about(Some(link.debtor_id)));
    Ok(ended)
}
