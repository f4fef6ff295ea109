//! The slice's face in the API.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::{Files, Purpose, create_upload, file_by_id};
use crate::platform::{
    error::OpError,
    gql::{Done, ScopeExt as _, UserError, mutate, op_error},
    ids::{self, IdKind},
};

/// What an upload is for.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum UploadPurpose {
    /// Accounts to import: csv, txt or xlsx.
    AccountImport,
    /// A document of an account: pdf, png, jpg, tif, webp, docx, xlsx, txt or csv.
    Document,
    /// Your picture: png, jpg or webp of at most 5 MiB and 6,000 x 6,000 pixels.
    ProfilePhoto,
    /// Your business's logo: a PNG, JPEG or WebP picture.
    BusinessLogo,
    /// Answers of the reassigned numbers database: csv or txt.
    ReassignedNumbers,
}

impl From<UploadPurpose> for Purpose {
    fn from(purpose: UploadPurpose) -> Self {
        match purpose {
            UploadPurpose::AccountImport => Self::AccountImport,
            UploadPurpose::Document => Self::Document,
            UploadPurpose::ProfilePhoto => Self::ProfilePhoto,
            UploadPurpose::BusinessLogo => Self::BusinessLogo,
            UploadPurpose::ReassignedNumbers => Self::ReassignedNumbers,
        }
    }
}

/// A file that is about to be uploaded: send its content with `PUT` to `url`, then use `id`.
#[derive(SimpleObject)]
pub struct Upload {
    /// The upload's id (`file_…`): hand it to the mutation that uses the file, once, within 24 hours.
    id: ID,
    /// Where to send the content: one `PUT` with the bytes as they are as its body, good once.
    url: String,
    /// When the link ends; an upload that began in time may take longer.
    expires_at: DateTime<Utc>,
    /// The largest file of this purpose that your business takes, in bytes.
    max_bytes: i32,
}

/// A file to be uploaded.
#[derive(Debug, InputObject)]
pub struct CreateUploadInput {
    /// What it is for.
    purpose: UploadPurpose,
    /// Its name with its extension, which says what its content has to be.
    file_name: String,
    /// Its size in bytes, exactly.
    size: i32,
}

/// What createUpload answers.
#[derive(SimpleObject)]
pub struct CreateUploadPayload {
    /// Where to send the content; null when there are user errors.
    upload: Option<Upload>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of files.
#[derive(Default)]
pub struct FileMutations;

#[Object]
impl FileMutations {
    /// Announces a file and answers where to send its content. Send it there with `PUT`, then hand the upload's id to
    /// the mutation that uses it.
    async fn create_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is coming.")] input: CreateUploadInput,
    ) -> async_graphql::Result<CreateUploadPayload> {
        let files = ctx.data::<Files>()?;
        let outcome = mutate(ctx, async |tx, _| {
            let id = create_upload(
                tx,
                files,
                input.purpose.into(),
                &input.file_name,
                input.size.into(),
            )
            .await?;
            Ok(Done::from(id))
        })
        .await?;
        let upload = match outcome.object {
            Some(id) => Some(upload(ctx, files, id).await?),
            None => None,
        };
        Ok(CreateUploadPayload {
            upload,
            user_errors: outcome.user_errors,
        })
    }
}

async fn upload(ctx: &Context<'_>, files: &Files, id: uuid::Uuid) -> async_graphql::Result<Upload> {
    let scope = ctx.scope()?;
    let mut tx = ctx.snapshot().await?;
    let row = file_by_id(&mut tx, id)
        .await
        .map_err(|error| op_error(error.into()))?
        .ok_or_else(|| op_error(OpError::Internal(anyhow::anyhow!("the new upload is missing"))))?;
    let most = files
        .most_bytes(&mut tx, row.purpose)
        .await
        .map_err(|error| op_error(error.into()))?;
    let (url, expires_at) = files.upload_url(scope.ctx(), id);
    Ok(Upload {
        id: ids::encode(IdKind::File, id).into(),
        url,
        expires_at,
        max_bytes: i32::try_from(most).unwrap_or(i32::MAX),
    })
}
