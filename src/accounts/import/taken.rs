//! Which rows the business has already: by their account number, leads by their phone number.

use std::collections::HashSet;

use super::row::ParsedRow;
use crate::platform::{
    db::{DbError, TenantTx},
    keys::TenantKeys,
};

/// What of a chunk of rows is there already.
pub(super) struct Taken {
    numbers: HashSet<String>,
    /// Blind indexes.
    phones: HashSet<Vec<u8>>,
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
        numbers: HashSet::new(),
        phones: HashSet::new(),
    };
    if !numbers.is_empty() {
        let found = sqlx::query_scalar!(
            "SELECT account_number FROM accounts WHERE business_id = $1 AND account_number = ANY($2)",
            business,
            &numbers,
        )
        .fetch_all(tx.conn())
        .await?;
        taken.numbers.extend(found);
    }
    if !phones.is_empty() {
        let found = sqlx::query_scalar!(
            r#"SELECT DISTINCT blind_index AS "blind!" FROM contact_points
             WHERE business_id = $1 AND blind_index = ANY($2) AND kind = 'PHONE'"#,
            business,
            &phones,
        )
        .fetch_all(tx.conn())
        .await?;
        taken.phones.extend(found);
    }
    Ok(taken)
}

impl Taken {
    /// Whether the business has this row.
    pub(super) fn has(&self, keys: &TenantKeys, row: &ParsedRow) -> bool {
        match (&row.account_number, row.phone()) {
            (Some(number), _) => self.numbers.contains(number),
            (None, Some(phone)) => {
                !self.phones.is_empty() && keys.blinds(phone).iter().any(|blind| self.phones.contains(blind))
            }
            (None, None) => false,
        }
    }
}
