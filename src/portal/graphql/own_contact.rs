//! What a debtor changes of themselves.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::{
    accounts::{
        Channel, PostalAddress,
        graphql::{Debtor, contacts},
    },
    compliance::graphql::DayOfWeek,
    platform::{
        error::OpError,
        gql::{Done, EmailAddressScalar, PhoneNumberScalar, TimeZoneScalar, UserError, mutate},
    },
    portal::own_contact::{OwnContact, OwnTime, update_own_contact},
};

/// A time at which you do not want to be contacted, on your own clock.
#[derive(InputObject)]
pub struct OwnInconvenientTimeInput {
    /// The days on which it begins; every day when left out.
    days: Option<Vec<DayOfWeek>>,
    /// When it begins, `HH:MM`; midnight when left out.
    from: Option<String>,
    /// When it is over, `HH:MM`; the end of the day when left out. Before `from` means the next day.
    to: Option<String>,
    /// On which channels; every one when left out.
    channels: Option<Vec<Channel>>,
}

/// How you are reached: what is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateOwnContactInformationInput {
    /// The language in which you are written to, a BCP 47 tag such as `es` or `es-MX`.
    preferred_language: Option<String>,
    /// How you prefer to be contacted.
    preferred_contact_method: Option<Channel>,
    /// Where you are.
    time_zone: Option<TimeZoneScalar>,
    /// One more time at which you do not want to be contacted.
    inconvenient_time: Option<OwnInconvenientTimeInput>,
    /// One more telephone number. It is not texted before you have agreed to that.
    phone: Option<PhoneNumberScalar>,
    /// One more e-mail address.
    email: Option<EmailAddressScalar>,
    /// Your new postal address.
    address: Option<PostalAddress>,
    /// Channels on which you take back your consent to be contacted about your debts, at every number or address of yours;
    /// VOICE is an artificial or recorded voice.
    revoke_consent_on: Option<Vec<Channel>>,
}

/// What updateOwnContactInformation answers.
#[derive(SimpleObject)]
pub struct UpdateOwnContactInformationPayload {
    /// You, as you are on record now; null when there are user errors.
    debtor: Option<Debtor>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of a debtor's own contact information.
#[derive(Default)]
pub struct OwnContactMutations;

#[Object]
impl OwnContactMutations {
    /// Changes how you are reached: for a debtor who is signed in.
    async fn update_own_contact_information(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is new.")] input: UpdateOwnContactInformationInput,
    ) -> async_graphql::Result<UpdateOwnContactInformationPayload> {
        let outcome = mutate(ctx, async |tx, scope| {
            let contacts = contacts(input.phone.as_ref(), input.email.as_ref()).map_err(OpError::User)?;
            let own = OwnContact {
                preferred_language: input.preferred_language,
                preferred_channel: input.preferred_contact_method,
                address: input.address,
                time_zone: input.time_zone.map(|zone| zone.0),
                inconvenient: input.inconvenient_time.map(|time| OwnTime {
                    days: time.days.map(DayOfWeek::words),
                    from: time.from,
                    to: time.to,
                    channels: time.channels,
                }),
                contacts,
                revoked: input.revoke_consent_on.unwrap_or_default(),
            };
            let debtor = update_own_contact(tx, scope.keyring(), scope.db(), own).await?;
            Ok(Done::from(debtor))
        })
        .await?;
        let debtor = match outcome.object {
            Some(id) => Debtor::load(ctx, id).await?,
            None => None,
        };
        Ok(UpdateOwnContactInformationPayload {
            debtor,
            user_errors: outcome.user_errors,
        })
    }
}
