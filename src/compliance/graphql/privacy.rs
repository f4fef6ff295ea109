//! Privacy requests in the API.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::graphql::Debtor,
    compliance::{
        decision::Decision,
        privacy::{
            Closing, NewPrivacyRequest, PrivacyCriteria, PrivacyRegime, PrivacyRequestKind,
            PrivacyRequestRow, PrivacyRequestStatus, close_request, privacy_request_by_id, privacy_requests,
            record_request, request_erasure, told,
        },
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{
            AtHand, Date, Done, EdgeCursor, OpScope, Outcome, PageArgs, ScopeExt as _, UserError, input_id,
            mutate, not_found, op_error, parse_id,
        },
        ids::{self, IdKind},
    },
};

/// What a person asked about their own data, and what became of it.
#[derive(Clone)]
pub struct PrivacyRequest {
    row: PrivacyRequestRow,
    now: DateTime<Utc>,
}

crate::relay_connection!(PrivacyRequest, PrivacyRequestConnection, PrivacyRequestEdge);

impl AtHand for PrivacyRequest {}

impl PrivacyRequest {
    fn new(scope: &OpScope, row: PrivacyRequestRow) -> Self {
        scope.saw_debtor(row.debtor_id);
        let now = scope.db().clock().now();
        Self { row, now }
    }

    pub(super) async fn load(ctx: &Context<'_>, id: Option<Uuid>) -> async_graphql::Result<Option<Self>> {
        let Some(id) = id else { return Ok(None) };
        let row = privacy_request_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?;
        let scope = ctx.scope()?;
        Ok(row.map(|row| Self::new(scope, row)))
    }

    async fn open(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        cipher: Option<&[u8]>,
    ) -> async_graphql::Result<Option<String>> {
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let key = scope.data_key(&keys, &self.row.key).map_err(op_error)?;
        let (Some(cipher), Some(key)) = (cipher, key) else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, "privacy_requests", column, self.row.id, cipher)
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.expose().clone()))
    }

    fn stands(&self) -> async_graphql::Result<PrivacyRequestStatus> {
        PrivacyRequestStatus::parse(&self.row.status).ok_or_else(|| unknown("status"))
    }
}

fn unknown(what: &str) -> async_graphql::Error {
    op_error(OpError::Internal(anyhow::anyhow!(
        "a privacy request of unknown {what}"
    )))
}

/// What a person asked about their own data, and what became of it.
#[Object]
impl PrivacyRequest {
    /// The request's id (`prq_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::PrivacyRequest, self.row.id).into()
    }

    /// Who asked. After an erasure their personal fields are null.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        Debtor::load(ctx, self.row.debtor_id).await
    }

    /// What they asked.
    async fn kind(&self) -> async_graphql::Result<PrivacyRequestKind> {
        PrivacyRequestKind::parse(&self.row.kind).ok_or_else(|| unknown("kind"))
    }

    /// Under which law.
    async fn regime(&self) -> async_graphql::Result<PrivacyRegime> {
        PrivacyRegime::parse(&self.row.regime).ok_or_else(|| unknown("regime"))
    }

    /// Where it stands.
    async fn status(&self) -> async_graphql::Result<PrivacyRequestStatus> {
        self.stands()
    }

    /// What they wrote or said, as it was written down; null when the records were destroyed.
    async fn reason(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "reason_cipher", self.row.reason_cipher.as_deref())
            .await
    }

    /// What staff answered; null while it is open, of what the service answered itself (see `erasure`), and when the records
    /// were destroyed.
    async fn answer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "answer_cipher", self.row.answer_cipher.as_deref())
            .await
    }

    /// When it was received.
    async fn received_at(&self) -> DateTime<Utc> {
        self.row.received_at
    }

    /// By when the law wants it answered: 45 days after receipt under the CCPA (Cal. Civ. 1798.130(a)(2)(A)), one month under
    /// the GDPR (Article 12(3)) and where no law was named.
    async fn due_at(&self) -> DateTime<Utc> {
        self.row.due_at
    }

    /// It is not answered, and should have been.
    async fn is_overdue(&self) -> bool {
        self.row.closed_at.is_none() && self.row.due_at < self.now
    }

    /// The member of staff who wrote it down; null for an API key, and where the debtor asked themselves in the portal.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.recorded_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When it was answered; null until then.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.row.closed_at
    }

    /// The member of staff who answered it; null until then, for the service and for an API key.
    async fn closed_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.closed_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Of an erasure: what was decided, and what to tell the person. Null of any other request.
    async fn erasure(&self) -> async_graphql::Result<Option<ErasureDecision>> {
        let Some(stored) = &self.row.decision else {
            return Ok(None);
        };
        let decision: Decision = serde_json::from_value(stored.clone())
            .map_err(|error| op_error(OpError::Internal(error.into())))?;
        let citation = decision
            .findings
            .iter()
            .find(|finding| *finding.rule == *decision.rule)
            .map(|finding| finding.citation.to_string())
            .unwrap_or_default();
        let status = self.stands()?;
        let told = told(status, self.row.kept_until, &citation);
        Ok(Some(ErasureDecision {
            effect: match (status, self.row.kept_until) {
                (PrivacyRequestStatus::Denied, _) => ErasureEffect::Nothing,
                (_, Some(_)) => ErasureEffect::Profile,
                (_, None) => ErasureEffect::Everything,
            },
            kept_until: self.row.kept_until.map(Date),
            rule: decision.rule,
            citation,
            explanation: decision.reason,
            explanation_es: decision.reason_es,
            answer: told.english,
            answer_es: told.spanish,
            rule_set_version: decision.rule_set_version,
        }))
    }
}

