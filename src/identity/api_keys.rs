//! API keys: a program acts for its business, as the role `service`, with the scopes that it was given. The key is
//! shown once; a hash is kept. Every request with a key looks its row up, so that a revoked or expired one is refused
//! at once by every process.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    AuthRefused, Caller, Identity, ServiceKey,
    api_key_store::{self, NewKey},
    authenticate::unauthenticated,
    tokens::{hash_secret, new_secret},
};
use crate::{
    access::{AccessTable, Cell, Role, authorize},
    platform::{
        context::{Actor, SystemCtx, TenantCtx},
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        error_code::ErrorCode,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// By this, people and scanners of repositories know a key where they see one.
pub(super) const MARK: &str = "fck_live_";
/// How much of a key is kept in clear, to tell keys apart.
const SHOWN: usize = MARK.len() + 6;
/// Of the checksum's hash, in characters of 6 bits.
const CHECKSUM: usize = 6;
/// A key is replaced at least so often (AUTH-030).
const MOST_DAYS: i32 = 90;
/// Good keys of one business.
const MOST_KEYS: i64 = 50;
const LONGEST_NAME: usize = 100;
/// A key's last use is known to the minute.
const RECORDED_EVERY: TimeDelta = TimeDelta::minutes(1);

const UNKNOWN: &str =
    "This API key is not valid. Check that it is complete, or ask an administrator for a new one.";
const ENDED: &str = "This API key has expired or was revoked. Ask an administrator for a new one.";
const AWAY: &str = "The API key cannot be checked at the moment. Try again in a moment.";

/// What an administrator asks for.
pub(super) struct KeyWish {
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
    pub(super) expires_in_days: i32,
}

/// A key, whole: mark, 256 random bits, checksum. It is shown once.
fn new_key() -> String {
    let body = new_secret(MARK);
    let checksum = checksum(&body);
    format!("{body}{checksum}")
}

/// The first 36 bits of SHA-256: a mistyped or cut key is told without asking the database, and a scanner can tell a
/// key from what merely looks like one.
fn checksum(body: &str) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(Sha256::digest(body.as_bytes()));
    text.truncate(CHECKSUM);
    text
}

fn is_well_formed(key: &str) -> bool {
    key.is_ascii()
        && key.len() > SHOWN + CHECKSUM
        && key.starts_with(MARK)
        && checksum(&key[..key.len() - CHECKSUM]) == key[key.len() - CHECKSUM..]
}

/// Makes a key. Returns its id, and the key itself, which nobody sees again.
pub(super) async fn create_api_key(
    tx: &mut TenantTx,
    identity: &Identity,
    wish: KeyWish,
) -> Result<(Uuid, String), OpError> {
    authorize(tx.ctx(), Cell::ApiKeyManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let Some(created_by) = tx.ctx().user_id() else {
        return Err(OpError::Forbidden("only a person makes API keys".to_owned()));
    };
    let (name, scopes) = checked(&identity.access, &wish)?;
    let holds = |scope: &String| Cell::parse(scope).is_some_and(|cell| authorize(tx.ctx(), cell).is_ok());
    if let Some(beyond) = scopes.iter().find(|scope| !holds(scope)) {
        let message = format!("You do not have {beyond} yourself, hence cannot give it to a key.");
        return Err(UserError::invalid("scopes", message).into());
    }
    api_key_store::lock_keys(tx).await?;
    let now = identity.wall.now();
    if api_key_store::count_good(tx, now).await? >= MOST_KEYS {
        return Err(UserError::new(
            UserErrorCode::QuotaExceeded,
            format!("Your business has {MOST_KEYS} API keys. Revoke one that is not needed any more."),
        )
        .into());
    }
    let (id, key) = (ids::next(), new_key());
    let new = NewKey {
        id,
        name,
        prefix: &key[..SHOWN],
        secret_hash: &hash_secret(&key),
        scopes: &scopes,
        created_by,
        created_at: now,
        expires_at: now + TimeDelta::days(i64::from(wish.expires_in_days)),
    };
    api_key_store::insert_key(tx, &new).await?;
    let details = json!({ "scopes": scopes, "expires_at": new.expires_at });
    tx.audit(AuditEntry::plain("api_key.created", id, &details));
    Ok((id, key))
}

fn checked<'a>(access: &AccessTable, wish: &'a KeyWish) -> Result<(&'a str, Vec<String>), OpError> {
    let mut errors = Vec::new();
    let name = wish.name.trim();
    if !(1..=LONGEST_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        errors.push(UserError::invalid(
            "name",
            "Say in 1 to 100 characters what the key is for.",
        ));
    }
    let may = access.labels_within(Role::Service, None);
    let mut scopes = wish.scopes.clone();
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() || scopes.iter().any(|scope| !may.contains(scope)) {
        errors.push(UserError::invalid(
            "scopes",
            format!("Name at least one of these: {}.", may.join(", ")),
        ));
    }
    if !(1..=MOST_DAYS).contains(&wish.expires_in_days) {
        errors.push(UserError::invalid(
            "expiresInDays",
            format!("A key is good for 1 to {MOST_DAYS} days. Make a new one before it ends."),
        ));
    }
    if errors.is_empty() {
        Ok((name, scopes))
    } else {
        Err(OpError::User(errors))
    }
}

/// Ends a key. One that has ended already stays as it is.
pub(super) async fn revoke_api_key(tx: &mut TenantTx, identity: &Identity, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::ApiKeyManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if !api_key_store::revoke_key(tx, id, identity.wall.now()).await? {
        return Err(UserError::not_found("id", "API key").into());
    }
    tx.audit(AuditEntry::plain("api_key.revoked", id, &json!({})));
    Ok(())
}

/// Whose key this is.
///
/// # Errors
/// [`AuthRefused`] with what to do next.
pub(super) async fn authenticate_key(
    identity: &Identity,
    key: &str,
    request_id: &str,
) -> Result<Caller, AuthRefused> {
    if !is_well_formed(key) {
        return Err(unauthenticated(UNKNOWN, false));
    }
    let now = identity.wall.now();
    let found = look_up(identity, key, now, request_id).await.map_err(|error| {
        tracing::warn!(%error, "an API key could not be checked");
        AuthRefused {
            code: ErrorCode::Unavailable,
            message: AWAY,
            expired: false,
        }
    })?;
    let row = found.ok_or_else(|| unauthenticated(UNKNOWN, false))?;
    if !row.is_good || row.expires_at <= now {
        return Err(unauthenticated(ENDED, false));
    }
    identity.revocations.forget(row.id);
    let grants = identity.access.grants_within(Role::Service, Some(&row.scopes));
    let ctx = TenantCtx::authenticated(
        row.business_id,
        Actor::Service(row.id),
        grants,
        None,
        Arc::from(request_id),
    );
    Ok(Caller::Service(Arc::new(ServiceKey {
        key_id: row.id,
        ctx,
        expires_at: row.expires_at,
    })))
}

async fn look_up(
    identity: &Identity,
    key: &str,
    now: DateTime<Utc>,
    request_id: &str,
) -> Result<Option<api_key_store::FoundKey>, DbError> {
    let ctx = SystemCtx::for_reason("API key", request_id);
    let mut connection = identity.db.system_connection(&ctx).await?;
    let found = api_key_store::find_key(&mut connection, &hash_secret(key)).await?;
    if let Some(row) = &found
        && row.is_good
        && row.last_used_at.is_none_or(|at| at + RECORDED_EVERY <= now)
    {
        api_key_store::record_use(&mut connection, row.business_id, row.id, now).await?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_mark_and_a_slip_by_its_checksum() {
        let key = new_key();
        assert!(key.starts_with("fck_live_") && key.len() == 9 + 43 + 6, "{key}");
        assert!(is_well_formed(&key));
        for at in 0..key.len() {
            let mut other = key.clone().into_bytes();
            other[at] = if other[at] == b'x' { b'y' } else { b'x' };
            assert!(!is_well_formed(std::str::from_utf8(&other).unwrap()), "at {at}");
            assert!(!is_well_formed(&key[..at]), "cut at {at}");
        }
        assert!(!is_well_formed("fck_live_äöüäöüäöüäöü"));
    }

    #[tokio::test]
    async fn a_key_is_asked_for_field_by_field() {
        let access = AccessTable::load().await.unwrap();
        let wish = |name: &str, scopes: &[&str], expires_in_days| KeyWish {
            name: name.to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            expires_in_days,
        };
        let fields = |wish: KeyWish| match checked(&access, &wish) {
            Ok(_) => Vec::new(),
            Err(OpError::User(errors)) => errors.into_iter().map(|e| e.field.unwrap()[1].clone()).collect(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(
            fields(wish("Taskade", &["account:read"], 90)),
            Vec::<String>::new()
        );
        assert_eq!(fields(wish("  ", &[], 0)), ["name", "scopes", "expiresInDays"]);
        assert_eq!(fields(wish("a\u{0}", &["account:read"], 1)), ["name"]);
        // A cell that exists, and is not a service's.
        assert_eq!(fields(wish("a", &["account:read", "audit:read"], 1)), ["scopes"]);
        assert_eq!(fields(wish("a", &["account:read"], 91)), ["expiresInDays"]);
    }
}
