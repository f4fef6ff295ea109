//! A business's licences to collect, by state: the gate asks for them where the law of the debtor's state does.

use async_graphql::Enum;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{facts::Location, rule_set::RuleSet, zones::zones_of_state};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// More than there are states, for some of which there are several kinds.
const MOST: i64 = 500;
/// New York City asks for a licence of its own.
const CITY: &str = "NYC";
/// The zones of the United States are at most eleven hours behind UTC: until then a licence that begins today may not yet
/// have begun where the debtor is.
const BEHIND_UTC: TimeDelta = TimeDelta::hours(11);

/// What a licence is for.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum LicenseKind {
    /// To collect for others: the one that lets a debtor be contacted where their state or city asks for a licence.
    CollectionAgency,
    /// To collect debts that were bought. For the record: it is none to collect for others. Where one licence is both, record
    /// it as COLLECTION_AGENCY.
    DebtBuyer,
    /// Another registration or permit, for the record.
    Other,
}

impl LicenseKind {
    const ALL: [Self; 3] = [Self::CollectionAgency, Self::DebtBuyer, Self::Other];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CollectionAgency => "COLLECTION_AGENCY",
            Self::DebtBuyer => "DEBT_BUYER",
            Self::Other => "OTHER",
        }
    }

    /// The reverse of [`LicenseKind::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A licence about to stand.
#[derive(Clone, Debug)]
pub struct NewLicense {
    /// The one that changes; a new one where none.
    pub id: Option<Uuid>,
    /// USPS code, or `NYC`.
    pub state: String,
    pub kind: LicenseKind,
    pub number: String,
    pub valid_from: NaiveDate,
    /// The last day; none where it does not end.
    pub valid_until: Option<NaiveDate>,
}

/// A licence as it stands.
#[derive(Clone, Debug)]
pub(super) struct LicenseRow {
    pub(super) id: Uuid,
    pub(super) state: String,
    pub(super) kind: String,
    pub(super) number: String,
    pub(super) valid_from: NaiveDate,
    pub(super) valid_until: Option<NaiveDate>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) recorded_by: Option<Uuid>,
    pub(super) removed_at: Option<DateTime<Utc>>,
}

/// Writes a licence down, or changes one. Returns its id.
///
/// # Errors
/// User errors: NOT_FOUND for one that is not there or was removed, INVALID_INPUT for what no licence can be, CONFLICT for one
/// that stands already, QUOTA_EXCEEDED past five hundred.
pub async fn set_license(tx: &mut TenantTx, new: NewLicense) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::LicenseManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let new = checked(new)?;
    let id = match new.id {
        Some(id) => change(tx, id, &new).await?,
        None => insert(tx, &new).await?,
    };
    let details = json!({
        "state": new.state, "kind": new.kind.as_str(), "number": new.number, "valid_from": new.valid_from,
        "valid_until": new.valid_until,
    });
    tx.audit(AuditEntry::plain("license.set", id, &details));
    Ok(id)
}

fn checked(mut new: NewLicense) -> Result<NewLicense, UserError> {
    new.state = new.state.trim().to_ascii_uppercase();
    if new.state != CITY && (new.state.len() != 2 || zones_of_state(&new.state).is_empty()) {
        let message = "Give the USPS code of a state, such as CA, or NYC.";
        return Err(UserError::invalid("state", message));
    }
    new.number = new.number.trim().to_owned();
    let is_plain = new.number.chars().all(|c| !c.is_control());
    if !(1..=60).contains(&new.number.chars().count()) || !is_plain {
        return Err(UserError::invalid(
            "number",
            "Give the licence's number in 1 to 60 characters.",
        ));
    }
    if new.valid_until.is_some_and(|until| until < new.valid_from) {
        return Err(UserError::invalid(
            "validUntil",
            "The last day is before the first.",
        ));
    }
    Ok(new)
}

fn stands_already(error: DbError) -> OpError {
    match error {
        DbError::Constraint(name) if name == "business_licenses_current" => {
            let message = "This licence stands on record already: change that one.";
            UserError::at(UserErrorCode::Conflict, "number", message).into()
        }
        other => other.into(),
    }
}

