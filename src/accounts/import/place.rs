//! Makes people, debts and openings of many rows at once: as many statements for five hundred as for one.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    batch::Batch,
    finding::{Finding, ImportFindingCode},
    people::{Person, people_by_reference},
    row::{ParsedContact, ParsedRow},
    taken::{Taken, taken},
};
use crate::{
    accounts::{contacts, model::name_key, ports::ContactBans},
    ledger::Opening,
    platform::{
        db::TenantTx,
        error::OpError,
        ids::{self, IdKind},
        keys::TenantKeys,
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
    pub(super) bans: &'a dyn ContactBans,
    /// Whose notes they are.
    pub(super) author: Option<Uuid>,
}

/// Why a row that was valid is not placed.
type Refusal = (ImportFindingCode, &'static str);

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
    "The person with this reference has twenty phone numbers or e-mail addresses already: remove some first.",
);

impl Placing<'_> {
    /// Places the rows: how many, and what is to be said of those that cannot be.
    ///
    /// # Errors
    /// [`OpError`] as met. A constraint that refuses (somebody took the same number or reference at the same moment)
    /// leaves nothing, and the same rows can be tried again.
    pub(super) async fn place(
        &self,
        tx: &mut TenantTx,
        candidates: &[Candidate],
    ) -> Result<(i32, Vec<Finding>), OpError> {
        let there = taken(
            tx,
            self.keys,
            candidates.iter().map(|candidate| &candidate.parsed),
        )
        .await?;
        let references = candidates
            .iter()
            .filter_map(|candidate| candidate.parsed.reference.clone());
        let mut people = people_by_reference(tx, self.keys, references.collect()).await?;
        let mut batch = Batch::default();
        let (mut findings, mut banned) = (Vec::new(), Vec::new());
        for candidate in candidates {
            match self.add(&mut batch, &mut people, &there, candidate)? {
                Ok(debtor) => banned.extend(self.banned(debtor, &candidate.parsed)),
                Err((code, message)) => findings.push(Finding {
                    row: candidate.row,
                    column: None,
                    code,
                    message: message.to_owned(),
                }),
            }
        }
        batch.write(tx, self.keys.blind_version(), self.author).await?;
        self.bans.record_do_not_call(tx, &banned).await?;
        Ok((
            i32::try_from(batch.accounts.ids.len()).unwrap_or(i32::MAX),
            findings,
        ))
    }

    /// Numbers of a row that says that they are not to be contacted.
    fn banned(&self, debtor: Uuid, row: &ParsedRow) -> Vec<(Uuid, Vec<u8>)> {
        if !row.do_not_call {
            return Vec::new();
        }
        let phones = row.contacts.iter().filter(|contact| contact.kind == "PHONE");
        phones
            .map(|phone| (debtor, self.keys.blind(&phone.normalised).to_vec()))
            .collect()
    }

    /// Adds what a row becomes to the batch; its debtor, or why it cannot be.
    fn add(
        &self,
        batch: &mut Batch,
        people: &mut HashMap<String, Option<Person>>,
        there: &Taken,
        candidate: &Candidate,
    ) -> Result<Result<Uuid, Refusal>, OpError> {
        let row = &candidate.parsed;
        if there.has(self.keys, row) {
            return Ok(Err(DUPLICATE));
        }
        let mut unreferenced;
        let person = match &row.reference {
            None => {
                unreferenced = self.new_person(batch, row)?;
                &mut unreferenced
            }
            Some(reference) => {
                if !people.contains_key(reference) {
                    people.insert(reference.clone(), Some(self.new_person(batch, row)?));
                }
                match people.get_mut(reference) {
                    Some(Some(person)) => person,
                    _ => return Ok(Err(ERASED)),
                }
            }
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
        self.add_account(batch, person, candidate)?;
        Ok(Ok(person.id))
    }

    fn new_person(&self, batch: &mut Batch, row: &ParsedRow) -> Result<Person, OpError> {
        let id = ids::next();
        let (profile, record) = (self.keys.new_data_key()?, self.keys.new_data_key()?);
        let debtors = &mut batch.debtors;
        debtors.ids.push(id);
        debtors.references.push(row.reference.clone());
        debtors.first_names.push(row.first_name.clone());
        debtors.last_names.push(row.last_name.clone());
        let (first, last) = (row.first_name.as_deref(), row.last_name.as_deref());
        debtors
            .name_keys
            .push(name_key(first.unwrap_or_default(), last.unwrap_or_default()));
        debtors.languages.push(row.language.clone());
        debtors.profile_keys.push(profile.id);
        debtors.record_keys.push(record.id);
        let profile = batch.keys.add(profile, id, "PROFILE");
        batch.keys.add(record, id, "RECORD");
        let address = match &row.address {
            Some(address) => {
                let text = serde_json::to_vec(address).map_err(anyhow::Error::from)?;
                Some(self.keys.seal(&profile, "debtors", "address_cipher", id, &text)?)
            }
            None => None,
        };
        batch.debtors.addresses.push(address);
        Ok(Person {
            id,
            profile,
            known: HashSet::new(),
            phones: 0,
            emails: 0,
        })
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
        person.known.insert(blind);
        Ok(())
    }

    fn add_account(&self, batch: &mut Batch, person: &Person, candidate: &Candidate) -> Result<(), OpError> {
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
        accounts.creditors.push(row.original_creditor.clone());
        accounts.originals.push(row.original_minor);
        accounts.due_dates.push(row.due_date);
        accounts.customs.push(custom);
        batch.openings.push(Opening {
            account: id,
            debtor: person.id,
            amount: Money::from_minor(row.balance_minor, Currency::USD),
        });
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
