//! Which vendor account and number a business sends from, and which business a received text is for. The tables
//! have no one business: they are read by SystemTx.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Conversations, credentials::hint, ports::SmsRoute};
use crate::platform::{context::SystemCtx, db::Db, error::OpError, keys::Keyring};

/// A vendor account that a webhook names.
#[derive(Debug)]
pub struct ProviderAccount {
    pub business_id: Uuid,
    pub secret: SecretString,
    /// The one before, and until when it is good too (business time).
    previous_secret: Option<(SecretString, DateTime<Utc>)>,
    /// Our numbers in it, those that were disconnected too: they send nothing more, and a STOP to them counts.
    pub numbers: Vec<String>,
}

impl ProviderAccount {
    /// What webhooks may be signed with now: the secret, and while a rotation lasts the one before.
    pub fn secrets_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = &SecretString> {
        let previous = self.previous_secret.as_ref().filter(|(_, until)| now < *until);
        std::iter::once(&self.secret).chain(previous.map(|(secret, _)| secret))
    }
}

/// Accounts lately named by webhooks, so that a burst of texts does not look the same row up each time. Short, because
/// a new number or secret must count soon.
#[derive(Default)]
pub(super) struct AccountCache {
    known: Mutex<HashMap<String, (Instant, Arc<ProviderAccount>)>>,
    /// The ids of all accounts, and when they were read. One reads, the others wait for it.
    ids: tokio::sync::Mutex<Option<(Instant, Arc<HashSet<String>>)>>,
}

/// How long a look-up counts.
const REMEMBERED: Duration = Duration::from_secs(10);
/// At most this many accounts are remembered.
const MOST_REMEMBERED: usize = 10_000;
/// At most this many ids of accounts are read at once.
const MOST_IDS: i64 = 100_000;

impl AccountCache {
    fn get(&self, external_id: &str) -> Option<Arc<ProviderAccount>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(external_id)
            .filter(|(at, _)| at.elapsed() < REMEMBERED)
            .map(|(_, account)| account.clone())
    }

    fn put(&self, external_id: &str, account: &Arc<ProviderAccount>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(external_id.to_owned(), (Instant::now(), account.clone()));
    }
}

impl Conversations {
    /// The Twilio account with this id, if it was named lately: asks no database.
    pub fn remembered_twilio_account(&self, external_id: &str) -> Option<Arc<ProviderAccount>> {
        self.accounts.get(external_id)
    }

    /// Whether there is a Twilio account with this id, at the cost of one statement every few seconds, however many
    /// unknown ids strangers name: an account that was connected since the last one is not seen yet.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn has_twilio_account(&self, external_id: &str) -> Result<bool, OpError> {
        let mut ids = self.accounts.ids.lock().await;
        let known = match &*ids {
            Some((at, known)) if at.elapsed() < REMEMBERED => known.clone(),
            _ => {
                let read = Arc::new(twilio_account_ids(&self.db).await?);
                *ids = Some((Instant::now(), read.clone()));
                read
            }
        };
        Ok(known.contains(external_id))
    }

    /// The Twilio account with this id, from memory or the database. An unknown one is never remembered.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn twilio_account(&self, external_id: &str) -> Result<Option<Arc<ProviderAccount>>, OpError> {
        if let Some(known) = self.accounts.get(external_id) {
            return Ok(Some(known));
        }
        let Some(found) = twilio_account(&self.db, &self.keyring, external_id).await? else {
            return Ok(None);
        };
        let found = Arc::new(found);
        self.accounts.put(external_id, &found);
        Ok(Some(found))
    }
}

