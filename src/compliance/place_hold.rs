//! Placing, confirming and releasing holds. Whoever places one, it takes the same path.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    disputes::{Found, file_found, looked_at_hold, withdraw_with_hold},
    holds::{HoldKind, HoldRow, HoldSource, hold_by_id},
    record_of::record_of,
    suppressions::lift,
};
use crate::{
    access::{Cell, authorize},
    accounts::{DebtorRow, debtor_by_id, lock_person, mark_wrong_number},
    platform::{
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::Keyring,
    },
};

/// A hold that a member of staff sets.
#[derive(Clone, Copy, Debug)]
pub struct NewHold<'a> {
    /// The person; when none, that of the debt.
    pub debtor_id: Option<Uuid>,
    /// The debt that it concerns or was learned of.
    pub account_id: Option<Uuid>,
    pub kind: HoldKind,
    /// Where it is known from.
    pub reason: &'a str,
}

/// A hold about to stand.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Of several hold ids none is guessed: it seals the reason.
    pub id: Uuid,
    /// The record of the person.
    pub debtor_id: Uuid,
    /// The debt that it was learned of; kept where the kind is of a debt.
    pub account_id: Option<Uuid>,
    pub kind: HoldKind,
    pub source: HoldSource,
    /// Where it is known from, sealed under the person's record key.
    pub reason_cipher: Option<Vec<u8>>,
    /// The received text that says so.
    pub event_id: Option<Uuid>,
    /// Of a wrong party's and of a request to cease: what it does to the number that the text came from.
    pub suppression_id: Option<Uuid>,
    /// Since when what it says counts, where that is known from before; now when none.
    pub since: Option<DateTime<Utc>>,
}

impl Placement {
    /// A hold on a person, of a source, and nothing more known of it.
    pub fn new(debtor_id: Uuid, kind: HoldKind, source: HoldSource) -> Self {
        Self {
            id: ids::next(),
            debtor_id,
            account_id: None,
            kind,
            source,
            reason_cipher: None,
            event_id: None,
            suppression_id: None,
            since: None,
        }
    }
}

/// Places a hold, with its audit row and live event; false when one of its kind stands already. The caller holds the
/// person's lock where something is decided about them at the same time.
///
/// # Errors
/// [`DbError`] as met.
pub async fn place_hold(tx: &mut TenantTx, new: Placement) -> Result<bool, DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let account = new.account_id.filter(|_| !new.kind.binds_the_person());
    let placed = sqlx::query!(
        "INSERT INTO holds (business_id, id, debtor_id, account_id, kind, reason_cipher, placed_by, placed_at, source,
             event_id, suppression_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        business,
        new.id,
        new.debtor_id,
        account,
        new.kind.as_str(),
        new.reason_cipher,
        user,
        new.since.unwrap_or(now),
        new.source.as_str(),
        new.event_id,
        new.suppression_id,
    )
    .execute(tx.conn())
    .await?;
    if placed.rows_affected() == 0 {
        return Ok(false);
    }
    let details = json!({
        "kind": new.kind.as_str(), "source": new.source.as_str(), "account": account, "learned_of": new.account_id,
    });
    tx.audit(AuditEntry::plain("hold.placed", new.id, &details).about(Some(new.debtor_id)));
    tell(tx, "HOLD_PLACED", new.debtor_id, account);
    Ok(true)
}

