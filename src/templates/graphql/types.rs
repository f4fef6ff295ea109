//! Template and what hangs on it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    access::{Cell, authorize},
    identity::graphql::User,
    platform::{
        error::OpError,
        gql::{AtHand, ScopeExt as _, op_error},
        ids::{self, IdKind},
        sms::{SmsEncoding, SmsLength},
    },
    templates::{
        TemplateLoaders,
        catalogue::Variable,
        finding::{Finding, Linted, Part, Severity},
        lint::lint,
        model::{TemplateLanguage, TemplatePurpose, TemplateType, Use},
        parse::parse,
        render::places,
        store::{TemplateRow, VersionRow},
    },
};

crate::relay_connection!(Template, TemplateConnection, TemplateEdge);
crate::relay_connection!(TemplateRevision, TemplateRevisionConnection, TemplateRevisionEdge);

/// Words that are kept for reuse.
#[derive(Clone)]
pub struct Template {
    row: Arc<TemplateRow>,
}

impl AtHand for Template {}

impl Template {
    pub(super) fn new(row: TemplateRow) -> Self {
        Self { row: Arc::new(row) }
    }

    /// Looks a template up; `None` when it is not of the caller's business, or they may not read templates.
    ///
    /// # Errors
    /// Internal ones only.
    pub async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        let scope = ctx.scope()?;
        if authorize(scope.ctx(), Cell::TemplateRead).is_err() {
            return Ok(None);
        }
        let row = ctx
            .data::<TemplateLoaders>()?
            .template(scope, id)
            .await
            .map_err(op_error)?;
        Ok(row.map(|row| Self { row }))
    }

    fn of(&self) -> async_graphql::Result<Use> {
        self.row.of().map_err(op_error)
    }

    async fn linted(&self, ctx: &Context<'_>) -> async_graphql::Result<Linted> {
        let at = ctx.scope()?.db().clock().now();
        let (row, of) = (self.row.clone(), self.of()?);
        // A long one takes its milliseconds, and a page may have a hundred.
        tokio::task::spawn_blocking(move || lint(&row.words(), of, &row.owner(), at))
            .await
            .map_err(|error| op_error(OpError::Internal(error.into())))
    }
}

/// Words that are kept for reuse. Variables stand in them between double braces, as `{{debtorFirstName}}`; the query
/// templateVariables lists which there are. The words are plain text, also of e-mails and letters: as HTML they are shown with
/// everything escaped.
#[Object]
impl Template {
    /// The template's id (`tmpl_…`).
    pub(crate) async fn id(&self) -> ID {
        ids::encode(IdKind::Template, self.row.id).into()
    }

    /// Its name, unique among those that are not archived.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// What it is for, in your own words.
    async fn description(&self) -> Option<&str> {
        self.row.description.as_deref()
    }

    /// What becomes of its words.
    #[graphql(name = "type")]
    async fn kind(&self) -> async_graphql::Result<TemplateType> {
        Ok(self.of()?.kind)
    }

    /// Which message to a person it is.
    async fn purpose(&self) -> async_graphql::Result<TemplatePurpose> {
        Ok(self.of()?.purpose)
    }

    /// The language that it is written in; it is sent to those who are written to in it.
    async fn language(&self) -> async_graphql::Result<TemplateLanguage> {
        Ok(self.of()?.language)
    }

    /// The subject of an e-mail, the heading of a letter or agreement; null for texts.
    async fn subject(&self) -> Option<&str> {
        self.row.subject.as_deref()
    }

    /// The words.
    async fn body(&self) -> &str {
        &self.row.body
    }

    /// The names of the variables in it, each once, as far as there are such.
    async fn variables(&self) -> Vec<&'static str> {
        let subject = self.row.subject.as_deref().unwrap_or_default();
        let (subject, body) = (parse(subject), parse(&self.row.body));
        let mut named: Vec<&str> = places(&subject)
            .chain(places(&body))
            .filter_map(|(name, _)| Variable::parse(name).map(Variable::name))
            .collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// Whether it can be used.
    async fn is_active(&self) -> bool {
        self.row.is_active
    }

    /// Whether it is the one to offer first for its type, purpose and language.
    async fn is_default(&self) -> bool {
        self.row.is_default
    }

