//! The keys in use: the platform's and each business's, unwrapped once and kept in memory.
//!
//! master key (setting, versions) -> business key (table, versions) -> data key (table, one per person and purpose)
//! -> column. Blind indexes come from the business key of a version; look-ups try every version that exists.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::platform::{
    context::SystemCtx,
    crypto::{Aad, BusinessKey, CryptoError, DataKey, PLATFORM, Vault, blind_index, wrapping_version},
    db::Db,
    error::OpError,
    ids,
    secret::Masked,
};

/// At most this many businesses' keys stay in memory.
const CACHED_BUSINESSES: usize = 10_000;
/// How long they count before the table is read again.
const CACHED_FOR: Duration = Duration::from_secs(60);
/// A new version is written with only when every process has surely seen it.
const TAKES_OVER_AFTER: TimeDelta = TimeDelta::minutes(2);

/// The process's keys; cheap to clone.
#[derive(Clone)]
pub struct Keyring {
    inner: Arc<Inner>,
}

struct Inner {
    vault: Arc<Vault>,
    platform: Vec<Arc<BusinessKey>>,
    businesses: Mutex<HashMap<Uuid, (Instant, Arc<TenantKeys>)>>,
}

/// One business's keys, oldest version first.
pub struct TenantKeys {
    business: Uuid,
    vault: Arc<Vault>,
    versions: Vec<Arc<BusinessKey>>,
    current: Arc<BusinessKey>,
    /// The platform's first, for what is kept for all businesses by print.
    platform: Option<Arc<BusinessKey>>,
}

/// Where a wrapped key is stored; part of what authenticates it.
pub(super) fn key_row(business: Uuid) -> Aad {
    let table = if business == PLATFORM {
        "platform_keys"
    } else {
        "business_keys"
    };
    Aad {
        business,
        table,
        column: "wrapped",
        row: business,
    }
}

impl Keyring {
    /// Loads the platform's keys; makes the first one on a new database.
    ///
    /// # Errors
    /// When the database is away or no configured master key unwraps what is stored.
    pub async fn open(vault: Arc<Vault>, db: &Db) -> Result<Self, OpError> {
        let mut tx = db
            .system(&SystemCtx::for_reason("platform keys", "start"))
            .await?;
        let (_, wrapped) = vault.new_business_key(1, &key_row(PLATFORM))?;
        let now = tx.now();
        // Two processes may start on a new database at once: one row wins.
        sqlx::query!(
            "INSERT INTO platform_keys (version, wrapped, created_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING",
            wrapped,
            now
        )
        .execute(tx.conn())
        .await?;
        let rows = sqlx::query!("SELECT version, wrapped FROM platform_keys ORDER BY version")
            .fetch_all(tx.conn())
            .await?;
        tx.commit().await?;
        vault.forget(PLATFORM);
        let platform = rows
            .into_iter()
            .map(|row| vault.business_key(version(row.version)?, &row.wrapped, &key_row(PLATFORM)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            inner: Arc::new(Inner {
                vault,
                platform,
                businesses: Mutex::default(),
            }),
        })
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    fn platform_key(&self) -> &BusinessKey {
        // `open` made sure that there is one.
        self.inner
            .platform
            .last()
            .map_or_else(|| unreachable!("no platform key"), AsRef::as_ref)
    }

    /// Blind index of something that belongs to no one business.
    pub fn platform_blind(&self, normalised: &str) -> [u8; 32] {
        platform_blind(self.inner.platform.first(), normalised)
    }

    /// Seals a column of a table without a business.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn platform_seal(
        &self,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let aad = Aad {
            business: PLATFORM,
            table,
            column,
            row,
        };
        self.inner
            .vault
            .seal(&self.platform_key().own_data_key(), &aad, plain)
    }

    /// Opens a column of a table without a business.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn platform_open(
        &self,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let aad = Aad {
            business: PLATFORM,
            table,
            column,
            row,
        };
        let mut result = Err(CryptoError::TooShort);
        for key in self.inner.platform.iter().rev() {
            result = self.inner.vault.open(&key.own_data_key(), &aad, sealed);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Makes a version of a business's key, wrapped, to store in `business_keys`.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn new_business_key(&self, business: Uuid, version: u32) -> Result<Vec<u8>, CryptoError> {
        Ok(self.inner.vault.new_business_key(version, &key_row(business))?.1)
    }

