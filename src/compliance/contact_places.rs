//! Places where a person is not to be contacted, or may be, as staff learn of it: they called it inconvenient (12 CFR
//! 1006.6(b)(1)(ii)), their employer prohibits contact at work or there is reason to know that it does (15 USC 1692c(a)(3);
//! 12 CFR 1006.6(b)(3)), or the employer is known to allow it. Of whatever reaches them at the place, or of one number or e-mail
//! address. With the words and whose they are as evidence, until its own end or until it is taken back; never changed.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::sealed_record::{NewRecord, Seal, check_text, destroyed};
use crate::{
    access::{Cell, authorize},
    accounts::{Channel, DebtorRow, debtor_by_id, debtors_by_ids},
    platform::{
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, TenantKeys, WrappedKey},
    },
};

pub(super) const TABLE: &str = "contact_places";

/// At most this many stand on one record.
const MOST: i64 = 20;

/// Where a contact reaches a person.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum Place {
    /// At work: the numbers and e-mail addresses whose use is WORK.
    Work,
    /// At home: the telephone numbers whose use is HOME.
    Home,
    /// Wherever the one number or address reaches them that the record names, such as a relative's house.
    Other,
}

impl Place {
    const ALL: [Self; 3] = [Self::Work, Self::Home, Self::Other];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Work => "WORK",
            Self::Home => "HOME",
            Self::Other => "OTHER",
        }
    }

    /// The reverse; what the table's CHECK does not know is nowhere.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == word)
    }
}

/// What is known of contact at a place.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum PlaceStanding {
    /// The person does not want to be contacted there. Nobody does, until they take it back.
    Inconvenient,
    /// The employer prohibits it, or there is reason to know that it does. Of a place of work alone.
    EmployerProhibits,
    /// The employer is known to allow it: without such a record nobody is called at work. Of a place of work alone; where another
    /// record says that it is prohibited, that one counts.
    EmployerAllows,
}

impl PlaceStanding {
    const ALL: [Self; 3] = [Self::Inconvenient, Self::EmployerProhibits, Self::EmployerAllows];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Inconvenient => "INCONVENIENT",
            Self::EmployerProhibits => "EMPLOYER_PROHIBITS",
            Self::EmployerAllows => "EMPLOYER_ALLOWS",
        }
    }

    /// The reverse; what the table's CHECK does not know bars.
    pub(super) fn parse(word: &str) -> Self {
        let found = Self::ALL.into_iter().find(|standing| standing.as_str() == word);
        found.unwrap_or(Self::Inconvenient)
    }
}

/// From whom it is known.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum PlaceSource {
    /// The person said so.
    Debtor,
    /// The employer said or wrote so.
    Employer,
    /// It stands in the creditor's file: that counts as if it had been said to the business itself.
    Creditor,
    /// Somebody or something else, such as a notice on the employer's own page.
    Other,
}

impl PlaceSource {
    const ALL: [Self; 4] = [Self::Debtor, Self::Employer, Self::Creditor, Self::Other];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Debtor => "DEBTOR",
            Self::Employer => "EMPLOYER",
            Self::Creditor => "CREDITOR",
            Self::Other => "OTHER",
        }
    }

    /// The reverse.
    pub(super) fn parse(word: &str) -> Self {
        let found = Self::ALL.into_iter().find(|source| source.as_str() == word);
        found.unwrap_or(Self::Other)
    }
}

/// What staff learned of a place.
#[derive(Clone, Debug)]
pub struct NewContactPlace<'a> {
    pub debtor_id: Uuid,
    /// The one number or address that it is of.
    pub contact_point_id: Option<Uuid>,
    pub place: Place,
    pub standing: PlaceStanding,
    /// Every channel when none.
    pub channels: Option<Vec<Channel>>,
    pub source: PlaceSource,
    /// What was said or written, and where that is kept.
    pub statement: &'a str,
    /// When it was said; now when none.
    pub stated_at: Option<DateTime<Utc>>,
    /// From when on it counts no more.
    pub ends_at: Option<DateTime<Utc>>,
}

