//! A person's contact points one by one: added, told more of, removed.

use uuid::Uuid;

use super::{
    ContactPoint, ContactPointProvenance, ContactPointUse, ContactPointValidity, LineType, NewContact,
    changes::Changes,
    contact_store::{SealedContact, contact_points_of, sealed_contacts_of},
    contacts::MOST,
    store::{DebtorRow, debtor_by_id, lock_person},
};
use crate::{
    access::{Cell, authorize, authorize_or_own},
    platform::{
        crypto::DataKey,
        db::{Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, TenantKeys},
        secret::Masked,
    },
};

/// At most this many characters.
const LONGEST_LABEL: usize = 50;

/// A contact point to be added.
#[derive(Clone, Debug)]
pub struct NewContactPoint {
    pub debtor_id: Uuid,
    pub contact: NewContact,
    pub line_type: LineType,
    pub contact_use: ContactPointUse,
    pub label: Option<String>,
    pub provenance: ContactPointProvenance,
    pub validity: ContactPointValidity,
    /// Becomes the first of its kind.
    pub is_first: bool,
}

/// Each `Some` is a new value.
#[derive(Clone, Debug, Default)]
pub struct ContactPointPatch {
    pub line_type: Option<LineType>,
    pub contact_use: Option<ContactPointUse>,
    /// `Some(None)` empties it.
    pub label: Option<Option<String>>,
    pub provenance: Option<ContactPointProvenance>,
    pub validity: Option<ContactPointValidity>,
    /// Becomes the first of its kind.
    pub is_first: bool,
}

/// Adds a contact point to a person and returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, CONFLICT for an address that the person has already or
/// whose data was erased, INVALID_INPUT.
pub async fn add_contact_point(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewContactPoint,
) -> Result<Uuid, OpError> {
    authorize_or_own(tx.ctx(), Cell::AccountUpdate, new.debtor_id)
        .map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_label(new.label.as_deref())?;
    check_line_type(new.contact.kind(), new.line_type)?;
    let no_debtor = || UserError::not_found("debtorId", "debtor");
    debtor_by_id(tx, new.debtor_id).await?.ok_or_else(no_debtor)?;
    lock_person(tx, new.debtor_id).await?;
    let debtor = debtor_by_id(tx, new.debtor_id).await?.ok_or_else(no_debtor)?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = open_profile(&keys, &debtor, "debtorId")?;
    let ordinal = next_place(tx, &keys, &debtor, &new.contact).await?;
    let id = ids::next();
    insert(tx, &keys, &profile, id, ordinal, &new).await?;
    if new.is_first {
        put_first(tx, debtor.id, new.contact.kind(), id, ordinal).await?;
    }
    let (nothing, mut changes) = (None::<&str>, Changes::default());
    changes.note("kind", nothing, new.contact.kind());
    changes.note("use", nothing, new.contact_use.as_str());
    changes.note("line_type", nothing, new.line_type.as_str());
    changes.note("provenance", nothing, new.provenance.as_str());
    changes.note("validity", nothing, new.validity.as_str());
    changes.note_personal("address", nothing, new.contact.written());
    changes.note_personal("label", nothing, new.label.as_deref().map(str::trim));
    let guard = (debtor.keys.profile.id, &profile);
    tx.audit(changes.sealed_entry(&keys, guard, "contact_point.added", id, debtor.id)?);
    tell(tx, debtor.id);
    Ok(id)
}

/// Changes what is known of a contact point.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT, CONFLICT for a person whose data was erased.
pub async fn update_contact_point(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    patch: ContactPointPatch,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::AccountUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_label(patch.label.as_ref().and_then(Option::as_deref))?;
    let (debtor, known) = lock_point(tx, id).await?;
    let point = &known.point;
    if let Some(line_type) = patch.line_type {
        check_line_type(&point.kind, line_type)?;
    }
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = open_profile(&keys, &debtor, "id")?;
    let label = match patch.label.as_ref() {
        Some(Some(label)) => Some(seal_label(&keys, &profile, id, label)?),
        _ => None,
    };
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    sqlx::query!(
        "UPDATE contact_points SET
             line_type = coalesce($3, line_type), contact_use = coalesce($4, contact_use),
             provenance = coalesce($5, provenance), validity = coalesce($6, validity),
             validity_since = CASE WHEN $6 <> validity THEN $7 ELSE validity_since END,
             validity_by = CASE WHEN $6 <> validity THEN $8 ELSE validity_by END,
             label_cipher = CASE WHEN $9 THEN $10 ELSE label_cipher END
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        patch.line_type.map(LineType::as_str),
        patch.contact_use.map(ContactPointUse::as_str),
        patch.provenance.map(ContactPointProvenance::as_str),
        patch.validity.map(ContactPointValidity::as_str),
        now,
        user,
        patch.label.is_some(),
        label,
    )
    .execute(tx.conn())
    .await?;
    if patch.is_first {
        put_first(tx, point.debtor_id, &point.kind, id, point.ordinal).await?;
    }
    let changes = changes(&keys, &profile, &known, &patch)?;
    let guard = (debtor.keys.profile.id, &profile);
    tx.audit(changes.sealed_entry(&keys, guard, "contact_point.updated", id, point.debtor_id)?);
    tell(tx, point.debtor_id);
    Ok(())
}