async fn insert(tx: &mut TenantTx, new: &NewLicense) -> Result<Uuid, OpError> {
    let (business, now, user, id) = (tx.business_id(), tx.now(), tx.ctx().user_id(), ids::next());
    let stand = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM business_licenses WHERE business_id = $1 AND removed_at IS NULL"#,
        business,
    )
    .fetch_one(tx.conn())
    .await?;
    if stand >= MOST {
        let message = "Five hundred licences stand on record: remove those that count no more.";
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    sqlx::query!(
        "INSERT INTO business_licenses (business_id, id, state, kind, number, valid_from, valid_until, recorded_at,
             recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        business,
        id,
        new.state,
        new.kind.as_str(),
        new.number,
        new.valid_from,
        new.valid_until,
        now,
        user,
    )
    .execute(tx.conn())
    .await
    .map_err(|error| stands_already(error.into()))?;
    Ok(id)
}

/// A licence with another end is warned of again.
async fn change(tx: &mut TenantTx, id: Uuid, new: &NewLicense) -> Result<Uuid, OpError> {
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let changed = sqlx::query!(
        "UPDATE business_licenses SET state = $3, kind = $4, number = $5, valid_from = $6, valid_until = $7,
             recorded_at = $8, recorded_by = $9,
             warned_at = CASE WHEN valid_until IS NOT DISTINCT FROM $7 THEN warned_at END
         WHERE business_id = $1 AND id = $2 AND removed_at IS NULL",
        business,
        id,
        new.state,
        new.kind.as_str(),
        new.number,
        new.valid_from,
        new.valid_until,
        now,
        user,
    )
    .execute(tx.conn())
    .await
    .map_err(|error| stands_already(error.into()))?;
    if changed.rows_affected() == 0 {
        return Err(UserError::not_found("id", "licence").into());
    }
    Ok(id)
}

/// Takes a licence off the record: from the next decision on it counts no more. That it stood stays on record.
///
/// # Errors
/// User errors: NOT_FOUND for one that is not there, CONFLICT for one that was removed.
pub async fn remove_license(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::LicenseManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let before = license_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "licence"))?;
    let removed = sqlx::query!(
        "UPDATE business_licenses SET removed_at = $3, removed_by = $4
         WHERE business_id = $1 AND id = $2 AND removed_at IS NULL",
        business,
        id,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    if removed.rows_affected() == 0 {
        return Err(UserError::at(UserErrorCode::Conflict, "id", "This licence was removed before.").into());
    }
    let details = json!({ "state": before.state, "number": before.number });
    tx.audit(AuditEntry::plain("license.removed", id, &details));
    Ok(())
}

/// One licence, removed or not.
pub(super) async fn license_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<LicenseRow>, DbError> {
    Ok(rows(tx, Some(id), true).await?.pop())
}

/// The licences that stand, by state; with those that were removed or have run out where `all`.
pub(super) async fn licenses(tx: &mut TenantTx, all: bool) -> Result<Vec<LicenseRow>, DbError> {
    rows(tx, None, all).await
}

