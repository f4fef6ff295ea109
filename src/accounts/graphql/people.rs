//! Mutations of what is known of a person.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use super::{Debtor, national_id::NationalIdScalar};
use crate::{
    accounts::{
        Channel, DebtorPatch, PostalAddress, RiskLevel, change_debtor, confirm_stated_zone,
        record_stated_zone,
    },
    platform::{
        gql::{Date, Done, TimeZoneScalar, UserError, input_id, mutate},
        ids::IdKind,
    },
};

/// Changes to a person: a field that is left out stays as it is; null empties it where the field says so, else changes
/// nothing.
#[derive(Debug, InputObject)]
pub struct UpdateDebtorInput {
    /// The person.
    id: ID,
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// The postal address, whole: decides which state's rules and which hours apply.
    address: Option<PostalAddress>,
    /// Date of birth; null empties it. Nobody under 18 is contacted (12 CFR 1006.6(a)(2)).
    birth_date: MaybeUndefined<Date>,
    /// National id; null empties it. Nobody is merged by it: who else has it is among `Debtor.matchSuggestions`.
    national_id: MaybeUndefined<NationalIdScalar>,
    /// The company's name, where the debtor is one, in 1 to 200 characters; null empties it.
    company_name: MaybeUndefined<String>,
    /// How likely it is that the debtor does not pay; null empties it.
    risk_level: MaybeUndefined<RiskLevel>,
    /// Your own number of the person, in 1 to 100 characters; null empties it. Accounts that come with it later, by
    /// `createAccount` or from a file, become theirs. CONFLICT while another record of your business has it.
    external_debtor_reference: MaybeUndefined<String>,
    /// The language to write in, a BCP 47 tag such as `es` or `es-MX`.
    preferred_language: Option<String>,
    /// How the person prefers to be contacted.
    preferred_contact_method: Option<Channel>,
}

impl UpdateDebtorInput {
    fn patch(self) -> Result<DebtorPatch, UserError> {
        let number = self.national_id.as_opt_ref();
        let number = number.map(|given| given.map(|number| number.read("nationalId")).transpose());
        Ok(DebtorPatch {
            first_name: self.first_name,
            last_name: self.last_name,
            preferred_language: self.preferred_language,
            preferred_channel: self.preferred_contact_method,
            address: self.address,
            birth_date: self.birth_date.as_opt_ref().map(|date| date.map(|date| date.0)),
            national_id: number.transpose()?,
            company_name: self.company_name.as_opt_ref().map(|name| name.cloned()),
            risk_level: self.risk_level.as_opt_ref().map(|level| level.copied()),
            external_reference: self
                .external_debtor_reference
                .as_opt_ref()
                .map(|reference| reference.cloned()),
            first_contacts: Vec::new(),
        })
    }
}

/// The time zone in which a person said they are.
#[derive(Debug, InputObject)]
pub struct RecordStatedTimeZoneInput {
    /// The person.
    debtor_id: ID,
    /// What they said; null when the one that they stated before holds no more.
    time_zone: Option<TimeZoneScalar>,
    /// What they said, in their words, in 1 to 1,000 characters.
    statement: String,
}

/// The statement that is confirmed.
#[derive(Debug, InputObject)]
pub struct ConfirmStatedTimeZoneInput {
    /// The person.
    debtor_id: ID,
    /// The time zone that they stated; null where they took the one before back.
    time_zone: Option<TimeZoneScalar>,
}

/// What confirmStatedTimeZone answers.
#[derive(SimpleObject)]
pub struct ConfirmStatedTimeZonePayload {
    /// The person; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What updateDebtor answers.
#[derive(SimpleObject)]
pub struct UpdateDebtorPayload {
    /// The changed person; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What recordStatedTimeZone answers.
#[derive(SimpleObject)]
pub struct RecordStatedTimeZonePayload {
    /// The person; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of people.
#[derive(Default)]
pub struct PeopleMutations;

#[Object]
impl PeopleMutations {
    /// Changes what is known of a person, apart from any one debt.
    async fn update_debtor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and what changes.")] input: UpdateDebtorInput,
    ) -> async_graphql::Result<UpdateDebtorPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Debtor, "id", &input.id)?;
            change_debtor(tx, scope.keyring(), scope.db(), id, &input.patch()?).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(UpdateDebtorPayload {
            debtor: payload(ctx, outcome.object).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Records in which time zone a person says they are, with their words. It counts beside the other clues to where they
    /// are, and instead of them once somebody else has confirmed it.
    async fn record_stated_time_zone(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and what they said.")] input: RecordStatedTimeZoneInput,
    ) -> async_graphql::Result<RecordStatedTimeZonePayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Debtor, "debtorId", &input.debtor_id)?;
            let zone = input.time_zone.as_ref().map(|zone| zone.0.as_str());
            let said = (zone, input.statement.as_str());
            record_stated_zone(tx, scope.keyring(), scope.db(), id, said).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(RecordStatedTimeZonePayload {
            debtor: payload(ctx, outcome.object).await?,
            user_errors: outcome.user_errors,
        })
    }

    /// Confirms in which time zone a person says they are, after a look at their words (`statedTimeZoneStatement`) by
    /// somebody else than who wrote them down. From now on contacts go by this zone alone.
    async fn confirm_stated_time_zone(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who, and which statement.")] input: ConfirmStatedTimeZoneInput,
    ) -> async_graphql::Result<ConfirmStatedTimeZonePayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let id = input_id(IdKind::Debtor, "debtorId", &input.debtor_id)?;
            let zone = input.time_zone.as_ref().map(|zone| zone.0.as_str());
            confirm_stated_zone(tx, scope.keyring(), scope.db(), id, zone).await?;
            Ok(Done::from(id))
        })
        .await?;
        Ok(ConfirmStatedTimeZonePayload {
            debtor: payload(ctx, outcome.object).await?,
            user_errors: outcome.user_errors,
        })
    }
}

async fn payload(ctx: &Context<'_>, id: Option<Uuid>) -> async_graphql::Result<Option<Debtor>> {
    match id {
        Some(id) => Debtor::load(ctx, id).await,
        None => Ok(None),
    }
}
