//! The lists of an archive: what each is called, what it holds sealed, and how that is opened.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    accounts::debtor_keys,
    platform::{
        crypto::DataKey,
        db::TenantTx,
        error::OpError,
        keys::TenantKeys,
        money::{Currency, Money},
    },
};

/// Whose rows, and which of them.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// All records of the person.
    pub(super) members: Vec<Uuid>,
    /// Of this debt alone.
    pub(super) account: Option<Uuid>,
    pub(super) from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub(super) until: Option<DateTime<Utc>>,
}

/// A list of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Profile,
    ContactPoints,
    Accounts,
    Notes,
    Ledger,
    Payments,
    Refunds,
    PaymentDisputes,
    Conversations,
    Messages,
    Consents,
    Suppressions,
    Holds,
    InconvenientTimes,
    ContactPlaces,
    /// In plain words.
    Decisions,
    /// With the facts and everything that was found.
    WholeDecisions,
    Documents,
    ValidationNotices,
    PrivacyRequests,
    PrivacyAcceptances,
    Disputes,
    DisputeSteps,
    Complaints,
    SuitAuthorities,
    Limitations,
}

/// A ciphertext column: its name in the table, its name in the archive, and whether it holds JSON.
type Sealed = (&'static str, &'static str, bool);

impl Section {
    /// What a copy of all data holds.
    pub(super) const DATA: &'static [Self] = &[
        Self::Profile,
        Self::ContactPoints,
        Self::Accounts,
        Self::Notes,
        Self::Ledger,
        Self::Payments,
        Self::Refunds,
        Self::PaymentDisputes,
        Self::Conversations,
        Self::Messages,
        Self::Consents,
        Self::Suppressions,
        Self::Holds,
        Self::InconvenientTimes,
        Self::ContactPlaces,
        Self::Decisions,
        Self::Documents,
        Self::ValidationNotices,
        Self::PrivacyRequests,
        Self::PrivacyAcceptances,
        Self::Disputes,
        Self::DisputeSteps,
        Self::Complaints,
        Self::SuitAuthorities,
        Self::Limitations,
    ];
    /// What evidence holds.
    pub(super) const EVIDENCE: &'static [Self] = &[
        Self::Accounts,
        Self::Ledger,
        Self::Payments,
        Self::Refunds,
        Self::PaymentDisputes,
        Self::Conversations,
        Self::Messages,
        Self::Consents,
        Self::Suppressions,
        Self::Holds,
        Self::InconvenientTimes,
        Self::ContactPlaces,
        Self::Disputes,
        Self::DisputeSteps,
        Self::Complaints,
        Self::SuitAuthorities,
        Self::Limitations,
        Self::WholeDecisions,
        Self::ValidationNotices,
    ];

    /// The files that a record of it names, whose contents go along: of a step, those that were sent.
    pub(super) fn contents(self, record: &Value) -> Vec<Uuid> {
        let members: &[&str] = match self {
            Self::Documents => &["file_id"],
            Self::ValidationNotices => &["pdf_file_id", "page_file_id"],
            _ => &[],
        };
        let sent = record["documents"]
            .as_array()
            .filter(|_| self == Self::DisputeSteps);
        let sent = sent.into_iter().flatten().map(|document| &document["file_id"]);
        let named = members.iter().map(|name| &record[*name]).chain(sent);
        named.filter_map(|id| id.as_str()?.parse().ok()).collect()
    }

    /// The file's name.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Profile => "profile.json",
            Self::ContactPoints => "contact_points.json",
            Self::Accounts => "accounts.json",
            Self::Notes => "notes.json",
            Self::Ledger => "ledger.json",
            Self::Payments => "payments.json",
            Self::Refunds => "refunds.json",
            Self::PaymentDisputes => "payment_disputes.json",
            Self::Conversations => "conversations.json",
            Self::Messages => "messages.json",
            Self::Consents => "consents.json",
            Self::Suppressions => "suppressions.json",
            Self::Holds => "holds.json",
            Self::InconvenientTimes => "inconvenient_times.json",
            Self::ContactPlaces => "contact_places.json",
            Self::Decisions | Self::WholeDecisions => "decisions.json",
            Self::Documents => "documents.json",
            Self::ValidationNotices => "validation_notices.json",
            Self::PrivacyRequests => "privacy_requests.json",
            Self::PrivacyAcceptances => "privacy_acceptances.json",
            Self::Disputes => "disputes.json",
            Self::DisputeSteps => "dispute_steps.json",
            Self::Complaints => "complaints.json",
            Self::SuitAuthorities => "suit_authorities.json",
            Self::Limitations => "limitations.json",
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Profile => "debtors",
            Self::ContactPoints => "contact_points",
            Self::Accounts => "accounts",
            Self::Notes => "account_notes",
            Self::Ledger => "ledger_entries",
            Self::Payments => "payments",
            Self::Refunds => "refunds",
            Self::PaymentDisputes => "payment_disputes",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::Consents => "consents",
            Self::Suppressions => "suppressions",
            Self::Holds => "holds",
            Self::InconvenientTimes => "inconvenient_times",
            Self::ContactPlaces => "contact_places",
            Self::Decisions | Self::WholeDecisions => "decisions",
            Self::Documents => "account_documents",
            Self::ValidationNotices => "validation_notices",
            Self::PrivacyRequests => "privacy_requests",
            Self::PrivacyAcceptances => "privacy_acceptances",
            Self::Disputes => "disputes",
            Self::DisputeSteps => "dispute_steps",
            Self::Complaints => "complaints",
            Self::SuitAuthorities => "suit_authorities",
            Self::Limitations => "limitations",
        }
    }

    /// The ciphertexts in the order in which the statement brings them.
    fn sealed(self) -> &'static [Sealed] {
        match self {
            Self::Profile => &[
                ("birth_date_cipher", "birth_date", false),
                ("address_cipher", "address", true),
                ("stated_zone_cipher", "stated_time_zone", false),
                ("stated_zone_statement_cipher", "stated_time_zone_words", false),
            ],
            Self::ContactPoints => &[
                ("value_cipher", "value", false),
                ("original_cipher", "as_imported", false),
                ("label_cipher", "label", false),
            ],
            Self::Accounts => &[("custom_fields_cipher", "custom_fields", true)],
            Self::Notes => &[("body_cipher", "text", false)],
            Self::Payments => &[("note_cipher", "note", false)],
            Self::Conversations => &[
                ("peer_cipher", "their_address", false),
                ("resolution_cipher", "resolution", false),
            ],
            Self::Messages => &[("body_cipher", "text", false)],
            Self::Consents => &[("evidence_cipher", "evidence", true)],
            Self::Holds => &[
                ("reason_cipher", "reason", false),
                ("confirmation_cipher", "confirmation", false),
            ],
            Self::InconvenientTimes => &[("statement_cipher", "statement", false)],
            Self::ContactPlaces => &[
                ("statement_cipher", "statement", false),
                ("withdrawal_cipher", "withdrawal", false),
            ],
            Self::WholeDecisions => &[("facts_cipher", "facts", true)],
            Self::Documents => &[("description_cipher", "description", false)],
            Self::ValidationNotices => &[("content_cipher", "content", true)],
            Self::PrivacyRequests => &[
                ("reason_cipher", "reason", false),
                ("answer_cipher", "answer", false),
            ],
            Self::PrivacyAcceptances => &[("evidence_cipher", "from_where", true)],
            Self::Disputes => &[
                ("words_cipher", "words", false),
                ("resolution_cipher", "resolution", false),
            ],
            Self::DisputeSteps => &[("note_cipher", "note", false)],
            Self::Complaints => &[
                ("reference_cipher", "reference", false),
                ("words_cipher", "words", false),
                ("resolution_cipher", "resolution", false),
            ],
            Self::SuitAuthorities => &[
                ("authority_cipher", "authority", false),
                ("limitation_basis_cipher", "limitation_basis", false),
                ("withdrawal_cipher", "withdrawal", false),
            ],
            Self::Limitations => &[("basis_cipher", "basis", false)],
            Self::Ledger | Self::Refunds | Self::PaymentDisputes | Self::Suppressions | Self::Decisions => {
                &[]
            }
        }
    }
}

