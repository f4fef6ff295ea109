//! Keeps templates. Every save is a version. Words with errors are kept as a draft only: what is active was in order when
//! it was saved, and is looked through again whenever it is read.

use serde_json::json;
use uuid::Uuid;

use super::{
    finding::{Linted, Severity},
    lint::lint,
    model::{Owner, TemplatePurpose, TemplateType, Use, Words},
    store::{self, TemplateRow, TemplateToStore},
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::{AuditEntry, DbError, TenantTx},
        error::OpError,
        gql::{UserError, UserErrorCode},
        ids,
    },
};

/// Templates of one business that are not archived.
const MOST: i64 = 500;
const LONGEST_NAME: usize = 100;
const LONGEST_DESCRIPTION: usize = 500;

/// A template about to be kept.
#[derive(Clone, Debug)]
pub struct NewTemplate {
    pub name: String,
    pub description: Option<String>,
    pub of: Use,
    pub subject: Option<String>,
    pub body: String,
    pub is_active: bool,
}

/// What changes of a template; what is none stays.
#[derive(Clone, Debug, Default)]
pub(super) struct TemplatePatch {
    pub(super) expected_version: i32,
    pub(super) name: Option<String>,
    /// `Some(None)` empties it.
    pub(super) description: Option<Option<String>>,
    /// `Some(None)` empties it.
    pub(super) subject: Option<Option<String>>,
    pub(super) body: Option<String>,
    pub(super) is_active: Option<bool>,
}

/// Keeps a new template and returns its id. What was found in it comes back in `linted`, also where it is refused.
///
/// # Errors
/// User errors: INVALID_INPUT for what does not fit, and for words with errors that are to be active; CONFLICT for a name
/// that is taken; QUOTA_EXCEEDED past five hundred.
pub async fn create_template(
    tx: &mut TenantTx,
    new: NewTemplate,
    linted: &mut Option<Linted>,
) -> Result<Uuid, OpError> {
    authorize(tx.ctx(), Cell::TemplateManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let name = checked_name(&new.name)?;
    let description = checked_description(new.description.as_deref())?;
    check_use(new.of)?;
    let words = Words::checked(new.subject.as_deref(), &new.body, new.of.kind)?;
    let owner = store::lock_business(tx).await?;
    if store::count_templates(tx).await? >= MOST {
        let message = "Five hundred templates are kept: archive those that nobody needs.";
        return Err(UserError::new(UserErrorCode::QuotaExceeded, message).into());
    }
    look_through(tx, &words, new.of, &owner, new.is_active, linted)?;
    let template = TemplateToStore {
        id: ids::next(),
        name,
        description,
        version: 1,
        words: &words,
        is_active: new.is_active,
        is_default: false,
    };
    store::insert_template(tx, &template, new.of)
        .await
        .map_err(taken)?;
    let details = json!({
        "version": 1, "type": new.of.kind.as_str(), "purpose": new.of.purpose.as_str(),
        "language": new.of.language.tag(), "active": new.is_active,
    });
    tx.audit(AuditEntry::plain("template.created", template.id, &details));
    Ok(template.id)
}

/// Changes a template: a new version, of words that were looked through again. One that is no longer active is no
/// default either.
///
/// # Errors
/// User errors: NOT_FOUND; CONFLICT where somebody else saved it since `expected_version`, where it is archived, and for a
/// name that is taken; INVALID_INPUT as for a new one: an active template keeps its words rather than fall silent.
pub(super) async fn update_template(
    tx: &mut TenantTx,
    id: Uuid,
    patch: TemplatePatch,
    linted: &mut Option<Linted>,
) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::TemplateManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let before = locked(tx, id).await?;
    if patch.expected_version != before.version {
        return Err(UserError::at(
            UserErrorCode::Conflict,
            "expectedVersion",
            format!(
                "This template is at version {} by now: read it again, and decide whether your change still holds.",
                before.version
            ),
        )
        .into());
    }
    let of = before.of()?;
    let name = checked_name(patch.name.as_deref().unwrap_or(&before.name))?;
    let description = match &patch.description {
        Some(description) => description.as_deref(),
        None => before.description.as_deref(),
    };
    let description = checked_description(description)?;
    let subject = match &patch.subject {
        Some(subject) => subject.as_deref(),
        None => before.subject.as_deref(),
    };
    let words = Words::checked(subject, patch.body.as_deref().unwrap_or(&before.body), of.kind)?;
    let is_active = patch.is_active.unwrap_or(before.is_active);
    look_through(tx, &words, of, &before.owner(), is_active, linted)?;
    let template = TemplateToStore {
        id,
        name,
        description,
        version: before.version.saturating_add(1),
        words: &words,
        is_active,
        is_default: before.is_default && is_active,
    };
    store::update_template(tx, &template).await.map_err(taken)?;
    let details = json!({
        "version": template.version, "renamed": name != before.name, "words_changed": words != before.words(),
        "active": is_active, "was_active": before.is_active,
    });
    tx.audit(AuditEntry::plain("template.updated", id, &details));
    Ok(())
}

