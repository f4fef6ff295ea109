//! Bundles of the audit trail in the API.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    audit::bundles::{BundleRow, BundleState, bundle_by_id, bundles, request_bundle},
    files::Files,
    identity::graphql::User,
    platform::{
        gql::{
            AtHand, Done, EdgeCursor, PageArgs, ScopeExt as _, UserError, mutate, not_found, op_error,
            parse_id,
        },
        ids::{self, IdKind},
    },
};

/// Where a bundle stands.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum AuditBundleStatus {
    /// It waits for its turn.
    Queued,
    /// It is being written.
    Running,
    /// It can be downloaded.
    Ready,
    /// It could not be written: ask again. Where the trail was found not to be whole, the platform's operators were alerted.
    Failed,
    /// It was ready, and its file is gone, after three days: ask again.
    Expired,
}

/// The whole audit trail of your business as a file of JSON lines: each a row or a signed checkpoint, and last a signed end.
/// `funnelchat audit verify FILE --key …` tells from the file and the public key alone whether a row was changed, left out,
/// moved, or cut off.
#[derive(Clone)]
pub struct AuditBundle {
    row: BundleRow,
    now: DateTime<Utc>,
}

crate::relay_connection!(AuditBundle, AuditBundleConnection, AuditBundleEdge);

impl AtHand for AuditBundle {}

impl AuditBundle {
    fn new(ctx: &Context<'_>, row: BundleRow) -> async_graphql::Result<Self> {
        let now = ctx.scope()?.db().clock().now();
        Ok(Self { row, now })
    }

    async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let row = bundle_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?;
        row.map(|row| Self::new(ctx, row)).transpose()
    }
}

/// The whole audit trail of your business as a file of JSON lines: each a row or a signed checkpoint, and last a signed end.
/// `funnelchat audit verify FILE --key …` tells from the file and the public key alone whether a row was changed, left out,
/// moved, or cut off.
#[Object]
impl AuditBundle {
    /// The bundle's id (`abn_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::AuditBundle, self.row.id).into()
    }

    /// Where it stands.
    async fn status(&self) -> AuditBundleStatus {
        match self.row.state(self.now) {
            BundleState::Queued => AuditBundleStatus::Queued,
            BundleState::Running => AuditBundleStatus::Running,
            BundleState::Ready => AuditBundleStatus::Ready,
            BundleState::Failed => AuditBundleStatus::Failed,
            BundleState::Expired => AuditBundleStatus::Expired,
        }
    }

    /// Rows of the trail that were written so far.
    async fn rows(&self) -> i64 {
        self.row.rows_done
    }

    /// Rows that there are to write: those of the moment at which it was asked for, and once it is begun those of that.
    async fn total_rows(&self) -> i64 {
        self.row.total_rows
    }

    /// The position of its last row, which is also how many rows it has; null until it is ready.
    async fn last_position(&self) -> Option<i64> {
        self.row.last_position
    }

    /// The hash of its last row, in hexadecimal, as `AuditEvent.hash`; null until it is ready.
    async fn head_hash(&self) -> Option<String> {
        let hash = self.row.head_hash.as_ref();
        hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// How many signed checkpoints stand in it; null until it is ready.
    async fn checkpoints(&self) -> Option<i32> {
        self.row.checkpoints
    }

    /// Bytes of the file; null until it is ready.
    async fn size(&self) -> Option<i64> {
        self.row.size
    }

    /// Where to read it, good for five minutes: ask for it when you want to. Null unless it is READY.
    async fn download_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let ready = self.row.state(self.now) == BundleState::Ready;
        let file = self.row.file_id.filter(|_| ready);
        let (files, scope) = (ctx.data::<Files>()?, ctx.scope()?);
        Ok(file.map(|file| files.download_url(scope.ctx(), file)))
    }

    /// The member of staff who asked for it; null for an API key.
    async fn requested_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        User::load(ctx, self.row.requested_by).await
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was ready, or failed; null until then.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.row.finished_at
    }

    /// When its file goes; null until it is ready.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.row.expires_at()
    }
}

/// What requestAuditBundle answers.
#[derive(SimpleObject)]
pub struct RequestAuditBundlePayload {
    /// The bundle, which a job will write; null when there are user errors.
    bundle: Option<AuditBundle>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of bundles.
#[derive(Default)]
pub struct BundleQueries;

#[Object]
impl BundleQueries {
    /// A bundle of your business's audit trail; null with a NOT_FOUND error when there is none.
    async fn audit_bundle(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`abn_…`")] id: ID,
    ) -> async_graphql::Result<Option<AuditBundle>> {
        let id = parse_id(IdKind::AuditBundle, "id", &id)?;
        AuditBundle::load(ctx, id)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("bundle"))
    }

    /// The bundles of your business's audit trail, whoever asked for them, newest first.
    async fn audit_bundles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<AuditBundleConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("auditBundles")?;
        let rows = bundles(&mut *ctx.snapshot().await?, None, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?
            .into_iter()
            .map(|row| {
                let cursor = EdgeCursor::of("auditBundles", row.id);
                Ok((cursor, AuditBundle::new(ctx, row)?))
            })
            .collect::<async_graphql::Result<_>>()?;
        Ok(AuditBundleConnection::from_rows(&page, rows))
    }
}

/// Mutations of bundles.
#[derive(Default)]
pub struct BundleMutations;

#[Object]
impl BundleMutations {
    /// Writes your business's whole audit trail, of which no part could be verified by itself, into a file that is verified
    /// without funnelchat's database. Ask for
    /// `auditBundle` until it is READY; its file is kept for three days. Keep bundles, and the public keys that `funnelchat
    /// audit keys` prints, where nobody who can change the database can change them.
    async fn request_audit_bundle(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<RequestAuditBundlePayload> {
        let outcome = mutate(ctx, async |tx, _| Ok(Done::from(request_bundle(tx).await?))).await?;
        let bundle = match outcome.object {
            Some(id) => AuditBundle::load(ctx, id).await?,
            None => None,
        };
        Ok(RequestAuditBundlePayload {
            bundle,
            user_errors: outcome.user_errors,
        })
    }
}