/// A row as a statement brings it: what is plain, and the ciphertexts with the key of each.
pub(super) struct Raw {
    pub(super) id: Uuid,
    pub(super) plain: Value,
    pub(super) ciphers: Vec<Option<Vec<u8>>>,
    pub(super) keys: Vec<Option<Uuid>>,
}

/// Opens rows; keys are unwrapped once.
pub(super) struct Opener<'a> {
    keys: &'a TenantKeys,
    known: HashMap<Uuid, Option<DataKey>>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(keys: &'a TenantKeys) -> Self {
        Self {
            keys,
            known: HashMap::new(),
        }
    }

    /// Unwraps the keys of these rows that are not known yet.
    pub(super) async fn learn(&mut self, tx: &mut TenantTx, rows: &[Raw]) -> Result<(), OpError> {
        let mut new: Vec<Uuid> = rows
            .iter()
            .flat_map(|row| row.keys.iter().flatten().copied())
            .collect();
        new.sort_unstable();
        new.dedup();
        new.retain(|id| !self.known.contains_key(id));
        if new.is_empty() {
            return Ok(());
        }
        for stored in debtor_keys::load_all(tx, &new).await? {
            self.known.insert(stored.id, self.keys.data_key(&stored)?);
        }
        Ok(())
    }

    /// A row with everything opened; what was erased is null.
    pub(super) fn open(&self, section: Section, row: Raw) -> Result<Value, OpError> {
        let mut value = row.plain;
        let parts = row.ciphers.iter().zip(&row.keys).zip(section.sealed());
        for ((cipher, key), (column, name, is_json)) in parts {
            let key = key.and_then(|id| self.known.get(&id)).and_then(Option::as_ref);
            let opened = match (cipher, key) {
                (Some(cipher), Some(key)) if !cipher.is_empty() => {
                    let text = self
                        .keys
                        .open_text(key, section.table(), column, row.id, cipher)?;
                    match is_json {
                        true => serde_json::from_str(text.expose()).map_err(anyhow::Error::from)?,
                        false => Value::String(text.expose().clone()),
                    }
                }
                _ => Value::Null,
            };
            value[*name] = opened;
        }
        if section == Section::Accounts {
            value["balance"] = decimal(&value["balance_minor_units"], &value["currency"]);
        }
        Ok(value)
    }
}

/// An amount as people write it.
fn decimal(minor: &Value, currency: &Value) -> Value {
    let currency = currency.as_str().and_then(|code| code.parse::<Currency>().ok());
    match (minor.as_i64(), currency) {
        (Some(minor), Some(currency)) => {
            Value::String(Money::from_minor(minor, currency).to_decimal_string())
        }
        _ => Value::Null,
    }
}
