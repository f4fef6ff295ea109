//! Files: uploaded, kept, made for download. Contents lie in an object store, encrypted chunk by chunk under a key per
//! file, which lies wrapped in the file's row: under the business's key, or under the key of the person whom the file
//! tells of, so that erasing the person erases it.
//!
//! An upload takes two steps: [`create_upload`] gives out a link, and [`Files::receive`] takes the content that is sent
//! there, once. A feature then takes the file into use with [`claim`]. What the service makes itself is written with
//! [`Files::begin`] and taken into use with [`keep`]. Downloads are links, good for five minutes.
//!
//! No content is read or written inside a transaction: the row comes first, then the object, then the row's next state.
//! What is left over of either goes with [`Files::remove_expired`].
//!
//! A file about many people is under the business's key and short-lived; `file_debtors` says whom it tells of, and a trigger
//! destroys its key with that of any of them.
//!
//! Owns `files`, `file_debtors`; reads `data_keys` by id, of `businesses` the size of documents
//! and the status, and of `shown_documents` whether a debtor's link still leads to a document. May
//! import `platform`, `access`.

mod claim;
mod content;
mod create_upload;
mod detect;
pub mod graphql;
mod links;
mod model;
mod name;
mod objects;
mod receive;
mod remove_expired;
mod room;
mod store;

use std::sync::Arc;

use object_store::ObjectStore;

pub use claim::{claim, discard, give_content_to_person, give_to_person, keep, tells_of};
pub use content::{FileReader, FileWriter};
pub use create_upload::{create_upload, document_limit, set_document_limit};
pub use links::{LinkKeys, LinkProblem, LinkUse};
pub use model::{FileRow, NewFile, Purpose, Stored};
pub use name::{content_disposition, sanitised};
pub use objects::{ObjectStoreSettings, check_store, open_store};
pub use receive::UploadRefused;
pub use room::{UploadLimits, UploadRoom};
pub use store::{file_by_id, files_by_ids};

use crate::platform::{clock::WallClock, db::Db, keys::Keyring};

/// What the slice works with; made once in `app.rs`. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    pub(crate) db: Db,
    pub(crate) keyring: Keyring,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) links: Arc<LinkKeys>,
    pub(crate) wall: Arc<dyn WallClock>,
    /// Uploads that this process takes at once.
    pub(crate) room: Arc<UploadRoom>,
    pub(crate) settings: FileSettings,
}

/// Settings of the slice.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// Where links lead, without a trailing slash.
    pub public_base_url: String,
    /// The largest file of accounts to import.
    pub import_max_bytes: i64,
    /// How long an upload may take as a whole.
    pub upload_timeout: std::time::Duration,
    /// How long it may pause.
    pub upload_idle: std::time::Duration,
}
