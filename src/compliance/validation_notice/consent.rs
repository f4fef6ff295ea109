//! Whether a notice may go by e-mail: after the initial communication only with the person's own consent to notices in
//! electronic form (12 CFR 1006.42(b); 15 USC 7001(c)).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    accounts::DebtorRow,
    compliance::{
        consents::{ConsentEvidence, ConsentPurpose, ConsentStatus},
        decision::Outcome,
        rule_set::RuleSet,
    },
    platform::{
        db::{DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::{TenantKeys, WrappedKey},
    },
};

const SENDING: &str = "reg-f-sending-disclosures";
const CONSENT: &str = "esign-consent";

/// The last word on an address, as it stood at an instant.
struct Word {
    id: Uuid,
    status: String,
    given_directly: bool,
    evidence_cipher: Option<Vec<u8>>,
    key_id: Uuid,
    key_version: i32,
    wrapped: Option<Vec<u8>>,
}

/// Checks that the address is an e-mail address of the person.
///
/// # Errors
/// NOT_FOUND for any other.
pub(super) async fn check_address(tx: &mut TenantTx, person: &DebtorRow, point: Uuid) -> Result<(), OpError> {
    let business = tx.business_id();
    let is_theirs = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM contact_points
             WHERE business_id = $1 AND id = $2 AND debtor_id = ANY($3) AND kind = 'EMAIL') AS "is_theirs!""#,
        business,
        point,
        &person.members,
    )
    .fetch_one(tx.conn())
    .await?;
    if is_theirs {
        return Ok(());
    }
    Err(UserError::not_found("contactPointId", "e-mail address of this person").into())
}

/// Checks the consent to notices in electronic form at this address, as it stood when the e-mail went.
///
/// # Errors
/// COMPLIANCE_BLOCKED names the rule that is not satisfied.
pub(super) async fn check_consent(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    point: Uuid,
    at: DateTime<Utc>,
) -> Result<(), OpError> {
    // What was said to the creditor is no consent to receive from the collector.
    let Some(word) = word(tx, point, at).await?.filter(|word| {
        word.given_directly && ConsentStatus::parse(&word.status) == Some(ConsentStatus::Granted)
    }) else {
        return Err(blocked(SENDING));
    };
    let stored = WrappedKey {
        id: word.key_id,
        business_key_version: word.key_version,
        wrapped: word.wrapped,
    };
    let (Some(cipher), Some(record)) = (word.evidence_cipher, keys.data_key(&stored)?) else {
        return Err(blocked(CONSENT));
    };
    let text = keys.open_text(&record, "consents", "evidence_cipher", word.id, &cipher)?;
    let evidence: ConsentEvidence = serde_json::from_str(text.expose()).map_err(anyhow::Error::from)?;
    // The statement that was shown before it (15 USC 7001(c)(1)(B)) has to be on record.
    if evidence.text.is_none_or(|text| text.trim().is_empty()) {
        return Err(blocked(CONSENT));
    }
    Ok(())
}

fn blocked(rule: &str) -> OpError {
    let message = match RuleSet::current().rule(rule) {
        Some(data) => format!("{rule} ({}): {}", data.citation, data.explanation(Outcome::Deny)),
        None => rule.to_owned(),
    };
    UserError::at(UserErrorCode::ComplianceBlocked, "method", message).into()
}

async fn word(tx: &mut TenantTx, point: Uuid, at: DateTime<Utc>) -> Result<Option<Word>, DbError> {
    let business = tx.business_id();
    Ok(sqlx::query_as!(
        Word,
        "SELECT c.id, c.status, c.given_directly, c.evidence_cipher, k.id AS key_id, k.business_key_version AS key_version,
                k.wrapped
         FROM consents c
         JOIN debtors d ON d.business_id = c.business_id AND d.id = c.debtor_id
         JOIN data_keys k ON k.business_id = d.business_id AND k.id = d.record_key_id
         WHERE c.business_id = $1 AND c.contact_point_id = $2 AND c.channel = 'EMAIL' AND c.purpose = $3 AND c.said_at <= $4
         ORDER BY c.said_at DESC, c.id DESC LIMIT 1",
        business,
        point,
        ConsentPurpose::ElectronicNotices.as_str(),
        at,
    )
    .fetch_optional(tx.conn())
    .await?)
}
