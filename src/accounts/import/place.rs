//! Makes people, debts and openings of many rows at once: as many statements for five hundred as for one.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use super::{
    batch::Batch,
    finding::{Finding, ImportFindingCode},
    origins::{self, Origins},
    people::{People, Person},
    row::{ParsedContact, ParsedRow},
    taken::{Taken, taken},
};
use crate::{
    accounts::{
        ContactPointUse, LineType, Origin, contacts,
        match_key::KnownRecord,
        model::name_key,
        ports::{ImportedLimitation, Limitations},
    },
    ledger::Opening,
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        ids::{self, IdKind},
        keys::{TenantKeys, WrappedKey},
        money::{Currency, Money},
    },
};

/// A row that is to be placed.
pub(super) struct Candidate {
    pub(super) row: u32,
    pub(super) parsed: ParsedRow,
}

/// For whom, and with what.
pub(super) struct Placing<'a> {
    pub(super) import: Uuid,
    pub(super) keys: &'a TenantKeys,
    /// Whose notes they are.
    pub(super) author: Option<Uuid>,
    /// Whether creditors and placements that are new may be made.
    pub(super) makes_origins: bool,
    /// Who takes down when limitation periods end, …
    pub(super) limitations: &'a dyn Limitations,
    /// … and who vouches for it.
    pub(super) limitations_by: Option<Uuid>,
}

/// Why a row that was valid is not placed.
pub(super) type Refusal = (ImportFindingCode, &'static str);

pub(super) const DUPLICATE: Refusal = (
    ImportFindingCode::DuplicateInBusiness,
    "Your business has this already: leave the row out, or update what is there.",
);
const ERASED: Refusal = (
    ImportFindingCode::PersonErased,
    "The person with this reference was erased: give the row another reference.",
);
const FULL: Refusal = (
    ImportFindingCode::TooManyContacts,
    "The person has twenty phone numbers or e-mail addresses already: remove some first.",
);

/// What the business has of a chunk.
struct Known {
    taken: Taken,
    origins: Origins,
}

/// Which rows are placed.
pub(super) enum Pass<'a> {
    /// All of them.
    Whole,
    /// Those of people whom the business did not know before this transaction: nobody else sees them or waits for them.
    /// Remembers these people, and leaves the other rows for later.
    New {
        made: &'a mut HashSet<Uuid>,
        left: &'a mut BTreeSet<u32>,
    },
}

