//! Types of a business's staff: invitations, and the roles that a person can be given.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{RoleName, User, roles::CustomRole};
use crate::{
    access::Role,
    identity::{
        invitation_store::{self, InvitationRow},
        invite::open_address,
    },
    platform::{
        error::OpError,
        gql::{AtHand, EmailAddressScalar, OpScope, ScopeExt as _, op_error},
        ids::{self, IdKind},
    },
};

crate::relay_connection!(User, UserConnection, UserEdge);
crate::relay_connection!(Invitation, InvitationConnection, InvitationEdge);

/// A role that a member of staff can have.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum StaffRole {
    /// A collector: what is assigned to them or to nobody.
    Agent,
    /// Leads collectors: all accounts and threads, and who works on them.
    Manager,
    /// Reads everything, the audit trail too; contacts nobody.
    ComplianceOfficer,
    /// Administers the business: everything in it.
    BusinessAdmin,
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Agent => Self::Agent,
            StaffRole::Manager => Self::Manager,
            StaffRole::ComplianceOfficer => Self::ComplianceOfficer,
            StaffRole::BusinessAdmin => Self::BusinessAdmin,
        }
    }
}

/// What has become of an invitation.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub enum InvitationStatus {
    /// Can be accepted.
    Open,
    /// Nobody accepted it in time: invite again to renew it.
    Expired,
    /// The person is a member now.
    Accepted,
    /// Withdrawn.
    Revoked,
}

/// Somebody who was asked to join your business.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct Invitation {
    /// The invitation's id (`inv_…`).
    id: ID,
    /// Where the link was mailed.
    email: EmailAddressScalar,
    /// What they will be called, unless they choose otherwise.
    name: String,
    /// The role that they will have.
    role: RoleName,
    /// A role of your business's own, if they will have one.
    custom_role: Option<CustomRole>,
    /// What has become of it.
    status: InvitationStatus,
    /// When they were first invited (business time).
    created_at: DateTime<Utc>,
    /// Until when the link is good (business time).
    expires_at: DateTime<Utc>,
    #[graphql(skip)]
    inviter: Option<Uuid>,
}

/// Somebody who was asked to join your business.
#[ComplexObject]
impl Invitation {
    /// Who invited them last; null where it was the platform's staff.
    async fn invited_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match self.inviter {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl AtHand for Invitation {}

impl Invitation {
    /// Looks an invitation up; `None` when it is not of the caller's business.
    ///
    /// # Errors
    /// Internal ones only.
    pub(super) async fn load(ctx: &Context<'_>, id: Uuid) -> async_graphql::Result<Option<Self>> {
        Self::find(ctx.scope()?, id).await.map_err(op_error)
    }

    async fn find(scope: &OpScope, id: Uuid) -> Result<Option<Self>, OpError> {
        let mut tx = scope.snapshot().await?;
        let now = tx.now();
        invitation_store::invitation(&mut tx, id)
            .await?
            .map(|row| Self::of(scope, row, now))
            .transpose()
    }

    pub(super) fn of(scope: &OpScope, row: InvitationRow, now: DateTime<Utc>) -> Result<Self, OpError> {
        let email = open_address(scope.keyring(), "invitations", row.id, &row.email_cipher)?;
        let role = Role::parse(&row.role).unwrap_or(Role::Agent);
        Ok(Self {
            id: ids::encode(IdKind::Invitation, row.id).into(),
            email: EmailAddressScalar(email.as_str().to_owned()),
            name: row.name,
            role: role.into(),
            custom_role: row
                .custom_role_id
                .zip(row.role_name)
                .map(|(id, name)| CustomRole::new(id, name, role, row.role_permissions.unwrap_or_default())),
            status: match row.state.as_str() {
                "ACCEPTED" => InvitationStatus::Accepted,
                "REVOKED" => InvitationStatus::Revoked,
                _ if row.expires_at <= now => InvitationStatus::Expired,
                _ => InvitationStatus::Open,
            },
            created_at: row.created_at,
            expires_at: row.expires_at,
            inviter: row.invited_by,
        })
    }
}
