//! Addresses that are not to be contacted, whoever they belong to: kept by blind index, so that they outlive erasure. The
//! business's own do-not-contact list is the part of them that staff put there.

use std::collections::HashMap;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    accounts::{NewContact, debtor_by_id},
    platform::{
        db::{AuditEntry, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{PageRequest, UserError, UserErrorCode},
        ids,
        keys::TenantKeys,
    },
};

/// Why an address is not to be contacted.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum SuppressionReason {
    /// The person said so.
    OptOut,
    /// The vendor refuses to deliver to it (Twilio 21610).
    VendorBlocked,
    /// It reaches somebody else (15 USC 1692c(b)).
    WrongParty,
    /// Staff, an import or an integrator put it on the business's own do-not-contact list (47 CFR 64.1200(d)).
    Staff,
}

impl SuppressionReason {
    pub(super) const ALL: [Self; 4] = [Self::OptOut, Self::VendorBlocked, Self::WrongParty, Self::Staff];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::OptOut => "OPT_OUT",
            Self::VendorBlocked => "VENDOR_BLOCKED",
            Self::WrongParty => "WRONG_PARTY",
            Self::Staff => "STAFF",
        }
    }

    /// The reverse of [`SuppressionReason::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// What an address is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressKind {
    Phone,
    Email,
}

impl AddressKind {
    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "PHONE",
            Self::Email => "EMAIL",
        }
    }

    /// The reverse of [`AddressKind::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Phone, Self::Email]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    /// The channel on which what is written is sent to it, as the database spells it.
    pub(super) fn channel(self) -> &'static str {
        match self {
            Self::Phone => "SMS",
            Self::Email => "EMAIL",
        }
    }
}

/// A suppression about to stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewSuppression<'a> {
    /// Whose it is; none where several share the address: then it belongs to the address alone.
    pub(super) debtor_id: Option<Uuid>,
    pub(super) address_blind: &'a [u8],
    pub(super) kind: AddressKind,
    /// A channel, or `ALL`.
    pub(super) channel: &'static str,
    pub(super) reason: SuppressionReason,
    /// When it was asked for.
    pub(super) since: DateTime<Utc>,
}

/// The suppression that stands now.
#[derive(Clone, Copy, Debug)]
pub struct Suppressed {
    pub id: Uuid,
    /// It did not stand before.
    pub is_new: bool,
}

/// Suppresses an address; where it stands already, asking again changes nothing.
pub(super) async fn suppress(tx: &mut TenantTx, new: NewSuppression<'_>) -> Result<Suppressed, DbError> {
    let (business, id, user) = (tx.business_id(), ids::next(), tx.ctx().user_id());
    let stands = sqlx::query_scalar!(
        "INSERT INTO suppressions AS s (business_id, id, debtor_id, address_blind, kind, channel, reason, created_at,
             created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (business_id, address_blind, channel, reason) WHERE lifted_at IS NULL
             DO UPDATE SET created_at = s.created_at
         RETURNING id",
        business,
        id,
        new.debtor_id,
        new.address_blind,
        new.kind.as_str(),
        new.channel,
        new.reason.as_str(),
        new.since,
        user,
    )
    .fetch_one(tx.conn())
    .await?;
    let suppressed = Suppressed {
        id: stands,
        is_new: stands == id,
    };
    if suppressed.is_new {
        let details = json!({ "channel": new.channel, "reason": new.reason.as_str() });
        tx.audit(AuditEntry::plain("suppression.recorded", id, &details).about(new.debtor_id));
    }
    Ok(suppressed)
}

/// Takes suppressions back, by their ids; `why` goes into the trail.
pub(super) async fn lift(tx: &mut TenantTx, ids: &[Uuid], why: &serde_json::Value) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let lifted = sqlx::query_scalar!(
        "UPDATE suppressions SET lifted_at = $3, lifted_by = $4
         WHERE business_id = $1 AND id = ANY($2) AND lifted_at IS NULL RETURNING id",
        business,
        ids,
        now,
        user,
    )
    .fetch_all(tx.conn())
    .await?;
    for id in lifted {
        tx.audit(AuditEntry::plain("suppression.lifted", id, why));
    }
    Ok(())
}

/// An address for the business's own do-not-contact list.
#[derive(Clone, Debug)]
pub struct ContactToSuppress<'a> {
    pub address: NewContact,
    /// Whose it is, where that is known.
    pub debtor_id: Option<Uuid>,
    /// A channel as the database spells it, or `ALL`.
    pub channel: &'static str,
    /// Why; sealed.
    pub note: &'a str,
}

