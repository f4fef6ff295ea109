//! Rows of several tables on their way into the database, column by column, each table in one statement.

use chrono::NaiveDate;
use uuid::Uuid;

use super::components::Components;
use crate::{
    accounts::{debtor_keys::KeyRows, ports::ImportedLimitation},
    ledger::{self, Opening},
    platform::{
        db::{DbError, TenantTx},
        money::Currency,
        outbox,
    },
};

/// Everything that a chunk of rows becomes.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) debtors: Debtors,
    pub(super) keys: KeyRows,
    pub(super) contacts: Contacts,
    pub(super) accounts: Accounts,
    pub(super) components: Components,
    pub(super) openings: Vec<Opening>,
    pub(super) tags: Tags,
    pub(super) notes: Notes,
    /// Records that get a reference: they were known without one.
    pub(super) named: Named,
    /// Of the accounts: theirs to record who owns them, once they are there.
    pub(super) limitations: Vec<ImportedLimitation>,
}

#[derive(Default)]
pub(super) struct Named {
    pub(super) debtors: Vec<Uuid>,
    pub(super) references: Vec<String>,
}

#[derive(Default)]
pub(super) struct Debtors {
    pub(super) ids: Vec<Uuid>,
    pub(super) references: Vec<Option<String>>,
    pub(super) first_names: Vec<Option<String>>,
    pub(super) last_names: Vec<Option<String>>,
    pub(super) company_names: Vec<Option<String>>,
    pub(super) name_keys: Vec<String>,
    pub(super) languages: Vec<String>,
    pub(super) channels: Vec<Option<String>>,
    pub(super) profile_keys: Vec<Uuid>,
    pub(super) record_keys: Vec<Uuid>,
    pub(super) addresses: Vec<Option<Vec<u8>>>,
    pub(super) birth_dates: Vec<Option<Vec<u8>>>,
    pub(super) national_ids: Vec<Option<Vec<u8>>>,
    pub(super) national_id_blinds: Vec<Option<Vec<u8>>>,
    pub(super) matches: Vec<Option<Vec<u8>>>,
}

#[derive(Default)]
pub(super) struct Contacts {
    pub(super) ids: Vec<Uuid>,
    pub(super) debtors: Vec<Uuid>,
    pub(super) kinds: Vec<String>,
    pub(super) ordinals: Vec<i16>,
    pub(super) values: Vec<Vec<u8>>,
    pub(super) originals: Vec<Vec<u8>>,
    pub(super) blinds: Vec<Vec<u8>>,
    pub(super) line_types: Vec<String>,
    pub(super) uses: Vec<String>,
}

#[derive(Default)]
pub(super) struct Accounts {
    pub(super) ids: Vec<Uuid>,
    pub(super) debtors: Vec<Uuid>,
    pub(super) numbers: Vec<String>,
    pub(super) original_creditors: Vec<Option<String>>,
    pub(super) creditors: Vec<Option<Uuid>>,
    pub(super) placements: Vec<Option<Uuid>>,
    pub(super) balances: Vec<i64>,
    pub(super) originals: Vec<Option<i64>>,
    pub(super) due_dates: Vec<Option<NaiveDate>>,
    pub(super) debt_types: Vec<Option<String>>,
    pub(super) customs: Vec<Option<Vec<u8>>>,
}

#[derive(Default)]
pub(super) struct Tags {
    pub(super) accounts: Vec<Uuid>,
    pub(super) tags: Vec<String>,
}

#[derive(Default)]
pub(super) struct Notes {
    pub(super) ids: Vec<Uuid>,
    pub(super) accounts: Vec<Uuid>,
    pub(super) bodies: Vec<Vec<u8>>,
}

impl Batch {
    /// Writes all of it; `blind_version` is that of the contacts' blind indexes, `author` whose notes they are.
    pub(super) async fn write(
        &self,
        tx: &mut TenantTx,
        blind_version: i32,
        author: Option<Uuid>,
    ) -> Result<(), DbError> {
        if self.accounts.ids.is_empty() {
            return Ok(());
        }
        if !self.debtors.ids.is_empty() {
            self.debtors.write(tx).await?;
            self.keys.write(tx).await?;
        }
        if !self.named.debtors.is_empty() {
            self.named.write(tx).await?;
        }
        if !self.contacts.ids.is_empty() {
            self.contacts.write(tx, blind_version).await?;
        }
        self.accounts.write(tx).await?;
        ledger::post_openings(tx, &self.openings).await?;
        self.components.write(tx).await?;
        if !self.tags.tags.is_empty() {
            self.tags.write(tx).await?;
        }
        if !self.notes.ids.is_empty() {
            self.notes.write(tx, author).await?;
        }
        outbox::record(tx, "account.created", &self.accounts.ids).await?;
        refresh_statistics(tx).await
    }
}

/// Tells the planner of the rows when it knows of few so far: the next chunk's checks would take ever longer.
async fn refresh_statistics(tx: &mut TenantTx) -> Result<(), DbError> {
    sqlx::query!("SELECT app.refresh_statistics()")
        .execute(tx.conn())
        .await?;
    Ok(())
}

