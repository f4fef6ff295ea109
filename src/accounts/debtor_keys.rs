//! The two keys of a debtor: `profile` (what erasure destroys at once) and `record` (what the law makes us keep,
//! destroyed when its retention ends).

use uuid::Uuid;

use crate::platform::{
    crypto::DataKey,
    db::{DbError, TenantTx},
    error::OpError,
    keys::{NewDataKey, TenantKeys, WrappedKey},
};

/// Both keys of one debtor, wrapped, as statements bring them along.
#[derive(Clone, Debug)]
pub struct DebtorKeys {
    pub profile: WrappedKey,
    pub record: WrappedKey,
}

/// Stores a new data key.
///
/// # Errors
/// [`DbError`] as met.
pub async fn insert(
    tx: &mut TenantTx,
    new: &NewDataKey,
    debtor: Option<Uuid>,
    purpose: &'static str,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "INSERT INTO data_keys (business_id, id, debtor_id, purpose, business_key_version, wrapped)
         VALUES ($1, $2, $3, $4, $5, $6)",
        business,
        new.id,
        debtor,
        purpose,
        new.business_key_version,
        new.wrapped,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// New data keys of many debtors.
#[derive(Default)]
pub(super) struct KeyRows {
    ids: Vec<Uuid>,
    debtors: Vec<Uuid>,
    purposes: Vec<String>,
    versions: Vec<i32>,
    wrapped: Vec<Vec<u8>>,
}

impl KeyRows {
    /// Adds one, and hands out the key itself.
    pub(super) fn add(&mut self, new: NewDataKey, debtor: Uuid, purpose: &'static str) -> DataKey {
        self.ids.push(new.id);
        self.debtors.push(debtor);
        self.purposes.push(purpose.to_owned());
        self.versions.push(new.business_key_version);
        self.wrapped.push(new.wrapped);
        new.key
    }

    /// Stores them in one statement.
    ///
    /// # Errors
    /// [`DbError`] as met.
    pub(super) async fn write(&self, tx: &mut TenantTx) -> Result<(), DbError> {
        let business = tx.business_id();
        sqlx::query!(
            "INSERT INTO data_keys (business_id, id, debtor_id, purpose, business_key_version, wrapped)
             SELECT $1, k.id, k.debtor_id, k.purpose, k.version, k.wrapped
             FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::bytea[])
                 AS k(id, debtor_id, purpose, version, wrapped)",
            business,
            &self.ids,
            &self.debtors,
            &self.purposes,
            &self.versions,
            &self.wrapped,
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// Reads data keys by their ids.
///
/// # Errors
/// [`DbError`] as met.
pub async fn load_all(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<WrappedKey>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        WrappedKey,
        "SELECT id, business_key_version, wrapped FROM data_keys WHERE business_id = $1 AND id = ANY($2)",
        business,
        ids
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Reads a data key by its id.
///
/// # Errors
/// [`DbError`] as met.
pub async fn load(tx: &mut TenantTx, id: Uuid) -> Result<Option<WrappedKey>, DbError> {
    Ok(load_all(tx, &[id]).await?.pop())
}

/// The key of `id`, unwrapped; an error when it does not exist or was destroyed, for those who must write.
///
/// # Errors
/// [`OpError`] as met.
pub async fn unwrapped(tx: &mut TenantTx, keys: &TenantKeys, id: Uuid) -> Result<DataKey, OpError> {
    let stored = load(tx, id)
        .await?
        .ok_or_else(|| anyhow::anyhow!("data key {id} is missing"))?;
    Ok(keys
        .data_key(&stored)?
        .ok_or_else(|| anyhow::anyhow!("data key {id} was destroyed"))?)
}
