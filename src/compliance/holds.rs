//! Holds: what is known of a person or a debt that stops or shapes collection, with who said so and why. The gate
//! reads those that stand.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::debtors_by_ids,
    platform::{
        db::{DbError, TenantTx},
        keys::WrappedKey,
    },
};

/// What a hold says.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum HoldKind {
    /// An attorney represents the person: contact goes through the attorney (12 CFR 1006.6(b)(2)).
    AttorneyRepresented,
    /// A petition in bankruptcy stays all collection (11 USC 362(a)(6)). Of the person, hence of all their debts.
    Bankruptcy,
    /// The debt was discharged in bankruptcy: it is never collected again (11 USC 524(a)(2)). Of one debt, or of all of the
    /// person's where none is named.
    BankruptcyDischarged,
    /// The person asked in writing to be left alone (12 CFR 1006.6(c)). Of the person, hence of all their debts.
    CeaseContact,
    /// The person has died (12 CFR 1006.6(a)(4)). Of the person, hence of all their debts.
    Deceased,
    /// The debt is disputed, or its original creditor asked for (12 CFR 1006.38): the mark of its disputes, which say whether
    /// collection pauses. Setting it files a dispute for which it pauses; releasing it withdraws those not answered.
    Dispute,
    /// The business contacts the person no more, on no channel, but for one answer when they write again. Of
    /// the person, hence of all their debts.
    DoNotRecontact,
    /// The debt is said to come of identity theft (15 USC 1681m(g)): collection of it pauses as for a dispute.
    IdentityTheft,
    /// With a lawyer or court. Stops no contact by itself.
    Legal,
    /// The person is said to be under 18: their parent or guardian is the consumer (12 CFR 1006.6(a)(2)). Of the person,
    /// hence of all their debts.
    Minor,
    /// The last payment failed. Stops no contact.
    PaymentFailed,
    /// In military service: no interest above the cap on a debt from before it (50 USC 3937). Of the person,
    /// hence of all their debts.
    Scra,
    /// A number of the person is said to reach somebody else (15 USC 1692c(b)). The number is contacted for nobody; the
    /// person stays reachable elsewhere.
    WrongParty,
}

impl HoldKind {
    pub(super) const ALL: [Self; 13] = [
        Self::AttorneyRepresented,
        Self::Bankruptcy,
        Self::BankruptcyDischarged,
        Self::CeaseContact,
        Self::Deceased,
        Self::Dispute,
        Self::DoNotRecontact,
        Self::IdentityTheft,
        Self::Legal,
        Self::Minor,
        Self::PaymentFailed,
        Self::Scra,
        Self::WrongParty,
    ];

    /// Those that stop all contact with the person where they stand on the person, and all about a debt where they stand on
    /// that: nobody is written to or called but by an exception of the law.
    pub const STOPPING: [Self; 7] = [
        Self::AttorneyRepresented,
        Self::Bankruptcy,
        Self::BankruptcyDischarged,
        Self::CeaseContact,
        Self::Deceased,
        Self::DoNotRecontact,
        Self::Minor,
    ];

    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttorneyRepresented => "ATTORNEY",
            Self::Bankruptcy => "BANKRUPTCY",
            Self::BankruptcyDischarged => "BANKRUPTCY_DISCHARGED",
            Self::CeaseContact => "CEASE",
            Self::Deceased => "DECEASED",
            Self::Dispute => "DISPUTE",
            Self::DoNotRecontact => "DO_NOT_RECONTACT",
            Self::IdentityTheft => "IDENTITY_THEFT",
            Self::Legal => "LEGAL",
            Self::Minor => "MINOR",
            Self::PaymentFailed => "PAYMENT_FAILED",
            Self::Scra => "SCRA",
            Self::WrongParty => "WRONG_PARTY",
        }
    }

    /// It is of the person, whatever debt it was learned of: it names none. The table's CHECK says the same.
    pub(super) fn binds_the_person(self) -> bool {
        matches!(
            self,
            Self::Bankruptcy
                | Self::CeaseContact
                | Self::Deceased
                | Self::DoNotRecontact
                | Self::Minor
                | Self::Scra
                | Self::WrongParty
        )
    }

    /// The reverse of [`HoldKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Whence a hold is known.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum HoldSource {
    /// A member of staff, or an API key, set it.
    Person,
    /// A text that came in says so: it binds at once, and a person confirms or releases it.
    InboundText,
    /// An import brought it.
    Import,
    /// The person said so in the portal.
    Portal,
    /// The person said so by a link in a message.
    Link,
}

impl HoldSource {
    const ALL: [Self; 5] = [
        Self::Person,
        Self::InboundText,
        Self::Import,
        Self::Portal,
        Self::Link,
    ];

    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::InboundText => "INBOUND_TEXT",
            Self::Import => "IMPORT",
            Self::Portal => "PORTAL",
            Self::Link => "LINK",
        }
    }

    /// The reverse of [`HoldSource::as_str`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// A hold, its reason sealed.