impl Debtors {
    async fn write(&self, tx: &mut TenantTx) -> Result<(), DbError> {
        let (business, now) = (tx.business_id(), tx.now());
        sqlx::query!(
            "INSERT INTO debtors (business_id, id, external_reference, first_name, last_name, name_key,
                 preferred_language, profile_key_id, record_key_id, address_cipher, birth_date_cipher, match_blind,
                 national_id_cipher, national_id_blind, company_name, preferred_channel, created_at, updated_at)
             SELECT $1, d.id, d.reference, d.first_name, d.last_name, d.name_key, d.language, d.profile_key, d.record_key,
                 d.address, d.birth_date, d.match_blind, d.national_id, d.national_id_blind, d.company_name, d.channel, $2, $2
             FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::uuid[],
                 $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[], $16::text[], $17::text[])
                 AS d(id, reference, first_name, last_name, name_key, language, profile_key, record_key, address, birth_date,
                      match_blind, national_id, national_id_blind, company_name, channel)",
            business,
            now,
            &self.ids,
            &self.references as &[Option<String>],
            &self.first_names as &[Option<String>],
            &self.last_names as &[Option<String>],
            &self.name_keys,
            &self.languages,
            &self.profile_keys,
            &self.record_keys,
            &self.addresses as &[Option<Vec<u8>>],
            &self.birth_dates as &[Option<Vec<u8>>],
            &self.matches as &[Option<Vec<u8>>],
            &self.national_ids as &[Option<Vec<u8>>],
            &self.national_id_blinds as &[Option<Vec<u8>>],
            &self.company_names as &[Option<String>],
            &self.channels as &[Option<String>],
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Named {
    async fn write(&self, tx: &mut TenantTx) -> Result<(), DbError> {
        let (business, now) = (tx.business_id(), tx.now());
        sqlx::query!(
            "UPDATE debtors d SET external_reference = n.reference, updated_at = $2
             FROM unnest($3::uuid[], $4::text[]) AS n(id, reference)
             WHERE d.business_id = $1 AND d.id = n.id AND d.external_reference IS NULL",
            business,
            now,
            &self.debtors,
            &self.references,
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Contacts {
    async fn write(&self, tx: &mut TenantTx, blind_version: i32) -> Result<(), DbError> {
        let (business, now) = (tx.business_id(), tx.now());
        sqlx::query!(
            "INSERT INTO contact_points (business_id, id, debtor_id, kind, ordinal, value_cipher, original_cipher,
                 blind_index, blind_version, provenance, created_at, line_type, contact_use)
             SELECT $1, c.id, c.debtor_id, c.kind, c.ordinal, c.value, c.original, c.blind, $2, 'IMPORT', $3, c.line_type, c.contact_use
             FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::smallint[], $8::bytea[], $9::bytea[], $10::bytea[],
                 $11::text[], $12::text[])
                 AS c(id, debtor_id, kind, ordinal, value, original, blind, line_type, contact_use)
             ON CONFLICT (business_id, debtor_id, blind_index) WHERE blind_index IS NOT NULL AND removed_at IS NULL
                 DO NOTHING",
            business,
            blind_version,
            now,
            &self.ids,
            &self.debtors,
            &self.kinds,
            &self.ordinals,
            &self.values,
            &self.originals,
            &self.blinds,
            &self.line_types,
            &self.uses,
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Accounts {
    async fn write(&self, tx: &mut TenantTx) -> Result<(), DbError> {
        let (business, now) = (tx.business_id(), tx.now());
        sqlx::query!(
            "INSERT INTO accounts (business_id, id, debtor_id, account_number, original_creditor, status, currency,
                 balance_minor, original_balance_minor, due_date, custom_fields_cipher, created_at, updated_at, debt_type,
                 creditor_id, placement_id)
             SELECT $1, a.id, a.debtor_id, a.number, a.original_creditor, 'ACTIVE', $2, a.balance, a.original, a.due_date, a.custom,
                 $3, $3, a.debt_type, a.creditor, a.placement
             FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::date[], $11::bytea[],
                 $12::text[], $13::uuid[], $14::uuid[])
                 AS a(id, debtor_id, number, original_creditor, balance, original, due_date, custom, debt_type, creditor, placement)",
            business,
            Currency::USD.code(),
            now,
            &self.ids,
            &self.debtors,
            &self.numbers,
            &self.original_creditors as &[Option<String>],
            &self.balances,
            &self.originals as &[Option<i64>],
            &self.due_dates as &[Option<NaiveDate>],
            &self.customs as &[Option<Vec<u8>>],
            &self.debt_types as &[Option<String>],
            &self.creditors as &[Option<Uuid>],
            &self.placements as &[Option<Uuid>],
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Tags {
    async fn write(&self, tx: &mut TenantTx) -> Result<(), DbError> {
        let business = tx.business_id();
        sqlx::query!(
            "INSERT INTO account_tags (business_id, account_id, tag)
             SELECT $1, t.account_id, t.tag FROM unnest($2::uuid[], $3::text[]) AS t(account_id, tag)",
            business,
            &self.accounts,
            &self.tags,
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Notes {
    async fn write(&self, tx: &mut TenantTx, author: Option<Uuid>) -> Result<(), DbError> {
        let (business, now) = (tx.business_id(), tx.now());
        sqlx::query!(
            "INSERT INTO account_notes (business_id, id, account_id, author_id, body_cipher, created_at)
             SELECT $1, n.id, n.account_id, $2, n.body, $3
             FROM unnest($4::uuid[], $5::uuid[], $6::bytea[]) AS n(id, account_id, body)",
            business,
            author,
            now,
            &self.ids,
            &self.accounts,
            &self.bodies,
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}
