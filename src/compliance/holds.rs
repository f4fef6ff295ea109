//! Holds: what is known of a person or a debt that stops or shapes collection, with who said so and why. The gate
//! reads those that stand.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    accounts::{DebtorRow, debtor_by_id, lock_person, scoped_debtor_of_account},
    platform::{
        db::{AuditEntry, Db, DbError, LiveEvent, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
        keys::{Keyring, WrappedKey},
    },
};

/// What a hold says.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum HoldKind {
    /// An attorney represents the person: contact goes through the attorney (12 CFR 1006.6(b)(2)).
    AttorneyRepresented,
    /// A petition in bankruptcy stays all collection (11 USC 362(a)(6)). Of the person, hence of all their debts.
    Bankruptcy,
    /// The person asked in writing to be left alone (12 CFR 1006.6(c)). Of the person, hence of all their debts.
    CeaseContact,
    /// The person has died (12 CFR 1006.6(a)(4)). Of the person, hence of all their debts.
    Deceased,
    /// The debt is disputed: collection of it pauses until it is verified (12 CFR 1006.38(d)).
    Dispute,
    /// The business contacts the person no more, on no channel, but for one answer when they write again. Of
    /// the person, hence of all their debts.
    DoNotRecontact,
    /// The debt is said to come of identity theft (15 USC 1681m(g)): collection of it pauses as for a dispute.
    IdentityTheft,
    /// With a lawyer or court. Stops no contact by itself.
    Legal,
    /// The last payment failed. Stops no contact.
    PaymentFailed,
    /// In military service: no interest above the cap on a debt from before it (50 USC 3937). Of the person,
    /// hence of all their debts.
    Scra,
}

impl HoldKind {
    const ALL: [Self; 10] = [
        Self::AttorneyRepresented,
        Self::Bankruptcy,
        Self::CeaseContact,
        Self::Deceased,
        Self::Dispute,
        Self::DoNotRecontact,
        Self::IdentityTheft,
        Self::Legal,
        Self::PaymentFailed,
        Self::Scra,
    ];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttorneyRepresented => "ATTORNEY",
            Self::Bankruptcy => "BANKRUPTCY",
            Self::CeaseContact => "CEASE",
            Self::Deceased => "DECEASED",
            Self::Dispute => "DISPUTE",
            Self::DoNotRecontact => "DO_NOT_RECONTACT",
            Self::IdentityTheft => "IDENTITY_THEFT",
            Self::Legal => "LEGAL",
            Self::PaymentFailed => "PAYMENT_FAILED",
            Self::Scra => "SCRA",
        }
    }

    /// It is of the person, whatever debt it was learned of: it names none. The table's CHECK says the same.
    fn binds_the_person(self) -> bool {
        matches!(
            self,
            Self::Bankruptcy | Self::CeaseContact | Self::Deceased | Self::DoNotRecontact | Self::Scra
        )
    }

    /// The reverse of [`HoldKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A hold to be placed.
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

/// A hold, its reason sealed.
#[derive(Clone, Debug)]
pub(super) struct HoldRow {
    pub(super) id: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Option<Uuid>,
    pub(super) kind: String,
    pub(super) reason_cipher: Option<Vec<u8>>,
    pub(super) placed_by: Option<Uuid>,
    pub(super) placed_at: DateTime<Utc>,
    pub(super) lifted_by: Option<Uuid>,
    pub(super) lifted_at: Option<DateTime<Utc>>,
    pub(super) key: WrappedKey,
}

/// Places a hold on the record that is named and returns its id. Of a person with several records each keeps its own, so
/// that none is missing when they turn out to be two people after all.
///
/// # Errors
/// User errors: NOT_FOUND for a person or debt that is not the caller's, INVALID_INPUT for a reason that does not fit,
/// CONFLICT for a hold that stands already or a person whose records were destroyed.
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
    let debtor = whose(tx, &new).await?;
    lock_person(tx, debtor.id).await?;
    // Who belongs to the person is certain only now.
    let debtor = debtor_by_id(tx, debtor.id).await?.unwrap_or(debtor);
    let keys = keyring.business(db, tx.business_id()).await?;
    let record = keys.data_key(&debtor.keys.record)?.ok_or_else(|| {
        UserError::at(
            UserErrorCode::Conflict,
            "debtorId",
            "This person's records were destroyed.",
        )
    })?;
    let account = new.account_id.filter(|_| !new.kind.binds_the_person());
    let (business, now, id, user) = (tx.business_id(), tx.now(), ids::next(), tx.ctx().user_id());
    let reason = keys.seal(&record, "holds", "reason_cipher", id, new.reason.as_bytes())?;
    let placed = sqlx::query!(
        "INSERT INTO holds (business_id, id, debtor_id, account_id, kind, reason_cipher, placed_by, placed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        business,
        id,
        debtor.id,
        account,
        new.kind.as_str(),
        reason,
        user,
        now,
    )
    .execute(tx.conn())
    .await?;
    if placed.rows_affected() == 0 {
        let message = "Such a hold stands already: leave it, or release it first.";
        return Err(UserError::at(UserErrorCode::Conflict, "kind", message).into());
    }
    let details = json!({ "kind": new.kind.as_str(), "account": account, "learned_of": new.account_id });
    tx.audit(AuditEntry::plain("hold.placed", id, &details).about(Some(debtor.id)));
    tell(tx, "HOLD_PLACED", debtor.id, account);
    Ok(id)
}

