//! The ledger of people's consents, page by page.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::consents::ConsentRow;
use crate::{
    accounts::{PageOf, PagesOf},
    platform::{
        db::{DbError, TenantTx},
        keys::WrappedKey,
    },
};

/// The words of one page.
pub(super) type Consents = Arc<Vec<Arc<ConsentRow>>>;

/// What was written down last comes first; one statement for all people that ask for the same number. Of a person with
/// several records, the words on all of them. The people were read within the caller's scope.
pub(super) async fn consents_of_people(
    tx: &mut TenantTx,
    pages: Vec<PageOf>,
) -> Result<HashMap<PageOf, Consents>, DbError> {
    let business = tx.business_id();
    let mut found = HashMap::new();
    for group in PagesOf::of(pages) {
        let rows = sqlx::query!(
            r#"SELECT p.nth AS "nth!", c.id AS "id!", c.debtor_id AS "debtor_id!", c.contact_point_id AS "contact_point_id!",
                    c.channel AS "channel!", c.purpose AS "purpose!", c.status AS "status!",
                    c.given_directly AS "given_directly!", c.source AS "source!", c.said_at AS "said_at!",
                    c.recorded_at AS "recorded_at!", c.recorded_by, c.evidence_cipher, c.from_minute, c.to_minute, c.on_date,
                    k.id AS key_id, k.business_key_version, k.wrapped
             FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS p(debtor_id, past, nth)
             JOIN debtors d ON d.business_id = $1 AND d.id = p.debtor_id
             CROSS JOIN LATERAL (
                SELECT w.* FROM debtors g JOIN consents w ON w.business_id = g.business_id AND w.debtor_id = g.id
                WHERE g.business_id = $1 AND g.person_id = d.person_id AND (p.past IS NULL OR w.id < p.past)
                ORDER BY w.id DESC LIMIT $4) c
             JOIN debtors o ON o.business_id = $1 AND o.id = c.debtor_id
             JOIN data_keys k ON k.business_id = $1 AND k.id = o.record_key_id
             ORDER BY p.nth, c.id DESC"#,
            business,
            &group.owners,
            &group.pasts as &[Option<Uuid>],
            group.limit,
        )
        .fetch_all(tx.conn())
        .await?;
        let words = rows.into_iter().map(|row| {
            let consent = ConsentRow {
                id: row.id,
                debtor_id: row.debtor_id,
                contact_point_id: row.contact_point_id,
                channel: row.channel,
                purpose: row.purpose,
                status: row.status,
                given_directly: row.given_directly,
                source: row.source,
                said_at: row.said_at,
                recorded_at: row.recorded_at,
                recorded_by: row.recorded_by,
                evidence_cipher: row.evidence_cipher,
                from_minute: row.from_minute,
                to_minute: row.to_minute,
                on_date: row.on_date,
                key: WrappedKey {
                    id: row.key_id,
                    business_key_version: row.business_key_version,
                    wrapped: row.wrapped,
                },
            };
            (row.nth, Arc::new(consent))
        });
        found.extend(group.filled(words));
    }
    Ok(found)
}

/// One word of the ledger.
pub(super) async fn consent_by_id(tx: &mut TenantTx, id: Uuid) -> Result<Option<ConsentRow>, DbError> {
    let business = tx.business_id();
    let row = sqlx::query!(
        "SELECT c.id, c.debtor_id, c.contact_point_id, c.channel, c.purpose, c.status, c.given_directly, c.source, c.said_at,
                c.recorded_at, c.recorded_by, c.evidence_cipher, c.from_minute, c.to_minute, c.on_date,
                k.id AS key_id, k.business_key_version, k.wrapped
         FROM consents c
         JOIN debtors o ON o.business_id = c.business_id AND o.id = c.debtor_id
         JOIN data_keys k ON k.business_id = o.business_id AND k.id = o.record_key_id
         WHERE c.business_id = $1 AND c.id = $2",
        business,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| ConsentRow {
        id: row.id,
        debtor_id: row.debtor_id,
        contact_point_id: row.contact_point_id,
        channel: row.channel,
        purpose: row.purpose,
        status: row.status,
        given_directly: row.given_directly,
        source: row.source,
        said_at: row.said_at,
        recorded_at: row.recorded_at,
        recorded_by: row.recorded_by,
        evidence_cipher: row.evidence_cipher,
        from_minute: row.from_minute,
        to_minute: row.to_minute,
        on_date: row.on_date,
        key: WrappedKey {
            id: row.key_id,
            business_key_version: row.business_key_version,
            wrapped: row.wrapped,
        },
    }))
}