impl Placing<'_> {
    /// Places the rows: how many, and what is to be said of those that cannot be.
    ///
    /// # Errors
    /// [`OpError`] as met. A constraint that refuses (somebody took the same number or reference at the same moment)
    /// leaves nothing, and the same rows can be tried again.
    pub(super) async fn place(
        &self,
        tx: &mut TenantTx,
        candidates: Vec<Candidate>,
        mut pass: Pass<'_>,
    ) -> Result<(i32, Vec<Finding>), OpError> {
        let rows: Vec<&ParsedRow> = candidates.iter().map(|candidate| &candidate.parsed).collect();
        let there = Known {
            taken: taken(tx, self.keys, rows.iter().copied()).await?,
            origins: self.origins(tx, &rows).await?,
        };
        let mut people = People::find(tx, self.keys, &rows).await?;
        let mut known: BTreeSet<Uuid> = people.ids();
        if let Pass::New { made, .. } = &pass {
            known.retain(|id| made.contains(id));
        }
        let known: Vec<Uuid> = known.into_iter().collect();
        people.lock(tx, self.keys, &known).await?;
        let mut batch = Batch::default();
        let mut findings = Vec::new();
        for candidate in &candidates {
            if let Pass::New { made, left } = &mut pass
                && let Some(person) = people.of(self.keys, &candidate.parsed)
                && !made.contains(&person)
            {
                left.insert(candidate.row);
                continue;
            }
            match self.add(&mut batch, &mut people, &there, candidate)? {
                Ok(()) => {}
                Err((code, message)) => findings.push(Finding {
                    row: candidate.row,
                    column: None,
                    code,
                    message: message.to_owned(),
                }),
            }
            if let Pass::New { made, .. } = &mut pass {
                made.extend(batch.debtors.ids.last());
            }
        }
        batch.write(tx, self.keys.blind_version(), self.author).await?;
        if let Some(user) = self.limitations_by.filter(|_| !batch.limitations.is_empty()) {
            let by = (self.import, user);
            self.limitations
                .record_imported(tx, self.keys, by, &batch.limitations)
                .await?;
        }
        Ok((
            i32::try_from(batch.accounts.ids.len()).unwrap_or(i32::MAX),
            findings,
        ))
    }

    /// The rows' creditors and placements, with those that are new.
    async fn origins(&self, tx: &mut TenantTx, rows: &[&ParsedRow]) -> Result<Origins, DbError> {
        let mut origins = Origins::find(tx, rows.iter().copied()).await?;
        if self.makes_origins {
            origins.make(tx, self.import).await?;
        }
        Ok(origins)
    }

    /// Adds what a row becomes to the batch, or says why it cannot be.
    fn add(
        &self,
        batch: &mut Batch,
        people: &mut People,
        there: &Known,
        candidate: &Candidate,
    ) -> Result<Result<(), Refusal>, OpError> {
        let row = &candidate.parsed;
        if there.taken.has(self.keys, row).is_some() {
            return Ok(Err(DUPLICATE));
        }
        let Some(origin) = there.origins.of(row) else {
            return Ok(Err(match self.makes_origins {
                true => origins::TOO_MANY,
                false => origins::UNKNOWN,
            }));
        };
        let id = match people.of(self.keys, row) {
            Some(id) => id,
            None => self.new_person(batch, people, row)?,
        };
        let Some(person) = people.get(id) else {
            return Ok(Err(ERASED));
        };
        let new: Vec<&ParsedContact> = self.unknown_contacts(person, row);
        let ordinal_after = |last: i16, kind: &str| {
            let more = new.iter().filter(|contact| contact.kind == kind).count();
            last.saturating_add(i16::try_from(more).unwrap_or(i16::MAX))
        };
        if ordinal_after(person.phones, "PHONE") > contacts::MOST
            || ordinal_after(person.emails, "EMAIL") > contacts::MOST
        {
            return Ok(Err(FULL));
        }
        for contact in new {
            self.add_contact(batch, person, contact)?;
        }
        self.add_account(batch, person, candidate, origin)?;
        if let Some(reference) = row.reference.as_deref().filter(|_| person.reference.is_none()) {
            batch.named.debtors.push(id);
            batch.named.references.push(reference.to_owned());
            people.name(id, reference);
        }
        Ok(Ok(()))
    }

    fn new_person(&self, batch: &mut Batch, people: &mut People, row: &ParsedRow) -> Result<Uuid, OpError> {
        let id = ids::next();
        let (profile, record) = (self.keys.new_data_key()?, self.keys.new_data_key()?);
        let debtors = &mut batch.debtors;
        debtors.ids.push(id);
        debtors.references.push(row.reference.clone());
        debtors.first_names.push(row.first_name.clone());
        debtors.last_names.push(row.last_name.clone());
        debtors.company_names.push(row.company_name.clone());
        let (first, last) = (row.first_name.as_deref(), row.last_name.as_deref());
        debtors
            .name_keys
            .push(name_key(first.unwrap_or_default(), last.unwrap_or_default()));
        debtors.languages.push(row.language.clone());
        debtors.channels.push(row.channel.clone());
        debtors.profile_keys.push(profile.id);
        debtors.record_keys.push(record.id);
        let profile = batch.keys.add(profile, id, "PROFILE");
        let stored = WrappedKey {
            id: record.id,
            business_key_version: record.business_key_version,
            wrapped: Some(record.wrapped.clone()),
        };
        batch.keys.add(record, id, "RECORD");
        let seal = |column, text: Option<Vec<u8>>| {
            let seal = |text: Vec<u8>| self.keys.seal(&profile, "debtors", column, id, &text);
            text.map(seal).transpose()
        };
        let address = row.address.as_ref().map(serde_json::to_vec).transpose();
        let number = row.national_id.as_ref();
        let known = KnownRecord {
            id,
            person_id: id,
            reference: row.reference.clone(),
            national_id_blind: number.map(|number| number.blind(self.keys)),
            match_blind: row.match_key().map(|key| key.blind(self.keys)),
            birth_date: row.birth_date,
        };
        let debtors = &mut batch.debtors;
        debtors
            .addresses
            .push(seal("address_cipher", address.map_err(anyhow::Error::from)?)?);
        let born = row.birth_date.map(|date| date.to_string().into_bytes());
        debtors.birth_dates.push(seal("birth_date_cipher", born)?);
        debtors.matches.push(known.match_blind.clone());
        let written = number.map(|number| number.expose().as_bytes().to_vec());
        debtors.national_ids.push(seal("national_id_cipher", written)?);
        debtors.national_id_blinds.push(known.national_id_blind.clone());
        let person = Person {
            id,
            profile,
            record: stored,
            reference: row.reference.clone(),
            known: HashSet::new(),
            phones: 0,
            emails: 0,
        };
        people.add(person, known);
        Ok(id)
    }

    /// What of the row's numbers and addresses the person does not have.
    fn unknown_contacts<'r>(&self, person: &Person, row: &'r ParsedRow) -> Vec<&'r ParsedContact> {
        let is_known = |contact: &ParsedContact| {
            !person.known.is_empty()
                && self
                    .keys
                    .blinds(&contact.normalised)
                    .iter()
                    .any(|blind| person.known.contains(blind))
        };
        row.contacts.iter().filter(|contact| !is_known(contact)).collect()
    }

    fn add_contact(
        &self,
        batch: &mut Batch,
        person: &mut Person,
        contact: &ParsedContact,
    ) -> Result<(), OpError> {
        let id = ids::next();
        let seal = |column, text: &str| {
            self.keys
                .seal(&person.profile, "contact_points", column, id, text.as_bytes())
        };
        let (value, original) = (
            seal("value_cipher", &contact.written)?,
            seal("original_cipher", &contact.original)?,
        );
        let last = if contact.kind == "PHONE" {
            &mut person.phones
        } else {
            &mut person.emails
        };
        *last += 1;
        let blind = self.keys.blind(&contact.normalised).to_vec();
        let contacts = &mut batch.contacts;
        contacts.ids.push(id);
        contacts.debtors.push(person.id);
        contacts.kinds.push(contact.kind.clone());
        contacts.ordinals.push(*last);
        contacts.values.push(value);
        contacts.originals.push(original);
        contacts.blinds.push(blind.clone());
        let word = |told: &Option<String>, unknown: &str| told.as_deref().unwrap_or(unknown).to_owned();
        contacts
            .line_types
            .push(word(&contact.line_type, LineType::Unknown.as_str()));
        contacts
            .uses
            .push(word(&contact.contact_use, ContactPointUse::Unknown.as_str()));
        person.known.insert(blind);
        Ok(())
    }

    fn add_account(
        &self,
        batch: &mut Batch,
        person: &Person,
        candidate: &Candidate,
        origin: Origin,
    ) -> Result<(), OpError> {
        let (id, row) = (ids::next(), &candidate.parsed);
        let seal =
            |table, column, row, text: &[u8]| self.keys.seal(&person.profile, table, column, row, text);
        let custom = match &row.custom {
            Some(fields) => {
                let text = fields.to_string();
                Some(seal("accounts", "custom_fields_cipher", id, text.as_bytes())?)
            }
            None => None,
        };
        let accounts = &mut batch.accounts;
        accounts.ids.push(id);
        accounts.debtors.push(person.id);
        accounts.numbers.push(match &row.account_number {
            Some(number) => number.clone(),
            None => lead_number(self.import, candidate.row),
        });
        accounts.original_creditors.push(row.original_creditor.clone());
        accounts.creditors.push(origin.creditor_id);
        accounts.placements.push(origin.placement_id);
        accounts.balances.push(row.balance_minor);
        accounts.originals.push(row.original_minor);
        accounts.due_dates.push(row.due_date);
        accounts
            .debt_types
            .push(row.debt_type.map(|kind| kind.as_str().to_owned()));
        accounts.customs.push(custom);
        if let Some(told) = &row.components {
            batch.components.add(id, person.id, told);
        }
        batch.openings.push(Opening {
            account: id,
            debtor: person.id,
            amount: Money::from_minor(row.balance_minor, Currency::USD),
        });
        if let Some(expires_on) = row.limitation {
            batch.limitations.push(ImportedLimitation {
                account: id,
                debtor: person.id,
                record_key: person.record.clone(),
                expires_on,
                row: candidate.row,
            });
        }
        for tag in &row.tags {
            batch.tags.accounts.push(id);
            batch.tags.tags.push(tag.clone());
        }
        if let Some(note) = &row.note {
            let note_id = ids::next();
            batch.notes.ids.push(note_id);
            batch.notes.accounts.push(id);
            batch
                .notes
                .bodies
                .push(seal("account_notes", "body_cipher", note_id, note.as_bytes())?);
        }
        Ok(())
    }
}

/// The account number of a lead: of the import and the row, so that the same row gets the same one again.
fn lead_number(import: Uuid, row: u32) -> String {
    let id = ids::encode(IdKind::Import, import);
    // The end of an id is random; its beginning is the time.
    let tail = &id[id.len() - 12..];
    format!("LEAD-{tail}-{row}")
}
