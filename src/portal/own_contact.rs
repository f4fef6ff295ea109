//! What a debtor changes of themselves (ACC-049): how and when they are reached. A number or address is added beside the
//! others; it brings no consent, which is given for itself.

use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    accounts::{
        Channel, ContactPointProvenance, ContactPointUse, ContactPointValidity, DebtorPatch, LineType,
        NewContact, NewContactPoint, PostalAddress, add_contact_point, change_debtor, record_stated_zone,
    },
    compliance::{NewInconvenientTime, record_inconvenient_time, revoke_own_consents},
    platform::{
        db::{Db, TenantTx},
        error::OpError,
        gql::UserError,
        keys::Keyring,
    },
};

/// A time at which the debtor does not want to be contacted.
pub(super) struct OwnTime {
    pub(super) days: Option<Vec<&'static str>>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) channels: Option<Vec<Channel>>,
}

/// Each `Some` is new.
#[derive(Default)]
pub(super) struct OwnContact {
    pub(super) preferred_language: Option<String>,
    pub(super) preferred_channel: Option<Channel>,
    pub(super) address: Option<PostalAddress>,
    pub(super) time_zone: Option<String>,
    pub(super) inconvenient: Option<OwnTime>,
    pub(super) contacts: Vec<NewContact>,
    /// Channels on which they are not to be contacted about their debts any more.
    pub(super) revoked: Vec<Channel>,
}

/// Applies what the debtor says of themselves and returns their id.
///
/// # Errors
/// FORBIDDEN for anybody who is no debtor; user errors for values that do not fit, and where nothing is given.
pub(super) async fn update_own_contact(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    own: OwnContact,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::OwnContactUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let debtor = tx
        .ctx()
        .debtor_id()
        .ok_or_else(|| OpError::Forbidden("Only a debtor changes this of themselves.".to_owned()))?;
    let patch = DebtorPatch {
        preferred_language: own.preferred_language,
        preferred_channel: own.preferred_channel,
        address: own.address,
        ..DebtorPatch::default()
    };
    let is_patched =
        patch.preferred_language.is_some() || patch.preferred_channel.is_some() || patch.address.is_some();
    if !is_patched
        && own.time_zone.is_none()
        && own.inconvenient.is_none()
        && own.contacts.is_empty()
        && own.revoked.is_empty()
    {
        return Err(UserError::invalid("preferredLanguage", "Say what is to be changed.").into());
    }
    if is_patched {
        change_debtor(tx, keyring, db, debtor, &patch).await?;
    }
    if let Some(zone) = own.time_zone {
        record_stated_zone(tx, keyring, db, debtor, (Some(&zone), "Stated in the portal.")).await?;
    }
    for contact in own.contacts {
        let new = NewContactPoint {
            debtor_id: debtor,
            contact,
            line_type: LineType::Unknown,
            contact_use: ContactPointUse::Unknown,
            label: None,
            provenance: ContactPointProvenance::Consumer,
            validity: ContactPointValidity::Unverified,
            is_first: false,
        };
        add_contact_point(tx, keyring, db, new).await?;
    }
    if let Some(time) = own.inconvenient {
        let new = NewInconvenientTime {
            debtor_id: debtor,
            days: time.days,
            from: time.from.as_deref(),
            to: time.to.as_deref(),
            channels: time.channels,
            statement: "Said so themselves, signed in.",
        };
        record_inconvenient_time(tx, keyring, db, new).await?;
    }
    if !own.revoked.is_empty() {
        let keys = keyring.business(db, tx.business_id()).await?;
        revoke_own_consents(tx, &keys, debtor, &own.revoked).await?;
    }
    Ok(debtor)
}