/// A record, its texts sealed.
#[derive(Clone, Debug)]
pub(super) struct ContactPlaceRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) contact_point_id: Option<Uuid>,
    pub(super) place: String,
    pub(super) standing: String,
    pub(super) channels: Option<Vec<String>>,
    pub(super) source: String,
    pub(super) statement_cipher: Vec<u8>,
    pub(super) withdrawal_cipher: Option<Vec<u8>>,
    pub(super) stated_at: DateTime<Utc>,
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) recorded_by: Option<Uuid>,
    pub(super) withdrawn_at: Option<DateTime<Utc>>,
    pub(super) withdrawn_by: Option<Uuid>,
    key_id: Uuid,
    key_version: i32,
    wrapped: Option<Vec<u8>>,
}

impl ContactPlaceRow {
    /// The person's record key.
    pub(super) fn key(&self) -> WrappedKey {
        WrappedKey {
            id: self.key_id,
            business_key_version: self.key_version,
            wrapped: self.wrapped.clone(),
        }
    }
}

/// Records what was learned and returns the record's id. What lets the gate allow more takes who may release holds.
///
/// # Errors
/// User errors: NOT_FOUND for a person or contact point that is not the caller's, INVALID_INPUT, CONFLICT for too many or for a
/// person whose records were destroyed.
pub async fn record_contact_place(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    new: NewContactPlace<'_>,
) -> Result<Uuid, OpError> {
    let cell = match new.standing {
        PlaceStanding::EmployerAllows => Cell::HoldRelease,
        _ => Cell::HoldSet,
    };
    authorize(tx.ctx(), cell).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check(&new, tx.now())?;
    let debtor = debtor_by_id(tx, new.debtor_id)
        .await?
        .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?;
    let owner = owner_of_point(tx, debtor, new.contact_point_id).await?;
    let record = NewRecord::begin(tx, (keyring, db), TABLE, (owner, "debtorId")).await?;
    if standing_count(tx, record.owner.id).await? >= MOST {
        let message = "Twenty places are recorded: withdraw those that hold no more first.";
        return Err(UserError::at(UserErrorCode::Conflict, "debtorId", message).into());
    }
    let (business, id, user) = (tx.business_id(), record.id, tx.ctx().user_id());
    let channels: Option<Vec<String>> = new.channels.map(|channels| {
        let words = channels.into_iter().map(Channel::as_str);
        words.map(str::to_owned).collect()
    });
    let stated_at = new.stated_at.unwrap_or(record.now);
    sqlx::query!(
        "INSERT INTO contact_places (business_id, id, debtor_id, contact_point_id, place, standing, channels, source,
             statement_cipher, stated_at, ends_at, recorded_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        business,
        id,
        record.owner.id,
        new.contact_point_id,
        new.place.as_str(),
        new.standing.as_str(),
        channels.as_deref(),
        new.source.as_str(),
        record.seal("statement_cipher", new.statement)?,
        stated_at,
        new.ends_at,
        record.now,
        user,
    )
    .execute(tx.conn())
    .await?;
    let details = json!({ "place": new.place.as_str(), "standing": new.standing.as_str(), "channels": channels,
        "source": new.source.as_str(), "contact_point": new.contact_point_id, "stated_at": stated_at,
        "ends_at": new.ends_at });
    tx.audit(AuditEntry::plain("contact_place.recorded", id, &details).about(Some(record.owner.id)));
    tell(tx, record.owner.id);
    Ok(id)
}

