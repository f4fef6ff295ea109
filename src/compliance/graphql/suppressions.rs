//! The suppression list in the API.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::{
        debtor_by_id,
        graphql::{Debtor, contacts},
    },
    compliance::{
        SuppressionReason, release_suppression, suppress_contact,
        suppressions::{
            ContactToSuppress, SuppressionCriteria, SuppressionRow, suppression_by_id, suppressions,
        },
    },
    identity::graphql::User,
    platform::{
        email::EmailAddress,
        error::OpError,
        gql::{
            AtHand, Done, EdgeCursor, EmailAddressScalar, OpScope, Outcome, PageArgs, PhoneNumberScalar,
            ScopeExt as _, UserError, bad_input, input_id, mutate, not_found, op_error, parse_id,
        },
        ids::{self, IdKind},
        phone::PhoneNumber,
    },
};

/// What a suppression stops.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum SuppressedChannel {
    /// Every channel.
    All,
    /// Text messages, and whatever else a machine sends to the number.
    Sms,
    /// WhatsApp messages.
    Whatsapp,
    /// E-mail.
    Email,
    /// Calls.
    Voice,
}

impl SuppressedChannel {
    const ALL: [Self; 5] = [Self::All, Self::Sms, Self::Whatsapp, Self::Email, Self::Voice];

    fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Sms => "SMS",
            Self::Whatsapp => "WHATSAPP",
            Self::Email => "EMAIL",
            Self::Voice => "VOICE",
        }
    }

    /// The reverse of [`SuppressedChannel::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }
}

/// An address that is not to be contacted, for nobody and on no account. The address itself is not kept, only its print:
/// ask for one by the filter of `suppressionList`.
#[derive(Clone)]
pub struct Suppression {
    row: SuppressionRow,
}

crate::relay_connection!(Suppression, SuppressionConnection, SuppressionEdge);

impl AtHand for Suppression {}

impl Suppression {
    fn new(scope: &OpScope, row: SuppressionRow) -> Self {
        if let Some(debtor) = row.debtor_id {
            scope.saw_debtor(debtor);
        }
        Self { row }
    }

    async fn open(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        (cipher, version): (Option<&[u8]>, Option<i32>),
    ) -> async_graphql::Result<Option<String>> {
        let (Some(cipher), Some(version)) = (cipher, version) else {
            return Ok(None);
        };
        let keys = ctx.scope()?.keys().await.map_err(op_error)?;
        let Some(key) = keys.own_key_of(version) else {
            return Ok(None);
        };
        let text = keys
            .open_text(&key, "suppressions", column, self.row.id, cipher)
            .map_err(|error| op_error(error.into()))?;
        Ok(Some(text.expose().clone()))
    }
}

