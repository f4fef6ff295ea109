//! Mutations of templates.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::types::{Template, TemplateFinding, shown};
use crate::{
    platform::{
        gql::{Done, Outcome, UserError, input_id, mutate},
        ids::IdKind,
    },
    templates::{
        finding::Linted,
        model::{TemplateLanguage, TemplatePurpose, TemplateType, Use},
        save::{
            NewTemplate, TemplatePatch, archive_template, create_template, set_default_template,
            update_template,
        },
    },
};

/// A template to be kept.
#[derive(Debug, InputObject)]
pub struct CreateTemplateInput {
    /// Its name, 1 to 100 characters, unique among your templates that are not archived.
    name: String,
    /// What it is for, at most 500 characters.
    description: Option<String>,
    /// What becomes of its words. It never changes: for another, make another template.
    #[graphql(name = "type")]
    kind: TemplateType,
    /// Which message to a person it is; an agreement is always a FOLLOW_UP. It never changes.
    purpose: TemplatePurpose,
    /// The language of its words. It never changes.
    language: TemplateLanguage,
    /// The subject of an e-mail or heading of a letter, at most 150 characters; left out for texts.
    subject: Option<String>,
    /// Its words, with variables between double braces. A text has at most 1,600 characters, a WhatsApp message 1,024,
    /// anything else 20,000.
    body: String,
    /// Whether it can be used at once; refused where something forbids it. Otherwise it is a draft, whatever it says.
    #[graphql(default)]
    active: bool,
}

/// What to change about a template; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateTemplateInput {
    /// The template (`tmpl_…`).
    id: ID,
    /// The `version` that you read. When somebody else has saved it since, nothing happens.
    expected_version: i32,
    /// Its new name.
    name: Option<String>,
    /// Its new description; null removes it.
    description: MaybeUndefined<String>,
    /// Its new subject; null removes it.
    subject: MaybeUndefined<String>,
    /// Its new words.
    body: Option<String>,
    /// Whether it can be used. Words that something forbids are refused while it is, so that a template in use never falls
    /// silent by a slip: take it out of use in the same change to keep them as a draft. One that is taken out of use is no
    /// default any more.
    active: Option<bool>,
}

/// A template that nobody needs any more.
#[derive(Debug, InputObject)]
pub struct ArchiveTemplateInput {
    /// The template (`tmpl_…`).
    id: ID,
}

/// The template to offer first.
#[derive(Debug, InputObject)]
pub struct SetDefaultTemplateInput {
    /// The template (`tmpl_…`); it has to be active.
    id: ID,
}

macro_rules! saving_payloads {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $name {
            /// The template as it is now; null when there are user errors.
            template: Option<Template>,
            /// What was found in the words that you gave, also where they were refused; null where they were not looked
            /// through. Not stored.
            findings: Option<Vec<TemplateFinding>>,
            /// What to put right; empty on success.
            user_errors: Vec<UserError>,
        }

        impl $name {
            async fn of(
                ctx: &Context<'_>,
                outcome: Outcome,
                linted: Option<Linted>,
            ) -> async_graphql::Result<Self> {
                Ok(Self {
                    template: loaded(ctx, &outcome).await?,
                    findings: linted.map(|linted| shown(linted.findings)),
                    user_errors: outcome.user_errors,
                })
            }
        }
    )*};
}

saving_payloads! {
    /// What createTemplate answers.
    CreateTemplatePayload;
    /// What updateTemplate answers.
    UpdateTemplatePayload;
}

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $name {
            /// The template as it is now; null when there are user errors.
            template: Option<Template>,
            /// What to put right; empty on success.
            user_errors: Vec<UserError>,
        }

        impl $name {
            async fn of(ctx: &Context<'_>, outcome: Outcome) -> async_graphql::Result<Self> {
                Ok(Self {
                    template: loaded(ctx, &outcome).await?,
                    user_errors: outcome.user_errors,
                })
            }
        }
    )*};
}

payloads! {
    /// What archiveTemplate answers.
    ArchiveTemplatePayload;
    /// What setDefaultTemplate answers.
    SetDefaultTemplatePayload;
}

async fn loaded(ctx: &Context<'_>, outcome: &Outcome) -> async_graphql::Result<Option<Template>> {
    match outcome.object {
        Some(id) => Template::load(ctx, id).await,
        None => Ok(None),
    }
}

/// Mutations of templates.
#[derive(Default)]
pub struct TemplateMutations;

#[Object]
impl TemplateMutations {
    /// Keeps a template. Its words are looked through by the rules that judge a message.
    async fn create_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template.")] input: CreateTemplateInput,
    ) -> async_graphql::Result<CreateTemplatePayload> {
        let mut linted = None;
        let outcome = mutate(ctx, async |tx, _| {
            let new = NewTemplate {
                name: input.name,
                description: input.description,
                of: Use {
                    kind: input.kind,
                    purpose: input.purpose,
                    language: input.language,
                },
                subject: input.subject,
                body: input.body,
                is_active: input.active,
            };
            Ok(Done::from(create_template(tx, new, &mut linted).await?))
        })
        .await?;
        CreateTemplatePayload::of(ctx, outcome, linted).await
    }

    /// Changes a template, as a new version: messages that were made of an earlier one still lead to that.
    async fn update_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which template, and what changes.")] input: UpdateTemplateInput,
    ) -> async_graphql::Result<UpdateTemplatePayload> {
        let mut linted = None;
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Template, "id", &input.id)?;
            let patch = TemplatePatch {
                expected_version: input.expected_version,
                name: input.name,
                description: input.description.into(),
                subject: input.subject.into(),
                body: input.body,
                is_active: input.active,
            };
            update_template(tx, id, patch, &mut linted).await?;
            Ok(Done::from(id))
        })
        .await?;
        UpdateTemplatePayload::of(ctx, outcome, linted).await
    }

    /// Takes a template out of use for good. Nothing of it is lost: messages that were made of it still lead to it.
    async fn archive_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which template.")] input: ArchiveTemplateInput,
    ) -> async_graphql::Result<ArchiveTemplatePayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Template, "id", &input.id)?;
            archive_template(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        ArchiveTemplatePayload::of(ctx, outcome).await
    }

    /// Makes a template the one to offer first for its type, purpose and language, in the place of the one before.
    async fn set_default_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which template.")] input: SetDefaultTemplateInput,
    ) -> async_graphql::Result<SetDefaultTemplatePayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let id = input_id(IdKind::Template, "id", &input.id)?;
            set_default_template(tx, id).await?;
            Ok(Done::from(id))
        })
        .await?;
        SetDefaultTemplatePayload::of(ctx, outcome).await
    }
}
