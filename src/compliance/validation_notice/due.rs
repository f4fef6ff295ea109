//! Debts of which somebody was told without a notice: it is due within five days of the initial communication (12 CFR
//! 1006.34(a)(1)(i)(B)).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    compliance::{local_time::shift_date, rule_set::RuleSet},
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
    },
};

const RULE: &str = "reg-f-validation-notice";

/// A debt whose notice waits.
#[derive(Clone, Copy, Debug)]
pub(in crate::compliance) struct WaitingNotice {
    pub(in crate::compliance) account_id: Uuid,
    pub(in crate::compliance) debtor_id: Uuid,
    pub(in crate::compliance) initial_communication_on: NaiveDate,
}

/// The place of a debt in the list.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(in crate::compliance) struct Place {
    pub(in crate::compliance) began_on: NaiveDate,
    pub(in crate::compliance) account: Uuid,
}

/// The last day on which the notice is in time.
pub(in crate::compliance) fn due_on(initial_communication_on: NaiveDate) -> Result<NaiveDate, OpError> {
    let rule = RuleSet::current().rule(RULE);
    let days = rule
        .and_then(|rule| rule.parameters.days)
        .ok_or_else(|| anyhow::anyhow!("{RULE} says no days"))?;
    Ok(shift_date(initial_communication_on, days))
}

/// Open debts whose notice waits, within the caller's scope, the longest first; none of a business that collects its own.
pub(in crate::compliance) async fn waiting_notices(
    tx: &mut TenantTx,
    past: Option<Place>,
    limit: i64,
) -> Result<Vec<WaitingNotice>, DbError> {
    let (business, scope) = (tx.business_id(), tx.ctx().agent_scope());
    let (past_on, past_account) = past.map(|place| (place.began_on, place.account)).unzip();
    Ok(sqlx::query_as!(
        WaitingNotice,
        r#"SELECT a.id AS account_id, a.debtor_id, a.initial_communication_on AS "initial_communication_on!"
         FROM accounts a
         WHERE a.business_id = $1 AND a.initial_communication_on IS NOT NULL AND a.validation_notice_on IS NULL
           AND a.deleted_at IS NULL AND a.status NOT IN ('PAID_IN_FULL', 'CLOSED')
           AND (SELECT role FROM businesses WHERE id = $1) = 'THIRD_PARTY_COLLECTOR'
           -- The bound goes by the index; the tie is told apart behind it.
           AND a.initial_communication_on >= coalesce($2::date, '-infinity')
           AND ($2::date IS NULL OR a.initial_communication_on > $2 OR a.id > $3)
           AND ($4::uuid IS NULL OR a.assigned_agent_id IS NULL OR a.assigned_agent_id = $4)
         ORDER BY a.initial_communication_on, a.id LIMIT $5"#,
        business,
        past_on,
        past_account,
        scope,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}
