//! Look-ups of sibling fields in one statement each; made per operation, so they see with its caller's eyes.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    balance_components::{ComponentsRow, components_of},
    creditors::{CreditorRow, PlacementRow, creditors_by_ids, placements_by_ids},
    notes::{NotePage, Notes, notes_of_accounts},
    store::{self, AccountRow, DebtorRow},
};
use crate::platform::{
    error::OpError,
    gql::{Batch, OpScope},
    secret::Masked,
};

/// A contact point in clear; `None` once it was erased.
#[derive(Clone, Debug)]
pub(super) struct OpenContact {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) value: Option<Masked<String>>,
    pub(super) unreachable: bool,
}

/// The slice's look-ups of one operation.
#[derive(Default)]
pub struct AccountLoaders {
    accounts: Batch<Uuid, Arc<AccountRow>>,
    debtors: Batch<Uuid, Arc<DebtorRow>>,
    contacts: Batch<Uuid, Arc<Vec<OpenContact>>>,
    tags: Batch<Uuid, Arc<Vec<String>>>,
    notes: Batch<NotePage, Notes>,
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

    pub(super) async fn notes(&self, scope: &OpScope, page: NotePage) -> Result<Notes, OpError> {
        let found = self
            .notes
            .load(page, async |pages: Vec<NotePage>| {
                let mut tx = scope.snapshot().await?;
                Ok::<_, OpError>(notes_of_accounts(&mut tx, pages).await?)
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
    let sealed = store::sealed_contacts_of(&mut *scope.snapshot().await?, debtors).await?;
    let mut found: HashMap<Uuid, Vec<OpenContact>> = HashMap::new();
    for contact in sealed {
        let point = contact.point;
        let value = match (keys.data_key(&contact.key)?, &point.value_cipher) {
            (Some(key), Some(cipher)) => {
                Some(keys.open_text(&key, "contact_points", "value_cipher", point.id, cipher)?)
            }
            _ => None,
        };
        found.entry(point.debtor_id).or_default().push(OpenContact {
            id: point.id,
            kind: point.kind,
            value,
            unreachable: point.unreachable_code.is_some(),
        });
    }
    Ok(found
        .into_iter()
        .map(|(debtor, contacts)| (debtor, Arc::new(contacts)))
        .collect())
}