/// Puts an address on the business's own list: it is contacted for nobody, on no account.
///
/// # Errors
/// User errors: NOT_FOUND for a person who is not the caller's, INVALID_INPUT for a note that does not fit, CONFLICT for an
/// address that stands on the list already.
pub async fn suppress_contact(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: ContactToSuppress<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::SuppressionSet).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_note(new.note)?;
    if let Some(debtor) = new.debtor_id {
        debtor_by_id(tx, debtor)
            .await?
            .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?;
    }
    let blind = keys.blind(&new.address.normalised());
    let (business, before) = (tx.business_id(), tx.now());
    let suppression = NewSuppression {
        debtor_id: new.debtor_id,
        address_blind: blind.as_slice(),
        kind: match new.address {
            NewContact::Phone(_) => AddressKind::Phone,
            NewContact::Email(_) => AddressKind::Email,
        },
        channel: new.channel,
        reason: SuppressionReason::Staff,
        since: tx.now(),
    };
    let stands = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM suppressions WHERE business_id = $1 AND address_blind = ANY($2) AND channel = $3
             AND reason = 'STAFF' AND lifted_at IS NULL AND created_at <= $4) AS "stands!""#,
        business,
        &keys.blinds(&new.address.normalised()),
        new.channel,
        before,
    )
    .fetch_one(tx.conn())
    .await?;
    if stands {
        let message = "This address stands on the list already.";
        return Err(UserError::at(UserErrorCode::Conflict, new.address.field(), message).into());
    }
    let id = suppress(tx, suppression).await?.id;
    let sealed = keys.seal(
        &keys.own_key(),
        "suppressions",
        "note_cipher",
        id,
        new.note.as_bytes(),
    )?;
    sqlx::query!(
        "UPDATE suppressions SET note_cipher = $3, key_version = $4 WHERE business_id = $1 AND id = $2",
        business,
        id,
        sealed,
        keys.blind_version(),
    )
    .execute(tx.conn())
    .await?;
    tell(tx, new.debtor_id);
    Ok(id)
}

/// Takes an address off the list: the person asked for contact again, or it was a mistake. That it stood, and why it ended,
/// stays on record.
///
/// # Errors
/// User errors: NOT_FOUND, INVALID_INPUT for a note that does not fit, CONFLICT for one that ended before, or that a hold
/// rests on, which is released instead, or that is the vendor's own.
pub async fn release_suppression(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: Uuid,
    note: &str,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::SuppressionRelease).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_note(note)?;
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT s.debtor_id, s.lifted_at, s.reason,
                EXISTS (SELECT FROM holds h WHERE h.business_id = $1 AND h.suppression_id = $2 AND h.lifted_at IS NULL)
                    AS "is_held!"
         FROM suppressions s WHERE s.business_id = $1 AND s.id = $2 FOR UPDATE"#,
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(|| UserError::not_found("id", "suppression"))?;
    if row.lifted_at.is_some() {
        return Err(UserError::at(UserErrorCode::Conflict, "id", "This suppression ended before.").into());
    }
    if SuppressionReason::parse(&row.reason) == Some(SuppressionReason::VendorBlocked) {
        let message = "The vendor delivers nothing to this address until its owner asks for it there (by texting START): to \
                       release it here would change nothing.";
        return Err(UserError::at(UserErrorCode::Conflict, "id", message).into());
    }
    if row.is_held {
        let message = "It comes of a text, and a hold rests on it: release the hold.";
        return Err(UserError::at(UserErrorCode::Conflict, "id", message).into());
    }
    let sealed = keys.seal(
        &keys.own_key(),
        "suppressions",
        "release_note_cipher",
        id,
        note.as_bytes(),
    )?;
    sqlx::query!(
        "UPDATE suppressions SET release_note_cipher = $3, release_key_version = $4 WHERE business_id = $1 AND id = $2",
        business,
        id,
        sealed,
        keys.blind_version(),
    )
    .execute(tx.conn())
    .await?;
    lift(tx, &[id], &json!({ "by": "STAFF" })).await?;
    tell(tx, row.debtor_id);
    Ok(())
}

fn check_note(note: &str) -> Result<(), UserError> {
    if (1..=1_000).contains(&note.trim().chars().count()) {
        Ok(())
    } else {
        Err(UserError::invalid("note", "Say why in 1 to 1,000 characters."))
    }
}

fn tell(tx: &mut TenantTx, debtor: Option<Uuid>) {
    tx.emit(LiveEvent {
        kind: "SUPPRESSIONS_CHANGED",
        debtor_id: debtor,
        ..LiveEvent::default()
    });
}