/// Places a hold on the record that is named and returns its id. Of a person with several records each keeps its own, so
/// that none is missing when they turn out to be two people after all.
///
/// # Errors
/// User errors: NOT_FOUND for a person or debt that is not the caller's, INVALID_INPUT for a reason that does not fit and
/// for a wrong party, which is of a number, CONFLICT for a hold that stands already or a person whose records were
/// destroyed.
pub async fn set_hold(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewHold<'_>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::HoldSet).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    if !(1..=1_000).contains(&new.reason.trim().chars().count()) {
        return Err(UserError::invalid("reason", "Say why in 1 to 1,000 characters.").into());
    }
    if new.kind == HoldKind::WrongParty {
        let message =
            "A wrong party is of one number: say so with updateContactPoint, validity WRONG_NUMBER.";
        return Err(UserError::invalid("kind", message).into());
    }
    let debtor = record_of(
        tx,
        new.debtor_id,
        new.account_id,
        "Say on whom: give a debtor or one of their accounts.",
    )
    .await?;
    lock_person(tx, debtor.id).await?;
    // Who belongs to the person is certain only now.
    let debtor = debtor_by_id(tx, debtor.id).await?.unwrap_or(debtor);
    let placement = Placement::new(debtor.id, new.kind, HoldSource::Person);
    let id = placement.id;
    let reason = seal(tx, keyring, db, &debtor, ("reason_cipher", id), new.reason).await?;
    let placement = Placement {
        account_id: new.account_id,
        reason_cipher: Some(reason),
        ..placement
    };
    if !place_hold(tx, placement).await? {
        let message = "Such a hold stands already: leave it, confirm it, or release it first.";
        return Err(conflict("kind", message).into());
    }
    if new.kind == HoldKind::Dispute {
        let found = Found {
            debtor_id: debtor.id,
            account_id: new.account_id,
            hold_id: id,
            text: None,
        };
        file_found(tx, found).await?;
    }
    Ok(id)
}

/// A person has looked at what a text said, and it is so. A number that is confirmed to reach somebody else is marked so on
/// the person's record.
///
/// # Errors
/// User errors: NOT_FOUND for a hold that is not the caller's, INVALID_INPUT for a note that does not fit, CONFLICT for one
/// that was confirmed or released before, or that a person set in the first place.
pub async fn confirm_hold(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    note: Option<&str>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::HoldSet).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let Some(user) = tx.ctx().user_id() else {
        let message = "A text was read by a program: a person confirms what it says, not an API key.";
        return Err(conflict("holdId", message).into());
    };
    if note.is_some_and(|note| !(1..=1_000).contains(&note.trim().chars().count())) {
        return Err(UserError::invalid("note", "Write 1 to 1,000 characters, or nothing.").into());
    }
    let hold = locked(tx, "holdId", id).await?;
    if !hold.needs_confirmation() {
        let message = "There is nothing to confirm: it was confirmed or released before, or a person set it.";
        return Err(conflict("holdId", message).into());
    }
    let sealed = match note {
        Some(note) => {
            let debtor = debtor_by_id(tx, hold.debtor_id)
                .await?
                .ok_or_else(|| UserError::not_found("holdId", "hold"))?;
            Some(seal(tx, keyring, db, &debtor, ("confirmation_cipher", id), note).await?)
        }
        None => None,
    };
    let (business, now) = (tx.business_id(), tx.now());
    sqlx::query!(
        "UPDATE holds SET confirmed_at = $3, confirmed_by = $4, confirmation_cipher = $5 WHERE business_id = $1 AND id = $2",
        business,
        id,
        now,
        user,
        sealed,
    )
    .execute(tx.conn())
    .await?;
    if hold.kind == HoldKind::Dispute.as_str() {
        looked_at_hold(tx, id).await?;
    }
    let is_wrong_party = hold.kind == HoldKind::WrongParty.as_str();
    if let Some(suppression) = hold.suppression_id.filter(|_| is_wrong_party) {
        let address = address_of(tx, suppression).await?;
        mark_wrong_number(tx, hold.debtor_id, &address).await?;
    }
    let details = json!({ "kind": hold.kind, "account": hold.account_id });
    tx.audit(AuditEntry::plain("hold.confirmed", id, &details).about(Some(hold.debtor_id)));
    tell(tx, "HOLD_CONFIRMED", hold.debtor_id, hold.account_id);
    Ok(())
}

