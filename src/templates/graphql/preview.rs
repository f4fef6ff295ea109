//! What a template would say, to nobody yet and to one person.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::types::{TemplateFinding, TextLength, shown};
use crate::{
    access::{Cell, authorize},
    accounts::Channel,
    compliance::{graphql::ContentFinding, required_text},
    platform::{
        error::OpError,
        gql::{OpScope, ScopeExt as _, UserError, bad_input, not_found, op_error, parse_id},
        ids::IdKind,
        sms::SmsLength,
    },
    templates::{
        account_values::{AccountFacts, account_facts},
        finding::Linted,
        html::to_html,
        lint::lint,
        model::{Owner, TemplateLanguage, TemplatePurpose, TemplateType, Use, Words},
        ports::DebtorLinks,
        render::{MissingValues, Rendered, render},
        store::{owner, templates_by_ids},
    },
};

/// Words that are not kept.
#[derive(Debug, InputObject)]
pub struct TemplateDraftInput {
    /// What would become of them.
    #[graphql(name = "type")]
    kind: TemplateType,
    /// Which message to a person they would be.
    purpose: TemplatePurpose,
    /// Their language.
    language: TemplateLanguage,
    /// The subject of an e-mail or heading of a letter; left out for texts.
    subject: Option<String>,
    /// The words, with variables between double braces.
    body: String,
}

/// A template, or words that are not kept, and an account.
#[derive(Debug, InputObject)]
pub struct PreviewTemplateInput {
    /// Whose values stand in it.
    account_id: ID,
    /// The template (`tmpl_…`). Give this or `draft`.
    template_id: Option<ID>,
    /// Words that are not kept. Give this or `templateId`.
    draft: Option<TemplateDraftInput>,
}

/// What lintTemplate answers.
#[derive(SimpleObject)]
pub struct TemplateCheck {
    /// Whether nothing forbids the use of these words in a template.
    may_be_active: bool,
    /// What was found, in the order of the text.
    findings: Vec<TemplateFinding>,
    /// How long a text of it is, with example values and what is added when it is sent; null where it is no SMS.
    length: Option<TextLength>,
}

/// A template with the values of an account. The personal link in it is a sample that leads nowhere: the true one is made when
/// the message is.
#[derive(SimpleObject)]
pub struct TemplatePreview {
    /// The subject; null where there is none, or a value is missing.
    subject: Option<String>,
    /// The words as they would be sent, with what the law wants added; null where a value is missing.
    text: Option<String>,
    /// The same as an HTML document, with everything escaped; null for texts, and where a value is missing.
    html: Option<String>,
    /// How long it is; null where it is no SMS, or a value is missing.
    length: Option<TextLength>,
    /// The variables that have no value for this account. A message cannot be made while one is missing.
    missing_variables: Vec<String>,
    /// What of `text` may not be said to this person about this account; places are in `text`. The gate has more to ask:
    /// consent, hours, frequency; see complianceCheck.
    content_findings: Vec<ContentFinding>,
    /// What is to be said of the template, whoever gets it; places are in the template.
    findings: Vec<TemplateFinding>,
    /// The language that this debtor is written to in. A template in another one is refused by sendMessage.
    debtor_language: TemplateLanguage,
    /// Whether nothing has been said to this debtor of the debt yet: then only a FIRST_CONTACT template can be sent.
    is_first_contact: bool,
}

/// Words with their use, wherever they came from.
struct Given {
    of: Use,
    words: Words,
}

/// Queries about what a template would say.
#[derive(Default)]
pub struct PreviewQueries;

#[Object]
impl PreviewQueries {
    /// Looks words through as createTemplate would. Nothing is kept.
    async fn lint_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The words, and what they are for.")] input: TemplateDraftInput,
    ) -> async_graphql::Result<TemplateCheck> {
        let given = input.check("input")?;
        let scope = ctx.scope()?;
        let owner = owner(&mut *ctx.snapshot().await?)
            .await
            .map_err(|error| op_error(error.into()))?;
        let linted = linted(scope, &given, owner).await?;
        Ok(TemplateCheck {
            may_be_active: linted.may_be_used(),
            length: linted.length.map(TextLength::from),
            findings: shown(linted.findings),
        })
    }

    /// What a template says to the debtor of an account, with the account's true values. Nothing is kept and nothing is sent.
    async fn preview_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template or words, and the account.")] input: PreviewTemplateInput,
    ) -> async_graphql::Result<TemplatePreview> {
        let scope = ctx.scope()?;
        authorize(scope.ctx(), Cell::AccountRead)
            .map_err(|denied| op_error(OpError::Forbidden(denied.to_string())))?;
        let account = parse_id(IdKind::Account, "input.accountId", &input.account_id)?;
        let given = given(ctx, input).await?;
        let facts = account_facts(&mut *ctx.snapshot().await?, account)
            .await
            .map_err(op_error)?
            .ok_or_else(|| not_found("account"))?;
        scope.saw_debtor(facts.debtor_id);
        let linted = linted(scope, &given, facts.owner.clone()).await?;
        let link = ctx.data::<Arc<dyn DebtorLinks>>()?.sample();
        preview(ctx, account, &facts, &given, linted, &link).await
    }
}