/// A suppression as it stands in the list.
#[derive(Clone, Debug)]
pub(super) struct SuppressionRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Option<Uuid>,
    pub(super) channel: String,
    pub(super) reason: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: Option<Uuid>,
    pub(super) lifted_at: Option<DateTime<Utc>>,
    pub(super) lifted_by: Option<Uuid>,
    pub(super) note_cipher: Option<Vec<u8>>,
    pub(super) key_version: Option<i32>,
    pub(super) release_note_cipher: Option<Vec<u8>>,
    pub(super) release_key_version: Option<i32>,
}

/// Which suppressions a list shows.
#[derive(Clone, Debug, Default)]
pub(super) struct SuppressionCriteria {
    pub(super) id: Option<Uuid>,
    pub(super) reasons: Option<Vec<String>>,
    /// Of one address, under every version of the key.
    pub(super) blinds: Option<Vec<Vec<u8>>>,
    /// Of a person, by all of their records: put on record for them, or of a number or address that they have or had.
    pub(super) of_person: Option<Vec<Uuid>>,
    pub(super) with_released: bool,
}

/// A page of the list, newest first.
pub(super) async fn suppressions(
    tx: &mut TenantTx,
    criteria: &SuppressionCriteria,
    page: &PageRequest,
    past: Option<Uuid>,
) -> Result<Vec<SuppressionRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        SuppressionRow,
        "SELECT id, debtor_id, channel, reason, created_at, created_by, lifted_at, lifted_by, note_cipher, key_version,
                release_note_cipher, release_key_version
         FROM suppressions
         WHERE business_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::text[] IS NULL OR reason = ANY($3))
           AND ($4::bytea[] IS NULL OR address_blind = ANY($4)) AND ($5 OR lifted_at IS NULL)
           AND ($6::uuid IS NULL OR id = $6)
           AND ($8::uuid[] IS NULL OR id = ANY(ARRAY(
             SELECT x.id FROM suppressions x WHERE x.business_id = $1 AND x.debtor_id = ANY($8)
             UNION
             SELECT x.id FROM contact_points o JOIN suppressions x
                 ON x.business_id = o.business_id AND x.address_blind = coalesce(o.blind_index, o.removed_blind)
              WHERE o.business_id = $1 AND o.debtor_id = ANY($8))))
         ORDER BY id DESC LIMIT $7",
        business,
        past,
        criteria.reasons.as_deref(),
        criteria.blinds.as_deref(),
        criteria.with_released,
        criteria.id,
        page.fetch(),
        criteria.of_person.as_deref(),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// One suppression, standing or ended.
pub(super) async fn suppression_by_id(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<SuppressionRow>, DbError> {
    let criteria = SuppressionCriteria {
        id: Some(id),
        with_released: true,
        ..SuppressionCriteria::default()
    };
    let page = PageRequest::one();
    Ok(suppressions(tx, &criteria, &page, None).await?.pop())
}

/// A suppression that stands on an address, as it is shown beside the address.
#[derive(Clone, Debug)]
pub(super) struct StandingSuppression {
    pub(super) channel: String,
    pub(super) reason: String,
    pub(super) created_at: DateTime<Utc>,
}

/// What stands on each of these addresses (normalised), oldest first, in one statement; those on which nothing does are
/// left out.
pub(super) async fn standing_on(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    addresses: &[String],
) -> Result<HashMap<String, Vec<StandingSuppression>>, DbError> {
    // One that was written down under an older version of the key counts as well.
    let prints: HashMap<Vec<u8>, &String> = addresses
        .iter()
        .flat_map(|address| {
            keys.blinds(address)
                .into_iter()
                .map(move |print| (print, address))
        })
        .collect();
    let (business, wanted): (Uuid, Vec<Vec<u8>>) = (tx.business_id(), prints.keys().cloned().collect());
    let rows = sqlx::query!(
        "SELECT address_blind, channel, reason, created_at FROM suppressions
         WHERE business_id = $1 AND address_blind = ANY($2) AND lifted_at IS NULL
         ORDER BY created_at, id",
        business,
        &wanted,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found: HashMap<String, Vec<StandingSuppression>> = HashMap::new();
    for row in rows {
        if let Some(address) = prints.get(&row.address_blind) {
            found
                .entry((*address).clone())
                .or_default()
                .push(StandingSuppression {
                    channel: row.channel,
                    reason: row.reason,
                    created_at: row.created_at,
                });
        }
    }
    Ok(found)
}