/// A text's words that its writer is not to be contacted at work: on each of the records of those whose number it is, once, until
/// staff take it back. The caller has locked these people.
///
/// # Errors
/// [`OpError`] as met.
pub(super) async fn record_said_of_work(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    (people, at): (&[Uuid], DateTime<Utc>),
    words: &str,
) -> Result<(), OpError> {
    let (mut records, mut owners, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
    for debtor in debtors_by_ids(tx, people).await? {
        // Nothing is written about a person whose record key is gone.
        let Some(key) = keys.data_key(&debtor.keys.record)? else {
            continue;
        };
        let id = ids::next();
        sealed.push(keys.seal(&key, TABLE, "statement_cipher", id, words.trim().as_bytes())?);
        records.push(id);
        owners.push(debtor.id);
    }
    let (business, now) = (tx.business_id(), tx.now());
    let recorded = sqlx::query!(
        "INSERT INTO contact_places (business_id, id, debtor_id, place, standing, source, statement_cipher, stated_at, recorded_at)
         SELECT $1, n.id, n.debtor_id, 'WORK', 'INCONVENIENT', 'DEBTOR', n.statement, $5, $6
         FROM unnest($2::uuid[], $3::uuid[], $4::bytea[]) AS n(id, debtor_id, statement)
         WHERE NOT EXISTS (SELECT FROM contact_places c
             WHERE c.business_id = $1 AND c.debtor_id = n.debtor_id AND c.place = 'WORK' AND c.standing = 'INCONVENIENT'
               AND c.contact_point_id IS NULL AND c.channels IS NULL AND c.ends_at IS NULL AND c.withdrawn_at IS NULL)
         RETURNING id, debtor_id",
        business,
        &records,
        &owners,
        &sealed,
        at,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in recorded {
        let details =
            json!({ "place": "WORK", "standing": "INCONVENIENT", "source": "DEBTOR", "stated_at": at });
        tx.audit(AuditEntry::plain("contact_place.recorded", row.id, &details).about(Some(row.debtor_id)));
        tell(tx, row.debtor_id);
    }
    Ok(())
}

/// Ends a record because it holds no more, or never held; that it stood stays on record.
///
/// # Errors
/// User errors: NOT_FOUND for one that is not the caller's, INVALID_INPUT for a reason that is empty or too long, CONFLICT for one
/// that was withdrawn before or whose person's records were destroyed.
pub async fn withdraw_contact_place(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    (id, reason): (Uuid, &str),
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::HoldRelease).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    check_text("reason", reason)?;
    let row = contact_place_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "place"))?;
    let seal = Seal::of_row(tx, (keyring, db), (TABLE, id), &row.key()).await?;
    let sealed = seal
        .ok_or_else(|| destroyed("id"))?
        .text("withdrawal_cipher", reason)?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let withdrawn = sqlx::query!(
        "UPDATE contact_places SET withdrawn_at = $3, withdrawn_by = $4, withdrawal_cipher = $5
         WHERE business_id = $1 AND id = $2 AND withdrawn_at IS NULL",
        business,
        id,
        now,
        user,
        sealed,
    )
    .execute(tx.conn())
    .await?;
    if withdrawn.rows_affected() == 0 {
        return Err(UserError::at(UserErrorCode::Conflict, "id", "It was withdrawn before.").into());
    }
    let details = json!({ "place": row.place, "standing": row.standing });
    tx.audit(AuditEntry::plain("contact_place.withdrawn", id, &details).about(Some(row.debtor_id)));
    tell(tx, row.debtor_id);
    Ok(())
}

fn check(new: &NewContactPlace<'_>, now: DateTime<Utc>) -> Result<(), OpError> {
    let mut errors: Vec<UserError> = check_text("statement", new.statement).err().into_iter().collect();
    let mut wrong = |is_wrong: bool, field: &str, message: &str| {
        if is_wrong {
            errors.push(UserError::invalid(field, message));
        }
    };
    let is_of_employer = new.standing != PlaceStanding::Inconvenient;
    wrong(
        is_of_employer && new.place != Place::Work,
        "place",
        "What an employer prohibits or allows is of WORK: choose that place, or INCONVENIENT.",
    );
    wrong(
        new.place == Place::Other && new.contact_point_id.is_none(),
        "contactPointId",
        "Say which number or address reaches the person there.",
    );
    wrong(
        new.channels.as_ref().is_some_and(Vec::is_empty),
        "channels",
        "Name at least one, or leave it out for all of them.",
    );
    wrong(
        is_of_employer && new.channels.is_some(),
        "channels",
        "What an employer prohibits or allows holds for every channel: leave this out.",
    );
    wrong(
        new.stated_at.is_some_and(|at| at > now),
        "statedAt",
        "Say when it was said: not in the future.",
    );
    wrong(
        new.ends_at.is_some_and(|at| at <= now),
        "endsAt",
        "It has to end in the future: leave it out where nobody said until when.",
    );
    if errors.is_empty() {
        Ok(())
    } else {
        Err(OpError::User(errors))
    }
}

