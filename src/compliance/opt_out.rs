//! Records what a person asked for, in the transaction that stores their words or takes their answer to a link.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    address_consents::{Withdrawal, restore_texts, revoke_address},
    reading::{Medium, OptOutReach},
    suppressions::{AddressKind, NewSuppression, Suppressed, SuppressionReason, lift, suppress},
};
use crate::platform::{
    db::{DbError, TenantTx},
    error::OpError,
    keys::TenantKeys,
};

/// How somebody asked to be left alone.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub reach: OptOutReach,
    pub reason: SuppressionReason,
    /// When they did.
    pub at: DateTime<Utc>,
}

/// Stops contact with an address, of which `blind` is the print: by what is written to it (47 CFR 64.1200(a)(10), 12 CFR
/// 1006.14(h)), or in every way. Asking again changes nothing. Returns the suppression that stands.
///
/// # Errors
/// [`DbError`] as met.
pub async fn record_opt_out(
    tx: &mut TenantTx,
    (kind, blind): (AddressKind, &[u8]),
    debtors: &[Uuid],
    asked: Asked,
) -> Result<Suppressed, DbError> {
    let new = NewSuppression {
        kind,
        // A household shares its address: then the suppression belongs to the address alone.
        debtor_id: if let [only] = debtors { Some(*only) } else { None },
        address_blind: blind,
        channel: match asked.reach {
            OptOutReach::Channel => kind.channel(),
            OptOutReach::AllContact => "ALL",
        },
        reason: asked.reason,
        since: asked.at,
    };
    suppress(tx, new).await
}

/// What a text said, of whose number it came from.
#[derive(Clone, Copy)]
pub(super) struct SaidByText<'a> {
    /// The row that stores it.
    pub(super) event: Uuid,
    /// When it came.
    pub(super) at: DateTime<Utc>,
    /// The sender's number, E.164.
    pub(super) number: &'a str,
    /// On whose records the number stands.
    pub(super) people: &'a [Uuid],
}

/// Stops contact by a medium that a text refuses, in every way where it names none (12 CFR 1006.14(h)(1), 1006.6(c)). Texts stop
/// to the number that it came from; calls, e-mail and WhatsApp are the person's to refuse, so that they stop to whatever number
/// or address of theirs is known. That no e-mail is wanted stands on the number too: so it holds for an address that is still to
/// come. What a machine may send or say there rests on consent, which ends with the word (47 CFR 64.1200(a)(10)).
///
/// # Errors
/// [`OpError`] as met.
pub(super) async fn record_said_opt_out(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    said: SaidByText<'_>,
    medium: Option<Medium>,
) -> Result<Suppressed, OpError> {
    let own = keys.blind(said.number).to_vec();
    let by = Withdrawal::Text {
        event: said.event,
        said_at: said.at,
    };
    let (channel, also) = match medium {
        None | Some(Medium::Own | Medium::Texts) => {
            let asked = Asked {
                reach: match medium {
                    None => OptOutReach::AllContact,
                    Some(_) => OptOutReach::Channel,
                },
                reason: SuppressionReason::OptOut,
                at: said.at,
            };
            let address = (AddressKind::Phone, own.as_slice());
            let stands = record_opt_out(tx, address, said.people, asked).await?;
            revoke_address(tx, AddressKind::Phone, &keys.blinds(said.number), None, &by).await?;
            return Ok(stands);
        }
        Some(Medium::Calls) => ("VOICE", AddressKind::Phone),
        Some(Medium::Whatsapp) => ("WHATSAPP", AddressKind::Phone),
        Some(Medium::Email) => ("EMAIL", AddressKind::Email),
    };
    let mut blinds: Vec<Vec<u8>> = addresses(tx, said.people)
        .await?
        .into_iter()
        .filter(|address| address.kind == also)
        .map(|address| address.blind)
        .collect();
    for blind in &blinds {
        stop(tx, &said, (also, blind), channel).await?;
    }
    let stands = stop(tx, &said, (AddressKind::Phone, &own), channel).await?;
    if also == AddressKind::Phone {
        blinds.extend(keys.blinds(said.number));
    }
    revoke_address(tx, also, &blinds, Some(channel), &by).await?;
    Ok(stands)
}

async fn stop(
    tx: &mut TenantTx,
    said: &SaidByText<'_>,
    (kind, blind): (AddressKind, &[u8]),
    channel: &'static str,
) -> Result<Suppressed, DbError> {
    let new = NewSuppression {
        kind,
        debtor_id: if let [only] = said.people {
            Some(*only)
        } else {
            None
        },
        address_blind: blind,
        channel,
        reason: SuppressionReason::OptOut,
        since: said.at,
    };
    suppress(tx, new).await
}

/// A number or an e-mail address of a person.
struct Address {
    blind: Vec<u8>,
    kind: AddressKind,
}

/// Those on the records of the people behind these, what was removed too: it may come back.
async fn addresses(tx: &mut TenantTx, people: &[Uuid]) -> Result<Vec<Address>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT coalesce(c.blind_index, c.removed_blind) AS "blind!", c.kind
         FROM debtors d
         JOIN debtors g ON g.business_id = d.business_id AND g.person_id = d.person_id
         JOIN contact_points c ON c.business_id = g.business_id AND c.debtor_id = g.id
         WHERE d.business_id = $1 AND d.id = ANY($2) AND coalesce(c.blind_index, c.removed_blind) IS NOT NULL
         GROUP BY 1, 2 ORDER BY 1, 2"#,
        business,
        people,
    )
    .fetch_all(tx.conn())
    .await?;
    let address = |blind, kind: &str| AddressKind::parse(kind).map(|kind| Address { blind, kind });
    Ok(rows
        .into_iter()
        .filter_map(|row| address(row.blind, &row.kind))
        .collect())
}

/// What the business and those who write for it are called.
///
/// # Errors
/// [`DbError`] as met.
pub(super) async fn own_names(tx: &mut TenantTx) -> Result<Vec<String>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT n.name AS "name!" FROM (
             SELECT b.name FROM businesses b WHERE b.id = $1
             UNION ALL SELECT u.name FROM users u WHERE u.business_id = $1) n LIMIT 1000"#,
        business,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// START lifts what STOP did to texts on this number, and nothing else: not a cease notice, not a wrong party, and not what
/// stood for WhatsApp and artificial voices.
///
/// # Errors
/// [`OpError`] as met.
pub async fn record_opt_in(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    number: &str,
    event: Uuid,
) -> Result<(), OpError> {
    let business = tx.business_id();
    let stand = sqlx::query_scalar!(
        "SELECT id FROM suppressions
         WHERE business_id = $1 AND address_blind = ANY($2) AND channel = 'SMS' AND lifted_at IS NULL
           AND reason IN ('OPT_OUT', 'VENDOR_BLOCKED')",
        business,
        &keys.blinds(number),
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    lift(tx, &stand, &json!({ "by": "START" })).await?;
    restore_texts(tx, &keys.blinds(number), event).await
}
