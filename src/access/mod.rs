//! Role x resource x action. casbin evaluates the policy once, at start, into a table of bits; a request costs one
//! bit test. Owns no table. May import `platform` only.
//!
//! - [`Cell`]: every permission there is.
//! - [`AccessTable`]: what each role holds, from `policies/access/`.
//! - [`debtor_fields`]: what of the API a debtor may ask for.
//! - [`operations`]: which cell each API operation needs; the permission matrix is printed from it.

pub mod debtor_fields;
pub mod operations;

use std::collections::HashMap;

use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};

use uuid::Uuid;

use crate::platform::context::{GrantSet, TenantCtx};

/// The roles of funnelchat. What a role may do stands in `policies/access/policy.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Operates the platform; inside a business only by break-glass.
    SuperAdmin,
    BusinessAdmin,
    Manager,
    Agent,
    ComplianceOfficer,
    Debtor,
    /// An API key.
    Service,
}

impl Role {
    /// Every role, in the order of the permission matrix.
    pub const ALL: [Self; 7] = [
        Self::SuperAdmin,
        Self::BusinessAdmin,
        Self::Manager,
        Self::Agent,
        Self::ComplianceOfficer,
        Self::Debtor,
        Self::Service,
    ];

    /// As the policy file spells it.
    pub fn policy_name(self) -> &'static str {
        match self {
            Self::SuperAdmin => "super_admin",
            Self::BusinessAdmin => "business_admin",
            Self::Manager => "manager",
            Self::Agent => "agent",
            Self::ComplianceOfficer => "compliance_officer",
            Self::Debtor => "debtor",
            Self::Service => "service",
        }
    }

    /// As the database and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SuperAdmin => "SUPER_ADMIN",
            Self::BusinessAdmin => "BUSINESS_ADMIN",
            Self::Manager => "MANAGER",
            Self::Agent => "AGENT",
            Self::ComplianceOfficer => "COMPLIANCE_OFFICER",
            Self::Debtor => "DEBTOR",
            Self::Service => "SERVICE",
        }
    }

    /// The reverse of [`Role::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether the role sees only what is assigned to the person or to nobody.
    pub fn is_scoped_to_assignments(self) -> bool {
        matches!(self, Self::Agent)
    }
}

macro_rules! cells {
    ($($variant:ident => $resource:literal, $action:literal;)*) => {
        /// One permission: an action on a kind of thing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cell { $($variant,)* }

        impl Cell {
            /// Every cell.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The resource and action that the policy file names.
            pub fn names(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($resource, $action),)* }
            }
        }
    };
}

cells! {
    BusinessRead => "business", "read";
    UserRead => "user", "read";
    UserReadDetails => "user", "read_details";
    UserReadActivity => "user", "read_activity";
    UserReadActivityAny => "user", "read_activity_any";
    UserManage => "user", "manage";
    UserManageAny => "user", "manage_any";
    AccountRead => "account", "read";
    AccountCreate => "account", "create";
    AccountUpdate => "account", "update";
    AccountDelete => "account", "delete";
    AccountRestore => "account", "restore";
    AccountAssignSelf => "account", "assign_self";
    AccountAssignAny => "account", "assign_any";
    AccountViewSave => "account_view", "save";
    DebtorMerge => "debtor", "merge";
    AccountExport => "account", "export";
    AccountImport => "account", "import";
    NoteAdd => "note", "add";
    FileUpload => "file", "upload";
    DocumentAdd => "document", "add";
    DocumentDelete => "document", "delete";
    CreditorRead => "creditor", "read";
    CreditorCreate => "creditor", "create";
    CreditorUpdate => "creditor", "update";
    HoldSet => "hold", "set";
    HoldRelease => "hold", "release";
    ConsentRecord => "consent", "record";
    SuppressionRead => "suppression", "read";
    SuppressionSet => "suppression", "set";
    SuppressionRelease => "suppression", "release";
    NumberListRead => "number_list", "read";
    NumberListManage => "number_list", "manage";
    LicenseRead => "license", "read";
    LicenseManage => "license", "manage";
    SuitAuthorize => "suit", "authorize";
    ComplianceDashboardRead => "compliance_dashboard", "read";
    LedgerRead => "ledger", "read";
    ConversationRead => "conversation", "read";
    ConversationStart => "conversation", "start";
    ConversationSend => "conversation", "send";
    ConversationAssignSelf => "conversation", "assign_self";
    ConversationAssignAny => "conversation", "assign_any";
    ConversationUpdate => "conversation", "update";
    ConversationFollow => "conversation", "follow";
    RoutingRead => "routing", "read";
    RoutingManage => "routing", "manage";
    DecisionRead => "decision", "read";
    DecisionCheck => "decision", "check";
    AuditRead => "audit", "read";
    AuditExport => "audit", "export";
    ApiKeyRead => "api_key", "read";
    ApiKeyManage => "api_key", "manage";
    ProfileUpdate => "profile", "update";
    BusinessUpdate => "business", "update";
    ContactPolicyRead => "contact_policy", "read";
    ContactPolicyApprove => "contact_policy", "approve";
    ProviderRead => "provider_account", "read";
    ProviderManage => "provider_account", "manage";
    RoleRead => "role", "read";
    RoleManage => "role", "manage";
    AccessLogRead => "access_log", "read";
    BreakGlassRead => "break_glass", "read";
    BreakGlassEnd => "break_glass", "end";
    DebtorLinkManage => "debtor_link", "manage";
    OwnContactUpdate => "own_contact", "update";
    OwnDataExport => "own_data", "export";
    DisputeRead => "dispute", "read";
    DisputeFile => "dispute", "file";
    DisputeAnswer => "dispute", "answer";
    DisputeResolve => "dispute", "resolve";
    ValidationNoticeRead => "validation_notice", "read";
    ValidationNoticeManage => "validation_notice", "manage";
    ComplaintRead => "complaint", "read";
    ComplaintFile => "complaint", "file";
    ComplaintResolve => "complaint", "resolve";
    PrivacyRead => "privacy", "read";
    PrivacyManage => "privacy", "manage";
    EvidenceExport => "evidence", "export";
    TemplateRead => "template", "read";
    TemplateManage => "template", "manage";
    PaymentRead => "payment", "read";
    PaymentCreate => "payment", "create";
    PaymentRecord => "payment", "record";
    PaymentRefund => "payment", "refund";
}