/// The record of the person that a contact point stands on; the one that was named where none is.
async fn owner_of_point(
    tx: &mut TenantTx,
    debtor: DebtorRow,
    point: Option<Uuid>,
) -> Result<DebtorRow, OpError> {
    let Some(point) = point else { return Ok(debtor) };
    let no_point = || UserError::not_found("contactPointId", "contact point of this debtor");
    let business = tx.business_id();
    let owner = sqlx::query_scalar!(
        "SELECT debtor_id FROM contact_points
         WHERE business_id = $1 AND id = $2 AND debtor_id = ANY($3) AND removed_at IS NULL",
        business,
        point,
        &debtor.members,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(no_point)?;
    Ok(debtor_by_id(tx, owner).await?.ok_or_else(no_point)?)
}

async fn standing_count(tx: &mut TenantTx, debtor: Uuid) -> Result<i64, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM contact_places
         WHERE business_id = $1 AND debtor_id = $2 AND withdrawn_at IS NULL AND (ends_at IS NULL OR ends_at > $3)"#,
        business,
        debtor,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

fn tell(tx: &mut TenantTx, debtor: Uuid) {
    tx.emit(LiveEvent {
        kind: "DEBTOR_UPDATED",
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}

/// One of them, standing or not, of a person within the caller's scope.
pub(super) async fn contact_place_by_id(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<ContactPlaceRow>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query_as!(
        ContactPlaceRow,
        "SELECT p.id, p.debtor_id, p.contact_point_id, p.place, p.standing, p.channels, p.source, p.statement_cipher,
                p.withdrawal_cipher, p.stated_at, p.ends_at, p.recorded_at, p.recorded_by, p.withdrawn_at, p.withdrawn_by,
                k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM contact_places p
         JOIN debtors d ON d.business_id = p.business_id AND d.id = p.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE p.business_id = $1 AND p.id = $2",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let is_seen = debtor_by_id(tx, row.debtor_id).await?.is_some();
    Ok(is_seen.then_some(row))
}

/// Those that stand on the people behind these records, oldest first, each with the record that was asked for. The people were
/// read within the caller's scope.
pub(super) async fn standing_places(
    tx: &mut TenantTx,
    debtors: &[Uuid],
) -> Result<Vec<(Uuid, ContactPlaceRow)>, DbError> {
    let (business, now) = (tx.business_id(), tx.now());
    let rows = sqlx::query!(
        "SELECT q.id AS asked, p.id, p.debtor_id, p.contact_point_id, p.place, p.standing, p.channels, p.source,
                p.statement_cipher, p.stated_at, p.ends_at, p.recorded_at, p.recorded_by, k.id AS key_id,
                k.business_key_version AS key_version, k.wrapped
         FROM debtors q
         JOIN debtors g ON g.business_id = q.business_id AND g.person_id = q.person_id
         JOIN contact_places p ON p.business_id = g.business_id AND p.debtor_id = g.id AND p.withdrawn_at IS NULL
            AND (p.ends_at IS NULL OR p.ends_at > $3)
         JOIN data_keys k ON k.business_id = g.business_id AND k.id = g.record_key_id
         WHERE q.business_id = $1 AND q.id = ANY($2)
         ORDER BY p.recorded_at, p.id",
        business,
        debtors,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let standing = ContactPlaceRow {
                id: row.id,
                debtor_id: row.debtor_id,
                contact_point_id: row.contact_point_id,
                place: row.place,
                standing: row.standing,
                channels: row.channels,
                source: row.source,
                statement_cipher: row.statement_cipher,
                withdrawal_cipher: None,
                stated_at: row.stated_at,
                ends_at: row.ends_at,
                recorded_at: row.recorded_at,
                recorded_by: row.recorded_by,
                withdrawn_at: None,
                withdrawn_by: None,
                key_id: row.key_id,
                key_version: row.key_version,
                wrapped: row.wrapped,
            };
            (row.asked, standing)
        })
        .collect())
}