#[derive(Clone, Debug)]
pub(super) struct HoldRow {
    pub(super) id: Uuid,
    /// Of which record of the person it was asked.
    pub(super) asked: Uuid,
    pub(super) debtor_id: Uuid,
    pub(super) account_id: Option<Uuid>,
    pub(super) kind: String,
    pub(super) reason_cipher: Option<Vec<u8>>,
    pub(super) placed_by: Option<Uuid>,
    pub(super) placed_at: DateTime<Utc>,
    pub(super) lifted_by: Option<Uuid>,
    pub(super) lifted_at: Option<DateTime<Utc>>,
    pub(super) source: String,
    pub(super) message_id: Option<Uuid>,
    pub(super) suppression_id: Option<Uuid>,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    pub(super) confirmed_by: Option<Uuid>,
    pub(super) confirmation_cipher: Option<Vec<u8>>,
    pub(super) key_id: Uuid,
    pub(super) key_version: i32,
    pub(super) wrapped: Option<Vec<u8>>,
}

impl HoldRow {
    /// The person's record key.
    pub(super) fn key(&self) -> WrappedKey {
        WrappedKey {
            id: self.key_id,
            business_key_version: self.key_version,
            wrapped: self.wrapped.clone(),
        }
    }

    /// Nobody has looked yet at what a text said.
    pub(super) fn needs_confirmation(&self) -> bool {
        self.source == HoldSource::InboundText.as_str()
            && self.confirmed_at.is_none()
            && self.lifted_at.is_none()
    }
}

/// One hold, standing or released, of a person within the caller's scope and of a debt within it.
pub(super) async fn hold_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<HoldRow>, DbError> {
    Ok(holds_where(tx, Some(id), None).await?.pop())
}

/// The holds that a message placed, released ones too, each within the caller's scope.
pub(super) async fn holds_of_message(tx: &mut TenantTx, message: Uuid) -> Result<Vec<HoldRow>, DbError> {
    holds_where(tx, None, Some(message)).await
}

/// Holds by id or by the message that placed them, at most a hundred, oldest first. An agent sees the holds of people and
/// debts that they may see.
async fn holds_where(
    tx: &mut TenantTx,
    id: Option<Uuid>,
    message: Option<Uuid>,
) -> Result<Vec<HoldRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let mut rows = sqlx::query_as!(
        HoldRow,
        "SELECT h.id, h.debtor_id AS asked, h.debtor_id, h.account_id, h.kind, h.reason_cipher, h.placed_by, h.placed_at, h.lifted_by,
                h.lifted_at, h.source, h.message_id, h.suppression_id, h.confirmed_at, h.confirmed_by,
                h.confirmation_cipher, k.id AS key_id, k.business_key_version AS key_version, k.wrapped
         FROM holds h
         JOIN debtors d ON d.business_id = h.business_id AND d.id = h.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         LEFT JOIN accounts a ON a.business_id = h.business_id AND a.id = h.account_id
         WHERE h.business_id = $1 AND ($2::uuid IS NULL OR h.id = $2) AND ($3::uuid IS NULL OR h.message_id = $3)
           AND ($2::uuid IS NOT NULL OR $3::uuid IS NOT NULL) AND a.deleted_at IS NULL
           AND ($4::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $4)
         ORDER BY h.placed_at, h.id LIMIT 100",
        business,
        id,
        message,
        scope,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut people: Vec<Uuid> = rows.iter().map(|row| row.debtor_id).collect();
    people.sort_unstable();
    people.dedup();
    let seen: Vec<Uuid> = debtors_by_ids(tx, &people)
        .await?
        .into_iter()
        .map(|debtor| debtor.id)
        .collect();
    rows.retain(|row| seen.contains(&row.debtor_id));
    Ok(rows)
}

/// The holds that stand on the people behind these records, at most a hundred each, oldest first, each with the record
/// that was asked for. Of a colleague's debt, or a deleted one, nothing is told.
pub(super) async fn standing_holds(tx: &mut TenantTx, debtors: &[Uuid]) -> Result<Vec<HoldRow>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    Ok(sqlx::query_as!(
        HoldRow,
        r#"SELECT q.id AS "asked!", h.id AS "id!", h.debtor_id AS "debtor_id!", h.account_id, h.kind AS "kind!",
                h.reason_cipher, h.placed_by, h.placed_at AS "placed_at!", h.lifted_by, h.lifted_at,
                h.source AS "source!", h.message_id, h.suppression_id, h.confirmed_at, h.confirmed_by, h.confirmation_cipher,
                k.id AS "key_id!", k.business_key_version AS "key_version!", k.wrapped
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
    .await?)
}
