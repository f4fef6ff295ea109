//! Places where a person is not to be contacted, or may be, in the API.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ComplianceLoaders, by_person::by_person, inconvenient::each_once, sealed::open_sealed};
use crate::{
    accounts::Channel,
    compliance::{
        contact_places::{
            ContactPlaceRow, NewContactPlace, Place, PlaceSource, PlaceStanding, TABLE, contact_place_by_id,
            standing_places,
        },
        record_contact_place, withdraw_contact_place,
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{Done, OpScope, Outcome, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// Those of one person.
pub(super) type Places = Arc<Vec<Arc<ContactPlaceRow>>>;

/// What is known of contacting a person at a place: they called it inconvenient (12 CFR 1006.6(b)(1)(ii)), or their employer
/// prohibits or allows it (12 CFR 1006.6(b)(3)). The gate minds it from the next decision on.
#[derive(Clone)]
pub struct ContactPlace {
    row: Arc<ContactPlaceRow>,
}

async fn load(scope: &OpScope, debtors: &[Uuid]) -> Result<HashMap<Uuid, Places>, OpError> {
    let rows = standing_places(&mut *scope.snapshot().await?, debtors).await?;
    Ok(by_person(rows))
}

impl ContactPlace {
    fn new(scope: &OpScope, row: Arc<ContactPlaceRow>) -> Self {
        scope.saw_debtor(row.debtor_id);
        Self { row }
    }

    /// Those that stand on a person.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_debtor(ctx: &Context<'_>, debtor: Uuid) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let found = ctx
            .data::<ComplianceLoaders>()?
            .places
            .load(debtor, async |debtors: Vec<Uuid>| load(scope, &debtors).await)
            .await
            .map_err(op_error)?;
        let rows = found.unwrap_or_default();
        Ok(rows.iter().map(|row| Self::new(scope, row.clone())).collect())
    }
}

/// What is known of contacting a person at a place: they called it inconvenient (12 CFR 1006.6(b)(1)(ii)), or their employer
/// prohibits or allows it (12 CFR 1006.6(b)(3)). The gate minds it from the next decision on.
#[Object]
impl ContactPlace {
    /// The record's id (`ctp_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::ContactPlace, self.row.id).into()
    }

    /// Which place.
    async fn place(&self) -> Place {
        Place::parse(&self.row.place).unwrap_or(Place::Other)
    }

    /// What is known of it.
    async fn standing(&self) -> PlaceStanding {
        PlaceStanding::parse(&self.row.standing)
    }

    /// The one number or e-mail address that it is of (`cp_…`, as in `Debtor.contactPoints`); null for whatever reaches the
    /// person at the place.
    async fn contact_point_id(&self) -> Option<ID> {
        let point = self.row.contact_point_id?;
        Some(ids::encode(IdKind::ContactPoint, point).into())
    }

    /// On which channels the person does not want it; null for every one.
    async fn channels(&self) -> Option<Vec<Channel>> {
        let channels = self.row.channels.as_ref()?;
        Some(channels.iter().filter_map(|word| Channel::parse(word)).collect())
    }

    /// From whom it is known.
    async fn source(&self) -> PlaceSource {
        PlaceSource::parse(&self.row.source)
    }

    /// What was said or written; null when the records were destroyed.
    async fn statement(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "statement_cipher", Some(&self.row.statement_cipher))
            .await
    }

    /// When it was said or written.
    async fn stated_at(&self) -> DateTime<Utc> {
        self.row.stated_at
    }

    /// From when on it counts no more by its own words; null until it is withdrawn.
    async fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.row.ends_at
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.row.recorded_at
    }

    /// The member of staff who recorded it; null for a record by an API key, and for what a text of the debtor said.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.recorded_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When it was withdrawn; null while it stands.
    async fn withdrawn_at(&self) -> Option<DateTime<Utc>> {
        self.row.withdrawn_at
    }

    /// Who withdrew it; null while it stands, and for an API key.
    async fn withdrawn_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.withdrawn_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Why it was withdrawn; null while it stands, and when the records were destroyed.
    async fn withdrawal_reason(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        self.open(ctx, "withdrawal_cipher", self.row.withdrawal_cipher.as_deref())
            .await
    }
}

