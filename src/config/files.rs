//! Settings of files: where their contents lie, and how they get there.

use std::time::Duration;

use super::parse::{self, FileStoreUrl};
use super::reader::Reader;
use crate::files::{ObjectStoreSettings, UploadLimits};

/// Where the contents of files lie, and how they get there.
#[derive(Debug)]
pub struct FilesConfig {
    /// `FILE_STORE_URL`, with `FILE_STORE_REGION`, `FILE_STORE_ENDPOINT`, `FILE_STORE_ACCESS_KEY_ID` and
    /// `FILE_STORE_SECRET_ACCESS_KEY` for a bucket.
    pub store: ObjectStoreSettings,
    /// `IMPORT_MAX_BYTES`: the largest file of accounts to import.
    pub import_max_bytes: i64,
    /// `EXPORT_MAX_ROWS`: the most accounts that one export may hold.
    pub export_max_rows: i64,
    /// `UPLOADS_AT_ONCE`, `UPLOADS_AT_ONCE_PER_BUSINESS` and `UPLOADS_AT_ONCE_PER_CALLER`: uploads that one process takes
    /// at the same time.
    pub uploads: UploadLimits,
    /// `UPLOAD_TIMEOUT_SECONDS`: how long an upload may take as a whole.
    pub upload_timeout: Duration,
    /// `UPLOAD_IDLE_SECONDS`: how long it may pause.
    pub upload_idle: Duration,
}

const FILE_STORE_EXAMPLE: &str =
    "where the contents of files lie, such as s3://bucket/prefix or file:///var/lib/funnelchat/files";

pub(super) fn read(reader: &mut Reader<'_>, production: bool) -> Option<FilesConfig> {
    let url = reader.required_if(
        production,
        "FILE_STORE_URL",
        FILE_STORE_EXAMPLE,
        parse::file_store,
        || FileStoreUrl::Memory,
    );
    let region = reader.or_default("FILE_STORE_REGION", "us-east-1".to_owned(), parse::word);
    let endpoint_parser = if production {
        parse::https_origin
    } else {
        parse::origin
    };
    let endpoint = reader.optional("FILE_STORE_ENDPOINT", endpoint_parser);
    let key_id = reader.optional("FILE_STORE_ACCESS_KEY_ID", parse::word);
    let secret = reader.optional("FILE_STORE_SECRET_ACCESS_KEY", parse::secret);
    if key_id.is_some() != secret.is_some() {
        let missing = if key_id.is_some() {
            "FILE_STORE_SECRET_ACCESS_KEY"
        } else {
            "FILE_STORE_ACCESS_KEY_ID"
        };
        reader.missing(
            missing,
            "it, or neither of the two: then the machine's own role is asked for",
        );
    }
    if production && matches!(url, Some(FileStoreUrl::Memory)) {
        reader.problem(
            "FILE_STORE_URL",
            "must not be memory: in production, files would be lost",
        );
    }
    let import_max_bytes = reader.whole("IMPORT_MAX_BYTES", 104_857_600, 1_048_576..=1_073_741_824);
    let export_max_rows = reader.whole("EXPORT_MAX_ROWS", 100_000, 1..=1_000_000);
    let uploads = UploadLimits {
        in_all: reader.whole("UPLOADS_AT_ONCE", 32, 1..=10_000),
        per_business: reader.whole("UPLOADS_AT_ONCE_PER_BUSINESS", 16, 1..=10_000),
        per_caller: reader.whole("UPLOADS_AT_ONCE_PER_CALLER", 4, 1..=10_000),
    };
    let upload_timeout = reader.seconds("UPLOAD_TIMEOUT_SECONDS", 900, 10..=86_400);
    let upload_idle = reader.seconds("UPLOAD_IDLE_SECONDS", 30, 1..=600);
    let store = match url? {
        FileStoreUrl::Memory => ObjectStoreSettings::Memory,
        FileStoreUrl::Folder(folder) => ObjectStoreSettings::Folder(folder),
        FileStoreUrl::Bucket { name, prefix } => ObjectStoreSettings::S3 {
            bucket: name,
            prefix,
            region,
            endpoint,
            credentials: key_id.zip(secret),
        },
    };
    Some(FilesConfig {
        store,
        import_max_bytes,
        export_max_rows,
        uploads,
        upload_timeout,
        upload_idle,
    })
}
