//! What a line tells of the person behind an account.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    accounts::{
        PostalAddress,
        store::{AccountRow, DebtorRow, debtors_by_ids},
    },
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        keys::TenantKeys,
    },
};

/// The people of one page, with what is opened of them.
#[derive(Default)]
pub(super) struct People {
    /// By the account's own record: that and the one which stands for the person.
    persons: HashMap<Uuid, (DebtorRow, Uuid)>,
    others: HashMap<Uuid, DebtorRow>,
    addresses: HashMap<Uuid, PostalAddress>,
    custom: HashMap<Uuid, String>,
    holds: HashMap<Uuid, String>,
}

impl People {
    /// Reads the people behind these records, in one statement, and one more where some of them were merged.
    pub(super) async fn of(tx: &mut TenantTx, debtors: &[Uuid]) -> Result<Self, DbError> {
        let rows = debtors_by_ids(tx, debtors).await?;
        let mut others: Vec<Uuid> = rows
            .iter()
            .filter(|row| row.person_id != row.id)
            .map(|row| row.person_id)
            .collect();
        others.sort_unstable();
        others.dedup();
        let others = match others.is_empty() {
            true => Vec::new(),
            false => debtors_by_ids(tx, &others).await?,
        };
        Ok(Self {
            persons: rows
                .into_iter()
                .map(|row| (row.id, (row.clone(), row.person_id)))
                .collect(),
            others: others.into_iter().map(|row| (row.id, row)).collect(),
            ..Self::default()
        })
    }

    /// Opens the addresses; those of people who were erased are left out.
    pub(super) fn open_addresses(&mut self, keys: &TenantKeys) -> Result<(), OpError> {
        let mut opened = HashMap::new();
        for debtor in self.persons.keys() {
            let Some(row) = self.person(*debtor) else { continue };
            let (Some(cipher), Some(key)) = (&row.address_cipher, keys.data_key(&row.keys.profile)?) else {
                continue;
            };
            let text = keys.open_text(&key, "debtors", "address_cipher", row.id, cipher)?;
            if let Ok(address) = serde_json::from_str(text.expose()) {
                opened.insert(*debtor, address);
            }
        }
        self.addresses = opened;
        Ok(())
    }

    /// Opens the accounts' own fields.
    pub(super) fn open_custom(&mut self, keys: &TenantKeys, page: &[AccountRow]) -> Result<(), OpError> {
        for account in page {
            let Some((row, _)) = self.persons.get(&account.debtor_id) else {
                continue;
            };
            let (Some(cipher), Some(key)) =
                (&account.custom_fields_cipher, keys.data_key(&row.keys.profile)?)
            else {
                continue;
            };
            let text = keys.open_text(&key, "accounts", "custom_fields_cipher", account.id, cipher)?;
            self.custom.insert(account.id, text.expose().clone());
        }
        Ok(())
    }

    /// Reads which holds stand on the accounts and the people behind them, whichever of their records, in one statement.
    pub(super) async fn read_holds(&mut self, tx: &mut TenantTx, accounts: &[Uuid]) -> Result<(), DbError> {
        let business = tx.business_id();
        // Spelled as the API does. The people one by one, as everywhere: an index leads to the holds of each.
        let rows = sqlx::query!(
            r#"SELECT a.id AS "id!", string_agg(h.kind, '; ' ORDER BY h.kind) AS "kinds!"
             FROM accounts a
             JOIN debtors d ON d.business_id = a.business_id AND d.id = a.debtor_id
             CROSS JOIN LATERAL (
                 SELECT DISTINCT CASE v.kind WHEN 'ATTORNEY' THEN 'ATTORNEY_REPRESENTED' WHEN 'CEASE' THEN 'CEASE_CONTACT'
                     ELSE v.kind END AS kind
                 FROM debtors g JOIN holds v ON v.business_id = g.business_id AND v.debtor_id = g.id
                 WHERE g.business_id = $1 AND g.person_id = d.person_id AND v.lifted_at IS NULL
                   AND (v.account_id IS NULL OR v.account_id = a.id) OFFSET 0) h
             WHERE a.business_id = $1 AND a.id = ANY($2)
             GROUP BY a.id"#,
            business,
            accounts,
        )
        .fetch_all(tx.conn())
        .await?;
        self.holds = rows.into_iter().map(|row| (row.id, row.kinds)).collect();
        Ok(())
    }

    /// The record that stands for the person of this one.
    pub(super) fn person(&self, debtor: Uuid) -> Option<&DebtorRow> {
        let (row, person) = self.persons.get(&debtor)?;
        Some(self.others.get(person).unwrap_or(row))
    }

    pub(super) fn address(&self, debtor: Uuid) -> Option<&PostalAddress> {
        self.addresses.get(&debtor)
    }

    pub(super) fn custom(&self, account: Uuid) -> Option<&str> {
        self.custom.get(&account).map(String::as_str)
    }

    pub(super) fn holds(&self, account: Uuid) -> Option<&str> {
        self.holds.get(&account).map(String::as_str)
    }
}
