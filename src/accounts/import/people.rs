//! People whom the business knows already: by its own reference, by national id, or by name, date of birth and postal
//! code.

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::row::ParsedRow;
use crate::{
    accounts::{
        lock_persons,
        match_key::{KnownRecord, KnownRecords, Wanted},
    },
    platform::{
        crypto::DataKey,
        db::TenantTx,
        error::OpError,
        keys::{TenantKeys, WrappedKey},
    },
};

/// A person whose account a row becomes.
pub(super) struct Person {
    pub(super) id: Uuid,
    pub(super) profile: DataKey,
    /// What is kept longer than they are known.
    pub(super) record: WrappedKey,
    /// The business's own reference.
    pub(super) reference: Option<String>,
    /// Blind indexes of the numbers and addresses that they have.
    pub(super) known: HashSet<Vec<u8>>,
    /// The last place among their phone numbers.
    pub(super) phones: i16,
    /// The last place among their e-mail addresses.
    pub(super) emails: i16,
}

/// Those whom some rows mean.
#[derive(Default)]
pub(super) struct People {
    records: KnownRecords,
    /// `None` for one who was erased.
    loaded: HashMap<Uuid, Option<Person>>,
}

impl People {
    /// Looks for those whom the rows mean; nobody is locked.
    pub(super) async fn find(
        tx: &mut TenantTx,
        keys: &TenantKeys,
        rows: &[&ParsedRow],
    ) -> Result<Self, OpError> {
        let mut wanted = Wanted::default();
        for row in rows {
            wanted.add(keys, &row.told(row.match_key().as_ref()));
        }
        Ok(Self {
            records: KnownRecords::load(tx, keys, &wanted).await?,
            loaded: HashMap::new(),
        })
    }

    pub(super) fn ids(&self) -> BTreeSet<Uuid> {
        self.records.ids()
    }

    /// Whom the row means, if the business knows them.
    pub(super) fn of(&self, keys: &TenantKeys, row: &ParsedRow) -> Option<Uuid> {
        let key = row.match_key();
        self.records.find(keys, &row.told(key.as_ref()))
    }

    /// Somebody new.
    pub(super) fn add(&mut self, person: Person, record: KnownRecord) {
        self.records.add(record);
        self.loaded.insert(person.id, Some(person));
    }

    /// One who was loaded or added; `None` for one who was erased.
    pub(super) fn get(&mut self, id: Uuid) -> Option<&mut Person> {
        self.loaded.get_mut(&id)?.as_mut()
    }

    /// The business calls them so from now on.
    pub(super) fn name(&mut self, id: Uuid, reference: &str) {
        self.records.name(id, reference);
        if let Some(person) = self.get(id) {
            person.reference = Some(reference.to_owned());
        }
    }

    /// Locks the people behind these and loads them, until the end of the transaction, so that nobody else gives them
    /// numbers meanwhile.
    pub(super) async fn lock(
        &mut self,
        tx: &mut TenantTx,
        keys: &TenantKeys,
        ids: &[Uuid],
    ) -> Result<(), OpError> {
        if ids.is_empty() {
            return Ok(());
        }
        // Of a merged record the lock is its person's. The keys are read once it is held: in the statement that waits for a
        // lock, what is joined stays as it was before an erasure that it waited for.
        lock_persons(tx, ids).await?;
        let business = tx.business_id();
        let rows = sqlx::query!(
            r#"SELECT d.id, d.external_reference, k.id AS key_id, k.business_key_version, k.wrapped,
                      r.id AS record_id, r.business_key_version AS record_version, r.wrapped AS record_wrapped
             FROM debtors d JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.profile_key_id
             JOIN data_keys r ON r.business_id = d.business_id AND r.id = d.record_key_id
             WHERE d.business_id = $1 AND d.id = ANY($2)"#,
            business,
            ids,
        )
        .fetch_all(tx.conn())
        .await?;
        let mut points = points_of(tx, ids).await?;
        for row in rows {
            let stored = WrappedKey {
                id: row.key_id,
                business_key_version: row.business_key_version,
                wrapped: row.wrapped,
            };
            let record = WrappedKey {
                id: row.record_id,
                business_key_version: row.record_version,
                wrapped: row.record_wrapped,
            };
            let own = points.remove(&row.id).unwrap_or_default();
            let person = keys.data_key(&stored)?.map(|profile| Person {
                id: row.id,
                profile,
                record,
                reference: row.external_reference,
                known: own.known,
                phones: own.phones,
                emails: own.emails,
            });
            self.loaded.insert(row.id, person);
        }
        Ok(())
    }
}

/// The numbers and addresses of a person.
#[derive(Default)]
struct Points {
    known: HashSet<Vec<u8>>,
    phones: i16,
    emails: i16,
}

async fn points_of(tx: &mut TenantTx, debtors: &[Uuid]) -> Result<HashMap<Uuid, Points>, OpError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT debtor_id, kind, coalesce(ordinal, 0::smallint) AS "ordinal!", blind_index
         FROM contact_points WHERE business_id = $1 AND debtor_id = ANY($2)"#,
        business,
        debtors,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut found: HashMap<Uuid, Points> = HashMap::new();
    for row in rows {
        let points = found.entry(row.debtor_id).or_default();
        let last = if row.kind == "PHONE" {
            &mut points.phones
        } else {
            &mut points.emails
        };
        *last = row.ordinal.max(*last);
        points.known.extend(row.blind_index);
    }
    Ok(found)
}
