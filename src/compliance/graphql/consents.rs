//! The consent ledger in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::ComplianceLoaders;
use crate::{
    accounts::{Channel, PageOf},
    compliance::{
        ConsentEvidence, ConsentPurpose, ConsentSource, ConsentStatus, ConsentTerms, NewConsent,
        consent_pages::{consent_by_id, consents_of_people},
        consents::ConsentRow,
        record_consent, revoke_consent,
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{
            AtHand, Done, EdgeCursor, OpScope, Outcome, PageArgs, ScopeExt as _, UserError, input_id, mutate,
            op_error,
        },
        ids::{self, IdKind},
    },
};

/// What a person said of the use of one address: a consent, or that it is taken back. A word of the ledger, never changed.
#[derive(Clone)]
pub struct Consent {
    row: Arc<ConsentRow>,
}

crate::relay_connection!(Consent, ConsentConnection, ConsentEdge);

impl AtHand for Consent {}

impl Consent {
    fn new(scope: &OpScope, row: Arc<ConsentRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// A person's ledger, what was written down last first.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a page that cannot be, internal ones.
    pub async fn of_debtor(
        ctx: &Context<'_>,
        debtor: Uuid,
        args: PageArgs,
    ) -> async_graphql::Result<ConsentConnection> {
        let page = args.check(ctx)?;
        let past = page.key::<Uuid>("consents")?;
        let scope = ctx.scope()?;
        let asked = PageOf::new(debtor, &page, past);
        let found = ctx
            .data::<ComplianceLoaders>()?
            .consents
            .load(asked, async |pages: Vec<PageOf>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(consents_of_people(&mut tx, pages).await?)
            })
            .await
            .map_err(op_error)?;
        let rows = found
            .unwrap_or_default()
            .iter()
            .map(|row| (EdgeCursor::of("consents", row.id), Self::new(scope, row.clone())))
            .collect();
        Ok(ConsentConnection::from_rows(&page, rows))
    }

    async fn evidence(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<ConsentEvidence>> {
        let Some(cipher) = self.row.evidence_cipher.as_deref() else {
            return Ok(None);
        };
        let scope = ctx.scope()?;
        let keys = scope.keys().await.map_err(op_error)?;
        let Some(key) = scope.data_key(&keys, &self.row.key).map_err(op_error)? else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, "consents", "evidence_cipher", self.row.id, cipher)
            .map_err(|error| op_error(error.into()))?;
        let evidence = serde_json::from_str(text.expose());
        evidence
            .map(Some)
            .map_err(|error| op_error(OpError::Internal(error.into())))
    }
}

fn unknown(what: &str) -> async_graphql::Error {
    op_error(OpError::Internal(anyhow::anyhow!("a consent of unknown {what}")))
}

/// What a person said of the use of one address: a consent, or that it is taken back. A word of the ledger, never changed;
/// of several on one address, channel and purpose, the one that was said last counts.
#[Object]
impl Consent {
    /// The word's id (`cns_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Consent, self.row.id).into()
    }

    /// The number or e-mail address that it is of (`cp_…`).
    async fn contact_point_id(&self) -> ID {
        ids::encode(IdKind::ContactPoint, self.row.contact_point_id).into()
    }

    /// The channel that it is of; VOICE is an artificial or recorded voice.
    async fn channel(&self) -> async_graphql::Result<Channel> {
        Channel::parse(&self.row.channel).ok_or_else(|| unknown("channel"))
    }

    /// What the address may, or may no more, be used for.
    async fn purpose(&self) -> async_graphql::Result<ConsentPurpose> {
        ConsentPurpose::parse(&self.row.purpose).ok_or_else(|| unknown("purpose"))
    }

    /// What was said.
    async fn status(&self) -> async_graphql::Result<ConsentStatus> {
        ConsentStatus::parse(&self.row.status).ok_or_else(|| unknown("status"))
    }

    /// Whether it was said to the business itself, not through the creditor.
    async fn given_directly(&self) -> bool {
        self.row.given_directly
    }

    /// How it was said.
    async fn source(&self) -> async_graphql::Result<ConsentSource> {
        ConsentSource::parse(&self.row.source).ok_or_else(|| unknown("source"))
    }

    /// When it was said.
    async fn said_at(&self) -> DateTime<Utc> {
        self.row.said_at
    }

    /// When it was written down.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.row.recorded_at
    }

    /// The member of staff who wrote it down; null for the service, the person themselves and an API key.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.recorded_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The exact words that were shown or said; null when none were kept, or when the records were destroyed.
    async fn text(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.evidence(ctx).await?.and_then(|evidence| evidence.text))
    }

    /// The version of those words; null as `text`.
    async fn text_version(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self
            .evidence(ctx)
            .await?
            .and_then(|evidence| evidence.text_version))
    }

    /// The IP address that it came from; null when none was kept, or when the records were destroyed.
    async fn ip_address(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.evidence(ctx).await?.and_then(|evidence| evidence.ip_address))
    }

    /// The program that it came from; null as `ipAddress`.
    async fn user_agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.evidence(ctx).await?.and_then(|evidence| evidence.user_agent))
    }

    /// What else was written down; null when nothing was, or when the records were destroyed.
    async fn note(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.evidence(ctx).await?.and_then(|evidence| evidence.note))
    }

    /// For OUTSIDE_HOURS: from when on the person may be contacted, `HH:MM` on their own clock; null otherwise.
    async fn from_time(&self) -> Option<String> {
        self.row.from_minute.map(clock)
    }

    /// For OUTSIDE_HOURS: until when, `HH:MM`; the next day where that is before it begins; null otherwise.
    async fn to_time(&self) -> Option<String> {
        self.row.to_minute.map(clock)
    }

    /// For CALL_BACK: the day that the person named; null where they named none.
    async fn on_date(&self) -> Option<NaiveDate> {
        self.row.on_date
    }
}

