//! Changes a business's settings, section by section, under the version that the administrator saw.

use serde_json::{Map, Value, json};

use super::{
    model::{
        AssistantSettings, AutoResponse, BillingContact, Branding, BusinessLocale, CompanyProfile,
        Complaints, PaymentTerms, Sections, check_billing_contact,
    },
    store::{self, Stored},
};
use crate::{
    access::{Cell, authorize},
    compliance::{answer_days, change_contact_policy, facts::Policy, set_answer_days},
    files::{document_limit, set_document_limit},
    identity::{
        agents_set_own_availability, let_agents_set_own_availability, session_idle_minutes,
        set_session_idle_minutes,
    },
    platform::{
        db::{AuditEntry, Db, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        keys::Keyring,
    },
};

/// Each `Some` takes the place of the whole section.
#[derive(Debug, Default)]
pub(super) struct SettingsPatch {
    pub(super) expected_version: i32,
    pub(super) company: Option<CompanyProfile>,
    pub(super) branding: Option<Branding>,
    pub(super) locale: Option<BusinessLocale>,
    pub(super) payment_terms: Option<PaymentTerms>,
    pub(super) auto_response: Option<AutoResponse>,
    pub(super) assistant: Option<AssistantSettings>,
    /// `Some(None)` removes it.
    pub(super) billing_contact: Option<Option<BillingContact>>,
    /// `Some(None)` leaves it to the service.
    pub(super) session_idle_minutes: Option<Option<i32>>,
    /// `Some(None)` leaves it to the service.
    pub(super) document_max_bytes: Option<Option<i64>>,
    pub(super) agents_set_own_availability: Option<bool>,
    /// `Some(None)` leaves it to the service.
    pub(super) dispute_answer_days: Option<Option<i32>>,
    /// `Some(None)` leaves it to the service.
    pub(super) complaint_answer_days: Option<Option<i32>>,
    pub(super) contact_policy: Option<Policy>,
}

/// Applies the patch.
///
/// # Errors
/// User errors: CONFLICT where somebody else has changed the settings since `expected_version`, INVALID_INPUT for what
/// does not fit or is looser than the rules.
pub(super) async fn update_settings(
    tx: &mut TenantTx,
    keyring: &Keyring,
    db: &Db,
    mut patch: SettingsPatch,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::BusinessUpdate).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    store::lock_business(tx).await?;
    let before = store::settings(tx).await?;
    let mut after = Stored {
        version: before.version.saturating_add(1),
        ..before.clone()
    };
    let mut complaints = Complaints::default();
    merge(&mut after.sections, &mut patch);
    after.sections.check(&mut complaints);
    check_rest(&mut patch, &mut complaints);
    if !complaints.0.is_empty() {
        return Err(OpError::User(complaints.0));
    }
    if patch.expected_version != before.version {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "expectedVersion",
            format!(
                "The settings are at version {} by now: read them again, and decide whether your change still holds.",
                before.version
            ),
        )
        .into());
    }
    let mut changes = differences(&before.sections, &after.sections)?;
    if let Some(contact) = &patch.billing_contact {
        (after.billing_cipher, after.key_version) = match contact {
            Some(contact) => {
                let (cipher, version) =
                    store::seal_billing_contact(keyring, db, tx.business_id(), contact).await?;
                (Some(cipher), version)
            }
            None => (None, before.key_version),
        };
        // A person: that it changed is told, and not to what.
        changes.insert("billing_contact".to_owned(), json!({ "set": contact.is_some() }));
    }
    if let Some(minutes) = patch.session_idle_minutes {
        let from = session_idle_minutes(tx).await?;
        set_session_idle_minutes(tx, minutes).await?;
        changes.insert(
            "session_idle_minutes".to_owned(),
            json!({ "from": from, "to": minutes }),
        );
    }
    if let Some(bytes) = patch.document_max_bytes {
        let from = document_limit(tx).await?;
        set_document_limit(tx, bytes).await?;
        changes.insert(
            "document_max_bytes".to_owned(),
            json!({ "from": from, "to": bytes }),
        );
    }
    if let Some(allowed) = patch.agents_set_own_availability {
        let from = agents_set_own_availability(tx).await?;
        let_agents_set_own_availability(tx, allowed).await?;
        changes.insert(
            "agents_set_own_availability".to_owned(),
            json!({ "from": from, "to": allowed }),
        );
    }
    if patch.dispute_answer_days.is_some() || patch.complaint_answer_days.is_some() {
        changes.insert("answer_days".to_owned(), change_answer_days(tx, &patch).await?);
    }
    store::put_settings(tx, &after).await?;
    if let Some(policy) = &patch.contact_policy {
        change_contact_policy(tx, policy, "contactPolicy").await?;
    }
    let details = json!({ "version": after.version, "changes": changes });
    let business = tx.business_id();
    tx.audit(AuditEntry::plain("business.settings_updated", business, &details));
    Ok(())
}

