//! Look-ups of sibling fields in one statement each; made per operation, so they see with its caller's eyes.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::store::{self, AccountRow, DebtorRow};
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
