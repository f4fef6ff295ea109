//! What one operation shares between its resolvers: one snapshot transaction, and the record of whose personal
//! data was read.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::Context;
use tokio::sync::{MappedMutexGuard, MutexGuard};
use uuid::Uuid;

use super::errors::op_error;
use crate::platform::{
    context::TenantCtx,
    crypto::DataKey,
    db::{Db, DbError, TenantTx},
    error::OpError,
    keys::{Keyring, TenantKeys, WrappedKey},
};

/// Lives as long as one query, or one payload of a mutation or subscription.
pub struct OpScope {
    db: Db,
    keyring: Keyring,
    ctx: TenantCtx,
    /// In a box: a subscription keeps the scope and has no snapshot most of the time.
    snapshot: tokio::sync::Mutex<Option<Box<TenantTx>>>,
    debtors_read: Mutex<BTreeSet<Uuid>>,
    strangers_read: AtomicBool,
    /// Unwrapped once for all that one person's key opens.
    data_keys: Mutex<HashMap<Uuid, Arc<DataKey>>>,
}

impl OpScope {
    pub fn new(db: Db, keyring: Keyring, ctx: TenantCtx) -> Self {
        Self {
            db,
            keyring,
            ctx,
            snapshot: tokio::sync::Mutex::new(None),
            debtors_read: Mutex::default(),
            strangers_read: AtomicBool::new(false),
            data_keys: Mutex::default(),
        }
    }

    pub fn ctx(&self) -> &TenantCtx {
        &self.ctx
    }

    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The operation's snapshot, opened at first use. Resolvers take turns: hold it for one statement only.
    ///
    /// # Errors
    /// [`DbError`] as met.
    pub async fn snapshot(&self) -> Result<MappedMutexGuard<'_, TenantTx>, DbError> {
        let mut slot = self.snapshot.lock().await;
        if slot.is_none() {
            *slot = Some(Box::new(self.db.snapshot(&self.ctx).await?));
        }
        MutexGuard::try_map(slot, Option::as_deref_mut)
            .map_err(|_| DbError::Other(sqlx::Error::WorkerCrashed))
    }

    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The keys of the caller's business.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub async fn keys(&self) -> Result<Arc<TenantKeys>, OpError> {
        self.keyring.business(&self.db, self.ctx.business_id()).await
    }

    /// Unwraps a data key of the caller's business; `None` when it was destroyed, so that what it sealed is gone.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub fn data_key(&self, keys: &TenantKeys, stored: &WrappedKey) -> Result<Option<Arc<DataKey>>, OpError> {
        let mut known = self.data_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(&stored.id).filter(|_| stored.wrapped.is_some()) {
            return Ok(Some(key.clone()));
        }
        let key = keys.data_key(stored)?.map(Arc::new);
        if let Some(key) = &key {
            known.insert(stored.id, key.clone());
        }
        Ok(key)
    }

    /// Notes that personal data of this debtor goes into the answer.
    pub fn saw_debtor(&self, debtor: Uuid) {
        self.debtors_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(debtor);
    }

    /// Whose personal data was read since the last call.
    pub fn take_debtors_read(&self) -> Vec<Uuid> {
        let read = std::mem::take(&mut *self.debtors_read.lock().unwrap_or_else(PoisonError::into_inner));
        read.into_iter().collect()
    }

    /// Notes that personal data of people goes into the answer who are not debtors yet: of an imported file.
    pub fn saw_strangers(&self) {
        self.strangers_read.store(true, Ordering::Relaxed);
    }

    /// Whether personal data of such people was read since the last call.
    pub fn take_strangers_read(&self) -> bool {
        self.strangers_read.swap(false, Ordering::Relaxed)
    }

    /// Closes the snapshot and forgets keys; the next resolver (of the next payload) opens a fresh one. Nobody waits for
    /// the end of what only read: its ROLLBACK travels with the ping by which the pool takes the connection back.
    pub async fn close(&self) {
        drop(std::mem::take(
            &mut *self.data_keys.lock().unwrap_or_else(PoisonError::into_inner),
        ));
        drop(self.snapshot.lock().await.take());
    }
}

/// Typed access to the operation's data, so that no resolver looks things up by type in the dark.
pub trait ScopeExt {
    /// The scope of the caller's business.
    ///
    /// # Errors
    /// UNAUTHENTICATED when the caller is not signed in to a business.
    fn scope(&self) -> async_graphql::Result<&OpScope>;

    /// The operation's snapshot.
    ///
    /// # Errors
    /// As [`ScopeExt::scope`], and UNAVAILABLE when the database is away.
    #[expect(async_fn_in_trait, reason = "used with this crate's one implementation only")]
    async fn snapshot(&self) -> async_graphql::Result<MappedMutexGuard<'_, TenantTx>>;
}

impl ScopeExt for Context<'_> {
    fn scope(&self) -> async_graphql::Result<&OpScope> {
        self.data_opt::<Arc<OpScope>>().map(AsRef::as_ref).ok_or_else(|| {
            use async_graphql::ErrorExtensions as _;
            async_graphql::Error::new(
                "Sign in first: call login, then send the access token as a bearer token.",
            )
            .extend_with(|_, extensions| extensions.set("code", "UNAUTHENTICATED"))
        })
    }

    async fn snapshot(&self) -> async_graphql::Result<MappedMutexGuard<'_, TenantTx>> {
        self.scope()?
            .snapshot()
            .await
            .map_err(|error| op_error(OpError::from(error)))
    }
}