impl ContactPlace {
    async fn open(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        cipher: Option<&[u8]>,
    ) -> async_graphql::Result<Option<String>> {
        open_sealed(ctx, &self.row.key(), (TABLE, column, self.row.id), cipher).await
    }
}

/// What you learned of contacting a person at a place.
#[derive(Debug, InputObject)]
pub struct RecordContactPlaceInput {
    /// The person.
    debtor_id: ID,
    /// Which place.
    place: Place,
    /// What is known of it.
    standing: PlaceStanding,
    /// The one number or e-mail address of theirs that it is of: it counts as one at that place from now on. Left out, it is of
    /// whatever reaches them there by its `use`. OTHER needs one.
    contact_point_id: Option<ID>,
    /// On which channels the person does not want it; every one when left out. Of INCONVENIENT alone.
    channels: Option<Vec<Channel>>,
    /// From whom it is known.
    source: PlaceSource,
    /// What was said or written, and where that is kept: 1 to 2,000 characters; sealed.
    statement: String,
    /// When it was said or written; now when left out.
    stated_at: Option<DateTime<Utc>>,
    /// From when on it counts no more; left out where nobody said until when, it stands until it is withdrawn.
    ends_at: Option<DateTime<Utc>>,
}

/// A record that holds no more.
#[derive(Debug, InputObject)]
pub struct WithdrawContactPlaceInput {
    /// The record (`ctp_…`).
    id: ID,
    /// Why: who took it back, and how. 1 to 2,000 characters; sealed.
    reason: String,
}

/// What recordContactPlace answers.
#[derive(SimpleObject)]
pub struct RecordContactPlacePayload {
    /// What was recorded; null when there are user errors.
    contact_place: Option<ContactPlace>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What withdrawContactPlace answers.
#[derive(SimpleObject)]
pub struct WithdrawContactPlacePayload {
    /// What stands no more; null when there are user errors.
    contact_place: Option<ContactPlace>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of places.
#[derive(Default)]
pub struct ContactPlaceMutations;

#[Object]
impl ContactPlaceMutations {
    /// Records that a person called a place inconvenient, or that their employer prohibits contact at work or is known to allow
    /// it. The gate minds it from the next decision on, also for messages that wait. EMPLOYER_ALLOWS takes who may release holds.
    async fn record_contact_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, where, and what is known of it.")] input: RecordContactPlaceInput,
    ) -> async_graphql::Result<RecordContactPlacePayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let point = input.contact_point_id.as_ref();
            let new = NewContactPlace {
                debtor_id: input_id(IdKind::Debtor, "debtorId", &input.debtor_id)?,
                contact_point_id: point
                    .map(|id| input_id(IdKind::ContactPoint, "contactPointId", id))
                    .transpose()?,
                place: input.place,
                standing: input.standing,
                channels: input.channels.map(each_once),
                source: input.source,
                statement: &input.statement,
                stated_at: input.stated_at,
                ends_at: input.ends_at,
            };
            let id = record_contact_place(tx, scope.keyring(), scope.db(), new).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(RecordContactPlacePayload {
            contact_place: payload(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Withdraws such a record: the person took it back, the employer says otherwise, or it was never so. That it stood stays on
    /// record.
    async fn withdraw_contact_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: WithdrawContactPlaceInput,
    ) -> async_graphql::Result<WithdrawContactPlacePayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id: Uuid = input_id(IdKind::ContactPlace, "id", &input.id)?;
            withdraw_contact_place(tx, scope.keyring(), scope.db(), (id, &input.reason)).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(WithdrawContactPlacePayload {
            contact_place: payload(ctx, &outcome).await?,
            user_errors: outcome.user_errors,
        })
    }
}

async fn payload(ctx: &Context<'_>, outcome: &Outcome) -> async_graphql::Result<Option<ContactPlace>> {
    let place = match outcome.object {
        Some(id) => contact_place_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?,
        None => None,
    };
    let scope = ctx.scope()?;
    Ok(place.map(|row| ContactPlace::new(scope, Arc::new(row))))
}
