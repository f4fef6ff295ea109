//! The numbers that a business's debtors text to. Whose a number is, the vendor says: whoever holds an account of which it
//! is connects it. Without this, anybody could connect somebody else's number first, and keep them out.
//!
//! A number that was disconnected sends nothing more. What debtors write to it, an opt-out above all, is taken until another
//! business has it: a wish to stop counts by whatever reasonable means it comes (47 CFR 64.1200(a)(10)).

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::{
    credentials::{AccountRow, provider_accounts},
    ports::{NumberLookUp, VendorAccounts, VendorNumber},
    route,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        context::TenantCtx,
        db::{AuditEntry, Db, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::Keyring,
        phone::PhoneNumber,
    },
};

/// Numbers of one business.
const MOST_NUMBERS: usize = 100;

/// A number as its business sees it.
#[derive(Clone, Debug)]
pub(super) struct NumberRow {
    pub(super) id: Uuid,
    pub(super) e164: String,
    pub(super) provider_account_id: Uuid,
    /// The vendor's id of the account.
    pub(super) external_id: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) connected_by: Option<Uuid>,
    pub(super) disconnected_at: Option<DateTime<Utc>>,
    pub(super) opt_out_reply: Option<String>,
}

/// The business's numbers: those that are connected first, each in order.
pub(super) async fn numbers(tx: &mut TenantTx) -> Result<Vec<NumberRow>, DbError> {
    Ok(sqlx::query_as!(
        NumberRow,
        r#"SELECT id AS "id!", e164 AS "e164!", provider_account_id AS "provider_account_id!", external_id AS "external_id!",
                  created_at AS "created_at!", connected_by, disconnected_at, opt_out_reply
           FROM app.own_inbound_numbers()"#
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Whether texts leave from the number.
pub(super) async fn sends_from(tx: &mut TenantTx, number: &str) -> Result<bool, DbError> {
    Ok(
        sqlx::query_scalar!(r#"SELECT app.sends_from($1) AS "sends!""#, number)
            .fetch_one(tx.conn())
            .await?,
    )
}

/// A number that the vendor has confirmed to be of an account of the business, and to bring us what is written to it.
pub(super) struct ProvenNumber {
    number: PhoneNumber,
    account: AccountRow,
}

/// Where the vendor is to bring the texts to, and whether we may tell it so.
pub(super) struct Webhook<'a> {
    pub(super) url: &'a str,
    pub(super) may_set: bool,
}

/// Asks Twilio in which of the business's accounts the number is, and where its texts go. No transaction may be open
/// meanwhile.
///
/// # Errors
/// FORBIDDEN; user errors: INVALID_INPUT for what is no number or takes no texts, CONFLICT for one that none of the accounts
/// has, that another business has, or whose texts go elsewhere; UNAVAILABLE when Twilio does not answer.
pub(super) async fn prove_number(
    (ctx, db, keyring): (&TenantCtx, &Db, &Keyring),
    vendor: &dyn VendorAccounts,
    phone: &str,
    webhook: Webhook<'_>,
) -> Result<ProvenNumber, OpError> {
    authorize(ctx, Cell::ProviderManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let number = read(phone)?;
    let mut tx = db.tenant(ctx).await?;
    let mut accounts = provider_accounts(&mut tx).await?;
    tx.commit().await?;
    accounts.retain(|account| account.provider == "TWILIO");
    if accounts.is_empty() {
        return Err(conflict(
            "Your business has no account at Twilio connected: connect it first (setProviderCredentials).",
        ));
    }
    let (account, secret, found) = holder(keyring, vendor, accounts, &number).await?;
    if !found.takes_texts {
        let message = "Twilio says that this number takes no texts: connect one that does.";
        return Err(UserError::invalid("phone", message).into());
    }
    // Told to nobody but who has it at the vendor.
    if route::is_connected_elsewhere(db, ctx.business_id(), number.as_e164()).await? {
        return Err(not_connectable());
    }
    bring_texts(vendor, &account, &secret, &found, &webhook).await?;
    Ok(ProvenNumber { number, account })
}

/// The account that has the number, with its secret.
async fn holder(
    keyring: &Keyring,
    vendor: &dyn VendorAccounts,
    accounts: Vec<AccountRow>,
    number: &PhoneNumber,
) -> Result<(AccountRow, SecretString, VendorNumber), OpError> {
    let mut refused = None;
    let secrets = accounts.iter().map(|account| account.secret(keyring));
    let secrets: Vec<SecretString> = secrets.collect::<Result<_, OpError>>()?;
    // All at once: of ten accounts that a vendor is slow about, each takes as long as a call may take.
    let asked = accounts.iter().zip(&secrets);
    let asked = asked.map(|(account, secret)| vendor.number(&account.external_id, secret, number));
    let answers = futures_util::future::join_all(asked).await;
    let mut is_away = false;
    for ((account, secret), answer) in accounts.into_iter().zip(secrets).zip(answers) {
        match answer {
            Ok(NumberLookUp::Found(found)) => return Ok((account, secret, found)),
            Ok(NumberLookUp::Refused) => refused = Some(account.external_id),
            Ok(NumberLookUp::NotThere) => {}
            Err(_) => is_away = true,
        }
    }
    if is_away {
        return Err(OpError::Unavailable(
            "Twilio does not say whose number it is".to_owned(),
        ));
    }
    Err(match refused {
        Some(account) => conflict(&format!(
            "Twilio does not take the auth token of {account} any more: set it anew (setProviderCredentials), then connect the \
             number."
        )),
        None => conflict(
            "This number is in none of your accounts at Twilio. Connect the account that has it (setProviderCredentials), or buy \
             the number there first.",
        ),
    })
}

/// Makes sure that the number's texts come to us.
async fn bring_texts(
    vendor: &dyn VendorAccounts,
    account: &AccountRow,
    secret: &SecretString,
    found: &VendorNumber,
    webhook: &Webhook<'_>,
) -> Result<(), OpError> {
    // Where there is an application, Twilio heeds its addresses and not the number's (its docs, "IncomingPhoneNumber
    // resource", SmsApplicationSid).
    if found.has_application {
        return Err(conflict(&format!(
            "A TwiML app takes the texts to this number. In Twilio's console, under the number's messaging configuration, choose \
             a webhook instead: {}, with HTTP POST. Then connect it again.",
            webhook.url
        )));
    }
    if found.texts_go_to.as_deref() == Some(webhook.url) {
        return Ok(());
    }
    if !webhook.may_set {
        return Err(conflict(&format!(
            "The texts to this number go elsewhere. In Twilio's console, set its webhook for incoming messages to {}, with HTTP \
             POST, and connect it again; or connect it with setWebhook: true, and we set it.",
            webhook.url
        )));
    }
    let set = vendor
        .bring_texts(&account.external_id, secret, &found.id, webhook.url)
        .await;
    set.map_err(|_| OpError::Unavailable("Twilio does not take the number's webhook".to_owned()))
}

fn read(phone: &str) -> Result<PhoneNumber, UserError> {
    PhoneNumber::parse_lenient(phone, "US").map_err(|error| UserError::invalid("phone", error.to_string()))
}

fn conflict(message: &str) -> OpError {
    UserError::at(UserErrorCode::Conflict, "phone", message).into()
}

/// Another business has it, of which nothing is told.
fn not_connectable() -> OpError {
    conflict("This number cannot be connected. If it is yours, ask funnelchat's support to look into it.")
}

/// Connects a number that was proven: debtors text to it from now on, and texts leave from it.
///
/// # Errors
/// User errors: CONFLICT for another business's, QUOTA_EXCEEDED for too many.
pub(super) async fn connect_number(tx: &mut TenantTx, proven: &ProvenNumber) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::ProviderManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (number, now, user) = (proven.number.as_e164(), tx.now(), tx.ctx().user_id());
    let known = numbers(tx).await?;
    let connected = known.iter().filter(|row| row.disconnected_at.is_none());
    if connected.clone().all(|row| row.e164 != number) && connected.count() >= MOST_NUMBERS {
        let message = "A hundred numbers are connected: disconnect one first.";
        return Err(UserError::at(UserErrorCode::QuotaExceeded, "phone", message).into());
    }
    let id = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM app.connect_number($1, $2, $3, $4, $5) AS c(id)"#,
        ids::next(),
        number,
        proven.account.id,
        now,
        user,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(not_connectable)?;
    let details = json!({ "number": number, "account": proven.account.external_id });
    tx.audit(AuditEntry::plain("number.connected", id, &details));
    Ok(id)
}

/// Disconnects a number: nothing leaves from it any more. Its threads keep their history.
///
/// # Errors
/// User errors: INVALID_INPUT, NOT_FOUND for what is not connected to this business.
pub(super) async fn disconnect_number(tx: &mut TenantTx, phone: &str) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::ProviderManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let number = read(phone)?;
    let now = tx.now();
    let id = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM app.disconnect_number($1, $2) AS d(id)"#,
        number.as_e164(),
        now,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(|| UserError::not_found("phone", "connected number"))?;
    tx.audit(AuditEntry::plain(
        "number.disconnected",
        id,
        &json!({ "number": number.as_e164() }),
    ));
    Ok(id)
}