async fn rows(tx: &mut TenantTx, id: Option<Uuid>, all: bool) -> Result<Vec<LicenseRow>, DbError> {
    let (business, today) = (tx.business_id(), tx.now().date_naive());
    Ok(sqlx::query_as!(
        LicenseRow,
        "SELECT id, state, kind, number, valid_from, valid_until, recorded_at, recorded_by, removed_at
         FROM business_licenses
         WHERE business_id = $1 AND ($2::uuid IS NULL OR id = $2)
           AND ($3 OR (removed_at IS NULL AND (valid_until IS NULL OR valid_until >= $4)))
         ORDER BY state, kind, valid_from, id LIMIT $5",
        business,
        id,
        all,
        today,
        MOST,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Between which days a licence has to be valid to be valid wherever the debtor may be at `now`.
pub(super) fn days_of(now: DateTime<Utc>) -> (NaiveDate, NaiveDate) {
    ((now - BEHIND_UTC).date_naive(), now.date_naive())
}

/// Whether the law asks a collector for a licence where the debtor lives, and where the business holds all that it asks for:
/// `*` is wherever they may live. Without an address they may live in any state of the number's area code; without that, in
/// any at all.
pub(super) fn license_facts(
    location: &Location,
    mut held: Vec<String>,
    now: DateTime<Utc>,
) -> (Option<bool>, Vec<String>) {
    let (earliest, latest) = days_of(now);
    let mut asking = RuleSet::current()
        .states()
        .filter(|row| row.licence && row.is_in_force(earliest, latest))
        .filter(|row| may_ask(location, &row.code))
        .peekable();
    if asking.peek().is_none() {
        return (Some(false), held);
    }
    let has_all = asking.all(|row| held.contains(&row.code));
    // The rule asks for the state: of a New Yorker's city it knows by this.
    let place = location.address_state.as_deref().unwrap_or("*");
    held.retain(|code| code != place);
    if has_all {
        held.push(place.to_owned());
    }
    (Some(true), held)
}

/// Whether the law of the state or city may be that of where the debtor lives.
fn may_ask(location: &Location, code: &str) -> bool {
    let is_city = code == CITY && location.nyc_resident == Some(true);
    is_city
        || match (&location.address_state, &location.possible_states) {
            (Some(state), _) => state == code,
            (None, Some(possible)) => possible.iter().any(|state| state == code),
            (None, None) => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_asks_for_a_licence_is_told_from_one_that_does_not() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let held = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
        let facts = |state: Option<&str>, city, codes: &[&str]| {
            let location = Location {
                address_state: state.map(str::to_owned),
                nyc_resident: city,
                ..Location::default()
            };
            license_facts(&location, held(codes), now)
        };
        assert_eq!(facts(Some("CA"), None, &[]), (Some(true), held(&[])));
        assert_eq!(facts(Some("CA"), None, &["CA"]), (Some(true), held(&["CA"])));
        assert_eq!(facts(Some("GA"), None, &["CA"]), (Some(false), held(&["CA"])));
        // The city's licence is the city's: the state asks for none.
        assert_eq!(facts(Some("NY"), Some(false), &[]), (Some(false), held(&[])));
        assert_eq!(facts(Some("NY"), Some(true), &["NY"]), (Some(true), held(&[])));
        assert_eq!(
            facts(Some("NY"), Some(true), &["NYC"]),
            (Some(true), held(&["NYC", "NY"]))
        );
        assert_eq!(facts(Some("NJ"), Some(false), &[]), (Some(false), held(&[])));
    }

    #[test]
    fn where_the_state_is_not_known_every_licence_is_asked_for_that_may_be_needed() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let asks = |possible: Option<&[&str]>, codes: &[&str]| {
            let owned = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
            let location = Location {
                possible_states: possible.map(owned),
                ..Location::default()
            };
            let (asks, held) = license_facts(&location, owned(codes), now);
            (asks, held.contains(&"*".to_owned()))
        };
        assert_eq!(asks(Some(&["CA"]), &[]), (Some(true), false));
        assert_eq!(asks(Some(&["CA"]), &["NV"]), (Some(true), false));
        assert_eq!(asks(Some(&["CA"]), &["CA"]), (Some(true), true));
        assert_eq!(asks(Some(&["GA"]), &[]), (Some(false), false));
        assert_eq!(asks(Some(&["NY", "NYC"]), &["NY"]), (Some(true), false));
        assert_eq!(asks(Some(&["NY", "NYC"]), &["NYC"]), (Some(true), true));
        // Nothing is known of where they live.
        assert_eq!(asks(None, &["CA", "NYC"]), (Some(true), false));
        let all: Vec<&str> = RuleSet::current()
            .states()
            .filter(|row| row.licence)
            .map(|row| row.code.as_str())
            .collect();
        assert_eq!(asks(None, &all), (Some(true), true));
    }
}
