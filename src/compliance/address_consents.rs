//! The consent ledger by address: a word that comes from a number or e-mail address itself binds for everybody on whose
//! record it stands (47 CFR 64.1200(a)(10); 12 CFR 1006.14(h)).

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{
    consents::{ConsentEvidence, ConsentSource, ConsentStatus},
    suppressions::AddressKind,
};
use crate::platform::{
    db::{AuditEntry, DbError, TenantTx},
    error::OpError,
    ids,
    keys::{TenantKeys, WrappedKey},
};

/// Whence a withdrawal comes, and what proves it.
pub(super) enum Withdrawal<'a> {
    /// A received text, and when it came; its evidence is the text.
    Text { event: Uuid, said_at: DateTime<Utc> },
    /// A link in a message, to one contact point.
    Link {
        contact_point: Uuid,
        keys: &'a TenantKeys,
        evidence: &'a ConsentEvidence,
    },
}

impl Withdrawal<'_> {
    fn source(&self) -> ConsentSource {
        match self {
            Self::Text { .. } => ConsentSource::Text,
            Self::Link { .. } => ConsentSource::Link,
        }
    }
}

/// A word about to be written.
struct Word {
    debtor: Uuid,
    contact_point: Uuid,
    channel: String,
    purpose: String,
    record: WrappedKey,
}

/// A word from an address that its owners take every machine's permission back. Whatever stands for it ends: of a number
/// texts, WhatsApp and artificial voices, of an e-mail address e-mail. A link also leaves its word where nothing stood, as the
/// evidence that it was used. With a channel what stands for that one alone. Returns whose words were written, each once.
pub(super) async fn revoke_address(
    tx: &mut TenantTx,
    kind: AddressKind,
    blinds: &[Vec<u8>],
    channel: Option<&str>,
    by: &Withdrawal<'_>,
) -> Result<Vec<Uuid>, OpError> {
    let mut words = standing(tx, kind, blinds).await?;
    words.retain(|word| channel.is_none_or(|channel| word.channel == channel));
    if let Withdrawal::Link { contact_point, .. } = by {
        words.extend(unspoken(tx, kind, *contact_point).await?);
    }
    let mut owners: Vec<Uuid> = words.iter().map(|word| word.debtor).collect();
    owners.sort_unstable();
    owners.dedup();
    for word in words {
        let id = insert(tx, &word, ConsentStatus::Revoked, by).await?;
        let details =
            json!({ "channel": word.channel, "purpose": word.purpose, "source": by.source().as_str() });
        tx.audit(AuditEntry::plain("consent.revoked", id, &details).about(Some(word.debtor)));
    }
    Ok(owners)
}