    /// Counts saves, from 1: hand it to updateTemplate as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.row.version
    }

    /// What is to be said of it by the rules of now, in the order of its text; empty where nothing is. Rules change: what was
    /// in order when it was saved may be no more. Each message that is made of it is judged again, by itself.
    async fn findings(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<TemplateFinding>> {
        Ok(shown(self.linted(ctx).await?.findings))
    }

    /// How long a text of it is, with example values and what is added when it is sent; null where it is no SMS.
    async fn length(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<TextLength>> {
        Ok(self.linted(ctx).await?.length.map(TextLength::from))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it was saved last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }

    /// Who saved it last; null for an API key and the service.
    async fn updated_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.row.updated_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Since when it is archived; null while it is not.
    async fn archived_at(&self) -> Option<DateTime<Utc>> {
        self.row.archived_at
    }
}

/// Something to look at in a template.
#[derive(Clone, SimpleObject)]
pub struct TemplateFinding {
    /// The id of the rule: one of the gate, as in `ComplianceDecision.rule`, or one that begins with `template-`.
    rule: String,
    /// Where the rule stands in the law; null for what is no law.
    citation: Option<String>,
    /// Whether it forbids the use of the template.
    severity: Severity,
    /// What it is, and what to do.
    message: String,
    /// In which part it is.
    part: Part,
    /// The first character in that part, counted from 0 in Unicode characters; null where it is of the whole.
    start: Option<i32>,
    /// The character after the last one; null where it is of the whole.
    end: Option<i32>,
}

impl From<Finding> for TemplateFinding {
    fn from(found: Finding) -> Self {
        let (start, end) = found.place.unzip();
        let character = |at: Option<usize>| at.map(|at| i32::try_from(at).unwrap_or(i32::MAX));
        Self {
            rule: found.rule,
            citation: found.citation,
            severity: found.severity,
            message: found.message,
            part: found.part,
            start: character(start),
            end: character(end),
        }
    }
}

/// At most this many findings are told of one template: who has put them right sees the rest.
const MOST_FINDINGS: usize = 100;

pub(super) fn shown(findings: Vec<Finding>) -> Vec<TemplateFinding> {
    findings
        .into_iter()
        .take(MOST_FINDINGS)
        .map(TemplateFinding::from)
        .collect()
}

/// How the characters of a text message travel.
#[derive(Clone, Copy, Enum, Eq, PartialEq)]
pub enum TextEncoding {
    /// The alphabet of text messages: 160 characters in one part, 153 in each of several.
    #[graphql(name = "GSM_7")]
    Gsm7,
    /// Where one character is not of that alphabet: 70 characters in one part, 67 in each of several.
    #[graphql(name = "UCS_2")]
    Ucs2,
}

/// How long a text message is.
#[derive(Clone, SimpleObject)]
pub struct TextLength {
    /// How its characters travel.
    encoding: TextEncoding,
    /// How much room its characters take: most take one unit, some two.
    units: i32,
    /// In how many parts it travels, each of which is paid for.
    segments: i32,
}

impl From<SmsLength> for TextLength {
    fn from(length: SmsLength) -> Self {
        Self {
            encoding: match length.encoding {
                SmsEncoding::Gsm7 => TextEncoding::Gsm7,
                SmsEncoding::Ucs2 => TextEncoding::Ucs2,
            },
            units: i32::try_from(length.units).unwrap_or(i32::MAX),
            segments: i32::try_from(length.segments).unwrap_or(i32::MAX),
        }
    }
}

/// A version of a template.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct TemplateRevision {
    /// Its number.
    version: i32,
    /// The name that the template had.
    name: String,
    /// The subject that it had.
    subject: Option<String>,
    /// The words that it had.
    body: String,
    /// When it was saved.
    saved_at: DateTime<Utc>,
    #[graphql(skip)]
    saved_by: Option<Uuid>,
}

impl AtHand for TemplateRevision {}

impl TemplateRevision {
    pub(super) fn new(row: VersionRow) -> Self {
        Self {
            version: row.version,
            name: row.name,
            subject: row.subject,
            body: row.body,
            saved_at: row.saved_at,
            saved_by: row.saved_by,
        }
    }
}

#[async_graphql::ComplexObject]
impl TemplateRevision {
    /// Who saved it; null for an API key and the service.
    async fn saved_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.saved_by {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

/// A variable of templates.
#[derive(Clone, SimpleObject)]
pub struct TemplateVariable {
    /// Its name, as it is written between double braces.
    name: &'static str,
    /// What stands in its place.
    description: &'static str,
    /// What that may be, in English.
    example_en: String,
    /// What that may be, in Spanish.
    example_es: String,
    /// In the body of which types of a first contact it may stand.
    first_contact_types: Vec<TemplateType>,
    /// In the body of which types of a later message it may stand.
    follow_up_types: Vec<TemplateType>,
    /// Whether it may stand in the subject of an e-mail.
    in_subject: bool,
}

impl TemplateVariable {
    pub(super) fn new(variable: Variable) -> Self {
        let types = |purpose: TemplatePurpose| {
            let may_stand = |kind: &TemplateType| {
                let of = Use {
                    kind: *kind,
                    purpose,
                    language: TemplateLanguage::En,
                };
                variable.may_stand_in_body(of, true)
            };
            TemplateType::ALL.into_iter().filter(may_stand).collect()
        };
        Self {
            name: variable.name(),
            description: variable.description(),
            example_en: variable.example(TemplateLanguage::En, TemplatePurpose::FollowUp),
            example_es: variable.example(TemplateLanguage::Es, TemplatePurpose::FollowUp),
            first_contact_types: types(TemplatePurpose::FirstContact),
            follow_up_types: types(TemplatePurpose::FollowUp),
            in_subject: variable.may_stand_in_subject(),
        }
    }
}