/// What an erasure destroys.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum ErasureEffect {
    /// Nothing: a legal hold stands.
    Nothing,
    /// What is not needed for evidence, at once: names, addresses and numbers, dates of birth, notes, documents, custom
    /// fields. Messages, decisions and the ledger stay until `keptUntil`.
    Profile,
    /// Everything: no retention runs any more.
    Everything,
}

/// What the rules say about a request to be erased.
#[derive(Clone, Debug, SimpleObject)]
pub struct ErasureDecision {
    /// What is destroyed now.
    effect: ErasureEffect,
    /// The last day on which the records are kept; they are destroyed after it unless a legal hold stands. Null where
    /// everything goes at once.
    kept_until: Option<Date>,
    /// The rule that decided.
    rule: String,
    /// Where it stands in the law.
    citation: String,
    /// What the rule says, for staff.
    explanation: String,
    /// The same in Spanish.
    explanation_es: String,
    /// What to tell the person, in plain English.
    answer: String,
    /// The same in Spanish.
    answer_es: String,
    /// The version of the rules that were asked.
    rule_set_version: String,
}

/// Which privacy requests to list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PrivacyRequestFilter {
    /// Of this person.
    debtor_id: Option<ID>,
    /// Of these kinds; of all when left out.
    kind: Option<Vec<PrivacyRequestKind>>,
    /// That stand so; all when left out.
    status: Option<Vec<PrivacyRequestStatus>>,
    /// Only those that should have been answered by now, and were not.
    #[graphql(default)]
    overdue: bool,
}

/// Queries of privacy requests.
#[derive(Default)]
pub struct PrivacyQueries;

#[Object]
impl PrivacyQueries {
    /// What people asked about their own data, newest first.
    async fn privacy_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all when left out.")] filter: Option<PrivacyRequestFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<PrivacyRequestConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("privacyRequests")?;
        let scope = ctx.scope()?;
        let filter = filter.unwrap_or_default();
        let debtor = filter
            .debtor_id
            .as_ref()
            .map(|id| parse_id(IdKind::Debtor, "filter.debtorId", id))
            .transpose()?;
        let criteria = PrivacyCriteria {
            id: None,
            debtor,
            kinds: filter
                .kind
                .map(|kinds| kinds.iter().map(|kind| kind.as_str().to_owned()).collect()),
            statuses: filter
                .status
                .map(|all| all.iter().map(|status| status.as_str().to_owned()).collect()),
            due_before: filter.overdue.then(|| scope.db().clock().now()),
        };
        let rows = privacy_requests(&mut *ctx.snapshot().await?, &criteria, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?
            .into_iter()
            .map(|row| {
                let cursor = EdgeCursor::of("privacyRequests", row.id);
                (cursor, PrivacyRequest::new(scope, row))
            })
            .collect();
        Ok(PrivacyRequestConnection::from_rows(&page, rows))
    }

    /// One of them; null with a NOT_FOUND error when there is none.
    async fn privacy_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "`prq_…`")] id: ID,
    ) -> async_graphql::Result<Option<PrivacyRequest>> {
        let id = parse_id(IdKind::PrivacyRequest, "id", &id)?;
        PrivacyRequest::load(ctx, Some(id))
            .await?
            .map(Some)
            .ok_or_else(|| not_found("privacy request"))
    }
}

