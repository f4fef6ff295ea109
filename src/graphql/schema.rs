//! The merged roots.

use std::sync::Arc;

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions};

use super::{node::NodeQueries, system_health::HealthQueries};
use crate::{
    accounts::{
        ExportLimit, LookLimit,
        graphql::{AccountMutations, AccountQueries, ImportSubscriptions},
        import::AccountImports,
        ports::ActivePlans,
    },
    audit::graphql::{AccessLogQueries, AuditQueries},
    compliance::graphql::{ComplianceQueries, ContactPolicyMutations, ContactPolicyQueries},
    conversations::{
        feed::InboxReaders,
        graphql::{
            ConversationMutations, ConversationQueries, ConversationSubscriptions, ProviderAccountMutations,
            ProviderAccountQueries,
        },
    },
    files::{Files, graphql::FileMutations},
    identity::{
        Identity,
        graphql::{IdentityMutations, IdentityQueries},
    },
    platform::gql::PageLimit,
    settings::graphql::SettingsMutations,
};

/// What can be read.
#[derive(Default, MergedObject)]
pub struct Query(
    IdentityQueries,
    NodeQueries,
    AccountQueries,
    ConversationQueries,
    ComplianceQueries,
    AuditQueries,
    ContactPolicyQueries,
    ProviderAccountQueries,
    HealthQueries,
    AccessLogQueries,
);

/// What can be changed. Every mutation takes one `input` and answers with the changed object and `userErrors`.
#[derive(Default, MergedObject)]
pub struct Mutation(
    IdentityMutations,
    FileMutations,
    AccountMutations,
    ConversationMutations,
    SettingsMutations,
    ContactPolicyMutations,
    ProviderAccountMutations,
);

/// What can be followed live. Every payload carries a cursor to resume after.
#[derive(Default, MergedSubscription)]
pub struct Subscription(ConversationSubscriptions, ImportSubscriptions);

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    async_graphql::Schema::build(Query::default(), Mutation::default(), Subscription::default())
        // Depth and cost are checked before execution, with fragments expanded; these are the library's own, as a
        // second line.
        .limit_depth(40)
        .limit_recursive_depth(40)
}

/// The schema with what its resolvers share.
pub fn build_schema(
    identity: Identity,
    files: Files,
    export_limit: ExportLimit,
    imports: AccountImports,
    readers: InboxReaders,
    page_limit: PageLimit,
    look_limit: LookLimit,
    plans: Arc<dyn ActivePlans>,
) -> Schema {
    builder()
        .data(identity)
        .data(files)
        .data(export_limit)
        .data(imports)
        .data(readers)
        .data(page_limit)
        .data(look_limit)
        .data(plans)
        .finish()
}

/// The schema definition as committed in `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by();
    builder().finish().sdl_with_options(options)
}
