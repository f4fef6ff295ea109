//! Look-ups of sibling fields in one statement each; made per operation, so they see with its caller's eyes.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    ContactPointProvenance, ContactPointUse, ContactPointValidity, LineType,
    balance_components::{ComponentsRow, components_of},
    contact_store,
    creditors::{CreditorRow, PlacementRow, creditors_by_ids, placements_by_ids},
    documents::{
        DocumentRow, Documents, documents_by_ids, documents_of_accounts, documents_of_conversations,
    },
    match_suggestions::{Suggestions, suggestions_for},
    merge::{Merges, merges_of},
    notes::{NoteRow, Notes, notes_by_ids, notes_of_accounts},
    page_of::PageOf,
    same_contacts::others_with_contact,
    store::{self, AccountRow, DebtorRow},
    timeline::{Timeline, timelines},
};
use crate::{
    ledger::{LedgerEntryRow, entries_by_ids},
    platform::{
        error::OpError,
        gql::{Batch, OpScope},
        secret::Masked,
    },
};

/// A contact point in clear; `None` once it was erased.
#[derive(Clone, Debug)]
pub(super) struct OpenContact {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) value: Option<Masked<String>>,
    pub(super) label: Option<Masked<String>>,
    pub(super) line_type: LineType,
    pub(super) contact_use: ContactPointUse,
    pub(super) provenance: ContactPointProvenance,
    pub(super) validity: ContactPointValidity,
    pub(super) validity_since: Option<DateTime<Utc>>,
    pub(super) validity_by: Option<Uuid>,
    /// As it stood in the file that it was imported from.
    pub(super) original: Option<Masked<String>>,
    pub(super) unreachable: bool,
    pub(super) created_at: DateTime<Utc>,
}

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct AccountLoaders {
    accounts: Batch<Uuid, Arc<AccountRow>>,
    debtors: Batch<Uuid, Arc<DebtorRow>>,
    contacts: Batch<Uuid, Arc<Vec<OpenContact>>>,
    shared: Batch<Uuid, i32>,
    merges: Batch<Uuid, Merges>,
    suggestions: Batch<Uuid, Suggestions>,
    tags: Batch<Uuid, Arc<Vec<String>>>,
    entries: Batch<Uuid, Arc<LedgerEntryRow>>,
    notes: Batch<PageOf, Notes>,
    notes_by_id: Batch<Uuid, Arc<NoteRow>>,
    timelines: Batch<PageOf, Timeline>,
    documents: Batch<PageOf, Documents>,
    thread_documents: Batch<PageOf, Documents>,
    documents_by_id: Batch<Uuid, Arc<DocumentRow>>,
    creditors: Batch<Uuid, Arc<CreditorRow>>,
    placements: Batch<Uuid, Arc<PlacementRow>>,
    components: Batch<Uuid, Arc<ComponentsRow>>,
}

