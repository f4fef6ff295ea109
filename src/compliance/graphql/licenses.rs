//! Licences in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    compliance::licenses::{
        LicenseKind, LicenseRow, NewLicense, license_by_id, licenses, remove_license, set_license,
    },
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{Date, Done, Outcome, ScopeExt as _, UserError, input_id, mutate, op_error},
        ids::{self, IdKind},
    },
};

/// A licence of your business to collect in a state. A collector for others contacts nobody who lives where the law asks for
/// one that is not on record, or has run out.
pub struct License {
    row: LicenseRow,
}

/// A licence of your business to collect in a state. A collector for others contacts nobody who lives where the law asks for
/// one that is not on record, or has run out.
#[Object]
impl License {
    /// The licence's id (`lic_…`).
    async fn id(&self) -> ID {
        ids::encode(IdKind::License, self.row.id).into()
    }

    /// USPS code of the state, or `NYC` for the city.
    async fn state(&self) -> &str {
        &self.row.state
    }

    /// What it is for.
    async fn kind(&self) -> async_graphql::Result<LicenseKind> {
        LicenseKind::parse(&self.row.kind)
            .ok_or_else(|| op_error(OpError::Internal(anyhow::anyhow!("a licence of unknown kind"))))
    }

    /// Its number, as the state gave it.
    async fn number(&self) -> &str {
        &self.row.number
    }

    /// The first day.
    async fn valid_from(&self) -> Date {
        Date(self.row.valid_from)
    }

    /// The last day; null where it does not end.
    async fn valid_until(&self) -> Option<Date> {
        self.row.valid_until.map(Date)
    }

    /// When it was recorded, or last changed.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.row.recorded_at
    }

    /// Who did; null for an API key.
    async fn recorded_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.recorded_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// When it was taken off the record; null while it stands.
    async fn removed_at(&self) -> Option<DateTime<Utc>> {
        self.row.removed_at
    }
}

/// A licence to collect in a state.
#[derive(Debug, InputObject)]
pub struct SetLicenseInput {
    /// The licence that changes (`lic_…`); a new one when left out.
    id: Option<ID>,
    /// USPS code of the state, or `NYC`.
    state: String,
    /// What it is for.
    kind: LicenseKind,
    /// Its number, 1 to 60 characters.
    number: String,
    /// The first day.
    valid_from: Date,
    /// The last day; left out where it does not end.
    valid_until: Option<Date>,
}

/// A licence that counts no more.
#[derive(Debug, InputObject)]
pub struct RemoveLicenseInput {
    /// The licence (`lic_…`).
    id: ID,
}

/// What setLicense answers.
#[derive(SimpleObject)]
pub struct SetLicensePayload {
    /// The licence; null when there are user errors.
    license: Option<License>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// What removeLicense answers.
#[derive(SimpleObject)]
pub struct RemoveLicensePayload {
    /// The licence that was removed; null when there are user errors.
    license: Option<License>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Queries of licences.
#[derive(Default)]
pub struct LicenseQueries;

#[Object]
impl LicenseQueries {
    /// Your business's licences, by state; at most 500.
    async fn licenses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those that were removed or have run out too.", default)] with_ended: bool,
    ) -> async_graphql::Result<Vec<License>> {
        let rows = licenses(&mut *ctx.snapshot().await?, with_ended).await;
        let rows = rows.map_err(|error| op_error(error.into()))?;
        Ok(rows.into_iter().map(|row| License { row }).collect())
    }
}

/// Mutations of licences.
#[derive(Default)]
pub struct LicenseMutations;

#[Object]
impl LicenseMutations {
    /// Records a licence, or changes one. The gate minds it from the next decision on; administrators and compliance officers
    /// get a mail thirty days before it ends.
    async fn set_license(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The licence.")] input: SetLicenseInput,
    ) -> async_graphql::Result<SetLicensePayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input.id.as_ref().map(|id| input_id(IdKind::License, "id", id));
            let new = NewLicense {
                id: id.transpose()?,
                state: input.state.clone(),
                kind: input.kind,
                number: input.number.clone(),
                valid_from: input.valid_from.0,
                valid_until: input.valid_until.as_ref().map(|date| date.0),
            };
            Ok(Done::from(set_license(tx, new).await?))
        })
        .await?;
        let (license, user_errors) = payload(ctx, outcome).await?;
        Ok(SetLicensePayload { license, user_errors })
    }

    /// Takes a licence off the record: it was given back, or withdrawn. From the next decision on it counts no more.
    async fn remove_license(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which licence.")] input: RemoveLicenseInput,
    ) -> async_graphql::Result<RemoveLicensePayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id: Uuid = input_id(IdKind::License, "id", &input.id)?;
            remove_license(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        let (license, user_errors) = payload(ctx, outcome).await?;
        Ok(RemoveLicensePayload { license, user_errors })
    }
}

async fn payload(
    ctx: &Context<'_>,
    outcome: Outcome,
) -> async_graphql::Result<(Option<License>, Vec<UserError>)> {
    let row = match outcome.object {
        Some(id) => license_by_id(&mut *ctx.snapshot().await?, id)
            .await
            .map_err(|error| op_error(error.into()))?,
        None => None,
    };
    Ok((row.map(|row| License { row }), outcome.user_errors))
}