fn clock(minute: i16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// A consent, as it was given.
#[derive(Debug, InputObject)]
pub struct RecordConsentInput {
    /// The number or e-mail address that it is of (`cp_…`).
    contact_point_id: ID,
    /// The channel that it is of. EMAIL for e-mail addresses; SMS, WHATSAPP or VOICE (an artificial or recorded voice) for
    /// numbers.
    channel: Channel,
    /// What the address may be used for. Each purpose is consented to by itself.
    #[graphql(default_with = "ConsentPurpose::Collection")]
    purpose: ConsentPurpose,
    /// Whether it was given to the business itself. False for one that the creditor passed on: the gate asks for a direct
    /// one where the law does.
    #[graphql(default = true)]
    given_directly: bool,
    /// How it was given.
    source: ConsentSource,
    /// The exact words that were shown or said, 1 to 5,000 characters; sealed.
    text: String,
    /// The version of those words, 1 to 100 characters.
    text_version: Option<String>,
    /// When it was given; now when left out. Not ahead.
    said_at: Option<DateTime<Utc>>,
    /// The IP address that it came from; sealed.
    ip_address: Option<String>,
    /// The program that it came from, 1 to 500 characters; sealed.
    user_agent: Option<String>,
    /// What else there is to say, 1 to 1,000 characters; sealed.
    note: Option<String>,
    /// For OUTSIDE_HOURS: from when on the person may be contacted, `HH:MM` on their own clock.
    from_time: Option<String>,
    /// For OUTSIDE_HOURS: until when, `HH:MM`. Before `fromTime` means the next day.
    to_time: Option<String>,
    /// For CALL_BACK: the day on which the person wants to be called, where they named one.
    on_date: Option<NaiveDate>,
}

/// A consent that is taken back.
#[derive(Debug, InputObject)]
pub struct RevokeConsentInput {
    /// The number or e-mail address (`cp_…`).
    contact_point_id: ID,
    /// The channel. EMAIL for e-mail addresses; SMS, WHATSAPP or VOICE for numbers.
    channel: Channel,
    /// What the address may be used for no more.
    #[graphql(default_with = "ConsentPurpose::Collection")]
    purpose: ConsentPurpose,
    /// How it was taken back.
    source: ConsentSource,
    /// When it was taken back; now when left out. Not ahead.
    said_at: Option<DateTime<Utc>>,
    /// What the person said, 1 to 1,000 characters; sealed.
    note: Option<String>,
}

/// What recordConsent answers.
#[derive(SimpleObject)]
pub struct RecordConsentPayload {
    /// The new word of the ledger; null when there are user errors.
    consent: Option<Consent>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What revokeConsent answers.
#[derive(SimpleObject)]
pub struct RevokeConsentPayload {
    /// The new word of the ledger; null when there are user errors.
    consent: Option<Consent>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of the consent ledger.
#[derive(Default)]
pub struct ConsentMutations;

#[Object]
impl ConsentMutations {
    /// Writes a consent into the ledger, with what proves it. The gate minds it from the next decision on, unless the
    /// person took it back later than it was given.
    async fn record_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which address, and what was said.")] input: RecordConsentInput,
    ) -> async_graphql::Result<RecordConsentPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            let new = NewConsent {
                contact_point_id: input_id(IdKind::ContactPoint, "contactPointId", &input.contact_point_id)?,
                channel: input.channel,
                purpose: input.purpose,
                status: if input.source == ConsentSource::Creditor && !input.given_directly {
                    ConsentStatus::ImpliedFromCreditor
                } else {
                    ConsentStatus::Granted
                },
                given_directly: input.given_directly,
                source: input.source,
                said_at: input.said_at,
                evidence: ConsentEvidence {
                    text: Some(input.text.clone()),
                    text_version: input.text_version.clone(),
                    ip_address: input.ip_address.clone(),
                    user_agent: input.user_agent.clone(),
                    note: input.note.clone(),
                },
                terms: ConsentTerms {
                    hours: (input.from_time.is_some() || input.to_time.is_some()).then(|| {
                        let text = |time: &Option<String>| time.clone().unwrap_or_default();
                        (text(&input.from_time), text(&input.to_time))
                    }),
                    on: input.on_date,
                },
                event_id: None,
            };
            Ok(Done::from(record_consent(tx, &keys, new).await?))
        })
        .await?;
        let (consent, user_errors) = payload(ctx, outcome).await?;
        Ok(RecordConsentPayload { consent, user_errors })
    }

    /// Writes into the ledger that a consent is taken back. The grant stays on record; the gate minds the revocation from
    /// the next decision on, also for messages that wait.
    async fn revoke_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which address, and how it was said.")] input: RevokeConsentInput,
    ) -> async_graphql::Result<RevokeConsentPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            let point = input_id(IdKind::ContactPoint, "contactPointId", &input.contact_point_id)?;
            let new = NewConsent {
                purpose: input.purpose,
                said_at: input.said_at,
                evidence: ConsentEvidence {
                    note: input.note.clone(),
                    ..ConsentEvidence::default()
                },
                ..NewConsent::granted(point, input.channel, input.source)
            };
            Ok(Done::from(revoke_consent(tx, &keys, new).await?))
        })
        .await?;
        let (consent, user_errors) = payload(ctx, outcome).await?;
        Ok(RevokeConsentPayload { consent, user_errors })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<Consent>, Vec<UserError>)> {
    let consent = match outcome.object {
        Some(id) => consent_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?,
        None => None,
    };
    let scope = ctx.scope()?;
    Ok((
        consent.map(|row| Consent::new(scope, Arc::new(row))),
        outcome.user_errors,
    ))
}
