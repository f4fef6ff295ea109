//! What an imported file says of limitation periods, as somebody of the business vouches for it who may record it by hand.

use async_trait::async_trait;
use serde_json::json;
use uuid::Uuid;

use crate::{
    accounts::ports::{ImportedLimitation, Limitations},
    platform::{
        db::{AuditEntry, TenantTx},
        error::OpError,
        ids::{self, IdKind},
        keys::TenantKeys,
    },
};

/// Writes into what [`record_limitation`](super::record_limitation) writes into.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportedLimitations;

#[async_trait]
impl Limitations for ImportedLimitations {
    async fn record_imported(
        &self,
        tx: &mut TenantTx,
        keys: &TenantKeys,
        (import, user): (Uuid, Uuid),
        limitations: &[ImportedLimitation],
    ) -> Result<(), OpError> {
        let (mut ids, mut bases) = (Vec::new(), Vec::new());
        let (mut debtors, mut accounts, mut days) = (Vec::new(), Vec::new(), Vec::new());
        let file = ids::encode(IdKind::Import, import);
        for limitation in limitations {
            // Of a person whose records were destroyed nothing is written down.
            let Some(key) = keys.data_key(&limitation.record_key)? else {
                continue;
            };
            let id = ids::next();
            let basis = format!("As row {} of the imported file says ({file}).", limitation.row);
            bases.push(keys.seal(&key, "limitations", "basis_cipher", id, basis.as_bytes())?);
            ids.push(id);
            debtors.push(limitation.debtor);
            accounts.push(limitation.account);
            days.push(limitation.expires_on);
        }
        let Some(first) = ids.first().copied() else {
            return Ok(());
        };
        let (business, now) = (tx.business_id(), tx.now());
        sqlx::query!(
            "INSERT INTO limitations (business_id, id, debtor_id, account_id, expires_on, basis_cipher, recorded_at, recorded_by)
             SELECT $1, l.id, l.debtor_id, l.account_id, l.expires_on, l.basis, $2, $3
             FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::date[], $8::bytea[])
                 AS l(id, debtor_id, account_id, expires_on, basis)",
            business,
            now,
            user,
            &ids,
            &debtors,
            &accounts,
            &days,
            &bases,
        )
        .execute(tx.conn())
        .await?;
        // One row for all of them: an import brings thousands.
        let details = json!({ "import": import, "vouched_for_by": user, "recorded": ids });
        tx.audit(AuditEntry::plain("limitation.imported", first, &details));
        Ok(())
    }
}
