//! Archives about a person in the API.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::privacy::PrivacyRequest;
use crate::{
    accounts::graphql::{Account, Debtor},
    compliance::privacy::{
        ArchiveRow, ArchiveState, NewDataExport, NewEvidencePack, PrivacyRegime, PrivacyRequestKind,
        own_archive, own_archives, request_data_export, request_evidence_pack,
    },
    files::Files,
    platform::{
        gql::{
            AtHand, Done, EdgeCursor, OpScope, Outcome, PageArgs, ScopeExt as _, UserError, input_id, mutate,
            not_found, op_error, parse_id,
        },
        ids::{self, IdKind},
    },
};

/// What an archive holds.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ArchiveKind {
    /// A copy of all data of the person, for them.
    Data,
    /// Evidence of what was done in a time, for a regulator or a court.
    Evidence,
}

/// Where an archive stands.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ArchiveStatus {
    /// It waits for its turn.
    Queued,
    /// It is being written.
    Running,
    /// It can be downloaded.
    Ready,
    /// It could not be written: ask again.
    Failed,
    /// It was ready, and its file is gone, after three days or because the person was erased.
    Expired,
}

impl From<ArchiveState> for ArchiveStatus {
    fn from(state: ArchiveState) -> Self {
        match state {
            ArchiveState::Queued => Self::Queued,
            ArchiveState::Running => Self::Running,
            ArchiveState::Ready => Self::Ready,
            ArchiveState::Failed => Self::Failed,
            ArchiveState::Expired => Self::Expired,
        }
    }
}

/// A zip archive about one person, for whoever asked for it: lists as JSON, documents, and an index with the SHA-256 of every
/// file.
#[derive(Clone)]
pub struct DebtorArchive {
    row: ArchiveRow,
    now: DateTime<Utc>,
}

crate::relay_connection!(DebtorArchive, DebtorArchiveConnection, DebtorArchiveEdge);

impl AtHand for DebtorArchive {}

impl DebtorArchive {
    fn new(scope: &OpScope, row: ArchiveRow) -> Self {
        scope.saw_debtor(row.debtor_id);
        let now = scope.db().clock().now();
        Self { row, now }
    }
}