impl TemplateDraftInput {
    fn check(&self, prefix: &str) -> async_graphql::Result<Given> {
        let of = Use {
            kind: self.kind,
            purpose: self.purpose,
            language: self.language,
        };
        let words = Words::checked(self.subject.as_deref(), &self.body, self.kind)
            .map_err(|error| unfit(prefix, &error))?;
        Ok(Given { of, words })
    }
}

fn unfit(prefix: &str, error: &UserError) -> async_graphql::Error {
    let field = error.field.iter().flatten().next_back();
    let field = field.map_or("body", String::as_str);
    bad_input(format!("{prefix}.{field}: {}", error.message))
}

async fn given(ctx: &Context<'_>, input: PreviewTemplateInput) -> async_graphql::Result<Given> {
    match (input.template_id, input.draft) {
        (Some(id), None) => {
            let id = parse_id(IdKind::Template, "input.templateId", &id)?;
            let row = templates_by_ids(&mut *ctx.snapshot().await?, &[id])
                .await
                .map_err(|error| op_error(error.into()))?
                .pop()
                .ok_or_else(|| not_found("template"))?;
            Ok(Given {
                of: row.of().map_err(op_error)?,
                words: row.words(),
            })
        }
        (None, Some(draft)) => draft.check("input.draft"),
        _ => Err(bad_input("input: give templateId or draft.")),
    }
}

async fn linted(scope: &OpScope, given: &Given, owner: Owner) -> async_graphql::Result<Linted> {
    let (words, of, at) = (given.words.clone(), given.of, scope.db().clock().now());
    tokio::task::spawn_blocking(move || lint(&words, of, &owner, at))
        .await
        .map_err(|error| op_error(OpError::Internal(error.into())))
}

async fn preview(
    ctx: &Context<'_>,
    account: Uuid,
    facts: &AccountFacts,
    given: &Given,
    linted: Linted,
    link: &str,
) -> async_graphql::Result<TemplatePreview> {
    let values = facts.values(given.of, link);
    let subject = given
        .words
        .subject
        .as_deref()
        .map(|subject| render(subject, &values));
    let body = render(&given.words.body, &values);
    let mut missing: Vec<String> = Vec::new();
    let mut known = |rendered: Result<Rendered, MissingValues>| match rendered {
        Ok(rendered) => Some(rendered.text),
        Err(MissingValues(names)) => {
            missing.extend(names);
            None
        }
    };
    let subject = subject.and_then(&mut known);
    let body = known(body);
    missing.sort_unstable();
    missing.dedup();
    let text = match (body, missing.is_empty()) {
        (Some(body), true) => Some(as_sent(ctx, account, facts, given, body).await?),
        _ => None,
    };
    let content_findings = match &text {
        Some(text) => {
            let channel = channel(given.of.kind);
            ContentFinding::of_refused(ctx, Some(account), facts.debtor_id, channel, text).await?
        }
        None => Vec::new(),
    };
    let is_sms = given.of.kind == TemplateType::Sms;
    let html = text.as_ref().filter(|_| !given.of.kind.is_text()).map(|text| {
        let title = subject.as_deref().unwrap_or_default();
        to_html(given.of.language.tag(), title, text, &[link])
    });
    Ok(TemplatePreview {
        subject: subject.filter(|_| missing.is_empty()),
        html,
        length: text
            .as_deref()
            .filter(|_| is_sms)
            .map(|text| SmsLength::of(text).into()),
        text,
        missing_variables: missing,
        content_findings,
        findings: shown(linted.findings),
        debtor_language: facts.language,
        is_first_contact: facts.is_initial,
    })
}

/// With what is added when a text is sent.
async fn as_sent(
    ctx: &Context<'_>,
    account: Uuid,
    facts: &AccountFacts,
    given: &Given,
    body: String,
) -> async_graphql::Result<String> {
    if !given.of.kind.is_text() {
        return Ok(body);
    }
    required_text(&mut *ctx.snapshot().await?, facts.debtor_id, Some(account), &body)
        .await
        .map_err(op_error)
}

/// The channel by whose rules the words are looked through: those of conduct are the same on paper.
fn channel(kind: TemplateType) -> Channel {
    match kind {
        TemplateType::Sms => Channel::Sms,
        TemplateType::WhatsApp => Channel::WhatsApp,
        TemplateType::Email | TemplateType::Agreement | TemplateType::Letter => Channel::Email,
    }
}