/// Ends a hold; that it stood stays on record. The suppression of the number that it was said from goes with it, unless a
/// hold on somebody else rests on that too. Of a dispute's hold, the disputes that were not answered count as taken back: it
/// takes who may end a dispute, and a reason, as that does.
///
/// # Errors
/// User errors: NOT_FOUND for a hold that is not the caller's, CONFLICT for one that was released before, INVALID_INPUT for a
/// reason that does not fit, or is missing where a dispute ends. FORBIDDEN for a dispute's hold without `dispute:resolve`.
pub async fn release_hold(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    id: Uuid,
    reason: Option<&str>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::HoldRelease).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let hold = locked(tx, "id", id).await?;
    if hold.lifted_at.is_some() {
        return Err(conflict("id", "This hold was released before.").into());
    }
    let says_why = reason.map(|reason| (1..=1_000).contains(&reason.trim().chars().count()));
    if says_why == Some(false) {
        return Err(UserError::invalid("reason", "Say why in 1 to 1,000 characters.").into());
    }
    if hold.kind == HoldKind::Dispute.as_str() {
        authorize(tx.ctx(), Cell::DisputeResolve).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
        let message = "With this hold the disputes end that it stands for: say why they count as taken back.";
        let reason = reason.ok_or_else(|| UserError::invalid("reason", message))?;
        let keys = keyring.business(db, tx.business_id()).await?;
        withdraw_with_hold(tx, &keys, id, reason).await?;
    }
    lift_hold(tx, id).await?;
    if let Some(suppression) = hold.suppression_id {
        let business = tx.business_id();
        let others = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM holds
                 WHERE business_id = $1 AND suppression_id = $2 AND lifted_at IS NULL) AS "others!""#,
            business,
            suppression,
        )
        .fetch_one(tx.conn())
        .await?;
        if !others {
            lift(tx, &[suppression], &json!({ "by": "HOLD_RELEASED", "hold": id })).await?;
        }
    }
    Ok(())
}

/// Ends a hold that stands; one that was released before stays as it is.
pub(super) async fn lift_hold(tx: &mut TenantTx, id: Uuid) -> Result<(), DbError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let lifted = sqlx::query!(
        "UPDATE holds SET lifted_at = $3, lifted_by = $4
         WHERE business_id = $1 AND id = $2 AND lifted_at IS NULL RETURNING kind, debtor_id, account_id",
        business,
        id,
        now,
        user,
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(hold) = lifted {
        let details = json!({ "kind": hold.kind, "account": hold.account_id });
        tx.audit(AuditEntry::plain("hold.released", id, &details).about(Some(hold.debtor_id)));
        tell(tx, "HOLD_RELEASED", hold.debtor_id, hold.account_id);
    }
    Ok(())
}

/// The hold as it is once nobody else changes it.
async fn locked(tx: &mut TenantTx, field: &'static str, id: Uuid) -> Result<HoldRow, OpError> {
    let no_hold = || UserError::not_found(field, "hold");
    hold_by_id(tx, id).await?.ok_or_else(no_hold)?;
    let business = tx.business_id();
    sqlx::query!(
        "SELECT id FROM holds WHERE business_id = $1 AND id = $2 FOR UPDATE",
        business,
        id
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(hold_by_id(tx, id).await?.ok_or_else(no_hold)?)
}

/// The number that a suppression is of, as it is indexed.
async fn address_of(tx: &mut TenantTx, suppression: Uuid) -> Result<Vec<u8>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        "SELECT address_blind FROM suppressions WHERE business_id = $1 AND id = $2",
        business,
        suppression,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Seals a text of a hold under the person's record key.
async fn seal(
    tx: &TenantTx,
    keyring: &Keyring,
    db: &Db,
    debtor: &DebtorRow,
    (column, hold): (&'static str, Uuid),
    text: &str,
) -> Result<Vec<u8>, OpError> {
    let keys = keyring.business(db, tx.business_id()).await?;
    let record = keys
        .data_key(&debtor.keys.record)?
        .ok_or_else(|| conflict("debtorId", "This person's records were destroyed."))?;
    Ok(keys.seal(&record, "holds", column, hold, text.as_bytes())?)
}

fn conflict(field: &'static str, message: &str) -> UserError {
    UserError::at(UserErrorCode::Conflict, field, message)
}

fn tell(tx: &mut TenantTx, kind: &'static str, debtor: Uuid, account: Option<Uuid>) {
    tx.emit(LiveEvent {
        kind,
        account_id: account,
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}