async fn twilio_account_ids(db: &Db) -> Result<HashSet<String>, OpError> {
    let mut tx = db
        .system(&SystemCtx::for_reason("webhook accounts", "webhook"))
        .await?;
    let ids = sqlx::query_scalar!(
        "SELECT external_id FROM provider_accounts WHERE provider = 'TWILIO' LIMIT $1",
        MOST_IDS
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(ids.into_iter().collect())
}

async fn twilio_account(
    db: &Db,
    keyring: &Keyring,
    external_id: &str,
) -> Result<Option<ProviderAccount>, OpError> {
    let mut tx = db
        .system(&SystemCtx::for_reason("webhook account", "webhook"))
        .await?;
    let row = sqlx::query!(
        r#"SELECT id, business_id, secret_cipher, previous_secret_cipher, previous_secret_until,
                ARRAY(SELECT e164 FROM inbound_numbers n WHERE n.provider_account_id = a.id) AS "numbers!"
         FROM provider_accounts a WHERE provider = 'TWILIO' AND external_id = $1"#,
        external_id
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    let Some(row) = row else { return Ok(None) };
    let previous_secret = match row.previous_secret_cipher.zip(row.previous_secret_until) {
        Some((cipher, until)) => Some((open(keyring, "previous_secret_cipher", row.id, &cipher)?, until)),
        None => None,
    };
    let secret = open(keyring, "secret_cipher", row.id, &row.secret_cipher)?;
    Ok(Some(ProviderAccount {
        business_id: row.business_id,
        secret,
        previous_secret,
        numbers: row.numbers,
    }))
}

/// The connected numbers of a business, in order.
///
/// # Errors
/// [`OpError`] as met.
pub async fn numbers_of(db: &Db, business: Uuid) -> Result<Vec<String>, OpError> {
    let mut tx = db
        .system(&SystemCtx::for_reason("numbers of a business", "route"))
        .await?;
    let numbers = sqlx::query_scalar!(
        "SELECT e164 FROM inbound_numbers WHERE business_id = $1 AND disconnected_at IS NULL ORDER BY e164 LIMIT 100",
        business
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(numbers)
}

/// Whether another business has the number connected.
pub(super) async fn is_connected_elsewhere(db: &Db, business: Uuid, number: &str) -> Result<bool, OpError> {
    let mut tx = db.system(&SystemCtx::for_reason("whose number", "route")).await?;
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM inbound_numbers
            WHERE e164 = $1 AND business_id <> $2 AND disconnected_at IS NULL) AS "found!""#,
        number,
        business
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(found)
}

/// How to send, and through which account of the business's: what leaves is looked up there again, wherever the number has
/// gone since.
pub struct SendRoute {
    pub provider_account: Uuid,
    pub sms: SmsRoute,
}

/// How to send from `number`, which must be the business's own, and connected.
///
/// # Errors
/// [`OpError`] as met.
pub async fn sms_route(
    db: &Db,
    keyring: &Keyring,
    business: Uuid,
    number: &str,
) -> Result<Option<SendRoute>, OpError> {
    let mut tx = db.system(&SystemCtx::for_reason("send route", "route")).await?;
    let row = sqlx::query!(
        "SELECT a.id, a.external_id, a.secret_cipher FROM inbound_numbers n
         JOIN provider_accounts a ON a.id = n.provider_account_id
         WHERE n.e164 = $1 AND n.business_id = $2 AND a.business_id = $2 AND n.disconnected_at IS NULL",
        number,
        business,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    let Some(row) = row else { return Ok(None) };
    let secret = open(keyring, "secret_cipher", row.id, &row.secret_cipher)?;
    Ok(Some(SendRoute {
        provider_account: row.id,
        sms: SmsRoute {
            account: row.external_id,
            secret,
            from: number.to_owned(),
        },
    }))
}

/// How to ask the vendor what became of a text from `number` that went through `provider_account`. The number may be in
/// another account since, which never had the text: only the one that it went through knows. None where nobody can be asked.
///
/// # Errors
/// [`OpError`] as met.
pub(super) async fn look_up_route(
    db: &Db,
    keyring: &Keyring,
    business: Uuid,
    provider_account: Option<Uuid>,
    number: &str,
) -> Result<Option<SmsRoute>, OpError> {
    let Some(id) = provider_account else {
        return Ok(None);
    };
    let mut tx = db
        .system(&SystemCtx::for_reason("look-up route", "route"))
        .await?;
    let row = sqlx::query!(
        "SELECT external_id, secret_cipher FROM provider_accounts WHERE id = $1 AND business_id = $2",
        id,
        business,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    let Some(row) = row else { return Ok(None) };
    let secret = open(keyring, "secret_cipher", id, &row.secret_cipher)?;
    Ok(Some(SmsRoute {
        account: row.external_id,
        secret,
        from: number.to_owned(),
    }))
}

/// Connects a business's Twilio account and its numbers, unproven: for demo and benchmark. Businesses do it themselves, by
/// `setProviderCredentials` and `connectNumber`.
///
/// # Errors
/// `provider_accounts_provider_external_id_key` or `inbound_numbers_pkey` when they belong to somebody already.
pub async fn connect_twilio(
    tx: &mut crate::platform::db::SystemTx,
    keyring: &Keyring,
    business: Uuid,
    external_id: &str,
    secret: &SecretString,
    numbers: &[&str],
) -> Result<(), OpError> {
    let (id, now) = (crate::platform::ids::next(), tx.now());
    let plain = secrecy::ExposeSecret::expose_secret(secret);
    let cipher = keyring.platform_seal("provider_accounts", "secret_cipher", id, plain.as_bytes())?;
    sqlx::query!(
        "INSERT INTO provider_accounts (id, business_id, provider, external_id, secret_cipher, secret_hint, created_at)
         VALUES ($1, $2, 'TWILIO', $3, $4, $5, $6)",
        id,
        business,
        external_id,
        cipher,
        hint(plain),
        now,
    )
    .execute(tx.conn())
    .await?;
    for number in numbers {
        sqlx::query!(
            "INSERT INTO inbound_numbers (id, e164, business_id, provider_account_id, created_at) VALUES ($1, $2, $3, $4, $5)",
            crate::platform::ids::next(),
            number,
            business,
            id,
            now,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

pub(super) fn open(
    keyring: &Keyring,
    column: &'static str,
    row: Uuid,
    cipher: &[u8],
) -> Result<SecretString, OpError> {
    let plain = keyring.platform_open("provider_accounts", column, row, cipher)?;
    let text = std::str::from_utf8(&plain).map_err(|error| OpError::Internal(error.into()))?;
    Ok(SecretString::from(text))
}