/// Whom to erase, and why.
#[derive(Debug, InputObject)]
pub struct EraseDebtorInput {
    /// The person; all records that were found to be of them are erased.
    debtor_id: ID,
    /// Under which law they asked.
    regime: PrivacyRegime,
    /// What they wrote or said, 1 to 1,000 characters; sealed.
    reason: String,
}

/// What a person asked.
#[derive(Debug, InputObject)]
pub struct RecordPrivacyRequestInput {
    /// Who asked.
    debtor_id: ID,
    /// What: ACCESS, PORTABILITY or RECTIFICATION. An erasure is asked for with eraseDebtor.
    kind: PrivacyRequestKind,
    /// Under which law.
    regime: PrivacyRegime,
    /// What they wrote or said, 1 to 1,000 characters; sealed.
    reason: String,
    /// When it was received; now when left out.
    received_at: Option<DateTime<Utc>>,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum PrivacyRequestOutcome {
    /// It was done.
    Completed,
    /// It was refused.
    Denied,
}

/// The answer to a request.
#[derive(Debug, InputObject)]
pub struct ClosePrivacyRequestInput {
    /// Which (`prq_…`): one that is OPEN.
    id: ID,
    /// Whether it was done.
    outcome: PrivacyRequestOutcome,
    /// What the person was told, 1 to 1,000 characters; sealed.
    answer: String,
}

/// What eraseDebtor answers.
#[derive(SimpleObject)]
pub struct EraseDebtorPayload {
    /// The request with what was decided; a job erases. Also there, as denied, where a legal hold refuses it; null for other
    /// user errors.
    request: Option<PrivacyRequest>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What recordPrivacyRequest answers.
#[derive(SimpleObject)]
pub struct RecordPrivacyRequestPayload {
    /// The request; null when there are user errors.
    request: Option<PrivacyRequest>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What closePrivacyRequest answers.
#[derive(SimpleObject)]
pub struct ClosePrivacyRequestPayload {
    /// The request; null when there are user errors.
    request: Option<PrivacyRequest>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of privacy requests.
#[derive(Default)]
pub struct PrivacyMutations;

#[Object]
impl PrivacyMutations {
    /// Erases a person on their request. The rules decide at once what goes now and until when the records are kept, and the
    /// answer says so in words for the person; a job then destroys the profile: nobody finds, reads or contacts them any
    /// more. It cannot be undone. Refused while a legal hold stands.
    async fn erase_debtor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and why.")] input: EraseDebtorInput,
    ) -> async_graphql::Result<EraseDebtorPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let debtor = input_id(IdKind::Debtor, "debtorId", &input.debtor_id)?;
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            request_erasure(tx, &keys, debtor, input.regime, &input.reason).await
        })
        .await?;
        let (request, user_errors) = payload(ctx, outcome).await?;
        Ok(EraseDebtorPayload { request, user_errors })
    }

    /// Writes down that a person asked for access, a copy, or that something be put right, and by when the law wants it
    /// answered.
    async fn record_privacy_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who asked what.")] input: RecordPrivacyRequestInput,
    ) -> async_graphql::Result<RecordPrivacyRequestPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            let new = NewPrivacyRequest {
                debtor_id: input_id(IdKind::Debtor, "debtorId", &input.debtor_id)?,
                kind: input.kind,
                regime: input.regime,
                received_at: input.received_at,
                reason: &input.reason,
            };
            Ok(Done::from(record_request(tx, &keys, new).await?))
        })
        .await?;
        let (request, user_errors) = payload(ctx, outcome).await?;
        Ok(RecordPrivacyRequestPayload { request, user_errors })
    }

    /// Writes down how an open request was answered.
    async fn close_privacy_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and how.")] input: ClosePrivacyRequestInput,
    ) -> async_graphql::Result<ClosePrivacyRequestPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::PrivacyRequest, "id", &input.id)?;
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            let closing = match input.outcome {
                PrivacyRequestOutcome::Completed => Closing::Completed,
                PrivacyRequestOutcome::Denied => Closing::Denied,
            };
            close_request(tx, &keys, id, closing, &input.answer).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (request, user_errors) = payload(ctx, outcome).await?;
        Ok(ClosePrivacyRequestPayload { request, user_errors })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<PrivacyRequest>, Vec<UserError>)> {
    Ok((
        PrivacyRequest::load(ctx, outcome.object).await?,
        outcome.user_errors,
    ))
}
