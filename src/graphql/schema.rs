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
    audit::graphql::{AccessLogQueries, AuditQueries, BundleMutations, BundleQueries},
    compliance::{
        OptOutLinks,
        graphql::{
            AcceptanceMutations, ArchiveMutations, ArchiveQueries, CaseMutations, CaseQueries,
            ComplianceQueries, ContactPolicyMutations, ContactPolicyQueries, ContentQueries,
            DashboardQueries, HoldQueries, LicenseMutations, LicenseQueries, NumberListMutations,
            NumberListQueries, OwnDataMutations, OwnDataQueries, PrivacyMutations, PrivacyQueries,
            RetentionMutations, RetentionQueries, SuppressionMutations, SuppressionQueries,
        },
        ports::Letterheads,
    },
    conversations::{
        feed::InboxReaders,
        graphql::{
            AccountSubscriptions, ConversationMutations, ConversationQueries, ConversationSubscriptions,
            NumberMutations, NumberQueries, ProviderAccountMutations, ProviderAccountQueries,
        },
        ports::VendorAccounts,
    },
    files::{Files, graphql::FileMutations},
    identity::{
        Identity,
        graphql::{IdentityMutations, IdentityQueries},
    },
    payments::{Payments, graphql::PaymentMutations},
    platform::gql::PageLimit,
    portal::{
        Portal,
        graphql::{PortalMutations, PortalQueries},
    },
    settings::graphql::SettingsMutations,
    templates::{
        graphql::{TemplateMutations, TemplateQueries},
        ports::DebtorLinks,
    },
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
    BundleQueries,
    ContactPolicyQueries,
    ContentQueries,
    SuppressionQueries,
    CaseQueries,
    PrivacyQueries,
    RetentionQueries,
    ArchiveQueries,
    OwnDataQueries,
    NumberListQueries,
    HoldQueries,
    LicenseQueries,
    DashboardQueries,
    ProviderAccountQueries,
    NumberQueries,
    HealthQueries,
    AccessLogQueries,
    PortalQueries,
    TemplateQueries,
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
    SuppressionMutations,
    CaseMutations,
    PrivacyMutations,
    AcceptanceMutations,
    RetentionMutations,
    ArchiveMutations,
    OwnDataMutations,
    BundleMutations,
    NumberListMutations,
    LicenseMutations,
    ProviderAccountMutations,
    NumberMutations,
    PortalMutations,
    TemplateMutations,
    PaymentMutations,
);

/// What can be followed live. Every payload carries a cursor to resume after.
#[derive(Default, MergedSubscription)]
pub struct Subscription(
    ConversationSubscriptions,
    AccountSubscriptions,
    ImportSubscriptions,
);

/// The schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    async_graphql::Schema::build(Query::default(), Mutation::default(), Subscription::default())
        // Depth and cost are checked before execution, with fragments expanded; these are the library's own, as a
        // second line.
        .limit_depth(40)
        .limit_recursive_depth(40)
}

/// What resolvers share, whoever calls.
pub struct Shared {
    pub identity: Identity,
    pub portal: Portal,
    pub payments: Payments,
    pub opt_out_links: OptOutLinks,
    pub files: Files,
    pub imports: AccountImports,
    pub readers: InboxReaders,
    pub plans: Arc<dyn ActivePlans>,
    pub letterheads: Arc<dyn Letterheads>,
    pub vendor_accounts: Arc<dyn VendorAccounts>,
    pub debtor_links: Arc<dyn DebtorLinks>,
    pub page_limit: PageLimit,
    pub look_limit: LookLimit,
    pub export_limit: ExportLimit,
}

/// The schema with what its resolvers share.
pub fn build_schema(shared: Shared) -> Schema {
    builder()
        .data(shared.identity)
        .data(shared.portal)
        .data(shared.payments)
        .data(shared.opt_out_links)
        .data(shared.files)
        .data(shared.imports)
        .data(shared.readers)
        .data(shared.plans)
        .data(shared.letterheads)
        .data(shared.vendor_accounts)
        .data(shared.debtor_links)
        .data(shared.page_limit)
        .data(shared.look_limit)
        .data(shared.export_limit)
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
