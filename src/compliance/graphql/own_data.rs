//! A debtor's own copy of their data in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};

use super::archives::ArchiveStatus;
use crate::{
    compliance::privacy::{ArchiveState, OwnCopy, PrivacyRegime, own_copy, request_own_copy},
    files::Files,
    identity::{Caller, Identity},
    platform::{
        gql::{Done, ScopeExt as _, UserError, UserErrorCode, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// How long after they showed that it is they somebody may ask for a copy, and fetch it (Cal. Code Regs. tit. 11, section
/// 7061(a): whoever has an account authenticates anew before data are disclosed).
const FRESH: TimeDelta = TimeDelta::minutes(15);

/// A copy of what concerns you and the account that you signed in for: a zip archive with lists as JSON, a page to read in
/// your language, and an index with the SHA-256 of every file. It holds what you see here, your messages and what you said; not
/// other accounts, documents, or what staff noted. For those ask the business.
pub struct OwnDataExport {
    copy: OwnCopy,
    now: DateTime<Utc>,
    is_fresh: bool,
}

impl OwnDataExport {
    async fn load(ctx: &Context<'_>) -> async_graphql::Result<Option<Self>> {
        let is_fresh = is_fresh(ctx).await?;
        let copy = own_copy(&mut *ctx.snapshot().await?).await.map_err(op_error)?;
        let now = ctx.scope()?.db().clock().now();
        Ok(copy.map(|copy| Self { copy, now, is_fresh }))
    }
}

/// A copy of what concerns you and the account that you signed in for: a zip archive with lists as JSON, a page to read in
/// your language, and an index with the SHA-256 of every file. It holds what you see here, your messages and what you said; not
/// other accounts, documents, or what staff noted. For those ask the business.
#[Object]
impl OwnDataExport {
    /// The copy's id (`arc_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::DebtorArchive, self.copy.row.id).into()
    }

    /// Where it stands.
    async fn status(&self) -> ArchiveStatus {
        self.copy.row.state(self.now).into()
    }

    /// Where to read it, good for five minutes: ask for it when you want to. Null unless it is READY and you showed who you are
    /// within the last 15 minutes.
    async fn download_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let is_ready = self.copy.row.state(self.now) == ArchiveState::Ready;
        let file = self.copy.row.file_id.filter(|_| is_ready && self.is_fresh);
        let (files, scope) = (ctx.data::<Files>()?, ctx.scope()?);
        Ok(file.map(|file| files.download_url(scope.ctx(), file)))
    }

    /// Whether you showed who you are more than 15 minutes ago: open your link again, and show it anew, to read the copy.
    async fn needs_sign_in(&self) -> bool {
        !self.is_fresh
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.copy.row.created_at
    }

    /// By when the law wants it: 45 days later under the CCPA (Cal. Civ. 1798.130(a)(2)(A)), one month under the GDPR (Article
    /// 12(3)) and where no law was named. It takes minutes.
    async fn due_at(&self) -> DateTime<Utc> {
        self.copy.due_at
    }

    /// When it was ready; null until then.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.copy.row.finished_at
    }

    /// When its file goes, three days after it was ready; null until then.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.copy.row.expires_at()
    }
}

/// A copy that is asked for.
#[derive(Debug, InputObject)]
pub struct ExportOwnDataInput {
    /// Under which law, if you want to name one.
    #[graphql(default_with = "PrivacyRegime::Other")]
    regime: PrivacyRegime,
}

/// What exportOwnData answers.
#[derive(SimpleObject)]
pub struct ExportOwnDataPayload {
    /// The copy, which a job will write; null when there are user errors.
    export: Option<OwnDataExport>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of a debtor's own copy.
#[derive(Default)]
pub struct OwnDataQueries;

#[Object]
impl OwnDataQueries {
    /// The newest copy of your data that you asked for in this account: for a debtor who is signed in. Null when there is none.
    async fn own_data_export(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<OwnDataExport>> {
        OwnDataExport::load(ctx).await
    }
}

/// Mutations of a debtor's own copy.
#[derive(Default)]
pub struct OwnDataMutations;

#[Object]
impl OwnDataMutations {
    /// Asks for a copy of what concerns you and this account: for a debtor who showed who they are within the last 15 minutes
    /// (else BAD_CREDENTIALS). One in 24 hours. The business sees the request, and that it was answered. Ask for
    /// `ownDataExport` until it is READY.
    async fn export_own_data(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Under which law.")] input: ExportOwnDataInput,
    ) -> async_graphql::Result<ExportOwnDataPayload> {
        let is_fresh = is_fresh(ctx).await?;
        let outcome = mutate(ctx, async |tx, scope| {
            if !is_fresh {
                let message = "You showed who you are more than 15 minutes ago. Open your link again, show it anew, then ask.";
                return Err(UserError::new(UserErrorCode::BadCredentials, message).into());
            }
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            Ok(Done::from(request_own_copy(tx, &keys, input.regime).await?))
        })
        .await?;
        let export = match outcome.object {
            Some(_) => OwnDataExport::load(ctx).await?,
            None => None,
        };
        Ok(ExportOwnDataPayload {
            export,
            user_errors: outcome.user_errors,
        })
    }
}

/// Whether the caller showed who they are lately; false for anybody who is no debtor.
async fn is_fresh(ctx: &Context<'_>) -> async_graphql::Result<bool> {
    let identity = ctx.data::<Identity>()?;
    let since = identity
        .debtor_signed_in_at(ctx.data::<Caller>()?)
        .await
        .map_err(op_error)?;
    Ok(since.is_some_and(|since| identity.wall.now() - since <= FRESH))
}
