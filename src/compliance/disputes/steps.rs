//! SQL of disputes' timelines, read back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::platform::db::{DbError, TenantTx};

/// A step of a dispute, its note sealed.
#[derive(Clone, Debug)]
pub(in crate::compliance) struct StepRow {
    pub(in crate::compliance) id: Uuid,
    pub(in crate::compliance) dispute_id: Uuid,
    pub(in crate::compliance) step: String,
    pub(in crate::compliance) recorded_at: DateTime<Utc>,
    pub(in crate::compliance) happened_at: DateTime<Utc>,
    pub(in crate::compliance) actor: String,
    pub(in crate::compliance) recorded_by: Option<Uuid>,
    pub(in crate::compliance) channel: Option<String>,
    pub(in crate::compliance) outcome: Option<String>,
    pub(in crate::compliance) note_cipher: Option<Vec<u8>>,
    pub(in crate::compliance) documents: Vec<Uuid>,
}

/// The steps of these disputes, oldest first, at most a hundred of each. The disputes were read within the caller's scope.
pub(in crate::compliance) async fn steps_of(
    tx: &mut TenantTx,
    disputes: &[Uuid],
) -> Result<Vec<StepRow>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        StepRow,
        r#"SELECT s.id AS "id!", s.dispute_id AS "dispute_id!", s.step AS "step!", s.recorded_at AS "recorded_at!",
                s.happened_at AS "happened_at!", s.actor AS "actor!", s.recorded_by, s.channel, s.outcome, s.note_cipher,
                ARRAY(SELECT c.document_id FROM dispute_documents c
                      WHERE c.business_id = $1 AND c.step_id = s.id ORDER BY c.document_id) AS "documents!"
         FROM unnest($2::uuid[]) AS q(id)
         CROSS JOIN LATERAL (
            SELECT * FROM dispute_steps v WHERE v.business_id = $1 AND v.dispute_id = q.id ORDER BY v.id LIMIT 100) s
         ORDER BY s.id"#,
        business,
        disputes,
    )
    .fetch_all(tx.conn())
    .await?)
}