/// Takes a contact point off a person and returns the person. What it was stays sealed with them until erasure, for
/// consents and decisions name it; nobody is found by it any more, and a consent to it counts no more. That it reaches
/// somebody else stays known, and what was taken back there binds whoever puts it on again (47 CFR 64.1200(a)(10)).
///
/// # Errors
/// NOT_FOUND for a contact point that is not there or not the caller's.
pub async fn remove_contact_point(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::AccountUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (debtor, known) = lock_point(tx, id).await?;
    let keys = keyring.business(db, tx.business_id()).await?;
    let profile = open_profile(&keys, &debtor, "id")?;
    let point = &known.point;
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE contact_points SET removed_at = $3, ordinal = NULL, removed_blind = blind_index,
             blind_index = CASE WHEN validity IN ('WRONG_NUMBER', 'REASSIGNED') THEN blind_index END
         WHERE business_id = $1 AND id = $2",
        business,
        id,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE contact_points SET ordinal = (ordinal - 1)::smallint
         WHERE business_id = $1 AND debtor_id = $2 AND kind = $3 AND ordinal > $4",
        business,
        point.debtor_id,
        point.kind,
        point.ordinal,
    )
    .execute(tx.conn())
    .await?;
    let (nothing, mut changes) = (None::<&str>, Changes::default());
    changes.note("kind", &point.kind, nothing);
    changes.note("validity", &point.validity, nothing);
    let (address, label) = open_contact(&keys, &profile, &known)?;
    changes.note_personal("address", address, nothing);
    changes.note_personal("label", label, nothing);
    let guard = (debtor.keys.profile.id, &profile);
    tx.audit(changes.sealed_entry(&keys, guard, "contact_point.removed", id, point.debtor_id)?);
    tell(tx, point.debtor_id);
    Ok(point.debtor_id)
}

/// A telephone number in clear.
#[derive(Clone, Debug)]
pub struct OpenPhone {
    pub number: Masked<String>,
    /// A text can reach the person there, for all that is known.
    pub takes_texts: bool,
}

/// The telephone numbers of a person that are not erased, in order.
///
/// # Errors
/// [`OpError`] as met.
pub async fn phones_of(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    debtor: Uuid,
) -> Result<Vec<OpenPhone>, OpError> {
    let mut phones = Vec::new();
    for contact in sealed_contacts_of(tx, &[debtor]).await? {
        let point = contact.point;
        let (Some(cipher), Some(key)) = (&point.value_cipher, keys.data_key(&contact.key)?) else {
            continue;
        };
        if point.kind != "PHONE" {
            continue;
        }
        phones.push(OpenPhone {
            number: keys.open_text(&key, "contact_points", "value_cipher", point.id, cipher)?,
            takes_texts: point.unreachable_code.is_none()
                && ContactPointValidity::parse(&point.validity).is_usable()
                && LineType::parse(&point.line_type) != LineType::Landline,
        });
    }
    Ok(phones)
}

