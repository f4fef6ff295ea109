//! Somebody who may call an operation, for sweeps over all of them.

use funnelchat::access::{
    AccessTable, Cell, Role,
    operations::{Needs, needs},
};

use super::{Client, Tenant, TestApp};

/// One caller for each operation: the administrator where that role may, else who may.
pub struct Callers {
    pub admin: Client,
    compliance: Client,
    pub super_admin: Client,
    debtor: Client,
    table: AccessTable,
}

impl Callers {
    /// Signs them in.
    pub async fn of(app: &TestApp, tenant: &Tenant) -> Self {
        Self {
            admin: tenant.sign_in("admin").await,
            compliance: tenant.sign_in("compliance").await,
            super_admin: app.super_admin().await,
            debtor: app.debtor(tenant, 0).await,
            table: AccessTable::load().await.unwrap(),
        }
    }

    /// Who calls this operation.
    pub fn who(&self, root: &str, field: &str) -> &Client {
        match needs(root, field) {
            Some(Needs::Platform) => &self.super_admin,
            Some(Needs::Permission(Cell::OwnContactUpdate | Cell::OwnDataExport)) => &self.debtor,
            Some(Needs::Permission(cell)) if !self.table.allows(Role::BusinessAdmin, cell) => {
                &self.compliance
            }
            _ => &self.admin,
        }
    }
}
