//! What a file is for, and what is known of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::Cell,
    platform::{
        crypto::{CryptoError, DataKey},
        keys::{TenantKeys, WrappedKey},
    },
};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Accounts to import.
    AccountImport,
    /// A document of an account.
    Document,
    /// A member of staff's picture.
    ProfilePhoto,
    /// A business's logo.
    BusinessLogo,
    /// Accounts that somebody exported.
    Export,
    /// What an import could not take.
    ImportReport,
    /// Answers of the reassigned numbers database.
    ReassignedNumbers,
    /// A notice that the law asks for, as the service wrote it.
    LegalNotice,
}

impl Purpose {
    pub const ALL: [Self; 8] = [
        Self::AccountImport,
        Self::Document,
        Self::ProfilePhoto,
        Self::BusinessLogo,
        Self::Export,
        Self::ImportReport,
        Self::ReassignedNumbers,
        Self::LegalNotice,
    ];

    /// As the database and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountImport => "ACCOUNT_IMPORT",
            Self::Document => "DOCUMENT",
            Self::ProfilePhoto => "PROFILE_PHOTO",
            Self::BusinessLogo => "BUSINESS_LOGO",
            Self::Export => "EXPORT",
            Self::ImportReport => "IMPORT_REPORT",
            Self::ReassignedNumbers => "REASSIGNED_NUMBERS",
            Self::LegalNotice => "LEGAL_NOTICE",
        }
    }

    /// Whether it tells of many people at once.
    pub fn is_about_many(self) -> bool {
        matches!(self, Self::Export | Self::ImportReport)
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// What somebody must be allowed to in order to upload one; nobody uploads what the service makes.
    pub(super) fn needs(self) -> Option<Cell> {
        match self {
            Self::AccountImport => Some(Cell::AccountImport),
            Self::Document => Some(Cell::DocumentAdd),
            Self::ProfilePhoto => Some(Cell::ProfileUpdate),
            Self::BusinessLogo => Some(Cell::BusinessUpdate),
            Self::ReassignedNumbers => Some(Cell::NumberListManage),
            Self::Export | Self::ImportReport | Self::LegalNotice => None,
        }
    }
}

/// A file that the service is about to make.
#[derive(Clone, Debug)]
pub struct NewFile {
    pub purpose: Purpose,
    /// As it will be downloaded.
    pub name: String,
    pub media_type: &'static str,
}

/// A content that lies whole in the object store.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: Uuid,
    /// Bytes before encryption.
    pub size: i64,
    pub sha256: [u8; 32],
}

/// A file as the database holds it.
#[derive(Clone, Debug)]
pub struct FileRow {
    pub id: Uuid,
    pub purpose: Purpose,
    pub media_type: String,
    pub size: Option<i64>,
    pub sha256: Option<Vec<u8>>,
    /// Whom it tells of.
    pub debtor_id: Option<Uuid>,
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub(super) state: String,
    pub(super) wrapped_key: Option<Vec<u8>>,
    pub(super) key_version: i32,
    pub(super) name_cipher: Option<Vec<u8>>,
    pub(super) person_name_cipher: Option<Vec<u8>>,
    /// The person's key that guards it.
    pub(super) guard: Option<WrappedKey>,
}

pub(super) const TABLE: &str = "files";
pub(super) const KEY_COLUMN: &str = "wrapped_key";
pub(super) const CONTENT: &str = "content";

impl FileRow {
    /// Whether there is a content that can be read, as far as the row tells.
    pub fn is_readable(&self) -> bool {
        matches!(self.state.as_str(), "STORED" | "CLAIMED")
    }

    /// The key of its content; `None` when it was destroyed, by itself or with the person's.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub(super) fn content_key(&self, keys: &TenantKeys) -> Result<Option<DataKey>, CryptoError> {
        let Some(wrapped) = &self.wrapped_key else {
            return Ok(None);
        };
        let guard = match &self.guard {
            None => None,
            Some(stored) => match keys.data_key(stored)? {
                Some(guard) => Some(guard),
                None => return Ok(None),
            },
        };
        keys.content_key(guard.as_ref(), wrapped, TABLE, KEY_COLUMN, self.id)
            .map(Some)
    }

    /// The person's key that guards it; `None` when it was destroyed, or the business's own does.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn guard_key(&self, keys: &TenantKeys) -> Result<Option<DataKey>, CryptoError> {
        match &self.guard {
            Some(stored) => keys.data_key(stored),
            None => Ok(None),
        }
    }

    /// Its name; `None` when it was erased.
    ///
    /// # Errors
    /// [`CryptoError`] as met.
    pub fn name(&self, keys: &TenantKeys) -> Result<Option<String>, CryptoError> {
        let opened = if let Some(cipher) = &self.name_cipher {
            let key = keys.own_key_of(self.key_version).ok_or(CryptoError::TooShort)?;
            keys.open_text(&key, TABLE, "name_cipher", self.id, cipher)?
        } else if let Some(cipher) = &self.person_name_cipher {
            let Some(key) = self.guard_key(keys)? else {
                return Ok(None);
            };
            keys.open_text(&key, TABLE, "person_name_cipher", self.id, cipher)?
        } else {
            return Ok(None);
        };
        Ok(Some(opened.expose().clone()))
    }
}
