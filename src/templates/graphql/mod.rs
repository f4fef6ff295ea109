//! Templates in the API.

mod mutations;
mod preview;
mod types;

use async_graphql::{Context, ID, InputObject, MergedObject, Object};

pub use self::types::Template;
use self::types::{TemplateConnection, TemplateRevision, TemplateRevisionConnection, TemplateVariable};
use super::{
    catalogue::Variable,
    model::{TemplateLanguage, TemplatePurpose, TemplateType},
    store::{self, TemplateCriteria},
};
use crate::platform::{
    gql::{EdgeCursor, PageArgs, ScopeExt as _, not_found, op_error, parse_id},
    ids::IdKind,
};

/// Queries about templates.
#[derive(Default, MergedObject)]
pub struct TemplateQueries(TemplateListQueries, preview::PreviewQueries);

pub use mutations::TemplateMutations;

/// Which templates a list shows; what is left out excludes nothing.
#[derive(Debug, Default, InputObject)]
pub struct TemplateFilter {
    /// Of this type only.
    #[graphql(name = "type")]
    kind: Option<TemplateType>,
    /// For this purpose only.
    purpose: Option<TemplatePurpose>,
    /// In this language only.
    language: Option<TemplateLanguage>,
    /// Those that can be used, or those that cannot.
    active: Option<bool>,
    /// Those that are archived, too.
    #[graphql(default)]
    with_archived: bool,
}

/// Lists of templates.
#[derive(Default)]
pub struct TemplateListQueries;

#[Object]
impl TemplateListQueries {
    /// Your business's templates, in alphabetical order, each with what is to be said of it by the rules of now.
    async fn templates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] filter: Option<TemplateFilter>,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<TemplateConnection> {
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<(String, uuid::Uuid)>("templates")?;
        let filter = filter.unwrap_or_default();
        let criteria = TemplateCriteria {
            kind: filter.kind,
            purpose: filter.purpose,
            language: filter.language,
            is_active: filter.active,
            with_archived: filter.with_archived,
        };
        let rows = store::page_of_templates(&mut *ctx.snapshot().await?, &criteria, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        let rows = rows
            .into_iter()
            .map(|row| {
                let key = (row.name_key.clone(), row.id);
                (EdgeCursor::of("templates", key), Template::new(row))
            })
            .collect();
        Ok(TemplateConnection::from_rows(&page, rows))
    }

    /// One template of yours by its id; null with a NOT_FOUND error when there is none.
    async fn template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template's id (`tmpl_…`).")] id: ID,
    ) -> async_graphql::Result<Option<Template>> {
        let template = parse_id(IdKind::Template, "id", &id)?;
        Template::load(ctx, template)
            .await?
            .map(Some)
            .ok_or_else(|| not_found("template"))
    }

    /// Every version of a template that ever stood, newest first.
    async fn template_revisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template's id (`tmpl_…`).")] template_id: ID,
        #[graphql(desc = "How many (1 to 100).")] first: Option<i32>,
        #[graphql(desc = "Past this cursor.")] after: Option<String>,
    ) -> async_graphql::Result<TemplateRevisionConnection> {
        let template = parse_id(IdKind::Template, "templateId", &template_id)?;
        let page = PageArgs {
            first,
            after,
            ..PageArgs::default()
        }
        .check(ctx)?;
        let past = page.key::<i32>("templateRevisions")?;
        let rows = store::page_of_versions(&mut *ctx.snapshot().await?, template, &page, past)
            .await
            .map_err(|error| op_error(error.into()))?;
        // A template has a version from the beginning.
        if rows.is_empty() && past.is_none() {
            return Err(not_found("template"));
        }
        let rows = rows
            .into_iter()
            .map(|row| {
                let cursor = EdgeCursor::of("templateRevisions", row.version);
                (cursor, TemplateRevision::new(row))
            })
            .collect();
        Ok(TemplateRevisionConnection::from_rows(&page, rows))
    }

    /// What may stand between double braces in a template, and where.
    async fn template_variables(&self) -> Vec<TemplateVariable> {
        Variable::ALL.into_iter().map(TemplateVariable::new).collect()
    }
}
