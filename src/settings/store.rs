//! SQL of the settings.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::model::{BillingContact, Sections};
use crate::platform::{
    db::{Db, DbError, TenantTx},
    error::OpError,
    keys::{Keyring, TenantKeys},
};

const TABLE: &str = "business_settings";
const BILLING: &str = "billing_contact_cipher";

/// The settings as stored; version 0 and everything empty for a business that never chose anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Stored {
    pub(super) version: i32,
    pub(super) sections: Sections,
    pub(super) billing_cipher: Option<Vec<u8>>,
    pub(super) key_version: i32,
    pub(super) updated_at: Option<DateTime<Utc>>,
}

/// Makes those who change the settings of this business take turns.
pub(super) async fn lock_business(tx: &mut TenantTx) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "SELECT id FROM businesses WHERE id = $1 FOR NO KEY UPDATE",
        business
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn settings(tx: &mut TenantTx) -> Result<Stored, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT version, company, branding, locale, payment_terms, auto_response, assistant, billing_contact_cipher,
                key_version, updated_at
         FROM business_settings WHERE business_id = $1",
        business
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else {
        return Ok(Stored::default());
    };
    Ok(Stored {
        version: row.version,
        sections: Sections {
            company: read(row.company)?,
            branding: read(row.branding)?,
            locale: read(row.locale)?,
            payment_terms: read(row.payment_terms)?,
            auto_response: read(row.auto_response)?,
            assistant: read(row.assistant)?,
        },
        billing_cipher: row.billing_contact_cipher,
        key_version: row.key_version,
        updated_at: Some(row.updated_at),
    })
}

fn read<T: DeserializeOwned>(stored: serde_json::Value) -> Result<T, OpError> {
    serde_json::from_value(stored).map_err(|error| OpError::Internal(error.into()))
}

pub(super) async fn put_settings(tx: &mut TenantTx, stored: &Stored) -> Result<(), OpError> {
    let (business, now) = (tx.business_id(), tx.now());
    let json = |value: Result<serde_json::Value, serde_json::Error>| {
        value.map_err(|error| OpError::Internal(error.into()))
    };
    let sections = &stored.sections;
    sqlx::query!(
        "INSERT INTO business_settings (business_id, version, company, branding, locale, payment_terms, auto_response,
             billing_contact_cipher, key_version, updated_at, assistant)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (business_id) DO UPDATE SET version = $2, company = $3, branding = $4, locale = $5,
             payment_terms = $6, auto_response = $7, billing_contact_cipher = $8, key_version = $9, updated_at = $10,
             assistant = $11",
        business,
        stored.version,
        json(serde_json::to_value(&sections.company))?,
        json(serde_json::to_value(&sections.branding))?,
        json(serde_json::to_value(&sections.locale))?,
        json(serde_json::to_value(&sections.payment_terms))?,
        json(serde_json::to_value(&sections.auto_response))?,
        stored.billing_cipher,
        stored.key_version,
        now,
        json(serde_json::to_value(&sections.assistant))?,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Seals a billing contact; with the version of the key that sealed it.
pub(super) async fn seal_billing_contact(
    keyring: &Keyring,
    db: &Db,
    business: Uuid,
    contact: &BillingContact,
) -> Result<(Vec<u8>, i32), OpError> {
    let keys = keyring.business(db, business).await?;
    let text = serde_json::to_vec(contact).map_err(|error| OpError::Internal(error.into()))?;
    let cipher = keys.seal(&keys.own_key(), TABLE, BILLING, business, &text)?;
    Ok((cipher, keys.blind_version()))
}

/// Opens the billing contact, if there is one.
pub(super) fn open_billing_contact(
    keys: &TenantKeys,
    business: Uuid,
    stored: &Stored,
) -> Result<Option<BillingContact>, OpError> {
    let Some(cipher) = stored.billing_cipher.as_deref() else {
        return Ok(None);
    };
    let key = keys
        .own_key_of(stored.key_version)
        .ok_or_else(|| anyhow::anyhow!("no such version of the business key"))?;
    let text = keys.open_text(&key, TABLE, BILLING, business, cipher)?;
    Ok(Some(
        serde_json::from_str(text.expose()).map_err(|error| OpError::Internal(error.into()))?,
    ))
}
