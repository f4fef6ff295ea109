//! Somebody answers an opt-out link. It vouches for its address as a text does for its number: what is asked binds for
//! everybody on whose record the address stands, at once (47 CFR 64.1200(a)(10); 12 CFR 1006.14(h), 1006.6(c)).

use uuid::Uuid;

use super::{
    address_consents::{Withdrawal, revoke_address},
    consents::ConsentEvidence,
    holds::{HoldKind, HoldSource},
    opt_out::{Asked, record_opt_out},
    opt_out_links::OptOutLink,
    place_hold::{Placement, place_hold},
    reading::OptOutReach,
    suppressions::{AddressKind, SuppressionReason},
};
use crate::{
    accounts::{debtors_by_email, debtors_by_phone, lock_persons},
    platform::{
        db::{DbError, LiveEvent, TenantTx},
        email::EmailAddress,
        error::OpError,
        keys::{TenantKeys, WrappedKey},
        secret::Masked,
    },
};

/// An answer to a link.
#[derive(Clone, Debug)]
pub struct LinkAnswer {
    pub link: OptOutLink,
    pub reach: OptOutReach,
    /// The words that were shown, the address that it came from and the program.
    pub evidence: ConsentEvidence,
}

/// What a page about a link may tell: nothing of a debt, nor a name of a person.
#[derive(Clone, Debug)]
pub struct LinkPlace {
    pub business: String,
    pub kind: AddressKind,
    /// The address with most of it left out; `None` after the person was erased.
    pub masked: Option<String>,
}

/// What a link leads to; `None` where there is no such contact point.
///
/// # Errors
/// [`OpError`] as met.
pub async fn place_of_link(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    link: &OptOutLink,
) -> Result<Option<LinkPlace>, OpError> {
    let Some(point) = point(tx, keys, link.contact_point_id).await? else {
        return Ok(None);
    };
    Ok(Some(LinkPlace {
        business: point.business,
        kind: point.kind,
        masked: point.value.map(|value| masked(point.kind, value.expose())),
    }))
}

/// Records the opt-out and returns the prints of the address, under every key: what waits to be sent to it must not leave any
/// more. `None` where there is no such contact point. Once recorded, the same answer again changes nothing.
///
/// # Errors
/// [`OpError`] as met: then nothing of it is stored.
pub async fn opt_out_by_link(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    answer: &LinkAnswer,
) -> Result<Option<Vec<Vec<u8>>>, OpError> {
    let link = &answer.link;
    let Some(point) = point(tx, keys, link.contact_point_id).await? else {
        return Ok(None);
    };
    let (print, blinds) = match &point.value {
        Some(value) => {
            let address = normalised(point.kind, value.expose());
            (keys.blind(&address).to_vec(), keys.blinds(&address))
        }
        // The person was erased: the link alone still knows the address.
        None => (link.address.to_vec(), vec![link.address.to_vec()]),
    };
    let people = people_behind(tx, point.kind, &blinds).await?;
    if !people.is_empty() {
        // Whoever decides over a contact with them stands before this, or sees it; and a second answer waits for the first.
        lock_persons(tx, &people).await?;
    }
    let address = (point.kind, print.as_slice());
    let asked = Asked {
        reach: answer.reach,
        reason: SuppressionReason::OptOut,
        at: tx.now(),
    };
    let suppression = record_opt_out(tx, address, &people, asked).await?.id;
    let by = Withdrawal::Link {
        contact_point: link.contact_point_id,
        keys,
        evidence: &answer.evidence,
    };
    for debtor in revoke_address(tx, point.kind, &blinds, None, &by).await? {
        tx.emit(LiveEvent {
            kind: "DEBTOR_UPDATED",
            debtor_id: Some(debtor),
            ..LiveEvent::default()
        });
    }
    if answer.reach == OptOutReach::AllContact {
        for person in people {
            let hold = Placement::new(person, HoldKind::CeaseContact, HoldSource::Link);
            let suppression_id = Some(suppression);
            place_hold(
                tx,
                Placement {
                    suppression_id,
                    ..hold
                },
            )
            .await?;
        }
    }
    Ok(Some(blinds))
}

/// A contact point, also one that was removed.
struct Point {
    business: String,
    kind: AddressKind,
    value: Option<Masked<String>>,
}

async fn point(tx: &mut TenantTx, keys: &TenantKeys, id: Uuid) -> Result<Option<Point>, OpError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        r#"SELECT b.name, c.kind, c.value_cipher, k.id AS "key_id!", k.business_key_version, k.wrapped
         FROM contact_points c
         JOIN businesses b ON b.id = c.business_id
         JOIN debtors d ON d.business_id = c.business_id AND d.id = c.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
         WHERE c.business_id = $1 AND c.id = $2"#,
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from)?;
    let Some(row) = row else { return Ok(None) };
    let kind = AddressKind::parse(&row.kind)
        .ok_or_else(|| OpError::Internal(anyhow::anyhow!("a contact point of an unknown kind")))?;
    let profile = keys.data_key(&WrappedKey {
        id: row.key_id,
        business_key_version: row.business_key_version,
        wrapped: row.wrapped,
    })?;
    let value = match (&row.value_cipher, profile) {
        (Some(cipher), Some(profile)) => {
            Some(keys.open_text(&profile, "contact_points", "value_cipher", id, cipher)?)
        }
        _ => None,
    };
    Ok(Some(Point {
        business: row.name,
        kind,
        value,
    }))
}

/// The records on which the address stands, each once.
async fn people_behind(
    tx: &mut TenantTx,
    kind: AddressKind,
    blinds: &[Vec<u8>],
) -> Result<Vec<Uuid>, DbError> {
    match kind {
        AddressKind::Email => debtors_by_email(tx, blinds).await,
        AddressKind::Phone => {
            let owners = debtors_by_phone(tx, blinds).await?;
            let mut people: Vec<Uuid> = owners.into_iter().map(|owner| owner.debtor_id).collect();
            people.dedup();
            Ok(people)
        }
    }
}

/// As it is indexed.
pub(super) fn normalised(kind: AddressKind, value: &str) -> String {
    match kind {
        AddressKind::Phone => value.to_owned(),
        AddressKind::Email => EmailAddress::parse(value)
            .map_or_else(|_| value.to_ascii_lowercase(), |address| address.normalised()),
    }
}

/// Enough to know one's own address again, and too little to learn somebody's.
fn masked(kind: AddressKind, value: &str) -> String {
    match kind {
        AddressKind::Phone => {
            let end = value.len().saturating_sub(2);
            format!("••• ••• ••{}", value.get(end..).unwrap_or_default())
        }
        AddressKind::Email => {
            let (local, domain) = value.split_once('@').unwrap_or((value, ""));
            let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
            format!("{}•••@{}•••", first(local), first(domain))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_of_an_address_is_shown() {
        assert_eq!(masked(AddressKind::Phone, "+12125550110"), "••• ••• ••10");
        assert_eq!(
            masked(AddressKind::Email, "maria.alvarez@mail.example"),
            "m•••@m•••"
        );
        assert_eq!(masked(AddressKind::Email, ""), "•••@•••");
        assert_eq!(masked(AddressKind::Phone, "1"), "••• ••• ••1");
    }
}