/// The record that a new hold is written on: that of the debt, where one is named, else that of the person.
async fn whose(tx: &mut TenantTx, new: &NewHold<'_>) -> Result<DebtorRow, OpError> {
    let no_account = || UserError::not_found("accountId", "account of this debtor");
    let of_debt = match new.account_id {
        Some(account) => {
            let owner = scoped_debtor_of_account(tx, account)
                .await?
                .ok_or_else(no_account)?;
            Some(debtor_by_id(tx, owner).await?.ok_or_else(no_account)?)
        }
        None => None,
    };
    let person = match new.debtor_id {
        Some(id) => Some(
            debtor_by_id(tx, id)
                .await?
                .ok_or_else(|| UserError::not_found("debtorId", "debtor"))?,
        ),
        None => None,
    };
    match (of_debt, person) {
        (Some(owner), Some(person)) if owner.person_id != person.person_id => Err(no_account().into()),
        (Some(owner), _) => Ok(owner),
        (None, Some(person)) => Ok(person),
        (None, None) => {
            let message = "Say on whom: give a debtor or one of their accounts.";
            Err(UserError::invalid("debtorId", message).into())
        }
    }
}

/// Ends a hold; that it stood stays on record.
///
/// # Errors
/// User errors: NOT_FOUND for a hold that is not the caller's, CONFLICT for one that was released before.
pub async fn release_hold(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::HoldRelease).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let hold = hold_by_id(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "hold"))?;
    let (business, now, user) = (tx.business_id(), tx.now(), tx.ctx().user_id());
    let lifted = sqlx::query!(
        "UPDATE holds SET lifted_at = $3, lifted_by = $4 WHERE business_id = $1 AND id = $2 AND lifted_at IS NULL",
        business,
        id,
        now,
        user,
    )
    .execute(tx.conn())
    .await?;
    if lifted.rows_affected() == 0 {
        return Err(UserError::at(UserErrorCode::Conflict, "id", "This hold was released before.").into());
    }
    let details = json!({ "kind": hold.kind, "account": hold.account_id });
    tx.audit(AuditEntry::plain("hold.released", id, &details).about(Some(hold.debtor_id)));
    tell(tx, "HOLD_RELEASED", hold.debtor_id, hold.account_id);
    Ok(())
}

fn tell(tx: &mut TenantTx, kind: &'static str, debtor: Uuid, account: Option<Uuid>) {
    tx.emit(LiveEvent {
        kind,
        account_id: account,
        debtor_id: Some(debtor),
        ..LiveEvent::default()
    });
}

/// One hold, standing or released, of a person within the caller's scope and of a debt within it.
pub(super) async fn hold_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<HoldRow>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT h.id, h.debtor_id, h.account_id, h.kind, h.reason_cipher, h.placed_by, h.placed_at, h.lifted_by,
                h.lifted_at, k.id AS key_id, k.business_key_version, k.wrapped
         FROM holds h
         JOIN debtors d ON d.business_id = h.business_id AND d.id = h.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE h.business_id = $1 AND h.id = $2",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let seen = match row.account_id {
        Some(account) => scoped_debtor_of_account(tx, account).await?.is_some(),
        None => debtor_by_id(tx, row.debtor_id).await?.is_some(),
    };
    Ok(seen.then_some(HoldRow {
        id: row.id,
        debtor_id: row.debtor_id,
        account_id: row.account_id,
        kind: row.kind,
        reason_cipher: row.reason_cipher,
        placed_by: row.placed_by,
        placed_at: row.placed_at,
        lifted_by: row.lifted_by,
        lifted_at: row.lifted_at,
        key: WrappedKey {
            id: row.key_id,
            business_key_version: row.business_key_version,
            wrapped: row.wrapped,
        },
    }))
}

/// The holds that stand on the people behind these records, at most a hundred each, oldest first, each with the record
/// that was asked for. Of a colleague's debt, or a deleted one, nothing is told.
pub(super) async fn standing_holds(
    tx: &mut TenantTx,
    debtors: &[Uuid],
) -> Result<Vec<(Uuid, HoldRow)>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let rows = sqlx::query!(
        r#"SELECT q.id AS "asked!", h.id AS "id!", h.debtor_id AS "debtor_id!", h.account_id, h.kind AS "kind!",
                h.reason_cipher, h.placed_by, h.placed_at AS "placed_at!", k.id AS "key_id!",
                k.business_key_version AS "business_key_version!", k.wrapped
         FROM debtors q
         CROSS JOIN LATERAL (
            SELECT v.*, g.record_key_id FROM debtors g
            JOIN holds v ON v.business_id = g.business_id AND v.debtor_id = g.id AND v.lifted_at IS NULL
            LEFT JOIN accounts a ON a.business_id = v.business_id AND a.id = v.account_id
            WHERE g.business_id = $1 AND g.person_id = q.person_id AND a.deleted_at IS NULL
              AND ($3::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $3)
            ORDER BY v.placed_at, v.id LIMIT 100) h
         JOIN data_keys k ON k.business_id = h.business_id AND k.id = h.record_key_id
         WHERE q.business_id = $1 AND q.id = ANY($2)
         ORDER BY h.placed_at, h.id"#,
        business,
        debtors,
        scope,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let hold = HoldRow {
                id: row.id,
                debtor_id: row.debtor_id,
                account_id: row.account_id,
                kind: row.kind,
                reason_cipher: row.reason_cipher,
                placed_by: row.placed_by,
                placed_at: row.placed_at,
                lifted_by: None,
                lifted_at: None,
                key: WrappedKey {
                    id: row.key_id,
                    business_key_version: row.business_key_version,
                    wrapped: row.wrapped,
                },
            };
            (row.asked, hold)
        })
        .collect())
}