/// START gives back what STOP took from texts about debts on this number, where a direct consent stood before it; of every
/// other channel and purpose the revocation stays, and so does what was taken back otherwise than by text.
pub(super) async fn restore_texts(tx: &mut TenantTx, blinds: &[Vec<u8>], event: Uuid) -> Result<(), OpError> {
    let business = tx.business_id();
    let taken = sqlx::query!(
        r#"SELECT cp.debtor_id AS "debtor_id!", cp.id AS "contact_point_id!", k.id AS "key_id!", k.business_key_version,
                k.wrapped
         FROM contact_points cp
         JOIN debtors d ON d.business_id = cp.business_id AND d.id = cp.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         JOIN LATERAL (
             SELECT array_agg(w.status) AS statuses, array_agg(w.source) AS sources, array_agg(w.given_directly) AS direct
             FROM (SELECT c.status, c.source, c.given_directly FROM consents c
                   WHERE c.business_id = cp.business_id AND c.contact_point_id = cp.id AND c.channel = 'SMS'
                     AND c.purpose = 'COLLECTION'
                   ORDER BY c.said_at DESC, c.id DESC LIMIT 2) w) l ON true
         WHERE cp.business_id = $1 AND cp.blind_index = ANY($2) AND cp.kind = 'PHONE' AND cp.removed_at IS NULL
           AND l.statuses[1] = 'REVOKED' AND l.sources[1] = 'TEXT' AND l.statuses[2] = 'GRANTED' AND l.direct[2]"#,
        business,
        blinds,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    for row in taken {
        let word = Word {
            debtor: row.debtor_id,
            contact_point: row.contact_point_id,
            channel: "SMS".to_owned(),
            purpose: "COLLECTION".to_owned(),
            record: WrappedKey {
                id: row.key_id,
                business_key_version: row.business_key_version,
                wrapped: row.wrapped,
            },
        };
        let by = Withdrawal::Text {
            event,
            said_at: tx.now(),
        };
        let id = insert(tx, &word, ConsentStatus::Granted, &by).await?;
        let details =
            json!({ "channel": "SMS", "purpose": "COLLECTION", "status": "GRANTED", "source": "TEXT" });
        tx.audit(AuditEntry::plain("consent.recorded", id, &details).about(Some(word.debtor)));
    }
    Ok(())
}

/// The last words on an address that are not withdrawals, each channel and purpose by itself.
async fn standing(tx: &mut TenantTx, kind: AddressKind, blinds: &[Vec<u8>]) -> Result<Vec<Word>, DbError> {
    let business = tx.business_id();
    let rows = sqlx::query!(
        r#"SELECT l.debtor_id AS "debtor_id!", l.contact_point_id AS "contact_point_id!", l.channel AS "channel!",
                l.purpose AS "purpose!", k.id AS "key_id!", k.business_key_version, k.wrapped
         FROM (SELECT DISTINCT ON (c.contact_point_id, c.channel, c.purpose) c.*
               FROM contact_points cp
               JOIN consents c ON c.business_id = cp.business_id AND c.contact_point_id = cp.id
               WHERE cp.business_id = $1 AND cp.blind_index = ANY($2) AND cp.kind = $3 AND cp.removed_at IS NULL
               ORDER BY c.contact_point_id, c.channel, c.purpose, c.said_at DESC, c.id DESC) l
         JOIN debtors d ON d.business_id = l.business_id AND d.id = l.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE l.status <> 'REVOKED'"#,
        business,
        blinds,
        kind.as_str(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Word {
            debtor: row.debtor_id,
            contact_point: row.contact_point_id,
            channel: row.channel,
            purpose: row.purpose,
            record: WrappedKey {
                id: row.key_id,
                business_key_version: row.business_key_version,
                wrapped: row.wrapped,
            },
        })
        .collect())
}

/// The word that is missing on a contact point of which nobody has said anything.
async fn unspoken(tx: &mut TenantTx, kind: AddressKind, point: Uuid) -> Result<Option<Word>, DbError> {
    let (business, channel) = (tx.business_id(), kind.channel());
    let row = sqlx::query!(
        r#"SELECT cp.debtor_id, k.id AS "key_id!", k.business_key_version, k.wrapped
         FROM contact_points cp
         JOIN debtors d ON d.business_id = cp.business_id AND d.id = cp.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE cp.business_id = $1 AND cp.id = $2 AND cp.removed_at IS NULL
           AND NOT EXISTS (SELECT FROM consents c WHERE c.business_id = $1 AND c.contact_point_id = $2 AND c.channel = $3
                             AND c.purpose = 'COLLECTION')"#,
        business,
        point,
        channel,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Word {
        debtor: row.debtor_id,
        contact_point: point,
        channel: channel.to_owned(),
        purpose: "COLLECTION".to_owned(),
        record: WrappedKey {
            id: row.key_id,
            business_key_version: row.business_key_version,
            wrapped: row.wrapped,
        },
    }))
}

async fn insert(
    tx: &mut TenantTx,
    word: &Word,
    status: ConsentStatus,
    by: &Withdrawal<'_>,
) -> Result<Uuid, OpError> {
    let (business, now, id) = (tx.business_id(), tx.now(), ids::next());
    let (event, said_at, evidence) = match by {
        Withdrawal::Text { event, said_at } => (Some(*event), *said_at, None),
        Withdrawal::Link { keys, evidence, .. } => (None, now, seal(keys, &word.record, id, evidence)?),
    };
    sqlx::query!(
        "INSERT INTO consents (business_id, id, debtor_id, contact_point_id, channel, purpose, status, given_directly, source,
             said_at, recorded_at, event_id, evidence_cipher)
         VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8, $9, $10, $11, $12)",
        business,
        id,
        word.debtor,
        word.contact_point,
        word.channel,
        word.purpose,
        status.as_str(),
        by.source().as_str(),
        said_at,
        now,
        event,
        evidence,
    )
    .execute(tx.conn())
    .await
    .map_err(DbError::from)?;
    Ok(id)
}

/// Under the person's record key; nothing where that was destroyed.
fn seal(
    keys: &TenantKeys,
    record: &WrappedKey,
    word: Uuid,
    evidence: &ConsentEvidence,
) -> Result<Option<Vec<u8>>, OpError> {
    let Some(record) = keys.data_key(record)? else {
        return Ok(None);
    };
    let plain = serde_json::to_vec(evidence).map_err(|error| OpError::Internal(error.into()))?;
    Ok(Some(keys.seal(
        &record,
        "consents",
        "evidence_cipher",
        word,
        &plain,
    )?))
}