/// A zip archive about one person, for whoever asked for it: lists as JSON, documents, and an index with the SHA-256 of every
/// file.
#[Object]
impl DebtorArchive {
    /// The archive's id (`arc_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::DebtorArchive, self.row.id).into()
    }

    /// What it holds.
    async fn kind(&self) -> ArchiveKind {
        match self.row.kind.as_str() {
            "DATA" => ArchiveKind::Data,
            _ => ArchiveKind::Evidence,
        }
    }

    /// Where it stands.
    async fn status(&self) -> ArchiveStatus {
        self.row.state(self.now).into()
    }

    /// About whom.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        Debtor::load(ctx, self.row.debtor_id).await
    }

    /// Evidence about this debt alone; null for all of the person's.
    async fn account(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Account>> {
        match self.row.account_id {
            Some(id) => Account::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Evidence from when; null of a copy of all data.
    async fn from(&self) -> Option<DateTime<Utc>> {
        self.row.from_at
    }

    /// Evidence until when, exclusive; null of a copy of all data.
    async fn until(&self) -> Option<DateTime<Utc>> {
        self.row.until_at
    }

    /// The request of the person that it answers; null of evidence.
    async fn request(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PrivacyRequest>> {
        PrivacyRequest::load(ctx, self.row.privacy_request_id).await
    }

    /// Where to read it, good for five minutes: ask for it when you want to. Null unless it is READY.
    async fn download_url(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let ready = self.row.state(self.now) == ArchiveState::Ready;
        let file = self.row.file_id.filter(|_| ready);
        let (files, scope) = (ctx.data::<Files>()?, ctx.scope()?);
        Ok(file.map(|file| files.download_url(scope.ctx(), file)))
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was ready; null until then.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.row.finished_at
    }

    /// When its file goes; null until it is ready.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.row.expires_at()
    }
}

/// Whose data to copy.
#[derive(Debug, InputObject)]
pub struct ExportDebtorDataInput {
    /// The person; all records that were found to be of them go in.
    debtor_id: ID,
    /// Under which law they asked.
    regime: PrivacyRegime,
    /// Whether they asked for access or for a copy that a program can read; the archive serves both.
    #[graphql(default_with = "PrivacyRequestKind::Access")]
    kind: PrivacyRequestKind,
    /// What they wrote or said, 1 to 1,000 characters; sealed.
    reason: Option<String>,
}

/// Evidence of what.
#[derive(Debug, InputObject)]
pub struct RequestEvidencePackInput {
    /// About this person; or about the debt.
    debtor_id: Option<ID>,
    /// About this debt alone; or about all of the person's.
    account_id: Option<ID>,
    /// From when.
    from: DateTime<Utc>,
    /// Until when, exclusive; at most ten years later.
    until: DateTime<Utc>,
}

/// What exportDebtorData answers.
#[derive(SimpleObject)]
pub struct ExportDebtorDataPayload {
    /// The archive, which a job will write; null when there are user errors.
    archive: Option<DebtorArchive>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What requestEvidencePack answers.
#[derive(SimpleObject)]
pub struct RequestEvidencePackPayload {
    /// The archive, which a job will write; null when there are user errors.
    archive: Option<DebtorArchive>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of archives.
#[derive(Default)]
pub struct ArchiveQueries;

#[Object]
impl ArchiveQueries {
    /// An archive of yours; null with a NOT_FOUND error when there is none.
    async fn debtor_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`arc_…`")] id: ID,
    ) -> async_graphql::Result<Option<DebtorArchive>> {
        let id = parse_id(IdKind::DebtorArchive, "id", &id)?;
        load(ctx, Some(id))
            .await?
            .map(Some)
            .ok_or_else(|| not_found("archive"))
    }

    /// Your archives, newest first.
    async fn debtor_archives(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<DebtorArchiveConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("debtorArchives")?;
        let rows = own_archives(&mut *ctx.snapshot().await?, None, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        let rows = rows
            .into_iter()
            .map(|row| {
                let cursor = EdgeCursor::of("debtorArchives", row.id);
                (cursor, DebtorArchive::new(scope, row))
            })
            .collect();
        Ok(DebtorArchiveConnection::from_rows(&page, rows))
    }
}

/// Mutations of archives.
#[derive(Default)]
pub struct ArchiveMutations;

#[Object]
impl ArchiveMutations {
    /// Writes everything that is held of a person into one archive: their data as JSON, their documents, and a page that they
    /// can read, in their language. Ask for `debtorArchive` until it is READY; its file is kept for three days. The request
    /// stands in `privacyRequests`, and is answered when the archive is ready.
    async fn export_debtor_data(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose data.")] input: ExportDebtorDataInput,
    ) -> async_graphql::Result<ExportDebtorDataPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            let new = NewDataExport {
                debtor_id: input_id(IdKind::Debtor, "debtorId", &input.debtor_id)?,
                kind: input.kind,
                regime: input.regime,
                reason: input.reason.as_deref(),
            };
            Ok(Done::from(request_data_export(tx, &keys, new).await?))
        })
        .await?;
        let (archive, user_errors) = payload(ctx, outcome).await?;
        Ok(ExportDebtorDataPayload { archive, user_errors })
    }

    /// Writes what was done with a person, or about one debt, in a time into one archive: messages with every attempt to
    /// deliver them, decisions with their facts, rules and citations, consents with their evidence, holds, notices, the
    /// ledger, and the part of the audit trail that is about them.
    async fn request_evidence_pack(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Evidence of what.")] input: RequestEvidencePackInput,
    ) -> async_graphql::Result<RequestEvidencePackPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            let debtor_id = input
                .debtor_id
                .as_ref()
                .map(|id| input_id(IdKind::Debtor, "debtorId", id))
                .transpose()?;
            let account_id = input
                .account_id
                .as_ref()
                .map(|id| input_id(IdKind::Account, "accountId", id))
                .transpose()?;
            let new = NewEvidencePack {
                debtor_id,
                account_id,
                from: input.from,
                until: input.until,
            };
            Ok(Done::from(request_evidence_pack(tx, &keys, new).await?))
        })
        .await?;
        let (archive, user_errors) = payload(ctx, outcome).await?;
        Ok(RequestEvidencePackPayload { archive, user_errors })
    }
}

async fn load(ctx: &Context<'_>, id: Option<Uuid>) -> async_graphql::Result<Option<DebtorArchive>> {
    let Some(id) = id else { return Ok(None) };
    let row = own_archive(&mut *ctx.snapshot().await?, id)
        .await
        .map_err(|error| op_error(error.into()))?;
    let scope = ctx.scope()?;
    Ok(row.map(|row| DebtorArchive::new(scope, row)))
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<DebtorArchive>, Vec<UserError>)> {
    Ok((load(ctx, outcome.object).await?, outcome.user_errors))
}
