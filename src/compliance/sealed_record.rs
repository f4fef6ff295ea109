//! What the records that a person of the business writes down about a debtor have in common: they are written on the person's
//! record and under their lock, their texts are sealed under the person's record key, and who writes says enough, and not too much.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    accounts::{DebtorRow, lock_person},
    platform::{
        crypto::{CryptoError, DataKey},
        db::{Db, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, TenantKeys, WrappedKey},
    },
};

/// The longest text of a record.
const MOST_CHARACTERS: usize = 2_000;

/// Opens and seals the texts of one row.
pub(super) struct Seal {
    keys: Arc<TenantKeys>,
    key: DataKey,
    table: &'static str,
    row: Uuid,
}

impl Seal {
    /// For the row of a table whose person has this record key; none where that was destroyed.
    ///
    /// # Errors
    /// [`OpError`] as met.
    pub(super) async fn of_row(
        tx: &TenantTx,
        (keyring, db): (&Keyring, &Db),
        (table, row): (&'static str, Uuid),
        record_key: &WrappedKey,
    ) -> Result<Option<Self>, OpError> {
        let keys = keyring.business(db, tx.business_id()).await?;
        let key = keys.data_key(record_key)?;
        Ok(key.map(|key| Self {
            keys,
            key,
            table,
            row,
        }))
    }

    /// The text without the blanks around it, as the column keeps it.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub(super) fn text(&self, column: &'static str, text: &str) -> Result<Vec<u8>, CryptoError> {
        let text = text.trim().as_bytes();
        self.keys.seal(&self.key, self.table, column, self.row, text)
    }
}

/// A record that is being written.
pub(super) struct NewRecord {
    pub(super) id: Uuid,
    pub(super) now: DateTime<Utc>,
    /// On whose record it is written; they are locked until the transaction ends.
    pub(super) owner: DebtorRow,
    seal: Seal,
}

impl NewRecord {
    /// Locks the person and gives the record an id and a key.
    ///
    /// # Errors
    /// CONFLICT at `field` for a person whose records were destroyed.
    pub(super) async fn begin(
        tx: &mut TenantTx,
        keys: (&Keyring, &Db),
        table: &'static str,
        (owner, field): (DebtorRow, &'static str),
    ) -> Result<Self, OpError> {
        lock_person(tx, owner.id).await?;
        let (id, now) = (ids::next(), tx.now());
        let seal = Seal::of_row(tx, keys, (table, id), &owner.keys.record).await?;
        Ok(Self {
            id,
            now,
            seal: seal.ok_or_else(|| destroyed(field))?,
            owner,
        })
    }

    /// As [`Seal::text`].
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub(super) fn seal(&self, column: &'static str, text: &str) -> Result<Vec<u8>, CryptoError> {
        self.seal.text(column, text)
    }
}

/// Nothing is written about a person whose record key is gone.
pub(super) fn destroyed(field: &'static str) -> OpError {
    let message = "This person's records were destroyed: nothing more is written on them.";
    UserError::at(UserErrorCode::Conflict, field, message).into()
}

/// The member of staff who writes, where the record has to name a person: no program, and nobody whom the business cannot name.
///
/// # Errors
/// [`OpError::Forbidden`].
pub(super) fn person_who_may(tx: &TenantTx, cell: Cell) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), cell).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    tx.ctx().user_id().ok_or_else(|| {
        OpError::Forbidden("A member of the business who is signed in records this, no program.".to_owned())
    })
}

/// A text says something, and no more than is read.
///
/// # Errors
/// INVALID_INPUT at the field.
pub(super) fn check_text(field: &'static str, text: &str) -> Result<(), UserError> {
    if (1..=MOST_CHARACTERS).contains(&text.trim().chars().count()) {
        return Ok(());
    }
    let message = format!("Write 1 to {MOST_CHARACTERS} characters.");
    Err(UserError::invalid(field, message))
}