    /// The keys of a business, from memory or the database.
    ///
    /// # Errors
    /// When the database is away, or the business has no key that unwraps.
    pub async fn business(&self, db: &Db, business: Uuid) -> Result<Arc<TenantKeys>, OpError> {
        match self.cached(business) {
            Some(keys) => Ok(keys),
            // On the heap: whoever asks for keys carries the room for this, and few have to wait.
            None => Box::pin(self.load_business(db, business)).await,
        }
    }

    async fn load_business(&self, db: &Db, business: Uuid) -> Result<Arc<TenantKeys>, OpError> {
        let mut tx = db
            .system(&SystemCtx::for_reason("business keys", "keyring"))
            .await?;
        let horizon = tx.now() - TAKES_OVER_AFTER;
        let rows = sqlx::query!(
            r#"SELECT version, wrapped, created_at <= $2 AS "taken_over!" FROM business_keys
             WHERE business_id = $1 ORDER BY version"#,
            business,
            horizon,
        )
        .fetch_all(tx.conn())
        .await?;
        tx.commit().await?;
        let taken_over = rows.iter().rposition(|row| row.taken_over).unwrap_or(0);
        let versions = rows
            .into_iter()
            .map(|row| {
                self.inner
                    .vault
                    .business_key(version(row.version)?, &row.wrapped, &key_row(business))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let Some(current) = versions.get(taken_over).cloned() else {
            return Err(OpError::Internal(anyhow::anyhow!(
                "business {business} has no key"
            )));
        };
        let keys = Arc::new(TenantKeys {
            business,
            vault: self.inner.vault.clone(),
            versions,
            current,
            platform: self.inner.platform.first().cloned(),
        });
        let mut cache = self
            .inner
            .businesses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED_BUSINESSES {
            cache.clear();
        }
        cache.insert(business, (Instant::now(), keys.clone()));
        Ok(keys)
    }

    fn cached(&self, business: Uuid) -> Option<Arc<TenantKeys>> {
        let cache = self
            .inner
            .businesses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        cache
            .get(&business)
            .filter(|(at, _)| at.elapsed() < CACHED_FOR)
            .map(|(_, keys)| keys.clone())
    }

    /// Forgets a business's keys: after a rotation.
    pub fn forget(&self, business: Uuid) {
        self.inner.vault.forget(business);
        self.inner
            .businesses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&business);
    }
}

/// Always the first version: rotating this one means re-indexing every identity.
fn platform_blind(first: Option<&Arc<BusinessKey>>, normalised: &str) -> [u8; 32] {
    first.map_or([0; 32], |key| blind_index(&key.blind_key(), normalised))
}

/// A new data key with its row id, ready to be stored in `data_keys`.
pub struct NewDataKey {
    pub id: Uuid,
    pub key: DataKey,
    pub wrapped: Vec<u8>,
    pub business_key_version: i32,
}

/// A data key as a statement brings it along.
#[derive(Clone, Debug)]
pub struct WrappedKey {
    pub id: Uuid,
    pub business_key_version: i32,
    /// None once it was destroyed (erasure).
    pub wrapped: Option<Vec<u8>>,
}

impl TenantKeys {
    /// Blind index under the current version.
    pub fn blind(&self, normalised: &str) -> [u8; 32] {
        blind_index(&self.current.blind_key(), normalised)
    }

    /// The version that [`TenantKeys::blind`] uses.
    pub fn blind_version(&self) -> i32 {
        i32::try_from(self.current.version()).unwrap_or(i32::MAX)
    }

    /// Blind indexes under every version that exists, for look-ups.
    pub fn blinds(&self, normalised: &str) -> Vec<Vec<u8>> {
        self.versions
            .iter()
            .map(|key| blind_index(&key.blind_key(), normalised).to_vec())
            .collect()
    }

    /// Blind index of something that belongs to no one business, to look it up in what is kept for all of them.
    pub fn platform_blind(&self, normalised: &str) -> [u8; 32] {
        platform_blind(self.platform.as_ref(), normalised)
    }

