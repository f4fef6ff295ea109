//! Makes a message of a template for one account. What may be said to whom is for the gate, which gets it like any other.

use uuid::Uuid;

use super::{
    account_values::{AccountFacts, account_facts},
    catalogue::Variable,
    model::{TemplatePurpose, TemplateType, Use},
    parse::parse,
    render::{MissingValues, places, render},
    store::templates_by_ids,
};
use crate::{
    access::{Cell, authorize},
    platform::{
        db::TenantTx,
        error::OpError,
        gql::{UserError, UserErrorCode},
    },
};

/// The words of a message, and what they were made of.
#[derive(Clone, Debug)]
pub struct Composed {
    pub template: Uuid,
    pub version: i32,
    pub text: String,
    /// A personal link is to take the place of the mark.
    pub has_link: bool,
}

/// Makes the words of a `kind` of message for an account, with `link_mark` where a personal link belongs.
///
/// # Errors
/// User errors at `templateId`: NOT_FOUND; CONFLICT for a template that is not in use, of another type, not in the person's
/// language, or no first contact where one is needed, and for values that are missing, by name.
pub async fn compose(
    tx: &mut TenantTx,
    template: Uuid,
    kind: TemplateType,
    account: Uuid,
    link_mark: &str,
) -> Result<Composed, OpError> {
    authorize(tx.ctx(), Cell::TemplateRead).map_err(|denied| OpError::Forbidden(denied.to_string()))?;
    let row = templates_by_ids(tx, &[template])
        .await?
        .pop()
        .ok_or_else(|| UserError::not_found("templateId", "template"))?;
    let of = row.of()?;
    if row.archived_at.is_some() || !row.is_active {
        return Err(conflict("This template is not in use: choose one that is active.").into());
    }
    if of.kind != kind {
        let message = format!(
            "This template is for {}, not for {}.",
            of.kind.as_str(),
            kind.as_str()
        );
        return Err(conflict(message).into());
    }
    let facts = account_facts(tx, account)
        .await?
        .ok_or_else(|| UserError::not_found("conversationId", "account"))?;
    check_fits(&facts, of)?;
    let values = facts.values(of, link_mark);
    let text = render(&row.body, &values).map_err(missing)?.text;
    let has_link =
        places(&parse(&row.body)).any(|(name, _)| Variable::parse(name) == Some(Variable::PortalLink));
    // What is written as the mark must not be taken for it.
    if text.matches(link_mark).count() != usize::from(has_link) {
        let message = "This template's text cannot carry a personal link as it stands: have it written anew.";
        return Err(conflict(message).into());
    }
    Ok(Composed {
        template: row.id,
        version: row.version,
        text,
        has_link,
    })
}

fn check_fits(facts: &AccountFacts, of: Use) -> Result<(), UserError> {
    // The statements that are added are in the person's language, and 12 CFR 1006.18(e)(4) wants them in the message's.
    if facts.language != of.language {
        let message = format!(
            "This template is in {}, and the debtor is written to in {}: choose one in that language.",
            of.language.name(),
            facts.language.name()
        );
        return Err(conflict(message));
    }
    if facts.is_initial && of.purpose != TemplatePurpose::FirstContact {
        let message =
            "Nothing has been said to this debtor of the debt yet: choose a template for the first contact.";
        return Err(conflict(message));
    }
    Ok(())
}

fn missing(MissingValues(names): MissingValues) -> UserError {
    conflict(format!(
        "The account has no value for {}: add it to the account or to your business's settings, or choose another \
         template.",
        names.join(", ")
    ))
}

fn conflict(message: impl Into<String>) -> UserError {
    UserError::at(UserErrorCode::Conflict, "templateId", message)
}
