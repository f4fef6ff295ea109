//! A business brings its own standing at a vendor. Its secrets go in and never come out: what is shown is the account,
//! the secret's last four characters, and who set it when.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    conversations::ports::{AccountStanding, VendorAccounts},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::Keyring,
    },
};

/// How long webhooks that were signed with the secret before are still taken after a rotation.
const PREVIOUS_IS_GOOD_FOR: TimeDelta = TimeDelta::hours(24);
/// Accounts of one business at one vendor.
const MOST_ACCOUNTS: usize = 10;

/// An account at a vendor as its business sees it.
#[derive(Clone, Debug)]
pub(super) struct AccountRow {
    pub(super) id: Uuid,
    pub(super) provider: String,
    pub(super) external_id: String,
    secret_cipher: Vec<u8>,
    pub(super) secret_hint: Option<String>,
    pub(super) previous_secret_until: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) set_at: Option<DateTime<Utc>>,
    pub(super) set_by: Option<Uuid>,
}

impl AccountRow {
    /// What speaks for the account at the vendor.
    pub(super) fn secret(&self, keyring: &Keyring) -> Result<SecretString, OpError> {
        let plain =
            keyring.platform_open("provider_accounts", "secret_cipher", self.id, &self.secret_cipher)?;
        let text = std::str::from_utf8(&plain).map_err(|error| OpError::Internal(error.into()))?;
        Ok(SecretString::from(text))
    }
}

/// The business's accounts, oldest first.
pub(super) async fn provider_accounts(tx: &mut TenantTx) -> Result<Vec<AccountRow>, DbError> {
    Ok(sqlx::query_as!(
        AccountRow,
        r#"SELECT id AS "id!", provider AS "provider!", external_id AS "external_id!", secret_cipher AS "secret_cipher!",
                  secret_hint, previous_secret_until, created_at AS "created_at!", set_at, set_by
           FROM app.own_provider_accounts()"#
    )
    .fetch_all(tx.conn())
    .await?)
}

/// An account and its secret, as the vendor has confirmed them: whoever knows both speaks for the account. Without this,
/// anybody could connect somebody else's account first, and keep them out.
pub(super) struct Proven {
    account_sid: String,
    auth_token: SecretString,
}