/// Takes a template out of use for good; messages that were made of it still lead to it.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT for one that is archived already.
pub(super) async fn archive_template(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::TemplateManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let before = locked(tx, id).await?;
    store::archive(tx, id).await?;
    let details = json!({ "version": before.version, "was_default": before.is_default });
    tx.audit(AuditEntry::plain("template.archived", id, &details));
    Ok(())
}

/// Makes a template the one that is offered first for its type, purpose and language.
///
/// # Errors
/// User errors: NOT_FOUND, CONFLICT for one that is not active, or archived.
pub async fn set_default_template(tx: &mut TenantTx, id: Uuid) -> Result<(), OpError> {
    authorize(tx.ctx(), Cell::TemplateManage).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    store::lock_business(tx).await?;
    let before = locked(tx, id).await?;
    if !before.is_active {
        let message = "Only an active template can be the default: activate it first.";
        return Err(UserError::at(UserErrorCode::Conflict, "id", message).into());
    }
    store::make_default(tx, id, before.of()?).await?;
    let details = json!({ "type": before.kind, "purpose": before.purpose, "language": before.language });
    tx.audit(AuditEntry::plain("template.default_set", id, &details));
    Ok(())
}

async fn locked(tx: &mut TenantTx, id: Uuid) -> Result<TemplateRow, OpError> {
    let row = store::lock_template(tx, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "template"))?;
    if row.archived_at.is_some() {
        let message = "This template is archived: make a new one.";
        return Err(UserError::at(UserErrorCode::Conflict, "id", message).into());
    }
    Ok(row)
}

/// Leaves what is found, and refuses what may not be active.
fn look_through(
    tx: &TenantTx,
    words: &Words,
    of: Use,
    owner: &Owner,
    is_active: bool,
    linted: &mut Option<Linted>,
) -> Result<(), UserError> {
    let found = linted.insert(lint(words, of, owner, tx.now()));
    if !is_active || found.may_be_used() {
        return Ok(());
    }
    let errors = found
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let count = errors.clone().count();
    let first = errors.map(|finding| finding.message.as_str()).next();
    Err(UserError::invalid(
        "active",
        format!(
            "It cannot be used as it stands ({count} to put right): {} See `findings`, or keep it as a draft with \
             `active: false`.",
            first.unwrap_or_default()
        ),
    ))
}

/// Nobody agrees to anything before the first communication.
fn check_use(of: Use) -> Result<(), UserError> {
    if of.kind == TemplateType::Agreement && of.purpose == TemplatePurpose::FirstContact {
        let message = "An agreement is no first contact: choose FOLLOW_UP.";
        return Err(UserError::invalid("purpose", message));
    }
    Ok(())
}

fn checked_name(name: &str) -> Result<&str, UserError> {
    let name = name.trim();
    if (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name);
    }
    let message = format!("Fill this in with 1 to {LONGEST_NAME} characters, on one line.");
    Err(UserError::invalid("name", message))
}

fn checked_description(description: Option<&str>) -> Result<Option<&str>, UserError> {
    let description = description.map(str::trim).filter(|text| !text.is_empty());
    let is_short = description.is_none_or(|text| text.chars().count() <= LONGEST_DESCRIPTION);
    if is_short && !description.is_some_and(|text| text.contains('\0')) {
        return Ok(description);
    }
    let message = format!("Write at most {LONGEST_DESCRIPTION} characters.");
    Err(UserError::invalid("description", message))
}

fn taken(error: DbError) -> OpError {
    if error.is_constraint("templates_name") {
        let message = "A template of your business has this name: change that one, or choose another name.";
        return UserError::at(UserErrorCode::Conflict, "name", message).into();
    }
    error.into()
}