/// Makes the contact point the first of its kind, in one statement: the order stays without holes or doubles.
pub(super) async fn put_first(
    tx: &mut TenantTx,
    debtor: Uuid,
    kind: &str,
    id: Uuid,
    ordinal: i16,
) -> Result<(), DbError> {
    let business = tx.business_id();
    sqlx::query!(
        "UPDATE contact_points SET ordinal = CASE WHEN id = $4 THEN 1::smallint ELSE (ordinal + 1)::smallint END
         WHERE business_id = $1 AND debtor_id = $2 AND kind = $3 AND ordinal <= $5",
        business,
        debtor,
        kind,
        id,
        ordinal,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What the patch changes of what is known.
fn changes(
    keys: &TenantKeys,
    profile: &DataKey,
    known: &SealedContact,
    patch: &ContactPointPatch,
) -> Result<Changes, OpError> {
    let (point, mut changes) = (&known.point, Changes::default());
    if let Some(line_type) = patch.line_type {
        changes.note("line_type", &point.line_type, line_type.as_str());
    }
    if let Some(contact_use) = patch.contact_use {
        changes.note("use", &known.contact_use, contact_use.as_str());
    }
    if let Some(provenance) = patch.provenance {
        changes.note("provenance", &known.provenance, provenance.as_str());
    }
    if let Some(validity) = patch.validity {
        changes.note("validity", &point.validity, validity.as_str());
    }
    if patch.is_first {
        changes.note("place", point.ordinal, 1);
    }
    if let Some(label) = &patch.label {
        let (_, before) = open_contact(keys, profile, known)?;
        changes.note_personal("label", before, label.as_deref().map(str::trim));
    }
    Ok(changes)
}

/// The number or address, and the label, in clear.
fn open_contact(
    keys: &TenantKeys,
    profile: &DataKey,
    known: &SealedContact,
) -> Result<(Option<String>, Option<String>), OpError> {
    let open = |column, cipher: &Option<Vec<u8>>| match cipher {
        Some(cipher) => keys
            .open_text(profile, "contact_points", column, known.point.id, cipher)
            .map(|text| Some(text.expose().to_owned())),
        None => Ok(None),
    };
    Ok((
        open("value_cipher", &known.point.value_cipher)?,
        open("label_cipher", &known.label_cipher)?,
    ))
}

/// One contact point of a person whom the caller sees, under the person's lock, with the record that has it.
async fn lock_point(tx: &mut TenantTx, id: Uuid) -> Result<(DebtorRow, SealedContact), OpError> {
    let no_point = || UserError::not_found("id", "contact point");
    let debtor = debtor_of_point(tx, id).await?.ok_or_else(no_point)?;
    let row = debtor_by_id(tx, debtor).await?.ok_or_else(no_point)?;
    lock_person(tx, debtor).await?;
    let points = sealed_contacts_of(tx, &[debtor]).await?;
    let point = points.into_iter().find(|known| known.point.id == id);
    Ok((row, point.ok_or_else(no_point)?))
}

/// Whose contact point it is; nobody's once it was removed.
pub(super) async fn debtor_of_point(tx: &mut TenantTx, id: Uuid) -> Result<Option<Uuid>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT debtor_id FROM contact_points WHERE business_id = $1 AND id = $2 AND removed_at IS NULL",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The place behind those of the same kind, unless the person has the address (on whichever record) or too many already.
async fn next_place(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    debtor: &DebtorRow,
    contact: &NewContact,
) -> Result<i16, OpError> {
    let known = contact_points_of(tx, &debtor.members).await?;
    let blinds = keys.blinds(&contact.normalised());
    let is_known = |point: &ContactPoint| {
        let blind = point.blind_index.as_ref();
        blind.is_some_and(|blind| blinds.contains(blind))
    };
    if known.iter().any(is_known) {
        let message = "The person has this already: update it instead.";
        return Err(UserError::at(UserErrorCode::Conflict, contact.field(), message).into());
    }
    let last = known
        .iter()
        .filter(|point| point.debtor_id == debtor.id && point.kind == contact.kind())
        .map(|point| point.ordinal)
        .max();
    let ordinal = last.unwrap_or(0).saturating_add(1);
    if ordinal > MOST {
        let message = format!(
            "A person has at most {MOST} phone numbers and {MOST} e-mail addresses: remove one that is out of use."
        );
        return Err(UserError::invalid(contact.field(), message).into());
    }
    Ok(ordinal)
}

async fn insert(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    profile: &DataKey,
    id: Uuid,
    ordinal: i16,
    new: &NewContactPoint,
) -> Result<(), OpError> {
    let value = keys.seal(
        profile,
        "contact_points",
        "value_cipher",
        id,
        new.contact.written().as_bytes(),
    )?;
    let label = match &new.label {
        Some(label) => Some(seal_label(keys, profile, id, label)?),
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    let is_checked = new.validity != ContactPointValidity::Unverified;
    sqlx::query!(
        "INSERT INTO contact_points (business_id, id, debtor_id, kind, ordinal, value_cipher, blind_index, blind_version,
             provenance, line_type, contact_use, label_cipher, validity, validity_since, validity_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        business,
        id,
        new.debtor_id,
        new.contact.kind(),
        ordinal,
        value,
        keys.blind(&new.contact.normalised()).to_vec(),
        keys.blind_version(),
        new.provenance.as_str(),
        new.line_type.as_str(),
        new.contact_use.as_str(),
        label,
        new.validity.as_str(),
        is_checked.then_some(now),
        tx.ctx().user_id().filter(|_| is_checked),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn seal_label(keys: &TenantKeys, profile: &DataKey, id: Uuid, label: &str) -> Result<Vec<u8>, OpError> {
    Ok(keys.seal(
        profile,
        "contact_points",
        "label_cipher",
        id,
        label.trim().as_bytes(),
    )?)
}

fn open_profile(keys: &TenantKeys, debtor: &DebtorRow, field: &str) -> Result<DataKey, OpError> {
    Ok(keys.data_key(&debtor.keys.profile)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            field,
            "This person's data was erased: nothing of it can be changed.",
        )
    })?)
}

fn check_label(label: Option<&str>) -> Result<(), UserError> {
    let fits = label.is_none_or(|label| (1..=LONGEST_LABEL).contains(&label.trim().chars().count()));
    if fits {
        Ok(())
    } else {
        Err(UserError::invalid("label", "Use 1 to 50 characters, or null."))
    }
}

fn check_line_type(kind: &str, line_type: LineType) -> Result<(), UserError> {
    if kind == "PHONE" || line_type == LineType::Unknown {
        return Ok(());
    }
    Err(UserError::invalid(
        "lineType",
        "Only a telephone number has a line type: leave it out for an e-mail address.",
    ))
}

fn tell(tx: &mut TenantTx, debtor: Uuid) {
    tx.emit(LiveEvent {
        kind: "DEBTOR_UPDATED",
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}