/// An address that is not to be contacted, for nobody and on no account. The address itself is not kept, only its print:
/// ask for one by the filter of `suppressionList`.
#[Object]
impl Suppression {
    /// The suppression's id (`sup_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::Suppression, self.row.id).into()
    }

    /// What it stops.
    async fn channel(&self) -> async_graphql::Result<SuppressedChannel> {
        SuppressedChannel::parse(&self.row.channel).ok_or_else(|| unknown("channel"))
    }

    /// Why.
    async fn reason(&self) -> async_graphql::Result<SuppressionReason> {
        SuppressionReason::parse(&self.row.reason).ok_or_else(|| unknown("reason"))
    }

    /// Whose address it was; null where nobody is known, where several share it, and when the person is not yours to see.
    async fn debtor(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Debtor>> {
        match self.row.debtor_id {
            Some(id) => Debtor::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What was written to it; null for what a text or a vendor brought.
    async fn note(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let sealed = (self.row.note_cipher.as_deref(), self.row.key_version);
        self.open(ctx, "note_cipher", sealed).await
    }

    /// Since when it stands.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// The member of staff who put it there; null for the service, an import and an API key.
    async fn created_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.created_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Until when it stood; null while it stands.
    async fn released_at(&self) -> Option<DateTime<Utc>> {
        self.row.lifted_at
    }

    /// The member of staff who took it back; null for the service, the person's own START and an API key.
    async fn released_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.lifted_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Why it ended; null while it stands, and where nobody had to say so.
    async fn release_note(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let sealed = (
            self.row.release_note_cipher.as_deref(),
            self.row.release_key_version,
        );
        self.open(ctx, "release_note_cipher", sealed).await
    }
}

fn unknown(what: &str) -> async_graphql::Error {
    op_error(OpError::Internal(anyhow::anyhow!(
        "a suppression of unknown {what}"
    )))
}

/// Which suppressions to list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SuppressionFilter {
    /// Of these reasons; of all when left out.
    reason: Option<Vec<SuppressionReason>>,
    /// Of exactly this number, E.164.
    phone: Option<String>,
    /// Of exactly this e-mail address.
    email: Option<String>,
    /// Of this person, whichever of their records: put on record for them, or of a number or address that they have or had.
    debtor_id: Option<ID>,
    /// Those that ended too.
    #[graphql(default)]
    with_released: bool,
}

/// An address for the business's own do-not-contact list.
#[derive(Debug, InputObject)]
pub struct SuppressContactInput {
    /// A number, E.164; or an e-mail address.
    phone: Option<PhoneNumberScalar>,
    /// An e-mail address; or a number.
    email: Option<EmailAddressScalar>,
    /// Whose it is, where that is known.
    debtor_id: Option<ID>,
    /// What to stop; every channel when left out.
    #[graphql(default_with = "SuppressedChannel::All")]
    channel: SuppressedChannel,
    /// Why, 1 to 1,000 characters; sealed.
    note: String,
}

/// A suppression that ends.
#[derive(Debug, InputObject)]
pub struct ReleaseSuppressionInput {
    /// The suppression (`sup_…`).
    id: ID,
    /// Why it ends, for example the person's own fresh request; 1 to 1,000 characters, sealed.
    note: String,
}

/// What suppressContact answers.
#[derive(SimpleObject)]
pub struct SuppressContactPayload {
    /// The new suppression; null when there are user errors.
    suppression: Option<Suppression>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What releaseSuppression answers.
#[derive(SimpleObject)]
pub struct ReleaseSuppressionPayload {
    /// The suppression that ended; null when there are user errors.
    suppression: Option<Suppression>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of the suppression list.
#[derive(Default)]
pub struct SuppressionQueries;

#[Object]
impl SuppressionQueries {
    /// Addresses that are not to be contacted, newest first: opt-outs, numbers of somebody else, what a vendor blocks, and
    /// the business's own do-not-contact list.
    async fn suppression_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; those that stand when left out.")] filter: Option<SuppressionFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<SuppressionConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<Uuid>("suppressions")?;
        let scope = ctx.scope()?;
        let filter = filter.unwrap_or_default();
        let criteria = SuppressionCriteria {
            id: None,
            reasons: filter.reason.as_ref().map(|reasons| {
                let words = reasons.iter().map(|reason| reason.as_str().to_owned());
                words.collect()
            }),
            blinds: blinds_of(scope, &filter).await?,
            of_person: match &filter.debtor_id {
                Some(id) => Some(records_of(ctx, id).await?),
                None => None,
            },
            with_released: filter.with_released,
        };
        let rows = suppressions(&mut *ctx.snapshot().await?, &criteria, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| {
                (
                    EdgeCursor::of("suppressions", row.id),
                    Suppression::new(scope, row),
                )
            })
            .collect();
        Ok(SuppressionConnection::from_rows(&page, rows))
    }
}

/// All records of a person.
async fn records_of(ctx: &Context<'_>, id: &ID) -> async_graphql::Result<Vec<Uuid>> {
    let id = parse_id(IdKind::Debtor, "filter.debtorId", id)?;
    let debtor = debtor_by_id(&mut *ctx.snapshot().await?, id)
        .await
        .map_err(|error| op_error(error.into()))?;
    debtor
        .map(|debtor| debtor.members)
        .ok_or_else(|| not_found("debtor"))
}

/// The prints of the address that the filter names.
async fn blinds_of(
    scope: &OpScope,
    filter: &SuppressionFilter,
) -> async_graphql::Result<Option<Vec<Vec<u8>>>> {
    let named = match (&filter.phone, &filter.email) {
        (None, None) => return Ok(None),
        (Some(phone), None) => PhoneNumber::parse_e164(phone)
            .map_err(|_| bad_input("filter.phone: not a number in E.164 form."))?
            .as_e164()
            .to_owned(),
        (None, Some(email)) => EmailAddress::parse(email)
            .map_err(|_| bad_input("filter.email: not an e-mail address."))?
            .normalised(),
        (Some(_), Some(_)) => return Err(bad_input("filter: give a number or an e-mail address, not both.")),
    };
    let keys = scope.keys().await.map_err(op_error)?;
    Ok(Some(keys.blinds(&named)))
}

/// Mutations of the suppression list.
#[derive(Default)]
pub struct SuppressionMutations;

#[Object]
impl SuppressionMutations {
    /// Puts an address on the business's own do-not-contact list. The gate minds it from the next decision on, also for
    /// messages that wait.
    async fn suppress_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which address, and why.")] input: SuppressContactInput,
    ) -> async_graphql::Result<SuppressContactPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let mut given = contacts(input.phone.as_ref(), input.email.as_ref()).map_err(OpError::User)?;
            let Some(address) = given.pop().filter(|_| given.is_empty()) else {
                let message = "Give a number or an e-mail address, one of the two.";
                return Err(UserError::invalid("phone", message).into());
            };
            let debtor_id = input
                .debtor_id
                .as_ref()
                .map(|id| input_id(IdKind::Debtor, "debtorId", id))
                .transpose()?;
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            let new = ContactToSuppress {
                address,
                debtor_id,
                channel: input.channel.as_str(),
                note: &input.note,
            };
            Ok(Done::from(suppress_contact(tx, &keys, new).await?))
        })
        .await?;
        let (suppression, user_errors) = payload(ctx, outcome).await?;
        Ok(SuppressContactPayload {
            suppression,
            user_errors,
        })
    }

    /// Takes an address off the list of those that are not to be contacted: on the person's own fresh request, or because it
    /// was a mistake. That it stood, and why it ended, stays on record. Where a hold rests on it, release the hold; what the vendor
    /// blocks (`VENDOR_BLOCKED`) ends by the debtor's START alone.
    async fn release_suppression(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: ReleaseSuppressionInput,
    ) -> async_graphql::Result<ReleaseSuppressionPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Suppression, "id", &input.id)?;
            let keys = scope.keyring().business(scope.db(), tx.business_id()).await?;
            release_suppression(tx, &keys, id, &input.note).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (suppression, user_errors) = payload(ctx, outcome).await?;
        Ok(ReleaseSuppressionPayload {
            suppression,
            user_errors,
        })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<Suppression>, Vec<UserError>)> {
    let row = match outcome.object {
        Some(id) => suppression_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?,
        None => None,
    };
    let scope = ctx.scope()?;
    Ok((row.map(|row| Suppression::new(scope, row)), outcome.user_errors))
}