impl Cell {
    /// As the API and the database spell it: `resource:action`.
    pub fn label(self) -> String {
        let (resource, action) = self.names();
        format!("{resource}:{action}")
    }

    /// The reverse of [`Cell::label`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cell| cell.label() == text)
    }

    fn bit(self) -> u32 {
        Self::ALL
            .iter()
            .zip(0..)
            .find_map(|(cell, bit)| (*cell == self).then_some(bit))
            .unwrap_or(u32::MAX)
    }
}

/// The caller may not do this.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("your role may not {} {}: ask an administrator of your business", .0.names().1, .0.names().0)]
pub struct Denied(pub Cell);

/// Refuses unless the context holds the cell. Call it beside the SQL that it guards.
///
/// # Errors
/// [`Denied`] names the missing cell.
pub fn authorize(ctx: &TenantCtx, cell: Cell) -> Result<(), Denied> {
    if ctx.grants().has(cell.bit()) {
        Ok(())
    } else {
        Err(Denied(cell))
    }
}

/// The same for what concerns one person: staff need the cell, the person themselves [`Cell::OwnContactUpdate`].
///
/// # Errors
/// [`Denied`] names the missing cell.
pub fn authorize_or_own(ctx: &TenantCtx, cell: Cell, person: Uuid) -> Result<(), Denied> {
    match ctx.debtor_id() {
        None => authorize(ctx, cell),
        Some(own) if own == person => authorize(ctx, Cell::OwnContactUpdate),
        Some(_) => Err(Denied(cell)),
    }
}

/// What every role holds.
#[derive(Clone, Debug)]
pub struct AccessTable {
    grants: HashMap<Role, GrantSet>,
}

impl AccessTable {
    /// Evaluates `policies/access/` for every role and cell.
    ///
    /// # Errors
    /// When the policy does not parse or names a role, resource or action that does not exist.
    pub async fn load() -> anyhow::Result<Self> {
        let model = DefaultModel::from_str(include_str!("../../policies/access/model.conf")).await?;
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
        for line in include_str!("../../policies/access/policy.csv").lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<String> = line
                .split(',')
                .skip(1)
                .map(|field| field.trim().to_owned())
                .collect();
            anyhow::ensure!(
                is_known(&fields),
                "policies/access/policy.csv: no such role or cell: {line}"
            );
            enforcer.add_policy(fields).await?;
        }
        let mut grants = HashMap::new();
        for role in Role::ALL {
            let mut set = GrantSet::default();
            for cell in Cell::ALL {
                let (resource, action) = cell.names();
                if enforcer.enforce((role.policy_name(), resource, action))? {
                    set = set.with(cell.bit());
                }
            }
            grants.insert(role, set);
        }
        Ok(Self { grants })
    }

    /// What `role` holds.
    pub fn grants(&self, role: Role) -> GrantSet {
        self.grants.get(&role).copied().unwrap_or_default()
    }

    /// What is left of `role` for a person who was given fewer permissions (labels of cells). Nothing is ever added: a
    /// permission that the role does not hold, or that is known no more, counts for nothing.
    pub fn grants_within(&self, role: Role, permissions: Option<&[String]>) -> GrantSet {
        let whole = self.grants(role);
        let Some(permissions) = permissions else {
            return whole;
        };
        Cell::ALL
            .iter()
            .filter(|cell| whole.has(cell.bit()) && permissions.contains(&cell.label()))
            .fold(GrantSet::default(), |set, cell| set.with(cell.bit()))
    }

    /// What [`Self::grants_within`] leaves, in alphabetical order.
    pub fn labels_within(&self, role: Role, permissions: Option<&[String]>) -> Vec<String> {
        let set = self.grants_within(role, permissions);
        let mut labels: Vec<String> = Cell::ALL
            .iter()
            .filter(|cell| set.has(cell.bit()))
            .map(|cell| cell.label())
            .collect();
        labels.sort();
        labels
    }

    /// Whether `role` holds `cell`.
    pub fn allows(&self, role: Role, cell: Cell) -> bool {
        self.grants(role).has(cell.bit())
    }
}

fn is_known(fields: &[String]) -> bool {
    let [role, resource, action] = fields else {
        return false;
    };
    Role::ALL.iter().any(|known| known.policy_name() == role)
        && Cell::ALL
            .iter()
            .any(|cell| cell.names() == (resource.as_str(), action.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn fewer_permissions_are_a_part_of_the_role_and_never_more() {
        let table = AccessTable::load().await.unwrap();
        for role in Role::ALL {
            let whole = table.labels_within(role, None);
            assert!(
                whole.iter().all(|label| Cell::parse(label).is_some()),
                "{whole:?}"
            );
            let everything: Vec<String> = Cell::ALL.iter().map(|cell| cell.label()).collect();
            assert_eq!(table.labels_within(role, Some(&everything)), whole);
            assert!(table.labels_within(role, Some(&[])).is_empty());
            let odd = ["user:read".to_owned(), "nothing:known".to_owned()];
            let left = table.labels_within(role, Some(&odd));
            assert!(
                left.iter()
                    .all(|label| label == "user:read" && whole.contains(label))
            );
        }
    }
}