/// Asks Twilio whether the token is the account's. No transaction may be open meanwhile.
///
/// # Errors
/// FORBIDDEN; user errors: INVALID_INPUT for what Twilio never issues or does not know, and for an account that it has
/// closed; UNAVAILABLE when Twilio does not answer.
pub(super) async fn prove_twilio_credentials(
    ctx: &TenantCtx,
    vendor: &dyn VendorAccounts,
    account_sid: &str,
    auth_token: SecretString,
) -> Result<Proven, OpError> {
    authorize(ctx, Cell::ProviderManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check(account_sid, &auth_token).map_err(OpError::User)?;
    let standing = vendor.standing(account_sid, &auth_token).await;
    // What the client says of the failure may quote the address, which names the account.
    let standing =
        standing.map_err(|_| OpError::Unavailable("Twilio does not say whose account it is".to_owned()))?;
    let refused = match standing {
        AccountStanding::Active => {
            return Ok(Proven {
                account_sid: account_sid.to_owned(),
                auth_token,
            });
        }
        AccountStanding::NotActive => UserError::invalid(
            "twilio.accountSid",
            "Twilio has suspended or closed this account. Make it active at Twilio first.",
        ),
        AccountStanding::Refused => UserError::invalid(
            "twilio.authToken",
            "Twilio does not take this pair. Give the Account SID and the auth token of one and the same account, as \
             Twilio's console shows them now.",
        ),
    };
    Err(refused.into())
}

/// Stores the auth token of a Twilio account. For an account that is known it is a rotation: the token before stays good
/// for webhooks for a day.
///
/// # Errors
/// User errors: CONFLICT for an account that cannot be connected, QUOTA_EXCEEDED for too many.
pub(super) async fn set_twilio_credentials(
    tx: &mut TenantTx,
    keyring: &Keyring,
    proven: &Proven,
) -> Result<Uuid, OpError> {
    let account_sid = proven.account_sid.as_str();
    authorize(tx.ctx(), Cell::ProviderManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let user = tx
        .ctx()
        .user_id()
        .ok_or_else(|| OpError::Forbidden("only a member of staff sets credentials of vendors".to_owned()))?;
    take_turn(tx).await?;
    let known = provider_accounts(tx).await?;
    let before = known
        .iter()
        .find(|row| row.provider == "TWILIO" && row.external_id == account_sid);
    if before.is_none() && known.len() >= MOST_ACCOUNTS {
        return Err(UserError::at(
            UserErrorCode::QuotaExceeded,
            "twilio.accountSid",
            format!(
                "Your business has {MOST_ACCOUNTS} accounts connected. Ask funnelchat's support for more."
            ),
        )
        .into());
    }
    let id = before.map_or_else(ids::next, |row| row.id);
    let token = proven.auth_token.expose_secret();
    let cipher = seal(keyring, "secret_cipher", id, token.as_bytes())?;
    let previous = match before {
        Some(row) => {
            let plain =
                keyring.platform_open("provider_accounts", "secret_cipher", id, &row.secret_cipher)?;
            Some(seal(keyring, "previous_secret_cipher", id, &plain)?)
        }
        None => None,
    };
    let now = tx.now();
    let previous_until = previous.as_ref().map(|_| now + PREVIOUS_IS_GOOD_FOR);
    sqlx::query!(
        "SELECT app.put_provider_account($1, 'TWILIO', $2, $3, $4, $5, $6, $7, $8)",
        id,
        account_sid,
        cipher,
        hint(token),
        previous,
        previous_until,
        now,
        user,
    )
    .execute(tx.conn())
    .await
    .map_err(|error| {
        let error = DbError::from(error);
        if error.is_constraint("provider_accounts_provider_external_id_key") {
            let message =
                "This account cannot be connected. If it is yours, ask funnelchat's support to look into it.";
            return UserError::at(UserErrorCode::Conflict, "twilio.accountSid", message).into();
        }
        OpError::from(error)
    })?;
    let action = if before.is_some() {
        "provider_account.rotated"
    } else {
        "provider_account.connected"
    };
    let details = json!({ "provider": "TWILIO", "account": account_sid });
    tx.audit(AuditEntry::plain(action, id, &details));
    Ok(id)
}

fn seal(keyring: &Keyring, column: &'static str, id: Uuid, plain: &[u8]) -> Result<Vec<u8>, OpError> {
    Ok(keyring.platform_seal("provider_accounts", column, id, plain)?)
}

/// The end of a secret: enough to tell one from another, and nothing to guess the rest by.
pub(super) fn hint(secret: &str) -> &str {
    secret.get(secret.len().saturating_sub(4)..).unwrap_or_default()
}

/// Twilio's form of both (Twilio docs, "Auth tokens and how to change them"): `AC` and 32 hexadecimal digits, and 32 such
/// digits.
fn check(account_sid: &str, auth_token: &SecretString) -> Result<(), Vec<UserError>> {
    let is_hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut errors = Vec::new();
    if !account_sid.strip_prefix("AC").is_some_and(is_hex) {
        let message = "Give the Account SID as Twilio's console shows it: AC and 32 hexadecimal digits.";
        errors.push(UserError::invalid("twilio.accountSid", message));
    }
    if !is_hex(auth_token.expose_secret()) {
        let message = "Give the auth token as Twilio's console shows it: 32 hexadecimal digits.";
        errors.push(UserError::invalid("twilio.authToken", message));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Credentials of one business are set one after the other: of two at once, one rotates what the other set.
async fn take_turn(tx: &mut TenantTx) -> Result<(), DbError> {
    let place = format!("{} provider accounts", tx.business_id());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", place)
        .execute(tx.conn())
        .await?;
    Ok(())
}
