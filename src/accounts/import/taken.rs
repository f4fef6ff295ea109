//! Which rows the business has already: by their account number, leads by their phone number.

use std::collections::HashMap;

use uuid::Uuid;

use super::row::ParsedRow;
use crate::platform::{
    db::{DbError, TenantTx},
    keys::TenantKeys,
};

/// What of a chunk of rows is there already, and whose it is.
pub(super) struct Taken {
    numbers: HashMap<String, Uuid>,
    /// By blind index.
    phones: HashMap<Vec<u8>, Vec<Uuid>>,
}

/// Looks the rows up.
pub(super) async fn taken<'a>(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    rows: impl Iterator<Item = &'a ParsedRow>,
) -> Result<Taken, DbError> {
    let (mut numbers, mut phones) = (Vec::new(), Vec::new());
    for row in rows {
        match (&row.account_number, row.phone()) {
            (Some(number), _) => numbers.push(number.clone()),
            (None, Some(phone)) => phones.extend(keys.blinds(phone)),
            (None, None) => {}
        }
    }
    let business = tx.business_id();
    let mut taken = Taken {
        numbers: HashMap::new(),
        phones: HashMap::new(),
    };
    if !numbers.is_empty() {
        let found = sqlx::query!(
            "SELECT account_number, debtor_id FROM accounts WHERE business_id = $1 AND account_number = ANY($2)",
            business,
            &numbers,
        )
        .fetch_all(tx.conn())
        .await?;
        let found = found.into_iter().map(|row| (row.account_number, row.debtor_id));
        taken.numbers.extend(found);
    }
    if !phones.is_empty() {
        let found = sqlx::query!(
            r#"SELECT DISTINCT blind_index AS "blind!", debtor_id FROM contact_points
             WHERE business_id = $1 AND blind_index = ANY($2) AND kind = 'PHONE' AND removed_at IS NULL"#,
            business,
            &phones,
        )
        .fetch_all(tx.conn())
        .await?;
        for row in found {
            taken.phones.entry(row.blind).or_default().push(row.debtor_id);
        }
    }
    Ok(taken)
}

impl Taken {
    /// Whether the business has this row: the records of people that it repeats.
    pub(super) fn has(&self, keys: &TenantKeys, row: &ParsedRow) -> Option<Vec<Uuid>> {
        match (&row.account_number, row.phone()) {
            (Some(number), _) => self.numbers.get(number).map(|debtor| vec![*debtor]),
            (None, Some(phone)) if !self.phones.is_empty() => {
                let blinds = keys.blinds(phone);
                let mut found = blinds.iter().filter_map(|blind| self.phones.get(blind));
                found.next().cloned()
            }
            _ => None,
        }
    }
}