/// Changes the terms for answers; what they were and are.
async fn change_answer_days(tx: &mut TenantTx, patch: &SettingsPatch) -> Result<Value, OpError> {
    let from = answer_days(tx).await?;
    set_answer_days(tx, patch.dispute_answer_days, patch.complaint_answer_days).await?;
    let to = answer_days(tx).await?;
    Ok(json!({
        "from": { "disputes": from.disputes, "complaints": from.complaints },
        "to": { "disputes": to.disputes, "complaints": to.complaints },
    }))
}

fn merge(sections: &mut Sections, patch: &mut SettingsPatch) {
    if let Some(company) = patch.company.take() {
        sections.company = company;
    }
    if let Some(branding) = patch.branding.take() {
        sections.branding = branding;
    }
    if let Some(locale) = patch.locale.take() {
        sections.locale = locale;
    }
    if let Some(terms) = patch.payment_terms.take() {
        sections.payment_terms = terms;
    }
    if let Some(response) = patch.auto_response.take() {
        sections.auto_response = response;
    }
    if let Some(assistant) = patch.assistant.take() {
        sections.assistant = assistant;
    }
}

fn check_rest(patch: &mut SettingsPatch, complaints: &mut Complaints) {
    if let Some(Some(contact)) = &mut patch.billing_contact {
        check_billing_contact(contact, complaints);
    }
    // 30 minutes are the most, 15 the least.
    if let Some(Some(minutes)) = patch.session_idle_minutes
        && !(15..=30).contains(&minutes)
    {
        complaints.add(
            "sessionIdleMinutes",
            "Give 15 to 30 minutes, or null for the service's own setting.",
        );
    }
}

/// The sections that differ, with both sides.
fn differences(before: &Sections, after: &Sections) -> Result<Map<String, Value>, OpError> {
    fn pair<T: PartialEq + serde::Serialize>(
        name: &str,
        before: &T,
        after: &T,
        into: &mut Map<String, Value>,
    ) -> Result<(), OpError> {
        if before != after {
            let value =
                |side: &T| serde_json::to_value(side).map_err(|error| OpError::Internal(error.into()));
            into.insert(
                name.to_owned(),
                json!({ "from": value(before)?, "to": value(after)? }),
            );
        }
        Ok(())
    }
    let mut found = Map::new();
    pair("company", &before.company, &after.company, &mut found)?;
    pair("branding", &before.branding, &after.branding, &mut found)?;
    pair("locale", &before.locale, &after.locale, &mut found)?;
    pair(
        "payment_terms",
        &before.payment_terms,
        &after.payment_terms,
        &mut found,
    )?;
    pair(
        "auto_response",
        &before.auto_response,
        &after.auto_response,
        &mut found,
    )?;
    pair("assistant", &before.assistant, &after.assistant, &mut found)?;
    Ok(found)
}
