//! Custom fields in the API.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::{
    accounts::custom_fields::{CustomField, CustomFieldKind, CustomFields, set_custom_fields},
    platform::gql::{Done, ScopeExt as _, UserError, mutate, op_error},
};

/// A field of the business's own on its accounts.
#[derive(SimpleObject)]
pub struct CustomFieldDefinition {
    /// Its name, the key in `Account.customFields`.
    name: String,
    /// What it holds.
    kind: CustomFieldKind,
    /// Whether an account must have it: asked when one is created, imported, or its custom fields are written.
    required: bool,
    /// What can be chosen, in the order to show; empty of other kinds.
    choices: Vec<String>,
}

impl From<CustomField> for CustomFieldDefinition {
    fn from(field: CustomField) -> Self {
        Self {
            name: field.name,
            kind: field.kind,
            required: field.required,
            choices: field.choices,
        }
    }
}

/// The fields of the business's own.
#[derive(SimpleObject)]
pub struct CustomFieldList {
    /// Counts the changes: hand it to setCustomFields, which then refuses to undo another's.
    version: i32,
    /// The fields, in the order to show.
    fields: Vec<CustomFieldDefinition>,
}

impl CustomFieldList {
    async fn load(ctx: &Context<'_>) -> async_graphql::Result<Self> {
        let found = CustomFields::of_business(&mut *ctx.snapshot().await?)
            .await
            .map_err(op_error)?;
        Ok(Self {
            version: found.version,
            fields: found.fields.into_iter().map(Into::into).collect(),
        })
    }
}

/// Queries about custom fields.
#[derive(Default)]
pub struct CustomFieldQueries;

#[Object]
impl CustomFieldQueries {
    /// The fields of your own that your business keeps with its accounts, for forms and tables. `Account.customFields` may
    /// hold others too.
    async fn custom_fields(&self, ctx: &Context<'_>) -> async_graphql::Result<CustomFieldList> {
        CustomFieldList::load(ctx).await
    }
}

/// A field as it is to be.
#[derive(Debug, InputObject)]
pub struct CustomFieldInput {
    /// Its name, 1 to 60 characters: the key in `Account.customFields`. Another name is another field.
    name: String,
    /// What it holds.
    kind: CustomFieldKind,
    /// Whether an account must have it.
    #[graphql(default = false)]
    required: bool,
    /// Of a CHOICE what can be chosen, 1 to 50 words of 1 to 100 characters; else nothing.
    choices: Option<Vec<String>>,
}

/// The fields as they are to be.
#[derive(Debug, InputObject)]
pub struct SetCustomFieldsInput {
    /// The version that you read; where it is left out, the list is replaced whatever it is.
    version: Option<i32>,
    /// All of them, at most 50, in the order to show.
    fields: Vec<CustomFieldInput>,
}

/// What setCustomFields answers.
#[derive(SimpleObject)]
pub struct SetCustomFieldsPayload {
    /// The fields as they are now; null when there are user errors.
    custom_fields: Option<CustomFieldList>,
    /// What to put right; empty on success.
    user_errors: Vec<UserError>,
}

/// Mutations of custom fields.
#[derive(Default)]
pub struct CustomFieldMutations;

#[Object]
impl CustomFieldMutations {
    /// Says which fields of your own your business keeps with its accounts. What accounts hold stays; from now on what is written
    /// to them has to fit.
    async fn set_custom_fields(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "All of them.")] input: SetCustomFieldsInput,
    ) -> async_graphql::Result<SetCustomFieldsPayload> {
        let outcome = mutate(ctx, async |tx, _| {
            let fields = input.fields.into_iter().map(|field| CustomField {
                name: field.name,
                kind: field.kind,
                required: field.required,
                choices: field.choices.unwrap_or_default(),
            });
            set_custom_fields(tx, input.version, fields.collect()).await?;
            Ok(Done::from(tx.business_id()))
        })
        .await?;
        let custom_fields = match outcome.object {
            Some(_) => Some(CustomFieldList::load(ctx).await?),
            None => None,
        };
        Ok(SetCustomFieldsPayload {
            custom_fields,
            user_errors: outcome.user_errors,
        })
    }
}