impl AccountLoaders {
    pub(super) async fn account(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<AccountRow>>, OpError> {
        self.accounts
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = store::accounts_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    pub(super) async fn debtor(&self, scope: &OpScope, id: Uuid) -> Result<Option<Arc<DebtorRow>>, OpError> {
        self.debtors
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = store::debtors_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    pub(super) async fn document(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<DocumentRow>>, OpError> {
        self.documents_by_id
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = documents_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    pub(super) async fn contacts(
        &self,
        scope: &OpScope,
        debtor: Uuid,
    ) -> Result<Arc<Vec<OpenContact>>, OpError> {
        let found = self
            .contacts
            .load(debtor, async |ids: Vec<Uuid>| open_contacts(scope, &ids).await)
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// How many other people have the same number or address as this contact point.
    pub(super) async fn shared_with(&self, scope: &OpScope, point: Uuid) -> Result<i32, OpError> {
        let found = self
            .shared
            .load(point, async |ids: Vec<Uuid>| {
                let keys = scope.keys().await?;
                let mut tx = scope.snapshot().await?;
                others_with_contact(&mut tx, &keys, &ids).await
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// The standing merges of this person.
    pub(super) async fn merges(&self, scope: &OpScope, person: Uuid) -> Result<Merges, OpError> {
        let found = self
            .merges
            .load(person, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(merges_of(&mut tx, &ids).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// Who else may be this person.
    pub(super) async fn suggestions(&self, scope: &OpScope, person: Uuid) -> Result<Suggestions, OpError> {
        let found = self
            .suggestions
            .load(person, async |ids: Vec<Uuid>| {
                let keys = scope.keys().await?;
                suggestions_for(&mut *scope.snapshot().await?, &keys, &ids).await
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn tags(&self, scope: &OpScope, account: Uuid) -> Result<Arc<Vec<String>>, OpError> {
        let found = self
            .tags
            .load(account, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let mut found: HashMap<Uuid, Vec<String>> = HashMap::new();
                for (account, tag) in store::tags_of(&mut tx, &ids).await? {
                    found.entry(account).or_default().push(tag);
                }
                Ok::<_, OpError>(found.into_iter().map(|(id, tags)| (id, Arc::new(tags))).collect())
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn notes(&self, scope: &OpScope, page: PageOf) -> Result<Notes, OpError> {
        let found = self
            .notes
            .load(page, async |pages: Vec<PageOf>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(notes_of_accounts(&mut tx, pages).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn note(&self, scope: &OpScope, id: Uuid) -> Result<Option<Arc<NoteRow>>, OpError> {
        self.notes_by_id
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = notes_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    pub(super) async fn entry(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<LedgerEntryRow>>, OpError> {
        self.entries
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = entries_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    pub(super) async fn timeline(&self, scope: &OpScope, page: PageOf) -> Result<Timeline, OpError> {
        let found = self
            .timelines
            .load(page, async |pages: Vec<PageOf>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(timelines(&mut tx, pages).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn documents(&self, scope: &OpScope, page: PageOf) -> Result<Documents, OpError> {
        let found = self
            .documents
            .load(page, async |pages: Vec<PageOf>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(documents_of_accounts(&mut tx, pages).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// Those of a thread.
    pub(super) async fn thread_documents(&self, scope: &OpScope, page: PageOf) -> Result<Documents, OpError> {
        let found = self
            .thread_documents
            .load(page, async |pages: Vec<PageOf>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(documents_of_conversations(&mut tx, pages).await?)
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    pub(super) async fn creditor(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<CreditorRow>>, OpError> {
        self.creditors
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = creditors_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    pub(super) async fn placement(
        &self,
        scope: &OpScope,
        id: Uuid,
    ) -> Result<Option<Arc<PlacementRow>>, OpError> {
        self.placements
            .load(id, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = placements_by_ids(&mut tx, &ids).await?;
                Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
            })
            .await
    }

    pub(super) async fn components(
        &self,
        scope: &OpScope,
        account: Uuid,
    ) -> Result<Option<Arc<ComponentsRow>>, OpError> {
        self.components
            .load(account, async |ids: Vec<Uuid>| {
                let mut tx = scope.snapshot().await?;
                let rows = components_of(&mut tx, &ids).await?;
                Ok(rows
                    .into_iter()
                    .map(|row| (row.account_id, Arc::new(row)))
                    .collect())
            })
            .await
    }
}

async fn open_contacts(
    scope: &OpScope,
    debtors: &[Uuid],
) -> Result<HashMap<Uuid, Arc<Vec<OpenContact>>>, OpError> {
    let keys = scope.keys().await?;
    let sealed = contact_store::sealed_contacts_of(&mut *scope.snapshot().await?, debtors).await?;
    let mut found: HashMap<Uuid, Vec<OpenContact>> = HashMap::new();
    for contact in sealed {
        let point = contact.point;
        let key = keys.data_key(&contact.key)?;
        let open = |column: &'static str, cipher: Option<&Vec<u8>>| match (&key, cipher) {
            (Some(key), Some(cipher)) => keys
                .open_text(key, "contact_points", column, point.id, cipher)
                .map(Some),
            _ => Ok(None),
        };
        found.entry(contact.asked).or_default().push(OpenContact {
            id: point.id,
            value: open("value_cipher", point.value_cipher.as_ref())?,
            original: open("original_cipher", contact.original_cipher.as_ref())?,
            label: open("label_cipher", contact.label_cipher.as_ref())?,
            line_type: LineType::parse(&point.line_type),
            contact_use: ContactPointUse::parse(&contact.contact_use),
            provenance: ContactPointProvenance::parse(&contact.provenance),
            validity: ContactPointValidity::parse(&point.validity),
            validity_since: contact.validity_since,
            validity_by: contact.validity_by,
            unreachable: point.unreachable_code.is_some(),
            created_at: contact.created_at,
            kind: point.kind,
        });
    }
    Ok(found
        .into_iter()
        .map(|(debtor, contacts)| (debtor, Arc::new(contacts)))
        .collect())
}