    /// Makes a data key.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn new_data_key(&self) -> Result<NewDataKey, CryptoError> {
        let id = ids::next();
        let (key, wrapped) = self.vault.new_data_key(&self.current, &self.data_key_row(id))?;
        Ok(NewDataKey {
            id,
            key,
            wrapped,
            business_key_version: self.blind_version(),
        })
    }

    fn data_key_row(&self, id: Uuid) -> Aad {
        Aad {
            business: self.business,
            table: "data_keys",
            column: "wrapped",
            row: id,
        }
    }

    /// Unwraps a data key; `None` when it was destroyed, so that what it sealed is gone.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn data_key(&self, stored: &WrappedKey) -> Result<Option<DataKey>, CryptoError> {
        let Some(wrapped) = stored.wrapped.as_deref() else {
            return Ok(None);
        };
        let wanted = version(stored.business_key_version)?;
        let key =
            self.versions
                .iter()
                .find(|key| key.version() == wanted)
                .ok_or(CryptoError::WrongKeyVersion {
                    needed: wanted,
                    given: self.current.version(),
                })?;
        Ok(Some(key.unwrap(wrapped, &self.data_key_row(stored.id))?))
    }

    /// Makes the key of a content outside the database, wrapped under the business's key for a column of its row.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn new_content_key(
        &self,
        table: &'static str,
        column: &'static str,
        row: Uuid,
    ) -> Result<(DataKey, Vec<u8>), CryptoError> {
        self.vault
            .new_data_key(&self.current, &self.place(table, column, row))
    }

    /// Wraps the key of a content under a data key instead: it is gone when that one is.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn wrap_content_key(
        &self,
        guard: &DataKey,
        key: &DataKey,
        table: &'static str,
        column: &'static str,
        row: Uuid,
    ) -> Result<Vec<u8>, CryptoError> {
        self.vault.wrap_under(guard, key, &self.place(table, column, row))
    }

    /// Unwraps the key of a content: `guard` is the data key that wraps it, `None` the business's own.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn content_key(
        &self,
        guard: Option<&DataKey>,
        wrapped: &[u8],
        table: &'static str,
        column: &'static str,
        row: Uuid,
    ) -> Result<DataKey, CryptoError> {
        let place = self.place(table, column, row);
        let Some(guard) = guard else {
            let needed = wrapping_version(wrapped)?;
            return self
                .versions
                .iter()
                .find(|key| key.version() == needed)
                .ok_or(CryptoError::WrongKeyVersion {
                    needed,
                    given: self.current.version(),
                })?
                .unwrap(wrapped, &place);
        };
        guard.unwrap(wrapped, &place)
    }

    /// Where something of a row of this business lies.
    pub fn place(&self, table: &'static str, column: &'static str, row: Uuid) -> Aad {
        Aad {
            business: self.business,
            table,
            column,
            row,
        }
    }

    /// Seals a column.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn seal(
        &self,
        key: &DataKey,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.vault.seal(
            key,
            &Aad {
                business: self.business,
                table,
                column,
                row,
            },
            plain,
        )
    }

    /// Opens a text column.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn open_text(
        &self,
        key: &DataKey,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        sealed: &[u8],
    ) -> Result<Masked<String>, CryptoError> {
        self.vault.open_text(
            key,
            &Aad {
                business: self.business,
                table,
                column,
                row,
            },
            sealed,
        )
    }

    /// Opens a column of bytes.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn open(
        &self,
        key: &DataKey,
        table: &'static str,
        column: &'static str,
        row: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.vault.open(key, &self.place(table, column, row), sealed)
    }

    /// The business's own key, for what does not belong to a person yet (a webhook's payload on its way).
    pub fn own_key(&self) -> DataKey {
        self.current.own_data_key()
    }

    /// The business's own key of an older version.
    pub fn own_key_of(&self, wanted: i32) -> Option<DataKey> {
        let wanted = version(wanted).ok()?;
        self.versions
            .iter()
            .find(|key| key.version() == wanted)
            .map(|key| key.own_data_key())
    }
}

fn version(stored: i32) -> Result<u32, CryptoError> {
    u32::try_from(stored).map_err(|_| CryptoError::TooShort)
}
