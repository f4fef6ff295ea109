//! What may not be said, with the words and what to change: for who writes, before they send and after a refusal.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use crate::{
    accounts::{Channel, debtor_by_id, scoped_debtor_of_account},
    compliance::{self, Author, ContentToCheck, prohibited::scanner},
    platform::{
        error::OpError,
        gql::{OpScope, ScopeExt as _, bad_input, not_found, op_error, parse_id},
        ids::IdKind,
    },
};

/// A text that you think of sending.
#[derive(Debug, InputObject)]
pub struct CheckContentInput {
    /// Your own words, at most 20,000 characters; what the law requires is appended when they are sent and need not be there.
    body: String,
    /// The channel on which they would go.
    channel: Channel,
    /// The account that they are about. Its balance, fees and validation period say what may be said. Give this or `debtorId`;
    /// of both, the account has to be the debtor's.
    account_id: Option<ID>,
    /// Whom they are for, where they are about no account: amounts are then backed by none, and refused.
    debtor_id: Option<ID>,
    /// The language of the words (BCP 47, for example `es`), for `change`; the debtor's when left out. English and Spanish are
    /// looked through in every case.
    language: Option<String>,
}

/// Words of a text that may not be sent.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContentFinding {
    /// What sort of language it is, as in the table of prohibited language, for example `unintended-legal-action`.
    category: String,
    /// The id of the rule that it breaks, as in `ComplianceDecision.rule`.
    rule: String,
    /// Where the rule stands in the law.
    citation: String,
    /// The words as you wrote them.
    excerpt: String,
    /// The first character of the words in your text, counted from 0 in Unicode characters.
    start: i32,
    /// The character after the last one.
    end: i32,
    /// What to change, in the language of the text: Spanish for Spanish, else English.
    change: String,
}

/// What checkContent answers.
#[derive(SimpleObject)]
pub struct ContentCheck {
    /// Whether nothing was found. The gate has more to ask: consent, hours, frequency; see complianceCheck.
    is_clean: bool,
    /// What was found, in the order of the text, at most forty.
    findings: Vec<ContentFinding>,
    /// The version of the patterns.
    version: String,
}

/// Queries about what may be said.
#[derive(Default)]
pub struct ContentQueries;

#[Object]
impl ContentQueries {
    /// Looks a text through for what may not be said to a debtor: threats, insults, false statements, other people's ears. Says
    /// which words, which rule, and what to change. Nothing is sent and nothing is stored; the gate looks again at queueing and
    /// at dispatch.
    async fn check_content(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The text, and whom it is for.")] input: CheckContentInput,
    ) -> async_graphql::Result<ContentCheck> {
        let scope = ctx.scope()?;
        let account = input
            .account_id
            .as_ref()
            .map(|id| parse_id(IdKind::Account, "input.accountId", id))
            .transpose()?;
        let debtor = input
            .debtor_id
            .as_ref()
            .map(|id| parse_id(IdKind::Debtor, "input.debtorId", id))
            .transpose()?;
        if account.is_none() && debtor.is_none() {
            return Err(bad_input("input: give accountId or debtorId."));
        }
        let whom = whom(scope, account, debtor)
            .await
            .map_err(op_error)?
            .ok_or_else(|| not_found(if account.is_some() { "account" } else { "debtor" }))?;
        if debtor.is_some_and(|debtor| debtor != whom.debtor) {
            return Err(not_found("debtor"));
        }
        scope.saw_debtor(whom.debtor);
        let text = Text {
            body: &input.body,
            channel: input.channel,
            language: input.language.as_deref().unwrap_or(&whom.language),
        };
        let findings = findings_of(scope, whom.debtor, account, &text)
            .await
            .map_err(op_error)?;
        Ok(ContentCheck {
            is_clean: findings.is_empty(),
            findings,
            version: scanner().version().to_owned(),
        })
    }
}

struct Text<'a> {
    body: &'a str,
    channel: Channel,
    language: &'a str,
}

/// Whom a text is for.
struct Whom {
    debtor: Uuid,
    /// The language that they prefer.
    language: String,
}

async fn whom(scope: &OpScope, account: Option<Uuid>, debtor: Option<Uuid>) -> Result<Option<Whom>, OpError> {
    let mut tx = scope.snapshot().await?;
    let debtor = match account {
        Some(account) => scoped_debtor_of_account(&mut tx, account).await?,
        None => debtor,
    };
    let Some(debtor) = debtor else { return Ok(None) };
    let found = debtor_by_id(&mut tx, debtor).await?;
    Ok(found.map(|row| Whom {
        debtor,
        language: row.preferred_language,
    }))
}

async fn findings_of(
    scope: &OpScope,
    debtor: Uuid,
    account: Option<Uuid>,
    text: &Text<'_>,
) -> Result<Vec<ContentFinding>, OpError> {
    let keys = scope.keys().await?;
    let mut tx = scope.snapshot().await?;
    let check = ContentToCheck {
        debtor_id: debtor,
        account_id: account,
        channel: text.channel,
        body: text.body,
        author: Author::of(scope.ctx().user_id()),
    };
    let found = compliance::check_content(&mut tx, &keys, &check).await?;
    let in_spanish = compliance::content::disclosure_language(text.language) == "es";
    let shown = |finding: compliance::ContentFinding| ContentFinding {
        category: finding.category.name.clone(),
        rule: finding.category.rule.clone(),
        citation: finding.category.citation.clone(),
        change: match in_spanish {
            true => finding.category.change_es.clone(),
            false => finding.category.change_en.clone(),
        },
        start: i32::try_from(finding.start).unwrap_or(i32::MAX),
        end: i32::try_from(finding.end).unwrap_or(i32::MAX),
        excerpt: finding.excerpt,
    };
    Ok(found.unwrap_or_default().into_iter().map(shown).collect())
}

impl ContentFinding {
    /// What of a refused text may not be said; nothing where it was refused for something else. Looked up for the answer alone:
    /// a refusal is stored without its words.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn of_refused(
        ctx: &Context<'_>,
        account: Option<Uuid>,
        debtor: Uuid,
        channel: Channel,
        body: &str,
    ) -> async_graphql::Result<Vec<Self>> {
        let scope = ctx.scope()?;
        let Some(whom) = whom(scope, None, Some(debtor)).await.map_err(op_error)? else {
            return Ok(Vec::new());
        };
        let text = Text {
            body,
            channel,
            language: &whom.language,
        };
        findings_of(scope, debtor, account, &text).await.map_err(op_error)
    }
}
