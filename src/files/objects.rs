//! Where the contents lie: a folder, a bucket that speaks S3, or memory.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use object_store::{
    ObjectStore, ObjectStoreExt as _, aws::AmazonS3Builder, local::LocalFileSystem, memory::InMemory,
    path::Path, prefix::PrefixStore,
};
use url::Url;
use uuid::Uuid;

use crate::platform::secret::{ExposeSecret as _, SecretString};

/// Which store holds the contents.
#[derive(Debug)]
pub enum ObjectStoreSettings {
    /// This process's memory: for tests.
    Memory,
    /// A folder; made when it is not there.
    Folder(PathBuf),
    /// A bucket of Amazon S3, or of what speaks its protocol.
    S3 {
        bucket: String,
        /// Before every object's name.
        prefix: String,
        region: String,
        /// Another service's address.
        endpoint: Option<Url>,
        /// Access key and its secret; without them the machine's own role is asked for.
        credentials: Option<(String, SecretString)>,
    },
}

/// Opens the store; nothing is read or written yet.
///
/// # Errors
/// When the folder cannot be made, or the bucket's settings do not fit together.
pub fn open_store(settings: &ObjectStoreSettings) -> anyhow::Result<Arc<dyn ObjectStore>> {
    Ok(match settings {
        ObjectStoreSettings::Memory => Arc::new(InMemory::new()),
        ObjectStoreSettings::Folder(folder) => {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("FILE_STORE_URL: cannot make the folder {}", folder.display()))?;
            Arc::new(LocalFileSystem::new_with_prefix(folder).context("FILE_STORE_URL")?)
        }
        ObjectStoreSettings::S3 {
            bucket,
            prefix,
            region,
            endpoint,
            credentials,
        } => {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(bucket)
                .with_region(region);
            if let Some(endpoint) = endpoint {
                builder = builder
                    .with_endpoint(endpoint.as_str().trim_end_matches('/'))
                    // Only in development: config refuses it in production.
                    .with_allow_http(endpoint.scheme() == "http");
            }
            if let Some((id, secret)) = credentials {
                builder = builder
                    .with_access_key_id(id)
                    .with_secret_access_key(secret.expose_secret());
            }
            let store = builder.build().context("FILE_STORE_URL")?;
            if prefix.is_empty() {
                Arc::new(store)
            } else {
                Arc::new(PrefixStore::new(store, prefix.as_str()))
            }
        }
    })
}

/// Whether the store answers, and lets us in.
///
/// # Errors
/// What it said instead.
pub async fn check_store(settings: &ObjectStoreSettings) -> anyhow::Result<()> {
    match open_store(settings)?.head(&Path::from("doctor")).await {
        Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// An object's name: ids only, because names of objects are told in bills and logs.
pub(super) fn object_path(business: Uuid, file: Uuid) -> Path {
    Path::from_iter([business.to_string(), file.to_string()])
}
